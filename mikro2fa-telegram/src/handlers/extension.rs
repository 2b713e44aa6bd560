//! Extending a session.

use mikro2fa_core::{
    desk::User,
    directory::Press,
    engine::Fed,
    id::{OfferId, SessionId},
    session::{Actor, Ignored, Session, StateName},
};

use super::{Sender, end_of, tap::Tapped, views};
use crate::{
    keyboard::Buttons,
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Key},
};

/// `/extend`: the one open session gets extension buttons; of several one is chosen.
pub(super) async fn extend(
    office: &Office,
    sender: &Sender,
    user: &User,
    update: &str,
) -> Result<(), Failure> {
    let open = extendable(office, user).await?;
    match open.as_slice() {
        [] => {
            office
                .reply(sender.chat, sender.reader, Key::ExtendNone, &Args::new())
                .await
        }
        [session] => {
            office
                .engine
                .offer_extension(session.id, Some(update.into()))
                .await?;
        }
        several => {
            let rendered = choose(office, sender, several).await?;
            office
                .show(sender.chat, sender.holder(), update, &rendered)
                .await;
        }
    }
    Ok(())
}

async fn extendable(office: &Office, user: &User) -> Result<Vec<Session>, Failure> {
    let open = views::open_sessions(office, user).await?;
    Ok(open
        .into_iter()
        .filter(|session| {
            matches!(
                session.state.name(),
                StateName::Active | StateName::Expiring
            )
        })
        .collect())
}

async fn choose(
    office: &Office,
    sender: &Sender,
    sessions: &[Session],
) -> Result<Rendered, Failure> {
    let scene = office.courier.scene(sender.reader);
    let mut buttons = Buttons::none();
    for session in sessions {
        let subject = views::subject(office, session).await?;
        let args = Args::new()
            .outside("account", &subject.account)
            .outside("router", &subject.router);
        let press = Press::Page {
            view: format!("extend {}", session.id).into(),
            page: 0,
        };
        buttons = buttons.row(scene.plain(Key::ButtonChooseAccount, &args), press);
    }
    let buttons = buttons.row(scene.label(Key::ButtonCancel), Press::Dismiss);
    Ok(Rendered {
        html: scene.html(Key::ExtendChoose, &Args::new()),
        buttons,
        silent: true,
        ..Rendered::default()
    })
}

/// A session was chosen from the list.
pub(super) async fn offered(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
) -> Result<Toast, Failure> {
    let owned = office
        .store
        .session(session)
        .await?
        .is_some_and(|session| session.owner == user.id);
    if !owned {
        return Ok(office.popup(tapped.sender.reader, Key::AnswerNotYours, &Args::new()));
    }
    let fed = office
        .engine
        .offer_extension(session, Some(tapped.update.into()))
        .await?;
    match fed {
        Fed::Stepped(_) => views::dismiss(office, tapped).await,
        Fed::Refused(why) => Err(Failure::Later(why.to_string())),
        Fed::Ignored(..) | Fed::Unknown => {
            Ok(office.popup(tapped.sender.reader, Key::AnswerExtendLate, &Args::new()))
        }
    }
}

/// An extension was chosen.
pub(super) async fn extended(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
    offer: OfferId,
    minutes: u32,
) -> Result<Toast, Failure> {
    let by = Actor::Owner { user: user.id };
    let fed = office
        .engine
        .extend(
            session,
            Some(offer),
            minutes,
            by,
            Some(tapped.update.into()),
        )
        .await?;
    let reader = tapped.sender.reader;
    let until = |at| Args::new().ready("until", reader.moment(at, office.now()));
    Ok(match fed {
        Fed::Stepped(session) => match end_of(&session) {
            Some(end) => office.toast(reader, Key::AnswerExtended, &until(end)),
            None => office.popup(reader, Key::AnswerExtendLate, &Args::new()),
        },
        Fed::Ignored(Ignored::OverLimit { until: most }, _) => {
            office.popup(reader, Key::AnswerExtendLimit, &until(most))
        }
        Fed::Ignored(Ignored::OfferUsed, session) => match end_of(&session) {
            Some(end) => office.popup(reader, Key::AnswerExtendUsed, &until(end)),
            None => office.popup(reader, Key::AnswerExtendLate, &Args::new()),
        },
        Fed::Refused(why) => return Err(Failure::Later(why.to_string())),
        Fed::Ignored(..) | Fed::Unknown => {
            office.popup(reader, Key::AnswerExtendLate, &Args::new())
        }
    })
}
