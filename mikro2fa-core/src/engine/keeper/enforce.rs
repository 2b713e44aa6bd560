//! What the enforcer does next: looks that are due, then what closes, then what opens.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{FULL_LOOK, Keeper, Next, Round, rule::RuleState};
use crate::{
    desk::{Bound, Mode},
    enforcement::{Difference, Entry as ListEntry, Finding, Plan, Wanted, World, plan, wanted},
    engine::{EngineEvent, backoff},
    id::AccountId,
    notifier::Alert,
    retry::Retry,
    router_backend::{
        Applied, Command, Lease, Look, Observed, Part, PermitTag, Prefix, RouterError,
    },
    session::{Actor, EndReason, Event, Reach, Session, SessionState},
    time::Timestamp,
    tunnel::Text,
};

/// A difference is tried so often at once; then with growing gaps.
pub(super) const AT_ONCE: u32 = 3;
/// Operators are told when the router did not answer for so long.
const AWAY: Duration = Duration::from_secs(60);
/// For so long after a reboot what was on is switched on again.
const REFILLS: Duration = Duration::from_secs(180);
/// An unreachable router is tried at least so often.
const RETRY_MOST: Duration = Duration::from_secs(30);

impl Keeper {
    /// The enforcer reports, and is told what to do next.
    pub(super) fn round(&mut self, round: Round) -> Next {
        match round {
            Round::Begin => {}
            Round::Connected(capabilities) => {
                if !capabilities.leases {
                    warn!("this router has no address lists with time-outs");
                }
                self.gate.connected(capabilities.gate);
                self.mirror.disconnected();
                self.look = std::mem::take(&mut self.look).and(Look::complete());
            }
            Round::Observed(look, observed) => self.observed(&look, *observed),
            Round::Failed(error) => return self.failed(&error),
            Round::Applied(commands, outcomes, began) => self.applied(&commands, &outcomes, began),
        }
        self.next()
    }

    fn next(&mut self) -> Next {
        let now = self.clock.now();
        self.due_looks(now);
        if !self.look.is_empty() {
            return Next::Look(std::mem::take(&mut self.look));
        }
        let wanted = self.wanted(now);
        self.see_switched(&wanted);
        let plan = plan(&wanted, &self.mirror, now);
        self.take_findings(&plan);
        self.forget_mended(&plan);
        let close = self.worth_trying(plan.close, now);
        if !close.is_empty() {
            return Next::Apply(close);
        }
        // Whatever became of disabling a login: its tunnel is cut.
        let cut = self.worth_trying(plan.cut, now);
        if !cut.is_empty() {
            return Next::Apply(cut);
        }
        let clean_up = self.clean_up.take();
        if !clean_up.is_empty() {
            return Next::Apply(clean_up);
        }
        let open = self.worth_trying(plan.open, now);
        if !open.is_empty() && self.mirror.tunnels_at.is_some() {
            return Next::Apply(open);
        }
        // Last: what was confirmed has its permit by now, or was refused it.
        let gate = self.worth_trying(plan.gate.into_iter().collect(), now);
        if !gate.is_empty() && self.mirror.tunnels_at.is_some() && self.mirror.permits_at.is_some()
        {
            return Next::Apply(gate);
        }
        let tried = self
            .tried
            .values()
            .map(|tried| tried.not_before)
            .filter(|at| *at > now)
            .min();
        let due = [
            Some(self.poll_at),
            Some(self.full_at),
            Some(self.gate.due_at()),
            self.again_at,
            plan.next,
            self.mirror.doubts.next(),
            tried,
        ];
        let held = self
            .held
            .values()
            .map(|held| held.until)
            .filter(|at| *at > now)
            .min();
        let at = due
            .into_iter()
            .flatten()
            .chain(held)
            .min()
            .unwrap_or(self.poll_at);
        Next::Rest(at.max(now + Duration::from_millis(50)))
    }

