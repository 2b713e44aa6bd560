//! Accounts and their logins: imported, exempt, handed over and given back, made, switched off, taken away; each seen on
//! the router, by its packets where it is about those.

use reqwest::Method;

use mikro2fa_router::simulator::Version;

use crate::harness::{
    BOBS, Database, Dial, HOME, MINUTE, Outcome, PASSWORD, Town, Value, json, on_both,
};

on_both!(
    logins_are_imported,
    an_account_is_exempt_and_no_longer,
    an_account_is_handed_over_and_given_back,
    a_login_is_made_and_taken_away,
    an_account_is_switched_off,
    logins_of_both_places_are_imported,
    a_user_managers_login_is_handed_over_and_given_back,
    a_user_managers_login_is_exempt_and_no_longer,
    a_login_is_made_in_the_user_manager_and_taken_away,
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
    let dial = Dial::new("dora", password).from(HOME);
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

// ---- the User Manager beside the secrets ---------------------------------------------------------

/// A router with both places: `uma` in its User Manager, and `ann` in both.
async fn with_user_manager(on: Database, version: Version) -> Outcome<Town> {
    Town::with(on, |options| {
        let simulator = options.office.simulator.clone().version(version);
        options.office.simulator = simulator
            .user_manager_account("uma", PASSWORD)
            .user_manager_account("ann", PASSWORD);
    })
    .await
}

impl Town {
    fn users_row(&self, name: &str) -> std::collections::BTreeMap<String, String> {
        let menus = ["/user-manager/user", "/tool/user-manager/user"];
        let rows = menus.iter().flat_map(|menu| self.sim.rows(menu));
        let is_it = |row: &std::collections::BTreeMap<String, String>| {
            let mut names = ["name", "username"].iter();
            names.any(|it| row.get(*it).is_some_and(|text| text == name))
        };
        let mut found = rows.filter(is_it);
        found.next().unwrap_or_else(|| panic!("no login {name}"))
    }

    /// Makes accounts of what is in the User Manager, of this name only; its id.
    async fn import_user(&self, name: &str) -> Outcome<String> {
        let path = format!("routers/{}/import", self.router);
        let import = json!({ "only": [name], "kept_in": "user_manager" });
        let made = self.post(&path, import).await?;
        assert_eq!(made["rows"].as_array().unwrap().len(), 1, "{made}");
        Ok(made["rows"][0]["id"].as_str().unwrap().to_owned())
    }
}

async fn logins_of_both_places_are_imported(on: Database) -> Outcome<()> {
    let town = with_user_manager(on, Version::V7_16).await?;
    let path = format!("routers/{}", town.router);
    let listed = town.get(&format!("{path}/logins")).await?;
    let rows = listed["rows"].as_array().unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| [&row["name"], &row["kind"], &row["standing"]].map(|it| it.as_str().unwrap()))
        .collect();
    let expected = [
        ["ann", "ppp_secrets", "managed"],
        ["ann", "user_manager", "new"],
        ["bob", "ppp_secrets", "managed"],
        ["uma", "user_manager", "new"],
    ];
    assert_eq!(told, expected);
    // Which of the two is not guessed, neither for the import nor for its owner.
    for unclear in [
        json!({ "only": ["ann"] }),
        json!({ "owners": { "ann": town.world().user("Ann")? } }),
    ] {
        let (status, said) = town
            .says(Method::POST, &format!("{path}/import"), Some(unclear))
            .await?;
        assert!(
            status == 422 && said.to_string().contains("two logins `ann`"),
            "{status} {said}"
        );
    }
    let sources = |sources: &Value| sources["rows"].as_array().unwrap().len();
    assert_eq!(sources(&town.get("sources").await?), 1);
    let made = town.post(&format!("{path}/import"), json!({})).await?;
    assert_eq!(made["rows"].as_array().unwrap().len(), 2, "{made}");
    let held = town.get("sources").await?;
    assert_eq!(sources(&held), 2, "made with its first account, and once");
    let again = town.post(&format!("{path}/import"), json!({})).await?;
    assert_eq!(again["rows"], json!([]));

    // Whose login is gone there is said.
    let id = town.users_row("uma")[".id"].clone();
    town.by_hand("/user-manager/user/remove", &[(".id", &id)]);
    let listed = town.get(&format!("{path}/logins")).await?;
    let rows = listed["rows"].as_array().unwrap();
    let uma = rows.iter().find(|row| row["name"] == "uma").unwrap();
    assert_eq!(
        (&uma["standing"], &uma["kind"]),
        (&json!("gone"), &json!("user_manager"))
    );
    town.settle().await;
    town.finish().await
}

