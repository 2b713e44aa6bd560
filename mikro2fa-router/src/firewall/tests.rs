//! The evaluator against a table of cases, from MikroTik's manual (*Filter*, *Common Firewall Matchers and Actions*) and from
//! the default configuration of its home routers.

use super::*;

/// Rules as the console writes them, one a line.
fn rules(text: &str) -> Ruleset {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ruleset::new(
        lines
            .map(|line| {
                Rule::from_properties(line.split(' ').filter_map(|word| word.split_once('=')))
            })
            .collect(),
    )
}

/// permit: 10.8.0.4; ban: 10.8.0.9; reach: 149.154.160.0/20; named: a DNS name; vpn: <l2tp-*>; LAN: bridge; WAN: ether1.
fn lists() -> StaticLists {
    let mut lists = StaticLists::default();
    lists.add_address("permit", "10.8.0.4");
    lists.add_address("permit", "fd00::4");
    lists.add_address("ban", "10.8.0.9");
    lists.add_address("reach", "149.154.160.0/20");
    lists.add_address("named", "office.example");
    lists.add_address("named", "10.1.1.1");
    for tunnel in ["<l2tp-ann>", "<l2tp-bob>"] {
        lists.add_interface("vpn", tunnel);
    }
    lists.add_interface("LAN", "bridge");
    lists.add_interface("WAN", "ether1");
    lists
}

/// `in=… out=… src=… dst=… proto=… sport=… dport=… state=… fast=1 hook=input`, all optional.
fn packet(text: &str) -> Packet<'_> {
    let words: Vec<(&str, &str)> = text
        .split(' ')
        .filter_map(|word| word.split_once('='))
        .collect();
    let value = |name: &str| {
        words
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    };
    let address = |name: &str, default: &str| value(name).unwrap_or(default).parse().unwrap();
    let hook = match value("hook") {
        Some("input") => Hook::Input,
        Some("output") => Hook::Output,
        _ => Hook::Forward,
    };
    let mut packet = Packet::new(
        hook,
        address("src", "10.8.0.5"),
        address("dst", "192.168.88.10"),
    );
    packet.in_interface = value("in");
    packet.out_interface = value("out");
    packet.protocol =
        value("proto").map_or(Protocol::TCP, |name| Protocol::from_name(name).unwrap());
    packet.source_port = value("sport").map(|port| port.parse().unwrap());
    packet.destination_port = value("dport").map(|port| port.parse().unwrap());
    packet.fasttracked = value("fast").is_some();
    packet.state = match value("state") {
        Some("established") => ConnectionState::Established,
        Some("related") => ConnectionState::Related,
        Some("invalid") => ConnectionState::Invalid,
        Some("untracked") => ConnectionState::Untracked,
        _ => ConnectionState::New,
    };
    packet
}

fn judge(table: &str, about: &str) -> Evaluation {
    rules(table).evaluate(&packet(about), &lists())
}

/// One rule that drops what matches: does it?
fn matched(matchers: &str, about: &str) -> Verdict {
    judge(&format!("chain=forward action=drop {matchers}"), about).verdict()
}

