//! Every sentence that the backend can send, against the command trees of the versions it supports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here fails its test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use flate2::read::GzDecoder;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use mikro2fa_core::{
    desk::{ListNames, RouterConnection, SourceKind, TransportKind},
    router_backend::{Command, Fence, Look, Part, Prefix, RouterBackend},
    secret::Secret,
    testing::ManualClock,
    tunnel::{TunnelKey, TunnelSource},
};
use mikro2fa_router::{
    RouterOs, Settings,
    error::Error,
    gate::{GateNames, Guarded},
    logins::{Logins as _, LoginsOver, NewLogin},
    prepare::{self, Choices, Journal, Login, MemoryJournal, Subscribers, Webhook},
    restore::restore,
    sentence::{Path, Query, Sentence},
    simulator::{Dial, HotspotLogin, Simulator, Version},
    survey::Survey,
    transport::{Abilities, Answer, End, Gate, Line, Refused, Transport},
};
use routeros_api::{Command as ApiCommand, Row, Rows, SentenceBuilder};
use serde_json::Value;

#[path = "support/world.rs"]
mod world;

use world::{NOW, World, installation, office, router, session};

// ---- what can be sent ---------------------------------------------------------------------------

/// A router that writes down what it is told, and answers so that everything is said.
#[derive(Clone)]
struct Recorder {
    version: &'static str,
    said: Arc<Mutex<Vec<Sentence>>>,
}

#[async_trait]
impl Transport for Recorder {
    type Line = Self;

    async fn connect(&self) -> Result<Self, Error> {
        Ok(self.clone())
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            watch: true,
            pipeline: true,
        }
    }
}

#[async_trait]
impl Line for Recorder {
    async fn exchange(&self, sentences: Vec<Sentence>, _gate: Gate) -> Vec<Answer> {
        let mut said = self.said.lock().unwrap();
        let answers = sentences
            .iter()
            .map(|it| answer(it, &said, self.version))
            .collect();
        said.extend(sentences);
        drop(said);
        answers
    }

    async fn watch(
        &self,
        sentence: Sentence,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        self.said.lock().unwrap().push(sentence);
        Ok(stream::empty().boxed())
    }

    fn closed(&self) -> Option<Error> {
        None
    }

    fn close(&self) {}
}

type Properties<'a> = &'a [(&'a str, &'a str)];

