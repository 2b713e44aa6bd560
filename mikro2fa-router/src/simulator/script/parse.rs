//! Text to statements.

mod command;
mod value;

use std::sync::Arc;

use super::{
    super::{
        menu::{Edition, MenuId},
        version::Version,
    },
    Failure, Syntax, Value,
    ast::{Block, Command, Expression, Statement, What},
};

/// How deep brackets may nest.
const MAX_DEPTH: usize = 48;

/// Reads a whole script.
pub(super) fn parse(source: &[u8], edition: Edition) -> Result<Block, Failure> {
    let mut parser = Parser {
        source,
        at: 0,
        edition,
        version: edition.version,
        depth: 0,
        directory: String::new(),
        mode: Mode::Plain,
    };
    let block = parser.statements(None)?;
    Ok(Arc::new(block))
}

struct Parser<'s> {
    source: &'s [u8],
    at: usize,
    edition: Edition,
    version: Version,
    depth: usize,
    /// The menu that commands without a leading slash are in.
    directory: String,
    mode: Mode,
}

/// How a bare word is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// After a command: what it looks like.
    Plain,
    /// After `name=` of a command: as it is.
    Argument,
    /// Between brackets: what it looks like, up to an operator.
    Inner,
    /// In a condition about a menu's rows: a property's name.
    Condition(MenuId),
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
            Err(self.syntax_error())
        }
    }

    fn syntax_error(&self) -> Failure {
        self.error_at(self.at, "syntax error")
    }

    /// What is wrong and where, as RouterOS says it: bytes from 1.
    fn error_at(&self, at: usize, what: &str) -> Failure {
        let before = self.source.get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count()
            + 1;
        Failure::Syntax(Syntax {
            what: what.to_owned(),
            unknown: false,
            line,
            column,
        })
    }

    /// The same for a command, menu or argument that there is not.
    fn unknown_at(&self, at: usize, what: &str) -> Failure {
        let mut failure = self.error_at(at, what);
        if let Failure::Syntax(syntax) = &mut failure {
            syntax.unknown = true;
        }
        failure
    }

    /// Blanks and continued lines.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if matches!(self.source.get(self.at + 1), Some(b'\n')) => self.at += 2,
                Some(b'\\') if self.source.get(self.at + 1..self.at + 3) == Some(b"\r\n") => {
                    self.at += 3;
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
            Err(self.error_at(self.at, "nested too deep"))
        } else {
            Ok(())
        }
    }

    fn in_mode<T>(&mut self, mode: Mode, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.mode, mode);
        let read = read(self);
        self.mode = outer;
        read
    }

    /// Statements up to the bracket that ends them. A menu that is entered there is left with it.
    fn statements(&mut self, end: Option<u8>) -> Parsed<Vec<Statement>> {
        self.enter()?;
        let outer = self.directory.clone();
        let mut all = Vec::new();
        loop {
            self.gaps();
            match (self.peek(), end) {
                (None, None) => break,
                (Some(byte), Some(end)) if byte == end => {
                    self.at += 1;
                    break;
                }
                (None, Some(_)) | (Some(b'}' | b']' | b')'), _) => return Err(self.syntax_error()),
                _ => all.extend(self.statement()?),
            }
        }
        self.directory = outer;
        self.depth -= 1;
        Ok(all)
    }

    fn block(&mut self) -> Parsed<Block> {
        self.blanks();
        self.expect("{")?;
        let statements = self.in_mode(Mode::Plain, |parser| parser.statements(Some(b'}')))?;
        Ok(Arc::new(statements))
    }

    /// `None` where it only enters a menu.
    fn statement(&mut self) -> Parsed<Option<Statement>> {
        let statement = match self.peek() {
            Some(b'{') => Statement::Scope(self.block()?),
            Some(b'[') => {
                let mut command = Command::new(What::Builtin("nothing"));
                command.plain.push(self.value()?);
                Statement::Run(command)
            }
            Some(b':') => {
                let start = self.at;
                self.at += 1;
                let word = self.word();
                match self.keyword(&word)? {
                    Some(statement) => statement,
                    None => Statement::Run(self.builtin(start + 1, &word)?),
                }
            }
            _ => match self.bare_keyword()? {
                Some(statement) => statement,
                None => match self.menu_or_command()? {
                    Some(statement) => statement,
                    None => return Ok(None),
                },
            },
        };
        self.end_of_statement()?;
        Ok(Some(statement))
    }

    /// At the root, commands of the language need no colon.
    fn bare_keyword(&mut self) -> Parsed<Option<Statement>> {
        let start = self.at;
        if self.directory.is_empty() && self.peek().is_some_and(|byte| byte.is_ascii_lowercase()) {
            let word = self.word();
            if let Some(statement) = self.keyword(&word)? {
                return Ok(Some(statement));
            }
        }
        self.at = start;
        Ok(None)
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        self.blanks();
        match self.peek() {
            None | Some(b'\n' | b';' | b'}' | b']' | b'#') => Ok(()),
            Some(_) => Err(self.error_at(self.at, "expected end of command")),
        }
    }

    /// What follows `:word`, if that is a word of the language itself.
    fn keyword(&mut self, word: &str) -> Parsed<Option<Statement>> {
        let statement = match word {
            "local" | "set" => {
                let name = self.name()?;
                let value = self.assigned()?.unwrap_or(Expression::Value(Value::Nil));
                if word == "local" {
                    Statement::Local(name, value)
                } else {
                    Statement::Set(name, value)
                }
            }
            "global" => {
                let name = self.name()?;
                Statement::Global(name, self.assigned()?)
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
                Statement::If(condition, then, otherwise)
            }
            "for" => self.count()?,
            "foreach" => self.each()?,
            "while" => {
                let condition = self.value()?;
                self.label("do")?;
                Statement::While(condition, self.block()?)
            }
            "do" => {
                let body = self.block()?;
                let on_error = if self.has_label("on-error") {
                    Some(self.block()?)
                } else {
                    None
                };
                Statement::Do { body, on_error }
            }
            "onerror" if self.version.at_least(7, 13) => {
                let name = self.name()?;
                self.label("in")?;
                let body = self.block()?;
                self.label("do")?;
                Statement::OnError {
                    name,
                    body,
                    handler: self.block()?,
                }
            }
            "return" => Statement::Return(
                self.optional_value()?
                    .unwrap_or(Expression::Value(Value::Nil)),
            ),
            _ => return Ok(None),
        };
        Ok(Some(statement))
    }

    fn assigned(&mut self) -> Parsed<Option<Expression>> {
        self.blanks();
        if self.eat("do=") {
            Ok(Some(Expression::Value(Value::Code(self.block()?, None))))
        } else {
            self.optional_value()
        }
    }

    fn count(&mut self) -> Parsed<Statement> {
        let name = self.name()?;
        self.label("from")?;
        let from = self.value()?;
        self.label("to")?;
        let to = self.value()?;
        let step = if self.has_label("step") {
            Some(self.value()?)
        } else {
            None
        };
        self.label("do")?;
        Ok(Statement::For {
            name,
            from,
            to,
            step,
            body: self.block()?,
        })
    }

    fn each(&mut self) -> Parsed<Statement> {
        let first = self.name()?;
        let (key, name) = if self.eat(",") {
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        self.label("in")?;
        let list = self.value()?;
        self.label("do")?;
        Ok(Statement::Foreach {
            key,
            name,
            list,
            body: self.block()?,
        })
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
        let quoted = self.eat("\"");
        let start = self.at;
        while self.peek().is_some_and(|byte| {
            if quoted {
                byte != b'"' && byte != b'\n'
            } else {
                byte.is_ascii_alphanumeric()
            }
        }) {
            self.at += 1;
        }
        let name = String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default())
            .into_owned();
        if quoted {
            self.expect("\"")?;
        }
        if name.is_empty() {
            Err(self.syntax_error())
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
            self.blanks();
            Err(self.syntax_error())
        }
    }

    fn at_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'\n' | b';' | b'}' | b']'))
    }

    fn optional_value(&mut self) -> Parsed<Option<Expression>> {
        self.blanks();
        if self.at_end() {
            Ok(None)
        } else {
            self.value().map(Some)
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
