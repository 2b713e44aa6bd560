//! Records: whole, once, and never overwritten unseen.

use super::{Filled, conflicts, desk_entry, not_found, page, refused};
use crate::{
    conformance::{
        ok,
        sample::{HOUR, NOW, over, requested},
        some,
        store::StoreBench,
    },
    desk::{AccountKind, ChatId, Language, NameMatching},
    directory::DeskChange,
    id::{AccountId, OperatorId, RouterId, SourceId, UserId},
    policy::{PolicyOverride, Seconds},
    secret::Secret,
    session::SessionState,
};

/// Records come back as they went in, every field of them.
pub async fn records_come_back_as_they_went_in(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut desk = filled.desk.clone();
    let user = desk.user_mut(filled.ann);
    user.version += 1;
    user.name = "Ann O'Hara; \u{202e}<b>".into();
    user.chat = Some(ChatId(-7));
    user.link_generation = 9;
    user.language = Language::Ru;
    user.zone_minutes = Some(-210);
    user.suspended = true;
    user.unreachable = true;
    user.policy.lease = Some(Seconds(HOUR));
    let user = user.clone();
    let account = desk.account_mut(filled.whose.account);
    account.version += 1;
    account.kind = AccountKind::Exempt;
    account.handed_over = true;
    account.routes = vec![([192, 168, 50, 0].into(), 24)];
    account.policy.max_held = Some(3);
    let account = account.clone();
    let router = desk.router_mut(filled.office);
    router.version += 1;
    router.name = "Büro".into();
    router.connection.password = Secret::new("pa ss\"wörd");
    router.connection.pins = vec!["ab".repeat(32).into(), "cd".repeat(32).into()];
    router.gates.lists.permit = "open".into();
    router.poll_interval = 60;
    router.hook_key_hash = Some("ef".repeat(32).into());
    router.policy.lease = Some(Seconds(HOUR));
    let router = router.clone();
    let changes = vec![
        DeskChange::PutUser(user.clone()),
        DeskChange::PutAccount(account.clone()),
        DeskChange::PutRouter(router.clone()),
    ];
    ok(filled.try_change(changes).await, "change three records");
    let directory = &filled.directory;
    let stored = directory.user(user.id).await;
    assert_eq!(ok(stored, "read a user"), Some(user));
    let stored = directory.account(account.id).await;
    assert_eq!(ok(stored, "read an account"), Some(account));
    let stored = directory.router_desk(router.id).await;
    let stored = some(ok(stored, "read a router's desk"), "desk of that router");
    assert_eq!(stored.router, router, "with the password that went in");
}

/// What nobody made is not there.
pub async fn unknown_records_are_not_there(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let directory = &filled.directory;
    let user = UserId::from_uuid(filled.ids.next());
    assert_eq!(ok(directory.user(user).await, "read a user"), None);
    let account = AccountId::from_uuid(filled.ids.next());
    assert_eq!(
        ok(directory.account(account).await, "read an account"),
        None
    );
    let of_nobody = directory.accounts_of(user).await;
    assert_eq!(ok(of_nobody, "read a user's accounts"), []);
    let stranger = directory.user_of_chat(ChatId(77)).await;
    assert_eq!(ok(stranger, "read the user of a chat"), None);
}

/// A change is all or nothing, its audit entries included.
pub async fn a_change_is_all_or_nothing(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut user = filled.desk.clone().user_mut(filled.ann).clone();
    user.version += 1;
    user.name = "Anna".into();
    let changes = vec![
        DeskChange::PutUser(user.clone()),
        DeskChange::RemoveAccount(AccountId::from_uuid(filled.ids.next())),
    ];
    let audit = vec![desk_entry("renamed")];
    let result = filled.directory.change(changes, audit.clone()).await;
    not_found(&result);
    let stored = ok(filled.directory.user(filled.ann).await, "read a user");
    let name = stored.map(|user| user.name);
    assert_eq!(name.as_deref(), Some("Ann"), "nothing was changed");
    let log = ok(
        filled.directory.audit(None, &page(None, 50)).await,
        "audit log",
    );
    assert_eq!(log.rows, [], "and nothing was written down");
    let changes = vec![DeskChange::PutUser(user)];
    ok(
        filled.directory.change(changes, audit.clone()).await,
        "rename",
    );
    let log = ok(
        filled.directory.audit(None, &page(None, 50)).await,
        "audit log",
    );
    let entries: Vec<_> = log.rows.into_iter().map(|row| row.entry).collect();
    assert_eq!(entries, audit);
}

