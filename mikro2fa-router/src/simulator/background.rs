//! What a simulated router does though nobody asks it.

use std::{sync::Weak, time::Duration};

use tokio::sync::{mpsc, watch};

use super::{Shared, fetch};

/// Makes the calls that scripts ask for, each on its own. Ends with the state, which holds the other end.
pub(super) async fn make_calls(
    shared: Weak<Shared>,
    mut calls: mpsc::UnboundedReceiver<(usize, fetch::Request)>,
) {
    while let Some((number, request)) = calls.recv().await {
        tokio::spawn(fetch::perform(shared.clone(), number, request));
    }
}

/// Lets things happen when they are due though nobody asks: those who listen are to hear of them.
pub(super) async fn keep_time(shared: Weak<Shared>, mut alive: watch::Receiver<()>) {
    let Some(clock) = shared.upgrade().map(|shared| shared.clock.clone()) else {
        return;
    };
    let mut moved = clock.subscribe();
    let mut changes = match shared.upgrade() {
        Some(shared) => shared.changes.subscribe(),
        None => return,
    };
    loop {
        let deadline = match shared.upgrade() {
            Some(shared) => shared.next_deadline(),
            None => return,
        };
        let left = deadline
            .filter(|_| clock.runs())
            .map(|at| at.saturating_sub(clock.now()));
        tokio::select! {
            biased;
            gone = alive.changed() => if gone.is_err() { return },
            gone = moved.changed() => if gone.is_err() { return },
            gone = changes.changed(), if clock.runs() => if gone.is_err() { return },
            () = wait(left) => {}
        }
    }
}

async fn wait(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
