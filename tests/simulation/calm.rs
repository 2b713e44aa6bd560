//! The end of each history: faults stop, time goes by, and everything has to come right.

use std::{collections::BTreeMap, time::Duration};

use mikro2fa_core::{
    desk::Mode,
    directory::{DeskChange, Directory},
    id::SessionId,
    notifier::{Card, Notice},
    session::{Answer, EndReason, Session, SessionState},
    testing::{Dial, Line},
    time::Timestamp,
};

use crate::{
    history::GATE_LOOK,
    truth::Faults,
    words,
    world::{CALLERS, Person, RULE, World},
};

/// Longer than any lease and what a command could still do.
const LONG_ENOUGH: Duration = Duration::from_secs(15 * 60);

/// Ends a history.
pub(crate) async fn end(world: &mut World) {
    if world.truth.is_broken() {
        return;
    }
    world.calm_down().await;
    world.advance(LONG_ENOUGH).await;
    world.everything_is_right().await;
    world.nothing_is_done_twice().await;
    if world.settings.long {
        world.held_ones_go().await;
    }
    world.an_honest_user_gets_in().await;
    world.everything_is_right().await;
}

impl World {
    /// All faults stop.
    async fn calm_down(&mut self) {
        self.truth.say(|| "==== calm".to_owned());
        let now = self.now();
        let late = {
            let mut truth = self.truth.lock();
            truth.faults = Faults::default();
            truth.away_until = now;
            truth.hints_bad_until = now + Duration::from_secs(62) + self.settings.poll();
            truth.store_bad_until = truth.store_bad_until.min(now + Duration::from_secs(20));
            truth.excuse(now + Duration::from_secs(40));
            truth.store_shut_until = now;
            truth.late_until
        };
        self.router.away_until(now);
        self.router.lose_hints(false);
        let (on, faults) = self.router.gate_as_it_is();
        let broken =
            self.mode == Mode::Enforcing && !self.settings.weak && (!on || !faults.is_empty());
        if broken {
            self.router.repair_gate();
        }
        self.router.break_watches();
        self.store.full_until(Timestamp(0));
        self.store.away_until(Timestamp(0));
        self.phones.away_until(now);
        for person in self.people.clone() {
            self.phones.block(person.user, false);
        }
        self.settle().await;
        // What was to go wrong next has gone wrong by then.
        self.start().await;
        self.settle().await;
        if self.truth.lock().untrusted {
            self.trust_clock();
        }
        self.messenger_away = None;
        if let Some(handle) = self.handle() {
            handle.messenger(None);
        }
        self.settle().await;
        if late > now {
            self.advance(late.since(now)).await;
        }
        if broken {
            self.advance(GATE_LOOK).await; // whole, and seen to be
        }
    }

    fn wrong(&self, what: impl Into<String>) {
        self.truth.broken(what);
    }

    fn sessions(&self) -> Vec<Session> {
        self.truth.lock().sessions.values().cloned().collect()
    }

