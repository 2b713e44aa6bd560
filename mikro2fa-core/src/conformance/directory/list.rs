//! Lists for screens: in a known order, page by page.

use super::{Filled, page};
use crate::{
    ban::{Ban, BanScope},
    conformance::{
        ok,
        sample::{HOUR, MINUTE, NOW, SECOND, ban, every_state, over},
        some,
        store::StoreBench,
    },
    directory::{DeskChange, PageOf, SessionFilter},
    id::{AccountId, RouterId, UserId},
    session::StateName,
    store::{BanChange, Commit, StoreError},
    tunnel::{Caller, Text},
};

/// Routers come by name, and accounts of a user, too.
pub async fn routers_and_own_accounts_come_by_name(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut desk = filled.desk.clone();
    let attic = desk.router("attic");
    let router = desk.router_mut(attic).clone();
    filled.change(DeskChange::PutRouter(router)).await;
    let routers = ok(filled.directory.routers().await, "read the routers");
    let names: Vec<_> = routers.iter().map(|router| &*router.name).collect();
    assert_eq!(names, ["attic", "office", "plant"]);
    let mut account = desk.account_mut(filled.whose.account).clone();
    account.id = AccountId::from_uuid(filled.ids.next());
    account.name = "aardvark".into();
    filled.change(DeskChange::PutAccount(account)).await;
    let own = filled.directory.accounts_of(filled.ann).await;
    let own = ok(own, "read a user's accounts");
    let names: Vec<_> = own.iter().map(|account| &*account.name).collect();
    assert_eq!(names, ["aardvark", "ann", "ann"]);
}

/// Users come by id, each once over all pages.
pub async fn users_come_page_by_page(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut user = filled.desk.clone().user_mut(filled.ann).clone();
    for number in 0..5 {
        user.id = UserId::from_uuid(filled.ids.next());
        user.name = format!("user {number}").into();
        user.chat = None;
        filled.change(DeskChange::PutUser(user.clone())).await;
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let users = filled.directory.users(&page(after, 3)).await;
        let users = ok(users, "read a page of users");
        seen.extend(users.rows.iter().map(|user| user.id));
        pages += 1;
        after = users.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (7, 3));
    assert!(seen.is_sorted(), "by id: {seen:?}");
}

/// A last page that is just full has no next one.
pub async fn a_full_last_page_has_no_next(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let users = filled.directory.users(&page(None, 2)).await;
    let users = ok(users, "read a page of users");
    assert_eq!((users.rows.len(), users.next), (2, None));
}

/// Where no page begins nothing is read: an error, and no panic.
pub async fn a_page_that_is_none_is_an_error(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let nonsense: Option<Text> = Some("'; DROP TABLE users; --".into());
    let users = filled.directory.users(&page(nonsense.clone(), 3)).await;
    assert!(matches!(users, Err(StoreError::Conflict(_))), "{users:?}");
    let audit = filled.directory.audit(None, &page(nonsense, 3)).await;
    assert!(matches!(audit, Err(StoreError::Conflict(_))), "{audit:?}");
}

/// Accounts come by id, of one source or of all.
pub async fn accounts_come_by_source(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let all = filled.directory.accounts(None, &PageOf::default()).await;
    let all = ok(all, "read all accounts").rows;
    assert_eq!(all.len(), 3);
    assert!(all.is_sorted_by_key(|account| account.id));
    let source = filled.source_of(filled.plant);
    let first = PageOf::default();
    let some_of_all = filled.directory.accounts(Some(source), &first).await;
    let rows = ok(some_of_all, "read accounts of a source").rows;
    assert_eq!(rows.len(), 1);
    assert!(rows.iter().all(|account| account.source == source));
}

/// Sessions come newest first, page by page.
pub async fn sessions_come_newest_first(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.insert(0, filled.session(number, over()).await);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = SessionFilter::default();
        let sessions = filled.directory.sessions(&filter, &page(after, 2)).await;
        let sessions = ok(sessions, "read a page of sessions");
        assert!(sessions.rows.len() <= 2);
        seen.extend(sessions.rows);
        after = sessions.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

/// A list of sessions shows what was asked for: by router, account, owner, state, open or not, and all of these at once.
pub async fn sessions_can_be_filtered(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut all = Vec::new();
    for state in every_state(&filled.ids, filled.whose) {
        all.push(filled.session(0, state).await);
    }
    let count = async |filter: SessionFilter| {
        let first = PageOf::default();
        let sessions = filled.directory.sessions(&filter, &first).await;
        ok(sessions, "read sessions").rows.len()
    };
    let everything = SessionFilter::default();
    assert_eq!(count(everything.clone()).await, all.len());
    let ours = SessionFilter {
        router: Some(filled.office),
        account: Some(filled.whose.account),
        owner: Some(filled.ann),
        ..everything.clone()
    };
    assert_eq!(count(ours.clone()).await, all.len());
    let none = [
        SessionFilter {
            router: Some(RouterId::from_uuid(filled.ids.next())),
            ..ours.clone()
        },
        SessionFilter {
            account: Some(AccountId::from_uuid(filled.ids.next())),
            ..ours.clone()
        },
        SessionFilter {
            owner: Some(filled.bob),
            ..ours.clone()
        },
    ];
    for filter in none {
        assert_eq!(count(filter.clone()).await, 0, "{filter:?}");
    }
    let open = SessionFilter {
        open: true,
        ..ours.clone()
    };
    assert_eq!(count(open.clone()).await, all.len() - 1, "one is over");
    for session in all {
        let state = SessionFilter {
            state: Some(session.state.name()),
            ..ours.clone()
        };
        assert_eq!(count(state.clone()).await, 1, "{state:?}");
    }
    let contradiction = SessionFilter {
        state: Some(StateName::Ended),
        ..open
    };
    assert_eq!(count(contradiction).await, 0);
}

/// Bans that hold now, of one account or all; those that are over or lifted are not among them.
pub async fn bans_that_hold_are_listed(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let account = filled.whose.account;
    let for_good = ban(filled.ids.ban(), account);
    let for_a_while = Ban {
        id: filled.ids.ban(),
        scope: BanScope::Caller {
            caller: Some(Caller::parse("203.0.113.7")),
        },
        until: Some(NOW + HOUR),
        ..for_good.clone()
    };
    let lifted = ban(filled.ids.ban(), account);
    let mut commit = Commit::new(filled.ids.commit(), None);
    commit.bans = [&for_good, &for_a_while, &lifted]
        .map(|ban| BanChange::Put(ban.clone()))
        .into();
    commit.bans.push(BanChange::Lift(lifted.id));
    ok(filled.store.commit(&[commit]).await, "commit bans");
    let list = async |account, now| {
        let bans = filled.directory.bans(account, now).await;
        let mut bans = ok(bans, "read bans");
        bans.sort_by_key(|ban| ban.id);
        bans
    };
    let both = vec![for_good.clone(), for_a_while.clone()];
    assert_eq!(list(None, NOW).await, both);
    assert_eq!(list(Some(account), NOW + HOUR - SECOND).await, both);
    assert_eq!(list(Some(account), NOW + HOUR).await, [for_good]);
    let other = AccountId::from_uuid(filled.ids.next());
    assert_eq!(list(Some(other), NOW + MINUTE).await, []);
    let one = filled.directory.ban(for_a_while.id).await;
    assert_eq!(some(ok(one, "read a ban"), "ban"), for_a_while);
}