/// A gate of which everything is damaged that can be, for what mends it to be said.
fn damaged_gate(sentence: &Sentence, row: &mut dyn FnMut(Properties<'_>)) {
    let asks_for = |chain: &str| {
        let asked = Query::Equals("chain", chain.into());
        sentence.queries().contains(&asked)
    };
    let rule = |id, chain, action, rest: [(&'static str, &'static str); 3]| {
        [
            (".id", id),
            ("chain", chain),
            ("action", action),
            rest[0],
            rest[1],
            rest[2],
        ]
    };
    let covered = ("in-interface-list", "mikro2fa-covered");
    let banned = [
        covered,
        ("src-address-list", "mikro2fa-ban"),
        ("comment", "mikro2fa gate: banned"),
    ];
    if asks_for("mikro2fa-forward") {
        row(&rule("*1", "mikro2fa-forward", "drop", banned));
        row(&rule("*2", "mikro2fa-forward-2", "drop", banned));
    } else if asks_for("forward") {
        let switch = [
            ("jump-target", "mikro2fa-forward"),
            ("disabled", "true"),
            ("comment", "mikro2fa gate: the switch"),
        ];
        row(&rule("*3", "forward", "jump", switch));
        let companion = [
            covered,
            ("connection-state", "established,related,untracked"),
            ("disabled", "true"),
        ];
        row(&rule("*4", "forward", "accept", companion));
        let fasttrack = [("connection-state", "established"); 3];
        row(&rule("*5", "forward", "fasttrack-connection", fasttrack));
    } else if sentence.proplist().contains(&"jump-target") {
        for chain in ["forward", "input"] {
            let jump = [(".id", "*1"), ("chain", chain), ("action", "jump")];
            row(&[&jump[..], &[("disabled", "true")]].concat());
        }
    } else {
        row(&[(".id", "*1"), ("disabled", "true")]);
    }
}

fn answer(sentence: &Sentence, said: &[Sentence], version: &str) -> Answer {
    let mut rows = Rows::default();
    let mut row = |properties: &[(&str, &str)]| {
        let mut sentence = SentenceBuilder::new("!re");
        for (name, value) in properties {
            sentence = sentence.attribute(name, value);
        }
        rows.push(Row::new(sentence.view()));
    };
    let mut end = End::Done {
        ret: Some((*b"2").into()),
    };
    match sentence.path() {
        Path::ResourcePrint => row(&[("version", version), ("uptime", "5h")]),
        Path::ActivePrint => row(&[
            (".id", "*1"),
            ("name", "ann"),
            ("session-id", "0x1"),
            ("caller-id", "203.0.113.7"),
            ("address", "10.8.0.4"),
            ("uptime", "5s"),
        ]),
        Path::SecretPrint if asks_for(sentence, "new") => {}
        Path::SecretPrint => row(&[(".id", "*1"), ("disabled", "true")]),
        Path::FilterPrint | Path::Filter6Print => damaged_gate(sentence, &mut row),
        Path::InterfaceListPrint => row(&[(".id", "*1"), ("name", "mikro2fa-covered")]),
        Path::ProfilePrint => row(&[(".id", "*1"), ("name", "mikro2fa-vpn")]),
        Path::L2tpSettingsPrint
        | Path::PptpSettingsPrint
        | Path::SstpSettingsPrint
        | Path::OvpnSettingsPrint
        | Path::PppoeServersPrint => {
            // Somebody changes it after the looks.
            let asked = said.iter().filter(|it| it.path() == sentence.path());
            let profile = if asked.count() < looks().len() {
                "mikro2fa-vpn"
            } else {
                "default"
            };
            let id = (sentence.path() == Path::PppoeServersPrint).then_some((".id", "*1"));
            let properties = [Some(("default-profile", profile)), id];
            row(&properties.into_iter().flatten().collect::<Vec<_>>());
        }
        Path::UsersPrint | Path::Users6Print => row(&[(".id", "*1"), ("disabled", "true")]),
        Path::SessionsPrint | Path::Sessions6Print => row(&[
            (".id", "*1"),
            ("active", "true"),
            ("user-address", "10.8.0.4"),
            ("user-ip", "10.8.0.4"),
            ("nas-ip-address", "127.0.0.1"),
            ("host-ip", "127.0.0.1"),
        ]),
        Path::RadiusIncomingPrint => row(&[("accept", "true"), ("port", "3799")]),
        Path::RoutersPrint | Path::Routers6Print => row(&[
            ("address", "127.0.0.1"),
            ("ip-address", "127.0.0.1"),
            ("use-coa", "true"),
            ("coa-port", "3799"),
        ]),
        Path::HotspotActivePrint => row(&[(".id", "*1"), ("user", "ann")]),
        Path::HotspotCookiePrint => row(&[(".id", "*2")]),
        Path::ListPrint | Path::List6Print => {
            let ours = format!("mikro2fa abcdef01 {} 3", session(7));
            let address = if sentence.path() == Path::ListPrint {
                "10.8.0.4"
            } else {
                "2001:db8::/56"
            };
            row(&[(".id", "*1"), ("address", address), ("comment", &ours)]);
        }
        Path::ConnectionPrint => row(&[(".id", "*1"), ("src-address", "10.8.0.4:5000")]),
        Path::Connection6Print => row(&[(".id", "*1"), ("src-address", "2001:db8::1")]),
        Path::ListAdd | Path::List6Add => end = End::Refused(Refused::new("already have it")),
        _ => {}
    }
    Answer { rows, end }
}

fn asks_for(sentence: &Sentence, name: &str) -> bool {
    let asked = Query::Equals("name", name.as_bytes().to_vec());
    sentence.queries().contains(&asked)
}

/// Everything that the desk does with logins.
async fn logins(recorder: &Recorder) {
    let mut logins = LoginsOver::new(recorder.clone());
    logins.list().await.unwrap();
    let name = "ann".into();
    // What is said counts here; that nothing is found changed afterwards is the recorder's.
    let _ = logins.enable(&name, true).await;
    let _ = logins.move_to(&name, &"mikro2fa-exempt-vpn".into()).await;
    let _ = logins.take_away(&name).await;
    let _ = logins.cut(&name).await;
    let new = NewLogin {
        name: "new".into(),
        password: Secret::new("a password"),
        profile: Some("mikro2fa-vpn".into()),
        service: Some("l2tp".into()),
        remote_address: Some("10.8.0.9".into()),
        comment: "".into(),
    };
    let _ = logins.make(&new).await;
}

fn orders(known: &str) -> Vec<Command> {
    let prefixes = ["10.8.0.4/32", "2001:db8::/56"].map(|text| {
        let (address, length) = text.split_once('/').unwrap();
        Prefix {
            address: address.parse().unwrap(),
            length: length.parse().unwrap(),
        }
    });
    let lease = mikro2fa_core::router_backend::Lease::new(
        Duration::from_secs(600),
        mikro2fa_core::time::Timestamp::MAX,
        NOW,
    )
    .unwrap();
    let session = session(7);
    let mut orders = vec![
        Command::MendGate,
        Command::CutTunnel {
            key: TunnelKey {
                router: router(),
                source: TunnelSource::Ppp,
                handle: "*1".into(),
                nonce: Some("0x1".into()),
            },
            account: "ann".into(),
        },
        Command::SetAccount {
            source: SourceKind::PppSecrets,
            name: "ann".into(),
            enabled: true,
        },
        Command::CutTunnel {
            key: TunnelKey {
                router: router(),
                source: TunnelSource::Hotspot,
                handle: "*1".into(),
                nonce: None,
            },
            account: "ann".into(),
        },
        Command::SetAccount {
            source: SourceKind::UserManager,
            name: "uma".into(),
            enabled: true,
        },
        Command::CloseSessions {
            account: "uma".into(),
            address: "10.8.0.4".parse().unwrap(),
        },
        Command::SetRule {
            comment: "ann 2FA".into(),
            known: None,
            enabled: true,
        },
        Command::SetGate { enabled: true },
        Command::KeepAlive { lease },
    ];
    for address in prefixes {
        orders.extend([
            Command::Permit {
                session,
                address,
                lease,
            },
            Command::Ban {
                session,
                address,
                lease,
            },
            Command::Renew {
                session,
                address,
                known: known.into(),
                lease,
            },
            Command::Revoke {
                session,
                address,
                known: None,
            },
            Command::Unban {
                address,
                known: None,
            },
        ]);
    }
    for address in ["10.8.0.4", "2001:db8::1"] {
        orders.push(Command::ForgetConnections {
            address: address.parse().unwrap(),
        });
    }
    orders
}

/// So that every order has something to do.
const SET_UP: [&str; 5] = [
    "/ip/hotspot/user/add =name=ann =password=pw",
    "/radius/incoming/set =accept=yes",
    "/tool/user-manager/router/set =.id=here =use-coa=yes",
    "/tool/user-manager/user/set =.id=uma =ip-address=10.8.0.4",
    "/user-manager/user/set =.id=uma =attributes=Framed-IP-Address:10.8.0.4",
];

fn looks() -> [Look; 3] {
    let all = Look {
        accounts: Part::All,
        gate: true,
        ..Look::complete()
    };
    let these = |names: &[&str]| Part::These(names.iter().map(|&name| name.into()).collect());
    let some = Look {
        tunnels: these(&["ann", "bob"]),
        permits: these(&["10.8.0.4", "2001:db8::/56"]),
        bans: these(&["10.8.0.4", "2001:db8::1"]),
        accounts: these(&["ann"]),
        rules: these(&["ann 2FA"]),
        gate: true,
    };
    // The second complete look only calls the tunnels that the first one saw.
    [all.clone(), all, some]
}

async fn every_sentence() -> Vec<Sentence> {
    let mut all = Vec::new();
    for version in ["6.49.18 (long-term)", "7.16.2 (stable)"] {
        all.extend(every_sentence_to(version).await);
    }
    all
}

async fn every_sentence_to(version: &'static str) -> Vec<Sentence> {
    let recorder = Recorder {
        version,
        said: Arc::default(),
    };
    let clock = Arc::new(ManualClock::new(NOW));
    let backend = RouterOs::new(
        recorder.clone(),
        router(),
        ListNames::default(),
        installation(),
        clock,
        Settings::default(),
    );
    backend.identify().await.unwrap();
    for look in looks() {
        backend.observe(&look).await.unwrap();
    }
    let fence = Fence {
        router: router(),
        node: mikro2fa_core::id::NodeId::from_uuid(uuid::Uuid::from_u128(2)),
        epoch: 3,
        until: mikro2fa_core::time::Timestamp::MAX,
    };
    backend.apply(&fence, &orders("elsewhere")).await.unwrap();
    drop(backend.watch().await.unwrap());
    Survey::read(&recorder, &GateNames::default())
        .await
        .unwrap();
    logins(&recorder).await;
    let said = recorder.said.lock().unwrap();
    said.clone()
}

// ---- what there is ------------------------------------------------------------------------------

const SCHEMAS: [(&str, &[u8]); 8] = [
    (
        "7.10.2",
        include_bytes!("data/routeros-schema-7.10.2.json.gz"),
    ),
    (
        "7.12.2",
        include_bytes!("data/routeros-schema-7.12.2.json.gz"),
    ),
    (
        "7.15.3",
        include_bytes!("data/routeros-schema-7.15.3.json.gz"),
    ),
    (
        "7.16.2",
        include_bytes!("data/routeros-schema-7.16.2.json.gz"),
    ),
    (
        "7.18.2",
        include_bytes!("data/routeros-schema-7.18.2.json.gz"),
    ),
    (
        "7.20.8",
        include_bytes!("data/routeros-schema-7.20.8.json.gz"),
    ),
    (
        "7.22.3",
        include_bytes!("data/routeros-schema-7.22.3.json.gz"),
    ),
    ("7.24", include_bytes!("data/routeros-schema-7.24.json.gz")),
];

/// Where a version's tree does not say which properties there are, this one's word is taken.
const TELLS_PROPERTIES: &str = "7.20.8";

/// Menus that the trees leave out. They are only read, with properties that MikroTik's manual names (*L2TP*, *PPPoE* and
/// their kin, client settings), and a router that does not know one is read as without it.
const NOT_RECORDED: [&str; 6] = [
    "/interface/l2tp-client",
    "/interface/pptp-client",
    "/interface/sstp-client",
    "/interface/ovpn-client",
    "/interface/pppoe-client",
    "/interface/ppp-client",
];

/// See [`Schemas::problems`].
const OVPN: &str = "/interface/ovpn-server/server";
/// No tree of version 6 is public. Of its User Manager, what MikroTik's old wiki (*User Manager*, *User Manager/Active
/// sessions*) and programs in use say: the menu, what can be done in it, its properties. Every other menu that is used is the
/// same in 6 and 7.
const SIX: [(&str, &[&str], &[&str]); 3] = [
    (
        "/tool/user-manager/user",
        &["print", "set"],
        &["username", "name", "customer", "disabled", "comment"],
    ),
    (
        "/tool/user-manager/session",
        &["print", "close-session"],
        &["user", "user-ip", "host-ip", "active"],
    ),
    (
        "/tool/user-manager/router",
        &["print"],
        &["name", "ip-address", "coa-port", "use-coa"],
    ),
];

fn problems_in_six(used: &Use<'_>) -> Vec<String> {
    let (menu, verb) = used.command.rsplit_once('/').unwrap();
    let known = SIX.iter().find(|(path, ..)| *path == menu);
    let Some((_, _, properties)) = known.filter(|(_, verbs, _)| verbs.contains(&verb)) else {
        return vec![format!("6.49: {} is no command", used.command)];
    };
    let of_row = [".id"];
    let names = used.attributes.iter().chain(&used.properties);
    names
        .filter(|name| !properties.contains(*name) && !of_row.contains(*name))
        .map(|name| format!("6.49: {} knows no {name}", used.command))
        .collect()
}

struct Schemas(BTreeMap<&'static str, Value>);

/// One thing that is sent: a command word, and the names that it uses.
struct Use<'a> {
    command: &'a str,
    attributes: BTreeSet<&'a str>,
    properties: BTreeSet<&'a str>,
}

impl Schemas {
    fn load() -> Self {
        let read = |(version, bytes)| {
            let tree: Value = serde_json::from_reader(GzDecoder::new(bytes)).unwrap();
            (version, tree["paths"].clone())
        };
        Self(SCHEMAS.into_iter().map(read).collect())
    }

    fn problems(&self, version: &str, used: &Use<'_>) -> Vec<String> {
        if used.command.starts_with("/tool/user-manager/") {
            return problems_in_six(used);
        }
        let (menu, verb) = used.command.rsplit_once('/').unwrap();
        if NOT_RECORDED.contains(&menu) {
            return Vec::new();
        }
        let node = &self.0[version][menu];
        // Over the API every menu that prints can be listened to.
        let verb = if verb == "listen" { "print" } else { verb };
        let Some(arguments) = node["commands"][verb].as_object() else {
            return vec![format!("{version}: {} is no command", used.command)];
        };
        let mut problems = Vec::new();
        for name in &used.attributes {
            let name = name.trim_start_matches('!');
            let argument = if name == ".id" { "numbers" } else { name };
            if !arguments.contains_key(argument) {
                problems.push(format!(
                    "{version}: {} has no argument {name}",
                    used.command
                ));
            }
        }
        let known = self.properties(version, menu);
        let unknown = used
            .properties
            .iter()
            .filter(|name| !known.contains(**name));
        problems.extend(unknown.map(|name| format!("{version}: {menu} has no property {name}")));
        let mandatory = node["manual"]["arguments"]
            .as_object()
            .into_iter()
            .flatten();
        for (name, _) in mandatory.filter(|(_, it)| it["mandatory"] == true) {
            if verb == "add" && !used.attributes.contains(name.as_str()) {
                problems.push(format!("{version}: {} needs {name}", used.command));
            }
        }
        // OpenVPN's is a menu of one record or a list, by version; each is spoken to as it answered.
        let one_record = !arguments.contains_key("numbers") || menu == OVPN;
        let target = [".id", "numbers"];
        let aimed = one_record || target.iter().any(|it| used.attributes.contains(it));
        if matches!(verb, "set" | "remove") && !aimed {
            problems.push(format!("{version}: {} is about nothing", used.command));
        }
        problems
    }

    /// What `print` can show: arguments of `add` and `set`, and what is read-only.
    fn properties(&self, version: &str, menu: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::from([".id".to_owned()]);
        // Little is recorded of what is read-only in the IPv6 firewall; it is IPv4's with longer addresses.
        let twin = menu.replace("/ipv6/firewall/", "/ip/firewall/");
        for (version, menu) in [(version, menu), (TELLS_PROPERTIES, &twin)] {
            let node = &self.0[version][menu];
            let lists = node["properties"].as_array().into_iter().flatten();
            names.extend(lists.map(|name| name.as_str().unwrap().to_owned()));
            let objects = [
                &node["commands"]["add"],
                &node["commands"]["set"],
                &node["manual"]["arguments"],
                &node["manual"]["read_only"],
            ];
            let objects = objects.into_iter().filter_map(Value::as_object).flatten();
            names.extend(objects.map(|(name, _)| name.clone()));
            let flags = node["manual"]["flags"].as_object().into_iter().flatten();
            names.extend(flags.map(|(_, name)| name.as_str().unwrap().to_owned()));
        }
        names
    }
}

fn used_by(sentence: &Sentence) -> Use<'_> {
    let queries = sentence.queries().iter().filter_map(|query| match query {
        Query::Has(name) | Query::Equals(name, _) => Some(*name),
        Query::Or => None,
    });
    Use {
        command: sentence.path().as_str(),
        attributes: sentence
            .attributes()
            .iter()
            .map(|(name, _)| *name)
            .collect(),
        properties: sentence.proplist().iter().copied().chain(queries).collect(),
    }
}

