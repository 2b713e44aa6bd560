//! Checklist 10: the User Manager of either version beside the secrets.

use std::{collections::BTreeMap, time::Duration};

use mikro2fa_router::simulator::{
    Dial, DialRefused, Flow, Quirks, Simulator, SimulatorBuilder, Version,
};

use crate::wire::{Client, command, prepared};

const OFFICE: [u8; 4] = [192, 168, 88, 10];

fn both() -> SimulatorBuilder {
    prepared().user_manager_account("uma", "pw")
}

async fn router(version: Version, change: impl FnOnce(&mut Quirks)) -> (Simulator, Client) {
    let sim = both()
        .version(version)
        .quirks(change)
        .start()
        .await
        .unwrap();
    let client = Client::admin(&sim).await;
    (sim, client)
}

/// The menu, its property for the login, and its sessions' menu.
const fn names(version: Version) -> (&'static str, &'static str, &'static str) {
    if version.major == 6 {
        (
            "/tool/user-manager/user",
            "username",
            "/tool/user-manager/session",
        )
    } else {
        ("/user-manager/user", "name", "/user-manager/session")
    }
}

fn only(sim: &Simulator, menu: &str) -> BTreeMap<String, String> {
    let mut rows = sim.rows(menu);
    assert_eq!(rows.len(), 1, "{menu}");
    rows.remove(0)
}

const VERSIONS: [Version; 3] = [Version::V6_49, Version::V7_12, Version::V7_22];

#[tokio::test]
async fn without_the_package_there_are_no_menus() {
    for (version, text) in [
        (Version::V6_49, "no such command prefix"),
        (Version::V7_16, "no such command prefix"),
        (
            Version::V7_20,
            "no such command or directory (user-manager)",
        ),
    ] {
        let sim = prepared().version(version).start().await.unwrap();
        let mut client = Client::admin(&sim).await;
        let (users, _, _) = names(version);
        assert_eq!(client.say(&format!("{users}/print")).await.trap(), text);
        // Only the version's own menu is there with it.
        let (_sim, mut client) = router(version, |_| ()).await;
        client.say(&format!("{users}/print")).await;
        let other = if version.major == 6 {
            "/user-manager/user/print"
        } else {
            "/tool/user-manager/user/print"
        };
        assert!(
            client
                .say(other)
                .await
                .trap()
                .starts_with("no such command")
        );
        assert_eq!(client.say(&format!("{users}/print")).await.rows.len(), 1);
    }
}

#[tokio::test]
async fn who_is_no_secret_is_asked_about_by_radius() {
    for version in VERSIONS {
        let (sim, mut client) = router(version, |_| ()).await;
        let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
        let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
        let rows = client.say("/ppp/active/print =.proplist=name,radius").await;
        assert_eq!(rows.all("name"), ["uma", "ann"]);
        assert_eq!(rows.all("radius"), ["true", "false"], "{version}");
        // The gate holds whoever it is.
        for tunnel in [&tunnel, &ann] {
            assert!(sim.would_pass(&Flow::between(tunnel, OFFICE)).is_dropped());
        }
        let refused = |name: &str, password: &str| sim.dial(Dial::new(name, password)).unwrap_err();
        assert_eq!(refused("uma", "x"), DialRefused::WrongPassword);
        assert_eq!(refused("nobody", "x"), DialRefused::UnknownAccount);
        client.say("/ppp/aaa/set =use-radius=no").await.ok();
        assert_eq!(refused("uma", "pw"), DialRefused::UnknownAccount);
    }
}

#[tokio::test]
async fn nobody_answers_where_the_set_up_does_not_fit() {
    for wrong in [
        "/radius/set =.id=*1 =disabled=yes",
        "/radius/set =.id=*1 =service=hotspot",
        "/radius/set =.id=*1 =address=192.0.2.9",
        "/radius/set =.id=*1 =secret=x",
        "/radius/set =.id=*1 =authentication-port=1645",
        "/user-manager/set =enabled=no",
        "/user-manager/router/set =.id=here =address=192.0.2.9",
        "/user-manager/router/disable =.id=here",
    ] {
        let (sim, mut client) = router(Version::V7_16, |_| ()).await;
        client.say(wrong).await.ok();
        let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
        assert_eq!(refused, DialRefused::RadiusTimeout, "{wrong}");
    }
}

