//! Checklist 8: the life of a VPN session.

use std::{net::IpAddr, time::Duration};

use mikro2fa_router::simulator::{
    Dial, DialRefused, Happening, OnlyOne, PoolReuse, Service, Simulator,
};

use crate::wire::{Client, prepared};

fn ann() -> Dial {
    Dial::new("ann", "pw")
}

#[tokio::test]
async fn a_session_brings_its_rows_and_takes_them_away() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    client.say("/ppp/profile/set =.id=mikro2fa-vpn =address-list=quarantine =interface-list=LAN =rate-limit=1M/2M").await.ok();
    client
        .say("/ppp/secret/set =.id=ann =comment=boss")
        .await
        .ok();
    let before: Vec<usize> = MENUS.iter().map(|menu| sim.rows(menu).len()).collect();
    let tunnel = sim.dial(ann().from("198.51.100.9")).unwrap();
    let address = tunnel.address().unwrap().to_string();

    let active = client.say("/ppp/active/print").await.rows.remove(0);
    for (name, value) in [
        ("name", "ann"),
        ("service", "l2tp"),
        ("caller-id", "198.51.100.9"),
        ("address", &address),
        ("radius", "false"),
        ("comment", "boss"),
        ("uptime", "0s"),
    ] {
        assert_eq!(active[name], value, "{name}");
    }
    assert!(active["session-id"].starts_with("0x81C0"));
    let row = |menu: &str, name: &str, value: &str| {
        sim.rows(menu)
            .into_iter()
            .find(|row| row[name] == value)
            .unwrap()
    };
    assert_eq!(row("/interface", "name", "<l2tp-ann>")["dynamic"], "true");
    assert_eq!(
        row("/interface/l2tp-server", "name", "<l2tp-ann>")["client-address"],
        "198.51.100.9"
    );
    assert_eq!(
        row("/ip/address", "interface", "<l2tp-ann>")["network"],
        address
    );
    assert_eq!(row("/ip/pool/used", "address", &address)["info"], "ann");
    assert_eq!(
        row("/ip/firewall/address-list", "list", "quarantine")["address"],
        address
    );
    assert!(!row("/ip/firewall/address-list", "list", "quarantine").contains_key("timeout"));
    assert_eq!(
        row("/interface/list/member", "interface", "<l2tp-ann>")["list"],
        "LAN"
    );
    assert_eq!(
        row("/queue/simple", "name", "<l2tp-ann>")["max-limit"],
        "1M/2M"
    );
    assert!(
        row(
            "/log",
            "message",
            &format!("ann logged in, {address} from 198.51.100.9")
        )["topics"]
            .contains("ppp")
    );

    sim.advance(Duration::from_secs(3_661));
    assert_eq!(
        client.say("/ppp/active/print").await.rows[0]["uptime"],
        "1h1m1s"
    );
    tunnel.hang_up();
    let after: Vec<usize> = MENUS.iter().map(|menu| sim.rows(menu).len()).collect();
    assert_eq!(before, after);
    let secret = client
        .say("/ppp/secret/print ?name=ann")
        .await
        .rows
        .remove(0);
    assert_eq!(secret["last-logged-out"], "2024-02-05 14:48:45");
    assert_eq!(
        (
            secret["last-caller-id"].as_str(),
            secret["last-disconnect-reason"].as_str()
        ),
        ("198.51.100.9", "peer-request")
    );
    assert!(!tunnel.is_up() && tunnel.address().is_none());
}

const MENUS: [&str; 9] = [
    "/ppp/active",
    "/interface",
    "/interface/l2tp-server",
    "/ip/address",
    "/ip/pool/used",
    "/ip/firewall/address-list",
    "/interface/list/member",
    "/queue/simple",
    "/ppp/secret",
];

#[tokio::test]
async fn every_kind_of_vpn_has_its_own_interfaces() {
    let sim = prepared().start().await.unwrap();
    for (service, name) in [
        (Service::L2tp, "<l2tp-ann>"),
        (Service::Pptp, "<pptp-ann>"),
        (Service::Sstp, "<sstp-ann>"),
        (Service::Ovpn, "<ovpn-ann>"),
        (Service::Pppoe, "<pppoe-ann>"),
    ] {
        assert_eq!(
            sim.dial(ann().by(service)).unwrap().interface().unwrap(),
            name
        );
    }
    assert_eq!(
        sim.dial(ann()).unwrap().interface().unwrap(),
        "<l2tp-ann-1>"
    );
    assert_eq!(sim.tunnels_of("ann").len(), 6);
}

