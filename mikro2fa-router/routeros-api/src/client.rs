//! [`Client`]: a handle to one connection, for as many tasks as like.
//!
//! One task per connection owns the socket; handles are cheap to clone and send it their wishes. Commands run at
//! the same time, told apart by tags. The design in short:
//!
//! - **Writing.** What gathers between two turns of the task leaves in one write; a command alone is one write.
//! - **Reading.** Rows go into one buffer per caller, several to a hand-over. [`Client::call`] collects them up to
//!   a limit. [`Client::stream`] and [`Client::listen`] buffer a bounded number of bytes; when a buffer is full the
//!   socket is not read, so the router feels it. If other commands wait meanwhile, that has an end: after
//!   [`Options::patience`] the full stream is given up with [`Error::Lagged`] and cancelled, and the others go on.
//!   So a slow reader can delay others for that long, and can never block them, nor itself, for good.
//! - **Time.** Each command has a deadline, a stream one for the router's silence, a listen none. A missed deadline
//!   closes the connection, since replies could come late and nobody could tell what was done.
//!   [`Client::closed`] tells when that has happened.
//! - **The end.** Whatever ends the connection, every caller learns why, and whether its command had left.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::oneshot;

use crate::connection::{Connection, Tag};
use crate::error::{CloseReason, Error, Refusal};
use crate::row::Rows;
use crate::sentence::{Command, Sentence};

mod batch;
pub(crate) mod connect;
mod driver;
mod options;
mod stream;
mod timer;
mod waiter;

pub use batch::{Batch, BatchOptions, Outcome};
pub use options::Options;
pub use stream::RowStream;

use batch::Job;
use driver::Driver;
use options::Settings;
use stream::Buffer;
use waiter::Call;

/// A handle to a connection that has logged in. The connection is closed when the last handle and the last
/// [`RowStream`] have been dropped, or by [`close`](Self::close).
///
/// RouterOS keeps silent sessions, but networks between may not: send a cheap command such as
/// `/system/identity/print` now and then on a connection that otherwise only listens.
#[derive(Debug, Clone)]
pub struct Client {
    requests: UnboundedSender<Request>,
    shared: Arc<Shared>,
}

/// What a command came to.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The records, in the router's order.
    pub rows: Rows,
    /// The `!done`.
    pub done: Sentence,
    /// What the router had against the command. [`Client::call`] makes an error of it.
    pub refusal: Option<Refusal>,
}

impl Answer {
    /// What `!done` returned: the `.id` of an added item, a count, an output.
    pub fn ret(&self) -> Option<&[u8]> {
        self.done.attribute("ret")
    }
}

impl Client {
    /// Connects and logs in. Must be called within a tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// [`Error`] naming the step that failed. Each step has its deadline.
    pub async fn connect(options: &Options) -> Result<Self, Error> {
        let stream = connect::tcp(&options.address, options.connect_timeout).await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &options.tls {
            let address = &options.address;
            let handshake = tls.handshake(address, stream);
            let stream =
                connect::within(crate::Phase::Tls, address, options.tls_timeout, handshake)
                    .await??;
            return Self::log_in(stream, options).await;
        }
        Self::log_in(stream, options).await
    }

