//! The control port over its real socket.

use mikro2fa_router::simulator::{Control, Simulator};
use routeros_api::Command;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::wire::{Client, prepared, soon};

struct Desk {
    sim: Simulator,
    control: Control,
}

impl Desk {
    async fn new() -> Self {
        let sim = prepared().start().await.unwrap();
        let control = Control::start(&sim, 0).await.unwrap();
        Self { sim, control }
    }

    async fn say(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.control.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        soon(stream.write_all(request.as_bytes())).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head[9..12].parse().unwrap(),
            serde_json::from_str(body).unwrap(),
        )
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.say(method, path, "host: localhost\r\n", &body).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask("POST", path, &body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn delete(&self, path: &str) {
        assert_eq!(
            self.ask("DELETE", path, &Value::Null).await,
            (200, json!({}))
        );
    }
}

#[tokio::test]
async fn a_clients_life_and_the_gate_before_it() {
    let desk = Desk::new().await;
    let dial = json!({ "account": "ann", "password": "pw", "service": "sstp", "caller_id": "203.0.113.9" });
    let tunnel = desk.post("/dial", dial.clone()).await;
    assert_eq!(tunnel["address"], "10.8.0.2");
    assert_eq!(tunnel["interface"], "<sstp-ann>");
    assert_eq!(desk.get("/tunnels").await, json!([tunnel]));
    assert_eq!(
        desk.get("/rows/ppp/active").await[0]["caller-id"],
        "203.0.113.9"
    );

    let packet =
        json!({ "from": { "tunnel": tunnel["tunnel"] }, "to": "192.168.88.10", "port": 22 });
    let held = desk.post("/would-pass", packet.clone()).await;
    assert_eq!(
        (&held["verdict"], &held["rule"]["chain"]),
        (&json!("drop"), &json!("mikro2fa-forward"))
    );
    let permit = json!({ "list": "mikro2fa-permit", "address": "10.8.0.2", "timeout": "10m" });
    let order = json!({ "command": "/ip/firewall/address-list/add", "attributes": permit });
    let id = desk.post("/administer", order.clone()).await;
    assert!(id["ret"].as_str().unwrap().starts_with('*'));
    let (status, again) = desk.ask("POST", "/administer", &order).await;
    assert_eq!(
        (status, again),
        (409, json!({ "error": "failure: already have such entry" }))
    );
    assert_eq!(desk.post("/send", packet.clone()).await["verdict"], "pass");

    let clock = desk.post("/clock/advance", json!({ "ms": 601_000 })).await;
    assert_eq!(clock, json!({ "now_ms": 601_000, "runs": false }));
    assert_eq!(
        desk.post("/would-pass", packet.clone()).await["verdict"],
        "drop"
    );

    assert_eq!(
        desk.post("/crash", json!({ "account": "ann" })).await,
        json!({ "count": 1 })
    );
    assert_eq!(desk.sim.tunnel_count(), 1, "the router has not noticed yet");
    desk.post("/clock/advance", json!({ "ms": 60_000 })).await;
    assert_eq!(desk.get("/tunnels").await, json!([]));
    let second = desk.post("/dial", dial).await;
    assert_eq!(
        desk.post("/hang-up", json!({ "tunnel": second["tunnel"] }))
            .await,
        json!({ "count": 1 })
    );
    let (status, why) = desk.ask("POST", "/would-pass", &packet).await;
    assert_eq!(
        (status, why),
        (409, json!({ "error": "there is no live tunnel 1" }))
    );
    let events = desk.get("/events").await;
    let told: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["what"])
        .collect();
    assert_eq!(told, ["dialled", "ended", "dialled", "ended"]);
    let (status, why) = desk
        .ask(
            "POST",
            "/dial",
            &json!({ "account": "ann", "password": "x" }),
        )
        .await;
    assert_eq!(
        (status, why),
        (409, json!({ "error": "the password is wrong" }))
    );
}

