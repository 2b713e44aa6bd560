//! Secrets at rest: XChaCha20-Poly1305 under a key that is kept outside the database.
//!
//! A sealed value is `format (1) · key id · nonce (24) · ciphertext · tag (16)`. What it belongs to
//! (`table:row:column`) is authenticated with it, so a value that was moved to another row does not open.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use mikro2fa_core::{secret::Secret, store::StoreError};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Error;

/// How sealed values are laid out; the first byte of each.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;

/// The key that secrets are sealed with: 32 random bytes. Lost, so are the secrets.
#[derive(Clone)]
pub struct Key {
    cipher: XChaCha20Poly1305,
    id: u8,
}

impl Key {
    /// Takes over 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let id = Sha256::new()
            .chain_update("mikro2fa key id")
            .chain_update(bytes)
            .finalize();
        Self {
            cipher: XChaCha20Poly1305::new(bytes.into()),
            id: id.first().copied().unwrap_or_default(),
        }
    }

    /// Reads 32 bytes in base64, as `openssl rand -base64 32` writes them; white space around is ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] says what it was instead.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text.trim())
                .map_err(|_| Error::Key("text that is no base64"))?,
        );
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| {
            Error::Key(if bytes.len() < 32 {
                "fewer bytes"
            } else {
                "more bytes"
            })
        })?;
        Ok(Self::from_bytes(bytes))
    }

    /// Seals a value for its place.
    pub(crate) fn seal(&self, place: &str, value: &Secret) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| {
            StoreError::Unavailable(format!("no random numbers: {error}").into())
        })?;
        let payload = Payload {
            msg: value.expose().as_bytes(),
            aad: place.as_bytes(),
        };
        let text = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Sealed(format!("{place} is too long to be sealed").into()))?;
        let mut sealed = Vec::with_capacity(2 + NONCE + text.len());
        sealed.extend([FORMAT, self.id]);
        sealed.extend(nonce);
        sealed.extend(text);
        Ok(sealed)
    }

    /// Opens a value of this place.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Secret, StoreError> {
        let failed = |why: &str| StoreError::Sealed(format!("{place}: {why}").into());
        let Some(([format, id], rest)) = sealed.split_first_chunk() else {
            return Err(failed("it is cut short"));
        };
        if *format != FORMAT {
            return Err(failed("it was sealed by a later version"));
        }
        if *id != self.id {
            return Err(failed("it was sealed with another key"));
        }
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE>() else {
            return Err(failed("it is cut short"));
        };
        if text.len() < TAG {
            return Err(failed("it is cut short"));
        }
        let payload = Payload {
            msg: text,
            aad: place.as_bytes(),
        };
        let value = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| failed("it was changed, or moved here from another place"))?;
        let value = String::from_utf8(value).map_err(|_| failed("it is no text"))?;
        Ok(Secret::new(value))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> Key {
        Key::from_bytes(&[n; 32])
    }

    #[test]
    fn opens_only_where_it_was_sealed_and_with_its_key() {
        let sealed = key(1)
            .seal("routers:7:password", &Secret::new("hunter2"))
            .unwrap();
        let open = |key: &Key, place| key.open(place, &sealed);
        assert_eq!(
            open(&key(1), "routers:7:password"),
            Ok(Secret::new("hunter2"))
        );
        for (key, place, why) in [
            (key(1), "routers:8:password", "moved here"),
            (key(2), "routers:7:password", "another key"),
        ] {
            let error = open(&key, place).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(place), "{error}");
            assert!(!error.contains("hunter2"));
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let seal = || key(1).seal("a", &Secret::new("x")).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn keys_are_32_bytes() {
        assert!(Key::from_base64(&format!(" {}\n", STANDARD.encode([7; 32]))).is_ok());
        for bad in [
            "",
            "!",
            &STANDARD.encode([7; 31]),
            &STANDARD.encode([7; 33]),
        ] {
            assert!(Key::from_base64(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_fail_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(key(1).open("a", &bytes).is_err());
        }

        #[test]
        fn any_changed_bit_is_seen(value in ".{0,40}", at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut sealed = key(1).seal("a", &Secret::new(value)).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1_u8 << bit;
            prop_assert!(key(1).open("a", &sealed).is_err());
        }
    }
}
