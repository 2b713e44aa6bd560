//! What was last seen of a router, by part, with its age. What a look did not ask for is unchanged, not absent.

use std::{
    collections::{BTreeMap, btree_map},
    sync::Arc,
    time::Duration,
};

use crate::{
    enforcement::Doubts,
    gate::GateSeen,
    router_backend::{AccountRow, Observed, Part, PermitRow, PermitTag, Prefix, RuleRow, Seen},
    time::Timestamp,
    tunnel::{Same, Text, Tunnel, TunnelKey},
};

/// How much an uptime may fall short of what is expected before it is a reboot.
const REBOOT_SLACK: Duration = Duration::from_secs(5);
/// A look that took longer says less exactly since when a tunnel is up.
const SLOW: Duration = Duration::from_secs(2);
/// A tunnel of which it cannot be told for so long whether it is the same is taken for another one.
const UNSURE: Duration = Duration::from_secs(10);

/// An entry of the permit or ban list, as last seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its id on the router.
    pub handle: Text,
    /// Whose it is.
    pub tag: PermitTag,
    /// When it lapses by itself, by our clock; none = never.
    pub lapses_at: Option<Timestamp>,
    /// When it was seen.
    pub seen_at: Timestamp,
}

impl Entry {
    /// Has it lapsed by now?
    #[must_use]
    pub fn lapsed(&self, now: Timestamp) -> bool {
        self.lapses_at.is_some_and(|at| at <= now)
    }
}

/// What was last seen of a router.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    /// Live tunnels.
    pub tunnels: BTreeMap<TunnelKey, Arc<Tunnel>>,
    /// When all tunnels were last seen.
    pub tunnels_at: Option<Timestamp>,
    /// The permit list, by address.
    pub permits: BTreeMap<Prefix, Entry>,
    /// When the whole permit list was last seen.
    pub permits_at: Option<Timestamp>,
    /// The ban list, by address.
    pub bans: BTreeMap<Prefix, Entry>,
    /// When the whole ban list was last seen.
    pub bans_at: Option<Timestamp>,
    /// Logins that were asked about, by name, one for each place where the name stands; empty = seen not to be there.
    pub accounts: BTreeMap<Text, Vec<AccountRow>>,
    /// When each of these names was last asked about.
    pub accounts_at: BTreeMap<Text, Timestamp>,
    /// Rules with `2FA` in their comment.
    pub rules: Vec<RuleRow>,
    /// When they were last seen.
    pub rules_at: Option<Timestamp>,
    /// The gate itself; none before it was first seen.
    pub gate: Option<GateSeen>,
    /// Until when the dead man's switch holds still, by the last time that it heard of us; none = not known.
    pub alive_until: Option<Timestamp>,
    /// Of comments that one rule had: its id, and where it stood first. The id says where it went to if it is renamed.
    pub rule_places: BTreeMap<Text, (Text, Option<u32>)>,
    /// Commands whose outcome is unknown.
    pub doubts: Doubts,
    /// The router's own uptime, when it was asked for, and how long the answer took.
    uptime: Option<(Duration, Timestamp, Duration)>,
    sight: Sight,
}

/// How well tunnels were seen.
#[derive(Clone, Debug, Default)]
struct Sight {
    /// Tunnels that a slow look saw first: how slow, and when. Their uptime may have been read so much later.
    vague: BTreeMap<TunnelKey, (Duration, Timestamp)>,
    /// Tunnels of which it could not be told whether they are the same: since when.
    unsure: BTreeMap<TunnelKey, Timestamp>,
}

/// What a look changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Tunnels that were not there before, or took another's place; the oldest first.
    pub up: Vec<Arc<Tunnel>>,
    /// Tunnels that are gone, or another has their place.
    pub gone: Vec<Arc<Tunnel>>,
    /// Tunnels of which the look could not tell whether they are the same.
    pub unsure: Vec<TunnelKey>,
    /// The router has rebooted since the last look.
    pub rebooted: bool,
    /// Permits of ours that are no longer there though neither a lapsed lease nor a reboot explains it.
    pub taken: Vec<(Prefix, PermitTag)>,
}

