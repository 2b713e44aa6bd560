//! The contract of [`RouterBackend`]: what may be believed of a router, and what an order does to it.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    conformance::{
        ok,
        sample::{Ids, MINUTE},
        some,
    },
    id::{RouterId, SessionId},
    router_backend::{
        Applied, Command, Fence, Lease, Look, Observed, Part, Prefix, RouterBackend, RouterError,
    },
    testing::SeenPart,
    time::Timestamp,
    tunnel::Tunnel,
};

mod apply;
mod entry;
mod fault;
mod gate;
mod hint;
mod look;
mod user_manager;

pub use apply::*;
pub use entry::*;
pub use fault::*;
pub use gate::*;
pub use hint::*;
pub use look::*;
pub use user_manager::*;

/// What a bench may lack. The cases that need it then pass without having tested anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// [`RouterBench::advance`].
    Advance,
    /// [`RouterBench::reboot`].
    Reboot,
    /// [`RouterBench::lose_next_reply`].
    LoseReply,
    /// [`RouterBench::lose_next_command`].
    LoseCommand,
    /// [`RouterBench::break_off_next_look`].
    BreakOff,
    /// [`RouterBench::cut_off`].
    CutOff,
    /// [`RouterBench::break_watches`].
    BreakWatches,
    /// [`RouterBench::add_user_manager_account`].
    UserManager,
}

/// What somebody does to a gate by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateDamage {
    /// Disables one jump.
    DisablesAJump,
    /// Disables all jumps.
    DisablesAllJumps,
    /// Removes a jump.
    RemovesAJump,
    /// Moves a jump below a rule that accepts.
    MovesAJumpDown,
    /// Disables the rule that drops what is not permitted.
    DisablesADrop,
    /// Removes it.
    RemovesADrop,
    /// Makes it match less.
    NarrowsADrop,
    /// Moves the gate's last rule to the top of its chain.
    TurnsTheChainOver,
    /// Has covered traffic fasttracked.
    RemovesACompanion,
    /// Takes tunnels off the list of covered ones.
    EmptiesTheCover,
    /// Gives a VPN server's tunnels another profile.
    RepointsAServer,
    /// Takes the hand-over lines out of the gate's profile.
    ClearsTheHandOver,
}

impl GateDamage {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::DisablesAJump,
        Self::DisablesAllJumps,
        Self::RemovesAJump,
        Self::MovesAJumpDown,
        Self::DisablesADrop,
        Self::RemovesADrop,
        Self::NarrowsADrop,
        Self::TurnsTheChainOver,
        Self::RemovesACompanion,
        Self::EmptiesTheCover,
        Self::RepointsAServer,
        Self::ClearsTheHandOver,
    ];

    /// Does something that was not confirmed get through by it?
    #[must_use]
    pub const fn opens(self) -> bool {
        !matches!(
            self,
            Self::RemovesACompanion | Self::RepointsAServer | Self::ClearsTheHandOver
        )
    }
}

/// One entry of an address list as it really stands on the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    /// For which address.
    pub address: Prefix,
    /// How long it still lives; none = for ever.
    pub left: Option<Duration>,
    /// Its whole comment.
    pub comment: String,
}

/// A prepared router without logins, tunnels or entries, and what may happen to it. What it tells is the truth, not
/// what a backend would see.
#[async_trait]
pub trait RouterBench: Send + Sync {
    /// The backend that is tested, as the engine would have it.
    fn backend(&self) -> Arc<dyn RouterBackend>;

    /// Which router it is.
    fn router(&self) -> RouterId;

    /// Now, by the clock that the backend goes by.
    fn now(&self) -> Timestamp;

    /// Does it lack this?
    fn lacks(&self, means: Means) -> bool {
        let _ = means;
        false
    }

    /// Adds an enabled PPP secret.
    async fn add_account(&self, name: &str);

    /// Is the login enabled?
    async fn is_enabled(&self, name: &str) -> bool;

