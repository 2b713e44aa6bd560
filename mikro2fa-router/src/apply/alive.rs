//! Telling the dead man's switch that we live. The new entry is made before the old one goes: the switch never finds the list
//! empty in between, and a router that does not take `set timeout=` on entries needs nothing else.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr},
};

use mikro2fa_core::{
    router_backend::{Applied, Lease, PermitTag, Prefix},
    time::Timestamp,
};

use super::{Context, Errand, Words, ended, impossible};
use crate::{
    address_list::{self, Entry, Family},
    handle::Id,
    transport::{Answer, End, No},
};

/// Two places, used in turn. What stands on the list means nothing to the firewall.
const PLACES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
];

pub(super) struct Tell<'a> {
    context: &'a Context<'a>,
    lease: Lease,
    step: Step,
    /// What goes when the new entry is there.
    old: VecDeque<Id>,
    /// Where the new one is made.
    place: IpAddr,
}

enum Step {
    Find,
    /// Both places are taken: one of them is made free first.
    Clear(Id),
    Add,
    Remove(Id),
}

impl<'a> Tell<'a> {
    pub(super) const fn new(context: &'a Context<'a>, lease: Lease) -> Self {
        let [place, _] = PLACES;
        Self {
            context,
            lease,
            step: Step::Find,
            old: VecDeque::new(),
            place,
        }
    }

    fn list(&self) -> &'a str {
        &self.context.site.lists.alive
    }

    fn found(&mut self, answer: &Answer) -> Option<Applied> {
        let entries: Result<Vec<Entry>, _> = answer.rows.iter().map(Entry::read).collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(malformed) => return Some(impossible(malformed.to_string())),
        };
        let mut ours = Vec::new();
        let mut taken = Vec::new();
        for entry in entries {
            let tag = self.context.site.tagger.parse(&entry.comment);
            let places = entry.addresses.iter().map(|prefix| prefix.address);
            let places: Vec<IpAddr> = places.filter(|it| PLACES.contains(it)).collect();
            taken.extend(places.iter().copied());
            if matches!(tag, PermitTag::Ours { .. }) {
                ours.push((entry.id, places));
            }
        }
        let free = PLACES.into_iter().find(|place| !taken.contains(place));
        self.step = match free {
            Some(place) => {
                self.place = place;
                Step::Add
            }
            None => {
                let own = ours.iter().position(|(_, places)| !places.is_empty());
                let Some((id, places)) = own.map(|at| ours.swap_remove(at)) else {
                    return Some(impossible(format!(
                        "the list {} is full of entries that are not ours",
                        self.list()
                    )));
                };
                self.place = places.first().copied().unwrap_or(self.place);
                Step::Clear(id)
            }
        };
        self.old = ours.into_iter().map(|(id, _)| id).collect();
        None
    }

    fn next_removal(&mut self) -> Option<Applied> {
        match self.old.pop_front() {
            Some(id) => {
                self.step = Step::Remove(id);
                None
            }
            None => Some(Applied::Done { handle: None }),
        }
    }
}

impl Errand for Tell<'_> {
    fn say(&self, now: Timestamp) -> Option<Words> {
        Some(Words::Alone(match &self.step {
            Step::Find => address_list::print(Family::V4, self.list()),
            Step::Clear(id) | Step::Remove(id) => address_list::remove(Family::V4, [id]),
            Step::Add => {
                let comment = self.context.site.tagger.print_alive(self.context.epoch);
                address_list::add(
                    self.list(),
                    Prefix::host(self.place),
                    self.lease.seconds_at(now)?,
                    &comment,
                )
            }
        }))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        let gone = |end: &End| matches!(end, End::Refused(no) if no.kind == No::Gone);
        match (&self.step, &answer.end) {
            (Step::Find, End::Done { .. }) => self.found(answer),
            (Step::Find, end) => Some(ended(end, false)),
            (Step::Clear(_), end) if matches!(end, End::Done { .. }) || gone(end) => {
                self.step = Step::Add;
                None
            }
            (Step::Add, End::Done { .. }) => self.next_removal(),
            (Step::Remove(_), end) if matches!(end, End::Done { .. }) || gone(end) => {
                self.next_removal()
            }
            (_, end) => Some(ended(end, true)),
        }
    }
}
