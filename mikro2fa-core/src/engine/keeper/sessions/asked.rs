//! What people ask for: access, that an attempt was not theirs, that a ban is lifted.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::{After, Disown, Disowned, Keeper, Queued, Reply, RequestRefused, Requested};
use crate::{
    audit::{AuditEntry, AuditKind},
    ban::BanScope,
    engine::committer::Verdict,
    id::{AccountId, BanId, SessionId, UserId},
    notifier::{Alert, Inform},
    session::{Actor, EndReason, Event, Opening, StepContext},
    store::BanChange,
    tunnel::Text,
};

impl Keeper {
    /// Access is asked for.
    pub(in crate::engine::keeper) fn request(
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
    pub(in crate::engine::keeper) fn disown(
        &mut self,
        disown: Disown,
        reply: oneshot::Sender<Disowned>,
    ) {
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

    pub(super) fn disowned(
        &mut self,
        ban: BanId,
        reply: oneshot::Sender<Disowned>,
        verdict: Verdict,
    ) {
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
    pub(in crate::engine::keeper) fn unban(
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

    pub(super) fn lifted(
        &mut self,
        ban: BanId,
        reply: oneshot::Sender<Result<bool, Text>>,
        verdict: Verdict,
    ) {
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
