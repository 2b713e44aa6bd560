//! [`RouterOs`]: one router as the engine sees it, over any [`Transport`].

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use mikro2fa_core::{
    desk::{ListNames, SourceKind},
    id::{InstallationId, RouterId},
    router_backend::{
        Applied, Command, Fence, Hint, Identity, Look, Observed, Part, RouterBackend, RouterError,
        Seen,
    },
    time::{Clock, Timestamp},
    tunnel::Tunnel,
};

use crate::{
    apply::{Context, Orders, Site, WINDOW},
    budget::Lane,
    config::Settings,
    error::Error,
    handle::Generation,
    identify,
    inspect::Memory,
    observe::{Knowing, Round},
    ppp,
    roll::{Called, Roll},
    sentence::{Guard, Path, Sentence},
    tag::Tagger,
    transport::{Answer, End, Gate, Line, Transport},
    user_manager::UserManager,
};

mod pace;

use pace::Pace;

/// One router, over any transport.
///
/// Connects when it is first asked something, keeps that one connection, and connects anew when it is asked again after
/// it broke. What is learnt on a connection, ids above all, is forgotten with it.
pub struct RouterOs<T: Transport> {
    transport: T,
    site: Site,
    clock: Arc<dyn Clock>,
    slot: tokio::sync::Mutex<Slot<T::Line>>,
    pace: Mutex<Pace>,
    /// What was seen of the gate; kept over connections.
    gate: Mutex<Memory>,
}

struct Slot<L> {
    generation: Generation,
    connection: Option<Arc<Connection<L>>>,
}

struct Connection<L> {
    line: L,
    generation: Generation,
    learnt: Mutex<Learnt>,
    /// See [`Context::time_out_stays`].
    time_out_stays: AtomicBool,
}

/// Whether a connection was made just now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    /// It may be broken without anybody having noticed: a router that rebooted says nothing.
    Kept,
}

/// What this connection taught.
#[derive(Default)]
struct Learnt {
    /// It has no IPv6 firewall.
    no_ipv6: bool,
    /// Which User Manager it has; none before it was asked.
    user_manager: Option<Option<UserManager>>,
    roll: Roll,
    /// See [`Knowing::uptime`].
    uptime: bool,
}

impl Learnt {
    fn knowing(&self) -> Knowing {
        Knowing {
            ipv6: !self.no_ipv6,
            user_manager: self.user_manager.flatten(),
            tunnels: self.roll.is_worth_calling(),
            uptime: self.uptime,
        }
    }
}

impl<T: Transport> RouterOs<T> {
    /// Does not connect yet.
    #[must_use]
    pub fn new(
        transport: T,
        router: RouterId,
        lists: ListNames,
        installation: InstallationId,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let generation = Generation::first(clock.now());
        Self {
            transport,
            site: Site {
                router,
                gate: (&lists).into(),
                lists,
                tagger: Tagger::new(installation),
            },
            pace: Mutex::new(Pace::new(settings.budget, clock.now())),
            gate: Mutex::default(),
            clock,
            slot: tokio::sync::Mutex::new(Slot {
                generation,
                connection: None,
            }),
        }
    }

    /// The connection that is open, or a new one; and whether it was there before.
    async fn connection(&self) -> Result<(Arc<Connection<T::Line>>, Age), Error> {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = &slot.connection
            && connection.line.closed().is_none()
        {
            return Ok((Arc::clone(connection), Age::Kept));
        }
        slot.connection = None;
        let line = self.transport.connect().await?;
        slot.generation = slot.generation.next();
        let connection = Arc::new(Connection {
            line,
            generation: slot.generation,
            learnt: Mutex::default(),
            time_out_stays: AtomicBool::new(false),
        });
        slot.connection = Some(Arc::clone(&connection));
        Ok((connection, Age::New))
    }

