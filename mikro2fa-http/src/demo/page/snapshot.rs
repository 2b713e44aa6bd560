//! What the page is told.

use serde::{Deserialize, Serialize};

use super::Scene;

/// Everything that the page shows, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Snapshot {
    /// The world's time.
    pub now: i64,
    /// Whether time goes by of itself, second for second.
    pub running: bool,
    /// The language that the demo was started in; the page begins with it.
    pub language: Language,
    /// Whether mikro2fa is alive.
    pub engine: Engine,
    /// The scene that was played last, until the world begins anew.
    pub scene: Option<Scene>,
    /// The session that something last happened to.
    pub life: Option<Life>,
    /// Who can dial, in a fixed order.
    pub clients: Vec<Client>,
    /// Whose chats there are, in a fixed order.
    pub phones: Vec<Phone>,
    /// The router, as it is and not as anybody thinks it is.
    pub router: Router,
    /// What went over the sockets, newest last; at most 200 lines, without secrets.
    pub wire: Vec<WireLine>,
}

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// Whether mikro2fa is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// It serves.
    Running,
    /// It was killed.
    Dead,
}

/// A session's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Access was asked for; nobody is connected.
    Requested,
    /// A tunnel is up and held, its owner is asked.
    Challenged,
    /// The owner said yes; the router is being told.
    Opening,
    /// Let through.
    Active,
    /// Let through, and the end is near.
    Expiring,
    /// The tunnel is gone, and may come back.
    Grace,
    /// Over.
    Ended,
}

/// One session's life so far.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Life {
    /// Whose session it is.
    pub person: String,
    /// Of which account.
    pub account: String,
    /// Where it stands.
    pub state: SessionState,
    /// Why it ended, in snake case (`expired`, `denied`, `not_opened`, …).
    pub reason: Option<String>,
    /// What happened, oldest first; never empty.
    pub steps: Vec<Step>,
    /// Until when the question can be answered.
    pub answer_by: Option<i64>,
    /// When the reminder is due.
    pub remind_at: Option<i64>,
    /// When it ends.
    pub ends_at: Option<i64>,
}

/// Something that happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Step {
    /// When, by the world's clock.
    pub at: i64,
    /// What.
    pub what: StepKind,
    /// How long it really took since what it answers (question: since the dial; gate: since the tap), in microseconds.
    pub took_us: Option<u64>,
}

/// What can happen to a session, as far as the page draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Access was asked for.
    Requested,
    /// The tunnel came up, held.
    Up,
    /// The question reached the phone.
    Asked,
    /// The owner said yes.
    Confirmed,
    /// The owner said no.
    Denied,
    /// The router let the tunnel through.
    Opened,
    /// The router stopped letting it through.
    Closed,
    /// The reminder reached the phone.
    Reminded,
    /// The end was moved.
    Extended,
    /// The tunnel was gone.
    Dropped,
    /// It was over.
    Ended,
}

/// A VPN client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Client {
    /// For acts.
    pub id: String,
    /// Who sits there.
    pub kind: ClientKind,
    /// The owner of the account it dials as.
    pub person: String,
    /// The account it dials as.
    pub account: String,
    /// Its VPN protocol, as RouterOS names it.
    pub service: String,
    /// The address it calls from.
    pub caller: String,
    /// Where its line stands.
    pub line: Line,
    /// Its tunnel, while it is up.
    pub tunnel: Option<ClientTunnel>,
    /// What it tried to reach last, one for each target; empty before it tried.
    pub reach: Vec<Reach>,
}

/// Who sits at a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The owner of the account.
    Owner,
    /// Somebody who has learnt the owner's password.
    Thief,
}

/// Where a client's line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Not connected, by its own doing.
    Down,
    /// Connected.
    Up,
    /// The router took the tunnel down.
    Cut,
    /// The router refused the login, or did not answer.
    Refused,
}

