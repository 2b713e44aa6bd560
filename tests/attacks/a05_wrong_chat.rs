//! A5: the answer comes from another chat than the owner's own: a group, an old phone, a namesake.

use reqwest::Method;

use crate::harness::{
    Database, FakeMessage, HOME, MINUTE, Outcome, Town, TunnelHandle, data_of, json, on_both,
};

on_both!(
    in_a_group,
    a_message_that_is_no_message_of_the_bot,
    the_same_user_name_with_another_id,
    the_phone_that_was_linked_before,
    guessed_link_codes,
);

const NOT_HERE: &str = "This button does not work here.";

async fn asked(town: &Town) -> Outcome<(TunnelHandle, FakeMessage)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    Ok((tunnel, question))
}

async fn answer_to(town: &Town, phone: &crate::harness::FakeUser, tap: &str) -> Outcome<String> {
    let answer = phone.answer_to(tap).await;
    let answer = answer.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    town.settle().await;
    Ok(answer.text)
}

/// In a group everybody would be asked, and anybody could answer. The bot leaves it, and says nothing there.
async fn in_a_group(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let group = town.telegram.group(-1_001, "Office");
    group.add_bot(&town.ann);
    let yes = data_of(&question, "Yes");
    for phone in [&town.ann, &town.bob] {
        let tap = group.tap_raw(phone, question.id, &yes);
        assert_eq!(answer_to(&town, phone, &tap).await?, NOT_HERE);
        assert!(!town.reaches_office(&tunnel));
    }
    group.send(&town.ann, "/request_vpn");
    town.settle().await;
    town.telegram
        .until("the bot has read it", |chats| chats.pending_updates() == 0)
        .await
        .map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    town.settle().await;
    let said: Vec<_> = group.chat().into_iter().filter(|m| m.from_bot).collect();
    assert!(said.is_empty(), "{said:#?}");
    assert_eq!(town.session().await?["state"], "challenged");
    town.finish().await
}

/// Under a result of an inline query there is no chat that it could have been shown in.
async fn a_message_that_is_no_message_of_the_bot(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let tap = town.ann.tap_inline(&data_of(&question, "Yes"));
    assert_eq!(answer_to(&town, &town.ann, &tap).await?, NOT_HERE);
    assert!(!town.reaches_office(&tunnel));
    town.finish().await
}

/// User names change hands; ids don't. Nothing goes by a name.
async fn the_same_user_name_with_another_id(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let thief = town.telegram.user(1_666, "Ann", Some("ann"), Some("en"));
    let yes = data_of(&question, "Yes");
    let answer = town.tap_data(&thief, question.id, &yes).await?;
    assert_eq!(answer.text, NOT_HERE);
    for command in ["/request_vpn", "/my_sessions", "/status", "/disable_vpn"] {
        thief.send(command);
    }
    town.reads(&thief, "This is a private service").await?;
    town.settle().await;
    assert!(!town.reaches_office(&tunnel));
    assert_eq!(town.session().await?["state"], "challenged");
    let said: Vec<_> = thief.shown().into_iter().filter(|m| m.from_bot).collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    town.finish().await
}

/// Whoever has the old phone has nothing any more; it is told that it was replaced.
async fn the_phone_that_was_linked_before(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let new = town.telegram.user(1_004, "Ann", None, Some("en"));
    town.link("Ann", &new).await?;
    town.reads(&town.ann, "was moved to another Telegram")
        .await?;
    town.settle().await;
    for label in ["Yes", "No"] {
        let data = data_of(&question, label);
        let answer = town.tap_data(&town.ann, question.id, &data).await?;
        assert_eq!(answer.text, NOT_HERE, "{label}");
        town.settle().await;
        assert!(!town.reaches_office(&tunnel));
    }
    town.ann.send("/request_vpn");
    town.reads(&town.ann, "This is a private service").await?;
    // What is open is asked about in the new chat, and nothing is left to tap in the old one.
    let before = town.rang(&town.ann, "Yes, it was me").len();
    town.asked(&new, "Was it you?").await?;
    town.settle().await;
    assert!(town.questions(&town.ann).is_empty());
    tunnel.hang_up();
    town.advance(MINUTE).await;
    // From now on the new one is asked, and nobody else.
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&new, "Not requested").await?;
    assert_eq!(town.rang(&town.ann, "Yes, it was me").len(), before);
    town.tap(&new, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

/// One text whatever was wrong with a code, five tries an hour, then none; and a code is used once.
async fn guessed_link_codes(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let path = format!("users/{}/link-code", town.user("Bob")?);
    let code = town.post(&path, json!({})).await?;
    let code = code["code"].as_str().unwrap().to_owned();
    let thief = town.telegram.user(1_666, "Eve", None, Some("en"));
    let mut answers = Vec::new();
    for n in 0..10 {
        let mut guess = code.clone().into_bytes();
        guess[n] = if guess[n] == b'A' { b'B' } else { b'A' };
        thief.send(&format!("/start {}", String::from_utf8(guess).unwrap()));
    }
    town.reads(&thief, "This code does not work").await?;
    town.telegram
        .until("the bot has read it all", |chats| {
            chats.pending_updates() == 0
        })
        .await
        .map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    town.settle().await;
    answers.extend(thief.shown().into_iter().filter(|m| m.from_bot));
    assert_eq!(answers.len(), 5, "{answers:#?}");
    assert!(answers.iter().all(|m| m.text == answers[0].text));
    // Not even the right one is taken after so many.
    thief.send(&format!("/start {code}"));
    town.telegram
        .until("the bot has read it", |chats| chats.pending_updates() == 0)
        .await
        .map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    town.settle().await;
    let bob = format!("users/{}", town.user("Bob")?);
    let (_, bob) = town.answer(Method::GET, &bob, None).await?;
    assert_eq!(bob["chat"], town.bob.id());
    town.finish().await
}
