//! Values, strings and expressions.

use super::{
    super::{
        Value,
        ast::{Expression, Operator},
    },
    Parsed, Parser, is_word,
};

impl Parser<'_> {
    /// One value, as it stands after a command or an equals sign.
    pub(super) fn value(&mut self) -> Parsed<Expression> {
        self.blanks();
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'$') => {
                self.at += 1;
                Ok(Expression::Variable(self.name()?))
            }
            Some(b'(') => {
                self.at += 1;
                self.enter()?;
                let inner = self.expression(0)?;
                self.blanks_and_lines();
                self.expect(")")?;
                self.depth -= 1;
                Ok(inner)
            }
            Some(b'[') => {
                self.at += 1;
                self.enter()?;
                let command = self.command(b']')?;
                self.blanks();
                self.expect("]")?;
                self.depth -= 1;
                Ok(Expression::Command(Box::new(command)))
            }
            Some(b'{') => self.list(),
            Some(byte) if is_bare(byte) => {
                let start = self.at;
                while self.peek().is_some_and(is_bare) {
                    self.at += 1;
                }
                let text =
                    String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default())
                        .into_owned();
                Ok(Expression::Value(literal(text)))
            }
            _ => Err(self.error("expected value")),
        }
    }

    fn blanks_and_lines(&mut self) {
        loop {
            self.blanks();
            if !self.eat("\n") {
                return;
            }
        }
    }

    /// `{"a"="b";"c"}`
    fn list(&mut self) -> Parsed<Expression> {
        self.expect("{")?;
        self.enter()?;
        let mut items = Vec::new();
        loop {
            self.blanks_and_lines();
            if self.eat("}") {
                break;
            }
            let first = self.value()?;
            self.blanks();
            if self.eat("=") {
                items.push((Some(first), self.value()?));
            } else {
                items.push((None, first));
            }
            self.blanks_and_lines();
            if !self.eat(";") && !self.eat(",") && self.peek() != Some(b'}') {
                return Err(self.error("expected ; or }"));
            }
        }
        self.depth -= 1;
        Ok(Expression::List(items))
    }

    /// Operators by how strongly they bind, weakest first.
    fn expression(&mut self, level: usize) -> Parsed<Expression> {
        const LEVELS: [&[(&str, Operator)]; 5] = [
            &[("||", Operator::Or), ("or ", Operator::Or)],
            &[("&&", Operator::And), ("and ", Operator::And)],
            &[
                ("<=", Operator::AtMost),
                (">=", Operator::AtLeast),
                ("!=", Operator::Unequal),
                ("=", Operator::Equal),
                ("<", Operator::Less),
                (">", Operator::Greater),
            ],
            &[("+", Operator::Add), ("-", Operator::Subtract)],
            &[(".", Operator::Join)],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.operand();
        };
        let mut left = self.expression(level + 1)?;
        loop {
            self.blanks_and_lines();
            let Some((_, operator)) = operators.iter().find(|(text, _)| self.eat(text)) else {
                return Ok(left);
            };
            let right = self.expression(level + 1)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn operand(&mut self) -> Parsed<Expression> {
        self.blanks_and_lines();
        if self.eat("!") {
            self.enter()?;
            let inner = self.operand()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(inner)));
        }
        self.value()
    }

    fn string(&mut self) -> Parsed<Expression> {
        self.expect("\"")?;
        let mut parts = Vec::new();
        let mut text = Vec::new();
        loop {
            match self.next() {
                None => return Err(self.error("missing \"")),
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut text)?,
                Some(b'$') => {
                    let part = match self.peek() {
                        Some(b'(' | b'[') => self.value()?,
                        _ => Expression::Variable(self.name()?),
                    };
                    parts.push(Expression::Value(take_text(&mut text)));
                    parts.push(part);
                }
                Some(byte) => text.push(byte),
            }
        }
        parts.push(Expression::Value(take_text(&mut text)));
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Ok(Expression::Joined(parts))
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Parsed<()> {
        let byte = match self.next() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'_') => b' ',
            Some(byte @ (b'"' | b'\\' | b'$' | b'?')) => byte,
            // A line that goes on.
            Some(b'\n') => {
                self.blanks();
                return Ok(());
            }
            Some(high) if is_hex(high) => match self.next() {
                Some(low) if is_hex(low) => hex(high) << 4 | hex(low),
                _ => return Err(self.error("syntax error")),
            },
            _ => return Err(self.error("syntax error")),
        };
        text.push(byte);
        Ok(())
    }
}

fn take_text(bytes: &mut Vec<u8>) -> Value {
    Value::Text(String::from_utf8_lossy(&std::mem::take(bytes)).into_owned())
}

fn literal(text: String) -> Value {
    match text.as_str() {
        "true" | "yes" => Value::Bool(true),
        "false" | "no" => Value::Bool(false),
        _ => text.parse().map_or(Value::Text(text), Value::Number),
    }
}

const fn is_bare(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'_' | b'.' | b':' | b'/' | b'*' | b'@' | b'%')
}

/// Only capital letters are digits in an escape.
const fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

const fn hex(byte: u8) -> u8 {
    if byte.is_ascii_digit() {
        byte - b'0'
    } else {
        byte - b'A' + 10
    }
}
