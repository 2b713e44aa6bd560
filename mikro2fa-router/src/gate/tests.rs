use std::net::IpAddr;

use super::*;
use crate::firewall::{
    self, ConnectionState, Packet, Protocol, Rule, Ruleset, StaticLists, Verdict,
};

fn properties(rule: &GateRule) -> Vec<(&str, &str)> {
    rule.properties
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect()
}

/// A router with nothing but the gate and one rule that accepts the rest.
fn ruleset(names: &GateNames) -> Ruleset {
    let mut rules = Vec::new();
    for way in Way::ALL {
        rules.push(names.jump(way, Which::First));
        rules.extend(names.chain_rules(way, Which::First));
    }
    let rules = rules.iter().map(|it| Rule::from_properties(properties(it)));
    Ruleset::new(rules.collect())
}

fn lists(names: &GateNames) -> StaticLists {
    let mut lists = StaticLists::default();
    for tunnel in ["<l2tp-ann>", "<l2tp-bob>", "<l2tp-eve>", "<l2tp-sos>"] {
        lists.add_interface(&names.covered, tunnel);
    }
    lists.add_address(&names.permit, "10.8.0.4");
    lists.add_address(&names.ban, "10.8.0.6");
    lists.add_address(&names.permit, "10.8.0.6");
    lists.add_address(&names.emergency, "10.8.0.7");
    for network in TELEGRAM {
        lists.add_address(&names.reach, network);
    }
    lists
}

const ANN: (&str, &str) = ("10.8.0.4", "<l2tp-ann>"); // permitted
const BOB: (&str, &str) = ("10.8.0.5", "<l2tp-bob>"); // not
const EVE: (&str, &str) = ("10.8.0.6", "<l2tp-eve>"); // banned, and still permitted
const SOS: (&str, &str) = ("10.8.0.7", "<l2tp-sos>"); // emergency
const OFFICE: (&str, &str) = ("192.168.88.10", "bridge");
const TELEGRAM_HOST: (&str, &str) = ("149.154.167.50", "ether1");

fn forward(from: (&str, &str), to: (&str, &str), port: u16, state: ConnectionState) -> Verdict {
    let names = GateNames::default();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let packet = Packet::new(firewall::Hook::Forward, address(from.0), address(to.0))
        .from_interface(from.1)
        .to_interface(to.1)
        .with_protocol(Protocol::TCP, Some(port))
        .in_state(state);
    ruleset(&names).evaluate(&packet, &lists(&names)).verdict()
}

#[test]
fn only_a_permitted_tunnel_gets_through() {
    use ConnectionState::{Established, New};
    for state in [New, Established] {
        assert_eq!(forward(ANN, OFFICE, 445, state), Verdict::Pass);
        assert_eq!(forward(OFFICE, ANN, 445, state), Verdict::Pass);
        for held in [BOB, EVE] {
            assert_eq!(forward(held, OFFICE, 445, state), Verdict::Drop, "{held:?}");
        }
        assert_eq!(forward(OFFICE, BOB, 445, state), Verdict::Drop);
        // Both ends are judged.
        assert_eq!(forward(ANN, BOB, 445, state), Verdict::Drop);
        assert_eq!(forward(BOB, ANN, 445, state), Verdict::Drop);
        assert_eq!(forward(SOS, OFFICE, 445, state), Verdict::Pass);
        assert_eq!(forward(SOS, BOB, 445, state), Verdict::Drop);
        assert_eq!(forward(BOB, SOS, 445, state), Verdict::Drop);
    }
}

#[test]
fn quarantine_reaches_telegram_and_the_banned_not_even_that() {
    use ConnectionState::{Established, New};
    assert_eq!(forward(BOB, TELEGRAM_HOST, 443, New), Verdict::Pass);
    assert_eq!(forward(BOB, TELEGRAM_HOST, 25, New), Verdict::Drop);
    assert_eq!(
        forward(TELEGRAM_HOST, BOB, 50_000, Established),
        Verdict::Pass
    );
    assert_eq!(forward(TELEGRAM_HOST, BOB, 50_000, New), Verdict::Drop);
    assert_eq!(forward(EVE, TELEGRAM_HOST, 443, New), Verdict::Drop);
}

