//! The dead man's switch: is it there, does it run, does it know all that it has to switch off, and can it ever act?

use mikro2fa_core::router_backend::PermitTag;

use super::{Facts, Finding, Level};
use crate::{
    gate::DEAD_MAN_EVERY,
    survey::{Section, Survey},
};

const MEANS: &str = "Bound rules and handed-over logins lie on the router's flash, where no lease takes them back: when mikro2fa \
                     stops, they stay as they are.";

pub(super) fn check(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    if facts.guarded.is_empty() {
        return;
    }
    held_up(survey, facts, findings);
    if !survey.is_whole(Section::Schedulers) {
        return; // not there, or said by `unread`
    }
    let name = facts.names.dead_man();
    let Some(row) = survey.named(Section::Schedulers, name) else {
        findings.push(Finding::new(
            "dead-man-none",
            Level::Warning,
            "there is no dead man's switch",
            "Bound rules and handed-over logins lie on the router's flash, where no lease takes them back: when mikro2fa stops, \
             they stay as they are. Prepare the router again: mikro2fa router prepare.",
        ));
        return;
    };
    if row.is("disabled") {
        let finding = Finding::new(
            "dead-man-off",
            Level::High,
            "the dead man's switch is disabled",
            MEANS,
        );
        findings
            .push(finding.mended_by(format!("/system scheduler enable [find name=\"{name}\"]")));
    }
    if row.text("interval") != DEAD_MAN_EVERY {
        let finding = Finding::new(
            "dead-man-slow",
            Level::Warning,
            format!(
                "the dead man's switch looks every {}",
                row.get("interval").unwrap_or("0s")
            ),
            "It has to look once a minute: for so long after a lease rules and logins stay as they are.",
        );
        findings.push(finding.mended_by(format!(
            "/system scheduler set [find name=\"{name}\"] interval={DEAD_MAN_EVERY}"
        )));
    }
    let script = row.text("on-event").replace("\r\n", "\n");
    let missing = facts.guarded.missing_in(&script);
    if !missing.is_empty() {
        findings.push(Finding::new(
            "dead-man-misses",
            Level::Warning,
            format!("the dead man's switch does not know {}", missing.join(", ")),
            "It was bound or handed over after the router was prepared, and stays as it is when mikro2fa stops. Prepare the router \
             again: mikro2fa router prepare.",
        ));
    } else if script
        != facts
            .names
            .dead_mans_script(&facts.guarded, survey.version.major)
    {
        findings.push(Finding::new(
            "dead-man-changed",
            Level::Warning,
            "the dead man's switch is not as prepare makes it",
            "It may not act when mikro2fa stops. Prepare the router again: mikro2fa router prepare.",
        ));
    }
}

/// As long as anything is on the list the switch holds still.
fn held_up(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let entries = survey.rows(Section::AddressLists).iter();
    for entry in entries.filter(|row| row.text("list") == facts.names.alive && !row.is("disabled"))
    {
        let ours = matches!(facts.tag(entry.text("comment")), PermitTag::Ours { .. });
        if ours && entry.get("timeout").is_some() {
            continue;
        }
        let finding = Finding::new(
            "dead-man-held-up",
            Level::High,
            format!(
                "{} is on the list {}, and was not put there by mikro2fa for a while",
                entry.text("address"),
                facts.names.alive
            ),
            "The dead man's switch holds still as long as it is there, whether mikro2fa lives or not.",
        );
        findings.push(finding.mended_by(format!(
            "/ip firewall address-list remove [find list=\"{}\" address=\"{}\"]",
            facts.names.alive,
            entry.text("address")
        )));
    }
}
