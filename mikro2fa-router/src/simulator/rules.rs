//! What is particular to a menu, beyond what the catalogue says of it.

use std::{borrow::Cow, time::Duration};

use super::{
    menu::{Kind, MenuId},
    ssh_keys::PublicKey,
    state::State,
    table::{Row, RowId, Value},
    tls,
    trap::Trap,
};
use crate::{duration, firewall::Rule};

fn owned(text: String) -> Option<Value> {
    Some(Cow::Owned(text.into_bytes()))
}

/// `/system/resource` `uptime`.
pub(crate) fn uptime(state: &State, _: &Row) -> Option<Value> {
    owned(whole_seconds(
        state
            .now
            .saturating_sub(state.booted)
            .saturating_add(state.head_start),
    ))
}

/// `/system/resource` `version`.
pub(crate) fn version(state: &State, _: &Row) -> Option<Value> {
    owned(state.version.label())
}

/// `/system/resource` `build-time`.
pub(crate) fn build_time(state: &State, _: &Row) -> Option<Value> {
    Some(Cow::Borrowed(if state.version.has_iso_dates() {
        b"2024-11-26 12:09:40"
    } else {
        b"Nov/27/2023 09:43:28"
    }))
}

/// `/system/clock` `time`.
pub(crate) fn clock_time(state: &State, _: &Row) -> Option<Value> {
    owned(state.civil(state.now).time())
}

/// `/system/clock` `date`.
pub(crate) fn clock_date(state: &State, _: &Row) -> Option<Value> {
    owned(state.civil(state.now).date(state.version.has_iso_dates()))
}

/// `creation-time` of an address-list entry.
pub(crate) fn creation_time(state: &State, row: &Row) -> Option<Value> {
    owned(state.date_time(row.born))
}

/// `size` of a file.
pub(crate) fn file_size(_: &State, row: &Row) -> Option<Value> {
    owned(row.bytes("contents").unwrap_or_default().len().to_string())
}

/// How long a certificate is still valid.
pub(crate) fn expires_after(state: &State, row: &Row) -> Option<Value> {
    if row.text("fingerprint").is_empty() {
        return None; // a template
    }
    let days = row.text("days-valid").parse::<i64>();
    let until = days.map_or(tls::VALID_UNTIL, |days| {
        let signed_at = state.unix(row.born);
        signed_at.saturating_add(days.saturating_mul(86_400))
    });
    let left = until.saturating_sub(state.unix(state.now));
    owned(duration::format(Duration::from_secs(
        u64::try_from(left).unwrap_or(0),
    )))
}

/// A row of a filter menu for the evaluator.
pub(crate) fn as_firewall_rule(state: &State, row: &Row) -> Rule {
    let id = row.id.to_string();
    let shown: Vec<(&str, String)> = row
        .menu
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !matches!(field.name, "bytes" | "packets"))
        .filter_map(|(index, field)| {
            let value = state.show(row, index)?;
            Some((field.name, String::from_utf8_lossy(&value).into_owned()))
        })
        .collect();
    let properties = shown.iter().map(|(name, value)| (*name, value.as_str()));
    Rule::from_properties(std::iter::once((".id", id.as_str())).chain(properties))
}

