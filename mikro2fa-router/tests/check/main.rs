//! The doctor against simulated routers: what it answers, what it finds, what mends it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here fails its test"
)]

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{
    desk::{AccountKind, Mode, RouterConnection, RouterDesk, TransportKind},
    directory::Directory as _,
    secret::Secret,
    testing::{Desk, ManualClock, MemoryStore},
    time::Timestamp,
};
use mikro2fa_router::{
    check::{Answer, Finding, Level, Report, examine},
    simulator::{Dial, Flow, PreparedNames, SimClock, Simulator, SimulatorBuilder, Version},
};
use routeros_api::{Client, Command, Options};

mod doors;
mod gate;

const NOW: Timestamp = Timestamp(1_763_000_000_000);
const FILTER: &str = "/ip/firewall/filter";

struct Ward {
    sim: Simulator,
    desk: RouterDesk,
}

fn office() -> SimulatorBuilder {
    Simulator::builder()
        .prepared(PreparedNames::default())
        .account("ann", "pw")
        .exempt_account("site", "pw")
}

impl Ward {
    async fn new() -> Self {
        Self::of(office()).await
    }

    async fn of(builder: SimulatorBuilder) -> Self {
        let clock = SimClock::manual();
        let sim = builder.clock(clock).start().await.unwrap();
        let store = MemoryStore::new(Arc::new(ManualClock::new(NOW)));
        let mut desk = Desk::new(NOW);
        let id = desk.router("office");
        let ann = desk.user("Ann", 1001);
        desk.account(id, "ann", Some(ann));
        let site = desk.account(id, "site", None);
        desk.account_mut(site).kind = AccountKind::Exempt;
        desk.router_mut(id).connection = RouterConnection {
            host: "127.0.0.1".into(),
            port: sim.api_address().port(),
            transport: TransportKind::Api,
            user: sim.names().user.as_str().into(),
            password: Secret::new(sim.daily_password()),
            pins: Vec::new(),
        };
        desk.fill(&store).await.unwrap();
        let desk = store.router_desk(id).await.unwrap().unwrap();
        Self { sim, desk }
    }

    async fn report(&self) -> Report {
        examine(&self.desk, NOW).await.unwrap()
    }

    async fn administer(&self, command: Command) {
        let options = Options::new(
            self.sim.api_address().to_string(),
            "admin",
            self.sim.admin_password(),
        );
        let client = Client::connect(&options).await.unwrap();
        client.call(command).await.unwrap();
    }

    /// An accept rule as the first of its chain.
    async fn on_top(&self, chain: &str, matchers: &[(&str, &str)]) {
        let rows = self.sim.rows(FILTER);
        let first = rows.iter().find(|row| row["dynamic"] != "true").unwrap();
        let add = Command::new(format!("{FILTER}/add"))
            .attribute("chain", chain)
            .attribute("action", "accept")
            .attribute("comment", "somebody's")
            .attribute("place-before", &first[".id"]);
        let add = matchers
            .iter()
            .fold(add, |add, (name, value)| add.attribute(*name, *value));
        self.administer(add).await;
    }
}

fn of<'r>(report: &'r Report, code: &str) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| finding.code == code)
}
