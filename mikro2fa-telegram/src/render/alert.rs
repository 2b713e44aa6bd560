//! What operators are told.

use mikro2fa_core::{
    notifier::{Alert, Subject},
    time::Timestamp,
};

use super::{Rendered, Scene, list, named};
use crate::{
    keyboard::Buttons,
    text::{Args, Html, Key},
};

/// Names shown of a list; the rest is counted.
const LISTED: usize = 12;

/// An alert. Buttons are added by whoever knows what they are about.
pub(crate) fn alert(scene: Scene<'_>, alert: &Alert, subject: &Subject, at: Timestamp) -> Rendered {
    let (key, args) = told(scene, alert, subject, at);
    Rendered {
        html: scene.sheet(key, &args).html(),
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
            | Alert::UserUnreachable { .. }
            | Alert::Unowned { .. }
            | Alert::NotMended { .. }
            | Alert::Linked { .. }
    )
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
        } => {
            let args = scene
                .caller(
                    named(subject).outside("person", &subject.person),
                    "caller",
                    caller.as_ref(),
                )
                .ready("service", service.map_or("VPN", |service| service.name()))
                .ready("at", scene.moment(*up))
                .ready("answered", scene.moment(*answered))
                .piece("before", Html::default())
                .piece("others", Html::default())
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
        Alert::Store { why } => (Key::AlertStore, args().reason("why", why)),
        // The core may learn to tell more; it is named rather than kept back.
        _ => (
            Key::AlertNotMended,
            args().reason("what", "an event that has no words yet"),
        ),
    }
}
