//! Asking for access, ending it, and what there is.

use mikro2fa_core::{
    desk::User,
    engine::{EngineError, Fed, RequestRefused, Requested},
    id::{AccountId, RouterId, SessionId},
    notifier::{Card, Closing, Delivery, Notice, OpenNote, Question, QuestionKind, Remark},
    session::{Actor, Asked, ChallengeKind, Ignored, Session, SessionState},
    store::{Lane, Priority},
};

use super::{Sender, tap::Tapped, views};
use crate::{
    courier::Courier,
    office::{Failure, Office, Toast},
    render,
    text::{Args, Html, Key, Reader},
};

/// What asking came to, for whoever has to be told.
enum Told {
    /// The card says it.
    Nothing,
    /// One is open already; its card is shown again.
    Exists,
    /// It cannot be had.
    Refused(Html),
}

// ---- asking ------------------------------------------------------------------------------------

/// `/request_vpn`.
pub(super) async fn request(
    office: &Office,
    sender: &Sender,
    user: &User,
    update: &str,
) -> Result<(), Failure> {
    let choices = views::choices(office, user).await?;
    match choices.as_slice() {
        [] => {
            office
                .reply(
                    sender.chat,
                    sender.reader,
                    Key::RequestNoAccount,
                    &Args::new(),
                )
                .await
        }
        [one] => {
            let told = ask(
                office,
                sender.reader,
                user,
                one.account_id,
                one.router_id,
                update,
            )
            .await?;
            match told {
                Told::Nothing => {}
                Told::Exists => {
                    office
                        .reply_html(sender.chat, exists(office, sender.reader))
                        .await
                }
                Told::Refused(html) => office.reply_html(sender.chat, html).await,
            }
        }
        several => {
            let rendered = views::accounts(office, sender.reader, several, 0);
            office
                .show(sender.chat, sender.holder(), update, &rendered)
                .await;
        }
    }
    Ok(())
}

/// A tap on "request", or on one of several accounts.
pub(super) async fn requested(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    account: AccountId,
    router: RouterId,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    match ask(office, reader, user, account, router, tapped.update).await? {
        Told::Nothing => {
            // The list it was chosen from has done its work; a card keeps its place.
            if tapped
                .keyboard
                .presses
                .iter()
                .any(|press| matches!(press, mikro2fa_core::directory::Press::Dismiss))
            {
                return views::dismiss(office, tapped).await;
            }
            Ok(Toast::silent())
        }
        Told::Exists => Ok(Toast {
            words: exists(office, reader).plain(),
            popup: false,
        }),
        Told::Refused(html) => Ok(Toast {
            words: crate::text::cut(&html.plain(), 180),
            popup: true,
        }),
    }
}

fn exists(office: &Office, reader: Reader) -> Html {
    Html::text(
        &office
            .courier
            .texts
            .words(reader.language, Key::RequestExists),
    )
}

async fn ask(
    office: &Office,
    reader: Reader,
    user: &User,
    account: AccountId,
    router: RouterId,
    update: &str,
) -> Result<Told, Failure> {
    let requested = office
        .engine
        .request_access(user.id, account, router, Some(update.into()))
        .await?;
    match requested {
        Requested::Opened(_) => Ok(Told::Nothing),
        Requested::Exists(session) => {
            // Of a request the engine itself moves the card.
            if !matches!(session.state, SessionState::Requested { .. }) {
                show_session(office, user, &session).await?;
            }
            Ok(Told::Exists)
        }
        Requested::Refused(RequestRefused::Store(why)) => Err(Failure::Later(why.to_string())),
        Requested::Refused(RequestRefused::NotYours) => Ok(Told::Refused(
            office
                .courier
                .texts
                .html(reader.language, Key::RequestNoAccount, &Args::new()),
        )),
        Requested::Refused(why) => {
            let names = office.courier.directory.account(account).await?;
            let name = names.map(|account| account.name).unwrap_or_default();
            let why = match why {
                RequestRefused::Banned => "denied-ban",
                _ => "suspended",
            };
            let args = Args::new()
                .choice("why", why)
                .outside("account", &name)
                .ready("router", "")
                .count("count", 0_u8);
            Ok(Told::Refused(office.courier.texts.html(
                reader.language,
                Key::RequestRefused,
                &args,
            )))
        }
    }
}

// ---- ending ------------------------------------------------------------------------------------

/// "Cancel the request": only as long as it is one. An old button must not end what became of it.
pub(super) async fn cancel(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
) -> Result<Toast, Failure> {
    match office.store.session(session).await? {
        Some(found) if matches!(found.state, SessionState::Requested { .. }) => {
            end(office, tapped, user, session).await
        }
        _ => Ok(office.popup(tapped.sender.reader, Key::AnswerStale, &Args::new())),
    }
}

/// "End now".
pub(super) async fn end(
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
        .is_some_and(|session| session.owner == user.id);
    if !owned {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    }
    let by = Actor::Owner { user: user.id };
    match office
        .engine
        .end(session, by, Some(tapped.update.into()))
        .await?
    {
        Fed::Stepped(_) if views::is_list(&tapped.keyboard) => {
            views::turn(office, tapped, "sessions", 0).await
        }
        Fed::Stepped(_) => Ok(Toast::silent()),
        Fed::Refused(why) => Err(Failure::Later(why.to_string())),
        Fed::Ignored(Ignored::Early, _) | Fed::Ignored(..) | Fed::Unknown => {
            Ok(office.popup(reader, Key::AnswerStale, &Args::new()))
        }
    }
}

