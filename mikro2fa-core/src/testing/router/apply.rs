//! What each command does to the router.

use std::time::Duration;

use super::{
    faults::CommandFault,
    model::{List, Model},
};
use crate::{
    desk::SourceKind,
    id::SessionId,
    retry::Retry,
    router_backend::{Applied, Command, Lease, PermitTag, Prefix},
    time::Timestamp,
    tunnel::{Text, TunnelKey},
};

/// A command as it went on the wire: its lease is a number of seconds by then.
#[derive(Clone, Debug)]
pub(super) struct Written {
    command: Command,
    epoch: u64,
    lease: Option<Duration>,
}

impl Model {
    /// Writes one command at `now`, and says what is known of it afterwards.
    pub(super) fn write(&mut self, command: &Command, epoch: u64, now: Timestamp) -> Applied {
        let Some(written) = Written::new(command, epoch, now) else {
            return Applied::NotSent;
        };
        match self.faults.of(command) {
            None => self.run(&written, now),
            Some(CommandFault::LostReply) => {
                self.run(&written, now);
                Applied::Unknown
            }
            Some(CommandFault::Late(delay)) => {
                self.late.push((now + delay, written));
                Applied::Unknown
            }
            Some(CommandFault::LostCommand) => Applied::Unknown,
            Some(CommandFault::Refused { reason, retry }) => Applied::Refused { reason, retry },
        }
    }

    pub(super) fn run(&mut self, written: &Written, now: Timestamp) -> Applied {
        self.ran.push((now, written.command.clone()));
        match &written.command {
            Command::Revoke { address, .. } => remove_ours(&mut self.permits, *address),
            Command::Unban { address, .. } => remove_ours(&mut self.bans, *address),
            Command::CutTunnel { key, account } => self.cut(key, account),
            Command::MendGate => changed(self.mend_gate()),
            Command::ForgetConnections { address } => changed(self.tracked.remove(address)),
            // Records of sessions are not kept here.
            Command::CloseSessions { .. } => Applied::AlreadySo,
            Command::SetAccount {
                source,
                name,
                enabled,
            } => self.set_account(*source, name, *enabled),
            Command::SetRule {
                comment, enabled, ..
            } => self.set_rule(comment, *enabled),
            Command::SetGate { enabled } => self.set_gate(*enabled),
            Command::KeepAlive { .. } => {
                self.alive_until = written.lease.map(|lease| now + lease);
                Applied::Done { handle: None }
            }
            Command::Permit {
                session, address, ..
            } => {
                let handle = self.next_handle();
                put_ours(&mut self.permits, handle, *session, *address, written, now)
            }
            Command::Ban {
                session, address, ..
            } => {
                let handle = self.next_handle();
                put_ours(&mut self.bans, handle, *session, *address, written, now)
            }
            Command::Renew {
                session,
                address,
                known,
                ..
            } => self.renew(*session, *address, known, written, now),
        }
    }

    fn cut(&mut self, key: &TunnelKey, account: &str) -> Applied {
        let line = self.find(key).filter(|line| {
            self.tunnels
                .get(line)
                .is_some_and(|live| &*live.account == account)
        });
        let cut = line.is_some_and(|line| self.tunnels.remove(&line).is_some());
        if cut {
            self.hint(crate::router_backend::Hint::Tunnels);
        }
        changed(cut)
    }

    fn set_account(&mut self, source: SourceKind, name: &str, enabled: bool) -> Applied {
        let mut accounts = self.accounts.values_mut();
        let account = accounts.find(|account| account.source == source && &*account.name == name);
        account.map_or_else(
            || refused("no such account"),
            |account| changed(std::mem::replace(&mut account.enabled, enabled) != enabled),
        )
    }

    fn set_gate(&mut self, enabled: bool) -> Applied {
        if self.unprepared {
            return refused("its jumps are not there");
        }
        changed(std::mem::replace(&mut self.gate, enabled) != enabled)
    }

    fn set_rule(&mut self, comment: &str, enabled: bool) -> Applied {
        let handles: Vec<Text> = self
            .marked_rules()
            .into_iter()
            .filter(|rule| &*rule.comment == comment)
            .map(|rule| rule.handle)
            .collect();
        let [handle] = handles.as_slice() else {
            return if handles.is_empty() {
                refused("no rule with this comment")
            } else {
                refused("several rules with this comment")
            };
        };
        let mut rules = self.rules.iter_mut();
        let rule = rules.find(|rule| rule.handle == *handle);
        changed(rule.is_some_and(|rule| std::mem::replace(&mut rule.enabled, enabled) != enabled))
    }

    fn renew(
        &mut self,
        session: SessionId,
        address: Prefix,
        known: &Text,
        written: &Written,
        now: Timestamp,
    ) -> Applied {
        let mut entries = self.permits.0.iter_mut();
        let entry = entries.find(|entry| {
            let its_own =
                matches!(entry.tag, PermitTag::Ours { session: its, .. } if its == session);
            entry.handle == *known && entry.address == address && its_own
        });
        let Some(entry) = entry else {
            return Applied::Refused {
                reason: "no such item".into(),
                retry: Retry::Now,
            };
        };
        entry.until = written.lease.map(|lease| now + lease);
        Applied::Done { handle: None }
    }
}

impl Written {
    /// Computes the lease; none if it would be below a second, and then nothing is written.
    fn new(command: &Command, epoch: u64, now: Timestamp) -> Option<Self> {
        let lease = match command {
            Command::Permit { lease, .. }
            | Command::Renew { lease, .. }
            | Command::KeepAlive { lease }
            | Command::Ban { lease, .. } => Some(seconds(lease, now)?),
            _ => None,
        };
        Some(Self {
            command: command.clone(),
            epoch,
            lease,
        })
    }
}

fn seconds(lease: &Lease, now: Timestamp) -> Option<Duration> {
    lease.seconds_at(now).map(Duration::from_secs)
}

const fn changed(changed: bool) -> Applied {
    if changed {
        Applied::Done { handle: None }
    } else {
        Applied::AlreadySo
    }
}

fn refused(reason: &str) -> Applied {
    Applied::Refused {
        reason: reason.into(),
        retry: Retry::Never,
    }
}

const fn is_ours(tag: &PermitTag) -> bool {
    matches!(tag, PermitTag::Ours { .. })
}

fn remove_ours(list: &mut List, address: Prefix) -> Applied {
    let before = list.0.len();
    list.0
        .retain(|entry| entry.address != address || !is_ours(&entry.tag));
    changed(list.0.len() < before)
}

/// Replaces what is ours; what is somebody else's stands in the way (RouterOS: `already have such entry`).
fn put_ours(
    list: &mut List,
    handle: u64,
    session: SessionId,
    address: Prefix,
    written: &Written,
    now: Timestamp,
) -> Applied {
    let foreign = list
        .0
        .iter()
        .any(|entry| entry.address == address && !is_ours(&entry.tag));
    if foreign {
        return refused("already have such entry");
    }
    list.remove(address);
    let tag = PermitTag::Ours {
        session,
        epoch: written.epoch,
    };
    let handle = list.put(handle, address, tag, written.lease, now);
    Applied::Done {
        handle: Some(handle),
    }
}
