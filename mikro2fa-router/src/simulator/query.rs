//! Query words: the little stack machine that decides which records `print` sends.

use std::{borrow::Cow, cmp::Ordering};

use super::version::QueryBooleans;
use crate::duration;

/// The query words of a sentence (MikroTik manual, *API*, Queries).
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
enum Word {
    Has(Vec<u8>),
    Lacks(Vec<u8>),
    Compare(Vec<u8>, Vec<u8>, Ordering),
    Stack(Vec<Op>),
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Not,
    And,
    Or,
    /// Pushes a copy of the value with this index from the top.
    Copy(usize),
    /// Leaves nothing but that value.
    Only(usize),
}

impl Query {
    /// Reads query words, with their `?`. Words that make no sense push nothing.
    pub(crate) fn parse<'a>(words: impl Iterator<Item = &'a [u8]>) -> Self {
        Self {
            words: words
                .filter_map(|word| Word::parse(word.strip_prefix(b"?")?))
                .collect(),
        }
    }

    /// Whether a record is wanted: no false is left on the stack.
    pub(crate) fn accepts<'v>(
        &self,
        booleans: QueryBooleans,
        property: impl Fn(&[u8]) -> Option<Cow<'v, [u8]>>,
    ) -> bool {
        let mut stack = Vec::new();
        for word in &self.words {
            match word {
                Word::Has(name) => stack.push(property(name).is_some()),
                Word::Lacks(name) => stack.push(property(name).is_none()),
                Word::Compare(name, wanted, order) => {
                    let found = property(name);
                    stack
                        .push(found.is_some_and(|value| compare(&value, wanted, *order, booleans)));
                }
                Word::Stack(ops) => ops.iter().for_each(|op| op.apply(&mut stack)),
            }
        }
        stack.iter().all(|holds| *holds)
    }

    /// The value that a record must have in `name` for certain: the query is nothing but plain words, one of which asks
    /// for it. It spares looking at every row of a long list.
    pub(crate) fn demands(&self, name: &str) -> Option<&[u8]> {
        let plain = self
            .words
            .iter()
            .all(|word| !matches!(word, Word::Stack(_)));
        let mut equal = self.words.iter().filter_map(|word| match word {
            Word::Compare(asked, value, Ordering::Equal) if asked == name.as_bytes() => {
                Some(value.as_slice())
            }
            _ => None,
        });
        plain.then(|| equal.next()).flatten()
    }

    /// The names of the properties asked about.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter().filter_map(|word| match word {
            Word::Has(name) | Word::Lacks(name) | Word::Compare(name, ..) => Some(name.as_slice()),
            Word::Stack(_) => None,
        })
    }
}

impl Word {
    fn parse(word: &[u8]) -> Option<Self> {
        let compare = |rest: &[u8], order| {
            let middle = rest.iter().position(|byte| *byte == b'=')?;
            let (name, value) = rest.split_at_checked(middle)?;
            Some(Self::Compare(
                name.to_vec(),
                value.strip_prefix(b"=")?.to_vec(),
                order,
            ))
        };
        match word {
            [b'#', ops @ ..] => Some(Self::Stack(parse_ops(ops))),
            // Some clients cannot say a word without a value and send an empty one.
            [b'-', name @ ..] => Some(Self::Lacks(
                name.strip_suffix(b"=").unwrap_or(name).to_vec(),
            )),
            [b'=', rest @ ..] => compare(rest, Ordering::Equal),
            [b'<', rest @ ..] => compare(rest, Ordering::Less),
            [b'>', rest @ ..] => compare(rest, Ordering::Greater),
            rest => compare(rest, Ordering::Equal).or_else(|| Some(Self::Has(rest.to_vec()))),
        }
    }
}

/// `!`, `&`, `|`, and numbers: one before another character pushes a copy, one at the end leaves only that value; `.` ends a
/// number.
fn parse_ops(text: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut number: Option<usize> = None;
    for byte in text {
        if let Some(digit) = byte.is_ascii_digit().then(|| usize::from(byte - b'0')) {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            continue;
        }
        ops.extend(number.take().map(Op::Copy));
        match byte {
            b'!' => ops.push(Op::Not),
            b'&' => ops.push(Op::And),
            b'|' => ops.push(Op::Or),
            _ => {}
        }
    }
    ops.extend(number.map(Op::Only));
    ops
}

impl Op {
    /// Does nothing where the stack is too short for it.
    fn apply(self, stack: &mut Vec<bool>) {
        let from_top = |stack: &Vec<bool>, index: usize| {
            let position = stack.len().checked_sub(index.saturating_add(1))?;
            stack.get(position).copied()
        };
        match self {
            Self::Not => {
                if let Some(top) = stack.last_mut() {
                    *top = !*top;
                }
            }
            Self::And | Self::Or if stack.len() >= 2 => {
                let (a, b) = (stack.pop().unwrap_or(false), stack.pop().unwrap_or(false));
                stack.push(if matches!(self, Self::And) {
                    a && b
                } else {
                    a || b
                });
            }
            Self::And | Self::Or => {}
            Self::Copy(index) => stack.extend(from_top(stack, index)),
            Self::Only(index) => {
                let value = from_top(stack, index);
                stack.clear();
                stack.extend(value);
            }
        }
    }
}

