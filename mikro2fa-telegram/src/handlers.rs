//! A handler turns an update into a call of the engine or a change at the desk, and says what came of it. None of them
//! decides anything.

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{
    desk::{ChatId, Language, User},
    session::{Session, SessionState},
};
use teloxide::types::{CallbackQuery, ChatMemberUpdated, Message, Update, UpdateKind};
use tracing::{error, warn};

use crate::{
    command::{Asked, Command},
    courier::Courier,
    dialogue::Step,
    keyboard::Holder,
    link::LinkCode,
    office::{Failure, Office, Toast, failure_code, language_of},
    text::{Args, Key, Reader},
};

mod access;
mod answer;
mod desk;
mod extension;
mod linking;
mod links;
mod registration;
mod settings;
mod tap;
mod two_steps;
mod views;

/// How long a tap's button may spin before it is stopped without words.
const SPIN: Duration = Duration::from_secs(3);

/// Who wrote.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) chat: i64,
    /// Whose chat this is, if anybody's.
    pub(crate) user: Option<User>,
    /// Do they administer?
    pub(crate) operator: bool,
    pub(crate) reader: Reader,
    /// What Telegram calls them.
    pub(crate) telegram_name: String,
}

impl Sender {
    pub(crate) fn holder(&self) -> Holder {
        self.user.as_ref().map_or(Holder::Chat, Holder::of)
    }
}

/// The key of an update: the same one twice counts once.
pub(crate) fn key_of(update: &Update) -> String {
    format!("telegram {}", update.id.0)
}

/// Who wrote a private message; whoever writes can be reached.
pub(crate) async fn sender(office: Arc<Office>, message: Message) -> Result<Sender, Failure> {
    let from = message.from.as_ref();
    identify(&office, message.chat.id.0, from).await
}

async fn identify(
    office: &Office,
    chat: i64,
    from: Option<&teloxide::types::User>,
) -> Result<Sender, Failure> {
    let directory = &office.courier.directory;
    let (mut user, operators) =
        tokio::try_join!(directory.user_of_chat(ChatId(chat)), directory.operators())?;
    if user.as_ref().is_some_and(|user| user.unreachable) {
        user = office.set_reachable(ChatId(chat), true).await?;
        if let Some(user) = &user {
            access::show_all(office, user).await?;
        }
    }
    let operator = operators
        .into_iter()
        .find(|operator| operator.chat == Some(ChatId(chat)));
    let telegram = language_of(from.and_then(|from| from.language_code.as_deref()));
    let reader = match (&user, &operator) {
        (Some(user), _) => Courier::reader(user),
        (None, Some(operator)) => Reader::new(operator.language),
        (None, None) => Reader::new(telegram),
    };
    let telegram_name = from.map(|from| from.full_name()).unwrap_or_default();
    Ok(Sender {
        chat,
        user,
        operator: operator.is_some(),
        reader,
        telegram_name,
    })
}

/// The database could not say who wrote.
pub(crate) async fn not_known(sender: Result<Sender, Failure>) -> Result<(), Failure> {
    sender.map(drop)
}

// ---- taps --------------------------------------------------------------------------------------

/// A tap on a button. It is always answered, or its button spins.
pub(crate) async fn tap(
    office: Arc<Office>,
    update: Update,
    query: CallbackQuery,
) -> Result<(), Failure> {
    let key = key_of(&update);
    let work = tap::tapped(&office, &key, &query);
    tokio::pin!(work);
    let toast = match tokio::time::timeout(SPIN, &mut work).await {
        Ok(toast) => toast?,
        Err(_) => {
            answer_query(&office, &query, &Toast::silent()).await;
            work.await?
        }
    };
    answer_query(&office, &query, &toast).await;
    Ok(())
}

async fn answer_query(office: &Office, query: &CallbackQuery, toast: &Toast) {
    // What the tap did stands, whether or not the button hears of it.
    if let Err(trouble) = office
        .courier
        .api
        .answer(&query.id, &toast.words, toast.popup)
        .await
    {
        tracing::debug!(?trouble, "a tap could not be answered");
    }
}

// ---- messages ----------------------------------------------------------------------------------

