//! What preparing and restoring have to say.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    secret::Secret,
};
use mikro2fa_router::{
    error::Error,
    gate::Guarded,
    prepare::{self, Choices, Journal, Login, MemoryJournal, Subscribers, Webhook},
    restore::restore,
    sentence::Sentence,
    simulator::{Simulator, Version},
    survey::Survey,
    transport::{Answer, Gate, Line},
};

use crate::world::{installation, session};

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
pub(crate) async fn prepared_and_restored(version: Version) -> Vec<Sentence> {
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
