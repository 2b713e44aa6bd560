//! What the end-to-end tests and the attack tests stand on: the demo's world on either database, and what is true at
//! the end of every test.

#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of two test programs, each of which uses its own part"
)]

use std::{ops::Deref, path::Path, time::Duration};

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _, sql_query, sql_types::Text,
};
use mikro2fa_core::{
    directory::Directory as _,
    id::NodeId,
    store::{Claim, Store as _},
    time::Timestamp,
};
use mikro2fa_http::demo::world::WATCHDOG;
pub(crate) use mikro2fa_http::demo::world::{
    BOBS, ELSEWHERE, FILES, HOME, Outcome, PASSWORD, RouterOptions, Trouble, World, WorldOptions,
};
pub(crate) use mikro2fa_router::simulator::{
    Dial, Endpoint, Fault, Flow, On, Reachability, TunnelHandle,
};
pub(crate) use mikro2fa_telegram::fake_api::{
    FakeAnswer, FakeMessage, FakeUser, FaultRule, Refusal,
};
use routeros_api::Command;
pub(crate) use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// Makes a test on each database of a scene, which has the same name.
macro_rules! on_both {
    ($($scene:ident),* $(,)?) => {$(
        mod $scene {
            use crate::harness::{Database, Outcome};

            #[tokio::test]
            async fn sqlite() -> Outcome<()> {
                super::$scene(Database::Sqlite).await
            }

            #[tokio::test]
            async fn postgresql() -> Outcome<()> {
                super::$scene(Database::Postgresql).await
            }
        }
    )*};
}
pub(crate) use on_both;

/// Which database a test is played on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    Sqlite,
    Postgresql,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The database cannot be written as long as this lives.
#[allow(missing_debug_implementations, reason = "connections have none")]
pub(crate) enum Lock {
    Sqlite(SqliteConnection),
    Postgresql(PgConnection),
}

/// A schema of one test's own; gone with it.
#[derive(Debug)]
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    fn fresh() -> Self {
        let server = std::env::var("MIKRO2FA_TEST_POSTGRESQL").expect(
            "MIKRO2FA_TEST_POSTGRESQL has to name a PostgreSQL server, postgres://user@host/database; \
             tests/run starts one for the tests",
        );
        let name = format!("m2fa_e2e_{}", Uuid::new_v4().simple());
        PgConnection::establish(&server)
            .unwrap()
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .unwrap();
        Self { server, name }
    }

    /// Runs SQL behind mikro2fa's back.
    fn run(&self, sql: &str) {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        connection.batch_execute(sql).unwrap();
    }

    /// Everything that is in it, as text.
    fn dump(&self) -> String {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        let mut texts = |sql: &str| -> Vec<String> {
            let rows: Vec<Row> = sql_query(sql).load(&mut connection).unwrap();
            rows.into_iter().map(|row| row.text).collect()
        };
        let tables = format!(
            "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = '{}'",
            self.name
        );
        let rows = |table: String| format!("SELECT t::text AS text FROM \"{table}\" t");
        let tables = texts(&tables).into_iter().map(rows);
        let rows: Vec<String> = tables.flat_map(|sql| texts(&sql)).collect();
        rows.join("\n")
    }

    /// Nobody else writes until the connection is dropped.
    fn lock(&self) -> PgConnection {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        let lock = "BEGIN; LOCK TABLE open_sessions IN EXCLUSIVE MODE";
        connection.batch_execute(lock).unwrap();
        connection
    }

    fn url(&self) -> String {
        let next = if self.server.contains('?') { '&' } else { '?' };
        format!(
            "{}{next}options=-c%20search_path%3D{}",
            self.server, self.name
        )
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Ok(mut connection) = PgConnection::establish(&self.server) {
            let _ = connection.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.name));
        }
    }
}

/// A world in which one test plays.
#[derive(Debug)]
pub(crate) struct Town {
    world: World,
    // After the world, which uses it.
    schema: Option<Schema>,
}

impl Deref for Town {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Town {
    /// As the demo has it.
    pub(crate) async fn new(on: Database) -> Outcome<Self> {
        Self::with(on, |_| ()).await
    }

