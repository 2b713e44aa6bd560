//! Bound rules: whom they let through, who has to wait for them, and who reads them.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Keeper, enforce::AT_ONCE};
use crate::{
    desk::{Desk, Mode},
    enforcement::{Difference, Wanted},
    id::AccountId,
    router_backend::{Command, Look, Part, RuleRow},
    tunnel::{Text, Tunnel},
};

/// How the rules that are bound to an account stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RuleState {
    /// There are none, or all of them count that are to.
    Ready,
    /// One that is to count does not yet.
    Off,
    /// One is not there, or not alone.
    Missing,
}

impl Keeper {
    /// How the rules that are bound to an account, or to its owner, stand.
    pub(super) fn rule_of(&self, account: AccountId, wanted: &Wanted) -> RuleState {
        let Some(account) = self.desk.account(account) else {
            return RuleState::Ready;
        };
        let mut state = RuleState::Ready;
        for binding in self.desk.rules_of(account) {
            let is_wanted = wanted.rules.get(&binding.comment) == Some(&true);
            match self.only_rule(&binding.comment) {
                None if self.mirror.rules_at.is_some() => return RuleState::Missing,
                Some(rule) if rule.enabled || !is_wanted => {}
                _ => state = RuleState::Off,
            }
        }
        state
    }

    fn only_rule(&self, comment: &Text) -> Option<&RuleRow> {
        let mut fitting = self.mirror.rules.iter().filter(|it| it.comment == *comment);
        match (fitting.next(), fitting.next()) {
            (Some(rule), None) => Some(rule),
            _ => None,
        }
    }

    /// Does a rule that counts for somebody else let this tunnel through, too? Then nothing is asked about it before that rule was
    /// switched off, which the plan has in hand; and if it cannot be, the tunnel is cut.
    pub(super) fn waits_for_rule(&mut self, tunnel: &Tunnel) -> bool {
        if self.desk.router().mode == Mode::Observing {
            return false;
        }
        let Some(account) = self.desk.account_named(&tunnel.account) else {
            return false;
        };
        let counting: Vec<Text> = self
            .desk
            .rules_of(account)
            .filter(|binding| {
                let rule = self.only_rule(&binding.comment);
                rule.is_some_and(|rule| rule.enabled)
            })
            .map(|binding| Arc::clone(&binding.comment))
            .collect();
        let stuck = counting.iter().any(|comment| {
            let tried = self.tried.get(&Difference::Counting(Arc::clone(comment)));
            tried.is_some_and(|tried| tried.times >= AT_ONCE)
        });
        if stuck {
            self.clean_up.cut(&tunnel.key);
        }
        if !counting.is_empty() {
            self.bell.ring(&self.activity);
        }
        !counting.is_empty()
    }

    /// Tunnels that a rule follows.
    pub(super) fn tunnels_of_rule(&self, comment: &Text) -> impl Iterator<Item = &Arc<Tunnel>> {
        let rules = self.desk.router().gates.rules.iter();
        let bindings: Vec<_> = rules.filter(|it| it.comment == *comment).collect();
        let tunnels = self.mirror.tunnels.values();
        tunnels.filter(move |tunnel| {
            let mut bindings = bindings.iter();
            bindings.any(|binding| self.desk.follows(binding, &tunnel.account))
        })
    }

    /// Rules that the next desk no longer binds: what we had switched on is switched off, and theirs again.
    pub(super) fn let_go_of_rules(&mut self, next: &Desk) {
        if self.desk.router().mode == Mode::Observing {
            return;
        }
        let bound = |comment: &Text| {
            let mut rules = next.router().gates.rules.iter();
            rules.any(|binding| binding.comment == *comment)
        };
        let gone: Vec<Command> = self
            .desk
            .router()
            .gates
            .rules
            .iter()
            .filter(|binding| !bound(&binding.comment))
            // Also where it was seen disabled: that look may be older than our own order to enable it.
            .map(|binding| Command::SetRule {
                comment: Arc::clone(&binding.comment),
                known: None,
                enabled: false,
            })
            .collect();
        for command in gone {
            self.clean_up.add(command);
        }
    }

    /// Answers with the next look at all of them.
    pub(super) fn read_rules(&mut self, reply: oneshot::Sender<Result<Vec<RuleRow>, Text>>) {
        self.rule_readers.push(reply);
        self.look_soon(Look {
            rules: Part::All,
            ..Look::default()
        });
    }

    /// Whoever waits for that look is told, or why there was none.
    pub(super) fn tell_rules(&mut self, rules: &Result<Vec<RuleRow>, Text>) {
        for reader in self.rule_readers.drain(..) {
            let _ = reader.send(rules.clone());
        }
    }
}
