//! What was received: every command, without its values.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use routeros_api::Sentence;

use super::{query::Query, session::ConnectionId};

/// Commands kept in full unless it is said otherwise; the sums go on counting.
pub(crate) const KEPT_COMMANDS: usize = 100_000;

/// One command as it was received. Values are left out: passwords are among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandRecord {
    /// When it came, by the simulator's clock.
    pub at: Duration,
    /// The connection it came on, counted from 1.
    pub connection: u64,
    /// The user logged in there; empty before login.
    pub user: String,
    /// The command word, `/ppp/secret/add`.
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
        }
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
    pub(crate) fn of(
        at: Duration,
        connection: ConnectionId,
        user: &str,
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
