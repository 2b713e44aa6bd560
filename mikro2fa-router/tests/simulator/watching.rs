//! Checklist 7: `listen`, `/cancel`, tags side by side.

use std::time::Duration;

use mikro2fa_router::simulator::{Dial, SimClock};

use crate::wire::{Client, command, prepared};

#[tokio::test]
async fn listen_tells_of_every_tunnel_that_comes_and_goes() {
    let sim = prepared().start().await.unwrap();
    let before = sim.dial(Dial::new("bob", "pw")).unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .send(command(
            "/ppp/active/listen =.proplist=.id,name,address .tag=9",
        ))
        .await;
    client.say("/system/identity/print").await;
    let tunnel = sim.dial(Dial::new("ann", "pw")).unwrap();
    let id = tunnel.active_id().unwrap();
    let address = tunnel.address().unwrap();
    assert_eq!(
        client.words().await,
        [
            "!re".to_owned(),
            ".tag=9".to_owned(),
            format!("=.id={id}"),
            "=name=ann".to_owned(),
            format!("=address={address}")
        ]
    );
    tunnel.hang_up();
    assert_eq!(
        client.words().await,
        [
            "!re".to_owned(),
            ".tag=9".to_owned(),
            format!("=.id={id}"),
            "=.dead=true".to_owned()
        ]
    );
    sim.set_quirks(|quirks| quirks.dead_says_yes = true);
    before.hang_up();
    assert_eq!(client.words().await[3], "=.dead=yes");
}

#[tokio::test]
async fn a_listen_with_a_query_tells_of_what_meets_it() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .send(command(
            "/ppp/active/listen =.proplist=name ?name=ann .tag=1",
        ))
        .await;
    client.say("/system/identity/print").await;
    sim.dial(Dial::new("bob", "pw")).unwrap();
    sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(client.words().await, ["!re", ".tag=1", "=name=ann"]);
}

#[tokio::test]
async fn print_follow_sends_what_is_there_first() {
    let sim = prepared().start().await.unwrap();
    sim.dial(Dial::new("bob", "pw")).unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .send(command("/ppp/active/print =follow= =.proplist=name .tag=1"))
        .await;
    assert_eq!(client.words().await, ["!re", ".tag=1", "=name=bob"]);
    client
        .send(command(
            "/ppp/active/print =follow-only= =.proplist=name .tag=2",
        ))
        .await;
    client.say("/system/identity/print .tag=3").await;
    sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(client.words().await, ["!re", ".tag=1", "=name=ann"]);
    assert_eq!(client.words().await, ["!re", ".tag=2", "=name=ann"]);
}

#[tokio::test]
async fn commands_go_on_beside_a_listen() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .send(command(
            "/ppp/secret/listen =.proplist=name,disabled .tag=1",
        ))
        .await;
    client
        .send(command("/ppp/secret/set =.id=ann =disabled=yes .tag=2"))
        .await;
    let mut words = vec![client.words().await, client.words().await];
    words.sort();
    assert_eq!(
        words,
        [
            vec!["!done", ".tag=2"],
            vec!["!re", ".tag=1", "=name=ann", "=disabled=true"]
        ]
    );
}

#[tokio::test]
async fn cancel_has_three_answers_in_this_order() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client.send(command("/ppp/active/listen .tag=x")).await;
    client.send(command("/cancel =tag=x .tag=y")).await;
    assert_eq!(
        client.words().await,
        ["!trap", ".tag=x", "=category=2", "=message=interrupted"]
    );
    assert_eq!(client.words().await, ["!done", ".tag=y"]);
    assert_eq!(client.words().await, ["!done", ".tag=x"]);
    sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(client.say("/cancel =tag=x .tag=z").await.traps.len(), 1);
}

#[tokio::test]
async fn cancel_without_a_tag_ends_all_of_this_connection() {
    let sim = prepared().start().await.unwrap();
    let mut other = Client::daily(&sim).await;
    other
        .send(command("/ppp/active/listen =.proplist=name .tag=o"))
        .await;
    let mut client = Client::daily(&sim).await;
    client.send(command("/ppp/active/listen .tag=a")).await;
    client.send(command("/ppp/secret/listen")).await;
    client.send(command("/cancel .tag=c")).await;
    let mut dones = 0;
    for _ in 0..5 {
        dones += usize::from(client.words().await[0] == "!done");
    }
    assert_eq!(dones, 3);
    sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(other.words().await[2], "=name=ann");
}

#[tokio::test]
async fn a_lapsed_entry_is_told_when_the_clock_is_moved() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let id = client
        .say("/ip/firewall/address-list/add =list=mikro2fa-permit =address=10.8.0.9 =timeout=10m")
        .await;
    let id = id.ret().to_owned();
    client
        .send(command("/ip/firewall/address-list/listen .tag=1"))
        .await;
    client.say("/system/identity/print").await;
    sim.clock().advance(Duration::from_secs(600));
    assert_eq!(
        client.words().await,
        [
            "!re".to_owned(),
            ".tag=1".to_owned(),
            format!("=.id={id}"),
            "=.dead=true".to_owned()
        ]
    );
}

#[tokio::test]
async fn a_lapsed_entry_is_told_in_real_time_too() {
    let sim = prepared().clock(SimClock::real()).start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .send(command("/ip/firewall/address-list/listen .tag=1"))
        .await;
    client.say("/ip/firewall/address-list/add =list=mikro2fa-permit =address=10.8.0.9 =timeout=1s .tag=2").await;
    // The row that was added may be told before or after the answer to the add.
    loop {
        if client.words().await.contains(&"=.dead=true".to_owned()) {
            break;
        }
    }
}

#[tokio::test]
async fn what_measures_goes_on_until_it_is_cancelled() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    let once = client
        .say("/interface/monitor-traffic =interface=ether1,bridge =once=")
        .await;
    assert_eq!(once.all("name"), ["ether1", "bridge"]);
    assert_eq!(once.all("rx-bits-per-second"), ["0", "0"]);
    let ping = client.say("/ping =address=192.168.88.10 =count=1").await;
    assert_eq!(ping.all("received"), ["1"]);
    let nobody = client.say("/ping =address=8.8.8.8 =count=1").await;
    assert_eq!(nobody.all("status"), ["timeout"]);

    client
        .send(command(
            "/interface/monitor-traffic =interface=ether1 .tag=m",
        ))
        .await;
    assert!(client.words().await.contains(&"=.section=0".to_owned()));
    sim.advance(Duration::from_secs(1));
    assert!(client.words().await.contains(&"=.section=1".to_owned()));
    client.send(command("/cancel =tag=m .tag=c")).await;
    assert_eq!(client.words().await[3], "=message=interrupted");
    assert_eq!(client.words().await, ["!done", ".tag=c"]);
    assert_eq!(client.words().await, ["!done", ".tag=m"]);
    sim.advance(Duration::from_secs(5));
    assert_eq!(client.say("/system/identity/print").await.rows.len(), 1);
    let unknown = client
        .say("/interface/monitor-traffic =interface=ether9 =once=")
        .await;
    assert_eq!(
        unknown.trap(),
        "input does not match any value of interface"
    );
}
