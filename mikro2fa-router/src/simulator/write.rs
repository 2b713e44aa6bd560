//! `add`, `set`, `remove` and their kin.

use std::time::Duration;

use routeros_api::Sentence;

use super::{
    command::Caller,
    menu::{Kind, MenuId, Verbs},
    policy::Policy,
    rules,
    state::State,
    table::{Row, RowId, Value},
    trap::Trap,
    value,
};
use crate::duration;

/// The longest time-out of an address-list entry, `35w3d13h13m56s` (MikroTik manual, *Address-lists*).
const LONGEST_TIMEOUT: Duration = Duration::from_secs(21_474_836);

/// A static binding of a server is an interface of this type.
const fn binding(menu: MenuId) -> Option<&'static str> {
    match menu {
        MenuId::L2tpServer => Some("l2tp-in"),
        MenuId::PptpServer => Some("pptp-in"),
        MenuId::SstpServer => Some("sstp-in"),
        MenuId::OvpnServer => Some("ovpn-in"),
        MenuId::PppoeServer => Some("pppoe-in"),
        _ => None,
    }
}

/// Its rows are rows of `/interface`, too, under the same ids.
const fn is_interface(menu: MenuId) -> bool {
    matches!(menu, MenuId::Bridge | MenuId::Vlan)
}

impl State {
    /// Adds a row; its new id.
    pub(crate) fn add(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
    ) -> Result<RowId, Trap> {
        self.may_set_hooks(menu, caller, sentence.attributes().map(|(name, _)| name))?;
        let mut row = match sentence.attribute("copy-from") {
            Some(source) => self.copy_of(menu, source)?,
            None => self.row(menu),
        };
        let mut before = None;
        for (name, raw) in sentence.attributes() {
            match name {
                b"copy-from" => {}
                b"place-before" if menu.menu().verbs.has(Verbs::MOVE) => {
                    before = Some(self.place(menu, raw)?)
                }
                _ => self.assign(menu, &mut row, name, raw)?,
            }
        }
        for field in menu.menu().fields.iter().filter(|field| field.required) {
            if row.bytes(field.name).is_none_or(<[u8]>::is_empty) {
                return Err(Trap::missing_value(field.name));
            }
        }
        rules::before_write(self, menu, &mut row, true)?;
        let binds = binding(menu).map(|kind| (row.text("name").to_owned(), kind));
        let id = if is_interface(menu) {
            let id = self.make_interface(menu, &row);
            self.insert_as(menu, row, id)
        } else {
            self.insert_before(menu, row, before)
        };
        if let Some((name, kind)) = binds {
            let row = [("name", &*name), ("type", kind)];
            self.configure(MenuId::Interface, &row);
        }
        self.after_write(menu);
        Ok(id)
    }

