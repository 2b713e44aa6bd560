//! A3: the button of a question that is over is tapped again, by its owner or by a changed app.

use std::time::Duration;

use crate::harness::{
    Database, ELSEWHERE, FakeMessage, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, data_of,
    on_both,
};

on_both!(
    yes_of_a_tunnel_that_hung_up,
    yes_of_a_question_that_nobody_answered,
    yes_of_a_session_that_is_over,
    yes_after_a_no,
    yes_of_the_tunnel_before,
    extension_of_a_session_that_is_over,
    an_old_yes_after_a_restart,
);

/// A question about a tunnel from home, and what its "yes" sends.
async fn asked(town: &Town) -> Outcome<(TunnelHandle, FakeMessage, String)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    let yes = data_of(&question, "Yes");
    town.settle().await;
    Ok((tunnel, question, yes))
}

/// Somebody dials, and an old "yes" is sent under its own message and under the newest one. It opens nothing; the new
/// one does.
async fn opens_nothing(town: &Town, old: &FakeMessage, yes: &str) -> Outcome<()> {
    let thief = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, ELSEWHERE).await?;
    town.settle().await;
    for message in [old.id, question.id] {
        let answer = town.tap_data(&town.ann, message, yes).await?;
        assert!(
            !answer.text.is_empty() && !answer.text.contains("Opening"),
            "whoever tapped is told that it is over: {answer:?}"
        );
        town.advance(Duration::from_secs(40)).await;
        assert!(!town.reaches_office(&thief), "opened by an old yes");
    }
    assert_eq!(town.session().await?["state"], "challenged");
    let fresh = town.asked(&town.ann, ELSEWHERE).await?;
    town.tap(&town.ann, &fresh, "Yes").await?;
    town.until_open(&thief).await
}

async fn yes_of_a_tunnel_that_hung_up(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question, yes) = asked(&town).await?;
    tunnel.hang_up();
    town.until_ended("tunnel_gone").await?;
    opens_nothing(&town, &question, &yes).await?;
    town.finish().await
}

async fn yes_of_a_question_that_nobody_answered(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question, yes) = asked(&town).await?;
    town.advance(6 * MINUTE).await;
    town.until_ended("unanswered").await?;
    let late = town.tap_data(&town.ann, question.id, &yes).await?;
    assert!(!late.text.contains("Opening"), "{late:?}");
    town.settle().await;
    assert!(tunnel.is_up() && !town.reaches_office(&tunnel));
    tunnel.hang_up();
    town.settle().await;
    opens_nothing(&town, &question, &yes).await?;
    town.finish().await
}

async fn yes_of_a_session_that_is_over(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question, yes) = asked(&town).await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.advance(2 * HOUR + MINUTE).await;
    town.until_ended("expired").await?;
    town.until_cut(&tunnel).await?;
    opens_nothing(&town, &question, &yes).await?;
    town.finish().await
}

/// After "not me" nothing that the phone sends opens anything: the account is locked.
async fn yes_after_a_no(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question, yes) = asked(&town).await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&tunnel).await?;
    let thief = town.dials("ann", HOME);
    for _ in 0..3 {
        let answer = town.tap_data(&town.ann, question.id, &yes).await?;
        assert!(!answer.text.contains("Opening"), "{answer:?}");
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&thief));
    }
    town.finish().await
}

/// The one message is about the newer tunnel now: "yes" as it was sent for the older one is about nothing.
async fn yes_of_the_tunnel_before(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (first, question, yes) = asked(&town).await?;
    let thief = town.dials("ann", ELSEWHERE);
    town.asked(&town.ann, "There is a newer connection").await?;
    town.settle().await;
    let answer = town.tap_data(&town.ann, question.id, &yes).await?;
    assert!(!answer.text.contains("Opening"), "{answer:?}");
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&thief), "meant for another tunnel");
    assert!(!town.reaches_office(&first), "asked about no more");
    town.finish().await
}

async fn extension_of_a_session_that_is_over(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.advance(HOUR + 31 * MINUTE).await;
    let reminder = town.reads(&town.ann, "Ends at").await?;
    let longer = data_of(&reminder, "+4 hours");
    town.advance(HOUR).await;
    town.until_ended("expired").await?;
    town.until_cut(&tunnel).await?;
    let thief = town.dials("ann", HOME);
    town.asked(&town.ann, "Not requested").await?;
    let answer = town.tap_data(&town.ann, reminder.id, &longer).await?;
    assert!(!answer.text.starts_with("Extended"), "{answer:?}");
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&thief));
    town.finish().await
}

/// What an answer was good for is in the database, not in a process.
async fn an_old_yes_after_a_restart(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question, yes) = asked(&town).await?;
    tunnel.hang_up();
    town.until_ended("tunnel_gone").await?;
    town.settle().await;
    town.kill_engine().await?;
    // Tapped while nobody listens; heard when somebody does.
    town.ann.tap_raw(question.id, &yes);
    town.start_again().await?;
    opens_nothing(&town, &question, &yes).await?;
    town.finish().await
}
