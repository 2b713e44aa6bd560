//! The doctor: would an unconfirmed tunnel of this router reach anything? And all that is not as it should be, each with
//! what it means, how bad it is, and the commands that mend it. Pure: a [`Survey`] and what the desk knows go in, a
//! [`Report`] comes out.
//!
//! The one answer has its scope in its sentence: PPP tunnels, and no other door into the network. It is
//! *no* only where that was proved of every rule on the way; one rule that cannot be judged makes it *can't be proved, because of
//! this rule*, never *no*.

use std::{collections::BTreeSet, fmt};

use mikro2fa_core::{
    desk::{AccountKind, Mode, RouterDesk, TransportKind},
    gate::{GateFault, GateFaultKind},
    policy::Outage,
    router_backend::{PermitTag, RouterError},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    api::Api,
    config::ApiConfig,
    gate::{Family, GateNames, Guarded},
    inspect::{Inspection, Memory},
    sentence::Sentence,
    survey::{Section, State, Survey},
    tag::Tagger,
    transport::{Line as _, Transport},
};

#[cfg(feature = "ssh")]
use crate::ssh::{Ssh, SshConfig};

mod access;
mod account;
mod dead_man;
mod door;
mod lists;
mod passage;
mod system;
#[cfg(test)]
mod tests;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// It will be trouble, or is some.
    Warning,
    /// A promise is not kept: not every confirmed thing is held to its end, or another door stands open.
    High,
    /// Somebody who did not confirm gets in, or nobody does.
    Critical,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// Something that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// A word that stays the same over versions.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found. Holds what others wrote.
    pub what: String,
    /// What it means.
    pub means: &'static str,
    /// The commands that mend it, as the router's console takes them; none where a person has to decide.
    pub mend: Vec<String>,
}

impl Finding {
    fn new(code: &'static str, level: Level, what: impl Into<String>, means: &'static str) -> Self {
        Self {
            code,
            level,
            what: what.into(),
            means,
            mend: Vec::new(),
        }
    }

    fn mended_by(mut self, command: impl Into<String>) -> Self {
        self.mend.push(command.into());
        self
    }
}

/// Would an unconfirmed PPP tunnel reach anything?
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "reaches", rename_all = "snake_case")]
pub enum Answer {
    /// No: proved of every rule on the way.
    No,
    /// Yes, this.
    Yes {
        /// What reaches what, and by which rule.
        what: String,
    },
    /// It cannot be proved.
    CannotProve {
        /// Because of this rule, or of what could not be read.
        because: String,
    },
}

/// What the doctor says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// Doors that it is not about: WireGuard, IKEv2 and so on, where there are any.
    pub not_judged: Vec<String>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let answer = match &self.answer {
            Answer::No => {
                "PPP tunnels: no, an unconfirmed one reaches nothing beyond quarantine.".to_owned()
            }
            Answer::Yes { what } => {
                format!("PPP tunnels: yes, an unconfirmed one reaches this: {what}.")
            }
            Answer::CannotProve { because } => {
                format!(
                    "PPP tunnels: it can't be proved that an unconfirmed one reaches nothing, because of this: {because}."
                )
            }
        };
        if self.not_judged.is_empty() {
            answer
        } else {
            format!("{answer} Not judged here: {}.", self.not_judged.join(", "))
        }
    }

    /// The worst of what was found; a *yes* is critical, what cannot be proved high.
    #[must_use]
    pub fn worst(&self) -> Option<Level> {
        let answer = match &self.answer {
            Answer::No => None,
            Answer::Yes { .. } => Some(Level::Critical),
            Answer::CannotProve { .. } => Some(Level::High),
        };
        self.findings
            .iter()
            .map(|finding| finding.level)
            .chain(answer)
            .max()
    }

    /// Is all well, as far as a script has to know? Nothing high, and the answer is *no*.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.worst().is_none_or(|worst| worst < Level::High)
    }
}

/// An account as the desk has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountFact {
    /// Its login's name.
    pub name: String,
    /// Somebody owns it.
    pub owned: bool,
    /// It is never asked about.
    pub exempt: bool,
    /// mikro2fa may disable it.
    pub handed_over: bool,
    /// The lease of a confirmed tunnel of it runs to its end when mikro2fa dies.
    pub keeps_confirmed: bool,
}

