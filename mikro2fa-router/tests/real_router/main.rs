//! The contract of the router port, kept on a real router: `docs/REAL-ROUTER.md` says how, and what it does there. Without the
//! variables it passes and does nothing. That it leaves nothing behind is tried on a simulated router each time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure here fails its test"
)]

#[path = "../support/listed.rs"]
mod listed;
mod tagging;
mod target;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_core::future::BoxFuture;
use mikro2fa_core::{
    conformance::{
        router_backend::{self as suite, ListedEntry, Means, RouterBench},
        watched,
    },
    desk::ListNames,
    engine::SystemClock,
    id::{InstallationId, RouterId},
    router_backend::{Prefix, RouterBackend},
    testing::SeenPart,
    time::{Clock, Timestamp},
};
use mikro2fa_router::{
    Api, ApiConfig, RouterOs, Settings,
    simulator::{Simulator, Version},
};
use routeros_api::{Client, Command as ApiCommand, Rows};
use uuid::Uuid;

use crate::{
    listed::LIST,
    tagging::Tagging,
    target::{Tag, Target},
};

const FILTER: &str = "/ip/firewall/filter";
const SECRET: &str = "/ppp/secret";

/// A bench on the router.
#[derive(Clone)]
struct Bench {
    target: Target,
    tag: Tag,
    clock: Arc<SystemClock>,
    backend: Arc<Tagging>,
    hand: Client,
}

impl Bench {
    async fn new(target: &Target, tag: &Tag) -> Self {
        let clock = Arc::new(SystemClock::new());
        let names = ListNames {
            permit: tag.list("permit").into(),
            ban: tag.list("ban").into(),
            ..ListNames::default()
        };
        let transport = Api::new(ApiConfig::of(&target.connection).unwrap());
        let inner = RouterOs::new(
            transport,
            router(),
            names,
            InstallationId::from_uuid(Uuid::new_v4()),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Settings::default(),
        );
        Self {
            target: target.clone(),
            tag: tag.clone(),
            clock,
            backend: Arc::new(Tagging {
                inner,
                tag: tag.clone(),
            }),
            hand: target.hand().await,
        }
    }

    async fn rows(&self, menu: &str, only: &[&str]) -> Vec<BTreeMap<String, String>> {
        let print = ApiCommand::new(format!("{menu}/print")).proplist(only);
        let answer = self.hand.call(print).await.unwrap();
        read(&answer.rows, only)
    }

    async fn tell(&self, command: ApiCommand) {
        self.hand.call(command).await.unwrap();
    }

    async fn listed(&self, which: &str) -> Vec<ListedEntry> {
        let only = ["list", "address", "timeout", "comment"];
        listed::listed(self.rows(LIST, &only).await, &self.tag.list(which))
    }

    async fn put(&self, which: &str, entry: &ListedEntry) {
        self.tell(listed::add(&self.tag.list(which), entry)).await;
    }

    async fn secrets(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let name = self.tag.on(name);
        let rows = self.rows(SECRET, &[".id", "name", "disabled"]).await;
        rows.into_iter().filter(|row| row["name"] == name).collect()
    }

    async fn rules_of(&self, comment: &str) -> Vec<BTreeMap<String, String>> {
        let comment = self.tag.on(comment);
        let rows = self.rows(FILTER, &[".id", "comment", "disabled"]).await;
        let of = rows.into_iter();
        of.filter(|row| row.get("comment") == Some(&comment))
            .collect()
    }
}

fn read(rows: &Rows, only: &[&str]) -> Vec<BTreeMap<String, String>> {
    rows.iter()
        .map(|row| {
            let known = only.iter().filter_map(|name| {
                let value = row.bytes(name)?;
                Some((
                    (*name).to_owned(),
                    String::from_utf8_lossy(value).into_owned(),
                ))
            });
            known.collect()
        })
        .collect()
}

/// Takes away all that was made under a tag; says what it was.
async fn clean(target: &Target, tag: &Tag) -> usize {
    let hand = target.hand().await;
    let mut gone = 0;
    for (menu, name) in [(SECRET, "name"), (LIST, "list"), (FILTER, "chain")] {
        let print = ApiCommand::new(format!("{menu}/print")).proplist(&[".id", name]);
        let rows = hand.call(print).await.unwrap().rows;
        for row in read(&rows, &[".id", name]) {
            let ours = row.get(name).is_some_and(|value| {
                tag.off(value).is_some() || value.strip_prefix(&*tag.0).is_some()
            });
            if !ours {
                continue;
            }
            let remove = ApiCommand::new(format!("{menu}/remove")).attribute(".id", &row[".id"]);
            match hand.call(remove).await {
                Ok(_) => gone += 1,
                // An entry may lapse while we are at it.
                Err(error) => assert!(error.to_string().contains("no such item"), "{error}"),
            }
        }
    }
    gone
}

