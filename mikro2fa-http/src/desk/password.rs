//! Passwords for logins that are made here: shown once, kept nowhere.

use mikro2fa_core::{entropy::Entropy, secret::Secret};

/// Letters and digits that cannot be taken for one another when they are read out or typed. 32 of them: five bits each.
const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzACDEFHJKM";

/// So many make 120 bits of chance.
const LENGTH: usize = 24;

/// A new password.
pub(crate) fn fresh(entropy: &dyn Entropy) -> Secret {
    let mut chance = [0; LENGTH];
    entropy.fill(&mut chance);
    let signs = chance.iter().map(|byte| {
        let at = usize::from(byte % 32);
        SIGNS.get(at).copied().map_or('a', char::from)
    });
    Secret::new(signs.collect::<String>())
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn passwords_are_long_typable_and_not_repeated() {
        let entropy = SeededEntropy::new(7);
        let (first, second) = (fresh(&entropy), fresh(&entropy));
        assert_ne!(first.expose(), second.expose());
        assert_eq!(first.expose().len(), LENGTH);
        assert!(first.expose().bytes().all(|sign| SIGNS.contains(&sign)));
        let different: std::collections::BTreeSet<&u8> = SIGNS.iter().collect();
        assert_eq!(different.len(), 32, "each sign stands there once");
    }
}
