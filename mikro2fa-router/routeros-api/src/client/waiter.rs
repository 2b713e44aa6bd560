//! Who waits for a command's replies, and what each reply means to them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Answer;
use super::batch::{Item, Outcome};
use super::stream::Buffer;
use crate::connection::Tag;
use crate::error::{CloseReason, Error, Refusal, Trap};
use crate::row::{Row, Rows};
use crate::sentence::SentenceRef;

/// What the connection's task remembers of a command under way.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) kind: Kind,
    pub(super) deadline: Option<Deadline>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A caller who wants all of the answer at once.
    Call(Call),
    /// A caller who takes rows as they come.
    Stream(Stream),
    /// One command of a batch.
    Item(Item),
    /// Nobody any longer: what still comes is dropped.
    Nobody,
}

/// When to give up, and after how long that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) after: Duration,
}

impl Deadline {
    pub(super) fn in_time(after: Duration, now: Instant) -> Self {
        Self {
            at: later(now, after),
            after,
        }
    }
}

/// This much later, or as good as never: a caller's time-out may be larger than the clock can count.
pub(super) fn later(now: Instant, after: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);
    now.checked_add(after).unwrap_or_else(|| now + NEVER)
}

#[derive(Debug)]
pub(super) struct Call {
    rows: Rows,
    refusal: Option<Refusal>,
    reply: oneshot::Sender<Result<Answer, Error>>,
}

impl Call {
    pub(super) fn new(reply: oneshot::Sender<Result<Answer, Error>>) -> Self {
        Self {
            rows: Rows::default(),
            refusal: None,
            reply,
        }
    }

    /// Whether the caller has gone.
    pub(super) fn is_left(&self) -> bool {
        self.reply.is_closed()
    }

    /// Tells the caller why there is no answer; one who has gone wants none.
    pub(super) fn fail(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }

    fn finish(self, done: SentenceRef<'_>) {
        let _ = self.reply.send(Ok(Answer {
            rows: self.rows,
            done: done.to_sentence(),
            refusal: self.refusal,
        }));
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    /// Rows of the read that is being looked through.
    pub(super) pending: Rows,
    refusal: Option<Refusal>,
    pub(super) buffer: Arc<Buffer>,
}

impl Stream {
    pub(super) fn new(buffer: Arc<Buffer>) -> Self {
        Self {
            pending: Rows::default(),
            refusal: None,
            buffer,
        }
    }

    fn finish(mut self, done: SentenceRef<'_>) {
        if !self.pending.is_empty() {
            self.buffer.put(&mut self.pending, usize::MAX);
        }
        self.buffer.end(match self.refusal {
            None => Ok(done.to_sentence()),
            Some(refusal) => Err(Error::Refused(refusal)),
        });
    }
}

/// What the task has to see to after a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// The first row of a read for this stream: hand its rows over when the read is done with.
    HandOver(Tag),
    /// The rest of the answer is not wanted: cancel it.
    Cancel(Tag),
}

/// What became of a command of a batch: the batch's number, the command's place.
pub(super) struct Finished {
    pub(super) job: u64,
    pub(super) index: usize,
    pub(super) outcome: Outcome,
}

impl Waiter {
    /// Takes a row. `limit` is how many bytes a call may collect.
    #[inline]
    pub(super) fn row(&mut self, tag: Tag, row: Row<'_>, limit: usize) -> After {
        match &mut self.kind {
            Kind::Stream(stream) => {
                let first = stream.pending.is_empty();
                stream.pending.push(row);
                if first {
                    After::HandOver(tag)
                } else {
                    After::Nothing
                }
            }
            Kind::Call(call) if call.is_left() => After::Nothing,
            Kind::Call(call) => {
                call.rows.push(row);
                if call.rows.bytes() <= limit {
                    return After::Nothing;
                }
                self.fail(Error::AnswerTooLarge { limit });
                After::Cancel(tag)
            }
            Kind::Item(_) | Kind::Nobody => After::Nothing,
        }
    }

    pub(super) fn trap(&mut self, trap: Trap) {
        match &mut self.kind {
            Kind::Call(call) => Refusal::add(&mut call.refusal, trap),
            Kind::Stream(stream) => Refusal::add(&mut stream.refusal, trap),
            Kind::Item(item) => Refusal::add(&mut item.refusal, trap),
            Kind::Nobody => {}
        }
    }

    /// Takes the end of the command.
    pub(super) fn done(self, done: SentenceRef<'_>) -> Option<Finished> {
        match self.kind {
            Kind::Call(call) => call.finish(done),
            Kind::Stream(stream) => stream.finish(done),
            Kind::Nobody => {}
            Kind::Item(Item {
                job,
                index,
                refusal,
            }) => {
                let outcome = match refusal {
                    Some(refusal) => Outcome::Refused(refusal),
                    None => Outcome::Done {
                        ret: done.attribute("ret").map(Into::into),
                    },
                };
                return Some(Finished {
                    job,
                    index,
                    outcome,
                });
            }
        }
        None
    }

    /// Tells the caller that there will be no answer; what still comes is dropped.
    pub(super) fn fail(&mut self, error: Error) {
        self.deadline = None;
        match std::mem::replace(&mut self.kind, Kind::Nobody) {
            Kind::Call(call) => call.fail(error),
            Kind::Stream(stream) => stream.buffer.end(Err(error)),
            Kind::Item(_) | Kind::Nobody => {}
        }
    }

    /// What to say when the connection ends for this reason: a command whose own time is up hears of that.
    pub(super) fn error(&self, reason: &CloseReason, sent: bool, now: Instant) -> Error {
        match self.deadline {
            Some(deadline)
                if sent && matches!(reason, CloseReason::TimedOut) && deadline.at <= now =>
            {
                Error::TimedOut {
                    after: deadline.after,
                }
            }
            _ => Error::Closed {
                reason: reason.clone(),
                outcome_unknown: sent,
            },
        }
    }
}
