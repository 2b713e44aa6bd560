//! Values, strings and expressions.

use super::{
    super::{
        Value,
        ast::{Expression, Operator},
    },
    Mode, Parsed, Parser, is_word,
};

/// Operators by how strongly they bind, weakest first.
const LEVELS: [&[(&str, Operator)]; 7] = [
    &[
        ("||", Operator::Or),
        ("or ", Operator::Or),
        ("or(", Operator::Or),
    ],
    &[
        ("&&", Operator::And),
        ("and ", Operator::And),
        ("and(", Operator::And),
    ],
    &[
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("!=", Operator::Unequal),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("~", Operator::Matches),
        ("in ", Operator::In),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
    &[(".", Operator::Join), (",", Operator::Append)],
    &[("->", Operator::Member)],
];
const COMPARISONS: usize = 2;
/// `-` must not take what is `->`.
const SUBTRACTS: usize = 3;

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
            Some(b'(') => self.in_parentheses(),
            Some(b'[') => self.in_brackets(),
            Some(b'{') => self.list(),
            Some(byte) if self.is_bare(byte) => {
                let word = self.bare();
                Ok(Expression::Value(match self.mode {
                    Mode::Argument => Value::Text(word),
                    _ => Value::literal(&word),
                }))
            }
            _ => Err(self.syntax_error()),
        }
    }

    fn in_parentheses(&mut self) -> Parsed<Expression> {
        self.expect("(")?;
        self.enter()?;
        let mode = match self.mode {
            Mode::Condition(menu) => Mode::Condition(menu),
            _ => Mode::Inner,
        };
        let inner = self.in_mode(mode, |parser| {
            let inner = parser.expression(0)?;
            parser.blanks_and_lines();
            Ok(inner)
        })?;
        self.expect(")")?;
        self.depth -= 1;
        Ok(inner)
    }

    fn in_brackets(&mut self) -> Parsed<Expression> {
        self.expect("[")?;
        self.enter()?;
        let command = self.in_mode(Mode::Plain, |parser| {
            parser.blanks_and_lines();
            let command = parser.command()?;
            parser.blanks_and_lines();
            Ok(command)
        })?;
        if self.peek() != Some(b']') {
            return Err(match self.peek() {
                None => self.syntax_error(),
                Some(_) => self.error_at(self.at, "expected end of command"),
            });
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Expression::Command(Box::new(command)))
    }

    pub(super) fn bare(&mut self) -> Vec<u8> {
        let start = self.at;
        while self.peek().is_some_and(|byte| self.is_bare(byte)) {
            self.at += 1;
        }
        self.source.get(start..self.at).unwrap_or_default().to_vec()
    }

    /// What a word may hold without quotes.
    fn is_bare(&self, byte: u8) -> bool {
        match self.mode {
            Mode::Plain | Mode::Argument => !matches!(
                byte,
                0..=b' '
                    | b';'
                    | b'['
                    | b']'
                    | b'{'
                    | b'}'
                    | b'('
                    | b')'
                    | b'#'
                    | b'$'
                    | b'"'
                    | b'='
                    | b'\\'
                    | 0x7f
            ),
            Mode::Inner => {
                is_word(byte) || matches!(byte, b'_' | b'.' | b':' | b'/' | b'*' | b'@' | b'%')
            }
            Mode::Condition(_) => {
                is_word(byte)
                    || matches!(byte, b'_' | b'.' | b':' | b'/' | b'*' | b'@' | b'%' | b',')
            }
        }
    }

    pub(super) fn blanks_and_lines(&mut self) {
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
        let items = self.in_mode(Mode::Inner, Self::items)?;
        self.depth -= 1;
        Ok(Expression::List(items))
    }

    fn items(&mut self) -> Parsed<Vec<(Option<Expression>, Expression)>> {
        let mut items = Vec::new();
        loop {
            self.blanks_and_lines();
            if self.eat("}") {
                return Ok(items);
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
                return Err(self.syntax_error());
            }
        }
    }

    /// What is between parentheses.
    pub(super) fn expression(&mut self, level: usize) -> Parsed<Expression> {
        let Some(operators) = LEVELS.get(level) else {
            return self.operand();
        };
        let left = self.expression(level + 1)?;
        let mut chain = Vec::new();
        while let Some(operator) = self.operator(level, operators) {
            let right = match self.mode {
                Mode::Condition(_) if level == COMPARISONS => self.comparand()?,
                _ => self.expression(level + 1)?,
            };
            chain.push((operator, right));
        }
        Ok(if chain.is_empty() {
            left
        } else {
            Expression::Chain(Box::new(left), chain)
        })
    }

    fn operator(&mut self, level: usize, operators: &[(&str, Operator)]) -> Option<Operator> {
        let start = self.at;
        // A condition ends with its line.
        match self.mode {
            Mode::Condition(_) => self.blanks(),
            _ => self.blanks_and_lines(),
        }
        let rest = self.source.get(self.at..).unwrap_or_default();
        if level == SUBTRACTS && rest.starts_with(b"->") {
            return None;
        }
        // What a name has in it outside of brackets is no operator.
        let in_condition = matches!(self.mode, Mode::Condition(_));
        let found = operators.iter().find(|(text, operator)| {
            let computes = !matches!(
                operator,
                Operator::And
                    | Operator::Or
                    | Operator::Equal
                    | Operator::Unequal
                    | Operator::Less
                    | Operator::Greater
                    | Operator::AtMost
                    | Operator::AtLeast
                    | Operator::Matches
                    | Operator::In
            );
            rest.starts_with(text.as_bytes()) && !(in_condition && computes)
        });
        let Some((text, operator)) = found else {
            self.at = start;
            return None;
        };
        // A bracket that follows a word belongs to what comes next.
        self.at += text.trim_end_matches('(').len();
        Some(*operator)
    }

    /// What a property is compared with: a bare word is itself there.
    fn comparand(&mut self) -> Parsed<Expression> {
        self.blanks();
        match self.peek() {
            Some(byte) if self.is_bare(byte) => Ok(Expression::Value(Value::Text(self.bare()))),
            _ => self.in_mode(Mode::Inner, Self::value),
        }
    }

    fn operand(&mut self) -> Parsed<Expression> {
        match self.mode {
            Mode::Condition(_) => self.blanks(),
            _ => self.blanks_and_lines(),
        }
        if self.eat("!") {
            self.enter()?;
            let inner = self.operand()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(inner)));
        }
        let Mode::Condition(menu) = self.mode else {
            return self.value();
        };
        match self.peek() {
            Some(byte) if self.is_bare(byte) => {
                let start = self.at;
                let word = String::from_utf8_lossy(&self.bare()).into_owned();
                if word == ".id" || self.property(menu, &word) {
                    return Ok(Expression::Property(word));
                }
                match Value::literal(word.as_bytes()) {
                    value @ (Value::Bool(_) | Value::Number(_)) => Ok(Expression::Value(value)),
                    _ => Err(self.unknown_argument(start, &word)),
                }
            }
            _ => self.value(),
        }
    }

    fn string(&mut self) -> Parsed<Expression> {
        let start = self.at;
        self.expect("\"")?;
        let mut parts = Vec::new();
        let mut text = Vec::new();
        loop {
            match self.next() {
                None => return Err(self.error_at(start, "syntax error")),
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut text)?,
                Some(b'$') => {
                    let part = match self.peek() {
                        Some(b'(') => self.in_mode(Mode::Inner, Self::value)?,
                        Some(b'[') => self.in_brackets()?,
                        _ => Expression::Variable(self.name()?),
                    };
                    parts.push(Expression::Value(Value::Text(std::mem::take(&mut text))));
                    parts.push(part);
                }
                // A raw tab becomes blanks (reference: *Quoting rules*); one here, as how many is not told.
                Some(b'\t') => text.push(b' '),
                Some(byte) => text.push(byte),
            }
        }
        parts.push(Expression::Value(Value::Text(text)));
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Ok(Expression::Joined(parts))
            }
        }
    }

    /// What may follow a backslash in a string (MikroTik manual, *Scripting*, Constant Escape Sequences).
    fn escape(&mut self, text: &mut Vec<u8>) -> Parsed<()> {
        let start = self.at.saturating_sub(1);
        let wrong = |parser: &Self| parser.error_at(start, "syntax error");
        let byte = match self.next() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'v') => 0x0b,
            Some(b'_') => b' ',
            Some(byte @ (b'"' | b'\\' | b'$' | b'?')) => byte,
            // A line that goes on.
            Some(b'\n') => {
                self.blanks();
                return Ok(());
            }
            Some(b'\r') if self.eat("\n") => {
                self.blanks();
                return Ok(());
            }
            Some(high) if is_hex(high) => match self.next() {
                Some(low) if is_hex(low) => hex(high) << 4 | hex(low),
                _ => return Err(wrong(self)),
            },
            _ => return Err(wrong(self)),
        };
        text.push(byte);
        Ok(())
    }
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
