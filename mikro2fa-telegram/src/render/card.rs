//! The card of a session.

use mikro2fa_core::{
    directory::Press,
    id::SessionId,
    notifier::{Card, Closing, Delivery, OpenNote, Question, QuestionKind, Remark, Subject},
    session::{Answer, Choice, EndReason},
    time::Timestamp,
    tunnel::Caller,
};

use super::{Rendered, Scene, named};
use crate::{
    keyboard::Buttons,
    text::{Args, Html, Key, Sheet},
};

/// What the card of a session shows, and what can be done from it.
pub(crate) fn card(
    scene: Scene<'_>,
    card: &Card,
    delivery: Delivery,
    subject: &Subject,
) -> Rendered {
    let (sheet, buttons) = match subject.session {
        Some(session) => shown(scene, card, subject, session),
        None => (Sheet::default(), Buttons::none()),
    };
    Rendered {
        html: sheet.html(),
        buttons,
        silent: delivery != Delivery::Move,
        protect: matches!(card, Card::Question(_)),
        menu: false,
        language: scene.reader.language,
    }
}

fn shown(scene: Scene<'_>, card: &Card, subject: &Subject, session: SessionId) -> (Sheet, Buttons) {
    let args = || named(subject);
    let cancel = || {
        Buttons::none().row(
            scene.label(Key::ButtonCancelRequest),
            Press::Cancel { session },
        )
    };
    let end = || Buttons::none().row(scene.label(Key::ButtonEndNow), Press::End { session });
    match card {
        Card::Preparing => (scene.sheet(Key::CardRequestedPreparing, &args()), cancel()),
        Card::ConnectNow { until } => (
            scene.sheet(Key::CardRequestedReady, &scene.span(args(), *until)),
            cancel(),
        ),
        Card::RequestedNoContact { until } => (
            scene.sheet(Key::CardRequestedUnreachable, &scene.span(args(), *until)),
            cancel(),
        ),
        Card::Question(question) => (
            asked(scene, question, subject),
            answers(scene, question, session),
        ),
        Card::Opening => (scene.sheet(Key::CardOpening, &args()), Buttons::none()),
        Card::OpeningNoContact => (
            scene.sheet(Key::CardOpeningUnreachable, &args()),
            Buttons::none(),
        ),
        Card::Open {
            until,
            caller,
            since,
            note,
            not_me_until,
        } => {
            let args = scene.caller(scene.span(args(), *until), "caller", caller.as_ref());
            let mut sheet = scene.sheet(Key::CardActive, &args.ready("at", scene.moment(*since)));
            sheet.lines.extend(open_note(scene, note));
            // Whom an operator let in has not said yes: "not me" stays.
            let let_in = matches!(note, OpenNote::LetIn { .. });
            let not_me = let_in || not_me_until.is_some_and(|until| until > scene.now);
            let row =
                not_me.then(|| (scene.label(Key::ButtonNotMeClose), Press::NotMe { session }));
            (sheet, end().rows(row))
        }
        Card::Resumed { caller, at, until } => {
            let args = scene.caller(scene.span(args(), *until), "caller", caller.as_ref());
            let sheet = scene.sheet(Key::CardResumed, &args.ready("at", scene.moment(*at)));
            (
                sheet,
                Buttons::none().row(scene.label(Key::ButtonNotMeClose), Press::NotMe { session }),
            )
        }
        Card::Reminder {
            until,
            offer,
            choices,
        } => {
            let key = if choices.is_empty() {
                Key::ReminderLast
            } else {
                Key::CardReminder
            };
            let sheet = scene.sheet(key, &scene.span(args(), *until));
            let extend = choices.iter().map(|choice| {
                let press = Press::Extend {
                    session,
                    offer: *offer,
                    minutes: choice.minutes,
                };
                (extend_label(scene, choice), press)
            });
            let row = (scene.label(Key::ButtonEndNow), Press::End { session });
            (sheet, Buttons::none().rows(extend).rows([row]))
        }
        Card::Grace { until } => {
            let args = args().ready("grace-until", scene.moment(*until));
            (scene.sheet(Key::CardGrace, &args), end())
        }
        Card::Denied {
            caller,
            at,
            closing,
            trial,
        } => {
            let closing = (!trial).then_some(*closing);
            let sheet = denied(scene, subject, caller.as_ref(), *at, closing);
            (
                sheet,
                Buttons::none().row(scene.label(Key::ButtonMistake), Press::Mistake { session }),
            )
        }
        Card::Ended {
            reason,
            note,
            since,
            at,
            caller,
            held,
            trial,
        } => {
            let end = End {
                reason: *reason,
                note,
                since: *since,
                at: *at,
                caller: caller.as_ref(),
                held: *held,
            };
            let (mut sheet, buttons) = ended(scene, &end, subject, session);
            if *trial {
                sheet
                    .closing
                    .push(scene.html(Key::ObserveWould, &Args::new()));
            }
            (sheet, buttons)
        }
        // See `notice`.
        _ => (Sheet::default(), Buttons::none()),
    }
}

