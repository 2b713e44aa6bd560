//! The demo page's addresses, over a world of cardboard.

#![allow(clippy::unwrap_used, reason = "tests")]

mod stub;

use std::sync::Arc;

use mikro2fa_http::{
    demo::page::{Act, DemoWorld, Language, Scene, Snapshot, filter},
    error::recover,
};
use serde_json::{Value, json};
use warp::{Filter, Reply, test::RequestBuilder};

use stub::StubWorld;

fn world() -> Arc<StubWorld> {
    Arc::new(StubWorld::new(Language::En))
}

fn get(path: &str) -> RequestBuilder {
    warp::test::request()
        .path(path)
        .header("host", "127.0.0.1:1")
}

fn post(body: &str) -> RequestBuilder {
    get("/demo/act")
        .method("POST")
        .header("content-type", "application/json")
        .body(body)
}

async fn answer(world: &Arc<StubWorld>, request: RequestBuilder) -> (u16, Value) {
    let filter = filter(Arc::clone(world) as Arc<dyn DemoWorld>)
        .recover(recover)
        .map(Reply::into_response);
    let response = request.reply(&filter).await;
    (
        response.status().as_u16(),
        serde_json::from_slice(response.body()).unwrap_or_default(),
    )
}

#[tokio::test]
async fn every_file_that_the_page_names_is_there_and_strict() {
    let filter = filter(world());
    let page = get("/demo").reply(&filter).await;
    let text = String::from_utf8(page.body().to_vec()).unwrap();
    let named = text.split('"').filter(|part| part.starts_with("/demo/"));
    let imported =
        ["dom", "draw", "markup", "time", "words"].map(|name| format!("/demo/{name}.js"));
    let mut seen = 0;
    for path in named.map(str::to_owned).chain(imported) {
        let file = get(&path).reply(&filter).await;
        assert_eq!(file.status(), 200, "{path}");
        assert!(!file.body().is_empty(), "{path}");
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
        seen += 1;
    }
    assert_eq!(seen, 8);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(
        !text.contains("style=")
            && !text.contains("onclick")
            && text.matches("<script").count() == 1
    );
    assert_eq!(get("/").reply(&filter).await.headers()["location"], "/demo");
    assert_eq!(answer(&world(), get("/demo/else.js")).await.0, 404);
}

#[tokio::test]
async fn an_act_reaches_the_world_and_changes_what_is_seen() {
    let world = world();
    let (status, said) = answer(&world, post(r#"{"do":"play","scene":"confirm"}"#)).await;
    assert_eq!((status, said), (200, json!({})));
    let (_, state) = answer(&world, get("/demo/state")).await;
    assert_eq!(state["life"]["state"], "challenged");
    let (status, said) = answer(
        &world,
        post(r#"{"do":"tap","phone":"ann","message":50,"data":"yes"}"#),
    )
    .await;
    assert_eq!(
        (status, said),
        (200, json!({"said": {"text": "Opening.", "popup": false}}))
    );
    let tap = Act::Tap {
        phone: "ann".into(),
        message: 50,
        data: "yes".into(),
    };
    assert_eq!(
        world.acts(),
        [
            Act::Play {
                scene: Scene::Confirm
            },
            tap
        ]
    );
}

#[tokio::test]
async fn what_the_world_refuses_is_said() {
    let (status, problem) = answer(&world(), post(r#"{"do":"dial","client":"bob"}"#)).await;
    assert_eq!(
        (status, &problem["detail"]),
        (409, &json!("bob has no line in a world of cardboard"))
    );
}

#[tokio::test]
async fn bad_acts_change_nothing() {
    let world = world();
    let cases = [
        (post("{"), 400),
        (post(r#"{"do":"explode"}"#), 400),
        (post(r#"{"do":"advance","seconds":604801}"#), 422),
        (post(r#"{"do":"send","phone":"ann","text":" "}"#), 422),
        (post(&" ".repeat(40_000)), 413),
        (post("{}").header("origin", "http://evil.example"), 403),
        (post("{}").header("host", "evil.example"), 403),
        (
            get("/demo/act")
                .method("POST")
                .header("content-type", "text/plain")
                .body("{}"),
            415,
        ),
        (get("/demo/act"), 405),
        (get("/demo/state").method("POST"), 405),
    ];
    for (i, (request, expected)) in cases.into_iter().enumerate() {
        let (status, problem) = answer(&world, request).await;
        assert_eq!(status, expected, "case {i}: {problem}");
    }
    assert_eq!(world.acts(), []);
}

#[tokio::test]
async fn events_begin_with_what_is_and_follow_every_change() {
    let world = world();
    let filter = filter(Arc::clone(&world) as Arc<dyn DemoWorld>);
    let response = get("/demo/events").filter(&filter).await.unwrap();
    let mut events = response.into_body();
    let mut next = async || {
        let frame = http_body_util::BodyExt::frame(&mut events)
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        serde_json::from_str::<Snapshot>(text.trim().strip_prefix("data:").unwrap()).unwrap()
    };
    assert_eq!(next().await.scene, None);
    world
        .act(Act::Play {
            scene: Scene::NotMe,
        })
        .await
        .unwrap();
    assert_eq!(next().await.scene, Some(Scene::NotMe));
}