    /// With other options.
    pub(crate) async fn with(
        on: Database,
        change: impl FnOnce(&mut WorldOptions),
    ) -> Outcome<Self> {
        let schema = matches!(on, Database::Postgresql).then(Schema::fresh);
        let mut options = WorldOptions {
            database: schema.as_ref().map(|schema| schema.url().parse().unwrap()),
            ..WorldOptions::default()
        };
        change(&mut options);
        let world = World::start_with(options).await?;
        Ok(Self { world, schema })
    }

    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// What is true at the end of every test: no button asks for an answer that cannot be given any more, no message
    /// is left unsent, the audit log is whole.
    pub(crate) async fn finish(self) -> Outcome<()> {
        self.settle().await;
        // What a killed process had claimed to send is free again after two minutes.
        self.advance(Duration::from_secs(125)).await;
        self.no_dead_questions().await?;
        self.kill_engine().await?;
        let store = self.open_store().await?;
        let claim = Claim {
            node: NodeId::from_uuid(Uuid::new_v4()),
            at_most: 100,
            until: Timestamp::MAX,
            now: Timestamp(self.clock_now().0 + 30 * 86_400_000),
        };
        let failed = |error: mikro2fa_core::store::StoreError| Trouble::new(error.to_string());
        let left = store.claim_outbox(&claim).await.map_err(failed)?;
        assert!(left.is_empty(), "messages were never sent: {left:#?}");
        let audit = store.verify_audit().await.map_err(failed)?;
        store.close().await.map_err(failed)?;
        assert!(
            audit.problems.is_empty(),
            "the audit log is not whole: {audit:?}"
        );
        Ok(())
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        use mikro2fa_core::time::Clock as _;
        self.clock.now()
    }

    /// Buttons that answer a question stand only under questions that are open.
    async fn no_dead_questions(&self) -> Outcome<()> {
        let sessions = self.sessions().await?;
        let open = sessions
            .iter()
            .filter(|session| session["state"] == "challenged")
            .count();
        let asking: Vec<String> = self.telegram.with(|chats| {
            [1001, 1002, 1003, 1004]
                .into_iter()
                .flat_map(|chat| chats.shown(chat))
                .filter(|message| is_question(message))
                .map(|message| message.text.clone())
                .collect()
        });
        assert!(
            asking.len() <= open,
            "{open} questions are open, but there are buttons under {asking:#?}; sessions: {sessions:#?}"
        );
        Ok(())
    }

    // ---- the chat ----------------------------------------------------------------------------

    /// Waits until this person's chat shows a message with these words in its first three lines.
    pub(crate) async fn reads(&self, phone: &FakeUser, words: &str) -> Outcome<FakeMessage> {
        phone
            .message_where(|message| {
                message
                    .text
                    .lines()
                    .take(3)
                    .any(|line| line.contains(words))
            })
            .await
            .map_err(|e| Trouble::new(format!("no message {words:?}: {e}")))
    }

    /// Waits for a question with these words whose buttons are there.
    pub(crate) async fn asked(&self, phone: &FakeUser, words: &str) -> Outcome<FakeMessage> {
        phone
            .message_where(|message| is_question(message) && message.text.contains(words))
            .await
            .map_err(|e| Trouble::new(format!("no question {words:?}: {e}")))
    }

    /// Questions with buttons in a chat.
    pub(crate) fn questions(&self, phone: &FakeUser) -> Vec<FakeMessage> {
        phone.shown().into_iter().filter(is_question).collect()
    }

    /// How many messages with these words were sent to a chat, by the calls of the Bot API.
    pub(crate) fn sent(&self, phone: &FakeUser, words: &str) -> usize {
        self.telegram.with(|chats| {
            chats
                .calls()
                .filter(|call| call.method == "sendMessage" && call.chat() == Some(phone.id()))
                .filter(|call| call.params.to_string().contains(words))
                .count()
        })
    }

    /// When a message with these words was sent to a chat so that the phone made a sound.
    pub(crate) fn rang(&self, phone: &FakeUser, words: &str) -> Vec<Timestamp> {
        let silent = |params: &Value| {
            let flag = &params["disable_notification"];
            flag.as_bool()
                .unwrap_or_else(|| flag.as_str() == Some("true"))
        };
        self.telegram.with(|chats| {
            chats
                .calls()
                .filter(|call| call.method == "sendMessage" && call.chat() == Some(phone.id()))
                .filter(|call| !silent(&call.params) && call.params.to_string().contains(words))
                .map(|call| Timestamp(call.at))
                .collect()
        })
    }

