//! All packets of a kind at once, over all tables: what is proved, and because of which rule not.

use super::super::{
    AddressSet, ConnectionState, DoubtReason, End, Firewall, Hook, Probe, Proof, Protocol, Rule,
    RuleAt, Ruleset, StaticLists, Table, Verdict,
};

fn table(text: &str) -> Ruleset {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let rule =
        |line: &str| Rule::from_properties(line.split(' ').filter_map(|it| it.split_once('=')));
    Ruleset::new(lines.map(rule).collect())
}

fn filter(text: &str) -> Firewall {
    Firewall {
        filter: table(text),
        ..Firewall::default()
    }
}

/// vpn: the tunnel; reach: Telegram; office: a list with entries on both sides of the pool; named: a DNS name; empty: nothing.
fn lists() -> StaticLists {
    let mut lists = StaticLists::default();
    lists.add_interface("vpn", "tunnel");
    lists.add_interface("LAN", "bridge");
    lists.add_address("reach", "149.154.160.0/20");
    lists.add_address("office", "192.168.88.0/24");
    lists.add_address("some", "10.8.0.0/25");
    lists.add_address("all", "10.0.0.0/8");
    lists.add_address("named", "office.example");
    lists
}

fn pool() -> Vec<AddressSet> {
    vec!["10.8.0.0/24".parse().unwrap()]
}

/// Any packet of a quarantined tunnel to anywhere that is not quarantine's.
fn out<'a>(pool: &'a [AddressSet]) -> Probe<'a> {
    Probe {
        hook: Hook::Forward,
        source: End {
            among: pool,
            ipv6: false,
            interface: Some("tunnel"),
            on: &[],
            not_on: &["permit", "emergency"],
        },
        destination: End {
            among: &[],
            ipv6: false,
            interface: Some("bridge"),
            on: &[],
            not_on: &["reach"],
        },
        protocol: Some(Protocol::TCP),
        port: None,
        except_port: None,
        state: Some(ConnectionState::New),
    }
}

fn prove(firewall: &Firewall) -> Proof {
    let pool = pool();
    firewall.prove(&out(&pool), &lists()).proof
}

const fn at(table: Table, index: usize) -> RuleAt {
    RuleAt { table, index }
}

const GATE: &str = "chain=forward action=jump jump-target=gate
    chain=gate action=drop in-interface-list=vpn src-address-list=ban
    chain=gate action=return in-interface-list=vpn out-interface-list=!vpn src-address-list=emergency
    chain=gate action=accept in-interface-list=vpn src-address-list=!permit dst-address-list=reach
    chain=gate action=drop in-interface-list=vpn src-address-list=!permit
    chain=gate action=return
    chain=forward action=accept connection-state=established,related";

/// Matchers from MikroTik's manual, *Common Firewall Matchers and Actions*.
#[test]
fn what_is_known_of_all_addresses_of_a_pool() {
    let cases = [
        ("src-address=10.8.0.0/16", Verdict::Drop),
        ("src-address=10.8.0.0/25", Verdict::CannotProve),
        ("src-address=10.9.0.0/16", Verdict::Pass),
        ("src-address=!10.9.0.0/16", Verdict::Drop),
        ("src-address=0.0.0.0/0", Verdict::Drop),
        ("src-address=fd00::/8", Verdict::Pass),
        ("dst-address=192.168.88.0/24", Verdict::CannotProve),
        ("dst-address=0.0.0.0/0", Verdict::Drop),
        ("src-address-list=all", Verdict::Drop),
        ("src-address-list=some", Verdict::CannotProve),
        ("src-address-list=office", Verdict::Pass),
        ("src-address-list=!office", Verdict::Drop),
        ("src-address-list=named", Verdict::CannotProve),
        ("src-address-list=permit", Verdict::Pass),
        ("src-address-list=!permit", Verdict::Drop),
        ("dst-address-list=reach", Verdict::Pass),
        ("dst-address-list=office", Verdict::CannotProve),
        ("dst-address-list=nowhere", Verdict::Pass),
        ("in-interface-list=vpn", Verdict::Drop),
        ("in-interface-list=LAN", Verdict::Pass),
        ("in-interface=tunnel", Verdict::Drop),
        ("in-interface=all-ppp", Verdict::CannotProve),
        ("protocol=tcp", Verdict::Drop),
        ("protocol=udp", Verdict::Pass),
        ("dst-port=443", Verdict::CannotProve),
        ("protocol=udp dst-port=53", Verdict::Pass),
        ("connection-state=new", Verdict::Drop),
        ("connection-state=established", Verdict::Pass),
        ("connection-nat-state=dstnat", Verdict::CannotProve),
        ("ipsec-policy=in,ipsec", Verdict::CannotProve),
        ("limit=10,5:packet", Verdict::CannotProve),
        ("layer7-protocol=x", Verdict::CannotProve),
        ("time=8h-17h,mon", Verdict::CannotProve),
        ("random=50", Verdict::CannotProve),
        (
            "per-connection-classifier=src-address:2/0",
            Verdict::CannotProve,
        ),
        ("connection-mark=x", Verdict::CannotProve),
        ("hotspot=from-client,!auth", Verdict::CannotProve),
    ];
    for (matchers, expected) in cases {
        let firewall = filter(&format!("chain=forward action=drop {matchers}"));
        assert_eq!(prove(&firewall).verdict(), expected, "{matchers}");
    }
}

