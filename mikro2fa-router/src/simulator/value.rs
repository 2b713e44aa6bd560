//! From what a client sends to what a property holds.

use std::{borrow::Cow, net::IpAddr};

use super::{
    menu::{Field, Kind, Menu, MenuId},
    policy::Policy,
    state::State,
    table::Value,
    trap::Trap,
};
use crate::{
    duration,
    firewall::{AddressSet, Matcher},
};

type Parsed = Result<Option<Value>, Trap>;

/// Reads a value for a property; `None` = the property is absent from now on.
pub(crate) fn parse(state: &State, menu: &Menu, field: &Field, raw: &[u8]) -> Parsed {
    let name = field.name;
    if let Kind::Text = field.kind {
        return Ok(text(field, raw));
    }
    let given = std::str::from_utf8(raw).map_err(|_| Trap::invalid_value(name))?;
    match field.kind {
        Kind::Text => Ok(text(field, raw)),
        Kind::Bool | Kind::Dynamic => boolean(state, name, given),
        Kind::Number(most) => number(name, given, most),
        Kind::Duration | Kind::TimeLeft => duration_value(name, given),
        Kind::Enum(words) => {
            one_of(name, words, given).map(|word| Some(Cow::Borrowed(word.as_bytes())))
        }
        Kind::Set(words) => set_of(name, words, given),
        Kind::Policy => policy(state, name, given),
        Kind::Address => address(name, given),
        Kind::Prefix => prefix(name, given),
        Kind::AddressWithMask => address_with_mask(name, given),
        Kind::ListEntry => list_entry(menu, given),
        Kind::Ranges => ranges(name, given),
        Kind::AddressOrPool => address_or_pool(state, name, given),
        Kind::Reference(target, words) => reference(state, name, target, words, given),
        Kind::References(target, words) => references(state, name, target, words, given),
        Kind::Negatable(target, words) => negatable(state, name, target, words, given),
        Kind::Matcher => matcher(name, given),
        Kind::Age | Kind::Computed(_) => Err(Trap::unknown_parameter(state.version, name)),
    }
}

fn owned(text: impl Into<String>) -> Option<Value> {
    Some(Cow::Owned(text.into().into_bytes()))
}

/// Empty means absent, unless the property is one that is shown empty.
fn text(field: &Field, raw: &[u8]) -> Option<Value> {
    if raw.is_empty() && field.default.is_none() {
        return None;
    }
    Some(Cow::Owned(raw.to_vec()))
}

fn boolean(state: &State, name: &str, given: &str) -> Parsed {
    let true_and_false = state.version.major >= 7 || state.quirks.v6_takes_true;
    match given {
        "yes" => Ok(Some(Cow::Borrowed(b"true"))),
        "no" => Ok(Some(Cow::Borrowed(b"false"))),
        "true" if true_and_false => Ok(Some(Cow::Borrowed(b"true"))),
        "false" if true_and_false => Ok(Some(Cow::Borrowed(b"false"))),
        "" => Err(Trap::ambiguous(name)),
        _ => Err(Trap::no_match(name)),
    }
}

fn number(name: &str, given: &str, most: u64) -> Parsed {
    match given.parse::<u64>() {
        Ok(number) if number <= most => Ok(owned(number.to_string())),
        _ => Err(Trap::invalid_value(name)),
    }
}

fn duration_value(name: &str, given: &str) -> Parsed {
    let parsed = duration::parse(given).map_err(|_| Trap::invalid_value(name))?;
    Ok(owned(duration::format(parsed)))
}

/// A word may be shortened as long as it stays clear.
fn one_of<'w>(name: &str, words: &[&'w str], given: &str) -> Result<&'w str, Trap> {
    if let Some(exact) = words.iter().find(|word| **word == given) {
        return Ok(exact);
    }
    let mut matching = words.iter().filter(|word| word.starts_with(given));
    match (matching.next(), matching.next()) {
        (Some(word), None) => Ok(word),
        (Some(_), Some(_)) => Err(Trap::ambiguous(name)),
        (None, _) => Err(Trap::no_match(name)),
    }
}

fn set_of(name: &str, words: &[&str], given: &str) -> Parsed {
    let chosen: Result<Vec<&str>, Trap> = given
        .split(',')
        .filter(|word| !word.is_empty())
        .map(|word| one_of(name, words, word))
        .collect();
    Ok(owned(chosen?.join(",")))
}

fn policy(state: &State, name: &str, given: &str) -> Parsed {
    let policy = Policy::parse(given, state.version).ok_or_else(|| Trap::no_match(name))?;
    Ok(owned(policy.print(state.version)))
}