// ---- the question ------------------------------------------------------------------------------

fn asked(scene: Scene<'_>, question: &Question, subject: &Subject) -> Sheet {
    let key = match question.kind {
        QuestionKind::Requested => Key::CardQuestion,
        QuestionKind::Unrequested => Key::CardUnrequested,
        QuestionKind::Adopted => Key::CardQuestionAdopt,
        QuestionKind::Second { .. } => Key::CardQuestionSecond,
    };
    let kind = match &question.caller {
        None => "none",
        Some(caller) if caller.is_private() => "private",
        Some(_) => "known",
    };
    let first = if question.first_time {
        scene.html(Key::QuestionFirstTime, &Args::new())
    } else {
        Html::default()
    };
    let mut args = scene
        .caller(named(subject), "caller", question.caller.as_ref())
        .choice("caller-kind", kind)
        .ready("service", question.service.name())
        .ready("at", scene.moment(question.at))
        .ready("deadline", scene.moment(question.deadline))
        .piece("first-time", first);
    if let QuestionKind::Second { other } = &question.kind {
        args = scene.caller(args, "other-caller", other.as_ref());
    }
    let mut sheet = scene.sheet(key, &args);
    sheet.remarks.extend(remark(scene, question));
    if question.trial {
        sheet.body = scene.html(Key::QuestionObserve, &Args::new());
    }
    sheet
}

fn remark(scene: Scene<'_>, question: &Question) -> Vec<Html> {
    let mut remarks = Vec::new();
    match question.remark {
        Remark::None => {}
        Remark::Again { n, max } => {
            remarks.push(scene.html(
                Key::QuestionAgain,
                &Args::new().count("n", n).count("max", max),
            ));
        }
        Remark::Replaced { others } => {
            remarks.push(scene.html(Key::QuestionReplaced, &Args::new().count("count", others)));
        }
        Remark::AfterGap => remarks.push(scene.html(Key::QuestionAfterGap, &Args::new())),
    }
    if question.early {
        remarks.push(scene.html(Key::QuestionEarly, &Args::new()));
    }
    remarks
}

/// Yes above, No below, each in a row of its own, always.
fn answers(scene: Scene<'_>, question: &Question, session: SessionId) -> Buttons {
    let press = |answer| Press::Answer {
        session,
        challenge: question.challenge,
        answer,
    };
    Buttons::none()
        .row(scene.label(Key::ButtonYes), press(Answer::Yes))
        .row(scene.label(Key::ButtonNo), press(Answer::No))
}

// ---- open, and over ----------------------------------------------------------------------------

fn open_note(scene: Scene<'_>, note: &OpenNote) -> Option<Html> {
    match note {
        OpenNote::None | OpenNote::Left => None,
        OpenNote::Extended { minutes } => {
            let added = std::time::Duration::from_secs(u64::from(*minutes) * 60);
            Some(scene.html(
                Key::CardExtended,
                &Args::new().ready("added", scene.reader.duration(added)),
            ))
        }
        OpenNote::NoContact => Some(scene.html(Key::ActiveUnreachable, &Args::new())),
        OpenNote::LetIn { operator, reason } => {
            let args = Args::new()
                .outside("operator", operator)
                .reason("reason", reason);
            Some(scene.html(Key::ActiveLetIn, &args))
        }
    }
}

fn extend_label(scene: Scene<'_>, choice: &Choice) -> String {
    // Only the time of day: two of them stand side by side.
    let until = crate::text::Reader {
        zone_chosen: true,
        ..scene.reader
    }
    .clock(choice.until);
    let args = Args::new().ready("until", until);
    if choice.minutes.is_multiple_of(60) {
        scene.plain(
            Key::ButtonExtendHours,
            &args.count("count", choice.minutes / 60),
        )
    } else {
        scene.plain(
            Key::ButtonExtendMinutes,
            &args.count("count", choice.minutes),
        )
    }
}

