//! What the rules make of a packet.

use super::{
    super::{menu::MenuId, state::State},
    DecidingRule, Flow, FlowState, Passage,
    route::{NoWay, Route},
    track::key_of,
};
use crate::firewall::{ConnectionState, Decision, Evaluation, Hook, Packet, Protocol};

impl State {
    /// Judges a packet in the state it says it is in. An established one that reaches a fasttrack rule has its connection
    /// bypass the rules from then on, as on the router.
    pub(crate) fn would_pass(&mut self, flow: &Flow) -> Passage {
        let route = match self.route(flow) {
            Ok(route) => route,
            Err(NoWay(why)) => return Passage::dropped(why),
        };
        let key = key_of(flow, &route);
        let state = match flow.state {
            FlowState::Established if self.is_fasttracked(key) => FlowState::Fasttracked,
            state => state,
        };
        let passage = self.judge(flow, &route, state);
        if passage.fasttracked && state == FlowState::Established {
            self.mark_fasttracked(key);
        }
        passage
    }

    /// Sends a packet: its connection's state is what connection tracking knows of it, and a new connection that passes is
    /// known from then on.
    pub(crate) fn send_packet(&mut self, flow: &Flow) -> Passage {
        let route = match self.route(flow) {
            Ok(route) => route,
            Err(NoWay(why)) => return Passage::dropped(why),
        };
        let key = key_of(flow, &route);
        let known = self.flow_row(key).is_some();
        let state = match flow.state {
            FlowState::New | FlowState::Established | FlowState::Fasttracked => {
                match (self.is_fasttracked(key), known) {
                    (true, _) => FlowState::Fasttracked,
                    (false, true) => FlowState::Established,
                    (false, false) => FlowState::New,
                }
            }
            state => state,
        };
        let passage = self.judge(flow, &route, state);
        if passage.passes() && state == FlowState::New {
            self.track(key);
        }
        if passage.passes() && passage.fasttracked && state == FlowState::Established {
            self.mark_fasttracked(key);
        }
        passage
    }

    fn judge(&mut self, flow: &Flow, route: &Route, state: FlowState) -> Passage {
        if let Some(passage) = self.reverse_path(route) {
            return passage;
        }
        let ipv6 = route.source.is_ipv6();
        let ruleset = self.ruleset(ipv6);
        let mut packet = Packet::new(route.hook, route.source, route.destination);
        packet.in_interface = route.in_interface.as_deref();
        packet.out_interface = route.out_interface.as_deref();
        packet.protocol = flow.protocol;
        packet.source_port = Some(flow.source_port);
        packet.destination_port = Some(flow.destination_port);
        packet.within_limit = Some(true);
        // What goes to the router itself is never fasttracked.
        packet.fasttracked = state == FlowState::Fasttracked && route.hook == Hook::Forward;
        packet.state = match state {
            FlowState::New => ConnectionState::New,
            FlowState::Established | FlowState::Fasttracked => ConnectionState::Established,
            FlowState::Related => ConnectionState::Related,
            FlowState::Invalid => ConnectionState::Invalid,
            FlowState::Untracked => ConnectionState::Untracked,
        };
        let evaluation = ruleset.evaluate(&packet, self);
        let rule = evaluation.rule().and_then(|index| {
            let rule = ruleset.rules().get(index)?;
            let menu = if ipv6 {
                MenuId::Filter6
            } else {
                MenuId::Filter
            };
            Some(DecidingRule {
                menu: menu.menu().path,
                id: rule.id.clone(),
                position: index,
                chain: rule.chain.clone(),
                comment: rule.comment.clone(),
            })
        });
        let has_ports = flow.protocol == Protocol::TCP || flow.protocol == Protocol::UDP;
        Passage {
            verdict: evaluation.verdict(),
            why: explain(&evaluation, rule.as_ref(), route.hook),
            rule,
            fasttracked: has_ports
                && route.hook == Hook::Forward
                && evaluation.fasttrack.is_some_and(|mark| mark.certain),
        }
    }
}

fn explain(evaluation: &Evaluation, rule: Option<&DecidingRule>, hook: Hook) -> String {
    let by = rule.map_or_else(String::new, |rule| {
        let comment = if rule.comment.is_empty() {
            "without comment"
        } else {
            &rule.comment
        };
        format!("rule {} of {} ({comment})", rule.position, rule.chain)
    });
    match evaluation.decision {
        Decision::Accepted(_) => format!("{by} accepts it"),
        Decision::Dropped(_) => format!("{by} drops it"),
        Decision::EndOfChain => format!("no rule of {} stops it", hook.chain()),
        Decision::Fasttracked => "its connection is fasttracked, so no rule sees it".to_owned(),
        Decision::Open(doubt) => format!("{by}: {}", doubt.reason),
    }
}
