//! Text to statements.

mod value;

use std::sync::Arc;

use super::{
    super::{menu, version::Version},
    Failure, Value,
    ast::{Block, Command, Expression, Statement, What},
};

/// How deep brackets may nest.
const MAX_DEPTH: usize = 64;

/// Verbs of menus that can be run.
const VERBS: [&str; 7] = ["add", "set", "remove", "enable", "disable", "find", "get"];
/// Commands in brackets, or alone, that begin with a colon.
const BUILTINS: [&str; 10] = [
    "len",
    "tostr",
    "tonum",
    "pick",
    "find",
    "typeof",
    "log",
    "put",
    "serialize",
    "toip",
];

/// Arguments of `/tool fetch`, and the version that first has them. An unknown one makes the whole script unreadable.
const FETCH: [(&str, u8, u8); 19] = [
    ("url", 6, 0),
    ("mode", 6, 0),
    ("address", 6, 0),
    ("host", 6, 0),
    ("port", 6, 0),
    ("src-path", 6, 0),
    ("dst-path", 6, 0),
    ("user", 6, 0),
    ("password", 6, 0),
    ("http-method", 6, 40),
    ("http-data", 6, 40),
    ("http-header-field", 6, 40),
    ("check-certificate", 6, 0),
    ("output", 6, 40),
    ("keep-result", 6, 0),
    ("as-value", 6, 43),
    ("duration", 7, 1),
    ("idle-timeout", 7, 15),
    ("http-max-redirect-count", 7, 18),
];

/// Reads a whole script.
pub(super) fn parse(source: &str, version: Version) -> Result<Block, Failure> {
    let mut parser = Parser {
        source: source.as_bytes(),
        at: 0,
        version,
        depth: 0,
        within: None,
    };
    let block = parser.statements(None)?;
    Ok(Arc::new(block))
}

struct Parser<'s> {
    source: &'s [u8],
    at: usize,
    version: Version,
    depth: usize,
    /// The menu of the command whose arguments are read, for a bare `find` among them.
    within: Option<menu::MenuId>,
}

