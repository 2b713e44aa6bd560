//! From what a router has and what was chosen to the commands that are missing. Pure: the same survey and choices give the same
//! plan, and a router that has everything gives an empty one.
//!
//! # The order
//!
//! 1. What has no effect: the daily login, lists, profiles that nobody has yet, the gate's chains that nothing leads to, its
//!    jumps, disabled.
//! 2. What has an effect on tunnels that come up later: servers and accounts get the profiles, fasttrack is kept from covered
//!    traffic.
//! 3. The jumps, one by one. From here on the gate holds.
//! 4. What could cut the session that does all this: who may come to the service.
//!
//! A chain that has to change is built anew beside the one in use, and the jump turned to it: there is no moment without a whole
//! chain, and none at which a half-built one is in force.

use std::collections::BTreeSet;

use mikro2fa_core::{desk::TransportKind, secret::Secret, tunnel::Text};

use super::{
    choices::{Choices, Login},
    script,
    step::{Act, Step},
};
use crate::{
    gate::{Family, GateNames},
    survey::{Section, Survey},
};

pub use certificate::{CERTIFICATE, certificate_of};
pub(crate) use chains::key_of;

mod access;
mod certificate;
mod chains;
mod dead_man;
mod hand;
mod lists;
mod profiles;
mod warnings;

/// What is to be done to a router.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// Why nothing must be done yet, each with what would help. With any of these no step may be taken.
    pub refusals: Vec<String>,
    /// What has to happen before the jumps can be enabled: the steps leave that out. Another run does it.
    pub waits: Vec<String>,
    /// What whoever reads the plan should know.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Is there nothing to do, and nothing to wait for?
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.steps.is_empty() && self.refusals.is_empty() && self.waits.is_empty()
    }

    /// What names this very plan: two that do the same have the same. Secrets do not count, nor does the webhook's key, which is
    /// another one each time that a plan is drawn up.
    #[must_use]
    pub fn fingerprint(&self, choices: &Choices) -> String {
        let key = choices.webhook.as_ref();
        self.digest(key.map_or("", |webhook| webhook.key.expose()))
    }

    /// The same, with a text that does not count.
    #[must_use]
    pub fn digest(&self, without: &str) -> String {
        use sha2::Digest as _;
        use std::fmt::Write as _;
        let mut hash = sha2::Sha256::new();
        for step in &self.steps {
            let shown = script::shown(step);
            let parts: Vec<&str> = if without.is_empty() {
                vec![&shown]
            } else {
                shown.split(without).collect()
            };
            hash.update(parts.concat().as_bytes());
            hash.update(b"\n");
        }
        for text in self.refusals.iter().chain(&self.waits) {
            hash.update(text.as_bytes());
            hash.update(b"\n");
        }
        let digest = hash.finalize();
        digest.iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What is known while a plan is made.
struct Draft<'a> {
    survey: &'a Survey,
    choices: &'a Choices,
    plan: Plan,
    /// Accounts that are not held.
    exempt: BTreeSet<Text>,
}

/// The steps that are missing.
#[must_use]
pub fn plan(survey: &Survey, choices: &Choices) -> Plan {
    let mut draft = Draft::new(survey, choices);
    draft.exempt = draft.exempt_accounts();
    draft.check_readable();
    draft.warn();
    draft.access();
    draft.lists();
    draft.profile_copies();
    let mut chains = Vec::new();
    for family in draft.families() {
        chains.extend(draft.build_chains(family));
        draft.companions(family);
    }
    draft.hand_over_to_profiles();
    draft.bindings();
    draft.sources();
    draft.dead_mans_switch();
    let may_switch_on = draft.hand();
    for chain in &chains {
        draft.switch(chain, may_switch_on);
    }
    draft.certificate();
    draft.service();
    draft.plan
}

/// Whose way would be cut if the jumps were enabled on a router as it stands, each with what helps; nobody's where it is empty.
/// The same as [`plan`] says before it enables them. These accounts are known to be exempt beside those that show it by their
/// profile.
#[must_use]
pub fn cut_off(survey: &Survey, names: &GateNames, exempt: BTreeSet<Text>) -> Vec<String> {
    let nobody = Login {
        transport: TransportKind::Api,
        password: Secret::new(""),
        works: true,
        from: None,
    };
    let choices = Choices {
        names: names.clone(),
        exempt,
        ..Choices::new("", nobody)
    };
    let choices = Draft::new(survey, &choices).covered_as_it_stands();
    let mut draft = Draft::new(survey, &choices);
    draft.exempt = draft.exempt_accounts();
    for section in WAYS {
        if !survey.is_whole(section) {
            draft.refuse(format!(
                "{} cannot be read, so it is not known whose way leads through a tunnel of this router",
                section.path().menu()
            ));
        }
    }
    draft.hand();
    let plan = draft.plan;
    plan.refusals.into_iter().chain(plan.waits).collect()
}

/// What has to be seen to know by which way somebody comes.
const WAYS: [Section; 5] = [
    Section::Sessions,
    Section::Tunnels,
    Section::Secrets,
    Section::InterfaceListMembers,
    Section::Routes,
];

/// What a survey has to show before anything can be concluded from it.
const NEEDED: [Section; 12] = [
    Section::Groups,
    Section::Users,
    Section::Sessions,
    Section::InterfaceLists,
    Section::InterfaceListMembers,
    Section::Profiles,
    Section::Secrets,
    Section::Tunnels,
    Section::AddressLists,
    Section::Filter,
    Section::Routes,
    Section::Services,
];

impl<'a> Draft<'a> {
    const fn new(survey: &'a Survey, choices: &'a Choices) -> Self {
        Self {
            survey,
            choices,
            plan: Plan {
                steps: Vec::new(),
                refusals: Vec::new(),
                waits: Vec::new(),
                warnings: Vec::new(),
            },
            exempt: BTreeSet::new(),
        }
    }
}

impl Draft<'_> {
    fn step(&mut self, step: Step) {
        if let Act::Set { keys, after, .. } = &step.act
            && (keys.is_empty() || after.is_empty())
        {
            return;
        }
        self.plan.steps.push(step);
    }

    fn refuse(&mut self, why: String) {
        if !self.plan.refusals.contains(&why) {
            self.plan.refusals.push(why);
        }
    }

    /// The families whose firewall this router has.
    fn families(&self) -> Vec<Family> {
        let all = Family::ALL.into_iter();
        all.filter(|family| self.survey.has(Section::filter(*family)))
            .collect()
    }

    /// What could not be read is not absent.
    fn check_readable(&mut self) {
        let refused: Vec<String> = self
            .survey
            .refused()
            .map(|(section, words)| {
                format!(
                    "{} cannot be read ({words}): log in with a user of the group `full`",
                    section.path().menu()
                )
            })
            .collect();
        refused.into_iter().for_each(|why| self.refuse(why));
        for section in NEEDED {
            if !self.survey.has(section) {
                self.refuse(format!(
                    "this router has no {}: it cannot be prepared",
                    section.path().menu()
                ));
            }
        }
    }
}