/// What the desk knows of a router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// What the parts of its gate are called.
    pub names: GateNames,
    /// Acted on, or only watched.
    pub mode: Mode,
    /// It is meant to have the address-list gate.
    pub gated: bool,
    /// How we talk to it.
    pub transport: TransportKind,
    /// Our user on it.
    pub user: String,
    /// Fingerprints that we trust it by, lower-case hex.
    pub pins: BTreeSet<String>,
    /// The accounts of its sources.
    pub accounts: Vec<AccountFact>,
    /// Whole comments of rules that are bound to accounts.
    pub bound_rules: BTreeSet<String>,
    /// What the dead man's switch has to switch off.
    pub guarded: Guarded,
    /// Now, by our clock.
    pub now: Timestamp,
    tagger: Tagger,
}

impl Facts {
    /// What the desk knows of its router.
    #[must_use]
    pub fn of(desk: &RouterDesk, now: Timestamp) -> Self {
        let router = &desk.router;
        let index = mikro2fa_core::desk::Desk::new(desk.clone());
        let account = |account: &mikro2fa_core::desk::Account| AccountFact {
            name: account.name.to_string(),
            owned: account.owner.is_some(),
            exempt: account.kind == AccountKind::Exempt,
            handed_over: account.handed_over,
            keeps_confirmed: index.policy(account.id).outage == Outage::KeepConfirmed,
        };
        Self {
            names: (&*router.gates.lists).into(),
            mode: router.mode,
            gated: router.gates.address_list,
            transport: router.connection.transport,
            user: router.connection.user.to_string(),
            pins: router
                .connection
                .pins
                .iter()
                .map(ToString::to_string)
                .collect(),
            accounts: desk.accounts.iter().map(account).collect(),
            bound_rules: router
                .gates
                .rules
                .iter()
                .map(|rule| rule.comment.to_string())
                .collect(),
            guarded: Guarded::of(desk),
            now,
            tagger: Tagger::new(desk.installation),
        }
    }

    fn account(&self, name: &str) -> Option<&AccountFact> {
        self.accounts.iter().find(|account| account.name == name)
    }

    fn tag(&self, comment: &str) -> PermitTag {
        self.tagger.parse(&comment.into())
    }
}

/// Reads a router with its daily login and judges it. What that login may not read is said in the report.
///
/// # Errors
///
/// [`RouterError`] if it cannot be reached or read. Nothing is changed on it; dropping the future leaves nothing behind.
pub async fn examine(desk: &RouterDesk, now: Timestamp) -> Result<Report, RouterError> {
    let facts = Facts::of(desk, now);
    let connection = &desk.router.connection;
    let survey = match connection.transport {
        TransportKind::Api | TransportKind::ApiTls => {
            survey(&Api::new(ApiConfig::of(connection)?), &facts).await
        }
        #[cfg(feature = "ssh")]
        TransportKind::Ssh | TransportKind::SshLegacy => {
            survey(&Ssh::new(SshConfig::of(connection)?), &facts).await
        }
        #[cfg(not(feature = "ssh"))]
        TransportKind::Ssh | TransportKind::SshLegacy => Err(RouterError::Unsupported(
            "this program was built without SSH",
        )),
    };
    Ok(check(&survey?, &facts))
}

async fn survey(transport: &impl Transport, facts: &Facts) -> Result<Survey, RouterError> {
    let line = transport.connect().await?;
    let survey = Survey::read(&line, &facts.names).await;
    line.close();
    survey
}

/// Judges a router.
#[must_use]
pub fn check(survey: &Survey, facts: &Facts) -> Report {
    let mut findings = Vec::new();
    unread(survey, &mut findings);
    system::check(survey, facts, &mut findings);
    access::check(survey, facts, &mut findings);
    gate(survey, facts, &mut findings);
    lists::check(survey, facts, &mut findings);
    dead_man::check(survey, facts, &mut findings);
    account::check(survey, facts, &mut findings);
    let not_judged = door::check(survey, facts, &mut findings);
    let answer = passage::answer(survey, facts, &mut findings);
    // What was found first comes first among equals.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Report {
        answer,
        not_judged,
        findings,
    }
}

/// What our login may not see is said, not passed over.
fn unread(survey: &Survey, findings: &mut Vec<Finding>) {
    let unread: Vec<&'static str> = survey
        .refused()
        .map(|(section, _)| section.path().menu())
        .collect();
    if unread.is_empty() {
        return;
    }
    findings.push(Finding::new(
        "unread",
        Level::Warning,
        format!("our user may not read {}", unread.join(", ")),
        "What is there was not judged. Give the user's group the policy `read`, or check with a set-up login.",
    ));
}

