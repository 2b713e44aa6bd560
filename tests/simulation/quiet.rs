//! When is nothing left to do? When the runtime's only thread is about to park: no task can go on before the clock
//! moves or the driver does something.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

/// Told by the runtime that it goes idle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quiet(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    /// Nobody waits.
    #[default]
    Idle,
    /// The driver waits.
    Armed(Waker),
    /// It went idle since.
    Reached,
}

impl Quiet {
    /// A runtime of one thread that says when it goes idle.
    pub(crate) fn runtime(&self) -> tokio::runtime::Runtime {
        let quiet = self.clone();
        tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || quiet.parked())
            .build()
            .unwrap()
    }

    fn parked(&self) {
        let mut state = self.0.lock().unwrap();
        if let State::Armed(waker) = std::mem::replace(&mut *state, State::Reached) {
            waker.wake();
        } else {
            *state = State::Idle;
        }
    }

    /// Completes when every task waits for something that only the driver can bring about.
    pub(crate) fn reached(&self) -> impl Future<Output = ()> + '_ {
        let mut begun = false;
        poll_fn(move |context| {
            let mut state = self.0.lock().unwrap();
            if begun && matches!(*state, State::Reached) {
                *state = State::Idle;
                return Poll::Ready(());
            }
            begun = true;
            *state = State::Armed(context.waker().clone());
            Poll::Pending
        })
    }
}
