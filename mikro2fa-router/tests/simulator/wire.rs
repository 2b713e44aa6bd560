//! A client that speaks words and sentences.

use std::{collections::BTreeMap, fmt, future::Future, net::SocketAddr, time::Duration};

use mikro2fa_router::simulator::{PreparedNames, Simulator, SimulatorBuilder};
use routeros_api::{Command, Decoder, Sentence};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Only ever fails a test that hangs.
const WATCHDOG: Duration = Duration::from_secs(30);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WATCHDOG, future)
        .await
        .expect("this should have happened by now")
}

/// A prepared router with Ann, Bob and a site link.
pub(crate) fn prepared() -> SimulatorBuilder {
    Simulator::builder()
        .prepared(PreparedNames::default())
        .account("ann", "pw")
        .account("bob", "pw")
        .exempt_account("site", "pw")
}

/// A connection to a simulator.
pub(crate) struct Client {
    stream: TcpStream,
    decoder: Decoder,
}

/// Everything that one command was answered with.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<BTreeMap<String, String>>,
    pub(crate) traps: Vec<BTreeMap<String, String>>,
    pub(crate) done: BTreeMap<String, String>,
    pub(crate) was_empty: bool,
}

impl Answer {
    /// The new id, or whatever `ret` says.
    pub(crate) fn ret(&self) -> &str {
        assert!(self.traps.is_empty(), "trapped: {:?}", self.traps);
        &self.done["ret"]
    }

    /// The text of the one trap.
    pub(crate) fn trap(&self) -> &str {
        assert_eq!(self.traps.len(), 1, "{self:?}");
        &self.traps[0]["message"]
    }

    /// It went well and said nothing.
    pub(crate) fn ok(&self) {
        assert!(self.traps.is_empty() && self.done.is_empty(), "{self:?}");
    }

    /// One property of every row.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.rows
            .iter()
            .map(|row| row.get(name).map_or("", String::as_str))
            .collect()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        Self {
            stream,
            decoder: Decoder::default(),
        }
    }

    /// Connected and logged in.
    pub(crate) async fn login(sim: &Simulator, user: &str, password: &str) -> Self {
        let mut client = Self::connect(sim.api_address()).await;
        client
            .talk(
                Command::new("/login")
                    .attribute("name", user)
                    .attribute("password", password),
            )
            .await
            .ok();
        client
    }

    /// As the administrator.
    pub(crate) async fn admin(sim: &Simulator) -> Self {
        Self::login(sim, "admin", sim.admin_password()).await
    }

    /// As the daily user of a prepared router.
    pub(crate) async fn daily(sim: &Simulator) -> Self {
        Self::login(sim, &sim.names().user.clone(), sim.daily_password()).await
    }

    pub(crate) async fn send(&mut self, command: Command) {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        self.send_raw(&bytes).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// The next sentence; `None` once the router has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Sentence> {
        loop {
            if let Some(sentence) = self.decoder.next().unwrap() {
                return Some(sentence);
            }
            match soon(self.stream.read(self.decoder.room())).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.filled(count),
            }
        }
    }

    /// The next sentence as its words.
    pub(crate) async fn words(&mut self) -> Vec<String> {
        let sentence = self
            .receive()
            .await
            .expect("the router closed the connection");
        sentence.words().map(text).collect()
    }

    /// What comes up to and with the next `!done`.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        loop {
            let sentence = self
                .receive()
                .await
                .expect("the router closed the connection");
            let attributes = sentence
                .attributes()
                .map(|(name, value)| (text(name), text(value)))
                .collect();
            match sentence.command().unwrap() {
                b"!re" => answer.rows.push(attributes),
                b"!trap" => answer.traps.push(attributes),
                b"!empty" => answer.was_empty = true,
                b"!done" => {
                    answer.done = attributes;
                    return answer;
                }
                other => panic!("unexpected {}", text(other)),
            }
        }
    }

    pub(crate) async fn talk(&mut self, command: Command) -> Answer {
        self.send(command).await;
        self.answer().await
    }

    /// A command given as words separated by blanks.
    pub(crate) async fn say(&mut self, words: &str) -> Answer {
        self.talk(command(words)).await
    }
}

/// A command from words separated by blanks, each as it goes over the wire.
pub(crate) fn command(words: &str) -> Command {
    words
        .split(' ')
        .fold(Command::default(), |command, word| command.word(word))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
