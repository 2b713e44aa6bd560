//! What the bot's handlers work with. It decides nothing: sessions are the engine's, records the directory's.

use std::sync::Arc;

use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    desk::{ChatId, Language, User},
    directory::Digest,
    engine::{EngineError, EngineHandle},
    entropy::Entropy,
    id::{CommitId, OutboxId, UserId},
    notifier::{Act, Alert, Matter, Notice, Subject},
    retry::Retry,
    session::Actor,
    store::{Commit, Committed, Lane, OutboxRow, Priority, Store, StoreError},
    time::Timestamp,
    tunnel::Text,
};
use teloxide::types::BotCommandScope;
use tracing::warn;

use crate::{
    api::Outgoing,
    command::{Command, Listed},
    courier::{Address, Courier},
    dialogue::Dialogues,
    keyboard::{Holder, VIEW_LIFE},
    render::Rendered,
    text::{Args, Html, Key, Reader},
    throttle::Throttle,
    trouble::Trouble,
};

/// Why an update was not dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is dealt with again in a moment, and not confirmed before.
    Later(String),
    /// It cannot be dealt with; whoever waits is told, and may try again.
    Ours(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error.retry() {
            // Somebody else was quicker: read anew, and decided anew.
            Retry::Never if matches!(error, StoreError::Conflict(_)) => {
                Self::Later(error.to_string())
            }
            Retry::Never => Self::Ours(error.to_string()),
            Retry::Now | Retry::After(_) => Self::Later(error.to_string()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Stopping | EngineError::UnknownRouter => Self::Later(error.to_string()),
            _ => Self::Ours(error.to_string()),
        }
    }
}

/// What a tap is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toast {
    pub(crate) words: String,
    pub(crate) popup: bool,
}

impl Toast {
    /// The button only stops spinning: the card says the rest.
    pub(crate) fn silent() -> Self {
        Self::default()
    }
}

/// Everything a handler needs.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) courier: Arc<Courier>,
    pub(crate) engine: EngineHandle,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) self_registration: bool,
    pub(crate) throttle: Throttle,
    pub(crate) dialogues: Dialogues,
    /// The bot's own name, once Telegram has said it.
    pub(crate) username: std::sync::OnceLock<String>,
}

impl Office {
    pub(crate) fn now(&self) -> Timestamp {
        self.courier.clock.now()
    }

    pub(crate) fn toast(&self, reader: Reader, key: Key, args: &Args<'_>) -> Toast {
        Toast {
            words: self.courier.texts.plain(reader.language, key, args),
            popup: false,
        }
    }

    pub(crate) fn popup(&self, reader: Reader, key: Key, args: &Args<'_>) -> Toast {
        Toast {
            popup: true,
            ..self.toast(reader, key, args)
        }
    }

    /// A reply of one text, without sound. Lost without harm: whoever wants it asks again.
    pub(crate) async fn reply(&self, chat: i64, reader: Reader, key: Key, args: &Args<'_>) {
        let html = match key.spec().form.is_html() && !key.spec().parts.is_empty() {
            true => self.courier.texts.sheet(reader.language, key, args).html(),
            false => self.courier.texts.html(reader.language, key, args),
        };
        self.courier.tell(chat, Outgoing::new(html).silent()).await;
    }

    pub(crate) async fn reply_html(&self, chat: i64, html: Html) {
        self.courier.tell(chat, Outgoing::new(html).silent()).await;
    }

    /// A reply with buttons.
    pub(crate) async fn show(&self, chat: i64, holder: Holder, update: &str, rendered: &Rendered) {
        let address = Address {
            chat,
            holder,
            cause: update,
            life: VIEW_LIFE,
        };
        self.show_at(address, rendered).await;
    }

    pub(crate) async fn show_at(&self, address: Address<'_>, rendered: &Rendered) {
        if let Err(trouble) = self.courier.send(address, rendered).await {
            warn!(?trouble, "a reply could not be sent");
            self.heard(address.chat, &trouble).await;
        }
    }

    /// A chat that cannot be written to: its user is marked, so that nobody waits for answers from there.
    async fn heard(&self, chat: i64, trouble: &Trouble) {
        if let Trouble::Gone(_) = trouble {
            // Best effort: the next question finds out again.
            let _ = self.set_reachable(ChatId(chat), false).await;
        }
    }

