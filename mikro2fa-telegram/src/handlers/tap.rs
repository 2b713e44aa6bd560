//! What a tap has to pass before anything happens. The first check that fails ends it, changes nothing, and is told.

use std::time::Duration;

use mikro2fa_core::{
    directory::{Keyboard, Press},
    engine::Disown,
    session::Answer,
};
use teloxide::types::{CallbackQuery, MaybeInaccessibleMessage};
use tracing::debug;

use super::{Sender, access, answer, extension, identify, registration, views};
use crate::{
    callback::ButtonData,
    office::{Failure, Office, Toast, language_of},
    text::{Args, Key, Reader},
};

/// A keyboard that has just replaced another takes no taps for so long: a double tap on Yes must not hit what is there now.
const SETTLING: Duration = Duration::from_millis(1_500);

/// A tap that passed.
pub(super) struct Tapped<'a> {
    pub(super) update: &'a str,
    pub(super) sender: Sender,
    pub(super) message: i64,
    pub(super) keyboard: Keyboard,
}

pub(super) async fn tapped(
    office: &Office,
    update: &str,
    query: &CallbackQuery,
) -> Result<Toast, Failure> {
    let reader = Reader::new(language_of(query.from.language_code.as_deref()));
    let not_here = || office.popup(reader, Key::AnswerNotYours, &Args::new());
    let Some((chat, message)) = place(query) else {
        return Ok(not_here());
    };
    let button = query.data.as_deref().and_then(ButtonData::decode);
    let keyboard = async {
        match &button {
            Some(button) => Ok(office.courier.keyboards.find(button.keyboard()).await?),
            None => Ok(None),
        }
    };
    let (sender, keyboard) = tokio::try_join!(identify(office, chat, Some(&query.from)), keyboard)?;
    let known = sender.user.is_some() || sender.operator;
    let in_time = if known {
        office.throttle.tap(chat, office.now())
    } else {
        office.throttle.strange_tap(office.now())
    };
    if !in_time {
        return Ok(office.toast(sender.reader, Key::AnswerSlowDown, &Args::new()));
    }
    let Some(button) = button else {
        return Ok(not_here());
    };
    let Some(keyboard) = keyboard else {
        debug!(chat, "a tap on a button that is not known");
        return Ok(not_here());
    };
    if !belongs(&keyboard, &sender) {
        debug!(chat, "a tap on somebody else's button");
        return Ok(office.popup(sender.reader, Key::AnswerNotYours, &Args::new()));
    }
    let Some(press) = keyboard.presses.get(button.slot()).cloned() else {
        return Ok(office.popup(sender.reader, Key::AnswerNotYours, &Args::new()));
    };
    let tapped = Tapped {
        update,
        sender,
        message,
        keyboard,
    };
    if let Some(toast) = too_late(office, &tapped, &press) {
        return Ok(toast);
    }
    let toast = pressed(office, &tapped, press).await?;
    forget_double(office, &tapped).await;
    Ok(toast)
}

/// Under a message of a private chat, by that chat's own person.
fn place(query: &CallbackQuery) -> Option<(i64, i64)> {
    let message = query.message.as_ref()?;
    let (chat, id) = match message {
        MaybeInaccessibleMessage::Regular(message) => (&message.chat, message.id),
        MaybeInaccessibleMessage::Inaccessible(message) => (&message.chat, message.message_id),
    };
    let own = i64::try_from(query.from.id.0) == Ok(chat.id.0);
    (chat.is_private() && own && !query.from.is_bot).then(|| (chat.id.0, i64::from(id.0)))
}

/// Was this keyboard shown to them, through the link that there is now?
fn belongs(keyboard: &Keyboard, sender: &Sender) -> bool {
    if keyboard.chat.0 != sender.chat {
        return false;
    }
    match (keyboard.user, &sender.user) {
        (Some(id), Some(user)) => id == user.id && keyboard.link_generation == user.link_generation,
        (Some(_), None) => false,
        // An operator's, or a person's who asks to be let in: who that is now is looked at when it acts.
        (None, _) => true,
    }
}