    /// Taps the button that begins so, and waits for the bot's answer.
    pub(crate) async fn tap(
        &self,
        phone: &FakeUser,
        message: &FakeMessage,
        begins: &str,
    ) -> Outcome<FakeAnswer> {
        let data = data_of(message, begins);
        self.tap_data(phone, message.id, &data).await
    }

    /// Sends a tap with any data, and waits for the bot's answer.
    pub(crate) async fn tap_data(
        &self,
        phone: &FakeUser,
        message: i64,
        data: &str,
    ) -> Outcome<FakeAnswer> {
        let tap = phone.tap_raw(message, data);
        phone
            .answer_to(&tap)
            .await
            .map_err(|e| Trouble::new(format!("the tap was not answered: {e}")))
    }

    // ---- the router --------------------------------------------------------------------------

    pub(crate) async fn until_open(&self, tunnel: &TunnelHandle) -> Outcome<()> {
        self.until_router("the gate opens", |_| self.reaches_office(tunnel))
            .await
    }

    pub(crate) async fn until_shut(&self, tunnel: &TunnelHandle) -> Outcome<()> {
        self.until_router("the gate shuts", |_| !self.reaches_office(tunnel))
            .await
    }

    pub(crate) async fn until_cut(&self, tunnel: &TunnelHandle) -> Outcome<()> {
        self.until_router("the tunnel is cut", |_| !tunnel.is_up())
            .await
    }

    /// Requested, dialled from home, confirmed, open.
    pub(crate) async fn opened(&self) -> Outcome<TunnelHandle> {
        self.request().await?;
        let tunnel = self.dials("ann", HOME);
        let question = self.asked(&self.ann, "Was it you?").await?;
        assert!(!self.reaches_office(&tunnel), "open before the answer");
        let answer = self.tap(&self.ann, &question, "Yes").await?;
        assert_eq!(answer.text, "Opening.");
        self.until_open(&tunnel).await?;
        self.reads(&self.ann, "Open:").await?;
        self.settle().await;
        Ok(tunnel)
    }

    pub(crate) fn dials(&self, account: &str, caller: &str) -> TunnelHandle {
        self.dial(account, caller).unwrap()
    }

    /// Rows of the office's permit list.
    pub(crate) fn permits(&self) -> Vec<std::collections::BTreeMap<String, String>> {
        let list = &self.sim.names().permit;
        let rows = self.sim.rows("/ip/firewall/address-list");
        rows.into_iter()
            .filter(|row| row.get("list") == Some(list))
            .collect()
    }

    pub(crate) fn unplug(&self) {
        self.sim.set_reachability(Reachability::Refusing);
        self.sim.cut_connections();
    }

    pub(crate) fn plug(&self) {
        self.sim.set_reachability(Reachability::default());
    }

    /// Does something in WinBox.
    pub(crate) fn by_hand(&self, command: &str, attributes: &[(&str, &str)]) -> String {
        let mut sentence = Command::new(command);
        for (name, value) in attributes {
            sentence = sentence.attribute(*name, *value);
        }
        self.sim.administer(&sentence).unwrap()
    }

    /// The `.id` of the row of a menu whose property has this value.
    pub(crate) fn row_id(&self, menu: &str, property: &str, value: &str) -> String {
        let rows = self.sim.rows(menu);
        let row = rows
            .iter()
            .find(|row| row.get(property).is_some_and(|text| text == value))
            .unwrap_or_else(|| panic!("no {property}={value} in {menu}: {rows:#?}"));
        row[".id"].clone()
    }

    pub(crate) fn login_is_disabled(&self, account: &str) -> bool {
        let rows = self.sim.rows("/ppp/secret");
        let row = rows.iter().find(|row| row["name"] == account).unwrap();
        matches!(row["disabled"].as_str(), "true" | "yes")
    }

    // ---- mikro2fa ----------------------------------------------------------------------------

    /// The newest session.
    pub(crate) async fn session(&self) -> Outcome<Value> {
        let mut sessions = self.sessions().await?;
        if sessions.is_empty() {
            return Err(Trouble::new("there is no session"));
        }
        Ok(sessions.remove(0))
    }

