//! Sessions in the keeper: taken over, stepped by events, due at their deadlines, forgotten when nothing is left of them.

mod asked;
mod commits;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Entry, Fed, Keeper, Queued, Reply, RequestRefused, Requested};
use crate::{
    ban::BanScope,
    id::{AccountId, SessionId},
    session::{
        Actor, EndReason, Event, Ignored, Outcome, Reach, Session, SessionState, StepContext,
        Version, step,
    },
    time::Timestamp,
};

impl Keeper {
    /// A session as the store has it.
    pub(super) fn take_over(&mut self, mut session: Session) {
        session.recovered();
        let (id, account) = (session.id, session.account);
        self.of_account.insert((account, id));
        self.sessions.insert(id, Entry::new(Some(session)));
        self.set_deadline(id);
    }

    /// Whatever the desk says now: sessions that it no longer carries end.
    pub(super) fn desk_rules(&mut self) {
        let mut ends = Vec::new();
        for (id, entry) in &self.sessions {
            let Some(session) = entry.latest().filter(|session| session.is_open()) else {
                continue;
            };
            let reason = match self.desk.account(session.account) {
                None => Some(EndReason::AccountUnlinked),
                Some(account) if account.owner != Some(session.owner) => {
                    Some(EndReason::AccountUnlinked)
                }
                Some(account) if account.disabled => Some(EndReason::DisabledOnRouter),
                Some(account) => self
                    .desk
                    .owner(account)
                    .is_none_or(|owner| owner.suspended)
                    .then_some(EndReason::UserSuspended),
            };
            ends.extend(reason.map(|reason| (*id, reason)));
        }
        for (id, reason) in ends {
            self.feed(
                id,
                Event::End {
                    reason,
                    by: Actor::Policy,
                }
                .into(),
            );
        }
        self.tell_mode();
        let now = self.clock.now();
        let banned: std::collections::BTreeSet<AccountId> = self
            .bans
            .values()
            .filter(|ban| ban.scope == BanScope::Account && ban.covers(None, now))
            .map(|ban| ban.account)
            .collect();
        for account in banned {
            self.end_what_is_asked(account);
        }
    }

    pub(super) fn feed_all(&mut self, event: &Event) {
        let all: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in all {
            self.feed(id, event.clone().into());
        }
    }

    /// Steps a session, or lets the event wait until its commit is durable.
    pub(super) fn feed(&mut self, id: SessionId, queued: Queued) {
        let Some(entry) = self.sessions.get_mut(&id) else {
            answer(queued, Fed::Unknown);
            return;
        };
        if entry.pending.is_some() {
            entry.queue.push_back(queued);
            return;
        }
        self.step(id, queued, 0);
    }

    fn step(&mut self, id: SessionId, queued: Queued, tries: u8) {
        let Some(current) = self
            .sessions
            .get(&id)
            .and_then(|entry| entry.current.as_deref())
        else {
            answer(queued, Fed::Unknown);
            return;
        };
        let fresh = self.fresh();
        let policy = self.desk.policy(current.account);
        let context = StepContext {
            now: self.clock.now(),
            policy,
            fresh,
        };
        let mut next = current.clone();
        self.out.clear();
        let mut out = std::mem::take(&mut self.out);
        let outcome = step(&mut next, &queued.event, &context, &mut out);
        self.out = out;
        if let Outcome::Ignored(why) = outcome {
            self.set_deadline(id);
            answer(queued, Fed::Ignored(why, Box::new(next)));
            return;
        }
        next.version = Version(next.version.0 + 1);
        self.commit_session(next, Some(queued), tries, None);
    }

    /// A new session: its first commit.
    pub(super) fn open(&mut self, session: Session, opened: Option<oneshot::Sender<Requested>>) {
        let (id, account) = (session.id, session.account);
        self.of_account.insert((account, id));
        self.sessions.insert(id, Entry::new(None));
        self.commit_session(session, None, 0, opened);
    }

    /// A banned account is not asked about, and nothing opens for it any more. What its owner had confirmed goes on
    /// until an operator decides.
    fn end_what_is_asked(&mut self, account: AccountId) {
        let asked: Vec<SessionId> = self
            .of(account)
            .filter(|session| {
                matches!(
                    session.state,
                    SessionState::Requested { .. } | SessionState::Challenged { .. }
                )
            })
            .map(|session| session.id)
            .collect();
        for id in asked {
            let end = Event::End {
                reason: EndReason::Banned,
                by: Actor::Policy,
            };
            self.feed(id, end.into());
        }
    }

