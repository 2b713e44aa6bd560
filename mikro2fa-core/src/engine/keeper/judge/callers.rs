//! Callers that more than one account uses: found once for all tunnels that are judged together, however many come up at once.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    book::{Book, CallerText},
    id::AccountId,
    time::Timestamp,
    tunnel::{Caller, Text, Tunnel},
};

/// Who uses the callers of some tunnels.
pub(super) struct Callers(BTreeMap<Caller, Users>);

#[derive(Default)]
struct Users {
    /// By the names of the tunnels that are up.
    up: Who<Text>,
    /// By what is remembered of the last day.
    lately: Who<AccountId>,
}

#[derive(Default)]
enum Who<T> {
    #[default]
    Nobody,
    One(T),
    Several,
}

impl<T: PartialEq + Clone> Who<T> {
    fn and(&mut self, who: &T) {
        match self {
            Self::Nobody => *self = Self::One(who.clone()),
            Self::One(one) if one == who => {}
            Self::One(_) | Self::Several => *self = Self::Several,
        }
    }

    /// Is it anybody else's?
    fn is_beside(&self, who: Option<&T>) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => Some(one) != who,
            Self::Several => true,
        }
    }
}

impl Callers {
    pub(super) fn new<'a>(
        judged: &[Arc<Tunnel>],
        up: impl Iterator<Item = &'a Arc<Tunnel>>,
        books: &BTreeMap<AccountId, Book>,
        now: Timestamp,
    ) -> Self {
        let judged = judged.iter().filter_map(|tunnel| tunnel.caller.clone());
        let mut all: BTreeMap<Caller, Users> =
            judged.map(|caller| (caller, Users::default())).collect();
        for tunnel in up {
            let caller = tunnel.caller.as_ref();
            if let Some(users) = caller.and_then(|caller| all.get_mut(caller)) {
                users.up.and(&tunnel.account);
            }
        }
        let mut by_text: BTreeMap<CallerText, &mut Users> = all
            .iter_mut()
            .map(|(caller, users)| (caller.to_string().into(), users))
            .collect();
        for (account, book) in books {
            for caller in book.seen_lately(now) {
                if let Some(users) = by_text.get_mut(caller) {
                    users.lately.and(account);
                }
            }
        }
        Self(all)
    }

    /// Did another account log in from the same caller within a day? What comes from an unknown one may be anybody's.
    pub(super) fn is_shared(&self, account: Option<AccountId>, tunnel: &Tunnel) -> bool {
        let users = tunnel.caller.as_ref().and_then(|caller| self.0.get(caller));
        users.is_none_or(|users| {
            users.up.is_beside(Some(&tunnel.account)) || users.lately.is_beside(account.as_ref())
        })
    }
}
