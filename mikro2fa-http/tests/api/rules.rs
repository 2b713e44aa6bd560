//! Rules with `2FA` in their comment, and whom they are bound to.

use mikro2fa_core::desk::SourceKind;
use serde_json::{Value, json};

use crate::world::World;

async fn with_rules() -> (World, String) {
    let world = World::new().await;
    world.router.rule("2FA ann", false);
    world.router.rule("2FA twice", false);
    world.router.rule("2FA twice", false);
    world.router.rule("office", true);
    let path = format!("/api/routers/{}/rules", world.office);
    (world, path)
}

fn row<'a>(body: &'a Value, comment: &str) -> &'a Value {
    let mut rows = body["rows"].as_array().unwrap().iter();
    rows.find(|row| row["comment"] == comment).unwrap()
}

#[tokio::test]
async fn rules_are_listed_as_they_stand_now() {
    let (world, path) = with_rules().await;
    let listed = world.get(&path).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    assert_eq!(listed.body["rows"].as_array().unwrap().len(), 3);
    assert_eq!(
        row(&listed.body, "2FA ann"),
        &json!({
            "comment": "2FA ann", "chain": "forward", "action": "accept", "enabled": false,
            "place": 0, "bound": null, "trouble": null,
        })
    );
    assert_eq!(row(&listed.body, "2FA twice")["trouble"], "ambiguous");
    world.router.remove_rules("2FA ann");
    world.router.rule("2FA ann", true);
    let listed = world.get(&path).await;
    assert_eq!(row(&listed.body, "2FA ann")["enabled"], true);
}

#[tokio::test]
async fn a_rule_is_bound_and_unbound() {
    let (world, path) = with_rules().await;
    let to_ann = json!({"comment": "2FA ann", "user": world.ann});
    let bound = world.send("POST", &path, to_ann.clone()).await;
    assert_eq!(bound.status, 201, "{}", bound.text);
    assert_eq!(bound.body["bound"], json!({"user": world.ann}));
    let again = world.send("POST", &path, to_ann).await;
    assert_eq!(again.status, 409, "{}", again.text);
    let router = world.get(&format!("/api/routers/{}", world.office)).await;
    assert_eq!(
        router.body["gates"]["rules"],
        json!([{"comment": "2FA ann", "user": world.ann}])
    );
    // One that is gone is still shown, with why it does nothing.
    world.router.remove_rules("2FA ann");
    let listed = world.get(&path).await;
    assert_eq!(row(&listed.body, "2FA ann")["trouble"], "gone");

    let unbound = world
        .send("DELETE", &path, json!({"comment": "2FA ann"}))
        .await;
    assert_eq!(unbound.status, 204, "{}", unbound.text);
    let unbound = world
        .send("DELETE", &path, json!({"comment": "2FA ann"}))
        .await;
    assert_eq!(unbound.status, 404, "{}", unbound.text);
    let said = format!("{:?}", world.store.audit_log());
    assert!(
        said.contains("bound a rule") && said.contains("2FA ann"),
        "{said}"
    );
}

#[tokio::test]
async fn what_counts_is_switched_off_before_it_is_unbound() {
    let (world, path) = with_rules().await;
    let to_account = json!({"comment": "2FA ann", "account": world.account});
    assert_eq!(world.send("POST", &path, to_account).await.status, 201);
    let session = world.open().await;
    let enabled = || {
        let rules = world.router.rules();
        rules
            .iter()
            .any(|rule| &*rule.comment == "2FA ann" && rule.enabled)
    };
    assert!(enabled());
    let unbind = || world.send("DELETE", &path, json!({"comment": "2FA ann"}));
    // Nobody can switch it off: it stays bound, and is switched off when its session ends.
    let later = mikro2fa_core::time::Clock::now(&*world.clock) + std::time::Duration::from_secs(60);
    world.router.away_until(later);
    let refused = unbind().await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    world.seconds(90).await;
    assert!(enabled());
    let listed = world.get(&path).await;
    assert_eq!(
        row(&listed.body, "2FA ann")["bound"],
        json!({"account": world.account})
    );
    let unbound = unbind().await;
    assert_eq!(unbound.status, 204, "{}", unbound.text);
    assert!(!enabled(), "before the answer");
    world.seconds(120).await;
    assert!(!enabled(), "nobody's: not switched on again");
    let session = world.get(&format!("/api/sessions/{session}")).await;
    assert_eq!(session.body["state"], "active", "{}", session.text);
    // It is the administrator's now.
    world.router.remove_rules("2FA ann");
    world.router.rule("2FA ann", true);
    world.seconds(120).await;
    assert!(enabled());
}