/// The gate, held against what it has to be.
fn gate(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    if !facts.gated {
        findings.push(Finding::new(
            "weak",
            Level::High,
            "the router has no address-list gate",
            "It is weak: rules and accounts stay as they are when mikro2fa stops. Prepare it: mikro2fa router prepare.",
        ));
        return;
    }
    let Some(inspection) = Inspection::of(survey, &facts.names) else {
        return; // said by `unread`, and by the answer
    };
    let mut memory = Memory::default();
    inspection.learn(&mut memory);
    for (fault, mend) in inspection.faults(&memory) {
        let observing = facts.mode == Mode::Observing && fault.kind == GateFaultKind::Jump;
        let mut finding = Finding::new(
            code_of(fault.kind),
            if observing {
                Level::Note
            } else {
                level_of(&fault)
            },
            fault.what.to_string(),
            means(fault.kind),
        );
        if !observing {
            finding.mend = mend.iter().map(console_line).collect();
        }
        findings.push(finding);
    }
}

const fn code_of(kind: GateFaultKind) -> &'static str {
    match kind {
        GateFaultKind::Jump => "gate-jump",
        GateFaultKind::Above => "gate-above",
        GateFaultKind::Rule => "gate-rule",
        GateFaultKind::Stranger => "gate-stranger",
        GateFaultKind::Fasttrack => "gate-fasttrack",
        GateFaultKind::Cover => "gate-cover",
        GateFaultKind::Profile => "gate-profile",
        GateFaultKind::HandOver => "gate-hand-over",
        _ => "gate",
    }
}

const fn level_of(fault: &GateFault) -> Level {
    match (fault.opens, fault.kind) {
        (true, _) => Level::Critical,
        (false, GateFaultKind::Fasttrack | GateFaultKind::HandOver) => Level::High,
        (false, _) => Level::Warning,
    }
}

const fn means(kind: GateFaultKind) -> &'static str {
    match kind {
        GateFaultKind::Jump => {
            "The jumps are the gate's only switch: where one is off, nothing is held on that way."
        }
        GateFaultKind::Above => "It is asked before the gate: what it accepts is not held.",
        GateFaultKind::Rule => {
            "The gate's chain is not as it was made, and does not hold as it should."
        }
        GateFaultKind::Stranger => "What a strange rule in the gate's chain accepts is not held.",
        GateFaultKind::Fasttrack => {
            "A connection that is fasttracked while confirmed skips the gate for as long as it lives, also after its end."
        }
        GateFaultKind::Cover => "A tunnel that is not on this list is not held.",
        GateFaultKind::Profile => "Its tunnels do not come up with the gate's profile.",
        GateFaultKind::HandOver => {
            "Until our next look, a tunnel can ride on the permit of the one that had its address before."
        }
        _ => "It could not be judged.",
    }
}

/// A sentence as the console takes it.
fn console_line(sentence: &Sentence) -> String {
    let mut line = sentence
        .path()
        .as_str()
        .replacen('/', "", 1)
        .replace('/', " ");
    line.insert(0, '/');
    for (name, value) in sentence.attributes() {
        let plain = !value.is_empty()
            && value.iter().all(|&b| {
                b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'*' | b'!')
            });
        let shown = if plain || *name == ".id" {
            String::from_utf8_lossy(value).into_owned()
        } else {
            crate::console::Quoted::new(value).to_string()
        };
        line.push(' ');
        if *name == ".id" {
            line.push_str(&shown);
        } else {
            line.push_str(&format!("{name}={shown}"));
        }
    }
    line
}

/// A comma list for people, cut where it gets long.
fn some(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let mut text = names
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// The filter rules were read to the end, for each family that there is.
fn filters_are_whole(survey: &Survey) -> Result<(), &'static str> {
    for family in Family::ALL {
        for section in [
            Section::filter(family),
            Section::raw(family),
            Section::mangle(family),
        ] {
            if let State::Refused(_) = survey.found(section).state {
                return Err(section.path().menu());
            }
        }
    }
    if survey.has(Section::Filter) {
        Ok(())
    } else {
        Err("/ip/firewall/filter")
    }
}
