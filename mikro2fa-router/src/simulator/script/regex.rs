//! Patterns after `~`: POSIX extended regular expressions over bytes.

use std::fmt;

use regex_automata::{
    Anchored, Input,
    nfa::thompson::{self, pikevm::PikeVM},
    util::syntax,
};

/// The longest pattern that is read.
const MAX_PATTERN: usize = 4_096;
/// What one may take in memory.
const MAX_SIZE: usize = 1 << 20;

pub(super) struct Regex(PikeVM);

impl Regex {
    /// Reads a pattern; `None` if it is none.
    pub(super) fn new(pattern: &[u8]) -> Option<Self> {
        if pattern.len() > MAX_PATTERN {
            return None;
        }
        // Each byte above ASCII stands for itself, whatever encoding it came in.
        let mut text = String::new();
        for byte in pattern {
            match byte {
                0x80.. => text.push_str(&format!("\\x{byte:02X}")),
                _ => text.push(char::from(*byte)),
            }
        }
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .nest_limit(50);
        let limits = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(MAX_SIZE));
        let built = PikeVM::builder()
            .syntax(syntax)
            .thompson(limits)
            .build(&text);
        built.ok().map(Self)
    }

    /// Whether it matches anywhere in a text.
    pub(super) fn found_in(&self, text: &[u8]) -> bool {
        let input = Input::new(text).anchored(Anchored::No).earliest(true);
        self.0.is_match(&mut self.0.create_cache(), input)
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Regex")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &[u8]) -> Option<bool> {
        Regex::new(pattern.as_bytes()).map(|regex| regex.found_in(text))
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("2FA", "a 2FA rule", Some(true)),
            ("^2FA", "a 2FA rule", Some(false)),
            ("2fa", "2FA", Some(false)),
            ("(2FA|mikro)[0-9]+$", "x mikro17", Some(true)),
            ("a{2,3}", "caat", Some(true)),
            ("[[:digit:]]", "x", Some(false)),
            ("", "anything", Some(true)),
            ("(", "x", None),
        ] {
            assert_eq!(found(pattern, text.as_bytes()), expected, "{pattern}");
        }
        let cyrillic = "правило 2FA".as_bytes();
        assert!(Regex::new("вил".as_bytes()).unwrap().found_in(cyrillic));
        assert!(Regex::new(b"\xcf\xf0").unwrap().found_in(b"x\xcf\xf0y"));
    }

    #[test]
    fn patterns_that_would_take_the_memory_are_refused() {
        assert_eq!(found("((a{1000}){1000}){1000}", b"a"), None);
    }
}
