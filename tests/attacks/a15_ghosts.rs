//! A15: an account that is there twice: a ghost of a tunnel that is dead, or somebody else beside the owner.

use std::time::Duration;

use crate::harness::{BOBS, Database, ELSEWHERE, HOME, MINUTE, Outcome, Town, json, on_both};

on_both!(
    a_second_tunnel_has_a_question_of_its_own,
    not_me_about_the_second_spares_the_first_until_an_operator_decides,
    the_ghost_goes_before_anything_opens,
    behind_a_shared_caller_a_ghost_is_no_chance,
    refused_by_policy,
    five_at_once,
);

/// One account, two callers: each is confirmed for itself, and the newer yes ends the older.
async fn a_second_tunnel_has_a_question_of_its_own(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let first = town.opened().await?;
    let thief = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Was this you too?").await?;
    assert!(
        question.text.contains(HOME),
        "which one is open: {question:?}"
    );
    for _ in 0..10 {
        town.advance(Duration::from_secs(20)).await;
        assert!(!town.reaches_office(&thief), "the open one opens nothing");
        assert!(town.reaches_office(&first));
    }
    town.finish().await
}

async fn not_me_about_the_second_spares_the_first_until_an_operator_decides(
    on: Database,
) -> Outcome<()> {
    let town = Town::new(on).await?;
    let first = town.opened().await?;
    let thief = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Was this you too?").await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&thief).await?;
    town.reads(&town.olga, "Not me").await?;
    town.settle().await;
    assert!(town.reaches_office(&first), "confirmed, and goes on");
    // Nothing new opens for this account, from wherever.
    for caller in [ELSEWHERE, HOME, BOBS] {
        let again = town.dials("ann", caller);
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&again), "{caller}");
        again.hang_up();
        town.settle().await;
    }
    assert!(town.questions(&town.ann).is_empty());
    town.finish().await
}

/// The dead tunnel's permit is taken, and it is cut, before the new one is judged: never two by one answer.
async fn the_ghost_goes_before_anything_opens(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let ghost = town.opened().await?;
    ghost.crash();
    assert!(ghost.is_up(), "the router does not know yet");
    let second = town.dials("ann", HOME);
    town.until_open(&second).await?;
    assert!(!ghost.is_up(), "gone before the other was opened");
    town.settle().await;
    assert_eq!(town.permits().len(), 1, "{:#?}", town.permits());
    town.finish().await
}

/// Bob sits behind the same address as Ann, and dials with her password while her tunnel is up: he is no resume of hers.
async fn behind_a_shared_caller_a_ghost_is_no_chance(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let bobs = town.dials("bob", HOME);
    town.asked(&town.bob, HOME).await?;
    bobs.hang_up();
    town.settle().await;
    let anns = town.opened().await?;
    let thief = town.dials("ann", HOME);
    for _ in 0..10 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&thief), "{:#?}", town.permits());
    }
    let _ = anns;
    town.asked(&town.ann, HOME).await?;
    town.finish().await
}

/// `second_tunnel` = `refuse`: held without a question, the owner is told.
async fn refused_by_policy(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["second_tunnel"] = json!("refuse");
    })
    .await?;
    let first = town.opened().await?;
    let thief = town.dials("ann", ELSEWHERE);
    let told = town
        .reads(&town.ann, "A second connection was refused")
        .await?;
    assert!(told.text.contains(ELSEWHERE), "{told:?}");
    town.advance(10 * MINUTE).await;
    assert!(!town.reaches_office(&thief));
    assert!(town.questions(&town.ann).is_empty());
    first.hang_up();
    town.advance(3 * MINUTE).await;
    assert!(!town.reaches_office(&thief), "the way is not free for it");
    town.finish().await
}

/// However many there are: a yes is about one.
async fn five_at_once(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let callers = [
        "198.51.100.1",
        "198.51.100.2",
        "198.51.100.3",
        "198.51.100.4",
        HOME,
    ];
    let tunnels: Vec<_> = callers.map(|caller| town.dials("ann", caller)).into();
    town.advance(MINUTE).await;
    let question = town.asked(&town.ann, "ann on office").await?;
    let about = callers
        .iter()
        .position(|caller| question.text.contains(*caller));
    let about = about.unwrap_or_else(|| panic!("about none of them: {question:?}"));
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnels[about]).await?;
    town.advance(MINUTE).await;
    let open: Vec<_> = (0..5)
        .filter(|n| town.reaches_office(&tunnels[*n]))
        .collect();
    assert_eq!(open, [about]);
    town.finish().await
}
