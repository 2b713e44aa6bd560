//! A6: somebody else holds the Telegram account of a person: a second SIM card, a stolen desktop session. Then the second
//! factor is theirs, and what is left is that the chat weakens nothing, undoes nothing, and can always lock.

use crate::harness::{
    Database, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, Town, data_of, json, on_both,
};

on_both!(
    by_mistake_unlocks_nothing,
    an_administrators_own_lock,
    nothing_in_the_chat_weakens,
    whoever_notices_can_lock,
    a_new_link_is_heard_of_and_can_be_stopped,
);

/// The person said "not me"; the thief says that it was a mistake. Operators hear that, and nothing else happens.
async fn by_mistake_unlocks_nothing(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Not requested").await?;
    town.tap(&town.ann, &question, "No").await?;
    let card = town.reads(&town.ann, "Closed and reported").await?;
    town.until_cut(&tunnel).await?;
    town.advance(std::time::Duration::from_secs(2)).await;
    town.tap(&town.ann, &card, "I tapped by mistake").await?;
    town.reads(&town.olga, "says it was tapped by mistake")
        .await?;
    town.ann.send("/request_vpn");
    town.reads(&town.ann, "only an administrator can unlock it")
        .await?;
    let again = town.dials("ann", ELSEWHERE);
    town.advance(10 * MINUTE).await;
    assert!(!town.reaches_office(&again));
    assert!(town.questions(&town.ann).is_empty(), "nothing is asked");
    let bans = town.get("bans").await?;
    assert_eq!(bans["rows"].as_array().map(Vec::len), Some(1), "{bans}");
    town.finish().await
}

/// The thief holds the Telegram of somebody who administers, too: their own lock is for another administrator to lift.
async fn an_administrators_own_lock(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let operator = json!({ "name": "Ann", "chat": town.ann.id() });
    town.post("settings/operators", operator).await?;
    town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Not requested").await?;
    town.tap(&town.ann, &question, "No").await?;
    let own = town.reads(&town.ann, "Not me: Ann").await?;
    town.advance(std::time::Duration::from_secs(2)).await;
    let answer = town.tap(&town.ann, &own, "Undo").await?;
    assert_eq!(answer.text, "This button does not work here.");
    town.ann.send("/bans");
    let list = town.reads(&town.ann, "Locks: 1").await?;
    let answer = town.tap(&town.ann, &list, "Unlock ann").await?;
    assert_eq!(answer.text, "This button does not work here.");
    town.settle().await;
    let bans = town.get("bans").await?;
    assert_eq!(bans["rows"].as_array().map(Vec::len), Some(1), "{bans}");
    // The other one can.
    let theirs = town.reads(&town.olga, "Not me: Ann").await?;
    town.tap(&town.olga, &theirs, "Undo").await?;
    let confirm = town.reads(&town.olga, "Unlock ann?").await?;
    town.advance(std::time::Duration::from_secs(2)).await;
    town.tap(&town.olga, &confirm, "Unlock ann").await?;
    town.reads(&town.ann, "ann is unlocked").await?;
    town.settle().await;
    assert_eq!(town.get("bans").await?["rows"], json!([]));
    town.finish().await
}

/// No word in the chat changes what has to be confirmed, for how long, or by whom.
async fn nothing_in_the_chat_weakens(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.dials("ann", ELSEWHERE);
    town.asked(&town.ann, "Not requested").await?;
    let ann = format!("users/{}", town.user("Ann")?);
    let before = (
        town.get(&ann).await?["policy"].clone(),
        town.get("settings/policy").await?,
    );
    for said in [
        "/policy",
        "/policy require_confirmation off",
        "/approve",
        "/bans",
        "/sessions",
        "/routers",
        "/pending",
        "/operators",
        "Administration",
        "yes",
        "Yes, it was me",
        "/yes",
    ] {
        // One answer in half a minute is all that such words get.
        town.advance(std::time::Duration::from_secs(31)).await;
        town.ann.send(said);
        town.reads(&town.ann, "I don't know that.").await?;
        town.settle().await;
        assert!(!town.reaches_office(&tunnel), "{said:?}");
    }
    let after = (
        town.get(&ann).await?["policy"].clone(),
        town.get("settings/policy").await?,
    );
    assert_eq!(before, after);
    let said: Vec<_> = town
        .ann
        .shown()
        .into_iter()
        .filter(|m| m.from_bot)
        .collect();
    assert!(
        !said
            .iter()
            .any(|m| m.text.contains("Locks") || m.text.contains("Routers")),
        "{said:#?}"
    );
    town.finish().await
}

/// Two taps end all that is open, from whichever device they come.
async fn whoever_notices_can_lock(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.advance(HOUR).await;
    town.ann.send("/disable_vpn");
    let view = town.reads(&town.ann, "Turn off your VPN access?").await?;
    town.advance(std::time::Duration::from_secs(2)).await;
    town.tap(&town.ann, &view, "Now: end everything").await?;
    town.reads(&town.ann, "Access is off").await?;
    town.until_shut(&tunnel).await?;
    town.until_cut(&tunnel).await?;
    town.finish().await
}

/// A link code in the wrong hands takes the questions away from their person, who hears of it and stops it.
async fn a_new_link_is_heard_of_and_can_be_stopped(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let thief = town.telegram.user(1_004, "Ann", None, Some("en"));
    town.link("Ann", &thief).await?;
    let told = town
        .reads(&town.ann, "was moved to another Telegram")
        .await?;
    let objection = data_of(&told, "This was not agreed");
    // Not for the thief to press, and not to be pressed for others.
    for phone in [&thief, &town.bob] {
        let answer = town.tap_data(phone, told.id, &objection).await?;
        assert_eq!(answer.text, "This button does not work here.");
    }
    town.tap_data(&town.ann, told.id, &objection).await?;
    let alert = town
        .reads(&town.olga, "says the new link is not theirs")
        .await?;
    town.reads(&thief, "Your access is paused").await?;
    let tunnel = town.dials("ann", HOME);
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&tunnel));
    assert!(town.questions(&thief).is_empty(), "nothing is asked");
    // Whoever has the new chat decides nothing about it either.
    let back = data_of(&alert, "Go back");
    let answer = town.tap_data(&thief, alert.id, &back).await?;
    assert_eq!(answer.text, "This button does not work here.");
    town.tap(&town.olga, &alert, "Go back").await?;
    let confirm = town
        .reads(&town.olga, "Give Ann back the earlier chat?")
        .await?;
    town.advance(std::time::Duration::from_secs(2)).await;
    town.tap(&town.olga, &confirm, "Go back").await?;
    town.reads(&town.ann, "This chat is now linked to Ann")
        .await?;
    town.settle().await;
    tunnel.hang_up();
    town.advance(MINUTE).await;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Not requested").await?;
    assert!(town.questions(&thief).is_empty());
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}
