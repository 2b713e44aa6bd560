//! How often the fake server lets a bot write.

use std::collections::BTreeMap;

/// Telegram's limits on what a bot sends: about 30 messages a second in all, one a second to one chat with a short
/// burst (Bot API FAQ). Not documented exactly, so all three can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages a second over all chats.
    pub per_second: u32,
    /// Messages a second to one chat.
    pub per_chat_per_second: u32,
    /// How many a chat takes at once before `per_chat_per_second` counts.
    pub chat_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_second: 30,
            per_chat_per_second: 1,
            chat_burst: 3,
        }
    }
}

/// A bucket counts in thousandths of a message.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: i64,
    filled_at: i64,
}

impl Bucket {
    /// Takes one, or says in how many milliseconds there is one again.
    fn take(&mut self, now: i64, rate: u32, burst: u32) -> Result<(), i64> {
        let rate = i64::from(rate.max(1));
        let elapsed = now.saturating_sub(self.filled_at).max(0);
        self.left = self
            .left
            .saturating_add(elapsed.saturating_mul(rate))
            .min(i64::from(burst.max(1)) * 1000);
        self.filled_at = now;
        if self.left < 1000 {
            return Err((1000 - self.left + rate - 1) / rate);
        }
        self.left -= 1000;
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Rates {
    all: Option<Bucket>,
    chats: BTreeMap<i64, Bucket>,
}

impl Rates {
    /// Counts one message to `chat`, or says how many seconds to wait.
    pub(super) fn take(&mut self, limits: Limits, chat: i64, now: i64) -> Result<(), u32> {
        let full = |burst: u32| Bucket {
            left: i64::from(burst.max(1)) * 1000,
            filled_at: now,
        };
        self.chats
            .entry(chat)
            .or_insert_with(|| full(limits.chat_burst))
            .take(now, limits.per_chat_per_second, limits.chat_burst)
            .and_then(|()| {
                self.all
                    .get_or_insert_with(|| full(limits.per_second))
                    .take(now, limits.per_second, limits.per_second)
            })
            .map_err(|wait| {
                u32::try_from((wait + 999) / 1000)
                    .unwrap_or(u32::MAX)
                    .max(1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_takes_a_burst_and_then_one_a_second() {
        let mut rates = Rates::default();
        let limits = Limits::default();
        for _ in 0..3 {
            assert_eq!(rates.take(limits, 1, 0), Ok(()));
        }
        assert_eq!(rates.take(limits, 1, 0), Err(1));
        assert_eq!(rates.take(limits, 2, 0), Ok(()));
        assert_eq!(rates.take(limits, 1, 999), Err(1));
        assert_eq!(rates.take(limits, 1, 1000), Ok(()));
    }

    #[test]
    fn all_chats_together_have_a_limit_too() {
        let mut rates = Rates::default();
        let limits = Limits::default();
        for chat in 0..30 {
            assert_eq!(rates.take(limits, chat, 0), Ok(()));
        }
        assert_eq!(rates.take(limits, 99, 0), Err(1));
        assert_eq!(rates.take(limits, 98, 34), Ok(()));
    }
}
