//! One keeper a router: owns its sessions, deadlines and mirror, alone steps them, and never waits for the router.
//!
//! It steps a clone and sends it to the committer; the session becomes current when that is durable. What closes
//! counts at once, what opens only when it is committed.

mod clean_up;
mod enforce;
mod gate;
mod hints;
mod judge;
mod mail;
mod notices;
mod people;
mod rule;
mod sessions;
mod switch;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use self::hints::Hints;
pub use self::mail::{Disown, Disowned, Fed, RequestRefused, Requested, RouterStatus};
pub(super) use self::mail::{Mail, Message, Next, Queued, Reply, Round};
use crate::{
    ban::Ban,
    book::Book,
    desk::{Desk, RouterDesk},
    enforcement::{Difference, Finding, Heard, Held, Mirror},
    engine::{
        Activity, EngineEvent,
        bell::Bell,
        committer::{Order, Verdict},
        settled::Busy,
    },
    entropy::Entropy,
    id::{AccountId, BanId, SessionId},
    router_backend::{Fence, Look, RuleRow},
    session::{Event, Fresh, Out, Session},
    store::{Commit, Memory},
    time::{Clock, Timestamp},
    tunnel::{Text, TunnelKey},
};

/// A session as its keeper has it.
#[derive(Debug)]
struct Entry {
    /// As committed; none while the very first commit is on its way.
    current: Option<Box<Session>>,
    /// What is being committed; most sessions have nothing.
    pending: Option<Box<Pending>>,
    /// What comes after that.
    queue: VecDeque<Queued>,
    /// Its place among the deadlines.
    due: Option<Timestamp>,
}

#[derive(Debug)]
struct Pending {
    next: Session,
    origin: Option<Queued>,
    look: bool,
    tries: u8,
    opened: Option<oneshot::Sender<Requested>>,
    /// Bans that came with it. They hold at once.
    banned: Vec<BanId>,
    /// Bans that are lifted with it. They hold until it is durable.
    lifted: Vec<BanId>,
}

/// Whom the outcome of a commit concerns.
#[derive(Debug)]
enum After {
    /// A session.
    Session(SessionId),
    /// The order to switch the gate that was seen done.
    GateDone(Timestamp),
    /// An operator who lifts a ban.
    Lift(BanId, oneshot::Sender<Result<bool, Text>>),
    /// An owner who says "not me" of what no session is about.
    Disown(BanId, oneshot::Sender<Disowned>),
    /// Nobody.
    Nothing,
}

impl Entry {
    fn new(current: Option<Session>) -> Self {
        Self {
            current: current.map(Box::new),
            pending: None,
            queue: VecDeque::new(),
            due: None,
        }
    }

    /// Puts the session in its place; gives back what was there.
    fn becomes(&mut self, next: Session) -> Option<Session> {
        if let Some(current) = &mut self.current {
            return Some(std::mem::replace(current, next));
        }
        self.current = Some(Box::new(next));
        None
    }

    /// Is something of it being written down, or waiting for that?
    fn is_busy(&self) -> bool {
        self.pending.is_some() || !self.queue.is_empty()
    }

    /// As it will be, if all goes well.
    fn latest(&self) -> Option<&Session> {
        self.pending
            .as_ref()
            .map(|pending| &pending.next)
            .or(self.current.as_deref())
    }
}

/// Which differences were tried how often, and when again.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    times: u32,
    not_before: Timestamp,
}

/// How the router answers.
#[derive(Clone, Debug)]
struct Contact {
    reachable: Option<bool>,
    since: Timestamp,
    failures: u32,
    trouble: Option<Text>,
    alerted: bool,
}

/// A commit on its way: whom its outcome concerns, and where that comes in.
type Ordered = (After, oneshot::Receiver<(Verdict, Busy)>);

