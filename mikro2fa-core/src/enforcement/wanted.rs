//! What sessions call for on their router.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    admission::Why,
    desk::{Desk, Mode, SourceKind},
    enforcement::Mirror,
    id::{AccountId, SessionId},
    policy::Outage,
    router_backend::Prefix,
    session::{Session, SessionState},
    time::Timestamp,
    tunnel::{Text, Tunnel, TunnelKey},
};

/// One address that is to be on the permit list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedPermit {
    /// For which session.
    pub session: SessionId,
    /// Its tunnel's account, as the router spells it.
    pub account: Text,
    /// Not past then.
    pub expires_at: Timestamp,
    /// How long at most without being renewed.
    pub lease: std::time::Duration,
    /// Not yet seen by a second look: a short lease.
    pub probing: bool,
}

/// A tunnel that is to be cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Its login's name.
    pub account: Text,
}

/// What a router is to have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// The permit list, ours.
    pub permits: BTreeMap<Prefix, WantedPermit>,
    /// Tunnels to be cut.
    pub cut: BTreeMap<TunnelKey, Cut>,
    /// The ban list, ours: addresses of banned tunnels.
    pub bans: BTreeMap<Prefix, SessionId>,
    /// Handed-over logins by where they are kept, and name: may they log in?
    pub accounts: BTreeMap<(SourceKind, Text), bool>,
    /// Handed-over logins that may be enabled now: once per request.
    pub enabling: BTreeSet<(SourceKind, Text)>,
    /// Networks behind accounts that are not let through, because tunnels get their addresses from them.
    pub too_wide: BTreeSet<(Text, Prefix)>,
    /// Bound rules by comment: do they count?
    pub rules: BTreeMap<Text, bool>,
    /// Bound rules that may be enabled now: once per confirmation.
    pub enabling_rules: BTreeSet<Text>,
    /// The router is only watched: nothing is closed or opened; permits from before lapse by themselves.
    pub observing: bool,
    /// Nothing may be opened: the clock is not trusted, or another installation is at work.
    pub shut: bool,
    /// The router's dead man's switch is to hear that we live, and for how long. None where nothing depends on it.
    pub alive: Option<std::time::Duration>,
    /// That switch may have gone off since it last heard of us: what is found off was not switched off by hand.
    pub unheard: bool,
    /// The gate was ordered shut, or open, and not yet seen so.
    pub gate: Option<bool>,
    /// It is to be whole.
    pub whole: bool,
}

/// A tunnel that is held or cut without a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The tunnel.
    pub tunnel: Arc<Tunnel>,
    /// Stands in the comment of its ban entry.
    pub tag: SessionId,
    /// Why.
    pub why: Why,
    /// Cut from then on.
    pub until: Timestamp,
    /// Its account, if the desk knows it.
    pub account: Option<AccountId>,
}

/// Shows each session to a visitor: as committed, and as it will be where a commit is on its way.
pub type Sessions<'a> = &'a dyn Fn(&mut dyn FnMut(&Session, Option<&Session>));

/// All that [`wanted`] goes by.
pub struct World<'a> {
    /// The desk.
    pub desk: &'a Desk,
    /// Sessions that are not settled, as committed, and as they will be where a commit is on its way.
    pub sessions: Sessions<'a>,
    /// Accounts with a session whose very first commit is on its way: nothing is opened for it yet, nor closed.
    pub beginning: &'a BTreeSet<AccountId>,
    /// Tunnels without a session that are held.
    pub held: &'a BTreeMap<TunnelKey, Held>,
    /// What was last seen.
    pub mirror: &'a Mirror,
    /// Does the gate hold? Where it does not, what is not confirmed is cut.
    pub gate_holds: bool,
    /// Is our own clock to be trusted?
    pub clock_trusted: bool,
    /// Now.
    pub now: Timestamp,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What the router is to have now. Only tunnels that the mirror shows beyond doubt are let through, and only where
