//! A router that plays a script.

use std::future::Future;
use std::time::Duration;

use routeros_api::{Client, Command, Decoder, Options, Sentence};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The router's end of a connection.
pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    decoder: Decoder,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            decoder: Decoder::default(),
        }
    }

    /// The client's next sentence, or `None` when it has gone.
    pub(crate) async fn receive(&mut self) -> Option<Sentence> {
        loop {
            if let Some(sentence) = self.decoder.next().unwrap() {
                return Some(sentence);
            }
            match self.stream.read(self.decoder.room()).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.filled(count),
            }
        }
    }

    /// The client's next sentence, which must be this command, and its tag.
    pub(crate) async fn expect(&mut self, command: &str) -> (Sentence, String) {
        let sentence = self
            .receive()
            .await
            .unwrap_or_else(|| panic!("gone instead of {command}"));
        assert_eq!(text(sentence.command().unwrap()), command);
        let tag = sentence.api_attribute(".tag").map(text).unwrap_or_default();
        (sentence, tag)
    }

    pub(crate) async fn send(&mut self, words: &[&str]) {
        let mut bytes = Vec::new();
        Sentence::from_words(words).encode(&mut bytes);
        self.raw(&bytes).await;
    }

    /// A reply with its tag.
    pub(crate) async fn reply(&mut self, reply: &str, tag: &str, rest: &[&str]) {
        let tag = format!(".tag={tag}");
        let words = [&[reply, &tag], rest].concat();
        self.send(&words).await;
    }

    /// Bytes as they are. A client that has gone meanwhile is a matter for the test's own checks.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn accept_login(&mut self) {
        self.expect("/login").await;
        self.send(&["!done"]).await;
    }

    /// Reads until the client goes.
    pub(crate) async fn until_gone(&mut self) {
        while self.receive().await.is_some() {}
    }
}

/// A router that plays `script` for one connection, after what the script does itself about login.
pub(crate) async fn raw_router<F>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (String, JoinHandle<()>)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        script(Peer::new(stream)).await;
    });
    (address, task)
}

/// A router that lets the client in and then plays `script`; and the client.
pub(crate) async fn connected<F>(
    adjust: impl FnOnce(Options) -> Options,
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Client, JoinHandle<()>)
where
    F: Future<Output = ()> + Send,
{
    let (address, task) = raw_router(|mut peer| async move {
        peer.accept_login().await;
        script(peer).await;
    })
    .await;
    let client = Client::connect(&adjust(options(&address))).await.unwrap();
    (client, task)
}

pub(crate) fn options(address: &str) -> Options {
    Options::new(address, "admin", "secret")
}

pub(crate) fn plain(options: Options) -> Options {
    options
}

pub(crate) fn command(path: &str) -> Command {
    Command::new(path)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A test that hangs fails; no test waits for this.
pub(crate) async fn watched<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), test)
        .await
        .expect("the test hangs")
}
