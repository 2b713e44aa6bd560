//! Which database, parsed once; and how it is opened.

use std::{
    fmt,
    path::Path,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};

#[cfg(feature = "postgresql")]
use mikro2fa_core::secret::Secret;
use mikro2fa_core::time::{Clock, Timestamp};

use crate::error::Error;

/// Which database, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Place);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    #[cfg(feature = "sqlite")]
    Sqlite(std::path::PathBuf),
    /// A server. The URL may hold a password.
    #[cfg(feature = "postgresql")]
    Postgresql(Secret),
}

impl DatabaseUrl {
    /// A SQLite file; it is made if there is none.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn sqlite(path: impl Into<std::path::PathBuf>) -> Self {
        Self(Place::Sqlite(path.into()))
    }

    /// The file, where the database is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Place::Sqlite(path) => Some(path),
            #[cfg(feature = "postgresql")]
            Place::Postgresql(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return sqlite(path);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgresql(url);
        }
        Err(Error::Url("it begins with no scheme that is known here"))
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str) -> Result<DatabaseUrl, Error> {
    if path.is_empty() || path.ends_with('/') {
        return Err(Error::Url("the path of the file is missing"));
    }
    if path.contains(['?', '\0']) {
        return Err(Error::Url("a path has no parameters"));
    }
    Ok(DatabaseUrl::sqlite(path))
}

#[cfg(not(feature = "sqlite"))]
const fn sqlite(_path: &str) -> Result<DatabaseUrl, Error> {
    Err(Error::Url("this program was built without SQLite"))
}

#[cfg(feature = "postgresql")]
fn postgresql(url: &str) -> Result<DatabaseUrl, Error> {
    if url.contains('\0') {
        return Err(Error::Url("it holds a NUL character"));
    }
    Ok(DatabaseUrl(Place::Postgresql(Secret::new(url))))
}

#[cfg(not(feature = "postgresql"))]
const fn postgresql(_url: &str) -> Result<DatabaseUrl, Error> {
    Err(Error::Url("this program was built without PostgreSQL"))
}

impl fmt::Display for DatabaseUrl {
    /// Without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Place::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            #[cfg(feature = "postgresql")]
            Place::Postgresql(url) => f.write_str(&without_password(url.expose())),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Cuts out what stands between the user's name and the host, and all parameters: libpq takes a password there too.
#[cfg(feature = "postgresql")]
fn without_password(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    let Some((scheme, rest)) = url.split_once("://") else {
        return "postgres://…".to_owned();
    };
    let (login, place) = rest.rsplit_once('@').map_or(("", rest), |(l, p)| (l, p));
    let user = login.split_once(':').map_or(login, |(user, _)| user);
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{place}")
}

/// What a process opens the database for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// It runs the engine. On a database that serves one node only, no other process may do so, and what the
    /// process before it had claimed is free again.
    #[default]
    Serve,
    /// It edits and reads the desk, beside the process that serves.
    Desk,
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// What for. Default [`Role::Serve`].
    pub role: Role,
    /// How many connections read. Default 3, 1 to 16.
    pub readers: usize,
    /// How often at most a checkpoint over all audit chains is written while there is activity. Default 60 s.
    pub checkpoint_every: Duration,
    /// What commits, receipts and checkpoints are dated by. Default: the system's own; tests give the engine's.
    /// Router leases are judged by the database's clock, never by this one.
    pub clock: Option<Arc<dyn Clock>>,
}

impl Options {
    /// Now, in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        let system = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
        };
        self.clock
            .as_ref()
            .map_or_else(system, |clock| Timestamp::millis(clock.now()))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            role: Role::default(),
            readers: 3,
            checkpoint_every: Duration::from_secs(60),
            clock: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_apart() {
        let sqlite: DatabaseUrl = "sqlite:///var/lib/mikro2fa.db".parse().unwrap();
        assert_eq!(sqlite.file(), Some(Path::new("/var/lib/mikro2fa.db")));
        assert_eq!(sqlite.to_string(), "sqlite:///var/lib/mikro2fa.db");
        for bad in [
            "",
            "mysql://x",
            "sqlite://",
            "sqlite:///tmp/",
            "sqlite://a?mode=ro",
        ] {
            assert!(bad.parse::<DatabaseUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            (
                "postgres://ann:hunter2@db:5432/m?sslmode=require&password=hunter2",
                "postgres://ann@db:5432/m",
            ),
            ("postgresql:///m", "postgresql:///m"),
            ("postgres://ann:a@b@db/m", "postgres://ann@db/m"),
        ] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }
}
