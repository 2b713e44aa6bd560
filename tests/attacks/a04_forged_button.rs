//! A4: button data is what a client sends, and a client can send anything.

use crate::harness::{
    BOBS, Database, FakeMessage, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, data_of, json,
    on_both,
};

on_both!(
    made_up_data,
    somebody_elses_button,
    an_operators_button,
    somebody_elses_extension,
);

const NOT_HERE: &str = "This button does not work here.";

async fn asked(town: &Town) -> Outcome<(TunnelHandle, FakeMessage)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    Ok((tunnel, question))
}

/// Random, cut off, of another version, of a slot that there isn't, as long as may be.
async fn made_up_data(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let (yes, no) = (data_of(&question, "Yes"), data_of(&question, "No"));
    assert!(yes.len() <= 64, "what Telegram takes");
    assert_eq!(yes[..23], no[..23], "one row, two slots");
    let other_row: String = yes.chars().rev().collect();
    for data in [
        String::new(),
        "yes".to_owned(),
        format!("{{\"answer\":\"yes\",\"tunnel\":{:?}}}", tunnel.active_id()),
        yes[..24].to_owned(),
        format!("{yes}0"),
        format!("2{}", &yes[1..]),
        format!("1{}", &other_row[..24]),
        format!("{}02", &yes[..23]),
        format!("{}zz", &yes[..23]),
        format!("1{}00", "A".repeat(22)),
        "x".repeat(64),
        "\u{0}\u{202e}'; DROP TABLE keyboards; --".to_owned(),
    ] {
        town.advance(std::time::Duration::from_secs(4)).await;
        let answer = town.tap_data(&town.ann, question.id, &data).await?;
        assert_eq!(answer.text, NOT_HERE, "{data:?}");
        assert!(!town.reaches_office(&tunnel), "{data:?}");
    }
    town.settle().await;
    assert_eq!(town.session().await?["state"], "challenged");
    // The real one still counts.
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

/// The very data of Ann's "yes", sent by others from their own chats.
async fn somebody_elses_button(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let yes = data_of(&question, "Yes");
    let stranger = town.telegram.user(1_666, "Eve", None, Some("en"));
    for phone in [&town.bob, &town.olga, &stranger] {
        let answer = town.tap_data(phone, question.id, &yes).await?;
        assert_eq!(answer.text, NOT_HERE, "{}", phone.id());
        town.settle().await;
        assert!(!town.reaches_office(&tunnel));
        assert_eq!(town.session().await?["state"], "challenged");
    }
    // Neither can they say "not me" for her, and have her locked out.
    let no = data_of(&question, "No");
    let answer = town.tap_data(&town.bob, question.id, &no).await?;
    assert_eq!(answer.text, NOT_HERE);
    town.settle().await;
    assert_eq!(town.session().await?["state"], "challenged");
    let bans = town.get("bans").await?;
    assert_eq!(bans["rows"], json!([]));
    town.finish().await
}

/// Who asks to be let in lets nobody in, with whatever data.
async fn an_operators_button(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.put("settings/self-registration", json!({ "on": true }))
        .await?;
    let eve = town.telegram.user(1_666, "Eve", Some("eve"), Some("en"));
    eve.send("/register");
    town.reads(&eve, "Please send your name").await?;
    eve.send("Eve Jones");
    town.reads(&eve, "Request sent").await?;
    let alert = town.reads(&town.olga, "Wants access").await?;
    let first = data_of(&alert, "Approve");
    for phone in [&eve, &town.ann] {
        let answer = town.tap_data(phone, alert.id, &first).await?;
        assert_eq!(answer.text, NOT_HERE);
    }
    town.tap(&town.olga, &alert, "Approve").await?;
    let confirm = town.reads(&town.olga, "Approve Eve Jones?").await?;
    town.advance(std::time::Duration::from_secs(2)).await;
    let second = data_of(&confirm, "Approve");
    for phone in [&eve, &town.ann] {
        let answer = town.tap_data(phone, confirm.id, &second).await?;
        assert_eq!(answer.text, NOT_HERE);
    }
    let users = town.get("users").await?;
    let names = users["rows"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|user| user["name"].clone()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    town.finish().await
}

/// Bob's reminder prolongs nothing of Ann's, and Ann's nothing in Bob's hand.
async fn somebody_elses_extension(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.opened().await?;
    town.advance(HOUR + 31 * MINUTE).await;
    let reminder = town.reads(&town.ann, "Ends at").await?;
    let end = town.session().await?["expires_at"].clone();
    let bobs = town.dials("bob", BOBS);
    town.asked(&town.bob, BOBS).await?;
    for label in ["+1 hour", "+4 hours", "End now"] {
        let data = data_of(&reminder, label);
        let answer = town.tap_data(&town.bob, reminder.id, &data).await?;
        assert_eq!(answer.text, NOT_HERE, "{label}");
    }
    town.settle().await;
    let sessions = town.sessions().await?;
    let anns = sessions.iter().find(|s| s["state"] == "expiring").unwrap();
    assert_eq!(anns["expires_at"], end);
    assert!(!town.reaches_office(&bobs));
    town.finish().await
}
