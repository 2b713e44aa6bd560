//! Other doors: ways into the network that are no PPP tunnels, or go round the IP filter.

use super::{Facts, Finding, Level, some};
use crate::survey::{Record, Section, Survey};

/// What the answer is not about.
pub(super) fn check(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut not_judged = Vec::new();
    let enabled = |section: Section| {
        survey
            .rows(section)
            .iter()
            .filter(|row| !row.is("disabled"))
    };
    let peers = enabled(Section::WireguardPeers).count();
    if peers > 0 {
        not_judged.push(format!("WireGuard ({peers} {})", peers_of(peers)));
        findings.push(Finding::new(
            "door-wireguard",
            Level::Warning,
            format!("{peers} WireGuard {}", peers_of(peers)),
            "They need no login and are not asked about: whoever has the key is in.",
        ));
    }
    let ike: Vec<&Record> = enabled(Section::IpsecIdentities)
        .filter(|row| !row.is("dynamic"))
        .collect();
    if !ike.is_empty() {
        not_judged.push(format!("IKEv2 ({})", ike.len()));
        findings.push(Finding::new(
            "door-ipsec",
            Level::Warning,
            format!(
                "{} IPsec {}",
                ike.len(),
                if ike.len() == 1 {
                    "identity"
                } else {
                    "identities"
                }
            ),
            "IKEv2 clients have no interface that the gate could cover: they are not asked about.",
        ));
    }
    let hotspots = enabled(Section::Hotspots).count();
    if hotspots > 0 {
        not_judged.push(format!("hotspot ({hotspots})"));
    }
    around(survey, facts, findings, &mut not_judged);
    not_judged
}

const fn peers_of(count: usize) -> &'static str {
    if count == 1 { "peer" } else { "peers" }
}

/// Tunnels whose traffic the IP filter does not see.
fn around(
    survey: &Survey,
    facts: &Facts,
    findings: &mut Vec<Finding>,
    not_judged: &mut Vec<String>,
) {
    let used: Vec<&str> = survey
        .profile_uses()
        .iter()
        .filter(|use_of| !use_of.row.is("disabled"))
        .map(|use_of| use_of.profile)
        .collect();
    let of_profiles = |is_it: &dyn Fn(&Record) -> bool| -> Vec<&str> {
        survey
            .rows(Section::Profiles)
            .iter()
            .filter(|row| used.contains(&row.text("name")) && is_it(row))
            .map(|row| row.text("name"))
            .collect()
    };
    let bridged = of_profiles(&|row| row.get("bridge").is_some());
    if !bridged.is_empty() {
        not_judged.push(format!("bridged profiles ({})", some(&bridged)));
        findings.push(
            Finding::new(
                "door-bridge",
                Level::High,
                format!("profiles that bridge their tunnels: {}", some(&bridged)),
                "Bridged frames do not pass the IP filter: the gate does not see them.",
            )
            .mended_by(unset(&bridged, "bridge")),
        );
    }
    let mpls = of_profiles(&|row| matches!(row.text("use-mpls"), "yes" | "required"));
    if !mpls.is_empty() {
        not_judged.push(format!("MPLS ({})", some(&mpls)));
        findings.push(Finding::new(
            "door-mpls",
            Level::High,
            format!("profiles that use MPLS: {}", some(&mpls)),
            "Labelled packets do not pass the IP filter: the gate does not see them.",
        ));
    }
    let ethernet: Vec<&str> = survey
        .rows(Section::OvpnServers)
        .iter()
        .filter(|row| !row.is("disabled") && row.text("enabled") != "false")
        .filter(|row| row.text("enabled") != "no" && row.text("mode") == "ethernet")
        .map(|row| row.get("name").unwrap_or("ovpn-server"))
        .collect();
    if !ethernet.is_empty() {
        not_judged.push("OpenVPN in ethernet mode".to_owned());
        findings.push(Finding::new(
            "door-ethernet",
            Level::High,
            format!("OpenVPN in ethernet mode: {}", some(&ethernet)),
            "Its frames are bridged and do not pass the IP filter. Use mode=ip.",
        ));
    }
    let numbers = survey
        .only(Section::L2tpServer)
        .is_some_and(|row| row.is("enabled") && row.text("caller-id-type") == "number");
    if numbers {
        findings.push(
            Finding::new(
                "caller-number",
                Level::Note,
                "the L2TP server reports telephone numbers as callers",
                "From where somebody connects is not known: no reconnect is taken for the same person's.",
            )
            .mended_by("/interface l2tp-server server set caller-id-type=ip-address"),
        );
    }
    let clients: Vec<&str> = survey
        .clients()
        .filter(|(_, row)| {
            !row.is("disabled") && row.get("profile") == Some(facts.names.profile.as_str())
        })
        .map(|(_, row)| row.text("name"))
        .collect();
    if !clients.is_empty() {
        findings.push(Finding::new(
            "client-profile",
            Level::High,
            format!(
                "connections that the router dials itself use the gate's profile: {}",
                some(&clients)
            ),
            "They may be its way to the internet. Give them a profile of their own.",
        ));
    }
}

fn unset(profiles: &[&str], property: &str) -> String {
    let names: Vec<String> = profiles
        .iter()
        .map(|name| crate::console::Quoted::new(name).to_string())
        .collect();
    format!("/ppp profile unset {} {property}", names.join(","))
}