/// Changes of one call are made in order: a later one may build on an earlier one.
pub async fn changes_are_made_in_order(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut user = filled.desk.clone().user_mut(filled.ann).clone();
    let mut changes = Vec::new();
    for name in ["Anna", "Annette"] {
        user.version += 1;
        user.name = name.into();
        changes.push(DeskChange::PutUser(user.clone()));
    }
    ok(filled.try_change(changes).await, "rename twice");
    let stored = ok(filled.directory.user(filled.ann).await, "read a user");
    assert_eq!(stored, Some(user));
}

/// A record wins only against the version before its own; 0 is new.
pub async fn a_record_wins_only_against_the_version_before(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut desk = filled.desk.clone();
    for version in [0, 2, 7] {
        desk.user_mut(filled.ann).version = version;
        desk.account_mut(filled.whose.account).version = version;
        desk.router_mut(filled.office).version = version;
        let user = desk.user_mut(filled.ann).clone();
        conflicts(&filled.try_change(vec![DeskChange::PutUser(user)]).await);
        let account = desk.account_mut(filled.whose.account).clone();
        conflicts(
            &filled
                .try_change(vec![DeskChange::PutAccount(account)])
                .await,
        );
        let router = desk.router_mut(filled.office).clone();
        conflicts(&filled.try_change(vec![DeskChange::PutRouter(router)]).await);
    }
    let mut user = desk.user_mut(filled.ann).clone();
    user.id = UserId::from_uuid(filled.ids.next());
    user.chat = None;
    user.version = 1;
    conflicts(&filled.try_change(vec![DeskChange::PutUser(user)]).await);
}

/// An account's name is new in its source, by the source's own way to compare names; in another source it may be there.
pub async fn an_accounts_name_is_new_in_its_source(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut desk = filled.desk.clone();
    let mut account = desk.account_mut(filled.whose.account).clone();
    account.id = AccountId::from_uuid(filled.ids.next());
    conflicts(
        &filled
            .try_change(vec![DeskChange::PutAccount(account.clone())])
            .await,
    );
    account.name = "ANN".into();
    filled.change(DeskChange::PutAccount(account.clone())).await;
    let source = desk.source_mut(filled.source_of(filled.plant));
    source.matching = NameMatching::Folded;
    let source = source.clone();
    filled.change(DeskChange::PutSource(source.clone())).await;
    account.id = AccountId::from_uuid(filled.ids.next());
    account.source = source.id;
    account.name = "CORP\\Ann@example.com".into();
    conflicts(
        &filled
            .try_change(vec![DeskChange::PutAccount(account)])
            .await,
    );
}

/// An account of a source that nobody made is refused.
pub async fn an_account_needs_its_source(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut account = filled
        .desk
        .clone()
        .account_mut(filled.whose.account)
        .clone();
    account.id = AccountId::from_uuid(filled.ids.next());
    account.source = SourceId::from_uuid(filled.ids.next());
    refused(
        &filled
            .try_change(vec![DeskChange::PutAccount(account)])
            .await,
    );
}

/// A chat is one user's only.
pub async fn a_chat_is_one_users_only(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut user = filled.desk.clone().user_mut(filled.bob).clone();
    user.version += 1;
    user.chat = Some(ChatId(1001));
    conflicts(&filled.try_change(vec![DeskChange::PutUser(user)]).await);
    let found = filled.directory.user_of_chat(ChatId(1001)).await;
    let found = ok(found, "read the user of a chat");
    assert_eq!(found.map(|user| user.id), Some(filled.ann));
}

