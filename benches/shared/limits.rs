//! What this machine's disk, loopback interface and memory allow, measured in the same run as what is compared with it.

#![allow(dead_code, reason = "each bench uses what it needs")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a limit that cannot be measured ends the bench"
)]

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What is appended for one event: about what a session, its audit entries and its question hold.
const EVENT: [u8; 512] = [b'e'; 512];
const REQUEST: &[u8] = b"POST /connect HTTP/1.1\r\nHost: router\r\nContent-Length: 32\r\n\r\n";
const BODY: [u8; 32] = *b"{\"account\":\"user000000\",\"up\":1 }";
const REPLY: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"state\":\"held\"}\n";

/// Events that a log takes and has on the disk before it answers, one `fdatasync` for all that wait: connections over
/// loopback, each with one event under way.
pub(crate) fn group_commit(folder: &Path, connections: usize, events: usize) -> Duration {
    let log = Arc::new(Log::default());
    let file = append(&folder.join("group-commit.log"));
    let writer = {
        let log = Arc::clone(&log);
        thread::spawn(move || log.write_to(file))
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = {
        let log = Arc::clone(&log);
        thread::spawn(move || serve(&listener, connections, &log))
    };
    let left = Arc::new(AtomicUsize::new(events));
    let begun = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let left = Arc::clone(&left);
            thread::spawn(move || client(address, &left))
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    let took = begun.elapsed();
    server.join().unwrap();
    log.end();
    writer.join().unwrap();
    took
}

#[derive(Default)]
struct Log {
    waiting: Mutex<Waiting>,
    put: Condvar,
    synced: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    put: u64,
    synced: u64,
    ended: bool,
}

impl Log {
    fn take(&self) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.bytes.extend_from_slice(&EVENT);
        waiting.put += 1;
        let own = waiting.put;
        self.put.notify_one();
        while waiting.synced < own {
            waiting = self.synced.wait(waiting).unwrap();
        }
    }

    fn write_to(&self, mut file: File) {
        let mut group = Vec::new();
        loop {
            let upto = {
                let mut waiting = self.waiting.lock().unwrap();
                while waiting.bytes.is_empty() && !waiting.ended {
                    waiting = self.put.wait(waiting).unwrap();
                }
                if waiting.bytes.is_empty() {
                    return;
                }
                std::mem::swap(&mut waiting.bytes, &mut group);
                waiting.put
            };
            file.write_all(&group).unwrap();
            file.sync_data().unwrap();
            group.clear();
            self.waiting.lock().unwrap().synced = upto;
            self.synced.notify_all();
        }
    }

    fn end(&self) {
        self.waiting.lock().unwrap().ended = true;
        self.put.notify_one();
    }
}

fn serve(listener: &TcpListener, connections: usize, log: &Arc<Log>) {
    let serving: Vec<_> = (0..connections)
        .map(|_| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let log = Arc::clone(log);
            thread::spawn(move || {
                let mut request = [0; REQUEST.len() + BODY.len()];
                while stream.read_exact(&mut request).is_ok() {
                    log.take();
                    stream.write_all(REPLY).unwrap();
                }
            })
        })
        .collect();
    serving
        .into_iter()
        .for_each(|serving| serving.join().unwrap());
}

fn client(address: SocketAddr, left: &AtomicUsize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = [REQUEST, &BODY].concat();
    let mut reply = [0; REPLY.len()];
    let take = |left: usize| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
    {
        stream.write_all(&request).unwrap();
        stream.read_exact(&mut reply).unwrap();
    }
}

fn append(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true).open(path).unwrap()
}

/// One block that is appended and brought to the disk.
pub(crate) struct Disk(File);

impl Disk {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(append(&folder.join("fdatasync.log")))
    }

    pub(crate) fn sync(&mut self) -> Duration {
        let begun = Instant::now();
        self.0.write_all(&[1; 4_096]).unwrap();
        self.0.sync_data().unwrap();
        begun.elapsed()
    }
}

/// A log of four checked records of 64 bytes for each session, written, and read back into a map.
pub(crate) fn replay(folder: &Path, sessions: u64) -> Duration {
    let path = folder.join("replay.log");
    let mut log = Vec::new();
    for event in 0..4_u64 {
        for session in 0..sessions {
            let mut record = [0; 64];
            record[..8].copy_from_slice(&session.to_le_bytes());
            record[8..16].copy_from_slice(&event.to_le_bytes());
            record[16..24].copy_from_slice(&(session * 31 + event).to_le_bytes());
            let sum = checked(&record);
            record[60..].copy_from_slice(&sum);
            log.extend_from_slice(&record);
        }
    }
    fs::write(&path, log).unwrap();
    let begun = Instant::now();
    let log = fs::read(&path).unwrap();
    let mut recovered: HashMap<u64, (u64, u64)> = HashMap::with_capacity(sessions as usize);
    for record in log.chunks_exact(64) {
        assert_eq!(checked(record), record[60..]);
        let word = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap());
        recovered.insert(word(0), (word(8), word(16)));
    }
    let took = begun.elapsed();
    assert_eq!(recovered.len() as u64, sessions);
    fs::remove_file(path).unwrap();
    took
}

/// FNV-1a over what a record says.
fn checked(record: &[u8]) -> [u8; 4] {
    let mix = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    record[..60].iter().fold(0x811c_9dc5, mix).to_le_bytes()
}
