//! Sessions in and out of the keeper: events fed, commits made, outcomes taken in.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::{error, info};

use super::{
    After, CONFLICTS, Disown, Disowned, Entry, Fed, Keeper, Pending, Queued, Reply, RequestRefused,
    Requested,
};
use crate::{
    audit::{AuditEntry, AuditKind},
    ban::BanScope,
    engine::{EngineEvent, committer::Verdict},
    id::{AccountId, BanId, CommitId, SessionId, UserId},
    notifier::{Alert, Inform},
    router_backend::{Look, Part},
    session::{
        Actor, Effect, EndReason, Event, Ignored, Opening, Outcome, Reach, Rejected, Session,
        SessionState, StepContext, Version, step,
    },
    store::{BanChange, Commit},
    tunnel::Text,
};

/// How long after the database refused it, what is due is tried again.
const REFUSED: std::time::Duration = std::time::Duration::from_secs(5);

impl Keeper {
    /// A session as the store has it.
    pub(super) fn take_over(&mut self, mut session: Session) {
        session.recovered();
        let (id, account) = (session.id, session.account);
        self.of_account.entry(account).or_default().insert(id);
        let entry = Entry {
            current: Some(session),
            pending: None,
            queue: std::collections::VecDeque::new(),
        };
        self.sessions.insert(id, entry);
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
            .and_then(|entry| entry.current.as_ref())
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
        self.of_account.entry(account).or_default().insert(id);
        let entry = Entry {
            current: None,
            pending: None,
            queue: std::collections::VecDeque::new(),
        };
        self.sessions.insert(id, entry);
        self.commit_session(session, None, 0, opened);
    }