/// A command of somebody we know, or a key of the menu.
pub(crate) async fn command(
    office: Arc<Office>,
    update: Update,
    message: Message,
    sender: Sender,
    asked: Asked,
) -> Result<(), Failure> {
    let Some(user) = sender.user.clone() else {
        return Ok(());
    };
    let key = key_of(&update);
    let (office, sender) = (&*office, &sender);
    if asked.command != Command::Cancel {
        office.dialogues.end(sender.chat, office.now());
    }
    match asked.command {
        Command::Start if !asked.rest.is_empty() => {
            linking::start(office, sender, &asked.rest, i64::from(message.id.0)).await
        }
        Command::Start => settings::welcome(office, sender).await,
        Command::Help => settings::help(office, sender, &key).await,
        Command::RequestVpn => access::request(office, sender, &user, &key).await,
        Command::MySessions => access::sessions(office, sender, &user, &key).await,
        Command::Status => access::status(office, sender, &user, &key).await,
        Command::DisableVpn => access::disable(office, sender, &user, &key).await,
        Command::Extend => extension::extend(office, sender, &user, &key).await,
        Command::Language => settings::language(office, sender, &key).await,
        Command::Whoami => settings::whoami(office, sender, &user).await,
        Command::Cancel => cancel(office, sender).await,
        asked if asked.is_for_operators() && sender.operator => {
            administer(office, sender, asked, &key).await
        }
        Command::Register
        | Command::Pending
        | Command::Approve
        | Command::Reject
        | Command::Sessions
        | Command::Bans
        | Command::Routers
        | Command::Admin => puzzled(office, sender).await,
    }
}

/// Text of somebody we know that is no command: what was asked for, a code, or nothing we understand.
pub(crate) async fn typed(
    office: Arc<Office>,
    message: Message,
    sender: Sender,
) -> Result<(), Failure> {
    let (office, sender) = (&*office, &sender);
    let text = message.text().unwrap_or_default();
    match office.dialogues.step(sender.chat, office.now()) {
        Some(Step::Zone) => settings::zone(office, sender, text).await,
        Some(Step::Name) | None => match LinkCode::read(text) {
            Some(_) => linking::start(office, sender, text, i64::from(message.id.0)).await,
            None => puzzled(office, sender).await,
        },
    }
}

/// Anything from a chat that is linked to nobody.
pub(crate) async fn stranger(
    office: Arc<Office>,
    update: Update,
    message: Message,
    sender: Sender,
) -> Result<(), Failure> {
    let (office, sender) = (&*office, &sender);
    let text = message.text().unwrap_or_default();
    let username = office.username.get().map(String::as_str);
    let asked = Asked::read(&office.courier.texts, text, username);
    let waiting = office.dialogues.step(sender.chat, office.now());
    match (asked, waiting) {
        (
            Some(Asked {
                command: Command::Start,
                rest,
            }),
            _,
        ) if !rest.is_empty() => {
            linking::start(office, sender, &rest, i64::from(message.id.0)).await
        }
        (Some(Asked { command, .. }), _) if command.is_for_operators() && sender.operator => {
            administer(office, sender, command, &key_of(&update)).await
        }
        (
            Some(Asked {
                command: Command::Register,
                ..
            }),
            _,
        ) if office.self_registration => {
            registration::begin(office, sender, &key_of(&update)).await
        }
        (
            Some(Asked {
                command: Command::Cancel,
                ..
            }),
            Some(_),
        ) => cancel(office, sender).await,
        (None, Some(Step::Name)) => {
            registration::named(office, sender, text, &key_of(&update)).await
        }
        _ => match LinkCode::read(text) {
            Some(_) => linking::start(office, sender, text, i64::from(message.id.0)).await,
            None => {
                greet(office, sender).await;
                Ok(())
            }
        },
    }
}

/// A command of somebody who administers.
async fn administer(
    office: &Office,
    sender: &Sender,
    command: Command,
    update: &str,
) -> Result<(), Failure> {
    match command {
        Command::Sessions => desk::live(office, sender, update).await,
        Command::Bans => desk::bans(office, sender, update).await,
        Command::Routers => desk::routers(office, sender).await,
        Command::Admin => desk::menu(office, sender).await,
        _ => registration::pending(office, sender, update).await,
    }
}