#[tokio::test]
async fn faults_are_set_and_taken_back() {
    let desk = Desk::new().await;
    let mut client = Client::admin(&desk.sim).await;
    let fault = json!({ "kind": "trap", "message": "std failure: timeout (13)", "category": 4 });
    let first = desk
        .post(
            "/faults",
            json!({ "menu": "/ppp/secret", "times": 1, "fault": fault }),
        )
        .await;
    assert_eq!(first, json!({ "id": 1 }));
    assert_eq!(
        client.say("/ppp/secret/print").await.trap(),
        "std failure: timeout (13)"
    );
    assert!(client.say("/ppp/secret/print").await.traps.is_empty());
    let partial = json!({ "kind": "partial", "rows": 1, "then": { "trap": "no such item (4)" } });
    let second = desk
        .post(
            "/faults",
            json!({ "command": "/user/print", "user": "admin", "fault": partial }),
        )
        .await;
    assert_eq!(client.say("/user/print").await.trap(), "no such item (4)");
    desk.delete(&format!("/faults/{}", second["id"])).await;
    assert!(client.say("/user/print").await.traps.is_empty());
    for fault in [
        json!({ "kind": "latency", "ms": 1 }),
        json!({ "kind": "lose-reply" }),
        json!({ "kind": "late", "ms": 1 }),
        json!({ "kind": "cut-before" }),
        json!({ "kind": "cut-after" }),
        json!({ "kind": "cut-mid-reply", "bytes": 3 }),
        json!({ "kind": "partial", "rows": 0, "then": "cut" }),
        json!({ "kind": "refuse-login" }),
        json!({ "kind": "fatal", "reason": "out of memory" }),
        json!({ "kind": "stall" }),
        json!({ "kind": "garbage", "bytes": [248, 0] }),
    ] {
        desk.post("/faults", json!({ "fault": fault, "skip": 100 }))
            .await;
    }
    desk.delete("/faults").await;
    desk.post("/cut", Value::Null).await;
    soon(desk.sim.until(|sim| sim.connection_count() == 0)).await;
    desk.post("/reachability", json!({ "reachability": "refusing" }))
        .await;
    desk.delete("/faults").await;
    // The port opens again a moment later.
    while TcpStream::connect(desk.sim.api_address()).await.is_err() {}
    let _ = Client::admin(&desk.sim).await;
}

#[tokio::test]
async fn it_tells_what_was_received_and_what_the_router_is() {
    let desk = Desk::new().await;
    let mut client = Client::admin(&desk.sim).await;
    client
        .say("/ppp/secret/print =.proplist=.id,name ?name=ann")
        .await;
    let commands = desk.get("/commands").await;
    assert_eq!(commands[0]["attributes"], json!(["name", "password"]));
    assert!(!commands.to_string().contains("admin-secret"));
    assert_eq!(commands[1]["proplist"], json!([".id", "name"]));
    assert_eq!(
        (&commands[1]["queries"], &commands[1]["rows"]),
        (&json!(["name"]), &json!(1))
    );
    desk.delete("/commands").await;
    assert_eq!(desk.get("/commands").await, json!([]));

    let menus = desk.get("/menus").await;
    let menus = menus.as_array().unwrap();
    assert!(
        menus.contains(&json!("/ip/route"))
            && menus.contains(&json!("/interface/ovpn-server/server"))
    );
    let about = desk.get("/").await;
    assert_eq!(about["api"], desk.sim.api_address().to_string());
    assert_eq!(about["version"], "7.16.2");
    assert_eq!(about["users"]["admin"], "admin-secret");
    desk.post("/clock/date", json!({ "unix": 0 })).await;
    assert_eq!(
        desk.get("/rows/system/clock").await[0]["date"],
        "1970-01-01"
    );
    desk.post("/reboot", Value::Null).await;
    assert_eq!(desk.get("/rows/system/resource").await[0]["uptime"], "0s");
    desk.post("/give-up", json!({ "account": "ann" })).await;
    assert_eq!(desk.get("/clock").await["runs"], false);
}

