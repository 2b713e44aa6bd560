//! A28: an entry on the permit list that somebody else put there, for the very address of a tunnel, or for any.

use crate::harness::{
    BOBS, Database, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, on_both,
};

on_both!(
    for_the_address_of_a_tunnel_that_is_to_open,
    for_the_address_of_a_stranger,
    with_our_comment_and_another_tunnel,
    of_another_installation,
    on_the_emergency_list,
);

/// An entry of this address, which no time-out ever takes away.
fn put(town: &Town, address: &str, comment: &str) {
    let list = town.sim.names().permit.clone();
    let entry = [("list", &*list), ("address", address), ("comment", comment)];
    town.by_hand("/ip/firewall/address-list/add", &entry);
}

fn address(tunnel: &TunnelHandle) -> String {
    tunnel.address().unwrap().to_string()
}

/// "Already have such entry" is no success: what is there is not ours, and nobody would take it away at the end.
async fn for_the_address_of_a_tunnel_that_is_to_open(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    put(&town, &address(&tunnel), "printer");
    town.tap(&town.ann, &question, "Yes").await?;
    town.advance(3 * MINUTE).await;
    town.until_ended("not_opened").await?;
    town.reads(&town.ann, "Not opened").await?;
    town.reads(&town.olga, "Foreign entry on the permit list")
        .await?;
    town.reads(&town.olga, "Could not let in").await?;
    town.settle().await;
    let permits = town.permits();
    assert_eq!(permits.len(), 1, "{permits:#?}");
    assert_eq!(permits[0]["comment"], "printer", "not ours: left as it is");
    town.finish().await
}

/// Who is let through by such an entry is asked about all the same, and operators are told which entry it is.
async fn for_the_address_of_a_stranger(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let thief = town.dials("ann", ELSEWHERE);
    town.asked(&town.ann, ELSEWHERE).await?;
    let address = address(&thief);
    put(&town, &address, "by hand");
    assert!(
        town.reaches_office(&thief),
        "that is what such an entry does"
    );
    town.advance(HOUR + 2 * MINUTE).await;
    let alert = town
        .reads(&town.olga, "Foreign entry on the permit list")
        .await?;
    assert!(alert.text.contains(&address), "{alert:?}");
    assert!(alert.text.contains("by hand"), "{alert:?}");
    assert!(!alert.silent, "it is heard");
    assert!(!thief.is_up(), "cut after its time in quarantine");
    // The router's own on-down has taken every entry of that address away with the tunnel.
    assert!(town.permits().is_empty(), "{:#?}", town.permits());
    town.finish().await
}

/// Our own comment, but of a session that there isn't, or of one whose tunnel has another address: nobody has answered
/// for that, so it goes.
async fn with_our_comment_and_another_tunnel(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let ours = town.opened().await?;
    let real = town.permits()[0]["comment"].clone();
    let words: Vec<&str> = real.split(' ').collect();
    let made_up = format!("mikro2fa {} {} {}", words[1], "0".repeat(32), words[3]);
    for comment in [made_up, real] {
        let thief = town.dials("bob", BOBS);
        town.asked(&town.bob, BOBS).await?;
        put(&town, &address(&thief), &comment);
        town.advance(11 * MINUTE).await;
        assert!(!town.reaches_office(&thief), "{:#?}", town.permits());
        assert!(town.reaches_office(&ours), "{:#?}", town.permits());
        assert_eq!(town.permits().len(), 1, "{:#?}", town.permits());
        thief.hang_up();
        town.advance(MINUTE).await;
    }
    town.finish().await
}

/// Two installations on one router would take each other's permits away: nothing is opened until an operator decides.
async fn of_another_installation(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let theirs = "mikro2fa 11111111 22222222222272228222222222222222 1";
    put(&town, "10.8.0.250", theirs);
    town.advance(11 * MINUTE).await;
    town.reads(&town.olga, "Gate broken on office").await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.advance(5 * MINUTE).await;
    assert!(!town.reaches_office(&tunnel), "{:#?}", town.permits());
    let permits = town.permits();
    assert_eq!(permits.len(), 1, "{permits:#?}");
    assert_eq!(permits[0]["comment"], theirs, "not ours: left as it is");
    town.finish().await
}

/// The break-glass list lets through without mikro2fa, and operators hear of it at once; it is left alone.
async fn on_the_emergency_list(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let thief = town.dials("ann", ELSEWHERE);
    town.asked(&town.ann, ELSEWHERE).await?;
    let address = address(&thief);
    let list = town.sim.names().emergency.clone();
    let entry = [("list", &*list), ("address", &*address), ("timeout", "1h")];
    town.by_hand("/ip/firewall/address-list/add", &entry);
    assert!(town.reaches_office(&thief), "that is what the list is for");
    town.advance(MINUTE + MINUTE / 60).await;
    let alert = town.reads(&town.olga, "Emergency entry on").await?;
    assert!(alert.text.contains(&address), "{alert:?}");
    assert!(!alert.silent, "it is heard");
    assert!(thief.is_up(), "an operator's word: not cut");
    town.finish().await
}