/// One neutral text for all that unknown chats send, and not often: they learn nothing from it.
async fn greet(office: &Office, sender: &Sender) {
    if office.throttle.greeting(sender.chat, office.now()) {
        let key = if office.self_registration {
            Key::UnknownRegister
        } else {
            Key::Unknown
        };
        office
            .reply(sender.chat, sender.reader, key, &Args::new())
            .await;
    }
}

async fn puzzled(office: &Office, sender: &Sender) -> Result<(), Failure> {
    if office.throttle.puzzled(sender.chat, office.now()) {
        office
            .reply(sender.chat, sender.reader, Key::NotUnderstood, &Args::new())
            .await;
    }
    Ok(())
}

async fn cancel(office: &Office, sender: &Sender) -> Result<(), Failure> {
    let ended = office.dialogues.end(sender.chat, office.now());
    let key = if ended {
        Key::Cancelled
    } else {
        Key::CancelNothing
    };
    office
        .reply(sender.chat, sender.reader, key, &Args::new())
        .await;
    Ok(())
}

// ---- places ------------------------------------------------------------------------------------

/// The bot was blocked or let in again by a person, or added to a group: it leaves those.
pub(crate) async fn membership(
    office: Arc<Office>,
    change: ChatMemberUpdated,
) -> Result<(), Failure> {
    let present = change.new_chat_member.is_present();
    if change.chat.is_private() {
        let user = office
            .set_reachable(ChatId(change.chat.id.0), present)
            .await?;
        return match user {
            Some(user) if present => access::show_all(&office, &user).await,
            _ => Ok(()),
        };
    }
    if present {
        leave(&office, change.chat.id.0).await;
    }
    Ok(())
}

/// A message in a group or channel. Nothing is said there.
pub(crate) async fn elsewhere(office: Arc<Office>, message: Message) -> Result<(), Failure> {
    if !message.chat.is_private() {
        leave(&office, message.chat.id.0).await;
    }
    Ok(())
}

async fn leave(office: &Office, chat: i64) {
    warn!(
        chat,
        "the bot was added to a group or channel and leaves it; turn joining groups off in BotFather"
    );
    if let Err(trouble) = office.courier.api.leave(chat).await {
        warn!(?trouble, chat, "the bot could not leave");
    }
}

// ---- failures ----------------------------------------------------------------------------------

/// Our own fault: said to whoever waits, with letters that stand in the log.
pub(crate) async fn apologise(office: &Office, update: &Update, why: &str) {
    let code = failure_code(&key_of(update), office.now());
    error!(%why, %code, update = update.id.0, "an update could not be dealt with");
    let args = Args::new().ready("code", code);
    match &update.kind {
        UpdateKind::CallbackQuery(query) => {
            let reader = Reader::new(language_of(query.from.language_code.as_deref()));
            let words = office
                .courier
                .texts
                .html(reader.language, Key::ErrorTryAgain, &args)
                .plain();
            answer_query(office, query, &Toast { words, popup: true }).await;
        }
        UpdateKind::Message(message) if message.chat.is_private() => {
            // Only people we know: others learn nothing, not even that something failed.
            if let Ok(Some(user)) = office
                .courier
                .directory
                .user_of_chat(ChatId(message.chat.id.0))
                .await
            {
                office
                    .reply(
                        message.chat.id.0,
                        Courier::reader(&user),
                        Key::ErrorTryAgain,
                        &args,
                    )
                    .await;
            }
        }
        _ => {}
    }
}

/// When a session ends, as far as it is open.
fn end_of(session: &Session) -> Option<mikro2fa_core::time::Timestamp> {
    match &session.state {
        SessionState::Requested { until, .. } => Some(*until),
        _ => session.access().map(|access| access.expires_at),
    }
}

/// The other language's name, in its own tongue.
fn language_name(language: Language) -> Key {
    match language {
        Language::En => Key::ButtonEnglish,
        Language::Ru => Key::ButtonRussian,
    }
}