/// A tunnel as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClientTunnel {
    /// The address it got.
    pub address: String,
    /// Since when it is up.
    pub since: i64,
    /// Whether a new packet to the office passes, by the rules as they stand.
    pub through: bool,
}

/// One try to reach something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Reach {
    /// What.
    pub target: Target,
    /// Where that is: address and port.
    pub address: String,
    /// What became of the packet.
    pub verdict: Verdict,
    /// The rule that decided, as [`Rule::id`]; none when no rule matched.
    pub rule: Option<String>,
}

/// Something to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The office's file server.
    Files,
    /// The office's intranet.
    Intranet,
    /// Telegram, which a held tunnel may reach so that its owner can answer.
    Telegram,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// The router dropped it.
    Dropped,
    /// There is no tunnel, or no router, to send it through.
    NoWay,
}

/// Somebody's phone with the chat open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Phone {
    /// For acts.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// The bot's name, as the chat shows it.
    pub bot: String,
    /// What the chat holds, oldest first; at most the last 100.
    pub messages: Vec<Message>,
    /// The keyboard below the chat, row by row; empty where there is none.
    pub board: Vec<Vec<String>>,
}

/// A message in a chat.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Message {
    /// For acts; unique in its chat.
    pub id: i64,
    /// Who sent it.
    pub from: Sender,
    /// Its text: Telegram's HTML from the bot, plain from a person.
    pub text: String,
    /// When it was sent.
    pub at: i64,
    /// Whether it was edited since.
    pub edited: bool,
    /// Whether it came without a sound.
    pub silent: bool,
    /// The buttons below it, row by row.
    pub keys: Vec<Vec<Key>>,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The bot.
    Bot,
    /// Whoever holds the phone.
    Person,
}

/// A button below a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Key {
    /// What it says.
    pub label: String,
    /// What a tap sends back.
    pub data: String,
}

/// The router.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Router {
    /// Its name.
    pub name: String,
    /// Its RouterOS version.
    pub version: String,
    /// Where its API is served.
    pub api: String,
    /// Whether it runs, and can be reached.
    pub power: Power,
    /// Since when it runs.
    pub up_since: i64,
    /// `/ppp active`.
    pub tunnels: Vec<Tunnel>,
    /// `/ip firewall address-list`: what concerns the gate.
    pub lists: Vec<ListEntry>,
    /// `/ip firewall filter`, in its order.
    pub rules: Vec<Rule>,
}

/// Whether the router runs, and can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It runs.
    Up,
    /// It has no power.
    Unplugged,
    /// It runs, but mikro2fa can't reach it.
    CutOff,
}

/// A row of `/ppp active`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tunnel {
    /// Its `.id`.
    pub id: String,
    /// The account's name.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Its caller id.
    pub caller: String,
    /// Its address; empty before it has one.
    pub address: String,
    /// Since when it is up.
    pub since: i64,
    /// Whether a new packet to the office passes.
    pub through: bool,
    /// Where its session stands, if it has one that is not over.
    pub session: Option<SessionState>,
}

/// An entry of an address list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ListEntry {
    /// The list.
    pub list: String,
    /// The address.
    pub address: String,
    /// When it lapses; none for one that stays.
    pub until: Option<i64>,
    /// Its comment.
    pub comment: String,
}

/// A filter rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rule {
    /// Its `.id`.
    pub id: String,
    /// Its chain.
    pub chain: String,
    /// What it matches, as RouterOS would print it.
    pub matches: String,
    /// Its action; with the target, for a jump.
    pub action: String,
    /// Its comment.
    pub comment: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// How many packets it has matched.
    pub packets: u64,
}

/// A line of what went over the sockets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct WireLine {
    /// When, by the world's clock.
    pub at: i64,
    /// Which way.
    pub direction: Direction,
    /// What, on one line.
    pub text: String,
}

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the router's API.
    ToRouter,
    /// From the router's API.
    FromRouter,
    /// To the Bot API.
    ToChat,
    /// From the Bot API.
    FromChat,
}
