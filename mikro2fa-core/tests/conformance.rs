//! The in-memory ports pass the suites that the real ones have to pass.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that finds nothing is to fail there"
)]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use mikro2fa_core::{
    conformance::{
        notifier::{NotifierBench, ReadMessage},
        router_backend::{GateDamage, ListedEntry, RouterBench},
        store::StoreBench,
    },
    directory::Directory,
    gate::{GateFault, GateFaultKind},
    id::{RouterId, UserId},
    notifier::Notifier,
    router_backend::{PermitRow, PermitTag, Prefix, RouterBackend},
    store::Store,
    testing::{
        CommandFault, CommitFault, DeliveryFault, Dial, LookFault, ManualClock, MemoryRouter,
        MemoryStore, RecordingNotifier, SeenPart, ShownMessage,
    },
    time::{Clock, Timestamp},
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct MemoryStoreBench {
    clock: ManualClock,
    store: MemoryStore,
    several_nodes: bool,
}

impl MemoryStoreBench {
    fn one_node() -> Self {
        let clock = ManualClock::new(NOW);
        Self {
            store: MemoryStore::new(Arc::new(clock.clone())),
            clock,
            several_nodes: false,
        }
    }

    fn several_nodes() -> Self {
        let clock = ManualClock::new(NOW);
        Self {
            store: MemoryStore::several_nodes(Arc::new(clock.clone())),
            clock,
            several_nodes: true,
        }
    }
}

#[async_trait]
impl StoreBench for MemoryStoreBench {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn directory(&self) -> Arc<dyn Directory> {
        Arc::new(self.store.clone())
    }

    async fn break_next_commit(&self, done: bool) -> bool {
        self.store.next_commit(CommitFault::Unknown { done });
        true
    }

    async fn lapse_leases(&self) -> bool {
        let day = Duration::from_secs(86_400);
        self.clock.advance_to(self.clock.now() + day);
        self.several_nodes
    }
}

mod directory {
    mikro2fa_core::directory_conformance!(super::MemoryStoreBench::one_node());
}

mod one_node {
    mikro2fa_core::store_conformance!(super::MemoryStoreBench::one_node());
}

mod several_nodes {
    mikro2fa_core::store_conformance!(super::MemoryStoreBench::several_nodes());
}

struct MemoryRouterBench {
    clock: ManualClock,
    router: MemoryRouter,
}

impl MemoryRouterBench {
    fn new() -> Self {
        let clock = ManualClock::new(NOW);
        let id = RouterId::from_uuid(Uuid::from_u128(1));
        Self {
            router: MemoryRouter::new(id, Arc::new(clock.clone())),
            clock,
        }
    }
}

fn listed(rows: Vec<PermitRow>) -> Vec<ListedEntry> {
    let listed = rows.into_iter().map(|row| ListedEntry {
        address: row.address,
        left: row.left,
        comment: match row.tag {
            PermitTag::Ours { session, epoch } => format!("mikro2fa 2fa00000 {session} {epoch}"),
            PermitTag::OtherInstallation(which) => format!("mikro2fa {which}"),
            PermitTag::Foreign(comment) => comment.to_string(),
        },
    });
    listed.collect()
}

/// The model keeps what an entry is for, not its comment: of another installation's only which.
fn tag_of(comment: &str) -> PermitTag {
    let other = comment.strip_prefix("mikro2fa ");
    let other = other.and_then(|rest| rest.split(' ').next());
    other.map_or_else(
        || PermitTag::Foreign(comment.into()),
        |which| PermitTag::OtherInstallation(which.into()),
    )
}

#[async_trait]
impl RouterBench for MemoryRouterBench {
    fn backend(&self) -> Arc<dyn RouterBackend> {
        Arc::new(self.router.clone())
    }

    fn router(&self) -> RouterId {
        self.router.id()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn add_account(&self, name: &str) {
        self.router.account(name);
    }

    async fn is_enabled(&self, name: &str) -> bool {
        let accounts = self.router.accounts();
        let mut found = accounts.iter().filter(|row| &*row.name == name);
        found.next().unwrap().enabled
    }

    async fn add_user_manager_account(&self, name: &str) {
        let users = mikro2fa_core::desk::SourceKind::UserManager;
        self.router.put_account(users, name, "", &[]);
    }

    async fn is_user_manager_account_enabled(&self, name: &str) -> bool {
        let accounts = self.router.accounts();
        let users = mikro2fa_core::desk::SourceKind::UserManager;
        let mut found = accounts
            .iter()
            .filter(|row| row.source == users && &*row.name == name);
        found.next().unwrap().enabled
    }

    async fn dial(&self, account: &str, address: Ipv4Addr) {
        self.router.dial(&Dial::new(account, address)).unwrap();
    }

    async fn hang_up(&self, account: &str) {
        let lines = self.router.lines();
        let live = lines.iter().find(|live| &*live.account == account);
        self.router.hang_up(live.unwrap().line);
    }

    async fn is_up(&self, account: &str) -> bool {
        let lines = self.router.lines();
        lines.iter().any(|live| &*live.account == account)
    }

    async fn permits(&self) -> Vec<ListedEntry> {
        listed(self.router.permits())
    }

    async fn bans(&self) -> Vec<ListedEntry> {
        listed(self.router.bans())
    }

    async fn put_permit(&self, entry: &ListedEntry) {
        let tag = tag_of(&entry.comment);
        self.router.put_permit(entry.address, tag, entry.left);
    }

    async fn remove_permit(&self, address: Prefix) {
        self.router.remove_permit(address);
    }

    async fn put_ban(&self, entry: &ListedEntry) {
        let tag = tag_of(&entry.comment);
        self.router.put_ban(entry.address, tag, entry.left);
    }

    async fn add_rule(&self, comment: &str, enabled: bool) {
        self.router.rule(comment, enabled);
    }

    async fn rules(&self, comment: &str) -> Vec<bool> {
        let rules = self.router.rules();
        let rules = rules.iter().filter(|rule| &*rule.comment == comment);
        rules.map(|rule| rule.enabled).collect()
    }

    async fn remove_rules(&self, comment: &str) {
        self.router.remove_rules(comment);
    }

    async fn track(&self, address: IpAddr) {
        self.router.track_connections(address);
    }

    async fn tracks(&self, address: IpAddr) -> bool {
        self.router.tracks_connections(address)
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance_to(self.clock.now() + by);
    }

    async fn reboot(&self) {
        self.router.reboot();
    }

    async fn lose_next_reply(&self) {
        self.router.next_command(CommandFault::LostReply);
    }

    async fn lose_next_command(&self) {
        self.router.next_command(CommandFault::LostCommand);
    }

    async fn break_off_next_look(&self, part: SeenPart) {
        self.router.next_look(LookFault::BreaksOff(part));
    }

    async fn cut_off(&self, off: bool) {
        let until = if off { Timestamp::MAX } else { NOW };
        self.router.away_until(until);
    }

    async fn break_watches(&self) {
        self.router.break_watches();
    }

    fn can_damage_gate(&self) -> bool {
        true
    }

    async fn damage_gate(&self, damage: GateDamage) {
        if damage == GateDamage::DisablesAllJumps {
            return self.router.gate(false);
        }
        self.router.break_gate(GateFault {
            kind: match damage {
                GateDamage::RemovesACompanion => GateFaultKind::Fasttrack,
                GateDamage::EmptiesTheCover => GateFaultKind::Cover,
                GateDamage::RepointsAServer => GateFaultKind::Profile,
                GateDamage::ClearsTheHandOver => GateFaultKind::HandOver,
                GateDamage::DisablesADrop
                | GateDamage::RemovesADrop
                | GateDamage::NarrowsADrop
                | GateDamage::TurnsTheChainOver => GateFaultKind::Rule,
                _ => GateFaultKind::Jump,
            },
            what: format!("{damage:?}").into(),
            opens: damage.opens(),
            ours: true,
        });
    }

    async fn put_rule_above(&self) {
        self.router.break_gate(GateFault {
            kind: GateFaultKind::Above,
            what: "accept".into(),
            opens: true,
            ours: true,
        });
    }

    async fn put_emergency(&self, address: Ipv4Addr, left: Duration) {
        self.router.emergency(address.into(), Some(left));
    }
}

mod router_backend {
    mikro2fa_core::router_backend_conformance!(super::MemoryRouterBench::new());
}

struct RecordingNotifierBench {
    notifier: RecordingNotifier,
}

const ANN: UserId = UserId::from_uuid(Uuid::from_u128(7));
const STRANGER: UserId = UserId::from_uuid(Uuid::from_u128(8));

impl RecordingNotifierBench {
    fn new() -> Self {
        let notifier = RecordingNotifier::new(Arc::new(ManualClock::new(NOW)));
        notifier.block(STRANGER, true);
        Self { notifier }
    }
}

fn read(messages: Vec<ShownMessage>) -> Vec<ReadMessage> {
    let read = messages.into_iter().map(|message| ReadMessage {
        number: message.number.try_into().unwrap(),
        text: format!("{:?}", message.notice),
    });
    read.collect()
}

#[async_trait]
impl NotifierBench for RecordingNotifierBench {
    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(self.notifier.clone())
    }

    fn user(&self) -> UserId {
        ANN
    }

    fn stranger(&self) -> UserId {
        STRANGER
    }

    async fn chat(&self) -> Vec<ReadMessage> {
        read(self.notifier.chat(ANN))
    }

    async fn operators_chat(&self) -> Vec<ReadMessage> {
        read(self.notifier.operators_chat())
    }

    async fn sounds(&self) -> usize {
        self.notifier.sounds(ANN)
    }

    async fn clear_chat(&self) {
        self.notifier.clear_chat(ANN);
    }

    async fn block(&self, blocked: bool) {
        self.notifier.block(ANN, blocked);
    }

    async fn slow_down(&self, pause: Duration) {
        self.notifier.next_delivery(DeliveryFault::SlowDown(pause));
    }

    async fn cut_off(&self, off: bool) {
        let until = if off { Timestamp::MAX } else { NOW };
        self.notifier.away_until(until);
    }

    async fn lose_next_reply(&self, done: bool) -> bool {
        let fault = DeliveryFault::Unknown { sent: done };
        self.notifier.next_delivery(fault);
        true
    }
}

mod notifier {
    mikro2fa_core::notifier_conformance!(super::RecordingNotifierBench::new());
}

/// A case that no macro names would never run.
mod complete {
    use std::{collections::BTreeSet, fs, path::Path};

    fn cases_in(path: &Path, cases: &mut BTreeSet<String>) {
        let text = fs::read_to_string(path).unwrap();
        let names = text.lines().filter_map(|line| {
            let name = line.strip_prefix("pub async fn ")?;
            name.split('(').next()
        });
        cases.extend(names.map(str::to_owned));
    }

    fn all_run(suite: &str) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
        let mut written = BTreeSet::new();
        cases_in(&root.join(suite).with_extension("rs"), &mut written);
        if let Ok(folder) = fs::read_dir(root.join(suite)) {
            for file in folder {
                cases_in(&file.unwrap().path(), &mut written);
            }
        }
        let macros = fs::read_to_string(root.join("macros.rs")).unwrap();
        let (_, list) = macros
            .split_once(&format!("            {suite},\n"))
            .unwrap();
        let (list, _) = list.split_once(']').unwrap();
        let run = list
            .lines()
            .filter_map(|line| line.trim().strip_suffix(','));
        let run: BTreeSet<_> = run
            .map(str::to_owned)
            .filter(|name| name != "$bench")
            .collect();
        assert_eq!(run, written, "the macro of {suite} names all its cases");
    }

    #[test]
    fn every_case_is_run() {
        for suite in ["store", "directory", "router_backend", "notifier"] {
            all_run(suite);
        }
    }
}
