//! Accounts and their logins: imported, exempt, handed over and given back, made, switched off, taken away; each seen on
//! the router, by its packets where it is about those.

use reqwest::Method;

use crate::harness::{BOBS, Database, HOME, MINUTE, Outcome, PASSWORD, Town, Value, json, on_both};

on_both!(
    logins_are_imported,
    an_account_is_exempt_and_no_longer,
    an_account_is_handed_over_and_given_back,
    a_login_is_made_and_taken_away,
    an_account_is_switched_off,
);

impl Town {
    async fn says(&self, method: Method, path: &str, body: Option<Value>) -> Outcome<(u16, Value)> {
        self.answer(method, path, body).await
    }

    fn login(&self, name: &str) -> std::collections::BTreeMap<String, String> {
        let rows = self.sim.rows("/ppp/secret");
        let found = rows.into_iter().find(|row| row["name"] == name);
        found.unwrap_or_else(|| panic!("no login {name}"))
    }

    fn path_of(&self, account: &str) -> Outcome<String> {
        Ok(format!("accounts/{}", self.account(account)?))
    }
}

async fn logins_are_imported(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let secret = [
        ("name", "carol"),
        ("password", PASSWORD),
        ("comment", "tg 5512345678"),
        ("profile", "mikro2fa-vpn"),
    ];
    town.by_hand("/ppp/secret/add", &secret);
    let path = format!("routers/{}", town.router);
    let listed = town.get(&format!("{path}/logins")).await?;
    let rows = listed["rows"].as_array().unwrap();
    let standing = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        (row["standing"].clone(), row["suggestion"].clone())
    };
    assert_eq!(standing("ann").0, "managed");
    let (carol, suggestion) = standing("carol");
    assert_eq!(carol, "new");
    let because = suggestion["because"].to_string();
    assert!(because.contains("5512345678"), "{suggestion}");
    assert!(
        !listed.to_string().contains(PASSWORD),
        "no password is read"
    );

    // A suggestion links nobody.
    let made = town.post(&format!("{path}/import"), json!({})).await?;
    let made = made["rows"].as_array().unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(
        (&made[0]["name"], &made[0]["owner"]),
        (&json!("carol"), &Value::Null)
    );
    let again = town.post(&format!("{path}/import"), json!({})).await?;
    assert_eq!(again["rows"], json!([]));
    let unknown = json!({ "only": ["mallory"] });
    let (status, said) = town
        .says(Method::POST, &format!("{path}/import"), Some(unknown))
        .await?;
    assert_eq!(status, 422, "{said}");
    town.finish().await
}

async fn an_account_is_exempt_and_no_longer(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let path = format!("{}/exempt", town.path_of("bob")?);
    let before = town.login("bob")["profile"].clone();
    for wrong in [
        json!({ "reason": "", "sure": "bob" }),
        json!({ "reason": "site link", "sure": "ann" }),
    ] {
        let (status, said) = town.says(Method::POST, &path, Some(wrong)).await?;
        assert_eq!(status, 422, "{said}");
    }
    assert_eq!(town.login("bob")["profile"], before);
    let held = town.dials("bob", BOBS);
    assert!(!town.reaches_office(&held));
    held.hang_up();
    town.settle().await;
    let granted = json!({ "reason": "site link", "sure": "bob" });
    town.post(&path, granted).await?;
    assert_eq!(town.login("bob")["profile"], "mikro2fa-exempt-vpn");
    let site = town.dials("bob", BOBS);
    assert!(town.reaches_office(&site), "the gate does not hold it");
    town.settle().await;
    town.advance(2 * MINUTE).await;
    assert!(site.is_up() && town.reaches_office(&site));
    assert!(town.permits().is_empty(), "and it needs no permit");
    assert_eq!(
        town.sessions()
            .await?
            .iter()
            .filter(|it| it["state"] == "active")
            .count(),
        0
    );

    let (status, said) = town.says(Method::DELETE, &path, None).await?;
    assert_eq!((status, &said["kind"]), (200, &json!("managed")), "{said}");
    assert_eq!(town.login("bob")["profile"], before, "as it was before");
    assert!(!site.is_up(), "the gate would not hold it: it is cut");
    let again = town.dials("bob", BOBS);
    assert!(!town.reaches_office(&again));
    town.settle().await;
    town.finish().await
}

async fn an_account_is_handed_over_and_given_back(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let path = format!("{}/hand-over", town.path_of("ann")?);
    town.post(&path, json!({})).await?;
    town.until_router("the login is shut", |_| town.login_is_disabled("ann"))
        .await?;
    town.settle().await;
    let (status, said) = town.says(Method::DELETE, &path, None).await?;
    assert_eq!(
        (status, &said["handed_over"]),
        (200, &json!(false)),
        "{said}"
    );
    assert!(!town.login_is_disabled("ann"), "enabled, as it was before");
    town.advance(5 * MINUTE).await;
    assert!(!town.login_is_disabled("ann"), "and it stays so");

    // What was disabled before is given back disabled.
    let id = town.row_id("/ppp/secret", "name", "bob");
    town.by_hand("/ppp/secret/set", &[(".id", &id), ("disabled", "yes")]);
    let path = format!("{}/hand-over", town.path_of("bob")?);
    town.post(&path, json!({})).await?;
    town.settle().await;
    town.says(Method::DELETE, &path, None).await?;
    assert!(town.login_is_disabled("bob"));
    town.finish().await
}

async fn a_login_is_made_and_taken_away(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let path = format!("routers/{}/logins", town.router);
    let new = json!({ "name": "dora", "profile": "mikro2fa-vpn" });
    let made = town.post(&path, new.clone()).await?;
    let password = made["password"].as_str().unwrap();
    assert_eq!(password.len(), 24);
    let dial = mikro2fa_router::simulator::Dial::new("dora", password).from(HOME);
    let tunnel = town.sim.dial(dial).unwrap();
    assert!(!town.reaches_office(&tunnel), "unowned: held");
    town.settle().await;
    let shown = town.get("accounts?limit=500").await?;
    assert!(!shown.to_string().contains(password), "kept nowhere");
    let (status, said) = town.says(Method::POST, &path, Some(new)).await?;
    assert_eq!(status, 409, "{said}");
    let nowhere = json!({ "name": "emil", "profile": "no such profile" });
    let (status, said) = town.says(Method::POST, &path, Some(nowhere)).await?;
    assert_eq!(status, 409, "{said}");
    let account = made["account"]["id"].as_str().unwrap();
    let gone = format!("accounts/{account}?login=true");
    let (status, said) = town.says(Method::DELETE, &gone, None).await?;
    assert_eq!(status, 204, "{said}");
    assert!(
        !town
            .sim
            .rows("/ppp/secret")
            .iter()
            .any(|row| row["name"] == "dora")
    );
    assert!(!tunnel.is_up());
    town.settle().await;
    town.finish().await
}

/// Its open session ends first; then its login is disabled.
async fn an_account_is_switched_off(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    let path = format!("{}/disabled", town.path_of("ann")?);
    town.post(&path, json!({})).await?;
    town.until_cut(&tunnel).await?;
    town.until_ended("disabled_on_router").await?;
    assert!(town.login_is_disabled("ann"));
    assert!(town.dial("ann", HOME).is_err());
    let (status, said) = town.says(Method::DELETE, &path, None).await?;
    assert_eq!(status, 200, "{said}");
    assert!(!town.login_is_disabled("ann"));
    town.settle().await;
    town.finish().await
}
