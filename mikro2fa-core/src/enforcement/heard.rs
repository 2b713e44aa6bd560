//! What a router has heard of us: after a silence it may have shut by itself what is found shut, and nobody did it by hand.

use std::time::Duration;

use crate::{desk::Desk, enforcement::wanted::waits, session::Session, time::Timestamp};

/// What went off in a silence is found so long after its end at most: a look may have broken off meanwhile.
const FOUND_LATE: Duration = Duration::from_secs(60);
/// An uptime says so exactly since when a router is up.
const UPTIME_SLACK: Duration = Duration::from_secs(5);

/// What a router's dead man's switch has heard of us. Unlike what the mirror knows of it, this outlives connections and processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// When it last did, and how long it holds still from then, at least.
    last: Option<(Timestamp, Timestamp)>,
    /// When it heard of us again after it may have gone off.
    again: Option<Timestamp>,
}

impl Heard {
    /// As those left it who `lived` until then: it is told at half time, so half of it may have been over. Sessions that were
    /// to outlive us let it wait for their ends.
    #[must_use]
    pub fn left<'a>(
        lived: Option<Timestamp>,
        desk: &Desk,
        sessions: impl Iterator<Item = &'a Session>,
    ) -> Self {
        let lease = desk.default_policy().lease;
        let last = lived.map(|at| {
            let told = waits(desk, sessions, at).filter(|told| *told > lease);
            (at, at + told.unwrap_or(lease / 2))
        });
        Self { last, again: None }
    }

    /// It was told to hold still until then.
    pub fn told(&mut self, at: Timestamp, until: Timestamp, up_since: Option<Timestamp>) {
        if self.is_over(up_since, at) {
            self.again = Some(at);
        }
        self.last = Some((at, until));
    }

    /// May it have gone off, so that what is found off now was switched off by the router?
    #[must_use]
    pub fn may_have_gone_off(&self, up_since: Option<Timestamp>, now: Timestamp) -> bool {
        let late = self.again.is_some_and(|at| now.since(at) < FOUND_LATE);
        late || self.is_over(up_since, now)
    }

    /// A router that started after it was told has forgotten that.
    fn is_over(&self, up_since: Option<Timestamp>, now: Timestamp) -> bool {
        self.last.is_some_and(|(at, until)| {
            let restarted = up_since.is_some_and(|up| up > at + UPTIME_SLACK);
            until <= now || restarted
        })
    }
}
