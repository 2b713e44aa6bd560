//! The real program, killed while downloads run over what it has let through: the router shuts the gate by itself.

use std::{net::IpAddr, time::Duration};

use mikro2fa_router::simulator::{Dial, Flow, PreparedNames, SimClock, Simulator, TunnelHandle};
use mikro2fa_telegram::fake_api::{FakeBotApi, FakeConfig, FakeUser};
use serde_json::{Value, json};

use crate::program::{Served, died_of, http};

const MINUTE: Duration = Duration::from_secs(60);
const OFFICE: [u8; 4] = [192, 168, 88, 10];
const HOME: &str = "203.0.113.7";

/// Everything that it talks to is real but for being on this machine: the router's API port, the Bot API, a file of SQLite.
struct Office {
    served: Served,
    token: String,
    sim: Simulator,
    telegram: FakeBotApi,
    router: String,
    _folder: tempfile::TempDir,
}

impl Office {
    async fn new(policy: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let telegram = FakeBotApi::start(FakeConfig::default()).await.unwrap();
        let sim = Simulator::builder()
            .prepared(PreparedNames::default())
            .account("ann", "pw")
            .account("bob", "pw")
            .clock(SimClock::real())
            .start()
            .await
            .unwrap();
        let url = telegram.url();
        let environment = [("MIKRO2FA_TELEGRAM_API_URL", &*url)];
        let served = Served::start_with(folder.path(), &environment);
        let token = served.token.clone().unwrap();
        let mut office = Self {
            served,
            token,
            sim,
            telegram,
            router: String::new(),
            _folder: folder,
        };
        office.say("PUT", "settings/policy", &policy);
        let bot = json!({ "token": office.telegram.token() });
        office.say("PUT", "settings/bot-token", &bot);
        let router = json!({
            "name": "office", "host": "127.0.0.1", "port": office.sim.api_address().port(), "transport": "api",
            "user": office.sim.names().user, "password": office.sim.daily_password(),
        });
        let router = office.say("POST", "routers", &router);
        office.router = text(&router["id"]);
        office
    }

    fn say(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/api/{path}");
        let body = body.to_string();
        let (status, said) = http(self.served.address, method, &path, &self.token, &body);
        assert!((200..300).contains(&status), "{path}: {status}: {said}");
        said
    }

    /// Somebody with a login and a phone.
    async fn person(&self, id: i64, login: &str) -> FakeUser {
        let user = self.say("POST", "users", &json!({ "name": login, "language": "en" }));
        let user = text(&user["id"]);
        let account = json!({ "router": self.router, "name": login, "owner": user });
        self.say("POST", "accounts", &account);
        let code = self.say("POST", &format!("users/{user}/link-code"), &json!({}));
        let phone = self.telegram.user(id, login, None, Some("en"));
        let sent = phone.send(&format!("/start {}", text(&code["code"])));
        let linked = phone.message_where(|it| it.id > sent && !it.text.is_empty());
        linked.await.unwrap();
        phone
    }

    /// Requested, dialled, confirmed, open for a whole lease, its IPv6 network too.
    async fn opened(&self, phone: &FakeUser, login: &str, network: &str) -> TunnelHandle {
        let behind = format!("/ppp secret set {login} remote-ipv6-prefix={network}");
        let said = self.sim.console(behind);
        assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
        phone.send("/request_vpn");
        let ready = phone.message_where(|it| it.text.contains("Connect now"));
        ready.await.unwrap();
        let tunnel = self.sim.dial(Dial::new(login, "pw").from(HOME)).unwrap();
        let asked = phone.message_where(|it| it.labels().contains(&"Yes, it was me"));
        let question = asked.await.unwrap();
        phone.tap(question.id, "Yes, it was me").unwrap();
        let address = tunnel.address().unwrap().to_string();
        self.sim
            .until(|sim| {
                let whole = |menu: &str, address: &str| {
                    let rows = sim.rows(menu);
                    let mut permits = rows.iter().filter(|row| {
                        row["list"] == "mikro2fa-permit" && row["address"] == *address
                    });
                    permits.any(|row| minutes_left(row.get("timeout")) >= 9)
                };
                whole("/ip/firewall/address-list", &address)
                    && whole("/ipv6/firewall/address-list", network)
            })
            .await;
        tunnel
    }

