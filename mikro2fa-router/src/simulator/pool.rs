//! Address pools.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::{IpAddr, Ipv4Addr},
};

use super::version::PoolReuse;
use crate::firewall::AddressSet;

/// What each pool has given out.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    by_name: HashMap<String, Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    /// The ranges it was made of; it begins anew when they change.
    ranges: String,
    sets: Vec<AddressSet>,
    /// Where the addresses begin that were never given out: which range, and the next of it.
    cursor: (usize, u32),
    free: VecDeque<Ipv4Addr>,
    used: HashSet<Ipv4Addr>,
}

impl Pools {
    /// An address of the pool, if it has one left.
    pub(crate) fn take(&mut self, name: &str, ranges: &str, reuse: PoolReuse) -> Option<Ipv4Addr> {
        let pool = self.by_name.entry(name.to_owned()).or_default();
        pool.be_made_of(ranges);
        let address = match reuse {
            PoolReuse::AtOnce => pool.free.pop_back().or_else(|| pool.unused()),
            PoolReuse::Oldest => pool.unused().or_else(|| pool.free.pop_front()),
        }?;
        pool.used.insert(address);
        Some(address)
    }

    /// An address is free again.
    pub(crate) fn give_back(&mut self, name: &str, address: Ipv4Addr) {
        if let Some(pool) = self.by_name.get_mut(name)
            && pool.used.remove(&address)
        {
            pool.free.push_back(address);
        }
    }

    /// Nobody has an address any more.
    pub(crate) fn clear(&mut self) {
        self.by_name.clear();
    }
}

impl Pool {
    fn be_made_of(&mut self, ranges: &str) {
        if self.ranges != ranges {
            let sets = ranges
                .split(',')
                .filter_map(|part| part.parse().ok())
                .collect();
            *self = Self {
                ranges: ranges.to_owned(),
                sets,
                used: std::mem::take(&mut self.used),
                ..Self::default()
            };
        }
    }

    fn unused(&mut self) -> Option<Ipv4Addr> {
        while let Some(set) = self.sets.get(self.cursor.0) {
            let (IpAddr::V4(first), IpAddr::V4(last)) = (set.first(), set.last()) else {
                return None;
            };
            let next = first
                .to_bits()
                .checked_add(self.cursor.1)
                .filter(|next| *next <= last.to_bits());
            let Some(next) = next else {
                self.cursor = (self.cursor.0 + 1, 0);
                continue;
            };
            self.cursor.1 += 1;
            let address = Ipv4Addr::from_bits(next);
            if !self.used.contains(&address) {
                return Some(address);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGES: &str = "10.8.0.2-10.8.0.3,10.8.1.1";

    fn take(pools: &mut Pools, reuse: PoolReuse) -> Option<String> {
        pools
            .take("vpn", RANGES, reuse)
            .map(|address| address.to_string())
    }

    #[test]
    fn all_ranges_are_used_up() {
        let mut pools = Pools::default();
        let all: Vec<String> = std::iter::from_fn(|| take(&mut pools, PoolReuse::AtOnce)).collect();
        assert_eq!(all, ["10.8.0.2", "10.8.0.3", "10.8.1.1"]);
    }

    #[test]
    fn a_freed_address_comes_again_at_once_or_last() {
        for (reuse, next) in [
            (PoolReuse::AtOnce, "10.8.0.2"),
            (PoolReuse::Oldest, "10.8.1.1"),
        ] {
            let mut pools = Pools::default();
            take(&mut pools, reuse);
            take(&mut pools, reuse);
            pools.give_back("vpn", "10.8.0.2".parse().unwrap());
            assert_eq!(take(&mut pools, reuse).as_deref(), Some(next));
        }
    }

    #[test]
    fn an_address_given_back_twice_is_free_once() {
        let mut pools = Pools::default();
        let address = pools.take("vpn", "10.8.0.2", PoolReuse::AtOnce).unwrap();
        pools.give_back("vpn", address);
        pools.give_back("vpn", address);
        assert!(pools.take("vpn", "10.8.0.2", PoolReuse::AtOnce).is_some());
        assert_eq!(pools.take("vpn", "10.8.0.2", PoolReuse::AtOnce), None);
    }
}