#[test]
fn the_gate_is_proved() {
    let pool = pool();
    for state in [
        ConnectionState::New,
        ConnectionState::Established,
        ConnectionState::Related,
        ConnectionState::Invalid,
        ConnectionState::Untracked,
    ] {
        let probe = Probe {
            state: Some(state),
            protocol: None,
            ..out(&pool)
        };
        let judged = filter(GATE).prove(&probe, &lists());
        assert_eq!(judged.proof, Proof::Dropped, "{state:?}");
    }
}

#[test]
fn a_rule_above_is_to_blame() {
    let cases = [
        (
            "an accept that may match",
            "chain=forward action=accept dst-address=192.168.88.10",
            Proof::Open(at(Table::Filter, 0), DoubtReason::Matcher),
        ),
        (
            "an accept that matches all",
            "chain=forward action=accept in-interface-list=vpn",
            Proof::Passes(Some(at(Table::Filter, 0))),
        ),
        (
            "an accept of other traffic",
            "chain=forward action=accept in-interface-list=LAN",
            Proof::Dropped,
        ),
        (
            "a layer-7 matcher",
            "chain=forward action=accept layer7-protocol=x",
            Proof::Open(at(Table::Filter, 0), DoubtReason::Matcher),
        ),
        (
            "a jump into nothing",
            "chain=forward action=jump jump-target=none",
            Proof::Dropped,
        ),
        (
            "an action that nobody knows",
            "chain=forward action=teleport",
            Proof::Open(at(Table::Filter, 0), DoubtReason::Action),
        ),
        (
            "one that only drops",
            "chain=forward action=drop time=x",
            Proof::Dropped,
        ),
    ];
    for (name, above, expected) in cases {
        let firewall = filter(&format!("{above}\n{GATE}"));
        assert_eq!(prove(&firewall), expected, "{name}");
    }
}

/// *Packet Flow in RouterOS*: raw comes before connection tracking, and what it accepts still meets the filter.
#[test]
fn raw_takes_away_and_untracks() {
    let gate_for_new_only = "chain=forward action=drop in-interface-list=vpn connection-state=new";
    let cases = [
        ("", GATE, Proof::Dropped),
        ("chain=prerouting action=accept", GATE, Proof::Dropped),
        ("chain=prerouting action=notrack", GATE, Proof::Dropped),
        ("", gate_for_new_only, Proof::Dropped),
        (
            "chain=prerouting action=notrack in-interface-list=vpn",
            gate_for_new_only,
            Proof::Open(at(Table::Raw, 0), DoubtReason::Matcher),
        ),
        (
            "chain=prerouting action=notrack in-interface-list=LAN",
            gate_for_new_only,
            Proof::Dropped,
        ),
        ("chain=prerouting action=drop", "", Proof::Dropped),
        (
            "chain=prerouting action=drop layer7-protocol=x",
            "",
            Proof::Open(at(Table::Raw, 0), DoubtReason::Matcher),
        ),
        ("chain=output action=drop", "", Proof::Passes(None)),
    ];
    for (raw, rules, expected) in cases {
        let firewall = Firewall {
            raw: table(raw),
            filter: table(rules),
            ..Firewall::default()
        };
        assert_eq!(prove(&firewall), expected, "raw {raw:?}, filter {rules:?}");
    }
}

