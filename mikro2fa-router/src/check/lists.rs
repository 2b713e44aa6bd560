//! What stands on the gate's lists, and how addresses change hands.

use mikro2fa_core::router_backend::PermitTag;

use super::{Facts, Finding, Level, some};
use crate::{
    firewall::AddressSet,
    gate::Family,
    survey::{Record, Section, Survey},
};

pub(super) fn check(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    for family in Family::ALL {
        for row in survey.rows(Section::address_lists(family)) {
            if !row.is("disabled") {
                entry(family, row, facts, findings);
            }
        }
    }
    hand_over(survey, facts, findings);
}

fn remove(family: Family, row: &Record) -> String {
    let menu = match family {
        Family::V4 => "/ip firewall address-list",
        Family::V6 => "/ipv6 firewall address-list",
    };
    format!("{menu} remove {}", row.id())
}

fn entry(family: Family, row: &Record, facts: &Facts, findings: &mut Vec<Finding>) {
    let (list, address) = (row.text("list"), row.text("address"));
    let comment = row.text("comment");
    let said = if comment.is_empty() {
        "without comment".to_owned()
    } else {
        format!("comment: {comment}")
    };
    let names = &facts.names;
    let finding = if list == names.permit {
        match facts.tag(comment) {
            PermitTag::Foreign(_) => Finding::new(
                "foreign-permit",
                Level::Critical,
                format!("{address} is on the permit list and not by mikro2fa ({said})"),
                "Whoever has this address is let through without a second factor.",
            ),
            PermitTag::OtherInstallation(which) => Finding::new(
                "other-installation",
                Level::Critical,
                format!("another installation of mikro2fa ({which}) permits {address}"),
                "Two installations undo each other's work: nothing is opened here until one has left.",
            ),
            PermitTag::Ours { .. } if row.get("timeout").is_none() => Finding::new(
                "static-permit",
                Level::High,
                format!("{address} is permitted without a time-out"),
                "It would outlive its session, mikro2fa and a reboot. mikro2fa takes it away at its next look.",
            ),
            PermitTag::Ours { .. } => return,
        }
    } else if list == names.emergency {
        let forever = row.get("timeout").is_none();
        Finding::new(
            "emergency",
            if forever { Level::High } else { Level::Warning },
            match row.get("timeout") {
                Some(left) => {
                    format!("{address} is on the emergency list for {left} more ({said})")
                }
                None => format!("{address} is on the emergency list for ever ({said})"),
            },
            "It passes without mikro2fa. Take it off when the emergency is over.",
        )
    } else if list == names.ban && matches!(facts.tag(comment), PermitTag::Foreign(_)) {
        Finding::new(
            "foreign-ban",
            Level::Note,
            format!("{address} is on the ban list and not by mikro2fa ({said})"),
            "Whoever has this address reaches nothing, confirmed or not.",
        )
    } else if list == names.reach {
        let Ok(set) = address.parse::<AddressSet>() else {
            return;
        };
        if !is_wide(&set) {
            return;
        }
        Finding::new(
            "reach-wide",
            Level::High,
            format!("quarantine reaches {address}"),
            "That is more than Telegram: unconfirmed tunnels get there.",
        )
    } else {
        return;
    };
    findings.push(finding.mended_by(remove(family, row)));
}

/// Private, or far wider than what Telegram publishes.
fn is_wide(set: &AddressSet) -> bool {
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
    let touches = private.iter().any(|network| {
        network
            .parse::<AddressSet>()
            .is_ok_and(|network| network.contains(set.first()) || set.contains(network.first()))
    });
    let size = match (set.first(), set.last()) {
        (std::net::IpAddr::V4(first), std::net::IpAddr::V4(last)) => {
            u64::from(last.to_bits()) - u64::from(first.to_bits())
        }
        _ => 0,
    };
    touches || size > 1 << 18
}

/// Who gets an address that was permitted a moment ago?
fn hand_over(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let line = facts.names.hand_over_script();
    let closes = |profile: &Record| {
        ["on-up", "on-down"].iter().all(|script| {
            let script = profile.text(script).replace("\r\n", "\n");
            script.trim_start().starts_with(line.trim_end())
        })
    };
    let mut open = Vec::new();
    for secret in survey.rows(Section::Secrets) {
        if secret.is("disabled") {
            continue;
        }
        let exempt = facts
            .account(secret.text("name"))
            .is_some_and(|account| account.exempt);
        let fixed = secret
            .text("remote-address")
            .parse::<std::net::IpAddr>()
            .is_ok();
        let profile = secret.get("profile").unwrap_or("default");
        let closed = survey.named(Section::Profiles, profile).is_some_and(closes);
        if !exempt && !fixed && !closed {
            open.push(secret.text("name"));
        }
    }
    if open.is_empty() {
        return;
    }
    findings.push(Finding::new(
        "hand-over",
        Level::High,
        format!(
            "{} accounts get an address from a pool, with a profile that does not close it at hand-over: {}",
            open.len(),
            some(&open)
        ),
        "Until our next look, a tunnel can ride on the permit of the one that had its address before. Give them the gate's \
         profile, or a fixed remote-address each.",
    ));
}
