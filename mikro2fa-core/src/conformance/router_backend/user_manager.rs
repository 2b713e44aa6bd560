//! Logins that are kept in a User Manager beside the router's own secrets. Where there is none, these cases pass.

use super::{Means, RouterBench, Under, address, is_done, is_refused};
use crate::{
    conformance::some,
    desk::SourceKind,
    router_backend::{AccountRow, Applied, Command, Look, Part},
};

async fn is_there(bench: &impl RouterBench) -> bool {
    let identity = bench.backend().identify().await;
    !bench.lacks(Means::UserManager) && identity.is_ok_and(|it| it.capabilities.user_manager)
}

fn set(source: SourceKind, name: &str, enabled: bool) -> Command {
    Command::SetAccount {
        source,
        name: name.into(),
        enabled,
    }
}

async fn logins<B: RouterBench>(under: &Under<'_, B>, accounts: Part) -> Vec<AccountRow> {
    let look = Look {
        accounts,
        ..Look::default()
    };
    let mut rows = some(under.look(&look).await.accounts, "part with logins").rows;
    rows.sort_by(|a, b| (&a.name, a.source).cmp(&(&b.name, b.source)));
    rows
}

fn shown(rows: &[AccountRow]) -> Vec<(&str, SourceKind, bool)> {
    rows.iter()
        .map(|row| (&*row.name, row.source, row.enabled))
        .collect()
}

/// Logins of both places are seen, enabled or not, by name and all together.
pub async fn logins_of_a_user_manager_are_seen(bench: &impl RouterBench) {
    if !is_there(bench).await {
        return;
    }
    bench.add_account("ann").await;
    for name in ["uma", "udo"] {
        bench.add_user_manager_account(name).await;
    }
    let under = Under::new(bench);
    assert!(is_done(
        &under.one(set(SourceKind::UserManager, "udo", false)).await
    ));
    let expected = [
        ("ann", SourceKind::PppSecrets, true),
        ("udo", SourceKind::UserManager, false),
        ("uma", SourceKind::UserManager, true),
    ];
    assert_eq!(shown(&logins(&under, Part::All).await), expected);
    let these = ["ann", "udo", "uma", "nobody"].map(Into::into).to_vec();
    let rows = logins(&under, Part::These(these)).await;
    assert_eq!(shown(&rows), expected);
    let rows = logins(&under, Part::These(vec!["uma".into()])).await;
    assert_eq!(shown(&rows), expected[2..]);
}

/// A login of a User Manager is disabled and enabled, and no other; what is so already is `AlreadySo`.
pub async fn a_login_of_a_user_manager_is_disabled_and_enabled(bench: &impl RouterBench) {
    if !is_there(bench).await {
        return;
    }
    for name in ["uma", "uma2"] {
        bench.add_user_manager_account(name).await;
    }
    let under = Under::new(bench);
    for enabled in [false, true] {
        let order = set(SourceKind::UserManager, "uma", enabled);
        assert!(is_done(&under.one(order.clone()).await));
        assert_eq!(bench.is_user_manager_account_enabled("uma").await, enabled);
        assert_eq!(under.one(order).await, Applied::AlreadySo);
        assert!(bench.is_user_manager_account_enabled("uma2").await);
    }
    for (source, name) in [
        (SourceKind::UserManager, "nobody"),
        (SourceKind::PppSecrets, "uma"),
    ] {
        let outcome = under.one(set(source, name, false)).await;
        assert!(is_refused(&outcome), "{name} is not there: {outcome:?}");
    }
    assert!(bench.is_user_manager_account_enabled("uma").await);
}

/// A name that stands in both places is two logins: both are seen, and each is switched alone.
pub async fn the_same_name_in_two_places_is_two_logins(bench: &impl RouterBench) {
    if !is_there(bench).await {
        return;
    }
    bench.add_account("ann").await;
    bench.add_user_manager_account("ann").await;
    let under = Under::new(bench);
    let order = set(SourceKind::UserManager, "ann", false);
    assert!(is_done(&under.one(order).await));
    assert!(bench.is_enabled("ann").await);
    assert!(!bench.is_user_manager_account_enabled("ann").await);
    let rows = logins(&under, Part::These(vec!["ann".into()])).await;
    assert_eq!(
        shown(&rows),
        [
            ("ann", SourceKind::PppSecrets, true),
            ("ann", SourceKind::UserManager, false),
        ]
    );
}

/// A tunnel of such a login is a tunnel like any other: seen, and cut.
pub async fn a_tunnel_of_a_user_manager_is_seen_and_cut(bench: &impl RouterBench) {
    if !is_there(bench).await {
        return;
    }
    bench.add_user_manager_account("uma").await;
    bench.dial("uma", address(4)).await;
    let under = Under::new(bench);
    let tunnel = under.tunnel_of("uma").await;
    assert_eq!(tunnel.addresses.v4, Some(address(4)));
    let cut = Command::CutTunnel {
        key: tunnel.key,
        account: tunnel.account,
    };
    assert!(is_done(&under.one(cut).await));
    assert!(!bench.is_up("uma").await);
    assert!(under.tunnels().await.is_empty());
}

/// Where there are no sessions to close, it was so already; whatever becomes of closing, the tunnels of others stay.
pub async fn closing_sessions_closes_no_others(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let close = |account: &str, last| Command::CloseSessions {
        account: account.into(),
        address: address(last).into(),
    };
    assert_eq!(under.one(close("nobody", 5)).await, Applied::AlreadySo);
    assert_eq!(under.one(close("ann", 4)).await, Applied::AlreadySo);
    assert!(bench.is_up("ann").await, "a secret's tunnel has no record");
    if !is_there(bench).await {
        return;
    }
    for (name, last) in [("uma", 5), ("udo", 6)] {
        bench.add_user_manager_account(name).await;
        bench.dial(name, address(last)).await;
    }
    under.one(close("uma", 5)).await;
    under.one(close("udo", 5)).await;
    assert!(bench.is_up("ann").await && bench.is_up("udo").await);
}
