//! Commands of a script: built-in ones, functions, those of menus, `/tool fetch`.

use std::{collections::HashMap, sync::Arc};

use routeros_api::Command as Words;

use super::{
    super::{
        super::{fetch::Request, menu::MenuId, table::RowId},
        Failure, Value,
        ast::{Command, Expression, What},
    },
    End, Outcome, Runner, as_number, bounded,
};

impl Runner<'_> {
    /// Runs a command. `within` is the menu of the command around it, for a bare `find`.
    pub(super) fn command(&mut self, command: &Command, within: Option<MenuId>) -> Outcome<Value> {
        match &command.what {
            What::Builtin(name) => self.builtin(name, command),
            What::Function(name) => self.function(name, command),
            What::Find => {
                let menu = within
                    .ok_or_else(|| Failure::Unsupported("find outside of a menu".to_owned()))?;
                self.find(menu, command)
            }
            What::Menu(menu, verb) => self.menu(*menu, verb, command),
            What::Fetch => self.fetch(command),
        }
    }

    fn plain(&mut self, command: &Command, index: usize) -> Outcome<Value> {
        command
            .plain
            .get(index)
            .map_or(Ok(Value::Nil), |expression| self.value(expression))
    }

    fn builtin(&mut self, name: &str, command: &Command) -> Outcome<Value> {
        let first = self.plain(command, 0)?;
        match name {
            "len" => Ok(Value::Number(length(&first))),
            "tostr" => Ok(Value::Text(first.shown())),
            "toip" => Ok(first
                .shown()
                .parse::<std::net::IpAddr>()
                .map_or(Value::Nil, |ip| Value::Address(ip.to_string()))),
            "tonum" => Ok(as_number(&first).map_or(Value::Nil, Value::Number)),
            "typeof" => Ok(Value::text(first.type_name())),
            "pick" => {
                let text = first.shown();
                let from = as_number(&self.plain(command, 1)?).unwrap_or(0);
                let to = as_number(&self.plain(command, 2)?).unwrap_or(from + 1);
                Ok(pick(&text, from, to))
            }
            "find" => {
                let needle = self.plain(command, 1)?.shown();
                let place = first
                    .shown()
                    .find(&needle)
                    .and_then(|place| i64::try_from(place).ok());
                Ok(place.map_or(Value::Nil, Value::Number))
            }
            "log" => {
                let message = self.plain(command, 1)?.shown();
                self.state
                    .log(&format!("script,{}", first.shown()), message);
                Ok(Value::Nil)
            }
            "put" => Ok(Value::Nil),
            "serialize" => self.serialize(command),
            _ => match name.strip_prefix("log ") {
                Some(level) => {
                    let message = self.named(command, "message")?.unwrap_or(first).shown();
                    self.state.log(&format!("script,{level}"), message);
                    Ok(Value::Nil)
                }
                None => Err(Failure::Unsupported(format!(":{name}"))),
            },
        }
    }

    fn named(&mut self, command: &Command, name: &str) -> Outcome<Option<Value>> {
        let found = command.named.iter().find(|(known, _)| known == name);
        found
            .map(|(_, expression)| self.value(expression))
            .transpose()
    }

    fn function(&mut self, name: &str, command: &Command) -> Outcome<Value> {
        let found = self
            .scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name))
            .cloned();
        let Some(Value::Code(body)) = found else {
            return Ok(found.unwrap_or(Value::Nil));
        };
        let mut scope = HashMap::new();
        for (index, expression) in command.plain.iter().enumerate() {
            scope.insert((index + 1).to_string(), self.value(expression)?);
        }
        for (name, expression) in &command.named {
            scope.insert(name.clone(), self.value(expression)?);
        }
        if self.scopes.len() > 100 {
            return Err(Failure::Unsupported(
                "functions that call so deep".to_owned(),
            ));
        }
        // A function sees its arguments and nothing of where it is called from.
        let callers = std::mem::replace(&mut self.scopes, vec![scope]);
        let end = self.statements(&Arc::clone(&body));
        self.scopes = callers;
        match end? {
            End::Returned(value) => Ok(value),
            End::Reached => Ok(Value::Nil),
        }
    }

    fn menu(&mut self, menu: MenuId, verb: &str, command: &Command) -> Outcome<Value> {
        match verb {
            "find" => self.find(menu, command),
            "get" => {
                let (row, name) = (
                    self.target(menu, command, 0)?.shown(),
                    self.plain(command, 1)?.shown(),
                );
                let row = self
                    .state
                    .resolve(menu, row.as_bytes())
                    .and_then(|id| self.state.table(menu).get(id));
                let row = row.ok_or_else(|| Failure::Error("no such item".to_owned()))?;
                let value = self.state.property(row, name.as_bytes());
                Ok(value.map_or(Value::Nil, |value| {
                    Value::Text(String::from_utf8_lossy(&value).into_owned())
                }))
            }
            _ => self.write(menu, verb, command),
        }
    }

    /// What a command is about: its plain value, in which a bare `find` is of the same menu.
    fn target(&mut self, menu: MenuId, command: &Command, index: usize) -> Outcome<Value> {
        match command.plain.get(index) {
            Some(Expression::Command(inner)) => self.command(inner, Some(menu)),
            Some(expression) => self.value(expression),
            None => Ok(self.named(command, "numbers")?.unwrap_or(Value::Nil)),
        }
    }

    /// Writes as the API does, with every right: with which policies hooks run is not documented.
    fn write(&mut self, menu: MenuId, verb: &str, command: &Command) -> Outcome<Value> {
        let mut words = Words::new(format!("{}/{verb}", menu.menu().path));
        if verb != "add" {
            let ids = match self.target(menu, command, 0)? {
                Value::List(ids) => ids
                    .iter()
                    .map(|(_, id)| id.shown())
                    .collect::<Vec<_>>()
                    .join(","),
                Value::Nil => String::new(),
                id => id.shown(),
            };
            // Nothing found is nothing to do.
            if ids.is_empty() {
                return Ok(Value::Nil);
            }
            words = words.attribute(".id", ids);
        }
        for (name, expression) in command.named.iter().filter(|(name, _)| name != "numbers") {
            let value = match self.value(expression)? {
                Value::Bool(holds) => if holds { "yes" } else { "no" }.to_owned(),
                value => value.shown(),
            };
            words = words.attribute(name, value);
        }
        let done = self.state.administer(&words.build());
        done.map(|_| Value::Nil).map_err(Failure::Error)
    }

    /// The ids of the rows that have all of these values.
    fn find(&mut self, menu: MenuId, command: &Command) -> Outcome<Value> {
        if !command.plain.is_empty() {
            return Err(Failure::Unsupported("such a condition of find".to_owned()));
        }
        let mut wanted = Vec::new();
        for (name, expression) in &command.named {
            if menu.menu().index(name).is_none() {
                return Err(Failure::Error(format!("bad parameter {name}")));
            }
            wanted.push((name.clone(), self.value(expression)?.shown()));
        }
        let state = &*self.state;
        let matches = |id: &RowId| {
            let row = state.table(menu).get(*id);
            let has = |(name, value): &(String, String)| {
                let found = row.and_then(|row| state.property(row, name.as_bytes()));
                found.as_deref().unwrap_or_default() == value.as_bytes()
            };
            wanted.iter().all(has)
        };
        let named = |name: &str| {
            wanted
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_bytes())
        };
        let unique = menu.menu().unique.map_or(&[][..], |unique| unique.fields);
        let key: Option<Vec<&[u8]>> = unique.iter().map(|name| named(name)).collect();
        let candidates = match key.filter(|key| !key.is_empty()) {
            Some(key) => state
                .table(menu)
                .find(&key)
                .map(|row| row.id)
                .into_iter()
                .collect(),
            None => state.table(menu).ids(),
        };
        let ids = candidates
            .iter()
            .filter(|id| matches(id))
            .map(|id| (None, Value::Text(id.to_string())));
        Ok(Value::List(ids.collect()))
    }

    fn fetch(&mut self, command: &Command) -> Outcome<Value> {
        let mut text =
            |name: &str| Ok::<_, Failure>(self.named(command, name)?.map(|value| value.shown()));
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
        Ok(Value::Nil)
    }

    fn serialize(&mut self, command: &Command) -> Outcome<Value> {
        if !self.state.version.at_least(7, 15) {
            return Err(Failure::Error("bad command name serialize".to_owned()));
        }
        let to = self.named(command, "to")?.map(|value| value.shown());
        let value = self.named(command, "value")?.unwrap_or(Value::Nil);
        if to.as_deref() != Some("json") {
            return Err(Failure::Unsupported(
                ":serialize to anything but json".to_owned(),
            ));
        }
        let keep_text = self
            .named(command, "options")?
            .is_some_and(|options| options.shown() == "json.no-string-conversion");
        bounded(json(&value, keep_text))
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

fn length(value: &Value) -> i64 {
    let length = match value {
        Value::List(items) => items.len(),
        value => value.shown().len(),
    };
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// By bytes, as RouterOS counts.
fn pick(text: &str, from: i64, to: i64) -> Value {
    let index = |number: i64| usize::try_from(number).unwrap_or(0).min(text.len());
    let bytes = text
        .as_bytes()
        .get(index(from)..index(to))
        .unwrap_or_default();
    Value::Text(String::from_utf8_lossy(bytes).into_owned())
}

/// Without the option, text that looks like a number becomes one.
fn json(value: &Value, keep_text: bool) -> String {
    match value {
        Value::Nil | Value::Code(_) => "null".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(holds) => holds.to_string(),
        Value::Text(text) if !keep_text && text.parse::<i64>().is_ok() => {
            text.parse::<i64>().unwrap_or(0).to_string()
        }
        Value::Text(text) | Value::Address(text) => quote(text),
        Value::List(items) if items.iter().any(|(key, _)| key.is_some()) => {
            let member = |(key, value): &(Option<String>, Value)| {
                format!(
                    "{}:{}",
                    quote(key.as_deref().unwrap_or_default()),
                    json(value, keep_text)
                )
            };
            format!(
                "{{{}}}",
                items.iter().map(member).collect::<Vec<_>>().join(",")
            )
        }
        Value::List(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|(_, value)| json(value, keep_text))
                .collect();
            format!("[{}]", items.join(","))
        }
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