/// `/disable_vpn`.
pub(super) async fn disable(
    office: &Office,
    sender: &Sender,
    user: &User,
    update: &str,
) -> Result<(), Failure> {
    let rendered = views::disable(office, sender.reader, user).await?;
    let holder = sender.holder();
    let address = crate::courier::Address {
        chat: sender.chat,
        holder,
        cause: update,
        life: crate::keyboard::CONFIRM_LIFE,
    };
    office.show_at(address, &rendered).await;
    Ok(())
}

/// Ends all that is open (`requests_only` = all that waits for a tunnel), and says how many that was.
pub(super) async fn end_all(
    office: &Office,
    user: &User,
    requests_only: bool,
) -> Result<u64, Failure> {
    let mut ended = 0;
    for session in views::open_sessions(office, user).await? {
        if requests_only && !matches!(session.state, SessionState::Requested { .. }) {
            continue;
        }
        match office
            .engine
            .end(session.id, Actor::Owner { user: user.id }, None)
            .await
        {
            Ok(Fed::Stepped(_)) => ended += 1,
            Ok(Fed::Refused(why)) => return Err(Failure::Later(why.to_string())),
            Ok(_) | Err(EngineError::UnknownSession) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ended)
}

// ---- what there is -----------------------------------------------------------------------------

/// `/my_sessions`.
pub(super) async fn sessions(
    office: &Office,
    sender: &Sender,
    user: &User,
    update: &str,
) -> Result<(), Failure> {
    let rendered = views::sessions(office, sender.reader, user, 0).await?;
    office
        .show(sender.chat, sender.holder(), update, &rendered)
        .await;
    Ok(())
}

/// `/status`.
pub(super) async fn status(
    office: &Office,
    sender: &Sender,
    user: &User,
    update: &str,
) -> Result<(), Failure> {
    let rendered = views::status(office, sender.reader, user).await?;
    office
        .show(sender.chat, sender.holder(), update, &rendered)
        .await;
    Ok(())
}

/// A tap on "show": the card comes down to the newest messages.
pub(super) async fn show(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    session: SessionId,
) -> Result<Toast, Failure> {
    let owned = office
        .store
        .session(session)
        .await?
        .filter(|session| session.owner == user.id);
    let Some(session) = owned else {
        return Ok(office.popup(tapped.sender.reader, Key::AnswerNotYours, &Args::new()));
    };
    show_session(office, user, &session).await?;
    Ok(Toast::silent())
}

/// Every open card comes again: after a block, in another language.
pub(super) async fn show_all(office: &Office, user: &User) -> Result<(), Failure> {
    for session in views::open_sessions(office, user).await? {
        show_session(office, user, &session).await?;
    }
    Ok(())
}

async fn show_session(office: &Office, user: &User, session: &Session) -> Result<(), Failure> {
    let Some(card) = card_of(session) else {
        return Ok(());
    };
    let subject = views::subject(office, session).await?;
    let notice = Notice::Card {
        user: user.id,
        card,
        delivery: Delivery::MoveSilently,
        subject,
    };
    office
        .enqueue(Lane::card(session.id), Priority::Reply, notice, None)
        .await
}

/// What the card of a session shows now, as far as the session itself says it. The reminder's buttons are the engine's
/// to make.
fn card_of(session: &Session) -> Option<Card> {
    Some(match &session.state {
        SessionState::Requested { ready: false, .. } => Card::Preparing,
        SessionState::Requested { until, .. } => Card::ConnectNow { until: *until },
        SessionState::Challenged { tunnel, challenge } => {
            let Asked::Delivered { until, .. } = challenge.asked else {
                return None;
            };
            Card::Question(Question {
                challenge: challenge.id,
                kind: match &challenge.kind {
                    ChallengeKind::Requested => QuestionKind::Requested,
                    ChallengeKind::Unrequested => QuestionKind::Unrequested,
                    ChallengeKind::Adopted => QuestionKind::Adopted,
                    ChallengeKind::Second { other } => QuestionKind::Second {
                        other: other.clone(),
                    },
                },
                caller: tunnel.caller.clone(),
                service: tunnel.service,
                at: tunnel.up_at(),
                deadline: until,
                first_time: challenge.first_time,
                early: challenge.early,
                remark: Remark::None,
                trial: session.trial,
            })
        }
        SessionState::Opening { .. } => Card::Opening,
        SessionState::Active { tunnel, access, .. }
        | SessionState::Expiring { tunnel, access, .. } => Card::Open {
            until: access.expires_at,
            caller: tunnel.caller.clone(),
            since: access.started_at,
            note: OpenNote::None,
            not_me_until: None,
        },
        SessionState::Grace { until, .. } => Card::Grace { until: *until },
        SessionState::Ended { .. } => return None,
    })
}

/// The card of a session that was answered "not me".
pub(super) async fn denied_card(office: &Office, session: &Session) -> Result<Html, Failure> {
    let (caller, at, gone) = match &session.state {
        SessionState::Ended { at, remains, .. } => {
            let tunnel = remains.as_ref().map(|left| &left.tunnel);
            (
                tunnel.and_then(|tunnel| tunnel.caller.clone()),
                *at,
                tunnel.is_none(),
            )
        }
        _ => (None, session.opened_at, false),
    };
    let closing = if gone {
        Closing::Done
    } else {
        Closing::Pending
    };
    let subject = views::subject(office, session).await?;
    let user = office.courier.directory.user(session.owner).await?;
    let reader = user.as_ref().map_or_else(
        || Reader::new(mikro2fa_core::desk::Language::En),
        Courier::reader,
    );
    let scene = office.courier.scene(reader);
    let card = Card::Denied {
        caller,
        at,
        closing,
        trial: session.trial,
    };
    Ok(render::card(scene, &card, Delivery::Edit, &subject).html)
}
