//! Stands between the store and a PostgreSQL server, and cuts the line when `COMMIT` goes by.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

const WHOLE: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_AFTER: u8 = 2;

/// A proxy, alive as long as the test process.
#[derive(Debug)]
pub(crate) struct Proxy {
    url: String,
    next: Arc<AtomicU8>,
}

impl Proxy {
    /// In front of the server of this URL.
    pub(crate) fn new(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(AtomicU8::new(WHOLE));
        let server = Server::of(url);
        let cuts = Arc::clone(&next);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), server.connect());
                let cuts = Arc::clone(&cuts);
                thread::spawn(move || relay(client, server, &cuts));
            }
        });
        let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
        let parameters: Vec<&str> = parameters
            .split('&')
            .filter(|pair| !pair.starts_with("host="))
            .collect();
        let parameters = parameters.join("&");
        let (scheme, rest) = place.split_once("://").unwrap();
        let (login, path) = rest.split_once('/').unwrap();
        let user = login.split_once('@').map_or(login, |(user, _)| user);
        Self {
            url: format!("{scheme}://{user}@127.0.0.1:{port}/{path}?{parameters}"),
            next,
        }
    }

    /// The way through it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts the line at the next `COMMIT`: behind it, so that it is done, or before it.
    pub(crate) fn cut_next_commit(&self, done: bool) {
        let cut = if done { CUT_AFTER } else { CUT_BEFORE };
        self.next.store(cut, Ordering::SeqCst);
    }
}

#[derive(Clone, Debug)]
enum Server {
    Socket(String),
    Port(String),
}

impl Server {
    fn of(url: &str) -> Self {
        let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
        let host = parameters
            .split('&')
            .find_map(|pair| pair.strip_prefix("host="));
        if let Some(folder) = host {
            let folder = folder.replace("%2F", "/").replace("%2f", "/");
            return Self::Socket(format!("{folder}/.s.PGSQL.5432"));
        }
        let rest = place.split_once("://").unwrap().1;
        let login = rest.split_once('/').unwrap().0;
        let host = login.rsplit_once('@').map_or(login, |(_, host)| host);
        Self::Port(if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:5432")
        })
    }

    fn connect(&self) -> Line {
        match self {
            Self::Socket(path) => Line::Unix(UnixStream::connect(path).unwrap()),
            Self::Port(host) => Line::Tcp(TcpStream::connect(host).unwrap()),
        }
    }
}

enum Line {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Line {
    fn clone(&self) -> Self {
        match self {
            Self::Unix(line) => Self::Unix(line.try_clone().unwrap()),
            Self::Tcp(line) => Self::Tcp(line.try_clone().unwrap()),
        }
    }

    fn close(&self) {
        let _ = match self {
            Self::Unix(line) => line.shutdown(Shutdown::Both),
            Self::Tcp(line) => line.shutdown(Shutdown::Both),
        };
    }

    fn read(&mut self, bytes: &mut [u8]) -> usize {
        match self {
            Self::Unix(line) => line.read(bytes),
            Self::Tcp(line) => line.read(bytes),
        }
        .unwrap_or(0)
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Unix(line) => line.write_all(bytes),
            Self::Tcp(line) => line.write_all(bytes),
        }
        .is_ok()
    }
}

fn relay(client: TcpStream, mut server: Line, cuts: &AtomicU8) {
    let mut client = Line::Tcp(client);
    // SSLRequest and GSSENCRequest (PostgreSQL manual, Message Formats): not here.
    let start = loop {
        let Some(message) = packet(&mut client, None) else {
            return;
        };
        if !matches!(&message[4..8], [4, 210, 22, 47 | 48]) {
            break message;
        }
        client.write(b"N");
    };
    server.write(&start);
    let (mut answers, mut back) = (server.clone(), client.clone());
    let swallow = Arc::new(AtomicU8::new(WHOLE));
    let swallowed = Arc::clone(&swallow);
    thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        loop {
            let n = answers.read(&mut bytes);
            if n == 0 || swallowed.load(Ordering::SeqCst) == CUT_AFTER || !back.write(&bytes[..n]) {
                break;
            }
        }
        answers.close();
        back.close();
    });
    loop {
        let mut kind = [0];
        if client.read(&mut kind) == 0 {
            break;
        }
        let Some(message) = packet(&mut client, Some(kind[0])) else {
            break;
        };
        let is_commit = kind[0] == b'Q' && message[5..].starts_with(b"COMMIT");
        if is_commit {
            match cuts.swap(WHOLE, Ordering::SeqCst) {
                CUT_BEFORE => break,
                CUT_AFTER => swallow.store(CUT_AFTER, Ordering::SeqCst),
                _ => {}
            }
        }
        if !server.write(&message) {
            break;
        }
    }
    if swallow.load(Ordering::SeqCst) == WHOLE {
        server.close();
        client.close();
    }
}

/// One message of the protocol, with its kind before it where it has one.
fn packet(line: &mut Line, kind: Option<u8>) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    fill(line, &mut length)?;
    let count = usize::try_from(u32::from_be_bytes(length)).unwrap();
    let mut body = vec![0; count - 4];
    fill(line, &mut body)?;
    let mut message: Vec<u8> = kind.into_iter().collect();
    message.extend(length);
    message.extend(body);
    Some(message)
}

fn fill(line: &mut Line, bytes: &mut [u8]) -> Option<()> {
    let mut at = 0;
    while at < bytes.len() {
        match line.read(&mut bytes[at..]) {
            0 => return None,
            n => at += n,
        }
    }
    Some(())
}
