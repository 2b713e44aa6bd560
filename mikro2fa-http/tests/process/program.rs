//! The real program in a folder of its own, and a few lines of HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// A real-time watchdog: it can only fail a test, never make one pass.
const WATCHDOG: Duration = Duration::from_secs(60);

/// The program, with nothing of ours in its environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mikro2fa"));
    command
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(folder, arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `mikro2fa serve`, killed when the test is over.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The token of the first run.
    pub(crate) token: Option<String>,
}

impl Served {
    /// On a port that the system gives; returns when it answers.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_saying(folder, &["serve"], environment)
    }

    pub(crate) fn start_saying(
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = command(folder, arguments)
            .env("MIKRO2FA_LISTEN", "127.0.0.1:0")
            .env("MIKRO2FA_LOG_FORMAT", "json")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| served_at(&line));
        let address = address.unwrap_or_else(|| panic!("it never served: {:?}", child.wait()));
        // Read on, or the pipe fills and the program waits for us.
        std::thread::spawn(move || log.for_each(drop));
        let token = first_token(&mut child, folder);
        Self {
            child,
            address,
            token,
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until it has left.
    pub(crate) fn left(&mut self) -> ExitStatus {
        left(&mut self.child)
    }
    pub(crate) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        http(self.address, "GET", path, token, "")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    // The shell's own: not every Debian has the program.
    let status = Command::new("sh")
        .args(["-c", "kill -s $0 $1", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

pub(crate) fn left(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < WATCHDOG, "it does not leave");
        std::thread::yield_now();
    }
}

fn served_at(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "serving").then(|| line["address"].as_str().unwrap().parse().unwrap())
}

/// Printed before anything is served, so it is in the pipe already; nothing is where it is not the first run.
fn first_token(child: &mut Child, folder: &Path) -> Option<String> {
    let seen = folder.join("first-run-seen");
    if seen.exists() {
        return None;
    }
    std::fs::write(seen, "").unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    lines
        .map(|line| line.trim().to_owned())
        .find(|line| line.starts_with("m2fa_"))
}

/// One request on a connection of its own.
pub(crate) fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: &str,
) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WATCHDOG)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// A port that somebody else has.
pub(crate) fn taken_port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn died_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// `mikro2fa demo`, killed when the test is over.
#[cfg(feature = "demo")]
pub(crate) struct Shown {
    child: Child,
    pub(crate) address: SocketAddr,
}

#[cfg(feature = "demo")]
impl Shown {
    /// On a port that the system gives, with its temporary files in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let mut child = command(folder, &["demo", "--port", "0"])
            .env("TMPDIR", folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let first = BufReader::new(child.stdout.as_mut().unwrap())
            .lines()
            .next()
            .unwrap()
            .unwrap();
        let address = first
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .unwrap()
            .parse()
            .unwrap();
        Self { child, address }
    }

    /// By this signal; the exit code.
    pub(crate) fn ended_by(mut self, name: &str) -> Option<i32> {
        signal(&self.child, name);
        left(&mut self.child).code()
    }
}

#[cfg(feature = "demo")]
impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
