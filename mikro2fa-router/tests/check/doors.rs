//! What else it finds: lists, accounts, doors, access.

use super::*;

async fn entry(ward: &Ward, list: &str, address: &str, rest: &[(&str, &str)]) {
    let add = Command::new("/ip/firewall/address-list/add")
        .attribute("list", list)
        .attribute("address", address);
    let add = rest
        .iter()
        .fold(add, |add, (name, value)| add.attribute(*name, *value));
    ward.administer(add).await;
}

/// A28's finding: a foreign entry on the permit list lets through without a second factor.
#[tokio::test]
async fn foreign_entries_are_found() {
    let ward = Ward::new().await;
    entry(
        &ward,
        "mikro2fa-permit",
        "10.8.0.99",
        &[("comment", "boss's laptop")],
    )
    .await;
    let other = "mikro2fa 0badcafe 00000000000000000000000000000007 1";
    entry(
        &ward,
        "mikro2fa-permit",
        "10.8.0.98",
        &[("comment", other), ("timeout", "10m")],
    )
    .await;
    entry(
        &ward,
        "mikro2fa-emergency",
        "10.8.0.97",
        &[("timeout", "1h")],
    )
    .await;
    entry(&ward, "mikro2fa-reach", "192.168.88.0/24", &[]).await;
    let report = ward.report().await;
    let foreign = of(&report, "foreign-permit").unwrap();
    assert_eq!(foreign.level, Level::Critical);
    assert!(foreign.what.contains("10.8.0.99") && foreign.what.contains("boss's laptop"));
    assert!(
        foreign.mend[0].starts_with("/ip firewall address-list remove *"),
        "{foreign:?}"
    );
    assert!(of(&report, "other-installation").is_some());
    let emergency = of(&report, "emergency").unwrap();
    assert_eq!(emergency.level, Level::Warning);
    assert!(emergency.what.contains("10.8.0.97"), "{emergency:?}");
    assert!(of(&report, "reach-wide").is_some_and(|it| it.what.contains("192.168.88.0/24")));
}

#[tokio::test]
async fn rp_filter_is_read() {
    let ward = Ward::new().await;
    let loose = of(&ward.report().await, "rp-filter").cloned().unwrap();
    assert_eq!(loose.mend, ["/ip settings set rp-filter=strict"]);
    let strict = Command::new("/ip/settings/set").attribute("rp-filter", "strict");
    ward.administer(strict).await;
    assert!(of(&ward.report().await, "rp-filter").is_none());
}

#[tokio::test]
async fn logins_that_nobody_owns_or_that_exempt_themselves_are_found() {
    let ward = Ward::of(office().account("carl", "pw").exempt_account("mole", "pw")).await;
    let report = ward.report().await;
    let unowned = of(&report, "unowned").unwrap();
    assert!(
        unowned.what.contains("carl") && !unowned.what.contains("ann"),
        "{unowned:?}"
    );
    let exempt = of(&report, "exempt-unknown").unwrap();
    assert_eq!(exempt.level, Level::Critical);
    assert!(
        exempt.what.contains("mole") && !exempt.what.contains("site"),
        "{exempt:?}"
    );
    assert!(matches!(report.answer, Answer::Yes { .. }), "{report:#?}");
}

#[tokio::test]
async fn addresses_of_a_pool_without_the_lines_are_found() {
    let ward = Ward::new().await;
    assert!(of(&ward.report().await, "hand-over").is_none());
    let profile = ward
        .sim
        .rows("/ppp/profile")
        .into_iter()
        .find(|row| row["name"] == "mikro2fa-vpn")
        .unwrap();
    let set = Command::new("/ppp/profile/set")
        .attribute(".id", &profile[".id"])
        .attribute("on-up", "")
        .attribute("on-down", "");
    ward.administer(set).await;
    let report = ward.report().await;
    let finding = of(&report, "hand-over").unwrap();
    assert!(finding.what.contains("ann"), "{finding:?}");
    assert!(of(&report, "gate-hand-over").is_some_and(|it| {
        it.mend
            .iter()
            .any(|line| line.starts_with("/ppp profile set"))
    }));
}

#[tokio::test]
async fn access_is_judged() {
    let ward = Ward::new().await;
    let report = ward.report().await;
    let plain = of(&report, "service-plain").unwrap();
    assert_eq!(plain.level, Level::High, "it is how we come");
    assert!(of(&report, "user-address").is_some());
    assert!(
        of(&report, "user-lacks").is_none() && of(&report, "user-rights").is_none(),
        "{report:#?}"
    );
}

#[tokio::test]
async fn rules_marked_for_nobody_are_named() {
    let ward = Ward::new().await;
    let add = Command::new(format!("{FILTER}/add"))
        .attribute("chain", "forward")
        .attribute("action", "accept")
        .attribute("disabled", "yes")
        .attribute("comment", "carl 2FA");
    ward.administer(add).await;
    let report = ward.report().await;
    assert!(of(&report, "rule-unbound").is_some_and(|it| it.what.contains("carl 2FA")));
}