async fn a_user_managers_login_is_handed_over_and_given_back(on: Database) -> Outcome<()> {
    for version in [Version::V6_49, Version::V7_16] {
        let town = with_user_manager(on, version).await?;
        let menu = if version.major == 6 {
            "/tool/user-manager/user"
        } else {
            "/user-manager/user"
        };
        let account = town.import_user("uma").await?;
        let path = format!("accounts/{account}/hand-over");
        town.post(&path, json!({})).await?;
        town.until_router("the login is shut", |_| {
            town.users_row("uma")["disabled"] == "true"
        })
        .await?;
        let (status, said) = town.says(Method::DELETE, &path, None).await?;
        assert_eq!(
            (status, &said["handed_over"]),
            (200, &json!(false)),
            "{said}"
        );
        assert_eq!(town.users_row("uma")["disabled"], "false", "{version}");

        // The one in the User Manager, though there is a secret of that name; and what was disabled is given back so.
        let id = town.users_row("ann")[".id"].clone();
        town.by_hand(&format!("{menu}/set"), &[(".id", &id), ("disabled", "yes")]);
        let account = town.import_user("ann").await?;
        let path = format!("accounts/{account}/hand-over");
        town.post(&path, json!({})).await?;
        town.settle().await;
        town.says(Method::DELETE, &path, None).await?;
        assert_eq!(town.users_row("ann")["disabled"], "true");
        assert!(!town.login_is_disabled("ann"), "the secret stays as it is");
        town.settle().await;
        town.finish().await?;
    }
    Ok(())
}

async fn a_user_managers_login_is_exempt_and_no_longer(on: Database) -> Outcome<()> {
    let town = with_user_manager(on, Version::V7_16).await?;
    let attributes = "Framed-IP-Address:10.8.7.7";
    let id = town.users_row("uma")[".id"].clone();
    let set = [(".id", &*id), ("attributes", attributes)];
    town.by_hand("/user-manager/user/set", &set);
    let account = town.import_user("uma").await?;
    let path = format!("accounts/{account}/exempt");
    let granted = json!({ "reason": "site link", "sure": "uma" });
    let shown = town.post(&path, granted.clone()).await?;
    assert_eq!(shown["before"]["profile"], "", "it had none of its own");
    let site = town.dials("uma", BOBS);
    assert!(town.reaches_office(&site), "the gate does not hold it");
    town.settle().await;
    assert!(site.is_up());
    let (status, said) = town.says(Method::DELETE, &path, None).await?;
    assert_eq!((status, &said["kind"]), (200, &json!("managed")), "{said}");
    assert_eq!(
        town.users_row("uma")["attributes"],
        attributes,
        "to the letter"
    );
    assert!(!site.is_up(), "the gate would not hold it: it is cut");
    let again = town.dials("uma", BOBS);
    assert!(!town.reaches_office(&again));
    town.settle().await;
    town.finish().await?;

    // Version 6 has no way to choose its profile. Nothing is written down then.
    let town = with_user_manager(on, Version::V6_49).await?;
    let account = town.import_user("uma").await?;
    let path = format!("accounts/{account}/exempt");
    let (status, said) = town.says(Method::POST, &path, Some(granted)).await?;
    assert!(
        status == 409 && said.to_string().contains("Make a PPP secret"),
        "{status} {said}"
    );
    let account = town.get(&format!("accounts/{account}")).await?;
    assert_eq!(account["kind"], "managed");
    town.settle().await;
    town.finish().await
}

async fn a_login_is_made_in_the_user_manager_and_taken_away(on: Database) -> Outcome<()> {
    for version in [Version::V6_49, Version::V7_16] {
        let town = with_user_manager(on, version).await?;
        let six = version.major == 6;
        let path = format!("routers/{}/logins", town.router);
        // A name that is among the secrets would never be asked about here.
        let twin = json!({ "name": "bob", "kept_in": "user_manager", "user_profile": "default" });
        let (status, said) = town.says(Method::POST, &path, Some(twin)).await?;
        assert!(
            status == 409 && said.to_string().contains("PPP secret `bob` already"),
            "{status} {said}"
        );
        let mut new = json!({ "name": "dora", "kept_in": "user_manager" });
        if six {
            let (status, said) = town.says(Method::POST, &path, Some(new.clone())).await?;
            assert!(
                status == 409 && said.to_string().contains("name one"),
                "{said}"
            );
            new["user_profile"] = json!("default");
        } else {
            new["profile"] = json!("mikro2fa-vpn");
        }
        let made = town.post(&path, new).await?;
        let password = made["password"].as_str().unwrap();
        let dial = Dial::new("dora", password).from(HOME);
        let tunnel = town.sim.dial(&dial).unwrap();
        assert!(!town.reaches_office(&tunnel), "unowned: held");
        town.settle().await;
        let account = made["account"]["id"].as_str().unwrap();
        let disabled = format!("accounts/{account}/disabled");
        town.post(&disabled, json!({})).await?;
        assert_eq!(town.users_row("dora")["disabled"], "true", "{version}");
        assert_eq!(town.says(Method::DELETE, &disabled, None).await?.0, 200);
        assert_eq!(town.users_row("dora")["disabled"], "false");
        let gone = format!("accounts/{account}?login=true");
        let (status, said) = town.says(Method::DELETE, &gone, None).await?;
        assert_eq!(status, 204, "{said}");
        assert!(!tunnel.is_up() && town.sim.dial(&dial).is_err());
        town.settle().await;
        town.finish().await?;
    }
    Ok(())
}