/// Last touches on a row that a client is about to write, and what its menu refuses.
pub(crate) fn before_write(
    state: &State,
    menu: MenuId,
    row: &mut Row,
    is_new: bool,
) -> Result<(), Trap> {
    match menu {
        MenuId::Secret if is_new => {
            let never = state.date_time_never();
            row.set("last-logged-out", never);
        }
        MenuId::AddressList | MenuId::AddressList6 => row.dynamic |= row.expires.is_some(),
        MenuId::Um6User | MenuId::Um6Router
            if state
                .table(MenuId::Um6Customer)
                .find(&[row.bytes("customer").unwrap_or_default()])
                .is_none() =>
        {
            return Err(Trap::no_match("customer"));
        }
        MenuId::Filter | MenuId::Filter6
            if row.text("action") == "jump" && row.text("jump-target").is_empty() =>
        {
            return Err(Trap::failure("jump-target must be specified"));
        }
        MenuId::Queue => name_it(state, menu, row, "queue"),
        MenuId::Bridge | MenuId::Vlan => {
            let kind = if menu == MenuId::Vlan {
                "vlan"
            } else {
                "bridge"
            };
            name_it(state, menu, row, kind);
            let running = if row.is("disabled") { "false" } else { "true" };
            row.set("running", running);
            let named = state.table(MenuId::Interface).named(row.text("name"));
            if named.is_some_and(|other| other.id != row.id) {
                return Err(Trap::failure("already have device with such name"));
            }
        }
        MenuId::SshKeys => {
            let key = PublicKey::read(row.text("key"));
            let taken = |key: &PublicKey| {
                let known = state.quirks.ssh_ed25519_user_keys;
                key.kind.is_taken(state.version, known)
            };
            // The words are those of `import`; what `add` says is not told.
            let wrong = "unable to load key file (wrong format or bad passphrase)";
            let key = key.filter(taken).ok_or_else(|| Trap::plain(wrong))?;
            row.set("bits", key.bits.to_string());
            row.set("key-type", key.kind.shown());
            row.set("key-owner", key.comment.clone());
            row.set("info", key.comment);
        }
        MenuId::Interface | MenuId::Ethernet if !row.dynamic => {
            let running = if row.is("disabled") { "false" } else { "true" };
            row.set("running", running);
        }
        MenuId::Address if row.bytes("actual-interface").is_none() => {
            let interface = row.text("interface").to_owned();
            row.set("actual-interface", interface);
            let network = network_of(row.text("address"));
            row.set("network", network);
        }
        _ => {}
    }
    if let Some(unique) = row.menu.unique
        && state.table(menu).collides(row)
    {
        return Err(Trap::failure(unique.text));
    }
    Ok(())
}

/// Whether a client may change this row at all. The exact texts for rows that a router made itself are not documented.
pub(crate) fn may_change(state: &State, menu: MenuId, row: &Row) -> Result<(), Trap> {
    let timed = row.expires.is_some() && state.quirks.timeout_can_be_set;
    match menu {
        MenuId::AddressList | MenuId::AddressList6 if row.dynamic && !timed => {
            Err(Trap::failure("can not change dynamic entry"))
        }
        MenuId::Filter | MenuId::Filter6 if row.dynamic => {
            Err(Trap::failure("can not change dynamic rule"))
        }
        MenuId::Queue
        | MenuId::Address
        | MenuId::InterfaceListMember
        | MenuId::Interface
        | MenuId::Route
            if row.dynamic =>
        {
            Err(Trap::failure("can not change dynamic item"))
        }
        _ => Ok(()),
    }
}

/// Whether a client may remove this row.
pub(crate) fn may_remove(state: &State, menu: MenuId, row: &Row) -> Result<(), Trap> {
    let builtin = |text: &str| {
        if state.quirks.builtin_refusal_is_terse {
            Err(Trap::failure("can not be removed"))
        } else {
            Err(Trap::failure(text))
        }
    };
    match menu {
        MenuId::Profile if row.is("default") => builtin("can not remove default profile"),
        MenuId::InterfaceList if row.is("builtin") => builtin("can not remove builtin list"),
        MenuId::AddressList | MenuId::AddressList6 => {
            let by_profile = row.dynamic && row.expires.is_none();
            if by_profile && !state.quirks.profile_entries_removable {
                return Err(Trap::failure("can not remove dynamic entry"));
            }
            Ok(())
        }
        MenuId::User if is_last_full_user(state, row) => Err(Trap::failure(
            "can not remove last user with full permissions",
        )),
        MenuId::Group if matches!(row.text("name"), "full" | "read" | "write") => {
            builtin("can not remove builtin group")
        }
        MenuId::Active | MenuId::UserActive | MenuId::Connection | MenuId::Connection6 => Ok(()),
        _ if row.dynamic => Err(Trap::failure("can not remove dynamic item")),
        _ => Ok(()),
    }
}

