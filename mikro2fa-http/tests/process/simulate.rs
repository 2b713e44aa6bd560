//! `mikro2fa simulate` as a process: what it prints, that all of its ports answer, how it ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Stdio},
};

use serde_json::{Value, json};

use crate::program::{command, http, left, run, signal, taken_port, text};

struct Simulated {
    child: Child,
    told: Value,
}

impl Simulated {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let api = ["--api-port", "0"];
        let arguments = [&["simulate"], &api[..], OTHER_PORTS, arguments].concat();
        let mut child = command(folder.path(), &arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told = serde_json::from_str(&line).unwrap();
        Self { child, told }
    }

    fn address(&self, what: &str) -> SocketAddr {
        let told = self.told[what].as_str().unwrap();
        told.trim_start_matches("http://").parse().unwrap()
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        http(self.address("control"), method, path, "", &body)
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Any port will do for what a test does not look at.
const OTHER_PORTS: &[&str] = &[
    "--api-tls-port",
    "0",
    "--control-port",
    "0",
    #[cfg(feature = "simulate-ssh")]
    "--ssh-port",
    #[cfg(feature = "simulate-ssh")]
    "0",
];

/// The API's answer to words before login.
fn first_words(address: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"\x14/system/identity/get\0").unwrap();
    let mut heard = vec![0; 7];
    stream.read_exact(&mut heard).unwrap();
    heard
}

/// What an SSH server says first.
#[cfg(feature = "simulate-ssh")]
fn banner(address: SocketAddr) -> [u8; 16] {
    let mut heard = [0; 16];
    let mut stream = TcpStream::connect(address).unwrap();
    stream.read_exact(&mut heard).unwrap();
    heard
}

#[test]
fn it_says_where_it_is_and_is_there_until_it_is_told_to_stop() {
    for signal_name in ["TERM", "INT"] {
        let mut router = Simulated::start(&[
            "--version",
            "7.20.8",
            "--identity",
            "gw",
            "--account",
            "ann:pw",
        ]);
        assert_eq!(
            (&router.told["version"], &router.told["identity"]),
            (&json!("7.20.8"), &json!("gw"))
        );
        assert_eq!(router.told["users"], json!({ "admin": "admin-secret" }));
        assert_eq!(router.told["fingerprint"].as_str().unwrap().len(), 64);
        assert_eq!(first_words(router.address("api")), b"\x06!fatal");
        TcpStream::connect(router.address("api_tls")).unwrap();
        #[cfg(feature = "simulate-ssh")]
        assert_eq!(banner(router.address("ssh")), *b"SSH-2.0-ROSSSH\r\n");
        let dial = json!({ "account": "ann", "password": "pw" });
        let (status, tunnel) = router.ask("POST", "/dial", &dial);
        assert_eq!((status, &tunnel["account"]), (200, &json!("ann")));
        assert_eq!(
            router.ask("GET", "/rows/system/identity", &Value::Null).1,
            json!([{ "name": "gw" }])
        );
        assert_eq!(router.ask("GET", "/clock", &Value::Null).1["runs"], true);
        signal(&router.child, signal_name);
        assert_eq!(left(&mut router.child).code(), Some(0));
    }
}

#[test]
fn a_prepared_router_with_a_manual_clock_holds_its_tunnels() {
    let router = Simulated::start(&["--prepared", "--manual-clock", "--account", "ann:pw"]);
    assert_eq!(router.told["users"]["mikro2fa"], "daily-secret");
    let (_, tunnel) = router.ask(
        "POST",
        "/dial",
        &json!({ "account": "ann", "password": "pw" }),
    );
    let packet = json!({ "from": { "tunnel": tunnel["tunnel"] }, "to": "192.168.88.10" });
    assert_eq!(
        router.ask("POST", "/would-pass", &packet).1["verdict"],
        "drop"
    );
    let moved = router
        .ask("POST", "/clock/advance", &json!({ "ms": 5_000 }))
        .1;
    assert_eq!(moved, json!({ "now_ms": 5_000, "runs": false }));
}

#[test]
fn a_port_in_use_and_wrong_flags_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_listener, address) = taken_port();
    let port = address.port().to_string();
    let output = run(
        folder.path(),
        &[&["simulate", "--api-port", &port], OTHER_PORTS].concat(),
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains(&port) && said.contains("in use"), "{said}");
    let output = run(folder.path(), &["simulate", "--version", "5.26"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("6.30 to 6.49"),
        "{}",
        text(&output.stderr)
    );
}
