//! The async side: jobs go to the connection's own thread, answers come back.

use std::{
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};

use super::{
    config::SshConfig,
    error::{Phase, SshError},
    worker::{self, Job},
};
use crate::{
    error::Error,
    sentence::Sentence,
    transport::{Abilities, Answer, End, Gate, Line, Transport},
};

/// The way to a router over its SSH console.
#[derive(Clone, Debug)]
pub struct Ssh {
    config: SshConfig,
}

impl Ssh {
    /// Does not connect yet.
    #[must_use]
    pub const fn new(config: SshConfig) -> Self {
        Self { config }
    }

    async fn socket(&self) -> Result<TcpStream, SshError> {
        let address = self.config.address();
        let after = self.config.deadlines.connect;
        let connecting = tokio::net::TcpStream::connect(&address);
        let refused = |source| SshError::Connect {
            address: address.clone(),
            source: Arc::new(source),
        };
        let socket = match tokio::time::timeout(after, connecting).await {
            Ok(socket) => socket.map_err(refused)?,
            Err(_) => {
                return Err(SshError::TooSlow {
                    phase: Phase::Connect,
                    address,
                    after,
                });
            }
        };
        let blocking = || {
            socket.set_nodelay(true)?;
            let socket = socket.into_std()?;
            socket.set_nonblocking(false)?;
            Ok(socket)
        };
        blocking().map_err(refused)
    }
}

#[async_trait]
impl Transport for Ssh {
    type Line = SshLine;

    async fn connect(&self) -> Result<SshLine, Error> {
        let socket = self.socket().await?;
        let machine = |error: std::io::Error| SshError::Machine {
            message: error.to_string().into(),
        };
        let shared = Arc::new(Shared {
            socket: socket.try_clone().map_err(machine)?,
            closed: Mutex::default(),
        });
        let (jobs, queue) = mpsc::unbounded_channel();
        // Dropped before it is ready, it closes the socket, and the thread ends.
        let line = SshLine {
            jobs,
            shared: Arc::clone(&shared),
        };
        let (ready, opened) = oneshot::channel();
        let config = self.config.clone();
        thread::Builder::new()
            .name("ssh".to_owned())
            .spawn(move || worker::run(socket, &config, ready, queue, &shared))
            .map_err(machine)?;
        match opened.await {
            Ok(Ok(())) => Ok(line),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(SshError::Broken {
                message: "the login was given up".into(),
            }
            .into()),
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
}

/// An SSH connection that has logged in. Dropping it closes it.
#[derive(Debug)]
pub struct SshLine {
    jobs: mpsc::UnboundedSender<Job>,
    shared: Arc<Shared>,
}

/// What both threads know of a connection.
#[derive(Debug)]
pub(super) struct Shared {
    socket: TcpStream,
    closed: Mutex<Option<Error>>,
}

impl Shared {
    /// Closes the connection, for this reason unless there was one before.
    pub(super) fn close(&self, reason: Error) {
        self.reason().get_or_insert(reason);
        // It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.reason().is_some()
    }

    fn reason(&self) -> MutexGuard<'_, Option<Error>> {
        // Set once, and whole.
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Line for SshLine {
    async fn exchange(&self, sentences: Vec<Sentence>, gate: Gate) -> Vec<Answer> {
        let all = |end: End| vec![Answer::bare(end); sentences.len()];
        let (reply, answers) = oneshot::channel();
        let job = Job {
            sentences: sentences.clone(),
            gate,
            reply,
        };
        if self.shared.is_closed() || self.jobs.send(job).is_err() {
            return all(End::NotSent);
        }
        // Whoever does not answer may have said some of it.
        answers.await.unwrap_or_else(|_| all(End::Lost))
    }

    async fn watch(&self, _: Sentence) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        Err(Error::Unsupported("a console says nothing by itself"))
    }

    fn closed(&self) -> Option<Error> {
        self.shared.reason().clone()
    }

    fn close(&self) {
        self.shared.close(Error::Closed);
    }
}

impl Drop for SshLine {
    fn drop(&mut self) {
        self.close();
    }
}
