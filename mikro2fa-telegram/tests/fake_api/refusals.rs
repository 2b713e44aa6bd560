//! Every no of the server's, word by word.

use std::time::Duration;

use mikro2fa_telegram::fake_api::{FakeConfig, Limits};
use serde_json::{Value, json};

use super::Wire;

async fn says(wire: &Wire, method: &str, params: Value, code: u16, words: &str) {
    assert_eq!(
        wire.refusal(method, params.clone()).await,
        (code, words.to_owned()),
        "{method} {params}"
    );
}

fn button(data: &str) -> Value {
    json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": data }]] })
}

#[tokio::test]
async fn of_texts() {
    let wire = Wire::start().await;
    wire.ann();
    let html = |text: &str| json!({ "chat_id": 42, "text": text, "parse_mode": "HTML" });
    for (text, words) in [
        ("", "Bad Request: message text is empty"),
        ("<b> </b>", "Bad Request: message text is empty"),
        (
            "<x>",
            "Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0",
        ),
        (
            "<b>a",
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "<b>a</i>",
            "Bad Request: can't parse entities: Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"",
        ),
    ] {
        says(&wire, "sendMessage", html(text), 400, words).await;
    }
    let id = wire.say(42, "x").await;
    says(
        &wire,
        "sendMessage",
        html(&"x".repeat(4097)),
        400,
        "Bad Request: message is too long",
    )
    .await;
    says(
        &wire,
        "sendMessage",
        html(&"x".repeat(32_769)),
        400,
        "Bad Request: text is too long",
    )
    .await;
    let edit = json!({ "chat_id": 42, "message_id": id, "text": "x".repeat(4097) });
    says(
        &wire,
        "editMessageText",
        edit,
        400,
        "Bad Request: MESSAGE_TOO_LONG",
    )
    .await;
    // Counted after the tags are gone, in characters.
    wire.call("sendMessage", html(&format!("<b>{}</b>", "я".repeat(4096))))
        .await;
}

#[tokio::test]
async fn of_keyboards() {
    let wire = Wire::start().await;
    wire.ann();
    let send = |markup: Value| json!({ "chat_id": 42, "text": "x", "reply_markup": markup });
    wire.call("sendMessage", send(button(&"d".repeat(64))))
        .await;
    let invalid = "Bad Request: BUTTON_DATA_INVALID";
    says(
        &wire,
        "sendMessage",
        send(button(&"d".repeat(65))),
        400,
        invalid,
    )
    .await;
    says(&wire, "sendMessage", send(button("")), 400, invalid).await;
    says(
        &wire,
        "sendMessage",
        send(json!({ "inline_keyboard": [[{ "text": "bare" }]] })),
        400,
        "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    )
    .await;
    let row = vec![json!({ "text": "x", "callback_data": "x" }); 101];
    let words = "Bad Request: reply markup is too long";
    says(
        &wire,
        "sendMessage",
        send(json!({ "inline_keyboard": [row] })),
        400,
        words,
    )
    .await;
}

#[tokio::test]
async fn of_edits_and_deletions() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let theirs = ann.chat()[0].id;
    let id = wire.say(42, "one").await;
    let edit = |id: i64, text: &str| json!({ "chat_id": 42, "message_id": id, "text": text });
    let unchanged = "Bad Request: message is not modified: specified new message content and reply markup are exactly \
                     the same as a current content and reply markup of the message";
    says(&wire, "editMessageText", edit(id, "one"), 400, unchanged).await;
    says(
        &wire,
        "editMessageReplyMarkup",
        json!({ "chat_id": 42, "message_id": id }),
        400,
        unchanged,
    )
    .await;
    says(
        &wire,
        "editMessageText",
        edit(999, "x"),
        400,
        "Bad Request: message to edit not found",
    )
    .await;
    says(
        &wire,
        "editMessageText",
        edit(theirs, "x"),
        400,
        "Bad Request: message can't be edited",
    )
    .await;
    let nameless = "Bad Request: message identifier is not specified";
    says(
        &wire,
        "editMessageText",
        json!({ "chat_id": 42, "text": "x" }),
        400,
        nameless,
    )
    .await;
    says(
        &wire,
        "deleteMessage",
        json!({ "chat_id": 42 }),
        400,
        nameless,
    )
    .await;

    wire.call(
        "deleteMessage",
        json!({ "chat_id": 42, "message_id": theirs }),
    )
    .await;
    wire.call("deleteMessage", json!({ "chat_id": 42, "message_id": id }))
        .await;
    let gone = json!({ "chat_id": 42, "message_id": id });
    says(
        &wire,
        "deleteMessage",
        gone,
        400,
        "Bad Request: message to delete not found",
    )
    .await;
    says(
        &wire,
        "editMessageText",
        edit(id, "x"),
        400,
        "Bad Request: message to edit not found",
    )
    .await;

    let old = wire.say(42, "old").await;
    wire.api.advance(Duration::from_secs(48 * 3600 + 1));
    let delete = json!({ "chat_id": 42, "message_id": old });
    says(
        &wire,
        "deleteMessage",
        delete,
        400,
        "Bad Request: message can't be deleted",
    )
    .await;
    wire.call("editMessageText", edit(old, "Continued below."))
        .await;
}