/// An account with an open session is not removed; once that is over, it is.
pub async fn an_account_with_an_open_session_stays(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let account = filled.whose.account;
    let waiting = requested(filled.ids.session(), filled.whose).state;
    let session = filled.session(0, waiting).await;
    conflicts(
        &filled
            .try_change(vec![DeskChange::RemoveAccount(account)])
            .await,
    );
    let ended = crate::conformance::sample::next(&session, over());
    let mut commit = crate::store::Commit::new(filled.ids.commit(), None);
    commit.sessions.push((Some(session.version), ended));
    ok(filled.store.commit(&[commit]).await, "end the session");
    filled.change(DeskChange::RemoveAccount(account)).await;
    let stored = filled.directory.account(account).await;
    assert_eq!(ok(stored, "read an account"), None);
    let ended = filled.store.session(session.id).await;
    assert!(
        ok(ended, "read a session").is_some_and(|session| session.is_ended()),
        "what was, stays on record"
    );
}

/// With a router go its own source and that one's accounts; what is another's stays.
pub async fn with_a_router_goes_what_is_its_own(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    filled.change(DeskChange::RemoveRouter(filled.office)).await;
    let directory = &filled.directory;
    let desk = directory.router_desk(filled.office).await;
    assert_eq!(ok(desk, "read a router's desk"), None);
    let stored = directory.account(filled.whose.account).await;
    assert_eq!(ok(stored, "read an account"), None);
    let sources = ok(directory.sources().await, "read the sources");
    let sources: Vec<_> = sources.iter().map(|source| source.id).collect();
    assert_eq!(sources, [filled.source_of(filled.plant)]);
    let left = ok(
        directory.accounts_of(filled.ann).await,
        "read a user's accounts",
    );
    assert_eq!(left.len(), 1, "the one on the other router");
}

/// A router whose sessions are on record can be removed; they stay on record.
pub async fn a_router_with_a_past_can_be_removed(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let session = filled.session(0, over()).await;
    filled.change(DeskChange::RemoveRouter(filled.office)).await;
    let stored = ok(filled.store.session(session.id).await, "read a session");
    assert_eq!(stored, Some(session));
}

/// Removing what nobody made is `NotFound`.
pub async fn removing_what_is_not_there_is_not_found(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let changes = [
        DeskChange::RemoveOperator(OperatorId::from_uuid(filled.ids.next())),
        DeskChange::RemoveAccount(AccountId::from_uuid(filled.ids.next())),
        DeskChange::RemoveRouter(RouterId::from_uuid(filled.ids.next())),
    ];
    for change in changes {
        not_found(&filled.try_change(vec![change]).await);
    }
}

/// Operators are made, changed and removed.
pub async fn operators_come_and_go(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let read = async || ok(filled.directory.operators().await, "read the operators");
    let mut operators = read().await;
    assert_eq!(operators.len(), 1);
    let mut olga = operators.remove(0);
    assert_eq!(olga.id, filled.olga);
    olga.language = Language::Ru;
    filled.change(DeskChange::PutOperator(olga.clone())).await;
    assert_eq!(read().await, [olga.clone()]);
    filled.change(DeskChange::RemoveOperator(olga.id)).await;
    assert_eq!(read().await, []);
}

/// The system level of policy is empty at first, and is what was set last.
pub async fn the_system_policy_is_what_was_set_last(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let read = async || ok(filled.directory.system_policy().await, "read the policy");
    assert_eq!(read().await, PolicyOverride::default());
    let policy = PolicyOverride {
        max_held: Some(1),
        session_duration: Some(Seconds(8 * HOUR)),
        extensions: Some(vec![15, 30]),
        ..PolicyOverride::default()
    };
    filled
        .change(DeskChange::PutSystemPolicy(policy.clone()))
        .await;
    assert_eq!(read().await, policy);
    let desk = filled.directory.router_desk(filled.office).await;
    let desk = some(ok(desk, "read a router's desk"), "desk of that router");
    assert_eq!(desk.system_policy, policy, "a router's desk has it, too");
}

/// A user whose sessions are on record is still who they were.
pub async fn a_suspended_user_is_still_there(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let state = SessionState::Requested {
        until: NOW + HOUR,
        ready: false,
    };
    filled.session(0, state).await;
    let mut user = filled.desk.clone().user_mut(filled.ann).clone();
    user.version += 1;
    user.suspended = true;
    filled.change(DeskChange::PutUser(user.clone())).await;
    let stored = filled.directory.user(filled.ann).await;
    assert_eq!(ok(stored, "read a user"), Some(user));
}
