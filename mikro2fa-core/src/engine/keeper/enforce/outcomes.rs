//! What commands brought: done, so already, refused, or not known.

use std::{sync::Arc, time::Duration};

use tracing::warn;

use super::super::Keeper;
use crate::{
    enforcement::{Difference, Entry as ListEntry},
    retry::Retry,
    router_backend::{Applied, Command, Lease, Look, Part, PermitTag, Prefix},
    session::{Event, Session},
    time::Timestamp,
    tunnel::Text,
};

impl Keeper {
    pub(super) fn applied(&mut self, commands: &[Command], outcomes: &[Applied], began: Timestamp) {
        let now = self.clock.now();
        let mut verify = Look::default();
        for (command, outcome) in commands.iter().zip(outcomes) {
            let difference = Difference::of(command);
            match outcome {
                Applied::Done { .. } | Applied::AlreadySo
                    if matches!(command, Command::MendGate) =>
                {
                    verify = verify.and(self.gate_mended());
                    // What is still wrong after that is not tried at every turn.
                    self.try_again_later(Difference::Gate, now, Duration::from_secs(1));
                }
                Applied::Done { handle } => {
                    verify = verify.and(self.done(command, handle.as_ref(), began, now));
                    self.clean_up_after(command);
                    if let Command::SetRule {
                        comment,
                        enabled: false,
                        ..
                    } = command
                    {
                        self.switched_off.insert(Arc::clone(comment));
                    }
                    if matches!(command, Command::CutTunnel { .. }) {
                        // The row can stay visible for a moment.
                        difference.into_iter().for_each(|d| {
                            self.try_again_later(d, now, Duration::from_millis(500));
                        });
                    }
                }
                Applied::AlreadySo => {
                    verify = verify.and(self.already(command));
                }
                Applied::Refused { reason, retry } => {
                    self.refused(command, reason, *retry, now);
                }
                Applied::Unknown => self.unknown(command, now),
                Applied::NotSent => self.clean_up.again(command),
            }
        }
        if self.is_letting_go() {
            verify.rules = Part::All;
        }
        self.look = std::mem::take(&mut self.look).and(verify);
        if commands
            .iter()
            .any(|it| matches!(it, Command::SetRule { .. }))
        {
            self.judge_all();
        }
    }

    /// A done command is an observation of that one entry. Says what to look at next.
    fn done(
        &mut self,
        command: &Command,
        handle: Option<&Text>,
        began: Timestamp,
        now: Timestamp,
    ) -> Look {
        match command {
            Command::Permit {
                session,
                address,
                lease,
            } => {
                self.wrote(*address, *session, handle, lease, began, now);
                self.verify(*session)
            }
            Command::Renew {
                session,
                address,
                known,
                lease,
            } => {
                // The entry may have been made anew, under another id.
                let handle = handle.or(Some(known));
                self.wrote(*address, *session, handle, lease, began, now);
                Look::default()
            }
            Command::Revoke { address, .. } => {
                self.mirror.revoked(address);
                Look::default()
            }
            Command::Ban {
                session,
                address,
                lease,
            } => {
                let lapses_at = Some(lease.longest(now));
                let entry = self.entry(*session, handle, lapses_at, now);
                self.mirror.bans.insert(*address, entry);
                Look::default()
            }
            Command::Unban { address, .. } => {
                self.mirror.bans.remove(address);
                Look::default()
            }
            Command::CutTunnel { account, .. } => Look {
                tunnels: Part::These(vec![Arc::clone(account)]),
                ..Look::default()
            },
            Command::SetAccount { name, .. } => Look {
                accounts: Part::These(vec![Arc::clone(name)]),
                ..Look::default()
            },
            Command::SetRule {
                comment, enabled, ..
            } => {
                if *enabled {
                    self.switched_off.remove(comment);
                }
                for rule in &mut self.mirror.rules {
                    if rule.comment == *comment {
                        rule.enabled = *enabled;
                    }
                }
                Look::default()
            }
            Command::SetGate { .. } => Look {
                gate: true,
                ..Look::default()
            },
            Command::KeepAlive { lease } => {
                // Written at `began` or later: it lives for so long at least.
                let until = lease
                    .seconds_at(began)
                    .map(|seconds| began + Duration::from_secs(seconds));
                self.mirror.alive_until = until;
                if let Some(until) = until {
                    self.heard.told(began, until, self.mirror.up_since());
                }
                Look::default()
            }
            Command::MendGate
            | Command::ForgetConnections { .. }
            | Command::CloseSessions { .. } => Look::default(),
        }
    }

