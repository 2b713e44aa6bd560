//! Entries of address lists, as the contract of the router port has them and as a router does.

use std::collections::BTreeMap;

use mikro2fa_core::{conformance::router_backend::ListedEntry, router_backend::Prefix};
use mikro2fa_router::duration;
use routeros_api::Command as ApiCommand;

pub(crate) const LIST: &str = "/ip/firewall/address-list";

/// Puts an entry on a list.
pub(crate) fn add(list: &str, entry: &ListedEntry) -> ApiCommand {
    let add = ApiCommand::new(format!("{LIST}/add"))
        .attribute("list", list)
        .attribute("address", entry.address.to_string())
        .attribute("comment", &entry.comment);
    match entry.left {
        Some(left) => add.attribute("timeout", duration::format(left)),
        None => add,
    }
}

/// What is on a list.
pub(crate) fn listed(rows: Vec<BTreeMap<String, String>>, list: &str) -> Vec<ListedEntry> {
    let rows = rows.into_iter().filter(|row| row["list"] == list);
    rows.map(|row| ListedEntry {
        address: prefix(&row["address"]),
        left: row
            .get("timeout")
            .map(|left| duration::parse(left).unwrap()),
        comment: row.get("comment").cloned().unwrap_or_default(),
    })
    .collect()
}

pub(crate) fn prefix(text: &str) -> Prefix {
    match text.split_once('/') {
        Some((address, length)) => Prefix {
            address: address.parse().unwrap(),
            length: length.parse().unwrap(),
        },
        None => Prefix::host(text.parse().unwrap()),
    }
}
