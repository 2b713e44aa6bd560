//! Which chat is whose, what people are told of what is theirs, and that alerts say when they are over.

use std::time::Duration;

use mikro2fa_core::{
    desk::{Account, Mode, User},
    directory::{DeskChange, Directory, PageOf},
    policy::{Outage, PolicyOverride, Seconds},
    session::StateName,
    time::Clock,
};
use mikro2fa_telegram::fake_api::{FakeMessage, FakeUser};

use super::world::{NO, World, YES};

/// The newest message of this chat that begins so.
fn reads(who: &FakeUser, begin: &str) -> FakeMessage {
    let shown = who.shown();
    let found = shown
        .iter()
        .rev()
        .find(|message| message.from_bot && message.text.starts_with(begin));
    found
        .unwrap_or_else(|| panic!("{begin:?} is not in {shown:#?}"))
        .clone()
}

/// Somebody taps under a message, hears this, and it has its effect.
async fn taps(world: &World, who: &FakeUser, message: &FakeMessage, label: &str) -> String {
    let heard = world.taps(who, message.id, label).await;
    world.seconds(1).await;
    heard
}

fn again(who: &FakeUser, message: &FakeMessage) -> FakeMessage {
    let shown = who.shown();
    shown.into_iter().find(|now| now.id == message.id).unwrap()
}

async fn relinked(world: &World) -> FakeUser {
    let code = world.code().await;
    let new = world.api.user(1500, "Ann's new phone", None, Some("en"));
    new.send(&format!("/start {}", code.as_str()));
    world.settled().await;
    world.seconds(1).await;
    new
}

// ---- links -------------------------------------------------------------------------------------