    /// Whether a group without `policy` may give a profile scripts is a switch.
    fn may_set_hooks<'n>(
        &self,
        menu: MenuId,
        caller: &Caller,
        mut names: impl Iterator<Item = &'n [u8]>,
    ) -> Result<(), Trap> {
        let refused = self.quirks.hooks_need_policy
            && menu == MenuId::Profile
            && !caller.policy.has(Policy::POLICY)
            && names.any(|name| matches!(name, b"on-up" | b"on-down"));
        if refused {
            Err(Trap::not_enough_permissions())
        } else {
            Ok(())
        }
    }

    fn copy_of(&self, menu: MenuId, source: &[u8]) -> Result<Row, Trap> {
        let source = self
            .resolve(menu, source)
            .and_then(|id| self.table(menu).get(id));
        let source = source.ok_or_else(Trap::no_such_item)?;
        let mut row = self.row(menu);
        for (index, field) in menu
            .menu()
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !field.read_only)
        {
            let _ = field;
            row.put(index, source.value(index).cloned());
        }
        Ok(row)
    }

    /// The row that a new one is to stand before.
    fn place(&self, menu: MenuId, raw: &[u8]) -> Result<RowId, Trap> {
        let row = self
            .resolve(menu, raw)
            .and_then(|id| self.table(menu).get(id))
            .ok_or_else(Trap::no_such_item)?;
        if row.dynamic && !self.quirks.place_before_dynamic {
            return Err(Trap::failure("can not place before dynamic item"));
        }
        Ok(row.id)
    }

    /// Gives one property of a row a value, or takes it away where the name begins with `!`.
    fn assign(&self, menu: MenuId, row: &mut Row, name: &[u8], raw: &[u8]) -> Result<(), Trap> {
        let (unset, plain) = name
            .strip_prefix(b"!")
            .map_or((false, name), |plain| (true, plain));
        let shown = String::from_utf8_lossy(plain);
        let found = menu
            .menu()
            .field(self.read_as(menu.menu(), &shown))
            .filter(|(_, field)| {
                field.exists_in(self.version)
                    && !field.read_only
                    && !matches!(field.kind, Kind::Computed(_))
            });
        let (index, field) = found.ok_or_else(|| Trap::unknown_parameter(self.version, &shown))?;
        if unset {
            row.put(index, field.default.map(|text| text.as_bytes().into()));
            return Ok(());
        }
        let parsed = value::parse(self, menu.menu(), field, raw)?;
        match field.kind {
            Kind::TimeLeft => self.assign_timeout(row, &shown, raw),
            Kind::Dynamic => {
                row.dynamic = parsed.as_deref() == Some(b"true");
                Ok(())
            }
            _ if self.quirks.scripts_get_crlf && is_script(field.name) => {
                row.put(index, parsed.map(|source| with_crlf(&source)));
                Ok(())
            }
            _ => {
                row.put(index, parsed);
                Ok(())
            }
        }
    }

    /// A time-out of nothing is no time-out: the entry stays for ever.
    fn assign_timeout(&self, row: &mut Row, name: &str, raw: &[u8]) -> Result<(), Trap> {
        let parsed = std::str::from_utf8(raw)
            .ok()
            .and_then(|text| duration::parse(text).ok());
        let timeout = parsed
            .filter(|timeout| *timeout <= LONGEST_TIMEOUT)
            .ok_or_else(|| Trap::invalid_value(name))?;
        row.expires = (!timeout.is_zero()).then(|| self.now.saturating_add(timeout));
        row.dynamic = row.expires.is_some();
        Ok(())
    }

    /// Changes the rows that are named, or the only one.
    pub(crate) fn set(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
    ) -> Result<(), Trap> {
        let attributes: Vec<(&[u8], &[u8])> = sentence
            .attributes()
            .filter(|(name, _)| !matches!(*name, b".id" | b"numbers"))
            .collect();
        self.for_each_target(menu, sentence, |state, id| {
            state.set_one(menu, id, caller, &attributes)
        })
    }

    fn set_one(
        &mut self,
        menu: MenuId,
        id: RowId,
        caller: &Caller,
        attributes: &[(&[u8], &[u8])],
    ) -> Result<(), Trap> {
        let row = self.table(menu).get(id).ok_or_else(Trap::no_such_item)?;
        rules::may_change(self, menu, row)?;
        // A user that disables itself is told that it was done, and nothing changes.
        let own_user = menu == MenuId::User && row.text("name") == caller.user;
        if own_user
            && attributes
                .iter()
                .any(|(name, value)| *name == b"disabled" && matches!(*value, b"yes" | b"true"))
        {
            return Ok(());
        }
        self.may_set_hooks(menu, caller, attributes.iter().map(|(name, _)| *name))?;
        let mut changed = row.clone();
        for (name, raw) in attributes {
            self.assign(menu, &mut changed, name, raw)?;
        }
        rules::before_write(self, menu, &mut changed, false)?;
        let disables = changed.is("disabled") && !row.is("disabled");
        self.update(menu, id, |row| *row = changed);
        if menu == MenuId::UmUser && disables {
            self.user_was_disabled(id);
        }
        self.after_write(menu);
        Ok(())
    }

    pub(crate) fn switch(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
        disabled: bool,
    ) -> Result<(), Trap> {
        let value: &[u8] = if disabled { b"yes" } else { b"no" };
        self.for_each_target(menu, sentence, |state, id| {
            state.set_one(menu, id, caller, &[(b"disabled", value)])
        })
    }

    pub(crate) fn unset(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
    ) -> Result<(), Trap> {
        let names = sentence
            .attribute("value-name")
            .ok_or_else(|| Trap::missing_value("value-name"))?;
        let names: Vec<Vec<u8>> = names
            .split(|byte| *byte == b',')
            .map(|name| [b"!", name].concat())
            .collect();
        let attributes: Vec<(&[u8], &[u8])> = names
            .iter()
            .map(|name| (name.as_slice(), &b""[..]))
            .collect();
        self.for_each_target(menu, sentence, |state, id| {
            state.set_one(menu, id, caller, &attributes)
        })
    }

    /// Only the comment changes.
    pub(crate) fn comment(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
    ) -> Result<(), Trap> {
        let comment = sentence.attribute("comment").unwrap_or_default();
        self.for_each_target(menu, sentence, |state, id| {
            state.set_one(menu, id, caller, &[(b"comment", comment)])
        })
    }

    pub(crate) fn remove(&mut self, menu: MenuId, sentence: &Sentence) -> Result<(), Trap> {
        self.for_each_target(menu, sentence, |state, id| state.remove_one(menu, id))?;
        self.after_write(menu);
        Ok(())
    }

    fn remove_one(&mut self, menu: MenuId, id: RowId) -> Result<(), Trap> {
        let row = self.table(menu).get(id).ok_or_else(Trap::no_such_item)?;
        rules::may_remove(self, menu, row)?;
        let tunnel = row.tunnel;
        match (menu, tunnel) {
            (MenuId::Active, Some(tunnel)) => {
                if self.quirks.going_is_gone && self.tunnels.is_going(tunnel) {
                    return Err(Trap::no_such_item());
                }
                self.cut(tunnel);
            }
            (MenuId::UserActive, _) => self.log_out(id),
            (MenuId::HotspotActive, _) => self.kick(id),
            _ => {
                let name = row.text("name").to_owned();
                self.delete(menu, id);
                if is_interface(menu) {
                    self.delete(MenuId::Interface, id);
                }
                let interface = self.table(MenuId::Interface).named(&name);
                if let (Some(_), Some(interface)) = (binding(menu), interface.map(|row| row.id)) {
                    self.delete(MenuId::Interface, interface);
                }
            }
        }
        Ok(())
    }

    /// Moves rows before another one, or to the end.
    pub(crate) fn shift(&mut self, menu: MenuId, sentence: &Sentence) -> Result<(), Trap> {
        let before = sentence
            .attribute("destination")
            .map(|raw| self.place(menu, raw))
            .transpose()?;
        self.for_each_target(menu, sentence, |state, id| {
            let row = state.table(menu).get(id).ok_or_else(Trap::no_such_item)?;
            rules::may_change(state, menu, row)?;
            state.move_before(menu, id, before);
            Ok(())
        })
    }

    pub(crate) fn reset_counters(
        &mut self,
        menu: MenuId,
        sentence: &Sentence,
        all: bool,
    ) -> Result<(), Trap> {
        let reset = |state: &mut Self, id: RowId| {
            state.update(menu, id, |row| {
                for (index, field) in menu.menu().fields.iter().enumerate() {
                    if matches!(
                        field.name,
                        "bytes" | "packets" | "rx-byte" | "tx-byte" | "rx-packet" | "tx-packet"
                    ) {
                        row.put(index, field.default.map(|text| text.as_bytes().into()));
                    }
                }
            });
            Ok(())
        };
        if all {
            return self
                .table(menu)
                .ids()
                .into_iter()
                .try_for_each(|id| reset(self, id));
        }
        self.for_each_target(menu, sentence, reset)
    }

    /// Does something to each row that `.id` or `numbers` names: ids or names, joined by commas. In a menu of one record, to
    /// that one.
    pub(crate) fn for_each_target(
        &mut self,
        menu: MenuId,
        sentence: &Sentence,
        mut each: impl FnMut(&mut Self, RowId) -> Result<(), Trap>,
    ) -> Result<(), Trap> {
        if menu.menu().single {
            let only = self
                .only(menu)
                .map(|row| row.id)
                .ok_or_else(Trap::no_such_item)?;
            return each(self, only);
        }
        let targets = sentence
            .attribute(".id")
            .or_else(|| sentence.attribute("numbers"))
            .ok_or_else(Trap::missing_id)?;
        let targets: Vec<&[u8]> = targets
            .split(|byte| *byte == b',')
            .filter(|part| !part.is_empty())
            .collect();
        if !self.quirks.bulk_stops_midway
            && targets
                .iter()
                .any(|target| self.resolve(menu, target).is_none())
        {
            return Err(Trap::no_such_item());
        }
        for target in targets {
            let id = self.resolve(menu, target).ok_or_else(Trap::no_such_item)?;
            each(self, id)?;
        }
        Ok(())
    }

    fn after_write(&mut self, menu: MenuId) {
        match menu {
            MenuId::Filter => self.refresh_fasttrack_dummy(),
            MenuId::Scheduler => self.reschedule(),
            MenuId::Interface | MenuId::Ethernet | MenuId::Bridge | MenuId::Vlan => {
                self.mirror_interfaces(menu);
            }
            MenuId::BridgePort => self.mark_bridge_ports(),
            _ => {}
        }
    }
}

fn is_script(name: &str) -> bool {
    matches!(name, "on-up" | "on-down" | "source" | "on-event")
}

/// Each line's end as CR LF, whatever it was.
fn with_crlf(source: &[u8]) -> Value {
    let mut out = Vec::with_capacity(source.len());
    for (index, byte) in source.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|at| source.get(at));
        if *byte == b'\n' && before != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out.into()
}