impl Mirror {
    /// Takes in a look that took no time.
    pub fn take_in(&mut self, observed: Observed) -> Changes {
        self.take_in_after(observed, Duration::ZERO)
    }

    /// Takes in a look. A router that pauses in the middle may have read an uptime as much later than the look was
    /// begun as the look `took` in all.
    pub fn take_in_after(&mut self, observed: Observed, took: Duration) -> Changes {
        let mut changes = Changes::default();
        if let Some((uptime, at)) = observed.router_uptime {
            changes.rebooted = self.rebooted(uptime, at);
            self.uptime = Some((uptime, at, took));
            if changes.rebooted {
                self.forget_volatile();
            }
        }
        if let Some(seen) = observed.tunnels {
            self.take_in_tunnels(seen, took, &mut changes);
        }
        if let Some(seen) = observed.permits {
            self.take_in_permits(seen, &mut changes);
        }
        if let Some(seen) = observed.bans {
            take_in_list(&mut self.bans, &seen, |_, _| {});
            if seen.asked == Part::All {
                self.bans_at = Some(seen.at);
            }
        }
        if let Some(seen) = observed.accounts {
            if let Part::These(names) = &seen.asked {
                for name in names {
                    self.accounts.insert(Arc::clone(name), Vec::new());
                    self.accounts_at.insert(Arc::clone(name), seen.at);
                }
            } else {
                self.accounts.values_mut().for_each(Vec::clear);
            }
            for row in seen.rows {
                let rows = self.accounts.entry(Arc::clone(&row.name));
                rows.or_default().push(row);
            }
        }
        if let Some(seen) = observed.rules {
            self.take_in_rules(seen);
        }
        if let Some(seen) = observed.gate {
            self.gate = Some(seen);
        }
        changes
    }

    fn rebooted(&self, uptime: Duration, at: Timestamp) -> bool {
        self.uptime.is_some_and(|(was, then, took)| {
            let gone_by = at.since(then);
            uptime + REBOOT_SLACK + gone_by / 2_000 + took < was + gone_by
        })
    }

    /// Since when the router is up, by its own uptime as last seen.
    #[must_use]
    pub fn up_since(&self) -> Option<Timestamp> {
        self.uptime.map(|(uptime, at, _)| at - uptime)
    }

    /// A reboot takes all entries with a time-out, and every id.
    fn forget_volatile(&mut self) {
        self.permits.clear();
        self.bans.clear();
        self.permits_at = None;
        self.bans_at = None;
        self.alive_until = None;
    }

    /// The connection is gone: ids learnt on it mean nothing, and what was there may have changed.
    pub fn disconnected(&mut self) {
        self.permits_at = None;
        self.bans_at = None;
        self.rules_at = None;
        self.gate = None;
        self.alive_until = None;
    }