#[tokio::test]
async fn clients_are_turned_away_for_a_reason() {
    let sim = prepared()
        .account("eve", "pw")
        .pool("10.8.0.2")
        .start()
        .await
        .unwrap();
    let mut client = Client::admin(&sim).await;
    let refused = |dial: Dial| sim.dial(dial).unwrap_err();
    assert_eq!(refused(Dial::new("ann", "x")), DialRefused::WrongPassword);
    assert_eq!(refused(Dial::new("ANN", "pw")), DialRefused::UnknownAccount);
    client
        .say("/ppp/secret/set =.id=ann =service=sstp")
        .await
        .ok();
    assert_eq!(refused(ann()), DialRefused::WrongService);
    client
        .say("/ppp/secret/set =.id=ann =service=any =caller-id=192.0.2.1")
        .await
        .ok();
    assert_eq!(refused(ann()), DialRefused::WrongCaller);
    client
        .say("/ppp/secret/set =.id=ann =caller-id= =disabled=yes")
        .await
        .ok();
    assert_eq!(refused(ann()), DialRefused::Disabled);
    client.say("/ppp/secret/enable =.id=ann").await.ok();
    sim.dial(ann()).unwrap();
    assert_eq!(refused(Dial::new("eve", "pw")), DialRefused::NoAddress);
    client
        .say("/interface/l2tp-server/server/set =enabled=no")
        .await
        .ok();
    assert_eq!(refused(ann()), DialRefused::ServerDisabled);
    let refusals = sim
        .events()
        .into_iter()
        .filter(|event| matches!(event.what, Happening::DialRefused { .. }));
    assert_eq!(refusals.count(), 7);
}

#[tokio::test]
async fn disabling_removing_or_repassing_an_account_keeps_its_session() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let tunnel = sim.dial(ann()).unwrap();
    for words in [
        "/ppp/secret/set =.id=ann =disabled=yes",
        "/ppp/secret/set =.id=ann =password=new",
        "/ppp/secret/remove =.id=ann",
    ] {
        client.say(words).await.ok();
        assert!(tunnel.is_up(), "{words}");
        assert!(sim.dial(ann()).is_err());
    }
    client
        .say(&format!(
            "/ppp/active/remove =.id={}",
            tunnel.active_id().unwrap()
        ))
        .await
        .ok();
    assert!(!tunnel.is_up());
}

#[tokio::test]
async fn a_removed_session_may_linger() {
    let sim = prepared()
        .quirks(|quirks| quirks.removal_takes = Duration::from_secs(2))
        .start()
        .await
        .unwrap();
    let mut client = Client::daily(&sim).await;
    let tunnel = sim.dial(ann()).unwrap();
    let remove = format!("/ppp/active/remove =.id={}", tunnel.active_id().unwrap());
    client.say(&remove).await.ok();
    client.say(&remove).await.ok();
    assert!(tunnel.is_up());
    sim.advance(Duration::from_secs(2));
    assert!(!tunnel.is_up());
    assert_eq!(client.say(&remove).await.trap(), "no such item");
    assert_eq!(
        sim.rows("/ppp/secret")[0]["last-disconnect-reason"],
        "nas-request"
    );
}

#[tokio::test]
async fn a_crashed_client_leaves_a_ghost_until_keepalive() {
    let sim = prepared().start().await.unwrap();
    let ghost = sim.dial(ann()).unwrap();
    ghost.crash();
    let again = sim.dial(ann()).unwrap();
    assert_eq!(sim.rows("/ppp/active").len(), 2);
    sim.advance(Duration::from_secs(29));
    assert!(ghost.is_up());
    sim.advance(Duration::from_secs(1));
    assert!(!ghost.is_up() && again.is_up());
    let sstp = sim.dial(ann().by(Service::Sstp)).unwrap();
    sstp.crash();
    sim.advance(Duration::from_secs(59));
    assert!(sstp.is_up());
    sim.advance(Duration::from_secs(1));
    assert!(!sstp.is_up());
}

#[tokio::test]
async fn only_one_cuts_the_old_session_or_refuses_the_new() {
    for quirk in [OnlyOne::CutsOld, OnlyOne::RefusesNew] {
        let sim = prepared()
            .quirks(|quirks| quirks.only_one = quirk)
            .start()
            .await
            .unwrap();
        let mut client = Client::admin(&sim).await;
        client
            .say("/ppp/profile/set =.id=mikro2fa-vpn =only-one=yes")
            .await
            .ok();
        let old = sim.dial(ann()).unwrap();
        let new = sim.dial(ann());
        match quirk {
            OnlyOne::CutsOld => assert!(!old.is_up() && new.unwrap().is_up()),
            OnlyOne::RefusesNew => {
                assert!(old.is_up());
                assert_eq!(new.unwrap_err(), DialRefused::AlreadyConnected);
            }
        }
    }
}

#[tokio::test]
async fn a_freed_address_goes_to_the_next_who_dials() {
    let sim = prepared().start().await.unwrap();
    let tunnel = sim.dial(ann()).unwrap();
    let address = tunnel.address();
    tunnel.hang_up();
    assert_eq!(sim.dial(Dial::new("bob", "pw")).unwrap().address(), address);
    sim.set_quirks(|quirks| quirks.pool_reuse = PoolReuse::Oldest);
    sim.tunnels_of("bob")[0].hang_up();
    assert_ne!(sim.dial(ann()).unwrap().address(), address);
}