fn address(name: &str, given: &str) -> Parsed {
    match given.parse::<IpAddr>() {
        Ok(address) => Ok(owned(address.to_string())),
        Err(_) => Err(Trap::invalid_value(name)),
    }
}

/// With its length, also where that is a host's.
fn prefix(name: &str, given: &str) -> Parsed {
    let (network, length) = given.split_once('/').unwrap_or((given, "32"));
    let set = format!("{network}/{length}").parse::<AddressSet>();
    match set {
        Ok(set) if set.is_ipv4() && !given.contains('-') => {
            Ok(owned(format!("{}/{length}", set.first())))
        }
        _ => Err(Trap::invalid_value(name)),
    }
}

fn address_with_mask(name: &str, given: &str) -> Parsed {
    let (address, length) = given.split_once('/').unwrap_or((given, "32"));
    let address: std::net::Ipv4Addr = address.parse().map_err(|_| Trap::invalid_value(name))?;
    match length.parse::<u8>() {
        Ok(length) if length <= 32 => Ok(owned(format!("{address}/{length}"))),
        _ => Err(Trap::invalid_value(name)),
    }
}

/// An address, prefix or range of the menu's family in its normal form, or else a DNS name.
fn list_entry(menu: &Menu, given: &str) -> Parsed {
    let of_ipv6 = menu.path.starts_with("/ipv6");
    match given.parse::<AddressSet>() {
        Ok(set) if set.is_ipv4() != of_ipv6 => Ok(owned(normal_entry(set))),
        Ok(_) => Err(Trap::invalid_value("address")),
        Err(_) if is_dns_name(given) => Ok(owned(given)),
        Err(_) => Err(Trap::failure(&format!("{given} is not a valid dns name"))),
    }
}

/// As an address list keeps it: an IPv4 host without a mask, an IPv6 host with one.
pub(crate) fn normal_entry(set: AddressSet) -> String {
    match set.single() {
        Some(address) if address.is_ipv6() => format!("{address}/128"),
        _ => set.to_string(),
    }
}

fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() < 64
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() < 254
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text.trim_end_matches('.').split('.').all(label)
}

fn ranges(name: &str, given: &str) -> Parsed {
    let fine = given
        .split(',')
        .all(|part| part.parse::<AddressSet>().is_ok_and(|set| set.is_ipv4()));
    if fine {
        Ok(owned(given))
    } else {
        Err(Trap::invalid_value(name))
    }
}

fn address_or_pool(state: &State, name: &str, given: &str) -> Parsed {
    if given.is_empty() {
        return Err(Trap::ambiguous(name));
    }
    let known = given.parse::<std::net::Ipv4Addr>().is_ok()
        || state.table(MenuId::Pool).named(given).is_some();
    if known {
        Ok(owned(given))
    } else {
        Err(Trap::no_match(name))
    }
}

/// A row may be named by its name or its id; what is kept is the name.
fn reference(state: &State, name: &str, target: MenuId, words: &[&str], given: &str) -> Parsed {
    if given.is_empty() {
        return Err(Trap::ambiguous(name));
    }
    if words.contains(&given) {
        return Ok(owned(given));
    }
    let row = state
        .resolve(target, given.as_bytes())
        .and_then(|id| state.table(target).get(id));
    row.map(|row| owned(row.text("name")))
        .ok_or_else(|| Trap::no_match(name))
}

fn references(state: &State, name: &str, target: MenuId, words: &[&str], given: &str) -> Parsed {
    for part in given.split(',').filter(|part| !part.is_empty()) {
        reference(state, name, target, words, part)?;
    }
    Ok(owned(given))
}

fn negatable(state: &State, name: &str, target: MenuId, words: &[&str], given: &str) -> Parsed {
    let Some(plain) = given.strip_prefix('!') else {
        return reference(state, name, target, words, given);
    };
    let found = reference(state, name, target, words, plain)?.unwrap_or_default();
    Ok(owned(format!("!{}", String::from_utf8_lossy(&found))))
}

/// Conditions whose values the evaluator can read, so that a wrong one is known to be wrong.
const CHECKED: [&str; 9] = [
    "src-address",
    "dst-address",
    "protocol",
    "src-port",
    "dst-port",
    "port",
    "connection-state",
    "connection-nat-state",
    "ipsec-policy",
];

fn matcher(name: &str, given: &str) -> Parsed {
    let plain = given.strip_prefix('!').unwrap_or(given);
    if plain.is_empty() {
        return Err(Trap::ambiguous(name));
    }
    let unread = matches!(Matcher::parse(name, plain), Matcher::Unknown { .. });
    if unread && CHECKED.contains(&name) {
        return Err(Trap::invalid_value(name));
    }
    Ok(owned(given))
}
