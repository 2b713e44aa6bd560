//! How much a router is asked in a while: it is the slow part, and what it is asked first decides what waits.
//!
//! A published measurement on a lab router found about a millisecond a request until some 120 to 220 requests over all
//! connections, then fifteen to twenty, and rest after five idle seconds. Staying below that keeps answers quick. Pure
//! accounting: instants are handed in, nobody waits here.

use std::{collections::VecDeque, time::Duration};

use mikro2fa_core::time::Timestamp;

/// Who asks, by what may wait for what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// What takes access away. Never waits, but counts, so that the others make room.
    Closing,
    /// A confirmed tunnel's look and permit: may use all of the budget.
    Answer,
    /// Rounds of looking, renewals, reports: leave a fifth of the budget to answers.
    Rest,
}

impl Lane {
    /// How much of the budget this lane may fill, in hundredths.
    const fn share(self) -> u64 {
        match self {
            Self::Closing | Self::Answer => 100,
            Self::Rest => 80,
        }
    }
}

/// The most that a router is asked within any [`Limits::window`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Requests. Default 100: below the knee of the measurement, with room for an administrator's own tools.
    pub requests: u32,
    /// Bytes both ways. Default 150,000.
    pub bytes: u64,
    /// Within how long. Default 5 s: after so long a rest the measured router was quick again.
    pub window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 100,
            bytes: 150_000,
            window: Duration::from_secs(5),
        }
    }
}

/// Charges closer together than this are kept as one, at the later instant.
const GRAIN: Duration = Duration::from_millis(50);

/// What was asked of one router lately.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    limits: Limits,
    charges: VecDeque<Charge>,
    requests: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Charge {
    begun: Timestamp,
    /// The latest instant in it: all of it counts until the window after this is over.
    at: Timestamp,
    requests: u64,
    bytes: u64,
}

impl Budget {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// How long `requests` that move about `bytes` have to wait; zero for [`Lane::Closing`], and whenever they fit.
    ///
    /// What is more than the whole budget by itself waits until nothing else counts any more, and then goes.
    pub fn wait(&mut self, lane: Lane, now: Timestamp, requests: u32, bytes: u64) -> Duration {
        self.forget(now);
        if lane == Lane::Closing {
            return Duration::ZERO;
        }
        let most_requests = u64::from(self.limits.requests) * lane.share() / 100;
        let most_bytes = self.limits.bytes * lane.share() / 100;
        let (mut has_requests, mut has_bytes) = (self.requests, self.bytes);
        let mut from = now;
        for charge in &self.charges {
            let fits = has_requests + u64::from(requests) <= most_requests
                && has_bytes + bytes <= most_bytes;
            if fits {
                break;
            }
            has_requests -= charge.requests;
            has_bytes -= charge.bytes;
            from = charge.at + self.limits.window;
        }
        from.since(now)
    }

    /// Counts what was asked; bytes of answers are counted when they are known.
    pub fn charge(&mut self, now: Timestamp, requests: u32, bytes: u64) {
        self.forget(now);
        let requests = u64::from(requests);
        self.requests += requests;
        self.bytes += bytes;
        match self.charges.back_mut() {
            Some(last) if now.since(last.begun) < GRAIN => {
                last.at = last.at.max(now);
                last.requests += requests;
                last.bytes += bytes;
            }
            _ => self.charges.push_back(Charge {
                begun: now,
                at: now,
                requests,
                bytes,
            }),
        }
    }

    /// What counts at `now`: requests and bytes.
    pub fn spent(&mut self, now: Timestamp) -> (u64, u64) {
        self.forget(now);
        (self.requests, self.bytes)
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(first) = self.charges.front() {
            if now.since(first.at) < self.limits.window {
                return;
            }
            self.requests -= first.requests;
            self.bytes -= first.bytes;
            self.charges.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp(1_000_000 + millis)
    }

    #[test]
    fn nothing_waits_below_the_budget() {
        let mut budget = Budget::new(Limits::default());
        for i in 0..80 {
            assert_eq!(budget.wait(Lane::Rest, at(i), 1, 100), Duration::ZERO);
            budget.charge(at(i), 1, 100);
        }
    }

    #[test]
    fn a_fifth_is_kept_for_answers_and_closing_never_waits() {
        let mut budget = Budget::new(Limits::default());
        budget.charge(at(0), 80, 0);
        assert_eq!(
            budget.wait(Lane::Rest, at(1_000), 1, 0),
            Duration::from_secs(4)
        );
        assert_eq!(budget.wait(Lane::Answer, at(1_000), 20, 0), Duration::ZERO);
        budget.charge(at(1_000), 20, 0);
        assert_eq!(
            budget.wait(Lane::Answer, at(2_000), 1, 0),
            Duration::from_secs(3)
        );
        assert_eq!(
            budget.wait(Lane::Closing, at(2_000), 1_000, 0),
            Duration::ZERO
        );
        budget.charge(at(2_000), 1_000, 0);
        assert_eq!(
            budget.wait(Lane::Answer, at(2_000), 1, 0),
            Duration::from_secs(5)
        );
    }

    #[test]
    fn bytes_count_like_requests() {
        let mut budget = Budget::new(Limits::default());
        budget.charge(at(0), 1, 100_000);
        assert_eq!(budget.wait(Lane::Rest, at(0), 1, 20_000), Duration::ZERO);
        assert_eq!(
            budget.wait(Lane::Rest, at(0), 1, 20_001),
            Duration::from_secs(5)
        );
    }

    #[test]
    fn what_is_larger_than_the_budget_goes_when_it_is_alone() {
        let mut budget = Budget::new(Limits::default());
        assert_eq!(budget.wait(Lane::Rest, at(0), 1, 1_000_000), Duration::ZERO);
        budget.charge(at(0), 1, 1_000_000);
        assert_eq!(
            budget.wait(Lane::Rest, at(0), 1, 1_000_000),
            Duration::from_secs(5)
        );
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_budget(
            asks in proptest::collection::vec((0_i64..400, 1_u32..20, 0_u64..30_000, any::<bool>()), 1..200)
        ) {
            let limits = Limits::default();
            let mut budget = Budget::new(limits);
            let mut now = at(0);
            let mut sent: Vec<(Timestamp, u32, u64)> = Vec::new();
            for (pause, requests, bytes, answer) in asks {
                let lane = if answer { Lane::Answer } else { Lane::Rest };
                now = now + Duration::from_millis(pause.unsigned_abs());
                now = now + budget.wait(lane, now, requests, bytes);
                prop_assert_eq!(budget.wait(lane, now, requests, bytes), Duration::ZERO);
                budget.charge(now, requests, bytes);
                sent.push((now, requests, bytes));
                let within = sent.iter().filter(|(at, ..)| now.since(*at) < limits.window);
                let (requests, bytes) = within.fold((0, 0), |(r, b), (_, requests, bytes)| (r + requests, b + bytes));
                prop_assert!(requests <= limits.requests && bytes <= limits.bytes, "{requests} {bytes}");
            }
        }
    }
}
