//! Taps that must not count, and taps that must not be lost.

use std::time::Duration;

use mikro2fa_core::{
    desk::ChatId,
    session::{SessionState, StateName},
    time::Clock,
};
use mikro2fa_telegram::{
    callback::ButtonData,
    fake_api::{Fault, FaultRule},
};
use serde_json::json;

use super::world::{NO, World, YES};

const NOT_HERE: &str = "This button does not work here.";

#[tokio::test]
async fn a04_forged_data_changes_nothing() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    let yes = question.keyboard[0][0].data.clone();
    let keyboard = ButtonData::decode(&yes).unwrap().keyboard();
    let mut guess = keyboard;
    guess.0[0] ^= 1;
    for data in [
        String::new(),
        "yes".to_owned(),
        yes[..24].to_owned(),
        format!("2{}", &yes[1..]),
        format!("{yes}0"),
        "x".repeat(64),
        ButtonData::new(keyboard, 2).unwrap().encode(),
        ButtonData::new(keyboard, 1295).unwrap().encode(),
        ButtonData::new(guess, 0).unwrap().encode(),
    ] {
        world.seconds(4).await;
        assert_eq!(
            world.tap_raw(question.id, &data).await,
            NOT_HERE,
            "{data:?}"
        );
    }
    assert_eq!(world.states().await, [StateName::Challenged]);
    assert!(!world.router.passes(line));
    assert_eq!(world.tap(question.id, YES).await, "Opening.");
}

#[tokio::test]
async fn a05_only_the_owners_own_private_chat_counts() {
    let world = World::new().await;
    let (question, _) = world.asked().await;
    let yes = question.keyboard[0][0].data.clone();
    let bob = world.api.user(1002, "Bob", None, None);
    let stranger = world.api.user(666, "Eve", Some("ann"), None);
    let group = world.api.group(-1001, "Office");
    let heard = async |tap: String| {
        world.settled().await;
        world.api.with(|world| {
            world
                .tap(&tap)
                .unwrap()
                .answer
                .clone()
                .map(|answer| answer.text)
        })
    };
    assert_eq!(
        heard(bob.tap_raw(question.id, &yes)).await.as_deref(),
        Some(NOT_HERE)
    );
    assert_eq!(
        heard(stranger.tap_raw(question.id, &yes)).await.as_deref(),
        Some(NOT_HERE)
    );
    assert_eq!(
        heard(group.tap_raw(&world.ann, question.id, &yes))
            .await
            .as_deref(),
        Some(NOT_HERE)
    );
    assert_eq!(
        heard(world.ann.tap_inline(&yes)).await.as_deref(),
        Some(NOT_HERE)
    );
    assert_eq!(world.states().await, [StateName::Challenged]);

    // Re-linked meanwhile: the old chat's buttons are dead, and so is the same keyboard in a later link.
    world.change_user(|user| user.link_generation += 1).await;
    assert_eq!(world.tap_raw(question.id, &yes).await, NOT_HERE);
    world
        .change_user(|user| user.chat = Some(ChatId(1003)))
        .await;
    assert_eq!(
        heard(world.ann.tap_raw(question.id, &yes)).await.as_deref(),
        Some(NOT_HERE)
    );
    assert!(
        world
            .states()
            .await
            .iter()
            .all(|state| *state != StateName::Active)
    );
}

#[tokio::test]
async fn a03_every_old_button_after_every_end_changes_nothing() {
    let world = World::new().await;
    world.says("/request_vpn").await;
    let cancel = world.card().keyboard[0][0].data.clone();
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
    let question = world.card();
    let (yes, no) = (
        question.keyboard[0][0].data.clone(),
        question.keyboard[1][0].data.clone(),
    );
    world.tap(question.id, YES).await;
    let open = world.card();
    let (end, not_me) = (
        open.keyboard[0][0].data.clone(),
        open.keyboard[1][0].data.clone(),
    );
    world.seconds(120).await;
    for late in [&cancel, &yes, &no] {
        let before = world.sessions().await;
        let heard = world.tap_raw(open.id, late).await;
        if late == &cancel {
            // "Cancel request" of an open session would end it, so it is judged by what it is now.
            assert_eq!(heard, "This question is closed. Nothing changed.");
        } else {
            assert_eq!(heard, "You have already answered.");
        }
        assert_eq!(world.sessions().await, before);
    }
    assert!(world.router.passes(line));
    assert_eq!(world.tap(open.id, "End now").await, "");
    world.seconds(20).await;
    let before = world.sessions().await;
    for late in [&cancel, &yes, &no, &end, &not_me] {
        assert_eq!(
            world.tap_raw(open.id, late).await,
            "This question is closed. Nothing changed."
        );
    }
    assert_eq!(world.sessions().await, before);
    assert!(!world.router.passes(line));
}

#[tokio::test]
async fn a02_a_double_tap_on_yes_does_not_end_what_it_opened() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    world.tap(question.id, YES).await;
    let open = world.reads("Open:");
    assert_eq!(world.tap(open.id, "End now").await, "One moment, please.");
    assert!(world.router.passes(line));
    world.seconds(2).await;
    assert_eq!(world.tap(open.id, "End now").await, "");
    assert!(!world.router.passes(line));
}

#[tokio::test]
async fn a07_a_no_from_another_device_counts_after_a_yes() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    let no = question.keyboard[1][0].data.clone();
    world.tap(question.id, YES).await;
    assert_eq!(world.tap_raw(question.id, &no).await, "Closing.");
    world.seconds(20).await;
    assert!(!world.router.passes(line));
    world.reads("Closed and reported");
}

