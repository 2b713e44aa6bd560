//! The menus that clients' own tests try first, in the dialect of each version.

use mikro2fa_router::simulator::{Dial, Simulator, Version};

use crate::wire::{Client, prepared};

async fn router(version: Version) -> (Simulator, Client) {
    let sim = prepared().version(version).start().await.unwrap();
    let client = Client::admin(&sim).await;
    (sim, client)
}

#[tokio::test]
async fn routes_follow_addresses_and_tunnels() {
    let (sim, mut client) = router(Version::V7_16).await;
    let connected = "/ip/route/print =.proplist=dst-address,gateway ?connect=true";
    let before = client.say(connected).await;
    assert_eq!(
        before.all("dst-address"),
        ["192.168.88.0/24", "198.51.100.0/30"]
    );
    let id = client
        .say("/ip/address/add =address=10.9.1.1/24 =interface=ether2")
        .await
        .ret()
        .to_owned();
    let tunnel = sim.dial(Dial::new("ann", "pw")).unwrap();
    let both = client.say(connected).await;
    assert_eq!(both.all("dst-address")[2..], ["10.9.1.0/24", "10.8.0.2/32"]);
    assert_eq!(both.all("gateway")[2..], ["ether2", "<l2tp-ann>"]);
    let dynamic = client.say("/ip/route/print ?dst-address=10.9.1.0/24").await;
    let remove = format!("/ip/route/remove =.id={}", dynamic.rows[0][".id"]);
    assert!(client.say(&remove).await.trap().starts_with("failure:"));
    client
        .say(&format!("/ip/address/disable =.id={id}"))
        .await
        .ok();
    tunnel.hang_up();
    assert_eq!(client.say(connected).await.rows, before.rows);
    sim.reboot();
    let mut client = Client::admin(&sim).await;
    assert_eq!(client.say(connected).await.rows, before.rows);
}

#[tokio::test]
async fn static_routes_in_both_dialects() {
    for (version, status, shown) in [
        (
            Version::V6_49,
            "gateway-status",
            "192.168.88.9 reachable via  bridge",
        ),
        (Version::V7_16, "immediate-gw", "192.168.88.9%bridge"),
    ] {
        let (_sim, mut client) = router(version).await;
        let add = "/ip/route/add =dst-address=172.16.0.0/12 =gateway=192.168.88.9 =comment=x";
        let id = client.say(add).await.ret().to_owned();
        let print = format!("/ip/route/print ?.id={id}");
        let row = client.say(&print).await.rows.remove(0);
        assert_eq!(
            (&*row[status], &*row["active"], &*row["static"]),
            (shown, "true", "true")
        );
        assert_eq!((&*row["distance"], &*row["disabled"]), ("1", "false"));
        assert_eq!(row.contains_key("routing-table"), version.major == 7);
        client
            .say(&format!("/ip/route/set =.id={id} =gateway=10.99.0.1"))
            .await
            .ok();
        assert_eq!(client.say(&print).await.rows[0]["active"], "false");
        client
            .say(&format!("/ip/route/unset =.id={id} =value-name=comment"))
            .await
            .ok();
        assert!(!client.say(&print).await.rows[0].contains_key("comment"));
        let wrong = client
            .say("/ip/route/add =dst-address=172.16.0.0/33 =gateway=ether1")
            .await;
        assert_eq!(wrong.trap(), "invalid value for argument dst-address");
        client
            .say(&format!("/ip/route/remove =.id={id}"))
            .await
            .ok();
        assert_eq!(
            client
                .say(&format!("/ip/route/remove =.id={id}"))
                .await
                .trap(),
            "no such item"
        );
    }
}

#[tokio::test]
async fn dns() {
    let (_sim, mut client) = router(Version::V7_16).await;
    client
        .say("/ip/dns/set =servers=192.0.2.1,192.0.2.2 =allow-remote-requests=yes")
        .await
        .ok();
    let settings = client.say("/ip/dns/print").await.rows.remove(0);
    assert_eq!(settings["servers"], "192.0.2.1,192.0.2.2");
    assert_eq!(settings["allow-remote-requests"], "true");
    assert!(!settings.contains_key(".id"));
    let add = "/ip/dns/static/add =name=gw.lan =address=192.168.88.1";
    client.say(add).await.ret();
    assert_eq!(
        client.say(add).await.trap(),
        "failure: entry already exists"
    );
    let wrong = client
        .say("/ip/dns/static/add =name=x =address=300.1.1.1")
        .await;
    assert_eq!(wrong.trap(), "invalid value for argument address");
    client
        .say("/ip/dns/static/add =name=www.lan =type=CNAME =cname=gw.lan")
        .await
        .ret();
    let names = client
        .say("/ip/dns/static/print =.proplist=name,ttl,type")
        .await;
    assert_eq!(
        (names.all("name"), names.all("type")),
        (vec!["gw.lan", "www.lan"], vec!["", "CNAME"])
    );
    assert_eq!(names.all("ttl"), ["1d", "1d"]);
}

#[tokio::test]
async fn a_wired_interface_is_one_in_both_menus() {
    let (_sim, mut client) = router(Version::V7_16).await;
    let ethernet = client.say("/interface/ethernet/print").await;
    let ids = client.say("/interface/print ?type=ether").await;
    assert_eq!(ethernet.all(".id"), ids.all(".id"));
    client.say("/interface/disable =.id=ether2").await.ok();
    let row = client
        .say("/interface/ethernet/print ?name=ether2")
        .await
        .rows
        .remove(0);
    assert_eq!((&*row["disabled"], &*row["running"]), ("true", "false"));
    client
        .say("/interface/ethernet/set =.id=ether2 =disabled=no =mtu=1400 =comment=uplink")
        .await
        .ok();
    let row = client
        .say("/interface/print ?name=ether2")
        .await
        .rows
        .remove(0);
    assert_eq!((&*row["disabled"], &*row["running"]), ("false", "true"));
    assert_eq!((&*row["mtu"], &*row["comment"]), ("1400", "uplink"));
}

#[tokio::test]
async fn without_its_package_there_is_no_user_manager() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_18] {
        let (_sim, mut client) = router(version).await;
        let expected = if version.at_least(7, 17) {
            "no such command or directory (user-manager)"
        } else {
            "no such command prefix"
        };
        for path in ["/user-manager/user/print", "/tool/user-manager/user/print"] {
            assert_eq!(
                client.say(path).await.trap(),
                expected,
                "{path} in {version}"
            );
        }
    }
}
