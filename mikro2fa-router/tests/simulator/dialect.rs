//! Checklist 3: what differs from version to version.

use mikro2fa_router::simulator::{Quirks, Simulator, Version};

use crate::wire::{Client, prepared};

async fn router(version: Version) -> (Simulator, Client) {
    let sim = prepared().version(version).start().await.unwrap();
    let client = Client::admin(&sim).await;
    (sim, client)
}

#[tokio::test]
async fn nothing_found_is_said_from_7_18_on() {
    for (version, says_so) in [
        (Version::V6_49, false),
        (Version::V7_16, false),
        (Version::V7_18, true),
        (Version::V7_22, true),
    ] {
        let (_sim, mut client) = router(version).await;
        let answer = client.say("/ppp/active/print .tag=5").await;
        assert_eq!(
            (answer.was_empty, answer.rows.len()),
            (says_so, 0),
            "{version}"
        );
        assert!(!client.say("/ppp/secret/print").await.was_empty);
        assert_eq!(
            client.say("/ppp/active/print =count-only=").await.ret(),
            "0"
        );
    }
}

#[tokio::test]
async fn dates() {
    for (version, date, never) in [
        (Version::V6_49, "feb/05/2024", "jan/01/1970 00:00:00"),
        (Version::V7_12, "2024-02-05", "1970-01-01 00:00:00"),
    ] {
        let (_sim, mut client) = router(version).await;
        let clock = client.say("/system/clock/print").await;
        assert_eq!(
            (
                clock.rows[0]["date"].as_str(),
                clock.rows[0]["time"].as_str()
            ),
            (date, "13:47:44")
        );
        let secret = client.say("/ppp/secret/print ?name=ann").await;
        assert_eq!(secret.rows[0]["last-logged-out"], never);
    }
}

#[tokio::test]
async fn unknown_parameters_and_commands() {
    let cases = [
        (
            Version::V6_49,
            "unknown parameter",
            "no such command prefix",
            "no such command",
        ),
        (
            Version::V7_12,
            "unknown parameter colour",
            "no such command prefix",
            "no such command",
        ),
        (
            Version::V7_18,
            "unknown parameter colour",
            "no such command or directory (nonsense)",
            "no such command or directory (explode)",
        ),
    ];
    for (version, parameter, path, command) in cases {
        let (_sim, mut client) = router(version).await;
        assert_eq!(
            client
                .say("/ppp/secret/add =name=x =colour=red")
                .await
                .trap(),
            parameter
        );
        assert_eq!(
            client.say("/ppp/secret/print =colour=red").await.trap(),
            parameter
        );
        assert_eq!(client.say("/ppp/nonsense/print").await.trap(), path);
        assert_eq!(client.say("/ppp/secret/explode").await.trap(), command);
    }
}

#[tokio::test]
async fn ovpn_servers_became_a_list() {
    let (_sim, mut old) = router(Version::V7_16).await;
    let settings = old.say("/interface/ovpn-server/server/print").await;
    assert_eq!(settings.rows[0]["enabled"], "true");
    assert!(!settings.rows[0].contains_key(".id"));
    old.say("/interface/ovpn-server/server/set =enabled=no")
        .await
        .ok();

    let (_sim, mut new) = router(Version::V7_18).await;
    let list = new.say("/interface/ovpn-server/server/print").await;
    assert_eq!(
        (
            list.rows[0]["disabled"].as_str(),
            list.rows[0]["name"].as_str()
        ),
        ("false", "ovpn-server1")
    );
    assert_eq!(
        new.say("/interface/ovpn-server/server/set =disabled=yes")
            .await
            .trap(),
        "missing =.id="
    );
}

#[tokio::test]
async fn the_version_is_said_where_clients_look() {
    let (_sim, mut client) = router(Version::V6_49).await;
    assert_eq!(
        client.say("/system/resource/print").await.rows[0]["version"],
        "6.49.18 (long-term)"
    );
    let packages = client.say("/system/package/print").await;
    assert!(
        packages.all("name").contains(&"ppp") && !packages.all("name").contains(&"user-manager")
    );
    let (_sim, mut client) = router(Version::V7_18).await;
    assert_eq!(
        client.say("/system/package/print").await.all("name"),
        ["routeros"]
    );
}

#[tokio::test]
async fn booleans_of_version_6_are_yes_and_no_when_written() {
    let (_sim, mut six) = router(Version::V6_49).await;
    assert_eq!(
        six.say("/ppp/secret/set =.id=ann =disabled=true")
            .await
            .trap(),
        "input does not match any value of disabled"
    );
    six.say("/ppp/secret/set =.id=ann =disabled=yes").await.ok();
    assert_eq!(
        six.say("/ppp/secret/print ?name=ann").await.rows[0]["disabled"],
        "true"
    );
    let (_sim, mut seven) = router(Version::V7_12).await;
    seven
        .say("/ppp/secret/set =.id=ann =disabled=true")
        .await
        .ok();
}

#[tokio::test]
async fn policies_are_those_of_the_version() {
    let (_sim, mut seven) = router(Version::V7_16).await;
    let refused = seven.say("/user/group/add =name=g =policy=api,dude").await;
    assert_eq!(refused.trap(), "input does not match any value of policy");
    assert!(seven.say("/user/group/print ?name=g").await.rows.is_empty());
    let (_sim, mut six) = router(Version::V6_49).await;
    six.say("/user/group/add =name=g =policy=api,dude")
        .await
        .ret();
    let policy = six.say("/user/group/print ?name=g").await.rows[0]["policy"].clone();
    assert!(
        policy.contains(",api,") && policy.contains(",!read,") && policy.contains(",dude,"),
        "{policy}"
    );
}

#[tokio::test]
async fn a_category_is_sent_unless_it_is_switched_off() {
    let (sim, mut client) = router(Version::V7_16).await;
    let trap = client.say("/ppp/secret/remove =.id=*99").await;
    assert_eq!(
        (trap.trap(), trap.traps[0]["category"].as_str()),
        ("no such item", "0")
    );
    sim.set_quirks(|quirks: &mut Quirks| quirks.trap_categories = false);
    assert!(!client.say("/ppp/secret/remove =.id=*99").await.traps[0].contains_key("category"));
}
