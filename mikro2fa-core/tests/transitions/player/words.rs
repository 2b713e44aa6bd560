//! The words of stories, as values.

use super::*;

pub(super) fn gate_fault(opens: bool, ours: bool) -> GateFault {
    GateFault {
        kind: if ours {
            GateFaultKind::Rule
        } else {
            GateFaultKind::Above
        },
        what: "rule 3".into(),
        opens,
        ours,
    }
}

pub(super) fn given_policy(desk: &mut Desk, given: &str) {
    let policy = desk.policy_mut();
    let seconds = |time: &str| Some(Seconds(duration(time)));
    match *given.split(' ').collect::<Vec<_>>().as_slice() {
        ["second", "tunnel", "refused"] => policy.second_tunnel = Some(SecondTunnel::Refuse),
        ["both", "tunnels"] => policy.second_tunnel = Some(SecondTunnel::Both),
        ["no", "resume"] => policy.resume = Some(Resume::Off),
        ["any", "caller", "resumes"] => policy.resume = Some(Resume::AnyCaller),
        ["no", "confirmation"] => policy.require_confirmation = Some(false),
        ["requests", "need", "not", "be"] => policy.request_first = Some(false),
        ["session_duration", time] => policy.session_duration = seconds(time),
        ["max_total", time] => policy.max_total = seconds(time),
        ["hold_for", time] => policy.hold_for = seconds(time),
        ["reconnect_grace", time] => policy.reconnect_grace = seconds(time),
        ["max_prompts_per_hour", n] => policy.max_prompts_per_hour = Some(n.parse().unwrap()),
        _ => panic!("not to be given: {given}"),
    }
}

pub(super) fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').expect("a network");
    Prefix {
        address: address.parse().expect("an address"),
        length: length.parse().expect("a length"),
    }
}

/// What is behind Ann so far.
pub(super) fn networks_of(router: &MemoryRouter) -> Vec<Prefix> {
    let accounts = router.accounts();
    let ann = accounts.iter().find(|row| &*row.name == "ann");
    ann.map_or_else(Vec::new, |row| row.routes.clone())
}

/// The comment of the rule that is bound.
pub(super) const RULE: &str = "2FA of ann";

pub(super) fn bind(desk: &mut Desk, office: RouterId, router: &MemoryRouter, to: Bound) {
    let comment = RULE.into();
    let rules = &mut desk.router_mut(office).gates.rules;
    rules.push(RuleBinding { comment, to });
    router.rule(RULE, false);
}

pub(super) fn dial(account: &str, last: u8) -> Dial {
    Dial::new(account, Ipv4Addr::new(10, 8, 0, last))
}

pub(super) fn is_switch(command: &Command) -> bool {
    matches!(command, Command::SetGate { .. })
}

pub(super) fn caller_of(account: &str) -> &'static str {
    match account {
        "bob" => "192.0.2.50",
        "guest" => "192.0.2.60",
        "site" => "192.0.2.70",
        _ => "203.0.113.7",
    }
}

/// A tunnel's letter says its address: a has 10.8.0.1.
pub(super) fn number(line: &str) -> u8 {
    line.bytes().next().map_or(0, |letter| letter - b'a' + 1)
}

pub(super) fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    Duration::from_secs(match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3_600,
        _ => panic!("no such time: {text}"),
    })
}

pub(super) fn operator() -> Actor {
    Actor::Operator {
        who: "olga".into(),
        reason: "asked for".into(),
    }
}

pub(super) fn fed_name(fed: Result<Fed, EngineError>) -> String {
    match fed {
        Ok(Fed::Stepped(_)) => "counted".to_owned(),
        Ok(Fed::Ignored(why, _)) => {
            let why = format!("{why:?}").to_lowercase();
            let why = why.strip_prefix("answer(").unwrap_or(&why);
            let word = why.split([' ', ')', '{']).next().unwrap_or_default();
            format!("ignored {word}")
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn names<T: serde::Serialize>(all: &[T], tag: &str) -> String {
    let name = |one: &T| {
        let json = serde_json::to_value(one).unwrap();
        json[tag].as_str().unwrap_or_default().to_owned()
    };
    all.iter().map(name).collect::<Vec<_>>().join(",")
}

pub(super) fn contains(expected: &str, found: String) -> Result<(), String> {
    let there = found.split(',').any(|one| one == expected);
    if there { Ok(()) } else { Err(found) }
}
