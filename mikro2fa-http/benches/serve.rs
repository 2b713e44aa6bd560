//! `mikro2fa serve` as a process: how long from its start to the first answer and the first durable change, how much
//! memory it takes idle and with 100,000 sessions, and how long it needs to be back with them after a kill.
//!
//! `cargo bench -p mikro2fa-http --bench serve`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints, and ends when something fails"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use mikro2fa_core::{
    engine::SystemClock,
    id::{AccountId, CommitId, RouterId, SessionId, UserId},
    session::{Access, Confirmed, Session, SessionState, Version},
    store::{Commit, Store as _},
    testing::Desk,
    time::{Clock as _, Timestamp},
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};
use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use serde_json::Value;
use uuid::Uuid;

const KEY: [u8; 32] = [1; 32];
/// The same in base64.
const KEY_TEXT: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (starts, routers, sessions) = if full {
        (15, 200, 100_000)
    } else {
        (2, 4, 100)
    };
    let place = tempfile::Builder::new()
        .prefix("serve-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .unwrap();
    cold(place.path(), starts);
    let folder = place.path().join("many");
    std::fs::create_dir(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    runtime.block_on(fill(
        &folder,
        routers,
        sessions,
        silent.local_addr().unwrap().port(),
    ));
    println!("\n{sessions} open sessions on {routers} routers, after a kill");
    // Routers that take a connection and say nothing: nothing changes yet.
    std::thread::spawn(move || silent.incoming().collect::<Vec<_>>());
    again(&folder, routers);
}

fn cold(place: &Path, starts: usize) {
    println!("\nA cold start, on an empty store");
    let mut answered = Vec::new();
    let mut changed = Vec::new();
    for start in 0..starts {
        let folder = place.join(format!("cold-{start}"));
        std::fs::create_dir(&folder).unwrap();
        let begun = Instant::now();
        let served = Served::start(&folder);
        served.until("/healthz");
        answered.push(begun.elapsed());
        let token = served.token.clone().unwrap();
        let ann = r#"{"name":"Ann"}"#;
        let (status, said) = http(served.address, "POST", "/api/users", &token, ann);
        assert_eq!(status, 201, "{said}");
        changed.push(begun.elapsed());
        if start + 1 == starts {
            served.memory("idle");
        }
    }
    shown("from its start to the first answer", &mut answered);
    shown("to the first durable change", &mut changed);
}

fn again(folder: &Path, routers: usize) {
    let mut answered = Vec::new();
    let mut read = Vec::new();
    for start in 0..3 {
        let begun = Instant::now();
        let served = Served::start(folder);
        served.until("/healthz");
        answered.push(begun.elapsed());
        let last = served.taken.iter().take(routers).last();
        read.push(last.unwrap() - begun);
        if start == 2 {
            served.memory("with all sessions");
        }
    }
    shown("from its start to the first answer", &mut answered);
    shown("until all sessions are taken over", &mut read);
}

fn shown(what: &str, all: &mut [Duration]) {
    all.sort();
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let (least, middle, most) = (all[0], all[all.len() / 2], all[all.len() - 1]);
    println!(
        "{what:<58} {:>9.1} ms ({:.1} to {:.1})",
        ms(middle),
        ms(least),
        ms(most)
    );
}

/// Records of routers that are at this port, and a session on each of their tunnels.
async fn fill(folder: &Path, routers: usize, sessions: usize, port: u16) {
    let now = SystemClock::new().now();
    let url = DatabaseUrl::sqlite(folder.join("mikro2fa.db"));
    let store = DieselStore::open(&url, &Key::from_bytes(&KEY), Options::default())
        .await
        .unwrap();
    let mut desk = Desk::new(now);
    let mut all = Vec::new();
    for router in 0..routers {
        let id = desk.router(&format!("router{router:03}"));
        let connection = &mut desk.router_mut(id).connection;
        connection.host = "127.0.0.1".into();
        connection.port = port;
        for n in 0..sessions / routers {
            let name = format!("vpn_user_{router:03}_{n:04}");
            let user = desk.user(&name, i64::try_from(all.len()).unwrap() + 1);
            let account = desk.account(id, &name, Some(user));
            all.push((id, account, user, name));
        }
    }
    desk.fill(&store).await.unwrap();
    let commits = all.iter().zip(0..).map(|(of, n)| open(n, of, now));
    let commits: Vec<Commit> = commits.collect();
    for some in commits.chunks(1_000) {
        store.commit(some).await.unwrap();
    }
    store.close().await.unwrap();
}

fn open(
    number: u32,
    (router, account, user, name): &(RouterId, AccountId, UserId, String),
    now: Timestamp,
) -> Commit {
    let caller = std::net::Ipv4Addr::from(0xc612_0000 + number);
    let tunnel = Tunnel {
        key: TunnelKey {
            router: *router,
            source: TunnelSource::Ppp,
            handle: format!("*{:X}", 0x8000_0000 + number).into(),
            nonce: Some(format!("0x{:08x}", 0x8120_0000 + number).into()),
        },
        account: name.as_str().into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some((0x0a00_0000 + number).into()),
            v6: Vec::new(),
        },
        caller: Some(Caller::Ip(caller.into())),
        uptime: Duration::from_secs(3),
        seen_at: now,
    };
    let state = SessionState::Active {
        tunnel: Arc::new(tunnel),
        access: Access {
            confirmed: Confirmed::by_operator("ann".into(), "bench".into()),
            started_at: now,
            expires_at: now + Duration::from_secs(86_400),
            resumes: 0,
        },
        remind_at: Some(now + Duration::from_secs(82_800)),
        offer: None,
    };
    let session = Session {
        id: SessionId::from_uuid(id(2, number, now)),
        router: *router,
        account: *account,
        owner: *user,
        version: Version(1),
        opened_at: now,
        trial: false,
        state,
    };
    let mut commit = Commit::new(CommitId::from_uuid(id(5, number, now)), None);
    commit.sessions.push((None, session));
    commit
}

