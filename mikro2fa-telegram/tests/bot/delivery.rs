//! What the Bot API answers, and what becomes of messages then.

use std::time::Duration;

use mikro2fa_core::{
    session::{EndReason, SessionState, StateName},
    time::Clock,
};
use mikro2fa_telegram::fake_api::{CallOutcome, FakeCall, FakeMessage, Fault, FaultRule, Refusal};

use super::world::{World, YES};

fn questions(world: &World) -> Vec<FakeMessage> {
    world
        .ann
        .shown()
        .into_iter()
        .filter(|message| message.text.starts_with("Was it you?"))
        .collect()
}

/// The next question meets this fault.
async fn asked_with(world: &World, fault: Fault) {
    world.says("/request_vpn").await;
    world.reads("Connect now");
    world
        .api
        .inject(FaultRule::new(fault).method("sendMessage").chat(1001));
    world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
}

#[tokio::test]
async fn a_question_waits_as_long_as_the_server_says() {
    let world = World::new().await;
    asked_with(&world, Fault::Refuse(Refusal::too_many_requests(7))).await;
    assert!(questions(&world).is_empty());
    let sends = || {
        world.api.with(|w| {
            w.calls()
                .filter(|c| c.method == "sendMessage" && c.chat() == Some(1001))
                .count()
        })
    };
    let before = sends();
    world.seconds(5).await;
    assert_eq!(sends(), before, "not before");
    world.seconds(2).await;
    let question = world.reads("Was it you?");
    // Its time runs from when Telegram has it.
    world.seconds(290).await;
    assert_eq!(world.states().await, [StateName::Challenged]);
    let _ = question;
    assert_eq!(world.tap(world.card().id, YES).await, "Opening.");
}

#[tokio::test]
async fn a_lost_reply_may_double_a_question_and_both_are_one() {
    let world = World::new().await;
    asked_with(&world, Fault::LoseReply).await;
    world.seconds(3).await;
    let double = questions(&world);
    assert_eq!(double.len(), 2, "{double:?}");
    assert_eq!(double[0].keyboard, double[1].keyboard, "the same buttons");
    // The first is the one that nobody knows of. It counts, and then it goes.
    assert_eq!(world.tap(double[0].id, YES).await, "Opening.");
    assert!(world.ann.message(double[0].id).is_none());
    assert_eq!(world.reads("Open: ann on office").id, double[1].id);
    assert_eq!(world.states().await, [StateName::Active]);
}

#[tokio::test]
async fn a_lost_call_or_a_page_in_between_is_repeated() {
    for fault in [
        Fault::LoseCall,
        Fault::BadGateway,
        Fault::Refuse(Refusal::restarting()),
    ] {
        let world = World::new().await;
        asked_with(&world, fault).await;
        world.seconds(3).await;
        assert_eq!(questions(&world).len(), 1);
        assert_eq!(world.tap(world.card().id, YES).await, "Opening.");
    }
}

#[tokio::test]
async fn edits_are_repeated_until_the_card_is_right() {
    for fault in [Fault::LoseReply, Fault::LoseCall, Fault::BadGateway] {
        let world = World::new().await;
        let (question, _) = world.asked().await;
        world
            .api
            .inject(FaultRule::new(fault).method("editMessageText").times(2));
        world.tap(question.id, YES).await;
        world.seconds(10).await;
        assert_eq!(world.reads("Open: ann on office").id, question.id);
    }
}

#[tokio::test]
async fn a_message_that_is_gone_is_sent_anew() {
    for refusal in [
        Refusal::edit_not_found(),
        Refusal::message_id_invalid(),
        Refusal::cannot_be_edited(),
    ] {
        let world = World::new().await;
        let (question, _) = world.asked().await;
        world
            .api
            .inject(FaultRule::new(Fault::Refuse(refusal)).method("editMessageText"));
        world.tap(question.id, YES).await;
        world.seconds(5).await;
        let open = world.reads("Open: ann on office");
        assert!(open.id != question.id && open.silent);
        assert_eq!(world.tap(open.id, "End now").await, "");
    }
}

#[tokio::test]
async fn broken_markup_costs_the_markup_and_not_the_question() {
    let world = World::new().await;
    asked_with(
        &world,
        Fault::Refuse(Refusal::cannot_parse_entities(
            "Unsupported start tag \"x\" at byte offset 0",
        )),
    )
    .await;
    let question = world.reads("Was it you? ann on office\nFrom 203.0.113.7");
    assert!(question.entities.is_empty());
    assert_eq!(world.tap(question.id, YES).await, "Opening.");
}

