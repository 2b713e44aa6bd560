//! Commands whose outcome is unknown: neither done nor failed.
//!
//! A router can pause for most of a minute and then do what it was told (danikf/tik4net,
//! `Docs/findings-router-throughput-ceiling.md`). So until the longest lease that such a command could have granted is
//! over, its permit counts as present: it is revoked, and looked for again.

use std::{collections::BTreeMap, time::Duration};

use crate::{id::SessionId, router_backend::Prefix, time::Timestamp};

/// How long after the doubt began its address is looked for.
const LOOKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(10),
    Duration::from_secs(60),
];

/// A permit that may be on the router, or still come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// For which session it was.
    pub session: SessionId,
    /// Since when.
    pub since: Timestamp,
    /// Until when it may be there.
    pub until: Timestamp,
    /// How often it was looked for.
    pub looked: u8,
}

impl Doubt {
    /// When it is looked for next.
    #[must_use]
    pub fn look_at(&self) -> Timestamp {
        LOOKS
            .get(usize::from(self.looked))
            .map_or(self.until, |&after| self.since + after)
    }
}

/// All doubts about one router's permit list, by address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Doubts(BTreeMap<Prefix, Doubt>);

impl Doubts {
    /// A permit command got no reply; it could live until `until`.
    pub fn add(&mut self, address: Prefix, session: SessionId, now: Timestamp, until: Timestamp) {
        let until = self
            .0
            .get(&address)
            .map_or(until, |doubt| doubt.until.max(until));
        self.0.insert(
            address,
            Doubt {
                session,
                since: now,
                until,
                looked: 0,
            },
        );
    }

    /// A look at this address was taken.
    pub fn looked(&mut self, address: &Prefix, at: Timestamp) {
        let over = self.0.get_mut(address).is_some_and(|doubt| {
            if at >= doubt.look_at() {
                doubt.looked = doubt.looked.saturating_add(1);
            }
            at >= doubt.until
        });
        if over {
            self.0.remove(address);
        }
    }

    /// A look at the whole list was taken.
    pub fn looked_at_all(&mut self, at: Timestamp) {
        let all: Vec<Prefix> = self.0.keys().copied().collect();
        for address in all {
            self.looked(&address, at);
        }
    }

    /// Is there one about this address?
    #[must_use]
    pub fn about(&self, address: &Prefix) -> Option<&Doubt> {
        self.0.get(address)
    }

    /// Addresses to look for now.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &Prefix> {
        self.0
            .iter()
            .filter(move |(_, doubt)| doubt.look_at() <= now)
            .map(|(address, _)| address)
    }

    /// When the next look is due.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.0.values().map(Doubt::look_at).min()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