    /// Sends what `self.out` holds, with this session, to the committer.
    fn commit_session(
        &mut self,
        next: Session,
        mut origin: Option<Queued>,
        tries: u8,
        opened: Option<oneshot::Sender<Requested>>,
    ) {
        let id = next.id;
        let look = self
            .out
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Look));
        let mut commit = self.empty_commit();
        let before = match &mut self.sessions.get_mut(&id) {
            Some(entry) => entry.current.as_ref().map(|current| current.version),
            None => None,
        };
        let account = next.account;
        let banned = self.fill(&mut commit, &next);
        commit.sessions.push((before, next.clone()));
        if let Some(origin) = &mut origin {
            commit.update = origin.update.clone();
            commit.settled.extend(origin.settled.clone());
        }
        let puts = commit.bans.iter().filter_map(|change| match change {
            BanChange::Put(ban) => Some(ban.id),
            BanChange::Lift(_) => None,
        });
        let puts = puts.collect();
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.pending = Some(Pending {
                next,
                origin,
                look,
                tries,
                opened,
                banned: puts,
                lifted: Vec::new(),
            });
        }
        self.outgoing.push_back((After::Session(id), commit));
        self.set_deadline(id);
        // What closes does not wait for the database.
        if look {
            self.bell.ring(&self.activity);
        }
        if banned {
            self.end_what_is_asked(account);
        }
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

    pub(super) fn empty_commit(&self) -> Commit {
        let id = CommitId::from_uuid(self.entropy.sorted(self.clock.now()));
        Commit::new(id, Some(self.fence.clone()))
    }

    /// The committer has answered.
    pub(super) fn committed(&mut self, after: After, verdict: Verdict) {
        let id = match after {
            After::Session(id) => id,
            After::Lift(ban, reply) => return self.lifted(ban, reply, verdict),
            After::GateDone(at) => return self.gate_done(at, matches!(verdict, Verdict::Done)),
            After::Disown(ban, reply) => return self.disowned(ban, reply, verdict),
            After::Nothing => {
                if let Verdict::Refused(why) = verdict {
                    error!(%why, "the database refused an entry of the audit log");
                }
                return;
            }
        };
        let Some(pending) = self
            .sessions
            .get_mut(&id)
            .and_then(|entry| entry.pending.take())
        else {
            return;
        };
        let account = pending.next.account;
        match verdict {
            Verdict::Done => self.became(id, pending),
            Verdict::Conflict(found) => {
                self.undo_bans(&pending);
                self.conflict(id, pending, found);
            }
            Verdict::Repeated(found) => {
                self.undo_bans(&pending);
                self.repeated(id, pending, found);
            }
            Verdict::Refused(why) => {
                error!(%why, session = %id, "the database refused a session's commit");
                self.undo_bans(&pending);
                if let Some(origin) = pending.origin {
                    answer(origin, Fed::Refused(Arc::clone(&why)));
                }
                if let Some(opened) = pending.opened {
                    let _ = opened.send(Requested::Refused(RequestRefused::Store(why)));
                }
                self.try_later(id);
                self.forget_if_over(id);
            }
            Verdict::Fenced => {}
        }
        self.drain(id);
        self.judge_account(account);
    }

    /// Bans that came with a commit, and were not written.
    fn undo_bans(&mut self, pending: &Pending) {
        for ban in &pending.banned {
            self.bans.remove(ban);
        }
    }

    /// The update that this answers was counted before: it changes nothing again.
    fn repeated(&mut self, id: SessionId, pending: Pending, found: Option<Box<Session>>) {
        let account = pending.next.account;
        if let (Some(entry), Some(found)) = (self.sessions.get_mut(&id), found) {
            entry.current = Some(*found);
        }
        if let Some(origin) = pending.origin {
            let session = self.sessions.get(&id).and_then(|e| e.current.clone());
            let session = Box::new(session.unwrap_or(pending.next));
            let already = Ignored::Answer(Rejected::Already);
            answer(origin, Fed::Ignored(already, session));
        }
        self.set_deadline(id);
        self.forget_if_over(id);
        if let Some(opened) = pending.opened {
            let open = self.of(account).find(|session| session.is_open());
            let _ = opened.send(open.map_or_else(
                || Requested::Refused(RequestRefused::Store("this was asked for before".into())),
                |open| Requested::Exists(Box::new(open.clone())),
            ));
        }
    }

    fn became(&mut self, id: SessionId, pending: Pending) {
        let Pending {
            next,
            origin,
            look,
            opened,
            lifted,
            ..
        } = pending;
        for ban in lifted {
            self.bans.remove(&ban);
        }
        let account = next.account;
        let tunnel_of = next.tunnel().map(|tunnel| Arc::clone(&tunnel.account));
        let requested = matches!(next.state, SessionState::Requested { ready: false, .. });
        let active = matches!(next.state, SessionState::Active { .. });
        let _ = self
            .events
            .send(EngineEvent::Session(Box::new(next.clone())));
        let before = self
            .sessions
            .get_mut(&id)
            .and_then(|entry| entry.current.replace(next.clone()));
        if let Some(opened) = opened {
            let _ = opened.send(Requested::Opened(id));
        }
        let unrequested = before.as_ref().is_some_and(Session::is_asked_unrequested);
        if unrequested && next.is_settled() {
            self.spent.insert(account, id);
        }
        if let (
            Some(SessionState::Challenged { tunnel: old, .. }),
            SessionState::Challenged { tunnel, .. },
        ) = (before.map(|before| before.state), &next.state)
            && !Arc::ptr_eq(&old, tunnel)
        {
            self.superseded(&old, account);
        }
        let told = origin
            .as_ref()
            .is_some_and(|origin| matches!(origin.event, Event::Router(_)));
        if let Some(origin) = origin {
            answer(origin, Fed::Stepped(Box::new(next)));
        }
        self.set_deadline(id);
        if !told {
            self.tell_what_is_away(id);
        }
        if requested {
            let name = self
                .desk
                .account(account)
                .map(|account| Arc::clone(&account.name));
            let accounts = name.map_or(Part::Nothing, |name| Part::These(vec![name]));
            // The held tunnel of whoever asks is judged anew.
            self.rejudge_account(account);
            self.look_soon(Look {
                accounts,
                ..Look::default()
            });
        } else if look {
            // A look at this account's tunnel: opening needs one that began after this commit.
            let tunnels = match tunnel_of {
                Some(name) if !active => Part::These(vec![name]),
                _ => Part::Nothing,
            };
            self.look_soon(Look {
                tunnels,
                ..Look::default()
            });
        }
        self.only_one_open(account);
        self.compare_again(id);
        self.forget_if_over(id);
    }

    /// What was said before it came to this state, and holds still: the router is away, or answers cannot come.
    fn tell_what_is_away(&mut self, id: SessionId) {
        let current = self.sessions.get(&id).and_then(|e| e.current.as_ref());
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

    /// Somebody else changed it: the same event again, on what it became.
    fn conflict(&mut self, id: SessionId, pending: Pending, found: Option<Box<Session>>) {
        info!(session = %id, "another process changed this session");
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.current = found.map(|found| *found);
        }
        let Some(origin) = pending.origin else {
            if let Some(opened) = pending.opened {
                let why = "another session has its id".into();
                let _ = opened.send(Requested::Refused(RequestRefused::Store(why)));
            }
            self.set_deadline(id);
            self.forget_if_over(id);
            return;
        };
        if pending.tries < CONFLICTS {
            self.step(id, origin, pending.tries + 1);
        } else {
            answer(
                origin,
                Fed::Refused("the session keeps changing elsewhere".into()),
            );
            self.try_later(id);
        }
    }

    /// What was due could not be written down: not at once again.
    fn try_later(&mut self, id: SessionId) {
        self.set_deadline(id);
        let not_before = self.clock.now() + REFUSED;
        if let Some(at) = self.due.get(&id).copied().filter(|at| *at < not_before) {
            self.deadlines.remove(&(at, id));
            self.due.insert(id, not_before);
            self.deadlines.insert((not_before, id));
        }
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
                && entry.current.as_ref().is_none_or(Session::is_settled)
        });
        if !over {
            return;
        }
        let forgotten = self.sessions.remove(&id).and_then(|entry| entry.current);
        if let Some(session) = forgotten
            && let Some(all) = self.of_account.get_mut(&session.account)
        {
            all.remove(&id);
        }
        self.suspects.remove(&id);
        self.doubtful.remove(&id);
        self.set_deadline(id);
    }

    pub(super) fn set_deadline(&mut self, id: SessionId) {
        if let Some(old) = self.due.remove(&id) {
            self.deadlines.remove(&(old, id));
        }
        let next = self
            .sessions
            .get(&id)
            .filter(|entry| entry.pending.is_none())
            .and_then(|entry| entry.current.as_ref())
            .and_then(Session::deadline);
        if let Some(at) = next {
            self.due.insert(id, at);
            self.deadlines.insert((at, id));
        }
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
        self.of_account
            .get(&account)
            .into_iter()
            .flatten()
            .filter_map(|id| self.sessions.get(id))
            .filter_map(Entry::latest)
    }

    /// Access is asked for.
    pub(super) fn request(
        &mut self,
        user: UserId,
        account: AccountId,
        update: Option<Text>,
        reply: oneshot::Sender<Requested>,
    ) {
        let refuse = |reply: oneshot::Sender<Requested>, why| {
            let _ = reply.send(Requested::Refused(why));
        };
        let Some(record) = self.desk.account(account).filter(|a| a.owner == Some(user)) else {
            return refuse(reply, RequestRefused::NotYours);
        };
        if record.disabled || self.desk.owner(record).is_none_or(|owner| owner.suspended) {
            return refuse(reply, RequestRefused::Suspended);
        }
        let now = self.clock.now();
        let bans: Vec<_> = self
            .bans
            .values()
            .filter(|ban| ban.account == account && ban.until.is_none_or(|until| now < until))
            .cloned()
            .collect();
        if bans.iter().any(|ban| !ban.owner_lifts()) {
            return refuse(reply, RequestRefused::Banned);
        }
        let open = self.of(account).find(|session| session.is_open());
        if let Some(open) = open.map(|session| session.id) {
            // Told only when the renewed window is durable.
            let queued = Queued {
                update,
                reply: Some(Reply::Requested(reply)),
                ..Event::RequestedAgain.into()
            };
            self.feed(open, queued);
            return;
        }
        let opening = Opening {
            id: SessionId::from_uuid(self.entropy.sorted(now)),
            router: self.fence.router,
            account,
            owner: user,
            trial: self.desk.router().mode == crate::desk::Mode::Observing,
        };
        let context = StepContext {
            now,
            policy: self.desk.policy(account),
            fresh: self.fresh(),
        };
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let session = opening.requested(&context, &mut out);
        self.out = out;
        self.books.entry(account).or_default().warm_up();
        self.spent.remove(&account);
        let lifted: Vec<BanId> = bans.iter().map(|ban| ban.id).collect();
        let mut told = self.empty_commit();
        if let Some(ban) = bans.first() {
            let owner = self.desk.user(user);
            let by = owner.map_or_else(|| "".into(), |owner| Arc::clone(&owner.name));
            self.ban_solved(&mut told, account, &ban.scope, &by);
            self.inform(&mut told, account, Inform::BanLifted);
        }
        let lifts = lifted.iter().map(|_| {
            let actor = Actor::Owner { user };
            self.ban_lifted(account, actor)
        });
        let lifts: Vec<AuditEntry> = lifts.collect();
        let id = session.id;
        self.open(session, Some(reply));
        if let Some((_, commit)) = self.outgoing.back_mut() {
            commit.update = update;
            commit.audit.extend(lifts);
            commit.outbox.append(&mut told.outbox);
            commit
                .bans
                .extend(lifted.iter().map(|ban| BanChange::Lift(*ban)));
        }
        if let Some(pending) = self
            .sessions
            .get_mut(&id)
            .and_then(|entry| entry.pending.as_mut())
        {
            pending.lifted = lifted;
        }
    }

    /// "Not me" about tunnels that no session is about: an incident like any other.
    pub(super) fn disown(&mut self, disown: Disown, reply: oneshot::Sender<Disowned>) {
        let now = self.clock.now();
        let account = disown.account;
        let record = self.desk.account(account);
        if record.is_none_or(|record| record.owner != Some(disown.user)) {
            let _ = reply.send(Disowned::NotYours);
            return;
        }
        let banned = self.bans.values().any(|ban| {
            ban.account == account && ban.scope == BanScope::Account && ban.covers(None, now)
        });
        if banned {
            let _ = reply.send(Disowned::Already);
            return;
        }
        let mut commit = self.empty_commit();
        commit.update = disown.update;
        let note = "not me".into();
        let ban = self.ban(&mut commit, account, BanScope::Account, None, note);
        let denied = Alert::Denied {
            caller: disown.caller,
            service: None,
            at: disown.at,
            answered: now,
            last: None,
            others: Vec::new(),
        };
        self.alert(&mut commit, Some(account), denied);
        self.outgoing.push_back((After::Disown(ban, reply), commit));
        self.cut_what_is_held(account);
        self.end_what_is_asked(account);
    }

    /// What is held of this account is cut. What its owner had confirmed goes on until an operator decides.
    fn cut_what_is_held(&mut self, account: AccountId) {
        let now = self.clock.now();
        for held in self.held.values_mut() {
            if held.account == Some(account) {
                held.until = held.until.min(now);
            }
        }
        let ended: Vec<SessionId> = self
            .of(account)
            .filter(|session| session.is_ended())
            .map(|session| session.id)
            .collect();
        for id in ended {
            let (reason, by) = (EndReason::Banned, Actor::Policy);
            self.feed(id, Event::End { reason, by }.into());
        }
        self.bell.ring(&self.activity);
    }

    fn disowned(&mut self, ban: BanId, reply: oneshot::Sender<Disowned>, verdict: Verdict) {
        let disowned = match verdict {
            Verdict::Done => Disowned::Done,
            Verdict::Refused(why) => {
                self.bans.remove(&ban);
                Disowned::Refused(why)
            }
            Verdict::Repeated(_) | Verdict::Conflict(_) | Verdict::Fenced => {
                self.bans.remove(&ban);
                Disowned::Already
            }
        };
        let _ = reply.send(disowned);
    }

    fn ban_lifted(&self, account: AccountId, actor: Actor) -> AuditEntry {
        AuditEntry {
            at: self.clock.now(),
            session: None,
            router: Some(self.fence.router),
            account: Some(account),
            what: AuditKind::Unbanned { actor },
        }
    }

    /// An operator lifts a ban. It holds until that is durable.
    pub(super) fn unban(
        &mut self,
        ban: BanId,
        operator: &Text,
        reply: oneshot::Sender<Result<bool, Text>>,
    ) {
        let Some(ban) = self.bans.get(&ban).cloned() else {
            let _ = reply.send(Ok(false));
            return;
        };
        let mut commit = self.empty_commit();
        let actor = Actor::Operator {
            who: Arc::clone(operator),
            reason: "".into(),
        };
        commit.audit.push(self.ban_lifted(ban.account, actor));
        self.ban_solved(&mut commit, ban.account, &ban.scope, operator);
        commit.bans.push(BanChange::Lift(ban.id));
        self.unlocked(
            &mut commit,
            ban.account,
            operator,
            ban.scope == BanScope::Account,
        );
        self.outgoing
            .push_back((After::Lift(ban.id, reply), commit));
    }

    fn lifted(&mut self, ban: BanId, reply: oneshot::Sender<Result<bool, Text>>, verdict: Verdict) {
        let result = match verdict {
            Verdict::Done => {
                self.bans.remove(&ban);
                self.rejudge_held();
                self.bell.ring(&self.activity);
                Ok(true)
            }
            Verdict::Refused(why) => Err(why),
            Verdict::Repeated(_) | Verdict::Conflict(_) | Verdict::Fenced => Ok(false),
        };
        let _ = reply.send(result);
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
