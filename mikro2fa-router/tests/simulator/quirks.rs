//! The switches for what no source settles, where no other test turns them.

use std::time::Duration;

use mikro2fa_router::simulator::{Dial, Flow, Quirks, Simulator, Version};
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
