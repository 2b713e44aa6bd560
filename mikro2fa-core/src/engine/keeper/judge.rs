//! Tunnels that no session is about: judged, and what follows from it.

mod callers;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use self::callers::Callers;
use super::{After, Keeper};
use crate::{
    admission::{Arrival, Verdict, Why, judge},
    audit::{AuditEntry, AuditKind},
    desk::Mode,
    enforcement::{Changes, Held},
    engine::EngineEvent,
    id::{AccountId, SessionId},
    notifier::{Alert, Inform},
    router_backend::Part,
    session::{ChallengeKind, Event, Opening, Session, SessionState, StepContext},
    time::Timestamp,
    tunnel::{Same, Text, Tunnel, TunnelKey},
};

const DAY: Duration = Duration::from_secs(86_400);
/// It could not be told for so long whether a session's tunnel is the one that is up: it is taken for another one.
const DOUBT: Duration = Duration::from_secs(10);

/// Sessions beside the tunnels that were seen.
#[derive(Default)]
struct Compared {
    /// Those whose tunnel is gone.
    gone: Vec<SessionId>,
    /// Where the tunnels are that the others are about.
    concerned: Vec<usize>,
}

/// Tells one tunnel of the mirror from another, as long as the mirror is left alone.
fn place(tunnel: &Arc<Tunnel>) -> usize {
    Arc::as_ptr(tunnel).addr()
}

/// Is a session's tunnel gone, by what was last seen at its place? A doubt that stays counts as gone.
fn is_gone(
    id: SessionId,
    tunnel: &Arc<Tunnel>,
    seen: Option<&Arc<Tunnel>>,
    doubtful: &mut BTreeMap<SessionId, Timestamp>,
) -> bool {
    let same = match seen {
        None => Same::No,
        Some(seen) if Arc::ptr_eq(seen, tunnel) || seen.seen_at < tunnel.seen_at => Same::Yes,
        Some(seen) if **seen == **tunnel => Same::Yes,
        Some(seen) => tunnel.same_as(seen),
    };
    match (same, seen) {
        (Same::Unsure, Some(seen)) => {
            let since = *doubtful.entry(id).or_insert(seen.seen_at);
            seen.seen_at.since(since) >= DOUBT
        }
        (same, _) => {
            doubtful.remove(&id);
            same == Same::No
        }
    }
}

impl Keeper {
    /// What a look at tunnels changed: gone ones end or pause their sessions, new ones are judged.
    pub(super) fn tunnels_changed(&mut self, changes: Changes, asked: &Part) {
        for tunnel in &changes.gone {
            self.held.remove(&tunnel.key);
            self.passed.remove(&tunnel.key);
            self.unjudged.remove(&tunnel.key);
            self.before.remove(&tunnel.key);
            self.ban_goes_with(tunnel);
        }
        let mut compared = self.compare_sessions(asked);
        for id in &compared.gone {
            self.feed(*id, Event::TunnelGone.into());
        }
        self.unjudged
            .extend(changes.up.iter().map(|tunnel| tunnel.key.clone()));
        if *asked == Part::All {
            self.find_strays(&mut compared);
        }
        if !changes.gone.is_empty() || !changes.up.is_empty() {
            let router = self.fence.router;
            let _ = self.events.send(EngineEvent::Tunnels(router));
        }
        self.judge_all();
        if !changes.unsure.is_empty() {
            // The mirror keeps what was certain; what could not be told is looked at again, a little later.
            self.poll_at = self.poll_at.min(self.clock.now() + Duration::from_secs(1));
        }
    }

    /// Tunnels that nothing was concluded about: what was to be could not be written down, for example.
    fn find_strays(&mut self, compared: &mut Compared) {
        // What became of the sessions whose tunnel is gone may be about what took its place.
        for id in &compared.gone {
            let entry = self.sessions.get(id);
            let tunnel = entry.and_then(|entry| entry.latest()?.tunnel());
            let seen = tunnel.and_then(|tunnel| self.mirror.tunnels.get(&tunnel.key));
            compared.concerned.extend(seen.map(place));
        }
        compared.concerned.sort_unstable();
        let strays = self.mirror.tunnels.iter().filter(|(key, tunnel)| {
            compared.concerned.binary_search(&place(tunnel)).is_err()
                && !self.held.contains_key(*key)
                && !self.passed.contains(*key)
        });
        self.unjudged.extend(strays.map(|(key, _)| key.clone()));
    }

