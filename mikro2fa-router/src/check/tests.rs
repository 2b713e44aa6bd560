//! What the simulator has no menus for: imagined surveys.

use mikro2fa_core::{
    desk::{Mode, TransportKind},
    id::InstallationId,
};

use super::*;
use crate::survey::Record;

const NOW: Timestamp = Timestamp(1_763_000_000_000);

fn facts() -> Facts {
    Facts {
        names: GateNames::default(),
        mode: Mode::Enforcing,
        gated: true,
        transport: TransportKind::ApiTls,
        user: "mikro2fa".to_owned(),
        pins: BTreeSet::from(["ab".repeat(32)]),
        accounts: Vec::new(),
        bound_rules: BTreeSet::new(),
        guarded: Guarded::default(),
        now: NOW,
        tagger: Tagger::new("1".repeat(32).parse::<InstallationId>().unwrap()),
    }
}

fn rows(rows: &[&str]) -> Vec<Record> {
    let read =
        |row: &&str| Record::from_properties(row.split(' ').filter_map(|it| it.split_once('=')));
    rows.iter().map(read).collect()
}

fn report(sections: &[(Section, &[&str])]) -> Report {
    let sections = sections.iter().map(|(section, it)| (*section, rows(it)));
    check(&Survey::imagined("7.16.2", sections), &facts())
}

fn of<'r>(report: &'r Report, code: &str) -> Vec<&'r Finding> {
    report
        .findings
        .iter()
        .filter(|it| it.code == code)
        .collect()
}

#[test]
fn other_doors_are_in_the_sentence() {
    let report = report(&[
        (
            Section::WireguardPeers,
            &[
                "interface=wg1",
                "interface=wg1",
                "interface=wg1 disabled=true",
                "interface=wg2",
            ],
        ),
        (
            Section::IpsecIdentities,
            &["peer=ike2", "peer=l2tp dynamic=true"],
        ),
        (
            Section::Profiles,
            &[
                "name=lan bridge=bridge1",
                "name=unused bridge=bridge1",
                "name=lab use-mpls=required",
            ],
        ),
        (
            Section::Secrets,
            &[
                "name=ann profile=lan",
                "name=bob profile=lab",
                "name=old profile=unused disabled=true",
            ],
        ),
        (
            Section::OvpnServers,
            &[
                "name=tap mode=ethernet",
                "name=tun mode=ip",
                "name=off mode=ethernet disabled=true",
            ],
        ),
    ]);
    assert_eq!(
        report.not_judged,
        [
            "WireGuard (3 peers)",
            "IKEv2 (1)",
            "bridged profiles (lan)",
            "MPLS (lab)",
            "OpenVPN in ethernet mode"
        ]
    );
    assert!(
        report.sentence().ends_with(
            "Not judged here: WireGuard (3 peers), IKEv2 (1), bridged profiles (lan), MPLS (lab), OpenVPN in ethernet mode."
        ),
        "{}",
        report.sentence()
    );
    assert_eq!(
        of(&report, "door-bridge")[0].mend,
        ["/ppp profile unset \"lan\" bridge"]
    );
    assert_eq!(of(&report, "door-ethernet").len(), 1);
}

#[test]
fn certificates_are_told_of_thirty_days_ahead() {
    let pinned = "ab".repeat(32);
    let certificate = |name: &str, until: &str, print: &str| {
        format!("name={name} fingerprint={print} invalid-after={until}")
    };
    // 2025-11-13 is NOW.
    let certificates = [
        certificate("web", "2025-12-01", "cd"),
        certificate("api", "2025-11-20", &pinned),
        certificate("sstp", "2025-01-01", "ef"),
        certificate("later", "2026-11-20", "01"),
        certificate("unused", "2025-01-01", "23"),
    ];
    let certificates: Vec<&str> = certificates.iter().map(String::as_str).collect();
    let report = report(&[
        (Section::Certificates, &certificates),
        (
            Section::Services,
            &[
                "name=www-ssl certificate=web",
                "name=api-ssl certificate=later",
            ],
        ),
        (Section::SstpServer, &["enabled=true certificate=sstp"]),
    ]);
    let told: Vec<(Level, &str)> = of(&report, "certificate-expires")
        .into_iter()
        .map(|it| (it.level, it.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Level::High, "the certificate sstp has expired"),
            (Level::Warning, "the certificate web expires in 17 days"),
            (Level::Warning, "the certificate api expires in 6 days"),
        ]
    );
    assert!(of(&report, "certificate-expires")[2].means.contains("pins"));
}

