//! Who was seen on this connection, so that the next look asks for less.
//!
//! What a router reports of a tunnel does not change while the tunnel lives, but for its uptime; and printing each
//! property of each row costs the router time. So a complete look asks for ids, session ids and uptimes only, once
//! more than a few tunnels are known, and for the rest of those that it does not know beyond doubt.

use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{
    router_backend::Part,
    time::Timestamp,
    tunnel::{Same, Text, Tunnel},
};
use routeros_api::Rows;

use crate::{
    handle::Id,
    ppp,
    row::{self, Malformed},
    sentence::{Guard, Sentence},
    text,
};

/// Most ids in one query.
const IDS: usize = 50;
/// So few tunnels are printed whole: that costs the router less than the second question which a short look needs whenever
/// somebody has dialled, and whoever has dialled waits for one answer instead of two.
const FEW: usize = 16;

/// The tunnels of one connection's looks, with all of each that will not change any more.
///
/// They are kept in the order in which the router gave them: it gives them in the same order again, so that each is found where
/// the last one ended.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    known: Vec<Tunnel>,
}

/// What a short look made of its rows.
#[derive(Debug)]
pub(crate) struct Called {
    /// Tunnels known beyond doubt.
    pub(crate) known: Vec<Tunnel>,
    /// Those to ask about.
    pub(crate) unknown: Vec<Id>,
}

impl Roll {
    /// Is a short look worth it?
    pub(crate) fn is_worth_calling(&self) -> bool {
        self.known.len() >= FEW
    }

    /// Reads the rows of a short look that was begun at `at`.
    ///
    /// # Errors
    ///
    /// If an id or an uptime cannot be read.
    pub(crate) fn call(&self, rows: &Rows, at: Timestamp) -> Result<Called, Malformed> {
        let mut called = Called {
            known: Vec::with_capacity(rows.len()),
            unknown: Vec::new(),
        };
        let mut places = Places::new(&self.known);
        for row in rows {
            let [id, nonce, uptime] = row.fields([".id", "session-id", "uptime"]);
            let uptime = row::duration("uptime", uptime)?.unwrap_or_default();
            let known = places.find(id.unwrap_or_default());
            match known.and_then(|known| recognise(known, row::present(nonce), uptime, at)) {
                Some(tunnel) => called.known.push(tunnel),
                None => called.unknown.push(row::id(id)?),
            }
        }
        Ok(called)
    }

    /// If the tunnel that was seen at this address is still the one there. None if none was, or more than one.
    pub(crate) fn still_at(&self, address: IpAddr) -> Option<Guard> {
        let at = |it: &&Tunnel| it.addresses.v4.is_some_and(|v4| v4 == address);
        let mut there = self.known.iter().filter(at);
        let (Some(known), None) = (there.next(), there.next()) else {
            return None;
        };
        let id = Id::parse(known.key.handle.as_bytes())?;
        let guard = ppp::still(&id, &known.account, known.key.nonce.as_deref());
        Some(guard.with("address", address.to_string()))
    }

    /// Keeps what a look saw.
    pub(crate) fn remember(&mut self, asked: &Part, tunnels: &[Tunnel]) {
        match asked {
            Part::Nothing => return,
            Part::All => {
                // Most looks see what the last one saw, in the same order: then only uptimes are new.
                let alike = |known: &Tunnel, seen: &Tunnel| {
                    Arc::ptr_eq(&known.key.handle, &seen.key.handle)
                };
                let mut both = self.known.iter().zip(tunnels);
                if self.known.len() == tunnels.len() && both.all(|(known, seen)| alike(known, seen))
                {
                    for (known, seen) in self.known.iter_mut().zip(tunnels) {
                        (known.uptime, known.seen_at) = (seen.uptime, seen.seen_at);
                    }
                    return;
                }
                self.known.clear();
            }
            Part::These(names) => {
                let seen: HashSet<&Text> = tunnels.iter().map(|it| &it.key.handle).collect();
                let stays =
                    |it: &Tunnel| !names.contains(&it.account) && !seen.contains(&it.key.handle);
                self.known.retain(stays);
            }
        }
        let kept = tunnels.iter().filter(|tunnel| is_settled(tunnel));
        self.known.extend(kept.cloned());
    }
}