/// Buttons that are over, or that stand where others stood a moment ago. Answers go to the engine in any case: it knows
/// best what has become of the question, and a *no* counts at any time.
fn too_late(office: &Office, tapped: &Tapped<'_>, press: &Press) -> Option<Toast> {
    let (keyboard, reader, now) = (&tapped.keyboard, tapped.sender.reader, office.now());
    let closes = matches!(
        press,
        Press::NotMe { .. }
            | Press::NotMine { .. }
            | Press::Answer {
                answer: Answer::No,
                ..
            }
    );
    if keyboard.replaces && !keyboard.dead && !closes && now < keyboard.made_at + SETTLING {
        return Some(office.toast(reader, Key::AnswerSlowDown, &Args::new()));
    }
    let judged_elsewhere = matches!(
        press,
        Press::Answer { .. }
            | Press::NotMe { .. }
            | Press::NotMine { .. }
            | Press::Extend { .. }
            | Press::End { .. }
            | Press::Cancel { .. }
    );
    if judged_elsewhere || !(keyboard.dead || now >= keyboard.ends_at) {
        return None;
    }
    let view = matches!(press, Press::Page { .. } | Press::Dismiss);
    let key = if view {
        Key::ViewExpired
    } else {
        Key::AnswerStale
    };
    Some(office.popup(reader, key, &Args::new()))
}

async fn pressed(office: &Office, tapped: &Tapped<'_>, press: Press) -> Result<Toast, Failure> {
    match (press, tapped.sender.user.as_ref()) {
        (
            Press::Answer {
                session,
                challenge,
                answer,
            },
            Some(user),
        ) => answer::answer(office, tapped, user, session, challenge, answer).await,
        (Press::NotMe { session }, Some(user)) => {
            answer::not_me(office, tapped, user, session).await
        }
        (
            Press::NotMine {
                account,
                router,
                caller,
                at,
            },
            Some(user),
        ) => {
            let disown = Disown {
                user: user.id,
                account,
                caller,
                at,
                update: Some(tapped.update.into()),
            };
            answer::not_mine(office, tapped, router, disown).await
        }
        (Press::Mistake { session }, Some(user)) => {
            answer::mistake(office, tapped, user, session).await
        }
        (Press::End { session }, Some(user)) => access::end(office, tapped, user, session).await,
        (Press::Cancel { session }, Some(user)) => {
            access::cancel(office, tapped, user, session).await
        }
        (Press::Request { account, router }, Some(user)) => {
            access::requested(office, tapped, user, account, router).await
        }
        (Press::Show { session }, Some(user)) => access::show(office, tapped, user, session).await,
        (
            Press::Extend {
                session,
                offer,
                minutes,
            },
            Some(user),
        ) => extension::extended(office, tapped, user, session, offer, minutes).await,
        (Press::Approve { registration }, _) if tapped.sender.operator => {
            registration::decide(office, tapped, registration, Some(None)).await
        }
        (Press::Reject { registration }, _) if tapped.sender.operator => {
            registration::decide(office, tapped, registration, None).await
        }
        (Press::Withdraw { registration }, _) => {
            registration::withdraw(office, tapped, registration).await
        }
        (Press::Page { view, page }, _) => views::turn(office, tapped, &view, page).await,
        (Press::Dismiss, _) => views::dismiss(office, tapped).await,
        _ => Ok(office.popup(tapped.sender.reader, Key::AnswerNotYours, &Args::new())),
    }
}

/// A message that went out twice, because nobody knew that it had gone out: the one that is not the card goes.
async fn forget_double(office: &Office, tapped: &Tapped<'_>) {
    let known = &tapped.keyboard.messages;
    if tapped.keyboard.dead || known.is_empty() || known.contains(&tapped.message) {
        return;
    }
    if let Err(trouble) = office
        .courier
        .api
        .delete(tapped.sender.chat, tapped.message)
        .await
    {
        debug!(?trouble, "a doubled message stays");
    }
}
