//! Who was seen on this connection, so that the next look asks for less.
//!
//! What a router reports of a tunnel does not change while the tunnel lives, but for its uptime; and printing each
//! property of each row costs the router time. So a complete look asks for ids, session ids and uptimes only, once
//! tunnels are known, and for the rest of those that it does not know beyond doubt.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use mikro2fa_core::{
    id::RouterId,
    router_backend::Part,
    time::Timestamp,
    tunnel::{Addresses, Caller, Same, Service, Text, Tunnel, TunnelKey, TunnelSource},
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

/// The tunnels of one connection's looks.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    known: HashMap<Text, Known>,
    /// How many looks it has kept.
    looks: u64,
}

/// A tunnel with all that will not change any more.
#[derive(Debug)]
struct Known {
    nonce: Text,
    account: Text,
    service: Service,
    address: std::net::Ipv4Addr,
    caller: Caller,
    uptime: Duration,
    seen_at: Timestamp,
    /// Which look saw it last.
    look: u64,
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
        !self.known.is_empty()
    }

    /// Reads the rows of a short look that was begun at `at`.
    ///
    /// # Errors
    ///
    /// If an id or an uptime cannot be read.
    pub(crate) fn call(
        &self,
        rows: &Rows,
        router: RouterId,
        at: Timestamp,
    ) -> Result<Called, Malformed> {
        let mut called = Called {
            known: Vec::with_capacity(rows.len()),
            unknown: Vec::new(),
        };
        for row in rows {
            let [id, nonce, uptime] = row.fields([".id", "session-id", "uptime"]);
            let uptime = row::duration("uptime", uptime)?.unwrap_or_default();
            match self.recognise(id, row::present(nonce), uptime, router, at) {
                Some(tunnel) => called.known.push(tunnel),
                None => called.unknown.push(row::id(id)?),
            }
        }
        Ok(called)
    }

    fn recognise(
        &self,
        id: Option<&[u8]>,
        nonce: Option<&[u8]>,
        uptime: Duration,
        router: RouterId,
        at: Timestamp,
    ) -> Option<Tunnel> {
        let id = std::str::from_utf8(id?).ok()?;
        let (handle, known) = self.known.get_key_value(id)?;
        if nonce != Some(&*text::encode(&known.nonce)) {
            return None;
        }
        let before = known.tunnel(handle, router, known.uptime, known.seen_at);
        let now = Tunnel {
            uptime,
            seen_at: at,
            ..before.clone()
        };
        (before.same_as(&now) == Same::Yes).then_some(now)
    }

    /// If the tunnel that was seen at this address is still the one there. None if none was, or more than one.
    pub(crate) fn still_at(&self, address: IpAddr) -> Option<Guard> {
        let mut there = self.known.iter().filter(|(_, it)| it.address == address);
        let (Some((handle, known)), None) = (there.next(), there.next()) else {
            return None;
        };
        let id = Id::parse(handle.as_bytes())?;
        let guard = ppp::still(&id, &known.account, Some(&known.nonce));
        Some(guard.with("address", address.to_string()))
    }

    /// Keeps what a look saw.
    pub(crate) fn remember(&mut self, asked: &Part, tunnels: &[Tunnel]) {
        self.looks += 1;
        match asked {
            Part::Nothing => return,
            Part::All => {}
            Part::These(names) => self.known.retain(|_, it| !names.contains(&it.account)),
        }
        for tunnel in tunnels {
            let handle = &tunnel.key.handle;
            match Known::of(tunnel, self.looks) {
                Some(seen) => match self.known.get_mut(handle) {
                    Some(known) => *known = seen,
                    None => drop(self.known.insert(handle.clone(), seen)),
                },
                None => drop(self.known.remove(handle)),
            }
        }
        if *asked == Part::All {
            self.known.retain(|_, it| it.look == self.looks);
        }
    }
}

impl Known {
    /// None while something of it may still change.
    fn of(tunnel: &Tunnel, look: u64) -> Option<Self> {
        Some(Self {
            nonce: tunnel.key.nonce.clone()?,
            account: tunnel.account.clone(),
            service: tunnel.service,
            address: tunnel.addresses.v4?,
            caller: tunnel.caller.clone()?,
            uptime: tunnel.uptime,
            seen_at: tunnel.seen_at,
            look,
        })
    }

    fn tunnel(
        &self,
        handle: &Text,
        router: RouterId,
        uptime: Duration,
        seen_at: Timestamp,
    ) -> Tunnel {
        Tunnel {
            key: TunnelKey {
                router,
                source: TunnelSource::Ppp,
                handle: handle.clone(),
                nonce: Some(self.nonce.clone()),
            },
            account: self.account.clone(),
            service: self.service,
            addresses: Addresses {
                v4: Some(self.address),
                v6: Vec::new(),
            },
            caller: Some(self.caller.clone()),
            uptime,
            seen_at,
        }
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
        assert!(!roll.is_worth_calling());
        roll.remember(&Part::All, &full(&format!("{ANN} | {BOB}"), NOW));
        roll
    }

    fn call(roll: &Roll, brief: &str, seconds: u64) -> (Vec<Tunnel>, Vec<String>) {
        let at = NOW + Duration::from_secs(seconds);
        let called = roll.call(&rows(brief), router(), at).unwrap();
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
    fn what_a_look_did_not_see_is_forgotten() {
        let mut roll = roll();
        roll.remember(&Part::These(vec!["bob".into()]), &[]);
        assert!(roll.is_worth_calling());
        roll.remember(&Part::These(vec!["ann".into()]), &[]);
        assert!(!roll.is_worth_calling());
        let mut roll = self::roll();
        roll.remember(&Part::All, &[]);
        assert!(!roll.is_worth_calling());
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