/// both what is committed and what is about to be committed say so.
#[must_use]
pub fn wanted(world: &World<'_>) -> Wanted {
    let mut wanted = Wanted {
        shut: !world.clock_trusted,
        whole: world.desk.router().gates.address_list,
        ..Wanted::default()
    };
    let router = world.desk.router();
    let order = world.desk.order().filter(|_| router.gates.address_list);
    wanted.gate = order.map(|order| order.mode == Mode::Enforcing);
    if router.mode == Mode::Observing {
        wanted.observing = true;
        if world.desk.order().is_some() {
            given_back(world, &mut wanted);
        }
        return wanted;
    }
    let mut open = BTreeSet::new();
    let mut kept = Kept::default();
    let mut let_through: BTreeMap<AccountId, BTreeSet<TunnelKey>> = BTreeMap::new();
    let mut opening = BTreeSet::new();
    let mut waiting = BTreeSet::new();
    // Where no login and no rule follows sessions, who has one need not be gathered: most routers have many and neither.
    let logins = world.desk.handed_over().next().is_some();
    let rules_follow = !router.gates.rules.is_empty();
    let has_routes = has_routes(world);
    let mut permits = Vec::new();
    (world.sessions)(&mut |session, pending| {
        if logins && !pending.is_some_and(Session::is_ended) {
            if session.is_open() {
                open.insert(session.account);
            }
            if matches!(session.state, SessionState::Requested { ready: false, .. }) {
                waiting.insert(session.account);
            }
        }
        let let_through_at = permit(world, session, pending);
        let through = let_through_at.is_some();
        if let Some((seen, permit)) = let_through_at {
            let routes = if has_routes {
                routes(world, session.account, &mut wanted)
            } else {
                BTreeSet::new()
            };
            let all = addresses(seen).chain(routes);
            permits.extend(all.map(|address| (address, permit.clone())));
        }
        if through && (logins || rules_follow) {
            kept.also(world.desk, session, world.now);
        }
        if through && rules_follow {
            let_through
                .entry(session.account)
                .or_default()
                .extend(session.tunnel().map(|tunnel| tunnel.key.clone()));
            if matches!(session.state, SessionState::Opening { .. }) {
                opening.insert(session.account);
            }
        }
        cut(world, pending.unwrap_or(session), &mut wanted);
    });
    wanted.permits = permits.into_iter().collect();
    for (key, held) in world.held {
        held_tunnel(world, key, held, &mut wanted);
    }
    accounts(world, &open, &waiting, &mut wanted);
    rules(world, &let_through, &opening, &mut wanted);
    wanted.alive = alive(world.desk, &kept, world.now);
    wanted
}

/// Until when everything that is let through may go on without us.
#[derive(Default)]
struct Kept {
    /// Something is to end a lease after us.
    closes: bool,
    /// The end of the first session that is to run to its own.
    until: Option<Timestamp>,
}

impl Kept {
    fn also(&mut self, desk: &Desk, session: &Session, now: Timestamp) {
        match desk.policy(session.account).outage {
            Outage::Close => self.closes = true,
            Outage::KeepConfirmed => {
                let end = session.lets_through(now).map(|(_, end)| end);
                self.until = self.until.into_iter().chain(end).min();
            }
        }
    }
}

/// What lies on the router's flash has no lease: bound rules and handed-over logins are switched off by the router itself when it
/// has not heard of us for a lease. Where all that is let through is to outlive us, that waits for the first end of a session: the
/// switch knows only all or nothing.
fn alive(desk: &Desk, kept: &Kept, now: Timestamp) -> Option<std::time::Duration> {
    let needed = !desk.router().gates.rules.is_empty() || desk.handed_over().next().is_some();
    let lease = desk.default_policy().lease;
    let until = kept.until.filter(|_| !kept.closes);
    needed.then(|| until.map_or(lease, |until| lease.max(until.since(now))))
}