    pub(super) fn wanted(&mut self, now: Timestamp) -> Wanted {
        let sessions = |visit: &mut dyn FnMut(&Session, Option<&Session>)| {
            for entry in self.sessions.values() {
                let pending = entry.pending.as_ref().map(|pending| &pending.next);
                if let Some(current) = &entry.current {
                    visit(current, pending);
                }
            }
        };
        // Not durable yet: it opens nothing, and says that its account is in use.
        let beginning = self
            .sessions
            .values()
            .filter(|entry| entry.current.is_none())
            .filter_map(|entry| Some(entry.pending.as_ref()?.next.account))
            .collect();
        let world = World {
            desk: &self.desk,
            sessions: &sessions,
            beginning: &beginning,
            held: &self.held,
            mirror: &self.mirror,
            gate_holds: self.gate_holds(),
            clock_trusted: self.clock_trusted,
            now,
        };
        let mut wanted = wanted(&world);
        // A permit that somebody took is not put back before it is known whether its tunnel is still there.
        wanted
            .permits
            .retain(|_, permit| !self.suspects.contains_key(&permit.session));
        self.clean_up.add_cuts(&self.mirror, &mut wanted);
        self.cut_unconcluded(&mut wanted);
        self.want_let_go(&mut wanted);
        // What we switched off ourselves, for a tunnel that has gone meanwhile, nobody switched off by hand.
        let again: Vec<Text> = self
            .switched_off
            .iter()
            .filter(|comment| wanted.rules.get(*comment) == Some(&true))
            .map(Arc::clone)
            .collect();
        wanted.enabling_rules.extend(again);
        self.refill(&mut wanted, now);
        wanted
    }

    /// A router that has started again lost the entry that its dead man's switch looks at, and may have switched off what was on.
    /// That is put right by itself, like permits that went with it.
    fn refill(&self, wanted: &mut Wanted, now: Timestamp) {
        let refills = |at: Timestamp| now.since(at) < REFILLS;
        if !self.rebooted_at.is_some_and(refills) || wanted.observing {
            return;
        }
        let rules = wanted.rules.iter().filter(|(_, counts)| **counts);
        wanted
            .enabling_rules
            .extend(rules.map(|(comment, _)| Arc::clone(comment)));
        let logins = wanted.accounts.iter().filter(|(_, open)| **open);
        wanted
            .enabling
            .extend(logins.map(|((kind, name), _)| (*kind, Arc::clone(name))));
    }

    /// Looks whose time has come join what was asked for.
    fn due_looks(&mut self, now: Timestamp) {
        let poll = Duration::from_secs(u64::from(self.desk.router().poll_interval.max(1)));
        let mut due = Look::default();
        if now >= self.full_at {
            due = Look::complete();
            self.full_at = now + FULL_LOOK;
        }
        if now >= self.poll_at {
            due.tunnels = Part::All;
            self.poll_at = now + poll;
        }
        if self.mirror.tunnels_at.is_none() {
            due.tunnels = Part::All;
        }
        self.gate_due(&mut due, now);
        let lease = self.desk.default_policy().lease;
        let stale = |at: Option<Timestamp>| at.is_none_or(|at| now.since(at) >= lease / 2);
        if due.tunnels == Part::All || !self.look.is_empty() {
            if stale(self.mirror.permits_at) {
                due.permits = Part::All;
            }
            if stale(self.mirror.bans_at) {
                due.bans = Part::All;
            }
            if !self.desk.router().gates.rules.is_empty() || self.is_letting_go() {
                due.rules = Part::All;
            }
            due.accounts = self.accounts_of_interest(now - lease / 2);
        }
        if self.gate_is_due() && (due.tunnels == Part::All || self.mirror.gate.is_none()) {
            due.gate = true;
        }
        if self.again_at.is_some_and(|at| now >= at) {
            self.again_at = None;
            due.permits = Part::All;
            due.bans = Part::All;
        }
        let doubted: Vec<Text> = self
            .mirror
            .doubts
            .due(now)
            .map(|address| address.to_string().into())
            .collect();
        if !doubted.is_empty() {
            due.permits = due.permits.and(Part::These(doubted));
        }
        self.look = std::mem::take(&mut self.look).and(due);
    }

