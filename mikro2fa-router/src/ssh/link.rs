//! One SSH connection, blocking: keys agreed on, the host's checked, logged in; then one line at a time.

use std::{
    io::{self, Read},
    net::{Shutdown, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use mikro2fa_core::secret::Secret;
use ssh2::{
    Channel, Error as LibError, ErrorCode, ExtendedData, HashType, KeyboardInteractivePrompt,
    MethodType, Prompt, Session,
};

use super::{
    config::{Algorithms, Login, SshConfig},
    error::{Phase, SshError},
};

/// How long is waited for a channel to be closed once its answer has come.
const CLOSING: Duration = Duration::from_secs(5);

/// libssh2's numbers for what is told apart here (`libssh2.h`).
mod code {
    pub(super) const KEX_FAILURE: i32 = -5;
    pub(super) const KEY_EXCHANGE_FAILURE: i32 = -8;
    pub(super) const TIMEOUT: i32 = -9;
    pub(super) const FILE: i32 = -16;
    pub(super) const METHOD_NONE: i32 = -17;
    pub(super) const METHOD_NOT_SUPPORTED: i32 = -33;
    pub(super) const KEYFILE_AUTH_FAILED: i32 = -48;
    pub(super) const ALGO_UNSUPPORTED: i32 = -51;
}

/// A connection that has logged in.
pub(super) struct Link {
    session: Session,
    socket: TcpStream,
    deadline: Duration,
    longest_answer: usize,
}

/// What became of a line.
#[derive(Debug)]
pub(super) enum Ran {
    /// It was not said: the gate was shut. The connection is as it was.
    Stopped,
    /// It was not said: the connection is broken.
    NotSent(SshError),
    /// All that it printed.
    Output(Vec<u8>),
    /// It was said, and what it printed is not all here: the connection is broken.
    Broken(SshError),
}

impl Link {
    /// Shakes hands, checks the host key, logs in. Nothing secret is sent before the key was found to be pinned.
    pub(super) fn open(socket: TcpStream, config: &SshConfig) -> Result<Self, SshError> {
        let mut session = Session::new().map_err(|error| machine(&error))?;
        let ours = socket.try_clone().map_err(|error| SshError::Machine {
            message: error.to_string().into(),
        })?;
        prefer(&session, config.algorithms)?;
        session.set_tcp_stream(socket);
        session.set_timeout(millis(config.deadlines.handshake));
        session
            .handshake()
            .map_err(|error| no_handshake(&error, config))?;
        check(&session, config)?;
        session.set_timeout(millis(config.deadlines.login));
        log_in(&session, config)?;
        Ok(Self {
            session,
            socket: ours,
            deadline: config.deadlines.answer,
            longest_answer: config.longest_answer,
        })
    }

    /// Says a line and reads what it prints, to the end or to the deadline. `gate` is asked right before it is said.
    pub(super) fn run(&mut self, line: &str, gate: impl FnOnce() -> bool) -> Ran {
        let until = Instant::now() + self.deadline;
        self.session.set_timeout(millis(self.deadline));
        let channel = match self.session.channel_session() {
            Ok(channel) => channel,
            Err(error) => {
                self.shut();
                return Ran::NotSent(self.broken(&error));
            }
        };
        if !gate() {
            return Ran::Stopped;
        }
        let ran = self.on(channel, line, until);
        if matches!(ran, Ran::Broken(_)) {
            self.shut();
        }
        ran
    }

    fn on(&self, mut channel: Channel, line: &str, until: Instant) -> Ran {
        // What a router says on its other stream is read like the rest, or it would fill up and stand still.
        let merged = channel.handle_extended_data(ExtendedData::Merge);
        if let Err(error) = merged.and_then(|()| channel.exec(line)) {
            // The request may have arrived.
            self.shut();
            return Ran::Broken(self.broken(&error));
        }
        let mut output = Vec::new();
        let mut buffer = [0; 16 << 10];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.shut();
                return Ran::Broken(self.timed_out());
            }
            self.session.set_timeout(millis(left));
            match channel.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => output.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) => {
                    self.shut();
                    return Ran::Broken(self.unreadable(&error));
                }
            }
            if output.len() > self.longest_answer {
                self.shut();
                return Ran::Broken(SshError::AnswerTooLarge {
                    most: self.longest_answer,
                });
            }
        }
        self.session.set_timeout(millis(CLOSING.min(self.deadline)));
        if channel.close().and_then(|()| channel.wait_close()).is_err() {
            // The answer is whole; the next line will find out.
            self.shut();
        }
        Ran::Output(output)
    }

    /// Closes the socket, so that nothing of this connection waits for anything any more.
    fn shut(&self) {
        // It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn broken(&self, error: &LibError) -> SshError {
        if error.code() == ErrorCode::Session(code::TIMEOUT) {
            self.timed_out()
        } else {
            SshError::Broken {
                message: error.message().into(),
            }
        }
    }

    fn unreadable(&self, error: &io::Error) -> SshError {
        if error.kind() == io::ErrorKind::TimedOut {
            self.timed_out()
        } else {
            SshError::Broken {
                message: error.to_string().into(),
            }
        }
    }

    const fn timed_out(&self) -> SshError {
        SshError::TimedOut {
            after: self.deadline,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Never 0, which would be for ever.
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis())
        .unwrap_or(u32::MAX)
        .max(1)
}