/// For how long it was told to hold still at a time, by sessions as they stood then.
pub(super) fn waits<'a>(
    desk: &Desk,
    sessions: impl Iterator<Item = &'a Session>,
    at: Timestamp,
) -> Option<std::time::Duration> {
    let mut kept = Kept::default();
    sessions
        .filter(|session| session.lets_through(at).is_some())
        .for_each(|session| kept.also(desk, session, at));
    alive(desk, &kept, at)
}

/// The tunnel that a session lets through, as last seen, and the permit of each of its addresses.
fn permit<'a>(
    world: &'a World<'_>,
    session: &Session,
    pending: Option<&Session>,
) -> Option<(&'a Arc<Tunnel>, WantedPermit)> {
    let (tunnel, expires_at) = session.lets_through(world.now)?;
    let expires_at = match pending.map(|pending| pending.lets_through(world.now)) {
        None => expires_at,
        Some(Some((next, until))) if next.key == tunnel.key => expires_at.min(until),
        Some(_) => return None,
    };
    let seen = world.mirror.same(tunnel)?;
    let probing = match &session.state {
        SessionState::Opening { since, .. } if seen.seen_at < *since => return None,
        SessionState::Opening { .. } => true,
        _ => false,
    };
    let policy = world.desk.policy(session.account);
    let lease = match policy.outage {
        Outage::Close => policy.lease,
        Outage::KeepConfirmed => expires_at.since(world.now),
    };
    let permit = WantedPermit {
        session: session.id,
        account: Arc::clone(&seen.account),
        expires_at,
        lease,
        probing,
    };
    Some((seen, permit))
}

fn addresses(tunnel: &Tunnel) -> impl Iterator<Item = Prefix> {
    let v4 = tunnel.addresses.v4.map(|ip| Prefix::host(ip.into()));
    let v6 = tunnel.addresses.v6.iter().map(|&(address, length)| Prefix {
        address: address.into(),
        length,
    });
    v4.into_iter().chain(v6)
}

/// Is there a network behind any account? Most routers have none, and then nobody's is looked up.
fn has_routes(world: &World<'_>) -> bool {
    let mut seen = world.mirror.accounts.values().flatten();
    world.desk.has_routes() || seen.any(|row| !row.routes.is_empty())
}

/// The networks behind an account: those that its router knows as fixed, and those that operators have named. One that holds
/// a tunnel's address, its own included, is one that tunnels get theirs from: let through, it would let others through, too.
fn routes(world: &World<'_>, account: AccountId, wanted: &mut Wanted) -> BTreeSet<Prefix> {
    let Some(account) = world.desk.account(account) else {
        return BTreeSet::new();
    };
    let rows = world.mirror.accounts.get(&account.name);
    let has_none = rows.is_none_or(|rows| rows.iter().all(|row| row.routes.is_empty()));
    if account.routes.is_empty() && has_none {
        return BTreeSet::new();
    }
    let named = account.routes.iter();
    let named = named.map(|&(address, length)| Prefix { address, length });
    let kind = world.desk.source_kind(account);
    let fixed = rows
        .into_iter()
        .flatten()
        .filter(|row| Some(row.source) == kind)
        .flat_map(|row| row.routes.iter().copied());
    let all: BTreeSet<Prefix> = named.chain(fixed).collect();
    let holds_tunnels = |route: &Prefix| {
        let mut tunnels = world.mirror.tunnels.values();
        tunnels.any(|tunnel| {
            let address = tunnel.addresses.v4.map(std::net::IpAddr::V4);
            address.is_some_and(|address| route.contains(address))
        })
    };
    let (wide, fine) = all
        .into_iter()
        .partition(|route| route.length == 0 || !route.is_host() && holds_tunnels(route));
    if !BTreeSet::is_empty(&wide) {
        let name = Arc::clone(&account.name);
        wanted
            .too_wide
            .extend(wide.into_iter().map(|route| (Arc::clone(&name), route)));
    }
    fine
}

