//! Attempt to delay: pure.

use std::time::Duration;

/// Doubles from `first` up to `most`.
#[must_use]
pub(super) fn delay(attempt: u32, first: Duration, most: Duration) -> Duration {
    first
        .saturating_mul(1_u32.checked_shl(attempt.min(20)).unwrap_or(u32::MAX))
        .min(most)
}

/// The same, moved by up to a quarter either way, so that many do not come back at once. `chance` is any number.
#[must_use]
pub(super) fn jittered(attempt: u32, first: Duration, most: Duration, chance: u8) -> Duration {
    let whole = delay(attempt, first, most);
    whole * 3 / 4 + whole / 2 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_limit() {
        let of = |attempt| delay(attempt, Duration::from_secs(1), Duration::from_secs(30));
        let seconds: Vec<u64> = (0..7).map(|attempt| of(attempt).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(of(u32::MAX).as_secs(), 30);
    }
}