fn check<'a>(schemas: &Schemas, uses: impl Iterator<Item = Use<'a>>) {
    let mut problems = BTreeSet::new();
    for used in uses {
        for (version, _) in SCHEMAS {
            problems.extend(schemas.problems(version, &used));
        }
    }
    assert_eq!(problems, BTreeSet::new());
}

// ---- the tests ----------------------------------------------------------------------------------

#[tokio::test]
async fn every_sentence_is_known_to_every_version() {
    let sentences = every_sentence().await;
    let prepared = prepared_and_restored(Version::V7_16).await;
    let said = sentences.iter().chain(&prepared);
    let said: BTreeSet<Path> = said.map(Sentence::path).collect();
    let all: BTreeSet<Path> = Path::ALL.iter().copied().collect();
    assert_eq!(said, all, "each command is said at least once here");
    check(&Schemas::load(), sentences.iter().map(used_by));
}

/// A line that writes down what is said over it.
struct Tapped {
    line: Box<dyn Line>,
    said: Arc<Mutex<Vec<Sentence>>>,
}

#[async_trait]
impl Line for Tapped {
    async fn exchange(&self, sentences: Vec<Sentence>, gate: Gate) -> Vec<Answer> {
        self.said.lock().unwrap().extend(sentences.iter().cloned());
        self.line.exchange(sentences, gate).await
    }