/// Ids that sort by time.
fn id(kind: u64, number: u32, now: Timestamp) -> Uuid {
    let high = u64::try_from(now.millis()).unwrap() << 16 | 0x7000 | kind;
    Uuid::from_u64_pair(high, 0x8000_0000_0000_0000 | u64::from(number))
}

/// The program, killed when this goes.
struct Served {
    child: Child,
    address: SocketAddr,
    token: Option<String>,
    /// When it had taken over each router's sessions.
    taken: mpsc::Receiver<Instant>,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let first = !folder.join("mikro2fa.db").exists();
        let mut child = Command::new(env!("CARGO_BIN_EXE_mikro2fa"))
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .env("MIKRO2FA_LISTEN", "127.0.0.1:0")
            .env("MIKRO2FA_LOG_FORMAT", "json")
            .env("MIKRO2FA_KEY", KEY_TEXT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log.by_ref().map_while(Result::ok).find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            let serving = line["message"] == "serving";
            serving.then(|| line["address"].as_str().unwrap().parse().unwrap())
        });
        let (tell, taken) = mpsc::channel();
        // Read on, or the pipe fills and the program waits for us.
        std::thread::spawn(move || {
            for line in log.map_while(Result::ok) {
                let said: Value = serde_json::from_str(&line).unwrap_or_default();
                if said["message"] == "serving" && said["router"].is_string() {
                    let _ = tell.send(Instant::now());
                }
            }
        });
        let address = address.unwrap_or_else(|| panic!("it never served: {:?}", child.wait()));
        // Printed by the first run only, which others would be waited for in vain.
        let token = first.then(|| {
            let said = BufReader::new(child.stdout.take().unwrap()).lines();
            let mut said = said
                .map_while(Result::ok)
                .map(|line| line.trim().to_owned());
            said.find(|line| line.starts_with("m2fa_")).unwrap()
        });
        Self {
            child,
            address,
            token,
            taken,
        }
    }

    fn until(&self, path: &str) {
        while http(self.address, "GET", path, "", "").0 != 200 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn memory(&self, what: &str) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kib / 1_024.0
        };
        println!(
            "the whole process, {what}: {:.1} MiB resident, {:.1} of them its own (not mapped from files), {:.1} at peak",
            of("VmRSS"),
            of("RssAnon"),
            of("VmHWM")
        );
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn http(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let length = body.len();
    let rest = format!("Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all((head + &rest).as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let status = said.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = said.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or(0), body.to_owned())
}