    /// What was said before it came to this state, and holds still: the router is away, or answers cannot come.
    fn tell_what_is_away(&mut self, id: SessionId) {
        let current = self.sessions.get(&id).and_then(|e| e.current.as_deref());
        let router_away = self.contact.reachable == Some(false);
        let event = match (current.map(|session| &session.state), self.messenger_away) {
            (
                Some(
                    SessionState::Requested { ready: false, .. }
                    | SessionState::Opening {
                        give_up_at: Some(_),
                        ..
                    }
                    | SessionState::Ended {
                        reason: EndReason::Denied,
                        remains: Some(_),
                        ..
                    },
                ),
                _,
            ) if router_away => Event::Router(Reach::Away),
            (Some(SessionState::Challenged { challenge, .. }), Some(since))
                if challenge.paused_at.is_none() =>
            {
                Event::MessengerAway { since }
            }
            _ => return,
        };
        self.feed(id, event.into());
    }

    fn drain(&mut self, id: SessionId) {
        while let Some(entry) = self.sessions.get_mut(&id) {
            if entry.pending.is_some() {
                return;
            }
            let Some(queued) = entry.queue.pop_front() else {
                break;
            };
            self.step(id, queued, 0);
        }
        self.forget_if_over(id);
    }

    /// What is over, and has left nothing on the router, is forgotten: the store has it.
    fn forget_if_over(&mut self, id: SessionId) {
        let over = self.sessions.get(&id).is_some_and(|entry| {
            entry.pending.is_none()
                && entry.queue.is_empty()
                && entry.current.as_deref().is_none_or(Session::is_settled)
        });
        if !over {
            return;
        }
        let Some(forgotten) = self.sessions.remove(&id) else {
            return;
        };
        if let Some(at) = forgotten.due {
            self.deadlines.remove(&(at, id));
        }
        if let Some(session) = forgotten.current {
            self.of_account.remove(&(session.account, id));
        }
        self.suspects.remove(&id);
        self.doubtful.remove(&id);
    }

    pub(super) fn set_deadline(&mut self, id: SessionId) {
        let Some(entry) = self.sessions.get(&id) else {
            return;
        };
        let session = entry.current.as_deref();
        let next = session
            .filter(|_| entry.pending.is_none())
            .and_then(Session::deadline);
        self.set_due(id, next);
    }

    fn set_due(&mut self, id: SessionId, next: Option<Timestamp>) {
        let Some(entry) = self.sessions.get_mut(&id) else {
            return;
        };
        if entry.due == next {
            return;
        }
        if let Some(old) = std::mem::replace(&mut entry.due, next) {
            self.deadlines.remove(&(old, id));
        }
        self.deadlines.extend(next.map(|at| (at, id)));
    }

    /// Where one yes replaces what was open, the older session ends.
    fn only_one_open(&mut self, account: AccountId) {
        if self.desk.policy(account).second_tunnel == crate::policy::SecondTunnel::Both {
            return;
        }
        let mut confirmed: Vec<_> = self
            .of(account)
            .filter_map(|session| {
                session
                    .access()
                    .map(|access| (access.started_at, session.id))
            })
            .collect();
        confirmed.sort_unstable();
        confirmed.pop();
        for (_, older) in confirmed {
            let by = Actor::Policy;
            self.feed(
                older,
                Event::End {
                    reason: EndReason::Replaced,
                    by,
                }
                .into(),
            );
        }
    }

    /// An account's sessions, as they will be.
    pub(super) fn of(&self, account: AccountId) -> impl Iterator<Item = &Session> {
        self.entries_of(account).filter_map(Entry::latest)
    }

    pub(super) fn entries_of(&self, account: AccountId) -> impl Iterator<Item = &Entry> {
        let (first, last) = (
            SessionId::from_uuid(Uuid::nil()),
            SessionId::from_uuid(Uuid::max()),
        );
        let its = self.of_account.range((account, first)..=(account, last));
        its.filter_map(|(_, id)| self.sessions.get(id))
    }
}

pub(super) fn answer(queued: Queued, fed: Fed) {
    match queued.reply {
        None => {}
        Some(Reply::Fed(reply, activity)) => {
            let _ = reply.send((fed, activity.begin()));
        }
        Some(Reply::Requested(reply)) => {
            let ended = || RequestRefused::Store("it has just ended; ask again".into());
            let requested = match fed {
                Fed::Stepped(session) | Fed::Ignored(_, session) if session.is_open() => {
                    Requested::Exists(session)
                }
                Fed::Stepped(_) | Fed::Ignored(..) | Fed::Unknown => Requested::Refused(ended()),
                Fed::Refused(why) => Requested::Refused(RequestRefused::Store(why)),
            };
            let _ = reply.send(requested);
        }
    }
}

impl Fed {
    /// Did it change nothing because it came again?
    #[must_use]
    pub const fn was_ignored(&self) -> Option<Ignored> {
        match self {
            Self::Ignored(why, _) => Some(*why),
            _ => None,
        }
    }
}