    async fn watch(
        &self,
        sentence: Sentence,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        self.line.watch(sentence).await
    }

    fn closed(&self) -> Option<Error> {
        self.line.closed()
    }

    fn close(&self) {
        self.line.close();
    }
}

/// Everything that preparing can have to say to a router of this version, in a first run, in one that mends what somebody
/// spoilt, and in taking it all back.
async fn prepared_and_restored(version: Version) -> Vec<Sentence> {
    let sim = Simulator::builder()
        .version(version)
        .account("ann", "pw")
        .account("site", "pw")
        .start()
        .await
        .unwrap();
    let administer = |command: &str, attributes: &[(&str, &str)]| {
        let mut said = routeros_api::Command::new(command);
        for (name, value) in attributes {
            said = said.attribute(*name, *value);
        }
        sim.administer(&said).unwrap()
    };
    for family in ["ip", "ipv6"] {
        let fasttrack = [("chain", "forward"), ("action", "fasttrack-connection")];
        administer(&format!("/{family}/firewall/mangle/add"), &fasttrack);
    }
    let binding = [("name", "l2tp-in1"), ("user", "site")];
    administer("/interface/l2tp-server/add", &binding);
    let connection = RouterConnection {
        host: "127.0.0.1".into(),
        port: sim.api_address().port(),
        transport: TransportKind::Api,
        user: "admin".into(),
        password: Secret::new(sim.admin_password()),
        pins: Vec::new(),
    };
    let line = Tapped {
        line: mikro2fa_router::connect(&connection).await.unwrap(),
        said: Arc::default(),
    };
    let login = Login {
        transport: TransportKind::Api,
        password: Secret::new("daily"),
        works: false,
        from: Some("127.0.0.1/32".into()),
    };
    let mut choices = Choices {
        subscribers: Subscribers::Cover,
        restrict_service: true,
        api_tls: Some("192.168.88.1".into()),
        strict_sources: true,
        fixed_addresses: Some(([10, 8, 7, 1].into(), [10, 8, 7, 9].into())),
        guarded: Guarded {
            rules: ["ann 2FA".into()].into(),
            ..Guarded::default()
        },
        webhook: Some(Webhook {
            url: "https://mikro2fa.example/hook/ppp".into(),
            key: Secret::new("m2fh_key"),
        }),
        ..Choices::new("admin", login)
    };
    let names = choices.names.clone();
    let journal = MemoryJournal::default();
    for round in 0..2 {
        if round == 1 {
            let group = [(".id", &*names.group), ("policy", "read,write,api,reboot")];
            administer("/user/group/set", &group);
            administer(
                "/interface/list/set",
                &[(".id", &names.covered), ("include", "static")],
            );
            administer(
                "/ppp/profile/set",
                &[(".id", &names.profile), ("on-up", "")],
            );
            for family in ["ip", "ipv6"] {
                let menu = format!("/{family}/firewall/filter");
                let find = |what: &str| {
                    let rows = sim.rows(&menu);
                    let of = |it: &&BTreeMap<String, String>| {
                        it.get("comment")
                            .is_some_and(|comment| comment.ends_with(what))
                    };
                    rows.iter().find(of).unwrap()[".id"].clone()
                };
                administer(&format!("{menu}/disable"), &[(".id", &find("banned"))]);
                administer(&format!("{menu}/move"), &[("numbers", &find("the switch"))]);
            }
            choices.exempt = ["site".into()].into();
            choices.guarded.secrets = ["ann".into()].into();
        }
        let mut survey = Survey::read(&line, &names).await.unwrap();
        let plan = prepare::plan(&survey, &choices);
        prepare::apply(&line, &mut survey, &names, &plan, &journal, &mut |_| ())
            .await
            .unwrap();
    }
    let ours = format!("mikro2fa abcdef01 {} 3", session(7));
    for (family, address) in [("ip", "10.8.0.4"), ("ipv6", "2001:db8::/56")] {
        let entry = [
            ("list", &*names.permit),
            ("address", address),
            ("comment", &ours),
            ("timeout", "1h"),
        ];
        administer(&format!("/{family}/firewall/address-list/add"), &entry);
    }
    let mut survey = Survey::read(&line, &names).await.unwrap();
    let entries = journal.entries().await.unwrap();
    let found = restore(&survey, &names, &entries, installation());
    prepare::apply(
        &line,
        &mut survey,
        &names,
        &found.plan,
        &journal,
        &mut |_| (),
    )
    .await
    .unwrap();
    let said = line.said.lock().unwrap();
    said.clone()
}