#[test]
fn matchers() {
    use Verdict::{CannotProve, Drop, Pass};
    let cases = [
        ("", "", Drop),
        ("src-address=10.8.0.5", "", Drop),
        ("src-address=10.8.0.0/24", "", Drop),
        ("src-address=10.8.0.0-10.8.0.4", "", Pass),
        ("src-address=!10.8.0.0/24", "", Pass),
        ("dst-address=192.168.88.0/24", "", Drop),
        ("dst-address=!192.168.88.0/24", "dst=8.8.8.8", Drop),
        ("src-address-list=permit", "src=10.8.0.4", Drop),
        ("src-address-list=permit", "", Pass),
        ("src-address-list=!permit", "", Drop),
        ("src-address-list=nowhere", "", Pass),
        ("src-address-list=!nowhere", "", Drop),
        ("dst-address-list=reach", "dst=149.154.167.50", Drop),
        ("src-address-list=named", "", CannotProve),
        ("src-address-list=named", "src=10.1.1.1", Drop),
        ("src-address-list=!named", "src=10.1.1.1", Pass),
        ("in-interface=ether1", "in=ether1", Drop),
        ("in-interface=ether1", "in=ether2", Pass),
        ("in-interface=!ether1", "in=ether2", Drop),
        ("in-interface=all-ppp", "in=<l2tp-ann>", CannotProve),
        ("out-interface=ether1", "in=ether1 out=bridge", Pass),
        ("in-interface-list=vpn", "in=<l2tp-ann>", Drop),
        ("in-interface-list=!vpn", "in=<l2tp-ann>", Pass),
        ("in-interface-list=vpn", "in=bridge", Pass),
        ("in-interface-list=all", "in=bridge", Drop),
        ("in-interface-list=none", "in=bridge", Pass),
        ("in-interface-list=dynamic", "in=bridge", CannotProve),
        ("out-interface-list=vpn", "in=bridge out=<l2tp-bob>", Drop),
        ("out-interface-list=vpn", "in=bridge", Pass),
        ("out-interface-list=!vpn", "in=bridge", Drop),
        ("protocol=tcp", "proto=tcp", Drop),
        ("protocol=tcp", "proto=udp", Pass),
        ("protocol=!tcp", "proto=udp", Drop),
        ("protocol=6", "proto=tcp", Drop),
        ("protocol=icmp", "proto=icmp", Drop),
        ("protocol=nonsense", "", CannotProve),
        ("dst-port=80,443", "dport=443", Drop),
        ("dst-port=80,443", "dport=22", Pass),
        ("dst-port=1000-2000", "dport=1500", Drop),
        ("dst-port=!53", "dport=22", Drop),
        ("dst-port=80", "", CannotProve),
        ("dst-port=80", "proto=icmp dport=80", Pass),
        ("src-port=53", "sport=53", Drop),
        ("port=53", "sport=53 dport=1024", Drop),
        ("port=53", "sport=1024 dport=1025", Pass),
        ("port=53", "sport=1024", CannotProve),
        ("dst-port=99999", "dport=1", CannotProve),
        ("connection-state=new", "", Drop),
        ("connection-state=established,related", "", Pass),
        (
            "connection-state=established,related",
            "state=related",
            Drop,
        ),
        ("connection-state=!established", "state=established", Pass),
        ("connection-state=untracked", "state=untracked", Drop),
        ("connection-state=invalid", "state=invalid", Drop),
        ("connection-nat-state=dstnat", "", Pass),
        ("connection-nat-state=!dstnat", "", Drop),
        ("ipsec-policy=in,ipsec", "", Pass),
        ("ipsec-policy=out,none", "", Drop),
        ("limit=10,5:packet", "", CannotProve),
        ("layer7-protocol=skype", "", CannotProve),
        ("layer7-protocol=skype protocol=udp", "proto=tcp", Pass),
        ("time=8h-17h,mon,tue", "", CannotProve),
        ("src-address=office.example", "", CannotProve),
        (
            "log=true log-prefix=x comment=y bytes=1 packets=2 .id=*1",
            "",
            Drop,
        ),
        ("disabled=true", "", Pass),
        ("invalid=true", "", Pass),
        ("disabled=false dynamic=false", "", Drop),
    ];
    for (matchers, about, expected) in cases {
        assert_eq!(
            matched(matchers, about),
            expected,
            "{matchers} against {about:?}"
        );
    }
}

#[test]
fn matchers_of_a_rule_are_an_and() {
    let both = "in-interface-list=vpn src-address-list=!permit";
    assert_eq!(matched(both, "in=<l2tp-ann>"), Verdict::Drop);
    assert_eq!(matched(both, "in=<l2tp-ann> src=10.8.0.4"), Verdict::Pass);
    assert_eq!(matched(both, "in=bridge"), Verdict::Pass);
}

