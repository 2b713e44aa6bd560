//! What has to be known before the database: addresses, the database itself, the key, the log.
//!
//! Three places, the later wins: the default, the file `mikro2fa.toml`, the environment. Every field has the variable
//! `MIKRO2FA_` followed by its key in capitals, with `_` for a dot (`log.level` is `MIKRO2FA_LOG_LEVEL`), and every
//! value remembers where it came from. All that is wrong is reported at once.

mod error;
mod field;
mod file;
mod key;
mod parse;

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use mikro2fa_store::DatabaseUrl;

pub use self::{
    error::{ConfigError, Finding},
    field::{FIELDS, Field},
    key::{KeyError, KeySource, SealingKey},
    parse::{ApiUrl, LogFormat, LogLevel},
};

use self::field::Gathered;

/// The file that is read when nobody names another one, looked for in the current folder.
pub const DEFAULT_FILE: &str = "mikro2fa.toml";

/// Names the file to read, where the command line does not.
pub const FILE_VARIABLE: &str = "MIKRO2FA_CONFIG";

/// The variable with the password of a router's set-up login. No configuration: read by the commands that use it, kept nowhere.
pub const SET_UP_PASSWORD_VARIABLE: &str = "MIKRO2FA_SETUP_PASSWORD";

/// Every option with its default and meaning. A test keeps it equal to [`FIELDS`].
pub const EXAMPLE: &str = include_str!("../mikro2fa.example.toml");

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// A line of the configuration file, counted from 1.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

/// A field as `config show` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The field's key, for example `log.level`.
    pub key: &'static str,
    /// Its value; what is secret in it is left out.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where REST, health and metrics are served. Default `127.0.0.1:8480`: reachable from outside only when said so.
    pub listen: SocketAddr,
    /// Where routers call the webhook. Default: the same listener as [`Config::listen`].
    pub hook_listen: SocketAddr,
    /// The database. Default `sqlite://mikro2fa.db`, a file in the current folder.
    pub database_url: DatabaseUrl,
    /// Where the key for secrets at rest is. Default: the file `mikro2fa.key`, made at the first run.
    pub key: KeySource,
    /// The least severe event that is logged. Default `info`.
    pub log_level: LogLevel,
    /// How log lines look. Default `text`.
    pub log_format: LogFormat,
    /// The Bot API's address. Default `https://api.telegram.org`; another one for an own Bot API server or a test.
    pub telegram_api_url: ApiUrl,
    shown: Vec<Shown>,
}

impl Config {
    /// Reads the file (`file`, or the one that [`FILE_VARIABLE`] names, or [`DEFAULT_FILE`] where it exists) and the
    /// variables of `environment`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in one go: unreadable file, unknown keys and variables, values that do not parse.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut findings = Vec::new();
        let variables = field::variables(environment, &mut findings);
        let mut gathered = Gathered::defaults();
        let named = file
            .map(Path::to_path_buf)
            .or_else(|| variables.get(FILE_VARIABLE).map(PathBuf::from));
        if let Some((path, text)) = file::read(named.as_deref(), &mut findings) {
            file::gather(&path, &text, &mut gathered, &mut findings);
        }
        field::gather(&variables, &mut gathered);
        parse::config(&gathered, findings)
    }

    /// Reads one text as if it were the file, with no variables.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let mut findings = Vec::new();
        let mut gathered = Gathered::defaults();
        file::gather(Path::new(DEFAULT_FILE), text, &mut gathered, &mut findings);
        parse::config(&gathered, findings)
    }

    /// All fields in the order of [`FIELDS`], with their origins, fit to be shown to anybody.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }
}

#[cfg(test)]
mod tests;