    /// Each packet that a download could still be, and whether it passes.
    fn packets(&self, tunnel: &TunnelHandle, own6: &str) -> Vec<(&'static str, bool)> {
        let own6: IpAddr = own6.parse().unwrap();
        let far6: IpAddr = "2001:db8:ffff::1".parse().unwrap();
        let out = Flow::between(tunnel, OFFICE).from_port(40_001).tcp(445);
        let back = Flow::between(OFFICE, tunnel).from_port(445).tcp(40_001);
        let out6 = Flow::between(tunnel, far6).spoofing(own6).tcp(445);
        let back6 = Flow::between(far6, own6).from_port(445).tcp(50_000);
        // Sent, so that the router tracks them: a connection like this is fasttracked at the third packet, if it may be.
        let sent = |flow: &Flow| self.sim.send(flow).passes();
        let would = |flow: Flow| self.sim.would_pass(&flow).passes();
        vec![
            ("download, out", sent(&out)),
            ("download, back", sent(&back)),
            ("new, out", would(Flow::between(tunnel, OFFICE).tcp(22))),
            ("new, back", would(Flow::between(OFFICE, tunnel).tcp(22))),
            ("established, out", would(out.established())),
            ("established, back", would(back.established())),
            ("download by IPv6, out", sent(&out6)),
            (
                "established by IPv6, out",
                would(out6.clone().established()),
            ),
            ("established by IPv6, back", would(back6.established())),
            ("new by IPv6, out", would(out6)),
        ]
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Of `9m58s`, `1h0m`, `10m`.
fn minutes_left(time: Option<&String>) -> u64 {
    let mut minutes = 0;
    let mut number = String::new();
    for sign in time.map_or("", String::as_str).chars() {
        if sign.is_ascii_digit() {
            number.push(sign);
            continue;
        }
        let amount: u64 = number.parse().unwrap_or(0);
        number.clear();
        minutes += match sign {
            'd' => amount * 1_440,
            'h' => amount * 60,
            'm' => amount,
            _ => 0,
        };
    }
    minutes
}

fn all_are(packets: &[(&'static str, bool)], pass: bool) {
    let wrong: Vec<_> = packets
        .iter()
        .filter(|(_, passes)| *passes != pass)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_router_shuts_the_gate_by_itself() {
    let mut office = Office::new(json!({})).await;
    let ann = office.person(1001, "ann").await;
    let bob = office.person(1002, "bob").await;
    let anns = office.opened(&ann, "ann", "2001:db8:7::/64").await;
    let bobs = office.opened(&bob, "bob", "2001:db8:8::/64").await;
    let both = [(&anns, "2001:db8:7::9"), (&bobs, "2001:db8:8::9")];
    for _ in 0..3 {
        for (tunnel, own6) in both {
            all_are(&office.packets(tunnel, own6), true);
        }
    }
    office.served.signal("KILL");
    assert_eq!(died_of(office.served.left()), Some(9));
    for (tunnel, own6) in both {
        all_are(&office.packets(tunnel, own6), true);
    }
    office.sim.advance(8 * MINUTE);
    for (tunnel, own6) in both {
        all_are(&office.packets(tunnel, own6), true);
    }
    office.sim.advance(3 * MINUTE);
    for (tunnel, own6) in both {
        assert!(tunnel.is_up());
        all_are(&office.packets(tunnel, own6), false);
    }
    let tracked = office.sim.rows("/ip/firewall/connection");
    assert!(
        tracked.iter().all(|row| row["fasttrack"] == "false"),
        "{tracked:?}"
    );
}

/// `outage` = `keep_confirmed` is what it says: until the session's end, and not longer.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_passes_until_its_session_would_end() {
    let policy = json!({ "outage": "keep_confirmed", "session_duration": 7_200 });
    let mut office = Office::new(policy).await;
    let ann = office.person(1001, "ann").await;
    let tunnel = office.opened(&ann, "ann", "2001:db8:7::/64").await;
    let packets = |office: &Office| office.packets(&tunnel, "2001:db8:7::9");
    office.served.signal("KILL");
    assert_eq!(died_of(office.served.left()), Some(9));
    office.sim.advance(110 * MINUTE);
    all_are(&packets(&office), true);
    office.sim.advance(11 * MINUTE);
    all_are(&packets(&office), false);
}
