//! The handle: what frontends call. Every answer comes after what it says is durable.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::{
    desk::Router,
    directory::{DeskChange, Directory},
    engine::{
        Activity, Disown, Disowned, Fed, Requested, RouterStatus,
        bell::Bell,
        keeper::{Message, Queued},
        keepers::Keepers,
        settled::Busy,
    },
    id::{AccountId, BanId, OfferId, RouterId, SessionId, UserId},
    router_backend::RuleRow,
    session::{Actor, Answer, Confirmed, EndReason, Event, Ignored, Session},
    store::StoreError,
    time::{Clock, Timestamp},
    tunnel::Text,
};

/// Something that screens show live. May be missed: what is shown is read from the store.
#[derive(Clone, Debug)]
pub enum EngineEvent {
    /// A session changed, durably.
    Session(Box<Session>),
    /// A router answers, or no longer does.
    Router(Box<RouterStatus>),
    /// Tunnels of a router came or went.
    Tunnels(RouterId),
}

/// Why the engine could not do what it was asked.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No such session.
    #[error("no such session")]
    UnknownSession,
    /// No such router, or not held by this node.
    #[error("no such router here")]
    UnknownRouter,
    /// No such account.
    #[error("no such account")]
    UnknownAccount,
    /// It is being shut down.
    #[error("mikro2fa is stopping; try again in a moment")]
    Stopping,
    /// It makes no sense now.
    #[error("nothing was changed: {0:?}")]
    Ignored(Ignored),
    /// It could not be written down; nothing was changed.
    #[error("it could not be written down: {0}")]
    NotWritten(Text),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What frontends call. Cheap to clone.
#[derive(Clone)]
pub struct EngineHandle {
    pub(super) keepers: Keepers,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) activity: Activity,
    pub(super) events: broadcast::Sender<EngineEvent>,
    pub(super) refresh: mpsc::Sender<super::supervisor::Refresh>,
    pub(super) messenger: Arc<watch::Sender<Option<Timestamp>>>,
    pub(super) messenger_bell: Arc<Bell>,
    pub(super) clock_trusted: Arc<AtomicBool>,
    pub(super) trouble: watch::Receiver<Option<StoreError>>,
    pub(super) outbox: Arc<Bell>,
}

impl std::fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineHandle")
    }
}

impl EngineHandle {
    /// An account's owner asks for access on a router. `update` is the key of the update from outside that this
    /// answers: the same one twice counts once.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`] where this node does not hold it.
    pub async fn request_access(
        &self,
        user: UserId,
        account: AccountId,
        router: RouterId,
        update: Option<Text>,
    ) -> Result<Requested, EngineError> {
        let (reply, requested) = oneshot::channel();
        let message = Message::Request(user, account, update, reply);
        self.keepers.send(router, message).await?;
        requested.await.map_err(|_| EngineError::Stopping)
    }

    /// Somebody answered a question. Whether it counts is decided by the session's own rules.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`]; an answer that does not count is no error but [`Fed::Ignored`].
    pub async fn answer(
        &self,
        session: SessionId,
        challenge: crate::id::ChallengeId,
        answer: Answer,
        by: UserId,
        update: Option<Text>,
    ) -> Result<Fed, EngineError> {
        let event = Event::Answered {
            challenge,
            answer,
            by,
        };
        self.keepers
            .feed(
                session,
                Queued {
                    update,
                    ..event.into()
                },
            )
            .await
    }

    /// The owner says of an open session that it is not theirs.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`].
    pub async fn not_me(
        &self,
        session: SessionId,
        by: UserId,
        update: Option<Text>,
    ) -> Result<Fed, EngineError> {
        self.keepers
            .feed(
                session,
                Queued {
                    update,
                    ..Event::NotMe { by }.into()
                },
            )
            .await
    }

    /// The owner says of attempts that no session is about that they were not theirs.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`] where this node does not hold it.
    pub async fn disown(&self, router: RouterId, disown: Disown) -> Result<Disowned, EngineError> {
        let (reply, disowned) = oneshot::channel();
        let message = Message::Disown(disown, reply);
        self.keepers.send(router, message).await?;
        disowned.await.map_err(|_| EngineError::Stopping)
    }

    /// An open session's card is to say how much time is left now.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`].
    pub async fn refresh_card(&self, session: SessionId) -> Result<Fed, EngineError> {
        self.keepers.feed(session, Event::CardWanted.into()).await
    }

