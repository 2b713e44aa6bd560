//! Telegram away, slow, refusing, and people who block the bot.

use std::time::Duration;

use crate::harness::{
    BOBS, Database, FaultRule, HOME, MINUTE, Outcome, Refusal, Town, TunnelHandle, on_both,
};
use mikro2fa_telegram::fake_api::Fault;

on_both!(
    away_while_a_question_is_open,
    blocked_by_the_user,
    told_to_slow_down,
    the_question_was_deleted,
    nothing_to_modify,
    a_lost_reply_to_a_question,
);

async fn asked(town: &Town) -> Outcome<(TunnelHandle, crate::harness::FakeMessage)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    Ok((tunnel, question))
}

async fn away_while_a_question_is_open(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, _) = asked(&town).await?;
    town.telegram.set_down(true);
    // Its poll has to notice, and to fail often enough to be called away.
    for _ in 0..20 {
        town.advance(MINUTE).await;
    }
    assert_eq!(
        town.session().await?["state"],
        "challenged",
        "the clock of a question that nobody can answer stands still"
    );
    town.telegram.set_down(false);
    town.advance(MINUTE).await;
    let again = town
        .asked(&town.ann, "Telegram was out of reach for a while")
        .await?;
    town.settle().await;
    assert_eq!(town.questions(&town.ann).len(), 1);
    assert!(!town.reaches_office(&tunnel));
    town.tap(&town.ann, &again, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn blocked_by_the_user(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.ann.block_bot();
    town.telegram
        .until("the bot knows", |chats| chats.pending_updates() == 0)
        .await
        .map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    town.settle().await;
    let tunnel = town.dials("ann", HOME);
    town.until_ended("undeliverable").await?;
    assert!(!town.reaches_office(&tunnel));
    town.reads(&town.olga, "can't get questions").await?;
    town.settle().await;
    assert!(tunnel.is_up(), "held, not cut");
    // Somebody else's question goes out all the same.
    let bobs = town.dials("bob", BOBS);
    let question = town.asked(&town.bob, "Not requested").await?;
    town.tap(&town.bob, &question, "Yes").await?;
    town.until_open(&bobs).await?;
    // And back again.
    tunnel.hang_up();
    town.settle().await;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn told_to_slow_down(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    town.settle().await;
    let slow = Fault::Refuse(Refusal::too_many_requests(7));
    town.telegram
        .inject(FaultRule::new(slow).method("sendMessage").chat(1001));
    let tunnel = town.dials("ann", HOME);
    town.until_state("challenged").await?;
    town.settle().await;
    assert!(town.questions(&town.ann).is_empty(), "not before it may");
    town.advance(Duration::from_secs(8)).await;
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn the_question_was_deleted(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let gone = Fault::Refuse(Refusal::edit_not_found());
    town.telegram
        .inject(FaultRule::new(gone).method("editMessageText").chat(1001));
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    let card = town.reads(&town.ann, "Open:").await?;
    assert!(card.id != question.id, "said anew");
    town.settle().await;
    // The message that could not be edited still stands in this simulation; its buttons are dead.
    let answer = town
        .tap_data(
            &town.ann,
            question.id,
            &crate::harness::data_of(&question, "No"),
        )
        .await?;
    assert!(!answer.text.is_empty(), "{answer:?}");
    Ok(())
}

async fn nothing_to_modify(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let same = Fault::Refuse(Refusal::not_modified());
    town.telegram
        .inject(FaultRule::new(same).method("editMessageText").chat(1001));
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.reads(&town.ann, "Open:").await?;
    assert_eq!(town.sent(&town.ann, "Was it you?"), 1);
    town.finish().await
}

async fn a_lost_reply_to_a_question(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    town.settle().await;
    let lost = FaultRule::new(Fault::LoseReply).method("sendMessage");
    town.telegram.inject(lost.chat(1001));
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.advance(MINUTE).await;
    assert!(
        town.sent(&town.ann, "Was it you?") <= 2,
        "repeated once at most"
    );
    assert_eq!(town.until_state("active").await?["state"], "active");
    Ok(())
}
