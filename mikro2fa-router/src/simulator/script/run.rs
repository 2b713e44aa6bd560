//! Statements to what they do.

mod command;

use std::collections::HashMap;

use super::{
    super::state::State,
    Failure, Value,
    ast::{Block, Expression, Operator, Statement},
};

/// What a script can see from the start.
pub(crate) type Variables = Vec<(&'static str, Value)>;

/// Steps after which a script is stopped.
const MAX_STEPS: u32 = 200_000;
/// The longest text that a script may build.
const MAX_TEXT: usize = 64 * 1024;

type Outcome<T> = Result<T, Failure>;

/// Runs a script to its end.
pub(super) fn run(state: &mut State, script: &Block, variables: Variables) -> Outcome<()> {
    let scope = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut runner = Runner {
        state,
        scopes: vec![scope],
        steps: 0,
    };
    runner.block(script).map(drop)
}

struct Runner<'s> {
    state: &'s mut State,
    scopes: Vec<HashMap<String, Value>>,
    steps: u32,
}

/// What a block came to: its end, or `:return`.
enum End {
    Reached,
    Returned(Value),
}

impl Runner<'_> {
    fn block(&mut self, block: &Block) -> Outcome<End> {
        self.scopes.push(HashMap::new());
        let end = self.statements(block);
        self.scopes.pop();
        end
    }

    fn statements(&mut self, block: &Block) -> Outcome<End> {
        for statement in block.iter() {
            self.step()?;
            if let End::Returned(value) = self.statement(statement)? {
                return Ok(End::Returned(value));
            }
        }
        Ok(End::Reached)
    }

    fn step(&mut self) -> Outcome<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            Err(Failure::Unsupported("scripts that run so long".to_owned()))
        } else {
            Ok(())
        }
    }

    fn statement(&mut self, statement: &Statement) -> Outcome<End> {
        match statement {
            Statement::Local(name, value) => {
                let value = self.value(value)?;
                self.declare(name, value);
            }
            Statement::Set(name, value) => {
                let value = self.value(value)?;
                let place = self
                    .scopes
                    .iter_mut()
                    .rev()
                    .find_map(|scope| scope.get_mut(name));
                *place.ok_or_else(|| Failure::Error(format!("undefined variable {name}")))? = value;
            }
            Statement::If(condition, then, otherwise) => {
                let branch = if self.holds(condition)? {
                    Some(then)
                } else {
                    otherwise.as_ref()
                };
                return branch.map_or(Ok(End::Reached), |block| self.block(block));
            }
            Statement::For {
                name,
                from,
                to,
                body,
            } => return self.count(name, from, to, body),
            Statement::Foreach { name, list, body } => {
                let Value::List(items) = self.value(list)? else {
                    return Ok(End::Reached);
                };
                return self.each(name, items.into_iter().map(|(_, value)| value), body);
            }
            Statement::Do { body, on_error } => match (self.block(body), on_error) {
                (Err(Failure::Error(_)), Some(handler)) => return self.block(handler),
                (end, _) => return end,
            },
            Statement::OnError {
                name,
                body,
                handler,
            } => match self.block(body) {
                Err(Failure::Error(text)) => {
                    self.declare(name, Value::Text(text));
                    return self.block(handler);
                }
                end => return end,
            },
            Statement::Return(value) => return Ok(End::Returned(self.value(value)?)),
            Statement::Scope(block) => return self.block(block),
            Statement::Run(command) => {
                self.command(command, None)?;
            }
        }
        Ok(End::Reached)
    }

    fn declare(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    /// Counts up or, where the end is below the beginning, down, as RouterOS does.
    fn count(
        &mut self,
        name: &str,
        from: &Expression,
        to: &Expression,
        body: &Block,
    ) -> Outcome<End> {
        let (from, to) = (self.number(from)?, self.number(to)?);
        let down = (to..=from).rev().map(Value::Number);
        let up = (from..=to).map(Value::Number);
        if to < from {
            self.each(name, down, body)
        } else {
            self.each(name, up, body)
        }
    }

    fn each(
        &mut self,
        name: &str,
        values: impl Iterator<Item = Value>,
        body: &Block,
    ) -> Outcome<End> {
        for value in values {
            self.step()?;
            self.scopes.push(HashMap::from([(name.to_owned(), value)]));
            let end = self.statements(body);
            self.scopes.pop();
            if let End::Returned(value) = end? {
                return Ok(End::Returned(value));
            }
        }
        Ok(End::Reached)
    }

    fn value(&mut self, expression: &Expression) -> Outcome<Value> {
        self.step()?;
        match expression {
            Expression::Value(value) => Ok(value.clone()),
            // A variable that nobody declared is nothing, silently.
            Expression::Variable(name) => {
                let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
                Ok(found.cloned().unwrap_or(Value::Nil))
            }
            Expression::Joined(parts) => {
                let mut text = String::new();
                for part in parts {
                    text.push_str(&self.value(part)?.shown());
                }
                bounded(text)
            }
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                binary(*operator, &left, &right)
            }
            Expression::Not(inner) => Ok(Value::Bool(!self.holds(inner)?)),
            Expression::List(items) => {
                let mut list = Vec::new();
                for (key, value) in items {
                    let key = key.as_ref().map(|key| self.value(key)).transpose()?;
                    list.push((key.map(|key| key.shown()), self.value(value)?));
                }
                Ok(Value::List(list))
            }
            Expression::Command(command) => self.command(command, None),
        }
    }

    fn holds(&mut self, condition: &Expression) -> Outcome<bool> {
        match self.value(condition)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(Failure::Error("conditional not boolean".to_owned())),
        }
    }

    fn number(&mut self, expression: &Expression) -> Outcome<i64> {
        as_number(&self.value(expression)?)
            .ok_or_else(|| Failure::Error("invalid value, number expected".to_owned()))
    }
}

fn bounded(text: String) -> Outcome<Value> {
    if text.len() > MAX_TEXT {
        Err(Failure::Error("string too long".to_owned()))
    } else {
        Ok(Value::Text(text))
    }
}

fn as_number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn binary(operator: Operator, left: &Value, right: &Value) -> Outcome<Value> {
    let numbers = || {
        let both = as_number(left).zip(as_number(right));
        both.ok_or_else(|| Failure::Error("cannot compute with what is no number".to_owned()))
    };
    let flag = |value: &Value| match value {
        Value::Bool(holds) => Ok(*holds),
        _ => Err(Failure::Error(
            "cannot compute with what is no boolean".to_owned(),
        )),
    };
    Ok(match operator {
        Operator::Join => return bounded(left.shown() + &right.shown()),
        Operator::Add => numbers().map(|(a, b)| Value::Number(a.saturating_add(b)))?,
        Operator::Subtract => numbers().map(|(a, b)| Value::Number(a.saturating_sub(b)))?,
        Operator::Equal => Value::Bool(left.shown() == right.shown()),
        Operator::Unequal => Value::Bool(left.shown() != right.shown()),
        Operator::Less => Value::Bool(numbers().map(|(a, b)| a < b)?),
        Operator::Greater => Value::Bool(numbers().map(|(a, b)| a > b)?),
        Operator::AtMost => Value::Bool(numbers().map(|(a, b)| a <= b)?),
        Operator::AtLeast => Value::Bool(numbers().map(|(a, b)| a >= b)?),
        Operator::And => Value::Bool(flag(left)? && flag(right)?),
        Operator::Or => Value::Bool(flag(left)? || flag(right)?),
    })
}