#[test]
fn ipv6() {
    assert_eq!(
        matched("src-address=fd00::/64", "src=fd00::5 dst=fd00::1"),
        Verdict::Drop
    );
    assert_eq!(
        matched("src-address=!fd00::/64", "src=fd00::5 dst=fd00::1"),
        Verdict::Pass
    );
    assert_eq!(
        matched("src-address-list=permit", "src=fd00::4 dst=fd00::1"),
        Verdict::Drop
    );
    assert_eq!(
        matched("src-address-list=!permit", "src=fd00::5 dst=fd00::1"),
        Verdict::Drop
    );
    assert_eq!(
        matched("protocol=icmpv6", "src=fd00::5 dst=fd00::1 proto=icmpv6"),
        Verdict::Drop
    );
    assert_eq!(
        matched("src-address=0.0.0.0/0", "src=fd00::5 dst=fd00::1"),
        Verdict::Pass
    );
}

#[test]
fn actions_and_order() {
    use Decision::{Accepted, Dropped, EndOfChain};
    let cases = [
        (
            "first match decides",
            "chain=forward action=accept\nchain=forward action=drop",
            "",
            Accepted(0),
        ),
        (
            "reject drops",
            "chain=forward action=reject",
            "",
            Dropped(0),
        ),
        (
            "tarpit does not let through",
            "chain=forward action=tarpit",
            "",
            Dropped(0),
        ),
        (
            "no action accepts",
            "chain=forward\nchain=forward action=drop",
            "",
            Accepted(0),
        ),
        (
            "passthrough goes on",
            "chain=forward action=passthrough\nchain=forward action=drop",
            "",
            Dropped(1),
        ),
        (
            "log goes on",
            "chain=forward action=log\nchain=forward action=drop",
            "",
            Dropped(1),
        ),
        ("an empty table accepts", "", "", EndOfChain),
        (
            "other chains are not asked",
            "chain=input action=drop",
            "",
            EndOfChain,
        ),
        (
            "input is asked for input",
            "chain=input action=drop",
            "hook=input",
            Dropped(0),
        ),
        (
            "output is asked for output",
            "chain=output action=drop",
            "hook=output",
            Dropped(0),
        ),
        (
            "return in a built-in chain ends it",
            "chain=forward action=return\nchain=forward action=drop",
            "",
            EndOfChain,
        ),
        (
            "a jump goes there and comes back",
            "chain=forward action=jump jump-target=own\nchain=forward action=drop\nchain=own action=passthrough",
            "",
            Dropped(1),
        ),
        (
            "return comes back early",
            "chain=own action=return\nchain=own action=accept\nchain=forward action=jump jump-target=own\nchain=forward action=drop",
            "",
            Dropped(3),
        ),
        (
            "a verdict in a chain is final",
            "chain=forward action=jump jump-target=own\nchain=forward action=drop\nchain=own action=accept",
            "",
            Accepted(2),
        ),
        (
            "a jump that does not match is not taken",
            "chain=forward action=jump jump-target=own in-interface=ether1\nchain=own action=drop",
            "in=ether2",
            EndOfChain,
        ),
        (
            "a jump to nowhere comes back",
            "chain=forward action=jump jump-target=none\nchain=forward action=drop",
            "",
            Dropped(1),
        ),
        (
            "chains nest",
            "chain=forward action=jump jump-target=a\nchain=a action=jump jump-target=b\nchain=b action=drop",
            "",
            Dropped(2),
        ),
        (
            "what a packet was just put on counts",
            "chain=forward action=add-src-to-address-list address-list=seen\nchain=forward action=drop src-address-list=seen",
            "",
            Dropped(1),
        ),
        (
            "also for a negated matcher",
            "chain=forward action=add-dst-to-address-list address-list=seen\nchain=forward action=drop dst-address-list=!seen",
            "",
            EndOfChain,
        ),
    ];
    for (name, table, about, expected) in cases {
        assert_eq!(judge(table, about).decision, expected, "{name}");
    }
}

