//! The task that owns a connection's socket: the only one to read and write it.
//!
//! Each turn takes what callers want, writes, reads, hands out what was read, and looks at the clock, until nothing
//! is left to be done without waiting. Sentences that gather between two turns leave in one write.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::batch::{Item, Job, Outcome};
use super::timer::Timer;
use super::waiter::{After, Deadline, Finished, Kind, Stream, Waiter, later};
use super::{Request, Shared};
use crate::connection::{Connection, Event, Ignored, Tag};
use crate::error::{CloseReason, Error};
use crate::reply::text;

/// How many bytes of a batch are put together for one write.
const BURST: usize = 64 << 10;
/// How much of a `!fatal`'s reason is kept.
const REASON: usize = 1024;

pub(super) struct Driver<S> {
    io: S,
    connection: Connection<Waiter>,
    requests: UnboundedReceiver<Request>,
    shared: Arc<Shared>,
    jobs: Vec<Job>,
    last_job: u64,
    /// Streams that got rows in the present read.
    touched: Vec<Tag>,
    /// Streams whose buffer is full. As long as there are any, nothing is read.
    full: Vec<Tag>,
    /// Since when full streams have held up other commands.
    held_since: Option<Instant>,
    /// Bytes of an earlier turn are still waiting to be written.
    leftover: bool,
    unflushed: bool,
    timer: Timer,
    begun: bool,
    closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(super) fn new(
        io: S,
        connection: Connection<Waiter>,
        requests: UnboundedReceiver<Request>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            io,
            connection,
            requests,
            shared,
            jobs: Vec::new(),
            last_job: 0,
            touched: Vec::new(),
            full: Vec::new(),
            held_since: None,
            leftover: false,
            unflushed: false,
            timer: Timer::new(),
            begun: false,
            closed: false,
        }
    }

    /// Does all that can be done now; an error is the connection's end.
    fn turn(&mut self, context: &mut Context<'_>) -> Result<(), CloseReason> {
        if !self.begun {
            // Something may have come right behind the login.
            self.begun = true;
            self.digest()?;
        }
        loop {
            loop {
                self.take_requests(context)?;
                if let Err(reason) = self.write(context) {
                    return Err(self.last_words(context, reason));
                }
                if self.is_held_up(context) || !self.read(context)? {
                    break;
                }
            }
            if self.timer.poll(context).is_pending() {
                break;
            }
            if self.full.is_empty() {
                self.expire()?;
            }
        }
        self.shrink();
        Ok(())
    }

    /// Gives memory back when nothing but listens is under way, as they have no deadline.
    fn shrink(&mut self) {
        let listens = |(_, waiter): (Tag, &mut Waiter)| waiter.deadline.is_none();
        if self.jobs.is_empty() && self.connection.contexts_mut().all(listens) {
            self.connection.shrink();
        }
    }

    /// Writing failed, but the router may have said why before it went.
    fn last_words(&mut self, context: &mut Context<'_>, reason: CloseReason) -> CloseReason {
        loop {
            match self.read(context) {
                Ok(true) => {}
                Err(said @ CloseReason::Fatal(_)) => return said,
                Ok(false) | Err(_) => return reason,
            }
        }
    }

    fn take_requests(&mut self, context: &mut Context<'_>) -> Result<(), CloseReason> {
        while let Poll::Ready(request) = self.requests.poll_recv(context) {
            match request {
                Some(Request::Call {
                    command,
                    call,
                    timeout,
                }) if !call.is_left() => {
                    let deadline = self.deadline(timeout);
                    let kind = Kind::Call(call);
                    self.connection.send(&command, Waiter { kind, deadline });
                }
                Some(Request::Call { .. }) => {}
                Some(Request::Stream {
                    command,
                    buffer,
                    silence,
                }) => {
                    let deadline = silence.and_then(|silence| self.deadline(silence));
                    let kind = Kind::Stream(Stream::new(Arc::clone(&buffer)));
                    let tag = self.connection.send(&command, Waiter { kind, deadline });
                    if !buffer.begin(tag) {
                        self.connection.take_back(tag);
                    }
                }
                Some(Request::Batch(job)) => self.begin(*job),
                Some(Request::Cancel(tag)) => self.give_up(tag),
                Some(Request::Close) | None => return Err(CloseReason::Local),
            }
        }
        Ok(())
    }

    fn begin(&mut self, mut job: Job) {
        if job.is_complete() {
            return job.reply(None);
        }
        self.last_job += 1;
        job.number = self.last_job;
        self.jobs.push(job);
    }

    /// Nobody takes the rows of this command any longer.
    fn give_up(&mut self, tag: Tag) {
        if self.connection.take_back(tag).is_none() {
            if let Some(waiter) = self.connection.context_mut(tag) {
                waiter.kind = Kind::Nobody;
                waiter.deadline = None;
            }
            self.connection.cancel(tag);
        }
    }

    fn deadline(&mut self, after: std::time::Duration) -> Option<Deadline> {
        let deadline = Deadline::in_time(after, Instant::now());
        self.timer.arm(deadline.at);
        Some(deadline)
    }

    fn write(&mut self, context: &mut Context<'_>) -> Result<(), CloseReason> {
        loop {
            if self.leftover {
                self.recall();
            }
            if self.connection.outbound().is_empty() {
                self.fill();
            }
            if self.connection.outbound().is_empty() {
                break;
            }
            match Pin::new(&mut self.io).poll_write(context, self.connection.outbound()) {
                Poll::Ready(Ok(0)) => return Err(CloseReason::ByRouter),
                Poll::Ready(Ok(count)) => {
                    self.connection.wrote(count);
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Err(CloseReason::Io(Arc::new(error))),
                Poll::Pending => {
                    self.leftover = true;
                    break;
                }
            }
            self.leftover = !self.connection.outbound().is_empty();
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.io).poll_flush(context)
        {
            flushed.map_err(|error| CloseReason::Io(Arc::new(error)))?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Puts commands of batches together, only when nothing else waits to be written: so the fence is asked just
    /// before the write.
    fn fill(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        let now = Instant::now();
        for job in &mut self.jobs {
            let deadline = Deadline::in_time(job.timeout, now);
            while self.connection.outbound().len() < BURST
                && let Some((command, item)) = job.next()
            {
                self.timer.arm(deadline.at);
                let waiter = Waiter {
                    kind: Kind::Item(item),
                    deadline: Some(deadline),
                };
                self.connection.send(&command, waiter);
            }
        }
        self.answer_jobs();
    }

    /// Part of a write had to wait: what has not begun to leave is taken back if its fence says so by now.
    fn recall(&mut self) {
        for job in &mut self.jobs {
            if !job.is_stopped() {
                continue;
            }
            let number = job.number;
            let of_job =
                |waiter: &Waiter| matches!(&waiter.kind, Kind::Item(item) if item.job == number);
            let tags: Vec<_> = self
                .connection
                .contexts_mut()
                .filter_map(|(tag, waiter)| of_job(waiter).then_some(tag))
                .collect();
            for tag in tags {
                if let Some(Waiter {
                    kind: Kind::Item(item),
                    ..
                }) = self.connection.take_back(tag)
                {
                    job.retract(item.index);
                }
            }
        }
        self.leftover = !self.connection.outbound().is_empty();
        self.answer_jobs();
    }

    /// Answers the batches that are through.
    fn answer_jobs(&mut self) {
        for job in self.jobs.extract_if(.., |job| job.is_complete()) {
            job.reply(None);
        }
    }

    /// Reads once and hands out what came; false when there is nothing to read now.
    fn read(&mut self, context: &mut Context<'_>) -> Result<bool, CloseReason> {
        let mut room = ReadBuf::new(self.connection.room());
        let outcome = Pin::new(&mut self.io).poll_read(context, &mut room);
        let count = room.filled().len();
        match outcome {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(CloseReason::Io(Arc::new(error))),
            Poll::Ready(Ok(())) if count == 0 => {
                return Err(match self.connection.is_midway() {
                    true => CloseReason::CutOff,
                    false => CloseReason::ByRouter,
                });
            }
            Poll::Ready(Ok(())) => self.connection.filled(count),
        }
        self.digest()?;
        Ok(true)
    }

    /// Hands out all that was read.
    fn digest(&mut self) -> Result<(), CloseReason> {
        let understood = self.hand_out();
        self.hand_over();
        self.answer_jobs();
        understood
    }

    fn hand_out(&mut self) -> Result<(), CloseReason> {
        let limit = self.shared.settings.answer_limit;
        while let Some(event) = self.connection.next().map_err(CloseReason::Protocol)? {
            let after = match event {
                Event::Row { tag, context, row } => context.row(tag, row, limit),
                Event::Trap { context, trap, .. } => {
                    context.trap(trap);
                    After::Nothing
                }
                Event::Done {
                    context, sentence, ..
                } => {
                    if let Some(finished) = context.done(sentence) {
                        finish(&mut self.jobs, finished);
                    }
                    After::Nothing
                }
                Event::Fatal { reason } => {
                    let reason = reason.get(..REASON).unwrap_or(reason);
                    return Err(CloseReason::Fatal(text(reason).into_owned()));
                }
                Event::Ignored(Ignored::Expected) => After::Nothing,
                Event::Ignored(_) => {
                    self.shared.count_ignored();
                    After::Nothing
                }
            };
            match after {
                After::Nothing => {}
                After::HandOver(tag) => self.touched.push(tag),
                After::Cancel(tag) => self.connection.cancel(tag),
            }
        }
        Ok(())
    }

    /// Hands the rows of this read to their streams.
    fn hand_over(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        let now = Instant::now();
        for tag in self.touched.drain(..) {
            let Some(waiter) = self.connection.context_mut(tag) else {
                continue;
            };
            if let Kind::Stream(stream) = &mut waiter.kind {
                if stream
                    .buffer
                    .put(&mut stream.pending, self.shared.settings.stream_buffer)
                {
                    self.full.push(tag);
                }
                waiter.deadline = waiter
                    .deadline
                    .map(|deadline| Deadline::in_time(deadline.after, now));
            }
        }
    }

    /// Whether reading has to wait for a stream's taker.
    ///
    /// Nothing but that taker is held up while no other command is under way. If one is, the taker may depend on it
    /// (the same task may wait for both), so the wait has an end: the stream is given up and the others go on.
    fn is_held_up(&mut self, context: &Context<'_>) -> bool {
        if self.full.is_empty() {
            return false;
        }
        let now = Instant::now();
        let (connection, limit) = (&mut self.connection, self.shared.settings.stream_buffer);
        self.full.retain(|tag| match connection.context_mut(*tag) {
            Some(Waiter {
                kind: Kind::Stream(stream),
                deadline,
            }) => {
                *deadline = deadline.map(|deadline| Deadline::in_time(deadline.after, now));
                stream.buffer.is_full(limit, context.waker())
            }
            _ => false,
        });
        let others_wait = self.connection.in_flight() > self.full.len();
        if !self.full.is_empty() && others_wait {
            let until = later(
                *self.held_since.get_or_insert(now),
                self.shared.settings.patience,
            );
            if now < until {
                self.timer.arm(until);
                return true;
            }
            self.cut_off_full();
        }
        if self.full.is_empty() {
            // Deadlines were not looked at meanwhile.
            self.timer.arm(now);
        }
        self.held_since = None;
        !self.full.is_empty()
    }

    fn cut_off_full(&mut self) {
        for tag in std::mem::take(&mut self.full) {
            if let Some(waiter) = self.connection.context_mut(tag) {
                waiter.fail(Error::Lagged);
            }
            self.connection.cancel(tag);
        }
    }

    /// A deadline may have passed. Replies that had come by then were read before.
    fn expire(&mut self) -> Result<(), CloseReason> {
        let now = Instant::now();
        let deadlines = self
            .connection
            .contexts_mut()
            .filter_map(|(_, waiter)| waiter.deadline);
        match deadlines.map(|deadline| deadline.at).min() {
            Some(next) if next <= now => Err(CloseReason::TimedOut),
            Some(next) => {
                self.timer.arm(next);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl<S> Driver<S> {
    /// Tells everybody that it is over.
    fn close(&mut self, reason: &CloseReason) {
        self.closed = true;
        self.shared.close(reason.clone());
        self.requests.close();
        let now = Instant::now();
        let mut timed_out = Vec::new();
        for (mut waiter, sent) in self.connection.abandon() {
            let error = waiter.error(reason, sent, now);
            if let Kind::Item(Item { job, index, .. }) = waiter.kind {
                if !sent {
                    retract(&mut self.jobs, job, index);
                } else if matches!(error, Error::TimedOut { .. }) {
                    timed_out.push((job, error));
                }
            } else {
                waiter.fail(error);
            }
        }
        for job in self.jobs.drain(..) {
            let own = timed_out.iter().find(|(number, _)| *number == job.number);
            let error = own.map_or_else(
                || Error::Closed {
                    reason: reason.clone(),
                    outcome_unknown: job.in_flight > 0,
                },
                |(_, error)| error.clone(),
            );
            job.reply(Some(error));
        }
        while let Ok(request) = self.requests.try_recv() {
            request.refuse(reason);
        }
    }
}

/// The runtime may end before the connection does: nobody is to wait for ever.
impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        if !self.closed {
            self.close(&CloseReason::Local);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Driver<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        match driver.turn(context) {
            Ok(()) => Poll::Pending,
            Err(reason) => {
                driver.close(&reason);
                Poll::Ready(())
            }
        }
    }
}

/// The command of a batch has ended.
fn finish(jobs: &mut [Job], finished: Finished) {
    let Finished {
        job,
        index,
        outcome,
    } = finished;
    if let Some(job) = jobs.iter_mut().find(|known| known.number == job) {
        job.finish(index, outcome);
    }
}

/// The command of a batch never left.
fn retract(jobs: &mut [Job], job: u64, index: usize) {
    finish(
        jobs,
        Finished {
            job,
            index,
            outcome: Outcome::NotSent,
        },
    );
}
