//! The gate is watched: looked at now and then, told about when it breaks and when it is whole again; and until it holds,
//! nothing that was not confirmed stays up behind it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tracing::{info, warn};

use super::Keeper;
use crate::{
    desk::Mode,
    enforcement::{Cut, Difference, Wanted},
    engine::EngineEvent,
    gate::{GateFault, GateFaultKind, GateSeen, GateStatus, Jumps},
    notifier::Alert,
    router_backend::{Look, Observed, Part, Prefix},
    session::SessionState,
    time::Timestamp,
    tunnel::Text,
};

/// The gate is looked at so often: a few rows a minute.
const EVERY: Duration = Duration::from_secs(60);
/// A hint has it looked at too, but not oftener than that: hints come with every tunnel.
const AFTER_HINT: Duration = Duration::from_secs(15);
/// A gate that could not be read is tried again so much later.
const AGAIN: Duration = Duration::from_secs(5);
/// A gate that could not be read for so long, on a router that answers, is not taken for whole any more.
const UNREAD: Duration = Duration::from_secs(60);
/// So many faults are named in one message.
const NAMED: usize = 3;

/// Why nothing has been concluded about the gate yet.
#[derive(Clone, Copy, Debug)]
enum Settling {
    /// This keeper has begun.
    Began,
    /// The router's mode or gates were changed, or the gate was ordered shut or open.
    Switched,
}

/// What the keeper knows of its router's gate beyond what was last seen.
#[derive(Debug)]
pub(super) struct Watch {
    /// When it is looked at next.
    due_at: Timestamp,
    /// Can the backend judge a gate at all?
    able: bool,
    /// Since when it cannot be read though the router answers.
    unread_since: Option<Timestamp>,
    /// Nothing has been concluded yet, since this keeper began or the router was switched to enforcing: what is found
    /// wrong is put right first, and only what cannot be has consequences.
    settling: Option<Settling>,
    /// What operators were told is wrong.
    told: BTreeSet<Text>,
    /// Mended by us since it was last whole.
    mended: bool,
    /// The break-glass entries that operators were told of.
    emergency: BTreeSet<Prefix>,
}

impl Watch {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            due_at: now,
            able: false,
            unread_since: None,
            settling: Some(Settling::Began),
            told: BTreeSet::new(),
            mended: false,
            emergency: BTreeSet::new(),
        }
    }

    /// When it is looked at next.
    pub(super) const fn due_at(&self) -> Timestamp {
        self.due_at
    }

    /// A connection was made, by a backend that can judge gates or cannot.
    pub(super) const fn connected(&mut self, able: bool) {
        self.able = able;
        self.unread_since = None;
    }

    /// The router cannot be reached: what cannot be read is no wonder.
    pub(super) const fn away(&mut self) {
        self.unread_since = None;
    }

    /// The router's mode or gates were changed.
    pub(super) const fn settle(&mut self, now: Timestamp) {
        self.settling = Some(Settling::Switched);
        self.due_at = now;
    }
}

impl Keeper {
    /// Is the address-list gate meant to hold here?
    fn is_gated(&self) -> bool {
        let router = self.desk.router();
        router.gates.address_list && router.mode == Mode::Enforcing
    }

    /// Does the gate hold what was not confirmed, as far as is known? True where there is none: then nothing relies on it.
    pub(super) fn gate_holds(&self) -> bool {
        if !self.is_gated() {
            return true;
        }
        match &self.mirror.gate {
            _ if self.is_unread() => false,
            Some(seen) => {
                seen.holds() || (self.gate.settling.is_some() && self.is_being_mended(seen))
            }
            None => true,
        }
    }

    /// What waits for the database, or for another tunnel to go, before anything is concluded about it, does not wait behind a gate
    /// that does not hold.
    pub(super) fn cut_unconcluded(&self, wanted: &mut Wanted) {
        if wanted.observing || self.gate_holds() {
            return;
        }
        let beginning = self
            .sessions
            .values()
            .filter(|entry| entry.current.is_none())
            .filter_map(super::Entry::latest)
            .filter(|session| matches!(session.state, SessionState::Challenged { .. }))
            .filter_map(|session| Some(&session.tunnel()?.key));
        for key in self.unjudged.iter().chain(beginning) {
            let Some(tunnel) = self.mirror.tunnels.get(key) else {
                continue;
            };
            if tunnel.addresses.v4.is_some() && !self.mirror.is_emergency(tunnel) {
                let account = Arc::clone(&tunnel.account);
                wanted.cut.insert(key.clone(), Cut { account });
            }
        }
    }

    /// Is an attempt to put it right, or to switch it on as was ordered, still to come?
    fn is_being_mended(&self, seen: &GateSeen) -> bool {
        if self.desk.order().is_some() {
            seen.jumps != Jumps::Missing && !self.tried.contains_key(&Difference::GateOpen)
        } else {
            seen.can_be_mended() && !self.tried.contains_key(&Difference::Gate)
        }
    }

    fn is_unread(&self) -> bool {
        let now = self.clock.now();
        self.gate.able
            && self
                .gate
                .unread_since
                .is_some_and(|since| now.since(since) >= UNREAD)
    }

    /// For screens.
    pub(super) fn gate_status(&self) -> GateStatus {
        let router = self.desk.router();
        if !router.gates.address_list {
            return GateStatus::None;
        }
        if router.mode == Mode::Observing {
            return GateStatus::Observing;
        }
        match &self.mirror.gate {
            _ if !self.gate_holds() => GateStatus::Broken,
            None => GateStatus::Unseen,
            Some(seen) if seen.is_whole() => GateStatus::Whole,
            Some(_) => GateStatus::Marred,
        }
    }