/// *Address Lists*: what a rule puts on a list is there for the rules below, and for the next packets.
#[test]
fn lists_that_rules_fill() {
    let add = "action=add-src-to-address-list address-list=seen";
    let open = |index| Proof::Open(at(Table::Filter, index), DoubtReason::Matcher);
    let cases = [
        (
            "some packets only are sent to where all are put on the list",
            format!(
                "chain=a {add}\nchain=forward action=jump jump-target=a dst-address=192.168.88.10\n\
                 chain=forward action=drop src-address-list=seen"
            ),
            open(1),
        ),
        (
            "some packets have gone back before",
            format!(
                "chain=a action=return dst-address=192.168.88.10\nchain=a {add}\nchain=forward action=jump jump-target=a\n\
                 chain=forward action=drop src-address-list=seen"
            ),
            open(0),
        ),
        (
            "all of them are",
            format!(
                "chain=a {add}\nchain=forward action=jump jump-target=a\nchain=forward action=drop src-address-list=seen"
            ),
            Proof::Dropped,
        ),
        (
            "who knocks opens the door to what comes after",
            format!(
                "chain=forward {add} dst-port=7777\nchain=forward action=accept src-address-list=seen\n{GATE}"
            ),
            open(0),
        ),
        (
            "the knock comes below",
            format!(
                "chain=forward action=accept src-address-list=seen\nchain=forward {add}\n{GATE}"
            ),
            open(0),
        ),
        (
            "who knocks is taken for confirmed",
            format!("{GATE}\nchain=forward action=add-src-to-address-list address-list=permit"),
            open(4),
        ),
        (
            "who knocks is shut out",
            format!(
                "chain=forward {add} dst-port=7777\nchain=forward action=drop src-address-list=seen\n{GATE}"
            ),
            Proof::Dropped,
        ),
        (
            "the rule that would is disabled",
            format!(
                "chain=forward action=accept src-address-list=seen\nchain=forward {add} disabled=yes\n{GATE}"
            ),
            Proof::Dropped,
        ),
    ];
    for (name, rules, expected) in cases {
        assert_eq!(prove(&filter(&rules)), expected, "{name}");
    }
    let earlier_table = Firewall {
        mangle: table(&format!("chain=prerouting {add}")),
        filter: table(&format!(
            "chain=forward action=accept src-address-list=seen\n{GATE}"
        )),
        ..Firewall::default()
    };
    assert_eq!(prove(&earlier_table), open(0));
}

#[test]
fn fasttrack_is_found_in_filter_and_mangle() {
    let pool = pool();
    let established = Probe {
        state: Some(ConnectionState::Established),
        ..out(&pool)
    };
    let in_filter = "chain=forward action=fasttrack-connection connection-state=established";
    let spared = format!(
        "chain=forward action=accept connection-state=established in-interface-list=vpn\n{in_filter}"
    );
    let cases = [
        (in_filter, "", Some(at(Table::Filter, 0))),
        (&spared, "", None),
        (
            "",
            "chain=forward action=fasttrack-connection",
            Some(at(Table::Mangle, 0)),
        ),
        (
            "",
            "chain=prerouting action=mark-connection\nchain=prerouting action=fasttrack-connection in-interface-list=vpn",
            Some(at(Table::Mangle, 1)),
        ),
        (
            "",
            "chain=prerouting action=fasttrack-connection in-interface-list=LAN",
            None,
        ),
    ];
    for (rules, mangle, expected) in cases {
        let firewall = Firewall {
            mangle: table(mangle),
            filter: table(rules),
            ..Firewall::default()
        };
        let judged = firewall.prove(&established, &lists());
        assert_eq!(judged.fasttrack, expected, "{rules:?} {mangle:?}");
    }
}

#[test]
fn blame_names_the_condition() {
    let cases = [
        (
            "chain=forward action=accept layer7-protocol=!games",
            DoubtReason::Matcher,
            "nobody can tell here whether `layer7-protocol=!games` matches",
        ),
        (
            "chain=forward action=teleport",
            DoubtReason::Action,
            "what its action `teleport` does is not known",
        ),
        (
            "chain=forward action=accept dst-address=10.0.0.1",
            DoubtReason::Matcher,
            "whether it matches is not known",
        ),
        (
            "chain=forward action=accept src-address-list=!seen\nchain=input action=add-src-to-address-list address-list=seen",
            DoubtReason::Matcher,
            "rules put addresses on the list `seen` that it asks about",
        ),
    ];
    for (text, reason, expected) in cases {
        assert_eq!(filter(text).blame(at(Table::Filter, 0), reason), expected);
    }
}

