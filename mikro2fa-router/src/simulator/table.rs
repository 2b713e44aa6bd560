//! Rows of a menu: found by id and by key, kept in order.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    time::Duration,
};

use super::{menu::Menu, tunnel::TunnelId};

/// A property's value as it goes over the wire.
pub(crate) type Value = Cow<'static, [u8]>;

/// A row's number; RouterOS shows it as `*1F`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct RowId(pub(crate) u32);

impl RowId {
    /// Reads `*1F`, in either case.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let digits = std::str::from_utf8(text.strip_prefix(b"*")?).ok()?;
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        plain
            .then(|| u32::from_str_radix(digits, 16).ok().map(Self))
            .flatten()
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{:X}", self.0)
    }
}

/// A record of a menu.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) menu: &'static Menu,
    pub(crate) id: RowId,
    /// Made by the router itself, or under a time-out: not stored, gone after a reboot.
    pub(crate) dynamic: bool,
    /// When it came to be, on the simulator's clock.
    pub(crate) born: Duration,
    /// When it goes by itself.
    pub(crate) expires: Option<Duration>,
    /// The tunnel it belongs to.
    pub(crate) tunnel: Option<TunnelId>,
    values: Vec<Option<Value>>,
    place: u64,
}

impl Row {
    /// A row with every default, not yet in a table.
    pub(crate) fn new(menu: &'static Menu, born: Duration) -> Self {
        let values = menu
            .fields
            .iter()
            .map(|field| field.default.map(|text| Cow::Borrowed(text.as_bytes())))
            .collect();
        Self {
            menu,
            id: RowId(0),
            dynamic: false,
            born,
            expires: None,
            tunnel: None,
            values,
            place: 0,
        }
    }

    /// The stored value with this index.
    pub(crate) fn value(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()
    }

    /// The stored value of a property.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.value(self.menu.index(name)?).map(AsRef::as_ref)
    }

    /// The same as text; empty if there is none, or if it is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.bytes(name)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// Whether a flag is set.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.bytes(name) == Some(b"true")
    }

    /// Stores a value by index.
    pub(crate) fn put(&mut self, index: usize, value: Option<Value>) {
        if let Some(place) = self.values.get_mut(index) {
            *place = value;
        }
    }

    /// Stores a value by name.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        if let Some(index) = self.menu.index(name) {
            self.put(index, Some(Cow::Owned(value.into().into_bytes())));
        }
    }

    /// The row with this value.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The row with these properties, written as `name=value` each.
    pub(crate) fn with_all(mut self, properties: &[(&str, &str)]) -> Self {
        for (name, value) in properties {
            self.set(name, *value);
        }
        self
    }

    /// The row as one that the router made.
    pub(crate) const fn made_by_router(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// The row as one that goes with a tunnel.
    pub(crate) const fn of_tunnel(mut self, tunnel: TunnelId) -> Self {
        self.dynamic = true;
        self.tunnel = Some(tunnel);
        self
    }

    /// What distinguishes the row, if it has all of that.
    fn key(&self) -> Option<Vec<u8>> {
        let unique = self.menu.unique?;
        let mut key = Vec::new();
        for name in unique.fields {
            key.extend_from_slice(self.bytes(name)?);
            key.push(0);
        }
        Some(key)
    }
}

/// The rows of one menu.
#[derive(Debug)]
pub(crate) struct Table {
    menu: &'static Menu,
    rows: HashMap<RowId, Row>,
    order: BTreeMap<u64, RowId>,
    keys: HashMap<Vec<u8>, RowId>,
    next_id: u32,
    first_id: u32,
    next_place: u64,
    /// Ids that were freed, where the menu uses them again.
    slots: Option<BTreeSet<u32>>,
}

/// Where the first new row of the end goes; below there is room for rows that are put at the top.
const MIDDLE: u64 = 1 << 40;