pub(super) struct Keeper {
    // who we are
    fence: Fence,
    desk: Desk,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    activity: Activity,
    orders: mpsc::Sender<Order>,
    bell: Arc<Bell>,
    events: tokio::sync::broadcast::Sender<EngineEvent>,
    // sessions
    sessions: BTreeMap<SessionId, Entry>,
    of_account: BTreeSet<(AccountId, SessionId)>,
    /// Each of these is also in its session's entry.
    deadlines: BTreeSet<(Timestamp, SessionId)>,
    books: BTreeMap<AccountId, Book>,
    bans: BTreeMap<BanId, Ban>,
    // tunnels
    mirror: Mirror,
    /// What its dead man's switch has heard of us.
    heard: Heard,
    held: BTreeMap<TunnelKey, Held>,
    passed: BTreeSet<TunnelKey>,
    unjudged: BTreeSet<TunnelKey>,
    /// What had been concluded about tunnels that are being judged again.
    before: BTreeMap<TunnelKey, Held>,
    /// Sessions of which it cannot be told whether their tunnel is the one that is up: since when.
    doubtful: BTreeMap<SessionId, Timestamp>,
    /// Permits that vanished: taken by hand, if their tunnel is still there at the next look.
    suspects: BTreeMap<SessionId, Timestamp>,
    // the router
    contact: Contact,
    look: Look,
    hints: Hints,
    poll_at: Timestamp,
    full_at: Timestamp,
    /// What the owner before us sent may still be carried out: the permit list is read once more then.
    again_at: Option<Timestamp>,
    /// Whose card was about an unrequested tunnel that went by itself: the next one takes its place.
    spent: BTreeMap<AccountId, SessionId>,
    tried: BTreeMap<Difference, Tried>,
    clean_up: clean_up::CleanUp,
    /// Bound rules that we switched off.
    switched_off: BTreeSet<Text>,
    /// Rules that are to be nobody's, or are already, until they were seen switched off.
    letting_go: BTreeMap<Text, rule::LettingGo>,
    /// Who waits for the next look at all rules.
    rule_readers: Vec<oneshot::Sender<Result<Vec<RuleRow>, Text>>>,
    /// When the router was seen to have started again.
    rebooted_at: Option<Timestamp>,
    findings: BTreeSet<Finding>,
    gate: gate::Watch,
    unowned_told: Option<Timestamp>,
    /// That the gate was seen switched is on its way to the database.
    gate_reported: Option<Timestamp>,
    clock_trusted: bool,
    messenger_away: Option<Timestamp>,
    // what is on its way out
    out: Out,
    outgoing: VecDeque<(After, Commit)>,
    answers: Vec<(oneshot::Sender<Next>, Next)>,
}

/// What a keeper is made of.
pub(super) struct Making {
    pub(super) fence: Fence,
    pub(super) desk: RouterDesk,
    pub(super) sessions: Vec<Session>,
    pub(super) memory: Memory,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) activity: Activity,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) bell: Arc<Bell>,
    pub(super) events: tokio::sync::broadcast::Sender<EngineEvent>,
    pub(super) clock_trusted: bool,
    pub(super) messenger_away: Option<Timestamp>,
    /// Until when the router was served, as far as that is known.
    pub(super) lived: Option<Timestamp>,
    /// Rules that the desk has bound until now: they are switched off.
    pub(super) let_go: BTreeSet<Text>,
}

/// A full look, of every part, at least so often.
const FULL_LOOK: Duration = Duration::from_secs(3_600);
/// A command can be carried out so long after it was sent: routers pause for most of a minute.
const STILL_COMING: Duration = Duration::from_secs(60);
/// How often a conflicting event is tried again.
const CONFLICTS: u8 = 5;

impl Keeper {
    pub(super) fn new(making: Making) -> Self {
        let now = making.clock.now();
        let desk = Desk::new(making.desk);
        let heard = Heard::left(making.lived, &desk, making.sessions.iter());
        let mut keeper = Self {
            fence: making.fence,
            desk,
            clock: making.clock,
            entropy: making.entropy,
            activity: making.activity,
            orders: making.orders,
            bell: making.bell,
            events: making.events,
            sessions: BTreeMap::new(),
            of_account: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            books: making.memory.books.into_iter().collect(),
            bans: making
                .memory
                .bans
                .into_iter()
                .map(|ban| (ban.id, ban))
                .collect(),
            mirror: Mirror::default(),
            heard,
            held: BTreeMap::new(),
            passed: BTreeSet::new(),
            unjudged: BTreeSet::new(),
            before: BTreeMap::new(),
            doubtful: BTreeMap::new(),
            suspects: BTreeMap::new(),
            contact: Contact {
                reachable: None,
                since: now,
                failures: 0,
                trouble: None,
                alerted: false,
            },
            look: Look::complete(),
            hints: Hints::default(),
            poll_at: now,
            full_at: now,
            again_at: Some(now + STILL_COMING),
            spent: BTreeMap::new(),
            tried: BTreeMap::new(),
            clean_up: clean_up::CleanUp::default(),
            switched_off: BTreeSet::new(),
            letting_go: BTreeMap::new(),
            rule_readers: Vec::new(),
            rebooted_at: None,
            findings: BTreeSet::new(),
            gate: gate::Watch::new(now),
            unowned_told: None,
            gate_reported: None,
            clock_trusted: making.clock_trusted,
            messenger_away: making.messenger_away,
            out: Out::default(),
            outgoing: VecDeque::new(),
            answers: Vec::new(),
        };
        for session in making.sessions {
            keeper.take_over(session);
        }
        if let Some(since) = keeper.messenger_away {
            keeper.feed_all(&Event::MessengerAway { since });
        }
        for comment in making.let_go {
            keeper.let_go_unbound(comment);
        }
        keeper.desk_rules();
        keeper
    }

