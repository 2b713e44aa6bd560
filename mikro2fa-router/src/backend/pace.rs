//! The budget of one router, and the time it goes by.

use std::time::Duration;

use mikro2fa_core::time::Timestamp;
use tokio::time::Instant;

use crate::budget::{Budget, Lane, Limits};

/// Keeps a router's budget. Its time passes as fast as the faster of the clock and real time: either may be moved or
/// stand still in tests, and a router rests in both.
pub(super) struct Pace {
    budget: Budget,
    at: Timestamp,
    read_at: (Timestamp, Instant),
    /// How much the last complete look moved, and the last that asked for some rows only.
    complete_look: u64,
    partial_look: u64,
}

impl Pace {
    pub(super) fn new(limits: Limits, now: Timestamp) -> Self {
        Self {
            budget: Budget::new(limits),
            at: now,
            read_at: (now, Instant::now()),
            complete_look: 0,
            partial_look: 0,
        }
    }

    /// How long to wait before this is said.
    pub(super) fn wait(
        &mut self,
        lane: Lane,
        now: Timestamp,
        requests: u32,
        bytes: u64,
    ) -> Duration {
        let at = self.read(now);
        self.budget.wait(lane, at, requests, bytes)
    }

    /// Counts what was said and heard.
    pub(super) fn charge(&mut self, now: Timestamp, requests: u32, bytes: u64) {
        let at = self.read(now);
        self.budget.charge(at, requests, bytes);
    }

    /// How many bytes the last look of this lane moved: what the next one is expected to.
    pub(super) const fn last_look(&mut self, lane: Lane) -> &mut u64 {
        match lane {
            Lane::Rest => &mut self.complete_look,
            Lane::Answer | Lane::Closing => &mut self.partial_look,
        }
    }

    fn read(&mut self, now: Timestamp) -> Timestamp {
        let (clock, real) = self.read_at;
        self.at = self.at + now.since(clock).max(real.elapsed());
        self.read_at = (now, Instant::now());
        self.at
    }
}
