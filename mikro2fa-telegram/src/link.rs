//! One-time codes that tie a chat to a user.
//!
//! A code is good once and for a short time; the database keeps its digest only. There are two forms: one for a link
//! (`https://t.me/<bot>?start=<code>`, 22 characters, 128 random bits), one to be typed (10 of 32 letters, 50 random
//! bits, good for a quarter of an hour, five tries an hour a chat).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mikro2fa_core::{
    directory::{DeskChange, Digest},
    entropy::Entropy,
    id::UserId,
    time::Timestamp,
};

/// Crockford's base 32: no letter is taken for a digit.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TYPED_LENGTH: usize = 10;
const LINK_LENGTH: usize = 22;

/// How long a typed code is good.
pub const TYPED_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long a code in a link is good.
pub const LINK_LIFE: Duration = Duration::from_secs(24 * 3600);

/// A one-time code. Shown once, to whoever hands it to the person.
///
/// # Examples
///
/// ```
/// use mikro2fa_core::entropy::SystemEntropy;
/// use mikro2fa_telegram::link::LinkCode;
///
/// let code = LinkCode::typed(&SystemEntropy);
/// assert_eq!(code.as_str().len(), 10);
/// let retyped = format!(" {}", code.as_str().to_lowercase().replace('0', "o"));
/// assert_eq!(LinkCode::read(&retyped), Some(code));
/// assert_eq!(LinkCode::read("hello there"), None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCode(String);

impl std::fmt::Debug for LinkCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkCode(…)")
    }
}

impl LinkCode {
    /// A fresh code for a link.
    pub fn link(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// A fresh code to be typed. It has a digit in it that nobody takes for a letter, so that words are not taken for codes.
    pub fn typed(entropy: &dyn Entropy) -> Self {
        let letter = |byte: &u8| {
            LETTERS
                .get(usize::from(byte % 32))
                .copied()
                .map_or('0', char::from)
        };
        loop {
            let mut random = [0; TYPED_LENGTH];
            entropy.fill(&mut random);
            let code: String = random.iter().map(letter).collect();
            if has_digit(&code) {
                return Self(code);
            }
        }
    }

    /// A code as somebody sent it; `None` if it has the form of none. Of a typed one case, spaces and dashes do not
    /// count, and `O`, `I`, `L` are taken for the digits they look like.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == LINK_LENGTH
            && URL_SAFE_NO_PAD
                .decode(text)
                .is_ok_and(|bytes| bytes.len() == 16)
        {
            return Some(Self(text.to_owned()));
        }
        if text.len() > 2 * TYPED_LENGTH {
            return None;
        }
        let typed: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-'))
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            })
            .collect();
        let good = typed.len() == TYPED_LENGTH
            && has_digit(&typed)
            && typed.bytes().all(|byte| LETTERS.contains(&byte));
        good.then_some(Self(typed))
    }

    /// The code itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the database keeps of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// How long this form of code is good.
    pub const fn life(&self) -> Duration {
        if self.0.len() == TYPED_LENGTH {
            TYPED_LIFE
        } else {
            LINK_LIFE
        }
    }

    /// The change at the desk that makes it good for this user; earlier codes of theirs die.
    pub fn issue(&self, user: UserId, now: Timestamp) -> DeskChange {
        DeskChange::PutLinkCode {
            digest: self.digest(),
            user,
            until: now + self.life(),
        }
    }
}

fn has_digit(code: &str) -> bool {
    code.bytes().any(|byte| matches!(byte, b'2'..=b'9'))
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn codes_are_read_as_they_were_made() {
        let entropy = SeededEntropy::new(1);
        for _ in 0..100 {
            for code in [LinkCode::link(&entropy), LinkCode::typed(&entropy)] {
                assert_eq!(LinkCode::read(code.as_str()), Some(code.clone()));
            }
        }
        let spaced = LinkCode::read("abcde fgh-2o").unwrap();
        assert_eq!(spaced.as_str(), "ABCDEFGH20");
    }

    #[test]
    fn other_text_is_no_code() {
        for text in [
            "",
            "hello",
            "ABCDEFGHJ",
            "ABCDEFGHJKM",
            "ABCDEFGHJU",
            "яяяяя",
            "AAAAAAAAAAAAAAAAAAAAA_x",
        ] {
            assert_eq!(LinkCode::read(text), None, "{text}");
        }
        assert_eq!(
            format!("{:?}", LinkCode::typed(&SeededEntropy::new(1))),
            "LinkCode(…)"
        );
    }
}