    /// The owner wants extension buttons.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`].
    pub async fn offer_extension(
        &self,
        session: SessionId,
        update: Option<Text>,
    ) -> Result<Fed, EngineError> {
        self.keepers
            .feed(
                session,
                Queued {
                    update,
                    ..Event::OfferWanted.into()
                },
            )
            .await
    }

    /// A session's end is moved.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`].
    pub async fn extend(
        &self,
        session: SessionId,
        offer: Option<OfferId>,
        minutes: u32,
        by: Actor,
        update: Option<Text>,
    ) -> Result<Fed, EngineError> {
        let event = Event::Extended { offer, minutes, by };
        self.keepers
            .feed(
                session,
                Queued {
                    update,
                    ..event.into()
                },
            )
            .await
    }

    /// A session is ended by its user or an operator.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`].
    pub async fn end(
        &self,
        session: SessionId,
        by: Actor,
        update: Option<Text>,
    ) -> Result<Fed, EngineError> {
        let reason = match &by {
            Actor::Owner { .. } => EndReason::EndedByUser,
            _ => EndReason::EndedByOperator,
        };
        let event = Event::End { reason, by };
        self.keepers
            .feed(
                session,
                Queued {
                    update,
                    ..event.into()
                },
            )
            .await
    }

    /// An operator lets in the tunnel that a session asks about.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownSession`].
    pub async fn let_in(
        &self,
        session: SessionId,
        who: Text,
        reason: Text,
        until: Option<Timestamp>,
    ) -> Result<Fed, EngineError> {
        let confirmed = Confirmed::by_operator(who, reason);
        self.keepers
            .feed(session, Event::LetIn { confirmed, until }.into())
            .await
    }