/// By whichever way the desk comes to bind it no more.
#[tokio::test]
async fn a_rule_that_the_desk_no_longer_binds_is_switched_off() {
    for away in [false, true] {
        let (world, path) = with_rules().await;
        let to_account = json!({"comment": "2FA ann", "account": world.account});
        assert_eq!(world.send("POST", &path, to_account).await.status, 201);
        world.open().await;
        let enabled = || {
            let rules = world.router.rules();
            rules
                .iter()
                .any(|rule| &*rule.comment == "2FA ann" && rule.enabled)
        };
        assert!(enabled());
        if away {
            let now = mikro2fa_core::time::Clock::now(&*world.clock);
            world
                .router
                .away_until(now + std::time::Duration::from_secs(60));
        }
        let office = format!("/api/routers/{}", world.office);
        let version = world.get(&office).await.body["version"].clone();
        let unbound = json!({"version": version, "gates": {"rules": []}, "unchecked": true});
        let changed = world.send("PATCH", &office, unbound).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        world.seconds(if away { 120 } else { 1 }).await;
        assert!(!enabled(), "away: {away}");
        world.router.remove_rules("2FA ann");
        world.router.rule("2FA ann", true);
        world.seconds(120).await;
        assert!(enabled(), "and is the administrator's after that");
    }
}

#[tokio::test]
async fn what_is_not_one_rule_is_not_bound() {
    let (world, path) = with_rules().await;
    for (comment, to, status) in [
        ("2FA nobody", json!({"user": world.ann}), 422),
        ("office", json!({"user": world.ann}), 422),
        ("2FA twice", json!({"user": world.ann}), 409),
        ("2FA ann", json!({"user": world.account}), 422),
        ("2FA ann", json!({"account": world.ann}), 422),
        ("2FA ann", json!({}), 422),
    ] {
        let mut body = to;
        body["comment"] = comment.into();
        let answer = world.send("POST", &path, body).await;
        assert_eq!(answer.status, status, "{comment}: {}", answer.text);
    }
    assert_eq!(world.send("PUT", &path, json!({})).await.status, 405);
}

#[tokio::test]
async fn a_router_that_does_not_answer_shows_no_rules() {
    let (world, path) = with_rules().await;
    let later = mikro2fa_core::time::Clock::now(&*world.clock) + std::time::Duration::from_secs(60);
    world.router.away_until(later);
    let listed = world.get(&path).await;
    assert_eq!(listed.status, 503, "{}", listed.text);
}

#[tokio::test]
async fn an_account_may_be_kept_in_the_user_manager() {
    let world = World::new().await;
    let account = |kept_in: Option<&str>, name: &str| {
        let mut body = json!({"router": world.office, "name": name});
        if let Some(kept_in) = kept_in {
            body["kept_in"] = kept_in.into();
        }
        body
    };
    let mut sources = Vec::new();
    for (kept_in, name) in [
        (Some("user_manager"), "uma"),
        (Some("user_manager"), "udo"),
        (None, "bob"),
    ] {
        let made = world
            .send("POST", "/api/accounts", account(kept_in, name))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        sources.push(made.body["source"].clone());
    }
    assert!(sources[0] == sources[1] && sources[0] != sources[2]);
    let wrong = world
        .send("POST", "/api/accounts", account(Some("radius"), "x"))
        .await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    // It is looked for there.
    world
        .router
        .put_account(SourceKind::UserManager, "uma", "", &[]);
}
