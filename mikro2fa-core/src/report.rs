//! What observe mode found: who would have been stopped on a router, when and why. Pure: made from the audit log.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    audit::{AuditEntry, AuditKind},
    id::{AccountId, SessionId},
    session::{EndReason, StateName},
    time::Timestamp,
    tunnel::{Caller, Text},
};

/// How the verdict on a tunnel without a session begins in the log where nothing was done to it.
pub(crate) const WOULD: &str = "would have been ";

/// What would have become of a tunnel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It would have been kept in quarantine.
    Held,
    /// It would have been cut.
    Cut,
}

/// Somebody who would have been stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Stopped {
    /// When.
    pub at: Timestamp,
    /// Whose login, if the desk knows it.
    pub account: Option<AccountId>,
    /// The login's name as the tunnel gave it; none where the account says it.
    pub login: Option<Text>,
    /// The session that ended; none where there was none.
    pub session: Option<SessionId>,
    /// From where it came, if that was written down.
    pub caller: Option<Caller>,
    /// What would have become of it.
    pub what: Stop,
    /// Why.
    pub why: Text,
}

/// What observe mode found on a router.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Who would have been stopped, in the order in which it happened.
    pub stopped: Vec<Stopped>,
    /// How many questions were put while nothing was held.
    pub asked: usize,
    /// How many tunnels were confirmed, or open by policy: they would have been let through.
    pub confirmed: usize,
    /// How many different accounts would have been stopped at least once.
    pub accounts: usize,
}

impl Report {
    /// Of a router's entries of the audit log, the oldest first.
    #[must_use]
    pub fn of<'a>(log: impl IntoIterator<Item = &'a AuditEntry>) -> Self {
        let mut report = Self::default();
        let mut sessions = Sessions::default();
        for entry in log {
            report.take(entry, &mut sessions);
        }
        let accounts: BTreeSet<_> = report
            .stopped
            .iter()
            .map(|stopped| (stopped.account, stopped.login.clone()))
            .collect();
        report.accounts = accounts.len();
        report
    }

    fn take(&mut self, entry: &AuditEntry, sessions: &mut Sessions) {
        match &entry.what {
            AuditKind::Judged {
                account, verdict, ..
            } => {
                let Some((what, why)) = would_be(verdict) else {
                    return;
                };
                self.stopped.push(Stopped {
                    at: entry.at,
                    account: entry.account,
                    login: Some(Text::clone(account)),
                    session: None,
                    caller: None,
                    what,
                    why: why.into(),
                });
            }
            AuditKind::Challenged { caller, .. } => {
                self.asked += 1;
                sessions.asked(entry.session, caller.as_ref());
            }
            AuditKind::Transition {
                to: StateName::Opening,
                ..
            }
            | AuditKind::SessionOpened {
                state: StateName::Opening,
            } => sessions.opened(entry.session),
            AuditKind::Ended {
                reason,
                trial: true,
                ..
            } => {
                let known = sessions.over(entry.session);
                self.confirmed += usize::from(known.opened);
                let had_tunnel = known.had_tunnel() || implies_tunnel(*reason);
                let Some(what) = stop(*reason).filter(|_| had_tunnel) else {
                    return;
                };
                self.stopped.push(Stopped {
                    at: entry.at,
                    account: entry.account,
                    login: None,
                    session: entry.session,
                    caller: known.caller,
                    what,
                    why: reason.name().replace('_', " ").into(),
                });
            }
            _ => {}
        }
    }
}

/// What the log said of sessions that are not over.
#[derive(Default)]
struct Sessions(std::collections::BTreeMap<SessionId, Known>);

#[derive(Default)]
struct Known {
    asked: bool,
    opened: bool,
    caller: Option<Caller>,
}

impl Known {
    const fn had_tunnel(&self) -> bool {
        self.asked || self.opened
    }
}

impl Sessions {
    fn asked(&mut self, session: Option<SessionId>, caller: Option<&Caller>) {
        if let Some(session) = session {
            let known = self.0.entry(session).or_default();
            known.asked = true;
            known.caller = caller.cloned();
        }
    }

    fn opened(&mut self, session: Option<SessionId>) {
        if let Some(session) = session {
            self.0.entry(session).or_default().opened = true;
        }
    }

    fn over(&mut self, session: Option<SessionId>) -> Known {
        session
            .and_then(|session| self.0.remove(&session))
            .unwrap_or_default()
    }
}

/// Reads a verdict that nothing was done about.
fn would_be(verdict: &str) -> Option<(Stop, &str)> {
    let rest = verdict.strip_prefix(WOULD)?;
    let (what, why) = rest.split_once(": ")?;
    match what {
        "held" => Some((Stop::Held, why)),
        "cut" => Some((Stop::Cut, why)),
        _ => None,
    }
}