    fn already(&mut self, command: &Command) -> Look {
        match command {
            Command::Revoke { address, .. } => {
                self.mirror.revoked(address);
                Look::default()
            }
            Command::Unban { address, .. } => {
                self.mirror.bans.remove(address);
                Look::default()
            }
            other => self.done(other, None, self.clock.now(), self.clock.now()),
        }
    }

    fn entry(
        &self,
        session: crate::id::SessionId,
        handle: Option<&Text>,
        lapses_at: Option<Timestamp>,
        now: Timestamp,
    ) -> ListEntry {
        ListEntry {
            handle: handle.map_or_else(|| "".into(), Arc::clone),
            tag: PermitTag::Ours {
                session,
                epoch: self.fence.epoch,
            },
            lapses_at,
            seen_at: now,
        }
    }

    fn wrote(
        &mut self,
        address: Prefix,
        session: crate::id::SessionId,
        handle: Option<&Text>,
        lease: &Lease,
        began: Timestamp,
        now: Timestamp,
    ) {
        // Written at `began` or later: it lives for so long at least.
        let lapses_at = lease
            .seconds_at(began)
            .map_or(now, |seconds| began + Duration::from_secs(seconds));
        let entry = self.entry(session, handle, Some(lapses_at), now);
        self.mirror.permitted(address, entry);
    }

    /// The second look that opening needs, at this session's tunnel only.
    fn verify(&self, session: crate::id::SessionId) -> Look {
        let session = self
            .sessions
            .get(&session)
            .and_then(|entry| entry.current.as_deref());
        session
            .and_then(Session::tunnel)
            .map_or_else(Look::default, |tunnel| Look {
                tunnels: Part::These(vec![Arc::clone(&tunnel.account)]),
                ..Look::default()
            })
    }

    fn refused(&mut self, command: &Command, reason: &Text, retry: Retry, now: Timestamp) {
        warn!(%reason, ?command, "the router refused a command");
        let at_least = match retry {
            Retry::Now => Duration::ZERO,
            Retry::After(pause) => pause,
            Retry::Never => Duration::from_secs(5),
        };
        match command {
            Command::Permit { session, .. } if retry == Retry::Never => {
                self.feed(
                    *session,
                    Event::Refused {
                        why: Arc::clone(reason),
                    }
                    .into(),
                );
            }
            Command::ForgetConnections { address } => self.cut_instead(*address),
            Command::MendGate => {
                // The rest of it was mended all the same.
                let look = self.gate_mended();
                self.look = std::mem::take(&mut self.look).and(look);
            }
            Command::Renew { address, .. } => {
                // Gone meanwhile, by itself or by hand, or refused for another reason: a look says which.
                self.look = std::mem::take(&mut self.look).and(Look {
                    permits: Part::These(vec![address.to_string().into()]),
                    ..Look::default()
                });
            }
            _ => {}
        }
        if let Some(difference) = Difference::of(command) {
            self.try_again_later(difference, now, at_least);
        }
    }

    /// Neither done nor failed: what it could have opened counts as open.
    fn unknown(&mut self, command: &Command, now: Timestamp) {
        if let Command::Permit {
            session,
            address,
            lease,
        }
        | Command::Renew {
            session,
            address,
            lease,
            ..
        } = command
        {
            // It may be carried out as late as a router pauses, and lives for its lease from then.
            let until = lease.longest(now) + Duration::from_secs(60);
            self.mirror.doubts.add(*address, *session, now, until);
        }
        self.clean_up.again(command);
        self.mirror.disconnected();
        self.look = std::mem::take(&mut self.look).and(Look::complete());
        if let Some(difference) = Difference::of(command) {
            self.try_again_later(difference, now, Duration::ZERO);
        }
    }
}
