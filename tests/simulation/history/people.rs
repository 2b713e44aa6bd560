//! What owners and operators do, and who should not.

use super::*;

impl World {
    fn update(&mut self) -> Option<mikro2fa_core::tunnel::Text> {
        self.updates += 1;
        Some(format!("update {}", self.updates).into())
    }

    pub(super) fn owners(&mut self) {
        match self.chance.below(100) {
            0..35 => self.request(),
            35..75 => self.answer_something(),
            75..80 => self.stale_answer(),
            80..85 => self.not_me(),
            85..95 => self.extend(),
            _ => self.end(),
        }
    }

    fn request(&mut self) {
        let person = self.person();
        let update = self.update();
        self.request_as(person, update.clone());
        if self.chance.percent(10) {
            // The very same update is delivered twice.
            self.request_as(person, update);
        }
    }

    pub(crate) fn request_by(&mut self, person: Person) {
        let update = self.update();
        self.request_as(person, update);
    }

    fn request_as(&mut self, person: Person, update: Option<mikro2fa_core::tunnel::Text>) {
        let office = self.office;
        // The owner's own wish ends a cool-down.
        self.truth.lock().prompts.remove(&person.account);
        self.call(
            format!("{} requests access", person.name),
            move |handle| async move {
                handle
                    .request_access(person.user, person.account, office, update)
                    .await
            },
            |_, _| {},
        );
    }

    /// Taps on a question that stands in a chat.
    fn answer_something(&mut self) {
        let questions = self.phones.questions();
        let Some((session, challenge)) = self.chance.any(&questions) else {
            return self.request();
        };
        let Some(owner) = self.owner_of(session) else {
            return;
        };
        match self.chance.below(100) {
            0..60 => self.answer(session, challenge, Answer::Yes, owner),
            60..72 => self.answer(session, challenge, Answer::No, owner),
            72..80 => {
                // Both at once, in either order; from two devices.
                let first = self.chance.percent(50);
                let (a, b) = if first {
                    (Answer::Yes, Answer::No)
                } else {
                    (Answer::No, Answer::Yes)
                };
                self.answer(session, challenge, a, owner);
                self.answer(session, challenge, b, owner);
            }
            80..90 => {
                let update = self.update();
                self.answer_as(session, challenge, Answer::Yes, owner, update.clone());
                self.answer_as(session, challenge, Answer::Yes, owner, update);
            }
            _ => {
                let strangers: Vec<UserId> = self
                    .people
                    .iter()
                    .map(|p| p.user)
                    .filter(|user| *user != owner)
                    .collect();
                let stranger = self.chance.pick(&strangers);
                let answer = self.chance.pick(&[Answer::Yes, Answer::No]);
                self.answer(session, challenge, answer, stranger);
            }
        }
    }

    /// Taps on a question from before.
    fn stale_answer(&mut self) {
        let asked: Vec<(ChallengeId, SessionId)> = self
            .truth
            .lock()
            .asked
            .iter()
            .map(|(challenge, (session, _))| (*challenge, *session))
            .collect();
        let Some((challenge, session)) = self.chance.any(&asked) else {
            return;
        };
        let Some(owner) = self.owner_of(session) else {
            return;
        };
        let answer = self.chance.pick(&[Answer::Yes, Answer::Yes, Answer::No]);
        self.answer(session, challenge, answer, owner);
    }

    pub(crate) fn owner_of(&self, session: SessionId) -> Option<UserId> {
        self.truth
            .lock()
            .sessions
            .get(&session)
            .map(|session| session.owner)
    }

    pub(crate) fn answer(
        &mut self,
        session: SessionId,
        challenge: ChallengeId,
        answer: Answer,
        by: UserId,
    ) {
        let update = self.update();
        self.answer_as(session, challenge, answer, by, update);
    }

