//! Checklist 2 and 6: who gets in, and what they may do.

use std::time::Duration;

use mikro2fa_router::simulator::{ExcludedAddress, Version};
use routeros_api::Command;

use crate::wire::{Client, command, prepared, soon};

#[tokio::test]
async fn name_and_password_at_once() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::connect(sim.api_address()).await;
    client
        .send(command("/login =name=admin =password=admin-secret"))
        .await;
    assert_eq!(client.words().await, ["!done"]);
    let active = client.say("/user/active/print").await;
    assert_eq!(
        (active.all("name"), active.all("via"), active.all("group")),
        (vec!["admin"], vec!["api"], vec!["full"])
    );
}

#[tokio::test]
async fn before_6_43_a_challenge_is_answered() {
    let sim = prepared()
        .version(Version::new(6, 42, 0))
        .admin_password("")
        .start()
        .await
        .unwrap();
    let mut client = Client::connect(sim.api_address()).await;
    let challenge = client.say("/login").await.ret().to_owned();
    assert_eq!(challenge.len(), 32);
    let wrong = client.say("/login =name=admin =response=0000").await;
    assert_eq!(wrong.trap(), "cannot log in");
    // The password word of newer clients is ignored: a challenge comes instead.
    let ignored = client.say("/login =name=admin =password=").await;
    assert_eq!(ignored.ret().len(), 32);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_connection_stays() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::connect(sim.api_address()).await;
    for words in [
        "/login =name=admin =password=x",
        "/login =name=nobody =password=x",
        "/login",
    ] {
        assert_eq!(
            client.say(words).await.trap(),
            "invalid user name or password (6)",
            "{words}"
        );
    }
    client
        .say("/login =name=admin =password=admin-secret")
        .await
        .ok();
}

#[tokio::test]
async fn nothing_is_answered_before_login() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::connect(sim.api_address()).await;
    client.send(command("/system/identity/print .tag=1")).await;
    assert_eq!(client.words().await, ["!fatal", "not logged in"]);
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn quit_says_why_and_closes() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    client.send(command("/quit")).await;
    assert_eq!(
        client.words().await,
        ["!fatal", "session terminated on request"]
    );
    assert!(client.receive().await.is_none());
    soon(sim.until(|sim| sim.connection_count() == 0)).await;
    assert!(sim.rows("/user/active").is_empty());
}

#[tokio::test]
async fn a_user_needs_the_api_policy_a_right_address_and_to_be_enabled() {
    let sim = prepared()
        .user("reader", "pw", "read")
        .start()
        .await
        .unwrap();
    let mut admin = Client::admin(&sim).await;
    admin
        .say("/user/group/add =name=noapi =policy=read,write")
        .await;
    admin
        .say("/user/add =name=noapi =password=pw =group=noapi")
        .await;
    admin
        .say("/user/add =name=elsewhere =password=pw =group=full =address=192.0.2.0/24")
        .await;
    admin
        .say("/user/add =name=off =password=pw =group=full =disabled=yes")
        .await;
    let mut client = Client::connect(sim.api_address()).await;
    for name in ["noapi", "elsewhere", "off"] {
        let answer = client
            .say(&format!("/login =name={name} =password=pw"))
            .await;
        assert_eq!(answer.trap(), "invalid user name or password (6)", "{name}");
    }
    client.say("/login =name=reader =password=pw").await.ok();
}

#[tokio::test]
async fn the_service_can_exclude_addresses() {
    for quirk in [ExcludedAddress::Close, ExcludedAddress::Silent] {
        let sim = prepared()
            .quirks(|quirks| quirks.excluded_address = quirk)
            .start()
            .await
            .unwrap();
        let mut admin = Client::admin(&sim).await;
        admin
            .say("/ip/service/set =numbers=api =address=192.0.2.0/24")
            .await
            .ok();
        let mut client = Client::connect(sim.api_address()).await;
        if quirk == ExcludedAddress::Close {
            assert!(client.receive().await.is_none());
            continue;
        }
        client
            .send(command("/login =name=admin =password=admin-secret"))
            .await;
        // Nothing comes, and others are served meanwhile.
        admin
            .say("/ip/service/set =numbers=api =address=")
            .await
            .ok();
        let mut other = Client::admin(&sim).await;
        other.say("/system/identity/print").await;
        let silence = tokio::time::timeout(Duration::from_millis(1), client.receive());
        assert!(silence.await.is_err());
    }
}

