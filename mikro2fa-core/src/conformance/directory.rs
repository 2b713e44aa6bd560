//! The contract of [`Directory`]: who is who, kept whole.

use std::sync::Arc;

use crate::{
    audit::{AuditEntry, AuditKind},
    conformance::{
        ok,
        sample::{HOUR, Ids, NOW, Whose, requested},
        some,
        store::StoreBench,
    },
    directory::{DeskChange, Directory, PageOf},
    id::{OperatorId, RouterId, SourceId, UserId},
    session::{Actor, Session, SessionState, Version},
    store::{Commit, Store, StoreError},
    testing::Desk,
};

mod audit;
mod chat;
mod keep;
mod list;
mod order;
mod record;

pub use audit::*;
pub use chat::*;
pub use keep::*;
pub use list::*;
pub use order::*;
pub use record::*;

/// A desk with two routers, and two users, one of them with an account on each.
struct Filled {
    directory: Arc<dyn Directory>,
    store: Arc<dyn Store>,
    ids: Ids,
    desk: Desk,
    office: RouterId,
    plant: RouterId,
    ann: UserId,
    bob: UserId,
    whose: Whose,
    olga: OperatorId,
}

impl Filled {
    async fn new(bench: &impl StoreBench) -> Self {
        let mut desk = Desk::new(NOW);
        let (office, plant) = (desk.router("office"), desk.router("plant"));
        let (ann, bob) = (desk.user("Ann", 1001), desk.user("Bob", 1002));
        let whose = Whose {
            router: office,
            account: desk.account(office, "ann", Some(ann)),
            owner: ann,
        };
        desk.account(plant, "ann", Some(ann));
        desk.account(office, "backup", None);
        let olga = desk.operator("Olga", 2001);
        let directory = bench.directory();
        ok(desk.fill(&*directory).await, "fill an empty desk");
        Self {
            directory,
            store: bench.store(),
            ids: Ids::default(),
            desk,
            office,
            plant,
            ann,
            bob,
            whose,
            olga,
        }
    }

    async fn try_change(&self, changes: Vec<DeskChange>) -> Result<(), StoreError> {
        self.directory.change(changes, Vec::new()).await
    }

    async fn change(&self, change: DeskChange) {
        let doing = format!("{change:?}");
        ok(self.try_change(vec![change]).await, &doing);
    }

    fn source_of(&self, router: RouterId) -> SourceId {
        self.desk.source_of(router)
    }

    /// Writes a session of Ann's account in the office, as a keeper would.
    async fn session(&self, number: i64, state: SessionState) -> Session {
        let mut session = requested(self.ids.session(), self.whose);
        session.opened_at = NOW + HOUR * u32::try_from(number).unwrap_or(0);
        session.state = state;
        session.version = Version(1);
        let mut commit = Commit::new(self.ids.commit(), None);
        commit.sessions.push((None, session.clone()));
        ok(self.store.commit(&[commit]).await, "commit a session");
        session
    }
}

fn page(after: Option<crate::tunnel::Text>, limit: usize) -> PageOf {
    PageOf { after, limit }
}

/// An entry about something that was done at the desk.
fn desk_entry(change: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        session: None,
        router: None,
        account: None,
        what: AuditKind::Desk {
            actor: Actor::Operator {
                who: "Olga".into(),
                reason: "asked to".into(),
            },
            change: change.into(),
        },
    }
}

#[track_caller]
fn conflicts(result: &Result<(), StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Conflict(_))),
        "goes against what is there: {result:?}"
    );
}

#[track_caller]
fn not_found(result: &Result<(), StoreError>) {
    assert!(
        matches!(result, Err(StoreError::NotFound(_))),
        "names what is not there: {result:?}"
    );
}

/// Two or more that stand for nothing: what a change with an unknown id runs into.
#[track_caller]
fn refused(result: &Result<(), StoreError>) {
    assert!(
        matches!(
            result,
            Err(StoreError::NotFound(_) | StoreError::Conflict(_))
        ),
        "refused with what stands against it: {result:?}"
    );
}

/// The installation is drawn once, with the database.
pub async fn the_installation_stays_the_same(bench: &impl StoreBench) {
    let directory = bench.directory();
    let first = ok(directory.installation().await, "read the installation");
    let again = ok(directory.installation().await, "read the installation");
    assert_eq!(first, again);
    assert_eq!(first.short().len(), 8);
}

/// All that an engine needs to serve a router: its own sources, their accounts, the owners of these.
pub async fn a_routers_desk_is_all_that_serves_it(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let desk = filled.directory.router_desk(filled.office).await;
    let desk = some(ok(desk, "read a router's desk"), "desk of that router");
    let installation = filled.directory.installation().await;
    assert_eq!(desk.installation, ok(installation, "read the installation"));
    assert_eq!(desk.router.id, filled.office);
    let sources: Vec<_> = desk.sources.iter().map(|source| source.id).collect();
    assert_eq!(sources, [filled.source_of(filled.office)]);
    let mut accounts: Vec<_> = desk.accounts.iter().map(|account| &*account.name).collect();
    accounts.sort_unstable();
    assert_eq!(accounts, ["ann", "backup"]);
    let users: Vec<_> = desk.users.iter().map(|user| user.id).collect();
    assert_eq!(users, [filled.ann], "owners only");
}

/// A source may decide logins of a router that does not hold it; the router's desk has it.
pub async fn a_shared_source_serves_all_its_routers(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut desk = filled.desk.clone();
    let source = desk.source_mut(filled.source_of(filled.office));
    source.routers.push(filled.plant);
    filled.change(DeskChange::PutSource(source.clone())).await;
    let plant = filled.directory.router_desk(filled.plant).await;
    let plant = some(ok(plant, "read a router's desk"), "desk of that router");
    let mut accounts: Vec<_> = plant
        .accounts
        .iter()
        .map(|account| &*account.name)
        .collect();
    accounts.sort_unstable();
    assert_eq!(accounts, ["ann", "ann", "backup"]);
}

/// A router that nobody made has no desk.
pub async fn an_unknown_router_has_no_desk(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let unknown = RouterId::from_uuid(filled.ids.next());
    let desk = filled.directory.router_desk(unknown).await;
    assert_eq!(ok(desk, "read a router's desk"), None);
}