type Parsed<T> = Result<T, Failure>;

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self
            .source
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(text.as_bytes()));
        if found {
            self.at += text.len();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.eat(text) {
            Ok(())
        } else {
            Err(self.error(&format!("expected {text}")))
        }
    }

    /// Where we are, as RouterOS says it: bytes from 1.
    fn error(&self, what: &str) -> Failure {
        let before = self.source.get(..self.at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count()
            + 1;
        Failure::Error(format!("{what} (line {line} column {column})"))
    }

    /// Blanks and continued lines.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if matches!(self.source.get(self.at + 1), Some(b'\n')) => self.at += 2,
                Some(b'\\') if self.source.get(self.at + 1..self.at + 3) == Some(b"\r\n") => {
                    self.at += 3
                }
                _ => return,
            }
        }
    }

    /// Blanks, line ends, separators, comments.
    fn gaps(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n' | b';') => self.at += 1,
                Some(b'#') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(self.error("nested too deep"))
        } else {
            Ok(())
        }
    }

    fn statements(&mut self, end: Option<u8>) -> Parsed<Vec<Statement>> {
        self.enter()?;
        let mut all = Vec::new();
        loop {
            self.gaps();
            match (self.peek(), end) {
                (None, None) => break,
                (None, Some(_)) => return Err(self.error("missing }")),
                (Some(byte), Some(end)) if byte == end => {
                    self.at += 1;
                    break;
                }
                _ => all.push(self.statement()?),
            }
        }
        self.depth -= 1;
        Ok(all)
    }

    fn block(&mut self) -> Parsed<Block> {
        self.blanks();
        self.expect("{")?;
        Ok(Arc::new(self.statements(Some(b'}'))?))
    }

    fn statement(&mut self) -> Parsed<Statement> {
        match self.peek() {
            Some(b'{') => Ok(Statement::Scope(self.block()?)),
            Some(b':') => self.keyword(),
            _ => Ok(Statement::Run(self.command(b'\n')?)),
        }
    }

    fn keyword(&mut self) -> Parsed<Statement> {
        let start = self.at;
        self.at += 1;
        let word = self.word();
        match word.as_str() {
            "local" | "set" => {
                let name = self.name()?;
                self.blanks();
                let value = if self.eat("do=") {
                    Expression::Value(Value::Code(self.block()?))
                } else {
                    self.optional_value()?
                };
                Ok(if word == "local" {
                    Statement::Local(name, value)
                } else {
                    Statement::Set(name, value)
                })
            }
            "if" => {
                let condition = self.value()?;
                self.label("do")?;
                let then = self.block()?;
                let otherwise = if self.has_label("else") {
                    Some(self.block()?)
                } else {
                    None
                };
                Ok(Statement::If(condition, then, otherwise))
            }
            "for" => {
                let name = self.name()?;
                self.label("from")?;
                let from = self.value()?;
                self.label("to")?;
                let to = self.value()?;
                self.label("do")?;
                Ok(Statement::For {
                    name,
                    from,
                    to,
                    body: self.block()?,
                })
            }
            "foreach" => {
                let name = self.name()?;
                self.label("in")?;
                let list = self.value()?;
                self.label("do")?;
                Ok(Statement::Foreach {
                    name,
                    list,
                    body: self.block()?,
                })
            }
            "do" => {
                let body = self.block()?;
                let on_error = if self.has_label("on-error") {
                    Some(self.block()?)
                } else {
                    None
                };
                Ok(Statement::Do { body, on_error })
            }
            "onerror" if self.version.at_least(7, 13) => {
                let name = self.name()?;
                self.label("in")?;
                let body = self.block()?;
                self.label("do")?;
                Ok(Statement::OnError {
                    name,
                    body,
                    handler: self.block()?,
                })
            }
            "return" => Ok(Statement::Return(self.optional_value()?)),
            _ => {
                self.at = start;
                Ok(Statement::Run(self.command(b'\n')?))
            }
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(is_word) {
            self.at += 1;
        }
        String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default()).into_owned()
    }

    /// A variable's name, bare or in quotes.
    fn name(&mut self) -> Parsed<String> {
        self.blanks();
        if self.eat("\"") {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'"') {
                self.at += 1;
            }
            let name = String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default())
                .into_owned();
            self.expect("\"")?;
            return Ok(name);
        }
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        let name = String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default())
            .into_owned();
        if name.is_empty() {
            Err(self.error("expected variable name"))
        } else {
            Ok(name)
        }
    }

    fn has_label(&mut self, name: &str) -> bool {
        let start = self.at;
        self.blanks();
        let found = self.eat(name) && self.eat("=");
        if !found {
            self.at = start;
        }
        found
    }

    fn label(&mut self, name: &str) -> Parsed<()> {
        if self.has_label(name) {
            Ok(())
        } else {
            Err(self.error(&format!("expected {name}=")))
        }
    }

    fn at_end(&self, end: u8) -> bool {
        match self.peek() {
            None | Some(b'\n' | b';' | b'}') => true,
            Some(byte) => byte == end,
        }
    }

    fn optional_value(&mut self) -> Parsed<Expression> {
        self.blanks();
        if self.at_end(b']') {
            Ok(Expression::Value(Value::Nil))
        } else {
            self.value()
        }
    }

    fn command(&mut self, end: u8) -> Parsed<Command> {
        self.blanks();
        let what = match self.peek() {
            Some(b'$') => {
                self.at += 1;
                What::Function(self.name()?)
            }
            Some(b':') => {
                self.at += 1;
                let word = self.word();
                if !BUILTINS.contains(&word.as_str()) {
                    return Err(Failure::Unsupported(format!(":{word}")));
                }
                What::Builtin(word)
            }
            Some(b'/') => self.menu_command()?,
            _ => {
                let word = self.word();
                if word != "find" {
                    return Err(self.error(&format!("bad command name {word}")));
                }
                What::Find
            }
        };
        self.arguments(what, end)
    }

    /// `/ip firewall address-list remove`, with blanks or slashes between.
    fn menu_command(&mut self) -> Parsed<What> {
        let mut path = String::new();
        loop {
            while self.eat("/") || self.eat(" ") {}
            let word = self.word();
            match (path.as_str(), word.as_str()) {
                (_, "") => return Err(self.error("expected command name")),
                ("/tool", "fetch") => return Ok(What::Fetch),
                ("/log", level) => return Ok(What::Builtin(format!("log {level}"))),
                (_, verb) if VERBS.contains(&verb) && !path.is_empty() => {
                    let found = menu::at_path(&path, self.version);
                    let found =
                        found.ok_or_else(|| self.error(&format!("bad command name {path}")))?;
                    return Ok(What::Menu(found, word));
                }
                _ if path.len() > 200 => {
                    return Err(self.error(&format!("bad command name {word}")));
                }
                _ => {
                    path.push('/');
                    path.push_str(&word);
                }
            }
        }
    }

    fn arguments(&mut self, what: What, end: u8) -> Parsed<Command> {
        let outer = self.within;
        if let What::Menu(menu, _) = &what {
            self.within = Some(*menu);
        }
        let command = self.read_arguments(what, end);
        self.within = outer;
        command
    }

    fn read_arguments(&mut self, what: What, end: u8) -> Parsed<Command> {
        let mut command = Command {
            what,
            plain: Vec::new(),
            named: Vec::new(),
        };
        loop {
            self.blanks();
            if self.at_end(end) {
                return Ok(command);
            }
            let start = self.at;
            let word = self.word();
            match (word.as_str(), self.peek()) {
                ("where" | "and", Some(b' ')) if self.finds(&command) => {}
                ("", Some(b'&')) if self.finds(&command) => self.expect("&&")?,
                ("as-value", _) if matches!(command.what, What::Fetch) => {
                    command
                        .named
                        .push((word, Expression::Value(Value::Bool(true))));
                }
                (name, Some(b'=')) if !name.is_empty() => {
                    self.at += 1;
                    self.check_argument(&command.what, name)?;
                    command.named.push((word, self.value()?));
                }
                (name, Some(b'~')) if !name.is_empty() => {
                    return Err(Failure::Unsupported(format!("{name}~")));
                }
                _ => {
                    self.at = start;
                    command.plain.push(self.value()?);
                }
            }
        }
    }

    fn finds(&self, command: &Command) -> bool {
        matches!(&command.what, What::Find)
            || matches!(&command.what, What::Menu(_, verb) if verb == "find")
    }

    fn check_argument(&self, what: &What, name: &str) -> Parsed<()> {
        let known = match what {
            What::Fetch => FETCH.iter().any(|(known, major, minor)| {
                *known == name && self.version.at_least(*major, *minor)
            }),
            What::Menu(menu, _) => {
                menu.menu().index(name).is_some() || matches!(name, "numbers" | "value-name")
            }
            What::Find => self
                .within
                .is_none_or(|menu| menu.menu().index(name).is_some()),
            _ => true,
        };
        if known {
            Ok(())
        } else {
            Err(self.error(&format!("bad parameter {name}")))
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
