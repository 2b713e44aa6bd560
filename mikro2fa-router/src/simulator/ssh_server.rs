//! The console over SSH on a TCP port: what RouterOS does on an `exec` channel.
//!
//! One line a channel, no prompt, lines ended by CR LF, errors on the standard output, and an exit status of 0 whatever happened
//! (reference: community.routeros' and tikoci/centrs' notes on RouterOS over SSH). There is no terminal: a shell is told so.

mod keys;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use russh::{
    Channel, ChannelId, Disconnect, MethodSet, Pty,
    server::{
        Auth, ChannelOpenHandle, Handle, Handler, Msg, PublicKeyOffer, Response, Session,
        VerifiedPublicKey,
    },
};
use tokio::{
    io::{DuplexStream, copy, duplex, split},
    net::TcpStream,
    sync::{mpsc::UnboundedReceiver, oneshot, watch},
    time::timeout,
};

pub(super) use keys::HostKeys;

use super::{
    Reachability, Shared,
    script::Console,
    session::{ConnectionId, LoginOutcome, Out, Played, Proof, read_login},
};

/// What is in flight between the socket and the protocol.
const BUFFER: usize = 64 << 10;

/// How long a client is waited for that is to be cut off once it has read what it was sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection, from the first byte to the last.
pub(super) async fn talk(
    id: ConnectionId,
    peer: SocketAddr,
    stream: TcpStream,
    orders: UnboundedReceiver<Out>,
    shared: Weak<Shared>,
    reachability: watch::Receiver<Reachability>,
    alive: watch::Receiver<()>,
) {
    let Some(config) = shared
        .upgrade()
        .and_then(|shared| shared.with(|state| keys::config(state)))
    else {
        return;
    };
    let (ours, theirs) = duplex(BUFFER);
    let connection = Connection {
        id,
        peer,
        shared,
        console: Console::default(),
        open: Open::default(),
        methods: config.methods.clone(),
    };
    let protocol = async {
        // What goes wrong in the protocol is for the client to notice: its connection closes.
        if let Ok(session) = russh::server::run_stream(config, theirs, connection).await {
            let _ = session.await;
        }
    };
    let carried = carry(stream, ours, orders, reachability, alive);
    tokio::spawn(protocol);
    carried.await;
}

/// Carries bytes between the socket and the protocol, for as long as the router can be reached and nobody orders an end.
async fn carry(
    mut stream: TcpStream,
    ours: DuplexStream,
    mut orders: UnboundedReceiver<Out>,
    mut reachability: watch::Receiver<Reachability>,
    mut alive: watch::Receiver<()>,
) {
    let (mut from_client, mut to_client) = stream.split();
    let (mut from_us, mut to_us) = split(ours);
    let flow = async {
        tokio::select! {
            _ = copy(&mut from_client, &mut to_us) => {}
            _ = copy(&mut from_us, &mut to_client) => {}
        }
    };
    tokio::pin!(flow);
    loop {
        let reached = *reachability.borrow_and_update();
        if reached == Reachability::Refusing {
            return;
        }
        let silent = reached == Reachability::Silent;
        tokio::select! {
            biased;
            gone = alive.changed() => if gone.is_err() { return },
            changed = reachability.changed() => if changed.is_err() { return },
            order = orders.recv() => if let Some(Out::Close) | None = order { return },
            () = &mut flow, if !silent => return,
        }
    }
}

/// Channels that are open and have not been answered.
#[derive(Clone, Debug, Default)]
struct Open(Arc<Mutex<Vec<ChannelId>>>);

impl Open {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<ChannelId>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_empty(&self) -> bool {
        self.with(|open| open.is_empty())
    }

    fn add(&self, channel: ChannelId) {
        self.with(|open| open.push(channel));
    }

    fn remove(&self, channel: ChannelId) {
        self.with(|open| open.retain(|known| *known != channel));
    }
}

/// The protocol's side of a connection.
struct Connection {
    id: ConnectionId,
    peer: SocketAddr,
    shared: Weak<Shared>,
    console: Console,
    open: Open,
    methods: MethodSet,
}

impl Connection {
    fn shared(&self) -> Result<Arc<Shared>, russh::Error> {
        self.shared.upgrade().ok_or(russh::Error::Disconnect)
    }