    /// What holds whenever nothing goes wrong.
    async fn everything_is_right(&mut self) {
        if self.truth.is_broken() {
            return;
        }
        self.settle().await;
        let Some(handle) = self.handle() else {
            return self.wrong("the engine is not there, and nobody has killed it");
        };
        let mut settled = std::pin::pin!(handle.settled());
        let now_settled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(settled.as_mut().poll(context).is_ready())
        });
        if !now_settled.await {
            self.wrong("nothing is left to do, and the engine says that it is not settled");
        }
        if self.ordered && self.mode_now() == Mode::Observing {
            self.wrong("the gate was ordered shut, and is open");
        }
        self.nothing_is_overdue();
        self.tunnels_are_right().await;
        self.messages_are_right();
        self.desk_is_kept().await;
        let excused = self.truth.lock().wrong.clone();
        if !excused.is_empty() {
            self.wrong(format!("still open in the end: {excused:?}"));
        }
    }

    fn nothing_is_overdue(&self) {
        let now = self.now();
        for session in self.sessions() {
            if session
                .deadline()
                .is_some_and(|at| at + Duration::from_secs(10) < now)
            {
                return self.wrong(format!("overdue: {}", words::session(&session)));
            }
        }
    }

    async fn tunnels_are_right(&self) {
        if self.mode_now() == Mode::Observing {
            return;
        }
        let live = self.live();
        let is_up = |line: Option<Line>| live.iter().any(|live| Some(live.line) == line);
        let (mut concerned, mut doubtful) = (Vec::new(), None);
        for session in self.sessions() {
            let Some(tunnel) = session.tunnel() else {
                continue;
            };
            let line = self.truth.line_of(tunnel);
            concerned.extend(line);
            if !is_up(line) && !self.router.lines().iter().any(|l| Some(l.line) == line) {
                doubtful = Some(format!(
                    "its tunnel is gone, and it does not know: {}",
                    words::session(&session)
                ));
            }
            let cut = matches!(&session.state, SessionState::Ended { remains: Some(left), .. } if left.hold_until.is_none())
                || matches!(session.state, SessionState::Grace { gone: false, .. });
            if cut && is_up(line) {
                doubtful = Some(format!(
                    "it should have been cut: {}",
                    words::session(&session)
                ));
            }
            let foreign = line
                .and_then(|line| self.router.line(line)?.address)
                .is_some_and(|address| self.truth.lock().foreign.contains(&address.into()));
            let through = session.lets_through(self.now()).is_some();
            let banned = line.is_some_and(|line| !self.router.passes(line)) && !self.settings.weak;
            if through && is_up(line) && banned && !foreign {
                doubtful = Some(format!(
                    "confirmed, and does not pass: {}",
                    words::session(&session)
                ));
            }
        }
        if let Some(what) = doubtful {
            return self.wrong(what);
        }
        let Some(handle) = self.handle() else { return };
        let status = handle.router_status(self.office).await;
        let alone = live
            .iter()
            .filter(|live| live.address.is_some() && !concerned.contains(&live.line))
            .count();
        match status {
            Ok(status) if status.held == alone => {}
            Ok(status) => self.wrong(format!(
                "{} tunnels are held without a session, and there are {alone}: {live:?}",
                status.held
            )),
            Err(error) => self.wrong(format!("no status: {error}")),
        }
    }

    /// All messages are delivered; a card a session, which shows how it stands.
    fn messages_are_right(&self) {
        let waiting = self.store.outbox();
        if !waiting.is_empty() {
            return self.wrong(format!("messages wait: {waiting:?}"));
        }
        let sessions: BTreeMap<SessionId, Session> = self
            .sessions()
            .into_iter()
            .map(|session| (session.id, session))
            .collect();
        let mut cards: BTreeMap<SessionId, Vec<Card>> = BTreeMap::new();
        for person in &self.people {
            for message in self.phones.chat(person.user) {
                if let Notice::Card { card, subject, .. } = message.notice
                    && let Some(session) = subject.session
                {
                    cards.entry(session).or_default().push(card);
                }
            }
        }
        let orphans = self.truth.lock().orphans as usize;
        let dead: Vec<SessionId> = self
            .store
            .dead_letters()
            .into_iter()
            .filter_map(|(row, _)| match row.notice {
                Notice::Card { subject, .. } => subject.session,
                _ => None,
            })
            .collect();
        let (mut more, mut stale) = (0, None);
        for (id, mut cards) in cards {
            let Some(last) = cards.pop() else { continue };
            more += cards.len();
            let Some(session) = sessions.get(&id) else {
                continue;
            };
            if !fits(&last, session) && !dead.contains(&id) {
                stale = Some(format!(
                    "the card {last:?} does not fit {}",
                    words::session(session)
                ));
            }
        }
        if more > orphans {
            return self.wrong(format!(
                "{more} cards too many, and only {orphans} times was one lost"
            ));
        }
        if let Some(stale) = stale
            && orphans == 0
        {
            self.wrong(stale);
        }
    }

    /// Whoever is paused or no longer the owner has nothing open.
    async fn desk_is_kept(&self) {
        for person in &self.people {
            let user = self.store.user(person.user).await;
            let account = self.store.account(person.account).await;
            let (Ok(Some(user)), Ok(Some(account))) = (user, account) else {
                continue;
            };
            let stopped = user.suspended || account.owner != Some(person.user);
            let open = self
                .sessions()
                .into_iter()
                .find(|session| session.account == person.account && session.is_open());
            if let Some(open) = open.filter(|_| stopped) {
                return self.wrong(format!(
                    "{} is paused or not its owner: {}",
                    person.name,
                    words::session(&open)
                ));
            }
        }
    }

    /// Property 5: where nothing changes, nothing is sent.
    async fn nothing_is_done_twice(&mut self) {
        for _ in 0..4 {
            if self.truth.is_broken() {
                return;
            }
            let (changed, commands) = {
                let truth = self.truth.lock();
                (truth.changed_at, truth.commands)
            };
            let gone = self.router.lines().len();
            self.advance(2 * self.settings.poll() + Duration::from_secs(1))
                .await;
            let truth = self.truth.lock();
            if truth.changed_at != changed || self.router.lines().len() != gone {
                continue;
            }
            let (again, last) = (truth.commands - commands, truth.last_command.clone());
            drop(truth);
            if again > 0 {
                self.wrong(format!(
                    "nothing changed, and {again} commands were sent, at last {last}"
                ));
            }
            return;
        }
    }

    /// Nobody is held for ever.
    async fn held_ones_go(&mut self) {
        if self.truth.is_broken() || self.mode_now() == Mode::Observing {
            return;
        }
        let before: Vec<Line> = self
            .live()
            .iter()
            .filter(|l| l.address.is_some())
            .map(|live| live.line)
            .collect();
        let longest = 2 * self.settings.resolved.hold_for + Duration::from_secs(6 * 60);
        self.advance(longest).await;
        let open: Vec<Option<Line>> = self
            .sessions()
            .iter()
            .filter(|session| session.is_open())
            .filter_map(|session| session.tunnel().map(|tunnel| self.truth.line_of(tunnel)))
            .collect();
        let left = self
            .live()
            .into_iter()
            .find(|live| before.contains(&live.line) && !open.contains(&Some(live.line)));
        if let Some(left) = left {
            self.wrong(format!("held for ever: {left:?}"));
        }
    }

    /// Request, dial, yes: within a minute the tunnel is open.
    async fn an_honest_user_gets_in(&mut self) {
        if self.truth.is_broken() || self.mode_now() == Mode::Observing {
            return;
        }
        let place = self.chance.below(self.people.len() as u64) as usize;
        let person = self.people[place];
        self.truth
            .say(|| format!("==== {} comes, honestly", person.name));
        self.clear_the_way(person).await;
        self.request_by(person);
        self.advance(Duration::from_secs(2)).await;
        let open = self
            .sessions()
            .into_iter()
            .find(|session| session.account == person.account && session.is_open());
        let Some(open) = open else {
            return self.wrong(format!(
                "{} asked for access, and no session is open",
                person.name
            ));
        };
        let line = loop {
            let dial = Dial::new(person.name, [10, 8, 0, 200].into()).from(CALLERS[2]);
            if let Some(line) = self.dial(&dial) {
                break line;
            }
            if self.now() > self.no_dial_until {
                return self.wrong(format!(
                    "{} was told to connect, and is not let in: {}",
                    person.name,
                    words::session(&open)
                ));
            }
            self.advance(Duration::from_secs(5)).await;
        };
        self.settle().await;
        self.advance(Duration::from_secs(20)).await;
        let question = self.phones.question_to(person.user);
        match question {
            Some((session, challenge)) => {
                self.answer(session, challenge, Answer::Yes, person.user);
            }
            None if !self.settings.resolved.require_confirmation => {}
            None => return self.wrong(format!("{} connected, and is not asked", person.name)),
        }
        self.settle().await;
        self.advance(Duration::from_secs(40)).await;
        let open = self.sessions().into_iter().find(|session| {
            session
                .tunnel()
                .is_some_and(|tunnel| self.truth.line_of(tunnel) == Some(line))
        });
        let is_open = open.as_ref().is_some_and(|session| {
            matches!(
                session.state,
                SessionState::Active { .. } | SessionState::Expiring { .. }
            )
        });
        if !is_open || (!self.settings.weak && !self.router.passes(line)) {
            self.wrong(format!(
                "{} said yes, and is not let in: {:?}",
                person.name,
                open.as_ref().map(words::session)
            ));
        }
    }

    /// Nothing stands against this person: not paused, not banned, an account, no tunnel, no session.
    async fn clear_the_way(&mut self, person: Person) {
        // An administrator has put the bound rule back: without it nothing could let anybody through.
        if self.settings.rule {
            self.router.remove_rules(RULE);
            self.router.rule(RULE, false);
        }
        if !self
            .router
            .accounts()
            .iter()
            .any(|row| &*row.name == person.name)
        {
            self.router.account(person.name);
        }
        let handed_over = self.settings.handed_over && person.name == "cid";
        if !handed_over {
            self.router.enable_account(person.name, true);
        }
        if let Ok(Some(mut user)) = self.store.user(person.user).await
            && user.suspended
        {
            user.suspended = false;
            user.version += 1;
            self.change("back", vec![DeskChange::PutUser(user)]).await;
            self.settle().await;
        }
        if let Ok(Some(mut account)) = self.store.account(person.account).await
            && account.owner.is_none()
        {
            account.owner = Some(person.user);
            account.version += 1;
            self.change("owned", vec![DeskChange::PutAccount(account)])
                .await;
            self.settle().await;
        }
        while !self.truth.is_broken() && !self.truth.lock().bans.is_empty() {
            let before = self.truth.lock().bans.len();
            self.unban();
            self.settle().await;
            if self.truth.lock().bans.len() == before {
                let now = self.now();
                self.truth
                    .lock()
                    .bans
                    .retain(|_, ban| ban.until.is_none_or(|until| now < until));
                if self.truth.lock().bans.len() == before {
                    return self.wrong("a ban cannot be lifted");
                }
            }
        }
        for live in self.router.lines() {
            if &*live.account == person.name {
                self.router.hang_up(live.line);
            }
        }
        // A resume, a question, an opening: all are over by then.
        self.advance(Duration::from_secs(6 * 60)).await;
        for session in self.sessions() {
            if session.account == person.account && session.is_open() {
                let by = mikro2fa_core::session::Actor::Operator {
                    who: "Olga".into(),
                    reason: "".into(),
                };
                let id = session.id;
                self.call(
                    format!("end of {id:?}"),
                    move |handle| async move { handle.end(id, by, None).await },
                    |_, _| {},
                );
                self.settle().await;
            }
        }
        self.advance(Duration::from_secs(20)).await;
    }
}

/// Does a card show how its session stands?
fn fits(card: &Card, session: &Session) -> bool {
    match (&session.state, card) {
        (
            SessionState::Requested { .. },
            Card::Preparing | Card::ConnectNow { .. } | Card::RequestedNoContact { .. },
        )
        | (
            SessionState::Opening { .. },
            Card::Opening | Card::OpeningNoContact | Card::Grace { .. },
        )
        | (
            SessionState::Active { .. },
            Card::Open { .. } | Card::Resumed { .. } | Card::Reminder { .. },
        )
        | (SessionState::Expiring { .. }, Card::Reminder { .. })
        | (SessionState::Grace { .. }, Card::Grace { .. }) => true,
        (SessionState::Challenged { challenge, .. }, Card::Question(question)) => {
            challenge.id == question.challenge
        }
        (
            SessionState::Ended {
                reason: EndReason::Denied,
                ..
            },
            Card::Denied { .. },
        ) => true,
        (
            SessionState::Ended {
                reason: EndReason::TunnelGone,
                ..
            },
            Card::Superseded,
        ) => true,
        (SessionState::Ended { reason, .. }, Card::Ended { reason: shown, .. }) => reason == shown,
        _ => false,
    }
}
