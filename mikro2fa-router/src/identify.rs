//! What a router is: version, board, what is installed.

use std::fmt;

use mikro2fa_core::router_backend::{Capabilities, Identity, RouterError};
use routeros_api::Row;

use crate::{
    row,
    sentence::{Path, Sentence},
    text,
    transport::{Abilities, Answer, End, Line, Transport},
    user_manager::UserManager,
};

/// A RouterOS version, as far as it decides anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version {
    /// `7` in `7.16.2`.
    pub major: u16,
    /// `16` in `7.16.2`.
    pub minor: u16,
}

impl Version {
    /// Reads the leading numbers of `7.16.2 (stable)`, `6.49.18 (long-term)` or `7.22rc1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.trim_start().split_once('.')?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        Some(Self {
            major: major.parse().ok()?,
            minor: rest.get(..end)?.parse().ok()?,
        })
    }

    /// 6.49 and later 6, and 7: what this backend was written for.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        match self.major {
            6 => self.minor >= 49,
            major => major == 7,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What is asked, in this order.
pub(crate) fn questions() -> Vec<Sentence> {
    vec![
        Sentence::new(Path::ResourcePrint).only(&["uptime", "version", "board-name"]),
        Sentence::new(Path::IdentityPrint).only(&["name"]),
        // All of it: a few rows, once a connection, and which properties there are differs from version to version.
        Sentence::new(Path::PackagePrint),
    ]
}

/// Connects, asks, and lets go of the connection.
///
/// # Errors
///
/// As [`identity`], and whatever connecting says.
pub(crate) async fn over(transport: &impl Transport) -> Result<Identity, RouterError> {
    let line = transport.connect().await?;
    let answers = line.exchange(questions(), Box::new(|| true)).await;
    let reason = line.closed();
    line.close();
    if answers.iter().any(Answer::is_missing) {
        return Err(reason.map_or(RouterError::TimedOut, Into::into));
    }
    identity(&answers, transport.abilities())
}

/// Reads the answers.
///
/// # Errors
///
/// [`RouterError::UnsupportedVersion`], [`RouterError::Refused`] if the login may not read, [`RouterError::Protocol`].
pub(crate) fn identity(answers: &[Answer], abilities: Abilities) -> Result<Identity, RouterError> {
    let [resource, name, packages] = answers else {
        return Err(RouterError::Protocol("answers are missing".into()));
    };
    if let End::Refused(refused) = &resource.end {
        return Err(RouterError::Refused(refused.message.clone()));
    }
    let row = resource.rows.get(0);
    let property = |name| row.and_then(|row| row.bytes(name)).unwrap_or_default();
    let text = text::decode(property("version"));
    let version = Version::parse(&text)
        .filter(|version| version.is_supported())
        .ok_or_else(|| RouterError::UnsupportedVersion(text.clone()))?;
    let uptime = row::duration("uptime", Some(property("uptime")))?;
    Ok(Identity {
        name: text::decode(
            name.rows
                .get(0)
                .and_then(|row| row.bytes("name"))
                .unwrap_or_default(),
        ),
        version: text,
        board: text::decode(property("board-name")),
        uptime: uptime.unwrap_or_default(),
        capabilities: capabilities(version, packages, abilities),
    })
}

/// Which User Manager there is, by the answers to the same questions. A router that does not tell its packages may have its
/// version's: it is then asked, and says if it has none.
pub(crate) fn user_manager(answers: &[Answer]) -> Option<UserManager> {
    let [resource, _, packages] = answers else {
        return None;
    };
    let version = resource.rows.get(0)?.bytes("version")?;
    let version = Version::parse(&text::decode(version))?;
    let untold = packages.complete().is_none_or(|rows| rows.is_empty());
    (untold || installed(packages, "user-manager")).then_some(if version.major >= 7 {
        UserManager::Seven
    } else {
        UserManager::Six
    })
}

fn installed(packages: &Answer, name: &str) -> bool {
    let mut rows = packages.rows.iter();
    rows.any(|row| row.bytes("name") == Some(name.as_bytes()) && is_active(row))
}

/// RouterOS 7 has nearly all in one package; 6 has packages that can be missing or disabled. A login that may not see
/// the packages is taken to have what the version usually has.
fn capabilities(version: Version, packages: &Answer, abilities: Abilities) -> Capabilities {
    let seven = version.major >= 7;
    let installed = |name| installed(packages, name);
    let unseen = packages.complete().is_none_or(|rows| rows.is_empty());
    Capabilities {
        watch: abilities.watch,
        pipeline: abilities.pipeline,
        ppp: seven || unseen || installed("ppp"),
        user_manager: installed("user-manager"),
        wireguard: seven,
        ipv6: seven || installed("ipv6"),
        leases: true,
        gate: true,
    }
}

/// Newer versions list what could be installed, too.
fn is_active(row: Row<'_>) -> bool {
    !row.flag("disabled") && !row.flag("available")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_by_their_leading_numbers() {
        let cases = [
            ("7.16.2 (stable)", Some((7, 16)), true),
            ("7.22rc1 (testing)", Some((7, 22)), true),
            ("7.1beta6", Some((7, 1)), true),
            ("6.49.18 (long-term)", Some((6, 49)), true),
            ("6.48.6 (long-term)", Some((6, 48)), false),
            ("8.0", Some((8, 0)), false),
            ("5.26", Some((5, 26)), false),
            ("7", None, false),
            ("", None, false),
            ("seven.1", None, false),
            ("7.99999999", None, false),
        ];
        for (text, numbers, supported) in cases {
            let version = Version::parse(text);
            let found = version.map(|version| (version.major, version.minor));
            assert_eq!(found, numbers, "{text}");
            assert_eq!(
                version.is_some_and(Version::is_supported),
                supported,
                "{text}"
            );
        }
    }
}