fn machine(error: &LibError) -> SshError {
    SshError::Machine {
        message: error.message().into(),
    }
}

// ---- algorithms ---------------------------------------------------------------------------------

/// Best first.
const MODERN: [(MethodType, &str); 6] = [
    (
        MethodType::Kex,
        "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,\
         diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256",
    ),
    (MethodType::HostKey, "ssh-ed25519,rsa-sha2-512,rsa-sha2-256"),
    (MethodType::CryptCs, CIPHERS),
    (MethodType::CryptSc, CIPHERS),
    (MethodType::MacCs, MACS),
    (MethodType::MacSc, MACS),
];

const CIPHERS: &str =
    "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";

const MACS: &str =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";

/// What RouterOS 6 may have nothing better for. Ciphers are none of it: `aes-ctr` is there in every version.
const LEGACY: [(MethodType, &str); 4] = [
    (
        MethodType::Kex,
        "diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1",
    ),
    (MethodType::HostKey, "ssh-rsa"),
    (MethodType::MacCs, "hmac-sha1"),
    (MethodType::MacSc, "hmac-sha1"),
];

fn prefer(session: &Session, algorithms: Algorithms) -> Result<(), SshError> {
    let legacy = algorithms == Algorithms::Legacy;
    if legacy && !has_legacy(session) {
        return Err(SshError::NoLegacyBuilt);
    }
    for (method, modern) in MODERN {
        let also = LEGACY.into_iter().find(|(it, _)| same(*it, method));
        let list = match also {
            Some((_, also)) if legacy => format!("{modern},{also}"),
            _ => modern.to_owned(),
        };
        session
            .method_pref(method, &list)
            .map_err(|error| machine(&error))?;
    }
    Ok(())
}

const fn same(one: MethodType, other: MethodType) -> bool {
    one as i32 == other as i32
}

/// Were the SHA-1 algorithms compiled in? libssh2 leaves them out unless it is told.
fn has_legacy(session: &Session) -> bool {
    LEGACY.into_iter().all(|(method, list)| {
        let has = session.supported_algs(method).unwrap_or_default();
        list.split(',').any(|name| has.contains(&name))
    })
}

fn no_handshake(error: &LibError, config: &SshConfig) -> SshError {
    let address = config.address();
    match error.code() {
        ErrorCode::Session(code::TIMEOUT) => SshError::TooSlow {
            phase: Phase::Handshake,
            address,
            after: config.deadlines.handshake,
        },
        ErrorCode::Session(
            code::METHOD_NOT_SUPPORTED
            | code::KEX_FAILURE
            | code::KEY_EXCHANGE_FAILURE
            | code::METHOD_NONE,
        ) if error
            .message()
            .contains("Unable to exchange encryption keys")
            || error.code() == ErrorCode::Session(code::METHOD_NOT_SUPPORTED)
            || error.code() == ErrorCode::Session(code::KEX_FAILURE) =>
        {
            SshError::NoCommonAlgorithm { address }
        }
        _ => SshError::Handshake {
            address,
            message: error.message().into(),
        },
    }
}

