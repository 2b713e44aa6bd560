//! The same account again: dropped lines, ghosts, second tunnels, addresses that go to somebody else.

use crate::harness::{
    BOBS, Database, ELSEWHERE, HOME, MINUTE, Outcome, Town, is_question, json, on_both,
};

on_both!(
    resume,
    resume_not_from_a_shared_caller,
    ghost_overlap,
    second_tunnel_asked_yes_replaces,
    second_tunnel_asked_no_cuts_it,
    second_tunnel_refused,
    second_tunnel_beside,
    two_accounts_of_one_person,
);

async fn resume(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let first = town.opened().await?;
    first.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    assert!(town.permits().is_empty(), "the permit went with the tunnel");
    let second = town.dials("ann", HOME);
    assert!(!town.reaches_office(&second));
    town.until_open(&second).await?;
    let notice = town.reads(&town.ann, "Reconnected").await?;
    assert!(notice.silent, "a resume makes no sound");
    assert!(town.questions(&town.ann).is_empty(), "no new question");
    assert_eq!(town.sessions().await?.len(), 1, "the same session");
    town.finish().await
}

async fn resume_not_from_a_shared_caller(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let bobs = town.dials("bob", HOME);
    town.asked(&town.bob, "Not requested").await?;
    let first = town.opened().await?;
    first.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    let second = town.dials("ann", HOME);
    town.asked(&town.ann, "ann").await?;
    assert!(
        !town.reaches_office(&second),
        "behind one address with bob: asked, not resumed"
    );
    assert!(!town.reaches_office(&bobs));
    town.finish().await
}

async fn ghost_overlap(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let ghost = town.opened().await?;
    ghost.crash();
    assert!(ghost.is_up(), "the router does not know yet");
    let second = town.dials("ann", HOME);
    assert!(!town.reaches_office(&second));
    town.until_cut(&ghost).await?;
    town.until_open(&second).await?;
    town.settle().await;
    assert!(town.questions(&town.ann).is_empty(), "no new question");
    assert_eq!(town.permits().len(), 1, "the ghost's permit is gone");
    town.finish().await
}

async fn second_tunnel_asked_yes_replaces(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let first = town.opened().await?;
    let second = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Was this you too?").await?;
    assert!(!town.reaches_office(&second), "the second is held");
    assert!(town.reaches_office(&first), "the first goes on");
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&second).await?;
    town.until_cut(&first).await?;
    town.until_sessions("the first is replaced", |sessions| {
        sessions
            .iter()
            .any(|session| session["ended"]["reason"] == "replaced")
    })
    .await?;
    town.settle().await;
    assert_eq!(town.permits().len(), 1);
    town.finish().await
}

async fn second_tunnel_asked_no_cuts_it(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.opened().await?;
    let second = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, "Was this you too?").await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&second).await?;
    town.reads(&town.olga, "Not me").await?;
    town.finish().await
}

async fn second_tunnel_refused(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["second_tunnel"] = json!("refuse")
    })
    .await?;
    let first = town.opened().await?;
    let second = town.dials("ann", ELSEWHERE);
    town.reads(&town.ann, "A second connection was refused")
        .await?;
    town.settle().await;
    assert!(!town.reaches_office(&second));
    assert!(town.reaches_office(&first), "the first goes on");
    assert!(town.questions(&town.ann).is_empty());
    town.finish().await
}

async fn second_tunnel_beside(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["second_tunnel"] = json!("both")
    })
    .await?;
    let first = town.opened().await?;
    let second = town.dials("ann", ELSEWHERE);
    let question = town.ann.message_where(is_question).await;
    let question = question.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    assert!(!town.reaches_office(&second));
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&second).await?;
    town.settle().await;
    assert!(town.reaches_office(&first), "both are open");
    assert_eq!(town.permits().len(), 2);
    town.advance(MINUTE).await;
    assert!(town.reaches_office(&first) && town.reaches_office(&second));
    town.finish().await
}

async fn two_accounts_of_one_person(on: Database) -> Outcome<()> {
    let mut town = Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = simulator.account("ann-laptop", crate::harness::PASSWORD);
    })
    .await?;
    let router = town.router.clone();
    town.world_mut()
        .add_account(&router, "ann-laptop", "Ann", json!({}))
        .await?;
    town.ann.send("/request_vpn");
    let choice = town.reads(&town.ann, "Which account?").await?;
    town.tap(&town.ann, &choice, "ann-laptop").await?;
    town.reads(&town.ann, "Connect now: ann-laptop").await?;
    let laptop = town.dials("ann-laptop", HOME);
    let phone = town.dials("ann", BOBS);
    let question = town.asked(&town.ann, "Was it you? ann-laptop").await?;
    town.asked(&town.ann, "Not requested: ann on").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&laptop).await?;
    town.settle().await;
    assert!(
        !town.reaches_office(&phone),
        "an answer is about one tunnel only"
    );
    assert_eq!(town.questions(&town.ann).len(), 1);
    town.finish().await
}