mod properties {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::firewall::{Packet, evaluate::Added};

    /// A rule of a table whose chains and own actions are these.
    fn any_rule(
        chains: &'static [&'static str],
        own: &'static [&'static str],
    ) -> impl Strategy<Value = String> {
        let chain = proptest::sample::select(chains);
        let action = prop_oneof![
            2 => proptest::sample::select(own),
            3 => prop_oneof![
                Just("accept"),
                Just("return"),
                Just("passthrough"),
                Just("jump jump-target=a"),
                Just("jump jump-target=b"),
                Just("add-src-to-address-list address-list=seen"),
                Just("add-dst-to-address-list address-list=seen"),
            ],
        ];
        let matcher = prop_oneof![
            Just(""),
            Just("src-address-list=!permit"),
            Just("src-address-list=some"),
            Just("src-address-list=seen"),
            Just("src-address-list=!seen"),
            Just("dst-address-list=seen"),
            Just("src-address=10.8.0.128/25"),
            Just("dst-address-list=office"),
            Just("dst-address=192.168.88.10"),
            Just("in-interface-list=vpn"),
            Just("dst-port=80"),
            Just("protocol=udp"),
            Just("connection-state=established,related"),
            Just("connection-state=untracked"),
        ];
        (chain, action, matcher)
            .prop_map(|(chain, action, matcher)| format!("chain={chain} action={action} {matcher}"))
    }

    fn any_table(
        chains: &'static [&'static str],
        own: &'static [&'static str],
        most: usize,
    ) -> impl Strategy<Value = String> {
        proptest::collection::vec(any_rule(chains, own), 0..=most)
            .prop_map(|rules| rules.join("\n"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// What is proved of all packets of a kind holds for each single one of them, whatever the rules have put on lists before.
        #[test]
        fn a_proof_holds_for_every_packet(
            raw in any_table(&["prerouting", "a", "b"], &["drop", "notrack"], 4),
            mangle in any_table(&["prerouting", "forward", "a", "b"], &["fasttrack-connection", "mark-packet"], 4),
            rules in any_table(&["forward", "a", "b"], &["drop", "fasttrack-connection"], 8),
            last in any::<u8>(),
            destination in prop_oneof![Just("192.168.88.10"), Just("192.168.88.11"), Just("8.8.8.8")],
            port in prop_oneof![Just(80_u16), Just(443)],
            state in prop_oneof![Just(ConnectionState::New), Just(ConnectionState::Established)],
            of_any_state in any::<bool>(),
            earlier in any::<[bool; 2]>(),
        ) {
            let firewall = Firewall {
                raw: table(&raw),
                mangle: table(&mangle),
                filter: table(&rules),
            };
            let pool = pool();
            let probe = Probe {
                state: (!of_any_state).then_some(state),
                ..out(&pool)
            };
            let judged = firewall.prove(&probe, &lists());
            let (source, destination): (IpAddr, IpAddr) = ([10, 8, 0, last].into(), destination.parse().unwrap());
            let mut packet = Packet::new(Hook::Forward, source, destination)
                .from_interface("tunnel")
                .to_interface("bridge")
                .with_protocol(Protocol::TCP, Some(port));
            packet.source_port = Some(1024);
            packet.state = state;
            let mut lists = lists();
            let adds = |what| [&raw, &mangle, &rules].iter().any(|rules| rules.contains(what));
            if earlier[0] && adds("add-src") {
                lists.add_address("seen", &source.to_string());
            }
            if earlier[1] && adds("add-dst") {
                lists.add_address("seen", &destination.to_string());
            }
            if judged.fasttrack.is_none() {
                let marked = |table: &Ruleset, chain| table.evaluate_in(chain, &packet, &lists, &Added::default()).fasttrack;
                prop_assert_eq!(marked(&firewall.filter, "forward"), None);
                prop_assert_eq!(marked(&firewall.mangle, "prerouting"), None);
                prop_assert_eq!(marked(&firewall.mangle, "forward"), None);
            }
            let one = firewall.judge_packet(&packet, &lists).verdict();
            if one == Verdict::CannotProve {
                return Ok(()); // its jumps lead in a circle
            }
            let all = judged.proof.verdict();
            prop_assert!(all == Verdict::CannotProve || all == one, "{all:?} of all, {one:?} of one");
        }
    }
}