// ---- who is there -------------------------------------------------------------------------------

fn check(session: &Session, config: &SshConfig) -> Result<(), SshError> {
    let address = config.address();
    let shown = session.host_key_hash(HashType::Sha256);
    let Some(presented) = shown.and_then(|hash| <[u8; 32]>::try_from(hash).ok()) else {
        return Err(SshError::Handshake {
            address,
            message: "it shows no host key".into(),
        });
    };
    if config.pins.is_empty() {
        Err(SshError::NothingPinned { address, presented })
    } else if config.pins.contains(&presented.into()) {
        Ok(())
    } else {
        Err(SshError::NotPinned { address, presented })
    }
}

// ---- logging in ---------------------------------------------------------------------------------

fn log_in(session: &Session, config: &SshConfig) -> Result<(), SshError> {
    let user = &*config.user;
    // libssh2's binding panics if this is not UTF-8.
    let listed = catch_unwind(AssertUnwindSafe(|| {
        session.auth_methods(user).map(str::to_owned)
    }));
    let offers = match listed {
        Ok(Ok(offers)) => offers,
        // A user without a password is let in by being named.
        Ok(Err(_)) if session.authenticated() => return Ok(()),
        Ok(Err(error)) => return Err(not_in(&error, config, "")),
        Err(_) => {
            return Err(SshError::Handshake {
                address: config.address(),
                message: "its list of logins can't be read".into(),
            });
        }
    };
    let offered = |method: &str| offers.split(',').any(|it| it == method);
    let tried = match &config.login {
        Login::Key { key, passphrase } => {
            let passphrase = passphrase.as_ref().map(Secret::expose);
            session.userauth_pubkey_memory(user, None, key.expose(), passphrase)
        }
        Login::Password(password) if offered("password") => {
            session.userauth_password(user, password.expose())
        }
        Login::Password(password) if offered("keyboard-interactive") => {
            session.userauth_keyboard_interactive(user, &mut Answers(password))
        }
        Login::Password(_) => return Err(refused(config, &offers)),
    };
    match tried {
        Ok(()) if session.authenticated() => Ok(()),
        Ok(()) => Err(refused(config, &offers)),
        Err(error) => Err(not_in(&error, config, &offers)),
    }
}

/// The password, to each question that does not show its answer.
struct Answers<'a>(&'a Secret);

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt(&mut self, _: &str, _: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        let answer = |prompt: &Prompt<'_>| {
            if prompt.echo {
                String::new()
            } else {
                self.0.expose().to_owned()
            }
        };
        prompts.iter().map(answer).collect()
    }
}

fn not_in(error: &LibError, config: &SshConfig, offers: &str) -> SshError {
    match error.code() {
        ErrorCode::Session(code::TIMEOUT) => SshError::TooSlow {
            phase: Phase::Login,
            address: config.address(),
            after: config.deadlines.login,
        },
        ErrorCode::Session(
            code::FILE | code::KEYFILE_AUTH_FAILED | code::ALGO_UNSUPPORTED | code::METHOD_NONE,
        ) if config.login.is_key() => SshError::BadKey {
            message: error.message().into(),
        },
        ErrorCode::Session(-18 | -19 | -15) => refused(config, offers),
        _ => SshError::Broken {
            message: error.message().into(),
        },
    }
}

fn refused(config: &SshConfig, offers: &str) -> SshError {
    SshError::LoginRefused {
        user: config.user.clone(),
        what: if config.login.is_key() {
            "key"
        } else {
            "password"
        },
        offers: offers.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_preferred_is_compiled_in() {
        let session = Session::new().unwrap();
        for (method, list) in MODERN {
            let has = session.supported_algs(method).unwrap();
            let missing: Vec<_> = list.split(',').filter(|name| !has.contains(name)).collect();
            assert_eq!(missing, [""; 0]);
        }
    }
}
