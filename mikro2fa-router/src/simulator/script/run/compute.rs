//! Operators.

use std::cmp::Ordering;

use super::{
    super::{super::query::typed_order, Failure, Value, ast::Operator, regex::Regex},
    Outcome, bounded,
};
use crate::firewall::AddressSet;

pub(super) fn binary(operator: Operator, left: Value, right: &Value) -> Outcome<Value> {
    let numbers = || {
        let both = left.number().zip(right.number());
        both.ok_or_else(|| Failure::error("cannot compute with what is no number"))
    };
    let flag = |value: &Value| match value {
        Value::Bool(holds) => Ok(*holds),
        _ => Err(Failure::error("cannot compute with what is no boolean")),
    };
    let number = |how: fn(i64, i64) -> i64| numbers().map(|(a, b)| Value::Number(how(a, b)));
    Ok(match operator {
        Operator::Join => return bounded([left.shown(), right.shown()].concat()),
        Operator::Append => append(left, right.clone()),
        Operator::Add => number(i64::saturating_add)?,
        Operator::Subtract => number(i64::saturating_sub)?,
        Operator::Multiply => number(i64::saturating_mul)?,
        Operator::Divide => {
            let (a, b) = numbers()?;
            let quotient = a.checked_div(b);
            Value::Number(quotient.ok_or_else(|| Failure::error("division by zero"))?)
        }
        Operator::Member => member(&left, right),
        Operator::And => Value::Bool(flag(&left)? && flag(right)?),
        Operator::Or => Value::Bool(flag(&left)? || flag(right)?),
        comparison => Value::Bool(compare(comparison, &left, right)?),
    })
}

fn append(left: Value, right: Value) -> Value {
    let items = |value| match value {
        Value::List(items) => items,
        Value::Nothing => Vec::new(),
        single => vec![(None, single)],
    };
    let mut all = items(left);
    all.extend(items(right));
    Value::List(all)
}

fn member(list: &Value, key: &Value) -> Value {
    let Value::List(items) = list else {
        return Value::Nothing;
    };
    let wanted = key.shown();
    let by_key = items
        .iter()
        .find(|(own, _)| own.as_deref() == Some(&wanted));
    let by_index = || {
        let Value::Number(index) = key else {
            return None;
        };
        items.get(usize::try_from(*index).ok()?)
    };
    let found = by_key.or_else(by_index);
    found.map_or(Value::Nothing, |(_, value)| value.clone())
}

pub(super) fn bad_pattern() -> Failure {
    Failure::error("invalid regular expression")
}

/// Compares two values, the right one read as what the left one is.
pub(super) fn compare(operator: Operator, left: &Value, right: &Value) -> Outcome<bool> {
    match operator {
        Operator::Matches => {
            let pattern = Regex::new(&right.shown()).ok_or_else(bad_pattern)?;
            return Ok(pattern.found_in(&left.shown()));
        }
        Operator::In => {
            let text = (left.lossy(), right.lossy());
            let inside = text
                .0
                .parse::<AddressSet>()
                .ok()
                .zip(text.1.parse::<AddressSet>().ok());
            return Ok(
                inside.is_some_and(|(a, b)| a.is_ipv4() == b.is_ipv4() && b.contains(a.first()))
            );
        }
        _ => {}
    }
    let order = order(left, right);
    Ok(match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::Unequal => order != Ordering::Equal,
        Operator::Less => order == Ordering::Less,
        Operator::Greater => order == Ordering::Greater,
        Operator::AtMost => order != Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

fn order(left: &Value, right: &Value) -> Ordering {
    let as_literal = || Value::literal(&right.shown());
    match left {
        Value::Bool(a) => match as_literal() {
            Value::Bool(b) => a.cmp(&b),
            _ => Ordering::Less,
        },
        Value::Time(a) => match as_literal() {
            Value::Time(b) => a.cmp(&b),
            Value::Number(b) => i64::try_from(a.as_secs()).unwrap_or(i64::MAX).cmp(&b),
            _ => Ordering::Less,
        },
        Value::Number(a) => match as_literal() {
            Value::Number(b) => a.cmp(&b),
            _ => Ordering::Less,
        },
        Value::Id(a) => match as_literal() {
            Value::Id(b) => a.cmp(&b),
            _ => Ordering::Less,
        },
        _ => {
            let (a, b) = (left.shown(), right.shown());
            if a == b {
                Ordering::Equal
            } else {
                // Texts that are the same number are not the same text.
                typed_order(&a, &b).then(a.cmp(&b))
            }
        }
    }
}
