//! Accounts and rules: what nobody owns, what stands in two places, what was left behind.

use std::collections::BTreeSet;

use super::{Facts, Finding, Level, some};
use crate::{
    gate::{Family, Way, Which},
    survey::{Section, Survey},
    tag,
};

pub(super) fn check(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    unowned(survey, facts, findings);
    exempt(survey, facts, findings);
    two_sources(survey, facts, findings);
    outage(facts, findings);
    rules(survey, facts, findings);
    leftovers(survey, facts, findings);
}

fn unowned(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let unowned: Vec<&str> = survey
        .rows(Section::Secrets)
        .iter()
        .filter(|secret| !secret.is("disabled"))
        .map(|secret| secret.text("name"))
        .filter(|name| {
            facts
                .account(name)
                .is_none_or(|account| !account.owned && !account.exempt)
        })
        .collect();
    if !unowned.is_empty() {
        findings.push(Finding::new(
            "unowned",
            Level::Warning,
            format!("{} logins have no owner: {}", unowned.len(), some(&unowned)),
            "Nobody can be asked about them: their tunnels are held, or what the policy `unowned` says.",
        ));
    }
}

/// Open on the router itself, though the desk knows nothing of it.
fn exempt(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let open: BTreeSet<&str> = survey
        .rows(Section::Profiles)
        .iter()
        .filter(|profile| profile.text("interface-list") == facts.names.exempt)
        .map(|profile| profile.text("name"))
        .collect();
    let strange: Vec<&str> = survey
        .rows(Section::Secrets)
        .iter()
        .filter(|secret| !secret.is("disabled") && open.contains(secret.text("profile")))
        .map(|secret| secret.text("name"))
        .filter(|name| facts.account(name).is_none_or(|account| !account.exempt))
        .collect();
    if !strange.is_empty() {
        let mut finding = Finding::new(
            "exempt-unknown",
            Level::Critical,
            format!(
                "exempt on the router, and not at the desk: {}",
                some(&strange)
            ),
            "Their tunnels pass without being asked about. Say so at the desk, or give them the gate's profile.",
        );
        for name in &strange {
            let name = crate::console::Quoted::new(name);
            finding = finding.mended_by(format!(
                "/ppp secret set [find name={name}] profile={}",
                facts.names.profile
            ));
        }
        findings.push(finding);
    }
    let servers: Vec<&str> = Section::SERVERS
        .into_iter()
        .flat_map(|section| survey.rows(section).iter().map(move |row| (section, row)))
        .filter(|(_, row)| open.contains(row.text("default-profile")))
        .map(|(section, _)| section.path().menu())
        .collect();
    if !servers.is_empty() {
        findings.push(Finding::new(
            "exempt-server",
            Level::Critical,
            format!(
                "a server exempts whoever has no profile of their own: {}",
                servers.join(", ")
            ),
            "Every login without a profile of its own passes without being asked about.",
        ));
    }
    let members: Vec<&str> = survey
        .rows(Section::InterfaceListMembers)
        .iter()
        .filter(|row| {
            row.text("list") == facts.names.exempt && !row.is("dynamic") && !row.is("disabled")
        })
        .map(|row| row.text("interface"))
        .collect();
    if !members.is_empty() {
        findings.push(Finding::new(
            "exempt-interface",
            Level::Warning,
            format!("interfaces that are exempt: {}", some(&members)),
            "What comes in by them is not held. Right for an uplink that the router dials itself, wrong for a tunnel.",
        ));
    }
}

/// A login that RADIUS has too, or a User Manager.
fn two_sources(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let radius = survey
        .only(Section::Aaa)
        .is_some_and(|row| row.is("use-radius"));
    if !radius {
        return;
    }
    let handed_over: Vec<&str> = facts
        .accounts
        .iter()
        .filter(|account| account.handed_over)
        .map(|account| account.name.as_str())
        .filter(|name| survey.named(Section::Secrets, name).is_some())
        .collect();
    if handed_over.is_empty() {
        findings.push(Finding::new(
            "radius",
            Level::Note,
            "logins can come from RADIUS beside the router's own",
            "The gate holds them like any other. A name in both is one account here, and two logins there.",
        ));
    } else {
        findings.push(Finding::new(
            "two-sources",
            Level::High,
            format!("handed over, while RADIUS is asked too: {}", some(&handed_over)),
            "Whether a disabled login of the router is then asked about at RADIUS is not known: disabling may not keep them out. \
             The gate does.",
        ));
    }
}

fn outage(facts: &Facts, findings: &mut Vec<Finding>) {
    let kept: Vec<&str> = facts
        .accounts
        .iter()
        .filter(|account| account.keeps_confirmed)
        .map(|account| account.name.as_str())
        .collect();
    if !kept.is_empty() {
        findings.push(Finding::new(
            "keep-confirmed",
            Level::Note,
            format!("outage = keep_confirmed for {} accounts: {}", kept.len(), some(&kept)),
            "If mikro2fa dies, a confirmed tunnel of theirs stays open to the end of its session instead of some minutes; \
             nobody could end it before.",
        ));
    }
}

/// Rules marked `2FA` that nothing turns, and bindings without a rule.
fn rules(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let marked: Vec<&str> = survey
        .filter(Family::V4)
        .iter()
        .filter(|row| !row.is("dynamic"))
        .map(|row| row.text("comment"))
        .filter(|comment| tag::is_marked(comment))
        .collect();
    let unbound: Vec<&str> = marked
        .iter()
        .copied()
        .filter(|comment| !facts.bound_rules.contains(*comment))
        .collect();
    if !unbound.is_empty() {
        findings.push(Finding::new(
            "rule-unbound",
            Level::Note,
            format!("marked 2FA and bound to nobody: {}", some(&unbound)),
            "They stay as they are: nobody's confirmation enables them. Bind each to an account.",
        ));
    }
    let absent: Vec<&str> = facts
        .bound_rules
        .iter()
        .map(String::as_str)
        .filter(|comment| marked.iter().filter(|it| *it == comment).count() != 1)
        .collect();
    if !absent.is_empty() {
        findings.push(Finding::new(
            "rule-missing",
            Level::High,
            format!(
                "bound, and not exactly one rule has the comment: {}",
                some(&absent)
            ),
            "It cannot be enabled or disabled: which one would be meant is not known.",
        ));
    }
}

/// What was ours and serves nothing any more.
fn leftovers(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let names = &facts.names;
    for family in Family::ALL {
        let rows = survey.filter(family);
        for way in Way::ALL {
            let is_reached = |which: Which| {
                let target = names.chain(way, which);
                rows.iter()
                    .any(|row| row.text("action") == "jump" && row.text("jump-target") == target)
            };
            for which in [Which::First, Which::Second] {
                let chain = names.chain(way, which);
                let ids: Vec<&str> = rows
                    .iter()
                    .filter(|row| row.text("chain") == chain && names.owns(row.text("comment")))
                    .map(|row| row.id())
                    .collect();
                if ids.is_empty() || is_reached(which) || !is_reached(which.other()) {
                    continue;
                }
                let menu = match family {
                    Family::V4 => "/ip firewall filter",
                    Family::V6 => "/ipv6 firewall filter",
                };
                findings.push(
                    Finding::new(
                        "leftover",
                        Level::Note,
                        format!("{} rules in {chain}, where no jump leads", ids.len()),
                        "A change of the gate that was interrupted left them behind. They do nothing.",
                    )
                    .mended_by(format!("{menu} remove {}", ids.join(","))),
                );
            }
        }
    }
}