#[test]
fn doubt_counts_only_where_it_matters() {
    use Decision::{Accepted, Dropped, EndOfChain, Open};
    let by_matcher = |rule| {
        Open(Doubt {
            rule,
            reason: DoubtReason::Matcher,
        })
    };
    let cases = [
        (
            "above the gate, accepting",
            "chain=forward action=accept time=x\nchain=forward action=drop",
            by_matcher(0),
        ),
        (
            "above the gate, dropping",
            "chain=forward action=drop time=x\nchain=forward action=drop",
            Dropped(0),
        ),
        (
            "below the gate",
            "chain=forward action=drop\nchain=forward action=accept time=x",
            Dropped(0),
        ),
        (
            "accepting what passes anyway",
            "chain=forward action=accept time=x",
            Accepted(0),
        ),
        (
            "passthrough decides nothing",
            "chain=forward action=passthrough time=x\nchain=forward action=drop",
            Dropped(1),
        ),
        (
            "a jump that may be taken",
            "chain=forward action=jump jump-target=own time=x\nchain=own action=accept\nchain=forward action=drop",
            by_matcher(0),
        ),
        (
            "a jump that changes nothing",
            "chain=forward action=jump jump-target=own time=x\nchain=own action=passthrough\nchain=forward action=drop",
            Dropped(2),
        ),
        (
            "a return that may be taken, then both drop",
            "chain=forward action=jump jump-target=own\nchain=own action=return time=x\nchain=own action=drop\nchain=forward action=drop",
            Dropped(2),
        ),
        (
            "a return that may be taken, then the ways part",
            "chain=forward action=jump jump-target=own\nchain=own action=return time=x\nchain=own action=drop",
            by_matcher(1),
        ),
        (
            "an unknown action",
            "chain=forward action=teleport\nchain=forward action=drop",
            Open(Doubt {
                rule: 0,
                reason: DoubtReason::Action,
            }),
        ),
        (
            "an unknown action that does not match",
            "chain=forward action=teleport protocol=udp",
            EndOfChain,
        ),
        (
            "a chain that leads to itself",
            "chain=forward action=jump jump-target=forward",
            Open(Doubt {
                rule: 0,
                reason: DoubtReason::Loop,
            }),
        ),
    ];
    for (name, table, expected) in cases {
        assert_eq!(judge(table, "").decision, expected, "{name}");
    }
}

#[test]
fn a_packet_is_put_on_lists_however_often_and_that_costs_no_more() {
    // Each chain is jumped to twice from the one before: a million steps, were they all taken, half of which put the packet on a list.
    let mut table = String::from("chain=forward action=jump jump-target=c0\n");
    for n in 0..19 {
        let next = format!("chain=c{n} action=jump jump-target=c{}\n", n + 1);
        table += &next;
        table += &next;
    }
    table += "chain=c19 action=add-src-to-address-list address-list=seen\n\
              chain=c19 action=passthrough src-address-list=!seen dst-address-list=seen\n\
              chain=forward action=drop src-address-list=seen";
    let evaluation = judge(&table, "");
    assert_eq!(evaluation.verdict(), Verdict::CannotProve);
    assert!(matches!(
        evaluation.decision,
        Decision::Open(Doubt {
            reason: DoubtReason::TooLong,
            ..
        })
    ));
}

#[test]
fn circles_end() {
    let table = "chain=forward action=jump jump-target=a\nchain=a action=jump jump-target=a\nchain=a action=jump jump-target=a\nchain=forward action=drop";
    assert_eq!(judge(table, "").verdict(), Verdict::CannotProve);
}

#[test]
fn fasttrack() {
    let table = "chain=forward action=fasttrack-connection connection-state=established,related\n\
                 chain=forward action=accept connection-state=established,related\n\
                 chain=forward action=drop";
    let first = judge(table, "");
    assert_eq!(
        (first.decision, first.fasttrack),
        (Decision::Dropped(2), None)
    );
    let later = judge(table, "state=established");
    assert_eq!(later.decision, Decision::Accepted(1));
    assert_eq!(
        later.fasttrack,
        Some(Fasttrack {
            rule: 0,
            certain: true
        })
    );
    assert_eq!(judge(table, "fast=1").decision, Decision::Fasttracked);

    let doubtful = judge(
        "chain=forward action=fasttrack-connection time=x",
        "state=established",
    );
    assert_eq!(
        doubtful.fasttrack,
        Some(Fasttrack {
            rule: 0,
            certain: false
        })
    );
    assert_eq!(doubtful.verdict(), Verdict::Pass);
}