    /// A banned tunnel's entry goes with it: nothing to do but to look at the list again.
    fn ban_goes_with(&mut self, tunnel: &Tunnel) {
        let on_list = tunnel.addresses.v4.is_some_and(|ip| {
            self.mirror
                .bans
                .contains_key(&crate::router_backend::Prefix::host(ip.into()))
        });
        if on_list {
            self.bell.ring(&self.activity);
        }
    }

    /// Sessions whose tunnel this look covered, and is gone. One that is being committed is compared afterwards.
    fn compare_sessions(&mut self, asked: &Part) -> Compared {
        let covers = |tunnel: &Tunnel| match asked {
            Part::All => true,
            Part::These(names) => names.contains(&tunnel.account),
            Part::Nothing => false,
        };
        let mut compared = Compared::default();
        for (id, entry) in &self.sessions {
            let tunnel = entry.latest().and_then(Session::tunnel);
            let Some(tunnel) = tunnel.filter(|tunnel| covers(tunnel)) else {
                continue;
            };
            let seen = self.mirror.tunnels.get(&tunnel.key);
            if !entry.is_busy() && is_gone(*id, tunnel, seen, &mut self.doubtful) {
                compared.gone.push(*id);
            } else {
                compared.concerned.extend(seen.map(place));
            }
        }
        compared
    }

    /// After a commit: is the tunnel that the session is now about already gone?
    pub(super) fn compare_again(&mut self, id: SessionId) {
        let idle = self.sessions.get(&id).filter(|entry| !entry.is_busy());
        let tunnel = idle.and_then(|entry| entry.current.as_deref()?.tunnel());
        let gone = tunnel.is_some_and(|tunnel| {
            let seen = self.mirror.tunnels.get(&tunnel.key);
            self.mirror.tunnels_at.is_some() && is_gone(id, tunnel, seen, &mut self.doubtful)
        });
        if gone {
            self.feed(id, Event::TunnelGone.into());
        }
    }

    /// Everything that waits for a judgement, the oldest first.
    pub(super) fn judge_all(&mut self) {
        let mut waiting: Vec<Arc<Tunnel>> = self
            .unjudged
            .iter()
            .filter_map(|key| self.mirror.tunnels.get(key))
            .map(Arc::clone)
            .collect();
        waiting.sort_by_key(|tunnel| (tunnel.up_at(), tunnel.key.clone()));
        self.unjudged.clear();
        if waiting.is_empty() {
            return;
        }
        let tunnels = self.mirror.tunnels.values();
        let callers = Callers::new(&waiting, tunnels, &self.books, self.clock.now());
        for tunnel in &waiting {
            self.judge_one(tunnel, &callers);
        }
    }

    /// An account's commit is back: its tunnels that waited for it are judged.
    pub(super) fn judge_account(&mut self, account: AccountId) {
        if self.unjudged.is_empty() || self.is_busy(account) {
            return;
        }
        let name = self.desk.account(account).map(|a| Arc::clone(&a.name));
        let waiting = self.unjudged.iter().any(|key| {
            let tunnel = self.mirror.tunnels.get(key);
            tunnel.is_some_and(|tunnel| {
                Some(&tunnel.account) == name.as_ref()
                    || self.desk.account_named(&tunnel.account).map(|a| a.id) == Some(account)
            })
        });
        if waiting {
            self.judge_all();
        }
    }

    fn is_busy(&self, account: AccountId) -> bool {
        self.entries_of(account).any(super::Entry::is_busy)
    }

