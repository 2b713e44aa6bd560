//! The console over SSH on a TCP port: what RouterOS does on an `exec` channel.
//!
//! One line a channel, no prompt, lines ended by CR LF, errors on the standard output, and an exit status of 0 whatever happened
//! (reference: community.routeros' and tikoci/centrs' notes on RouterOS over SSH). There is no terminal: a shell is told so.

mod keys;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use russh::{
    Channel, ChannelId, Disconnect, MethodSet, Pty,
    server::{Auth, ChannelOpenHandle, Handle, Handler, Msg, Response, Session},
};
use tokio::{
    io::{DuplexStream, copy, duplex, split},
    net::TcpStream,
    sync::{mpsc::UnboundedReceiver, watch},
};

pub(super) use keys::HostKey;

use super::{
    Reachability, Shared,
    script::Console,
    session::{ConnectionId, LoginOutcome, Out, Played, Proof, read_login},
};

/// What is in flight between the socket and the protocol.
const BUFFER: usize = 64 << 10;

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
        open: Arc::default(),
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

/// The protocol's side of a connection.
struct Connection {
    id: ConnectionId,
    peer: SocketAddr,
    shared: Weak<Shared>,
    console: Console,
    /// Channels that are open. What has been closed from here counts as closed, before the client has said so, too.
    open: Arc<Mutex<Vec<ChannelId>>>,
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
        let is_served = {
            let mut open = lock(&self.open);
            let is_served = open.is_empty() || several;
            if is_served {
                open.push(channel.id());
            }
            is_served
        };
        if is_served {
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
        lock(&self.open).retain(|open| *open != channel);
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
        lock(&self.open).retain(|open| *open != channel);
        let told = "the simulator has no terminal: send one line by exec\r\n";
        answer(session, channel, told.as_bytes().to_vec())
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
        session.channel_success(channel)?;
        let console = self.console;
        let played = self
            .shared()?
            .with(|state| state.ssh_line(self.id, console, line));
        match played {
            Played::Answer(latency, output) if latency.is_zero() => {
                lock(&self.open).retain(|open| *open != channel);
                answer(session, channel, output)
            }
            Played::Answer(latency, output) => {
                let (handle, open) = (session.handle(), Arc::clone(&self.open));
                tokio::spawn(answer_later(handle, open, channel, latency, output));
                Ok(())
            }
            Played::Open(output) => session.data(channel, output),
            Played::CutAfter(output) => {
                session.data(channel, output)?;
                session.disconnect(Disconnect::ByApplication, "", "")
            }
            Played::Cut => {
                self.shared()?.with(|state| state.push(self.id, Out::Close));
                Ok(())
            }
            Played::Farewell(reason) => session.disconnect(Disconnect::ByApplication, &reason, ""),
        }
    }
}

/// Prints and ends a channel, with a status that says nothing.
fn answer(session: &mut Session, channel: ChannelId, output: Vec<u8>) -> Result<(), russh::Error> {
    session.data(channel, output)?;
    session.exit_status_request(channel, 0)?;
    session.eof(channel)?;
    session.close(channel)
}

async fn answer_later(
    handle: Handle,
    open: Arc<Mutex<Vec<ChannelId>>>,
    channel: ChannelId,
    latency: Duration,
    output: Vec<u8>,
) {
    tokio::time::sleep(latency).await;
    // A connection that has been closed meanwhile needs no answer.
    let _ = handle.data(channel, output).await;
    let _ = handle.exit_status_request(channel, 0).await;
    let _ = handle.eof(channel).await;
    lock(&open).retain(|it| *it != channel);
    let _ = handle.close(channel).await;
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    // A list of ids is never left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({:?} from {})", self.id, self.peer)
    }
}
