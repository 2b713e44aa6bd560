//! What must always hold: the six properties, by what is durable and by packets through the router's gate.
//!
//! | property | where it is looked at | what is allowed, and why |
//! | --- | --- | --- |
//! | 1, 4: nothing passes but the tunnel of a session that is durably open; nobody rides on another's permit | [`gate`], after everything that happens | as long as a fault that was put in explains it (see [`Wrong`]); without hints, until the next poll |
//! | 2: proof of confirmation | [`durable`], at every commit | nothing |
//! | 3: nothing outlives its session | [`gate`]: every entry's own time-out | the delay of a command that was carried out late |
//! | 5: applied twice is applied once | the end of each history, `calm` | renewals |
//! | 6: every change has its audit entry in the same commit | [`durable`], at every commit | nothing |
//! | nothing is granted that is not durable | [`sent`], at every command | nothing |

use std::{net::IpAddr, time::Duration};

use mikro2fa_core::{
    audit::AuditKind,
    ban::BanScope,
    desk::Mode,
    policy::{Outage, Resume},
    router_backend::{Command, PermitRow, PermitTag, Prefix},
    session::{Answer, Asked, Session, SessionState},
    store::{BanChange, Commit},
    testing::{Line, MemoryRouter},
    time::Timestamp,
    tunnel::{Caller, Text},
};

use crate::truth::{Inner, Truth};

mod proof;

pub(crate) use proof::durable;

/// Something on the router that is more open than it should be.
///
/// It must not be there at all, unless one of these explains it; then it must be gone when that is over:
///
/// * the engine is dead, or the router away and for the 37.5 s until it is tried again;
/// * a command was lost, refused or late, or a look failed: until it is tried again, at most a poll later, or looked
///   for again, 62 s later;
/// * the router paused in the middle: for so long;
/// * no hints come: until the next poll;
/// * the gate was broken by hand: until it is looked at, within a minute. From then on nothing that was not confirmed passes by
///   it: it is mended, or what is not confirmed is cut.
///
/// Even so a permit lives only as long as the lease that was written, see [`gate`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A packet of this client passes.
    Passes(Line),
    /// An address is on the permit list for which no session is open.
    Permitted(Prefix),
    /// A bound rule counts.
    Rule(Text),
    /// A handed-over login is enabled.
    Account(Text),
}

/// A command is about to be sent: what opens must have a durable session behind it.
pub(crate) fn sent(truth: &Truth, command: &Command) {
    let now = truth.now();
    let mut inner = truth.lock();
    if !matches!(
        command,
        Command::Renew { .. } | Command::KeepAlive { .. } | Command::Ban { .. }
    ) {
        inner.commands += 1;
        inner.last_command = format!("{command:?}");
    }
    if !command.opens() {
        return;
    }
    if inner.untrusted {
        inner.break_it(
            now,
            format!("opened with a clock that is not trusted: {command:?}"),
        );
    }
    let wrong = match command {
        Command::Permit {
            session,
            address,
            lease,
        }
        | Command::Renew {
            session,
            address,
            lease,
            ..
        } => {
            match inner
                .sessions
                .get(session)
                .and_then(|s| s.lets_through(now).map(|l| (s, l)))
            {
                None => Some("no durable session lets it through"),
                Some((_, (_, until))) if lease.longest(now) > until => {
                    Some("it outlives its session")
                }
                Some((session, _))
                    if matches!(session.state, SessionState::Opening { .. })
                        && lease.seconds_at(now) > Some(30) =>
                {
                    Some("a probe may live for 30 s")
                }
                Some((_, (tunnel, _))) => {
                    let own = tunnel.addresses.v4.map(|ip| Prefix::host(ip.into()));
                    let line = inner
                        .line_of(tunnel)
                        .and_then(|line| inner.lines.get(&line));
                    let late = line.and_then(|line| line.address).map(Prefix::host);
                    (own.or(late) != Some(*address)).then_some("not its tunnel's address")
                }
            }
        }
        Command::SetAccount { name, .. } => {
            (!inner.wants_account(name)).then_some("no session of this account is open")
        }
        Command::SetRule { .. } => (!inner
            .sessions
            .values()
            .any(|s| s.lets_through(now).is_some()))
        .then_some("no session is confirmed"),
        _ => None,
    };
    if let Some(why) = wrong {
        inner.break_it(now, format!("{command:?} was sent: {why}"));
    }
}

impl Inner {
    /// Is a session of this account open? Accounts of one site differ in their tunnels' names only.
    fn wants_account(&self, name: &str) -> bool {
        self.sessions.values().any(|session| {
            session.is_open()
                && self
                    .names
                    .get(&session.account.to_string())
                    .is_some_and(|n| n == name)
        })
    }
}

/// Looks at the whole router: does anything pass that should not?
pub(crate) fn gate(truth: &Truth, router: &MemoryRouter, mode: Mode) {
    let now = truth.now();
    know_lines(truth, router, now);
    let mut wrong = Vec::new();
    if mode == Mode::Enforcing && !truth.settings.weak {
        for live in router.lines() {
            let passes = router.passes(live.line);
            if passes && !is_justified(truth, live.line, live.address.map(IpAddr::V4), now) {
                wrong.push(Wrong::Passes(live.line));
            }
        }
    }
    for row in router.permits() {
        wrong.extend(entry(truth, &row, now));
    }
    if truth.settings.rule && mode == Mode::Enforcing {
        wrong.extend(rules(truth, router, now));
    }
    if truth.settings.handed_over && mode == Mode::Enforcing {
        wrong.extend(accounts(truth, router));
    }
    judge(truth, &wrong, now);
    one_question(truth, now);
}