#[tokio::test]
async fn the_chat_before_objects_and_nothing_opens_until_an_operator_has_decided() {
    let world = World::new().await;
    let new = relinked(&world).await;
    let told = reads(&world.ann, "Your VPN access was moved to another Telegram");
    assert_eq!(told.labels(), ["This was not agreed"]);
    assert!(!told.silent);
    // Whoever has the new chat cannot press it.
    let tap = new.tap_raw(told.id, &told.keyboard[0][0].data);
    world.settled().await;
    let heard = new.answer_to(&tap).await.unwrap().text;
    assert_eq!(heard, "This button does not work here.");
    assert!(!world.user().await.suspended);
    taps(&world, &world.ann, &told, "This was not agreed").await;
    let receipt = again(&world.ann, &told);
    assert!(receipt.text.starts_with("Your access is paused."));
    assert!(receipt.labels().is_empty());
    assert!(world.user().await.suspended);
    reads(&new, "Your access is paused by an administrator.");
    new.send("/request_vpn");
    world.settled().await;
    reads(&new, "Your access is paused.");
    let alert = reads(
        &world.olga,
        "Ann says the new link is not theirs\nNew chat 1500",
    );
    assert_eq!(alert.labels(), ["Restore new link", "Go back"]);
    // Neither chat decides about itself.
    for phone in [&new, &world.ann] {
        let tap = phone.tap_raw(alert.id, &alert.keyboard[1][0].data);
        world.settled().await;
        let heard = phone.answer_to(&tap).await.unwrap().text;
        assert_eq!(heard, "This button does not work here.");
    }
    taps(&world, &world.olga, &alert, "Go back").await;
    let confirm = again(&world.olga, &alert);
    assert!(confirm.text.starts_with("Give Ann back the earlier chat?"));
    assert_eq!(world.user().await.chat.unwrap().0, 1500, "nothing yet");
    taps(&world, &world.olga, &alert, "Cancel").await;
    taps(&world, &world.olga, &alert, "Go back").await;
    taps(&world, &world.olga, &alert, "Go back").await;
    let user = world.user().await;
    assert_eq!((user.chat.unwrap().0, user.suspended), (1001, false));
    let solved = again(&world.olga, &alert);
    assert!(
        solved.text.ends_with(": back to the earlier chat."),
        "{solved:#?}"
    );
    assert!(solved.labels().is_empty());
    reads(&world.ann, "This chat is now linked to Ann");
    reads(&new, "This chat is not linked any more.");
    assert!(new.menu().is_empty());
    let (_, line) = world.open().await;
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn a_new_link_that_was_agreed_goes_on() {
    let world = World::new().await;
    let new = relinked(&world).await;
    let told = reads(&world.ann, "Your VPN access was moved");
    taps(&world, &world.ann, &told, "This was not agreed").await;
    let alert = reads(&world.olga, "Ann says");
    taps(&world, &world.olga, &alert, "Restore").await;
    taps(&world, &world.olga, &alert, "Restore").await;
    let user = world.user().await;
    assert_eq!((user.chat.unwrap().0, user.suspended), (1500, false));
    reads(&new, "Your access is back.");
    // The old button is of a list that is gone.
    let tap = world.ann.tap_raw(told.id, &told.keyboard[0][0].data);
    world.settled().await;
    assert!(!world.ann.answer_to(&tap).await.unwrap().text.is_empty());
    assert!(!world.user().await.suspended, "its keyboard is dead");
}

#[tokio::test]
async fn a_chat_is_unlinked_in_two_steps_and_what_it_opened_ends() {
    let world = World::new().await;
    let new = relinked(&world).await;
    new.send("/request_vpn");
    world.settled().await;
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
    let question = reads(&new, "Was it you?");
    new.tap(question.id, YES).unwrap();
    world.settled().await;
    assert!(world.router.passes(line));
    let alert = reads(&world.olga, "Linked: Ann");
    assert_eq!(alert.labels(), ["Unlink"]);
    taps(&world, &world.olga, &alert, "Unlink").await;
    assert!(again(&world.olga, &alert).text.starts_with("Unlink Ann?"));
    assert!(world.router.passes(line), "nothing yet");
    taps(&world, &world.olga, &alert, "Unlink").await;
    assert!(!world.router.passes(line));
    assert_eq!(world.user().await.chat, None);
    assert_eq!(world.states().await, [StateName::Ended]);
    let solved = again(&world.olga, &alert);
    assert!(solved.text.contains("Solved by Olga") && solved.text.ends_with(": unlinked."));
    reads(&new, "This chat is not linked any more.");
}

// ---- what is theirs ----------------------------------------------------------------------------

#[tokio::test]
async fn people_hear_of_accounts_and_pauses_once() {
    let world = World::with(
        |_| {},
        |furniture| {
            furniture.desk.account(furniture.office, "carl", None);
            furniture.router.account("carl");
        },
    )
    .await;
    let give = async |owner| {
        let page = PageOf::default();
        let found = world.store.accounts(None, &page).await.unwrap().rows;
        let account = found.into_iter().find(|it| &*it.name == "carl").unwrap();
        let version = account.version + 1;
        let account = Account {
            owner,
            version,
            ..account
        };
        let change = vec![DeskChange::PutAccount(account)];
        world.handle.change_desk(change, Vec::new()).await.unwrap();
        world.seconds(1).await;
    };
    // Whoever was made a moment ago is told by whoever made them.
    world.seconds(61).await;
    give(Some(world.ann_id)).await;
    reads(&world.ann, "carl on office is now yours.");
    give(None).await;
    reads(&world.ann, "carl on office is no longer yours.");
    world.change_user(|user| user.suspended = true).await;
    world.seconds(1).await;
    world.reads("Your access is paused by an administrator.");
    world.change_user(|user| user.suspended = false).await;
    world.seconds(1).await;
    world.reads("Your access is back.");
    // A change of something else says nothing.
    let before = world.ann.shown().len();
    world
        .change_user(|user: &mut User| user.zone_minutes = Some(60))
        .await;
    world.seconds(1).await;
    assert_eq!(world.ann.shown().len(), before);
}

#[tokio::test]
async fn turning_off_says_which_router_cannot_be_reached() {
    let world = World::new().await;
    world.open().await;
    world
        .router
        .away_until(world.clock.now() + Duration::from_secs(3_600));
    world.seconds(90).await;
    world.says("/disable_vpn").await;
    let view = reads(&world.ann, "Turn off your VPN access?");
    taps(&world, &world.ann, &view, "Now").await;
    let done = reads(&world.ann, "Access is off");
    assert!(
        done.text
            .contains("office is out of contact; what ends there ends when it is back"),
        "{done:#?}"
    );
}

#[tokio::test]
async fn a_request_that_lifts_a_ban_says_so_to_everybody() {
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
    world.dial("ann", 4, "198.51.100.23");
    world.seconds(40).await;
    let alert = reads(&world.olga, "Locked until");
    world.says("/request_vpn").await;
    world.seconds(1).await;
    reads(&world.ann, "The lock on ann is lifted.");
    let solved = again(&world.olga, &alert);
    assert!(
        solved
            .text
            .starts_with("Lock for unanswered questions: ann on office")
    );
    assert!(solved.text.contains("Solved by Ann"), "{solved:#?}");
    assert!(solved.labels().is_empty());
}

// ---- operators ---------------------------------------------------------------------------------

#[tokio::test]
async fn one_operator_acts_and_all_are_told() {
    let world = World::with(
        |_| {},
        |furniture| {
            furniture.desk.operator("Oleg", 9002);
        },
    )
    .await;
    let oleg = world.api.user(9002, "Oleg", None, Some("en"));
    oleg.send("/start");
    world.settled().await;
    let (question, _) = world.asked().await;
    world.tap(question.id, NO).await;
    world.seconds(2).await;
    let (hers, his) = (
        reads(&world.olga, "Not me: Ann"),
        reads(&oleg, "Not me: Ann"),
    );
    taps(&world, &world.olga, &hers, "Undo").await;
    taps(&world, &world.olga, &hers, "Unlock").await;
    for (who, message) in [(&world.olga, &hers), (&oleg, &his)] {
        let now = again(who, message);
        assert!(now.text.starts_with("Not me: Ann, ann on office"));
        assert!(
            now.text.contains("Solved by Olga") && now.text.ends_with(": unlocked."),
            "{now:#?}"
        );
        assert!(now.labels().is_empty(), "nobody acts twice: {now:#?}");
    }
    // His button from before.
    let tap = oleg.tap_raw(his.id, &his.keyboard[0][0].data);
    world.settled().await;
    assert!(!oleg.answer_to(&tap).await.unwrap().text.is_empty());
}

#[tokio::test]
async fn not_me_tells_what_else_is_known() {
    let world = World::new().await;
    let (_, line) = world.open().await;
    world.router.hang_up(line);
    world.seconds(600).await;
    let bobs = world.dial("bob", 7, "198.51.100.23");
    world.seconds(1).await;
    world.router.hang_up(bobs);
    world.dial("ann", 9, "198.51.100.23");
    world.seconds(2).await;
    let question = world.reads("Not requested");
    world.tap(question.id, NO).await;
    world.seconds(1).await;
    let alert = reads(&world.olga, "Not me: Ann");
    assert!(
        alert.text.contains("Before: last seen from 203.0.113.7,"),
        "{alert:#?}"
    );
    assert!(
        alert
            .text
            .contains("Other accounts from 198.51.100.23: bob."),
        "{alert:#?}"
    );
}

#[tokio::test]
async fn not_me_where_a_router_is_only_watched_does_not_say_closed() {
    let world = World::with(
        |_| {},
        |furniture| {
            let router = furniture.desk.router_mut(furniture.office);
            router.mode = Mode::Observing;
            router.observe_asks = true;
        },
    )
    .await;
    let (question, line) = world.asked().await;
    assert!(question.text.contains("Trial run"), "{question:#?}");
    let heard = world.tap(question.id, NO).await;
    assert_eq!(heard, "Noted. Nothing is closed: trial run.");
    world.seconds(5).await;
    let card = world.reads("Reported: ann on office");
    assert!(
        card.text.contains("nothing was closed") && !card.text.contains("Closed"),
        "{card:#?}"
    );
    assert!(world.router.line(line).is_some(), "it goes on");
    reads(&world.olga, "Not me: Ann");
}

#[tokio::test]
async fn administration_shows_what_there_is() {
    let world = World::new().await;
    world.olga.send("Administration");
    world.settled().await;
    let view = reads(&world.olga, "Administration");
    for command in ["/pending", "/bans", "/sessions", "/routers"] {
        assert!(view.text.contains(command), "{view:#?}");
    }
    assert!(!view.text.contains("/request_vpn"));
    world.olga.send("/routers");
    world.settled().await;
    let view = reads(&world.olga, "Routers: 1\nAs of");
    assert!(
        view.text
            .ends_with("office: reachable; gate whole; open sessions: 0."),
        "{view:#?}"
    );
    world.says("/routers").await;
    world.reads("I don't know that");
    // What weakens a router is said with it.
    let policy = PolicyOverride {
        outage: Some(Outage::KeepConfirmed),
        ..PolicyOverride::default()
    };
    let change = vec![DeskChange::PutSystemPolicy(policy)];
    world.handle.change_desk(change, vec![]).await.unwrap();
    world.olga.send("/routers");
    world.settled().await;
    let view = reads(&world.olga, "Routers: 1\nAs of");
    assert!(
        view.text.contains("office: outage = keep_confirmed"),
        "{view:#?}"
    );
}