    /// Handed-over accounts, those that are waited for, and those with a tunnel of which it was not seen since then what is
    /// behind them.
    fn accounts_of_interest(&self, since: Timestamp) -> Part {
        let open = self
            .sessions
            .values()
            .filter_map(super::Entry::latest)
            .filter(|session| {
                matches!(
                    session.state,
                    SessionState::Opening { .. }
                        | SessionState::Active { .. }
                        | SessionState::Expiring { .. }
                )
            })
            .filter_map(|session| self.desk.account(session.account))
            .filter(|account| {
                let seen = self.mirror.accounts_at.get(&account.name);
                seen.is_none_or(|at| *at <= since)
            });
        let waiting = self
            .sessions
            .values()
            .filter_map(super::Entry::latest)
            .filter(|session| matches!(session.state, SessionState::Requested { ready: false, .. }))
            .filter_map(|session| self.desk.account(session.account));
        let mut names: Vec<Text> = self
            .desk
            .handed_over()
            .chain(waiting)
            .chain(open)
            .filter(|account| self.desk.source_kind(account).is_some())
            .map(|account| Arc::clone(&account.name))
            .collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            Part::Nothing
        } else {
            Part::These(names)
        }
    }

    /// A difference that several rounds did not mend waits, by difference and not by router.
    fn worth_trying(&self, commands: Vec<Command>, now: Timestamp) -> Vec<Command> {
        commands
            .into_iter()
            .filter(|command| {
                Difference::of(command)
                    .and_then(|difference| self.tried.get(&difference))
                    .is_none_or(|tried| tried.not_before <= now)
            })
            .collect()
    }

    /// What is no longer in the plan was mended.
    fn forget_mended(&mut self, plan: &Plan) {
        if self.tried.is_empty() {
            return;
        }
        let open: std::collections::BTreeSet<Difference> = plan
            .close
            .iter()
            .chain(&plan.cut)
            .chain(&plan.open)
            .chain(&plan.gate)
            .filter_map(Difference::of)
            .collect();
        self.tried.retain(|difference, _| open.contains(difference));
    }

    fn try_again_later(&mut self, difference: Difference, now: Timestamp, at_least: Duration) {
        let most = Duration::from_secs(u64::from(self.desk.router().poll_interval.max(1)));
        let tried = self.tried.entry(difference.clone()).or_default();
        tried.times = tried.times.saturating_add(1);
        let gap = if tried.times < AT_ONCE {
            Duration::from_millis(100)
        } else {
            backoff::delay(tried.times - AT_ONCE, Duration::from_secs(1), most)
        };
        tried.not_before = now + gap.max(at_least);
        if tried.times == AT_ONCE + 1 {
            let what: Text = format!("{difference:?}").into();
            self.alert_now(None, Alert::NotMended { what });
        }
    }

    // ---- what a look brought --------------------------------------------------------------------

    fn observed(&mut self, look: &Look, observed: Observed) {
        self.reached();
        let tunnels = observed.tunnels.as_ref().map(|seen| seen.asked.clone());
        let asked = |part: &Part| *part != Part::Nothing;
        let broke_off = asked(&look.tunnels) && tunnels.is_none()
            || asked(&look.permits) && observed.permits.is_none();
        let begun = [
            observed.tunnels.as_ref().map(|seen| seen.at),
            observed.router_uptime.map(|(_, at)| at),
        ];
        let begun = begun.into_iter().flatten().min();
        let took = begun.map_or(Duration::ZERO, |begun| self.clock.now().since(begun));
        self.gate_looked_at(look, &observed);
        if let Some(seen) = observed.rules.as_ref().filter(|it| it.asked == Part::All) {
            let rows = seen.rows.clone();
            self.tell_rules(&Ok(rows));
        } else if look.rules == Part::All {
            self.tell_rules(&Err("the look broke off in the middle".into()));
        }
        let changes = self.mirror.take_in_after(observed, took);
        self.tell_gate();
        self.see_let_go();
        if changes.rebooted {
            info!(router = %self.fence.router, "the router has rebooted");
            self.rebooted_at = Some(self.clock.now());
            self.look = std::mem::take(&mut self.look).and(Look::complete());
        }
        let taken = changes.taken.clone();
        self.tunnels_changed(changes, &tunnels.unwrap_or_default());
        self.permits_taken(&taken);
        self.seen_opened();
        self.seen_accounts();
        if broke_off {
            // Nothing was concluded from it; a little later, everything is looked at again.
            self.poll_at = self.poll_at.min(self.clock.now() + Duration::from_secs(1));
            self.mirror.permits_at = None;
        }
    }

    /// The second look: the same tunnel, and its permit.
    fn seen_opened(&mut self) {
        let (mut opened, mut missing) = (Vec::new(), Vec::new());
        let wanted = self.wanted(self.clock.now());
        for (id, entry) in &self.sessions {
            let (Some(session), None) = (&entry.current, &entry.pending) else {
                continue;
            };
            let SessionState::Opening { tunnel, since, .. } = &session.state else {
                continue;
            };
            let Some(seen) = self
                .mirror
                .same(tunnel)
                .filter(|seen| seen.seen_at >= *since)
            else {
                continue;
            };
            match self.rule_of(session.account, &wanted) {
                RuleState::Off => continue,
                RuleState::Missing if !self.desk.router().gates.address_list => {
                    missing.push(*id);
                    continue;
                }
                RuleState::Missing | RuleState::Ready => {}
            }
            // Made in observe mode, and now the gate is shut: it needs a permit like any other.
            let through = self.desk.router().mode == Mode::Observing
                || !self.desk.router().gates.address_list
                || seen.addresses.v4.is_some_and(|ip| {
                    self.mirror
                        .permits
                        .get(&Prefix::host(ip.into()))
                        .is_some_and(|permit| {
                            let ours = matches!(&permit.tag,
                            PermitTag::Ours { session, .. } if session == id);
                            ours && permit.seen_at <= seen.seen_at
                                && !permit.lapsed(self.clock.now())
                        })
                });
            if through {
                opened.push(*id);
            }
        }
        for id in opened {
            self.feed(id, Event::Opened.into());
        }
        for id in missing {
            let why: Text = "the rule that is bound is not there, or not alone".into();
            self.feed(id, Event::Refused { why }.into());
        }
    }

    /// Accounts seen enabled let their owners connect; seen disabled by hand, or gone, they end the request.
    fn seen_accounts(&mut self) {
        let mut events = Vec::new();
        for (id, entry) in &self.sessions {
            let Some(session) = entry.latest() else {
                continue;
            };
            let SessionState::Requested { ready: false, .. } = session.state else {
                continue;
            };
            let Some(account) = self.desk.account(session.account) else {
                continue;
            };
            let Some(kind) = self.desk.source_kind(account) else {
                events.push((*id, Event::AccountReady)); // kept elsewhere: known by name only
                continue;
            };
            let by = Actor::Router;
            let rows = self.mirror.accounts.get(&account.name);
            let twin = rows.is_some_and(|rows| rows.iter().any(|row| row.source != kind));
            let row = rows.map(|rows| rows.iter().find(|row| row.source == kind));
            match row {
                Some(Some(row)) if row.enabled => events.push((*id, Event::AccountReady)),
                // Handed over, it would stay disabled: whoever waits for it is told, and operators are.
                Some(Some(_)) if !account.handed_over || twin => {
                    events.push((
                        *id,
                        Event::End {
                            reason: EndReason::DisabledOnRouter,
                            by,
                        },
                    ));
                }
                Some(None) => {
                    events.push((
                        *id,
                        Event::End {
                            reason: EndReason::AccountGone,
                            by,
                        },
                    ));
                }
                Some(Some(_)) | None => {}
            }
        }
        for (id, event) in events {
            self.feed(id, event.into());
        }
    }

    /// Taken by hand, if the tunnel is still there at the next look; else it went with its tunnel.
    fn permits_taken(&mut self, taken: &[(Prefix, PermitTag)]) {
        let now = self.clock.now();
        for (_, tag) in taken {
            let PermitTag::Ours { session, .. } = tag else {
                continue;
            };
            let open = self
                .sessions
                .get(session)
                .and_then(|entry| entry.current.as_ref());
            let Some(tunnel) = open
                .filter(|session| {
                    matches!(
                        session.state,
                        SessionState::Active { .. } | SessionState::Expiring { .. }
                    )
                })
                .and_then(Session::tunnel)
            else {
                continue;
            };
            let name = Arc::clone(&tunnel.account);
            self.suspects.entry(*session).or_insert(now);
            self.look = std::mem::take(&mut self.look).and(Look {
                tunnels: Part::These(vec![name]),
                ..Look::default()
            });
        }
        let mut sure = Vec::new();
        for (id, since) in &self.suspects {
            let session = self
                .sessions
                .get(id)
                .and_then(|entry| entry.current.as_ref());
            match session
                .and_then(Session::tunnel)
                .map(|tunnel| self.mirror.same(tunnel))
            {
                Some(Some(seen)) if seen.seen_at >= *since => sure.push((*id, true)),
                Some(Some(_)) => {}
                Some(None) | None => sure.push((*id, false)),
            }
        }
        for (id, by_hand) in sure {
            self.suspects.remove(&id);
            if by_hand {
                self.feed(id, Event::PermitTaken.into());
            }
        }
    }

    // ---- what commands brought -----------------------------------------------------------------

    fn applied(&mut self, commands: &[Command], outcomes: &[Applied], began: Timestamp) {
        let now = self.clock.now();
        let mut verify = Look::default();
        for (command, outcome) in commands.iter().zip(outcomes) {
            let difference = Difference::of(command);
            match outcome {
                Applied::Done { .. } | Applied::AlreadySo
                    if matches!(command, Command::MendGate) =>
                {
                    verify = verify.and(self.gate_mended());
                    // What is still wrong after that is not tried at every turn.
                    self.try_again_later(Difference::Gate, now, Duration::from_secs(1));
                }
                Applied::Done { handle } => {
                    verify = verify.and(self.done(command, handle.as_ref(), began, now));
                    self.clean_up_after(command);
                    if let Command::SetRule {
                        comment,
                        enabled: false,
                        ..
                    } = command
                    {
                        self.switched_off.insert(Arc::clone(comment));
                    }
                    if matches!(command, Command::CutTunnel { .. }) {
                        // The row can stay visible for a moment.
                        difference.into_iter().for_each(|d| {
                            self.try_again_later(d, now, Duration::from_millis(500));
                        });
                    }
                }
                Applied::AlreadySo => {
                    verify = verify.and(self.already(command));
                }
                Applied::Refused { reason, retry } => {
                    self.refused(command, reason, *retry, now);
                }
                Applied::Unknown => self.unknown(command, now),
                Applied::NotSent => self.clean_up.again(command),
            }
        }
        if self.is_letting_go() {
            verify.rules = Part::All;
        }
        self.look = std::mem::take(&mut self.look).and(verify);
        if commands
            .iter()
            .any(|it| matches!(it, Command::SetRule { .. }))
        {
            self.judge_all();
        }
    }

    /// A done command is an observation of that one entry. Says what to look at next.
    fn done(
        &mut self,
        command: &Command,
        handle: Option<&Text>,
        began: Timestamp,
        now: Timestamp,
    ) -> Look {
        match command {
            Command::Permit {
                session,
                address,
                lease,
            } => {
                self.wrote(*address, *session, handle, lease, began, now);
                self.verify(*session)
            }
            Command::Renew {
                session,
                address,
                known,
                lease,
            } => {
                // The entry may have been made anew, under another id.
                let handle = handle.or(Some(known));
                self.wrote(*address, *session, handle, lease, began, now);
                Look::default()
            }
            Command::Revoke { address, .. } => {
                self.mirror.revoked(address);
                Look::default()
            }
            Command::Ban {
                session,
                address,
                lease,
            } => {
                let lapses_at = Some(lease.longest(now));
                let entry = self.entry(*session, handle, lapses_at, now);
                self.mirror.bans.insert(*address, entry);
                Look::default()
            }
            Command::Unban { address, .. } => {
                self.mirror.bans.remove(address);
                Look::default()
            }
            Command::CutTunnel { account, .. } => Look {
                tunnels: Part::These(vec![Arc::clone(account)]),
                ..Look::default()
            },
            Command::SetAccount { name, .. } => Look {
                accounts: Part::These(vec![Arc::clone(name)]),
                ..Look::default()
            },
            Command::SetRule {
                comment, enabled, ..
            } => {
                if *enabled {
                    self.switched_off.remove(comment);
                }
                for rule in &mut self.mirror.rules {
                    if rule.comment == *comment {
                        rule.enabled = *enabled;
                    }
                }
                Look::default()
            }
            Command::SetGate { .. } => Look {
                gate: true,
                ..Look::default()
            },
            Command::KeepAlive { lease } => {
                // Written at `began` or later: it lives for so long at least.
                self.mirror.alive_until = lease
                    .seconds_at(began)
                    .map(|seconds| began + Duration::from_secs(seconds));
                Look::default()
            }
            Command::MendGate
            | Command::ForgetConnections { .. }
            | Command::CloseSessions { .. } => Look::default(),
        }
    }

    fn already(&mut self, command: &Command) -> Look {
        match command {
            Command::Revoke { address, .. } => {
                self.mirror.revoked(address);
                Look::default()
            }
            Command::Unban { address, .. } => {
                self.mirror.bans.remove(address);
                Look::default()
            }
            other => self.done(other, None, self.clock.now(), self.clock.now()),
        }
    }

    fn entry(
        &self,
        session: crate::id::SessionId,
        handle: Option<&Text>,
        lapses_at: Option<Timestamp>,
        now: Timestamp,
    ) -> ListEntry {
        ListEntry {
            handle: handle.map_or_else(|| "".into(), Arc::clone),
            tag: PermitTag::Ours {
                session,
                epoch: self.fence.epoch,
            },
            lapses_at,
            seen_at: now,
        }
    }

    fn wrote(
        &mut self,
        address: Prefix,
        session: crate::id::SessionId,
        handle: Option<&Text>,
        lease: &Lease,
        began: Timestamp,
        now: Timestamp,
    ) {
        // Written at `began` or later: it lives for so long at least.
        let lapses_at = lease
            .seconds_at(began)
            .map_or(now, |seconds| began + Duration::from_secs(seconds));
        let entry = self.entry(session, handle, Some(lapses_at), now);
        self.mirror.permitted(address, entry);
    }

    /// The second look that opening needs, at this session's tunnel only.
    fn verify(&self, session: crate::id::SessionId) -> Look {
        let session = self
            .sessions
            .get(&session)
            .and_then(|entry| entry.current.as_ref());
        session
            .and_then(Session::tunnel)
            .map_or_else(Look::default, |tunnel| Look {
                tunnels: Part::These(vec![Arc::clone(&tunnel.account)]),
                ..Look::default()
            })
    }

    fn refused(&mut self, command: &Command, reason: &Text, retry: Retry, now: Timestamp) {
        warn!(%reason, ?command, "the router refused a command");
        let at_least = match retry {
            Retry::Now => Duration::ZERO,
            Retry::After(pause) => pause,
            Retry::Never => Duration::from_secs(5),
        };
        match command {
            Command::Permit { session, .. } if retry == Retry::Never => {
                self.feed(
                    *session,
                    Event::Refused {
                        why: Arc::clone(reason),
                    }
                    .into(),
                );
            }
            Command::ForgetConnections { address } => self.cut_instead(*address),
            Command::MendGate => {
                // The rest of it was mended all the same.
                let look = self.gate_mended();
                self.look = std::mem::take(&mut self.look).and(look);
            }
            Command::Renew { address, .. } => {
                // Gone meanwhile, by itself or by hand, or refused for another reason: a look says which.
                self.look = std::mem::take(&mut self.look).and(Look {
                    permits: Part::These(vec![address.to_string().into()]),
                    ..Look::default()
                });
            }
            _ => {}
        }
        if let Some(difference) = Difference::of(command) {
            self.try_again_later(difference, now, at_least);
        }
    }

    /// Neither done nor failed: what it could have opened counts as open.
    fn unknown(&mut self, command: &Command, now: Timestamp) {
        if let Command::Permit {
            session,
            address,
            lease,
        }
        | Command::Renew {
            session,
            address,
            lease,
            ..
        } = command
        {
            // It may be carried out as late as a router pauses, and lives for its lease from then.
            let until = lease.longest(now) + Duration::from_secs(60);
            self.mirror.doubts.add(*address, *session, now, until);
        }
        self.clean_up.again(command);
        self.mirror.disconnected();
        self.look = std::mem::take(&mut self.look).and(Look::complete());
        if let Some(difference) = Difference::of(command) {
            self.try_again_later(difference, now, Duration::ZERO);
        }
    }

    // ---- reachability ---------------------------------------------------------------------------

    fn reached(&mut self) {
        if self.contact.reachable == Some(true) {
            return;
        }
        let now = self.clock.now();
        let first = self.contact.reachable.is_none();
        let since = self.contact.since;
        let alerted = std::mem::take(&mut self.contact.alerted);
        self.contact.reachable = Some(true);
        self.contact.since = now;
        self.contact.failures = 0;
        self.contact.trouble = None;
        if alerted {
            self.alert_now(
                None,
                Alert::Router {
                    back: true,
                    since,
                    why: "".into(),
                },
            );
        }
        self.tell_reach(Reach::Back, first);
    }

    fn failed(&mut self, error: &RouterError) -> Next {
        let now = self.clock.now();
        let news = self.contact.reachable != Some(false);
        if news {
            info!(router = %self.fence.router, %error, "the router does not answer");
            self.contact.reachable = Some(false);
            self.contact.since = now;
        }
        self.contact.failures = self.contact.failures.saturating_add(1);
        self.contact.trouble = Some(error.to_string().into());
        self.tell_rules(&Err(error.to_string().into()));
        self.cannot_let_go(&error.to_string().into());
        self.mirror.disconnected();
        self.gate.away();
        self.look = Look::complete();
        if news {
            self.tell_reach(Reach::Away, false);
        }
        if !self.contact.alerted && now.since(self.contact.since) >= AWAY {
            self.contact.alerted = true;
            let why: Text = error.to_string().into();
            let since = self.contact.since;
            self.alert_now(
                None,
                Alert::Router {
                    back: false,
                    since,
                    why,
                },
            );
        }
        let first = match error.retry() {
            Retry::Now => Duration::from_millis(100),
            Retry::After(pause) => pause,
            Retry::Never => RETRY_MOST,
        };
        let mut chance = [0];
        self.entropy.fill(&mut chance);
        let [chance] = chance;
        let attempt = self.contact.failures - 1;
        Next::Rest(now + backoff::jittered(attempt, first, RETRY_MOST.max(first), chance))
    }

    /// At first contact only what waits for it is told.
    fn tell_reach(&mut self, reach: Reach, first: bool) {
        let _ = self
            .events
            .send(EngineEvent::Router(Box::new(self.status())));
        let concerned: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, entry)| {
                entry.latest().is_some_and(|session| match session.state {
                    SessionState::Opening { give_up_at, .. } => !first || give_up_at.is_none(),
                    SessionState::Requested { .. } | SessionState::Active { .. } => !first,
                    SessionState::Ended {
                        reason: EndReason::Denied,
                        remains: Some(_),
                        ..
                    } => !first,
                    _ => false,
                })
            })
            .map(|(id, _)| *id)
            .collect();
        for id in concerned {
            self.feed(id, Event::Router(reach).into());
        }
    }

    // ---- findings -------------------------------------------------------------------------------

    fn take_findings(&mut self, plan: &Plan) {
        let now: std::collections::BTreeSet<Finding> = plan.findings.iter().cloned().collect();
        let news: Vec<Finding> = now.difference(&self.findings).cloned().collect();
        self.findings = now;
        for finding in news {
            self.act_on(&finding);
        }
    }

    fn act_on(&mut self, finding: &Finding) {
        warn!(finding = %in_words(finding), "found on the router");
        let by = Actor::Router;
        match finding {
            Finding::ForeignPermit { address, comment } => {
                let address: Text = address.to_string().into();
                let comment = Arc::clone(comment);
                self.alert_now(None, Alert::ForeignPermit { address, comment });
            }
            Finding::DisabledByHand(name) => {
                self.end_account(name, EndReason::DisabledOnRouter, &by);
            }
            Finding::AccountGone(name) => self.end_account(name, EndReason::AccountGone, &by),
            Finding::SameName(_)
            | Finding::TooWide { .. }
            | Finding::RuleGone(_)
            | Finding::RuleAmbiguous(_)
            | Finding::RuleRenamed { .. }
            | Finding::RuleMoved { .. } => {
                let what: Text = in_words(finding);
                self.alert_now(None, Alert::Found { what });
            }
            Finding::RuleDisabledByHand(comment) => {
                let rules = self.desk.router().gates.rules.iter();
                let bound: Vec<Bound> = rules
                    .filter(|binding| binding.comment == *comment)
                    .map(|binding| binding.to)
                    .collect();
                let concerns = |id: AccountId| {
                    let account = self.desk.account(id);
                    account.is_some_and(|account| bound.iter().any(|to| to.concerns(account)))
                };
                let names: Vec<Text> = self
                    .of_account
                    .keys()
                    .filter(|id| concerns(**id))
                    .filter_map(|id| self.desk.account(*id))
                    .map(|account| Arc::clone(&account.name))
                    .collect();
                for name in names {
                    self.end_account(&name, EndReason::DisabledOnRouter, &by);
                }
            }
            Finding::Static(_) => {
                let what: Text = in_words(finding);
                self.alert_now(None, Alert::DriftClosed { what });
            }
            Finding::OtherInstallation(_) | Finding::NoGate => {
                let finding: Text = in_words(finding);
                self.alert_now(
                    None,
                    Alert::Gate {
                        whole: false,
                        finding,
                    },
                );
            }
        }
    }

    /// More closed than wanted is respected: the session ends, nothing is opened again.
    fn end_account(&mut self, name: &Text, reason: EndReason, by: &Actor) {
        if self.desk.router().mode == Mode::Observing {
            return;
        }
        let Some(account) = self.desk.account_named(name).map(|account| account.id) else {
            return;
        };
        let open: Vec<_> = self
            .of(account)
            .filter(|session| session.is_open())
            .map(|session| session.id)
            .collect();
        for id in open {
            self.feed(
                id,
                Event::End {
                    reason,
                    by: by.clone(),
                }
                .into(),
            );
        }
    }
}