/// What the end of a session does to its tunnel; nothing where the tunnel had gone by itself, or had never come.
const fn stop(reason: EndReason) -> Option<Stop> {
    match reason {
        EndReason::NeverConnected | EndReason::TunnelGone | EndReason::Replaced => None,
        reason if reason.cuts() => Some(Stop::Cut),
        _ => Some(Stop::Held),
    }
}

/// What began before the log that is looked at: only a tunnel can have ended so.
const fn implies_tunnel(reason: EndReason) -> bool {
    matches!(
        reason,
        EndReason::Denied
            | EndReason::Unanswered
            | EndReason::Undeliverable
            | EndReason::Unrequested
            | EndReason::Expired
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{ChallengeId, RouterId},
        session::Actor,
        tunnel::{TunnelKey, TunnelSource},
    };

    fn entry(second: i64, session: Option<u128>, what: AuditKind) -> AuditEntry {
        AuditEntry {
            at: Timestamp(second * 1_000),
            session: session.map(|id| SessionId::from_uuid(uuid::Uuid::from_u128(id))),
            router: None,
            account: Some(AccountId::from_uuid(uuid::Uuid::from_u128(7))),
            what,
        }
    }

    fn key() -> TunnelKey {
        TunnelKey {
            router: RouterId::from_uuid(uuid::Uuid::from_u128(1)),
            source: TunnelSource::Ppp,
            handle: "*1".into(),
            nonce: None,
        }
    }

    fn asked(session: u128) -> AuditEntry {
        let what = AuditKind::Challenged {
            challenge: ChallengeId::from_uuid(uuid::Uuid::from_u128(9)),
            tunnel: key(),
            caller: Some(Caller::parse("203.0.113.7")),
        };
        entry(1, Some(session), what)
    }

    fn ended(session: u128, reason: EndReason, trial: bool) -> AuditEntry {
        let what = AuditKind::Ended {
            reason,
            actor: Actor::Policy,
            trial,
        };
        entry(2, Some(session), what)
    }

    fn judged(verdict: &str) -> AuditEntry {
        let what = AuditKind::Judged {
            tunnel: key(),
            account: "guest".into(),
            verdict: verdict.into(),
        };
        entry(3, None, what)
    }

    fn stops(log: &[AuditEntry]) -> Vec<(Stop, String)> {
        let report = Report::of(log);
        let stops = report.stopped.iter();
        stops.map(|it| (it.what, it.why.to_string())).collect()
    }

    #[test]
    fn who_was_not_confirmed_would_have_been_held() {
        let log = [asked(1), ended(1, EndReason::Unanswered, true)];
        assert_eq!(stops(&log), [(Stop::Held, "unanswered".to_owned())]);
        let report = Report::of(&log);
        assert_eq!((report.asked, report.confirmed, report.accounts), (1, 0, 1));
        let caller = report.stopped.first().and_then(|it| it.caller.clone());
        assert_eq!(caller, Some(Caller::parse("203.0.113.7")));
    }

    #[test]
    fn who_was_confirmed_would_have_been_cut_at_the_end() {
        let opened = AuditKind::Transition {
            from: StateName::Challenged,
            to: StateName::Opening,
            actor: Actor::Policy,
        };
        let log = [
            asked(1),
            entry(1, Some(1), opened),
            ended(1, EndReason::Expired, true),
        ];
        assert_eq!(stops(&log), [(Stop::Cut, "expired".to_owned())]);
        assert_eq!(Report::of(&log).confirmed, 1);
    }

    #[test]
    fn what_really_happened_is_no_part_of_it() {
        let log = [
            asked(1),
            ended(1, EndReason::Unanswered, false),
            judged("held: unowned"),
            judged("cut: from before"),
        ];
        assert_eq!(stops(&log), []);
    }

    #[test]
    fn a_tunnel_without_a_session_is_reported_by_its_name() {
        let report = Report::of(&[judged("would have been held: unowned")]);
        let stopped = report.stopped.first().expect("one");
        assert_eq!(stopped.login.as_deref(), Some("guest"));
        assert_eq!((stopped.what, &*stopped.why), (Stop::Held, "unowned"));
        let cut = [judged("would have been cut: banned")];
        assert_eq!(stops(&cut), [(Stop::Cut, "banned".to_owned())]);
    }

    #[test]
    fn what_had_no_tunnel_could_not_be_stopped() {
        let log = [
            ended(1, EndReason::EndedByOperator, true),
            asked(2),
            ended(2, EndReason::TunnelGone, true),
        ];
        assert_eq!(stops(&log), []);
    }
}
