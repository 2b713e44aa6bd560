//! Checklist 13: what can go wrong, to order.

use std::time::Duration;

use mikro2fa_router::simulator::{Dial, Fault, Happening, On, Reachability, Then, Version};
use tokio::net::TcpStream;

use crate::wire::{Client, command, prepared, soon};

const ADD: &str =
    "/ip/firewall/address-list/add =list=mikro2fa-permit =address=10.8.0.4 =timeout=10m";

fn permits(sim: &mikro2fa_router::simulator::Simulator) -> usize {
    sim.rows("/ip/firewall/address-list")
        .iter()
        .filter(|row| row["list"] == "mikro2fa-permit")
        .count()
}

#[tokio::test]
async fn a_lost_reply_is_a_command_that_was_done() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    sim.inject(
        On::command("/ip/firewall/address-list/add").once(),
        Fault::LoseReply,
    );
    client.send(command(ADD)).await;
    assert_eq!(client.say("/system/identity/print").await.rows.len(), 1);
    assert_eq!(permits(&sim), 1);
    assert_eq!(
        client.say(ADD).await.trap(),
        "failure: already have such entry"
    );
    assert_eq!(
        sim.commands().iter().rev().nth(2).unwrap().fault,
        Some("lose-reply")
    );
}

#[tokio::test]
async fn a_late_command_is_done_when_nobody_waits_any_more() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    sim.inject(
        On::command("/ip/firewall/address-list/add").once(),
        Fault::Late(Duration::from_secs(50)),
    );
    client.send(command(ADD)).await;
    client.say("/system/identity/print").await;
    drop(client);
    soon(sim.until(|sim| sim.connection_count() == 0)).await;
    sim.advance(Duration::from_secs(49));
    assert_eq!(permits(&sim), 0);
    sim.advance(Duration::from_secs(1));
    assert_eq!(permits(&sim), 1);
    let late = Happening::LateCommand {
        command: "/ip/firewall/address-list/add".to_owned(),
    };
    assert!(
        sim.events()
            .iter()
            .any(|event| event.what == late && event.at == Duration::from_secs(50))
    );
}

#[tokio::test]
async fn connections_are_cut_before_after_and_in_the_middle() {
    let sim = prepared().start().await.unwrap();
    for (fault, done) in [
        (Fault::CutBefore, 0),
        (Fault::CutAfter, 1),
        (Fault::CutMidReply(3), 2),
    ] {
        let mut client = Client::daily(&sim).await;
        sim.inject(
            On::command("/ip/firewall/address-list/add").once(),
            fault.clone(),
        );
        client
            .send(command(&format!(
                "/ip/firewall/address-list/add =list=mikro2fa-permit =address=10.8.0.{done}"
            )))
            .await;
        assert!(client.receive().await.is_none());
        assert_eq!(permits(&sim), done, "{fault:?}");
    }
}