#[tokio::test]
async fn a_user_can_be_disabled_and_enabled() {
    for version in VERSIONS {
        let (sim, mut client) = router(version, |_| ()).await;
        let (users, name, _) = names(version);
        let row = client
            .say(&format!(
                "{users}/print =.proplist=.id,{name},disabled ?{name}=uma"
            ))
            .await
            .rows
            .remove(0);
        assert_eq!(row["disabled"], "false");
        let live = sim.dial(Dial::new("uma", "pw")).unwrap();
        let set = format!("{users}/set =.id={} =disabled=yes", row[".id"]);
        client.say(&set).await.ok();
        assert!(live.is_up(), "that ends no session");
        let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
        assert_eq!(refused, DialRefused::Disabled, "{version}");
        live.hang_up();
        let enable = format!("{users}/enable =.id={}", row[".id"]);
        client.say(&enable).await.ok();
        assert!(sim.dial(Dial::new("uma", "pw")).is_ok());
    }
}

#[tokio::test]
async fn a_disabled_secret_may_open_the_other_way() {
    for falls_through in [true, false] {
        let (sim, mut client) = router(Version::V7_16, |quirks| {
            quirks.disabled_secret_asks_radius = falls_through;
        })
        .await;
        client
            .say("/user-manager/user/add =name=ann =password=other")
            .await
            .ret();
        // The local one has the say as long as it is enabled.
        let refused = sim.dial(Dial::new("ann", "other")).unwrap_err();
        assert_eq!(refused, DialRefused::WrongPassword);
        client.say("/ppp/secret/disable =.id=ann").await.ok();
        assert_eq!(sim.dial(Dial::new("ann", "other")).is_ok(), falls_through);
    }
}

#[tokio::test]
async fn attributes_decide_about_profile_address_and_list() {
    let (sim, mut client) = router(Version::V7_16, |_| ()).await;
    client
        .say("/user-manager/user/set =.id=uma =attributes=Mikrotik-Group:default,Framed-IP-Address:10.8.7.7,Mikrotik-Address-List:guests")
        .await
        .ok();
    let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
    assert_eq!(tunnel.address().unwrap().to_string(), "10.8.7.7");
    let guests = sim.rows("/ip/firewall/address-list");
    assert!(
        guests
            .iter()
            .any(|row| row["list"] == "guests" && row["address"] == "10.8.7.7")
    );
    // Whatever profile RADIUS picks, a tunnel is covered.
    assert!(sim.would_pass(&Flow::between(&tunnel, OFFICE)).is_dropped());
    client
        .say("/user-manager/user/set =.id=uma =attributes=Mikrotik-Group:nothing")
        .await
        .ok();
    tunnel.hang_up();
    let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
    assert_eq!(refused, DialRefused::NoProfile);
}