fn router() -> RouterId {
    RouterId::from_uuid(Uuid::from_u128(1))
}

#[async_trait]
impl RouterBench for Bench {
    fn backend(&self) -> Arc<dyn RouterBackend> {
        Arc::clone(&self.backend) as Arc<dyn RouterBackend>
    }

    fn router(&self) -> RouterId {
        router()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A real router is not rebooted, cut off or made to lose replies, and its time goes by as ours does.
    fn lacks(&self, _means: Means) -> bool {
        true
    }

    async fn add_account(&self, name: &str) {
        // Nobody can log in with it: the password is thrown away.
        let secret = ApiCommand::new(format!("{SECRET}/add"))
            .attribute("name", self.tag.on(name))
            .attribute("password", Uuid::new_v4().simple().to_string())
            .attribute("service", "l2tp")
            .attribute("comment", &*self.tag.0);
        self.tell(secret).await;
    }

    async fn is_enabled(&self, name: &str) -> bool {
        let secrets = self.secrets(name).await;
        assert_eq!(secrets.len(), 1, "{name}");
        secrets[0].get("disabled").is_none_or(|it| it == "false")
    }

    async fn dial(&self, _account: &str, _address: Ipv4Addr) {
        panic!("nobody dials in here: leave this case out");
    }

    async fn hang_up(&self, _account: &str) {
        panic!("nobody dials in here: leave this case out");
    }

    async fn is_up(&self, _account: &str) -> bool {
        panic!("nobody dials in here: leave this case out");
    }

    async fn permits(&self) -> Vec<ListedEntry> {
        self.listed("permit").await
    }

    async fn bans(&self) -> Vec<ListedEntry> {
        self.listed("ban").await
    }

    async fn put_permit(&self, entry: &ListedEntry) {
        self.put("permit", entry).await;
    }

    async fn remove_permit(&self, address: Prefix) {
        let list = self.tag.list("permit");
        for row in self.rows(LIST, &[".id", "list", "address"]).await {
            if row["list"] == list && listed::prefix(&row["address"]) == address {
                let remove = ApiCommand::new(format!("{LIST}/remove"));
                self.tell(remove.attribute(".id", &row[".id"])).await;
            }
        }
    }

    async fn put_ban(&self, entry: &ListedEntry) {
        self.put("ban", entry).await;
    }

    async fn add_rule(&self, comment: &str, enabled: bool) {
        // In a chain of its own, to which nothing jumps.
        let rule = ApiCommand::new(format!("{FILTER}/add"))
            .attribute("chain", &*self.tag.0)
            .attribute("action", "accept")
            .attribute("disabled", if enabled { "no" } else { "yes" })
            .attribute("comment", self.tag.on(comment));
        self.tell(rule).await;
    }

    async fn rules(&self, comment: &str) -> Vec<bool> {
        let rules = self.rules_of(comment).await.into_iter();
        rules
            .map(|row| row.get("disabled").is_none_or(|it| it == "false"))
            .collect()
    }

    async fn remove_rules(&self, comment: &str) {
        for row in self.rules_of(comment).await {
            let remove = ApiCommand::new(format!("{FILTER}/remove"));
            self.tell(remove.attribute(".id", &row[".id"])).await;
        }
    }

    async fn track(&self, _address: IpAddr) {
        panic!("no packet flows here: leave this case out");
    }

    async fn tracks(&self, _address: IpAddr) -> bool {
        panic!("no packet flows here: leave this case out");
    }

    async fn advance(&self, _by: Duration) {}

    async fn reboot(&self) {}

    async fn lose_next_reply(&self) {}

    async fn lose_next_command(&self) {}

    async fn break_off_next_look(&self, _part: SeenPart) {}

    async fn cut_off(&self, _off: bool) {}

    async fn break_watches(&self) {}
}

type Case = (&'static str, fn(Bench) -> BoxFuture<'static, ()>);

macro_rules! cases {
    ($($case:ident,)*) => {
        &[$((stringify!($case), |bench| {
            Box::pin(async move { suite::$case(&bench).await })
        }),)*]
    };
}

/// Those that need no VPN client, no packet, no fault and no jump in time.
const CASES: &[Case] = cases! {
    a_router_says_what_it_is,
    an_empty_batch_does_nothing,
    an_account_is_disabled_and_enabled,
    an_unknown_account_is_refused,
    a_rule_is_enabled_and_disabled,
    an_ambiguous_rule_is_refused,
    a_vanished_rule_is_refused,
    an_unmarked_rule_is_not_changed,
    hostile_names_are_only_names,
    a_fence_that_holds_lets_through,
    a_permit_has_a_time_out,
    our_own_permit_is_replaced,
    permitting_twice_is_one_entry,
    a_foreign_entry_refuses_a_permit,
    a_prefix_can_be_permitted,
    a_renewed_permit_lives_on,
    renewing_what_has_gone_is_refused,
    revoking_twice_is_already_so,
    a_foreign_entry_is_not_revoked,
    a_ban_is_put_and_lifted,
    a_foreign_ban_is_not_lifted,
    a_dropped_batch_breaks_nothing,
    a_watch_begins_with_a_gap,
    only_what_was_asked_for_is_told,
    permits_can_be_asked_for_by_address,
    accounts_can_be_asked_for_by_name,
    only_marked_rules_are_seen,
    it_is_told_whose_an_entry_is,
};

/// Plays the cases one after the other, and takes away after each what it made, also where it failed. Those that failed.
async fn play(target: &Target, cases: &[Case]) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, case) in cases {
        let tag = Tag::new();
        let bench = Bench::new(target, &tag).await;
        // A task of its own: what panics in it is over, and we are not.
        let played = tokio::spawn(watched(name, case(bench))).await;
        let gone = clean(target, &tag).await;
        let word = if played.is_ok() { "well  " } else { "FAILED" };
        println!("{word} {name}: {gone} of ours taken away");
        if played.is_err() {
            failed.push(*name);
        }
    }
    failed
}

