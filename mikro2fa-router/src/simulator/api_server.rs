//! The router's TCP ports: the API, plain and over TLS; and who connects to SSH.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Weak,
    time::Duration,
};

use routeros_api::{Decoder, Limits, Sentence};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        watch,
    },
    time::{sleep, timeout},
};

#[cfg(feature = "simulator-ssh")]
use super::ssh_server;
use super::{
    Shared,
    session::{Admission, ConnectionId, Out, Port},
    tls,
};

/// How long a client may leave our bytes unread before its connection is given up.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// What is accepted from a client: a script of some hundred kilobytes is the longest word that there is.
const LIMITS: Limits = Limits {
    max_word: 4 << 20,
    max_sentence_bytes: 8 << 20,
    max_words: 4_096,
};

/// Whether the router can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reachability {
    /// It can.
    #[default]
    Reachable,
    /// Connections are refused, those that exist are closed.
    Refusing,
    /// New connections are taken by the system and never answered; those that exist hear nothing any more.
    Silent,
}

/// Binds the port: listening, or only kept so that connections to it are refused.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Binds a port that was listened on a moment ago. A process that was started meanwhile has the old listener open until its
/// program runs, so the port can be taken a little longer.
async fn bind_again(address: SocketAddr) -> io::Result<TcpSocket> {
    let mut tries = 1_000;
    loop {
        match bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                tries -= 1;
                sleep(Duration::from_millis(1)).await;
            }
            outcome => return outcome,
        }
    }
}

/// Binds a free port of the loopback interface, or the one that is asked for, and listens.
pub(super) fn listen(port: u16) -> io::Result<TcpListener> {
    bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?.listen(1_024)
}

enum Door {
    Open(TcpListener),
    /// Held so that nobody else takes the port.
    Shut(TcpSocket),
}

/// Accepts connections for as long as the simulator lives.
pub(super) async fn serve(
    listener: TcpListener,
    port: Port,
    shared: Weak<Shared>,
    mut reachability: watch::Receiver<Reachability>,
    mut alive: watch::Receiver<()>,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut door = Door::Open(listener);
    loop {
        let wanted = *reachability.borrow_and_update();
        door = match (door, wanted) {
            (Door::Open(listener), Reachability::Refusing) => {
                drop(listener);
                match bind_again(address).await {
                    Ok(socket) => Door::Shut(socket),
                    Err(_) => return,
                }
            }
            (Door::Shut(socket), Reachability::Reachable | Reachability::Silent) => {
                match socket.listen(1_024) {
                    Ok(listener) => Door::Open(listener),
                    Err(_) => return,
                }
            }
            (door, _) => door,
        };
        tokio::select! {
            biased;
            gone = alive.changed() => if gone.is_err() { return },
            changed = reachability.changed() => if changed.is_err() { return },
            accepted = accept(&door) => {
                if let Some((stream, peer)) = accepted {
                    let caller = Caller { peer, port, shared: shared.clone() };
                    tokio::spawn(caller.meet(stream, reachability.clone(), alive.clone()));
                }
            }
        }
    }
}

async fn accept(door: &Door) -> Option<(TcpStream, SocketAddr)> {
    match door {
        Door::Open(listener) => listener.accept().await.ok(),
        Door::Shut(_) => std::future::pending().await,
    }
}

/// Somebody who connects.
struct Caller {
    peer: SocketAddr,
    port: Port,
    shared: Weak<Shared>,
}

impl Caller {
    /// One connection, from the first byte to the last.
    async fn meet(
        self,
        stream: TcpStream,
        mut reachability: watch::Receiver<Reachability>,
        mut alive: watch::Receiver<()>,
    ) {
        // Small sentences are to leave at once; where that cannot be set they leave a little later.
        let _ = stream.set_nodelay(true);
        let (out, orders) = mpsc::unbounded_channel();
        let admission = self.shared.upgrade().map(|shared| {
            shared.with(|state| state.connect(self.port, self.peer.ip(), out.clone()))
        });
        match admission {
            None | Some(Admission::Closed) => {}
            Some(Admission::Silent) => while alive.changed().await.is_ok() {},
            Some(Admission::Welcome(id)) => {
                let talk = self.talk(
                    id,
                    stream,
                    (out, orders),
                    reachability.clone(),
                    alive.clone(),
                );
                match self.port {
                    Port::Plain => talk.await,
                    #[cfg(feature = "simulator-ssh")]
                    Port::Ssh => talk.await,
                    // A handshake knows nothing of orders: it ends with what would end the connection.
                    Port::Tls => tokio::select! {
                        biased;
                        () = gone(&mut reachability, &mut alive) => {}
                        () = talk => {}
                    },
                }
                if let Some(shared) = self.shared.upgrade() {
                    shared.with(|state| state.disconnect(id));
                }
            }
        }
    }

