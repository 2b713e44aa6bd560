//! What a step asks of the outside, as rows of one commit: messages, bans, books, audit.

use std::{sync::Arc, time::Duration};

use super::{After, Keeper};
use crate::{
    audit::{AuditEntry, AuditKind},
    ban::{Ban, BanScope},
    book::Book,
    id::{AccountId, BanId, OutboxId, UserId},
    notifier::{Act, Alert, Card, Delivery, Inform, Matter, Notice, OpenNote, Remark, Subject},
    session::{Effect, EndReason, Session},
    store::{BanChange, Commit, Lane, OutboxRow, Priority},
    time::Timestamp,
    tunnel::{Caller, Text},
};

/// As many other accounts are named in an alert.
const NEIGHBOURS: usize = 8;

impl Keeper {
    /// Moves what `self.out` holds into a commit. Says whether the whole account was banned.
    pub(super) fn fill(&mut self, commit: &mut Commit, session: &Session) -> bool {
        commit.audit.append(&mut self.out.audit);
        let effects = std::mem::take(&mut self.out.effects);
        let account = session.account;
        let (mut book, mut banned) = (false, false);
        for effect in &effects {
            match effect {
                Effect::Look => {}
                Effect::Card(card, delivery) => {
                    let subject = self.subject(Some(session), Some(account));
                    let notice = Notice::Card {
                        user: session.owner,
                        card: card.clone(),
                        delivery: *delivery,
                        subject,
                    };
                    let priority = priority(card, *delivery);
                    self.send(commit, Lane::card(session.id), priority, notice);
                }
                Effect::Inform(inform) => self.inform(commit, account, inform.clone()),
                Effect::Alert(alert) => self.alert(commit, Some(account), alert.clone()),
                Effect::Prompted => {
                    let now = self.clock.now();
                    self.books.entry(account).or_default().prompted(now);
                    book = true;
                }
                Effect::CallerConfirmed { caller } => {
                    let now = self.clock.now();
                    self.books
                        .entry(account)
                        .or_default()
                        .confirmed(caller.as_ref(), now);
                    book = true;
                }
                // In observe mode nobody has to answer: that bans nobody.
                Effect::Unanswered { .. } if session.trial => {}
                Effect::Unanswered { caller } => {
                    self.unanswered(commit, account, caller.clone());
                    book = true;
                }
                Effect::Ban { scope, note } => {
                    banned |= *scope == BanScope::Account;
                    self.ban(commit, account, scope.clone(), None, Arc::clone(note));
                }
            }
        }
        self.out.effects = effects;
        self.out.effects.clear();
        if book && let Some(book) = self.books.get(&account) {
            commit.books.push((account, book.clone()));
        }
        banned
    }

    fn unanswered(&mut self, commit: &mut Commit, account: AccountId, caller: Option<Caller>) {
        let now = self.clock.now();
        let policy = self.desk.policy(account);
        let book = self.books.entry(account).or_default();
        let Some(count) = book.missed(caller.clone(), now, policy) else {
            return;
        };
        let until = now + policy.ban_for;
        let scope = BanScope::Caller {
            caller: caller.clone(),
        };
        self.ban(
            commit,
            account,
            scope,
            Some(until),
            "unanswered questions".into(),
        );
        let inform = Inform::Banned {
            caller: caller.clone(),
            count,
            until,
        };
        self.inform(commit, account, inform);
        self.alert(
            commit,
            Some(account),
            Alert::Banned {
                caller,
                count,
                until,
            },
        );
    }

    pub(super) fn ban(
        &mut self,
        commit: &mut Commit,
        account: AccountId,
        scope: BanScope,
        until: Option<Timestamp>,
        note: Text,
    ) -> BanId {
        let at = self.clock.now();
        let caller = match &scope {
            BanScope::Account => None,
            BanScope::Caller { caller } => caller.clone(),
        };
        let id = BanId::from_uuid(self.entropy.sorted(at));
        let ban = Ban {
            id,
            account,
            scope,
            at,
            until,
            note,
        };
        self.note(commit, account, AuditKind::Banned { caller, until });
        commit.bans.push(BanChange::Put(ban.clone()));
        self.bans.insert(id, ban);
        id
    }

    pub(super) fn note(&self, commit: &mut Commit, account: AccountId, what: AuditKind) {
        commit.audit.push(AuditEntry {
            at: self.clock.now(),
            session: None,
            router: Some(self.fence.router),
            account: Some(account),
            what,
        });
    }

    /// Told to the owner, once.
    pub(super) fn inform(&self, commit: &mut Commit, account: AccountId, inform: Inform) {
        let Some(user) = self.desk.account(account).and_then(|account| account.owner) else {
            return;
        };
        let subject = self.subject(None, Some(account));
        let notice = Notice::Inform {
            user,
            inform,
            subject,
        };
        self.send(commit, Lane::user(user), Priority::Info, notice);
    }

    /// Told to the operators; repeats about the same subject edit the same message.
    pub(super) fn alert(&self, commit: &mut Commit, account: Option<AccountId>, alert: Alert) {
        let about = account.map_or_else(|| self.fence.router.to_string(), |id| id.to_string());
        let lane = Lane::alert(&format!("{} {about}", alert.kind()));
        let alert = self.with_what_is_known(account, alert);
        let urgent = matches!(
            alert,
            Alert::Denied { .. } | Alert::Gate { .. } | Alert::Emergency { .. }
        );
        let priority = if urgent {
            Priority::Reminder
        } else {
            Priority::Info
        };
        let subject = self.subject(None, account);
        let notice = Notice::Alert {
            alert,
            subject,
            at: self.clock.now(),
        };
        self.send(commit, lane, priority, notice);
    }

