//! How the router is reached: our user and its rights, services and certificates.

use mikro2fa_core::desk::TransportKind;

use super::{Facts, Finding, Level, system::moment};
use crate::survey::{Record, Section, Survey};

pub(super) fn check(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    user(survey, facts, findings);
    services(survey, facts, findings);
    certificates(survey, facts, findings);
}

fn user(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(user) = survey.named(Section::Users, &facts.user) else {
        return;
    };
    let name = &facts.user;
    if user.get("address").is_none_or(|it| it == "0.0.0.0/0") {
        findings.push(
            Finding::new(
                "user-address",
                Level::Warning,
                format!("the user {name} may log in from anywhere"),
                "Who learns its password controls the router. Bind it to the address that mikro2fa comes from.",
            )
            .mended_by(format!("/user set {name} address=ADDRESS-OF-MIKRO2FA/32")),
        );
    }
    let Some(group) = survey.named(Section::Groups, user.text("group")) else {
        return;
    };
    let has = |policy: &str| group.list("policy").any(|it| it == policy);
    let needed: &[&str] = match facts.transport {
        TransportKind::Ssh | TransportKind::SshLegacy => &["ssh", "read", "write"],
        TransportKind::Api | TransportKind::ApiTls => &["api", "read", "write"],
    };
    let missing: Vec<&str> = needed.iter().copied().filter(|it| !has(it)).collect();
    if !missing.is_empty() {
        findings.push(
            Finding::new(
                "user-lacks",
                Level::Critical,
                format!(
                    "the group {} of {name} lacks {}",
                    group.text("name"),
                    missing.join(", ")
                ),
                "mikro2fa can't do its work: nobody is let in, and nobody is put out.",
            )
            .mended_by(format!(
                "/user group set {} policy={}",
                group.text("name"),
                needed.join(",")
            )),
        );
    }
    let extra: Vec<&str> = group
        .list("policy")
        .filter(|it| !it.starts_with('!') && !needed.contains(it) && *it != "test")
        .collect();
    if !extra.is_empty() {
        findings.push(
            Finding::new(
                "user-rights",
                Level::Note,
                format!("the group {} of {name} may more than it has to: {}", group.text("name"), extra.join(", ")),
                "The daily user needs to read and write, no more. A session that is open keeps its old rights: end it after \
                 taking some away.",
            )
            .mended_by(format!(
                "/user group set {} policy={}",
                group.text("name"),
                needed.join(",")
            )),
        );
    }
}

/// Is a service open to any address?
fn is_open(service: &Record) -> bool {
    service
        .get("address")
        .is_none_or(|it| it == "0.0.0.0/0" || it == "0.0.0.0/0,::/0")
}

fn services(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let service = |name: &str| {
        survey
            .rows(Section::Services)
            .iter()
            .find(|row| row.text("name") == name && !row.is("disabled") && !row.is("dynamic"))
    };
    if service("api").is_some() {
        let ours = facts.transport == TransportKind::Api;
        findings.push(
            Finding::new(
                "service-plain",
                if ours { Level::High } else { Level::Warning },
                "the service api is on: passwords go over it in the clear",
                "Who reads the way between learns the router's password. Use api-ssl with a pinned certificate.",
            )
            .mended_by("/ip service set api disabled=yes"),
        );
    }
    for name in ["telnet", "ftp", "www"] {
        if service(name).is_some() {
            findings.push(
                Finding::new(
                    "service-plain",
                    Level::Note,
                    format!("the service {name} is on: passwords go over it in the clear"),
                    "mikro2fa does not need it.",
                )
                .mended_by(format!("/ip service set {name} disabled=yes")),
            );
        }
    }
    for name in ["api", "api-ssl", "ssh"] {
        let Some(service) = service(name) else {
            continue;
        };
        if is_open(service) {
            findings.push(
                Finding::new(
                    "service-open",
                    Level::Warning,
                    format!("the service {name} takes logins from any address"),
                    "RouterOS slows no guessing down there. Name the addresses that may come, ours first.",
                )
                .mended_by(format!("/ip service set {name} address=ADDRESS-OF-MIKRO2FA/32")),
            );
        }
    }
    if let Some(service) = service("api-ssl")
        && service.get("certificate").is_none_or(|it| it == "none")
    {
        findings.push(Finding::new(
            "certificate-none",
            if facts.transport == TransportKind::ApiTls {
                Level::Critical
            } else {
                Level::Note
            },
            "api-ssl has no certificate",
            "It then offers anonymous encryption only, which mikro2fa refuses. Prepare makes one.",
        ));
    }
}

const DAY_S: i64 = 86_400;

fn certificates(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let used: Vec<&str> = survey
        .rows(Section::Services)
        .iter()
        .chain(survey.rows(Section::SstpServer))
        .chain(survey.rows(Section::OvpnServers))
        .filter(|row| !row.is("disabled"))
        .filter_map(|row| row.get("certificate"))
        .collect();
    for certificate in survey.rows(Section::Certificates) {
        let name = certificate.text("name");
        let pinned = facts.pins.contains(
            &certificate
                .text("fingerprint")
                .to_lowercase()
                .replace(':', ""),
        );
        if !used.contains(&name) && !pinned {
            continue;
        }
        let Some(until) = moment(certificate.text("invalid-after")) else {
            continue;
        };
        let left = until - facts.now.millis() / 1000;
        let (level, what) = if left <= 0 || certificate.is("expired") {
            (Level::High, format!("the certificate {name} has expired"))
        } else if left <= 30 * DAY_S {
            (
                Level::Warning,
                format!("the certificate {name} expires in {} days", left / DAY_S),
            )
        } else {
            continue;
        };
        let means = if pinned {
            "mikro2fa trusts this very certificate: after it is renewed it is a stranger's. Add the new one's fingerprint to the \
             router's pins before it is put to use."
        } else {
            "Clients that check it refuse the router then."
        };
        findings.push(Finding::new("certificate-expires", level, what, means));
    }
}