    fn answer_as(
        &mut self,
        session: SessionId,
        challenge: ChallengeId,
        answer: Answer,
        by: UserId,
        update: Option<mikro2fa_core::tunnel::Text>,
    ) {
        let owner = self.owner_of(session);
        self.call(
            format!("{answer:?} to {challenge:?} of {session:?} by {by:?}"),
            move |handle| async move { handle.answer(session, challenge, answer, by, update).await },
            move |truth, fed| {
                if owner != Some(by) && matches!(fed, Ok(mikro2fa_core::engine::Fed::Stepped(_))) {
                    truth.broken("an answer counted that was not the owner's");
                }
            },
        );
    }

    fn not_me(&mut self) {
        let Some((session, owner)) = self.some_session(|_| true) else {
            return;
        };
        let by = if self.chance.percent(80) {
            owner
        } else {
            self.person().user
        };
        let update = self.update();
        self.call(
            format!("not me: {session:?} by {by:?}"),
            move |handle| async move { handle.not_me(session, by, update).await },
            move |truth, fed| {
                if by != owner && matches!(fed, Ok(mikro2fa_core::engine::Fed::Stepped(_))) {
                    truth.broken("a not me counted that was not the owner's");
                }
            },
        );
    }

    fn some_session(
        &mut self,
        wanted: impl Fn(&SessionState) -> bool,
    ) -> Option<(SessionId, UserId)> {
        let sessions: Vec<(SessionId, UserId)> = {
            let truth = self.truth.lock();
            let fitting = truth
                .sessions
                .values()
                .filter(|session| wanted(&session.state));
            fitting.map(|session| (session.id, session.owner)).collect()
        };
        self.chance.any(&sessions)
    }

    fn extend(&mut self) {
        let open = |state: &SessionState| {
            matches!(
                state,
                SessionState::Active { .. } | SessionState::Expiring { .. }
            )
        };
        let Some((session, owner)) = self.some_session(open) else {
            return;
        };
        let Some(Card::Reminder { offer, .. }) = self.phones.card(session) else {
            let update = self.update();
            return self.call(
                format!("extension buttons for {session:?}"),
                move |handle| async move { handle.offer_extension(session, update).await },
                |_, _| {},
            );
        };
        let minutes = self
            .chance
            .weighted(&[(50, 5), (30, 60), (10, 7), (5, 6_000), (5, 0)]);
        let by = if self.chance.percent(85) {
            owner
        } else {
            self.person().user
        };
        let times = self.chance.weighted(&[(80, 1), (20, 2)]);
        let same = self.chance.percent(50);
        let first = self.update();
        for _ in 0..times {
            let update = if same { first.clone() } else { self.update() };
            let actor = Actor::Owner { user: by };
            self.call(
                format!("{session:?} extended by {minutes} min by {by:?}"),
                move |handle| async move {
                    handle
                        .extend(session, Some(offer), minutes, actor, update)
                        .await
                },
                move |truth, fed| {
                    let counted = matches!(fed, Ok(mikro2fa_core::engine::Fed::Stepped(_)));
                    if counted && (by != owner || !matches!(minutes, 5 | 60)) {
                        truth.broken("an extension counted that was not offered");
                    }
                },
            );
        }
    }

    fn end(&mut self) {
        let Some((session, user)) = self.some_session(|_| true) else {
            return;
        };
        let by = if self.chance.percent(70) {
            Actor::Owner { user }
        } else {
            Actor::Operator {
                who: "Olga".into(),
                reason: "".into(),
            }
        };
        let update = self.update();
        self.call(
            format!("end of {session:?}"),
            move |handle| async move { handle.end(session, by, update).await },
            |_, _| {},
        );
    }

    pub(super) async fn operators(&mut self) {
        if self.truth.lock().untrusted && self.chance.percent(60) {
            return self.trust_clock();
        }
        match self.chance.below(100) {
            0..30 => self.let_in(),
            30..60 => self.unban(),
            60..75 => self.suspend_or_not().await,
            75..88 => self.unlink_or_not().await,
            88..95 => self.change_policy().await,
            _ => self.change_mode().await,
        }
    }