#[tokio::test]
async fn sessions_are_counted_by_what_the_user_manager_was_told() {
    for version in VERSIONS {
        let (sim, mut client) = router(version, |_| ()).await;
        let (users, _, sessions) = names(version);
        let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
        let session = only(&sim, sessions);
        assert_eq!((&*session["user"], &*session["active"]), ("uma", "true"));
        assert_eq!(session["calling-station-id"], "203.0.113.7");
        let address = if version.major == 6 {
            "user-ip"
        } else {
            "user-address"
        };
        assert_eq!(session[address], tunnel.address().unwrap().to_string());
        let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
        assert_eq!(refused, DialRefused::TooManySessions);
        sim.advance(Duration::from_secs(90));
        tunnel.hang_up();
        let session = only(&sim, sessions);
        assert_eq!(
            (&*session["active"], &*session["uptime"]),
            ("false", "1m30s")
        );
        assert_eq!(session["terminate-cause"], "user-request");
        client
            .say(&format!("{users}/set =.id=uma =shared-users=unlimited"))
            .await
            .ok();
        for _ in 0..3 {
            sim.dial(Dial::new("uma", "pw")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_lost_stop_and_a_reboot_make_ghosts() {
    let (sim, mut client) = router(Version::V7_16, |_| ()).await;
    sim.lose_accounting_stops(true);
    sim.dial(Dial::new("uma", "pw")).unwrap().hang_up();
    assert_eq!(only(&sim, "/user-manager/session")["active"], "true");
    assert!(sim.rows("/ppp/active").is_empty());
    let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
    assert_eq!(refused, DialRefused::TooManySessions, "a ghost counts");
    // Removing the record is all that can be done about it.
    client
        .say("/radius/incoming/set =accept=yes =port=3799")
        .await
        .ok();
    client
        .say("/user-manager/session/close-session =numbers=*1")
        .await
        .ok();
    assert_eq!(only(&sim, "/user-manager/session")["active"], "true");
    client
        .say("/user-manager/session/remove =.id=*1")
        .await
        .ok();
    sim.lose_accounting_stops(false);
    sim.dial(Dial::new("uma", "pw")).unwrap();
    sim.reboot();
    assert_eq!(only(&sim, "/user-manager/session")["active"], "true");
}

#[tokio::test]
async fn close_session_works_only_where_both_sides_fit() {
    for (incoming, works) in [
        ("/radius/incoming/set =accept=yes =port=3799", true),
        // The port that the manual says is not the one that is sent to.
        ("/radius/incoming/set =accept=yes", false),
        ("/radius/incoming/set =accept=no =port=3799", false),
    ] {
        for tells in [false, true] {
            let (sim, mut client) = router(Version::V7_16, |quirks| {
                quirks.close_session_tells = tells;
            })
            .await;
            client.say(incoming).await.ok();
            let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
            let answer = client
                .say("/user-manager/session/close-session =numbers=*1")
                .await;
            assert_eq!(answer.traps.is_empty(), works || !tells, "{incoming}");
            assert_eq!(tunnel.is_up(), !works, "{incoming}");
            let status = only(&sim, "/user-manager/session")["status"].clone();
            assert_eq!(status.contains("close-acked"), works, "{status}");
        }
    }
    let (_sim, mut client) = router(Version::V7_16, |_| ()).await;
    let answer = client
        .say("/user-manager/session/close-session =numbers=*9")
        .await;
    assert_eq!(answer.trap(), "no such item");
}

#[tokio::test]
async fn version_6_closes_only_where_it_is_told_to() {
    let (sim, mut client) = router(Version::V6_49, |quirks| quirks.incoming_port = 3799).await;
    client.say("/radius/incoming/set =accept=yes").await.ok();
    let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
    let close = "/tool/user-manager/session/close-session =numbers=*1";
    client.say(close).await.ok();
    assert!(tunnel.is_up());
    client
        .say("/tool/user-manager/router/set =.id=here =use-coa=yes")
        .await
        .ok();
    client.say(close).await.ok();
    assert!(!tunnel.is_up());
}

#[tokio::test]
async fn removing_a_record_leaves_the_tunnel_up() {
    let (sim, mut client) = router(Version::V7_16, |_| ()).await;
    let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
    client
        .say("/user-manager/session/remove =.id=*1")
        .await
        .ok();
    assert!(sim.rows("/user-manager/session").is_empty() && tunnel.is_up());
    tunnel.hang_up();
    assert!(sim.rows("/user-manager/session").is_empty());
}

#[tokio::test]
async fn disabling_a_user_may_end_its_sessions() {
    for ends in [false, true] {
        let (sim, mut client) = router(Version::V7_22, |quirks| {
            quirks.user_manager_disconnects_disabled = ends;
            quirks.incoming_port = 3799;
        })
        .await;
        client.say("/radius/incoming/set =accept=yes").await.ok();
        let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
        client.say("/user-manager/user/disable =.id=uma").await.ok();
        assert_eq!(tunnel.is_up(), !ends);
    }
}

#[tokio::test]
async fn profiles_decide_where_they_are_wanted() {
    let (sim, mut client) = router(Version::V7_16, |_| ()).await;
    client.say("/user-manager/set =use-profiles=yes").await.ok();
    let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
    assert_eq!(refused, DialRefused::NoUserProfile);
    client.say("/user-manager/profile/add =name=p1").await.ret();
    client
        .say("/user-manager/user-profile/add =user=uma =profile=p1")
        .await
        .ret();
    let tunnel = sim.dial(Dial::new("uma", "pw")).unwrap();
    let told = client
        .say("/user-manager/user/monitor =once= =numbers=uma")
        .await;
    assert_eq!(told.all("actual-profile"), ["p1"]);
    assert_eq!(told.all("active-sessions"), ["1"]);
    drop(tunnel);

    let (sim, mut client) = router(Version::V6_49, |_| ()).await;
    assert_eq!(
        client
            .say("/tool/user-manager/user/add =username=x")
            .await
            .trap(),
        "missing value(s) of argument(s) customer"
    );
    client
        .say("/tool/user-manager/user/add =customer=admin =username=x =password=pw")
        .await
        .ret();
    let refused = sim.dial(Dial::new("x", "pw")).unwrap_err();
    assert_eq!(
        refused,
        DialRefused::NoUserProfile,
        "6 wants one in any case"
    );
    client
        .say("/tool/user-manager/user/create-and-activate-profile =numbers=x =customer=admin =profile=default")
        .await
        .ok();
    sim.dial(Dial::new("x", "pw")).unwrap();
    client
        .say("/tool/user-manager/user/clear-profiles =numbers=x")
        .await
        .ok();
    assert!(sim.dial(Dial::new("x", "pw")).is_err());
}

#[tokio::test]
async fn a_one_time_code_goes_behind_the_password() {
    let (sim, mut client) = router(Version::V7_16, |_| ()).await;
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    client
        .say(&format!(
            "/user-manager/user/set =.id=uma =otp-secret={secret}"
        ))
        .await
        .ok();
    sim.set_date(59);
    let refused = |password: &str| sim.dial(Dial::new("uma", password)).unwrap_err();
    assert_eq!(refused("pw"), DialRefused::WrongPassword);
    assert_eq!(refused("pw287083"), DialRefused::WrongPassword);
    sim.dial(Dial::new("uma", "pw287082")).unwrap();
    // It is a secret like the password.
    let mut daily = Client::daily(&sim).await;
    let seen = daily
        .say("/user-manager/user/print ?name=uma")
        .await
        .rows
        .remove(0);
    assert!(!seen.contains_key("otp-secret") && !seen.contains_key("password"));
}

#[tokio::test]
async fn a_user_may_be_bound_to_its_first_caller() {
    let (sim, mut client) = router(Version::V7_16, |_| ()).await;
    client
        .say("/user-manager/user/set =.id=uma =caller-id=bind")
        .await
        .ok();
    sim.dial(Dial::new("uma", "pw").from("198.51.100.9"))
        .unwrap()
        .hang_up();
    let refused = sim.dial(Dial::new("uma", "pw")).unwrap_err();
    assert_eq!(refused, DialRefused::WrongCaller);
    assert!(
        sim.dial(Dial::new("uma", "pw").from("198.51.100.9"))
            .is_ok()
    );
}

#[tokio::test]
async fn some_builds_of_6_call_the_login_name() {
    let (sim, mut client) = router(Version::V6_49, |quirks| {
        quirks.user_manager_6_says_name = true;
    })
    .await;
    let rows = client
        .say("/tool/user-manager/user/print ?name=uma")
        .await
        .rows;
    assert_eq!(rows[0]["name"], "uma");
    assert!(!rows[0].contains_key("username"));
    let rows = client.say("/tool/user-manager/user/print =.proplist=.id,username,name ?username=uma ?name=uma ?#|").await.rows;
    assert_eq!((rows.len(), &*rows[0]["name"]), (1, "uma"));
    let add = command("/tool/user-manager/user/add =customer=admin =username=x");
    assert_eq!(client.talk(add).await.trap(), "unknown parameter");
    sim.dial(Dial::new("uma", "pw")).unwrap();
}
