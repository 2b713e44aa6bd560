//! What `print` shows, in the forms that it has.

use std::collections::HashMap;

use super::super::{
    menu::{Field, Kind, MenuId},
    policy::Policy,
    script::Value,
    state::State,
    table::{Row, RowId},
};

/// How records are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// A table.
    Columns,
    /// One line a record, values as they are.
    Terse,
    /// Wrapped at the terminal's width, values in quotes.
    Detail,
    /// The one record of a menu without rows.
    Record,
}

/// Letters for flags, in the order in which they are shown.
const FLAGS: [(&str, char); 10] = [
    ("disabled", 'X'),
    ("invalid", 'I'),
    ("dynamic", 'D'),
    ("default", '*'),
    ("active", 'A'),
    ("running", 'R'),
    ("radius", 'R'),
    ("blocked", 'B'),
    ("expired", 'E'),
    ("builtin", '*'),
];

/// Which properties a command shows.
#[derive(Debug)]
pub(crate) struct View {
    /// By index, in the order in which they are shown.
    fields: Vec<(usize, &'static Field)>,
    with_id: bool,
    flags: Vec<(&'static str, char)>,
    show_ids: bool,
}

impl View {
    /// By the words that `print` was given.
    pub(crate) fn new(
        state: &State,
        menu: MenuId,
        policy: Policy,
        words: &[&str],
        names: Option<&[String]>,
    ) -> Self {
        let has = |word: &str| words.contains(&word);
        let hides = state.version.at_least(7, 22)
            && state.quirks.show_sensitive_needed
            && !has("show-sensitive");
        let sensitive = policy.has(Policy::SENSITIVE) && !hides;
        let all = has("detail") || has("stats");
        let readable = |field: &Field| {
            field.exists_in(state.version) && !field.hidden && (sensitive || !field.sensitive)
        };
        let own = menu.menu().fields.iter().enumerate();
        let fields = match names {
            Some(names) => names
                .iter()
                .filter_map(|name| menu.menu().field(state.read_as(menu.menu(), name)))
                .filter(|(_, field)| readable(field))
                .collect(),
            None => own
                .filter(|(_, field)| readable(field) && (all || !field.on_demand))
                .collect(),
        };
        let flags = FLAGS
            .iter()
            .filter(|(name, _)| {
                let field = menu.menu().field(name);
                field.is_some_and(|(_, field)| field.exists_in(state.version))
            })
            .copied();
        Self {
            fields,
            with_id: names.is_none_or(|names| names.iter().any(|name| name == ".id")),
            flags: flags.collect(),
            show_ids: has("show-ids"),
        }
    }

    /// Whether a property is among them, by the menu's spelling.
    pub(crate) fn shows(&self, name: &str) -> bool {
        self.fields.iter().any(|(_, field)| field.name == name)
    }

    /// Those that are no flags.
    fn settings(&self) -> impl Iterator<Item = &(usize, &'static Field)> {
        let is_flag = |name: &str| self.flags.iter().any(|(flag, _)| *flag == name);
        self.fields
            .iter()
            .filter(move |(_, field)| !is_flag(field.name))
    }
}

/// Whether rows of the menu can have it.
pub(crate) fn is_property(state: &State, menu: MenuId, name: &str) -> bool {
    let field = menu.menu().field(state.read_as(menu.menu(), name));
    name == ".id" && !menu.menu().single
        || field.is_some_and(|(_, field)| field.exists_in(state.version) && !field.hidden)
}

/// A record as a script has it.
pub(crate) fn as_value(state: &State, row: &Row, view: &View) -> Value {
    let key = |name: &str| Some(name.as_bytes().to_vec());
    let mut items = Vec::new();
    if view.with_id && !row.menu.single {
        items.push((key(".id"), Value::Id(row.id)));
    }
    for (index, field) in &view.fields {
        if state.show(row, *index).is_some() {
            let name = state.written_as(row.menu, field.name);
            items.push((key(name), state.typed(row, name)));
        }
    }
    Value::List(items)
}

/// Records as text, lines ended as a console ends them.
pub(crate) fn print(
    state: &State,
    menu: MenuId,
    rows: &[&Row],
    view: &View,
    layout: Layout,
    width: usize,
) -> Vec<u8> {
    let mut page = Page {
        state,
        menu,
        view,
        out: Vec::new(),
    };
    // A row's number is its place among all rows of its menu, by which it can be named.
    let all = state.table(menu).iter().enumerate();
    let places: HashMap<RowId, usize> = all.map(|(place, row)| (row.id, place)).collect();
    let place = |row: &Row| places.get(&row.id).copied().unwrap_or(0);
    match layout {
        Layout::Record => rows.iter().for_each(|row| page.record(row)),
        Layout::Terse => {
            for row in rows {
                page.terse(row, place(row));
            }
        }
        Layout::Detail => {
            page.legend();
            for row in rows {
                page.detail(row, place(row), width);
            }
        }
        Layout::Columns => {
            page.legend();
            page.columns(rows, place);
        }
    }
    page.out
}

struct Page<'a> {
    state: &'a State,
    menu: MenuId,
    view: &'a View,
    out: Vec<u8>,
}

impl Page<'_> {
    /// A property's name in this build.
    fn called(&self, field: &Field) -> &'static str {
        self.state.written_as(self.menu.menu(), field.name)
    }

    fn line(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    fn legend(&mut self) {
        if self.view.flags.is_empty() {
            return;
        }
        let flags: Vec<String> = self
            .view
            .flags
            .iter()
            .map(|(name, letter)| format!("{letter} - {name}"))
            .collect();
        self.line(format!("Flags: {} ", flags.join(", ")).as_bytes());
    }

    fn letters(&self, row: &Row) -> String {
        let flags = self.view.flags.iter();
        flags
            .map(|(name, letter)| {
                let set = self.state.property(row, name.as_bytes());
                if set.as_deref() == Some(b"true") {
                    *letter
                } else {
                    ' '
                }
            })
            .collect()
    }

    /// As the console writes a value: `yes` and `no`, everything else as it is.
    fn shown(&self, row: &Row, index: usize, field: &Field) -> Option<Vec<u8>> {
        let value = self.state.show(row, index)?;
        let switch = matches!(field.kind, Kind::Bool | Kind::Dynamic);
        Some(match &*value {
            b"true" if switch => b"yes".to_vec(),
            b"false" if switch => b"no".to_vec(),
            other => other.to_vec(),
        })
    }

    fn index(&self, row: &Row, place: usize) -> String {
        if self.view.show_ids {
            format!("{:>3}", row.id.to_string())
        } else {
            format!("{place:>2}")
        }
    }

    fn terse(&mut self, row: &Row, place: usize) {
        let mut line = format!("{} {}", self.index(row, place), self.letters(row)).into_bytes();
        let (comments, others): (Vec<_>, Vec<_>) = self
            .view
            .settings()
            .copied()
            .partition(|(_, field)| field.name == "comment");
        for (index, field) in comments.into_iter().chain(others) {
            if let Some(value) = self.shown(row, index, field) {
                line.push(b' ');
                line.extend_from_slice(self.called(field).as_bytes());
                line.push(b'=');
                line.extend(value);
            }
        }
        line.push(b' ');
        self.line(&line);
    }

    fn detail(&mut self, row: &Row, place: usize, width: usize) {
        const INDENT: &[u8] = b"     ";
        let mut line = format!("{} {} ", self.index(row, place), self.letters(row)).into_bytes();
        while line.len() < INDENT.len() {
            line.push(b' ');
        }
        if let Some(comment) = self.state.property(row, b"comment") {
            let mut first = line.clone();
            first.extend_from_slice(b";;; ");
            first.extend_from_slice(&comment);
            self.line(&first);
            line = INDENT.to_vec();
        }
        let view = self.view;
        for (index, field) in view.settings().filter(|(_, field)| field.name != "comment") {
            let Some(value) = self.shown(row, *index, field) else {
                continue;
            };
            let mut part = format!("{}=", self.called(field)).into_bytes();
            if matches!(field.kind, Kind::Text) {
                quote(&value, &mut part);
            } else {
                part.extend(value);
            }
            // A line that is too long goes on in the next one, between two properties.
            if line.len() + part.len() + 1 > width && line.len() > INDENT.len() {
                self.line(&line);
                line = INDENT.to_vec();
            }
            line.extend(part);
            line.push(b' ');
        }
        self.line(&line);
        self.line(b"");
    }

    fn record(&mut self, row: &Row) {
        let view = self.view;
        let fields = view.fields.iter();
        let widest = fields.map(|(_, field)| self.called(field).len()).max();
        let widest = widest.unwrap_or(0) + 2;
        for (index, field) in &view.fields {
            if let Some(value) = self.shown(row, *index, field) {
                let mut line = format!("{:>widest$}: ", self.called(field)).into_bytes();
                line.extend(value);
                self.line(&line);
            }
        }
        self.line(b"");
    }

    fn columns(&mut self, rows: &[&Row], place: impl Fn(&Row) -> usize) {
        let view = self.view;
        let shown: Vec<(usize, &Field)> = view
            .settings()
            .copied()
            .filter(|(index, field)| {
                field.name != "comment"
                    && rows
                        .iter()
                        .any(|row| self.state.show(row, *index).is_some())
            })
            .collect();
        if !shown.is_empty() && self.state.version.at_least(7, 1) {
            let names: Vec<String> = shown
                .iter()
                .map(|(_, field)| self.called(field).to_uppercase())
                .collect();
            self.line(format!("Columns: {}", names.join(", ")).as_bytes());
        }
        let cell = |page: &Self, row: &Row, (index, field): &(usize, &Field)| {
            page.shown(row, *index, field).unwrap_or_default()
        };
        let widths: Vec<usize> = shown
            .iter()
            .map(|column| {
                let widest = rows.iter().map(|row| cell(self, row, column).len()).max();
                widest.unwrap_or(0).max(self.called(column.1).len())
            })
            .collect();
        let mut head = format!(" # {}", " ".repeat(view.flags.len())).into_bytes();
        for ((_, field), width) in shown.iter().zip(&widths) {
            head.extend(format!(" {:<width$}", self.called(field).to_uppercase()).bytes());
        }
        self.line(&head);
        for row in rows {
            let start = format!("{} {}", self.index(row, place(row)), self.letters(row));
            if let Some(comment) = self.state.property(row, b"comment") {
                self.line(&[b";;; ", &*comment].concat());
            }
            let mut line = start.into_bytes();
            for (column, width) in shown.iter().zip(&widths) {
                let value = cell(self, row, column);
                line.push(b' ');
                let padding = width.saturating_sub(value.len());
                line.extend(value);
                line.extend(std::iter::repeat_n(b' ', padding));
            }
            self.line(&line);
        }
    }
}

/// In quotes, as it could be typed again.
fn quote(value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in value {
        match byte {
            b'"' | b'\\' | b'$' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..=0x1f | 0x7f => out.extend(format!("\\{byte:02X}").bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}