/// Lines that came and went since the last time.
pub(crate) fn know_lines(truth: &Truth, router: &MemoryRouter, now: Timestamp) {
    let live = router.lines();
    let mut inner = truth.lock();
    for line in &live {
        if let Some(known) = inner.lines.get_mut(&line.line) {
            known.address = line.address.map(IpAddr::V4);
        }
    }
    for (line, known) in &mut inner.lines {
        if known.gone_at.is_none() && !live.iter().any(|l| l.line == *line) {
            known.gone_at = Some(now);
        }
    }
}

fn is_justified(truth: &Truth, line: Line, address: Option<IpAddr>, now: Timestamp) -> bool {
    let inner = truth.lock();
    address.is_some_and(|address| inner.foreign.contains(&address))
        || inner.sessions.values().any(|session| {
            session
                .lets_through(now)
                .is_some_and(|(tunnel, _)| inner.line_of(tunnel) == Some(line))
        })
}

/// An entry of ours: it never lives for ever, never past its session, and never longer than its lease.
fn entry(truth: &Truth, row: &PermitRow, now: Timestamp) -> Option<Wrong> {
    let PermitTag::Ours { session, .. } = &row.tag else {
        return None;
    };
    let mut inner = truth.lock();
    let Some(left) = row.left else {
        inner.break_it(now, format!("a permit without a time-out: {row:?}"));
        return None;
    };
    let late = inner.late_most;
    let open = inner
        .sessions
        .get(session)
        .and_then(|s| s.lets_through(now).map(|(_, until)| until));
    let policy = &truth.settings.resolved;
    let longest = if policy.outage == Outage::KeepConfirmed {
        policy.max_total
    } else {
        policy.lease
    };
    if left > longest.max(Duration::from_secs(600)) {
        inner.break_it(now, format!("longer than any lease: {row:?}"));
    }
    match open {
        Some(until) if now + left > until + late => {
            inner.break_it(
                now,
                format!("a permit outlives its session: {row:?}, which ends at {until:?}"),
            );
            None
        }
        Some(_) => None,
        None => Some(Wrong::Permitted(row.address)),
    }
}

/// A bound rule counts only while its account has one confirmed tunnel, and no other.
fn rules(truth: &Truth, router: &MemoryRouter, now: Timestamp) -> Option<Wrong> {
    let rules = router.rules();
    let rule = rules
        .iter()
        .find(|rule| rule.enabled && &*rule.comment == crate::world::RULE)?;
    let inner = truth.lock();
    let confirmed: Vec<Option<Line>> = inner
        .sessions
        .values()
        .filter_map(|session| session.lets_through(now))
        .filter(|(tunnel, _)| &*tunnel.account == "ann")
        .map(|(tunnel, _)| inner.line_of(tunnel))
        .collect();
    let live: Vec<Line> = router
        .lines()
        .iter()
        .filter(|l| &*l.account == "ann")
        .map(|l| l.line)
        .collect();
    let strangers = live.iter().any(|line| !confirmed.contains(&Some(*line)));
    (confirmed.is_empty() || strangers).then(|| Wrong::Rule(rule.comment.clone()))
}

/// A handed-over login is enabled only while a session of its account is open.
fn accounts(truth: &Truth, router: &MemoryRouter) -> Option<Wrong> {
    let row = router
        .accounts()
        .into_iter()
        .find(|row| &*row.name == "cid" && row.enabled)?;
    (!truth.lock().wants_account("cid")).then_some(Wrong::Account(row.name))
}

/// Is there an excuse for what is wrong?
fn judge(truth: &Truth, wrong: &[Wrong], now: Timestamp) {
    let poll = truth.settings.poll();
    let mut inner = truth.lock();
    inner.wrong.retain(|known, _| wrong.contains(known));
    for what in wrong {
        let since = *inner.wrong.entry(what.clone()).or_insert(now);
        let gate = matches!(what, Wrong::Passes(_)) && now <= inner.gate_bad_until;
        let excused = !inner.alive || now <= inner.excused_until || gate;
        // Nothing says that a login or a rule was changed by hand: found by the next poll.
        let unhinted =
            matches!(what, Wrong::Account(_) | Wrong::Rule(_)) || now <= inner.hints_bad_until;
        let in_time = unhinted && now.since(since) <= poll + Duration::from_millis(1_500);
        if !excused && !in_time {
            let known = match what {
                Wrong::Passes(line) => format!("{:?}", inner.lines.get(line)),
                _ => String::new(),
            };
            inner.break_it(
                now,
                format!("{what:?} since {since:?}, and nothing explains it: {known}"),
            );
        }
    }
}

/// At most one open question an account; and no account is asked about more often than it may.
fn one_question(truth: &Truth, now: Timestamp) {
    let mut inner = truth.lock();
    let mut asked: Vec<_> = inner
        .sessions
        .values()
        .filter(|session| matches!(session.state, SessionState::Challenged { .. }))
        .map(|session| session.account)
        .collect();
    let all = asked.len();
    asked.sort();
    asked.dedup();
    if asked.len() < all {
        inner.break_it(now, "two open questions about one account".to_owned());
    }
}

/// The state's name is in the audit log's words.
fn is_alike(a: Option<&Caller>, b: Option<&Caller>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a == b)
}