#[tokio::test]
async fn sessions_are_limited() {
    let sim = prepared().version(Version::V7_18).start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    admin
        .say("/ip/service/set =numbers=api =max-sessions=2")
        .await
        .ok();
    let _second = Client::admin(&sim).await;
    let mut third = Client::connect(sim.api_address()).await;
    assert!(third.receive().await.is_none());
}

#[tokio::test]
async fn policies_are_enforced() {
    let sim = prepared()
        .user("reader", "pw", "read")
        .start()
        .await
        .unwrap();
    let mut daily = Client::daily(&sim).await;
    let mut reader = Client::login(&sim, "reader", "pw").await;
    let denied = "not enough permissions (9)";
    assert_eq!(reader.say("/ppp/secret/add =name=x").await.trap(), denied);
    assert_eq!(
        reader.say("/ppp/active/remove =.id=*1").await.trap(),
        denied
    );
    assert_eq!(
        daily.say("/user/add =name=x =group=full").await.trap(),
        denied
    );
    assert_eq!(
        daily
            .say("/user/group/set =.id=mikro2fa-daily =policy=full")
            .await
            .trap(),
        denied
    );
    assert_eq!(daily.say("/system/reboot").await.trap(), denied);
    assert_eq!(daily.say("/user/print").await.traps.len(), 0);

    let mut admin = Client::admin(&sim).await;
    admin
        .say("/user/group/add =name=writer =policy=api,write")
        .await;
    admin
        .say("/user/add =name=writer =password=pw =group=writer")
        .await;
    let mut writer = Client::login(&sim, "writer", "pw").await;
    assert_eq!(writer.say("/ppp/secret/print").await.trap(), denied);
}

#[tokio::test]
async fn passwords_need_the_policy_sensitive() {
    let sim = prepared().start().await.unwrap();
    let mut daily = Client::daily(&sim).await;
    let mut admin = Client::admin(&sim).await;
    assert_eq!(
        admin.say("/ppp/secret/print ?name=ann").await.rows[0]["password"],
        "pw"
    );
    assert!(!daily.say("/ppp/secret/print ?name=ann").await.rows[0].contains_key("password"));
    let asked = daily
        .say("/ppp/secret/print =.proplist=name,password ?name=ann")
        .await;
    assert_eq!(asked.rows[0].keys().collect::<Vec<_>>(), ["name"]);
    assert!(
        admin
            .say("/user/print")
            .await
            .rows
            .iter()
            .all(|row| !row.contains_key("password"))
    );
}

#[tokio::test]
async fn from_7_22_secrets_are_shown_on_request() {
    let sim = prepared().version(Version::V7_22).start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    assert!(!admin.say("/ppp/secret/print ?name=ann").await.rows[0].contains_key("password"));
    assert_eq!(
        admin
            .say("/ppp/secret/print =show-sensitive= ?name=ann")
            .await
            .rows[0]["password"],
        "pw"
    );
    let older = prepared().start().await.unwrap();
    let mut admin = Client::admin(&older).await;
    assert_eq!(
        admin.say("/ppp/secret/print =show-sensitive=").await.trap(),
        "unknown parameter show-sensitive"
    );
}

#[tokio::test]
async fn a_live_session_keeps_the_rights_it_had_at_login() {
    let sim = prepared().start().await.unwrap();
    let mut admin = Client::admin(&sim).await;
    let mut daily = Client::daily(&sim).await;
    admin
        .say("/user/group/set =.id=mikro2fa-daily =policy=api,read")
        .await
        .ok();
    daily
        .say("/ppp/secret/set =.id=ann =disabled=yes")
        .await
        .ok();
    let mut again = Client::daily(&sim).await;
    assert_eq!(
        again
            .say("/ppp/secret/set =.id=ann =disabled=no")
            .await
            .trap(),
        "not enough permissions (9)"
    );
}

#[tokio::test]
async fn a_session_can_be_ended_by_its_row() {
    for (version, verb, other) in [
        (Version::V7_16, "request-logout", "remove"),
        (Version::V7_20, "remove", "request-logout"),
    ] {
        let sim = prepared().version(version).start().await.unwrap();
        let mut admin = Client::admin(&sim).await;
        let mut daily = Client::daily(&sim).await;
        let rows = admin
            .talk(Command::new("/user/active/print").query("name=mikro2fa"))
            .await;
        let id = rows.rows[0][".id"].clone();
        assert!(
            admin
                .say(&format!("/user/active/{other} =.id={id}"))
                .await
                .trap()
                .starts_with("no such command")
        );
        admin
            .say(&format!("/user/active/{verb} =.id={id}"))
            .await
            .ok();
        assert!(daily.receive().await.is_none());
    }
}
