//! The difference between wanted and observed, as commands.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    desk::SourceKind,
    enforcement::{Entry, Mirror, Wanted, WantedPermit},
    gate::GateSeen,
    id::SessionId,
    router_backend::{Command, Jumps, Lease, PermitTag, Prefix, RuleRow},
    time::Timestamp,
    tunnel::{Text, TunnelKey},
};

/// A permit that no second look has confirmed lives only so long.
const PROBE: Duration = Duration::from_secs(30);
/// An entry that should have lapsed may still be there for so long: a router that paused read late what was left of it.
const LINGERS: Duration = Duration::from_secs(60);
/// Our clock and the router's may differ by so much in what is left of an entry.
const TOLERANCE: Duration = Duration::from_secs(3);

/// What a command is about: the same difference again is the same one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Difference {
    /// An entry that should not be on the permit list.
    Permitted(Prefix),
    /// A tunnel that should not be up.
    Up(TunnelKey),
    /// A login that should not be enabled.
    Enabled(SourceKind, Text),
    /// A rule that should not count.
    Counting(Text),
    /// A banned address that is not on the ban list.
    NotBanned(Prefix),
    /// An address that is on the ban list and should not be.
    Banned(Prefix),
    /// An entry that is missing from the permit list.
    Missing(SessionId, Prefix),
    /// An entry whose lease is to be renewed, or shortened.
    Lease(SessionId, Prefix),
    /// A login that should be enabled.
    Disabled(SourceKind, Text),
    /// A rule that should count.
    NotCounting(Text),
    /// The gate, that should be shut.
    GateOpen,
    /// The gate, that should be open.
    GateShut,
    /// A gate that is not whole.
    Gate,
    /// The dead man's switch, that has to hear of us.
    Alive,
}

impl Difference {
    /// What a command is about.
    #[must_use]
    pub fn of(command: &Command) -> Option<Self> {
        Some(match command {
            Command::Revoke { address, .. } => Self::Permitted(*address),
            Command::CutTunnel { key, .. } => Self::Up(key.clone()),
            Command::SetAccount {
                source,
                name,
                enabled: false,
            } => Self::Enabled(*source, Arc::clone(name)),
            Command::SetAccount { source, name, .. } => Self::Disabled(*source, Arc::clone(name)),
            Command::SetRule {
                comment,
                enabled: false,
                ..
            } => Self::Counting(Arc::clone(comment)),
            Command::SetRule { comment, .. } => Self::NotCounting(Arc::clone(comment)),
            Command::SetGate { enabled: true } => Self::GateOpen,
            Command::SetGate { enabled: false } => Self::GateShut,
            Command::Ban { address, .. } => Self::NotBanned(*address),
            Command::Unban { address, .. } => Self::Banned(*address),
            Command::Permit {
                session, address, ..
            } => Self::Missing(*session, *address),
            Command::Renew {
                session, address, ..
            } => Self::Lease(*session, *address),
            Command::MendGate => Self::Gate,
            Command::KeepAlive { .. } => Self::Alive,
            Command::ForgetConnections { .. } | Command::CloseSessions { .. } => return None,
        })
    }

    /// Is something more open than wanted? Retried for ever.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Permitted(_)
                | Self::Up(_)
                | Self::Enabled(..)
                | Self::Counting(_)
                | Self::NotBanned(_)
                | Self::GateOpen
                | Self::Gate
        )
    }
}

