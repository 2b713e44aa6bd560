//! `print`, `getall`, `listen`, `find`, `get`.

use std::borrow::Cow;

use routeros_api::Sentence;

use super::{
    command::Caller,
    menu::MenuId,
    policy::Policy,
    query::Query,
    reply::{Reply, attribute},
    state::State,
    table::{Row, RowId},
    trap::Trap,
    watch::Listener,
};

/// Arguments of `print` that change nothing here, beside those that do.
const IGNORED: [&[u8]; 14] = [
    b".proplist",
    b"count-only",
    b"detail",
    b"stats",
    b"follow",
    b"follow-only",
    b"without-paging",
    b"as-value",
    b"brief",
    b"terse",
    b"value-list",
    b"show-ids",
    b"from",
    b"interval",
];

/// Which records and which of their properties a command wants.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The properties by index, and whether `.id`; `None` = whatever there is.
    properties: Option<(Vec<usize>, bool)>,
    query: Query,
    sensitive: bool,
    /// Also what is sent on demand only.
    all: bool,
}

impl View {
    /// No record that there is.
    pub(crate) fn of_nothing() -> Self {
        Self {
            properties: None,
            // No menu of one record has ids.
            query: Query::parse([&b"?.id"[..]].into_iter()),
            sensitive: false,
            all: false,
        }
    }
}

impl State {
    fn view(&self, menu: MenuId, caller: &Caller, sentence: &Sentence) -> Result<View, Trap> {
        let shows_sensitive = sentence.attribute("show-sensitive").is_some();
        for (name, _) in sentence.attributes() {
            let known = IGNORED.contains(&name)
                || name == b"show-sensitive" && self.version.at_least(7, 22);
            if !known {
                return Err(Trap::unknown_parameter(
                    self.version,
                    &String::from_utf8_lossy(name),
                ));
            }
        }
        let properties = sentence.attribute(".proplist").map(|list| {
            let names: Vec<&[u8]> = list.split(|byte| *byte == b',').collect();
            let index = |name: &[u8]| {
                let name = std::str::from_utf8(name).ok()?;
                menu.menu().index(self.read_as(menu.menu(), name))
            };
            (
                names.iter().filter_map(|name| index(name)).collect(),
                names.contains(&b".id".as_slice()),
            )
        });
        let hidden =
            self.version.at_least(7, 22) && self.quirks.show_sensitive_needed && !shows_sensitive;
        Ok(View {
            properties,
            query: Query::parse(sentence.queries()),
            sensitive: caller.policy.has(Policy::SENSITIVE) && !hidden,
            all: sentence.attribute("detail").is_some() || sentence.attribute("stats").is_some(),
        })
    }

    /// Whether a record meets the query.
    pub(crate) fn is_wanted(&self, row: &Row, view: &View) -> bool {
        view.query
            .accepts(self.quirks.query_booleans, |name| self.property(row, name))
    }

    /// Appends a record's attributes.
    pub(crate) fn write_row(&self, row: &Row, view: &View, out: &mut Vec<u8>) {
        let with_id = view.properties.as_ref().is_none_or(|(_, id)| *id);
        if with_id && !row.menu.single {
            attribute(b".id", row.id.to_string().as_bytes(), out);
        }
        match &view.properties {
            Some((indexes, _)) => indexes
                .iter()
                .for_each(|index| self.write_property(row, *index, view, out)),
            None => {
                for (index, field) in row.menu.fields.iter().enumerate() {
                    if view.all || !field.on_demand {
                        self.write_property(row, index, view, out);
                    }
                }
            }
        }
    }

    fn write_property(&self, row: &Row, index: usize, view: &View, out: &mut Vec<u8>) {
        let Some(field) = row.menu.fields.get(index) else {
            return;
        };
        if field.hidden || field.sensitive && !view.sensitive {
            return;
        }
        if let Some(value) = self.show(row, index) {
            attribute(
                self.written_as(row.menu, field.name).as_bytes(),
                &value,
                out,
            );
        }
    }

