//! A session on its way to the committer, and what became of it there.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::{error, info};

use super::{
    super::{After, CONFLICTS, Fed, Keeper, Pending, Queued, RequestRefused, Requested},
    answer,
};
use crate::{
    engine::{EngineEvent, committer::Verdict},
    id::{CommitId, SessionId},
    router_backend::{Look, Part},
    session::{Effect, Event, Ignored, Rejected, Session, SessionState},
    store::{BanChange, Commit},
};

/// How long after the database refused it, what is due is tried again.
const REFUSED: std::time::Duration = std::time::Duration::from_secs(5);

impl Keeper {
    /// Sends what `self.out` holds, with this session, to the committer.
    pub(super) fn commit_session(
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
            Some(entry) => entry.current.as_deref().map(|current| current.version),
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
            entry.pending = Some(Box::new(Pending {
                next,
                origin,
                look,
                tries,
                opened,
                banned: puts,
                lifted: Vec::new(),
            }));
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

    pub(in crate::engine::keeper) fn empty_commit(&self) -> Commit {
        let id = CommitId::from_uuid(self.entropy.sorted(self.clock.now()));
        Commit::new(id, Some(self.fence.clone()))
    }

    /// The committer has answered.
    pub(in crate::engine::keeper) fn committed(&mut self, after: After, verdict: Verdict) {
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
        let pending = *pending;
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
        if !self.sessions.contains_key(&id) {
            self.of_account.remove(&(account, id)); // also of one whose very first commit was refused
        }
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
            entry.becomes(*found);
        }
        if let Some(origin) = pending.origin {
            let session = self.sessions.get(&id).and_then(|e| e.current.clone());
            let session = session.unwrap_or_else(|| Box::new(pending.next));
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
            .and_then(|entry| entry.becomes(next.clone()));
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

    /// Somebody else changed it: the same event again, on what it became.
    fn conflict(&mut self, id: SessionId, pending: Pending, found: Option<Box<Session>>) {
        info!(session = %id, "another process changed this session");
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.current = found;
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
        let due = self.sessions.get(&id).and_then(|entry| entry.due);
        if due.is_some_and(|at| at < not_before) {
            self.set_due(id, Some(not_before));
        }
    }
}
