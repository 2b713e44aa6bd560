//! Logins as the desk changes them: listed, made, switched on and off, moved to another profile, taken away.
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
use routeros_api::Row;

use crate::{
    Api, ApiConfig,
    handle::Id,
    ppp::{self, is_enabled},
    row,
    sentence::{Path, Sentence},
    text,
    transport::{Answer, End, Line, No, Transport},
};

/// What is asked of a login; never its password.
const LOGIN: &[&str] = &[
    ".id",
    "name",
    "service",
    "profile",
    "disabled",
    "comment",
    "remote-address",
];

/// A login as its router has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// In which kind of place.
    pub kind: SourceKind,
    /// Its name.
    pub name: Text,
    /// May it log in?
    pub enabled: bool,
    /// Its profile, as it stands there.
    pub profile: Text,
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
    /// Its name.
    pub name: Text,
    /// Its password: sent once, kept nowhere.
    pub password: Secret,
    /// Its profile; none = the router's default.
    pub profile: Option<Text>,
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
    #[error("the router has no PPP secret `{0}`")]
    NotThere(Text),
    /// More than one. RouterOS allows it for different services, and then a name does not say which is meant.
    #[error("the router has several PPP secrets `{0}`: leave one, or change it by hand")]
    Ambiguous(Text),
    /// There is one of that name.
    #[error("the router has a PPP secret `{0}` already")]
    Exists(Text),
    /// No such profile.
    #[error("the router has no PPP profile `{0}`: prepare the router first")]
    NoProfile(Text),
    /// It was said, and is not so.
    #[error("the router took the change of `{name}`, and does not show it: {what}")]
    NotSo {
        /// Of which login.
        name: Text,
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
    /// All of them, by name.
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn list(&mut self) -> Result<Vec<Login>, LoginError>;

    /// One of them.
    ///
    /// # Errors
    ///
    /// [`LoginError::NotThere`], [`LoginError::Ambiguous`].
    async fn login(&mut self, name: &Text) -> Result<Login, LoginError>;

    /// Is there such a profile?
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn has_profile(&mut self, name: &str) -> Result<bool, LoginError>;

    /// May it log in? A live tunnel stays up: RouterOS looks at a login only when somebody logs in.
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn enable(&mut self, name: &Text, enabled: bool) -> Result<(), LoginError>;

    /// Moves it to a profile, from its next connection on.
    ///
    /// # Errors
    ///
    /// [`LoginError::NoProfile`], and the rest.
    async fn move_to(&mut self, name: &Text, profile: &Text) -> Result<(), LoginError>;

    /// Makes it.
    ///
    /// # Errors
    ///
    /// [`LoginError::Exists`], [`LoginError::NoProfile`], and the rest.
    async fn make(&mut self, new: &NewLogin) -> Result<(), LoginError>;

    /// Takes it away. Its live tunnels stay up.
    ///
    /// # Errors
    ///
    /// See [`LoginError`].
    async fn take_away(&mut self, name: &Text) -> Result<(), LoginError>;

    /// Cuts its live tunnels; says how many there were.
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

/// Logins over a transport.
pub struct LoginsOver<T: Transport> {
    transport: T,
    line: Option<T::Line>,
}

impl<T: Transport> fmt::Debug for LoginsOver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginsOver")
    }
}

/// A login with its id on this connection.
struct Found {
    id: Id,
    login: Login,
}

/// What became of something that was said.
enum Said {
    Done,
    /// No reply: what is there says whether it was done.
    Unknown,
    Refused(No, Text),
}

impl<T: Transport> LoginsOver<T> {
    /// Does not connect yet.
    #[must_use]
    pub const fn new(transport: T) -> Self {
        Self {
            transport,
            line: None,
        }
    }