/// Will nothing of it change any more but its uptime?
fn is_settled(tunnel: &Tunnel) -> bool {
    tunnel.key.nonce.is_some() && tunnel.addresses.v4.is_some() && tunnel.caller.is_some()
}

fn recognise(
    known: &Tunnel,
    nonce: Option<&[u8]>,
    uptime: Duration,
    at: Timestamp,
) -> Option<Tunnel> {
    let own = known.key.nonce.as_deref().map(text::encode);
    let same = nonce == own.as_deref() && known.went_on(uptime, at, Duration::ZERO) == Same::Yes;
    same.then(|| Tunnel {
        uptime,
        seen_at: at,
        ..known.clone()
    })
}

/// Finds tunnels by their ids: right behind the last one that was found, or else anywhere.
struct Places<'a> {
    known: &'a [Tunnel],
    next: usize,
    /// Made when the order is another one for the first time.
    index: OnceCell<HashMap<&'a [u8], usize>>,
}

/// So many that are gone are passed over before the order counts as another one.
const GONE: usize = 4;

impl<'a> Places<'a> {
    fn new(known: &'a [Tunnel]) -> Self {
        Self {
            known,
            next: 0,
            index: OnceCell::new(),
        }
    }

    fn find(&mut self, id: &[u8]) -> Option<&'a Tunnel> {
        let ahead = self.known.iter().enumerate().skip(self.next).take(GONE);
        let mut ahead = ahead.filter(|(_, it)| it.key.handle.as_bytes() == id);
        let index = || {
            let all = self.known.iter().enumerate();
            all.map(|(n, it)| (it.key.handle.as_bytes(), n)).collect()
        };
        let found = ahead.next().map(|(n, _)| n);
        let found = found.or_else(|| self.index.get_or_init(index).get(id).copied())?;
        self.next = found + 1;
        self.known.get(found)
    }
}

impl Called {
    /// What to ask about those that are not known: them, or all if that is simpler. With the latter, what was known is
    /// seen again.
    pub(crate) fn questions(&mut self) -> Vec<Sentence> {
        if self.unknown.len() > self.known.len() {
            self.known.clear();
            return vec![ppp::print_active()];
        }
        let some = |ids: &[Id]| ppp::print_active().one_of(".id", ids.iter().map(AsRef::as_ref));
        self.unknown.chunks(IDS).map(some).collect()
    }
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::id::RouterId;

    use super::*;
    use crate::scripted::rows;

    const NOW: Timestamp = Timestamp(1_763_000_000_000);

    fn router() -> RouterId {
        RouterId::from_uuid(uuid::Uuid::from_u128(1))
    }

    fn full(rows_of: &str, at: Timestamp) -> Vec<Tunnel> {
        let rows = rows(rows_of);
        let read = |row| ppp::tunnel(row, router(), at).unwrap();
        rows.iter().map(read).collect()
    }

    const ANN: &str = ".id=*A;name=ann;service=l2tp;caller-id=203.0.113.7;address=10.8.0.4;uptime=1m;session-id=0x1";
    const BOB: &str = ".id=*B;name=bob;service=l2tp;caller-id=203.0.113.8;uptime=1s;session-id=0x2";

    fn roll() -> Roll {
        let mut roll = Roll::default();
        roll.remember(&Part::All, &full(&format!("{ANN} | {BOB}"), NOW));
        roll
    }

    fn call(roll: &Roll, brief: &str, seconds: u64) -> (Vec<Tunnel>, Vec<String>) {
        let at = NOW + Duration::from_secs(seconds);
        let called = roll.call(&rows(brief), at).unwrap();
        let unknown = called.unknown.iter().map(ToString::to_string).collect();
        (called.known, unknown)
    }

    #[test]
    fn a_known_tunnel_is_seen_by_its_ids_and_uptime() {
        let (known, unknown) = call(&roll(), ".id=*A;session-id=0x1;uptime=1m15s", 15);
        let full = full(
            &ANN.replace("=1m;", "=1m15s;"),
            NOW + Duration::from_secs(15),
        );
        assert_eq!((known, unknown), (full, Vec::new()));
    }

