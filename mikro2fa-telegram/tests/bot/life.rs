//! A session's life in the chat.

use super::world::{NO, World, YES};

#[tokio::test]
async fn request_question_yes_and_one_card() {
    let world = World::new().await;
    world.says("/request_vpn").await;
    let ready = world.reads("Connect now: ann, office\nby 16:10 (30 min)");
    assert_eq!(ready.labels(), ["Cancel request"]);
    assert!(ready.silent);
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;

    let question = world.reads("Was it you? ann on office\nFrom 203.0.113.7, L2TP, 15:40.");
    assert_eq!(
        question.keyboard.iter().map(Vec::len).collect::<Vec<_>>(),
        [1, 1]
    );
    assert_eq!(question.labels(), [YES, NO]);
    assert!(question.protected && !question.silent && question.preview_off);
    assert!(world.ann.message(ready.id).is_none(), "the card was moved");
    assert!(!world.router.passes(line));

    assert_eq!(world.tap(question.id, YES).await, "Opening.");
    let open = world
        .reads("Open: ann on office\nUntil tomorrow 15:40 (24 h). From 203.0.113.7 since 15:40.");
    assert_eq!(open.id, question.id, "edited in place");
    assert_eq!(open.labels(), ["End now", "Not me, close it"]);
    assert!(world.router.passes(line));

    assert_eq!(
        world.tap_raw(open.id, &question.keyboard[0][0].data).await,
        "You have already answered."
    );
    world.seconds(2).await;
    assert_eq!(world.tap(open.id, "End now").await, "");
    let ended = world.reads("Ended: ann on office\n15:40 – 15:40. You ended it.");
    assert_eq!((ended.id, ended.labels()), (open.id, vec!["Request again"]));
    assert!(!world.router.passes(line));
    // One card, and the question's own place in it.
    assert_eq!(
        world
            .ann
            .shown()
            .iter()
            .filter(|m| m.from_bot && m.text.contains("office"))
            .count(),
        1
    );
}

#[tokio::test]
async fn not_me_closes_reports_and_is_not_undone_by_its_owner() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    assert_eq!(world.tap(question.id, NO).await, "Closing.");
    world.seconds(20).await;
    assert!(!world.router.passes(line));
    let denied = world.reads("Closed and reported: ann on office\nFrom 203.0.113.7, 15:40.");
    assert!(
        denied.text.contains("The connection is cut."),
        "{}",
        denied.text
    );
    let alert = world.olga.last().unwrap();
    assert!(
        alert
            .text
            .starts_with("Not me: Ann, ann on office\nFrom 203.0.113.7, L2TP"),
        "{}",
        alert.text
    );
    assert!(!alert.silent);

    world.tap(denied.id, "I tapped by mistake").await;
    let noted = world.card();
    assert!(
        noted
            .text
            .ends_with("Noted: tapped by mistake. The administrator has been asked to unlock.")
    );
    assert!(noted.labels().is_empty());
    assert_eq!(
        world.olga.last().unwrap().text,
        "Ann says it was tapped by mistake and asks to unlock."
    );

    world.says("/request_vpn").await;
    world.reads("ann is locked after “not me”; only an administrator can unlock it.");
}

#[tokio::test]
async fn reminder_extension_and_the_end() {
    let world = World::new().await;
    let (open, line) = world.open().await;
    world.seconds(23 * 3600).await;
    let reminder = world.reads("Ends at 15:40: ann on office\n1 h left. Extend, or let it end.");
    assert!(!reminder.silent && reminder.id != open.id && world.ann.message(open.id).is_none());
    assert_eq!(
        reminder.labels(),
        ["+1 hour, to 16:40", "+4 hours, to 19:40", "End now"]
    );
    assert_eq!(
        reminder.keyboard.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1]
    );

    let one = reminder.keyboard[0][0].data.clone();
    let answer = world.tap(reminder.id, "+1 hour, to 16:40").await;
    assert_eq!(
        answer,
        "Extended to tomorrow 16:40.".replace("tomorrow ", ""),
        "it is tomorrow by now"
    );
    let extended = world.reads("Open: ann on office\nUntil 16:40 (2 h).");
    assert!(
        extended.text.contains("\nExtended by 1 h."),
        "{}",
        extended.text
    );
    assert_eq!(
        world.tap_raw(extended.id, &one).await,
        "Already extended to 16:40."
    );
    world.seconds(3600).await;
    assert!(world.router.passes(line));
    world.seconds(3700).await;
    world.reads("Ended: ann on office\nThu 20 Nov, 15:40 – 16:40. The time is over.");
    assert!(!world.router.passes(line));
    assert_eq!(
        world.tap_raw(world.card().id, &one).await,
        "The session has ended."
    );
}

