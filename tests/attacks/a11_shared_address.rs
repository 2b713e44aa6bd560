//! A11: many people behind one public address. What is known of the address is known of nobody.

use std::time::Duration;

use mikro2fa_router::simulator::Service;

use crate::harness::{
    Database, Dial, HOME, MINUTE, Outcome, PASSWORD, Town, TunnelHandle, on_both,
};

on_both!(
    a_drop_is_no_chance_for_the_neighbour,
    no_caller_is_no_trust,
    a_caller_that_the_client_chooses_is_no_trust,
    resumes_do_not_go_on_for_ever,
    not_me_cuts_that_tunnel_only,
);

async fn dropped(town: &Town) -> Outcome<()> {
    let anns = town.opened().await?;
    lost(town, anns).await
}

/// A line is lost, and that was seen: from here on a reconnect could go on without a question.
async fn lost(town: &Town, tunnel: TunnelHandle) -> Outcome<()> {
    tunnel.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    town.settle().await;
    Ok(())
}

/// Bob has Ann's password and sits behind her address. She loses her line; he dials in her name within the grace.
async fn a_drop_is_no_chance_for_the_neighbour(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let bobs = town.dials("bob", HOME);
    town.asked(&town.bob, HOME).await?;
    bobs.hang_up();
    town.advance(MINUTE).await;
    dropped(&town).await?;
    let thief = town.dials("ann", HOME);
    let question = town.asked(&town.ann, HOME).await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&thief), "{question:?}");
    town.finish().await
}

/// A router that does not say from where: nothing to recognise anybody by.
async fn no_caller_is_no_trust(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let first = town.dials("ann", "");
    let question = town.asked(&town.ann, "unknown address").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&first).await?;
    town.reads(&town.ann, "Open:").await?;
    town.settle().await;
    lost(&town, first).await?;
    let second = town.dials("ann", "");
    town.asked(&town.ann, "unknown address").await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&second));
    town.finish().await
}

/// A MAC address is whatever a client says it is.
async fn a_caller_that_the_client_chooses_is_no_trust(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let dial = Dial::new("ann", PASSWORD)
        .by(Service::Pppoe)
        .from("02:00:00:AA:BB:CC");
    town.request().await?;
    let first = pppoe(&town, &dial)?;
    let question = town.asked(&town.ann, "02:00:00:AA:BB:CC").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&first).await?;
    town.reads(&town.ann, "Open:").await?;
    town.settle().await;
    lost(&town, first).await?;
    let second = pppoe(&town, &dial)?;
    town.asked(&town.ann, "02:00:00:AA:BB:CC").await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&second));
    town.finish().await
}

fn pppoe(town: &Town, dial: &Dial) -> Outcome<TunnelHandle> {
    let tunnel = town.sim.dial(dial);
    tunnel.map_err(|e| crate::harness::Trouble::new(e.to_string()))
}

/// A reconnect from the same caller is let through without a question three times in a row, and not a fourth.
async fn resumes_do_not_go_on_for_ever(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let mut tunnel = town.opened().await?;
    for n in 0..3 {
        tunnel.hang_up();
        town.advance(Duration::from_secs(5)).await;
        tunnel = town.dials("ann", HOME);
        town.until_open(&tunnel).await?;
        let notice = town.reads(&town.ann, "Reconnected").await?;
        assert!(
            notice.labels().contains(&"Not me, close it"),
            "{n}: {notice:?}"
        );
        town.settle().await;
    }
    assert!(town.questions(&town.ann).is_empty());
    tunnel.hang_up();
    town.advance(Duration::from_secs(5)).await;
    let fourth = town.dials("ann", HOME);
    town.asked(&town.ann, HOME).await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&fourth));
    town.finish().await
}

/// What is cut is a tunnel, not an address.
async fn not_me_cuts_that_tunnel_only(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let bobs = town.dials("bob", HOME);
    let question = town.asked(&town.bob, HOME).await?;
    town.tap(&town.bob, &question, "Yes").await?;
    town.until_open(&bobs).await?;
    let thief = town.dials("ann", HOME);
    let question = town.asked(&town.ann, HOME).await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&thief).await?;
    town.advance(12 * MINUTE).await;
    assert!(bobs.is_up() && town.reaches_office(&bobs), "a neighbour");
    town.finish().await
}
