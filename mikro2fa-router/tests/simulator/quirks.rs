//! The switches for what no source settles, where no other test turns them.

use std::time::Duration;

use mikro2fa_router::simulator::{
    Dial, Flow, LoginRefusal, QueryBooleans, Quirks, Simulator, Version,
};
use routeros_api::Command;

use crate::wire::{Client, command, prepared};

const OFFICE: [u8; 4] = [192, 168, 88, 10];

async fn router(change: impl FnOnce(&mut Quirks)) -> (Simulator, Client) {
    let sim = prepared().quirks(change).start().await.unwrap();
    let client = Client::admin(&sim).await;
    (sim, client)
}

#[tokio::test]
async fn a_profile_may_put_its_tunnels_on_lists_late() {
    let (sim, mut client) =
        router(|quirks| quirks.membership_after = Duration::from_millis(200)).await;
    client
        .say("/ppp/profile/set =.id=mikro2fa-exempt-vpn =address-list=sites")
        .await
        .ok();
    let site = sim.dial(Dial::new("site", "pw")).unwrap();
    // All tunnels are covered: late membership of the exempt list only holds what need not be held.
    assert!(sim.would_pass(&Flow::between(&site, OFFICE)).is_dropped());
    sim.advance(Duration::from_millis(200));
    assert!(sim.would_pass(&Flow::between(&site, OFFICE)).passes());
    assert!(
        sim.rows("/ip/firewall/address-list")
            .iter()
            .any(|row| row["list"] == "sites")
    );
}

#[tokio::test]
async fn entries_of_a_profile_may_be_there_to_stay() {
    for removable in [true, false] {
        let (sim, mut client) = router(|quirks| quirks.profile_entries_removable = removable).await;
        client
            .say("/ppp/profile/set =.id=mikro2fa-vpn =address-list=pending")
            .await
            .ok();
        sim.dial(Dial::new("ann", "pw")).unwrap();
        let entry = client
            .say("/ip/firewall/address-list/print ?list=pending")
            .await
            .rows
            .remove(0);
        let answer = client
            .say(&format!(
                "/ip/firewall/address-list/remove =.id={}",
                entry[".id"]
            ))
            .await;
        assert_eq!(answer.traps.is_empty(), removable);
    }
}

#[tokio::test]
async fn version_6_may_take_true() {
    for takes in [true, false] {
        let sim = prepared()
            .version(Version::V6_49)
            .quirks(|quirks| quirks.v6_takes_true = takes)
            .start()
            .await
            .unwrap();
        let mut client = Client::admin(&sim).await;
        let answer = client.say("/ppp/secret/set =.id=ann =disabled=true").await;
        assert_eq!(answer.traps.is_empty(), takes);
    }
}