    /// An operator lifts a ban. False if there is none of this id.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownAccount`] if its account is gone, else of the database.
    pub async fn unban(&self, ban: BanId, operator: Text) -> Result<bool, EngineError> {
        if self.directory.ban(ban).await?.is_none() {
            return Ok(false);
        }
        for (router, _) in self.keepers.all() {
            let (reply, done) = oneshot::channel();
            let message = Message::Unban(ban, Arc::clone(&operator), reply);
            self.keepers.send(router, message).await?;
            let done = done.await.map_err(|_| EngineError::Stopping)?;
            if done.map_err(EngineError::NotWritten)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Something may have changed on a router: a hint, which proves nothing and causes one look.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`].
    pub async fn tunnels_changed(&self, router: RouterId) -> Result<(), EngineError> {
        self.keepers.send(router, Message::Hint).await
    }

    /// The desk was changed through [`Directory::change`]: users, accounts, policy of this router, or all.
    ///
    /// # Errors
    ///
    /// [`EngineError::Stopping`].
    pub async fn desk_changed(&self, router: Option<RouterId>) -> Result<(), EngineError> {
        let (done, wait) = oneshot::channel();
        let refresh = super::supervisor::Refresh {
            router,
            done,
            busy: self.activity.begin(),
        };
        self.refresh
            .send(refresh)
            .await
            .map_err(|_| EngineError::Stopping)?;
        wait.await.map_err(|_| EngineError::Stopping)
    }

    /// Makes changes at the desk, and lets the engine know.
    ///
    /// # Errors
    ///
    /// What [`Directory::change`] says; nothing was changed then.
    pub async fn change_desk(
        &self,
        changes: Vec<DeskChange>,
        audit: Vec<crate::audit::AuditEntry>,
    ) -> Result<(), EngineError> {
        self.directory.change(changes, audit).await?;
        self.desk_changed(None).await
    }

    /// Ends every session of a router that is taken out of control, and stops serving it.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`].
    pub async fn release_router(&self, router: RouterId, by: Actor) -> Result<(), EngineError> {
        let (reply, done) = oneshot::channel();
        let message = Message::EndAll(EndReason::RouterRemoved, by, reply);
        self.keepers.send(router, message).await?;
        done.await.map_err(|_| EngineError::Stopping)
    }

    /// Answers can be fetched from Telegram (`None`), or not since then: the clocks of questions stand still.
    pub fn messenger(&self, away_since: Option<Timestamp>) {
        let news = self.messenger.send_if_modified(|state| {
            let news = state.is_some() != away_since.is_some();
            *state = away_since;
            news
        });
        if news {
            self.messenger_bell.ring(&self.activity);
        }
    }

    /// Is this machine's clock believed? It is not where it is earlier than it was when this store was last used; nothing is
    /// opened then, until [`Self::trust_clock`].
    #[must_use]
    pub fn clock_is_trusted(&self) -> bool {
        self.clock_trusted.load(Ordering::SeqCst)
    }

    /// An operator vouches for this machine's clock.
    ///
    /// # Errors
    ///
    /// [`EngineError::Stopping`].
    pub async fn trust_clock(&self) -> Result<(), EngineError> {
        // Also for routers that are served from now on.
        self.clock_trusted.store(true, Ordering::SeqCst);
        for (router, _) in self.keepers.all() {
            self.keepers.send(router, Message::ClockTrusted).await?;
        }
        Ok(())
    }

    /// The rules of a router that can be bound: those with `2FA` in their comment, as they stand now. Waits for a look.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`]; within, why the router could not be asked.
    pub async fn rules(&self, router: RouterId) -> Result<Result<Vec<RuleRow>, Text>, EngineError> {
        let (reply, rules) = oneshot::channel();
        self.keepers.send(router, Message::Rules(reply)).await?;
        rules.await.map_err(|_| EngineError::Stopping)
    }

    /// Lets go of a bound rule: it is switched off, whoever it was switched on for, and this returns when it was seen so. Whoever
    /// calls takes its binding away within a minute, or it is a bound rule as before. Where a router is only watched, nothing is
    /// touched.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`]; within, why it could not be switched off: then it is bound as before.
    pub async fn let_go_of_rule(
        &self,
        router: RouterId,
        comment: Text,
    ) -> Result<Result<(), Text>, EngineError> {
        let (reply, went) = oneshot::channel();
        self.keepers
            .send(router, Message::LetGo(comment, reply))
            .await?;
        went.await.map_err(|_| EngineError::Stopping)
    }

    /// How a router stands.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownRouter`].
    pub async fn router_status(&self, router: RouterId) -> Result<RouterStatus, EngineError> {
        let (reply, status) = oneshot::channel();
        self.keepers.send(router, Message::Status(reply)).await?;
        status.await.map_err(|_| EngineError::Stopping)
    }

    /// How all routers of this node stand.
    ///
    /// # Errors
    ///
    /// [`EngineError::Stopping`].
    pub async fn status(&self) -> Result<Vec<RouterStatus>, EngineError> {
        let mut all = Vec::new();
        for (router, _) in self.keepers.all() {
            all.push(self.router_status(router).await?);
        }
        Ok(all)
    }

    /// Routers that this node serves.
    #[must_use]
    pub fn serves(&self) -> Vec<RouterId> {
        self.keepers
            .all()
            .into_iter()
            .map(|(router, _)| router)
            .collect()
    }

    /// The routers on which an account can be used.
    ///
    /// # Errors
    ///
    /// Of the database.
    pub async fn routers_of(&self, account: AccountId) -> Result<Vec<Router>, EngineError> {
        let record = self
            .directory
            .account(account)
            .await?
            .ok_or(EngineError::UnknownAccount)?;
        let sources = self.directory.sources().await?;
        let served: Vec<RouterId> = sources
            .into_iter()
            .filter(|source| source.id == record.source)
            .flat_map(|source| source.routers)
            .collect();
        let routers = self.directory.routers().await?;
        Ok(routers
            .into_iter()
            .filter(|router| served.contains(&router.id))
            .collect())
    }

    /// What screens show live, from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        self.events.subscribe()
    }

    /// What keeps the database from being written, if anything does: nothing opens meanwhile.
    #[must_use]
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble.borrow().clone()
    }

    /// Messages were put into the outbox by somebody else than the engine.
    pub fn outbox_filled(&self) {
        self.outbox.ring(&self.activity);
    }

    /// Nothing is in flight: no message, commit, port call or due outbox row. What a manual clock waits for.
    pub async fn settled(&self) {
        self.activity.settled().await;
    }

    /// Counts something of the caller's own as in flight, as long as it lives.
    #[must_use]
    pub fn busy(&self) -> Busy {
        self.activity.begin()
    }

    /// Not in flight until then, of what `busy` stands for; in flight again from the moment it wakes.
    pub async fn sleep_until(&self, at: Timestamp, busy: Busy) -> Busy {
        let sleep = self.clock.sleep_until(at);
        drop(busy);
        self.activity.woken(sleep).await
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The desk.
    #[must_use]
    pub fn directory(&self) -> &Arc<dyn Directory> {
        &self.directory
    }
}
