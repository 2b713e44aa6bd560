//! Commands of the language: `:len`, `:put`, `:serialize` and their kin.

use std::collections::HashMap;

use super::{
    super::{
        super::table::RowId,
        Failure, Value,
        ast::{Block, Command},
        json, parse,
    },
    End, Outcome, Runner, Slot, bounded,
};
use crate::duration;

impl Runner<'_> {
    fn plain(&mut self, command: &Command, index: usize) -> Outcome<Value> {
        command
            .plain
            .get(index)
            .map_or(Ok(Value::Nothing), |expression| self.value(expression))
    }

    pub(super) fn named(&mut self, command: &Command, name: &str) -> Outcome<Option<Value>> {
        let found = command.named.iter().find(|(known, _)| known == name);
        found
            .map(|(_, expression)| self.value(expression))
            .transpose()
    }

    /// An argument that may be given by name or by its place.
    fn given(&mut self, command: &Command, name: &str, index: usize) -> Outcome<Value> {
        match self.named(command, name)? {
            Some(value) => Ok(value),
            None => self.plain(command, index),
        }
    }

    pub(super) fn builtin(&mut self, name: &str, command: &Command) -> Outcome<Value> {
        match name {
            "put" => {
                let message = self.given(command, "message", 0)?.shown();
                self.print_line(&message)?;
                return Ok(Value::Nothing);
            }
            "error" => {
                let message = self.given(command, "message", 0)?.lossy();
                return Err(Failure::Error(message));
            }
            "serialize" => return self.serialize(command),
            // It takes no time here: a line is carried out at one moment of the simulator's clock.
            "delay" => {
                self.given(command, "delay-time", 0)?;
                return Ok(Value::Nothing);
            }
            "log" => {
                let level = self.plain(command, 0)?.lossy();
                let message = self.given(command, "message", 1)?.lossy();
                self.state.log(&format!("script,{level}"), message);
                return Ok(Value::Nothing);
            }
            _ => {}
        }
        let first = self.given(command, "value", 0)?;
        Ok(match name {
            "len" => Value::Number(length(&first)),
            "tostr" => Value::Text(first.shown()),
            "tonum" => first.number().map_or(Value::Nil, Value::Number),
            "tobool" => match Value::literal(&first.shown()) {
                holds @ Value::Bool(_) => holds,
                Value::Number(number) => Value::Bool(number != 0),
                _ => Value::Nil,
            },
            "toid" => RowId::parse(&first.shown()).map_or(Value::Nil, Value::Id),
            "totime" => match first {
                time @ Value::Time(_) => time,
                other => duration::parse(&other.lossy()).map_or(Value::Nil, Value::Time),
            },
            "toip" => first
                .lossy()
                .parse::<std::net::IpAddr>()
                .map_or(Value::Nil, |ip| Value::Address(ip.to_string())),
            "toarray" => to_array(first),
            "typeof" => Value::text(first.type_name()),
            "pick" => {
                let (from, to) = (
                    self.plain(command, 1)?.number(),
                    self.plain(command, 2)?.number(),
                );
                let from = from.unwrap_or(0);
                pick(&first, from, to.unwrap_or_else(|| from.saturating_add(1)))
            }
            "find" => {
                let wanted = self.plain(command, 1)?;
                let after = self.plain(command, 2)?.number();
                find(&first, &wanted, after)
            }
            "parse" => self.read(&first),
            _ => Value::Nothing,
        })
    }

    pub(super) fn print_line(&mut self, line: &[u8]) -> Outcome<()> {
        self.print(line)?;
        self.print(b"\r\n")
    }

    pub(super) fn print(&mut self, text: &[u8]) -> Outcome<()> {
        const MOST: usize = 64 << 20;
        if self.output.len().saturating_add(text.len()) > MOST {
            return Err(Failure::Unsupported("output of that length".to_owned()));
        }
        self.output.extend_from_slice(text);
        Ok(())
    }

    /// As `:parse` answers: code, or a text that says what is wrong.
    fn read(&self, source: &Value) -> Value {
        let source = source.shown();
        match parse::parse(&source, self.state.edition()) {
            Ok(block) => {
                let words = super::super::ast::words(&block);
                let shown = if words.is_empty() {
                    "(evl (code))".to_owned()
                } else {
                    format!("(evl {})", words.join("; "))
                };
                Value::Code(block, Some(shown))
            }
            Err(Failure::Syntax(syntax)) if syntax.what.starts_with("bad parameter") => {
                Value::text(format!("(evl {})", Failure::Syntax(syntax)))
            }
            Err(failure) => Value::text(format!("(<%% {failure})")),
        }
    }

    pub(super) fn function(&mut self, name: &str, command: &Command) -> Outcome<Value> {
        let body: Block = match self.variable(name) {
            Value::Code(body, _) => body,
            other => return Ok(other),
        };
        let mut scope = HashMap::new();
        for (index, expression) in command.plain.iter().enumerate() {
            let value = self.value(expression)?;
            scope.insert((index + 1).to_string(), Slot::Local(value));
        }
        for (name, expression) in &command.named {
            let value = self.value(expression)?;
            scope.insert(name.clone(), Slot::Local(value));
        }
        // A function sees its arguments and nothing of where it is called from.
        let callers = std::mem::replace(&mut self.scopes, vec![scope]);
        let saw = std::mem::replace(&mut self.sees_globals, false);
        let end = self.statements(&body);
        self.scopes = callers;
        self.sees_globals = saw;
        match end? {
            End::Returned(value) => Ok(value),
            End::Reached => Ok(Value::Nothing),
        }
    }

    fn serialize(&mut self, command: &Command) -> Outcome<Value> {
        let to = self.named(command, "to")?.map(|value| value.lossy());
        let value = self.given(command, "value", 0)?;
        if to.as_deref() != Some("json") {
            return Err(Failure::Unsupported(
                ":serialize to anything but json".to_owned(),
            ));
        }
        let options = self.named(command, "options")?;
        if options.is_some() && !self.state.version.at_least(7, 16) {
            return Err(Failure::error("bad parameter options"));
        }
        let mut keep_text = false;
        for option in options
            .map(|options| options.lossy())
            .unwrap_or_default()
            .split([',', ';'])
        {
            match option {
                "json.no-string-conversion" => keep_text = true,
                "" => {}
                "json.pretty" => return Err(Failure::Unsupported("json.pretty".to_owned())),
                _ => return Err(Failure::error("input does not match any value of options")),
            }
        }
        let mut text = Vec::new();
        json::serialize(
            &value,
            keep_text,
            self.state.quirks.json_escapes_bytes,
            &mut text,
        );
        bounded(text)
    }
}

