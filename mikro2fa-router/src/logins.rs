//! Logins as the desk changes them: listed, made, switched on and off, moved to another profile, taken away. They are kept in
//! two places: the PPP secrets, and the User Manager where the router has one, which is found out by looking.
//!
//! RouterOS's own business, beside what the engine does: short errands with a connection of their own, each read back before
//! it counts as done. A command whose reply is lost is read back on a new connection, so the answer is what is there and
//! never a guess.

use std::fmt;

use async_trait::async_trait;
use mikro2fa_core::{
    desk::{RouterConnection, SourceKind, TransportKind},
    router_backend::RouterError,
    secret::Secret,
    tunnel::Text,
};

use crate::{Api, ApiConfig};

pub use over::LoginsOver;

mod attributes;
mod over;
mod place;
mod talk;

/// Which login is meant: the same name can stand in both places, and is two logins then.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LoginName {
    /// In which kind of place.
    pub kind: SourceKind,
    /// Its name there.
    pub name: Text,
}

/// ``PPP secret `ann` ``
impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            SourceKind::PppSecrets => "PPP secret",
            SourceKind::UserManager => "User Manager login",
            _ => "login",
        };
        write!(f, "{kind} `{}`", self.name)
    }
}

/// A login as its router has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// In which kind of place.
    pub kind: SourceKind,
    /// Its name.
    pub name: Text,
    /// May it log in?
    pub enabled: bool,
    /// Its PPP profile, as it stands there. A login of the User Manager of version 7 has the one that its attributes name;
    /// empty = none of its own: whoever serves the tunnel chooses. `None` = it cannot have one of its own.
    pub profile: Option<Text>,
    /// For which services; `any` = all.
    pub service: Text,
    /// Its comment.
    pub comment: Text,
    /// Its fixed address, or the pool that it takes one from; none = as the profile says.
    pub remote_address: Option<Text>,
}

/// A login that is to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewLogin {
    /// In which place, and its name.
    pub which: LoginName,
    /// Its password: sent once, kept nowhere.
    pub password: Secret,
    /// Its PPP profile; none = the router's default.
    pub profile: Option<Text>,
    /// Its profile of the User Manager, which says how long and how much: without one some cannot log in.
    pub user_profile: Option<Text>,
    /// For which service (`any`, `l2tp`, …); none = any.
    pub service: Option<Text>,
    /// A fixed address.
    pub remote_address: Option<Text>,
    /// Its comment.
    pub comment: Text,
}

/// Why a login could not be changed.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoginError {
    /// No such login.
    #[error("the router has no {0}")]
    NotThere(LoginName),
    /// More than one. RouterOS allows it for different services, and then a name does not say which is meant.
    #[error("the router has more than one {0}: leave one, or change it by hand")]
    Ambiguous(LoginName),
    /// There is one of that name, in this place.
    #[error("the router has a {0} already")]
    Exists(LoginName),
    /// It has no such place.
    #[error("the router has no User Manager")]
    NoUserManager,
    /// Neither place is meant.
    #[error("{0} is kept on no router: nothing can be changed there")]
    Elsewhere(LoginName),
    /// No such profile.
    #[error(
        "the router has no PPP profile `{0}`: preparing the router makes it (for an exempt account, with `--exempt ACCOUNT`)"
    )]
    NoProfile(Text),
    /// It cannot be so.
    #[error("{which} {why}")]
    Unfit {
        /// Which login.
        which: LoginName,
        /// Why, and what to do.
        why: Text,
    },
    /// It was said, and is not so.
    #[error("the router took the change of {which}, and does not show it: {what}")]
    NotSo {
        /// Which login.
        which: LoginName,
        /// What it shows.
        what: Text,
    },
    /// The router could not be asked, or said no.
    #[error(transparent)]
    Router(#[from] RouterError),
}

/// A router's logins.
///
/// All of it is idempotent: what is so already is done. Dropping a future may leave what it said done.
#[async_trait]
pub trait Logins: Send + fmt::Debug {
    /// All of them, of both places, by name. A router without a User Manager has its secrets only.
    ///
    /// # Errors
    ///
    /// See [`LoginError`]. Where one place cannot be read there is no list: what is not on it would count as gone.
    async fn list(&mut self) -> Result<Vec<Login>, LoginError>;

    /// One of them.
    ///
    /// # Errors
    ///
    /// [`LoginError::NotThere`], [`LoginError::Ambiguous`], [`LoginError::NoUserManager`].
    async fn login(&mut self, which: &LoginName) -> Result<Login, LoginError>;

    /// Is there such a PPP profile?
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn has_profile(&mut self, name: &str) -> Result<bool, LoginError>;

    /// The login, if it can be moved to that profile. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::move_to`].
    async fn may_move(&mut self, which: &LoginName, profile: &Text) -> Result<Login, LoginError>;

    /// May it log in? A live tunnel stays up: RouterOS looks at a login only when somebody logs in. Nothing else of it is
    /// touched, a User Manager's `otp-secret` above all.
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn enable(&mut self, which: &LoginName, enabled: bool) -> Result<(), LoginError>;

    /// Moves it to a PPP profile, from its next connection on. For a login of the User Manager of version 7 that is one of its
    /// attributes, and the others stay as they are; an empty profile takes that one away.
    ///
    /// # Errors
    ///
    /// [`LoginError::NoProfile`]; [`LoginError::Unfit`] for one that can have none; and the rest.
    async fn move_to(&mut self, which: &LoginName, profile: &Text) -> Result<(), LoginError>;

    /// Makes it. The name has to be free in both places.
    ///
    /// # Errors
    ///
    /// [`LoginError::Exists`], [`LoginError::NoProfile`], [`LoginError::Unfit`], and the rest.
    async fn make(&mut self, new: &NewLogin) -> Result<(), LoginError>;

    /// Takes it away. Its live tunnels stay up.
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn take_away(&mut self, which: &LoginName) -> Result<(), LoginError>;

    /// Cuts the live tunnels under this name, wherever it is kept; says how many there were.
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn cut(&mut self, name: &Text) -> Result<usize, LoginError>;
}

/// The logins of a router as the desk keeps it. Does not connect yet.
///
/// # Errors
///
/// See [`crate::backend_for`].
pub fn logins_of(connection: &RouterConnection) -> Result<Box<dyn Logins>, RouterError> {
    match connection.transport {
        TransportKind::Api | TransportKind::ApiTls => {
            let api = Api::new(ApiConfig::of(connection)?);
            Ok(Box::new(LoginsOver::new(api)))
        }
        #[cfg(feature = "ssh")]
        TransportKind::Ssh | TransportKind::SshLegacy => {
            let ssh = crate::Ssh::new(crate::SshConfig::of(connection)?);
            Ok(Box::new(LoginsOver::new(ssh)))
        }
        #[cfg(not(feature = "ssh"))]
        TransportKind::Ssh | TransportKind::SshLegacy => Err(crate::NO_SSH.into()),
    }
}
