//! What reaches a keeper, and what it answers.

use tokio::sync::oneshot;

use crate::{
    desk::{GateOrder, Mode, RouterDesk},
    engine::{Activity, settled::Busy},
    gate::GateStatus,
    id::{AccountId, BanId, OutboxId, RouterId, SessionId, UserId},
    router_backend::{Applied, Capabilities, Command, Look, Observed, RouterError, RuleRow},
    session::{Actor, EndReason, Event, Ignored, Session},
    store::Sent,
    time::Timestamp,
    tunnel::{Caller, Text},
};

/// What the enforcer reports, and asks what to do next.
#[derive(Debug)]
pub(in crate::engine) enum Round {
    /// Nothing yet: a round begins.
    Begin,
    /// The router was identified.
    Connected(Capabilities),
    /// A look was taken.
    Observed(Look, Box<Observed>),
    /// It could not be taken.
    Failed(RouterError),
    /// Commands were sent; when they began to be.
    Applied(Vec<Command>, Vec<Applied>, Timestamp),
}

/// What the enforcer does next.
#[derive(Debug)]
pub(in crate::engine) enum Next {
    /// Look, and report.
    Look(Look),
    /// Apply, and report.
    Apply(Vec<Command>),
    /// Nothing until then, or until the bell rings.
    Rest(Timestamp),
}

/// What became of an event from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It was counted, and is durable.
    Stepped(Box<Session>),
    /// It changed nothing.
    Ignored(Ignored, Box<Session>),
    /// There is no such session, or no longer.
    Unknown,
    /// It could not be written down.
    Refused(Text),
}

/// What became of asking for access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// A session was opened; its card is on its way.
    Opened(SessionId),
    /// One is open already; a request's window was renewed.
    Exists(Box<Session>),
    /// It cannot be had.
    Refused(RequestRefused),
}

/// Why access cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestRefused {
    /// Not an account of this person's, or none at all.
    NotYours,
    /// Banned by "not me": an operator has to lift it.
    Banned,
    /// Its owner is paused, or the account itself is switched off.
    Suspended,
    /// It could not be written down.
    Store(Text),
}

/// "Not me" about tunnels that no session is about: refused, in a cool-down, banned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disown {
    /// Who says so.
    pub user: UserId,
    /// Of which account.
    pub account: AccountId,
    /// From where, as far as they were told.
    pub caller: Option<Caller>,
    /// When that was.
    pub at: Timestamp,
    /// The key of the update from outside that says so: the same one twice counts once.
    pub update: Option<Text>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disowned {
    /// The account is banned, what was held of it is cut, operators are told.
    Done,
    /// That was so already.
    Already,
    /// Not an account of this person's.
    NotYours,
    /// It could not be written down.
    Refused(Text),
}

/// What reaches a keeper.
#[derive(Debug)]
pub(in crate::engine) enum Message {
    /// The enforcer asks what to do.
    Round(Round, oneshot::Sender<Next>),
    /// Something happened to a session.
    Feed(SessionId, Queued),
    /// Access is asked for.
    Request(UserId, AccountId, Option<Text>, oneshot::Sender<Requested>),
    /// Its owner says that attempts were not theirs.
    Disown(Disown, oneshot::Sender<Disowned>),
    /// A ban is lifted by an operator.
    Unban(BanId, Text, oneshot::Sender<Result<bool, Text>>),
    /// The desk has changed.
    Desk(Box<RouterDesk>),
    /// Answers can be fetched from Telegram, or cannot since then.
    Messenger(Option<Timestamp>),
    /// Something may have changed on the router.
    Hint,
    /// Our clock is to be trusted again.
    ClockTrusted,
    /// How does the router stand?
    Status(oneshot::Sender<RouterStatus>),
    /// Which rules are there that can be bound?
    Rules(oneshot::Sender<Result<Vec<RuleRow>, Text>>),
    /// A bound rule is to be nobody's: it is switched off first.
    LetGo(Text, oneshot::Sender<Result<(), Text>>),
    /// Every session is ended for this reason.
    EndAll(EndReason, Actor, oneshot::Sender<()>),
}

/// How a router stands, for screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterStatus {
    /// Which router.
    pub router: RouterId,
    /// Its name.
    pub name: Text,
    /// Does it answer? None before the first try.
    pub reachable: Option<bool>,
    /// Since when that is so.
    pub since: Timestamp,
    /// What it last said that was wrong.
    pub trouble: Option<Text>,
    /// When all its tunnels were last seen.
    pub looked_at: Option<Timestamp>,
    /// How many tunnels it has.
    pub tunnels: usize,
    /// How many of them are held without a session.
    pub held: usize,
    /// How many sessions are open.
    pub sessions: usize,
    /// How many permits of ours are on its list.
    pub permits: usize,
    /// How its gate stands.
    pub gate: GateStatus,
    /// What is wrong with it, and what else was found on it that is not ours to mend, in words.
    pub findings: Vec<Text>,
    /// Acted on, or only watched.
    pub mode: Mode,
    /// The order to switch its gate that was not yet seen done.
    pub order: Option<GateOrder>,
}

/// An event on its way into a session.
#[derive(Debug)]
pub(in crate::engine) struct Queued {
    pub(in crate::engine) event: Event,
    pub(in crate::engine) update: Option<Text>,
    pub(in crate::engine) settled: Option<(OutboxId, Sent)>,
    pub(in crate::engine) reply: Option<Reply>,
}

/// Who wants to know what became of an event.
#[derive(Debug)]
pub(in crate::engine) enum Reply {
    /// Whoever fed it. What follows there counts as in flight.
    Fed(oneshot::Sender<(Fed, Busy)>, Activity),
    /// Whoever asked for access that is there already.
    Requested(oneshot::Sender<Requested>),
}

impl From<Event> for Queued {
    fn from(event: Event) -> Self {
        Self {
            event,
            update: None,
            settled: None,
            reply: None,
        }
    }
}

/// A message with what counts it as in flight.
pub(in crate::engine) type Mail = (Message, Busy);
