//! The two places where a router keeps logins: what is said to each, and how its rows are read. Pure.

use mikro2fa_core::{desk::SourceKind, router_backend::RouterError, tunnel::Text};
use routeros_api::Row;

use super::{Login, LoginName, NewLogin, attributes};
use crate::{
    handle::Id,
    ppp::is_enabled,
    row,
    sentence::{Path, Sentence},
    text,
    user_manager::UserManager,
};

/// What is asked of a secret; never its password.
const SECRET: [&str; 7] = [
    ".id",
    "name",
    "service",
    "profile",
    "disabled",
    "comment",
    "remote-address",
];
/// Some builds of version 6 call the login `name`: whichever it is, comes.
const USER6: &[&str] = &[
    ".id",
    "username",
    "name",
    "disabled",
    "comment",
    "ip-address",
    "actual-profile",
];
const USER7: &[&str] = &[".id", "name", "disabled", "comment", "attributes"];

/// Where logins are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Secrets,
    Users(UserManager),
}

/// A login with its id on this connection.
pub(super) struct Found {
    pub(super) id: Id,
    pub(super) login: Login,
    /// Version 7's RADIUS attributes of its own, as they stand there.
    pub(super) attributes: Text,
    /// Version 6's profile of the User Manager.
    pub(super) user_profile: Option<Text>,
}

impl Place {
    pub(super) const fn kind(self) -> SourceKind {
        match self {
            Self::Secrets => SourceKind::PppSecrets,
            Self::Users(_) => SourceKind::UserManager,
        }
    }

    pub(super) fn called(self, name: &Text) -> LoginName {
        LoginName {
            kind: self.kind(),
            name: name.clone(),
        }
    }

    /// All logins.
    pub(super) const fn print(self) -> Sentence {
        let (path, properties): (Path, &'static [&'static str]) = match self {
            Self::Secrets => (Path::SecretPrint, &SECRET),
            Self::Users(UserManager::Six) => (Path::Users6Print, USER6),
            Self::Users(UserManager::Seven) => (Path::UsersPrint, USER7),
        };
        Sentence::new(path).only(properties)
    }

    /// Those of this name.
    pub(super) fn print_of(self, name: &Text) -> Sentence {
        match self {
            Self::Secrets => self.print().equal("name", text::encode(name)),
            Self::Users(users) => users.named(self.print(), std::slice::from_ref(name)),
        }
    }

    /// Changes one property and nothing else.
    pub(super) fn set(self, id: &Id, property: &'static str, value: &str) -> Sentence {
        let path = match self {
            Self::Secrets => Path::SecretSet,
            Self::Users(UserManager::Six) => Path::Users6Set,
            Self::Users(UserManager::Seven) => Path::UsersSet,
        };
        Sentence::new(path)
            .of([id])
            .with(property, text::encode(value))
    }

    pub(super) fn remove(self, id: &Id) -> Sentence {
        let path = match self {
            Self::Secrets => Path::SecretRemove,
            Self::Users(UserManager::Six) => Path::Users6Remove,
            Self::Users(UserManager::Seven) => Path::UsersRemove,
        };
        Sentence::new(path).of([id])
    }

    /// Reads a login.
    ///
    /// # Errors
    ///
    /// If its id cannot be read.
    pub(super) fn read(self, row: Row<'_>) -> Result<Found, RouterError> {
        match self {
            Self::Secrets => secret(row),
            Self::Users(users) => user(users, row),
        }
    }
}

fn secret(row: Row<'_>) -> Result<Found, RouterError> {
    let [id, name, service, profile, disabled, comment, address] = row.fields(SECRET);
    let or =
        |value: Option<&[u8]>, default: &[u8]| text::decode(row::present(value).unwrap_or(default));
    Ok(Found {
        id: row::id(id)?,
        login: Login {
            kind: SourceKind::PppSecrets,
            name: text::decode(name.unwrap_or_default()),
            enabled: is_enabled(disabled),
            // What stands at its default may be left out (MikroTik manual, PPP AAA).
            profile: Some(or(profile, b"default")),
            service: or(service, b"any"),
            comment: or(comment, b""),
            remote_address: row::present(address).map(text::decode),
        },
        attributes: Text::default(),
        user_profile: None,
    })
}

