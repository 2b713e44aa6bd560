//! What is said of how a router is reached: each value checked as it is read.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use mikro2fa_core::{desk::TransportKind, secret::Secret, tunnel::Text};
use mikro2fa_router::ssh::Login;
use serde::Deserialize;

use crate::error::{Kind, Problem};

/// A host name or an address.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Host(pub(crate) Text);

impl TryFrom<String> for Host {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || b".-:_".contains(&byte);
        if (1..=253).contains(&text.len()) && text.bytes().all(sign) {
            Ok(Self(text.into()))
        } else {
            Err("a host is a name or an address, without a port")
        }
    }
}

/// Never 0.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Port(pub(super) std::num::NonZeroU16);

/// Up to 128 characters, on one line.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Password(Secret);

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= 128 && !text.contains(char::is_control) {
            Ok(Self(Secret::new(text)))
        } else {
            Err("a password has at most 128 characters, on one line")
        }
    }
}

/// A private key for SSH, in OpenSSH's form or PEM.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct PrivateKey(Secret);

impl TryFrom<String> for PrivateKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        let is_key = text.starts_with("-----BEGIN ")
            && text.ends_with("-----")
            && text.contains("\n-----END ")
            && text.contains("PRIVATE KEY-----");
        if is_key && text.len() <= 16 << 10 && text.is_ascii() {
            Ok(Self(Secret::new(format!("{text}\n"))))
        } else {
            Err("a key is a private one, with its lines from -----BEGIN to -----END")
        }
    }
}

/// What a login is proved by, as the desk keeps it; none if nothing was said about it.
pub(super) fn proof(
    transport: TransportKind,
    password: Option<Password>,
    key: Option<PrivateKey>,
    passphrase: Option<Password>,
) -> Result<Option<Secret>, Problem> {
    let wrong = |detail| Err(Problem::with(Kind::Invalid, detail));
    match (password, key, passphrase) {
        (Some(_), Some(_), _) => wrong("password: give it or a key, not both"),
        (_, None, Some(_)) => wrong("passphrase: there is no key that it belongs to"),
        (None, Some(_), _) if !is_ssh(transport) => wrong("key: only over SSH"),
        (None, Some(key), passphrase) => Ok(Some(
            Login::Key {
                key: key.0,
                passphrase: passphrase.map(|passphrase| passphrase.0),
            }
            .secret(),
        )),
        (Some(password), None, None) => Ok(Some(password.0)),
        (None, None, None) => Ok(None),
    }
}

pub(super) const fn is_ssh(transport: TransportKind) -> bool {
    matches!(transport, TransportKind::Ssh | TransportKind::SshLegacy)
}

/// A SHA-256 fingerprint, as hexadecimal digits or as OpenSSH shows it; kept in lower-case hex without colons.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pin(pub(crate) Text);

impl TryFrom<String> for Pin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = match text.strip_prefix("SHA256:") {
            Some(base64) => hex_of(base64).unwrap_or_default(),
            None => text.replace(':', "").to_ascii_lowercase(),
        };
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits.into()))
        } else {
            Err(
                "a pin is a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or SHA256:… as OpenSSH \
                 shows it",
            )
        }
    }
}

fn hex_of(base64: &str) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(base64.trim_end_matches('=')).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Seconds between looks: 1 to 3600; 15 where nothing is said.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
pub(super) struct PollInterval(pub(super) u32);

impl Default for PollInterval {
    fn default() -> Self {
        Self(15)
    }
}

impl TryFrom<u32> for PollInterval {
    type Error = &'static str;

    fn try_from(seconds: u32) -> Result<Self, Self::Error> {
        if (1..=3600).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err("poll_interval is 1 to 3600 seconds")
        }
    }
}

/// What RouterOS listens on unless it was told otherwise (MikroTik manual, Services).
pub(crate) const fn usual_port(transport: TransportKind) -> u16 {
    match transport {
        TransportKind::Api => 8728,
        TransportKind::ApiTls => 8729,
        TransportKind::Ssh | TransportKind::SshLegacy => 22,
    }
}