#[tokio::test]
async fn a_real_router_keeps_the_contract() {
    let Some(target) = Target::from_environment() else {
        println!("skipped: MIKRO2FA_REAL_ROUTER names no router; docs/REAL-ROUTER.md says more");
        return;
    };
    println!(
        "on {}, as {}",
        target.connection.host, target.connection.user
    );
    assert_eq!(play(&target, CASES).await, [""; 0]);
}

/// A router as somebody has it, and a login for this test alone.
async fn somebodys(version: Version) -> (Simulator, Target) {
    let sim = Simulator::builder()
        .version(version)
        .account("ann", "pw")
        .user("tester", "pw", "write")
        .listed("blocked", [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))])
        .start()
        .await
        .unwrap();
    let target = Target::of(&sim);
    (sim, target)
}

/// All that stands in the menus in which the test makes something, without ids and counters.
fn everything(sim: &Simulator) -> Vec<BTreeMap<String, String>> {
    let menus = [
        "/ppp/profile",
        SECRET,
        LIST,
        FILTER,
        "/ipv6/firewall/filter",
    ];
    menus.iter().flat_map(|menu| sim.rows(menu)).collect()
}

#[tokio::test]
async fn the_mode_works_and_leaves_nothing_behind() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let (sim, target) = somebodys(version).await;
        let before = everything(&sim);
        assert_eq!(play(&target, CASES).await, [""; 0], "{version}");
        assert_eq!(everything(&sim), before, "{version}");
    }
}

#[tokio::test]
async fn a_case_that_fails_leaves_nothing_behind_either() {
    let (sim, target) = somebodys(Version::V7_16).await;
    let before = everything(&sim);
    let broken: Case = ("broken", |bench| {
        Box::pin(async move {
            bench.add_account("ann").await;
            bench.add_rule("2FA ann", true).await;
            let address = Prefix::host(Ipv4Addr::new(10, 8, 0, 4).into());
            let comment = "by hand".to_owned();
            bench
                .put_permit(&ListedEntry {
                    address,
                    left: None,
                    comment,
                })
                .await;
            assert_eq!(bench.target.connection.port, 0, "this is to fail");
        })
    });
    assert_eq!(play(&target, &[broken, CASES[0]]).await, ["broken"]);
    assert_eq!(everything(&sim), before);
    // Another run's things are not ours.
    let (mine, other) = (Tag::new(), Tag::new());
    let bench = Bench::new(&target, &other).await;
    bench.add_account("ann").await;
    assert_eq!(clean(&target, &mine).await, 0);
    assert_eq!(clean(&target, &other).await, 1);
}
