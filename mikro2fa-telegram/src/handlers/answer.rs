//! Answers to questions, and "not me".

use mikro2fa_core::{
    desk::{Mode, User},
    engine::{Disown, Disowned, Fed},
    id::{ChallengeId, RouterId, SessionId},
    notifier::Closing,
    session::{Answer, Ignored, Rejected},
};

use super::{tap::Tapped, views};
use crate::{
    api::Outgoing,
    keyboard::CARD_LIFE,
    office::{Failure, Office, Toast},
    render::{self, Rendered},
    text::{Args, Html, Key, Reader},
};

pub(super) async fn answer(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
    challenge: ChallengeId,
    answer: Answer,
) -> Result<Toast, Failure> {
    let fed = office
        .engine
        .answer(
            session,
            challenge,
            answer,
            user.id,
            Some(tapped.update.into()),
        )
        .await?;
    let counted = match answer {
        Answer::Yes => Key::AnswerYes,
        Answer::No => Key::AnswerNo,
    };
    told(office, tapped.sender.reader, fed, counted)
}

pub(super) async fn not_me(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
) -> Result<Toast, Failure> {
    let fed = office
        .engine
        .not_me(session, user.id, Some(tapped.update.into()))
        .await?;
    told(office, tapped.sender.reader, fed, Key::AnswerNo)
}

/// "Not me" under a notice that no session is about. The notice becomes the receipt.
pub(super) async fn not_mine(
    office: &Office,
    tapped: &Tapped<'_>,
    router: RouterId,
    disown: Disown,
) -> Result<Toast, Failure> {
    let (reader, none) = (tapped.sender.reader, Args::new());
    let (account, caller, at) = (disown.account, disown.caller.clone(), disown.at);
    match office.engine.disown(router, disown).await? {
        Disowned::Done => {}
        Disowned::Already => return Ok(office.toast(reader, Key::AnswerAlready, &none)),
        Disowned::NotYours => return Ok(office.popup(reader, Key::AnswerNotYours, &none)),
        Disowned::Refused(why) => return Err(Failure::Later(why.to_string())),
    }
    let subject = views::named(office, account, router).await?;
    let scene = office.courier.scene(reader);
    let status = office.engine.router_status(router).await;
    let watched = status.is_ok_and(|status| status.mode == Mode::Observing);
    let closing = (!watched).then_some(Closing::Pending);
    let sheet = render::denied(scene, &subject, caller.as_ref(), at, closing);
    let rendered = Rendered {
        html: sheet.html(),
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CARD_LIFE).await?;
    let heard = if watched {
        Key::AnswerNoTrial
    } else {
        Key::AnswerNo
    };
    Ok(office.toast(reader, heard, &none))
}

/// What became of it, in words.
fn told(office: &Office, reader: Reader, fed: Fed, counted: Key) -> Result<Toast, Failure> {
    let none = Args::new();
    Ok(match fed {
        // Of a router that is only watched nothing is closed.
        Fed::Stepped(session) if session.trial && counted == Key::AnswerNo => {
            office.toast(reader, Key::AnswerNoTrial, &none)
        }
        Fed::Stepped(_) => office.toast(reader, counted, &none),
        Fed::Ignored(Ignored::Answer(Rejected::NotTheOwner), _) => {
            office.popup(reader, Key::AnswerNotYours, &none)
        }
        Fed::Ignored(Ignored::Answer(Rejected::Late { deadline }), _) => {
            let deadline = reader.moment(deadline, office.now());
            office.popup(
                reader,
                Key::AnswerLate,
                &Args::new().ready("deadline", deadline),
            )
        }
        Fed::Ignored(Ignored::Answer(Rejected::Already), _) => {
            office.toast(reader, Key::AnswerAlready, &none)
        }
        Fed::Ignored(..) | Fed::Unknown => office.popup(reader, Key::AnswerStale, &none),
        Fed::Refused(why) => return Err(Failure::Later(why.to_string())),
    })
}

/// "By mistake": operators are asked to unlock. Nothing opens, nothing is unlocked.
pub(super) async fn mistake(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let owned = office
        .store
        .session(session)
        .await?
        .filter(|session| session.owner == user.id);
    let Some(session) = owned else {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    };
    office.courier.keyboards.bury(tapped.keyboard.id).await?;
    for operator in office.courier.directory.operators().await? {
        let Some(chat) = operator.chat else { continue };
        let scene = office.courier.scene(Reader::new(operator.language));
        let args = Args::new().outside("person", &user.name);
        office
            .courier
            .tell(
                chat.0,
                Outgoing::new(scene.html(Key::AlertDeniedMistake, &args)),
            )
            .await;
    }
    // The card keeps what it says, and says one thing more.
    let scene = office.courier.scene(reader);
    let noted = scene.html(Key::CardDeniedMistake, &Args::new());
    let card = super::access::denied_card(office, &session).await?;
    let html = Html::join([&card, &noted], "\n");
    if let Err(trouble) = office
        .courier
        .api
        .edit(tapped.sender.chat, tapped.message, &Outgoing::new(html))
        .await
    {
        tracing::warn!(?trouble, "a card could not be changed");
    }
    Ok(Toast::silent())
}
