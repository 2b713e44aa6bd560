//! Strangers, codes, requests to join, lists and settings.

use std::time::Duration;

use mikro2fa_core::{
    directory::Directory, entropy::SystemEntropy, session::StateName, time::Clock,
};
use mikro2fa_telegram::{fake_api::FakeUser, link::LinkCode};

use super::world::World;

const PRIVATE: &str =
    "This is a private service. If you have a link or a code, open the link or send the code here.";
const REFUSED: &str = "This code does not work. Ask your administrator for a new one.";

fn texts(user: &FakeUser) -> Vec<String> {
    user.shown()
        .into_iter()
        .filter(|message| message.from_bot)
        .map(|message| message.text)
        .collect()
}

async fn writes(world: &World, user: &FakeUser, text: &str) {
    user.send(text);
    world.settled().await;
}

impl World {
    pub(crate) async fn code(&self) -> LinkCode {
        let code = LinkCode::typed(&SystemEntropy);
        let issue = code.issue(self.ann_id, self.clock.now());
        self.store.change(vec![issue], Vec::new()).await.unwrap();
        code
    }
}

#[tokio::test]
async fn a22_unknown_chats_learn_nothing_and_not_often() {
    let world = World::new().await;
    for (id, text) in [
        (1, "/start"),
        (2, "/request_vpn"),
        (3, "/nothing"),
        (4, "ann"),
        (5, "/register"),
        (6, "/whoami"),
    ] {
        let eve = world.api.user(id, "Eve", None, None);
        writes(&world, &eve, text).await;
        assert_eq!(texts(&eve), [PRIVATE], "{text}");
        for _ in 0..11 {
            writes(&world, &eve, text).await;
        }
        assert_eq!(texts(&eve).len(), 1, "silence");
        assert!(eve.last().unwrap().silent && eve.menu().is_empty());
        world.seconds(1).await;
    }
    let eve = world.api.user(1, "Eve", None, Some("ru"));
    world.seconds(600).await;
    writes(&world, &eve, "x").await;
    assert_eq!(
        texts(&eve)[1],
        "Это закрытый сервис. Если у вас есть ссылка или код, откройте ссылку или пришлите код сюда."
    );
}

#[tokio::test]
async fn a05_groups_are_left_without_a_word() {
    let world = World::new().await;
    let group = world.api.group(-1001, "Office");
    group.add_bot(&world.ann);
    world.settled().await;
    assert!(!group.has_bot());
    group.add_bot(&world.ann);
    group.send(&world.ann, "/status");
    world.settled().await;
    assert!(!group.has_bot());
    assert!(group.chat().iter().all(|message| !message.from_bot));
}

#[tokio::test]
async fn a_code_links_a_chat_once() {
    let world = World::new().await;
    let code = world.code().await;
    let new = world.api.user(1500, "Ann's new phone", None, Some("en"));
    writes(&world, &new, &format!("/start {}", code.as_str())).await;
    assert_eq!(
        texts(&new),
        [
            "This chat is now linked to Ann\nQuestions about ann come here.\n\nThis chat is your second key: please turn \
             on two-step verification in Telegram's privacy settings."
        ]
    );
    assert_eq!(
        new.menu(),
        [
            vec!["Request access"],
            vec!["My sessions", "Status"],
            vec!["Turn off access"]
        ]
    );
    assert!(new.chat()[0].deleted, "the message with the code");
    let user = world.user().await;
    assert_eq!((user.chat.unwrap().0, user.link_generation), (1500, 2));
    let commands = world.api.with(|w| {
        w.commands(1500, "en")
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    });
    assert!(
        commands.contains(&"request_vpn".to_owned()) && !commands.contains(&"pending".to_owned())
    );
    assert!(
        world.last_texts(&world.ann, 1)[0]
            .starts_with("Your VPN access was moved to another Telegram")
    );
    assert!(world.ann.menu().is_empty());
    assert_eq!(
        world.olga.last().unwrap().text,
        "Linked: Ann\nTelegram: Ann's new phone, id 1500, 15:40 (UTC)."
    );

    let second = world.api.user(1501, "Eve", None, None);
    writes(&world, &second, code.as_str()).await;
    assert_eq!(texts(&second), [REFUSED], "used");
    assert_eq!(world.user().await.chat.unwrap().0, 1500);
}

