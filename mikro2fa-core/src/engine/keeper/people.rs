//! What people are told when the desk has changed what is theirs.

use std::{sync::Arc, time::Duration};

use super::{After, Keeper};
use crate::{
    desk::{Account, Desk, User},
    notifier::{Inform, Notice, Subject},
    store::{Lane, Priority},
    tunnel::Text,
};

const A_MOMENT: Duration = Duration::from_secs(60);

impl Keeper {
    /// The desk is about to be this one. Each change is told once, however many routers it concerns: the first to write it
    /// down is the one that says it.
    pub(super) fn tell_people(&mut self, desk: &Desk) {
        for user in desk.users() {
            let before = self.desk.user(user.id).map(|before| before.suspended);
            if before.is_some_and(|before| before != user.suspended) {
                let now = user.suspended;
                let inform = Inform::Suspended {
                    now,
                    reason: "".into(),
                };
                let change = format!("suspended {now} {} {}", user.id, user.version);
                self.tell_person(user, &change, inform, Subject::default());
            }
        }
        for account in desk.accounts() {
            let before = self.desk.account(account.id);
            let before_owner = before.and_then(|before| before.owner);
            if before_owner == account.owner {
                continue;
            }
            let told = [
                (
                    before_owner.and_then(|id| self.desk.user(id).cloned()),
                    false,
                ),
                (desk.owner(account).cloned(), true),
            ];
            for (user, now) in told {
                if let Some(user) = user
                    && !(now && self.is_new(&user))
                {
                    let change = format!("bound {now} {} {}", account.id, account.version);
                    let subject = self.owned(account, &user.name);
                    self.tell_person(&user, &change, Inform::Bound { now }, subject);
                }
            }
        }
    }

    /// Whoever was made a moment ago, with this account, is told so by whoever made them.
    fn is_new(&self, user: &User) -> bool {
        user.version == 0 && self.clock.now().since(user.created_at) < A_MOMENT
    }

    fn owned(&self, account: &Account, person: &Text) -> Subject {
        Subject {
            session: None,
            account_id: Some(account.id),
            router_id: Some(self.fence.router),
            account: Arc::clone(&account.name),
            router: Arc::clone(&self.desk.router().name),
            person: Arc::clone(person),
        }
    }

    /// `change` names what is told: what has it already is not told again. Whoever has no chat is told nothing.
    fn tell_person(&mut self, user: &User, change: &str, inform: Inform, subject: Subject) {
        if user.chat.is_none() || user.unreachable {
            return;
        }
        let mut commit = self.empty_commit();
        commit.update = Some(change.into());
        let notice = Notice::Inform {
            user: user.id,
            inform,
            subject,
        };
        self.send(&mut commit, Lane::user(user.id), Priority::Info, notice);
        self.outgoing.push_back((After::Nothing, commit));
    }
}