    /// The rows to look at: all, or the one that the query can only mean.
    fn candidates(&self, menu: MenuId, query: &Query) -> Vec<&Row> {
        let table = self.table(menu);
        if let Some(id) = query.demands(".id").filter(|id| id.starts_with(b"*")) {
            return RowId::parse(id)
                .and_then(|id| table.get(id))
                .into_iter()
                .collect();
        }
        let fields = menu.menu().unique.map_or(&[][..], |unique| unique.fields);
        let key: Option<Vec<&[u8]>> = fields.iter().map(|name| query.demands(name)).collect();
        match key {
            Some(key) if !key.is_empty() => table.find(&key).into_iter().collect(),
            _ => table.iter().collect(),
        }
    }

    pub(crate) fn print(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        let view = self.view(menu, caller, sentence)?;
        let follows = ["follow", "follow-only"]
            .iter()
            .any(|name| sentence.attribute(name).is_some());
        if sentence.attribute("follow-only").is_none() {
            self.print_rows(
                menu,
                &view,
                sentence.attribute("count-only").is_some(),
                follows,
                reply,
            );
        }
        if follows {
            self.follow(menu, view, caller, sentence);
        }
        Ok(())
    }

    fn print_rows(
        &self,
        menu: MenuId,
        view: &View,
        count_only: bool,
        follows: bool,
        reply: &mut Reply,
    ) {
        let rows = self
            .candidates(menu, &view.query)
            .into_iter()
            .filter(|row| self.is_wanted(row, view));
        if count_only {
            reply.done_with(rows.count().to_string().as_bytes());
            return;
        }
        for row in rows {
            reply.re(|out| self.write_row(row, view, out));
        }
        if follows {
            return;
        }
        if reply.rows == 0 && self.version.has_empty_reply() {
            reply.empty();
        }
        reply.done();
    }

    pub(crate) fn listen(
        &mut self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
    ) -> Result<(), Trap> {
        let mut view = self.view(menu, caller, sentence)?;
        if !self.quirks.listen_heeds_proplist {
            view.properties = None;
        }
        self.follow(menu, view, caller, sentence);
        Ok(())
    }

    fn follow(&mut self, menu: MenuId, view: View, caller: &Caller, sentence: &Sentence) {
        let tag = sentence.api_attribute(".tag").map(<[u8]>::to_vec);
        self.listeners.add(
            menu,
            Listener {
                connection: caller.connection,
                tag,
                view,
            },
        );
    }

    /// All ids, joined by `;`. Conditions exist in the console only.
    pub(crate) fn find(&self, menu: MenuId, reply: &mut Reply) {
        let ids: Vec<String> = self
            .table(menu)
            .iter()
            .map(|row| row.id.to_string())
            .collect();
        reply.done_with(ids.join(";").as_bytes());
    }

    /// One property of one row.
    pub(crate) fn get(
        &self,
        menu: MenuId,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        let target = sentence
            .attribute(".id")
            .or_else(|| sentence.attribute("number"));
        let row = match target {
            _ if menu.menu().single => self.only(menu),
            Some(target) => self
                .resolve(menu, target)
                .and_then(|id| self.table(menu).get(id)),
            None => return Err(Trap::missing_id()),
        };
        let row = row.ok_or_else(Trap::no_such_item)?;
        let name = sentence.attribute("value-name").unwrap_or_default();
        let field = std::str::from_utf8(name)
            .ok()
            .and_then(|name| menu.menu().field(self.read_as(menu.menu(), name)));
        let readable = |sensitive: bool| !sensitive || caller.policy.has(Policy::SENSITIVE);
        let (_, field) = field
            .filter(|(_, field)| !field.hidden)
            .ok_or_else(|| Trap::no_match("value-name"))?;
        let value = self
            .property(row, name)
            .filter(|_| readable(field.sensitive));
        reply.done_with(&value.unwrap_or(Cow::Borrowed(b"")));
        Ok(())
    }
}
