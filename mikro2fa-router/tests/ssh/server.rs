//! An SSH server that does what a test says: not RouterOS, but whoever stands in its place.

use std::{borrow::Cow, net::SocketAddr, sync::Arc, time::Duration};

use mikro2fa_core::secret::Secret;
use mikro2fa_router::{
    Ssh, SshConfig,
    config::Deadlines,
    ssh::{Algorithms, Login},
    transport::Transport,
};
use russh::{
    Channel, ChannelId, Disconnect, MethodKind, MethodSet, Preferred,
    keys::{Algorithm, HashAlg, PrivateKey, PublicKey, key::safe_rng},
    server::{
        Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Response, Session, VerifiedPublicKey,
    },
};
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "Zaq1 \"$[\\";

/// What a server does with a line.
pub(crate) enum Does {
    /// Prints, and ends the channel.
    Print(Vec<u8>),
    /// Prints, and cuts the connection.
    Cut(Vec<u8>),
    /// Prints, and never ends the channel.
    Hang(Vec<u8>),
    /// Prints for ever.
    Endless,
    /// Will not run it.
    Refuse,
}

type Lines = Arc<dyn Fn(&str) -> Does + Send + Sync>;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: [u8; 32],
}

pub(crate) struct Plan {
    pub(crate) host_key: Algorithm,
    pub(crate) methods: Vec<MethodKind>,
    pub(crate) key: Option<PublicKey>,
    pub(crate) preferred: Preferred,
    pub(crate) lines: Lines,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            host_key: Algorithm::Ed25519,
            methods: vec![MethodKind::Password],
            key: None,
            preferred: Preferred::DEFAULT,
            lines: Arc::new(|line| Does::Print(console(line))),
        }
    }
}

impl Plan {
    pub(crate) fn says(lines: impl Fn(&str) -> Does + Send + Sync + 'static) -> Self {
        let lines = move |line: &str| match is_probe(line) {
            true => Does::Print(console(line)),
            false => lines(line),
        };
        Self {
            lines: Arc::new(lines),
            ..Self::default()
        }
    }

    pub(crate) async fn start(self) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let host_key = PrivateKey::random(&mut safe_rng(), self.host_key).unwrap();
        let fingerprint = host_key.public_key().fingerprint(HashAlg::Sha256);
        let fingerprint = fingerprint.as_bytes().try_into().unwrap();
        let config = Arc::new(Config {
            methods: MethodSet::from(self.methods.as_slice()),
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: vec![host_key],
            preferred: self.preferred,
            inactivity_timeout: None,
            ..Config::default()
        });
        let (key, lines, methods) = (self.key, self.lines, self.methods);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let peer = Peer {
                    key: key.clone(),
                    lines: Arc::clone(&lines),
                    methods: methods.clone(),
                };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, socket, peer).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Server {
            address,
            fingerprint,
        }
    }
}

impl Server {
    pub(crate) fn config(&self) -> SshConfig {
        SshConfig {
            host: self.address.ip().to_string().into(),
            port: self.address.port(),
            user: "mikro2fa".into(),
            login: Login::Password(Secret::new(PASSWORD)),
            pins: vec![self.fingerprint.into()],
            algorithms: Algorithms::Modern,
            deadlines: Deadlines::default(),
            longest_answer: 1 << 20,
        }
    }

    pub(crate) async fn connect(&self) -> Result<<Ssh as Transport>::Line, mikro2fa_router::Error> {
        Ssh::new(self.config()).connect().await
    }
}

struct Peer {
    key: Option<PublicKey>,
    lines: Lines,
    methods: Vec<MethodKind>,
}

impl Peer {
    fn judge(&self, is_in: bool) -> Auth {
        if is_in {
            return Auth::Accept;
        }
        Auth::Reject {
            proceed_with_methods: Some(MethodSet::from(self.methods.as_slice())),
            partial_success: false,
        }
    }
}

impl Handler for Peer {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(self.judge(false))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.judge(user == "mikro2fa" && password == PASSWORD))
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        let known = self.key.as_ref().map(PublicKey::key_data);
        Ok(self.judge(user == "mikro2fa" && known == Some(key.public_key.key_data())))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed("who goes there?"),
                prompts: Cow::Owned(vec![(Cow::Borrowed("Password: "), false)]),
            });
        };
        let given = response.next();
        Ok(self.judge(given.as_deref() == Some(PASSWORD.as_bytes())))
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let does = (self.lines)(std::str::from_utf8(line).unwrap());
        if matches!(does, Does::Refuse) {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        match does {
            Does::Print(output) => {
                session.data(channel, output)?;
                session.exit_status_request(channel, 0)?;
                session.eof(channel)?;
                session.close(channel)
            }
            Does::Cut(output) => {
                session.data(channel, output)?;
                session.disconnect(Disconnect::ByApplication, "", "")
            }
            Does::Hang(output) => session.data(channel, output),
            Does::Endless => {
                tokio::spawn(babble(session.handle(), channel));
                Ok(())
            }
            Does::Refuse => Ok(()),
        }
    }
}

async fn babble(handle: Handle, channel: ChannelId) {
    while handle.data(channel, vec![b'x'; 32 << 10]).await.is_ok() {}
}

// ---- as much of a console as it takes to be taken for one ---------------------------------------

/// Is this what a client says to find out what console it has?
pub(crate) fn is_probe(line: &str) -> bool {
    line.contains("\"00123\"")
}

/// The mark of a line.
pub(crate) fn mark(line: &str) -> &str {
    let is_mark =
        |part: &&str| part.len() == 33 && part[..32].bytes().all(|digit| digit.is_ascii_hexdigit());
    &line.split('"').find(is_mark).unwrap()[..32]
}

/// Answers what finds out about the console, as one without JSON; nothing else.
pub(crate) fn console(line: &str) -> Vec<u8> {
    if line.contains(":serialize") {
        return b"bad command name serialize (line 1 column 170)\r\n".to_vec();
    }
    let mark = mark(line);
    let every: String = (0..255).map(|index| format!("{index}.")).collect();
    let row = format!("{mark}r%{every}{mark}f=00123{mark}f=true{mark}f=1d\r\n{mark}.\r\n");
    row.into_bytes()
}
