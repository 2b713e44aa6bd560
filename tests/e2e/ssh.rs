//! A router that is reached over SSH.

use std::time::Duration;

use mikro2fa_router::simulator::Via;

use crate::harness::{Database, HOME, HOUR, Outcome, Town, json, on_both};

on_both!(a_life_over_ssh);

/// Nothing tells of a tunnel over SSH before the next poll.
const POLL: Duration = Duration::from_secs(16);

async fn a_life_over_ssh(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.office.simulator = options.office.simulator.clone().ssh(0);
    })
    .await?;

    // The host key is shown, and pinned by whoever compared it.
    let path = format!("routers/{}", town.router);
    let fingerprint = town.sim.host_fingerprint().unwrap();
    let mut over_ssh = json!({
        "transport": "ssh", "port": town.sim.ssh_address().unwrap().port(), "pins": [],
        "password": town.sim.daily_password(),
    });
    let refused = town.patch(&path, over_ssh.clone()).await.unwrap_err();
    assert!(refused.to_string().contains(&fingerprint), "{refused}");
    over_ssh["pins"] = json!([fingerprint]);
    town.patch(&path, over_ssh).await?;
    town.settle().await;
    town.sim.clear_commands();

    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    town.advance(POLL).await;
    let question = town.asked(&town.ann, "Was it you?").await?;
    assert!(!town.reaches_office(&tunnel), "open before the answer");
    let answer = town.tap(&town.ann, &question, "Yes").await?;
    assert_eq!(answer.text, "Opening.");
    town.until_open(&tunnel).await?;
    town.reads(&town.ann, "Open:").await?;
    assert_eq!(town.permits().len(), 1, "one permit, under a lease");

    town.advance(HOUR).await;
    assert!(town.reaches_office(&tunnel), "renewed all the time");
    town.advance(HOUR + POLL).await;
    assert!(!town.reaches_office(&tunnel), "over: shut");
    town.until_cut(&tunnel).await?;
    assert!(town.permits().is_empty(), "no permit is left");
    town.until_ended("expired").await?;

    let said = town.sim.commands();
    assert!(!said.is_empty());
    let other = said.iter().find(|it| it.via != Via::Ssh);
    assert_eq!(other, None, "all of it over SSH");
    assert_eq!(town.sim.unknown_commands(), []);
    town.finish().await
}
