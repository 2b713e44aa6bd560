//! Threads that own connections. Work is sent to them; no blocking call is ever made on an async thread.
//!
//! One thread writes: what a group of commits, a claim and the desk write goes through it, in turn. A few threads
//! read. Work that was sent is done, also when nobody waits for its answer any more.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use diesel::connection::{Connection, TransactionManager};
use mikro2fa_core::store::StoreError;
use tokio::sync::oneshot;

use crate::{
    config::DatabaseUrl,
    connection::{AnyConnection, Purpose, connect},
    error::Outcome,
};

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Threads that share a queue of work; each owns an `S`.
pub(crate) struct Threads<S> {
    jobs: Mutex<Option<mpsc::Sender<Job<S>>>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl<S> fmt::Debug for Threads<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

impl<S: Send + 'static> Threads<S> {
    /// Starts one thread for each state.
    pub(crate) fn start(name: &str, states: Vec<S>) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel::<Job<S>>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut handles = Vec::with_capacity(states.len());
        for mut state in states {
            let receiver = Arc::clone(&receiver);
            let next = move || {
                let queue = receiver.lock().unwrap_or_else(PoisonError::into_inner);
                queue.recv().ok()
            };
            let run = move || {
                while let Some(job) = next() {
                    job(&mut state);
                }
            };
            let handle = thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(|error| StoreError::Unavailable(format!("no thread: {error}").into()))?;
            handles.push(handle);
        }
        Ok(Self {
            jobs: Mutex::new(Some(sender)),
            handles: Mutex::new(handles),
        })
    }

    /// Has work done, and gives what came of it. Dropping the future does not undo the work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |state: &mut S| {
            let _ = answer.send(work(state));
        });
        self.send(job)?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the store has stopped".into())))
    }

    fn send(&self, job: Job<S>) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref()
            .and_then(|jobs| jobs.send(job).ok())
            .ok_or_else(|| StoreError::Unavailable("the store is closed".into()))
    }
}

impl<S> Threads<S> {
    /// Takes no more work, waits until what was sent is done, and drops the states.
    pub(crate) fn stop(&self) {
        drop(
            self.jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let handles =
            std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        for handle in handles {
            if handle.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
    }
}

impl<S> Drop for Threads<S> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A connection that is opened when it is needed, and again after it broke.
#[derive(Debug)]
pub(crate) struct Link {
    url: DatabaseUrl,
    purpose: Purpose,
    open: Option<Open>,
}

struct Open(AnyConnection);

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl Link {
    pub(crate) const fn new(url: DatabaseUrl, purpose: Purpose) -> Self {
        Self {
            url,
            purpose,
            open: None,
        }
    }

    /// Works on the connection. After an error that may have broken it, the next work gets a new one.
    pub(crate) fn with<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        let mut connection = match self.open.take() {
            Some(Open(connection)) => connection,
            None => connect(&self.url, self.purpose)?,
        };
        let result = work(&mut connection).map_err(crate::error::Failure::into_store);
        let broken = matches!(
            result,
            Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown)
        ) || in_error(&mut connection);
        if !broken {
            self.open = Some(Open(connection));
        }
        result
    }

    /// Is a connection open?
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

fn in_error(connection: &mut AnyConnection) -> bool {
    <AnyConnection as Connection>::TransactionManager::is_broken_transaction_manager(connection)
}