/// What was said to be "not me". `closing` is how far cutting got; none where nothing is cut, since its router is only
/// watched.
pub(crate) fn denied(
    scene: Scene<'_>,
    subject: &Subject,
    caller: Option<&Caller>,
    at: Timestamp,
    closing: Option<Closing>,
) -> Sheet {
    let args = scene
        .caller(named(subject), "caller", caller)
        .ready("at", scene.moment(at));
    let Some(closing) = closing else {
        return scene.sheet(Key::CardDeniedTrial, &args);
    };
    let closing = match closing {
        Closing::Pending => Key::ClosingPending,
        Closing::Done => Key::ClosingDone,
        Closing::NoContact => Key::ClosingUnreachableSoon,
    };
    scene.sheet(
        Key::CardDenied,
        &args.ready("closing", scene.label(closing)),
    )
}

/// How it ended.
struct End<'a> {
    reason: EndReason,
    note: &'a str,
    since: Option<Timestamp>,
    at: Timestamp,
    caller: Option<&'a Caller>,
    held: bool,
}

fn ended(
    scene: Scene<'_>,
    end: &End<'_>,
    subject: &Subject,
    session: SessionId,
) -> (Sheet, Buttons) {
    let key = end_key(end);
    let span = match end.since {
        Some(since) => format!("{} – {}", scene.moment(since), scene.moment(end.at)),
        None => scene.moment(end.at),
    };
    let args = scene
        .caller(named(subject), "caller", end.caller)
        .ready("at", scene.moment(end.at))
        .ready("until", scene.moment(end.at))
        .ready("span", span)
        .reason("reason", end.note);
    let mut sheet = scene.sheet(key, &args);
    let asks = matches!(key, Key::EndedUnanswered | Key::EndedUndeliverable);
    if asks && !end.held {
        sheet.body = Html::default();
    }
    (
        sheet,
        after_end(scene, end, asks && end.held, subject, session),
    )
}

const fn end_key(end: &End<'_>) -> Key {
    match (end.reason, end.since) {
        (EndReason::NeverConnected, _) => Key::EndedNeverConnected,
        (EndReason::Unanswered, _) => Key::EndedUnanswered,
        (EndReason::Undeliverable, _) => Key::EndedUndeliverable,
        (EndReason::Expired, _) => Key::EndedExpired,
        (EndReason::EndedByUser, None) if end.caller.is_none() => Key::EndedRequestCancelled,
        (EndReason::EndedByUser, _) => Key::EndedByUser,
        (EndReason::EndedByOperator, _) => Key::EndedByOperator,
        (EndReason::TunnelGone, None) => Key::EndedTunnelGoneEarly,
        (EndReason::TunnelGone, Some(_)) => Key::EndedTunnelGone,
        (EndReason::Replaced, _) => Key::EndedReplaced,
        (EndReason::Unrequested, _) => Key::EndedUnrequested,
        (EndReason::NotOpened, _) => Key::EndedNotOpened,
        (EndReason::UserSuspended, _) => Key::EndedUserSuspended,
        (EndReason::AccountUnlinked, _) => Key::EndedAccountUnlinked,
        (EndReason::AccountGone, _) => Key::EndedAccountGone,
        (EndReason::DisabledOnRouter, _) => Key::EndedDisabledOnRouter,
        (EndReason::ShutByRouter, _) => Key::EndedShutByRouter,
        (EndReason::RouterRemoved, _) => Key::EndedRouterRemoved,
        // Whatever else ends a session, its account is not to be used.
        _ => Key::EndedBanned,
    }
}

fn after_end(
    scene: Scene<'_>,
    end: &End<'_>,
    ask_again: bool,
    subject: &Subject,
    session: SessionId,
) -> Buttons {
    let (Some(account), Some(router)) = (subject.account_id, subject.router_id) else {
        return Buttons::none();
    };
    let request = Press::Request { account, router };
    if ask_again {
        return Buttons::none()
            .row(scene.label(Key::ButtonAskAgain), request)
            .row(scene.label(Key::ButtonNo), Press::NotMe { session });
    }
    let again = matches!(
        end.reason,
        EndReason::NeverConnected
            | EndReason::Expired
            | EndReason::EndedByUser
            | EndReason::EndedByOperator
            | EndReason::TunnelGone
            | EndReason::NotOpened
            | EndReason::ShutByRouter
    ) && !matches!(end_key(end), Key::EndedTunnelGoneEarly);
    if again {
        Buttons::none().row(scene.label(Key::ButtonRequestAgain), request)
    } else {
        Buttons::none()
    }
}