/// Something on the router that is not ours to mend.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finding {
    /// A foreign entry on the permit list.
    ForeignPermit {
        /// Its address.
        address: Prefix,
        /// Its comment.
        comment: Text,
    },
    /// Another installation of mikro2fa is at work here.
    OtherInstallation(Text),
    /// A permit of ours without a time-out: revoked.
    Static(Prefix),
    /// A login that should be enabled was disabled by somebody else.
    DisabledByHand(Text),
    /// A rule that should count was disabled by somebody else.
    RuleDisabledByHand(Text),
    /// A login that should be enabled was switched off by the router itself, which had not heard of us.
    ShutByRouter(Text),
    /// The same of a rule that should count.
    RuleShutByRouter(Text),
    /// A handed-over login is not there.
    AccountGone(Text),
    /// A network behind an account is not let through, because tunnels get their addresses from it.
    TooWide {
        /// Whose.
        account: Text,
        /// Which.
        route: Prefix,
    },
    /// A login's name stands in more than one place on the router: disabling one does not keep the other out, so none is
    /// enabled.
    SameName(Text),
    /// No rule carries the comment of a bound one any more.
    RuleGone(Text),
    /// More than one rule does: none of them is touched.
    RuleAmbiguous(Text),
    /// The gate was ordered shut or open, and its jumps are not there.
    NoGate,
    /// A bound rule has another comment now, so it is nobody's any more.
    RuleRenamed {
        /// The comment that was bound.
        was: Text,
        /// What it reads now.
        now: Text,
    },
    /// A bound rule stands elsewhere in its chain, where it may mean something else.
    RuleMoved {
        /// Its comment.
        comment: Text,
        /// How many rules with a comment stood above it when it was first seen.
        from: u32,
        /// How many do now.
        to: u32,
    },
}

/// What is to be done: `cut` only after every outcome of `close` is known, `open` only after every one of `cut`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// What takes access away.
    pub close: Vec<Command>,
    /// Tunnels whose login is being disabled: cut before that was done, they would be back within a second.
    pub cut: Vec<Command>,
    /// What gives it.
    pub open: Vec<Command>,
    /// The gate's switch, if it has to be turned: after all the rest, so that what was confirmed goes on without a gap.
    pub gate: Option<Command>,
    /// What is not ours to mend.
    pub findings: Vec<Finding>,
    /// When the next lease is to be renewed.
    pub next: Option<Timestamp>,
}

/// The difference as commands. Applied and seen, the next plan is empty.
#[must_use]
pub fn plan(wanted: &Wanted, mirror: &Mirror, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    observed_permits(wanted, mirror, now, &mut plan);
    let others = plan
        .findings
        .iter()
        .any(|f| matches!(f, Finding::OtherInstallation(_)));
    let shut = wanted.shut || others;
    let too_wide = wanted.too_wide.iter();
    plan.findings
        .extend(too_wide.map(|(account, route)| Finding::TooWide {
            account: Arc::clone(account),
            route: *route,
        }));
    bans(wanted, mirror, now, &mut plan);
    accounts(wanted, mirror, shut, &mut plan);
    cuts(wanted, &mut plan);
    rules(wanted, mirror, shut, &mut plan);
    alive(wanted, mirror, now, &mut plan);
    if !shut {
        for (address, permit, entry) in side_by_side(&wanted.permits, &mirror.permits) {
            if let Some(permit) = permit {
                missing_permit(*address, permit, entry, now, &mut plan);
            }
        }
    } else {
        plan.open.clear(); // nothing is renewed either, nor taken off the ban list
    }
    if !others {
        mend(wanted, mirror, &mut plan);
    }
    if wanted.observing {
        plan.close.clear();
        plan.cut.clear();
        // Logins are given back; permits from before lapse by themselves.
        plan.open
            .retain(|command| matches!(command, Command::SetAccount { enabled: true, .. }));
        plan.next = None;
    }
    gate(wanted, mirror, shut, &mut plan);
    plan
}

/// A gate that is not whole is mended as far as it is ours, first of all: it closes. While it is being switched by order,
/// that order has its turn first.
fn mend(wanted: &Wanted, mirror: &Mirror, plan: &mut Plan) {
    let mend = mirror.gate.as_ref().is_some_and(GateSeen::can_be_mended);
    if wanted.whole && wanted.gate.is_none() && mend {
        plan.close.insert(0, Command::MendGate);
    }
}