fn user(users: UserManager, row: Row<'_>) -> Result<Found, RouterError> {
    let [
        id,
        name,
        username,
        disabled,
        comment,
        attributes,
        address,
        profile,
    ] = row.fields([
        ".id",
        "name",
        "username",
        "disabled",
        "comment",
        "attributes",
        "ip-address",
        "actual-profile",
    ]);
    let attributes = text::decode(attributes.unwrap_or_default());
    let (profile_of_tunnels, remote_address) = match users {
        UserManager::Six => (None, row::present(address).map(text::decode)),
        UserManager::Seven => (
            // Of two nobody knows which is heeded: that is no profile that could be given back.
            attributes::group(&attributes)
                .ok()
                .map(|group| group.unwrap_or_default().into()),
            attributes::address(&attributes).map(Into::into),
        ),
    };
    Ok(Found {
        id: row::id(id)?,
        login: Login {
            kind: SourceKind::UserManager,
            name: text::decode(row::present(name).or(username).unwrap_or_default()),
            enabled: is_enabled(disabled),
            profile: profile_of_tunnels,
            service: "any".into(),
            comment: text::decode(comment.unwrap_or_default()),
            remote_address,
        },
        attributes,
        user_profile: row::present(profile).map(text::decode),
    })
}

// ---- making -------------------------------------------------------------------------------------

/// A new secret.
pub(super) fn add_secret(new: &NewLogin) -> Sentence {
    let mut order = Sentence::new(Path::SecretAdd)
        .with("name", text::encode(&new.which.name))
        .with("password", new.password.expose().as_bytes())
        .with("comment", text::encode(&new.comment));
    let rest = [
        ("profile", &new.profile),
        ("service", &new.service),
        ("remote-address", &new.remote_address),
    ];
    for (property, value) in rest {
        if let Some(value) = value {
            order = order.with(property, text::encode(value));
        }
    }
    order
}

/// A new user of version 7, with these attributes.
pub(super) fn add_user7(new: &NewLogin, attributes: &str) -> Sentence {
    let order = Sentence::new(Path::UsersAdd)
        .with("name", text::encode(&new.which.name))
        .with("password", new.password.expose().as_bytes())
        .with("comment", text::encode(&new.comment));
    if attributes.is_empty() {
        return order;
    }
    order.with("attributes", text::encode(attributes))
}

/// A new user of version 6, under the property that this build calls its login.
pub(super) fn add_user6(new: &NewLogin, login: &'static str, customer: &Text) -> Sentence {
    let order = Sentence::new(Path::Users6Add)
        .with("customer", text::encode(customer))
        .with(login, text::encode(&new.which.name))
        .with("password", new.password.expose().as_bytes())
        .with("comment", text::encode(&new.comment));
    match &new.remote_address {
        Some(address) => order.with("ip-address", text::encode(address)),
        None => order,
    }
}

/// Who manages users in version 6.
pub(super) const fn print_customers() -> Sentence {
    Sentence::new(Path::Customers6Print).only(&["login", "disabled"])
}

/// Gives a user of version 6 a profile of the User Manager: without one it cannot log in.
pub(super) fn activate6(id: &Id, customer: &Text, profile: &Text) -> Sentence {
    Sentence::new(Path::Users6Activate)
        .of([id])
        .with("customer", text::encode(customer))
        .with("profile", text::encode(profile))
}

/// Does version 7's User Manager let in only who has a profile of it?
pub(super) const fn print_settings7() -> Sentence {
    Sentence::new(Path::UserManagerPrint).only(&["use-profiles"])
}

/// Gives a user of version 7 a profile of the User Manager.
pub(super) fn add_user_profile(user: &Text, profile: &Text) -> Sentence {
    Sentence::new(Path::UserProfilesAdd)
        .with("user", text::encode(user))
        .with("profile", text::encode(profile))
}

/// Which of them a user of version 7 has.
pub(super) fn print_user_profiles(user: &Text) -> Sentence {
    Sentence::new(Path::UserProfilesPrint)
        .only(&[".id", "profile"])
        .equal("user", text::encode(user))
}