    /// Logs in over a stream that is already connected, through a tunnel for example. The address in the options
    /// only serves error messages.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn log_in<S>(mut stream: S, options: &Options) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let decoder = connect::log_in(&mut stream, options).await?;
        let (requests, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            settings: options.settings,
            closed: OnceLock::new(),
            ignored: AtomicU64::new(0),
        });
        let connection = Connection::with_decoder(decoder);
        tokio::spawn(Driver::new(
            stream,
            connection,
            receiver,
            Arc::clone(&shared),
        ));
        Ok(Self { requests, shared })
    }

    /// Runs a command and collects its rows.
    ///
    /// Dropping the future before the command was written keeps it from being written; afterwards it runs to its
    /// end unheard.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the router trapped. Otherwise ask [`Error::is_outcome_unknown`].
    pub async fn call(&self, command: Command) -> Result<Answer, Error> {
        self.call_within(command, self.shared.settings.command_timeout)
            .await
    }

    /// As [`call`](Self::call), with a time-out of its own.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn call_within(&self, command: Command, timeout: Duration) -> Result<Answer, Error> {
        let mut answer = self.call_partial(command, timeout).await?;
        match answer.refusal.take() {
            Some(refusal) => Err(Error::Refused(refusal)),
            None => Ok(answer),
        }
    }

    /// As [`call_within`](Self::call_within), but a refusal does not lose the rows that came before it: volatile
    /// tables such as `/ip/firewall/connection` trap with `no such item` in the middle of a print.
    ///
    /// # Errors
    ///
    /// Any but [`Error::Refused`].
    pub async fn call_partial(&self, command: Command, timeout: Duration) -> Result<Answer, Error> {
        self.check(&command)?;
        let (reply, answer) = oneshot::channel();
        let call = Call::new(reply);
        self.request(Request::Call {
            command,
            call,
            timeout,
        })?;
        answer.await.unwrap_or_else(|_gone| Err(self.gone(true)))
    }

    /// Runs a command and gives its rows as they arrive. The time-out is for the router's silence: it begins anew
    /// with each row, and does not run while the caller is the slow one.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] or [`Error::CommandTooLong`]; all else comes through the stream.
    pub fn stream(&self, command: Command) -> Result<RowStream, Error> {
        self.open(command, Some(self.shared.settings.command_timeout))
    }

    /// As [`stream`](Self::stream), with a time-out of its own for the router's silence.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream).
    pub fn stream_within(&self, command: Command, silence: Duration) -> Result<RowStream, Error> {
        self.open(command, Some(silence))
    }

    /// Runs a command that does not end by itself, such as `/ppp/active/listen`, and gives its rows as they arrive.
    /// There is no time-out. A record that went comes with its `.id` and `.dead`.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream).
    pub fn listen(&self, command: Command) -> Result<RowStream, Error> {
        self.open(command, None)
    }

    /// Runs many commands, several under way at a time, and keeps each one's outcome. They are written in order;
    /// a router may still do them in another. Rows are not kept.
    ///
    /// Dropping the future stops the writing; what was written runs to its end unheard.
    pub async fn call_batch(&self, commands: Vec<Command>, options: BatchOptions) -> Batch {
        let count = commands.len();
        let failed = |error| Batch {
            outcomes: vec![Outcome::NotSent; count],
            error: Some(error),
        };
        if let Some(error) = commands
            .iter()
            .find_map(|command| self.check(command).err())
        {
            return failed(error);
        }
        let (reply, batch) = oneshot::channel();
        let job = Job::new(
            commands,
            options,
            self.shared.settings.command_timeout,
            reply,
        );
        if let Err(error) = self.request(Request::Batch(Box::new(job))) {
            return failed(error);
        }
        batch.await.unwrap_or_else(|_gone| Batch {
            outcomes: vec![Outcome::Unknown; count],
            error: Some(self.gone(true)),
        })
    }

    /// Whether the connection is closed, so that a new one is needed.
    pub fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Why the connection is closed, if it is.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.shared.closed.get()
    }

    /// Waits until the connection is closed, and says why.
    pub async fn closed(&self) -> CloseReason {
        self.requests.closed().await;
        self.shared
            .closed
            .get()
            .cloned()
            .unwrap_or(CloseReason::Local)
    }

    /// Closes the connection now. Whoever waits on it is told so.
    pub fn close(&self) {
        // One that is closed already needs nothing.
        let _ = self.requests.send(Request::Close);
    }

    /// How many sentences were skipped because nobody had asked for them or their kind is unknown.
    pub fn ignored(&self) -> u64 {
        self.shared.ignored.load(Ordering::Relaxed)
    }

    fn open(&self, command: Command, silence: Option<Duration>) -> Result<RowStream, Error> {
        self.check(&command)?;
        let buffer = Arc::new(Buffer::default());
        self.request(Request::Stream {
            command,
            buffer: Arc::clone(&buffer),
            silence,
        })?;
        Ok(RowStream::new(buffer, self.requests.clone()))
    }

    fn check(&self, command: &Command) -> Result<(), Error> {
        let length = command.view().wire().len();
        let limit = self.shared.settings.limits.max_sentence_bytes;
        if length > limit {
            return Err(Error::CommandTooLong { length, limit });
        }
        Ok(())
    }

    fn request(&self, request: Request) -> Result<(), Error> {
        self.requests
            .send(request)
            .map_err(|_closed| self.gone(false))
    }

    fn gone(&self, outcome_unknown: bool) -> Error {
        Error::Closed {
            reason: self
                .shared
                .closed
                .get()
                .cloned()
                .unwrap_or(CloseReason::Local),
            outcome_unknown,
        }
    }
}

/// What a handle wants of the connection's task.
#[derive(Debug)]
enum Request {
    Call {
        command: Command,
        call: Call,
        timeout: Duration,
    },
    Stream {
        command: Command,
        buffer: Arc<Buffer>,
        silence: Option<Duration>,
    },
    Batch(Box<Job>),
    Cancel(Tag),
    Close,
}

impl Request {
    /// The connection ended before anything was written of this.
    fn refuse(self, reason: &CloseReason) {
        let error = Error::Closed {
            reason: reason.clone(),
            outcome_unknown: false,
        };
        match self {
            Self::Call { call, .. } => call.fail(error),
            Self::Stream { buffer, .. } => buffer.end(Err(error)),
            Self::Batch(job) => job.reply(Some(error)),
            Self::Cancel(_) | Self::Close => {}
        }
    }
}

/// What the handles and the connection's task both look at.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    closed: OnceLock<CloseReason>,
    ignored: AtomicU64,
}

impl Shared {
    /// The first reason is the one.
    fn close(&self, reason: CloseReason) {
        let _ = self.closed.set(reason);
    }

    fn count_ignored(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }
}
