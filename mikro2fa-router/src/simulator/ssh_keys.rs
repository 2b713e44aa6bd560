//! Keys of users, as far as their rows say something of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::version::Version;

/// What a public key in OpenSSH's form says: `ssh-ed25519 AAAA… comment`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PublicKey {
    /// Type and key, without the comment: what is compared.
    pub(crate) body: String,
    pub(crate) comment: String,
    pub(crate) kind: KeyKind,
    pub(crate) bits: u32,
}

/// What kind of key it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyKind {
    Rsa,
    Ed25519,
}

impl KeyKind {
    /// As `key-type` shows it.
    pub(crate) const fn shown(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Whether this version takes such keys of users. When Ed25519 came is not settled: in 7.9 such a key was refused, in the summer
    /// of 2023 it was announced (medo64.com, *Mikrotik and ED25519 keys*).
    pub(crate) fn is_taken(self, version: Version, since_known: Option<bool>) -> bool {
        match self {
            Self::Rsa => true,
            Self::Ed25519 => since_known.unwrap_or_else(|| version.at_least(7, 12)),
        }
    }
}

impl PublicKey {
    /// Reads one; `None` if it is none, or of another kind.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.trim().splitn(3, [' ', '\t']);
        let (name, key) = (words.next()?, words.next()?.trim());
        let blob = STANDARD.decode(key).ok()?;
        let (inner, rest) = field(&blob)?;
        if inner != name.as_bytes() {
            return None;
        }
        let (kind, bits) = match name {
            "ssh-rsa" => {
                let (_exponent, rest) = field(rest)?;
                let (modulus, rest) = field(rest)?;
                if !rest.is_empty() {
                    return None;
                }
                (KeyKind::Rsa, bit_length(modulus)?)
            }
            "ssh-ed25519" => {
                let (point, rest) = field(rest)?;
                if point.len() != 32 || !rest.is_empty() {
                    return None;
                }
                (KeyKind::Ed25519, 256)
            }
            _ => return None,
        };
        Some(Self {
            body: format!("{name} {key}"),
            comment: words.next().unwrap_or_default().trim().to_owned(),
            kind,
            bits,
        })
    }
}

/// A length in four bytes, and so many (RFC 4251, section 5).
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn bit_length(number: &[u8]) -> Option<u32> {
    let start = number.iter().position(|byte| *byte != 0)?;
    let digits = number.get(start..)?;
    let first = 8 - digits.first()?.leading_zeros();
    let others = u32::try_from(digits.len()).ok()?.checked_sub(1)?;
    others.checked_mul(8)?.checked_add(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPOZVeWzzXk2CGIxDqkDR6Vq1xQKZsHj1vYJ7cFRZHC";

    #[test]
    fn keys_are_read() {
        let key = PublicKey::read(&format!("{ED25519} ann@desk one\n")).unwrap();
        assert_eq!((key.kind, key.bits), (KeyKind::Ed25519, 256));
        assert_eq!(
            (key.body.as_str(), key.comment.as_str()),
            (ED25519, "ann@desk one")
        );
        for wrong in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGPOZVeWzzXk2CGIxDqkDR6Vq1xQKZsHj1vYJ7cFRZHC",
            "ssh-dss AAAAB3NzaC1kc3MAAAAA",
            "nonsense here",
        ] {
            assert_eq!(PublicKey::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        assert_eq!(bit_length(&[0, 0x80, 0]), Some(16));
        assert_eq!(bit_length(&[1]), Some(1));
        assert_eq!(bit_length(&[0, 0]), None);
    }
}