#[tokio::test]
async fn an_account_may_have_an_address_of_its_own() {
    let own = std::net::Ipv4Addr::new(10, 9, 0, 7);
    let sim = prepared()
        .fixed_account("carl", "pw", own)
        .start()
        .await
        .unwrap();
    let tunnel = sim.dial(Dial::new("carl", "pw")).unwrap();
    assert_eq!(tunnel.address(), Some(IpAddr::V4(own)));
    tunnel.hang_up();
    assert_ne!(sim.dial(ann()).unwrap().address(), Some(IpAddr::V4(own)));
}

#[tokio::test]
async fn the_row_may_come_before_the_address() {
    let sim = prepared()
        .quirks(|quirks| quirks.address_after = Some(Duration::from_millis(300)))
        .start()
        .await
        .unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .send(crate::wire::command(
            "/ppp/active/listen =.proplist=name,address .tag=1",
        ))
        .await;
    client.say("/system/identity/print").await;
    let tunnel = sim.dial(ann()).unwrap();
    assert_eq!(client.words().await, ["!re", ".tag=1", "=name=ann"]);
    sim.advance(Duration::from_millis(300));
    let address = tunnel.address().unwrap();
    assert_eq!(
        client.words().await,
        [
            "!re".to_owned(),
            ".tag=1".to_owned(),
            "=name=ann".to_owned(),
            format!("=address={address}")
        ]
    );
}

#[tokio::test]
async fn active_ids_are_slots_or_new_each_time() {
    for reused in [true, false] {
        let sim = prepared()
            .quirks(|quirks| quirks.active_ids_reused = reused)
            .start()
            .await
            .unwrap();
        let first = sim.dial(ann()).unwrap();
        let (id, session) = (first.active_id(), first.session_id());
        first.hang_up();
        let second = sim.dial(Dial::new("bob", "pw")).unwrap();
        assert_eq!(second.active_id() == id, reused);
        assert_ne!(second.session_id(), session);
    }
}

#[tokio::test]
async fn a_reboot_ends_all_and_counts_from_the_start_again() {
    let sim = prepared()
        .quirks(|quirks| quirks.active_ids_reused = false)
        .start()
        .await
        .unwrap();
    let seen = |sim: &Simulator| {
        let tunnel = sim.dial(ann()).unwrap();
        (tunnel.active_id(), tunnel.session_id(), tunnel.address())
    };
    let before = seen(&sim);
    sim.reboot();
    assert_eq!(sim.tunnel_count(), 0);
    assert_eq!(seen(&sim), before);
    assert!(
        sim.events()
            .iter()
            .any(|event| event.what == Happening::Rebooted)
    );
}

#[tokio::test]
async fn a_session_timeout_ends_a_session() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    client
        .say("/ppp/profile/set =.id=mikro2fa-vpn =session-timeout=1h")
        .await
        .ok();
    let tunnel = sim.dial(ann()).unwrap();
    sim.advance(Duration::from_secs(3_599));
    assert!(tunnel.is_up());
    sim.advance(Duration::from_secs(1));
    assert!(!tunnel.is_up());
}

#[tokio::test]
async fn a_client_may_dial_again_when_it_was_cut() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let second = Duration::from_secs(1);
    let first = sim.dial(ann().redialling(second)).unwrap();
    client
        .say(&format!(
            "/ppp/active/remove =.id={}",
            first.active_id().unwrap()
        ))
        .await
        .ok();
    assert_eq!(sim.tunnel_count(), 0);
    sim.advance(second);
    assert_eq!(sim.tunnel_count(), 1);

    // Turned away, it goes on trying.
    client.say("/ppp/secret/disable =.id=ann").await.ok();
    let again = sim.tunnels_of("ann").remove(0);
    client
        .say(&format!(
            "/ppp/active/remove =.id={}",
            again.active_id().unwrap()
        ))
        .await
        .ok();
    sim.advance(10 * second);
    let refusals = sim
        .events()
        .into_iter()
        .filter(|event| matches!(event.what, Happening::DialRefused { .. }));
    assert_eq!(refusals.count(), 10);
    client.say("/ppp/secret/enable =.id=ann").await.ok();
    sim.advance(second);
    assert_eq!(sim.tunnel_count(), 1);

    // Also after a reboot, until it hangs up itself or gives up.
    sim.reboot();
    sim.advance(second);
    assert_eq!(sim.tunnel_count(), 1);
    sim.tunnels_of("ann")[0].hang_up();
    sim.advance(10 * second);
    assert_eq!(sim.tunnel_count(), 0);
    sim.dial(ann().redialling(second)).unwrap();
    sim.give_up("ann");
    sim.reboot();
    sim.advance(10 * second);
    assert_eq!(sim.tunnel_count(), 0);
}
