//! Forgetting tracked connections of an address: clean-up, on which nothing depends.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use mikro2fa_core::{router_backend::Applied, time::Timestamp};
use routeros_api::{Row, row::number};

use super::{Errand, LIST, Words, ended, impossible};
use crate::{
    handle::Id,
    sentence::{Path, Sentence},
    transport::{Answer, End, No},
};

/// From this many on the table is not read: rows cannot be asked for by prefix, and each costs the router time.
const TOO_MANY: u64 = 5_000;

/// Counts, reads, removes.
pub(super) struct Forget {
    address: IpAddr,
    step: Step,
}

enum Step {
    Count,
    Read,
    Remove { lists: VecDeque<Vec<Id>>, any: bool },
}

impl Forget {
    pub(super) const fn new(address: IpAddr) -> Self {
        Self {
            address,
            step: Step::Count,
        }
    }

    fn counted(&mut self, ret: Option<&[u8]>) -> Option<Applied> {
        match ret.and_then(number) {
            Some(count) if count < TOO_MANY => {
                self.step = Step::Read;
                None
            }
            Some(count) => Some(impossible(format!(
                "{count} tracked connections are too many to look through"
            ))),
            None => Some(impossible(
                "the router did not count its tracked connections",
            )),
        }
    }

    fn read(&mut self, answer: &Answer) -> Option<Applied> {
        let ids: Vec<Id> = answer
            .rows
            .iter()
            .filter(|row| self.concerns(*row))
            .filter_map(|row| Id::parse(row.id()?))
            .collect();
        if ids.is_empty() {
            return Some(Applied::AlreadySo);
        }
        let lists = ids.chunks(LIST).map(<[Id]>::to_vec).collect();
        self.step = Step::Remove { lists, any: false };
        None
    }

    fn concerns(&self, row: Row<'_>) -> bool {
        let ends = row.fields(["src-address", "dst-address"]);
        ends.into_iter()
            .flatten()
            .any(|end| host(end) == Some(self.address))
    }
}

/// The address in `10.8.0.4:51820`, `10.8.0.4` or `[2001:db8::1]:443`: the port stands with it or in a property of its
/// own, by version.
fn host(end: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(end).ok()?;
    let bare = text.parse().ok();
    bare.or_else(|| text.parse().ok().map(|end: SocketAddr| end.ip()))
}

impl Errand for Forget {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        let v4 = self.address.is_ipv4();
        let print = Sentence::new(if v4 {
            Path::ConnectionPrint
        } else {
            Path::Connection6Print
        });
        Some(Words::Alone(match &self.step {
            Step::Count => print.with("count-only", ""),
            Step::Read => print.only(&[".id", "src-address", "dst-address"]),
            Step::Remove { lists, .. } => Sentence::new(if v4 {
                Path::ConnectionRemove
            } else {
                Path::Connection6Remove
            })
            .of(lists.front()?),
        }))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        let gone = matches!(&answer.end, End::Refused(no) if no.kind == No::Gone);
        match (&mut self.step, &answer.end) {
            (Step::Count, End::Done { ret }) => self.counted(ret.as_deref()),
            // Rows of this table go while it is read; what came is good enough.
            (Step::Read, End::Done { .. }) => self.read(answer),
            (Step::Read, End::Refused(_)) if gone => self.read(answer),
            (Step::Remove { lists, any }, end) if gone || matches!(end, End::Done { .. }) => {
                let list = lists.pop_front().unwrap_or_default();
                *any |= !gone;
                if gone && list.len() > 1 {
                    list.into_iter().for_each(|id| lists.push_front(vec![id]));
                }
                let done = Applied::Done { handle: None };
                lists
                    .is_empty()
                    .then_some(if *any { done } else { Applied::AlreadySo })
            }
            (step, end) => Some(ended(end, matches!(step, Step::Remove { .. }))),
        }
    }
}
