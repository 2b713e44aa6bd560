//! What operators are told.

use mikro2fa_core::{
    notifier::{Act, Alert, Matter, Subject},
    time::Timestamp,
};

use super::{Rendered, Scene, list, named};
use crate::{
    keyboard::Buttons,
    text::{Args, Html, Key, Sheet},
};

/// Names shown of a list; the rest is counted.
const LISTED: usize = 12;

/// An alert. Buttons are added by whoever knows what they are about.
pub(crate) fn alert(scene: Scene<'_>, alert: &Alert, subject: &Subject, at: Timestamp) -> Rendered {
    let sheet = match alert {
        Alert::Solved { matter, act, by } => solved(scene, *matter, *act, by, subject, at),
        _ => {
            let (key, args) = told(scene, alert, subject, at);
            scene.sheet(key, &args)
        }
    };
    Rendered {
        html: sheet.html(),
        buttons: Buttons::none(),
        silent: is_silent(alert),
        protect: false,
        menu: false,
        language: scene.reader.language,
    }
}

/// Sound only for what somebody has to act on.
const fn is_silent(alert: &Alert) -> bool {
    matches!(
        alert,
        Alert::Banned { .. }
            | Alert::Router { back: true, .. }
            | Alert::Gate { whole: true, .. }
            | Alert::DriftClosed { .. }
            | Alert::DriftRespected { .. }
            | Alert::ShutByRouter { .. }
            | Alert::UserUnreachable { .. }
            | Alert::Unowned { .. }
            | Alert::NotMended { .. }
            | Alert::Linked { .. }
            | Alert::Solved { .. }
    )
}

/// The first line of what was told, and what was done about it.
fn solved(
    scene: Scene<'_>,
    matter: Matter,
    act: Act,
    by: &str,
    subject: &Subject,
    at: Timestamp,
) -> Sheet {
    let title = match matter {
        Matter::Denied => Key::AlertDenied,
        Matter::Banned => Key::AlertBannedOver,
        Matter::Registration => Key::AlertRegistration,
        Matter::Linked => Key::AlertLinked,
        Matter::Relinked => Key::AlertRelink,
    };
    let act = match act {
        Act::Unlocked => Key::ActUnlocked,
        Act::KeptLocked => Key::ActKeptLocked,
        Act::Approved => Key::ActApproved,
        Act::Rejected => Key::ActRejected,
        Act::Withdrawn => Key::ActWithdrawn,
        Act::Unlinked => Key::ActUnlinked,
        Act::LinkKept => Key::ActLinkKept,
        Act::LinkBack => Key::ActLinkBack,
    };
    let names = named(subject)
        .outside("person", &subject.person)
        .outside("name", &subject.person);
    let done = Args::new()
        .outside("operator", by)
        .ready("at", scene.moment(at))
        .ready("act", scene.label(act));
    Sheet {
        title: scene.html(title, &names),
        body: scene.html(Key::AlertSolved, &done),
        ..Sheet::default()
    }
}