    /// Adds an enabled login to the User Manager. Only asked for where the backend says that there is one.
    async fn add_user_manager_account(&self, name: &str) {
        let _ = name;
    }

    /// Is that login enabled?
    async fn is_user_manager_account_enabled(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// A client dials in over L2TP and is given this address. Its login was added before.
    async fn dial(&self, account: &str, address: Ipv4Addr);

    /// The client of this login hangs up.
    async fn hang_up(&self, account: &str);

    /// Is a tunnel of this login up?
    async fn is_up(&self, account: &str) -> bool;

    /// The permit list.
    async fn permits(&self) -> Vec<ListedEntry>;

    /// The ban list.
    async fn bans(&self) -> Vec<ListedEntry>;

    /// Somebody else puts an entry on the permit list.
    async fn put_permit(&self, entry: &ListedEntry);

    /// Somebody takes what is there for an address off the permit list by hand.
    async fn remove_permit(&self, address: Prefix);

    /// Somebody else puts an entry on the ban list.
    async fn put_ban(&self, entry: &ListedEntry);

    /// Adds a firewall rule.
    async fn add_rule(&self, comment: &str, enabled: bool);

    /// Rules with this comment, in order: are they enabled?
    async fn rules(&self, comment: &str) -> Vec<bool>;

    /// Removes the rules with this comment.
    async fn remove_rules(&self, comment: &str);

    /// The router tracks a connection of this address.
    async fn track(&self, address: IpAddr);

    /// Does it track one?
    async fn tracks(&self, address: IpAddr) -> bool;

    /// Lets time go by: on the router, and on the backend's clock.
    async fn advance(&self, by: Duration);

    /// The router reboots, and can be reached again when this returns.
    async fn reboot(&self);

    /// The next command is done, and its reply is lost.
    async fn lose_next_reply(&self);

    /// The next command is lost on its way.
    async fn lose_next_command(&self);

    /// This part of the next look breaks off in the middle.
    async fn break_off_next_look(&self, part: SeenPart);

    /// The router cannot be reached, or can again.
    async fn cut_off(&self, off: bool);

    /// The connections that hints come over break, and can be made again.
    async fn break_watches(&self);

    /// Can it do what follows? Else the cases about the gate pass without having tested anything.
    fn can_damage_gate(&self) -> bool {
        false
    }

    /// What is tried of it. Fewer where each takes long.
    fn damages(&self) -> &'static [GateDamage] {
        &GateDamage::ALL
    }

    /// Somebody does this to the gate by hand.
    async fn damage_gate(&self, damage: GateDamage) {
        let _ = damage;
    }

    /// Somebody puts a rule above the gate that accepts what comes from covered tunnels.
    async fn put_rule_above(&self) {}

    /// Somebody puts an address on the break-glass list, for so long.
    async fn put_emergency(&self, address: Ipv4Addr, left: Duration) {
        let _ = (address, left);
    }
}

/// Eight digits that are another installation's, if ours has not been drawn by a very bad die.
const OTHER_INSTALLATION: &str = "0badcafe";

/// A comment of another installation.
fn comment_of_others(session: SessionId) -> String {
    format!("mikro2fa {OTHER_INSTALLATION} {session} 1")
}

/// The address that a tunnel of the cases gets.
const fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 8, 0, last)
}

const fn host(last: u8) -> Prefix {
    Prefix::host(IpAddr::V4(address(last)))
}

/// The backend under test, and the means to work on it.
struct Under<'a, B> {
    bench: &'a B,
    backend: Arc<dyn RouterBackend>,
    ids: Ids,
}

impl<'a, B: RouterBench> Under<'a, B> {
    fn new(bench: &'a B) -> Self {
        Self {
            bench,
            backend: bench.backend(),
            ids: Ids::default(),
        }
    }

    async fn dialled(bench: &'a B, accounts: &[(&str, u8)]) -> Self {
        for (name, last) in accounts {
            bench.add_account(name).await;
            bench.dial(name, address(*last)).await;
        }
        Self::new(bench)
    }