    async fn talk(
        &self,
        id: ConnectionId,
        stream: TcpStream,
        orders: (UnboundedSender<Out>, UnboundedReceiver<Out>),
        mut reachability: watch::Receiver<Reachability>,
        mut alive: watch::Receiver<()>,
    ) {
        match self.port {
            #[cfg(feature = "simulator-ssh")]
            Port::Ssh => {
                let (shared, (_, orders)) = (self.shared.clone(), orders);
                ssh_server::talk(id, self.peer, stream, orders, shared, reachability, alive).await;
            }
            Port::Plain => {
                let (reader, writer) = stream.into_split();
                let link = Link::new(id, reader, writer, orders, self.shared.clone());
                link.run(&mut reachability, &mut alive).await;
            }
            Port::Tls => {
                let heard = |now: &Reachability| *now != Reachability::Silent;
                if reachability.wait_for(heard).await.is_err() {
                    return;
                }
                let offer = self
                    .shared
                    .upgrade()
                    .and_then(|shared| shared.with(|state| state.tls()));
                if let Some(stream) = tls::accept(stream, offer).await {
                    let (reader, writer) = tokio::io::split(stream);
                    let link = Link::new(id, reader, writer, orders, self.shared.clone());
                    link.run(&mut reachability, &mut alive).await;
                }
            }
        }
    }
}

/// Waits until the router cannot be reached any more, or is no more.
async fn gone(reachability: &mut watch::Receiver<Reachability>, alive: &mut watch::Receiver<()>) {
    tokio::select! {
        _ = reachability.wait_for(|now| *now == Reachability::Refusing) => {}
        () = async { while alive.changed().await.is_ok() {} } => {}
    }
}

struct Link<R, W> {
    id: ConnectionId,
    reader: R,
    writer: W,
    orders: UnboundedReceiver<Out>,
    out: UnboundedSender<Out>,
    decoder: Decoder,
    shared: Weak<Shared>,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    Close,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Link<R, W> {
    fn new(
        id: ConnectionId,
        reader: R,
        writer: W,
        (out, orders): (UnboundedSender<Out>, UnboundedReceiver<Out>),
        shared: Weak<Shared>,
    ) -> Self {
        Self {
            id,
            reader,
            writer,
            orders,
            out,
            decoder: Decoder::with_limits(LIMITS),
            shared,
        }
    }

    async fn run(
        mut self,
        reachability: &mut watch::Receiver<Reachability>,
        alive: &mut watch::Receiver<()>,
    ) {
        loop {
            let reached = *reachability.borrow_and_update();
            if reached == Reachability::Refusing {
                return;
            }
            let silent = reached == Reachability::Silent;
            let next = tokio::select! {
                biased;
                gone = alive.changed() => if gone.is_err() { Next::Close } else { Next::On },
                changed = reachability.changed() => if changed.is_err() { Next::Close } else { Next::On },
                order = self.orders.recv(), if !silent => self.obey(order).await,
                count = self.reader.read(self.decoder.room()), if !silent => self.take(count),
            };
            if next == Next::Close {
                return;
            }
        }
    }

    /// Sends what has gathered, in one go.
    async fn obey(&mut self, first: Option<Out>) -> Next {
        let mut bytes = Vec::new();
        let mut order = first;
        let mut next = Next::On;
        loop {
            match order {
                Some(Out::Bytes(more)) if bytes.is_empty() => bytes = more,
                Some(Out::Bytes(more)) => bytes.extend_from_slice(&more),
                Some(Out::Later(delay, more)) => self.send_later(delay, more),
                Some(Out::Close) | None => {
                    next = Next::Close;
                    break;
                }
            }
            match self.orders.try_recv() {
                Ok(more) => order = Some(more),
                Err(_) => break,
            }
        }
        let write = async {
            self.writer.write_all(&bytes).await?;
            // Over TLS what was written may still be waiting to be sent.
            self.writer.flush().await
        };
        if matches!(timeout(WRITE_DEADLINE, write).await, Ok(Ok(()))) {
            next
        } else {
            Next::Close
        }
    }

    fn send_later(&self, delay: Duration, bytes: Vec<u8>) {
        let out = self.out.clone();
        tokio::spawn(async move {
            sleep(delay).await;
            // A connection that has been closed meanwhile needs no answer.
            let _ = out.send(Out::Bytes(bytes));
        });
    }

    fn take(&mut self, read: io::Result<usize>) -> Next {
        match read {
            Ok(0) | Err(_) => return Next::Close,
            Ok(count) => self.decoder.filled(count),
        }
        let mut sentences: Vec<Sentence> = Vec::new();
        loop {
            match self.decoder.next() {
                Ok(Some(sentence)) => sentences.push(sentence),
                Ok(None) => break,
                // What follows a word that cannot be understood cannot be either.
                Err(_) => return Next::Close,
            }
        }
        let Some(shared) = self.shared.upgrade() else {
            return Next::Close;
        };
        if !sentences.is_empty() {
            shared.with(|state| {
                sentences
                    .iter()
                    .for_each(|sentence| state.receive(self.id, sentence))
            });
        }
        Next::On
    }
}
