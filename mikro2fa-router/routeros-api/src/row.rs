//! Rows: the records of an answer, read without copying.

use std::borrow::Cow;
use std::fmt;

use crate::sentence::{Attributes, SentenceRef};

/// One record, borrowed. Names and values are slices of the bytes that came.
///
/// RouterOS leaves out what is not set, and the next version may add properties: every property may be absent,
/// and absent and empty mean the same in most menus.
///
/// For one or two properties use the methods by name. Where many rows are read, [`fields`](Self::fields) or
/// [`attributes`](Self::attributes) walk each row only once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    sentence: SentenceRef<'a>,
}

impl<'a> Row<'a> {
    /// Reads a sentence as a record.
    #[inline]
    pub fn new(sentence: SentenceRef<'a>) -> Self {
        Self { sentence }
    }

    /// The sentence that this is.
    #[inline]
    pub fn sentence(self) -> SentenceRef<'a> {
        self.sentence
    }

    /// All properties as (name, value), in the order in which they came.
    #[inline]
    pub fn attributes(self) -> Attributes<'a> {
        self.sentence.attributes()
    }

    /// The value of a property as it came, if the record has it.
    #[inline]
    pub fn bytes(self, name: &str) -> Option<&'a [u8]> {
        self.sentence.attribute(name)
    }

    /// A property as text. Bytes that are not UTF-8 are replaced: comments come in whatever code page the
    /// administrator's WinBox had. Borrowed unless something had to be replaced.
    pub fn text(self, name: &str) -> Option<Cow<'a, str>> {
        self.bytes(name).map(String::from_utf8_lossy)
    }

    /// A property as a boolean: see [`boolean`].
    pub fn boolean(self, name: &str) -> Option<bool> {
        self.bytes(name).and_then(boolean)
    }

    /// Whether a flag such as `dynamic` or `disabled` is set; absent means no.
    pub fn flag(self, name: &str) -> bool {
        self.boolean(name).unwrap_or(false)
    }

    /// A property as a number: see [`number`].
    pub fn number(self, name: &str) -> Option<u64> {
        self.bytes(name).and_then(number)
    }

    /// The `.id`, such as `*1C63E`: opaque, valid until the item is made anew.
    pub fn id(self) -> Option<&'a [u8]> {
        self.bytes(".id")
    }

    /// Several properties in one pass, each at the place of its name.
    ///
    /// ```
    /// use routeros_api::{Row, Sentence};
    ///
    /// let sentence = Sentence::from_words(["!re", "=.id=*1", "=name=ann", "=address=10.0.0.2"]);
    /// let [name, caller] = Row::new(sentence.view()).fields(["name", "caller-id"]);
    /// assert_eq!((name, caller), (Some(&b"ann"[..]), None));
    /// ```
    #[inline]
    pub fn fields<const N: usize>(self, names: [&str; N]) -> [Option<&'a [u8]>; N] {
        let mut found = [None; N];
        for (name, value) in self.attributes() {
            for (wanted, slot) in names.iter().zip(&mut found) {
                if slot.is_none() && wanted.as_bytes() == name {
                    *slot = Some(value);
                    break;
                }
            }
        }
        found
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence.fmt(f)
    }
}

/// Reads `true`, `false`, `yes` or `no`: the API answers the first two, some settings the others.
#[inline]
pub fn boolean(value: &[u8]) -> Option<bool> {
    match value {
        b"true" | b"yes" => Some(true),
        b"false" | b"no" => Some(false),
        _ => None,
    }
}

/// Reads plain decimal digits; `None` for anything else and for what does not fit.
#[inline]
pub fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// Rows in one buffer, as they came over the wire: about as many bytes in memory as on the wire.
#[derive(Clone, Default)]
pub struct Rows {
    wire: Vec<u8>,
    /// Where each row ends.
    ends: Vec<usize>,
}

impl Rows {
    /// How many rows there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The row at this place, counted from 0.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Row<'_>> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let wire = self.wire.get(start..end)?;
        Some(Row::new(SentenceRef::from_wire(wire)))
    }

    /// The rows in their order.
    #[inline]
    pub fn iter(&self) -> RowsIter<'_> {
        RowsIter {
            rows: self,
            next: 0,
        }
    }

    /// Copies a row to the end.
    #[inline]
    pub fn push(&mut self, row: Row<'_>) {
        self.wire.extend_from_slice(row.sentence.wire());
        self.ends.push(self.wire.len());
    }

    /// How many bytes the rows take.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.wire.len() + size_of_val(self.ends.as_slice())
    }

    /// Forgets the rows and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.wire.clear();
        self.ends.clear();
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = Row<'a>;
    type IntoIter = RowsIter<'a>;

    fn into_iter(self) -> RowsIter<'a> {
        self.iter()
    }
}

/// The rows of [`Rows`] in their order.
#[derive(Debug, Clone)]
pub struct RowsIter<'a> {
    rows: &'a Rows,
    next: usize,
}

impl<'a> Iterator for RowsIter<'a> {
    type Item = Row<'a>;

    #[inline]
    fn next(&mut self) -> Option<Row<'a>> {
        let row = self.rows.get(self.next)?;
        self.next += 1;
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for RowsIter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::Sentence;

    #[test]
    fn values_are_read_by_their_kind() {
        let sentence = Sentence::from_words([
            &b"!re"[..],
            b"=.id=*1C63E",
            b"=disabled=true",
            b"=use-ipsec=no",
            b"=limit=4096",
            b"=name=00123",
            b"=comment=\xCF\xF0\xE8",
        ]);
        let row = Row::new(sentence.view());
        assert_eq!(row.id(), Some(&b"*1C63E"[..]));
        assert!(row.flag("disabled") && !row.flag("dynamic"));
        assert_eq!(row.boolean("use-ipsec"), Some(false));
        assert_eq!(row.boolean("name"), None);
        assert_eq!(row.number("limit"), Some(4096));
        assert_eq!(row.text("name").unwrap(), "00123");
        assert_eq!(row.text("comment").unwrap(), "\u{FFFD}\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b"18446744073709551616",
            b"-1",
            b"1.5",
            b"0x10",
            b" 1",
        ] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn rows_keep_their_order_and_their_borders() {
        let mut rows = Rows::default();
        for name in ["ann", "", "bob"] {
            let sentence = Sentence::from_words(["!re".to_owned(), format!("=name={name}")]);
            rows.push(Row::new(sentence.view()));
        }
        rows.push(Row::new(Sentence::from_words(["!re"]).view()));
        let names: Vec<_> = rows.iter().map(|row| row.bytes("name")).collect();
        assert_eq!(names, [Some(&b"ann"[..]), Some(b""), Some(b"bob"), None]);
        assert_eq!(rows.iter().len(), 4);
        assert!(rows.get(4).is_none());
    }
}