#[tokio::test]
async fn what_prepares_and_restores_a_router_is_known_to_its_version() {
    let schemas = Schemas::load();
    let mut problems = BTreeSet::new();
    for (version, _) in SCHEMAS {
        let said = prepared_and_restored(version.parse().unwrap()).await;
        for sentence in &said {
            problems.extend(schemas.problems(version, &used_by(sentence)));
        }
    }
    assert_eq!(problems, BTreeSet::new());
}

#[tokio::test]
async fn what_is_on_the_wire_is_known_to_every_version() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let office = office().user_manager_account("uma", "pw").version(version);
        let office = office.quirks(|quirks| quirks.incoming_port = 3799);
        let world = World::of(office).await;
        let administrator = world.administrator().await;
        for sentence in SET_UP {
            let mut words = sentence.split(' ');
            let command = ApiCommand::new(words.next().unwrap());
            // What the other version's User Manager has, this one's has not.
            let _ = administrator
                .call(words.fold(command, |it, word| it.word(word)))
                .await;
        }
        drop(administrator);
        world
            .sim
            .hotspot_login(HotspotLogin::new("ann", "pw"))
            .unwrap();
        world.sim.dial(Dial::new("uma", "pw")).unwrap();
        world.sim.clear_commands();
        check_what_is_said(&world).await;
        let users = if version.major == 6 {
            "/tool/user-manager"
        } else {
            "/user-manager"
        };
        for command in ["/user/print", "/session/close-session"] {
            let command = format!("{users}{command}");
            assert!(
                world.sim.commands_seen().contains_key(&command),
                "{command} of {version}"
            );
        }
    }
}

