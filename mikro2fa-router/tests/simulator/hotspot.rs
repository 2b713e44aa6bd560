//! Checklist 11: a kicked user comes back by its cookie.

use std::time::Duration;

use mikro2fa_router::simulator::{DialRefused, HotspotLogin, Simulator};

use crate::wire::{Client, prepared};

const ACTIVE: &str = "/ip/hotspot/active";

async fn hotspot(outlives: bool) -> (Simulator, Client) {
    let sim = prepared()
        .quirks(|quirks| quirks.cookie_outlives_disabling = outlives)
        .start()
        .await
        .unwrap();
    let mut client = Client::admin(&sim).await;
    client
        .say("/ip/hotspot/user/add =name=guest =password=pw")
        .await
        .ret();
    sim.hotspot_login(HotspotLogin::new("guest", "pw")).unwrap();
    (sim, client)
}

fn comes_back(sim: &Simulator) -> bool {
    sim.advance(Duration::from_secs(5));
    !sim.rows(ACTIVE).is_empty()
}

#[tokio::test]
async fn a_kicked_client_comes_back_by_its_cookie() {
    let (sim, mut client) = hotspot(true).await;
    assert_eq!(sim.rows(ACTIVE)[0]["login-by"], "http-chap");
    client.say("/ip/hotspot/active/remove =.id=*1").await.ok();
    assert!(sim.rows(ACTIVE).is_empty());
    assert!(comes_back(&sim));
    assert_eq!(sim.rows(ACTIVE)[0]["login-by"], "mac-cookie");
}

#[tokio::test]
async fn without_cookie_it_stays_away() {
    for outlives in [true, false] {
        let (sim, mut client) = hotspot(outlives).await;
        client.say("/ip/hotspot/user/disable =.id=guest").await.ok();
        client.say("/ip/hotspot/active/remove =.id=*1").await.ok();
        assert_eq!(comes_back(&sim), outlives);
        let (sim, mut client) = hotspot(outlives).await;
        client.say("/ip/hotspot/cookie/remove =.id=*1").await.ok();
        client.say("/ip/hotspot/active/remove =.id=*1").await.ok();
        assert!(!comes_back(&sim));
    }
}

#[tokio::test]
async fn a_cookie_expires_and_a_profile_may_give_none() {
    let (sim, mut client) = hotspot(true).await;
    assert_eq!(sim.rows("/ip/hotspot/cookie")[0]["expires-in"], "3d");
    sim.advance(Duration::from_secs(3 * 86_400));
    assert!(sim.rows("/ip/hotspot/cookie").is_empty());
    client
        .say("/ip/hotspot/user/profile/set =.id=default =add-mac-cookie=no")
        .await
        .ok();
    sim.hotspot_login(HotspotLogin::new("guest", "pw")).unwrap();
    assert!(sim.rows("/ip/hotspot/cookie").is_empty());
}

#[tokio::test]
async fn the_login_page_and_the_command_say_no() {
    let (sim, mut client) = hotspot(true).await;
    let refused = sim
        .hotspot_login(HotspotLogin::new("guest", "x"))
        .unwrap_err();
    assert_eq!(refused, DialRefused::WrongPassword);
    let by_hand = "/ip/hotspot/active/login =user=guest =password=pw =ip=10.5.50.9";
    client.say(by_hand).await.ok();
    assert_eq!(sim.rows(ACTIVE).len(), 2);
    let wrong = client
        .say("/ip/hotspot/active/login =user=nobody =password=pw =ip=10.5.50.9")
        .await;
    assert!(wrong.trap().starts_with("failure: "));
}
