//! A7: the tunnel that a question was about goes, or is replaced, while the answer is on its way.

use std::time::Duration;

use crate::harness::{
    BOBS, Database, ELSEWHERE, FakeMessage, HOME, MINUTE, Outcome, Town, TunnelHandle, data_of,
    on_both,
};

on_both!(
    yes_while_the_tunnel_drops,
    yes_while_another_caller_takes_its_place,
    yes_while_the_same_caller_dials_again,
    its_address_is_somebody_elses_by_then,
    yes_and_no_from_two_phones,
    no_and_yes_from_two_phones,
);

/// A small pool: who dials next gets the address that was just given back.
async fn town(on: Database) -> Outcome<Town> {
    Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = simulator.pool("10.8.0.2-10.8.0.2");
    })
    .await
}

async fn asked(town: &Town) -> Outcome<(TunnelHandle, FakeMessage)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    Ok((tunnel, question))
}

/// The router is asked again before anything is opened, and the tunnel is not there.
async fn yes_while_the_tunnel_drops(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let (tunnel, question) = asked(&town).await?;
    town.unplug();
    tunnel.hang_up();
    town.tap(&town.ann, &question, "Yes").await?;
    town.settle().await;
    town.plug();
    town.advance(MINUTE).await;
    town.until_ended("tunnel_gone").await?;
    let told = town.reads(&town.ann, "Not opened").await?;
    assert!(told.text.contains("had already ended"), "{told:?}");
    assert!(town.permits().is_empty(), "{:#?}", town.permits());
    town.finish().await
}

/// The newcomer has the old one's name, address and place in the router's list, and nobody has confirmed it.
async fn yes_while_another_caller_takes_its_place(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let (address, place) = (tunnel.address(), tunnel.active_id());
    town.unplug();
    tunnel.hang_up();
    let thief = town.dials("ann", ELSEWHERE);
    assert_eq!(thief.address(), address, "the very same address");
    town.tap(&town.ann, &question, "Yes").await?;
    town.settle().await;
    town.plug();
    for _ in 0..12 {
        town.advance(Duration::from_secs(10)).await;
        assert!(
            !town.reaches_office(&thief),
            "opened by an answer about {place:?}: {:#?}",
            town.permits()
        );
    }
    let again = town.asked(&town.ann, ELSEWHERE).await?;
    town.tap(&town.ann, &again, "Yes").await?;
    town.until_open(&thief).await?;
    town.finish().await
}

/// The answer is not carried over, however alike the two are.
async fn yes_while_the_same_caller_dials_again(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let (tunnel, question) = asked(&town).await?;
    town.unplug();
    town.advance(MINUTE).await;
    let address = tunnel.address();
    tunnel.hang_up();
    let second = town.dials("ann", HOME);
    assert_eq!(second.address(), address, "the very same address");
    town.tap(&town.ann, &question, "Yes").await?;
    town.settle().await;
    town.plug();
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&second), "{:#?}", town.permits());
    let again = town.asked(&town.ann, HOME).await?;
    assert_ne!(data_of(&again, "Yes"), data_of(&question, "Yes"));
    town.tap(&town.ann, &again, "Yes").await?;
    town.until_open(&second).await?;
    town.finish().await
}

/// Bob has Ann's address when her answer is acted on: nobody gets it opened.
async fn its_address_is_somebody_elses_by_then(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let address = tunnel.address();
    town.unplug();
    town.tap(&town.ann, &question, "Yes").await?;
    town.reads(&town.ann, "Your answer is kept").await?;
    tunnel.hang_up();
    let bobs = town.dials("bob", BOBS);
    assert_eq!(bobs.address(), address, "the very same address");
    town.plug();
    for _ in 0..6 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    town.finish().await
}

/// Two phones, one chat: a no within a minute ends what a yes has opened, and locks the account.
async fn yes_and_no_from_two_phones(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let (yes, no) = (data_of(&question, "Yes"), data_of(&question, "No"));
    let first = town.ann.tap_raw(question.id, &yes);
    let second = town.ann.tap_raw(question.id, &no);
    for tap in [&first, &second] {
        let answered = town.ann.answer_to(tap).await;
        answered.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    }
    town.until_cut(&tunnel).await?;
    town.until_ended("denied").await?;
    town.settle().await;
    assert!(town.permits().is_empty(), "{:#?}", town.permits());
    let again = town.dials("ann", HOME);
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&again), "locked");
    assert!(town.questions(&town.ann).is_empty());
    town.finish().await
}

/// The other way round the first word stands, too: nothing opens.
async fn no_and_yes_from_two_phones(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let (yes, no) = (data_of(&question, "Yes"), data_of(&question, "No"));
    town.ann.tap_raw(question.id, &no);
    let second = town.ann.tap_raw(question.id, &yes);
    let answer = town.ann.answer_to(&second).await;
    let answer = answer.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    assert_ne!(answer.text, "Opening.");
    town.until_cut(&tunnel).await?;
    town.until_ended("denied").await?;
    town.advance(MINUTE).await;
    assert!(town.permits().is_empty(), "{:#?}", town.permits());
    town.finish().await
}