    fn take_in_tunnels(&mut self, seen: Seen<Tunnel>, took: Duration, changes: &mut Changes) {
        let covers = |tunnel: &Tunnel| match &seen.asked {
            Part::All => true,
            Part::These(names) => names.contains(&tunnel.account),
            Part::Nothing => false,
        };
        // Both in the order of keys, side by side: most looks find what was there before, and nothing is looked up for that.
        let mut rows = seen.rows;
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let mut rows = rows.into_iter().peekable();
        let (mut fresh, mut absent) = (Vec::new(), Vec::new());
        for (key, known) in &mut self.tunnels {
            while let Some(row) = rows.next_if(|row| row.key < *key) {
                fresh.push(row);
            }
            let mut is_there = false;
            while let Some(row) = rows.next_if(|row| row.key == *key) {
                self.sight.see(known, row, took, changes);
                is_there = true;
            }
            if !is_there && covers(known) {
                absent.push(key.clone());
            }
        }
        for tunnel in fresh.into_iter().chain(rows) {
            match self.tunnels.entry(tunnel.key.clone()) {
                btree_map::Entry::Occupied(mut known) => {
                    self.sight.see(known.get_mut(), tunnel, took, changes);
                }
                btree_map::Entry::Vacant(place) => {
                    self.sight.first(&tunnel, took);
                    let tunnel = place.insert(Arc::new(tunnel));
                    changes.up.push(Arc::clone(tunnel));
                }
            }
        }
        for key in absent {
            self.sight.forget(&key);
            changes.gone.extend(self.tunnels.remove(&key));
        }
        changes
            .up
            .sort_by_key(|tunnel| (tunnel.up_at(), tunnel.key.clone()));
        if seen.asked == Part::All {
            self.tunnels_at = Some(seen.at);
        }
    }

    fn take_in_rules(&mut self, seen: Seen<RuleRow>) {
        for row in &seen.rows {
            let alone = seen.rows.iter().filter(|it| it.comment == row.comment);
            if alone.count() == 1 {
                let known = self.rule_places.entry(Arc::clone(&row.comment));
                let (handle, place) = known.or_insert_with(|| (Arc::clone(&row.handle), row.place));
                *handle = Arc::clone(&row.handle);
                *place = place.or(row.place);
            }
        }
        if seen.asked == Part::All {
            self.rules = seen.rows;
        } else {
            let asked = |rule: &RuleRow| match &seen.asked {
                Part::These(comments) => comments.contains(&rule.comment),
                _ => false,
            };
            self.rules.retain(|rule| !asked(rule));
            self.rules.extend(seen.rows);
        }
        self.rules_at = Some(seen.at);
    }

    fn take_in_permits(&mut self, seen: Seen<PermitRow>, changes: &mut Changes) {
        let rebooted = changes.rebooted;
        let taken = &mut changes.taken;
        take_in_list(&mut self.permits, &seen, |address, entry| {
            // An entry that lived for longer than our own clocks may differ did not lapse by itself.
            let lived = entry
                .lapses_at
                .is_none_or(|at| seen.at + Duration::from_secs(5) < at);
            if lived && !rebooted && matches!(entry.tag, PermitTag::Ours { .. }) {
                taken.push((address, entry.tag.clone()));
            }
        });
        match &seen.asked {
            Part::All => {
                self.permits_at = Some(seen.at);
                self.doubts.looked_at_all(seen.at);
            }
            Part::These(addresses) => {
                for address in addresses {
                    if let Some(prefix) = parse_prefix(address) {
                        self.doubts.looked(&prefix, seen.at);
                    }
                }
            }
            Part::Nothing => {}
        }
    }

    /// Our own `add` was done: that one entry was observed.
    pub fn permitted(&mut self, address: Prefix, entry: Entry) {
        self.permits.insert(address, entry);
    }

    /// Our own `remove` was done: that one entry is not there.
    pub fn revoked(&mut self, address: &Prefix) {
        self.permits.remove(address);
    }

    /// Does this tunnel pass by the break-glass list, as far as was seen?
    #[must_use]
    pub fn is_emergency(&self, tunnel: &Tunnel) -> bool {
        tunnel.addresses.v4.is_some_and(|address| {
            let gate = self.gate.as_ref();
            gate.is_some_and(|seen| seen.is_emergency(address.into()))
        })
    }

    /// A tunnel that is beyond doubt the one that `asked` was, as last seen.
    #[must_use]
    pub fn same(&self, asked: &Tunnel) -> Option<&Arc<Tunnel>> {
        if self.sight.unsure.contains_key(&asked.key) {
            return None;
        }
        let seen = self.tunnels.get(&asked.key)?;
        (seen.seen_at <= asked.seen_at && **seen == *asked || asked.same_as(seen) == Same::Yes)
            .then_some(seen)
    }
}

