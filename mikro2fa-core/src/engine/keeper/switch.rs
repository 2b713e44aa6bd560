//! Switching a router between observing and enforcing, and its gate with it.

use tracing::info;

use super::{After, Keeper};
use crate::{
    audit::{AuditEntry, AuditKind},
    desk::{Desk, Mode, RouterDesk},
    enforcement::{Wanted, is_switched},
    engine::EngineEvent,
    router_backend::{Look, Part},
    session::{Event, Session, SessionState},
    time::Timestamp,
};

impl Keeper {
    /// The desk as it is now, and all that follows from it.
    pub(super) fn desk_changed(&mut self, desk: RouterDesk) {
        let mode = self.desk.router().mode;
        let gates = self.desk.router().gates.clone();
        let desk = Desk::new(desk);
        self.let_go_of_rules(&desk);
        self.tell_people(&desk);
        self.desk = desk;
        let router = self.desk.router();
        let of_the_router = router.mode != mode
            || router.gates.address_list != gates.address_list
            || router.gates.lists != gates.lists;
        let rebound = router.gates.rules != gates.rules;
        let anew = of_the_router || self.desk.order().is_some();
        if anew {
            self.gate.settle(self.clock.now());
        }
        if self.desk.router().mode != mode {
            self.mode_changed();
        }
        if self.desk.order().is_some() {
            self.mirror.gate = None; // what was seen before the order is no answer to it
        }
        self.desk_rules();
        self.rejudge_held();
        // People and accounts change often, and what was seen of lists and gate stays true.
        self.look_soon(if anew {
            Look::complete()
        } else {
            Look {
                tunnels: Part::All,
                rules: if rebound { Part::All } else { Part::Nothing },
                ..Look::default()
            }
        });
    }

    /// What was concluded about tunnels in the other mode is concluded anew: nothing of it was done to them.
    fn mode_changed(&mut self) {
        info!(router = %self.fence.router, mode = ?self.desk.router().mode, "another mode");
        let held = std::mem::take(&mut self.held);
        self.unjudged.extend(held.into_keys());
        self.before.clear();
    }

    /// Sessions that were made in the other mode are told. Their tunnels, where they are over, are judged anew.
    pub(super) fn tell_mode(&mut self) {
        let trial = self.desk.router().mode == Mode::Observing;
        let other = |session: &&Session| session.trial != trial;
        let mut told = Vec::new();
        for (id, entry) in &self.sessions {
            let Some(session) = entry.latest().filter(other) else {
                continue;
            };
            if let SessionState::Ended {
                remains: Some(left),
                ..
            } = &session.state
                && !trial
            {
                self.unjudged.insert(left.tunnel.key.clone());
            }
            told.push(*id);
        }
        for id in told {
            self.feed(id, Event::ModeChanged { trial }.into());
        }
    }

    /// What an operator had ordered was seen done: written down once, and then forgotten.
    pub(super) fn see_switched(&mut self, wanted: &Wanted) {
        let Some(order) = self.desk.order() else {
            return;
        };
        if self.gate_reported == Some(order.at) || !is_switched(wanted, &self.mirror) {
            return;
        }
        self.gate_reported = Some(order.at);
        let mut commit = self.empty_commit();
        commit.gate_done = Some(order.at);
        commit.audit.push(AuditEntry {
            at: self.clock.now(),
            session: None,
            router: Some(self.fence.router),
            account: None,
            what: AuditKind::GateSwitched {
                enabled: order.mode == Mode::Enforcing,
                ordered_at: order.at,
            },
        });
        self.outgoing.push_back((After::GateDone(order.at), commit));
    }

    /// That the gate was seen switched is durable, or could not be written down and is tried again at the next look.
    pub(super) fn gate_done(&mut self, at: Timestamp, durable: bool) {
        if durable {
            self.desk.order_done(at);
            let status = Box::new(self.status());
            let _ = self.events.send(EngineEvent::Router(status));
        } else if self.gate_reported == Some(at) {
            self.gate_reported = None;
        }
    }

    /// Whether the gate has to be looked at: as long as it is being switched.
    pub(super) fn gate_is_due(&self) -> bool {
        let order = self.desk.order();
        order.is_some() && self.desk.router().gates.address_list
    }
}
