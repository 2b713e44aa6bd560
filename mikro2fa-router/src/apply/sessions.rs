//! Having the User Manager end what is left of a login's sessions: clean-up, on which nothing depends.
//!
//! It works only where the router listens to its RADIUS server on the port that the User Manager sends to (MikroTik manual,
//! *RADIUS*, *User Manager*), which by the defaults it does not; so that is looked at first. And whether a session has ended, only
//! PPP says.

use std::net::IpAddr;

use mikro2fa_core::{router_backend::Applied, time::Timestamp, tunnel::Text};

use super::{Context, Errand, Words, ended, impossible};
use crate::{
    handle::Id,
    transport::{Answer, End, No},
    user_manager::{self, Record, UserManager},
};

/// Looks for live records, at both ends of the way, and closes.
pub(super) struct Close<'a> {
    users: UserManager,
    account: &'a Text,
    address: IpAddr,
    step: Step,
}

enum Step {
    Find,
    Incoming(Vec<Record>),
    Routers(Vec<Record>, u64),
    Close(Vec<Id>),
}

impl<'a> Close<'a> {
    pub(super) fn new(
        context: &Context<'_>,
        account: &'a Text,
        address: IpAddr,
    ) -> Result<Self, Applied> {
        // Nobody keeps a record of it then.
        let users = context.user_manager.ok_or(Applied::AlreadySo)?;
        Ok(Self {
            users,
            account,
            address,
            step: Step::Find,
        })
    }

    fn found(&mut self, answer: &Answer) -> Option<Applied> {
        let rows = answer.rows.iter();
        let records: Vec<Record> = rows
            .filter_map(|row| self.users.record(row, self.address))
            .collect();
        if records.is_empty() {
            return Some(Applied::AlreadySo);
        }
        self.step = Step::Incoming(records);
        None
    }

    fn incoming(&mut self, records: Vec<Record>, answer: &Answer) -> Option<Applied> {
        let Some(port) = answer.rows.get(0).and_then(user_manager::listens_on) else {
            return Some(impossible(
                "the router does not listen to its User Manager: /radius/incoming accept=no",
            ));
        };
        self.step = Step::Routers(records, port);
        None
    }

    fn routers(&mut self, records: &[Record], port: u64, answer: &Answer) -> Option<Applied> {
        let reached = |record: &&Record| {
            let mut rows = answer.rows.iter();
            rows.any(|row| self.users.sends_to(row, record.router) == Some(port))
        };
        let ids: Vec<Id> = records
            .iter()
            .filter(reached)
            .map(|record| record.id.clone())
            .collect();
        if ids.is_empty() {
            return Some(impossible(format!(
                "the User Manager does not send to the port on which the router listens, {port}"
            )));
        }
        self.step = Step::Close(ids);
        None
    }
}

impl Errand for Close<'_> {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        Some(Words::Alone(match &self.step {
            Step::Find => self.users.print_sessions(self.account),
            Step::Incoming(_) => user_manager::print_incoming(),
            Step::Routers(..) => self.users.print_routers(),
            Step::Close(ids) => self.users.close_session(ids),
        }))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        let step = std::mem::replace(&mut self.step, Step::Find);
        match (step, &answer.end) {
            (Step::Find, End::Done { .. }) => self.found(answer),
            (Step::Incoming(records), End::Done { .. }) => self.incoming(records, answer),
            (Step::Routers(records, port), End::Done { .. }) => {
                self.routers(&records, port, answer)
            }
            (Step::Close(_), End::Refused(no)) if no.kind == No::Gone => Some(Applied::AlreadySo),
            (step, end) => Some(ended(end, matches!(step, Step::Close(_)))),
        }
    }
}
