//! From what was said to what is meant: one parser a type, each with its own advice.

use std::{net::SocketAddr, path::PathBuf};

use mikro2fa_store::DatabaseUrl;

use super::{
    Config, ConfigError, FIELDS, Finding, KeySource, Origin, SealingKey, Shown, field::Gathered,
};

/// What is wrong with a value, and what to do.
type Wrong = (String, String);

fn wrong<T>(what: impl Into<String>, remedy: impl Into<String>) -> Result<T, Wrong> {
    Err((what.into(), remedy.into()))
}

pub(super) fn config(gathered: &Gathered, findings: Vec<Finding>) -> Result<Config, ConfigError> {
    let mut reader = Reader { gathered, findings };
    let listen = reader.read("listen", address);
    let hook_listen = reader.read("hook_listen", address);
    let database_url = reader.read("database_url", database);
    let key = reader.key();
    let log_level = reader.read("log.level", LogLevel::parse);
    let log_format = reader.read("log.format", LogFormat::parse);
    let telegram_api_url = reader.read("telegram.api_url", ApiUrl::parse);
    if let (
        Some(listen),
        Some(database_url),
        Some(key),
        Some(log_level),
        Some(log_format),
        Some(telegram_api_url),
    ) = (
        listen,
        database_url,
        key,
        log_level,
        log_format,
        telegram_api_url,
    ) && reader.findings.is_empty()
    {
        let hook_listen = hook_listen.unwrap_or(listen);
        let mut config = Config {
            listen,
            hook_listen,
            database_url,
            key,
            log_level,
            log_format,
            telegram_api_url,
            shown: Vec::new(),
        };
        config.shown = shown(&config, gathered);
        return Ok(config);
    }
    Err(ConfigError {
        findings: reader.findings,
    })
}

struct Reader<'a> {
    gathered: &'a Gathered,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    /// The field's value; `None` when nobody said one or it is wrong, which is then among the findings.
    fn read<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let (text, origin) = self.gathered.said(key)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err((wrong, remedy)) => {
                self.findings.push(Finding {
                    field: key.to_owned(),
                    origin: origin.to_string(),
                    wrong,
                    remedy,
                });
                None
            }
        }
    }

    /// The key itself wins over a default file; said both ways it is not clear which one seals.
    fn key(&mut self) -> Option<KeySource> {
        let file = self.read("key_file", path);
        let file_said = self
            .gathered
            .said("key_file")
            .is_some_and(|(_, origin)| *origin != Origin::Default);
        if self.gathered.said("key").is_none() {
            return file.map(KeySource::File);
        }
        if file_said {
            return self.read("key", |_| {
                wrong(
                    "key_file is set as well",
                    "set one of the two, so that it is clear which key seals",
                )
            });
        }
        self.read("key", |text| {
            SealingKey::parse(text)
                .map(KeySource::Given)
                .map_err(|error| (error.to_string(), KEY_ADVICE.to_owned()))
        })
    }
}

const KEY_ADVICE: &str = "give 32 random bytes in base64, as `openssl rand -base64 32` prints them";

fn shown(config: &Config, gathered: &Gathered) -> Vec<Shown> {
    let value = |key: &str, said: Option<&str>| match (key, said) {
        ("database_url", _) => config.database_url.to_string(),
        ("key", Some(_)) => "(set, not shown)".to_owned(),
        ("key", None) => "(not set)".to_owned(),
        ("hook_listen", None) => format!("{} (as listen)", config.hook_listen),
        (_, said) => said.unwrap_or_default().to_owned(),
    };
    FIELDS
        .iter()
        .map(|field| {
            let said = gathered.said(field.key);
            let origin = said.map_or(Origin::Default, |(_, origin)| origin.clone());
            Shown {
                key: field.key,
                value: value(field.key, said.map(|(value, _)| value)),
                origin,
            }
        })
        .collect()
}

fn address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().or_else(|_| {
        wrong(
            format!("{text:?} is no address with a port"),
            "write an IP address and a port, such as 127.0.0.1:8480 or [::]:8480",
        )
    })
}

fn path(text: &str) -> Result<PathBuf, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return wrong("it is no path", "name a file, such as mikro2fa.key");
    }
    Ok(PathBuf::from(text))
}

fn database(text: &str) -> Result<DatabaseUrl, Wrong> {
    text.parse().or_else(|error| match error {
        mikro2fa_store::Error::Url(what) => {
            wrong(what, "write sqlite://FILE or postgres://USER@HOST/DATABASE")
        }
        error => wrong(
            error.to_string(),
            "write sqlite://FILE or postgres://USER@HOST/DATABASE",
        ),
    })
}

/// Where the Bot API is: https, or plain http on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl(String);

impl ApiUrl {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let advice = "write https://HOST, or http://127.0.0.1:PORT for a server on this machine";
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("it is no URL", advice);
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') || rest.contains(['?', '#']) {
            return wrong("it is no plain address of a server", advice);
        }
        match scheme {
            "https" => Ok(Self(text.trim_end_matches('/').to_owned())),
            "http" if on_this_machine(authority) => Ok(Self(text.trim_end_matches('/').to_owned())),
            "http" => wrong(
                "the bot token is part of every request and would travel in the clear",
                advice,
            ),
            _ => wrong(format!("{scheme:?} is not spoken by the Bot API"), advice),
        }
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn on_this_machine(authority: &str) -> bool {
    let address = authority.parse::<SocketAddr>().map(|address| address.ip());
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    address.is_ok_and(|ip| ip.is_loopback())
        || authority
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        || host == "localhost"
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            fn parse(text: &str) -> Result<Self, Wrong> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => wrong(
                        format!(concat!("{:?} is no ", $what), text),
                        format!("write one of {}", [$($word),+].join(", ")),
                    ),
                }
            }

            /// The word for it in the configuration.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// How much is logged.
    LogLevel, "log level" {
        /// Only what failed.
        Error = "error",
        /// And what may need somebody.
        Warn = "warn",
        /// And what happened.
        Info = "info",
        /// And how.
        Debug = "debug",
        /// And every step.
        Trace = "trace",
    }
}

words! {
    /// How log lines look.
    LogFormat, "log format" {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}