#[test]
fn a_rule_is_known_by_what_it_does() {
    let names = GateNames::default();
    let [before, _] = names.companions("forward");
    let mut seen = properties(&before);
    assert!(before.does_the_same_as(seen.clone()));
    seen.extend([
        (".id", "*7"),
        ("disabled", "true"),
        ("log", "true"),
        ("bytes", "9"),
    ]);
    seen.extend([("comment", "mine"), ("src-address", "")]);
    assert!(before.does_the_same_as(seen.clone()));
    let reordered = seen.iter().map(|(name, value)| match *name {
        "connection-state" => (*name, "untracked,established,related"),
        _ => (*name, *value),
    });
    assert!(before.does_the_same_as(reordered));
    let fewer = seen
        .iter()
        .copied()
        .filter(|(name, _)| *name != "connection-state");
    assert!(!before.does_the_same_as(fewer));
    let another = seen.iter().map(|(name, value)| match *name {
        "action" => (*name, "drop"),
        _ => (*name, *value),
    });
    assert!(!before.does_the_same_as(another));
    seen.push(("time", "8h-17h,mon"));
    assert!(!before.does_the_same_as(seen), "one more condition");
}

#[test]
fn chains_have_two_names() {
    let names = GateNames::default();
    for way in Way::ALL {
        for which in [Which::First, Which::Second] {
            let chain = names.chain(way, which);
            assert_eq!(names.which_chain(way, &chain), Some(which));
            assert_eq!(
                names.jump(way, which).property("jump-target"),
                Some(&*chain)
            );
            for rule in names.chain_rules(way, which) {
                assert_eq!(rule.property("chain"), Some(&*chain));
            }
        }
        assert_eq!(names.which_chain(way, "mine"), None);
    }
}

#[test]
fn names_are_checked() {
    assert!(GateNames::default().checked().is_ok());
    let with = |change: fn(&mut GateNames)| {
        let mut names = GateNames::default();
        change(&mut names);
        names.checked().map_err(|error| error.what)
    };
    assert_eq!(with(|it| it.permit.clear()), Err("permit list"));
    assert_eq!(
        with(|it| it.permit = "a\"; /user remove 0".into()),
        Err("permit list")
    );
    assert_eq!(with(|it| it.ban = "!all".into()), Err("ban list"));
    assert_eq!(
        with(|it| it.emergency = "x".repeat(64)),
        Err("emergency list")
    );
    assert_eq!(with(|it| it.ban = it.permit.clone()), Err("permit list"));
    assert_eq!(
        with(|it| it.profile = "default-encryption".into()),
        Err("profile of covered accounts")
    );
    assert_eq!(
        with(|it| it.input_chain = "input".into()),
        Err("input chain")
    );
    assert_eq!(
        with(|it| it.permit = it.profile.clone()),
        Ok(GateNames {
            permit: GateNames::default().profile,
            ..GateNames::default()
        })
    );
}

#[test]
fn comments_tell_ours_from_theirs() {
    let names = GateNames::default();
    assert!(names.owns("mikro2fa gate") && names.owns("mikro2fa gate: the switch"));
    assert!(!names.owns("mikro2fa gateway") && !names.owns("my mikro2fa gate"));
    assert_eq!(names.comment_for("x"), "mikro2fa gate: x");
}

#[test]
fn the_hand_over_line_removes_this_address_and_no_other() {
    assert_eq!(
        GateNames::default().hand_over_script(),
        ":do { /ip firewall address-list remove [find list=\"mikro2fa-permit\" address=$\"remote-address\"] } on-error={}\n"
    );
}