    /// What is wrong with it, in words.
    pub(super) fn gate_faults(&self) -> Vec<Text> {
        if !self.is_gated() {
            return Vec::new();
        }
        let mut words: Vec<Text> = self
            .mirror
            .gate
            .iter()
            .flat_map(faults_of)
            .map(|fault| fault.to_string().into())
            .collect();
        if self.is_unread() {
            words.push(unreadable().to_string().into());
        }
        words
    }

    /// Joins a look when its time has come.
    pub(super) fn gate_due(&mut self, due: &mut Look, now: Timestamp) {
        if now >= self.gate.due_at {
            due.gate = self.gate.able && self.desk.router().gates.address_list;
        }
        if now >= self.gate.due_at || due.gate || self.look.gate {
            self.gate.due_at = now + EVERY;
        }
    }

    /// A hint: somebody may be at work on the router.
    pub(super) fn hint_look(&self) -> Look {
        let now = self.clock.now();
        let stale = |seen: &GateSeen| now.since(seen.at) >= AFTER_HINT;
        Look {
            tunnels: Part::All,
            gate: self.gate.able && self.mirror.gate.as_ref().is_none_or(stale),
            ..Look::default()
        }
    }

    /// What a look brought of it is in the mirror; here is what follows. Before tunnels are judged.
    pub(super) fn gate_looked_at(&mut self, look: &Look, observed: &Observed) {
        let now = self.clock.now();
        if !look.gate || !self.gate.able {
            return;
        }
        if observed.gate.is_none() {
            self.gate.unread_since.get_or_insert(now);
            self.gate.due_at = self.gate.due_at.min(now + AGAIN);
        } else {
            self.gate.unread_since = None;
        }
    }

    /// Told once, when it breaks and when it is whole again.
    pub(super) fn tell_gate(&mut self) {
        if !self.is_gated() {
            self.gate.told.clear();
            return;
        }
        let seen = self.mirror.gate.clone();
        let whole = seen.as_ref().is_some_and(GateSeen::is_whole) && !self.is_unread();
        if let Some(seen) = &seen {
            self.tell_emergency(seen);
            if whole || !self.is_being_mended(seen) {
                self.gate.settling = None;
            }
            let switching = matches!(self.gate.settling, Some(Settling::Switched));
            if switching && seen.jumps != Jumps::Enabled {
                return; // so it was meant to be until now
            }
        }
        let faults: BTreeSet<Text> = self.gate_faults().into_iter().collect();
        let news: Vec<Text> = faults.difference(&self.gate.told).cloned().collect();
        if !news.is_empty() {
            warn!(router = %self.fence.router, faults = ?faults, "the gate is not whole");
            let finding = in_short(&faults);
            self.gate.told.extend(faults);
            self.alert_now(
                None,
                Alert::Gate {
                    whole: false,
                    finding,
                },
            );
            self.gate_changed();
        } else if whole && !self.gate.told.is_empty() {
            self.gate.told.clear();
            let by_us = std::mem::take(&mut self.gate.mended);
            info!(router = %self.fence.router, by_us, "the gate is whole again");
            let finding: Text = if by_us { "mikro2fa" } else { "" }.into();
            self.alert_now(
                None,
                Alert::Gate {
                    whole: true,
                    finding,
                },
            );
            self.gate_changed();
        }
    }

    fn gate_changed(&self) {
        let _ = self
            .events
            .send(EngineEvent::Router(Box::new(self.status())));
    }

    fn tell_emergency(&mut self, seen: &GateSeen) {
        let now = self.clock.now();
        let there: BTreeSet<Prefix> = seen.emergency.iter().map(|entry| entry.address).collect();
        for entry in &seen.emergency {
            if self.gate.emergency.contains(&entry.address) {
                continue;
            }
            warn!(router = %self.fence.router, address = %entry.address, "a break-glass entry");
            let address: Text = entry.address.to_string().into();
            let until = entry.left.map(|left| now + left);
            self.alert_now(None, Alert::Emergency { address, until });
        }
        self.gate.emergency = there;
    }

    /// The order to mend it was carried out: what came of it, only a look says.
    pub(super) const fn gate_mended(&mut self) -> Look {
        self.gate.mended = true;
        Look {
            tunnels: Part::Nothing,
            permits: Part::Nothing,
            bans: Part::Nothing,
            accounts: Part::Nothing,
            rules: Part::Nothing,
            gate: true,
        }
    }
}

/// All that is wrong, the switch included.
fn faults_of(seen: &GateSeen) -> Vec<GateFault> {
    let all_off = GateFault {
        kind: GateFaultKind::Jump,
        what: "all jumps into the gate are disabled".into(),
        opens: true,
        ours: true,
    };
    let off = (seen.jumps == Jumps::Disabled).then_some(all_off);
    off.into_iter().chain(seen.faults.iter().cloned()).collect()
}

fn unreadable() -> GateFault {
    GateFault {
        kind: GateFaultKind::Unreadable,
        what: "the router does not show it: look at the rights of its user".into(),
        opens: true,
        ours: false,
    }
}

/// The first few, and how many more.
fn in_short(faults: &BTreeSet<Text>) -> Text {
    let named: Vec<&str> = faults.iter().take(NAMED).map(|fault| &**fault).collect();
    let more = faults.len().saturating_sub(NAMED);
    let mut text = named.join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    Arc::from(text)
}