#[tokio::test]
async fn a_print_may_stop_in_the_middle() {
    let sim = prepared().start().await.unwrap();
    let print = || On::command("/ppp/secret/print").once();
    let mut client = Client::daily(&sim).await;
    sim.inject(
        print(),
        Fault::Partial {
            rows: 2,
            then: Then::Trap("no such item (4)".to_owned()),
        },
    );
    let answer = client.say("/ppp/secret/print").await;
    assert_eq!((answer.rows.len(), answer.trap()), (2, "no such item (4)"));

    sim.inject(
        print(),
        Fault::Partial {
            rows: 1,
            then: Then::Silence,
        },
    );
    client
        .send(command("/ppp/secret/print =.proplist=name"))
        .await;
    assert_eq!(client.words().await, ["!re", "=name=ann"]);
    client.say("/system/identity/print").await;

    sim.inject(
        print(),
        Fault::Partial {
            rows: 0,
            then: Then::Cut,
        },
    );
    client.send(command("/ppp/secret/print")).await;
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn traps_fatals_and_garbage_come_instead_of_an_answer() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    sim.inject(
        On::menu("/ip/firewall/address-list").once(),
        Fault::trap("std failure: timeout (13)"),
    );
    assert_eq!(client.say(ADD).await.trap(), "std failure: timeout (13)");
    assert_eq!(permits(&sim), 0);
    sim.inject(On::any().once(), Fault::Garbage(b"\x04!odd\x00".to_vec()));
    client.send(command(ADD)).await;
    assert_eq!(client.words().await, ["!odd"]);
    sim.inject(On::any().once(), Fault::Fatal("out of memory".to_owned()));
    client.send(command(ADD)).await;
    assert_eq!(client.words().await, ["!fatal", "out of memory"]);
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn a_login_is_refused_to_order() {
    for (version, text) in [
        (Version::V7_16, "invalid user name or password (6)"),
        (Version::V6_49, "invalid user name or password (6)"),
    ] {
        let sim = prepared().version(version).start().await.unwrap();
        sim.inject(On::login().once(), Fault::RefuseLogin);
        let mut client = Client::connect(sim.api_address()).await;
        assert_eq!(
            client
                .say("/login =name=admin =password=admin-secret")
                .await
                .trap(),
            text
        );
        client
            .say("/login =name=admin =password=admin-secret")
            .await
            .ok();
    }
}

#[tokio::test]
async fn a_stalled_connection_stays_open_and_says_nothing() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client.send(command("/ppp/active/listen .tag=1")).await;
    client.say("/system/identity/print").await;
    sim.inject(On::any().by("mikro2fa").once(), Fault::Stall);
    client.send(command("/system/identity/print")).await;
    soon(sim.until(|sim| {
        sim.commands()
            .iter()
            .any(|command| command.fault == Some("stall"))
    }))
    .await;
    sim.dial(Dial::new("ann", "pw")).unwrap();
    client.send(command("/system/identity/print")).await;
    let mut other = Client::admin(&sim).await;
    assert_eq!(other.say("/system/identity/print").await.rows.len(), 1);
    let silence = tokio::time::timeout(Duration::from_millis(1), client.receive());
    assert!(silence.await.is_err());
}

#[tokio::test]
async fn latency_delays_the_answer_and_not_what_is_done() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let add = || On::command("/ip/firewall/address-list/add").once();
    sim.inject(add(), Fault::Latency(Duration::from_secs(3_600)));
    client.send(command(&format!("{ADD} .tag=1"))).await;
    client.send(command("/cancel .tag=2")).await;
    assert_eq!(client.words().await, ["!done", ".tag=2"]);
    assert_eq!(permits(&sim), 1);

    sim.inject(add(), Fault::Latency(Duration::from_millis(1)));
    let again = client.say(&format!("{ADD} .tag=3")).await;
    assert_eq!(again.trap(), "failure: already have such entry");
}

#[tokio::test]
async fn an_unreachable_router_refuses_and_is_found_again_at_its_port() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    sim.set_reachability(Reachability::Refusing);
    assert!(client.receive().await.is_none());
    // The listener goes in the same moment or the next.
    let refused = async {
        while TcpStream::connect(sim.api_address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refused).await;
    let tunnel = sim.dial(Dial::new("ann", "pw")).unwrap();
    assert!(tunnel.is_up());
    sim.set_reachability(Reachability::Reachable);
    let reached = async {
        while TcpStream::connect(sim.api_address()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(reached).await;
    let mut client = Client::daily(&sim).await;
    assert_eq!(client.say("/ppp/active/print").await.rows.len(), 1);
}

#[tokio::test]
async fn a_silent_router_takes_connections_and_answers_when_it_is_back() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    sim.set_reachability(Reachability::Silent);
    client.send(command("/system/identity/print")).await;
    let mut late = Client::connect(sim.api_address()).await;
    late.send(command("/login =name=admin =password=admin-secret"))
        .await;
    let silence = tokio::time::timeout(Duration::from_millis(1), client.receive());
    assert!(silence.await.is_err());
    sim.clear_faults();
    assert_eq!(client.answer().await.rows.len(), 1);
    late.answer().await.ok();
}

#[tokio::test]
async fn the_date_may_be_wrong_while_time_goes_on() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    sim.set_date(0);
    assert_eq!(
        client.say("/system/clock/print").await.rows[0]["date"],
        "1970-01-01"
    );
    assert_eq!(
        client.say("/system/resource/print").await.rows[0]["uptime"],
        "1h"
    );
    sim.advance(Duration::from_secs(60));
    assert_eq!(
        client.say("/system/clock/print").await.rows[0]["time"],
        "00:01:00"
    );
}