#[tokio::test]
async fn wrong_and_expired_codes_get_one_answer_and_then_silence() {
    let world = World::new().await;
    let code = world.code().await;
    world.seconds(15 * 60 + 1).await;
    let eve = world.api.user(1501, "Eve", None, None);
    writes(&world, &eve, code.as_str()).await;
    for guess in [
        "ABCDEFGH12",
        "/start whatever",
        "abcdefgh13",
        "ABCDEFGH14",
        "ABCDEFGH15",
        "ABCDEFGH16",
    ] {
        writes(&world, &eve, guess).await;
    }
    assert_eq!(texts(&eve), vec![REFUSED; 5]);
    let good = world.code().await;
    writes(&world, &eve, good.as_str()).await;
    assert_eq!(texts(&eve).len(), 5, "not even a good one, this hour");
    world.seconds(3600).await;
    let good = world.code().await;
    writes(&world, &eve, good.as_str()).await;
    assert!(texts(&eve)[5].starts_with("This chat is now linked to Ann"));
}

#[tokio::test]
async fn a_chat_of_somebody_elses_takes_no_code() {
    let world = World::new().await;
    let code = world.code().await;
    let bob = world.api.user(1002, "Bob", None, None);
    writes(&world, &bob, code.as_str()).await;
    assert_eq!(texts(&bob).last().unwrap(), REFUSED);
    assert_eq!(world.user().await.chat.unwrap().0, 1001);
}

#[tokio::test]
async fn whoever_asks_to_be_let_in_is_approved_in_two_steps() {
    let world = World::with(|config| config.self_registration = true, |_| {}).await;
    let carl = world.api.user(1600, "carl <b>", None, Some("ru"));
    writes(&world, &carl, "hello").await;
    assert!(texts(&carl)[0].ends_with("\nЧтобы попросить доступ, отправьте /register."));
    writes(&world, &carl, "/register").await;
    writes(&world, &carl, "x").await;
    assert_eq!(
        texts(&carl)[2],
        "Не похоже на имя. Одна строка, от 2 до 64 знаков."
    );
    writes(&world, &carl, "Карл @ann & <b>").await;
    let sent = carl.last().unwrap();
    assert_eq!(
        sent.text,
        "Заявка отправлена: Карл @ann & <b>\nЕё рассмотрит администратор. Ответ придёт сюда."
    );
    assert_eq!(sent.labels(), ["Отозвать заявку"]);

    let alert = world.olga.last().unwrap();
    assert_eq!(
        alert.text,
        "Wants access: Карл @ann & <b>\nTelegram: carl <b>, id 1600, 15:40 (UTC)."
    );
    assert_eq!(alert.labels(), ["Approve", "Reject"]);
    let tap = world.olga.tap(alert.id, "Approve").unwrap();
    world.settled().await;
    world.olga.answer_to(&tap).await.unwrap();
    let confirm = world.olga.last().unwrap();
    assert!(
        confirm.id == alert.id && confirm.text.starts_with("Approve Карл @ann & <b>?"),
        "{}",
        confirm.text
    );
    assert!(
        world
            .store
            .user_of_chat(mikro2fa_core::desk::ChatId(1600))
            .await
            .unwrap()
            .is_none(),
        "nothing yet"
    );
    world.seconds(2).await;
    world
        .olga
        .tap(confirm.id, &confirm.keyboard[0][0].data)
        .unwrap();
    world.settled().await;
    let solved = world.olga.last().unwrap();
    assert!(
        solved
            .text
            .ends_with("Solved by Olga, 15:40 (UTC): approved.")
            && solved.labels().is_empty()
    );

    let user = world
        .store
        .user_of_chat(mikro2fa_core::desk::ChatId(1600))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&*user.name, "Карл @ann & <b>");
    assert!(
        carl.last()
            .unwrap()
            .text
            .starts_with("Заявка одобрена, Карл @ann & <b>\n")
    );
    assert_eq!(carl.menu()[0], ["Запросить доступ"]);
    // The old button is over, and says so.
    let tap = carl.tap(sent.id, "Отозвать заявку").unwrap();
    world.settled().await;
    assert_eq!(
        carl.answer_to(&tap).await.unwrap().text,
        "Этот вопрос закрыт. Ничего не изменилось."
    );
}

