//! A session's whole life, and how it can end.

use std::time::Duration;

use crate::harness::{Database, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, Town, json, on_both};

on_both!(
    lifecycle,
    denial_and_undo,
    unrequested,
    no_answer_is_held_then_cut,
    resent_at_most_three_times,
    asked_again_on_demand,
    never_connected,
);

async fn lifecycle(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    assert_eq!(town.permits().len(), 1, "one permit, under a lease");
    town.advance(HOUR + 30 * MINUTE + Duration::from_secs(5))
        .await;
    let reminder = town.reads(&town.ann, "Ends at").await?;
    assert!(!reminder.silent, "a reminder is heard");
    assert!(town.reaches_office(&tunnel), "renewed all the time");
    let answer = town.tap(&town.ann, &reminder, "+1 hour").await?;
    assert!(answer.text.starts_with("Extended to"), "{answer:?}");
    town.reads(&town.ann, "Extended by").await?;
    town.advance(45 * MINUTE).await;
    assert!(town.reaches_office(&tunnel), "open past its first end");
    let before = town.session().await?["expires_at"].clone();
    let data = crate::harness::data_of(&reminder, "+1 hour");
    town.tap_data(&town.ann, reminder.id, &data).await?;
    assert_eq!(
        town.session().await?["expires_at"],
        before,
        "the reminder's buttons are used once"
    );
    town.advance(50 * MINUTE).await;
    assert!(!town.reaches_office(&tunnel), "over: shut");
    town.until_cut(&tunnel).await?;
    assert!(town.permits().is_empty(), "no permit is left");
    town.reads(&town.ann, "Ended").await?;
    assert_eq!(
        town.until_state("ended").await?["ended"]["reason"],
        "expired"
    );
    town.finish().await
}

async fn denial_and_undo(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Not requested").await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&tunnel).await?;
    town.reads(&town.olga, "Not me").await?;
    town.until_ended("denied").await?;
    town.settle().await;
    let again = town.dials("ann", ELSEWHERE);
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&again));
    assert!(town.questions(&town.ann).is_empty(), "banned: not asked");
    town.ann.send("/request_vpn");
    town.reads(&town.ann, "only an administrator can unlock it")
        .await?;

    // The operator's undo.
    let bans = town.get("bans").await?;
    let ban = format!("bans/{}", bans["rows"][0]["id"].as_str().unwrap());
    let lifted = town.answer(reqwest::Method::DELETE, &ban, None);
    assert_eq!(lifted.await?.0, 204, "{bans}");
    town.reads(&town.ann, "is unlocked").await?;
    again.hang_up();
    town.settle().await;
    town.opened().await?;
    town.finish().await
}

async fn unrequested(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Not requested").await?;
    assert!(!town.reaches_office(&tunnel));
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn no_answer_is_held_then_cut(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    town.asked(&town.ann, "Was it you?").await?;
    town.advance(5 * MINUTE + Duration::from_secs(5)).await;
    town.reads(&town.ann, "No answer").await?;
    assert!(tunnel.is_up(), "it stays up in quarantine");
    assert!(!town.reaches_office(&tunnel));
    town.advance(HOUR + MINUTE).await;
    town.until_cut(&tunnel).await?;
    town.finish().await
}

async fn resent_at_most_three_times(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["confirmation_timeout"] = json!(1_200);
    })
    .await?;
    town.request().await?;
    town.dials("ann", HOME);
    town.asked(&town.ann, "Was it you?").await?;
    town.advance(15 * MINUTE).await;
    assert_eq!(
        town.sent(&town.ann, "Was it you?"),
        4,
        "asked, and asked again three times"
    );
    let shown = town.questions(&town.ann);
    assert_eq!(shown.len(), 1, "one message, moved: {shown:#?}");
    assert!(shown[0].text.contains("Asked again, 3 of 3"), "{shown:#?}");
    town.finish().await
}

async fn asked_again_on_demand(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    town.asked(&town.ann, "Was it you?").await?;
    town.advance(5 * MINUTE + Duration::from_secs(5)).await;
    let card = town.reads(&town.ann, "No answer").await?;
    town.tap(&town.ann, &card, "It is me").await?;
    let question = town.ann.message_where(crate::harness::is_question).await;
    let question = question.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    assert!(!town.reaches_office(&tunnel), "asked, not opened");
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn never_connected(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    town.advance(31 * MINUTE).await;
    town.reads(&town.ann, "Request for").await?;
    town.until_ended("never_connected").await?;
    town.finish().await
}