/// The dead man's switch hears of us at half time, before anything that it would switch off is switched on; and at once where it
/// would wait for too long.
fn alive(wanted: &Wanted, mirror: &Mirror, now: Timestamp, plan: &mut Plan) {
    let Some(most) = wanted.alive else {
        return;
    };
    let Some(lease) = Lease::new(most, Timestamp::MAX, now) else {
        return;
    };
    let command = Command::KeepAlive { lease };
    let Some(until) = mirror.alive_until else {
        plan.open.insert(0, command);
        return;
    };
    let half = until - most / 2;
    if until > now + most + TOLERANCE {
        plan.close.push(command);
    } else if half <= now {
        plan.open.insert(0, command);
    } else {
        plan.next = Some(plan.next.map_or(half, |next| next.min(half)));
    }
}

/// The gate is switched by order only. Opening it waits like all that opens.
fn gate(wanted: &Wanted, mirror: &Mirror, shut: bool, plan: &mut Plan) {
    let (Some(enabled), Some(seen)) = (wanted.gate, &mirror.gate) else {
        return; // not ordered, or not looked at yet
    };
    if seen.jumps == Jumps::Missing {
        plan.findings.push(Finding::NoGate);
    } else if !seen.jumps.are(enabled) && (enabled || !shut) {
        plan.gate = Some(Command::SetGate { enabled });
    }
}

/// Was what was ordered seen done? Logins that are gone cannot be given back.
#[must_use]
pub fn is_switched(wanted: &Wanted, mirror: &Mirror) -> bool {
    let gate = wanted.gate.is_none_or(|enabled| {
        let seen = mirror.gate.as_ref();
        seen.is_some_and(|seen| seen.jumps.are(enabled))
    });
    let given_back = || {
        let mut all = wanted.accounts.iter();
        all.all(|((source, name), enabled)| {
            let seen = mirror.accounts.get(name);
            seen.is_some_and(|rows| {
                let mut its = rows.iter().filter(|row| row.source == *source);
                its.all(|row| row.enabled == *enabled)
            })
        })
    };
    gate && (!wanted.observing || given_back())
}

/// A tunnel is cut at once, unless its login is still to be disabled.
fn cuts(wanted: &Wanted, plan: &mut Plan) {
    for (key, cut) in &wanted.cut {
        let disabling = plan.close.iter().any(|command| {
            matches!(command, Command::SetAccount { name, enabled: false, .. } if *name == cut.account)
        });
        let command = Command::CutTunnel {
            key: key.clone(),
            account: Arc::clone(&cut.account),
        };
        if disabling {
            plan.cut.push(command);
        } else {
            plan.close.push(command);
        }
    }
}

fn observed_permits(wanted: &Wanted, mirror: &Mirror, now: Timestamp, plan: &mut Plan) {
    for (address, permit, entry) in side_by_side(&wanted.permits, &mirror.permits) {
        let Some(entry) = entry else {
            continue;
        };
        match &entry.tag {
            PermitTag::Foreign(comment) => plan.findings.push(Finding::ForeignPermit {
                address: *address,
                comment: Arc::clone(comment),
            }),
            PermitTag::OtherInstallation(which) => {
                plan.findings
                    .push(Finding::OtherInstallation(Arc::clone(which)));
            }
            PermitTag::Ours { session, .. } => {
                let permit = permit.filter(|permit| permit.session == *session);
                let for_ever = entry.lapses_at.is_none();
                if for_ever {
                    plan.findings.push(Finding::Static(*address));
                }
                if (permit.is_none() || for_ever) && !entry.lapsed(now - LINGERS) {
                    plan.close.push(revoke(*session, *address, Some(entry)));
                } else if let Some(permit) = permit {
                    renew(*address, permit, entry, now, plan);
                }
            }
        }
    }
    // What may have been granted without our seeing it is revoked unseen.
    for address in mirror.doubts.due(now) {
        let doubted = mirror.doubts.about(address);
        let stays = wanted.permits.contains_key(address) || mirror.permits.contains_key(address);
        if let Some(doubt) = doubted.filter(|_| !stays) {
            plan.close.push(revoke(doubt.session, *address, None));
        }
    }
}

