//! A2: a tap on "yes" by mistake, or without looking.

use std::time::Duration;

use crate::harness::{
    Database, ELSEWHERE, FakeMessage, HOME, HOUR, MINUTE, Outcome, Town, is_question, on_both,
};

on_both!(
    the_lock_screen_says_who_where_and_whence,
    a_double_tap_on_yes_does_not_end_what_it_opened,
    yes_stands_under_questions_only,
    a_caller_never_seen_before_is_pointed_out,
);

/// What is seen before anything is opened: whose account, which router, from where. Yes and No are never side by side.
async fn the_lock_screen_says_who_where_and_whence(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    town.dials("ann", HOME);
    let requested = town.asked(&town.ann, "Was it you?").await?;
    told_in_full(&requested, HOME);
    town.tap(&town.ann, &requested, "Yes").await?;
    town.reads(&town.ann, "Open:").await?;
    town.dials("ann", ELSEWHERE);
    let second = town.asked(&town.ann, "Was this you too?").await?;
    told_in_full(&second, ELSEWHERE);
    town.dials("bob", ELSEWHERE);
    let unrequested = town.asked(&town.bob, "Not requested").await?;
    assert!(unrequested.lock_screen().contains("bob"), "{unrequested:?}");
    assert!(unrequested.lock_screen().contains(ELSEWHERE));
    town.finish().await
}

fn told_in_full(question: &FakeMessage, caller: &str) {
    let seen = question.lock_screen();
    for fact in ["ann", "office", caller, "l2tp"] {
        let seen = seen.to_lowercase();
        assert!(seen.contains(fact), "{fact:?} is not in {seen:?}");
    }
    assert!(!question.silent, "a question is heard");
    assert!(question.protected, "it cannot be forwarded");
    let rows: Vec<usize> = question.keyboard.iter().map(Vec::len).collect();
    assert_eq!(rows, [1, 1], "yes and no in a row of their own");
    assert!(question.keyboard[0][0].label.starts_with("Yes"));
    assert!(question.keyboard[1][0].label.starts_with("No"));
}

/// Where "yes" was there is "end now" a moment later: a finger that is quicker than the eye changes nothing.
async fn a_double_tap_on_yes_does_not_end_what_it_opened(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    let open = town.reads(&town.ann, "Open:").await?;
    let answer = town.tap(&town.ann, &open, "End now").await?;
    assert_eq!(answer.text, "One moment, please.");
    town.settle().await;
    assert!(town.reaches_office(&tunnel));
    town.advance(Duration::from_secs(2)).await;
    town.tap(&town.ann, &open, "End now").await?;
    town.until_shut(&tunnel).await?;
    town.finish().await
}

/// No other message than a question has a button that begins with "yes".
async fn yes_stands_under_questions_only(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.advance(HOUR + 31 * MINUTE).await;
    town.reads(&town.ann, "Ends at").await?;
    town.ann.send("/my_sessions");
    town.reads(&town.ann, "Your sessions").await?;
    town.ann.send("/disable_vpn");
    town.reads(&town.ann, "Turn off your VPN access?").await?;
    tunnel.hang_up();
    town.reads(&town.ann, "Ended").await?;
    town.advance(2 * MINUTE).await;
    town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Not requested").await?;
    town.tap(&town.ann, &question, "No").await?;
    town.reads(&town.ann, "Closed and reported").await?;
    town.settle().await;
    let titles = [
        "Was it you?",
        "Is this you?",
        "Was this you too?",
        "Not requested",
    ];
    let wrong: Vec<String> = town.telegram.with(|chats| {
        chats
            .calls()
            .filter(|call| call.params["reply_markup"].to_string().contains("Yes"))
            .map(|call| call.params["text"].as_str().unwrap_or_default().to_owned())
            .filter(|text| !titles.iter().any(|title| text.contains(title)))
            .collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    let asked = town.ann.chat().into_iter().filter(|m| m.from_bot).count();
    assert!(asked > 5, "a whole life was told");
    town.finish().await
}

/// From where one always comes, and from where never before, are not told in the same words.
async fn a_caller_never_seen_before_is_pointed_out(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let first = town.asked(&town.ann, "Was it you?").await?;
    assert!(
        first.text.contains("First time from this address"),
        "{first:?}"
    );
    town.tap(&town.ann, &first, "Yes").await?;
    town.until_open(&tunnel).await?;
    tunnel.hang_up();
    town.advance(3 * MINUTE).await;
    let usual = town.dials("ann", HOME);
    let again = town.asked(&town.ann, HOME).await?;
    assert!(
        is_question(&again) && !again.text.contains("First time"),
        "{again:?}"
    );
    usual.hang_up();
    town.advance(MINUTE).await;
    town.dials("ann", ELSEWHERE);
    let strange = town.asked(&town.ann, ELSEWHERE).await?;
    assert!(
        strange.text.contains("First time from this address"),
        "{strange:?}"
    );
    town.finish().await
}