    #[test]
    fn whoever_may_be_another_is_asked_about() {
        for brief in [
            ".id=*A;session-id=0x9;uptime=1m15s", // its slot was taken
            ".id=*A;session-id=0x1;uptime=3s",    // began since
            ".id=*A;session-id=0x1;uptime=9h",    // jumped
            ".id=*A;uptime=1m15s",
            ".id=*C;session-id=0x3;uptime=1s",
        ] {
            let (known, unknown) = call(&roll(), brief, 15);
            assert!(known.is_empty() && unknown.len() == 1, "{brief}");
        }
    }

    #[test]
    fn who_had_no_address_yet_is_asked_about() {
        let (_, unknown) = call(&roll(), ".id=*B;session-id=0x2;uptime=16s", 15);
        assert_eq!(unknown, ["*B"]);
    }

    #[test]
    fn tunnels_are_known_in_whatever_order_and_however_many_are_gone() {
        let row = |n: u32, uptime: u64| {
            format!(
                ".id=*{n:X};name=u{n};service=l2tp;caller-id=203.0.113.7;address=10.8.0.{n};uptime={uptime}s;session-id=0x{n:X}"
            )
        };
        let some = |ids: &mut dyn Iterator<Item = u32>, uptime: u64| {
            let rows: Vec<String> = ids.map(|n| row(n, uptime)).collect();
            rows.join(" | ")
        };
        let mut roll = Roll::default();
        assert!(!roll.is_worth_calling());
        roll.remember(&Part::All, &full(&some(&mut (1..40), 5), NOW));
        assert!(roll.is_worth_calling());
        let mut seconds = 0;
        let ways: [Vec<u32>; 5] = [
            (1..40).collect(),
            (1..40).rev().collect(),
            (20..40).chain(1..20).collect(),
            (1..40).step_by(7).collect(),
            (1..40).step_by(14).collect(),
        ];
        for ids in ways {
            seconds += 15;
            let rows = some(&mut ids.iter().copied(), 5 + seconds);
            let at = NOW + Duration::from_secs(seconds);
            let (known, unknown) = call(&roll, &rows, seconds);
            assert_eq!((&known, unknown), (&full(&rows, at), Vec::new()));
            roll.remember(&Part::All, &known);
        }
        // Who is gone is not known any more.
        let (known, unknown) = call(&roll, &row(2, 5 + seconds), seconds);
        assert_eq!((known.len(), unknown), (0, vec!["*2".to_owned()]));
    }

    #[test]
    fn what_a_look_did_not_see_is_forgotten() {
        let mut roll = roll();
        let brief = ".id=*A;session-id=0x1;uptime=1m15s";
        let knows_ann = |roll: &Roll| !call(roll, brief, 15).0.is_empty();
        roll.remember(&Part::These(vec!["bob".into()]), &[]);
        assert!(knows_ann(&roll));
        roll.remember(&Part::These(vec!["ann".into()]), &[]);
        assert!(!knows_ann(&roll));
        let mut roll = self::roll();
        roll.remember(&Part::All, &[]);
        assert!(!knows_ann(&roll));
    }

    #[test]
    fn a_permit_is_for_the_tunnel_that_was_seen() {
        let mut roll = roll();
        let at = "10.8.0.4".parse().unwrap();
        let guard = Guard::new(crate::sentence::Path::ActivePrint, "*A")
            .with("name", "ann")
            .with("session-id", "0x1")
            .with("address", "10.8.0.4");
        assert_eq!(roll.still_at(at), Some(guard));
        assert_eq!(roll.still_at("10.8.0.5".parse().unwrap()), None);
        // A ghost and its successor at one address: neither is guarded by, the look after the permit has to tell.
        let ghost = ANN.replace("*A", "*C").replace("0x1", "0x3");
        roll.remember(&Part::All, &full(&format!("{ANN} | {ghost}"), NOW));
        assert_eq!(roll.still_at(at), None);
    }

    #[test]
    fn if_most_are_unknown_all_are_asked_about() {
        let id = |n: u32| Id::parse(format!("*{n:X}").as_bytes()).unwrap();
        let mut called = Called {
            known: full(ANN, NOW),
            unknown: vec![id(1), id(2)],
        };
        assert_eq!(called.questions(), [ppp::print_active()]);
        assert!(called.known.is_empty());
        let mut called = Called {
            known: full(ANN, NOW),
            unknown: vec![id(1)],
        };
        assert!(format!("{:?}", called.questions()).ends_with("?=.id=*1]"));
    }
}