    /// Held tunnels are judged again: the desk has changed, or a ban was lifted.
    pub(super) fn rejudge_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.unjudged.extend(held.keys().cloned());
        self.before.extend(held);
        self.unjudged.append(&mut self.passed);
        self.judge_all();
    }

    /// Tunnels of this account that are held, with or without an ended session, are judged anew.
    pub(super) fn rejudge_account(&mut self, account: AccountId) {
        let ended: Vec<SessionId> = self
            .of(account)
            .filter(|session| session.is_ended())
            .map(|session| session.id)
            .collect();
        for id in ended {
            if let Some(tunnel) = self
                .sessions
                .get(&id)
                .and_then(|entry| entry.latest()?.tunnel())
            {
                let key = tunnel.key.clone();
                self.unjudged.insert(key);
            }
            self.feed(id, Event::Released.into());
        }
        let held: Vec<TunnelKey> = self
            .held
            .iter()
            .filter(|(_, held)| held.account == Some(account))
            .map(|(key, _)| key.clone())
            .collect();
        for key in held {
            self.held.remove(&key);
            self.unjudged.insert(key);
        }
        self.judge_all();
    }

    fn judge_one(&mut self, tunnel: &Arc<Tunnel>, callers: &Callers) {
        let account = self.desk.account_named(&tunnel.account).map(|a| a.id);
        if self.held.contains_key(&tunnel.key) || self.is_concerned(account, tunnel) {
            return;
        }
        // What becomes of the account's sessions is being written down: judged when that is known.
        if account.is_some_and(|account| self.is_busy(account)) {
            self.unjudged.insert(tunnel.key.clone());
            return;
        }
        if self.waits_for_rule(tunnel) {
            self.unjudged.insert(tunnel.key.clone());
            return;
        }
        let now = self.clock.now();
        let record = self.desk.account_named(&tunnel.account).cloned();
        let account = record.as_ref().map(|record| record.id);
        let owner = record
            .as_ref()
            .and_then(|record| self.desk.owner(record))
            .map(Arc::clone);
        let policy = account
            .map_or_else(
                || self.desk.default_policy(),
                |account| self.desk.policy(account),
            )
            .clone();
        let sessions: Vec<Session> = account
            .into_iter()
            .flat_map(|account| self.of(account).cloned())
            .collect();
        let sessions: Vec<&Session> = sessions.iter().collect();
        let bans: Vec<_> = self
            .bans
            .values()
            .filter(|ban| Some(ban.account) == account)
            .cloned()
            .collect();
        let arrival = Arrival {
            tunnel,
            now,
            router: self.desk.router(),
            gate_whole: self.gate_holds() || self.mirror.is_emergency(tunnel),
            account: record.as_ref(),
            owner: owner.as_deref(),
            policy: &policy,
            sessions: &sessions,
            bans: &bans,
            shared_caller: callers.is_shared(account, tunnel),
            held: self.held_of(account, tunnel, &sessions),
        };
        let mut book = account
            .and_then(|account| self.books.remove(&account))
            .unwrap_or_default();
        let judgement = judge(&arrival, &mut book);
        let first_time = !book.knows(tunnel.caller.as_ref(), now);
        let seen = match &tunnel.caller {
            Some(caller) if judgement.verdict != Verdict::Wait => book.saw(caller, now),
            _ => false,
        };
        if let Some(account) = account {
            self.books.insert(account, book);
        }
        if let (Some(until), Some(account)) = (judgement.cool_down, account) {
            self.cool_down(account, until, policy.max_prompts_per_hour);
        }
        let committed = self.outgoing.len();
        self.carry_out(judgement.verdict, tunnel, account, &policy, first_time);
        if let (true, Some(account)) = (seen, account) {
            self.keep_book(account, committed);
        }
    }

    /// Is a session about this tunnel, or may it be?
    fn is_concerned(&self, account: Option<AccountId>, tunnel: &Tunnel) -> bool {
        let concerns = |session: &Session| {
            session.tunnel().is_some_and(|own| {
                own.key == tunnel.key && (**own == *tunnel || own.same_as(tunnel) != Same::No)
            })
        };
        match account {
            Some(account) => self.of(account).any(concerns),
            // Its account may have been one of the desk's before.
            None => {
                let mut latest = self.sessions.values().filter_map(super::Entry::latest);
                latest.any(concerns)
            }
        }
    }

    /// Where this account logs in from goes with a commit that is made anyway, or with one of its own.
    fn keep_book(&mut self, account: AccountId, since: usize) {
        let Some(book) = self.books.get(&account).cloned() else {
            return;
        };
        if let Some((_, commit)) = self.outgoing.get_mut(since) {
            commit.books.retain(|(id, _)| *id != account);
            commit.books.push((account, book));
            return;
        }
        let mut commit = self.empty_commit();
        commit.books.push((account, book));
        self.outgoing.push_back((After::Nothing, commit));
    }

    fn cool_down(&mut self, account: AccountId, until: Timestamp, count: u16) {
        let mut commit = self.empty_commit();
        self.inform(&mut commit, account, Inform::CoolDown { count, until });
        self.alert(&mut commit, Some(account), Alert::CoolDown { count, until });
        if let Some(book) = self.books.get(&account) {
            commit.books.push((account, book.clone()));
        }
        self.outgoing.push_back((After::Nothing, commit));
    }

    fn held_of(&self, account: Option<AccountId>, tunnel: &Tunnel, sessions: &[&Session]) -> usize {
        let held = self.held.values().filter(|held| match account {
            Some(_) => held.account == account,
            None => held.tunnel.account == tunnel.account,
        });
        let ended = sessions.iter().filter(|session| {
            matches!(&session.state, SessionState::Ended { remains: Some(left), .. }
                if left.hold_until.is_some())
        });
        held.count() + ended.count()
    }

    fn carry_out(
        &mut self,
        verdict: Verdict,
        tunnel: &Arc<Tunnel>,
        account: Option<AccountId>,
        policy: &crate::policy::Policy,
        first_time: bool,
    ) {
        let now = self.clock.now();
        match verdict {
            Verdict::Wait | Verdict::AwaitGhost => {
                self.unjudged.insert(tunnel.key.clone());
            }
            Verdict::Pass => {
                self.passed.insert(tunnel.key.clone());
            }
            Verdict::Hold(why) => self.hold(tunnel, account, why, now + policy.hold_for),
            Verdict::Cut(why) => self.hold(tunnel, account, why, now),
            Verdict::Belongs(id) => self.belongs(id, tunnel, first_time),
            Verdict::Ghost(id) => {
                self.unjudged.insert(tunnel.key.clone());
                self.feed(id, Event::GhostSuspected.into());
            }
            Verdict::Resume(id) => {
                self.feed(
                    id,
                    Event::Resumed {
                        tunnel: Arc::clone(tunnel),
                    }
                    .into(),
                );
            }
            Verdict::Ask(kind) => self.begin(tunnel, account, |opening, context, out| {
                opening.challenged(tunnel, &kind, first_time, context, out)
            }),
            Verdict::Open(confirmed) => self.begin(tunnel, account, |opening, context, out| {
                opening.confirmed(tunnel, confirmed, context, out)
            }),
        }
    }

    /// A tunnel for a request, or a newer one than what is asked about.
    fn belongs(&mut self, id: SessionId, tunnel: &Arc<Tunnel>, first_time: bool) {
        let latest = self.sessions.get(&id).and_then(super::Entry::latest);
        let kind = match latest.map(|session| &session.state) {
            Some(SessionState::Challenged { challenge, .. }) => challenge.kind.clone(),
            _ => ChallengeKind::Requested,
        };
        let tunnel = Arc::clone(tunnel);
        self.feed(
            id,
            Event::TunnelUp {
                tunnel,
                kind,
                first_time,
            }
            .into(),
        );
    }

    /// A newer tunnel is asked about instead: this one is held, where tunnels are, or cut.
    pub(super) fn superseded(&mut self, old: &Arc<Tunnel>, account: AccountId) {
        if self.mirror.same(old).is_none() {
            return;
        }
        let policy = self.desk.policy(account);
        let sessions: Vec<&Session> = self.of(account).collect();
        let room = self.held_of(Some(account), old, &sessions) < usize::from(policy.max_held);
        let now = self.clock.now();
        let until = if room && self.desk.router().gates.address_list && self.gate_holds() {
            now + policy.hold_for
        } else {
            now
        };
        self.hold(old, Some(account), Why::Superseded, until);
    }

    fn begin(
        &mut self,
        tunnel: &Tunnel,
        account: Option<AccountId>,
        make: impl FnOnce(Opening, &StepContext<'_>, &mut crate::session::Out) -> Session,
    ) {
        let now = self.clock.now();
        let Some(record) = account.and_then(|account| self.desk.account(account)) else {
            return;
        };
        let Some(owner) = record.owner else {
            return;
        };
        let record_id = record.id;
        let opening = Opening {
            id: SessionId::from_uuid(self.entropy.sorted(now)),
            router: tunnel.key.router,
            account: record.id,
            owner,
            trial: self.desk.router().mode == Mode::Observing,
        };
        let policy = self.desk.policy(record.id);
        let context = StepContext {
            now,
            policy,
            fresh: self.fresh(),
        };
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let mut session = make(opening, &context, &mut out);
        if let (Some(since), SessionState::Challenged { challenge, .. }) =
            (self.messenger_away, &mut session.state)
        {
            challenge.paused_at = Some(since.max(challenge.asked_at));
        }
        self.out = out;
        let unrequested = session.is_asked_unrequested();
        self.open(session, None);
        if unrequested {
            self.put_away(record_id, owner);
        }
    }

    /// Up, reaching nothing, and concluded until it is gone: one record a tunnel.
    fn hold(
        &mut self,
        tunnel: &Arc<Tunnel>,
        account: Option<AccountId>,
        why: Why,
        until: Timestamp,
    ) {
        let now = self.clock.now();
        let before = self.before.remove(&tunnel.key);
        let until = before.as_ref().map_or(until, |held| held.until.min(until));
        if let Some(held) = before.filter(|held| held.why == why && held.until == until) {
            self.held.insert(tunnel.key.clone(), held); // judged again, to the same end
            self.bell.ring(&self.activity);
            return;
        }
        let trial = self.desk.router().mode == Mode::Observing;
        let done = if until <= now { "cut" } else { "held" };
        let would = if trial { crate::report::WOULD } else { "" };
        let verdict: Text = format!("{would}{done}: {}", why.name()).into();
        let mut commit = self.empty_commit();
        commit.audit.push(AuditEntry {
            at: now,
            session: None,
            router: Some(self.fence.router),
            account,
            what: AuditKind::Judged {
                tunnel: tunnel.key.clone(),
                account: Arc::clone(&tunnel.account),
                verdict,
            },
        });
        if why == Why::Second
            && !trial
            && let Some(account) = account
        {
            let inform = Inform::SecondRefused {
                caller: tunnel.caller.clone(),
                at: now,
            };
            self.inform(&mut commit, account, inform);
        }
        if why == Why::Unowned && !trial {
            self.tell_unowned(&mut commit, tunnel);
        }
        self.outgoing.push_back((After::Nothing, commit));
        let held = Held {
            tunnel: Arc::clone(tunnel),
            tag: SessionId::from_uuid(self.entropy.sorted(now)),
            why,
            until,
            account,
        };
        self.held.insert(tunnel.key.clone(), held);
        self.bell.ring(&self.activity);
    }

    /// Operators are told of unowned tunnels once a day a router.
    fn tell_unowned(&mut self, commit: &mut crate::store::Commit, tunnel: &Tunnel) {
        let now = self.clock.now();
        if self.unowned_told.is_some_and(|at| now.since(at) < DAY) {
            return;
        }
        self.unowned_told = Some(now);
        let mut accounts: Vec<Text> = self
            .held
            .values()
            .filter(|held| held.why == Why::Unowned)
            .map(|held| Arc::clone(&held.tunnel.account))
            .collect();
        accounts.push(Arc::clone(&tunnel.account));
        accounts.sort();
        accounts.dedup();
        self.alert(commit, None, Alert::Unowned { accounts });
    }
}
