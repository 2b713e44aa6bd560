//! Tokens: 256 random bits behind a prefix that secret scanners can find. Only digests are stored.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mikro2fa_core::{directory::Digest, entropy::Entropy};
use zeroize::Zeroizing;

/// Before every token of the REST API.
const API: &str = "m2fa_";

/// Before every key of a router's webhook.
const HOOK: &str = "m2fh_";

/// 32 bytes in base64 without padding.
const LENGTH: usize = 43;

/// A token in the clear, to be shown once. Redacted in `Debug`, wiped when dropped.
pub struct Token(Zeroizing<String>);

impl Token {
    /// A fresh one for the REST API.
    pub fn fresh(entropy: &dyn Entropy) -> Self {
        Self::with(API, entropy)
    }

    /// A fresh key for a router's webhook.
    pub fn fresh_hook_key(entropy: &dyn Entropy) -> Self {
        Self::with(HOOK, entropy)
    }

    fn with(prefix: &str, entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(Zeroizing::new(format!(
            "{prefix}{}",
            URL_SAFE_NO_PAD.encode(bytes.as_slice())
        )))
    }

    /// Whether `text` could be one of the REST API.
    #[must_use]
    pub fn is_formed(text: &str) -> bool {
        is_formed(API, text)
    }

    /// Whether `text` could be a key of a router's webhook.
    #[must_use]
    pub fn is_hook_key(text: &str) -> bool {
        is_formed(HOOK, text)
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// The text. Only for showing it, once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn is_formed(prefix: &str, text: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(sign))
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn a_fresh_one_is_formed_and_kept_out_of_debug() {
        let entropy = SeededEntropy::new(1);
        let (token, key) = (Token::fresh(&entropy), Token::fresh_hook_key(&entropy));
        assert!(
            Token::is_formed(token.expose()) && !Token::is_hook_key(token.expose()),
            "{}",
            token.expose()
        );
        assert!(
            Token::is_hook_key(key.expose()) && !Token::is_formed(key.expose()),
            "{}",
            key.expose()
        );
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_eq!(token.digest(), Digest::of(token.expose()));
    }

    #[test]
    fn what_is_none() {
        let good = Token::fresh(&SeededEntropy::new(1));
        let good = good.expose();
        for text in [
            "",
            "m2fa_",
            &good[1..],
            &format!("{good}a"),
            &good.replace("m2fa_", "m3fa_"),
            &"я".repeat(24),
        ] {
            assert!(!Token::is_formed(text), "{text}");
        }
    }
}
