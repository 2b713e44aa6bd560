//! Many of everything.

use mikro2fa_router::simulator::{Dial, Simulator};

use crate::wire::{Client, command, prepared};

#[tokio::test]
async fn ten_thousand_tunnels_on_one_router() {
    let mut builder = prepared();
    for n in 0..10_000 {
        builder = builder.account(format!("u{n}"), "pw");
    }
    let sim = builder.start().await.unwrap();
    let tunnels: Vec<_> = (0..10_000)
        .map(|n| sim.dial(Dial::new(format!("u{n}"), "pw")).unwrap())
        .collect();
    let mut client = Client::daily(&sim).await;
    assert_eq!(
        client
            .say("/ppp/active/print =.proplist=.id,name,address")
            .await
            .rows
            .len(),
        10_000
    );
    assert_eq!(
        client
            .say("/ppp/active/print =count-only= ?name=u7777")
            .await
            .ret(),
        "1"
    );
    for tunnel in &tunnels {
        tunnel.hang_up();
    }
    assert_eq!(sim.tunnel_count(), 0);
}

#[tokio::test]
async fn two_hundred_routers_in_one_process() {
    let mut routers = Vec::new();
    for _ in 0..200 {
        routers.push(prepared().start().await.unwrap());
    }
    for sim in &routers {
        sim.dial(Dial::new("ann", "pw")).unwrap();
        let mut client = Client::daily(sim).await;
        assert_eq!(client.say("/ppp/active/print").await.rows.len(), 1);
    }
}

#[tokio::test]
async fn commands_may_be_pipelined_without_bound() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let mut bytes = Vec::new();
    for n in 0..5_000 {
        let address = std::net::Ipv4Addr::from_bits(0x0a_0b_00_00 + n);
        command(&format!(
            "/ip/firewall/address-list/add =list=p =address={address} =timeout=1h .tag={n}"
        ))
        .encode(&mut bytes);
    }
    client.send_raw(&bytes).await;
    for n in 0..5_000 {
        let words = client.words().await;
        assert_eq!(
            (words[0].as_str(), words[1].as_str()),
            ("!done", format!(".tag={n}").as_str())
        );
    }
}

#[tokio::test]
async fn a_router_stops_with_its_last_handle() {
    let sim = prepared().start().await.unwrap();
    let other: Simulator = sim.clone();
    let mut client = Client::daily(&sim).await;
    drop(sim);
    assert_eq!(client.say("/system/identity/print").await.rows.len(), 1);
    let tunnel = other.dial(Dial::new("ann", "pw")).unwrap();
    drop(other);
    assert!(tunnel.is_up());
    drop(tunnel);
    assert!(client.receive().await.is_none());
}