#[tokio::test]
async fn a_failed_login_may_close_the_connection() {
    let (sim, _client) = router(|quirks| quirks.failed_login_closes = true).await;
    let mut client = Client::connect(sim.api_address()).await;
    client.send(command("/login =name=admin =password=x")).await;
    assert_eq!(client.answer().await.traps.len(), 1);
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn the_list_dynamic_may_not_hold_tunnels() {
    for holds in [true, false] {
        let (sim, _client) = router(|quirks| quirks.dynamic_list_has_ppp = holds).await;
        let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
        assert_eq!(
            sim.would_pass(&Flow::between(&ann, OFFICE)).is_dropped(),
            holds
        );
    }
}

#[tokio::test]
async fn a_bypass_may_outlive_the_row_of_its_connection() {
    for outlives in [true, false] {
        let (sim, mut client) = router(|quirks| quirks.fasttrack_outlives_removal = outlives).await;
        let surfing = Flow::between(OFFICE, [8, 8, 8, 8]);
        assert!(sim.send(&surfing).passes() && sim.send(&surfing).fasttracked);
        let row = sim.rows("/ip/firewall/connection").remove(0);
        assert_eq!(row["fasttrack"], "true");
        client
            .say(&format!(
                "/ip/firewall/connection/remove =.id={}",
                row[".id"]
            ))
            .await
            .ok();
        assert_eq!(sim.send(&surfing).why.contains("fasttracked"), outlives);
    }
}

#[tokio::test]
async fn ports_may_stand_apart_from_addresses() {
    let shown = async |version: Version, quirk: Option<bool>| {
        let sim = prepared()
            .version(version)
            .quirks(|quirks| quirks.connection_ports_apart = quirk)
            .start()
            .await
            .unwrap();
        assert!(
            sim.send(&Flow::between(OFFICE, [8, 8, 8, 8]).tcp(443))
                .passes()
        );
        let row = sim.rows("/ip/firewall/connection").remove(0);
        (row["dst-address"].clone(), row.get("dst-port").cloned())
    };
    let behind = ("8.8.8.8:443".to_owned(), None);
    let apart = ("8.8.8.8".to_owned(), Some("443".to_owned()));
    assert_eq!(shown(Version::V7_16, None).await, behind);
    assert_eq!(shown(Version::V7_20, None).await, apart);
    assert_eq!(shown(Version::V7_16, Some(true)).await, apart);
    assert_eq!(shown(Version::V7_20, Some(false)).await, behind);
}

#[tokio::test]
async fn the_administrator_at_the_router_needs_no_connection() {
    let (sim, _client) = router(|_| ()).await;
    sim.clear_commands();
    let add = Command::new("/ip/firewall/address-list/add")
        .attribute("list", "x")
        .attribute("address", "10.0.0.1");
    let id = sim.administer(&add).unwrap();
    assert!(id.starts_with('*'));
    assert_eq!(
        sim.administer(&add),
        Err("failure: already have such entry".to_owned())
    );
    let remove = Command::new("/ip/firewall/address-list/remove").attribute(".id", id);
    assert_eq!(sim.administer(&remove), Ok(String::new()));
    assert!(sim.commands().is_empty());
}

#[tokio::test]
async fn who_may_not_use_the_api_may_be_told_so() {
    let texts = [
        (
            LoginRefusal::AsWrongPassword,
            "invalid user name or password (6)",
        ),
        (LoginRefusal::NotPermitted, "not enough permissions (9)"),
    ];
    for (refusal, text) in texts {
        let (sim, mut admin) = router(|quirks| quirks.login_refusal = refusal).await;
        admin
            .say("/user/group/add =name=web =policy=web,read")
            .await
            .ret();
        admin
            .say("/user/add =name=walter =group=web =password=pw")
            .await
            .ret();
        let mut walter = Client::connect(sim.api_address()).await;
        let right = walter.say("/login =name=walter =password=pw").await;
        assert_eq!(right.trap(), text);
        let wrong = walter.say("/login =name=walter =password=x").await;
        assert_eq!(wrong.trap(), "invalid user name or password (6)");
    }
}

#[tokio::test]
async fn queries_may_want_booleans_as_they_are_printed_or_as_they_are_written() {
    for (booleans, by_no, by_false) in [
        (QueryBooleans::Either, "3", "3"),
        (QueryBooleans::TrueFalse, "0", "3"),
        (QueryBooleans::YesNo, "3", "0"),
    ] {
        let (_sim, mut client) = router(|quirks| quirks.query_booleans = booleans).await;
        for (word, count) in [("no", by_no), ("false", by_false)] {
            let print = format!("/ppp/secret/print =count-only= ?disabled={word}");
            assert_eq!(client.say(&print).await.ret(), count, "{booleans:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_cancel_may_come_last() {
    let (_sim, mut client) = router(|quirks| quirks.cancel_is_answered_last = true).await;
    client.send(command("/ppp/active/listen .tag=x")).await;
    client.send(command("/cancel =tag=x .tag=y")).await;
    assert_eq!(client.words().await[0], "!trap");
    assert_eq!(client.words().await, ["!done", ".tag=x"]);
    assert_eq!(client.words().await, ["!done", ".tag=y"]);
}

#[tokio::test]
async fn listen_may_tell_less_or_more() {
    let late = |quirks: &mut Quirks| quirks.address_after = Some(Duration::from_secs(1));
    for tells in [true, false] {
        let (sim, mut client) = router(|quirks| {
            late(quirks);
            quirks.listen_tells_addresses = tells;
            quirks.listen_heeds_proplist = tells;
        })
        .await;
        client
            .send(command("/ppp/active/listen =.proplist=name .tag=1"))
            .await;
        client.say("/system/identity/print").await;
        sim.dial(Dial::new("ann", "pw")).unwrap();
        assert_eq!(client.words().await.len() == 3, tells);
        sim.advance(Duration::from_secs(1));
        client.send(command("/system/identity/print .tag=2")).await;
        let next = client.words().await;
        assert_eq!(next[1] == ".tag=1", tells, "{next:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_going_may_be_gone() {
    for gone in [true, false] {
        let (sim, mut client) = router(|quirks| {
            quirks.removal_takes = Duration::from_secs(1);
            quirks.going_is_gone = gone;
        })
        .await;
        let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
        let remove = format!("/ppp/active/remove =.id={}", ann.active_id().unwrap());
        client.say(&remove).await.ok();
        assert!(ann.is_up(), "it takes a second");
        assert_eq!(client.say(&remove).await.traps.len(), usize::from(gone));
        sim.advance(Duration::from_secs(1));
        assert!(!ann.is_up());

        // A client that went without a word can be cut all the same.
        let bob = sim.dial(Dial::new("bob", "pw")).unwrap();
        let remove = format!("/ppp/active/remove =.id={}", bob.active_id().unwrap());
        bob.crash();
        client.say(&remove).await.ok();
        sim.advance(Duration::from_secs(1));
        assert!(!bob.is_up());
    }
}

#[tokio::test]
async fn profiles_scripts_may_need_more_rights_have_fewer_and_come_back_changed() {
    let (sim, mut admin) = router(|quirks| {
        quirks.hooks_need_policy = true;
        quirks.scripts_get_crlf = true;
        quirks.hooks_only_read = true;
    })
    .await;
    let mut daily = Client::daily(&sim).await;
    let set = |source: &str| {
        Command::new("/ppp/profile/set")
            .attribute(".id", "mikro2fa-vpn")
            .attribute("on-up", source)
    };
    let refused = daily.talk(set("/log info a")).await;
    assert_eq!(refused.trap(), "not enough permissions (9)");
    let source = "/log info message=x\n/ip firewall address-list add list=x address=10.0.0.1\n";
    admin.talk(set(source)).await.ok();
    let rows = sim.rows("/ppp/profile");
    let profile = rows
        .iter()
        .find(|row| row["name"] == "mikro2fa-vpn")
        .unwrap();
    assert_eq!(profile["on-up"], source.replace('\n', "\r\n"));
    sim.dial(Dial::new("ann", "pw")).unwrap();
    let listed = sim.rows("/ip/firewall/address-list");
    assert!(listed.iter().all(|row| row["list"] != "x"), "{listed:?}");
    sim.set_quirks(|quirks| quirks.hooks_only_read = false);
    sim.dial(Dial::new("bob", "pw")).unwrap();
    let listed = sim.rows("/ip/firewall/address-list");
    assert!(listed.iter().any(|row| row["list"] == "x"), "{listed:?}");
}