/// The gate's chain as design has it, on its own: the administrator's rules below let everything through.
const GATE: &str = "chain=forward action=jump jump-target=gate
    chain=gate action=drop in-interface-list=vpn src-address-list=ban
    chain=gate action=accept in-interface-list=vpn src-address-list=!permit dst-address-list=reach
    chain=gate action=drop in-interface-list=vpn src-address-list=!permit
    chain=gate action=accept out-interface-list=vpn dst-address-list=!permit src-address-list=reach connection-state=established
    chain=gate action=drop out-interface-list=vpn dst-address-list=!permit
    chain=gate action=return
    chain=forward action=fasttrack-connection connection-state=established,related
    chain=forward action=accept connection-state=established,related
    chain=forward action=drop in-interface-list=WAN";

#[test]
fn gate() {
    use Verdict::{Drop, Pass};
    let cases = [
        ("in=<l2tp-bob> out=bridge src=10.8.0.5", Drop),
        ("in=<l2tp-ann> out=bridge src=10.8.0.4", Pass),
        (
            "in=<l2tp-bob> out=bridge src=10.8.0.5 state=established",
            Drop,
        ),
        (
            "in=<l2tp-bob> out=ether1 src=10.8.0.5 dst=149.154.167.50",
            Pass,
        ),
        (
            "in=<l2tp-bob> out=ether1 src=10.8.0.9 dst=149.154.167.50",
            Drop,
        ),
        (
            "in=ether1 out=<l2tp-bob> src=149.154.167.50 dst=10.8.0.5 state=established",
            Pass,
        ),
        (
            "in=ether1 out=<l2tp-bob> src=149.154.167.50 dst=10.8.0.5",
            Drop,
        ),
        (
            "in=bridge out=<l2tp-bob> src=192.168.88.10 dst=10.8.0.5",
            Drop,
        ),
        (
            "in=bridge out=<l2tp-ann> src=192.168.88.10 dst=10.8.0.4",
            Pass,
        ),
        (
            "in=<l2tp-ann> out=<l2tp-bob> src=10.8.0.4 dst=10.8.0.5",
            Drop,
        ),
        (
            "in=<l2tp-bob> out=<l2tp-ann> src=10.8.0.5 dst=10.8.0.4",
            Drop,
        ),
        ("in=bridge out=ether1 src=192.168.88.10 dst=8.8.8.8", Pass),
        ("in=ether1 out=bridge src=8.8.8.8 dst=192.168.88.10", Drop),
    ];
    for (about, expected) in cases {
        assert_eq!(judge(GATE, about).verdict(), expected, "{about}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn any_rule() -> impl Strategy<Value = String> {
        let chain = prop_oneof![Just("forward"), Just("a"), Just("b")];
        let action = prop_oneof![
            Just("accept"),
            Just("drop"),
            Just("return"),
            Just("passthrough"),
            Just("jump jump-target=a"),
            Just("jump jump-target=b"),
            Just("add-src-to-address-list address-list=seen"),
        ];
        let matcher = prop_oneof![
            Just(""),
            Just("src-address-list=permit"),
            Just("src-address-list=seen"),
            Just("in-interface-list=!vpn"),
            Just("connection-state=new"),
            Just("dst-port=80"),
            Just("time=x"),
        ];
        (chain, action, matcher)
            .prop_map(|(chain, action, matcher)| format!("chain={chain} action={action} {matcher}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn properties_of_any_kind_do_not_panic(name in "[a-z.-]{0,20}", value in "\\PC{0,20}") {
            let rule = Rule::from_properties([("chain", "forward"), ("action", "drop"), (name.as_str(), value.as_str())]);
            let _ = Ruleset::new(vec![rule]).evaluate(&packet(""), &lists());
        }

        /// Whatever an unknown matcher turns out to be, the three-valued verdict has not said the opposite.
        #[test]
        fn doubt_covers_both_outcomes(table in proptest::collection::vec(any_rule(), 0..8)) {
            let verdict = |replacement: &str| {
                let lines: Vec<String> = table.iter().map(|line| line.replace("time=x", replacement)).collect();
                judge(&lines.join("\n"), "dport=443").verdict()
            };
            let open = verdict("time=x");
            for certain in [verdict(""), verdict("src-address=9.9.9.9")] {
                prop_assert!(open == Verdict::CannotProve || open == certain, "{open:?} but {certain:?}");
            }
        }
    }
}