    /// Waits, in real time, until the budget has room. True if it took time.
    async fn make_room(&self, lane: Lane, requests: usize, bytes: u64) -> bool {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let wait = lock(&self.pace).wait(lane, self.clock.now(), requests, bytes);
        if wait.is_zero() {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    /// Says these and counts what it cost. No answer is `Lost` or `NotSent` unless the line broke.
    async fn exchange(
        &self,
        line: &T::Line,
        sentences: Vec<Sentence>,
        gate: Gate,
    ) -> (Vec<Answer>, u64) {
        let count = sentences.len();
        let sent: u64 = sentences.iter().map(Sentence::size).sum();
        let requests = u32::try_from(count).unwrap_or(u32::MAX);
        self.charge(requests, sent);
        let mut answers = line.exchange(sentences, gate).await;
        answers.resize_with(count, || Answer::bare(End::Lost));
        let came = answers.iter().map(|answer| answer.rows.bytes() as u64);
        let came = came.sum::<u64>() + 24 * count as u64;
        self.charge(0, came);
        (answers, sent + came)
    }

    fn charge(&self, requests: u32, bytes: u64) {
        lock(&self.pace).charge(self.clock.now(), requests, bytes);
    }

    /// Asks without changing anything.
    ///
    /// # Errors
    ///
    /// If the line broke before all was answered.
    async fn ask(
        &self,
        connection: &Connection<T::Line>,
        sentences: Vec<Sentence>,
    ) -> Result<(Vec<Answer>, u64), RouterError> {
        let (answers, moved) = self
            .exchange(&connection.line, sentences, Box::new(|| true))
            .await;
        if answers.iter().any(Answer::is_missing) {
            let reason = connection.line.closed();
            connection.line.close();
            let endless = || RouterError::Protocol("an answer had no end in sight".into());
            return Err(reason.map_or_else(endless, Into::into));
        }
        Ok((answers, moved))
    }

    /// Asks about the tunnels that a call did not recognise; none if that broke off.
    async fn complete(
        &self,
        connection: &Connection<T::Line>,
        round: &Round<'_>,
        mut called: Called,
        moved: &mut u64,
    ) -> Result<Option<Vec<Tunnel>>, RouterError> {
        if called.unknown.is_empty() {
            return Ok(Some(called.known));
        }
        let questions = called.questions();
        let at = self.clock.now();
        let (answers, more) = self.ask(connection, questions).await?;
        *moved += more;
        let unknown = round.tunnels(&answers, at)?;
        Ok(unknown.map(|unknown| {
            called.known.extend(unknown);
            called.known
        }))
    }

    async fn identify_over(
        &self,
        connection: &Connection<T::Line>,
    ) -> Result<Identity, RouterError> {
        let questions = identify::questions();
        self.make_room(Lane::Rest, questions.len(), 0).await;
        let (answers, _) = self.ask(connection, questions).await?;
        lock(&connection.learnt).user_manager = Some(identify::user_manager(&answers));
        identify::identity(&answers, self.transport.abilities())
    }

    /// Which User Manager there is: asked once a connection, before it first matters.
    async fn user_manager(
        &self,
        connection: &Connection<T::Line>,
    ) -> Result<Option<UserManager>, RouterError> {
        let known = lock(&connection.learnt).user_manager;
        if let Some(known) = known {
            return Ok(known);
        }
        let (answers, _) = self.ask(connection, identify::questions()).await?;
        let found = identify::user_manager(&answers);
        lock(&connection.learnt).user_manager = Some(found);
        Ok(found)
    }

    async fn look_over(
        &self,
        connection: &Connection<T::Line>,
        look: &Look,
    ) -> Result<Observed, RouterError> {
        if look.accounts != Part::Nothing {
            self.user_manager(connection).await?;
        }
        let knowing = lock(&connection.learnt).knowing();
        let (round, questions) = Round::begin(look, &self.site, connection.generation, knowing);
        let lane = lane_of_look(look);
        let expected = *lock(&self.pace).last_look(lane);
        self.make_room(lane, questions.len(), expected).await;
        let at = self.clock.now();
        let (answers, mut moved) = self.ask(connection, questions).await?;
        let (mut observed, lesson) = round.end(&answers, at)?;
        if let Some(inspection) = round.gate(&answers) {
            let mut memory = lock(&self.gate);
            inspection.learn(&mut memory);
            observed.gate = Some(inspection.seen(&memory, at));
        }
        if let Some(rows) = round.called(&answers) {
            let called = lock(&connection.learnt).roll.call(rows, at)?;
            observed.tunnels = self
                .complete(connection, &round, called, &mut moved)
                .await?
                .map(|rows| Seen {
                    asked: Part::All,
                    rows,
                    at,
                });
        }
        *lock(&self.pace).last_look(lane) = moved;
        let mut learnt = lock(&connection.learnt);
        learnt.no_ipv6 |= lesson.no_ipv6;
        learnt.uptime |= observed.router_uptime.is_some();
        if lesson.no_user_manager {
            learnt.user_manager = Some(None);
        }
        if let Some(seen) = &observed.tunnels {
            learnt.roll.remember(&seen.asked, &seen.rows);
        }
        Ok(observed)
    }

    /// Carries orders out, window by window, as long as the fence holds and the line is up.
    async fn carry_out(
        &self,
        connection: &Connection<T::Line>,
        fence: &Fence,
        lane: Lane,
        orders: &mut Orders<'_>,
    ) {
        while let Some(window) = self.next_window(fence, lane, orders).await {
            let gate = self.gate(fence.until);
            let (answers, _) = self.exchange(&connection.line, window, gate).await;
            let broken = answers.iter().any(|answer| answer.end == End::Lost);
            orders.hear(answers);
            if broken || connection.line.closed().is_some() {
                connection.line.close();
                return;
            }
        }
    }

    /// What is said next, if the fence still holds. Leases in it count from now: nothing but the socket stands between
    /// here and the wire.
    async fn next_window(
        &self,
        fence: &Fence,
        lane: Lane,
        orders: &mut Orders<'_>,
    ) -> Option<Vec<Sentence>> {
        let mut window = orders.next(self.clock.now());
        let bytes = window.iter().map(Sentence::size).sum();
        if self.make_room(lane, window.len(), bytes).await {
            window = orders.next(self.clock.now());
        }
        (!window.is_empty() && fence.until > self.clock.now()).then_some(window)
    }

    fn gate(&self, until: Timestamp) -> Gate {
        let clock = Arc::clone(&self.clock);
        Box::new(move || until > clock.now())
    }
}

/// Closes the line unless all was heard: whoever drops an order halfway does not know what was done.
struct CloseUnlessHeard<'a, L: Line> {
    line: &'a L,
    heard: bool,
}

impl<L: Line> Drop for CloseUnlessHeard<'_, L> {
    fn drop(&mut self) {
        if !self.heard {
            self.line.close();
        }
    }
}

