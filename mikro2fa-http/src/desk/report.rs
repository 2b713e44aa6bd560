//! What observe mode found on a router, with names.

use std::collections::BTreeMap;

use mikro2fa_core::{
    desk::{Mode, Router},
    directory::PageOf,
    id::{AccountId, SessionId},
    policy::{Outage, Policy, PolicyOverride, Resume, Unowned},
    report::{Report, Stop},
    time::Timestamp,
    tunnel::Text,
};
use serde::Serialize;

use super::{Desk, DeskError};

/// The report on a router.
#[derive(Debug, Serialize)]
pub(crate) struct ReportView {
    pub(crate) router: Text,
    pub(crate) mode: Mode,
    /// What weakens the gate there whatever it found.
    pub(crate) weakenings: Vec<&'static str>,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) asked: usize,
    pub(crate) confirmed: usize,
    pub(crate) accounts: usize,
    pub(crate) stopped: Vec<Line>,
}

/// Somebody who would have been stopped.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) account: Text,
    pub(crate) owner: Option<Text>,
    pub(crate) caller: Option<String>,
    pub(crate) would_have_been: Stop,
    pub(crate) why: Text,
    pub(crate) session: Option<SessionId>,
}

/// What a policy gives up, said wherever it is shown.
pub(crate) fn weakened(policy: &Policy) -> Vec<&'static str> {
    let mut found = Vec::new();
    if policy.outage == Outage::KeepConfirmed {
        found.push(
            "outage keep_confirmed: while mikro2fa is away nobody can close a confirmed tunnel before its session ends",
        );
    }
    if !policy.require_confirmation {
        found.push("require_confirmation off: tunnels open without a question");
    }
    if policy.resume == Resume::AnyCaller {
        found.push(
            "resume any_caller: everybody behind one address counts as the one who was confirmed",
        );
    }
    found
}

/// What a router's policy and gates give up.
pub(crate) fn weakenings(system: &PolicyOverride, router: &Router) -> Vec<&'static str> {
    let mut found = weakened(&Policy::resolve([system, &router.policy]));
    if !router.gates.address_list {
        found.push("no address-list gate: a tunnel is held only while mikro2fa lives");
    }
    if router.unowned == Unowned::Pass && router.mode == Mode::Observing {
        found.push("unowned pass: tunnels that nobody owns are let through as long as the router is only observed");
    }
    found
}

impl Desk<'_> {
    /// Who would have been stopped on a router since then, when and why.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn report(
        &self,
        router: &Router,
        since: Timestamp,
    ) -> Result<ReportView, DeskError> {
        let (mut log, mut after) = (Vec::new(), None);
        loop {
            let place = PageOf { after, limit: 500 };
            let page = self
                .directory
                .router_audit(router.id, since, &place)
                .await?;
            log.extend(page.rows.into_iter().map(|row| row.entry));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        log.reverse();
        let report = Report::of(&log);
        let names = self.names().await?;
        let stopped = report.stopped.into_iter().map(|stopped| {
            let known = stopped.account.and_then(|account| names.get(&account));
            Line {
                at: stopped.at,
                account: stopped
                    .login
                    .or_else(|| known.map(|(name, _)| Text::clone(name)))
                    .unwrap_or_else(|| "(forgotten)".into()),
                owner: known.and_then(|(_, owner)| owner.clone()),
                caller: stopped.caller.map(|caller| caller.to_string()),
                would_have_been: stopped.what,
                why: stopped.why,
                session: stopped.session,
            }
        });
        Ok(ReportView {
            router: Text::clone(&router.name),
            mode: router.mode,
            weakenings: self.weakenings(router).await?,
            since,
            until: self.now,
            asked: report.asked,
            confirmed: report.confirmed,
            accounts: report.accounts,
            stopped: stopped.collect(),
        })
    }

    /// What policy gives up on this router, said wherever its policy is shown.
    ///
    /// # Errors
    ///
    /// Of the database.
    pub(crate) async fn weakenings(&self, router: &Router) -> Result<Vec<&'static str>, DeskError> {
        let system = self.directory.system_policy().await?;
        Ok(weakenings(&system, router))
    }

    /// Accounts and their owners by name.
    async fn names(&self) -> Result<BTreeMap<AccountId, (Text, Option<Text>)>, DeskError> {
        let users: BTreeMap<_, _> = self
            .users()
            .await?
            .into_iter()
            .map(|user| (user.id, user.name))
            .collect();
        let accounts = self.accounts().await?;
        let named = accounts.into_iter().map(|account| {
            let owner = account.owner.and_then(|owner| users.get(&owner).cloned());
            (account.id, (account.name, owner))
        });
        Ok(named.collect())
    }
}
