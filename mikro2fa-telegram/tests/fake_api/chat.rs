//! Messages, keyboards, taps: what works.

use serde_json::json;
use teloxide::{
    payloads::SendMessageSetters,
    prelude::*,
    types::{
        AllowedUpdate, BotCommand, BotCommandScope, ChatId, InlineKeyboardButton,
        InlineKeyboardMarkup, KeyboardButton, KeyboardMarkup, LinkPreviewOptions, MessageId,
        ParseMode, Recipient, UpdateKind,
    },
};

use super::Wire;

fn bot(wire: &Wire) -> Bot {
    Bot::new(wire.api.token()).set_api_url(wire.api.url().parse().unwrap())
}

#[tokio::test]
async fn teloxide_reads_everything_it_gets() {
    let wire = Wire::start().await;
    let bot = bot(&wire);
    let ann = wire.ann();

    let me = bot.get_me().await.unwrap();
    assert_eq!((me.username(), me.can_join_groups), ("mikro2fa_bot", true));
    assert_eq!(
        bot.get_webhook_info().await.unwrap().pending_update_count,
        1
    );
    assert!(bot.get_chat(ChatId(42)).await.unwrap().is_private());
    bot.delete_webhook().await.unwrap();

    let sent = bot
        .send_message(ChatId(42), "<b>Was it you?</b>")
        .parse_mode(ParseMode::Html)
        .await
        .unwrap();
    assert_eq!(sent.text(), Some("Was it you?"));
    bot.edit_message_text(ChatId(42), sent.id, "Open")
        .await
        .unwrap();
    ann.block_bot();
    ann.unblock_bot();
    ann.tap_raw(i64::from(sent.id.0), "x");
    bot.delete_message(ChatId(42), sent.id).await.unwrap();
    ann.tap_raw(i64::from(sent.id.0), "x");
    ann.tap_inline("x");
    wire.api
        .push_update(json!({ "something_new": { "field": 1 } }));

    let updates = bot
        .get_updates()
        .allowed_updates([
            AllowedUpdate::Message,
            AllowedUpdate::CallbackQuery,
            AllowedUpdate::MyChatMember,
        ])
        .await
        .unwrap();
    let unknown = updates
        .iter()
        .filter(|update| matches!(update.kind, UpdateKind::Error(_)))
        .count();
    assert_eq!((updates.len(), unknown), (7, 1));
}

#[tokio::test]
async fn the_reader_sees_what_was_sent() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let yes = InlineKeyboardButton::callback("Yes, it was me", "1yes");
    let no = InlineKeyboardButton::callback("No, not me", "1no");
    bot(&wire)
        .send_message(
            Recipient::Id(ChatId(42)),
            "<b>Was it you? <code>a&amp;b</code></b>\nFrom there.\n\nMore.",
        )
        .parse_mode(ParseMode::Html)
        .protect_content(true)
        .disable_notification(true)
        .link_preview_options(LinkPreviewOptions {
            is_disabled: true,
            url: None,
            prefer_small_media: false,
            prefer_large_media: false,
            show_above_text: false,
        })
        .reply_markup(InlineKeyboardMarkup::new([[yes], [no]]))
        .await
        .unwrap();

    let message = ann.last().unwrap();
    assert_eq!(message.text, "Was it you? a&b\nFrom there.\n\nMore.");
    assert_eq!(message.lock_screen(), "Was it you? a&b\nFrom there.");
    assert_eq!(message.labels(), ["Yes, it was me", "No, not me"]);
    assert!(message.silent && message.protected && message.preview_off && message.from_bot);
    assert_eq!(message.sent_at, super::START);
}

#[tokio::test]
async fn a_menu_stays_until_it_is_taken_away() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let menu = KeyboardMarkup::new([
        vec![KeyboardButton::new("Request access")],
        vec![KeyboardButton::new("Status")],
    ]);
    bot(&wire)
        .send_message(ChatId(42), "Hello")
        .reply_markup(menu)
        .await
        .unwrap();
    wire.say(42, "no markup").await;
    assert_eq!(ann.menu(), [["Request access"], ["Status"]]);
    wire.call(
        "sendMessage",
        json!({ "chat_id": 42, "text": "bye", "reply_markup": { "remove_keyboard": true } }),
    )
    .await;
    assert!(ann.menu().is_empty());
}

