//! Bound rules: whom they let through, who has to wait for them, and who reads them.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{Keeper, enforce::AT_ONCE};
use crate::{
    desk::{Desk, Mode},
    enforcement::{Difference, Wanted},
    id::AccountId,
    router_backend::{Command, Look, Part, RuleRow},
    time::Timestamp,
    tunnel::{Text, Tunnel},
};

/// Whoever asks to let go of a rule takes its binding away within this time, or it is a bound rule as before.
const UNBOUND_WITHIN: Duration = Duration::from_secs(60);

/// A rule that is to be nobody's. What we had switched on is switched off before it is the administrator's again.
#[derive(Debug)]
pub(super) struct LettingGo {
    since: Timestamp,
    /// Still bound: somebody waits with taking that away.
    bound: bool,
    replies: Vec<oneshot::Sender<Result<(), Text>>>,
}

impl LettingGo {
    fn tell(&mut self, outcome: &Result<(), Text>) {
        for reply in self.replies.drain(..) {
            let _ = reply.send(outcome.clone());
        }
    }
}

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
        let bound = |desk: &Desk| -> BTreeSet<Text> {
            let rules = desk.router().gates.rules.iter();
            rules.map(|binding| Arc::clone(&binding.comment)).collect()
        };
        let (had, has) = (bound(&self.desk), bound(next));
        // Bound again, it is a bound rule like any other.
        self.letting_go
            .retain(|comment, it| it.bound || !has.contains(comment));
        for comment in had.difference(&has) {
            let tunnels = self.tunnels_of_rule(comment);
            let addresses: Vec<IpAddr> = tunnels
                .filter_map(|tunnel| tunnel.addresses.v4)
                .map(IpAddr::V4)
                .collect();
            for address in addresses {
                self.clean_up.add(Command::ForgetConnections { address });
            }
            self.let_go_unbound(Arc::clone(comment));
        }
    }

    /// A rule that is bound no more.
    pub(super) fn let_go_unbound(&mut self, comment: Text) {
        self.switched_off.remove(&comment);
        if self.desk.router().mode == Mode::Observing {
            return;
        }
        let since = self.clock.now();
        let new = || LettingGo {
            since,
            bound: false,
            replies: Vec::new(),
        };
        let it = self.letting_go.entry(comment).or_insert_with(new);
        it.bound = false;
        // Also where it was seen disabled: that look may be older than our own order to enable it.
        it.since = since;
    }

    /// A bound rule is to be nobody's: answered when it was seen switched off, or could not be.
    pub(super) fn let_go(&mut self, comment: Text, reply: oneshot::Sender<Result<(), Text>>) {
        if self.desk.router().mode == Mode::Observing {
            let _ = reply.send(Ok(()));
            return;
        }
        let since = self.clock.now();
        let new = || LettingGo {
            since,
            bound: true,
            replies: Vec::new(),
        };
        let it = self.letting_go.entry(comment).or_insert_with(new);
        it.since = since;
        it.replies.push(reply);
        self.look_soon(Look {
            rules: Part::All,
            ..Look::default()
        });
    }

    /// Is there any rule to let go of?
    pub(super) fn is_letting_go(&self) -> bool {
        !self.letting_go.is_empty()
    }

    /// They are not to count, whoever is confirmed.
    pub(super) fn want_let_go(&mut self, wanted: &mut Wanted) {
        let now = self.clock.now();
        self.letting_go.retain(|_, it| {
            !it.bound || !it.replies.is_empty() || now.since(it.since) < UNBOUND_WITHIN
        });
        if wanted.observing {
            return;
        }
        for comment in self.letting_go.keys() {
            wanted.rules.insert(Arc::clone(comment), false);
            wanted.enabling_rules.remove(comment);
        }
    }

    /// What a look says of them. One that is not there, or not alone, is none that we had switched on.
    pub(super) fn see_let_go(&mut self) {
        let Some(at) = self.mirror.rules_at else {
            return;
        };
        let rules = &self.mirror.rules;
        self.letting_go.retain(|comment, it| {
            if at < it.since {
                return true;
            }
            let mut its = rules.iter().filter(|rule| rule.comment == *comment);
            let counts = matches!((its.next(), its.next()), (Some(rule), None) if rule.enabled);
            if !counts {
                it.tell(&Ok(()));
            }
            counts || it.bound
        });
    }

    /// The router does not answer: whoever waits is told. What is bound no more is switched off when it does.
    pub(super) fn cannot_let_go(&mut self, why: &Text) {
        for it in self.letting_go.values_mut() {
            it.tell(&Err(Arc::clone(why)));
        }
        self.letting_go.retain(|_, it| !it.bound);
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
