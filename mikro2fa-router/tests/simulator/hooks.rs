//! A profile's scripts: the hand-over of an address, and webhooks.

use std::time::Duration;

use mikro2fa_router::simulator::{Dial, Flow, Happening, Simulator};
use routeros_api::Command;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::wire::{Client, prepared, soon};

async fn permit(client: &mut Client, address: std::net::IpAddr) {
    let words = format!(
        "/ip/firewall/address-list/add =list=mikro2fa-permit =address={address} =timeout=10m"
    );
    client.say(&words).await.ret();
}

fn permits(sim: &Simulator) -> usize {
    sim.rows("/ip/firewall/address-list")
        .iter()
        .filter(|row| row["list"] == "mikro2fa-permit")
        .count()
}

#[tokio::test]
async fn the_next_holder_of_an_address_does_not_inherit_its_permit() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    let address = ann.address().unwrap();
    permit(&mut client, address).await;
    assert!(
        sim.would_pass(&Flow::between(&ann, [192, 168, 88, 10]))
            .passes()
    );

    ann.hang_up();
    let bob = sim.dial(Dial::new("bob", "pw")).unwrap();
    assert_eq!(bob.address(), Some(address));
    assert!(
        sim.would_pass(&Flow::between(&bob, [192, 168, 88, 10]))
            .is_dropped()
    );
    assert_eq!(permits(&sim), 0);
}

#[tokio::test]
async fn a_ghost_that_ends_late_takes_a_fresh_permit_away_and_thus_closes() {
    let sim = prepared()
        .fixed_account("carl", "pw", [10, 9, 0, 7].into())
        .start()
        .await
        .unwrap();
    let mut client = Client::daily(&sim).await;
    sim.dial(Dial::new("carl", "pw")).unwrap().crash();
    let again = sim.dial(Dial::new("carl", "pw")).unwrap();
    permit(&mut client, again.address().unwrap()).await;
    sim.advance(Duration::from_secs(30));
    assert!(
        sim.would_pass(&Flow::between(&again, [192, 168, 88, 10]))
            .is_dropped()
    );
}

#[tokio::test]
async fn without_the_hand_over_lines_the_permit_is_inherited() {
    let sim = prepared().start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    admin
        .say("/ppp/profile/set =.id=mikro2fa-vpn =!on-up= =!on-down=")
        .await
        .ok();
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    permit(&mut admin, ann.address().unwrap()).await;
    ann.hang_up();
    let bob = sim.dial(Dial::new("bob", "pw")).unwrap();
    assert!(
        sim.would_pass(&Flow::between(&bob, [192, 168, 88, 10]))
            .passes()
    );
}

#[tokio::test]
async fn hooks_may_run_late() {
    let sim = prepared()
        .quirks(|quirks| quirks.hooks_after = Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let mut client = Client::daily(&sim).await;
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    sim.advance(Duration::from_secs(1));
    permit(&mut client, ann.address().unwrap()).await;
    ann.hang_up();
    let bob = sim.dial(Dial::new("bob", "pw")).unwrap();
    assert!(
        sim.would_pass(&Flow::between(&bob, [192, 168, 88, 10]))
            .passes()
    );
    sim.advance(Duration::from_secs(1));
    assert!(
        sim.would_pass(&Flow::between(&bob, [192, 168, 88, 10]))
            .is_dropped()
    );
}

#[tokio::test]
async fn a_script_that_is_not_understood_is_loud() {
    let sim = prepared().start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    admin
        .talk(
            Command::new("/ppp/profile/set")
                .attribute(".id", "mikro2fa-vpn")
                .attribute("on-up", ":do { :beep } on-error={}"),
        )
        .await
        .ok();
    sim.dial(Dial::new("ann", "pw")).unwrap();
    let failed = sim.events().into_iter().find_map(|event| match event.what {
        Happening::ScriptFailed { hook, error } => Some((hook, error)),
        _ => None,
    });
    assert_eq!(
        failed,
        Some(("on-up", "the simulator does not know :beep".to_owned()))
    );
    assert!(
        sim.rows("/log")
            .iter()
            .any(|row| row["topics"] == "script,error")
    );
}

#[tokio::test]
async fn a_webhook_is_called_for_real() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sim = prepared().start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    let script = format!(
        "/tool fetch url=\"http://{address}/hook/ppp\" http-method=post http-data=(\"ev=up&user=\" . $user) \
         http-header-field=\"X-Hook-Key: 0123\" output=none"
    );
    admin
        .talk(
            Command::new("/ppp/profile/set")
                .attribute(".id", "mikro2fa-vpn")
                .attribute("on-up", script),
        )
        .await
        .ok();
    sim.dial(Dial::new("ann", "pw")).unwrap();

    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"ev=up&user=ann") {
        assert!(soon(stream.read_buf(&mut request)).await.unwrap() > 0);
    }
    let request = String::from_utf8(request).unwrap();
    assert!(
        request.starts_with("POST /hook/ppp HTTP/1.1\r\n")
            && request.contains("\r\nX-Hook-Key: 0123\r\n"),
        "{request}"
    );
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    drop(stream);
    soon(sim.until(|sim| sim.fetches()[0].outcome == Some(Ok(204)))).await;
}

#[tokio::test]
async fn nobody_outside_this_machine_is_called() {
    let sim = prepared().start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    for url in [
        "http://192.0.2.1:80/x",
        "https://127.0.0.1:1/x",
        "http://hook.example/x",
    ] {
        let script = format!("/tool fetch url=\"{url}\" output=none");
        admin
            .talk(
                Command::new("/ppp/profile/set")
                    .attribute(".id", "mikro2fa-vpn")
                    .attribute("on-up", script),
            )
            .await
            .ok();
        sim.dial(Dial::new("ann", "pw")).unwrap();
    }
    soon(sim.until(|sim| {
        sim.fetches()
            .iter()
            .all(|fetched| matches!(&fetched.outcome, Some(Err(_))))
    }))
    .await;
    assert_eq!(sim.fetches().len(), 3);
}
