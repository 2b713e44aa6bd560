//! What the enforcer does next: looks that are due, then what closes, then what opens.

mod findings;
mod looks;
mod outcomes;
mod reach;

use std::{sync::Arc, time::Duration};

use tracing::warn;

pub(super) use self::findings::in_words;
use super::{FULL_LOOK, Keeper, Next, Round};
use crate::{
    enforcement::{Difference, Plan, Wanted, World, plan, wanted},
    engine::backoff,
    notifier::Alert,
    router_backend::{Command, Look, Part},
    session::{Session, SessionState},
    time::Timestamp,
    tunnel::Text,
};

/// A difference is tried so often at once; then with growing gaps.
pub(super) const AT_ONCE: u32 = 3;
/// For so long after a reboot what was on is switched on again.
const REFILLS: Duration = Duration::from_secs(180);

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
        wanted.unheard = self.heard.may_have_gone_off(self.mirror.up_since(), now);
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
}