    /// "Not me", with what is known beside it: where its owner comes from otherwise, and who else came from there.
    fn with_what_is_known(&self, account: Option<AccountId>, alert: Alert) -> Alert {
        let (Some(account), Alert::Denied { caller, .. }) = (account, &alert) else {
            return alert;
        };
        let now = self.clock.now();
        let known = self.books.get(&account).and_then(Book::last_confirmed);
        let neighbours = caller.iter().flat_map(|caller| {
            let there =
                |(id, book): &(&AccountId, &Book)| **id != account && book.was_at(caller, now);
            self.books.iter().filter(there)
        });
        let named = neighbours.filter_map(|(id, _)| self.desk.account(*id));
        let neighbours = named
            .map(|other| Arc::clone(&other.name))
            .take(NEIGHBOURS)
            .collect();
        match alert {
            Alert::Denied {
                caller,
                service,
                at,
                answered,
                ..
            } => Alert::Denied {
                caller,
                service,
                at,
                answered,
                last: known.map(|(caller, at)| (caller.into(), at)),
                others: neighbours,
            },
            other => other,
        }
    }

    /// What was not requested has one card an account, however often somebody redials: that of the tunnel before goes with
    /// the commit that asks about the next one.
    pub(super) fn put_away(&mut self, account: AccountId, user: UserId) {
        let Some(old) = self.spent.remove(&account) else {
            return;
        };
        let notice = Notice::Card {
            user,
            card: Card::Superseded,
            delivery: Delivery::Edit,
            subject: Subject {
                session: Some(old),
                ..self.subject(None, Some(account))
            },
        };
        let mut away = self.empty_commit();
        self.send(&mut away, Lane::card(old), Priority::Closing, notice);
        if let Some((_, commit)) = self.outgoing.back_mut() {
            commit.outbox.append(&mut away.outbox);
        }
    }

    /// A ban is over: what operators were told of it says so.
    pub(super) fn ban_solved(
        &self,
        commit: &mut Commit,
        account: AccountId,
        scope: &BanScope,
        by: &Text,
    ) {
        let matter = match scope {
            BanScope::Account => Matter::Denied,
            BanScope::Caller { .. } => Matter::Banned,
        };
        let solved = Alert::Solved {
            matter,
            act: Act::Unlocked,
            by: Arc::clone(by),
        };
        self.alert(commit, Some(account), solved);
    }

    /// An alert of its own, outside any session's commit.
    pub(super) fn alert_now(&mut self, account: Option<AccountId>, alert: Alert) {
        let mut commit = self.empty_commit();
        self.alert(&mut commit, account, alert);
        self.outgoing.push_back((After::Nothing, commit));
    }

    pub(super) fn unlocked(
        &self,
        commit: &mut Commit,
        account: AccountId,
        operator: &Text,
        denied: bool,
    ) {
        let at = self.clock.now();
        let inform = if denied {
            Inform::Unlocked {
                operator: Arc::clone(operator),
                at,
            }
        } else {
            Inform::BanLifted
        };
        self.inform(commit, account, inform);
    }

    fn subject(&self, session: Option<&Session>, account: Option<AccountId>) -> Subject {
        let record = account.and_then(|account| self.desk.account(account));
        let owner = record.and_then(|record| self.desk.owner(record));
        Subject {
            session: session.map(|session| session.id),
            account_id: account,
            router_id: Some(self.fence.router),
            account: record.map_or_else(|| "".into(), |record| Arc::clone(&record.name)),
            router: Arc::clone(&self.desk.router().name),
            person: owner.map_or_else(|| "".into(), |owner| Arc::clone(&owner.name)),
        }
    }

    pub(super) fn send(&self, commit: &mut Commit, lane: Lane, priority: Priority, notice: Notice) {
        let now = self.clock.now();
        // A question that was not delivered in its time is given up: sent later, nobody could answer it.
        let useless_after = match &notice {
            Notice::Card {
                card: Card::Question(question),
                ..
            } => Some(question.deadline.max(now + Duration::from_secs(10))),
            _ => None,
        };
        commit.outbox.push(OutboxRow {
            id: OutboxId::from_uuid(self.entropy.sorted(now)),
            lane,
            priority,
            notice,
            due: now,
            useless_after,
            attempt: 0,
            previous: None,
        });
    }
}

/// What goes out first.
const fn priority(card: &Card, delivery: Delivery) -> Priority {
    match card {
        Card::Question(question) => match question.remark {
            Remark::Again { .. } => Priority::Reminder,
            _ => Priority::Question,
        },
        Card::Opening | Card::OpeningNoContact | Card::Denied { .. } | Card::Superseded => {
            Priority::Closing
        }
        Card::Ended {
            reason: EndReason::TunnelGone,
            ..
        } => Priority::Closing,
        Card::Ended { .. } => match delivery {
            Delivery::Move => Priority::Reminder,
            _ => Priority::Closing,
        },
        Card::Reminder { .. } => Priority::Reminder,
        Card::Preparing | Card::ConnectNow { .. } | Card::RequestedNoContact { .. } => {
            Priority::Reply
        }
        Card::Open {
            note: OpenNote::NoContact | OpenNote::Left,
            ..
        } => Priority::Least,
        Card::Open { .. } => Priority::Closing,
        Card::Resumed { .. } | Card::Grace { .. } => Priority::Info,
    }
}