/// Over SSH the same sentences are scripts: of `find`, `get` and the same changes, with the same names in them.
#[tokio::test]
async fn what_is_on_a_console_line_is_known_to_every_version() {
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_16,
        Version::V7_22,
    ] {
        let world = World::over_ssh(office().version(version)).await;
        // Which finds out, too, what the console does not know.
        world.backend.identify().await.unwrap();
        world.sim.clear_commands();
        check_what_is_said(&world).await;
        // Which menus are one record in this version is found out by asking: until 7.16 this is one.
        let is_asked = |what: &str| {
            !version.at_least(7, 17) && what.contains("/interface ovpn-server server find")
        };
        let mut unknown = world.sim.unknown_commands();
        unknown.retain(|unknown| !is_asked(&unknown.what));
        assert_eq!(unknown, [], "{version}");
        let seen = world.sim.commands_seen();
        for said in [
            "/ppp/active/find",
            "/ppp/secret/get",
            "/ip/firewall/address-list/add",
        ] {
            assert!(seen.contains_key(said), "{version}: {said}");
        }
    }
}

async fn check_what_is_said(world: &World) {
    world.backend.identify().await.unwrap();
    for look in looks() {
        world.look(&look).await;
    }
    for _ in 0..2 {
        world.apply(&orders("elsewhere")).await;
    }
    let seen = world.sim.commands_seen();
    // A console's line is `:`, and what it says is written down beside it.
    // One record until 7.16 and a table since: a console line has the form that was found out by asking.
    let by_form = [
        "/interface/ovpn-server/server/find",
        "/interface/ovpn-server/server/get",
    ];
    let said = |command: &str| {
        command.starts_with('/') && command != "/login" && !by_form.contains(&command)
    };
    let uses = seen.iter().filter(|(command, _)| said(command));
    let uses = uses.map(|(command, seen)| Use {
        command,
        attributes: seen.attributes.iter().map(String::as_str).collect(),
        properties: (seen.proplist.iter().chain(&seen.queries))
            .map(String::as_str)
            .collect(),
    });
    check(&Schemas::load(), uses);
    let unknown = world.sim.commands().into_iter().filter(|it| {
        let trap = it.trap.as_deref().unwrap_or_default();
        trap.contains("unknown parameter") || trap.contains("value of")
    });
    assert_eq!(unknown.collect::<Vec<_>>(), []);
}

#[test]
fn what_no_version_has_is_found_out() {
    let schemas = Schemas::load();
    let problems = |command, attributes: &[&'static str], properties: &[&'static str]| {
        let used = Use {
            command,
            attributes: attributes.iter().copied().collect(),
            properties: properties.iter().copied().collect(),
        };
        schemas.problems("7.16.2", &used).len()
    };
    assert_eq!(problems("/ppp/secret/print", &["count-only"], &["name"]), 0);
    assert_eq!(problems("/ppp/secrets/print", &[], &[]), 1);
    let sixs = "/tool/user-manager/user/print";
    assert_eq!(problems(sixs, &[], &["username", "name"]), 0);
    assert_eq!(problems(sixs, &[], &["group"]), 1);
    assert_eq!(problems("/tool/user-manager/users/print", &[], &[]), 1);
    assert_eq!(problems("/ppp/secret/prints", &[], &[]), 1);
    assert_eq!(problems("/ppp/secret/set", &[".id", "disable"], &[]), 1);
    assert_eq!(problems("/ppp/secret/set", &["disabled"], &[]), 1);
    assert_eq!(
        problems("/ppp/active/print", &[], &["caller-id", "caller"]),
        1
    );
}
