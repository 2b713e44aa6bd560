//! Addresses as RouterOS writes them in lists and routes: single ones, prefixes, ranges.

use std::net::IpAddr;

use mikro2fa_core::router_backend::Prefix;

/// Reads `10.8.0.4`, `10.9.0.0/24` or their like of IPv6; bits behind the length are cleared, as RouterOS does.
pub(crate) fn parse(text: &str) -> Option<Prefix> {
    let Some((address, length)) = text.split_once('/') else {
        return text.parse().ok().map(Prefix::host);
    };
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    (length <= Prefix::host(address).length).then(|| network(Prefix { address, length }))
}

/// Reads what may stand in an address list: as [`parse`], or a range `10.0.0.1-10.0.0.9`, which becomes the prefixes
/// that make it up. A DNS name is none of these: what it resolves to stands in entries of its own (MikroTik manual,
/// Address-lists).
pub(crate) fn parse_entry(text: &str) -> Vec<Prefix> {
    match text.split_once('-') {
        Some((first, last)) => match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => cover(first, last),
            _ => Vec::new(),
        },
        None => parse(text).into_iter().collect(),
    }
}

/// Without the bits behind its length.
pub(crate) fn network(prefix: Prefix) -> Prefix {
    let bits = bits(prefix.address) & mask(prefix.length, width(prefix.address));
    Prefix {
        address: address(bits, prefix.address),
        ..prefix
    }
}

/// As the router may have it: it writes a single IPv4 address without `/32`, and of IPv6 either form is met.
pub(crate) fn spellings(prefix: Prefix) -> Vec<String> {
    let prefix = network(prefix);
    let mut spellings = vec![prefix.to_string()];
    if prefix.address.is_ipv6() && prefix.is_host() {
        spellings.push(format!("{prefix}/128"));
    }
    spellings
}

/// The fewest prefixes that are the same addresses as from `first` to `last`.
fn cover(first: IpAddr, last: IpAddr) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    if first.is_ipv4() != last.is_ipv4() {
        return prefixes;
    }
    let (width, end) = (width(first), bits(last));
    let mut next = Some(bits(first)).filter(|first| *first <= end);
    while let Some(start) = next {
        let aligned = if start == 0 {
            128
        } else {
            start.trailing_zeros()
        };
        let fitting = (end - start).checked_add(1).map_or(128, u128::ilog2);
        let free = aligned.min(fitting).min(u32::from(width));
        prefixes.push(Prefix {
            address: address(start, first),
            length: width - u8::try_from(free).unwrap_or(0),
        });
        let step = 1_u128.checked_shl(free);
        next = step
            .and_then(|step| start.checked_add(step))
            .filter(|start| *start <= end);
    }
    prefixes
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// An address of these bits, of the same family as `like`.
fn address(bits: u128, like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(bits).unwrap_or(u32::MAX).into()),
        IpAddr::V6(_) => IpAddr::V6(bits.into()),
    }
}

fn mask(length: u8, width: u8) -> u128 {
    let free = u32::from(width.saturating_sub(length));
    u128::MAX.checked_shl(free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(text: &str) -> Vec<String> {
        let prefixes = parse_entry(text);
        prefixes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn entries_are_read_as_routeros_writes_them() {
        assert_eq!(entry("10.8.0.4"), ["10.8.0.4"]);
        assert_eq!(entry("10.8.0.4/32"), ["10.8.0.4"]);
        assert_eq!(entry("10.9.0.0/24"), ["10.9.0.0/24"]);
        assert_eq!(entry("10.9.0.77/24"), ["10.9.0.0/24"]);
        assert_eq!(entry("0.0.0.0/0"), ["0.0.0.0/0"]);
        assert_eq!(entry("2001:db8::1/128"), ["2001:db8::1"]);
        assert_eq!(entry("2001:db8::1/64"), ["2001:db8::/64"]);
        assert_eq!(entry("::/0"), ["::/0"]);
        for odd in [
            "",
            "vpn.example.com",
            "my-host",
            "10.0.0.1/33",
            "10.0.0.1-::1",
            "10.0.0.9-10.0.0.1",
        ] {
            assert_eq!(entry(odd), [""; 0], "{odd}");
        }
    }

    #[test]
    fn a_range_is_the_prefixes_that_make_it_up() {
        assert_eq!(
            entry("10.0.0.1-10.0.0.9"),
            ["10.0.0.1", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/31"]
        );
        assert_eq!(entry("0.0.0.0-255.255.255.255"), ["0.0.0.0/0"]);
        assert_eq!(
            entry("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ["::/0"]
        );
        assert_eq!(entry("10.0.0.4-10.0.0.4"), ["10.0.0.4"]);
    }

    #[test]
    fn an_ipv6_address_may_be_written_with_its_length() {
        let host = Prefix::host("2001:db8::1".parse().unwrap());
        assert_eq!(spellings(host), ["2001:db8::1", "2001:db8::1/128"]);
        let host = Prefix::host("10.8.0.4".parse().unwrap());
        assert_eq!(spellings(host), ["10.8.0.4"]);
    }

    proptest! {
        #[test]
        fn a_range_covers_what_it_says(a: u32, b: u32, probe: u32) {
            let (first, last) = (a.min(b), a.max(b));
            let text = format!("{}-{}", std::net::Ipv4Addr::from(first), std::net::Ipv4Addr::from(last));
            let prefixes = parse_entry(&text);
            let size: u64 = prefixes.iter().map(|p| 1_u64 << (32 - p.length)).sum();
            prop_assert_eq!(size, u64::from(last) - u64::from(first) + 1);
            let probe = probe.clamp(first, last);
            let holds = |p: &Prefix| network(Prefix { address: IpAddr::V4(probe.into()), length: p.length }) == *p;
            prop_assert!(prefixes.iter().any(holds));
            prop_assert!(prefixes.len() <= 62);
        }

        #[test]
        fn any_text_can_be_read(text in "[0-9a-f.:/-]{0,40}") {
            for prefix in parse_entry(&text) {
                prop_assert_eq!(network(prefix), prefix);
            }
        }
    }
}
