//! A22: what can be learnt from the bot by asking.

use std::time::Duration;

use crate::harness::{
    BOBS, Database, FakeUser, Fault, HOME, MINUTE, On, Outcome, Town, Trouble, on_both,
};

on_both!(
    strangers_learn_nothing,
    users_learn_nothing_of_routers_and_of_each_other,
    a_blocked_stranger_is_no_leak,
);

async fn heard(town: &Town) -> Outcome<()> {
    let read = town
        .telegram
        .until("the bot has read it", |chats| chats.pending_updates() == 0);
    read.await.map_err(|e| Trouble::new(e.to_string()))?;
    town.settle().await;
    Ok(())
}

fn told(phone: &FakeUser) -> Vec<String> {
    let shown = phone.shown().into_iter().filter(|m| m.from_bot);
    shown.map(|m| m.html).collect()
}

/// Names that exist and names that don't, commands that exist and that don't: the same bytes, and then silence.
async fn strangers_learn_nothing(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let texts = [
        "/start",
        "hello",
        "ann",
        "Ann",
        "no such person",
        "/request_vpn",
        "/no_such_command",
        "/pending",
        "/whoami",
        "office",
        "/status",
        "/help",
        "\u{0}\u{202e}",
        "/register",
    ];
    let mut answers = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let stranger = town
            .telegram
            .user(5_000 + n as i64, "Eve", None, Some("en"));
        stranger.send(text);
        heard(&town).await?;
        // Five a second in all.
        town.advance(Duration::from_secs(1)).await;
        answers.push((text, told(&stranger)));
    }
    let first = answers[0].1.clone();
    assert_eq!(first.len(), 1, "{first:?}");
    for (text, answer) in &answers {
        assert_eq!(*answer, first, "{text:?}");
    }
    // One chat that goes on asking is told once in ten minutes.
    let eve = town.telegram.user(5_999, "Eve", None, Some("en"));
    for _ in 0..11 {
        eve.send("ann?");
        heard(&town).await?;
        town.advance(Duration::from_secs(30)).await;
    }
    assert_eq!(told(&eve), first, "the eleventh is silence");
    town.finish().await
}

/// Through all that goes wrong: no address, version, rule, id, router's word, or other person comes into a chat.
async fn users_learn_nothing_of_routers_and_of_each_other(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let bobs = town.dials("bob", BOBS);
    town.asked(&town.bob, BOBS).await?;
    // The router refuses with a trap, is away, comes back.
    let refuses = Fault::trap("failure: no space left on device (mikro2fa-permit)");
    town.sim
        .inject(On::command("/ip/firewall/address-list/add"), refuses);
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.advance(3 * MINUTE).await;
    town.until_ended("not_opened").await?;
    town.sim.clear_faults();
    tunnel.hang_up();
    town.settle().await;
    town.unplug();
    town.advance(2 * MINUTE).await;
    for command in [
        "/status",
        "/my_sessions",
        "/whoami",
        "/help",
        "/request_vpn",
    ] {
        town.ann.send(command);
        heard(&town).await?;
        town.advance(Duration::from_secs(5)).await;
    }
    town.plug();
    town.advance(2 * MINUTE).await;
    town.ann.send("/cancel");
    heard(&town).await?;
    let said = told(&town.ann);
    assert!(said.len() > 4, "{said:#?}");
    let api = town.sim.api_address();
    let session = town.session().await?["id"].as_str().unwrap().to_owned();
    let secrets = [
        api.ip().to_string(),
        api.port().to_string(),
        "7.16".into(),
        "RouterOS".into(),
        "mikro2fa-permit".into(),
        "no space left".into(),
        "trap".into(),
        "firewall".into(),
        "address-list".into(),
        "10.8.".into(),
        session,
        town.router.clone(),
        "Bob".into(),
        BOBS.into(),
        "Olga".into(),
    ];
    for secret in secrets {
        let found = said.iter().find(|text| text.contains(&secret));
        assert!(found.is_none(), "{secret:?} is told: {found:?}");
    }
    assert!(!town.reaches_office(&bobs));
    town.finish().await
}

/// Whoever blocks the bot and comes back learns no more than before.
async fn a_blocked_stranger_is_no_leak(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let eve = town.telegram.user(5_001, "Ann", Some("ann"), Some("en"));
    eve.send("/start");
    heard(&town).await?;
    let first = told(&eve);
    eve.block_bot();
    eve.unblock_bot();
    town.advance(11 * MINUTE).await;
    eve.send("/start");
    heard(&town).await?;
    let all = told(&eve);
    assert!(
        all.iter().all(|text| Some(text) == first.first()),
        "{all:#?}"
    );
    let alerts = town
        .olga
        .shown()
        .into_iter()
        .filter(|m| m.text.contains("can't get questions"));
    assert_eq!(alerts.count(), 0, "nobody of ours");
    town.finish().await
}
