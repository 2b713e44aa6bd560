//! How often hints cause looks: anybody who has a router's key, or its password, can give as many as they like.
//!
//! A few are followed at once. In a storm one look then serves all that came up meanwhile, and they are so far apart that
//! what a router may be asked lasts: used up by the first half of a storm, it would leave the other half waiting for seconds.

use std::time::Duration;

use crate::time::Timestamp;

/// Looks that hints may cause in a row.
const AT_ONCE: u32 = 20;
/// After those, one each so often: with two requests a look, no five seconds have more of them than rounds may use. Where other
/// looks came right before, as at the start of a connection, some of these wait.
const DISTANCE: Duration = Duration::from_millis(250);

/// When looks were caused.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Until when the looks that were caused last, at one each [`DISTANCE`].
    paid_until: Timestamp,
    /// The look that is to come for all hints until then.
    arranged: Timestamp,
}

impl Hints {
    /// When this hint is followed by a look: now, or with all that are given until then.
    pub(super) fn take(&mut self, now: Timestamp) -> Timestamp {
        if now < self.arranged {
            return self.arranged;
        }
        let credit = DISTANCE.saturating_mul(AT_ONCE - 1);
        self.arranged = now.max(self.paid_until - credit);
        self.paid_until = self.paid_until.max(self.arranged) + DISTANCE;
        self.arranged
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_flood_causes_twenty_looks_at_once_and_four_a_second_after_that() {
        let mut hints = Hints::default();
        let looks: BTreeSet<_> = (0..10_000).map(|n| hints.take(Timestamp(n))).collect();
        assert_eq!(looks.len(), 20 + 40);
        let all: Vec<_> = looks.into_iter().collect();
        let later = all.windows(2).skip(20);
        assert_eq!(later.clone().count(), 39);
        assert!(
            later
                .into_iter()
                .all(|two| two[1].since(two[0]) == DISTANCE)
        );
    }

    #[test]
    fn a_few_are_followed_at_once_and_the_next_is_not_lost() {
        let mut hints = Hints::default();
        for _ in 0..20 {
            assert_eq!(hints.take(Timestamp(7)), Timestamp(7));
        }
        assert_eq!(hints.take(Timestamp(8)), Timestamp(257));
        assert_eq!(hints.take(Timestamp(256)), Timestamp(257));
        assert_eq!(hints.take(Timestamp(257)), Timestamp(507));
        let later = Timestamp(10_000);
        for _ in 0..20 {
            assert_eq!(hints.take(later), later, "after a rest, as before");
        }
    }
}
