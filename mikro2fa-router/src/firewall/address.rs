//! Addresses as firewall rules and address lists write them: one address, a prefix, a range.

use std::{fmt, net::IpAddr, str::FromStr};

/// A set of addresses of one family: `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1-10.0.0.9`, and the same for IPv6.
///
/// Kept as first and last address. Prints in the shortest form, as RouterOS stores it: a host without a mask, a range that
/// is a whole prefix as that prefix (`10.8.0.4/32` becomes `10.8.0.4`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AddressSet {
    first: IpAddr,
    last: IpAddr,
}

/// The text is neither an address nor a prefix nor a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an address, a prefix like 10.0.0.0/24 or a range like 10.0.0.1-10.0.0.9")]
pub struct ParseAddressError;

impl AddressSet {
    /// Whether `address` belongs to the set. An address of the other family never does.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && self.first <= address && address <= self.last
    }

    /// Whether this is a single address, and which.
    #[must_use]
    pub fn single(&self) -> Option<IpAddr> {
        (self.first == self.last).then_some(self.first)
    }

    /// The lowest address.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// The highest address.
    #[must_use]
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    /// Whether the addresses are of IPv4.
    #[must_use]
    pub const fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }

    fn prefix(address: IpAddr, length: u32) -> Option<Self> {
        let width = width(address);
        if length > width {
            return None;
        }
        let host = match width - length {
            128 => u128::MAX,
            bits => (1_u128 << bits) - 1,
        };
        let number = to_number(address);
        Some(Self {
            first: from_number(number & !host, width),
            last: from_number(number | host, width),
        })
    }

    /// The length of the prefix that is exactly this set.
    fn prefix_length(&self) -> Option<u32> {
        let (first, last) = (to_number(self.first), to_number(self.last));
        let host = first ^ last;
        // A host part is a run of ones from the right, and all of it is zero in the first address.
        let is_run = host & host.wrapping_add(1) == 0;
        (is_run && first & host == 0).then(|| width(self.first) - (128 - host.leading_zeros()))
    }
}

impl From<IpAddr> for AddressSet {
    fn from(address: IpAddr) -> Self {
        Self {
            first: address,
            last: address,
        }
    }
}

impl FromStr for AddressSet {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((address, length)) = text.split_once('/') {
            let address = address.parse().map_err(|_| ParseAddressError)?;
            if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
                return Err(ParseAddressError);
            }
            let length = length.parse().map_err(|_| ParseAddressError)?;
            return Self::prefix(address, length).ok_or(ParseAddressError);
        }
        if let Some((first, last)) = text.split_once('-') {
            let first: IpAddr = first.parse().map_err(|_| ParseAddressError)?;
            let last: IpAddr = last.parse().map_err(|_| ParseAddressError)?;
            let fits = first.is_ipv4() == last.is_ipv4() && first <= last;
            return if fits {
                Ok(Self { first, last })
            } else {
                Err(ParseAddressError)
            };
        }
        text.parse::<IpAddr>()
            .map(Self::from)
            .map_err(|_| ParseAddressError)
    }
}

impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        match self.prefix_length() {
            Some(length) => write!(f, "{}/{length}", self.first),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

const fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn from_number(number: u128, width: u32) -> IpAddr {
    if width == 32 {
        // The upper bits of an IPv4 number may be set by a host mask of all ones; only the lower 32 count.
        let [.., a, b, c, d] = number.to_be_bytes();
        IpAddr::from([a, b, c, d])
    } else {
        IpAddr::from(number.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> AddressSet {
        text.parse().unwrap()
    }

    #[test]
    fn normal_forms() {
        let cases = [
            ("10.8.0.4", "10.8.0.4"),
            ("10.8.0.4/32", "10.8.0.4"),
            ("10.8.0.4/24", "10.8.0.0/24"),
            ("10.0.0.0-10.0.0.255", "10.0.0.0/24"),
            ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"),
            ("10.0.0.1-10.0.0.1", "10.0.0.1"),
            ("10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("fd00::1/128", "fd00::1"),
            ("fd00::1/64", "fd00::/64"),
            ("::/0", "::/0"),
        ];
        for (text, expected) in cases {
            assert_eq!(set(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn membership() {
        assert!(set("10.8.0.0/24").contains("10.8.0.255".parse().unwrap()));
        assert!(!set("10.8.0.0/24").contains("10.8.1.0".parse().unwrap()));
        assert!(!set("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(!set("::/0").contains("10.0.0.1".parse().unwrap()));
        assert!(set("fd00::1-fd00::5").contains("fd00::3".parse().unwrap()));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-fd00::1",
            "fd00::/129",
            "host.example",
        ] {
            assert_eq!(text.parse::<AddressSet>(), Err(ParseAddressError), "{text}");
        }
    }
}