#[async_trait]
impl<T: Transport> RouterBackend for RouterOs<T> {
    async fn identify(&self) -> Result<Identity, RouterError> {
        let (connection, age) = self.connection().await?;
        match self.identify_over(&connection).await {
            Err(RouterError::Unreachable(_)) if age == Age::Kept => {
                let (connection, _) = self.connection().await?;
                self.identify_over(&connection).await
            }
            identity => identity,
        }
    }

    async fn observe(&self, look: &Look) -> Result<Observed, RouterError> {
        if look.is_empty() {
            return Ok(Observed::default());
        }
        let (connection, age) = self.connection().await?;
        match self.look_over(&connection, look).await {
            Err(RouterError::Unreachable(_)) if age == Age::Kept => {
                let (connection, _) = self.connection().await?;
                self.look_over(&connection, look).await
            }
            observed => observed,
        }
    }

    async fn apply(
        &self,
        fence: &Fence,
        commands: &[Command],
    ) -> Result<Vec<Applied>, RouterError> {
        let now = self.clock.now();
        if fence.router != self.site.router || fence.until <= now {
            return Err(RouterError::Fenced);
        }
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let (connection, _) = self.connection().await?;
        let user_manager = if commands.iter().any(concerns_user_manager) {
            self.user_manager(&connection).await?
        } else {
            None
        };
        let context = Context {
            site: &self.site,
            generation: connection.generation,
            user_manager,
            epoch: fence.epoch,
            window: if self.transport.abilities().pipeline {
                WINDOW
            } else {
                1
            },
            tunnels: tunnels_of(&lock(&connection.learnt).roll, commands),
            time_out_stays: AtomicBool::new(connection.time_out_stays.load(Ordering::Relaxed)),
            gate: lock(&self.gate).clone(),
        };
        let mut orders = Orders::new(&context, commands);
        let mut guard = CloseUnlessHeard {
            line: &connection.line,
            heard: false,
        };
        self.carry_out(&connection, fence, lane_of_orders(commands), &mut orders)
            .await;
        guard.heard = true;
        let outcomes = orders.outcomes();
        connection
            .time_out_stays
            .store(context.time_out_stays(), Ordering::Relaxed);
        Ok(outcomes)
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError> {
        if !self.transport.abilities().watch {
            return Err(RouterError::Unsupported("this transport has no hints"));
        }
        let (connection, _) = self.connection().await?;
        let changes = connection.line.watch(ppp::listen_active()).await?;
        // Nothing says that a watch has begun. What was asked behind it and is answered says so: commands are begun in
        // the order in which they come. What happened before may have been missed.
        let question = Sentence::new(Path::IdentityPrint).only(&["name"]);
        self.ask(&connection, vec![question]).await?;
        let first = stream::once(async { Ok(Hint::Gap) });
        let hints = changes.map(|change| match change {
            Ok(()) => Ok(Hint::Tunnels),
            Err(error) => Err(error.into()),
        });
        Ok(first.chain(hints).boxed())
    }
}

/// The tunnels that commands open the way for, as they were seen last.
fn tunnels_of(roll: &Roll, commands: &[Command]) -> BTreeMap<IpAddr, Guard> {
    let address = |command: &Command| match command {
        Command::Permit { address, .. } | Command::Renew { address, .. } => Some(address.address),
        _ => None,
    };
    let addresses = commands.iter().filter_map(address);
    addresses
        .filter_map(|address| Some((address, roll.still_at(address)?)))
        .collect()
}

/// A look at some rows only is an answer's; the rounds ask for all.
fn lane_of_look(look: &Look) -> Lane {
    let parts = [
        &look.tunnels,
        &look.permits,
        &look.bans,
        &look.accounts,
        &look.rules,
    ];
    if parts.contains(&&Part::All) {
        Lane::Rest
    } else {
        Lane::Answer
    }
}

const fn concerns_user_manager(command: &Command) -> bool {
    matches!(
        command,
        Command::SetAccount {
            source: SourceKind::UserManager,
            ..
        } | Command::CloseSessions { .. }
    )
}

/// What closes waits for nothing, whatever it comes with; renewals alone are like rounds.
fn lane_of_orders(commands: &[Command]) -> Lane {
    if commands.iter().any(|command| !command.opens()) {
        Lane::Closing
    } else if commands
        .iter()
        .all(|it| matches!(it, Command::Renew { .. } | Command::KeepAlive { .. }))
    {
        Lane::Rest
    } else {
        Lane::Answer
    }
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    // What is kept behind these locks is never left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