impl Sight {
    /// A tunnel with the key of a known one. The mirror keeps what was certain.
    fn see(
        &mut self,
        known: &mut Arc<Tunnel>,
        mut newer: Tunnel,
        took: Duration,
        changes: &mut Changes,
    ) {
        match self.compare(known, &mut newer, took) {
            Same::Yes => match Arc::get_mut(known) {
                Some(known) => *known = newer,
                None => *known = Arc::new(newer),
            },
            Same::Unsure => changes.unsure.push(newer.key),
            Same::No => {
                self.first(&newer, took);
                let newer = Arc::new(newer);
                changes.up.push(Arc::clone(&newer));
                changes.gone.push(std::mem::replace(known, newer));
            }
        }
    }

    fn first(&mut self, tunnel: &Tunnel, took: Duration) {
        self.unsure.remove(&tunnel.key);
        if took > SLOW {
            let vague = (took, tunnel.seen_at);
            self.vague.insert(tunnel.key.clone(), vague);
        } else {
            self.vague.remove(&tunnel.key);
        }
    }

    fn forget(&mut self, key: &TunnelKey) {
        self.vague.remove(key);
        self.unsure.remove(key);
    }

    /// Is `newer` the same tunnel? Where looks were slow, its uptime becomes what was to be expected, so that since
    /// when it is up stays what it was at first sight.
    fn compare(&mut self, old: &Tunnel, newer: &mut Tunnel, took: Duration) -> Same {
        let vague = self.vague.get(&newer.key).map(|(took, since)| {
            let drift = newer.seen_at.since(*since) / 2_000;
            *took + drift
        });
        match old.same_within(newer, took + vague.unwrap_or_default()) {
            Same::Yes => {
                self.unsure.remove(&newer.key);
                if took > SLOW || vague.is_some() {
                    newer.uptime = old.uptime + newer.seen_at.since(old.seen_at);
                }
                Same::Yes
            }
            Same::Unsure => {
                let since = *self
                    .unsure
                    .entry(newer.key.clone())
                    .or_insert(newer.seen_at);
                if newer.seen_at.since(since) >= UNSURE {
                    Same::No // a doubt that stays closes
                } else {
                    Same::Unsure
                }
            }
            Same::No => Same::No,
        }
    }
}

/// Reads what was asked for back to a prefix; addresses are asked for as [`Prefix`] prints them.
fn parse_prefix(text: &str) -> Option<Prefix> {
    match text.split_once('/') {
        Some((address, length)) => Some(Prefix {
            address: address.parse().ok()?,
            length: length.parse().ok()?,
        }),
        None => text.parse().ok().map(Prefix::host),
    }
}

fn take_in_list(
    list: &mut BTreeMap<Prefix, Entry>,
    seen: &Seen<PermitRow>,
    mut vanished: impl FnMut(Prefix, &Entry),
) {
    let covers = |address: &Prefix| match &seen.asked {
        Part::All => true,
        Part::These(these) => these
            .iter()
            .any(|text| parse_prefix(text) == Some(*address)),
        Part::Nothing => false,
    };
    let rows: BTreeMap<Prefix, Entry> = seen
        .rows
        .iter()
        .map(|row| {
            let entry = Entry {
                handle: Arc::clone(&row.handle),
                tag: row.tag.clone(),
                // The router counts down in whole seconds: a second more, so that it is not thought gone too early.
                lapses_at: row.left.map(|left| seen.at + left + Duration::from_secs(1)),
                seen_at: seen.at,
            };
            (row.address, entry)
        })
        .collect();
    list.retain(|address, entry| {
        // What our own command put there after the look was begun was not there for it to see.
        let stays = !covers(address) || rows.contains_key(address) || entry.seen_at > seen.at;
        if !stays {
            vanished(*address, entry);
        }
        stays
    });
    list.extend(rows);
}