fn compare(found: &[u8], wanted: &[u8], order: Ordering, booleans: QueryBooleans) -> bool {
    match order {
        Ordering::Equal => is_equal(found, wanted, booleans),
        _ => typed_order(found, wanted) == order,
    }
}

/// What holds yes or no is kept as `true` or `false`; texts that happen to be these words cannot be told from it.
fn is_equal(found: &[u8], wanted: &[u8], booleans: QueryBooleans) -> bool {
    let written: &[u8] = match found {
        b"true" => b"yes",
        b"false" => b"no",
        _ => return found == wanted,
    };
    match booleans {
        QueryBooleans::Either => found == wanted || written == wanted,
        QueryBooleans::TrueFalse => found == wanted,
        QueryBooleans::YesNo => written == wanted,
    }
}

/// Numbers and durations by size, all else by bytes.
pub(crate) fn typed_order(a: &[u8], b: &[u8]) -> Ordering {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    if let (Some(a), Some(b)) = (text(a), text(b)) {
        if let (Ok(a), Ok(b)) = (a.parse::<u64>(), b.parse::<u64>()) {
            return a.cmp(&b);
        }
        if let (Ok(a), Ok(b)) = (duration::parse(a), duration::parse(b)) {
            return a.cmp(&b);
        }
    }
    a.cmp(b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORD: [(&str, &str); 5] = [
        ("name", "ether1"),
        ("type", "ether"),
        ("mtu", "1500"),
        ("uptime", "1h2m"),
        ("comment", ""),
    ];

    fn accepts(words: &[&str]) -> bool {
        let query = Query::parse(words.iter().map(|word| word.as_bytes()));
        let property = |name: &[u8]| {
            let found = RECORD.iter().find(|(known, _)| known.as_bytes() == name);
            found.map(|(_, value)| Cow::Borrowed(value.as_bytes()))
        };
        query.accepts(QueryBooleans::Either, property)
    }

    #[test]
    fn words() {
        let cases: [(&[&str], bool); 28] = [
            (&[], true),
            (&["?name"], true),
            (&["?nothing"], false),
            (&["?-nothing"], true),
            (&["?-nothing="], true),
            (&["?-name="], false),
            (&["?-name"], false),
            (&["?name=ether1"], true),
            (&["?=name=ether1"], true),
            (&["?name=ether2"], false),
            (&["?comment="], true),
            (&["?-comment"], false),
            (&["?>comment="], false),
            (&["?>name="], true),
            (&["?<mtu=9000"], true),
            (&["?>mtu=200"], true),
            (&["?>uptime=59m"], true),
            (&["?<uptime=59m"], false),
            (&["?nothing=x"], false),
            (&["?name=ether1", "?type=vlan"], false),
            (&["?type=vlan", "?type=ether", "?#|"], true),
            (&["?type=vlan", "?#!"], true),
            (&["?type=vlan", "?type=ether", "?#&"], false),
            (&["?type=vlan", "?name=ether1", "?#&!"], true),
            (&["?type=vlan", "?name=ether1", "?#0"], true),
            (&["?type=vlan", "?name=ether1", "?#1"], false),
            (&["?type=vlan", "?name=ether1", "?#1!|&"], false),
            (&["?#&|!", "?name=ether1"], true),
        ];
        for (words, expected) in cases {
            assert_eq!(accepts(words), expected, "{words:?}");
        }
    }

    #[test]
    fn booleans_are_written_as_the_switch_says() {
        let holds = |word: &str, booleans| {
            let query = Query::parse([word.as_bytes()].into_iter());
            query.accepts(booleans, |_| Some(Cow::Borrowed(&b"false"[..])))
        };
        let all = [
            QueryBooleans::Either,
            QueryBooleans::TrueFalse,
            QueryBooleans::YesNo,
        ];
        assert_eq!(all.map(|it| holds("?disabled=no", it)), [true, false, true]);
        assert_eq!(
            all.map(|it| holds("?disabled=false", it)),
            [true, true, false]
        );
        assert_eq!(all.map(|it| holds("?disabled=true", it)), [false; 3]);
    }

    #[test]
    fn a_value_may_hold_equals_signs() {
        let query = Query::parse([&b"?=comment=a=b"[..]].into_iter());
        let property = |_: &[u8]| Some(Cow::Borrowed(&b"a=b"[..]));
        assert!(query.accepts(QueryBooleans::Either, property));
    }

    #[test]
    fn a_demand_is_seen_only_where_it_is_one() {
        let query = |words: &[&str]| Query::parse(words.iter().map(|word| word.as_bytes()));
        assert_eq!(
            query(&["?name=ann", "?-comment"]).demands("name"),
            Some(&b"ann"[..])
        );
        assert_eq!(query(&["?name=ann", "?#!"]).demands("name"), None);
        assert_eq!(query(&["?>name=ann"]).demands("name"), None);
    }

    proptest! {
        #[test]
        fn any_words_are_taken(words in proptest::collection::vec("\\?[#!&|.0-9a-z=<>-]{0,12}", 0..6)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let _ = accepts(&words);
        }
    }
}
