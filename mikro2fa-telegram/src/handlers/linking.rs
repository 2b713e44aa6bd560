//! A chat is tied to a user by a one-time code.

use mikro2fa_core::{
    desk::{ChatId, User},
    directory::{DeskChange, Press},
    notifier::Alert,
    store::StoreError,
};

use super::Sender;
use crate::{
    api::Outgoing,
    courier::{Address, Courier},
    keyboard::{Buttons, CARD_LIFE, Holder},
    link::LinkCode,
    office::{Failure, Office},
    render::{self, Rendered},
    text::{Args, Key},
};

/// `/start CODE`, or the code alone. Wrong, used and expired codes get one and the same answer, and after five tries in
/// an hour none.
pub(super) async fn start(
    office: &Office,
    sender: &Sender,
    code: &str,
    message: i64,
) -> Result<(), Failure> {
    if !office.throttle.code(sender.chat, office.now()) {
        return Ok(());
    }
    let linked = match LinkCode::read(code) {
        Some(code) => link(office, sender, &code).await?,
        None => None,
    };
    let Some((user, before)) = linked else {
        office
            .reply(sender.chat, sender.reader, Key::CodeRefused, &Args::new())
            .await;
        return Ok(());
    };
    // The code is used up, and nobody has to see it.
    if let Err(trouble) = office.courier.api.delete(sender.chat, message).await {
        tracing::debug!(?trouble, "the message with the code stays");
    }
    welcome(office, sender, &user).await?;
    if let Some(old) = before.filter(|old| old.0 != sender.chat) {
        tell_old_chat(office, old, &user).await;
        // What is open goes on here; its cards leave the old chat.
        super::access::show_all(office, &user).await?;
    }
    let alert = Alert::Linked {
        telegram_name: sender.telegram_name.as_str().into(),
        chat: sender.chat,
    };
    office
        .alert(&format!("linked {}", user.id), alert, user.name.clone())
        .await?;
    office.list_commands(sender.chat, user.language, true).await;
    Ok(())
}

/// The user as linked now, and the chat they had before; `None` if the code is not good here.
async fn link(
    office: &Office,
    sender: &Sender,
    code: &LinkCode,
) -> Result<Option<(User, Option<ChatId>)>, Failure> {
    let now = office.now();
    let directory = &office.courier.directory;
    let Some(id) = directory.link_code(code.digest(), now).await? else {
        return Ok(None);
    };
    let Some(user) = directory.user(id).await? else {
        return Ok(None);
    };
    // A chat stays with its person: an operator unlinks it before it can be anybody else's.
    if sender
        .user
        .as_ref()
        .is_some_and(|other| other.id != user.id)
    {
        return Ok(None);
    }
    let before = user.chat;
    let language = if user.chat.is_none() {
        sender.reader.language
    } else {
        user.language
    };
    let linked = User {
        chat: Some(ChatId(sender.chat)),
        link_generation: user.link_generation + 1,
        linked_at: Some(now),
        language,
        unreachable: false,
        version: user.version + 1,
        ..user
    };
    let audit = office.audit(
        Office::owner(linked.id),
        "a chat was linked by a one-time code",
    );
    let changes = vec![
        DeskChange::UseLinkCode {
            digest: code.digest(),
            now,
        },
        DeskChange::PutUser(linked.clone()),
    ];
    match office.engine.change_desk(changes, vec![audit]).await {
        Ok(()) => Ok(Some((linked, before))),
        Err(mikro2fa_core::engine::EngineError::Store(StoreError::NotFound(_))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whom the chat belongs to now, with the menu. `/start` of somebody linked says the same.
pub(super) async fn welcome(office: &Office, sender: &Sender, user: &User) -> Result<(), Failure> {
    let accounts = office.courier.directory.accounts_of(user.id).await?;
    let key = if accounts.is_empty() {
        Key::LinkedNoAccount
    } else {
        Key::Linked
    };
    let names = render::list(accounts.iter().map(|account| account.name.clone()));
    let args = Args::new()
        .outside("person", &user.name)
        .piece("accounts", names);
    let html = office.courier.texts.sheet(user.language, key, &args).html();
    let menu = office.courier.menu(user.language, sender.operator);
    office
        .courier
        .tell(sender.chat, Outgoing::new(html).markup(menu))
        .await;
    Ok(())
}

/// The chat that was linked before hears of it, so that nothing is taken over unnoticed.
async fn tell_old_chat(office: &Office, old: ChatId, user: &User) {
    let scene = office.courier.scene(Courier::reader(user));
    unlinked(office, old.0, user).await;
    let args = Args::new().ready("at", scene.moment(scene.now));
    let press = Press::Page {
        view: format!("disagree {} {}", user.id, user.link_generation).into(),
        page: 0,
    };
    let rendered = Rendered {
        html: scene.sheet(Key::RelinkedOldChat, &args).html(),
        buttons: Buttons::none().row(scene.label(Key::ButtonNotAgreed), press),
        ..Rendered::default()
    };
    let cause = format!("relinked {} {}", user.id, user.link_generation);
    let address = Address {
        chat: old.0,
        holder: Holder::Chat,
        cause: &cause,
        life: CARD_LIFE,
    };
    office.show_at(address, &rendered).await;
}

/// A chat that is nobody's any more loses its menu and its commands.
pub(super) async fn unlinked(office: &Office, chat: i64, user: &User) {
    let html = office
        .courier
        .texts
        .html(user.language, Key::Unlinked, &Args::new());
    let gone = Outgoing::new(html)
        .silent()
        .markup(teloxide::types::KeyboardRemove::new());
    office.courier.tell(chat, gone).await;
    office.list_commands(chat, user.language, false).await;
}
