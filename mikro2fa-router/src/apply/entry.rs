//! Entries of the permit list and of the ban list.

use std::{sync::atomic::Ordering, time::Duration};

use mikro2fa_core::{
    id::SessionId,
    retry::Retry,
    router_backend::{Applied, Command, Lease, PermitTag, Prefix},
    time::Timestamp,
    tunnel::Text,
};

use super::{Batch, Context, Errand, Words, ended, impossible};
use crate::{
    address_list::{self, Entry, Family},
    handle::Id,
    prefix,
    sentence::Guard,
    transport::{Answer, End, No},
};

/// An errand about the entry of one list for one address.
///
/// An id that was handed in is used without a look. If nothing has it any more the entry may have been made anew under
/// another, so only a look says that nothing of ours is there.
pub(super) struct Entries<'a> {
    context: &'a Context<'a>,
    list: &'a str,
    address: Prefix,
    wish: Wish,
    step: Step,
}

#[derive(Clone, Copy)]
enum Wish {
    /// An entry is to be there, whatever of ours stood in its place.
    Put {
        session: SessionId,
        lease: Lease,
        /// A ban: on the way from one entry to the next the address is never without.
        bans: bool,
    },
    /// This session's entry is to live on.
    Renew { session: SessionId, lease: Lease },
    /// Nothing of ours is to be there.
    Take,
}

enum Step {
    Find,
    Add {
        /// The place was made free, or found free.
        cleared: bool,
    },
    Set {
        id: Id,
        /// Found just now, not handed in.
        found: bool,
    },
    Remove {
        ids: Vec<Id>,
        /// As above.
        found: bool,
    },
}

impl<'a> Entries<'a> {
    pub(super) fn new(context: &'a Context<'a>, command: &'a Command) -> Result<Self, Applied> {
        let lists = &context.site.lists;
        let (list, address, wish, known) = match command {
            Command::Permit {
                session,
                address,
                lease,
            } => (
                &lists.permit,
                address,
                Wish::put(*session, *lease, false),
                None,
            ),
            Command::Ban {
                session,
                address,
                lease,
            } => (&lists.ban, address, Wish::put(*session, *lease, true), None),
            Command::Renew {
                session,
                address,
                known,
                lease,
            } => {
                let wish = Wish::Renew {
                    session: *session,
                    lease: *lease,
                };
                (&lists.permit, address, wish, Some(known))
            }
            Command::Revoke { address, known, .. } => {
                (&lists.permit, address, Wish::Take, known.as_ref())
            }
            Command::Unban { address, known } => (&lists.ban, address, Wish::Take, known.as_ref()),
            _ => return Err(impossible("not about a list")),
        };
        let step = match (wish, context.trusted(known)) {
            (Wish::Put { .. }, _) => Step::Add { cleared: false },
            (Wish::Take, Some(id)) => remove([id], false),
            (Wish::Renew { .. }, Some(id)) => prolong(context, id, false),
            (Wish::Take | Wish::Renew { .. }, None) => Step::Find,
        };
        Ok(Self {
            context,
            list,
            address: prefix::network(*address),
            wish,
            step,
        })
    }

    fn comment(&self) -> String {
        let (Wish::Put { session, .. } | Wish::Renew { session, .. }) = self.wish else {
            return String::new();
        };
        let Context { site, epoch, .. } = self.context;
        site.tagger.print(session, *epoch)
    }

    /// What opens is for the tunnel that was seen at this address, not for whoever has it by now. What bans is not.
    fn tunnel(&self) -> Option<Guard> {
        let opens = !matches!(self.wish, Wish::Put { bans: true, .. });
        let seen = self.context.tunnels.get(&self.address.address);
        seen.filter(|_| opens && self.address == Prefix::host(self.address.address))
            .cloned()
    }

    fn go_on(&mut self, step: Step) -> Option<Applied> {
        self.step = step;
        None
    }

    /// The entries for this address, as they stand there.
    fn found(&mut self, answer: &Answer) -> Option<Applied> {
        let mut ours = Vec::new();
        let mut theirs = None;
        for row in &answer.rows {
            let entry = match Entry::read(row) {
                Ok(entry) => entry,
                Err(malformed) => return Some(unreadable(&malformed.to_string())),
            };
            if !entry.addresses.contains(&self.address) {
                continue;
            }
            match self.context.site.tagger.parse(&entry.comment) {
                PermitTag::Ours { session, .. } => ours.push((session, entry.id)),
                PermitTag::OtherInstallation(_) | PermitTag::Foreign(_) => theirs = Some(entry),
            }
        }
        match self.wish {
            Wish::Take => self.take(ours),
            Wish::Renew { session, .. } => {
                match ours.into_iter().find(|(whose, _)| *whose == session) {
                    Some((_, id)) => self.go_on(prolong(self.context, id, true)),
                    None => Some(gone()),
                }
            }
            Wish::Put { lease, bans, .. } => match theirs {
                Some(entry) => Some(self.taken(&entry, lease, bans)),
                None => self.replace(ours, bans),
            },
        }
    }

    fn take(&mut self, ours: Vec<(SessionId, Id)>) -> Option<Applied> {
        if ours.is_empty() {
            return Some(Applied::AlreadySo);
        }
        self.go_on(remove(ours.into_iter().map(|(_, id)| id), true))
    }

    fn replace(&mut self, ours: Vec<(SessionId, Id)>, bans: bool) -> Option<Applied> {
        let mut ids = ours.into_iter().map(|(_, id)| id);
        let step = match ids.next() {
            None => Step::Add { cleared: true },
            Some(id) if bans => prolong(self.context, id, true),
            Some(id) => remove(std::iter::once(id).chain(ids), true),
        };
        self.go_on(step)
    }