#[tokio::test]
async fn second_steps_lapse_and_need_the_role() {
    let world = World::with(|config| config.self_registration = true, |_| {}).await;
    let carl = world.api.user(1600, "Carl", None, None);
    writes(&world, &carl, "/register").await;
    writes(&world, &carl, "Carl").await;
    let alert = world.olga.last().unwrap();
    world.olga.tap(alert.id, "Approve").unwrap();
    world.settled().await;
    let confirm = world.olga.last().unwrap();
    world.seconds(121).await;
    let tap = world
        .olga
        .tap(confirm.id, &confirm.keyboard[0][0].data)
        .unwrap();
    world.settled().await;
    assert_eq!(
        world.olga.answer_to(&tap).await.unwrap().text,
        "This question is closed. Nothing changed."
    );

    // Carl himself, with Olga's button.
    let tap = carl.tap_raw(confirm.id, &confirm.keyboard[0][0].data);
    world.settled().await;
    assert_eq!(
        carl.answer_to(&tap).await.unwrap().text,
        "This button does not work here."
    );
    assert!(
        world
            .store
            .user_of_chat(mikro2fa_core::desk::ChatId(1600))
            .await
            .unwrap()
            .is_none()
    );

    writes(&world, &world.olga, "/pending").await;
    let list = world.olga.last().unwrap();
    assert_eq!(list.labels(), ["Approve Carl", "Reject Carl"]);
    world.olga.tap(list.id, "Reject Carl").unwrap();
    world.settled().await;
    world.seconds(2).await;
    world.olga.tap(list.id, "Reject Carl").unwrap();
    world.settled().await;
    assert_eq!(carl.last().unwrap().text, "Your request was not approved");
    writes(&world, &carl, "/register").await;
    assert_ne!(
        texts(&carl).last().unwrap(),
        "Please send your name",
        "again after a day"
    );
    world.seconds(24 * 3600).await;
    writes(&world, &carl, "/register").await;
    assert!(
        texts(&carl)
            .last()
            .unwrap()
            .starts_with("Please send your name")
    );
}

#[tokio::test]
async fn a_request_to_join_can_be_taken_back() {
    let world = World::with(|config| config.self_registration = true, |_| {}).await;
    let carl = world.api.user(1600, "Carl", None, None);
    for text in ["/register", "/cancel", "Carl", "/register", "Carl"] {
        writes(&world, &carl, text).await;
    }
    let sent = carl.last().unwrap();
    writes(&world, &carl, "/register").await;
    assert_eq!(
        carl.last().unwrap().text,
        "Your request of 15:40 (UTC) is still waiting."
    );
    carl.tap(sent.id, "Take it back").unwrap();
    world.settled().await;
    assert_eq!(
        carl.message(sent.id).unwrap().text,
        "Your request is taken back."
    );
    writes(&world, &world.olga, "/pending").await;
    assert_eq!(
        world.olga.last().unwrap().text,
        "There are no requests to join."
    );
}

#[tokio::test]
async fn one_of_several_accounts_is_chosen() {
    let world = World::with(|_| {}, |furniture| furniture.second_account()).await;
    world.says("/request_vpn").await;
    let list = world.reads("Which account?");
    assert_eq!(list.labels(), ["ann, office", "ann-home, office", "Cancel"]);
    world.tap(list.id, "ann-home, office").await;
    world.reads("Connect now: ann-home, office");
    assert!(
        world.ann.message(list.id).is_none(),
        "the list has done its work"
    );
    world.says("/request_vpn").await;
    let list = world.reads("Which account?");
    world.seconds(601).await;
    assert_eq!(
        world.tap(list.id, "Cancel").await,
        "This list is old. Please open it again."
    );
}