    /// Waits until the sessions, newest first, are so.
    pub(crate) async fn until_sessions(
        &self,
        what: &str,
        holds: impl Fn(&[Value]) -> bool,
    ) -> Outcome<Vec<Value>> {
        let mut events = self.subscribe().await;
        let waited = async {
            loop {
                let sessions = self.sessions().await?;
                if holds(&sessions) {
                    return Ok(sessions);
                }
                events.recv().await;
            }
        };
        match tokio::time::timeout(WATCHDOG, waited).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let sessions = self.sessions().await?;
                Err(Trouble::new(format!(
                    "waited for this: {what}; the sessions are {sessions:#?}"
                )))
            }
        }
    }

    /// Waits until the newest session is in this state.
    pub(crate) async fn until_state(&self, state: &str) -> Outcome<Value> {
        let sessions = self
            .until_sessions(state, |sessions| {
                sessions
                    .first()
                    .is_some_and(|session| session["state"] == state)
            })
            .await?;
        Ok(sessions[0].clone())
    }

    /// Waits until the newest session has ended for this reason.
    pub(crate) async fn until_ended(&self, reason: &str) -> Outcome<Value> {
        let sessions = self
            .until_sessions(reason, |sessions| {
                sessions
                    .first()
                    .is_some_and(|session| session["ended"]["reason"] == reason)
            })
            .await?;
        Ok(sessions[0].clone())
    }

    /// Started again on the same database, when the dead one's hold of its routers has lapsed there. On PostgreSQL that
    /// is judged by the server's clock, which can't be moved, so the leases' ends are.
    pub(crate) async fn start_again(&self) -> Outcome<()> {
        if let Some(schema) = &self.schema {
            schema.run("UPDATE router_leases SET until = 0");
        }
        self.start_engine().await
    }

    /// Killed, and started again on the same database.
    pub(crate) async fn restart(&self) -> Outcome<()> {
        self.kill_engine().await?;
        self.start_again().await
    }

    /// Locks the database, which is this file where it is SQLite, so that nobody can write to it.
    pub(crate) fn lock_database(&self) -> Lock {
        if let Some(schema) = &self.schema {
            return Lock::Postgresql(schema.lock());
        }
        let file = self.database().file().and_then(Path::to_str);
        let mut connection = SqliteConnection::establish(file.unwrap()).unwrap();
        let lock = "PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE";
        connection.batch_execute(lock).unwrap();
        Lock::Sqlite(connection)
    }

    /// Everything that is stored, as it would be found by somebody who has stolen it.
    pub(crate) fn stored(&self) -> String {
        if let Some(schema) = &self.schema {
            return schema.dump();
        }
        let file = self.database().file().unwrap().to_owned();
        let folder = std::fs::read_dir(file.parent().unwrap()).unwrap();
        let bytes = folder.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        let bytes: Vec<u8> = bytes.collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A change over REST that has to say which version it is made from.
    pub(crate) async fn patch(&self, path: &str, mut change: Value) -> Outcome<()> {
        change["version"] = self.get(path).await?["version"].clone();
        let answer = self.answer(reqwest::Method::PATCH, path, Some(change));
        match answer.await? {
            (200, _) => Ok(()),
            (status, said) => Err(Trouble::new(format!("{path}: {status}: {said}"))),
        }
    }

    /// What the engine says of the office's router.
    pub(crate) async fn status(&self) -> mikro2fa_core::engine::RouterStatus {
        let engine = self.engine().await.expect("mikro2fa lives");
        let status = engine.router_status(self.router.parse().unwrap()).await;
        status.unwrap()
    }
}

/// Does a message ask for an answer?
pub(crate) fn is_question(message: &FakeMessage) -> bool {
    let labels = message.labels();
    message.from_bot
        && labels
            .iter()
            .any(|label| ["Yes, it was me", "Да, это я"].contains(label))
}

/// The data of the button that begins so.
pub(crate) fn data_of(message: &FakeMessage, begins: &str) -> String {
    let mut buttons = message.keyboard.iter().flatten();
    let button = buttons.find(|button| button.label.starts_with(begins));
    let button =
        button.unwrap_or_else(|| panic!("no button {begins:?} under {:?}", message.labels()));
    button.data.clone()
}