    async fn look(&self, look: &Look) -> Observed {
        ok(self.backend.observe(look).await, "look at the router")
    }

    async fn tunnels(&self) -> Vec<Tunnel> {
        let look = Look {
            tunnels: Part::All,
            ..Look::default()
        };
        some(self.look(&look).await.tunnels, "part with tunnels").rows
    }

    async fn tunnel_of(&self, account: &str) -> Tunnel {
        let tunnels = self.tunnels().await;
        let found = tunnels
            .into_iter()
            .find(|tunnel| &*tunnel.account == account);
        some(found, "tunnel of the account that has dialled in")
    }

    fn fence(&self, epoch: u64) -> Fence {
        Fence {
            router: self.bench.router(),
            node: self.ids.node(),
            epoch,
            until: Timestamp::MAX,
        }
    }

    async fn apply(&self, commands: &[Command]) -> Vec<Applied> {
        let outcomes = ok(
            self.backend.apply(&self.fence(1), commands).await,
            "apply commands",
        );
        assert_eq!(outcomes.len(), commands.len(), "one outcome each");
        outcomes
    }

    async fn one(&self, command: Command) -> Applied {
        self.apply(&[command]).await.remove(0)
    }

    /// A lease of so long, good for a day.
    fn lease(&self, most: Duration) -> Lease {
        let now = self.bench.now();
        let day = MINUTE * 60 * 24;
        some(
            Lease::new(most, now + day, now),
            "lease that is long enough",
        )
    }

    fn permit(&self, session: SessionId, last: u8) -> Command {
        Command::Permit {
            session,
            address: host(last),
            lease: self.lease(10 * MINUTE),
        }
    }

    async fn permitted(&self) -> Vec<Prefix> {
        let entries = self.bench.permits().await;
        entries.into_iter().map(|entry| entry.address).collect()
    }
}

fn is_done(outcome: &Applied) -> bool {
    matches!(outcome, Applied::Done { .. })
}

fn is_refused(outcome: &Applied) -> bool {
    matches!(outcome, Applied::Refused { .. })
}

/// Is the time that is left what was ordered, allowing for what has gone by in between?
#[track_caller]
fn about(left: Option<Duration>, ordered: Duration) {
    let left = some(left, "time-out: the entry would live for ever");
    assert!(
        left <= ordered && left + Duration::from_secs(5) > ordered,
        "{left:?} left, {ordered:?} ordered"
    );
}

/// `identify` says what the router is, and how long it has been up.
pub async fn a_router_says_what_it_is(bench: &impl RouterBench) {
    let backend = bench.backend();
    let first = ok(backend.identify().await, "identify");
    assert!(!first.version.is_empty(), "a version is told");
    if !bench.lacks(Means::Advance) {
        bench.advance(MINUTE).await;
        let later = ok(backend.identify().await, "identify again");
        assert!(later.uptime >= first.uptime + MINUTE, "its uptime grows");
        assert_eq!(later.version, first.version);
    }
}

/// A router that cannot be reached is an error that says to try again, and nothing else.
pub async fn an_unreachable_router_is_an_error(bench: &impl RouterBench) {
    if bench.lacks(Means::CutOff) {
        return;
    }
    let under = Under::new(bench);
    bench.cut_off(true).await;
    let identified = under.backend.identify().await.map(drop);
    let looked = under.backend.observe(&Look::complete()).await.map(drop);
    let permit = [under.permit(under.ids.session(), 1)];
    let applied = under.backend.apply(&under.fence(1), &permit).await;
    for result in [identified, looked, applied.map(drop)] {
        let retry = result.as_ref().map_err(RouterError::retry);
        assert!(
            matches!(retry, Err(crate::retry::Retry::After(_))),
            "not reached, to be tried again: {result:?}"
        );
    }
    bench.cut_off(false).await;
    ok(under.backend.identify().await, "identify when it is back");
    assert_eq!(under.permitted().await, [], "nothing was done");
}
