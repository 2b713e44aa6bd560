//! Which rows `find` and `where` mean.

use std::{borrow::Cow, collections::HashMap};

use super::{
    super::{
        super::{
            menu::MenuId,
            state::State,
            table::{Row, RowId},
        },
        Failure, Value,
        ast::{Expression, Operator},
        regex::Regex,
    },
    Outcome, Runner, compute,
};

impl Runner<'_> {
    /// The ids of the rows that meet a condition, in their order.
    pub(super) fn select(
        &mut self,
        menu: MenuId,
        condition: Option<&Expression>,
    ) -> Outcome<Vec<RowId>> {
        let Some(condition) = condition else {
            return Ok(self.state.table(menu).ids());
        };
        let condition = self.bind(menu, condition)?;
        let state = &*self.state;
        let mut ids = Vec::new();
        let mut patterns = Patterns::default();
        for row in candidates(state, menu, &condition) {
            if is_true(&test(state, row, &condition, &mut patterns)?) {
                ids.push(row.id);
            }
        }
        Ok(ids)
    }

    /// Works out once what does not depend on the row.
    ///
    /// A variable that is called like a property means the property, whatever it was set to: `find list=$list` finds
    /// everything (forum.mikrotik.com, topic 170732).
    fn bind(&mut self, menu: MenuId, expression: &Expression) -> Outcome<Expression> {
        self.step()?;
        self.enter()?;
        let bound = match expression {
            Expression::Property(name) => Expression::Property(name.clone()),
            Expression::Variable(name) if self.is_called_like_one(menu, name) => {
                Expression::Property(name.clone())
            }
            Expression::Joined(parts) => {
                let parts = parts.iter().map(|part| self.bind(menu, part));
                Expression::Joined(parts.collect::<Outcome<_>>()?)
            }
            Expression::Chain(first, rest) => {
                let first = self.bind(menu, first)?;
                let mut bound = Vec::new();
                for (operator, value) in rest {
                    bound.push((*operator, self.bind(menu, value)?));
                }
                Expression::Chain(Box::new(first), bound)
            }
            Expression::Not(inner) => Expression::Not(Box::new(self.bind(menu, inner)?)),
            Expression::Value(_)
            | Expression::Variable(_)
            | Expression::List(_)
            | Expression::Command(_) => Expression::Value(self.value(expression)?),
        };
        self.depth -= 1;
        Ok(bound)
    }

    fn is_called_like_one(&self, menu: MenuId, variable: &str) -> bool {
        let name = self.state.read_as(menu.menu(), variable);
        menu.menu().index(name).is_some()
    }
}

/// The rows to look at: all, or the one that the condition can only mean.
fn candidates<'s>(state: &'s State, menu: MenuId, condition: &Expression) -> Vec<&'s Row> {
    let table = state.table(menu);
    if let Some(id) = demanded(condition, ".id") {
        return RowId::parse(&id)
            .and_then(|id| table.get(id))
            .into_iter()
            .collect();
    }
    let fields = menu.menu().unique.map_or(&[][..], |unique| unique.fields);
    let key: Option<Vec<Vec<u8>>> = fields
        .iter()
        .map(|name| demanded(condition, state.written_as(menu.menu(), name)))
        .collect();
    match key {
        Some(key) if !key.is_empty() => {
            let key: Vec<&[u8]> = key.iter().map(Vec::as_slice).collect();
            table.find(&key).into_iter().collect()
        }
        _ => table.iter().collect(),
    }
}

/// The value that a row must have in `name` for certain.
fn demanded(condition: &Expression, name: &str) -> Option<Vec<u8>> {
    let Expression::Chain(first, rest) = condition else {
        return None;
    };
    match (&**first, rest.as_slice()) {
        (Expression::Property(asked), [(Operator::Equal, Expression::Value(value))])
            if asked == name && !value.is_nothing() =>
        {
            Some(value.shown()).filter(|shown| !shown.is_empty())
        }
        _ if rest.iter().all(|(operator, _)| *operator == Operator::And) => {
            let parts = std::iter::once(&**first).chain(rest.iter().map(|(_, part)| part));
            parts.filter_map(|part| demanded(part, name)).next()
        }
        _ => None,
    }
}

/// Patterns that were read once for all rows.
#[derive(Default)]
struct Patterns(HashMap<Vec<u8>, Option<Regex>>);

impl Patterns {
    fn find(&mut self, text: &[u8], pattern: Vec<u8>) -> Outcome<bool> {
        let known = self.0.entry(pattern);
        let regex = known.or_insert_with_key(|pattern| Regex::new(pattern));
        let regex = regex.as_ref().ok_or_else(compute::bad_pattern)?;
        Ok(regex.found_in(text))
    }
}

/// What a bound condition comes to for a row.
fn test(
    state: &State,
    row: &Row,
    condition: &Expression,
    patterns: &mut Patterns,
) -> Outcome<Value> {
    Ok(match condition {
        Expression::Value(value) => value.clone(),
        Expression::Property(name) => state.typed(row, name),
        Expression::Joined(parts) => {
            let mut text = Vec::new();
            for part in parts {
                text.extend(test(state, row, part, patterns)?.shown());
            }
            Value::Text(text)
        }
        Expression::Not(inner) => Value::Bool(!is_true(&test(state, row, inner, patterns)?)),
        Expression::Chain(first, rest) => {
            let mut left = test(state, row, first, patterns)?;
            for (operator, right) in rest {
                let right = test(state, row, right, patterns)?;
                left = match operator {
                    Operator::Matches => Value::Bool(patterns.find(&left.shown(), right.shown())?),
                    Operator::And => Value::Bool(is_true(&left) && is_true(&right)),
                    Operator::Or => Value::Bool(is_true(&left) || is_true(&right)),
                    // What a row does not have is neither more nor less than anything.
                    Operator::Less | Operator::Greater | Operator::AtMost | Operator::AtLeast
                        if left.is_nothing() =>
                    {
                        Value::Bool(false)
                    }
                    Operator::Equal
                    | Operator::Unequal
                    | Operator::Less
                    | Operator::Greater
                    | Operator::AtMost
                    | Operator::AtLeast
                    | Operator::In => Value::Bool(compute::compare(*operator, &left, &right)?),
                    _ => compute::binary(*operator, left, &right)?,
                };
            }
            left
        }
        Expression::Variable(_) | Expression::List(_) | Expression::Command(_) => {
            return Err(Failure::Unsupported("such a condition".to_owned()));
        }
    })
}

/// A property by itself asks whether the row has it.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(holds) => *holds,
        Value::Nothing | Value::Nil => false,
        Value::Text(text) => !text.is_empty(),
        _ => true,
    }
}

/// The names of the properties that a condition asks about.
pub(super) fn properties(condition: Option<&Expression>) -> Vec<String> {
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    if let Some(condition) = condition {
        collect(condition, &mut names);
    }
    names.into_iter().map(Cow::into_owned).collect()
}

fn collect<'e>(expression: &'e Expression, names: &mut Vec<Cow<'e, str>>) {
    match expression {
        Expression::Property(name) if !names.iter().any(|known| known == name) => {
            names.push(Cow::Borrowed(name));
        }
        Expression::Chain(first, rest) => {
            collect(first, names);
            rest.iter().for_each(|(_, part)| collect(part, names));
        }
        Expression::Not(inner) => collect(inner, names),
        Expression::Joined(parts) => parts.iter().for_each(|part| collect(part, names)),
        _ => {}
    }
}
