//! Ids of rows on a router, and how they are handed out.
//!
//! An id such as `*1F` means something as long as the connection it was learnt on: after a reboot it is somebody
//! else's row. So what the engine gets to keep is `<generation>:*1F`, opaque to it, and a handle of another connection's
//! generation is not trusted but looked up again.

use std::fmt;

use mikro2fa_core::{time::Timestamp, tunnel::Text};

/// A row's id as the router has it: `*` and a few letters and digits, so that in a comma list it can be nothing else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Id(Text);

impl Id {
    /// RouterOS's own ids have up to eight digits; room is left for longer ones.
    const LONGEST: usize = 32;

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let digits = bytes.strip_prefix(b"*")?;
        let sound = !digits.is_empty()
            && bytes.len() <= Self::LONGEST
            && digits.iter().all(u8::is_ascii_alphanumeric);
        std::str::from_utf8(bytes)
            .ok()
            .filter(|_| sound)
            .map(|text| Self(text.into()))
    }

    /// As the router has it.
    pub(crate) fn text(&self) -> &Text {
        &self.0
    }
}

impl AsRef<[u8]> for Id {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which connection an id was learnt on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Generation(u64);

impl Generation {
    /// Of the first connection of a process that starts now: tenths of seconds, so that it is none that an earlier
    /// process used, as long as that one did not connect ten times a second.
    pub(crate) fn first(now: Timestamp) -> Self {
        Self(u64::try_from(now.millis() / 100).unwrap_or(0))
    }

    /// Of the next connection.
    #[must_use]
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// What is given away for an id that was learnt on this connection.
    pub(crate) fn handle(self, id: &Id) -> Text {
        format!("{:x}:{id}", self.0).into()
    }

    /// The id behind a handle, if it was learnt on this connection.
    pub(crate) fn trusted(self, handle: &str) -> Option<Id> {
        let (generation, id) = handle.split_once(':')?;
        let generation = u64::from_str_radix(generation, 16).ok()?;
        (generation == self.0).then(|| Id::parse(id.as_bytes()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_good_on_its_own_connection_only() {
        let id = Id::parse(b"*1F").unwrap();
        let now = Generation::first(Timestamp(1_763_000_000_000));
        assert_eq!(now.trusted(&now.handle(&id)), Some(id.clone()));
        assert_eq!(now.next().trusted(&now.handle(&id)), None);
        for odd in ["", "*1F", ":*1F", "x:*1F", "41a7c3f80:"] {
            assert_eq!(now.trusted(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_id_can_be_nothing_else_in_a_list() {
        assert_eq!(&**Id::parse(b"*80000A").unwrap().text(), "*80000A");
        for odd in [
            &b""[..],
            b"*",
            b"1F",
            b"*1,*2",
            b"*1 ",
            b"*\xFF",
            &[b'*'; 40],
        ] {
            assert_eq!(Id::parse(odd), None, "{odd:?}");
        }
    }
}
