//! A10: updates that Telegram has not sent. mikro2fa fetches them itself; nobody can bring any.

use crate::harness::{Database, HOME, MINUTE, Outcome, Town, Trouble, data_of, json, on_both};

on_both!(no_address_takes_updates);

/// Ann's yes as an update, brought to every address that a bot's webhook usually has.
async fn no_address_takes_updates(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    let from = json!({ "id": town.ann.id(), "is_bot": false, "first_name": "Ann" });
    let chat = json!({ "id": town.ann.id(), "type": "private", "first_name": "Ann" });
    let message = json!({ "message_id": question.id, "date": 1, "chat": chat, "text": "x" });
    let update = json!({
        "update_id": 4_711,
        "callback_query": {
            "id": "1", "from": from, "chat_instance": "1", "data": data_of(&question, "Yes"), "message": message,
        },
    });
    let token = town.telegram.token();
    let paths = [
        "".to_owned(),
        "webhook".into(),
        "telegram".into(),
        "telegram/webhook".into(),
        "hook/telegram".into(),
        "hook/ppp".into(),
        "api/telegram".into(),
        "bot".into(),
        token.clone(),
        format!("bot{token}"),
    ];
    for base in [town.rest_url().await, town.hook_url().await?] {
        for path in &paths {
            let answer = reqwest::Client::new()
                .post(format!("{base}/{path}"))
                .header("X-Telegram-Bot-Api-Secret-Token", &token)
                .json(&update)
                .send()
                .await;
            let status = answer.map_err(|e| Trouble::new(e.to_string()))?.status();
            assert!(status.is_client_error(), "/{path}: {status}");
        }
    }
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&tunnel));
    assert_eq!(town.session().await?["state"], "challenged");
    town.finish().await
}
