//! A console's output as an answer. Pure; whatever comes is hostile.

use routeros_api::{Row, Rows, SentenceBuilder};

use super::{
    json,
    say::{Change, Form},
    script::{Mark, Sign},
};
use crate::{
    duration,
    handle::Id,
    text,
    transport::{Answer, End, No, Refused},
};

/// What a line's output comes to; none if it is not whole: then nobody knows how far the line came.
pub(super) fn answer(output: &[u8], mark: Mark, form: &Form) -> Option<Answer> {
    let heard = Heard::read(output, mark);
    let did = heard.has(Sign::Did) || heard.has(Sign::Made);
    if let Some(words) = heard.stray {
        let refused = refused(words);
        return Some(Answer::bare(End::Refused(if did {
            // It was said after the change, so it is about reading back: what is there now is not known.
            Refused {
                kind: No::GivenUp,
                ..refused
            }
        } else {
            refused
        })));
    }
    if !heard.has(Sign::End) {
        return None;
    }
    match form {
        Form::Count => heard.count(),
        Form::Rows(columns) => heard.rows(columns.as_deref()).map(|rows| Answer {
            rows,
            end: End::Done { ret: None },
        }),
        Form::Change(_) if heard.has(Sign::Otherwise) && !did => Some(Answer::bare(End::Refused(
            Refused::new("no such item: it is not what it was"),
        ))),
        Form::Change(change) if did => Some(Answer::bare(heard.changed(change))),
        Form::Change(_) => None,
    }
}

/// Reads a console's words. What comes over SSH is worded like the API's errors, but for what is no command at all.
fn refused(words: &[u8]) -> Refused {
    let refused = Refused::new(text::shown(words));
    let lower = refused.message.to_ascii_lowercase();
    let kind = if lower.contains("bad command name") {
        No::NoSuchCommand
    } else if lower.contains("expected item id") {
        No::Gone
    } else {
        refused.kind
    };
    Refused { kind, ..refused }
}

/// Is the menu one record, so that nothing can be found in it?
pub(super) fn is_single(end: &End) -> bool {
    matches!(end, End::Refused(no) if no.message.contains("bad command name find"))
}

/// What was printed, by its signs.
struct Heard<'a> {
    said: Vec<(Sign, &'a [u8])>,
    /// What is none of ours: an error in the router's words.
    stray: Option<&'a [u8]>,
}

impl<'a> Heard<'a> {
    fn read(output: &'a [u8], mark: Mark) -> Self {
        let mark = mark.text();
        let mut said = Vec::new();
        let mut parts = split(output, mark.as_bytes());
        // The beginning of a mark at the end is output that was cut there.
        let words = |text| words(text).filter(|words| !mark.as_bytes().starts_with(words));
        let mut stray = parts.next().and_then(words);
        for part in parts {
            // A mark and nothing behind it: cut there.
            let Some((letter, rest)) = part.split_first() else {
                continue;
            };
            let (value, after) = line(rest);
            stray = stray.or_else(|| words(after));
            match Sign::of(*letter) {
                Some(sign) => said.push((sign, value)),
                None => stray = stray.or(Some(part)),
            }
        }
        Self { said, stray }
    }

    fn has(&self, sign: Sign) -> bool {
        self.said.iter().any(|it| it.0 == sign)
    }