    /// Runs until its mailbox is closed.
    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Mail>, beginning: Busy) {
        let mut commits = FuturesUnordered::new();
        let mut busy = Some(beginning);
        let orders = self.orders.clone();
        loop {
            while !self.outgoing.is_empty() {
                match orders.try_reserve() {
                    Ok(room) => commits.extend(self.order(room).map(outcome)),
                    Err(TrySendError::Full(())) => break, // closing does not wait for the database
                    Err(TrySendError::Closed(())) => return,
                }
            }
            let deadline = self.deadlines.first().map(|(at, _)| *at);
            let sleep = self.clock.sleep_until(deadline.unwrap_or(Timestamp::MAX));
            drop(busy.take());
            tokio::select! {
                biased;
                Some((after, outcome)) = commits.next(), if !commits.is_empty() => {
                    let Ok((verdict, in_flight)) = outcome else { return };
                    busy = Some(in_flight);
                    if matches!(verdict, Verdict::Fenced) {
                        return; // another node has the router: it reads what is durable
                    }
                    self.committed(after, verdict);
                }
                room = orders.reserve(), if !self.outgoing.is_empty() => {
                    let Ok(room) = room else { return };
                    busy = Some(self.activity.begin());
                    commits.extend(self.order(room).map(outcome));
                }
                mail = mailbox.recv() => {
                    let Some((message, in_flight)) = mail else { return };
                    busy = Some(in_flight);
                    self.receive(message);
                }
                woken = self.activity.woken(sleep), if deadline.is_some() => {
                    busy = Some(woken);
                    self.reach_deadlines();
                }
            }
            for (reply, next) in std::mem::take(&mut self.answers) {
                let _ = reply.send(next);
            }
        }
    }

    /// The oldest commit goes out.
    fn order(&mut self, room: mpsc::Permit<'_, Order>) -> Option<Ordered> {
        let (after, commit) = self.outgoing.pop_front()?;
        let (reply, outcome) = oneshot::channel();
        room.send(Order {
            commit,
            reply,
            busy: self.activity.begin(),
        });
        Some((after, outcome))
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Round(round, reply) => {
                let next = self.round(round);
                self.answers.push((reply, next));
            }
            Message::Feed(session, queued) => self.feed(session, queued),
            Message::Request(user, account, update, reply) => {
                self.request(user, account, update, reply);
            }
            Message::Disown(disown, reply) => self.disown(disown, reply),
            Message::Unban(ban, operator, reply) => {
                self.unban(ban, &operator, reply);
            }
            Message::Rules(reply) => self.read_rules(reply),
            Message::LetGo(comment, reply) => self.let_go(comment, reply),
            Message::Desk(desk) => self.desk_changed(*desk),
            Message::Messenger(away) => self.messenger(away),
            Message::Hint => self.hinted(),
            Message::ClockTrusted => {
                self.clock_trusted = true;
                self.bell.ring(&self.activity);
            }
            Message::Status(reply) => {
                let _ = reply.send(self.status());
            }
            Message::EndAll(reason, by, reply) => {
                self.feed_all(&Event::End { reason, by });
                let _ = reply.send(());
            }
        }
    }

    /// Something may have changed. However often that is said, looks keep their distance; none is lost.
    fn hinted(&mut self) {
        let now = self.clock.now();
        let at = self.hints.take(now);
        if at <= now {
            self.look_soon(self.hint_look());
        } else if at < self.poll_at {
            self.poll_at = at;
            self.bell.ring(&self.activity);
        }
    }

    fn messenger(&mut self, away: Option<Timestamp>) {
        if self.messenger_away.is_some() == away.is_some() {
            return;
        }
        self.messenger_away = away;
        self.feed_all(&match away {
            Some(since) => Event::MessengerAway { since },
            None => Event::MessengerBack,
        });
    }

    fn reach_deadlines(&mut self) {
        let now = self.clock.now();
        while let Some(&(at, session)) = self.deadlines.first() {
            if at > now {
                return;
            }
            self.deadlines.remove(&(at, session));
            if let Some(entry) = self.sessions.get_mut(&session) {
                entry.due = None;
            }
            self.feed(session, Event::DeadlineReached.into());
        }
    }

    fn status(&self) -> RouterStatus {
        RouterStatus {
            router: self.fence.router,
            name: Arc::clone(&self.desk.router().name),
            reachable: self.contact.reachable,
            since: self.contact.since,
            trouble: self.contact.trouble.clone(),
            looked_at: self.mirror.tunnels_at,
            tunnels: self.mirror.tunnels.len(),
            held: self.held.len(),
            sessions: self
                .sessions
                .values()
                .filter(|entry| entry.latest().is_some_and(Session::is_open))
                .count(),
            permits: self.mirror.permits.len(),
            gate: self.gate_status(),
            findings: self
                .gate_faults()
                .into_iter()
                .chain(self.findings.iter().map(enforce::in_words))
                .collect(),
            mode: self.desk.router().mode,
            order: self.desk.order(),
        }
    }

    /// Wakes the enforcer for a look at this, soon.
    fn look_soon(&mut self, look: Look) {
        self.look = std::mem::take(&mut self.look).and(look);
        self.bell.ring(&self.activity);
    }

    fn fresh(&self) -> Fresh {
        Fresh {
            challenge: crate::id::ChallengeId::from_uuid(self.entropy.unguessable()),
            offer: crate::id::OfferId::from_uuid(self.entropy.unguessable()),
        }
    }
}

async fn outcome(
    (after, outcome): Ordered,
) -> (After, Result<(Verdict, Busy), oneshot::error::RecvError>) {
    (after, outcome.await)
}
