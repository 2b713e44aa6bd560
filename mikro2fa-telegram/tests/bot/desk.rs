//! What operators do in the chat, what people say "not me" to beside questions, and the time that is left.

use std::time::Duration;

use mikro2fa_core::{
    directory::{Directory, PageOf},
    policy::{SecondTunnel, Seconds},
    session::StateName,
    time::Clock,
};
use mikro2fa_telegram::fake_api::{FakeMessage, FakeUser};

use super::world::{NO, World, YES};

/// Somebody taps in the newest message of their chat, and hears this.
async fn taps(world: &World, who: &FakeUser, label: &str) -> String {
    world.seconds(2).await;
    world.taps(who, who.last().unwrap().id, label).await
}

fn reads(who: &FakeUser, begin: &str) -> FakeMessage {
    let message = who.last().unwrap();
    assert!(
        message.text.starts_with(begin),
        "{begin:?} is not {message:#?}"
    );
    message
}

async fn banned(world: &World) -> usize {
    world
        .store
        .bans(None, world.clock.now())
        .await
        .unwrap()
        .len()
}

// ---- "not me" ----------------------------------------------------------------------------------

#[tokio::test]
async fn not_me_under_a_refused_second_tunnel() {
    let world = World::with(
        |_| {},
        |furniture| furniture.desk.policy_mut().second_tunnel = Some(SecondTunnel::Refuse),
    )
    .await;
    let (_, open) = world.open().await;
    let thief = world.dial("ann", 9, "198.51.100.23");
    world.seconds(1).await;
    let notice = world.reads("A second connection was refused: ann");
    assert_eq!(notice.labels(), ["Not me"]);
    assert_eq!(taps(&world, &world.ann, "Not me").await, "Closing.");
    let receipt = world.reads("Closed and reported: ann on office\nFrom 198.51.100.23");
    assert_eq!((receipt.id, receipt.labels().len()), (notice.id, 0));
    reads(
        &world.olga,
        "Not me: Ann, ann on office\nFrom 198.51.100.23",
    );
    world.seconds(2).await;
    assert!(world.router.line(thief).is_none(), "cut");
    assert!(world.router.passes(open), "until an operator decides");
    assert_eq!(banned(&world).await, 1);
    // Again changes nothing.
    let data = &notice.keyboard[0][0].data;
    assert_eq!(
        world.tap_raw(notice.id, data).await,
        "You have already answered."
    );
    assert_eq!(banned(&world).await, 1);
}

#[tokio::test]
async fn not_me_in_a_cool_down() {
    let world = World::with(
        |_| {},
        |furniture| furniture.desk.policy_mut().max_prompts_per_hour = Some(1),
    )
    .await;
    let first = world.dial("ann", 4, "198.51.100.23");
    world.seconds(1).await;
    world.reads("Not requested");
    world.router.hang_up(first);
    world.seconds(1).await;
    let held = world.dial("ann", 5, "198.51.100.23");
    world.seconds(1).await;
    let notice = world.reads("Too many attempts: ann on office");
    assert_eq!(notice.labels(), ["Not me", "It was me, ask me now"]);
    assert_eq!(taps(&world, &world.ann, "Not me").await, "Closing.");
    world.reads("Closed and reported");
    world.seconds(2).await;
    assert!(world.router.line(held).is_none(), "cut");
    assert_eq!(banned(&world).await, 1);
}

#[tokio::test]
async fn not_me_under_a_ban_for_silence_and_by_nobody_else() {
    let world = World::with(
        |_| {},
        |furniture| {
            let policy = furniture.desk.policy_mut();
            policy.request_first = Some(false);
            policy.max_unanswered = Some(1);
            policy.confirmation_timeout = Some(Seconds(Duration::from_secs(30)));
        },
    )
    .await;
    let held = world.dial("ann", 4, "198.51.100.23");
    world.seconds(40).await;
    let notice = world.reads("Locked until");
    assert_eq!(notice.labels(), ["Request access", "Not me"]);
    reads(&world.olga, "Locked until");
    assert_eq!(world.olga.last().unwrap().labels(), ["Unlock now"]);
    let bob = world.api.user(1002, "Bob", None, None);
    let data = &notice.button("Not me").unwrap().data;
    let tap = bob.tap_raw(notice.id, data);
    world.settled().await;
    let heard = bob.answer_to(&tap).await.unwrap().text;
    assert_eq!(heard, "This button does not work here.");
    assert_eq!(banned(&world).await, 1, "the one for silence");
    assert_eq!(taps(&world, &world.ann, "Not me").await, "Closing.");
    world.seconds(2).await;
    assert!(world.router.line(held).is_none(), "cut");
    assert_eq!(banned(&world).await, 2);
}

