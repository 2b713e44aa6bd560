//! mikro2fa killed at each stage of a session, and dead for longer than a lease.

use std::time::Duration;

use crate::harness::{
    BOBS, Database, FILES, Flow, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, on_both,
};

on_both!(
    killed_after_the_request,
    killed_after_the_question,
    killed_after_the_answer,
    killed_while_open,
    killed_after_the_reminder,
    killed_after_the_drop,
    dead_past_the_end,
    dead_for_longer_than_the_lease,
);

async fn killed_after_the_request(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    town.kill_engine().await?;
    let tunnel = town.dials("ann", HOME);
    town.start_again().await?;
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn killed_after_the_question(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    // Its receipt is durable; killed before that, it might be put twice, and be the same question.
    town.settle().await;
    town.kill_engine().await?;
    let tap = town.ann.tap(question.id, "Yes, it was me");
    tap.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    assert!(!town.reaches_office(&tunnel), "nobody is there to open");
    town.start_again().await?;
    town.until_open(&tunnel).await?;
    assert_eq!(town.sent(&town.ann, "Was it you?"), 1, "asked once");
    town.finish().await
}

async fn killed_after_the_answer(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.unplug();
    town.tap(&town.ann, &question, "Yes").await?;
    town.reads(&town.ann, "Your answer is kept").await?;
    town.kill_engine().await?;
    town.plug();
    assert!(!town.reaches_office(&tunnel));
    town.start_again().await?;
    town.until_open(&tunnel).await?;
    assert_eq!(town.sent(&town.ann, "Was it you?"), 1, "asked once");
    town.finish().await
}

async fn killed_while_open(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.restart().await?;
    town.advance(30 * MINUTE).await;
    assert!(town.reaches_office(&tunnel), "renewed by the next life");
    assert_eq!(town.permits().len(), 1);
    assert_eq!(town.sent(&town.ann, "Was it you?"), 1, "asked once");
    town.finish().await
}

async fn killed_after_the_reminder(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.advance(HOUR + 30 * MINUTE + Duration::from_secs(5))
        .await;
    let reminder = town.reads(&town.ann, "Ends at").await?;
    town.settle().await;
    town.restart().await?;
    town.tap(&town.ann, &reminder, "+1 hour").await?;
    town.reads(&town.ann, "Extended by").await?;
    assert_eq!(town.sent(&town.ann, "Ends at"), 1, "reminded once");
    town.advance(45 * MINUTE).await;
    assert!(town.reaches_office(&tunnel));
    town.finish().await
}

async fn killed_after_the_drop(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let first = town.opened().await?;
    first.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    town.settle().await;
    town.kill_engine().await?;
    let second = town.dials("ann", HOME);
    assert!(!town.reaches_office(&second));
    town.start_again().await?;
    town.until_open(&second).await?;
    assert!(town.questions(&town.ann).is_empty(), "resumed all the same");
    town.finish().await
}

async fn dead_past_the_end(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.kill_engine().await?;
    town.advance(3 * HOUR).await;
    assert!(!town.reaches_office(&tunnel));
    town.start_again().await?;
    town.until_cut(&tunnel).await?;
    town.until_ended("expired").await?;
    town.reads(&town.ann, "Ended").await?;
    assert!(town.permits().is_empty());
    town.finish().await
}

async fn dead_for_longer_than_the_lease(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    assert!(
        flows(&town, &tunnel).iter().all(|(_, passes)| *passes),
        "{:#?}",
        flows(&town, &tunnel)
    );
    town.kill_engine().await?;
    assert!(town.reaches_office(&tunnel), "open while the lease runs");
    let stranger = town.dials("bob", BOBS);
    town.advance(11 * MINUTE).await;
    assert!(
        flows(&town, &tunnel).iter().all(|(_, passes)| !*passes),
        "{:#?}",
        flows(&town, &tunnel)
    );
    assert!(!town.reaches_office(&stranger));
    town.start_again().await?;
    town.until_open(&tunnel).await?;
    assert_eq!(town.sent(&town.ann, "Was it you?"), 1, "asked once");
    town.finish().await
}

/// New and running connections, out and back, and whether they pass.
fn flows(town: &Town, tunnel: &TunnelHandle) -> Vec<(&'static str, bool)> {
    let out = Flow::between(tunnel, FILES).tcp(445);
    let back = Flow::between(FILES, tunnel).tcp(50_000);
    let running = Flow::between(tunnel, FILES).tcp(5_201).from_port(40_000);
    let running_back = Flow::between(FILES, tunnel).tcp(40_000).from_port(5_201);
    // A connection of its own, which the router tracks: it would have been fasttracked if the rules let it.
    let tracked = town.sim.send(&running).passes() && town.sim.send(&running_back).passes();
    let passes = |flow: Flow| town.sim.would_pass(&flow).passes();
    vec![
        ("new, out", passes(out.clone())),
        ("established, out", passes(out.established())),
        ("established, back", passes(back.established())),
        ("tracked, both ways", tracked),
    ]
}