fn length(value: &Value) -> i64 {
    let length = match value {
        Value::List(items) => items.len(),
        value => value.shown().len(),
    };
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// By bytes, as RouterOS counts.
fn pick(value: &Value, from: i64, to: i64) -> Value {
    let index = |number: i64, most: usize| usize::try_from(number).unwrap_or(0).min(most);
    match value {
        Value::List(items) => {
            let (from, to) = (index(from, items.len()), index(to, items.len()));
            let picked = items.get(from..to).unwrap_or_default();
            match picked {
                [(_, only)] => only.clone(),
                several => Value::List(several.to_vec()),
            }
        }
        value => {
            let text = value.shown();
            let (from, to) = (index(from, text.len()), index(to, text.len()));
            Value::text(text.get(from..to).unwrap_or_default())
        }
    }
}

/// Where something is in a text or list, after a place if one is given; nil where it is not.
fn find(value: &Value, wanted: &Value, after: Option<i64>) -> Value {
    let start = after.map_or(0, |after| {
        usize::try_from(after.saturating_add(1)).unwrap_or(0)
    });
    let needle = wanted.shown();
    let found = match value {
        Value::List(items) => {
            let mut places = items.iter().enumerate().skip(start);
            places
                .find(|(_, (_, item))| item.shown() == needle)
                .map(|(place, _)| place)
        }
        value => {
            let text = value.shown();
            let rest = text.get(start..).unwrap_or_default();
            let place = if needle.is_empty() {
                Some(0)
            } else {
                rest.windows(needle.len()).position(|part| part == needle)
            };
            place.map(|place| place.saturating_add(start))
        }
    };
    let number = found.and_then(|place| i64::try_from(place).ok());
    number.map_or(Value::Nil, Value::Number)
}

/// A text is split at its commas and semicolons.
fn to_array(value: Value) -> Value {
    match value {
        Value::List(items) => Value::List(items),
        Value::Nothing | Value::Nil => Value::List(Vec::new()),
        other => {
            let text = other.shown();
            let parts = text.split(|byte| matches!(byte, b',' | b';'));
            let items = parts.filter(|part| !part.is_empty());
            Value::List(items.map(|part| (None, Value::literal(part))).collect())
        }
    }
}
