//! Latency without time: a number of turns in which others may run.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Comes back `Pending` so many times, and wakes itself each time.
pub(crate) const fn turns(count: u32) -> Turns {
    Turns { left: count }
}

#[derive(Debug)]
pub(crate) struct Turns {
    left: u32,
}

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