    fn value(&self, sign: Sign) -> Option<&'a [u8]> {
        let found = self.said.iter().find(|it| it.0 == sign);
        found.map(|it| it.1)
    }

    fn count(&self) -> Option<Answer> {
        let digits = self.value(Sign::Count)?;
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| {
            Answer::bare(End::Done {
                ret: Some(digits.into()),
            })
        })
    }

    /// None if one can't be read.
    fn rows(&self, columns: Option<&[&'static str]>) -> Option<Rows> {
        let mut rows = Rows::default();
        match columns {
            Some(columns) => self.named(columns, &mut rows)?,
            None => self.whole(&mut rows)?,
        }
        Some(rows)
    }

    fn named(&self, columns: &[&'static str], rows: &mut Rows) -> Option<()> {
        let mut values: Vec<Vec<u8>> = Vec::with_capacity(columns.len());
        let mut open = false;
        let close = |values: &mut Vec<Vec<u8>>, rows: &mut Rows| {
            push(rows, columns.iter().copied().zip(values.drain(..)));
        };
        for &(sign, value) in &self.said {
            match sign {
                Sign::Json if !open => {
                    values = json::strings(value)?;
                    // The last says that the list was not cut.
                    let whole = values.pop()? == b"." && values.len() == columns.len();
                    whole.then(|| close(&mut values, rows))?;
                }
                Sign::Row if !open => {
                    values.push(word(value)?);
                    open = columns.len() > 1;
                    if !open {
                        close(&mut values, rows);
                    }
                }
                Sign::Field if open => {
                    values.push(word(value)?);
                    if values.len() == columns.len() {
                        open = false;
                        close(&mut values, rows);
                    }
                }
                Sign::Json | Sign::Row | Sign::Field | Sign::Name => return None,
                _ => {}
            }
        }
        (!open).then_some(())
    }

    fn whole(&self, rows: &mut Rows) -> Option<()> {
        let mut row: Option<Vec<(&str, Vec<u8>)>> = None;
        let mut name = None;
        for &(sign, value) in &self.said {
            match (sign, &mut row) {
                (Sign::Row, _) if name.is_none() => {
                    let id = word(value)?;
                    if let Some(row) = row.replace(vec![(".id", id)]) {
                        push(rows, row);
                    }
                }
                (Sign::Name, Some(_)) if name.is_none() => name = Some(property(value)?),
                (Sign::Field, Some(row)) => {
                    let name = name.take()?;
                    let value = word(value)?;
                    if name != ".id" {
                        row.push((name, value));
                    }
                }
                (Sign::End, _) => {}
                _ => return None,
            }
        }
        if name.is_some() {
            return None;
        }
        if let Some(row) = row {
            push(rows, row);
        }
        Some(())
    }

    fn changed(&self, change: &Change) -> End {
        let given_up = |message: String| {
            End::Refused(Refused {
                kind: No::GivenUp,
                message: message.into(),
            })
        };
        let made = self.value(Sign::Made).filter(|id| !id.is_empty());
        let made = made.map(|id| id.to_vec().into_boxed_slice());
        if change.makes && made.as_deref().and_then(Id::parse).is_none() {
            return given_up("what was made has no id".to_owned());
        }
        let done = End::Done { ret: made };
        if !change.reads_back {
            return match self.value(Sign::Left) {
                Some(left) if left != b"0" && !change.lingers => {
                    given_up("what was to go is still there".to_owned())
                }
                _ => done,
            };
        }
        let Some(rows) = self.rows(Some(&change.columns)) else {
            return given_up("what was read back can not be read".to_owned());
        };
        let is_there = |id: &Id| rows.iter().any(|row| row.id() == Some(id.as_ref()));
        if rows.is_empty() || !change.ids.iter().all(is_there) {
            return given_up("what was changed is not there any more".to_owned());
        }
        for row in &rows {
            for (name, said) in &change.expected {
                let read = row.bytes(name).unwrap_or_default();
                if !agrees(name, said, read) {
                    return given_up(format!(
                        "{name} was to be {} and reads back as {}",
                        text::shown(said),
                        text::shown(read)
                    ));
                }
            }
        }
        done
    }
}

fn push<'a>(rows: &mut Rows, properties: impl IntoIterator<Item = (&'a str, Vec<u8>)>) {
    let mut row = SentenceBuilder::new("!re");
    for (name, value) in properties {
        // What has no value is left out, as the API does.
        if !value.is_empty() {
            row = row.attribute(name, value);
        }
    }
    rows.push(Row::new(row.view()));
}

/// The name of a property, which is this crate's or the router's own.
fn property(bytes: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    let sound = !bytes.is_empty() && bytes.len() <= 64 && bytes.iter().all(plain);
    std::str::from_utf8(bytes).ok().filter(|_| sound)
}

/// A word that `$e` made: `=` and harmless text, or `%` and numbers of bytes. A byte that has no number is the only one
/// that the router was not given a number for: NUL.
fn word(word: &[u8]) -> Option<Vec<u8>> {
    match word.split_first()? {
        (b'=', plain) => plain
            .iter()
            .all(|byte| is_harmless(*byte))
            .then(|| plain.to_vec()),
        (b'%', numbers) => {
            let mut parts = numbers.split(|byte| *byte == b'.');
            // Each number ends with a dot.
            if parts.next_back()? != b"" {
                return None;
            }
            parts.map(numbered).collect()
        }
        _ => None,
    }
}

const fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b' ' | b'.' | b'_' | b':' | b'/' | b'@' | b',' | b'+' | b'*' | b'-'
        )
}

fn numbered(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() {
        return Some(0);
    }
    let index: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    u8::try_from(index.checked_add(1)?).ok()
}

/// Is what reads back what was said, as far as can be told?
fn agrees(name: &str, said: &[u8], read: &[u8]) -> bool {
    let boolean = routeros_api::row::boolean;
    match name {
        "timeout" => {
            let parse = |text| {
                let text = std::str::from_utf8(text).ok()?;
                duration::parse(text).ok()
            };
            // No time-out at all would be for ever.
            matches!((parse(said), parse(read)), (Some(said), Some(read)) if read <= said && !read.is_zero())
        }
        "comment" | "list" | "name" => said == read,
        _ => match boolean(said) {
            Some(said) => boolean(read).unwrap_or(false) == said,
            None => true,
        },
    }
}

/// What stands until the end of the line, and what stands behind it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    text.split_at(end.unwrap_or(text.len()))
}

/// Text that is not blank, without what is blank around it.
fn words(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii();
    (!text.is_empty()).then_some(text)
}

/// What stands between the marks.
fn split<'a, 'm>(
    mut text: &'a [u8],
    mark: &'m [u8],
) -> impl Iterator<Item = &'a [u8]> + use<'a, 'm> {
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let at = text.windows(mark.len()).position(|window| window == mark);
        let Some(at) = at else {
            over = true;
            return Some(text);
        };
        let (before, rest) = text.split_at(at);
        text = rest.get(mark.len()..).unwrap_or_default();
        Some(before)
    })
}

#[cfg(test)]
mod tests;
