//! How often hints cause looks: anybody who has a router's key, or its password, can give as many as they like.

use std::{collections::VecDeque, time::Duration};

use crate::time::Timestamp;

/// Looks that hints may cause in a row.
const AT_ONCE: usize = 20;
/// On the average their distance is at least this.
const DISTANCE: Duration = Duration::from_millis(50);

/// When hints were last followed.
#[derive(Debug, Default)]
pub(super) struct Hints(VecDeque<Timestamp>);

impl Hints {
    /// Is this one followed at once? Else it says when one look may come for all that are given until then.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let window = DISTANCE.saturating_mul(u32::try_from(AT_ONCE).unwrap_or(u32::MAX));
        if let Some(&first) = self.0.front().filter(|_| self.0.len() >= AT_ONCE) {
            let not_before = first + window;
            if now < not_before {
                return Err(not_before);
            }
            self.0.pop_front();
        }
        self.0.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_causes_twenty_looks_a_second() {
        let mut hints = Hints::default();
        let taken = (0..10_000).filter(|n| hints.take(Timestamp(*n)).is_ok());
        assert_eq!(taken.count(), 200);
    }

    #[test]
    fn a_few_are_followed_at_once_and_the_next_is_not_lost() {
        let mut hints = Hints::default();
        for _ in 0..20 {
            assert_eq!(hints.take(Timestamp(7)), Ok(()));
        }
        assert_eq!(hints.take(Timestamp(8)), Err(Timestamp(1_007)));
        assert_eq!(hints.take(Timestamp(1_006)), Err(Timestamp(1_007)));
        assert_eq!(hints.take(Timestamp(1_007)), Ok(()));
    }
}