/// All keys of two maps in order, each with what either has there.
fn side_by_side<'a, K: Ord, A, B>(
    a: &'a BTreeMap<K, A>,
    b: &'a BTreeMap<K, B>,
) -> impl Iterator<Item = (&'a K, Option<&'a A>, Option<&'a B>)> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (a.peek(), b.peek()) {
            (Some((in_a, _)), Some((in_b, _))) => in_a.cmp(in_b),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let of_a = a.next_if(|_| order.is_le());
        let of_b = b.next_if(|_| order.is_ge());
        match (of_a, of_b) {
            (Some((key, a)), of_b) => Some((key, Some(a), of_b.map(|(_, b)| b))),
            (None, Some((key, b))) => Some((key, None, Some(b))),
            (None, None) => None,
        }
    })
}

fn revoke(session: SessionId, address: Prefix, entry: Option<&Entry>) -> Command {
    Command::Revoke {
        session,
        address,
        known: entry.map(|entry| Arc::clone(&entry.handle)),
    }
}

/// Renews at half time; shortens what would outlive its session.
fn renew(address: Prefix, permit: &WantedPermit, entry: &Entry, now: Timestamp, plan: &mut Plan) {
    let Some(lapses_at) = entry.lapses_at else {
        return;
    };
    let most = if permit.probing { PROBE } else { permit.lease };
    let Some(lease) = Lease::new(most, permit.expires_at, now) else {
        // Less than a second is left of the session: what would outlive it can't be shortened, only taken.
        if lapses_at > permit.expires_at + TOLERANCE {
            plan.close
                .push(revoke(permit.session, address, Some(entry)));
        }
        return;
    };
    let half = lapses_at - most / 2;
    let too_long = lapses_at > permit.expires_at + TOLERANCE;
    let lives_to_the_end = lapses_at + TOLERANCE >= permit.expires_at;
    // The probe's short lease is lengthened as soon as the second look has confirmed it.
    let probe = !permit.probing && lapses_at.since(now) <= PROBE;
    let worth_it = lease.longest(now) > lapses_at + TOLERANCE;
    if too_long || (!permit.probing && !lives_to_the_end && worth_it && (probe || half <= now)) {
        let known = Arc::clone(&entry.handle);
        let list = if too_long {
            &mut plan.close
        } else {
            &mut plan.open
        };
        list.push(Command::Renew {
            session: permit.session,
            address,
            known,
            lease,
        });
    } else if !permit.probing && !lives_to_the_end {
        let at = half.max(now + TOLERANCE);
        plan.next = Some(plan.next.map_or(at, |next| next.min(at)));
    }
}

fn missing_permit(
    address: Prefix,
    permit: &WantedPermit,
    entry: Option<&Entry>,
    now: Timestamp,
    plan: &mut Plan,
) {
    let there = entry.is_some_and(|entry| match &entry.tag {
        PermitTag::Ours { session, .. } => *session == permit.session && !entry.lapsed(now),
        // Whoever it belongs to: the backend refuses, and says whose it is.
        PermitTag::Foreign(_) | PermitTag::OtherInstallation(_) => false,
    });
    let most = if permit.probing { PROBE } else { permit.lease };
    if there {
        return;
    }
    if let Some(lease) = Lease::new(most, permit.expires_at, now) {
        plan.open.push(Command::Permit {
            session: permit.session,
            address,
            lease,
        });
    }
}

/// Ban entries live under a lease like permits, and go with their tunnel.
fn bans(wanted: &Wanted, mirror: &Mirror, now: Timestamp, plan: &mut Plan) {
    const LEASE: Duration = Duration::from_secs(600);
    for (address, session) in &wanted.bans {
        let entry = mirror.bans.get(address);
        let enough =
            entry.is_some_and(|entry| entry.lapses_at.is_none_or(|at| at.since(now) > LEASE / 2));
        let lease = Lease::new(LEASE, Timestamp::MAX, now).filter(|_| !enough);
        if let Some(lease) = lease {
            plan.close.push(Command::Ban {
                session: *session,
                address: *address,
                lease,
            });
        }
    }
    for (address, entry) in &mirror.bans {
        let ours = matches!(entry.tag, PermitTag::Ours { .. });
        if ours && !wanted.bans.contains_key(address) && !entry.lapsed(now) {
            let known = Some(Arc::clone(&entry.handle));
            plan.open.push(Command::Unban {
                address: *address,
                known,
            });
        }
    }
}

