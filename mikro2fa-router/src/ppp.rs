//! PPP on the router itself: live tunnels, and the secrets that are its logins.

use std::net::Ipv4Addr;

use mikro2fa_core::{
    desk::SourceKind,
    id::RouterId,
    router_backend::{AccountRow, Prefix},
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Text, Tunnel, TunnelKey, TunnelSource},
};
use routeros_api::{Row, row::boolean};

use crate::{
    handle::{Generation, Id},
    prefix,
    row::{self, Malformed},
    sentence::{Guard, Path, Sentence},
    text,
};

const ACTIVE: &[&str] = &[
    ".id",
    "name",
    "service",
    "caller-id",
    "address",
    "uptime",
    "session-id",
];
const ACTIVE_NAMED: &[&str] = &[".id", "name", "session-id"];
const SECRET: &[&str] = &[
    ".id",
    "name",
    "disabled",
    "comment",
    "routes",
    "ipv6-routes",
    "remote-ipv6-prefix",
];
const SECRET_SWITCH: &[&str] = &[".id", "disabled"];

/// All live tunnels.
pub(crate) fn print_active() -> Sentence {
    Sentence::new(Path::ActivePrint).only(ACTIVE)
}

/// Who is there, as far as it can tell a known tunnel from another.
pub(crate) fn call_active() -> Sentence {
    Sentence::new(Path::ActivePrint).only(&[".id", "session-id", "uptime"])
}

/// The live tunnels of these logins.
pub(crate) fn print_active_of(names: &[Text]) -> Sentence {
    print_active().one_of("name", names.iter().map(|name| text::encode(name)))
}

/// Who the live tunnels with these ids are.
pub(crate) fn print_active_at<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Sentence {
    Sentence::new(Path::ActivePrint)
        .only(ACTIVE_NAMED)
        .one_of(".id", ids.into_iter().map(AsRef::as_ref))
}

/// If this id is still this login's tunnel.
pub(crate) fn still(id: &Id, account: &str, nonce: Option<&str>) -> Guard {
    let guard = Guard::new(Path::ActivePrint, id).with("name", text::encode(account));
    match nonce {
        Some(nonce) => guard.with("session-id", text::encode(nonce)),
        None => guard,
    }
}

/// Cuts live tunnels.
pub(crate) fn remove_active<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Sentence {
    Sentence::new(Path::ActiveRemove).of(ids)
}

/// An item for each change of the live tunnels.
pub(crate) fn listen_active() -> Sentence {
    Sentence::new(Path::ActiveListen).only(&[".id"])
}

/// All logins.
pub(crate) fn print_secrets() -> Sentence {
    Sentence::new(Path::SecretPrint).only(SECRET)
}

/// The logins of these names.
pub(crate) fn print_secrets_of(names: &[Text]) -> Sentence {
    print_secrets().one_of("name", names.iter().map(|name| text::encode(name)))
}

/// May this login log in?
pub(crate) fn print_switch(name: &str) -> Sentence {
    Sentence::new(Path::SecretPrint)
        .only(SECRET_SWITCH)
        .equal("name", text::encode(name))
}

/// Enables or disables a login and touches nothing else of it.
pub(crate) fn set_switch(id: &Id, enabled: bool) -> Sentence {
    Sentence::new(Path::SecretSet)
        .of([id])
        .with("disabled", if enabled { "no" } else { "yes" })
}

/// Which tunnel a row of [`print_active_at`] names, with its session id where there is one.
pub(crate) fn who(row: Row<'_>) -> (Text, Option<Text>) {
    let [name, nonce] = row.fields(["name", "session-id"]);
    (
        text::decode(name.unwrap_or_default()),
        row::present(nonce).map(text::decode),
    )
}

/// Reads a live tunnel.
///
/// # Errors
///
/// If its id or its uptime cannot be read: a tunnel that is left out would count as gone, and one without its uptime
/// as another one.
pub(crate) fn tunnel(
    row: Row<'_>,
    router: RouterId,
    seen_at: Timestamp,
) -> Result<Tunnel, Malformed> {
    let [id, name, service, caller, address, uptime, nonce] = row.fields([
        ".id",
        "name",
        "service",
        "caller-id",
        "address",
        "uptime",
        "session-id",
    ]);
    let id = row::id(id)?;
    Ok(Tunnel {
        key: TunnelKey {
            router,
            source: TunnelSource::Ppp,
            handle: id.text().clone(),
            nonce: row::present(nonce).map(text::decode),
        },
        account: text::decode(name.unwrap_or_default()),
        service: service_of(service.unwrap_or_default()),
        addresses: Addresses {
            v4: address.and_then(address_of),
            v6: Vec::new(),
        },
        caller: row::present(caller).map(|caller| Caller::parse(&text::decode(caller))),
        uptime: row::duration("uptime", uptime)?.unwrap_or_default(),
        seen_at,
    })
}

fn service_of(word: &[u8]) -> Service {
    match word {
        b"pptp" => Service::Pptp,
        b"l2tp" => Service::L2tp,
        b"sstp" => Service::Sstp,
        b"ovpn" => Service::Ovpn,
        b"pppoe" => Service::Pppoe,
        _ => Service::Other,
    }
}

/// The address that was given, if one was yet.
fn address_of(text: &[u8]) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!address.is_unspecified()).then_some(address)
}

/// Reads a login.
///
/// # Errors
///
/// If its id cannot be read.
pub(crate) fn account(row: Row<'_>, generation: Generation) -> Result<AccountRow, Malformed> {
    let [id, name, disabled, comment, routes, routes6, prefix6] = row.fields([
        ".id",
        "name",
        "disabled",
        "comment",
        "routes",
        "ipv6-routes",
        "remote-ipv6-prefix",
    ]);
    let routes = [routes, routes6, prefix6].into_iter().flatten();
    Ok(AccountRow {
        handle: generation.handle(&row::id(id)?),
        name: text::decode(name.unwrap_or_default()),
        source: SourceKind::PppSecrets,
        enabled: is_enabled(disabled),
        comment: text::decode(comment.unwrap_or_default()),
        routes: routes.flat_map(routes_of).collect(),
    })
}

/// Only a plain no is one: what cannot be read counts as disabled, and nothing is opened by it.
pub(crate) fn is_enabled(disabled: Option<&[u8]>) -> bool {
    disabled.is_none_or(|value| boolean(value) == Some(false))
}

/// `10.9.0.0/24 10.8.0.4 1,10.10.0.0/16`: of each route the destination (MikroTik manual, PPP AAA). What is no prefix
/// is left out, so it is not permitted.
fn routes_of(list: &[u8]) -> Vec<Prefix> {
    let list = String::from_utf8_lossy(list);
    let destinations = list
        .split(',')
        .filter_map(|route| route.split_whitespace().next());
    destinations.filter_map(prefix::parse).collect()
}