/// Adds what is left of a session's tunnel, where it is to be cut; and an unconfirmed one behind a gate that does not hold.
fn cut(world: &World<'_>, session: &Session, wanted: &mut Wanted) {
    let tunnel = match &session.state {
        SessionState::Challenged { tunnel, .. }
            if !world.gate_holds && !world.mirror.is_emergency(tunnel) =>
        {
            tunnel
        }
        SessionState::Grace {
            tunnel,
            gone: false,
            ..
        } => tunnel,
        SessionState::Ended {
            remains: Some(left),
            ..
        } if left.hold_until.is_none_or(|until| until <= world.now)
            || !world.gate_holds
            || !world.desk.router().gates.address_list =>
        {
            &left.tunnel
        }
        _ => return,
    };
    if world.mirror.same(tunnel).is_some() {
        let account = Arc::clone(&tunnel.account);
        wanted.cut.insert(tunnel.key.clone(), Cut { account });
    }
}

fn held_tunnel(world: &World<'_>, key: &TunnelKey, held: &Held, wanted: &mut Wanted) {
    if world.mirror.same(&held.tunnel).is_none() {
        return;
    }
    let unheld = !world.gate_holds && !world.mirror.is_emergency(&held.tunnel);
    if held.until <= world.now || unheld {
        wanted.cut.insert(
            key.clone(),
            Cut {
                account: Arc::clone(&held.tunnel.account),
            },
        );
    } else if held.why == Why::Banned {
        let address = held.tunnel.addresses.v4.map(|ip| Prefix::host(ip.into()));
        wanted
            .bans
            .extend(address.map(|address| (address, held.tag)));
    }
}

/// Handed-over accounts are disabled while no session of theirs is open.
fn accounts(
    world: &World<'_>,
    open: &BTreeSet<AccountId>,
    waiting: &BTreeSet<AccountId>,
    wanted: &mut Wanted,
) {
    for account in world.desk.handed_over() {
        let kind = world.desk.source_kind(account);
        let Some(kind) = kind else {
            continue;
        };
        if world.beginning.contains(&account.id) && !open.contains(&account.id) {
            continue;
        }
        let login = (kind, Arc::clone(&account.name));
        if waiting.contains(&account.id) {
            wanted.enabling.insert(login.clone());
        }
        wanted.accounts.insert(login, open.contains(&account.id));
    }
}

/// Observing begins: logins that we disabled can be used again, once.
fn given_back(world: &World<'_>, wanted: &mut Wanted) {
    for account in world.desk.handed_over() {
        let kind = world.desk.source_kind(account);
        if let Some(kind) =
            kind.filter(|_| account.before.enabled == Some(true) && !account.disabled)
        {
            let login = (kind, Arc::clone(&account.name));
            wanted.enabling.insert(login.clone());
            wanted.accounts.insert(login, true);
        }
    }
}

/// A bound rule counts while its account or user has a confirmed tunnel and no other.
fn rules(
    world: &World<'_>,
    let_through: &BTreeMap<AccountId, BTreeSet<TunnelKey>>,
    opening: &BTreeSet<AccountId>,
    wanted: &mut Wanted,
) {
    for binding in &world.desk.router().gates.rules {
        let its = |account: &AccountId| {
            let account = world.desk.account(*account);
            account.is_some_and(|account| binding.to.concerns(account))
        };
        let confirmed: BTreeSet<&TunnelKey> = let_through
            .iter()
            .filter(|(account, _)| its(account))
            .flat_map(|(_, keys)| keys)
            .collect();
        let strangers = world.mirror.tunnels.values().any(|tunnel| {
            world.desk.follows(binding, &tunnel.account) && !confirmed.contains(&tunnel.key)
        });
        let enabled = !confirmed.is_empty() && !strangers;
        if enabled && opening.iter().any(its) {
            wanted.enabling_rules.insert(Arc::clone(&binding.comment));
        }
        // Bound twice, it follows nobody: one of the two would be let through by the other.
        let rule = wanted.rules.entry(Arc::clone(&binding.comment));
        rule.and_modify(|counts| *counts = false).or_insert(enabled);
    }
}