/// More open than wanted is closed; more closed than wanted is opened once per request, else respected.
fn accounts(wanted: &Wanted, mirror: &Mirror, shut: bool, plan: &mut Plan) {
    for ((source, name), open) in &wanted.accounts {
        let Some(rows) = mirror.accounts.get(name) else {
            continue; // not looked at yet
        };
        let Some(row) = rows.iter().find(|row| row.source == *source) else {
            plan.findings.push(Finding::AccountGone(Arc::clone(name)));
            continue;
        };
        let twin = rows.iter().any(|other| other.source != *source);
        if twin {
            plan.findings.push(Finding::SameName(Arc::clone(name)));
        }
        let set = |enabled| Command::SetAccount {
            source: *source,
            name: Arc::clone(name),
            enabled,
        };
        let once = wanted.enabling.contains(&(*source, Arc::clone(name)));
        match (row.enabled, *open) {
            (true, false) => plan.close.push(set(false)),
            (false, true) if once => {
                if !shut && !twin {
                    plan.open.push(set(true));
                }
            }
            (false, true) if wanted.unheard => {
                plan.findings.push(Finding::ShutByRouter(Arc::clone(name)));
            }
            (false, true) => plan
                .findings
                .push(Finding::DisabledByHand(Arc::clone(name))),
            (true, true) | (false, false) => {}
        }
    }
}

fn rules(wanted: &Wanted, mirror: &Mirror, shut: bool, plan: &mut Plan) {
    if mirror.rules_at.is_none() {
        return;
    }
    for (comment, open) in &wanted.rules {
        let mut fitting = mirror.rules.iter().filter(|rule| rule.comment == *comment);
        let rule = match (fitting.next(), fitting.next()) {
            (Some(rule), None) => rule,
            (Some(_), Some(_)) => {
                plan.findings
                    .push(Finding::RuleAmbiguous(Arc::clone(comment)));
                continue;
            }
            (None, _) => {
                plan.findings.push(missing_rule(comment, mirror));
                continue;
            }
        };
        plan.findings.extend(moved_rule(rule, mirror));
        let set = |enabled| Command::SetRule {
            comment: Arc::clone(comment),
            known: Some(Arc::clone(&rule.handle)),
            enabled,
        };
        match (rule.enabled, *open) {
            (true, false) => plan.close.push(set(false)),
            (false, true) if wanted.enabling_rules.contains(comment) => {
                if !shut {
                    plan.open.push(set(true));
                }
            }
            (false, true) if wanted.unheard => plan
                .findings
                .push(Finding::RuleShutByRouter(Arc::clone(comment))),
            (false, true) => plan
                .findings
                .push(Finding::RuleDisabledByHand(Arc::clone(comment))),
            (true, true) | (false, false) => {}
        }
    }
}

/// No rule has this comment: one that had it may have another now.
fn missing_rule(comment: &Text, mirror: &Mirror) -> Finding {
    let known = mirror.rule_places.get(comment);
    let renamed = known.and_then(|(handle, _)| {
        let mut rules = mirror.rules.iter();
        rules.find(|rule| rule.handle == *handle)
    });
    renamed.map_or_else(
        || Finding::RuleGone(Arc::clone(comment)),
        |rule| Finding::RuleRenamed {
            was: Arc::clone(comment),
            now: Arc::clone(&rule.comment),
        },
    )
}

fn moved_rule(rule: &RuleRow, mirror: &Mirror) -> Option<Finding> {
    let (_, from) = mirror.rule_places.get(&rule.comment)?;
    let (from, to) = from.zip(rule.place).filter(|(from, to)| from != to)?;
    Some(Finding::RuleMoved {
        comment: Arc::clone(&rule.comment),
        from,
        to,
    })
}
