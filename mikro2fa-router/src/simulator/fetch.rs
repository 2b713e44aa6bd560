//! `/tool fetch` as far as scripts use it: an HTTP request to somebody on this machine.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::UnboundedSender,
    time::timeout,
};

use super::{Shared, state::State};

/// How long a request may take in all.
const DEADLINE: Duration = Duration::from_secs(10);
/// How much of an answer is read for its status.
const MAX_HEAD: u64 = 16 * 1024;
/// Requests kept for looking at.
const MAX_KEPT: usize = 10_000;

/// What a script asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) checks_certificate: bool,
    /// It would write the answer to a file: `output` was not set.
    pub(crate) keeps_file: bool,
}

/// A call of `/tool fetch` by a script, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    /// When, on the simulator's clock.
    pub at: Duration,
    /// The address that was called.
    pub url: String,
    /// `post`, `get` …
    pub method: String,
    /// Header fields, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, empty if there was none.
    pub body: String,
    /// `check-certificate=yes` was said.
    pub checks_certificate: bool,
    /// `output=none` or the like was not said, so that a real router would write a file at each call.
    pub keeps_file: bool,
    /// The answer's status, or what went wrong; `None` while it runs.
    pub outcome: Option<Result<u16, String>>,
}

/// Calls of `/tool fetch` so far, and where new ones are sent to be done.
#[derive(Debug, Default)]
pub(crate) struct Fetches {
    all: Vec<Fetched>,
    worker: Option<UnboundedSender<(usize, Request)>>,
}

impl Fetches {
    pub(crate) fn work_for(&mut self, worker: UnboundedSender<(usize, Request)>) {
        self.worker = Some(worker);
    }

    pub(crate) fn all(&self) -> Vec<Fetched> {
        self.all.clone()
    }
}

impl State {
    /// A script calls somebody. It does not wait here: the script goes on as if all went well, and what came of it is told
    /// later.
    pub(crate) fn fetch(&mut self, request: Request) {
        if self.fetches.all.len() >= MAX_KEPT {
            self.log("fetch,error", "the simulator keeps no more calls of fetch");
            return;
        }
        let number = self.fetches.all.len();
        self.fetches.all.push(Fetched {
            at: self.now,
            url: request.url.clone(),
            method: request.method.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            checks_certificate: request.checks_certificate,
            keeps_file: request.keeps_file,
            outcome: None,
        });
        self.changes += 1;
        if let Some(worker) = &self.fetches.worker {
            // Without a worker the simulator is stopping.
            let _ = worker.send((number, request));
        }
    }

    fn fetch_done(&mut self, number: usize, outcome: Result<u16, String>) {
        if let Err(error) = &outcome {
            let text = format!("fetch: {error}");
            self.log("fetch,error", text);
        }
        if let Some(fetched) = self.fetches.all.get_mut(number) {
            fetched.outcome = Some(outcome);
        }
        self.changes += 1;
    }
}

/// Makes one call and notes what came of it.
pub(super) async fn perform(shared: std::sync::Weak<Shared>, number: usize, request: Request) {
    let outcome = match timeout(DEADLINE, call(&request)).await {
        Ok(outcome) => outcome,
        Err(_) => Err("failure: connection timeout".to_owned()),
    };
    if let Some(shared) = shared.upgrade() {
        shared.with(|state| state.fetch_done(number, outcome));
    }
}

/// Plain HTTP to this machine only: a simulated router calls nobody outside.
async fn call(request: &Request) -> Result<u16, String> {
    let rest = request
        .url
        .strip_prefix("http://")
        .ok_or("the simulator fetches http:// only")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let address: SocketAddr = match host.strip_prefix("localhost") {
        Some(port) => format!("127.0.0.1{port}").parse(),
        None => host.parse(),
    }
    .map_err(|_| {
        format!("the simulator fetches from addresses with a port only, not from {host}")
    })?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "the simulator fetches from this machine only, not from {host}"
        ));
    }
    let status = exchange(address, host, path, request)
        .await
        .map_err(|error| format!("failure: {error}"))?;
    if (200..300).contains(&status) {
        Ok(status)
    } else {
        Err(format!("failure: Status {status}"))
    }
}

async fn exchange(
    address: SocketAddr,
    host: &str,
    path: &str,
    request: &Request,
) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let method = request.method.to_uppercase();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in &request.headers {
        head.push_str(&format!("{}: {}\r\n", one_line(name), one_line(value)));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(request.body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_HEAD).read_to_end(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer)
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer has no status"))
}

/// A header that holds a line end would be two headers.
fn one_line(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .collect()
}