#[tokio::test]
async fn too_many_taps_in_a_minute_are_told_to_slow_down() {
    let world = World::new().await;
    let (question, _) = world.asked().await;
    for _ in 0..20 {
        assert_eq!(world.tap_raw(question.id, "x").await, NOT_HERE);
    }
    assert_eq!(world.tap(question.id, YES).await, "One moment, please.");
    assert_eq!(world.states().await, [StateName::Challenged]);
    world.seconds(60).await;
    let again = world.reads("Was it you?");
    assert_eq!(world.tap(again.id, YES).await, "Opening.");
}

#[tokio::test]
async fn the_same_update_again_counts_once() {
    let world = World::new().await;
    let (question, _) = world.asked().await;
    let tap = world.ann.tap(question.id, YES).unwrap();
    let repeat = || {
        json!({ "callback_query": {
            "id": tap, "from": { "id": 1001, "is_bot": false, "first_name": "Ann" }, "chat_instance": "1",
            "data": question.keyboard[0][0].data,
            "message": { "message_id": question.id, "date": 1, "text": "x", "chat": { "id": 1001, "type": "private", "first_name": "Ann" } },
        } })
    };
    world.settled().await;
    let before = world.sessions().await;
    assert_eq!(before[0].state.name(), StateName::Active);
    for _ in 0..3 {
        // Ids begin lower again, as after a quiet week: the first is new to us, the others are repeats.
        world.api.continue_update_ids_from(5);
        world.api.push_update(repeat());
        world.settled().await;
    }
    assert_eq!(world.sessions().await, before);
}

#[tokio::test]
async fn a_kill_between_commit_and_confirmation_loses_and_repeats_nothing() {
    let mut world = World::new().await;
    let (question, line) = world.asked().await;
    world
        .api
        .inject(FaultRule::new(Fault::Stall).method("answerCallbackQuery"));
    let tap = world.ann.tap(question.id, YES).unwrap();
    world
        .api
        .until("the answer to be on its way", |w| {
            w.count("answerCallbackQuery") == 1
        })
        .await
        .unwrap();
    assert_eq!(
        world.api.with(|w| w.pending_updates()),
        1,
        "not confirmed before it is dealt with"
    );
    world.kill().await;
    world.api.release();
    world.start().await;
    world.settled().await;
    assert_eq!(world.api.with(|w| w.pending_updates()), 0);
    let sessions = world.sessions().await;
    assert!(
        matches!(sessions[0].state, SessionState::Active { .. }),
        "{sessions:?}"
    );
    assert!(world.router.passes(line));
    assert!(world.api.with(|w| w.tap(&tap).unwrap().answer.is_some()));
    world.reads("Open: ann on office");
}

#[tokio::test]
async fn a_tap_while_we_are_dead_is_heard_when_we_are_back() {
    let mut world = World::new().await;
    let (question, line) = world.asked().await;
    world.kill().await;
    world.ann.tap(question.id, YES).unwrap();
    world
        .clock
        .advance_to(world.clock.now() + Duration::from_secs(100));
    world.start().await;
    world.settled().await;
    world.seconds(5).await;
    assert!(world.router.passes(line), "{:?}", world.sessions().await);
}

#[tokio::test]
async fn an_answer_waits_for_a_database_that_cannot_be_written() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    world
        .store
        .away_until(world.clock.now() + Duration::from_secs(10));
    let tap = world.ann.tap(question.id, YES).unwrap();
    world
        .api
        .until("the bot to have it in hand", |w| !w.polling())
        .await
        .unwrap();
    let answered = || world.api.with(|w| w.tap(&tap).unwrap().answer.is_some());
    for _ in 0..9 {
        world
            .clock
            .advance(Duration::from_secs(1), || world.handle.settled())
            .await;
        assert!(!answered() && world.api.with(|w| w.pending_updates()) == 1);
    }
    world
        .clock
        .advance(Duration::from_secs(30), || world.handle.settled())
        .await;
    world.settled().await;
    assert!(world.router.passes(line), "{:?}", world.sessions().await);
    assert_eq!(world.ann.answer_to(&tap).await.unwrap().text, "Opening.");
}

#[tokio::test]
async fn one_persons_trouble_holds_nobody_else_up() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    // Bob's request cannot be written down for a while.
    let bob = world.api.user(1002, "Bob", None, Some("en"));
    world
        .store
        .away_until(world.clock.now() + Duration::from_millis(1_500));
    bob.send("/request_vpn");
    world
        .api
        .until("the bot to have it in hand", |w| !w.polling())
        .await
        .unwrap();
    world
        .clock
        .advance(Duration::from_millis(1_500), || world.handle.settled())
        .await;
    // The database is back, Bob's update waits for its next try, and Ann is heard.
    let tap = world.ann.tap(question.id, YES).unwrap();
    world
        .seconds_until("Ann's answer", || {
            world.api.with(|w| w.tap(&tap).unwrap().answer.is_some())
        })
        .await;
    world
        .seconds_until("Bob's card", || {
            bob.last()
                .is_some_and(|m| m.text.starts_with("Connect now"))
        })
        .await;
    world.settled().await;
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn no_is_never_held_back_by_a_keyboard_that_has_just_come() {
    let world = World::new().await;
    world.asked().await;
    // A newer tunnel within the minute: the question is edited in place, with new buttons.
    world.dial("ann", 5, "203.0.113.8");
    world.seconds(1).await;
    let question = world.reads("Was it you? ann on office\nFrom 203.0.113.8");
    assert!(
        question
            .text
            .contains("There is a newer connection; the question is now about it."),
        "{}",
        question.text
    );
    assert_eq!(question.edits, 1);
    assert_eq!(world.tap(question.id, YES).await, "One moment, please.");
    assert_eq!(world.tap(question.id, NO).await, "Closing.");
}
