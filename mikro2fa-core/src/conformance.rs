//! The contracts of the ports as suites that any implementation runs against itself. Feature `conformance`.
//!
//! Each case is one documented function; a macro makes one named `#[tokio::test]` of each. What is tested is told by a
//! bench: a fresh implementation, and the means to do to it from outside what a test has to do (dial in, break a
//! connection, look at what is really there). A fake that has not passed proves nothing, so the in-memory ports pass
//! the same suites.
//!
//! ```
//! use mikro2fa_core::store_conformance;
//!
//! # use std::sync::Arc;
//! # use mikro2fa_core::{conformance::store::StoreBench, directory::Directory, store::Store, testing, time::Timestamp};
//! # struct MyBench(testing::MemoryStore);
//! # impl MyBench {
//! #     async fn new() -> Self {
//! #         Self(testing::MemoryStore::new(Arc::new(testing::ManualClock::new(Timestamp(0)))))
//! #     }
//! # }
//! # #[async_trait::async_trait]
//! # impl StoreBench for MyBench {
//! #     fn store(&self) -> Arc<dyn Store> { Arc::new(self.0.clone()) }
//! #     fn directory(&self) -> Arc<dyn Directory> { Arc::new(self.0.clone()) }
//! #     async fn lapse_leases(&self) -> bool { false }
//! # }
//! store_conformance!(MyBench::new().await);
//! ```
//!
//! A bench that lacks a means says so, and the cases that need it pass without having tested anything: keep that list
//! short.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite tells a failure by panicking, as every test does"
)]

use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::{Either, select};

pub mod directory;
mod macros;
pub mod notifier;
pub mod router_backend;
mod sample;
pub mod store;

/// How long a case may take in real time. It decides nothing: it ends what would hang for ever.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Runs one case, and fails it if it hangs.
///
/// # Panics
///
/// If the case does, or if it has not ended within a minute.
pub async fn watched(name: &str, case: impl Future<Output = ()>) {
    let (ended, ends) = mpsc::channel::<()>();
    let (bark, barks) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        if ends.recv_timeout(WATCHDOG) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Nobody listens any more if the case has just ended.
            let _ = bark.send(());
        }
    });
    let (case, barks) = (pin!(case), pin!(barks));
    let outcome = select(case, barks).await;
    drop(ended);
    if let Either::Right((Ok(()), _)) = outcome {
        panic!("{name} has not ended after {WATCHDOG:?}: it waits for what never comes");
    }
}

/// What came of it, or a failure that says what was being done.
#[track_caller]
fn ok<T, E: fmt::Display>(result: Result<T, E>, doing: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{doing}: {error}"),
    }
}

/// What is there, or a failure that says what is not.
#[track_caller]
fn some<T>(value: Option<T>, what: &str) -> T {
    match value {
        Some(value) => value,
        None => panic!("there is no {what}"),
    }
}

/// Polls a future once, and drops it: somebody who went away in the middle.
fn start_and_drop<F: Future>(future: F) {
    let _: Poll<F::Output> = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}