// ---- operators ---------------------------------------------------------------------------------

#[tokio::test]
async fn not_me_is_undone_in_two_steps() {
    let world = World::new().await;
    let (question, _) = world.asked().await;
    world.tap(question.id, NO).await;
    world.seconds(2).await;
    let alert = reads(&world.olga, "Not me: Ann, ann on office");
    assert_eq!(alert.labels(), ["Undo: unlock ann", "Keep locked"]);
    // Neither Ann nor a stranger can, with the same data.
    let data = &alert.keyboard[0][0].data;
    assert_eq!(
        world.tap_raw(alert.id, data).await,
        "This button does not work here."
    );
    assert_eq!(taps(&world, &world.olga, "Undo").await, "");
    let confirm = reads(&world.olga, "Unlock ann?");
    assert_eq!(confirm.labels(), ["Unlock ann", "Cancel"]);
    assert_eq!(banned(&world).await, 1, "nothing yet");
    assert_eq!(taps(&world, &world.olga, "Unlock").await, "");
    assert_eq!(banned(&world).await, 0);
    let solved = world.olga.last().unwrap();
    assert!(
        solved.text.contains("Solved by Olga") && solved.text.ends_with(": unlocked."),
        "{solved:#?}"
    );
    assert!(solved.labels().is_empty());
    world.reads("ann is unlocked");
    // The second step again, from an old screen.
    let tap = world.olga.tap_raw(confirm.id, &confirm.keyboard[0][0].data);
    world.settled().await;
    let heard = world.olga.answer_to(&tap).await.unwrap().text;
    assert!(!heard.is_empty(), "it is over, and says so");
}

#[tokio::test]
async fn a_lock_is_kept_and_found_again() {
    let world = World::new().await;
    let (question, _) = world.asked().await;
    world.tap(question.id, NO).await;
    world.seconds(2).await;
    taps(&world, &world.olga, "Keep").await;
    let solved = world.olga.last().unwrap();
    assert!(
        solved.text.contains("kept locked") && solved.labels().is_empty(),
        "{solved:#?}"
    );
    assert_eq!(banned(&world).await, 1);
    world.olga.send("/bans");
    world.settled().await;
    let list = reads(&world.olga, "Locks: 1\nann: answered “not me”");
    assert_eq!(list.labels(), ["Unlock ann"]);
    taps(&world, &world.olga, "Unlock").await;
    taps(&world, &world.olga, "Cancel").await;
    reads(&world.olga, "Locks: 1");
    taps(&world, &world.olga, "Unlock").await;
    taps(&world, &world.olga, "Unlock").await;
    assert_eq!(banned(&world).await, 0);
    world.olga.send("/bans");
    world.settled().await;
    reads(&world.olga, "There are no locks.");
}

/// A stolen Telegram of somebody who administers takes back no "not me" of their own.
#[tokio::test]
async fn a06_nobody_unlocks_their_own_account_while_others_can() {
    let world = World::with(
        |_| {},
        |furniture| {
            furniture.desk.operator("Ann", 1001);
        },
    )
    .await;
    let (question, _) = world.asked().await;
    world.tap(question.id, NO).await;
    world.seconds(2).await;
    let alert = world.ann.last().unwrap();
    assert!(alert.text.starts_with("Not me: Ann"), "{alert:#?}");
    let heard = taps(&world, &world.ann, "Undo").await;
    assert_eq!(heard, "This button does not work here.");
    assert_eq!(banned(&world).await, 1);
}

/// "I tapped by mistake" is a remark to operators. It unlocks nothing.
#[tokio::test]
async fn a06_by_mistake_unlocks_nothing() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    world.tap(question.id, NO).await;
    world.seconds(5).await;
    taps(&world, &world.ann, "I tapped by mistake").await;
    assert_eq!(banned(&world).await, 1);
    assert!(world.router.line(line).is_none());
    let again = world.dial("ann", 4, "203.0.113.7");
    world.seconds(30).await;
    assert!(!world.router.passes(again));
    world.says("/request_vpn").await;
    let card = world.card();
    assert!(
        card.text.contains("only an administrator can unlock it"),
        "{card:#?}"
    );
}