#[tokio::test]
async fn sessions_are_listed_shown_and_ended() {
    let world = World::new().await;
    world.says("/my_sessions").await;
    world.reads("You have no open sessions.");
    let (open, line) = world.open().await;
    world.says("My sessions").await;
    let list = world.reads("Your sessions: 1\nann, office: open until tomorrow 15:40.");
    assert_eq!(list.labels(), ["End ann", "Show"]);
    world.tap(list.id, "Show").await;
    let moved = world.reads("Open: ann on office");
    assert!(moved.id != open.id && world.ann.message(open.id).is_none() && moved.silent);
    world.tap(list.id, "End ann").await;
    world.seconds(5).await;
    assert!(!world.router.passes(line));
    assert_eq!(
        world.ann.message(list.id).unwrap().text,
        "You have no open sessions."
    );
}

#[tokio::test]
async fn extension_is_offered_when_asked_for() {
    let world = World::new().await;
    world.says("/extend").await;
    world.reads("You have no open session that could be extended.");
    world.open().await;
    world.says("/extend").await;
    let offer = world.reads("Ends at tomorrow 15:40: ann on office");
    assert_eq!(
        world.tap(offer.id, "+4 hours, to 19:40").await,
        "Extended to tomorrow 19:40."
    );
    world.reads("Open: ann on office\nUntil tomorrow 19:40 (28 h).");
}

#[tokio::test]
async fn status_settings_and_the_rest() {
    let world = World::new().await;
    world.says("/status").await;
    let status = world.reads(
        "Ann\nAccounts: ann. Open sessions: 0.\noffice: reachable.\nLanguage English, time UTC.",
    );
    world.tap(status.id, "Language and time").await;
    let languages = world.reads("Language?");
    world.seconds(2).await;
    world.tap(languages.id, "Русский").await;
    assert_eq!(
        world.ann.message(languages.id).unwrap().labels(),
        ["Оставить UTC"]
    );
    assert_eq!(world.ann.menu()[0], ["Запросить доступ"]);
    world.says("Москва").await;
    world.reads("Это не смещение от UTC.");
    world.says("+3").await;
    world.reads("Язык: Русский, время: UTC+3.");
    world.says("/whoami").await;
    world.reads("Telegram id 1001, чат 1001. Привязано: Ann, с 18:40.");
    world.says("/help").await;
    assert_eq!(
        world.reads("Как это работает:").labels(),
        ["Запросить доступ"]
    );
    world.says("/cancel").await;
    world.reads("Отменять нечего.");
    world.says("what?").await;
    world.reads("Не знаю такой команды.");
    let before = world.ann.shown().len();
    world.says("what??").await;
    assert_eq!(world.ann.shown().len(), before + 1, "once in half a minute");
    world.says("/pending").await;
    assert_eq!(
        world.ann.shown().len(),
        before + 2,
        "a command that a role lacks is no command"
    );
}

#[tokio::test]
async fn access_can_be_turned_off() {
    let world = World::new().await;
    let (_, line) = world.open().await;
    world.says("Turn off access").await;
    let view =
        world.reads("Turn off your VPN access?\n“Now” ends and cuts your open sessions (1).");
    world.tap(view.id, "No new ones").await;
    assert!(
        world
            .ann
            .message(view.id)
            .unwrap()
            .text
            .starts_with("No new connections\nOpen sessions run on until")
    );
    assert!(world.router.passes(line));
    world.says("/disable_vpn").await;
    let view = world.card();
    world.tap(view.id, "Now: end everything").await;
    world.seconds(5).await;
    assert!(!world.router.passes(line));
    assert_eq!(
        world.ann.message(view.id).unwrap().text,
        "Access is off\nSessions ended: 1; requests cancelled."
    );
    assert!(
        world
            .states()
            .await
            .iter()
            .all(|state| *state == StateName::Ended)
    );
    world.tap(view.id, "Request access").await;
    world.reads("Connect now");
    world
        .clock
        .advance_to(world.clock.now() + Duration::from_secs(1));
}