/// A finding as people read it.
pub(super) fn in_words(finding: &Finding) -> Text {
    match finding {
        Finding::ForeignPermit { address, comment } => {
            format!("a foreign entry on the permit list: {address} ({comment})")
        }
        Finding::OtherInstallation(which) => {
            format!("another installation of mikro2fa ({which}) is at work: nothing is opened")
        }
        Finding::Static(address) => format!("a permit without a time-out: {address}"),
        Finding::DisabledByHand(name) => format!("account {name} was disabled by hand"),
        Finding::RuleDisabledByHand(comment) => {
            format!("the rule \"{comment}\" was disabled by hand")
        }
        Finding::AccountGone(name) => format!("account {name} is not on the router"),
        Finding::TooWide { account, route } => {
            format!(
                "{route} behind {account} is not let through: tunnels get their addresses from it"
            )
        }
        Finding::NoGate => {
            "the gate cannot be switched: its jumps are not there. Prepare the router".to_owned()
        }
        Finding::SameName(name) => {
            format!(
                "account {name} stands in the PPP secrets and in the User Manager: disabling one does not keep the other out"
            )
        }
        Finding::RuleGone(comment) => {
            format!("no rule has the comment \"{comment}\" any more: it lets nobody through")
        }
        Finding::RuleAmbiguous(comment) => {
            format!("more than one rule has the comment \"{comment}\": none of them is touched")
        }
        Finding::RuleRenamed { was, now } => {
            format!("the rule \"{was}\" reads \"{now}\" now: it is bound to nobody")
        }
        Finding::RuleMoved { comment, from, to } => format!(
            "the rule \"{comment}\" was moved: {to} rules with a comment stand above it, {from} before"
        ),
    }
    .into()
}