impl Table {
    /// An empty table whose ids begin at `first_id`.
    pub(crate) fn new(menu: &'static Menu, first_id: u32, reuse_ids: bool) -> Self {
        Self {
            menu,
            rows: HashMap::new(),
            order: BTreeMap::new(),
            keys: HashMap::new(),
            next_id: first_id,
            first_id,
            next_place: MIDDLE,
            slots: reuse_ids.then(BTreeSet::new),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, id: RowId) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// All rows in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.order.values().filter_map(|id| self.rows.get(id))
    }

    /// All ids in their order.
    pub(crate) fn ids(&self) -> Vec<RowId> {
        self.order.values().copied().collect()
    }

    /// The row that has these values in the fields that distinguish rows.
    pub(crate) fn find(&self, key: &[&[u8]]) -> Option<&Row> {
        let mut bytes = Vec::new();
        for part in key {
            bytes.extend_from_slice(part);
            bytes.push(0);
        }
        self.rows.get(self.keys.get(&bytes)?)
    }

    /// The row of this name, where names distinguish rows.
    pub(crate) fn named(&self, name: &str) -> Option<&Row> {
        self.find(&[name.as_bytes()])
    }

    /// Whether another row than this one has the same key.
    pub(crate) fn collides(&self, row: &Row) -> bool {
        let taken = row.key().and_then(|key| self.keys.get(&key).copied());
        taken.is_some_and(|id| id != row.id)
    }

    /// Puts a row at the end, or before another one, and gives it an id.
    pub(crate) fn insert(&mut self, mut row: Row, before: Option<RowId>) -> RowId {
        row.id = self.fresh_id();
        self.put_in(row, before)
    }

    /// Puts a row at the end, under an id that it has from another menu.
    pub(crate) fn insert_as(&mut self, mut row: Row, id: RowId) -> RowId {
        row.id = id;
        self.next_id = self.next_id.max(id.0 + 1);
        self.put_in(row, None)
    }

    fn put_in(&mut self, mut row: Row, before: Option<RowId>) -> RowId {
        row.place = self.place_before(before);
        if let Some(key) = row.key() {
            self.keys.entry(key).or_insert(row.id);
        }
        let id = row.id;
        self.order.insert(row.place, id);
        self.rows.insert(id, row);
        id
    }

    /// Changes a row, keeping what it is found by.
    pub(crate) fn replace(&mut self, row: Row) {
        let Some(old) = self.rows.get(&row.id) else {
            return;
        };
        let (old_key, new_key) = (old.key(), row.key());
        if old_key != new_key {
            self.forget_key(old_key, row.id);
            if let Some(key) = new_key {
                self.keys.entry(key).or_insert(row.id);
            }
        }
        self.rows.insert(row.id, row);
    }

