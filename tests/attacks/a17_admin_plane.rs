//! A17: the way in for operators, tried by somebody who is none.

use reqwest::{Method, header::HeaderMap};

use crate::harness::{Database, MINUTE, Outcome, Town, Trouble, json, on_both};

on_both!(
    every_address_wants_a_token,
    tokens_that_are_over,
    no_token_is_made_twice,
    the_chat_administers_for_operators_only,
);

/// All that `/api` and its neighbours answer, as the table of addresses has it.
fn addresses() -> Vec<(Method, String)> {
    let table = include_str!("../../mikro2fa-http/src/routes.rs");
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"));
    let mut all = Vec::new();
    for row in rows {
        let (methods, rest) = row.split_once(" | `").unwrap();
        let (path, _) = rest.split_once('`').unwrap();
        let path = path.replace("ID", "00000000-0000-7000-8000-000000000000");
        for method in methods.split(',') {
            let method = method.trim().trim_matches('`');
            all.push((method.parse().unwrap(), path.clone()));
        }
    }
    all
}

async fn status(method: Method, url: &str, headers: HeaderMap) -> Outcome<(u16, String)> {
    let call = reqwest::Client::new().request(method, url).headers(headers);
    let answer = call.json(&json!({})).send().await;
    let answer = answer.map_err(|e| Trouble::new(e.to_string()))?;
    let status = answer.status().as_u16();
    let text = answer
        .text()
        .await
        .map_err(|e| Trouble::new(e.to_string()))?;
    Ok((status, text))
}

/// Without a token, with one that nobody has made, and by ways that are none: refused in the same words.
async fn every_address_wants_a_token(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let base = town.rest_url().await;
    let made_up = format!("m2fa_{}", "A".repeat(43));
    let all = addresses();
    assert!(all.len() > 30, "{all:?}");
    for (method, path) in all {
        if ["/healthz", "/readyz", "/hook/ppp"].contains(&&*path) {
            continue;
        }
        let url = format!("{base}{path}");
        let none = status(method.clone(), &url, HeaderMap::new()).await?;
        assert_eq!(none.0, 401, "{method} {path}: {}", none.1);
        for (name, value) in [
            ("authorization", format!("Bearer {made_up}")),
            ("authorization", "Bearer ".into()),
            ("authorization", "Basic YWRtaW46YWRtaW4=".into()),
            ("cookie", format!("token={made_up}; session=admin")),
            ("x-forwarded-for", "127.0.0.1".into()),
            ("x-http-method-override", "GET".into()),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let refused = status(method.clone(), &url, headers).await?;
            assert_eq!(refused, none, "{method} {path} with {name}: {value}");
        }
        let query = format!("{url}?token={made_up}&access_token={made_up}");
        assert_eq!(
            status(method.clone(), &query, HeaderMap::new()).await?.0,
            401
        );
    }
    town.finish().await
}

/// A token ends with its days, or when it is taken back, at once.
async fn tokens_that_are_over(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let url = format!("{}/api/users", town.rest_url().await);
    let bearer = |token: &str| {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {token}");
        headers.insert("authorization", value.parse().unwrap());
        headers
    };
    let made = town.post("settings/tokens", json!({ "name": "a", "days": 1 }));
    let short = made.await?["token"].as_str().unwrap().to_owned();
    let made = town.post("settings/tokens", json!({ "name": "b", "days": 30 }));
    let back = made.await?["token"].as_str().unwrap().to_owned();
    assert_eq!(status(Method::GET, &url, bearer(&short)).await?.0, 200);
    let own = format!("{}/api/settings/tokens", town.rest_url().await);
    assert_eq!(status(Method::DELETE, &own, bearer(&back)).await?.0, 204);
    assert_eq!(status(Method::GET, &url, bearer(&back)).await?.0, 401);
    let seldom = json!({ "poll_interval": 3_600 });
    town.patch(&format!("routers/{}", town.router), seldom)
        .await?;
    town.advance(24 * 60 * MINUTE + MINUTE).await;
    assert_eq!(status(Method::GET, &url, bearer(&short)).await?.0, 401);
    town.finish().await
}

/// The first run's token is made once: a restart makes no second way in.
async fn no_token_is_made_twice(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let before = town.get("users").await?;
    assert!(town.made_a_token().await, "at the first start");
    town.restart().await?;
    assert!(!town.made_a_token().await, "a second first token");
    assert_eq!(town.get("users").await?, before);
    town.finish().await
}

/// Commands of operators, from somebody who is linked, and from somebody who is not.
async fn the_chat_administers_for_operators_only(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let stranger = town.telegram.user(1_666, "Eve", None, Some("en"));
    let before = town.get("users").await?;
    for command in [
        "/pending",
        "/approve 1",
        "/reject 1",
        "/sessions",
        "/bans",
        "/users",
        "/bind",
    ] {
        town.ann.send(command);
        stranger.send(command);
        town.advance(std::time::Duration::from_secs(40)).await;
    }
    town.reads(&town.ann, "I don't know that").await?;
    town.reads(&stranger, "This is a private service").await?;
    for phone in [&town.ann, &stranger] {
        let said = phone
            .shown()
            .into_iter()
            .filter(|m| m.from_bot)
            .map(|m| m.text);
        let said: Vec<String> = said.collect();
        assert!(
            !said
                .iter()
                .any(|text| text.contains("Requests to join") || text.contains("no requests")),
            "{said:#?}"
        );
    }
    assert_eq!(town.get("users").await?, before);
    town.finish().await
}
