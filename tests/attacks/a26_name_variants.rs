//! A26: one login under many names. `ANN`, `CORP\ann` and `ann@corp` are Ann where the RADIUS server says so, and
//! somebody else where PPP secrets are compared letter by letter.

use std::time::Duration;

use mikro2fa_core::{
    desk::{NameMatching, SourceKind},
    directory::{DeskChange, Directory as _},
};

use crate::harness::{
    Database, ELSEWHERE, HOME, MINUTE, Outcome, PASSWORD, Town, Trouble, json, on_both,
};

on_both!(
    letter_by_letter_it_is_another_account,
    a_ban_holds_for_every_spelling,
    prompts_are_counted_over_all_spellings,
    a_second_spelling_is_a_second_tunnel,
    letters_that_only_look_alike,
);

const SPELLINGS: [&str; 4] = ["ANN", "CORP\\ann", "ann@corp.example", "CORP\\Ann@corp"];

/// A router that lets every spelling in, and the source compares names so.
async fn town(on: Database, matching: NameMatching) -> Outcome<Town> {
    let town = Town::with(on, |options| {
        let mut simulator = options.office.simulator.clone();
        for name in SPELLINGS.into_iter().chain(["\u{430}nn"]) {
            simulator = simulator.account(name, PASSWORD);
        }
        options.office.simulator = simulator;
    })
    .await?;
    if matching == NameMatching::Exact {
        return Ok(town);
    }
    town.kill_engine().await?;
    let store = town.open_store().await?;
    let failed = |e: mikro2fa_core::store::StoreError| Trouble::new(e.to_string());
    for mut source in store.sources().await.map_err(failed)? {
        source.matching = matching;
        source.kind = SourceKind::Radius;
        source.holder = None;
        let change = vec![DeskChange::PutSource(source)];
        store.change(change, Vec::new()).await.map_err(failed)?;
    }
    store.close().await.map_err(failed)?;
    town.start_again().await?;
    Ok(town)
}

/// PPP secrets `ann` and `ANN` are two logins: the second has no owner, is held, and Ann is not asked about it.
async fn letter_by_letter_it_is_another_account(on: Database) -> Outcome<()> {
    let town = town(on, NameMatching::Exact).await?;
    let ours = town.opened().await?;
    for name in SPELLINGS {
        let thief = town.dials(name, HOME);
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&thief), "{name}");
        thief.hang_up();
        town.settle().await;
    }
    assert!(town.questions(&town.ann).is_empty());
    town.reads(&town.olga, "Without an owner").await?;
    assert!(town.reaches_office(&ours));
    town.finish().await
}

/// "Not me" about one spelling locks them all.
async fn a_ban_holds_for_every_spelling(on: Database) -> Outcome<()> {
    let town = town(on, NameMatching::Folded).await?;
    let thief = town.dials("ANN", ELSEWHERE);
    let question = town.asked(&town.ann, ELSEWHERE).await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&thief).await?;
    town.settle().await;
    for name in SPELLINGS.into_iter().chain(["ann"]) {
        let again = town.dials(name, ELSEWHERE);
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&again), "{name}");
        assert!(
            town.questions(&town.ann).is_empty(),
            "{name} is asked about"
        );
        again.hang_up();
        town.settle().await;
    }
    town.finish().await
}

/// Another spelling is no fresh count of questions.
async fn prompts_are_counted_over_all_spellings(on: Database) -> Outcome<()> {
    let town = town(on, NameMatching::Folded).await?;
    for n in 0..16 {
        let thief = town.dials(SPELLINGS[n % 4], ELSEWHERE);
        town.advance(Duration::from_secs(30)).await;
        assert!(!town.reaches_office(&thief));
        thief.hang_up();
        town.advance(Duration::from_secs(5)).await;
    }
    let rang = town.rang(&town.ann, "Yes, it was me").len();
    assert_eq!(rang, 6, "what policy says for one account");
    town.reads(&town.ann, "Too many attempts").await?;
    town.finish().await
}

/// While `ann` is open, `ANN` from elsewhere is her second tunnel, with a question of its own.
async fn a_second_spelling_is_a_second_tunnel(on: Database) -> Outcome<()> {
    let town = town(on, NameMatching::Folded).await?;
    let first = town.opened().await?;
    let thief = town.dials("CORP\\ann", ELSEWHERE);
    town.asked(&town.ann, "Was this you too?").await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&thief));
    assert!(town.reaches_office(&first));
    let held = town.get("sessions?open=true").await?;
    let account = json!(town.account("ann")?);
    let of_ann = held["rows"].as_array().unwrap().iter();
    assert_eq!(of_ann.filter(|s| s["account"] == account).count(), 2);
    town.finish().await
}

/// A Cyrillic `а` is not an `a`, however names are compared.
async fn letters_that_only_look_alike(on: Database) -> Outcome<()> {
    for matching in [NameMatching::Exact, NameMatching::Folded] {
        let town = town(on, matching).await?;
        let thief = town.dials("\u{430}nn", HOME);
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&thief));
        assert!(town.questions(&town.ann).is_empty());
        town.reads(&town.olga, "Without an owner").await?;
        town.finish().await?;
    }
    Ok(())
}
