//! What was received: every command, without its values.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use routeros_api::Sentence;

use super::{command::Caller, query::Query, session::ConnectionId};

/// Commands kept in full unless it is said otherwise; the sums go on counting.
pub(crate) const KEPT_COMMANDS: usize = 100_000;

/// How a command came to the router.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Via {
    /// Over the API.
    Api,
    /// Over the API over TLS.
    ApiTls,
    /// Over SSH.
    Ssh,
    /// At the router itself, by [`Simulator::console`](super::Simulator::console).
    Console,
}

impl Via {
    /// A short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::ApiTls => "api-ssl",
            Self::Ssh => "ssh",
            Self::Console => "console",
        }
    }
}

/// What the router was asked for that it does not have, or the simulator does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownCommand {
    /// When it came, by the simulator's clock.
    pub at: Duration,
    /// How it came.
    pub via: Via,
    /// The API's command word, or the whole line of the console. **Values are in the line: passwords may be among them.**
    pub what: String,
    /// What was answered.
    pub answer: String,
}

/// Unknown commands kept; the first ones.
const KEPT_UNKNOWN: usize = 1_000;

/// One command as it was received. Values are left out: passwords are among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandRecord {
    /// When it came, by the simulator's clock.
    pub at: Duration,
    /// The connection it came on, counted from 1.
    pub connection: u64,
    /// The user logged in there; empty before login.
    pub user: String,
    /// How it came.
    pub via: Via,
    /// The command word, `/ppp/secret/add`. A console's line may hold several, each with a record of its own; `:` stands for a line
    /// that had none, or could not be read.
    pub command: String,
    /// Attribute names, in their order.
    pub attributes: Vec<String>,
    /// Names in `.proplist`.
    pub proplist: Vec<String>,
    /// Property names asked about in query words.
    pub queries: Vec<String>,
    /// How many ids a comma list in `.id` or `numbers` named.
    pub targets: usize,
    /// Whether it was tagged.
    pub tagged: bool,
    /// Bytes of the sentence.
    pub bytes_in: usize,
    /// Bytes of the reply; for `listen` those of the first answer only.
    pub bytes_out: usize,
    /// Records in the reply.
    pub rows: usize,
    /// The text of the first `!trap` in it.
    pub trap: Option<String>,
    /// The fault that was played on it.
    pub fault: Option<&'static str>,
}

/// Sums over a router's or a connection's commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Commands received.
    pub commands: u64,
    /// Bytes of them.
    pub bytes_in: u64,
    /// Bytes of their replies.
    pub bytes_out: u64,
    /// Records in their replies.
    pub rows: u64,
}

/// What was ever sent with one command word: for checking against a schema.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SeenCommand {
    /// Attribute names, without `.proplist`, with a leading `!` where a property was unset so.
    pub attributes: BTreeSet<String>,
    /// Names asked for in `.proplist`.
    pub proplist: BTreeSet<String>,
    /// Names asked about in query words.
    pub queries: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct CommandLog {
    keep: usize,
    records: VecDeque<CommandRecord>,
    seen: BTreeMap<String, SeenCommand>,
    totals: Totals,
    by_connection: BTreeMap<u64, Totals>,
    unknown: Vec<UnknownCommand>,
}

impl Default for CommandLog {
    fn default() -> Self {
        Self::keeping(KEPT_COMMANDS)
    }
}

impl CommandLog {
    /// An empty log that keeps so many commands.
    pub(crate) const fn keeping(keep: usize) -> Self {
        let totals = Totals {
            commands: 0,
            bytes_in: 0,
            bytes_out: 0,
            rows: 0,
        };
        Self {
            keep,
            records: VecDeque::new(),
            seen: BTreeMap::new(),
            totals,
            by_connection: BTreeMap::new(),
            unknown: Vec::new(),
        }
    }

    /// Notes what is not known.
    pub(crate) fn unknown(&mut self, command: UnknownCommand) {
        if self.unknown.len() < KEPT_UNKNOWN {
            self.unknown.push(command);
        }
    }

    pub(crate) fn unknown_commands(&self) -> Vec<UnknownCommand> {
        self.unknown.clone()
    }

    pub(crate) fn push(&mut self, record: CommandRecord) {
        let seen = self.seen.entry(record.command.clone()).or_default();
        seen.attributes.extend(
            record
                .attributes
                .iter()
                .filter(|name| *name != ".proplist")
                .cloned(),
        );
        seen.proplist.extend(record.proplist.iter().cloned());
        seen.queries.extend(record.queries.iter().cloned());
        self.totals.add(&record);
        self.by_connection
            .entry(record.connection)
            .or_default()
            .add(&record);
        self.records.push_back(record);
        while self.records.len() > self.keep {
            self.records.pop_front();
        }
    }

    pub(crate) fn records(&self) -> Vec<CommandRecord> {
        self.records.iter().cloned().collect()
    }

    pub(crate) fn seen(&self) -> BTreeMap<String, SeenCommand> {
        self.seen.clone()
    }

    pub(crate) const fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn by_connection(&self) -> BTreeMap<u64, Totals> {
        self.by_connection.clone()
    }

    /// Forgets all of it, so that a test counts from here.
    pub(crate) fn clear(&mut self) {
        *self = Self::keeping(self.keep);
    }
}

impl Totals {
    fn add(&mut self, record: &CommandRecord) {
        self.commands += 1;
        self.bytes_in += record.bytes_in as u64;
        self.bytes_out += record.bytes_out as u64;
        self.rows += record.rows as u64;
    }
}

impl CommandRecord {
    /// A command at the console, without what it takes in bytes.
    pub(crate) fn at_console(
        at: Duration,
        caller: &Caller,
        command: String,
        attributes: Vec<String>,
        queries: Vec<String>,
    ) -> Self {
        Self {
            at,
            connection: caller.connection.0,
            user: caller.user.clone(),
            via: Via::Console,
            command,
            attributes,
            proplist: Vec::new(),
            queries,
            targets: 0,
            tagged: false,
            bytes_in: 0,
            bytes_out: 0,
            rows: 0,
            trap: None,
            fault: None,
        }
    }

    pub(crate) fn of(
        at: Duration,
        connection: ConnectionId,
        user: &str,
        via: Via,
        sentence: &Sentence,
    ) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let list = |bytes: &[u8]| {
            text(bytes)
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let targets = sentence
            .attribute(".id")
            .or_else(|| sentence.attribute("numbers"));
        Self {
            at,
            connection: connection.0,
            user: user.to_owned(),
            via,
            command: sentence.command().map(text).unwrap_or_default(),
            attributes: sentence.attributes().map(|(name, _)| text(name)).collect(),
            proplist: sentence
                .attribute(".proplist")
                .map(list)
                .unwrap_or_default(),
            queries: Query::parse(sentence.queries()).names().map(text).collect(),
            targets: targets.map(list).map_or(0, |ids| ids.len()),
            tagged: sentence.api_attribute(".tag").is_some(),
            bytes_in: encoded_length(sentence),
            bytes_out: 0,
            rows: 0,
            trap: None,
            fault: None,
        }
    }
}

fn encoded_length(sentence: &Sentence) -> usize {
    let mut bytes = Vec::new();
    sentence.encode(&mut bytes);
    bytes.len()
}