#[tokio::test]
async fn sessions_are_ended_and_extended_by_one_tap() {
    let world = World::new().await;
    world.olga.send("/sessions");
    world.settled().await;
    reads(&world.olga, "There are no open sessions.");
    let (_, line) = world.open().await;
    let before = world.sessions().await[0].access().unwrap().expires_at;
    world.olga.send("/sessions");
    world.settled().await;
    let list = reads(
        &world.olga,
        "Open sessions: 1\nann, Ann, office: open until",
    );
    assert!(list.labels()[0] == "End ann" && list.labels()[1].starts_with("+1 hour"));
    assert_eq!(taps(&world, &world.olga, "+1 hour").await, "");
    let after = world.sessions().await[0].access().unwrap().expires_at;
    assert_eq!(after.since(before), Duration::from_secs(3_600));
    // Ann has no such list.
    world.says("/sessions").await;
    world.reads("I don't know that");
    assert_eq!(taps(&world, &world.olga, "End").await, "");
    world.seconds(5).await;
    assert!(!world.router.passes(line));
    assert_eq!(world.states().await, [StateName::Ended]);
    reads(&world.olga, "There are no open sessions.");
    world.reads("Ended: ann on office");
}

#[tokio::test]
async fn somebody_is_approved_with_an_account() {
    let world = World::with(
        |config| config.self_registration = true,
        |furniture| {
            furniture.desk.account(furniture.office, "carl", None);
            furniture.router.account("carl");
        },
    )
    .await;
    let carl = world.api.user(1600, "Carl", None, Some("en"));
    carl.send("/register");
    world.settled().await;
    carl.send("Carl Jones");
    world.settled().await;
    taps(&world, &world.olga, "Approve").await;
    let confirm = reads(&world.olga, "Approve Carl Jones?");
    assert_eq!(
        confirm.labels(),
        ["Approve with carl", "Approve without an account", "Cancel"]
    );
    taps(&world, &world.olga, "Approve with carl").await;
    let told = carl.last().unwrap();
    assert!(
        told.text
            .starts_with("You are approved, Carl Jones\nYour accounts: carl."),
        "{told:#?}"
    );
    let accounts = world
        .store
        .accounts(None, &PageOf::default())
        .await
        .unwrap();
    let owned = accounts
        .rows
        .iter()
        .find(|account| &*account.name == "carl");
    assert!(owned.unwrap().owner.is_some());
    world.dial("carl", 7, "192.0.2.9");
    world.seconds(1).await;
    let question = carl.last().unwrap();
    assert!(
        question.text.starts_with("Not requested: carl on office"),
        "{question:#?}"
    );
    carl.tap(question.id, YES).unwrap();
    world.settled().await;
}

// ---- the time that is left ---------------------------------------------------------------------

#[tokio::test]
async fn the_open_card_counts_down_without_a_sound() {
    let world = World::with(
        |_| {},
        |furniture| {
            let policy = furniture.desk.policy_mut();
            policy.session_duration = Some(Seconds(Duration::from_secs(4 * 3_600)));
            policy.reminder_before = Some(Seconds(Duration::from_secs(600)));
        },
    )
    .await;
    let (card, _) = world.open().await;
    assert!(card.text.contains("(4 h)"), "{card:#?}");
    let sounds = world.api.with(|world| world.count("sendMessage"));
    let mut told = Vec::new();
    for _ in 0..(3 * 60 + 48) {
        world.seconds(60).await;
        let now = world.card();
        assert_eq!(now.id, card.id, "edited, not sent: {now:#?}");
        let left = now.text.split(['(', ')']).nth(1).unwrap().to_owned();
        if told.last() != Some(&left) {
            told.push(left);
        }
    }
    assert_eq!(told, ["4 h", "3 h", "2 h", "1 h", "30 min", "15 min"]);
    assert_eq!(world.api.with(|world| world.count("sendMessage")), sounds);
    world.seconds(180).await;
    world.reads("Ends at");
}
