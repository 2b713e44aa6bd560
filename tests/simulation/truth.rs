//! What really is: every line with its client, every session as it is durable, every fault that was put in. The
//! ports' wrappers and the driver write it; `invariants` judges by it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::pending,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use mikro2fa_core::{
    ban::Ban,
    id::{AccountId, BanId, ChallengeId, CommitId, OutboxId, SessionId},
    session::Session,
    testing::{CommandFault, CommitFault, DeliveryFault, Line, LookFault, ManualClock},
    time::{Clock, Timestamp},
    tunnel::{Caller, Text, Tunnel, TunnelKey},
};
use tokio::task::AbortHandle;

use crate::{invariants::Wrong, settings::Settings};

/// So many port calls without the clock moving on are a livelock.
const CALLS: u32 = 4_000;

/// Shared by the driver and all ports.
#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) clock: ManualClock,
    pub(crate) settings: Settings,
    inner: Mutex<Inner>,
}

/// One client's connection, from its first moment to its last.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) account: Text,
    pub(crate) caller: Option<Caller>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) gone_at: Option<Timestamp>,
    /// When a look first showed it with its address.
    pub(crate) seen_at: Option<Timestamp>,
}

/// What is to go wrong. Each is used up by the next call that it fits.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) looks: VecDeque<LookFault>,
    pub(crate) commands: VecDeque<CommandFault>,
    pub(crate) commits: VecDeque<CommitFault>,
    pub(crate) deliveries: VecDeque<DeliveryFault>,
    /// How long the next calls of the router take: before they are carried out, and after.
    pub(crate) pauses: VecDeque<(Duration, Duration)>,
    pub(crate) crash: Option<Crash>,
    /// The wall time that was written down last is so much later than now.
    pub(crate) wall_ahead: Option<Duration>,
}

/// The engine dies at the so-manieth port call from now.
#[derive(Debug)]
pub(crate) struct Crash {
    pub(crate) calls: u32,
    /// After the call was carried out, not before.
    pub(crate) after: bool,
    pub(crate) engine: AbortHandle,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) trace: Option<Vec<String>>,
    /// What was found wrong first.
    pub(crate) broken: Option<String>,
    /// The gate was seen shut after it had been ordered so.
    pub(crate) was_shut: bool,
    calls: u32,
    pub(crate) names: BTreeMap<String, String>,
    // what is durable
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) bans: BTreeMap<BanId, Ban>,
    pub(crate) commits: BTreeSet<CommitId>,
    pub(crate) changed_at: Timestamp,
    // what is up
    pub(crate) lines: BTreeMap<Line, Known>,
    sights: BTreeMap<(TunnelKey, Text, Timestamp), Vec<(Duration, Line)>>,
    // what was asked, answered and promised
    pub(crate) asked: BTreeMap<ChallengeId, (SessionId, Option<Line>)>,
    pub(crate) confirmed: BTreeMap<SessionId, Line>,
    pub(crate) let_in: BTreeSet<SessionId>,
    pub(crate) prompts: BTreeMap<AccountId, Vec<Timestamp>>,
    // the router
    /// Commands but renewals, and when the last was sent.
    pub(crate) commands: u64,
    pub(crate) last_command: String,
    pub(crate) away_until: Timestamp,
    pub(crate) foreign: BTreeSet<IpAddr>,
    // what may be wrong, until when
    pub(crate) wrong: BTreeMap<Wrong, Timestamp>,
    pub(crate) excused_until: Timestamp,
    pub(crate) hints_bad_until: Timestamp,
    /// Somebody broke the gate: until it is looked at.
    pub(crate) gate_bad_until: Timestamp,
    pub(crate) late_until: Timestamp,
    pub(crate) late_most: Duration,
    pub(crate) store_bad_until: Timestamp,
    /// The last fault of a commit left its outcome unknown.
    pub(crate) sent_again: bool,
    /// The database is full or away until then: faults of commits wait.
    pub(crate) store_shut_until: Timestamp,
    /// Messages that were shown, and whose receipts were lost.
    pub(crate) orphans: u32,
    /// Messages on their way: a crash loses their receipts.
    pub(crate) unsettled: BTreeSet<OutboxId>,
    pub(crate) untrusted: bool,
    pub(crate) alive: bool,
    pub(crate) faults: Faults,
}