    async fn say(&mut self, sentence: Sentence) -> Result<Answer, RouterError> {
        if self
            .line
            .as_ref()
            .is_none_or(|line| line.closed().is_some())
        {
            self.line = Some(self.transport.connect().await?);
        }
        let Some(line) = &self.line else {
            return Err(RouterError::Unreachable("no line".into()));
        };
        let answers = line.exchange(vec![sentence], Box::new(|| true)).await;
        let answer = answers.into_iter().next();
        let answer = answer.unwrap_or_else(|| Answer::bare(End::Lost));
        if answer.is_missing() {
            line.close();
        }
        Ok(answer)
    }

    /// Rows of a question. Once more on a new connection, if the one that was there had died meanwhile.
    async fn ask(&mut self, sentence: Sentence) -> Result<Answer, RouterError> {
        for _ in 0..2 {
            let answer = self.say(sentence.clone()).await?;
            match &answer.end {
                End::Done { .. } => return Ok(answer),
                End::Refused(no) => return Err(RouterError::Refused(no.message.clone())),
                End::Lost | End::NotSent => {}
            }
        }
        Err(RouterError::Unreachable("the connection broke off".into()))
    }

    async fn tell(&mut self, sentence: Sentence) -> Result<Said, RouterError> {
        let answer = self.say(sentence).await?;
        Ok(match answer.end {
            End::Done { .. } => Said::Done,
            End::Refused(no) if no.kind == No::GivenUp => Said::Unknown,
            End::Refused(no) => Said::Refused(no.kind, no.message),
            End::Lost => Said::Unknown,
            End::NotSent => {
                return Err(RouterError::Unreachable("the connection broke off".into()));
            }
        })
    }

