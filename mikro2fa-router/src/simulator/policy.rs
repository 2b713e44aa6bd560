//! What a user's group may do.

use super::version::Version;

/// A set of RouterOS policies (MikroTik manual, *User*).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Policy(u32);

/// All names in the order in which RouterOS prints them, and the versions that know them: 6, 7 or both.
const NAMES: [(&str, bool, bool); 19] = [
    ("local", true, true),
    ("telnet", true, true),
    ("ssh", true, true),
    ("ftp", true, true),
    ("reboot", true, true),
    ("read", true, true),
    ("write", true, true),
    ("policy", true, true),
    ("test", true, true),
    ("winbox", true, true),
    ("password", true, true),
    ("web", true, true),
    ("sniff", true, true),
    ("sensitive", true, true),
    ("api", true, true),
    ("romon", true, true),
    ("dude", true, false),
    ("tikapp", true, false),
    ("rest-api", false, true),
];

impl Policy {
    #[cfg(feature = "simulator-ssh")]
    pub(crate) const SSH: Self = Self(1 << 2);
    pub(crate) const FTP: Self = Self(1 << 3);
    pub(crate) const REBOOT: Self = Self(1 << 4);
    /// Everything that any version knows.
    pub(crate) const ALL: Self = Self(u32::MAX);
    pub(crate) const READ: Self = Self(1 << 5);
    pub(crate) const WRITE: Self = Self(1 << 6);
    pub(crate) const POLICY: Self = Self(1 << 7);
    pub(crate) const TEST: Self = Self(1 << 8);
    pub(crate) const SENSITIVE: Self = Self(1 << 13);
    pub(crate) const API: Self = Self(1 << 14);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Reads a comma list; `!name` takes away. A name that the version does not know is an error.
    pub(crate) fn parse(text: &str, version: Version) -> Option<Self> {
        let mut set = 0;
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (denied, name) = word
                .strip_prefix('!')
                .map_or((false, word), |name| (true, name));
            let index = Self::known(version).find(|(_, known)| *known == name)?.0;
            if denied {
                set &= !(1 << index);
            } else {
                set |= 1 << index;
            }
        }
        Some(Self(set))
    }

    /// As RouterOS prints it: every policy, refused ones with `!`.
    pub(crate) fn print(self, version: Version) -> String {
        let words: Vec<String> = Self::known(version)
            .map(|(index, name)| {
                if self.0 & 1 << index == 0 {
                    format!("!{name}")
                } else {
                    name.to_owned()
                }
            })
            .collect();
        words.join(",")
    }

    fn known(version: Version) -> impl Iterator<Item = (usize, &'static str)> {
        let six = version.major == 6;
        NAMES
            .iter()
            .enumerate()
            .filter(move |(_, (_, in_6, in_7))| if six { *in_6 } else { *in_7 })
            .map(|(i, (n, ..))| (i, *n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_printed() {
        let policy = Policy::parse("api,read,write", Version::V7_16).unwrap();
        assert!(
            policy.has(Policy::API) && policy.has(Policy::READ) && !policy.has(Policy::SENSITIVE)
        );
        let printed = policy.print(Version::V7_16);
        assert!(
            printed.contains(",read,write,!policy,") && printed.contains(",api,"),
            "{printed}"
        );
        assert_eq!(Policy::parse(&printed, Version::V7_16), Some(policy));
    }

    #[test]
    fn names_are_those_of_the_version() {
        assert_eq!(Policy::parse("dude", Version::V7_16), None);
        assert!(Policy::parse("dude", Version::V6_49).is_some());
        assert_eq!(Policy::parse("rest-api", Version::V6_49), None);
        assert_eq!(Policy::parse("nonsense", Version::V7_16), None);
    }

    #[test]
    fn the_constants_are_where_the_names_are() {
        let cases = [
            #[cfg(feature = "simulator-ssh")]
            ("ssh", Policy::SSH),
            ("reboot", Policy::REBOOT),
            ("read", Policy::READ),
            ("write", Policy::WRITE),
            ("policy", Policy::POLICY),
            ("test", Policy::TEST),
            ("sensitive", Policy::SENSITIVE),
            ("api", Policy::API),
        ];
        for (name, policy) in cases {
            assert_eq!(Policy::parse(name, Version::V7_16), Some(policy), "{name}");
        }
    }
}
