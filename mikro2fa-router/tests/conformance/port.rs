//! What the suite asks of a router.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use mikro2fa_core::{
    conformance::router_backend::{GateDamage, ListedEntry, RouterBench},
    id::RouterId,
    router_backend::{Prefix, RouterBackend},
    testing::SeenPart,
    time::{Clock, Timestamp},
};
use mikro2fa_router::simulator::{Dial, Fault, Flow, On, Reachability, Then};
use routeros_api::Command as ApiCommand;

use crate::{bench::Bench, listed::LIST, world};

#[async_trait]
impl RouterBench for Bench {
    fn backend(&self) -> Arc<dyn RouterBackend> {
        Arc::clone(&self.backend) as Arc<dyn RouterBackend>
    }

    fn router(&self) -> RouterId {
        world::router()
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    async fn add_account(&self, name: &str) {
        let secret = ApiCommand::new("/ppp/secret/add")
            .attribute("name", name)
            .attribute("password", "pw")
            .attribute("profile", &self.sim().names().profile);
        self.administer(secret).await;
    }

    async fn is_enabled(&self, name: &str) -> bool {
        let secrets = self.sim().rows("/ppp/secret");
        let secret = secrets.iter().find(|row| row["name"] == name).unwrap();
        secret["disabled"] == "false"
    }

    async fn add_user_manager_account(&self, name: &str) {
        let (menu, _) = self.users();
        let add = ApiCommand::new(format!("{menu}/add")).attribute("password", "pw");
        if menu.starts_with("/tool") {
            // Which of the two names this build knows is found out as a client would.
            let add = add.attribute("customer", "admin");
            let administrator = self.world.administrator().await;
            let named = add.clone().attribute("username", name);
            if administrator.call(named).await.is_err() {
                administrator
                    .call(add.attribute("name", name))
                    .await
                    .unwrap();
            }
            let profile = ApiCommand::new(format!("{menu}/create-and-activate-profile"))
                .attribute("numbers", &self.user(name).unwrap()[".id"])
                .attribute("customer", "admin")
                .attribute("profile", "default");
            administrator.call(profile).await.unwrap();
        } else {
            self.administer(add.attribute("name", name)).await;
        }
    }

    async fn is_user_manager_account_enabled(&self, name: &str) -> bool {
        self.user(name).unwrap()["disabled"] == "false"
    }

    async fn dial(&self, account: &str, address: Ipv4Addr) {
        let secrets = self.sim().rows("/ppp/secret");
        let secret = secrets.iter().find(|row| row["name"] == account);
        let (menu, id, property, value) = match secret {
            Some(row) => (
                "/ppp/secret",
                row[".id"].clone(),
                "remote-address",
                address.to_string(),
            ),
            None => {
                let (menu, _) = self.users();
                let id = self.user(account).unwrap()[".id"].clone();
                if menu.starts_with("/tool") {
                    (menu, id, "ip-address", address.to_string())
                } else {
                    (
                        menu,
                        id,
                        "attributes",
                        format!("Framed-IP-Address:{address}"),
                    )
                }
            }
        };
        let fixed = ApiCommand::new(format!("{menu}/set"))
            .attribute(".id", id)
            .attribute(property, value);
        self.administer(fixed).await;
        self.sim().dial(Dial::new(account, "pw")).unwrap();
        self.settle();
    }

    async fn hang_up(&self, account: &str) {
        for tunnel in self.sim().tunnels_of(account) {
            tunnel.hang_up();
        }
    }

    async fn is_up(&self, account: &str) -> bool {
        self.settle();
        !self.sim().tunnels_of(account).is_empty()
    }

    async fn permits(&self) -> Vec<ListedEntry> {
        self.listed("mikro2fa-permit")
    }

    async fn bans(&self) -> Vec<ListedEntry> {
        self.listed("mikro2fa-ban")
    }

    async fn put_permit(&self, entry: &ListedEntry) {
        self.put("mikro2fa-permit", entry).await;
    }

    async fn remove_permit(&self, address: Prefix) {
        let address = address.to_string();
        self.remove(LIST, |name, value| name == "address" && value == address)
            .await;
    }

    async fn put_ban(&self, entry: &ListedEntry) {
        self.put("mikro2fa-ban", entry).await;
    }

    async fn add_rule(&self, comment: &str, enabled: bool) {
        let rule = ApiCommand::new("/ip/firewall/filter/add")
            .attribute("chain", "forward")
            .attribute("action", "accept")
            .attribute("disabled", if enabled { "no" } else { "yes" })
            .attribute("comment", comment);
        self.administer(rule).await;
    }

    async fn rules(&self, comment: &str) -> Vec<bool> {
        let rules = self.sim().rows("/ip/firewall/filter").into_iter();
        let of = rules.filter(|row| row.get("comment").is_some_and(|it| it == comment));
        of.map(|row| row["disabled"] == "false").collect()
    }

    async fn remove_rules(&self, comment: &str) {
        let menu = "/ip/firewall/filter";
        self.remove(menu, |name, value| name == "comment" && value == comment)
            .await;
    }

    async fn track(&self, address: IpAddr) {
        let flow = Flow::between([192, 168, 88, 10], address);
        assert!(self.sim().send(&flow).passes());
    }

    async fn tracks(&self, address: IpAddr) -> bool {
        let address = address.to_string();
        let rows = self.sim().rows("/ip/firewall/connection");
        rows.iter().any(|row| {
            let host = |name: &str| row[name].split(':').next() == Some(address.as_str());
            host("src-address") || host("dst-address")
        })
    }

    async fn advance(&self, by: Duration) {
        self.world.advance(by);
    }

    async fn reboot(&self) {
        self.sim().reboot();
        self.sim().until(|sim| sim.connection_count() == 0).await;
    }

    async fn lose_next_reply(&self) {
        self.lose_next(&Fault::CutAfter);
    }

    async fn lose_next_command(&self) {
        self.lose_next(&Fault::CutBefore);
    }

    async fn break_off_next_look(&self, part: SeenPart) {
        let menu = match part {
            SeenPart::Tunnels => "/ppp/active",
            SeenPart::Permits | SeenPart::Bans => LIST,
            SeenPart::Accounts => "/ppp/secret",
            SeenPart::Rules => "/ip/firewall/filter",
            SeenPart::Gate => "/interface/list",
        };
        let gone = "no such item (4)".to_owned();
        let fault = match self.reads {
            "print" => Fault::Partial {
                rows: 1,
                then: Then::Trap(gone),
            },
            _ => Fault::trap(gone),
        };
        let path = format!("{menu}/{}", self.reads);
        self.sim().inject(On::command(path).once(), fault);
    }

    async fn cut_off(&self, off: bool) {
        let reachability = if off {
            Reachability::Refusing
        } else {
            Reachability::Reachable
        };
        self.sim().set_reachability(reachability);
        let address = self.sim().api_address();
        while tokio::net::TcpStream::connect(address).await.is_ok() == off {}
    }

    async fn break_watches(&self) {
        self.sim().cut_connections();
    }

    fn can_damage_gate(&self) -> bool {
        true
    }

    fn damages(&self) -> &'static [GateDamage] {
        // Over the console each look and each step is a line of its own.
        if self.reads == "print" && !self.sets_hooks {
            // All but the one that only a login with the policy `policy` could mend there: see the test below.
            &[
                GateDamage::DisablesAJump,
                GateDamage::DisablesAllJumps,
                GateDamage::RemovesAJump,
                GateDamage::MovesAJumpDown,
                GateDamage::DisablesADrop,
                GateDamage::RemovesADrop,
                GateDamage::NarrowsADrop,
                GateDamage::TurnsTheChainOver,
                GateDamage::RemovesACompanion,
                GateDamage::EmptiesTheCover,
                GateDamage::RepointsAServer,
            ]
        } else if self.reads == "print" {
            &GateDamage::ALL
        } else {
            &[GateDamage::DisablesAJump, GateDamage::RemovesADrop]
        }
    }

    async fn damage_gate(&self, damage: GateDamage) {
        self.damage(damage).await;
    }

    async fn put_rule_above(&self) {
        let first = self.id_of(|row| row["dynamic"] != "true").unwrap();
        let rule = ApiCommand::new("/ip/firewall/filter/add")
            .attribute("chain", "forward")
            .attribute("action", "accept")
            .attribute("comment", "somebody's")
            .attribute("place-before", first);
        self.administer(rule).await;
    }

    async fn put_emergency(&self, address: Ipv4Addr, left: Duration) {
        let entry = ListedEntry {
            address: Prefix::host(address.into()),
            left: Some(left),
            comment: "by hand".to_owned(),
        };
        self.put("mikro2fa-emergency", &entry).await;
    }
}
