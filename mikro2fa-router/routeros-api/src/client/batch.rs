//! Many commands at once, each outcome kept.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, Refusal};
use crate::sentence::Command;

/// How [`call_batch`](crate::Client::call_batch) sends.
pub struct BatchOptions {
    pub(super) window: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) fence: Option<Fence>,
}

pub(super) type Fence = Box<dyn Fn() -> bool + Send>;

impl BatchOptions {
    /// A window of 64, the client's own command time-out, no fence.
    pub fn new() -> Self {
        Self {
            window: 64,
            timeout: None,
            fence: None,
        }
    }

    /// How many commands may be unanswered at a time, at least 1. Default 64: enough to keep a router busy that
    /// takes a millisecond a command at a round trip of 60 ms, and little enough to stop soon.
    #[must_use]
    pub fn window(mut self, window: usize) -> Self {
        self.window = window.max(1);
        self
    }

    /// Longest time for each command from its sending. Defaults to the client's command time-out.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Asked before each command is written; once it says false, nothing more is written and the rest is
    /// [`Outcome::NotSent`]. It runs on the connection's task: it must be quick and must not block.
    #[must_use]
    pub fn fence(mut self, fence: impl Fn() -> bool + Send + 'static) -> Self {
        self.fence = Some(Box::new(fence));
        self
    }
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BatchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchOptions")
            .field("window", &self.window)
            .field("timeout", &self.timeout)
            .field("fenced", &self.fence.is_some())
            .finish()
    }
}

/// What became of one command of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done. `ret` is what `!done` said: for `add` the new `.id`.
    Done {
        /// The value of `ret`, if there was one.
        ret: Option<Box<[u8]>>,
    },
    /// The router refused it.
    Refused(Refusal),
    /// It was sent and not answered: it may have been done or not.
    Unknown,
    /// It never left: certainly not done.
    NotSent,
}

/// What became of a batch.
#[derive(Debug, Clone)]
#[must_use]
pub struct Batch {
    /// One outcome for each command, in the commands' order.
    pub outcomes: Vec<Outcome>,
    /// Why the connection ended on the way, if it did. When the fence stopped the batch, there is no error.
    pub error: Option<Error>,
}

/// A batch on its way, as the connection's task keeps it.
pub(super) struct Job {
    pub(super) number: u64,
    waiting: VecDeque<Command>,
    outcomes: Vec<Outcome>,
    pub(super) in_flight: usize,
    window: usize,
    pub(super) timeout: Duration,
    fence: Option<Fence>,
    reply: oneshot::Sender<Batch>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("commands", &self.outcomes.len())
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

/// A command of a batch that is under way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) job: u64,
    pub(super) index: usize,
    pub(super) refusal: Option<Refusal>,
}

impl Job {
    pub(super) fn new(
        commands: Vec<Command>,
        options: BatchOptions,
        timeout: Duration,
        reply: oneshot::Sender<Batch>,
    ) -> Self {
        Self {
            number: 0,
            outcomes: vec![Outcome::NotSent; commands.len()],
            waiting: commands.into(),
            in_flight: 0,
            window: options.window,
            timeout: options.timeout.unwrap_or(timeout),
            fence: options.fence,
            reply,
        }
    }

    /// The next command that may be written now, with its place. Asks the fence, which must stand just before the
    /// writing.
    pub(super) fn next(&mut self) -> Option<(Command, Item)> {
        if self.in_flight >= self.window || self.waiting.is_empty() || self.is_stopped() {
            return None;
        }
        let index = self.outcomes.len() - self.waiting.len();
        let command = self.waiting.pop_front()?;
        self.in_flight += 1;
        self.set(index, Outcome::Unknown);
        Some((
            command,
            Item {
                job: self.number,
                index,
                refusal: None,
            },
        ))
    }

    /// Whether nothing more may be written, because the fence says so or nobody waits any longer. Once stopped, the
    /// batch stays so.
    pub(super) fn is_stopped(&mut self) -> bool {
        let stopped = self.reply.is_closed() || self.fence.as_ref().is_some_and(|fence| !fence());
        if stopped {
            // Outcomes of what never leaves are `NotSent` from the beginning.
            self.waiting.clear();
        }
        stopped
    }

    /// A command has ended.
    pub(super) fn finish(&mut self, index: usize, outcome: Outcome) {
        self.in_flight -= 1;
        self.set(index, outcome);
    }

    /// A command was taken back before a byte of it was written.
    pub(super) fn retract(&mut self, index: usize) {
        self.finish(index, Outcome::NotSent);
    }

    /// Whether no command is left.
    pub(super) fn is_complete(&self) -> bool {
        self.in_flight == 0 && self.waiting.is_empty()
    }

    /// Tells the caller.
    pub(super) fn reply(self, error: Option<Error>) {
        // A caller who has gone wants no answer.
        let _ = self.reply.send(Batch {
            outcomes: self.outcomes,
            error,
        });
    }

    fn set(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = outcome;
        }
    }
}