    fn let_in(&mut self) {
        let asked = |state: &SessionState| matches!(state, SessionState::Challenged { .. });
        let Some((session, _)) = self.some_session(asked) else {
            return;
        };
        self.truth.lock().let_in.insert(session);
        let until = self
            .chance
            .percent(50)
            .then(|| self.now() + Duration::from_secs(600));
        self.call(
            format!("{session:?} is let in by an operator"),
            move |handle| async move {
                handle
                    .let_in(session, "Olga".into(), "knows him".into(), until)
                    .await
            },
            |_, _| {},
        );
    }

    pub(crate) fn trust_clock(&mut self) {
        self.truth.lock().untrusted = false;
        self.call(
            "an operator vouches for the clock".to_owned(),
            |handle| async move { handle.trust_clock().await },
            |_, _| {},
        );
    }

    pub(crate) fn unban(&mut self) {
        let bans: Vec<_> = self.truth.lock().bans.keys().copied().collect();
        let Some(ban) = self.chance.any(&bans) else {
            return;
        };
        self.call(
            format!("{ban:?} is lifted"),
            move |handle| async move { handle.unban(ban, "Olga".into()).await },
            |_, _| {},
        );
    }

    /// Changes the desk, through the engine where it runs.
    pub(crate) async fn change(&mut self, what: &str, changes: Vec<DeskChange>) {
        if self.engine.is_some() {
            self.call(
                what.to_owned(),
                move |handle| async move { handle.change_desk(changes, Vec::new()).await },
                |_, _| {},
            );
        } else {
            self.truth
                .say(|| format!("{what}, while the engine is dead"));
            let _ = self.store.change(changes, Vec::new()).await;
        }
    }

    async fn suspend_or_not(&mut self) {
        let person = self.person();
        let Ok(Some(mut user)) = self.store.user(person.user).await else {
            return;
        };
        user.suspended = !user.suspended;
        user.version += 1;
        let what = format!("{} is paused: {}", person.name, user.suspended);
        self.change(&what, vec![DeskChange::PutUser(user)]).await;
    }

    async fn unlink_or_not(&mut self) {
        let person = self.person();
        let Ok(Some(mut account)) = self.store.account(person.account).await else {
            return;
        };
        account.owner = account.owner.is_none().then_some(person.user);
        account.version += 1;
        let what = format!("{}'s owner is now {:?}", person.name, account.owner);
        self.change(&what, vec![DeskChange::PutAccount(account)])
            .await;
    }

    /// Durations only: what the invariants judge by stays as it was drawn.
    async fn change_policy(&mut self) {
        let other = crate::settings::policy(&mut self.chance);
        let policy = PolicyOverride {
            session_duration: other.session_duration,
            confirmation_timeout: other.confirmation_timeout,
            reminder_before: other.reminder_before,
            ..self.settings.policy.clone()
        };
        self.change("another policy", vec![DeskChange::PutSystemPolicy(policy)])
            .await;
    }

    /// From observe mode to enforcing. The gate is ordered shut, and shut when the engine has done so.
    pub(crate) async fn change_mode(&mut self) {
        if self.ordered || self.mode == Mode::Enforcing || self.engine.is_none() {
            return;
        }
        let Ok(Some(desk)) = self.store.router_desk(self.office).await else {
            return;
        };
        let (mut router, order) = desk.router.switched(Mode::Enforcing, self.now());
        router.version += 1;
        self.change(
            "from observing to enforcing",
            vec![DeskChange::PutRouter(router), DeskChange::OrderGate(order)],
        )
        .await;
        self.settle().await;
        let desk = self.store.router_desk(self.office).await;
        if desk.is_ok_and(|desk| desk.is_some_and(|desk| desk.router.mode == Mode::Enforcing)) {
            self.ordered = true;
        }
    }

    /// From the first moment at which it is shut, the gate has to hold.
    pub(crate) fn mode_now(&self) -> Mode {
        if !self.ordered {
            return self.mode;
        }
        let shut = self.settings.weak || self.router.gate_is_shut();
        let mut truth = self.truth.lock();
        truth.was_shut |= shut;
        if truth.was_shut {
            Mode::Enforcing
        } else {
            self.mode
        }
    }
}