#[tokio::test]
async fn of_chats() {
    let wire = Wire::start().await;
    let bob = wire.api.user(43, "Bob", None, None);
    let send = |chat: Value| json!({ "chat_id": chat, "text": "x" });
    let not_found = "Bad Request: chat not found";
    says(&wire, "sendMessage", send(json!(43)), 400, not_found).await;
    says(&wire, "sendMessage", send(json!(99)), 400, not_found).await;
    says(&wire, "sendMessage", send(json!("@bob")), 400, not_found).await;
    says(
        &wire,
        "sendMessage",
        json!({ "text": "x" }),
        400,
        "Bad Request: chat_id is empty",
    )
    .await;
    bob.send("/start");
    wire.say(43, "hello").await;
    bob.block_bot();
    says(
        &wire,
        "sendMessage",
        send(json!(43)),
        403,
        "Forbidden: bot was blocked by the user",
    )
    .await;
    let id = bob.last().unwrap().id;
    let edit = json!({ "chat_id": 43, "message_id": id, "text": "y" });
    says(
        &wire,
        "editMessageText",
        edit,
        403,
        "Forbidden: bot was blocked by the user",
    )
    .await;
    bob.send("/start");
    wire.say(43, "hello again").await;
    bob.deactivate();
    says(
        &wire,
        "sendMessage",
        send(json!(43)),
        403,
        "Forbidden: user is deactivated",
    )
    .await;
}

#[tokio::test]
async fn of_taps() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let id = wire.say(42, "x").await;
    let old = "Bad Request: query is too old and response timeout expired or query ID is invalid";
    says(
        &wire,
        "answerCallbackQuery",
        json!({ "callback_query_id": "1" }),
        400,
        old,
    )
    .await;
    let tap = ann.tap_raw(id, "x");
    let long = json!({ "callback_query_id": tap, "text": "x".repeat(201) });
    says(
        &wire,
        "answerCallbackQuery",
        long,
        400,
        "Bad Request: MESSAGE_TOO_LONG",
    )
    .await;
    wire.api.advance(Duration::from_secs(61));
    says(
        &wire,
        "answerCallbackQuery",
        json!({ "callback_query_id": tap }),
        400,
        old,
    )
    .await;
}

#[tokio::test]
async fn of_commands_and_webhooks() {
    let wire = Wire::start().await;
    let commands = |name: &str, words: &str| json!({ "commands": [{ "command": name, "description": words }] });
    for (params, words) in [
        (commands("Start", "x"), "BOT_COMMAND_INVALID"),
        (commands("start", ""), "BOT_COMMAND_INVALID"),
        (
            commands(&"s".repeat(33), "x"),
            "command length must not exceed 32",
        ),
        (
            commands("start", &"x".repeat(257)),
            "command description length must not exceed 256",
        ),
    ] {
        says(
            &wire,
            "setMyCommands",
            params,
            400,
            &format!("Bad Request: {words}"),
        )
        .await;
    }
    let hook = |url: &str, secret: &str| json!({ "url": url, "secret_token": secret });
    let port = "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443";
    for (params, words) in [
        (
            hook("http://example.com/", ""),
            "invalid webhook URL specified",
        ),
        (hook("https://", ""), "invalid webhook URL specified"),
        (hook("https://example.com:8080/", ""), port),
        (
            hook("https://example.com/", &"a".repeat(257)),
            "secret token is too long",
        ),
        (
            hook("https://example.com/", "a b"),
            "secret token contains unallowed characters",
        ),
    ] {
        says(
            &wire,
            "setWebhook",
            params,
            400,
            &format!("Bad Request: {words}"),
        )
        .await;
    }
    wire.call(
        "setWebhook",
        hook("https://example.com:8443/telegram", "secret"),
    )
    .await;
    assert_eq!(
        wire.api
            .with(|world| world.webhook().unwrap().secret_token.clone()),
        Some("secret".to_owned())
    );
    assert_eq!(
        wire.call("getWebhookInfo", json!({})).await["url"],
        json!("https://example.com:8443/telegram")
    );
}

#[tokio::test]
async fn of_tokens_and_paths() {
    let wire = Wire::start().await;
    let get = async |path: &str| {
        let answer = wire
            .http
            .get(format!("{}{path}", wire.api.url()))
            .send()
            .await
            .unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap()["description"].clone(),
        )
    };
    assert_eq!(get("").await, (404, json!("Not Found")));
    assert_eq!(
        get("botx/getMe").await,
        (401, json!("Unauthorized: invalid token specified"))
    );
    assert_eq!(get("bot1:AA/getMe").await, (401, json!("Unauthorized")));
    says(
        &wire,
        "getMee",
        json!({}),
        404,
        "Not Found: method not found",
    )
    .await;
    wire.api.set_revoked(true);
    says(&wire, "getMe", json!({}), 401, "Unauthorized").await;
}

#[tokio::test]
async fn of_haste() {
    let wire = Wire::with(FakeConfig {
        limits: Some(Limits::default()),
        clock: mikro2fa_telegram::fake_api::FakeClock::manual(super::START),
        ..FakeConfig::default()
    })
    .await;
    wire.ann();
    for _ in 0..3 {
        wire.say(42, "x").await;
    }
    let url = format!("{}bot{}/sendMessage", wire.api.url(), wire.api.token());
    let answer = wire
        .http
        .post(url)
        .json(&json!({ "chat_id": 42, "text": "x" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(answer.headers()["retry-after"], "1");
    let body: Value = answer.json().await.unwrap();
    let expected = json!({
        "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1",
        "parameters": { "retry_after": 1 },
    });
    assert_eq!(body, expected);
    wire.api.advance(Duration::from_secs(1));
    wire.say(42, "x").await;
}
