//! A14: something is away, and what holds back unconfirmed tunnels must not go with it.

use std::time::Duration;

use crate::harness::{
    BOBS, Database, ELSEWHERE, FakeMessage, HOME, HOUR, MINUTE, Outcome, Town, Trouble,
    TunnelHandle, json, on_both,
};

on_both!(
    telegram_is_away,
    answers_cannot_reach_us,
    mikro2fa_is_dead,
    the_router_is_out_of_reach,
    the_database_cannot_be_written,
    the_router_reboots_while_mikro2fa_is_dead,
    confirmed_tunnels_kept_by_policy,
);

async fn asked(town: &Town) -> Outcome<(TunnelHandle, FakeMessage)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    Ok((tunnel, question))
}

/// Nobody can be asked: nobody gets in, and nobody is punished for not answering.
async fn telegram_is_away(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.telegram.set_down(true);
    let thief = town.dials("bob", BOBS);
    for _ in 0..30 {
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&thief));
    }
    town.telegram.set_down(false);
    town.advance(MINUTE).await;
    town.settle().await;
    assert!(!town.reaches_office(&thief));
    let bans = town.get("bans").await?;
    assert_eq!(bans["rows"], json!([]), "an unheard question is no offence");
    town.finish().await
}

/// A question that had been heard, and whose answer can't reach us, is put once more; nobody is locked out for silence.
async fn answers_cannot_reach_us(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["max_unanswered"] = json!(1);
    })
    .await?;
    let (tunnel, _) = asked(&town).await?;
    town.telegram.set_down(true);
    for _ in 0..30 {
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&tunnel));
    }
    town.telegram.set_down(false);
    town.advance(MINUTE).await;
    let again = town.asked(&town.ann, "out of reach for a while").await?;
    town.settle().await;
    assert_eq!(town.session().await?["state"], "challenged");
    let bans = town.get("bans").await?;
    assert_eq!(bans["rows"], json!([]), "an unheard answer is no offence");
    town.tap(&town.ann, &again, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.finish().await
}

/// New tunnels are held by the router alone; what was confirmed closes within its lease.
async fn mikro2fa_is_dead(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let anns = town.opened().await?;
    town.kill_engine().await?;
    let thief = town.dials("bob", BOBS);
    for _ in 0..11 {
        assert!(!town.reaches_office(&thief));
        assert!(!town.reaches_office_established(&thief));
        town.advance(MINUTE).await;
    }
    assert!(!town.reaches_office(&anns), "its lease is over");
    assert!(!town.reaches_office_established(&anns));
    town.start_again().await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&thief));
    town.finish().await
}

/// An end that nobody can carry out is carried out by the lease, and a "not me" too.
async fn the_router_is_out_of_reach(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    let open = town.reads(&town.ann, "Open:").await?;
    town.settle().await;
    town.unplug();
    town.tap(&town.ann, &open, "Not me").await?;
    town.advance(11 * MINUTE).await;
    assert!(!town.reaches_office(&tunnel), "the lease is over");
    let told = town.reads(&town.ann, "Closed and reported").await?;
    assert!(told.text.contains("not reachable yet"), "{told:?}");
    town.plug();
    town.advance(2 * MINUTE).await;
    town.until_cut(&tunnel).await?;
    town.finish().await
}

/// What is not written down opens nothing, and what was said meanwhile is not lost.
async fn the_database_cannot_be_written(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let lock = town.lock_database();
    let tap = town.ann.tap(question.id, "Yes, it was me");
    let tap = tap.map_err(|e| Trouble::new(e.to_string()))?;
    town.telegram
        .until("the bot has it in hand", |chats| !chats.polling())
        .await
        .map_err(|e| Trouble::new(e.to_string()))?;
    assert!(!town.reaches_office(&tunnel), "nothing is written yet");
    assert!(town.permits().is_empty());
    let answered = town.telegram.with(|chats| {
        let tap = chats.tap(&tap);
        tap.is_some_and(|tap| tap.answer.as_ref().is_some_and(|a| a.text == "Opening."))
    });
    assert!(!answered, "not said before it is so");
    drop(lock);
    town.until_open(&tunnel).await?;
    town.finish().await
}

/// A reboot empties the lists and gives out addresses anew; nobody is there to look.
async fn the_router_reboots_while_mikro2fa_is_dead(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.opened().await?;
    town.kill_engine().await?;
    town.sim.reboot();
    let thieves = [town.dials("bob", BOBS), town.dials("ann", ELSEWHERE)];
    for thief in &thieves {
        assert!(!town.reaches_office(thief));
    }
    town.advance(5 * MINUTE).await;
    town.start_again().await?;
    for _ in 0..6 {
        town.advance(Duration::from_secs(20)).await;
        for thief in &thieves {
            assert!(!town.reaches_office(thief), "{:#?}", town.permits());
        }
    }
    town.finish().await
}

/// `outage` = `keep_confirmed` is about whom their owner has confirmed, and until their end.
async fn confirmed_tunnels_kept_by_policy(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["outage"] = json!("keep_confirmed");
    })
    .await?;
    let anns = town.opened().await?;
    town.kill_engine().await?;
    let thief = town.dials("bob", BOBS);
    town.advance(HOUR).await;
    assert!(town.reaches_office(&anns), "kept");
    assert!(!town.reaches_office(&thief), "new tunnels are held");
    town.advance(HOUR + MINUTE).await;
    assert!(!town.reaches_office(&anns), "never past its end");
    town.start_again().await?;
    town.until_sessions("expired", |sessions| {
        sessions.iter().any(|s| s["ended"]["reason"] == "expired")
    })
    .await?;
    town.finish().await
}