    async fn log_in(&mut self, login: &str, proof: Proof<'_>) -> Result<Auth, russh::Error> {
        let (user, console) = read_login(login);
        let (latency, outcome) = self
            .shared()?
            .with(|state| state.ssh_log_in(self.id, user, proof));
        tokio::time::sleep(latency).await;
        match outcome {
            LoginOutcome::Welcome => {
                self.console = console;
                Ok(Auth::Accept)
            }
            LoginOutcome::Refused => Ok(self.refuse()),
            LoginOutcome::Silence => std::future::pending().await,
            LoginOutcome::Cut => Err(russh::Error::Disconnect),
        }
    }

    /// Prints and ends a channel, with a status that says nothing.
    fn answer(
        &self,
        session: &mut Session,
        channel: ChannelId,
        output: Vec<u8>,
    ) -> Result<(), russh::Error> {
        self.open.remove(channel);
        session.data(channel, output)?;
        session.exit_status_request(channel, 0)?;
        session.eof(channel)?;
        session.close(channel)
    }

    fn refuse(&self) -> Auth {
        Auth::Reject {
            proceed_with_methods: Some(self.methods.clone()),
            partial_success: false,
        }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(self.refuse())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.log_in(user, Proof::Password(password)).await
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let key = offer.public_key.to_openssh().unwrap_or_default();
        let (user, _) = read_login(user);
        let known = self.shared()?.with(|state| state.knows_key(user, &key));
        Ok(if known { Auth::Accept } else { self.refuse() })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        let key = key.public_key.to_openssh().unwrap_or_default();
        self.log_in(user, Proof::Key(&key)).await
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            });
        };
        let given = response.next();
        let given = given.as_deref().map(String::from_utf8_lossy);
        self.log_in(user, Proof::Password(&given.unwrap_or_default()))
            .await
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let several = self
            .shared()?
            .with(|state| state.quirks.ssh_serves_second_channel);
        if self.open.is_empty() || several {
            self.open.add(channel.id());
            reply.accept().await;
        }
        // Dropped, it refuses.
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.open.remove(channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.shared()?.with(|state| state.no_terminal());
        session.channel_success(channel)?;
        let told = "the simulator has no terminal: send one line by exec\r\n";
        self.answer(session, channel, told.as_bytes().to_vec())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let most = self.shared()?.with(|state| state.quirks.ssh_longest_line);
        if line.len() > most {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        let console = self.console;
        let played = self
            .shared()?
            .with(|state| state.ssh_line(self.id, console, line));
        match played {
            Played::Answer(latency, output) if latency.is_zero() => {
                self.answer(session, channel, output)
            }
            Played::Answer(latency, output) => {
                let handle = session.handle();
                let open = self.open.clone();
                tokio::spawn(answer_later(handle, open, channel, latency, output));
                Ok(())
            }
            Played::Open(output) => session.data(channel, output),
            Played::CutAfter(output) => {
                session.data(channel, output)?;
                // What was printed is to arrive: the client's word that it has read so far ends the connection.
                let (heard, answer) = oneshot::channel();
                session.send_ping(heard)?;
                tokio::spawn(cut_after(answer, self.id, self.shared.clone()));
                Ok(())
            }
            Played::Cut => {
                self.shared()?.with(|state| state.push(self.id, Out::Close));
                Ok(())
            }
            Played::Farewell(reason) => session.disconnect(Disconnect::ByApplication, &reason, ""),
        }
    }
}

/// Waits for a client to have read what it was sent, and closes its connection.
async fn cut_after(heard: oneshot::Receiver<()>, id: ConnectionId, shared: Weak<Shared>) {
    // A client that says nothing is cut off all the same.
    let _ = timeout(PATIENCE, heard).await;
    if let Some(shared) = shared.upgrade() {
        shared.with(|state| state.push(id, Out::Close));
    }
}

async fn answer_later(
    handle: Handle,
    open: Open,
    channel: ChannelId,
    latency: Duration,
    output: Vec<u8>,
) {
    tokio::time::sleep(latency).await;
    open.remove(channel);
    // A connection that has been closed meanwhile needs no answer.
    let _ = handle.data(channel, output).await;
    let _ = handle.exit_status_request(channel, 0).await;
    let _ = handle.eof(channel).await;
    let _ = handle.close(channel).await;
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({:?} from {})", self.id, self.peer)
    }
}