#[test]
fn what_could_not_be_read_is_not_proved() {
    let mut survey = Survey::imagined("7.16.2", [(Section::Filter, Vec::new())]);
    survey.refuse(Section::Filter6, "not enough permissions (9)");
    survey.refuse(Section::Users, "not enough permissions (9)");
    let report = check(&survey, &facts());
    assert_eq!(
        report.answer,
        Answer::CannotProve {
            because: "/ipv6/firewall/filter could not be read".to_owned()
        }
    );
    let unread = of(&report, "unread");
    assert!(unread[0].what.contains("/user") && unread[0].what.contains("/ipv6/firewall/filter"));
}

#[test]
fn a_server_that_exempts_everybody_is_critical() {
    let report = report(&[
        (
            Section::Profiles,
            &["name=site interface-list=mikro2fa-exempt"],
        ),
        (Section::L2tpServer, &["enabled=true default-profile=site"]),
    ]);
    assert_eq!(of(&report, "exempt-server")[0].level, Level::Critical);
}

#[test]
fn findings_are_sorted_and_their_words_are_json() {
    let report = report(&[(Section::IpSettings, &["rp-filter=no"])]);
    let levels: Vec<Level> = report.findings.iter().map(|it| it.level).collect();
    assert!(levels.is_sorted_by(|a, b| a >= b), "{levels:?}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["reaches"], "cannot_prove");
    assert!(
        json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["code"] == "rp-filter")
    );
}

#[test]
fn commands_are_written_as_the_console_takes_them() {
    let sentence = Sentence::new(crate::sentence::Path::FilterAdd)
        .with("chain", "forward")
        .with("src-address-list", "!mikro2fa-permit")
        .with("comment", "mikro2fa gate: not permitted, from")
        .with("place-before", "*1F");
    assert_eq!(
        console_line(&sentence),
        "/ip firewall filter add chain=forward src-address-list=!mikro2fa-permit comment=\"mikro2fa gate: not permitted, from\" place-before=*1F"
    );
    let set = Sentence::new(crate::sentence::Path::FilterSet)
        .of(["*1", "*2"])
        .with("disabled", "no");
    assert_eq!(
        console_line(&set),
        "/ip firewall filter set *1,*2 disabled=no"
    );
}

#[test]
fn the_dead_mans_switch_is_judged() {
    let mut facts = facts();
    let name = facts.names.alive.clone();
    let judge = |facts: &Facts, scheduler: &[(&str, &str)], listed: &[&str]| -> Vec<&'static str> {
        let schedulers = if scheduler.is_empty() {
            Vec::new()
        } else {
            vec![Record::from_properties(scheduler.iter().copied())]
        };
        let sections = [
            (Section::Schedulers, schedulers),
            (Section::AddressLists, rows(listed)),
        ];
        let report = check(&Survey::imagined("7.16.2", sections), facts);
        let codes = report.findings.iter().map(|it| it.code);
        codes.filter(|code| code.starts_with("dead-man")).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(judge(&facts, &[], &[]), none, "nothing to guard");
    facts.guarded.rules = ["ann 2FA".into()].into();
    assert_eq!(judge(&facts, &[], &[]), ["dead-man-none"]);
    let script = facts.names.dead_mans_script(&facts.guarded, 7);
    let crlf = script.replace('\n', "\r\n");
    let with = |script: &str, interval: &str, disabled: &str| {
        [
            ("name", name.clone()),
            ("interval", interval.to_owned()),
            ("on-event", script.to_owned()),
            ("disabled", disabled.to_owned()),
        ]
    };
    for (script, interval, disabled, expected) in [
        (&script, "1m", "false", &[][..]),
        (&crlf, "1m", "false", &[]),
        (&script, "1m", "true", &["dead-man-off"]),
        (&script, "1h", "false", &["dead-man-slow"]),
        (&":log info".to_owned(), "1m", "false", &["dead-man-misses"]),
        (
            &script.replace("disabled=yes;", "disabled=no;"),
            "1m",
            "false",
            &["dead-man-changed"],
        ),
    ] {
        let row = with(script, interval, disabled);
        let row: Vec<(&str, &str)> = row.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(judge(&facts, &row, &[]), expected, "{row:?}");
    }
    facts.guarded.secrets = ["bob".into()].into();
    let row = with(&script, "1m", "false");
    let row: Vec<(&str, &str)> = row.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(judge(&facts, &row, &[]), ["dead-man-misses"], "a newer one");
    facts.guarded.secrets.clear();
    for (entry, held_up) in [
        ("address=127.0.0.1 timeout=5m comment=hello", true),
        ("address=127.0.0.1", true),
        ("address=127.0.0.1 disabled=true", false),
    ] {
        let entry = format!("list={name} {entry}");
        let found = judge(&facts, &row, &[&entry]);
        assert_eq!(found == ["dead-man-held-up"], held_up, "{entry}: {found:?}");
    }
}
