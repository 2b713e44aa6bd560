//! [`RowStream`]: rows as they arrive, and the buffer between the task that reads them and the one that takes them.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc::UnboundedSender;

use super::Request;
use crate::connection::Tag;
use crate::error::Error;
use crate::row::{Row, Rows};
use crate::sentence::Sentence;

/// The rows of one command, in the order in which they arrive.
///
/// Dropping it before its end cancels the command on the router and forgets what still comes. As long as it lives,
/// so does the connection, even if every [`Client`](crate::Client) was dropped.
pub struct RowStream {
    buffer: Arc<Buffer>,
    requests: UnboundedSender<Request>,
    /// Rows taken out of the buffer and how many of them were given out.
    current: Rows,
    given: usize,
    done: Option<Sentence>,
    ended: bool,
}

impl RowStream {
    pub(super) fn new(buffer: Arc<Buffer>, requests: UnboundedSender<Request>) -> Self {
        Self {
            buffer,
            requests,
            current: Rows::default(),
            given: 0,
            done: None,
            ended: false,
        }
    }

    /// The next row, or `None` after the last. Cancel safe: no row is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// What ended the command before its time, once, after all rows that came: [`Error::Refused`] if the router
    /// trapped, [`Error::TimedOut`] if it fell silent, [`Error::Lagged`] if rows were not taken fast enough,
    /// [`Error::Closed`].
    pub async fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        if self.given == self.current.len() {
            poll_fn(|context| self.poll_refill(context)).await?;
        }
        let index = self.given;
        self.given += usize::from(index < self.current.len());
        Ok(self.current.get(index))
    }

    /// All rows that are there already, at least one, or `None` after the last: the cheapest way to take many.
    /// Rows already taken by [`next`](Self::next) are not among them. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn next_rows(&mut self) -> Result<Option<impl Iterator<Item = Row<'_>>>, Error> {
        if self.given == self.current.len() {
            poll_fn(|context| self.poll_refill(context)).await?;
        }
        let first = self.given;
        self.given = self.current.len();
        let rows = self.current.iter().skip(first);
        Ok((first < self.given).then_some(rows))
    }

    /// The `!done` that ended the command, for its `ret`, once the rows have come to their end.
    pub fn done(&self) -> Option<&Sentence> {
        self.done.as_ref()
    }

    /// Replaces the rows that were all given out by those that have come; by none at the end.
    fn poll_refill(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.given = 0;
        self.current.clear();
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        match self.buffer.poll_take(&mut self.current, context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Ok(())),
            Poll::Ready(Some(outcome)) => {
                self.ended = true;
                Poll::Ready(outcome.map(|done| self.done = Some(done)))
            }
        }
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        if let Some(tag) = self.buffer.leave() {
            // A connection that is closed needs no cancel.
            let _ = self.requests.send(Request::Cancel(tag));
        }
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// What stands between the connection's task and a [`RowStream`]. Neither ever waits while it holds the lock.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Rows>,
    bytes: usize,
    outcome: Option<Result<Sentence, Error>>,
    /// A batch that was given out, for its room.
    spare: Rows,
    taker: Option<Waker>,
    /// The connection's task, while it waits for room.
    filler: Option<Waker>,
    tag: Option<Tag>,
    left: bool,
}

impl Buffer {
    /// Names the command's tag; false if the taker has gone meanwhile.
    pub(super) fn begin(&self, tag: Tag) -> bool {
        let mut state = self.lock();
        state.tag = Some(tag);
        !state.left
    }

    /// Hands over rows, leaving an empty batch, and says whether more than `limit` bytes wait now.
    pub(super) fn put(&self, rows: &mut Rows, limit: usize) -> bool {
        let mut state = self.lock();
        if state.left {
            rows.clear();
            return false;
        }
        let batch = std::mem::replace(rows, std::mem::take(&mut state.spare));
        state.bytes += batch.bytes();
        state.batches.push_back(batch);
        state.wake_taker();
        state.bytes > limit
    }

    /// Whether more than `limit` bytes wait. If so, `filler` is woken once there are fewer.
    pub(super) fn is_full(&self, limit: usize, filler: &Waker) -> bool {
        let mut state = self.lock();
        let full = state.bytes > limit && !state.left;
        state.filler = full.then(|| filler.clone());
        full
    }

    /// Ends the stream, after the rows that wait.
    pub(super) fn end(&self, outcome: Result<Sentence, Error>) {
        let mut state = self.lock();
        state.tag = None;
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
        }
        state.wake_taker();
    }

    /// Takes a batch in exchange for an empty one; the outcome when all batches were taken.
    fn poll_take(
        &self,
        current: &mut Rows,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Sentence, Error>>> {
        let mut state = self.lock();
        if let Some(batch) = state.batches.pop_front() {
            state.bytes -= batch.bytes();
            state.spare = std::mem::replace(current, batch);
            state.spare.clear();
            if let Some(filler) = state.filler.take() {
                filler.wake();
            }
            return Poll::Ready(None);
        }
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(Some(outcome));
        }
        state.taker = Some(context.waker().clone());
        Poll::Pending
    }

    /// The taker goes; gives the tag to cancel if the command is under way.
    fn leave(&self) -> Option<Tag> {
        let mut state = self.lock();
        state.left = true;
        state.batches.clear();
        state.bytes = 0;
        if let Some(filler) = state.filler.take() {
            filler.wake();
        }
        state.tag.take()
    }

    /// A panic elsewhere cannot leave the state half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake_taker(&mut self) {
        if let Some(taker) = self.taker.take() {
            taker.wake();
        }
    }
}
