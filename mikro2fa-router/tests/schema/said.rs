//! What can be said: to a router that writes down what it is told, and answers so that everything is.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use mikro2fa_core::{
    desk::{ListNames, SourceKind},
    router_backend::{Command, Fence, Look, Part, Prefix, RouterBackend},
    secret::Secret,
    testing::ManualClock,
    tunnel::{TunnelKey, TunnelSource},
};
use mikro2fa_router::{
    RouterOs, Settings,
    error::Error,
    gate::GateNames,
    logins::{LoginName, Logins as _, LoginsOver, NewLogin},
    sentence::{Path, Query, Sentence},
    survey::Survey,
    transport::{Abilities, Answer, End, Gate, Line, Refused, Transport},
};
use routeros_api::{Row, Rows, SentenceBuilder};

use crate::world::{NOW, installation, router, session};

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
        Path::UsersPrint | Path::Users6Print if asks_for(sentence, "new") => {
            let is_made = |it: &Sentence| matches!(it.path(), Path::UsersAdd | Path::Users6Add);
            if said.iter().any(is_made) {
                row(&[(".id", "*2"), ("name", "new"), ("disabled", "false")]);
            }
        }
        Path::UsersPrint | Path::Users6Print => row(&[
            (".id", "*1"),
            ("disabled", "true"),
            ("attributes", "Framed-IP-Address:10.8.0.9"),
        ]),
        Path::UserManagerPrint => row(&[("use-profiles", "yes")]),
        Path::Customers6Print => row(&[("login", "admin")]),
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
    let is = |property| Query::Equals(property, name.as_bytes().to_vec());
    let mut queries = sentence.queries().iter();
    queries.any(|it| [is("name"), is("username")].contains(it))
}

/// Everything that the desk does with logins.
async fn logins(recorder: &Recorder) {
    let mut logins = LoginsOver::new(recorder.clone());
    logins.list().await.unwrap();
    for kind in [SourceKind::PppSecrets, SourceKind::UserManager] {
        let which = |name: &str| LoginName {
            kind,
            name: name.into(),
        };
        // What is said counts here; that nothing is found changed afterwards is the recorder's.
        let _ = logins.enable(&which("ann"), true).await;
        let exempt = "mikro2fa-exempt-vpn".into();
        let _ = logins.move_to(&which("ann"), &exempt).await;
        let _ = logins.take_away(&which("ann")).await;
        let of_users = kind == SourceKind::UserManager;
        let new = NewLogin {
            which: which("new"),
            password: Secret::new("a password"),
            // Version 6 has none for users.
            profile: (!of_users || recorder.version.starts_with('7'))
                .then(|| "mikro2fa-vpn".into()),
            user_profile: of_users.then(|| "office hours".into()),
            service: (!of_users).then(|| "l2tp".into()),
            remote_address: Some("10.8.0.9".into()),
            comment: "".into(),
        };
        let without = NewLogin {
            user_profile: None,
            ..new.clone()
        };
        let _ = logins.make(&without).await;
        let _ = logins.make(&new).await;
    }
    let _ = logins.cut(&"ann".into()).await;
}

pub(crate) fn orders(known: &str) -> Vec<Command> {
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
pub(crate) const SET_UP: [&str; 5] = [
    "/ip/hotspot/user/add =name=ann =password=pw",
    "/radius/incoming/set =accept=yes",
    "/tool/user-manager/router/set =.id=here =use-coa=yes",
    "/tool/user-manager/user/set =.id=uma =ip-address=10.8.0.4",
    "/user-manager/user/set =.id=uma =attributes=Framed-IP-Address:10.8.0.4",
];

pub(crate) fn looks() -> [Look; 3] {
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

pub(crate) async fn every_sentence() -> Vec<Sentence> {
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