    /// Somebody else's entry stands in the place. Nothing is opened by one that is not ours (attack A28); what is banned
    /// for long enough is banned, whoever did it.
    fn taken(&self, entry: &Entry, lease: Lease, bans: bool) -> Applied {
        let longest = lease.longest(Timestamp(0)).since(Timestamp(0));
        if bans && entry.left.is_none_or(|left| left >= longest) {
            return Applied::AlreadySo;
        }
        let comment: String = entry.comment.chars().take(100).collect();
        impossible(format!(
            "{} is on list {} by an entry that is not ours, comment `{comment}`: take it away on the router",
            self.address, self.list
        ))
    }

    /// The router does not let an entry's time-out be set: the entry is made anew.
    fn make_anew(&mut self) -> Option<Applied> {
        self.context.time_out_stays.store(true, Ordering::Relaxed);
        match &self.step {
            Step::Set { id, found } => {
                let step = remove([id.clone()], *found);
                self.go_on(step)
            }
            _ => None,
        }
    }

    /// Nothing of ours stands there any more.
    fn removed(&mut self, outcome: Applied) -> Option<Applied> {
        match self.wish {
            Wish::Take => Some(outcome),
            Wish::Put { .. } | Wish::Renew { .. } => self.go_on(Step::Add { cleared: true }),
        }
    }

    fn made(&self, ret: Option<&[u8]>) -> Option<Text> {
        let id = Id::parse(ret?)?;
        Some(self.context.handle(&id))
    }

    const fn changes(&self) -> bool {
        !matches!(self.step, Step::Find)
    }
}

impl Wish {
    const fn put(session: SessionId, lease: Lease, bans: bool) -> Self {
        Self::Put {
            session,
            lease,
            bans,
        }
    }

    const fn lease(self) -> Option<Lease> {
        match self {
            Self::Put { lease, .. } | Self::Renew { lease, .. } => Some(lease),
            Self::Take => None,
        }
    }
}

/// How an entry comes to live longer.
fn prolong(context: &Context<'_>, id: Id, found: bool) -> Step {
    if context.time_out_stays() {
        remove([id], found)
    } else {
        Step::Set { id, found }
    }
}

fn remove(ids: impl IntoIterator<Item = Id>, found: bool) -> Step {
    Step::Remove {
        ids: ids.into_iter().collect(),
        found,
    }
}

impl Errand for Entries<'_> {
    fn say(&self, now: Timestamp) -> Option<Words> {
        let family = Family::of(self.address);
        let seconds = || self.wish.lease()?.seconds_at(now);
        Some(match &self.step {
            Step::Find => Words::Alone(address_list::print_of(family, self.list, [self.address])),
            Step::Add { .. } => {
                let (list, comment) = (self.list, self.comment());
                let add = address_list::add(list, self.address, seconds()?, &comment);
                Words::Alone(add.guarded(self.tunnel()))
            }
            Step::Set { id, .. } if matches!(self.wish, Wish::Put { .. }) => {
                let sentence = address_list::set_time_out(family, [id], seconds()?);
                Words::Alone(sentence.with("comment", self.comment()))
            }
            Step::Set { id, .. } => {
                Words::Together(Batch::SetTimeOut(family, seconds()?), id.clone(), None)
            }
            Step::Remove { ids, .. } => match &ids[..] {
                [id] => Words::Together(Batch::Remove(family), id.clone(), None),
                ids => Words::Alone(address_list::remove(family, ids)),
            },
        })
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        let no = match &answer.end {
            End::Refused(refused) => Some(refused.kind),
            _ => None,
        };
        match (&self.step, &answer.end, no) {
            (Step::Find, End::Done { .. }, _) => self.found(answer),
            // Without IPv6 there is no list that could hold anything.
            (Step::Find, _, Some(No::NoSuchCommand)) if matches!(self.wish, Wish::Take) => {
                Some(Applied::AlreadySo)
            }
            (Step::Add { .. }, End::Done { ret }, _) => Some(Applied::Done {
                handle: self.made(ret.as_deref()),
            }),
            (Step::Add { cleared: false }, _, Some(No::Exists)) => self.go_on(Step::Find),
            (Step::Set { id, found }, End::Done { .. }, _) => Some(Applied::Done {
                handle: found.then(|| self.context.handle(id)),
            }),
            (
                Step::Set { found: false, .. } | Step::Remove { found: false, .. },
                _,
                Some(No::Gone),
            ) => self.go_on(Step::Find),
            (Step::Set { .. }, _, Some(No::Gone)) => match self.wish {
                Wish::Put { .. } => self.go_on(Step::Add { cleared: true }),
                Wish::Renew { .. } | Wish::Take => Some(gone()),
            },
            (Step::Set { .. }, _, Some(No::Other | No::Exists)) => self.make_anew(),
            (Step::Remove { .. }, End::Done { .. }, _) => {
                self.removed(Applied::Done { handle: None })
            }
            (Step::Remove { .. }, _, Some(No::Gone)) => self.removed(Applied::AlreadySo),
            (_, end, _) => Some(ended(end, self.changes())),
        }
    }
}

/// What was to be renewed is not there any more; a new permit is another decision.
fn gone() -> Applied {
    impossible("the entry has gone: its lease was over, or somebody took it away")
}

fn unreadable(reason: &str) -> Applied {
    Applied::Refused {
        reason: reason.into(),
        retry: Retry::After(Duration::from_secs(30)),
    }
}