#[tokio::test]
async fn a_blocked_bot_is_no_unanswered_question_and_comes_back() {
    let world = World::new().await;
    world.says("/request_vpn").await;
    world.ann.block_bot();
    world.settled().await;
    assert!(world.user().await.unreachable);
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
    let sessions = world.sessions().await;
    let undeliverable = matches!(
        sessions[0].state,
        SessionState::Ended {
            reason: EndReason::Undeliverable,
            ..
        }
    );
    assert!(undeliverable, "{sessions:?}");
    assert!(
        !world.router.passes(line) && world.router.line(line).is_some(),
        "held"
    );
    world.ann.unblock_bot();
    world.settled().await;
    assert!(!world.user().await.unreachable);
    world.says("/request_vpn").await;
    let question = world.reads("Was it you?");
    assert_eq!(world.tap(question.id, YES).await, "Opening.");
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn a_block_that_nobody_told_us_of_is_learnt_from_the_refusal() {
    let world = World::new().await;
    asked_with(&world, Fault::Refuse(Refusal::blocked())).await;
    assert!(world.user().await.unreachable);
    let before = world.api.with(|w| w.count("sendMessage"));
    world.seconds(600).await;
    assert_eq!(
        world.api.with(|w| w.count("sendMessage")),
        before,
        "no further sends"
    );
    // Any word of theirs says that they can be reached again.
    world.says("/help").await;
    assert!(!world.user().await.unreachable);
}

#[tokio::test]
async fn ten_minutes_without_telegram_count_against_nobody() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    world.api.set_down(true);
    world
        .api
        .until("the poll to break", |w| !w.polling())
        .await
        .unwrap();
    world
        .clock
        .advance(Duration::from_secs(600), || world.handle.settled())
        .await;
    assert_eq!(world.states().await, [StateName::Challenged]);
    world.api.set_down(false);
    world
        .seconds_until("polling to go on", || world.api.with(|w| w.polling()))
        .await;
    world.settled().await;
    world.seconds(1).await;
    let again = world.reads("Was it you?");
    assert!(again.id != question.id && !again.silent);
    assert!(
        again
            .text
            .contains("Telegram was out of reach for a while."),
        "{}",
        again.text
    );
    assert_eq!(world.tap(again.id, YES).await, "Opening.");
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn a_second_poller_is_told_to_operators_and_outlived() {
    let world = World::new().await;
    for _ in 0..2 {
        world
            .api
            .inject(FaultRule::new(Fault::Refuse(Refusal::other_poller())).method("getUpdates"));
        // Any update ends the poll that waits; the next one is refused.
        world.ann.send("/status");
        let refused =
            |call: &&FakeCall| matches!(&call.outcome, CallOutcome::Refused(r) if r.code == 409);
        world
            .api
            .until("the refusal", |w| w.calls().any(|call| refused(&call)))
            .await
            .unwrap();
        world
            .seconds_until("polling to go on", || {
                world.api.with(|w| w.polling() && w.pending_updates() == 0)
            })
            .await;
        world.settled().await;
    }
    let alerts: Vec<_> = world
        .olga
        .shown()
        .into_iter()
        .filter(|m| m.text.starts_with("Another program uses this bot's token"))
        .collect();
    assert_eq!(alerts.len(), 1, "told once, and edited");
    world.open().await;
}

#[tokio::test]
async fn a_card_too_old_to_delete_points_on() {
    let world = World::with(
        |_| {},
        |furniture| {
            furniture
                .desk
                .user_mut(furniture.ann)
                .policy
                .session_duration = Some(mikro2fa_core::policy::Seconds(Duration::from_secs(
                72 * 3600,
            )));
        },
    )
    .await;
    let (open, _) = world.open().await;
    world.seconds(71 * 3600 + 60).await;
    let reminder = world.reads("Ends at ");
    assert_ne!(reminder.id, open.id);
    let old = world.ann.message(open.id).unwrap();
    assert_eq!(
        (old.text.as_str(), old.labels().len()),
        ("Continued below.", 0)
    );
}

#[tokio::test]
async fn a_refused_token_lets_nobody_in_and_nobody_down() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    world.api.set_revoked(true);
    world.ann.tap(question.id, YES).unwrap();
    world
        .api
        .until("a refusal", |w| !w.polling())
        .await
        .unwrap();
    world
        .clock
        .advance(Duration::from_secs(60), || world.handle.settled())
        .await;
    assert!(!world.router.passes(line) && world.router.line(line).is_some());
    world.api.set_revoked(false);
    world
        .seconds_until("polling to go on", || world.api.with(|w| w.polling()))
        .await;
    world.settled().await;
    world.seconds(2).await;
    assert!(
        world.router.passes(line),
        "the tap was still there: {:?}",
        world.sessions().await
    );
    assert!(world.clock.now() > super::world::START);
}

#[tokio::test]
async fn no_call_holds_a_secret_or_a_stranger_more_than_it_should() {
    let world = World::new().await;
    world.open().await;
    let token = world.api.token();
    for call in world.api.calls() {
        assert!(!call.params.to_string().contains(&token));
    }
    let data: Vec<String> = world
        .ann
        .chat()
        .iter()
        .flat_map(|m| m.keyboard.iter().flatten().map(|b| b.data.clone()))
        .collect();
    assert!(!data.is_empty() && data.iter().all(|data| data.len() == 25));
}
