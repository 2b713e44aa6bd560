//! Commands of a router's menus, and those that belong to none.

use routeros_api::Command as Words;

use super::{
    super::{
        super::{
            console::{self, Layout, View},
            fetch::Request,
            log::CommandRecord,
            menu::MenuId,
            policy::Policy,
            table::RowId,
            trap::Trap,
        },
        Failure, Value,
        ast::{Command, What},
    },
    Outcome, Runner, condition,
};

impl Runner<'_> {
    /// Runs a command; in brackets (`inside`) for what it returns.
    pub(super) fn command(&mut self, command: &Command, inside: bool) -> Outcome<Value> {
        match &command.what {
            What::Builtin(name) => self.builtin(name, command),
            What::Function(name) => self.function(name, command),
            What::Menu(menu, verb) => {
                self.record(command);
                let value = self.menu(*menu, verb, command, inside);
                self.fail_record(&value);
                value
            }
            What::Other(path) => {
                self.record(command);
                let value = self.other(path, command);
                self.fail_record(&value);
                value
            }
        }
    }

    /// Notes that a command runs.
    fn record(&mut self, command: &Command) {
        let Some(word) = command.word() else { return };
        let mut attributes: Vec<String> = command
            .flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .collect();
        attributes.extend(command.named.iter().map(|(name, _)| name.clone()));
        if command.condition.is_some() {
            attributes.push("where".to_owned());
        }
        let queries = condition::properties(command.condition.as_ref());
        let record =
            CommandRecord::at_console(self.state.now, &self.caller, word, attributes, queries);
        self.ran.push(record);
    }

    fn fail_record(&mut self, outcome: &Outcome<Value>) {
        if let (Err(Failure::Error(text)), Some(last)) = (outcome, self.ran.last_mut()) {
            last.trap.get_or_insert_with(|| text.clone());
        }
    }

    fn menu(
        &mut self,
        menu: MenuId,
        verb: &'static str,
        command: &Command,
        inside: bool,
    ) -> Outcome<Value> {
        self.spring_trap(command)?;
        match verb {
            "find" | "get" | "print" => {
                if !self.caller.policy.has(Policy::READ) {
                    return Err(Failure::Error(Trap::not_enough_permissions().message));
                }
                match verb {
                    "find" => self.find(menu, command),
                    "get" => self.get(menu, command),
                    _ => self.print_menu(menu, command, inside),
                }
            }
            _ => self.write(menu, verb, command),
        }
    }

    /// Fails where a fault says so.
    fn spring_trap(&mut self, command: &Command) -> Outcome<()> {
        let word = command.word();
        let set = |(trapped, _): &(String, String)| Some(trapped) == word.as_ref();
        match self.traps.iter().position(set) {
            Some(index) => Err(Failure::Error(self.traps.remove(index).1)),
            None => Ok(()),
        }
    }

    fn find(&mut self, menu: MenuId, command: &Command) -> Outcome<Value> {
        let ids = self.select(menu, command.condition.as_ref())?;
        self.count_rows(ids.len());
        Ok(Value::List(
            ids.into_iter().map(|id| (None, Value::Id(id))).collect(),
        ))
    }

    fn count_rows(&mut self, rows: usize) {
        if let Some(last) = self.ran.last_mut() {
            last.rows = rows;
        }
    }

    fn get(&mut self, menu: MenuId, command: &Command) -> Outcome<Value> {
        let gone = || Failure::Error(Trap::no_such_item().message);
        let id = if menu.menu().single {
            self.state.only(menu).map(|row| row.id)
        } else {
            let number = self.named(command, "number")?;
            match number {
                Some(Value::List(items)) if items.len() > 1 => {
                    return Err(Failure::error("invalid internal item number"));
                }
                Some(Value::List(items)) => {
                    items.first().and_then(|(_, item)| self.row(menu, item))
                }
                Some(number) => self.row(menu, &number),
                None => return Err(Failure::Error(Trap::missing_value("number").message)),
            }
        };
        let name = self.named(command, "value-name")?.map(|name| name.lossy());
        let row = id
            .and_then(|id| self.state.table(menu).get(id))
            .ok_or_else(gone)?;
        let view = View::new(
            self.state,
            menu,
            self.caller.policy,
            &["detail", "show-sensitive"],
            None,
        );
        let Some(name) = name else {
            return Ok(console::as_value(self.state, row, &view));
        };
        if !console::is_property(self.state, menu, &name) {
            return Err(Failure::Error(Trap::no_match("value-name").message));
        }
        let readable = name == ".id" || view.shows(self.state.read_as(menu.menu(), &name));
        Ok(if readable {
            self.state.typed(row, &name)
        } else {
            Value::Nil
        })
    }

    /// The row that a value means: an id, a place in the order of `print`, or a name.
    fn row(&self, menu: MenuId, value: &Value) -> Option<RowId> {
        if let Value::Id(id) = value {
            return self.state.table(menu).get(*id).map(|row| row.id);
        }
        let shown = value.shown();
        let is_place = !shown.is_empty() && shown.iter().all(u8::is_ascii_digit);
        if is_place {
            let place: usize = std::str::from_utf8(&shown).ok()?.parse().ok()?;
            if let Some(row) = self.state.table(menu).iter().nth(place) {
                return Some(row.id);
            }
        }
        self.state.resolve(menu, &shown)
    }

    /// What a command is about, as ids where they are known; commas between several.
    fn targets(&self, menu: MenuId, value: &Value) -> Vec<Vec<u8>> {
        let known = |value: &Value| self.row(menu, value).map(|id| id.to_string().into_bytes());
        match value {
            Value::Nothing | Value::Nil => Vec::new(),
            Value::List(items) => items
                .iter()
                .flat_map(|(_, item)| self.targets(menu, item))
                .collect(),
            value => match known(value) {
                Some(id) => vec![id],
                None => {
                    let shown = value.shown();
                    let parts = shown
                        .split(|byte| *byte == b',')
                        .filter(|part| !part.is_empty());
                    parts
                        .map(|part| known(&Value::text(part)).unwrap_or_else(|| part.to_vec()))
                        .collect()
                }
            },
        }
    }

    /// Writes as the API does.
    fn write(&mut self, menu: MenuId, verb: &str, command: &Command) -> Outcome<Value> {
        let mut words = Words::new(format!("{}/{verb}", menu.menu().path));
        let mut aimed = verb == "add" || menu.menu().single || verb == "reset-counters-all";
        for (name, expression) in &command.named {
            let value = self.value(expression)?;
            match name.as_str() {
                "numbers" => {
                    let ids = self.targets(menu, &value);
                    // Nothing found is nothing to do.
                    if ids.is_empty() {
                        return Ok(Value::Nothing);
                    }
                    if let Some(last) = self.ran.last_mut() {
                        last.targets = ids.len();
                    }
                    aimed = true;
                    words = words.attribute(".id", ids.join(&b","[..]));
                }
                "destination" | "place-before" | "copy-from" => {
                    let ids = self.targets(menu, &value);
                    words = words.attribute(name, ids.join(&b","[..]));
                }
                _ if name.starts_with('!') => words = words.attribute(name, ""),
                _ => words = words.attribute(name, value.argument()),
            }
        }
        if !aimed {
            return Err(Failure::Error(Trap::missing_value("numbers").message));
        }
        let done = self
            .state
            .perform(&self.caller, &words.build())
            .map_err(Failure::Error)?;
        self.closes |= done.closes;
        let id = (verb == "add")
            .then(|| RowId::parse(done.ret.as_bytes()))
            .flatten();
        Ok(id.map_or(Value::Nothing, Value::Id))
    }

    fn print_menu(&mut self, menu: MenuId, command: &Command, inside: bool) -> Outcome<Value> {
        let mut ids = if menu.menu().single {
            self.state
                .only(menu)
                .map(|row| row.id)
                .into_iter()
                .collect()
        } else {
            self.select(menu, command.condition.as_ref())?
        };
        if let Some(from) = self.named(command, "from")? {
            let wanted = self.targets(menu, &from);
            ids.retain(|id| wanted.contains(&id.to_string().into_bytes()));
        }
        let list = self.named(command, "proplist")?.map(|list| list.lossy());
        let names: Option<Vec<String>> =
            list.map(|list| list.split([',', ';']).map(str::to_owned).collect());
        if let (Some(names), Some(last)) = (&names, self.ran.last_mut()) {
            last.proplist.clone_from(names);
        }
        self.count_rows(ids.len());
        let has = |flag: &str| command.flags.contains(&flag);
        if has("count-only") {
            let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            if !inside {
                self.print_line(count.to_string().as_bytes())?;
            }
            return Ok(Value::Number(count));
        }
        let view = View::new(
            self.state,
            menu,
            self.caller.policy,
            &command.flags,
            names.as_deref(),
        );
        let table = self.state.table(menu);
        let rows: Vec<_> = ids.iter().filter_map(|id| table.get(*id)).collect();
        if has("as-value") {
            let mut records = rows
                .into_iter()
                .map(|row| console::as_value(self.state, row, &view));
            // A menu of one record is that record.
            return Ok(if menu.menu().single {
                records.next().unwrap_or(Value::Nil)
            } else {
                Value::List(records.map(|record| (None, record)).collect())
            });
        }
        if has("value-list") {
            return Err(Failure::Unsupported("print value-list".to_owned()));
        }
        let layout = match () {
            () if menu.menu().single => Layout::Record,
            () if has("terse") => Layout::Terse,
            () if has("detail") => Layout::Detail,
            () => Layout::Columns,
        };
        let text = console::print(self.state, menu, &rows, &view, layout, self.console.width);
        self.print(&text)?;
        Ok(Value::Nothing)
    }

    fn other(&mut self, path: &'static str, command: &Command) -> Outcome<Value> {
        self.spring_trap(command)?;
        if path == "/tool/fetch" {
            return self.fetch(command);
        }
        let mut words = Words::new(path);
        for (name, expression) in command.named.iter().filter(|(name, _)| name != "message") {
            let value = self.value(expression)?;
            words = words.attribute(name, value.argument());
        }
        if path.starts_with("/log/") {
            let message = match self.named(command, "message")? {
                Some(message) => message,
                None => match command.plain.first() {
                    Some(message) => self.value(message)?,
                    None => return Err(Failure::Error(Trap::missing_value("message").message)),
                },
            };
            words = words.attribute("message", message.shown());
        }
        let done = self
            .state
            .perform(&self.caller, &words.build())
            .map_err(Failure::Error)?;
        self.closes |= done.closes;
        Ok(Value::Nothing)
    }

    fn fetch(&mut self, command: &Command) -> Outcome<Value> {
        let mut text =
            |name: &str| Ok::<_, Failure>(self.named(command, name)?.map(|value| value.lossy()));
        let url =
            text("url")?.ok_or_else(|| Failure::Unsupported("a fetch without url".to_owned()))?;
        let method = text("http-method")?.unwrap_or_else(|| "get".to_owned());
        let body = text("http-data")?.unwrap_or_default();
        let headers = text("http-header-field")?.unwrap_or_default();
        let checks_certificate =
            text("check-certificate")?.is_some_and(|value| value == "yes" || value == "true");
        let keeps_file = text("output")?.unwrap_or_else(|| "file".to_owned()) == "file";
        let request = Request {
            url,
            method,
            headers: split_headers(&headers),
            body,
            checks_certificate,
            keeps_file,
        };
        self.state.fetch(request);
        Ok(Value::Nothing)
    }
}

/// A comma separates headers; `\,` is one in a value.
fn split_headers(text: &str) -> Vec<(String, String)> {
    let parts = text.replace("\\,", "\u{0}");
    let header = |part: &str| {
        let (name, value) = part.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().replace('\u{0}', ",")))
    };
    parts.split(',').filter_map(header).collect()
}
