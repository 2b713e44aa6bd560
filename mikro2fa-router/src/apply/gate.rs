//! Turning the gate's switch: all its jumps, found first, both families.

use mikro2fa_core::{retry::Retry, router_backend::Applied, time::Timestamp};

use super::{Errand, Words, ended};
use crate::{
    address_list::Family,
    gate::GateNames,
    jumps::{self, Found},
    transport::{Answer, End, No},
};

/// Shuts or opens the gate.
pub(super) struct Turn<'a> {
    names: &'a GateNames,
    enabled: bool,
    v4: Option<Found>,
    v6: Option<Found>,
    turned: Vec<Family>,
    changed: bool,
}

impl<'a> Turn<'a> {
    pub(super) const fn new(names: &'a GateNames, enabled: bool) -> Self {
        Self {
            names,
            enabled,
            v4: None,
            v6: None,
            turned: Vec::new(),
            changed: false,
        }
    }

    /// What is to be turned next. IPv6 first: a tunnel that is held in IPv4 alone is not held.
    fn next(&self) -> Option<(Family, &Found)> {
        let both = [(Family::V6, &self.v6), (Family::V4, &self.v4)];
        both.into_iter().find_map(|(family, found)| {
            let found = found.as_ref()?;
            let due = !self.turned.contains(&family) && !found.to_turn(self.enabled).is_empty();
            due.then_some((family, found))
        })
    }

    fn end(&self) -> Applied {
        if self.changed {
            Applied::Done { handle: None }
        } else {
            Applied::AlreadySo
        }
    }

    /// Both were looked at: is there something to turn?
    fn looked(&self) -> Option<Applied> {
        let (Some(v4), Some(v6)) = (&self.v4, &self.v6) else {
            return None;
        };
        if jumps::switch(v4, v6) == mikro2fa_core::router_backend::Jumps::Missing {
            return Some(Applied::Refused {
                reason: "the gate's jumps are not there: prepare the router".into(),
                retry: Retry::Never,
            });
        }
        self.next().is_none().then(|| self.end())
    }
}

impl Errand for Turn<'_> {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        Some(Words::Alone(match (&self.v4, &self.v6) {
            (None, _) => jumps::print(Family::V4, self.names),
            (Some(_), None) => jumps::print(Family::V6, self.names),
            (Some(_), Some(_)) => {
                let (family, found) = self.next()?;
                jumps::turn(family, found.to_turn(self.enabled), self.enabled)
            }
        }))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        if self.v4.is_none() || self.v6.is_none() {
            let found = match &answer.end {
                End::Done { .. } => Found::read(&answer.rows),
                // It has no IPv6.
                End::Refused(no) if self.v4.is_some() && no.kind == No::NoSuchCommand => {
                    Found::default()
                }
                end => return Some(ended(end, false)),
            };
            if self.v4.is_none() {
                self.v4 = Some(found);
            } else {
                self.v6 = Some(found);
            }
            return self.looked();
        }
        match &answer.end {
            End::Done { .. } => {
                let turned = self.next().map(|(family, _)| family);
                self.turned.extend(turned);
                self.changed = true;
                self.next().is_none().then(|| self.end())
            }
            // One of them went meanwhile: it is looked at again.
            End::Refused(no) if no.kind == No::Gone => Some(Applied::Unknown),
            // Half of it may have been turned.
            End::NotSent if self.changed => Some(Applied::Unknown),
            end => Some(ended(end, true)),
        }
    }
}