#[tokio::test]
async fn a_tap_spins_until_it_is_answered() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let keyboard = json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "1yes" }]] });
    wire.call(
        "sendMessage",
        json!({ "chat_id": 42, "text": "?", "reply_markup": keyboard }),
    )
    .await;
    let message = ann.last().unwrap();
    assert_eq!(
        ann.tap(message.id, "No").unwrap_err().to_string(),
        "message 2 has no button \"No\"; it has [\"Yes\"]"
    );

    let tap = ann.tap(message.id, "Yes").unwrap();
    let updates = wire.call("getUpdates", json!({})).await;
    let query = &updates[1]["callback_query"];
    assert_eq!(
        (&query["data"], &query["message"]["message_id"]),
        (&json!("1yes"), &json!(message.id))
    );
    assert_eq!(
        wire.api
            .with(|world| world.tap(&tap).unwrap().answer.clone()),
        None
    );

    wire.call(
        "answerCallbackQuery",
        json!({ "callback_query_id": tap, "text": "Too late", "show_alert": true }),
    )
    .await;
    wire.call(
        "answerCallbackQuery",
        json!({ "callback_query_id": tap, "text": "second" }),
    )
    .await;
    let answer = ann.answer_to(&tap).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.popup), ("Too late", true));
}

#[tokio::test]
async fn forms_and_query_strings_are_taken_like_json() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let url = format!("{}bot{}/SENDmessage", wire.api.url(), wire.api.token());
    let markup =
        json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "1" }]] }).to_string();
    let form = [
        ("chat_id", "42"),
        ("text", "form"),
        ("reply_markup", markup.as_str()),
    ];
    assert!(
        wire.http
            .post(&url)
            .form(&form)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert!(
        wire.http
            .get(format!("{url}?chat_id=42&text=a%20query"))
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    let chat = ann.shown();
    assert_eq!(chat[1].labels(), ["Yes"]);
    assert_eq!(chat[2].text, "a query");
}

#[tokio::test]
async fn commands_are_kept_by_scope_and_language() {
    let wire = Wire::start().await;
    wire.ann();
    let bot = bot(&wire);
    bot.set_my_commands([BotCommand::new("start", "Start")])
        .await
        .unwrap();
    let scope = BotCommandScope::Chat {
        chat_id: Recipient::Id(ChatId(42)),
    };
    bot.set_my_commands([BotCommand::new("extend", "Extend")])
        .scope(scope.clone())
        .await
        .unwrap();
    let names = |chat| {
        wire.api.with(|w| {
            w.commands(chat, "ru")
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        (names(42), names(43)),
        (vec!["extend".to_owned()], vec!["start".to_owned()])
    );
    bot.delete_my_commands().scope(scope).await.unwrap();
    assert_eq!(names(42), ["start"]);
}

#[tokio::test]
async fn a_group_can_be_joined_and_left() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let group = wire.api.group(-1001, "Office");
    group.add_bot(&ann);
    group.send(&ann, "hello");
    assert!(group.has_bot());
    let updates = bot(&wire).get_updates().await.unwrap();
    assert!(matches!(&updates[1].kind, UpdateKind::MyChatMember(m) if m.chat.id == ChatId(-1001)));
    bot(&wire).leave_chat(ChatId(-1001)).await.unwrap();
    assert!(!group.has_bot());
    let (code, words) = wire
        .refusal("sendMessage", json!({ "chat_id": -1001, "text": "x" }))
        .await;
    assert_eq!(
        (code, words.as_str()),
        (403, "Forbidden: bot was kicked from the group chat")
    );
}

#[tokio::test]
async fn an_edit_keeps_the_place_and_counts() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let first = wire.say(42, "one").await;
    wire.say(42, "two").await;
    bot(&wire)
        .edit_message_text(
            ChatId(42),
            MessageId(i32::try_from(first).unwrap()),
            "three",
        )
        .await
        .unwrap();
    let texts: Vec<_> = ann
        .shown()
        .into_iter()
        .filter(|m| m.from_bot)
        .map(|m| (m.text, m.edits))
        .collect();
    assert_eq!(texts, [("three".to_owned(), 1), ("two".to_owned(), 0)]);
}