fn told<'a>(
    scene: Scene<'_>,
    alert: &'a Alert,
    subject: &'a Subject,
    at: Timestamp,
) -> (Key, Args<'a>) {
    let args = || {
        named(subject)
            .outside("person", &subject.person)
            .ready("at", scene.moment(at))
    };
    match alert {
        Alert::Denied {
            caller,
            service,
            at: up,
            answered,
            last,
            others,
        } => {
            let before = last.as_ref().map(|(caller, at)| {
                let args = Args::new().outside("last-caller", caller);
                scene.html(
                    Key::AlertDeniedBefore,
                    &args.ready("last-at", scene.moment(*at)),
                )
            });
            let neighbours = (!others.is_empty()).then(|| {
                let args = scene.caller(Args::new(), "caller", caller.as_ref());
                scene.html(
                    Key::AlertDeniedOthers,
                    &args.piece("others", list(others.iter())),
                )
            });
            let args = scene
                .caller(
                    named(subject).outside("person", &subject.person),
                    "caller",
                    caller.as_ref(),
                )
                .ready("service", service.map_or("VPN", |service| service.name()))
                .ready("at", scene.moment(*up))
                .ready("answered", scene.moment(*answered))
                .piece("before", before.unwrap_or_default())
                .piece("others", neighbours.unwrap_or_default())
                .piece("remark", Html::default());
            (Key::AlertDenied, args)
        }
        Alert::Banned {
            caller,
            count,
            until,
        } => {
            let args = scene.caller(args(), "caller", caller.as_ref());
            (
                Key::AlertBanned,
                args.count("count", *count)
                    .ready("until", scene.moment(*until)),
            )
        }
        Alert::CoolDown { count, .. } => (Key::AlertCooldown, args().count("count", *count)),
        Alert::Router {
            back: false,
            since,
            why,
        } => {
            let args = named(subject)
                .ready("at", scene.moment(*since))
                .reason("error-kind", why);
            (Key::AlertRouterAway, args)
        }
        Alert::Router {
            back: true, since, ..
        } => {
            let args = named(subject).ready("left", scene.reader.duration(at.since(*since)));
            (Key::AlertRouterBack, args)
        }
        Alert::Gate {
            whole: false,
            finding,
        } => (Key::AlertGateBroken, args().reason("finding", finding)),
        Alert::Gate {
            whole: true,
            finding: who,
        } => {
            let by = if who.is_empty() {
                Html::default()
            } else {
                scene.html(Key::AlertGateBy, &Args::new().outside("who", who))
            };
            (Key::AlertGateRepaired, args().piece("who", by))
        }
        Alert::DriftClosed { what } => (Key::AlertDriftClosed, args().reason("what", what)),
        Alert::DriftRespected { what } => {
            let ended = if subject.account.is_empty() {
                Html::default()
            } else {
                scene.html(Key::AlertDriftEnded, &named(subject))
            };
            (
                Key::AlertDriftRespected,
                args().reason("what", what).piece("ended", ended),
            )
        }
        Alert::ShutByRouter { what } => (Key::AlertShutByRouter, args().outside("what", what)),
        Alert::ForeignPermit { address, comment } => (
            Key::AlertForeignPermit,
            args()
                .outside("address", address)
                .reason("comment", comment),
        ),
        Alert::Emergency { address, until } => {
            let until = until.map_or_else(|| "∞".to_owned(), |until| scene.moment(until));
            (
                Key::AlertEmergency,
                args().outside("address", address).ready("until", until),
            )
        }
        Alert::NotOpened { why } => (Key::AlertNotOpened, args().reason("why", why)),
        Alert::UserUnreachable { why } => (Key::AlertUserUnreachable, args().reason("why", why)),
        Alert::Unowned { accounts } => {
            let count = u64::try_from(accounts.len()).unwrap_or(u64::MAX);
            let listed = list(accounts.iter().take(LISTED));
            (
                Key::AlertUnowned,
                args().count("count", count).piece("accounts", listed),
            )
        }
        Alert::Found { what } => (Key::AlertFound, args().reason("what", what)),
        Alert::NotMended { what } => (Key::AlertNotMended, args().reason("what", what)),
        Alert::Registration {
            name,
            telegram_name,
            chat,
        } => {
            let args = args()
                .outside("name", name)
                .outside("tg-name", telegram_name);
            (Key::AlertRegistration, args.ready("id", chat.to_string()))
        }
        Alert::Linked {
            telegram_name,
            chat,
        } => {
            let args = args()
                .outside("tg-name", telegram_name)
                .ready("id", chat.to_string());
            (Key::AlertLinked, args)
        }
        Alert::BotConflict => (Key::AlertBotConflict, args()),
        Alert::Relinked { chat, .. } => (Key::AlertRelink, args().ready("id", chat.to_string())),
        // The core may learn to tell more; it is named rather than kept back.
        _ => (
            Key::AlertNotMended,
            args().reason("what", "an event that has no words yet"),
        ),
    }
}