/// `queue1`, `bridge2`: the first that is free, for a row that was given no name.
fn name_it(state: &State, menu: MenuId, row: &mut Row, kind: &str) {
    if row.bytes("name").is_some() {
        return;
    }
    let number = (1..)
        .find(|n| state.table(menu).named(&format!("{kind}{n}")).is_none())
        .unwrap_or(0_u32);
    row.set("name", format!("{kind}{number}"));
}

fn is_last_full_user(state: &State, row: &Row) -> bool {
    let full = |row: &Row| row.text("group") == "full" && !row.is("disabled");
    full(row)
        && state
            .table(MenuId::User)
            .iter()
            .filter(|row| full(row))
            .count()
            == 1
}

/// `192.168.88.0` for `192.168.88.1/24`.
fn network_of(address: &str) -> String {
    let set = address.parse::<crate::firewall::AddressSet>();
    set.map(|set| set.first().to_string()).unwrap_or_default()
}

impl State {
    /// A date that means never.
    pub(crate) fn date_time_never(&self) -> String {
        super::clock::Civil::from_unix(0).date_time(self.version.has_iso_dates())
    }

    /// A property's value as a client sees it; `None` = it is absent.
    pub(crate) fn show<'r>(&self, row: &'r Row, index: usize) -> Option<Cow<'r, [u8]>> {
        let field = row.menu.fields.get(index)?;
        if !field.exists_in(self.version) {
            return None;
        }
        match field.kind {
            Kind::Dynamic => Some(Cow::Borrowed(if row.dynamic { b"true" } else { b"false" })),
            Kind::Age => owned(whole_seconds(self.now.saturating_sub(row.born))),
            Kind::TimeLeft => row
                .expires
                .and_then(|at| owned(seconds_left(at.saturating_sub(self.now)))),
            Kind::Computed(how) => how(self, row),
            _ => row.value(index).map(|value| Cow::Borrowed(value.as_ref())),
        }
    }

    /// The same by name, with `.id`.
    pub(crate) fn property<'r>(&self, row: &'r Row, name: &[u8]) -> Option<Cow<'r, [u8]>> {
        if name == b".id" {
            return (!row.menu.single).then(|| Cow::Owned(row.id.to_string().into_bytes()));
        }
        let name = self.read_as(row.menu, std::str::from_utf8(name).ok()?);
        let (index, field) = row.menu.field(name)?;
        if field.hidden {
            None
        } else {
            self.show(row, index)
        }
    }

    /// Keeps the row that RouterOS shows at the top of `forward` while there is a fasttrack rule, to hang its counters on.
    pub(crate) fn refresh_fasttrack_dummy(&mut self) {
        const COMMENT: &str = "special dummy rule to show fasttrack counters";
        let filter = self.table(MenuId::Filter);
        let wanted = filter
            .iter()
            .any(|row| row.text("action") == "fasttrack-connection" && !row.is("disabled"));
        let dummy: Option<RowId> = filter
            .iter()
            .find(|row| row.dynamic && row.text("comment") == COMMENT)
            .map(|row| row.id);
        match (wanted, dummy) {
            (true, None) => {
                let first = self.only(MenuId::Filter).map(|row| row.id);
                let row = self.row(MenuId::Filter).made_by_router();
                let row = row.with_all(&[
                    ("chain", "forward"),
                    ("action", "passthrough"),
                    ("comment", COMMENT),
                ]);
                self.insert_before(MenuId::Filter, row, first);
            }
            (false, Some(id)) => {
                self.delete(MenuId::Filter, id);
            }
            _ => {}
        }
    }
}

fn whole_seconds(age: Duration) -> String {
    duration::format(Duration::from_secs(age.as_secs()))
}

/// What is left of a second counts as one: an entry that is there is never shown with nothing left.
fn seconds_left(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    duration::format(Duration::from_secs(seconds))
}
