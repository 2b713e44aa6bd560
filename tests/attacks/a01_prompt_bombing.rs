//! A1: somebody with the password connects again and again, until the owner taps yes to have peace.

use std::time::Duration;

use crate::harness::{
    Database, ELSEWHERE, FakeMessage, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, json,
    on_both,
};

on_both!(
    a_hundred_redials,
    the_cool_down_lasts_and_is_told_once,
    many_tunnels_at_once,
    unanswered_questions_ban_this_account_from_this_caller,
    the_owner_gets_in_meanwhile,
    what_was_not_requested_rings_once,
);

/// What policy says by default.
const PROMPTS_AN_HOUR: usize = 6;

/// However often somebody redials, the phone rings as often as policy says in any hour, with one open question at most.
async fn a_hundred_redials(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let began = town.clock_now();
    for _ in 0..100 {
        let tunnel = town.dials("ann", ELSEWHERE);
        town.advance(Duration::from_secs(50)).await;
        assert!(!town.reaches_office(&tunnel), "nobody has confirmed it");
        let shown = town.questions(&town.ann);
        assert!(shown.len() <= 1, "one question at a time: {shown:#?}");
        tunnel.hang_up();
        town.advance(Duration::from_secs(10)).await;
        let about = |message: &FakeMessage| {
            let text = &message.text;
            message.from_bot
                && (text.starts_with("Not requested") || text.starts_with("Not opened"))
        };
        let cards: Vec<_> = town.ann.shown().into_iter().filter(about).collect();
        assert!(cards.len() <= 1, "one card for all of them: {cards:#?}");
    }
    let rang = town.rang(&town.ann, "Yes, it was me");
    assert!(
        rang.len() >= PROMPTS_AN_HOUR,
        "a question was put at all: {rang:?}"
    );
    for (first, at) in rang.iter().enumerate() {
        // A question rings a moment after it was put: two seconds of the hour are Telegram's.
        let hour = HOUR - Duration::from_secs(2);
        let hour = rang[first..].iter().filter(|other| other.since(*at) < hour);
        let count = hour.count();
        assert!(
            count <= PROMPTS_AN_HOUR,
            "rang {count} times within an hour: {:?}",
            rang.iter().map(|at| at.since(began)).collect::<Vec<_>>()
        );
    }
    town.finish().await
}

/// When there were too many questions, tunnels are held without one; owner and operators are told, not each time.
async fn the_cool_down_lasts_and_is_told_once(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    for _ in 0..12 {
        let tunnel = town.dials("ann", ELSEWHERE);
        town.advance(Duration::from_secs(20)).await;
        tunnel.hang_up();
        town.advance(Duration::from_secs(10)).await;
    }
    town.reads(&town.ann, "Too many attempts").await?;
    town.reads(&town.olga, "Many attempts").await?;
    assert!(town.questions(&town.ann).is_empty());
    let thief = town.dials("ann", ELSEWHERE);
    town.advance(10 * MINUTE).await;
    assert!(thief.is_up(), "held, or its client would only redial");
    assert!(!town.reaches_office(&thief));
    assert_eq!(town.sent(&town.ann, "Too many attempts"), 1, "said once");
    assert_eq!(town.sent(&town.olga, "Many attempts"), 1, "said once");
    town.finish().await
}

/// Tunnels that stay up take the place of one another in the one question; above what is held at once they are cut.
async fn many_tunnels_at_once(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let mut tunnels: Vec<TunnelHandle> = Vec::new();
    for n in 0..5 {
        tunnels.push(town.dials("ann", &format!("198.51.100.{n}")));
        town.advance(Duration::from_secs(20)).await;
        assert_eq!(town.questions(&town.ann).len(), 1);
    }
    let question = &town.questions(&town.ann)[0];
    assert!(question.text.contains("198.51.100.4"), "{question:?}");
    let up = tunnels.iter().filter(|tunnel| tunnel.is_up()).count();
    assert_eq!(up, 3, "the one that is asked about, and two that are held");
    // One yes lets one tunnel through: the one that the question is about.
    town.tap(&town.ann, question, "Yes").await?;
    town.until_open(&tunnels[4]).await?;
    town.settle().await;
    for other in &tunnels[..4] {
        assert!(!town.reaches_office(other), "{other:?}");
    }
    town.finish().await
}

/// Three questions without an answer, and this account is not asked about from there any more. Others from there are,
/// and this account from elsewhere is.
async fn unanswered_questions_ban_this_account_from_this_caller(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["request_first"] = json!(false);
    })
    .await?;
    for _ in 0..3 {
        let tunnel = town.dials("ann", ELSEWHERE);
        town.asked(&town.ann, ELSEWHERE).await?;
        town.advance(6 * MINUTE).await;
        assert!(!town.reaches_office(&tunnel));
        tunnel.hang_up();
        town.advance(MINUTE).await;
    }
    let told = town.reads(&town.ann, "Locked until").await?;
    assert!(told.text.contains(ELSEWHERE), "{told:?}");
    town.reads(&town.olga, "Locked until").await?;
    let rang = town.rang(&town.ann, "Yes, it was me").len();

    let banned = town.dials("ann", ELSEWHERE);
    town.advance(10 * MINUTE).await;
    assert!(!town.reaches_office(&banned));
    assert_eq!(town.rang(&town.ann, "Yes, it was me").len(), rang);
    assert!(town.questions(&town.ann).is_empty());
    banned.hang_up();
    town.advance(MINUTE).await;

    // Never by the address alone.
    let bobs = town.dials("bob", ELSEWHERE);
    let question = town.asked(&town.bob, ELSEWHERE).await?;
    town.tap(&town.bob, &question, "Yes").await?;
    town.until_open(&bobs).await?;
    let anns = town.dials("ann", HOME);
    let question = town.asked(&town.ann, HOME).await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&anns).await?;
    town.finish().await
}

/// Bombing is no way to keep the owner out: their own request ends the cool-down and lifts the ban.
async fn the_owner_gets_in_meanwhile(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["request_first"] = json!(false);
        options.policy["confirmation_timeout"] = json!(30);
        options.policy["max_prompts_per_hour"] = json!(4);
    })
    .await?;
    for _ in 0..6 {
        let tunnel = town.dials("ann", HOME);
        town.advance(MINUTE).await;
        tunnel.hang_up();
        town.advance(Duration::from_secs(10)).await;
    }
    town.reads(&town.ann, "Locked until").await?;
    assert!(town.questions(&town.ann).is_empty());
    town.opened().await?;
    town.finish().await
}

/// Somebody who was not expected is asked about once, not again and again.
async fn what_was_not_requested_rings_once(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["resend_every"] = json!(10);
    })
    .await?;
    let thief = town.dials("ann", ELSEWHERE);
    town.asked(&town.ann, ELSEWHERE).await?;
    town.advance(40 * MINUTE).await;
    assert_eq!(town.rang(&town.ann, "Yes, it was me").len(), 1);
    assert_eq!(town.questions(&town.ann).len(), 1);
    assert!(thief.is_up() && !town.reaches_office(&thief));
    town.finish().await
}