    /// Takes a row away.
    pub(crate) fn remove(&mut self, id: RowId) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        self.order.remove(&row.place);
        self.forget_key(row.key(), id);
        if let Some(slots) = &mut self.slots {
            slots.insert(id.0);
        }
        Some(row)
    }

    /// Moves a row before another one, or to the end.
    pub(crate) fn move_before(&mut self, id: RowId, before: Option<RowId>) {
        if before == Some(id) || !self.rows.contains_key(&id) {
            return;
        }
        let place = self.place_before(before);
        if let Some(row) = self.rows.get_mut(&id) {
            self.order.remove(&row.place);
            row.place = place;
            self.order.insert(place, id);
        }
    }

    /// Ids begin again, as after a reboot; rows that are still there keep theirs.
    pub(crate) fn restart_ids(&mut self) {
        if self.slots.is_some() {
            self.slots = Some(BTreeSet::new());
        }
        self.next_id = self
            .rows
            .keys()
            .map(|id| id.0 + 1)
            .max()
            .unwrap_or(self.first_id)
            .max(self.first_id);
    }

    fn forget_key(&mut self, key: Option<Vec<u8>>, id: RowId) {
        let Some(key) = key else { return };
        if self.keys.get(&key) == Some(&id) {
            self.keys.remove(&key);
        }
    }

    fn fresh_id(&mut self) -> RowId {
        if let Some(slot) = self.slots.as_mut().and_then(BTreeSet::pop_first) {
            return RowId(slot);
        }
        let id = self.next_id;
        self.next_id += 1;
        RowId(id)
    }

    /// A free place before a row; everything is moved apart if there is none.
    fn place_before(&mut self, before: Option<RowId>) -> u64 {
        let Some(row) = before.and_then(|id| self.rows.get(&id)) else {
            self.next_place += 2;
            return self.next_place;
        };
        let place = row.place;
        let below = self
            .order
            .range(..place)
            .next_back()
            .map_or(0, |(place, _)| *place);
        if place - below > 1 {
            return below + (place - below) / 2;
        }
        self.spread();
        self.place_before(before)
    }

    fn spread(&mut self) {
        let ids = self.ids();
        self.order.clear();
        let mut place = MIDDLE;
        for id in ids {
            place += 1 << 16;
            if let Some(row) = self.rows.get_mut(&id) {
                row.place = place;
                self.order.insert(place, id);
            }
        }
        self.next_place = place;
    }

    pub(crate) const fn menu(&self) -> &'static Menu {
        self.menu
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::menu::MenuId;

    fn table() -> Table {
        Table::new(MenuId::Filter.menu(), 1, false)
    }

    fn rule(chain: &str) -> Row {
        Row::new(MenuId::Filter.menu(), Duration::ZERO).with("chain", chain)
    }

    fn chains(table: &Table) -> Vec<&str> {
        table.iter().map(|row| row.text("chain")).collect()
    }

    #[test]
    fn ids_are_upper_case_hex() {
        assert_eq!(RowId(0x1c_63e).to_string(), "*1C63E");
        assert_eq!(RowId::parse(b"*1c63E"), Some(RowId(0x1c_63e)));
        for bad in [&b"1C"[..], b"*", b"*+1", b"*XY", b"*123456789", b""] {
            assert_eq!(RowId::parse(bad), None);
        }
    }

    #[test]
    fn rows_keep_the_order_they_are_given() {
        let mut table = table();
        let a = table.insert(rule("a"), None);
        let b = table.insert(rule("b"), None);
        table.insert(rule("c"), Some(b));
        table.insert(rule("d"), Some(a));
        assert_eq!(chains(&table), ["d", "a", "c", "b"]);
        table.move_before(a, None);
        assert_eq!(chains(&table), ["d", "c", "b", "a"]);
    }

    #[test]
    fn there_is_always_room_before_a_row() {
        let mut table = table();
        table.insert(rule("first"), None);
        let last = table.insert(rule("last"), None);
        for _ in 0..200 {
            table.insert(rule("x"), Some(last));
        }
        let order = chains(&table);
        assert_eq!((order.len(), order[0], order[201]), (202, "first", "last"));
    }

    #[test]
    fn ids_are_new_unless_the_menu_has_slots() {
        let mut table = table();
        let a = table.insert(rule("a"), None);
        table.remove(a);
        assert_ne!(table.insert(rule("b"), None), a);

        let mut slots = Table::new(MenuId::Active.menu(), 0x80_0000, true);
        let row = || Row::new(MenuId::Active.menu(), Duration::ZERO);
        let first = slots.insert(row(), None);
        slots.insert(row(), None);
        slots.remove(first);
        assert_eq!(slots.insert(row(), None), first);
    }

    #[test]
    fn keys_follow_changes() {
        let menu = MenuId::Secret.menu();
        let mut table = Table::new(menu, 1, false);
        let id = table.insert(Row::new(menu, Duration::ZERO).with("name", "ann"), None);
        assert!(table.collides(&Row::new(menu, Duration::ZERO).with("name", "ann")));
        let renamed = table.get(id).unwrap().clone().with("name", "bob");
        table.replace(renamed);
        assert!(table.named("ann").is_none());
        assert_eq!(table.named("bob").map(|row| row.id), Some(id));
    }
}
