//! What a comparison found that is not ours to mend: what follows, and how people read it.

use std::{collections::BTreeSet, sync::Arc};

use tracing::warn;

use super::super::Keeper;
use crate::{
    desk::{Bound, Mode},
    enforcement::{Finding, Plan},
    id::AccountId,
    notifier::Alert,
    session::{Actor, EndReason, Event},
    tunnel::Text,
};

impl Keeper {
    pub(super) fn take_findings(&mut self, plan: &Plan) {
        let now: BTreeSet<Finding> = plan.findings.iter().cloned().collect();
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
                self.tell_left_off(finding);
                self.end_account(name, EndReason::DisabledOnRouter, &by);
            }
            Finding::ShutByRouter(name) => {
                self.tell_shut(name);
                self.end_account(name, EndReason::ShutByRouter, &by);
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
                self.tell_left_off(finding);
                self.end_bound(comment, EndReason::DisabledOnRouter, &by);
            }
            Finding::RuleShutByRouter(comment) => {
                self.tell_shut(comment);
                self.end_bound(comment, EndReason::ShutByRouter, &by);
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

    /// Somebody switched it off, and it stays off.
    fn tell_left_off(&mut self, finding: &Finding) {
        let what = in_words(finding);
        self.alert_now(None, Alert::DriftRespected { what });
    }

    /// Nobody did: the router itself, while we were away.
    fn tell_shut(&mut self, what: &Text) {
        let what = Arc::clone(what);
        self.alert_now(None, Alert::ShutByRouter { what });
    }

    /// Sessions of everybody to whom a rule is bound end.
    fn end_bound(&mut self, comment: &Text, reason: EndReason, by: &Actor) {
        let rules = self.desk.router().gates.rules.iter();
        let bound: Vec<Bound> = rules
            .filter(|binding| binding.comment == *comment)
            .map(|binding| binding.to)
            .collect();
        let concerns = |id: AccountId| {
            let account = self.desk.account(id);
            account.is_some_and(|account| bound.iter().any(|to| to.concerns(account)))
        };
        let names: BTreeSet<Text> = self
            .of_account
            .iter()
            .filter(|(id, _)| concerns(*id))
            .filter_map(|(id, _)| self.desk.account(*id))
            .map(|account| Arc::clone(&account.name))
            .collect();
        for name in names {
            self.end_account(&name, reason, by);
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
pub(in crate::engine::keeper) fn in_words(finding: &Finding) -> Text {
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
        Finding::ShutByRouter(name) => {
            format!("account {name} is off: the router had not heard of mikro2fa for too long, and switched it off by itself")
        }
        Finding::RuleShutByRouter(comment) => format!(
            "the rule \"{comment}\" is off: the router had not heard of mikro2fa for too long, and switched it off by itself"
        ),
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