    pub(crate) async fn set_reachable(
        &self,
        chat: ChatId,
        reachable: bool,
    ) -> Result<Option<User>, Failure> {
        let Some(user) = self.courier.directory.user_of_chat(chat).await? else {
            return Ok(None);
        };
        if user.unreachable != reachable {
            return Ok(Some(user));
        }
        let version = user.version + 1;
        let user = User {
            unreachable: !reachable,
            version,
            ..user
        };
        let change = mikro2fa_core::directory::DeskChange::PutUser(user.clone());
        self.engine.change_desk(vec![change], Vec::new()).await?;
        if user.unreachable {
            let why = "the bot was blocked, or the chat is gone".into();
            let about = format!("user-unreachable {}", user.id);
            self.alert(&about, Alert::UserUnreachable { why }, user.name.clone())
                .await?;
        }
        Ok(Some(user))
    }

    // ---- messages that must not be lost: rows of the outbox ------------------------------------

    pub(crate) async fn alert(
        &self,
        about: &str,
        alert: Alert,
        person: Text,
    ) -> Result<(), Failure> {
        let subject = Subject {
            person,
            ..Subject::default()
        };
        let notice = Notice::Alert {
            alert,
            subject,
            at: self.now(),
        };
        self.enqueue(Lane::alert(about), Priority::Info, notice, None)
            .await
    }

    /// What operators were told is over: each of their messages says what was done, so that nobody acts twice.
    pub(crate) async fn solved(
        &self,
        about: impl std::fmt::Display,
        (matter, act): (Matter, Act),
        by: Text,
        subject: Subject,
    ) -> Result<(), Failure> {
        let alert = Alert::Solved { matter, act, by };
        let lane = Lane::alert(&format!("{} {about}", alert.kind()));
        let notice = Notice::Alert {
            alert,
            subject,
            at: self.now(),
        };
        self.enqueue(lane, Priority::Info, notice, None).await
    }

    pub(crate) async fn enqueue(
        &self,
        lane: Lane,
        priority: Priority,
        notice: Notice,
        update: Option<Text>,
    ) -> Result<(), Failure> {
        let now = self.now();
        let mut commit = Commit::new(CommitId::from_uuid(self.entropy.sorted(now)), None);
        commit.update = update;
        commit.outbox.push(OutboxRow {
            id: OutboxId::from_uuid(self.entropy.sorted(now)),
            lane,
            priority,
            notice,
            due: now,
            useless_after: None,
            attempt: 0,
            previous: None,
        });
        let committed = self.store.commit(&[commit]).await?;
        self.engine.outbox_filled();
        match committed.into_iter().next() {
            Some(Committed::Done | Committed::Repeated) => Ok(()),
            other => Err(Failure::Ours(format!("a message was not taken: {other:?}"))),
        }
    }

    pub(crate) fn audit(&self, actor: Actor, change: impl Into<Text>) -> AuditEntry {
        let what = AuditKind::Desk {
            actor,
            change: change.into(),
        };
        AuditEntry {
            at: self.now(),
            session: None,
            router: None,
            account: None,
            what,
        }
    }

    pub(crate) const fn owner(user: UserId) -> Actor {
        Actor::Owner { user }
    }

    // ---- lists of commands ---------------------------------------------------------------------

    /// Shows a chat the commands that are for it. What fails is mended at the next change.
    pub(crate) async fn list_commands(&self, chat: i64, language: Language, linked: bool) {
        let listed = match self.courier.is_operator(chat).await {
            Ok(true) => Listed::Operator,
            _ if linked => Listed::User,
            _ => Listed::Stranger,
        };
        let scope = BotCommandScope::Chat {
            chat_id: teloxide::types::ChatId(chat).into(),
        };
        let commands = Command::list(&self.courier.texts, language, listed);
        if let Err(trouble) = self.courier.api.set_commands(scope, None, commands).await {
            warn!(?trouble, "a list of commands could not be set");
        }
    }
}

/// Six letters by which a failure is found in the log.
pub(crate) fn failure_code(update: &str, now: Timestamp) -> String {
    let digest = Digest::of(&format!("{update} {}", now.millis()));
    digest
        .0
        .iter()
        .take(6)
        .map(|byte| char::from(b'A' + byte % 26))
        .collect()
}

/// Which of our languages somebody's Telegram is in.
pub(crate) fn language_of(code: Option<&str>) -> Language {
    match code.and_then(|code| code.get(..2)) {
        Some(code) if code.eq_ignore_ascii_case("ru") => Language::Ru,
        _ => Language::En,
    }
}
