//! Chance as a value: ids and jitter come through here, so that a seed repeats a whole run.

use std::{fmt, sync::Mutex};

use uuid::Uuid;

use crate::time::Timestamp;

/// Where ids and jitter come from.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `out` with random bytes; in the real one from the operating system.
    fn fill(&self, out: &mut [u8]);

    /// A fresh id that sorts by time (UUID version 7, RFC 9562).
    fn sorted(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A fresh id that nobody can guess (UUID version 4: 122 random bits).
    fn unguessable(&self) -> Uuid {
        let mut random = [0; 16];
        self.fill(&mut random);
        uuid::Builder::from_random_bytes(random).into_uuid()
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    ///
    /// If the operating system has no random numbers to give: going on would make guessable ids.
    fn fill(&self, out: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            clippy::disallowed_methods,
            reason = "the one source of chance; without random numbers every id could be guessed"
        )]
        getrandom::fill(out).expect("the operating system gives random numbers");
    }
}

/// Repeatable numbers for tests and the simulation. Never for anything that has to be secret.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The same seed gives the same numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        let mut state = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in out.chunks_mut(8) {
            // SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to spread ids.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk
                .iter_mut()
                .zip(z.to_le_bytes())
                .for_each(|(byte, random)| *byte = random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let (a, b) = (SeededEntropy::new(1), SeededEntropy::new(1));
        assert_eq!(a.unguessable(), b.unguessable());
        assert_ne!(a.unguessable(), a.unguessable());
    }

    #[test]
    fn sorted_ids_sort_by_time() {
        let entropy = SeededEntropy::new(3);
        assert!(entropy.sorted(Timestamp(1_000)) < entropy.sorted(Timestamp(2_000)));
    }
}
