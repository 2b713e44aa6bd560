//! Identifiers: ours, unguessable where that matters, and never a bare string.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is no identifier of this kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected 32 hexadecimal digits, with or without dashes")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes over an existing UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID behind it.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.simple(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )*};
}

ids! {
    /// One access, from request or tunnel-up to its end.
    SessionId,
    /// One question about one tunnel. Random: knowing others tells nothing about it.
    ChallengeId,
    /// One set of extension buttons, used once.
    OfferId,
    /// A person with a Telegram chat.
    UserId,
    /// A VPN login of one source.
    AccountId,
    /// Where logins are kept.
    SourceId,
    /// One RouterOS device under control.
    RouterId,
    /// A person who signs in to administer.
    OperatorId,
    /// One running process.
    NodeId,
    /// One transaction, so that it can be sent again when its outcome is unknown.
    CommitId,
    /// One message to be delivered.
    OutboxId,
    /// A ban.
    BanId,
    /// Somebody's wish to be let in as a user.
    RegistrationId,
    /// This installation of mikro2fa; stands in the comment of all that it owns on a router.
    InstallationId,
}

impl InstallationId {
    /// The eight digits that stand in comments on routers.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.0.simple().to_string();
        text.truncate(8);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses() {
        let id = SessionId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "00000000000000000000000000000007");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("x".parse::<SessionId>(), Err(InvalidId));
    }
}