#[tokio::test]
async fn nobody_else_is_answered_and_nonsense_changes_nothing() {
    let desk = Desk::new().await;
    for headers in [
        "host: example.org\r\n",
        "host: localhost\r\norigin: http://localhost\r\n",
        "",
    ] {
        let (status, answer) = desk.say("POST", "/reboot", headers, "").await;
        assert!(status == 403, "{headers:?}: {status} {answer}");
    }
    for (method, path, body, expected) in [
        ("GET", "/nothing", "", 404),
        ("GET", "/reboot", "", 404),
        ("GET", "/rows/no/such/menu", "", 404),
        ("DELETE", "/faults/x", "", 404),
        ("POST", "/dial", "", 400),
        ("POST", "/dial", "{\"account\": \"ann\"}", 400),
        ("POST", "/clock/advance", "{\"ms\": -1}", 400),
        ("POST", "/clock/advance", "{\"ms\": 1, \"s\": 1}", 400),
        ("POST", "/faults", "{\"fault\": {\"kind\": \"fire\"}}", 400),
        (
            "POST",
            "/would-pass",
            "{\"from\": \"me\", \"to\": \"router\"}",
            400,
        ),
        ("POST", "/administer", "{\"command\": \"/x\\u0000\"}", 409),
    ] {
        let (status, answer) = desk.say(method, path, "host: 127.0.0.1\r\n", body).await;
        assert_eq!(status, expected, "{method} {path} {body}: {answer}");
        assert!(answer["error"].is_string());
    }
    let long = "x".repeat(2 << 20);
    let mut stream = TcpStream::connect(desk.control.address()).await.unwrap();
    let head = format!(
        "POST /dial HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        long.len()
    );
    soon(stream.write_all(head.as_bytes())).await.unwrap();
    // It may answer and close before all of it is sent.
    let _ = soon(stream.write_all(long.as_bytes())).await;
    assert!(desk.sim.events().is_empty() && desk.sim.tunnel_count() == 0);
}

#[tokio::test]
async fn dropping_it_closes_it_and_leaves_the_simulator() {
    let desk = Desk::new().await;
    let address = desk.control.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    desk.get("/clock").await;
    drop(desk.control);
    assert_eq!(soon(idle.read(&mut [0; 1])).await.unwrap_or(0), 0);
    while TcpStream::connect(address).await.is_ok() {}
    desk.sim
        .administer(&Command::new("/system/identity/set").attribute("name", "x"))
        .unwrap();
}

#[tokio::test]
async fn all_that_can_be_tried_is_told_and_switches_go_by_name() {
    let desk = Desk::new().await;
    let catalogue = desk.get("/catalogue").await;
    let menus = catalogue.as_array().unwrap();
    let paths: Vec<&Value> = menus.iter().map(|menu| &menu["path"]).collect();
    assert_eq!(json!(paths), desk.get("/menus").await);
    let secret = menus
        .iter()
        .find(|menu| menu["path"] == "/ppp/secret")
        .unwrap();
    let commands = secret["commands"].as_array().unwrap();
    for command in ["print", "listen", "add", "disable", "unset"] {
        assert!(commands.contains(&json!(command)), "{command}");
    }
    let profile = secret["properties"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "profile");
    assert_eq!(
        profile.unwrap(),
        &json!({ "name": "profile", "kind": "reference", "of": "/ppp/profile", "writable": true, "required": false })
    );

    let switches = desk.get("/quirks").await;
    assert!(
        switches
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["switch"] == "dead-yes")
    );
    desk.post("/quirks", json!({ "switch": "no-categories" }))
        .await;
    let mut client = Client::admin(&desk.sim).await;
    let gone = client.say("/ppp/secret/remove =.id=*FFFF").await;
    assert!(!gone.traps[0].contains_key("category"));
    desk.delete("/quirks").await;
    let gone = client.say("/ppp/secret/remove =.id=*FFFF").await;
    assert_eq!(gone.traps[0]["category"], "0");
    let (status, _) = desk
        .ask("POST", "/quirks", &json!({ "switch": "none" }))
        .await;
    assert_eq!(status, 400);
}