impl Truth {
    pub(crate) fn new(clock: ManualClock, settings: Settings, recorded: bool) -> Arc<Self> {
        let never = Timestamp(0);
        let inner = Inner {
            trace: recorded.then(Vec::new),
            broken: None,
            was_shut: false,
            calls: 0,
            names: BTreeMap::new(),
            sessions: BTreeMap::new(),
            bans: BTreeMap::new(),
            commits: BTreeSet::new(),
            changed_at: never,
            lines: BTreeMap::new(),
            sights: BTreeMap::new(),
            asked: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            let_in: BTreeSet::new(),
            prompts: BTreeMap::new(),
            commands: 0,
            last_command: String::new(),
            away_until: never,
            foreign: BTreeSet::new(),
            wrong: BTreeMap::new(),
            excused_until: never,
            hints_bad_until: never,
            gate_bad_until: never,
            late_until: never,
            late_most: Duration::ZERO,
            store_bad_until: never,
            sent_again: false,
            store_shut_until: never,
            orphans: 0,
            unsettled: BTreeSet::new(),
            untrusted: false,
            alive: false,
            faults: Faults::default(),
        };
        Arc::new(Self {
            clock,
            settings,
            inner: Mutex::new(inner),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes a line of the history, if it is kept.
    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        let now = self.now();
        self.lock().say(now, what);
    }

    /// Something is as it must never be. The first counts.
    pub(crate) fn broken(&self, what: impl Into<String>) {
        let now = self.now();
        self.lock().break_it(now, what.into());
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.lock().broken.is_some()
    }

    /// A port is called: here the engine may die before anything is done.
    pub(crate) async fn enter(&self) {
        let now = self.now();
        let dead = {
            let mut inner = self.lock();
            inner.calls += 1;
            if inner.calls > CALLS {
                let last = inner.last_command.clone();
                inner.break_it(
                    now,
                    format!("livelock: ports are called without end ({last})"),
                );
            }
            inner.calls > CALLS || inner.crashes(false)
        };
        if dead {
            pending::<()>().await;
        }
    }

    /// A port's call is done: here the engine may die before it knows.
    pub(crate) async fn leave(&self) {
        let dead = self.lock().crashes(true);
        if dead {
            pending::<()>().await;
        }
    }

    /// Nothing is left to do: calls are counted anew.
    pub(crate) fn quiet(&self) {
        self.lock().calls = 0;
    }

    /// Whose line a tunnel is, by the look that saw it.
    pub(crate) fn line_of(&self, tunnel: &Tunnel) -> Option<Line> {
        self.lock().line_of(tunnel)
    }
}

impl Inner {
    pub(crate) fn say(&mut self, now: Timestamp, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let at = now.0 - crate::world::START.0;
            trace.push(format!("{:>9.3}  {}", at as f64 / 1_000.0, what()));
        }
    }

    pub(crate) fn break_it(&mut self, now: Timestamp, what: String) {
        self.say(now, || format!("BROKEN: {what}"));
        self.broken.get_or_insert(what);
    }

    /// Is the engine to die here?
    fn crashes(&mut self, after: bool) -> bool {
        let Some(crash) = &mut self.faults.crash else {
            return false;
        };
        if !after {
            crash.calls = crash.calls.saturating_sub(1);
        }
        if crash.calls > 0 || crash.after != after {
            return false;
        }
        crash.engine.abort();
        self.dead();
        true
    }

    /// The engine is dead, and with it what it knew.
    pub(crate) fn dead(&mut self) {
        self.faults.crash = None;
        self.alive = false;
        self.orphans += self.unsettled.len() as u32;
        self.unsettled.clear();
    }

    /// A name for an id, in the order in which they appear.
    pub(crate) fn name(&mut self, id: String, kind: char) {
        let next = self.names.values().filter(|n| n.starts_with(kind)).count() + 1;
        self.names
            .entry(id)
            .or_insert_with(|| format!("{kind}{next}"));
    }

    /// A look saw this tunnel, which is that line.
    pub(crate) fn saw(&mut self, tunnel: &Tunnel, line: Line) {
        let sight = (tunnel.key.clone(), tunnel.account.clone(), tunnel.seen_at);
        self.sights
            .entry(sight)
            .or_default()
            .push((tunnel.uptime, line));
        if let Some(known) = self.lines.get_mut(&line)
            && tunnel.addresses.v4.is_some()
        {
            known.seen_at.get_or_insert(tunnel.seen_at);
        }
    }

    pub(crate) fn line_of(&self, tunnel: &Tunnel) -> Option<Line> {
        let sight = (tunnel.key.clone(), tunnel.account.clone(), tunnel.seen_at);
        let rows = self.sights.get(&sight)?;
        rows.iter()
            .find(|(uptime, _)| *uptime == tunnel.uptime)
            .or_else(|| rows.last())
            .map(|(_, line)| *line)
    }

    /// Until then, what should be shut may be found open: a fault explains it.
    pub(crate) fn excuse(&mut self, until: Timestamp) {
        self.excused_until = self.excused_until.max(until);
    }
}