    async fn found(&mut self, name: &str) -> Result<Vec<Found>, LoginError> {
        let question = Sentence::new(Path::SecretPrint)
            .only(LOGIN)
            .equal("name", text::encode(name));
        let answer = self.ask(question).await?;
        Ok(answer.rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn one(&mut self, name: &Text) -> Result<Found, LoginError> {
        let mut found = self.found(name).await?.into_iter();
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(LoginError::NotThere(name.clone())),
            (Some(_), Some(_)) => Err(LoginError::Ambiguous(name.clone())),
        }
    }

    /// Changes one property of a login, and reads it back.
    async fn set(
        &mut self,
        name: &Text,
        property: (&'static str, &str),
        is_so: impl Fn(&Login) -> bool + Send + Sync,
    ) -> Result<(), LoginError> {
        let found = self.one(name).await?;
        if is_so(&found.login) {
            return Ok(());
        }
        let (property, value) = property;
        let order = Sentence::new(Path::SecretSet)
            .of([&found.id])
            .with(property, text::encode(value));
        if let Said::Refused(_, why) = self.tell(order).await? {
            return Err(RouterError::Refused(why).into());
        }
        let seen = self.one(name).await?.login;
        if is_so(&seen) {
            return Ok(());
        }
        let what = format!("enabled {}, profile {}", seen.enabled, seen.profile);
        Err(LoginError::NotSo {
            name: name.clone(),
            what: what.into(),
        })
    }
}

fn read(row: Row<'_>) -> Result<Found, RouterError> {
    let [id, name, service, profile, disabled, comment, address] = row.fields([
        ".id",
        "name",
        "service",
        "profile",
        "disabled",
        "comment",
        "remote-address",
    ]);
    let id =
        row::id(id).map_err(|malformed| RouterError::Protocol(malformed.to_string().into()))?;
    let or =
        |value: Option<&[u8]>, default: &[u8]| text::decode(row::present(value).unwrap_or(default));
    Ok(Found {
        id,
        login: Login {
            kind: SourceKind::PppSecrets,
            name: text::decode(name.unwrap_or_default()),
            enabled: is_enabled(disabled),
            // What stands at its default may be left out (MikroTik manual, PPP AAA).
            profile: or(profile, b"default"),
            service: or(service, b"any"),
            comment: or(comment, b""),
            remote_address: row::present(address).map(text::decode),
        },
    })
}

#[async_trait]
impl<T: Transport> Logins for LoginsOver<T> {
    async fn list(&mut self) -> Result<Vec<Login>, LoginError> {
        let answer = self
            .ask(Sentence::new(Path::SecretPrint).only(LOGIN))
            .await?;
        let mut logins = Vec::with_capacity(answer.rows.len());
        for row in &answer.rows {
            logins.push(read(row)?.login);
        }
        logins.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(logins)
    }

    async fn login(&mut self, name: &Text) -> Result<Login, LoginError> {
        Ok(self.one(name).await?.login)
    }

    async fn has_profile(&mut self, name: &str) -> Result<bool, LoginError> {
        let question = Sentence::new(Path::ProfilePrint)
            .only(&[".id", "name"])
            .equal("name", text::encode(name));
        Ok(!self.ask(question).await?.rows.is_empty())
    }

    async fn enable(&mut self, name: &Text, enabled: bool) -> Result<(), LoginError> {
        let word = if enabled { "no" } else { "yes" };
        self.set(name, ("disabled", word), |login| login.enabled == enabled)
            .await
    }

    async fn move_to(&mut self, name: &Text, profile: &Text) -> Result<(), LoginError> {
        if !self.has_profile(profile).await? {
            return Err(LoginError::NoProfile(profile.clone()));
        }
        self.set(name, ("profile", profile), |login| {
            login.profile == *profile
        })
        .await
    }

    async fn make(&mut self, new: &NewLogin) -> Result<(), LoginError> {
        if !self.found(&new.name).await?.is_empty() {
            return Err(LoginError::Exists(new.name.clone()));
        }
        if let Some(profile) = &new.profile
            && !self.has_profile(profile).await?
        {
            return Err(LoginError::NoProfile(profile.clone()));
        }
        let mut order = Sentence::new(Path::SecretAdd)
            .with("name", text::encode(&new.name))
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
        match self.tell(order).await? {
            Said::Refused(No::Exists, _) => return Err(LoginError::Exists(new.name.clone())),
            Said::Refused(_, why) => return Err(RouterError::Refused(why).into()),
            Said::Done | Said::Unknown => {}
        }
        let seen = self.one(&new.name).await?.login;
        let is_so = seen.comment == new.comment
            && new.profile.as_ref().is_none_or(|it| *it == seen.profile)
            && seen.enabled;
        if is_so {
            return Ok(());
        }
        Err(LoginError::NotSo {
            name: new.name.clone(),
            what: format!("profile {}, comment {}", seen.profile, seen.comment).into(),
        })
    }

    async fn take_away(&mut self, name: &Text) -> Result<(), LoginError> {
        let found = match self.one(name).await {
            Ok(found) => found,
            Err(LoginError::NotThere(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let order = Sentence::new(Path::SecretRemove).of([&found.id]);
        match self.tell(order).await? {
            Said::Refused(No::Gone, _) | Said::Done | Said::Unknown => {}
            Said::Refused(_, why) => return Err(RouterError::Refused(why).into()),
        }
        if self.found(name).await?.is_empty() {
            return Ok(());
        }
        Err(LoginError::NotSo {
            name: name.clone(),
            what: "it is still there".into(),
        })
    }

    async fn cut(&mut self, name: &Text) -> Result<usize, LoginError> {
        let answer = self
            .ask(ppp::print_active_of(std::slice::from_ref(name)))
            .await?;
        let mut tunnels = Vec::new();
        for row in &answer.rows {
            tunnels.extend(row::id(row.id()).ok());
        }
        if tunnels.is_empty() {
            return Ok(0);
        }
        match self.tell(ppp::remove_active(&tunnels)).await? {
            Said::Refused(No::Gone, _) | Said::Done | Said::Unknown => Ok(tunnels.len()),
            Said::Refused(_, why) => Err(RouterError::Refused(why).into()),
        }
    }
}
