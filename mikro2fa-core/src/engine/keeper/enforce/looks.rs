//! What a look brought: tunnels, permits, accounts, and what that says of sessions.

use std::{sync::Arc, time::Duration};

use tracing::info;

use super::super::{Entry, Keeper, rule::RuleState};
use crate::{
    desk::Mode,
    router_backend::{Look, Observed, Part, PermitTag, Prefix},
    session::{Actor, EndReason, Event, Session, SessionState},
    tunnel::Text,
};

impl Keeper {
    pub(super) fn observed(&mut self, look: &Look, observed: Observed) {
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
        let opening = |entry: &Entry| {
            let session = entry.current.as_deref();
            session.is_some_and(|it| matches!(it.state, SessionState::Opening { .. }))
        };
        if !self.sessions.values().any(opening) {
            return;
        }
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
                .and_then(|entry| entry.current.as_deref());
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
                .and_then(|entry| entry.current.as_deref());
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
}