#[tokio::test]
async fn an_unanswered_question_is_asked_again_so_often_and_no_more() {
    let world = World::new().await;
    let (question, line) = world.asked().await;
    let data = question.keyboard[0][0].data.clone();
    let mut sounds = vec![question.id];
    for n in 1..=3 {
        world.seconds(60).await;
        let again = world.reads("Was it you? ann on office");
        assert!(
            again.text.contains(&format!("Asked again, {n} of 3.")),
            "{}",
            again.text
        );
        assert_eq!(
            again.keyboard[0][0].data, data,
            "the same question, the same buttons"
        );
        assert!(!again.silent && !sounds.contains(&again.id));
        sounds.push(again.id);
    }
    world.seconds(200).await;
    let over = world.reads("No answer: ann on office\nNot opened. From 203.0.113.7, ");
    assert_eq!(over.labels(), ["It is me, ask again", NO]);
    assert!(!world.router.passes(line));
    assert_eq!(
        world.tap_raw(over.id, &data).await,
        "This question is closed. Nothing changed."
    );
    assert!(!world.router.passes(line));

    assert_eq!(world.tap(over.id, "It is me, ask again").await, "");
    let asked = world.reads("Was it you?");
    assert_eq!(world.tap(asked.id, YES).await, "Opening.");
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn an_unrequested_tunnel_and_one_from_elsewhere() {
    let world = World::new().await;
    let line = world.dial("ann", 4, "192.168.1.5");
    world.seconds(16).await;
    let question =
        world.reads("Not requested: ann on office\nFrom 192.168.1.5, a local address, L2TP, ");
    assert_eq!(world.tap(question.id, YES).await, "Opening.");
    assert!(world.router.passes(line));
    world.seconds(20).await;
    world.dial("ann", 5, "198.51.100.9");
    world.seconds(16).await;
    let second = world
        .reads("Was this you too? ann on office\nSecond connection, from 198.51.100.9, L2TP, ");
    assert!(
        second.text.contains("The open one is from 192.168.1.5."),
        "{}",
        second.text
    );
    assert_eq!(
        world
            .ann
            .shown()
            .iter()
            .filter(|m| m.text.starts_with("Open: "))
            .count(),
        1,
        "its own card"
    );
}

#[tokio::test]
async fn a_dropped_line_resumes_with_a_silent_notice() {
    let world = World::new().await;
    let (_, line) = world.open().await;
    world.seconds(60).await;
    world.router.hang_up(line);
    world.seconds(16).await;
    world.reads("Disconnected: ann on office\nReconnect by 15:4");
    let line = world.dial("ann", 5, "203.0.113.7");
    world.seconds(16).await;
    let resumed = world.reads("Reconnected: ann on office\nFrom the same address 203.0.113.7, ");
    assert!(resumed.silent);
    assert_eq!(resumed.labels(), ["Not me, close it"]);
    assert!(world.router.passes(line));
    assert_eq!(world.tap(resumed.id, "Not me, close it").await, "Closing.");
    world.seconds(5).await;
    assert!(!world.router.passes(line));
}

#[tokio::test]
async fn a_request_can_be_cancelled_or_repeated() {
    let world = World::new().await;
    world.says("Request access").await;
    let card = world.reads("Connect now");
    world.says("/request_vpn").await;
    assert_eq!(
        world.last_texts(&world.ann, 2)[0..1],
        ["Already open; see below."]
    );
    let moved = world.reads("Connect now");
    assert!(moved.id != card.id && world.ann.message(card.id).is_none());
    assert_eq!(world.tap(moved.id, "Cancel request").await, "");
    world.reads("Request for ann cancelled");
    world.seconds(2).await;
    world.tap(world.card().id, "Request again").await;
    world.reads("Connect now");
}

#[tokio::test]
async fn everything_is_said_in_the_readers_language_and_zone() {
    let world = World::with(|_| {}, |furniture| furniture.in_russian()).await;
    world.says("Запросить доступ").await;
    world.reads("Можно подключаться: ann, office\nдо 19:10 (30 мин)");
    world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
    let question = world.reads("Это вы? ann на office\nС адреса 203.0.113.7, L2TP, 18:40.");
    assert_eq!(world.tap(question.id, "Да, это я").await, "Открываю.");
    world.reads("Открыто: ann на office\nДо завтра 18:40 (осталось 24 ч).");
}
