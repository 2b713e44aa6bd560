//! A27: a storm of redials that is to use up what a router may be asked, so that nobody gets in and nobody is thrown out.

use std::{collections::VecDeque, time::Duration};

use crate::harness::{
    BOBS, Database, Dial, ELSEWHERE, HOME, MINUTE, Outcome, PASSWORD, Town, json, on_both,
};

on_both!(the_router_is_not_asked_more_and_the_owner_gets_in);

/// What a router is asked at most within five seconds, what closes aside.
const BUDGET: usize = 100;
const WINDOW: Duration = Duration::from_secs(5);

/// The most commands within any five seconds of the router's clock, cuts left out. What is looked at before a cut counts: it
/// is one question for all that are to be cut.
fn most_asked(town: &Town) -> usize {
    let mut lately: VecDeque<Duration> = VecDeque::new();
    let mut most = 0;
    for record in town.sim.commands() {
        if record.command.ends_with("/remove") {
            continue;
        }
        while lately
            .front()
            .is_some_and(|first| record.at - *first >= WINDOW)
        {
            lately.pop_front();
        }
        lately.push_back(record.at);
        most = most.max(lately.len());
    }
    most
}

/// Clients that dial again as soon as they are cut, and others that come and go all the time.
async fn the_router_is_not_asked_more_and_the_owner_gets_in(on: Database) -> Outcome<()> {
    const GUESSED: usize = 30;
    let town = Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = (0..GUESSED).fold(simulator, |router, n| {
            router.account(format!("guessed{n}"), PASSWORD)
        });
        options.office.record = json!({ "unowned": "cut" });
    })
    .await?;
    town.sim.clear_commands();
    let storm = |n: usize| {
        let dial = Dial::new(format!("guessed{n}"), PASSWORD).from(ELSEWHERE);
        let _ = town.sim.dial(dial.redialling(Duration::from_millis(300)));
    };
    (0..GUESSED).for_each(storm);
    for _ in 0..20 {
        let flapping = town.dials("bob", BOBS);
        town.advance(Duration::from_millis(500)).await;
        flapping.hang_up();
        town.advance(Duration::from_millis(500)).await;
    }
    // Ann is let in all the same, and stays in.
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    town.advance(Duration::from_secs(2)).await;
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    for _ in 0..12 {
        town.advance(MINUTE).await;
        assert!(town.reaches_office(&tunnel), "renewed in time");
    }
    // Nor does anybody who dials often enough.
    for guessed in town.sim.tunnels() {
        assert!(guessed.account() == "ann" || !town.reaches_office(&guessed));
    }
    let most = most_asked(&town);
    assert!(most <= BUDGET, "{most} in five seconds");
    for n in 0..GUESSED {
        town.sim.give_up(&format!("guessed{n}"));
    }
    tunnel.hang_up();
    town.advance(5 * MINUTE).await;
    town.finish().await
}
