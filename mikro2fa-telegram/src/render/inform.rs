//! What is said to a user once.

use mikro2fa_core::{
    directory::Press,
    notifier::{Inform, Subject},
};

use super::{Rendered, Scene, named};
use crate::{
    keyboard::Buttons,
    text::{Args, Html, Key},
};

/// A notice, and what can be done from it.
pub(crate) fn inform(scene: Scene<'_>, inform: &Inform, subject: &Subject) -> Rendered {
    let (html, buttons) = said(scene, inform, subject);
    Rendered {
        html,
        buttons,
        silent: matches!(inform, Inform::BanLifted),
        protect: false,
        menu: matches!(inform, Inform::Approved { .. }),
        language: scene.reader.language,
    }
}

fn said(scene: Scene<'_>, inform: &Inform, subject: &Subject) -> (Html, Buttons) {
    let none = Buttons::none;
    match inform {
        Inform::SecondRefused { caller, at } => {
            let args = scene
                .caller(named(subject), "caller", caller.as_ref())
                .ready("at", scene.moment(*at));
            (scene.sheet(Key::SecondRefused, &args).html(), none())
        }
        Inform::CoolDown { count, until } => {
            let args = named(subject)
                .count("count", *count)
                .ready("until", scene.moment(*until));
            (
                scene.sheet(Key::Cooldown, &args).html(),
                request(scene, Key::ButtonAskNow, subject),
            )
        }
        Inform::Banned {
            caller,
            count,
            until,
        } => {
            let args = scene
                .caller(named(subject), "caller", caller.as_ref())
                .count("count", *count)
                .ready("until", scene.moment(*until));
            (
                scene.sheet(Key::BannedUnanswered, &args).html(),
                request(scene, Key::ButtonRequestAccess, subject),
            )
        }
        Inform::BanLifted => (scene.html(Key::BanLifted, &named(subject)), none()),
        Inform::Unlocked { operator, at } => {
            let args = named(subject)
                .outside("operator", operator)
                .ready("at", scene.moment(*at));
            (
                scene.sheet(Key::DeniedUndone, &args).html(),
                request(scene, Key::ButtonRequestAccess, subject),
            )
        }
        Inform::Bound { now } => {
            let key = if *now {
                Key::AccountBound
            } else {
                Key::AccountUnbound
            };
            (scene.html(key, &named(subject)), none())
        }
        Inform::Suspended { now, reason } => {
            let key = if *now { Key::Suspended } else { Key::Resumed };
            (
                scene.html(key, &Args::new().reason("reason", reason)),
                none(),
            )
        }
        Inform::Approved { accounts } => {
            let key = if accounts.is_empty() {
                Key::RegisterApprovedNoAccount
            } else {
                Key::RegisterApproved
            };
            let args = Args::new()
                .outside("name", &subject.person)
                .piece("accounts", list(accounts.iter()));
            (scene.sheet(key, &args).html(), none())
        }
        // See `notice`.
        _ => (Html::default(), none()),
    }
}

fn request(scene: Scene<'_>, label: Key, subject: &Subject) -> Buttons {
    match (subject.account_id, subject.router_id) {
        (Some(account), Some(router)) => {
            Buttons::none().row(scene.label(label), Press::Request { account, router })
        }
        _ => Buttons::none(),
    }
}

/// Names, each marked, with commas between.
pub(crate) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Html {
    let names: Vec<Html> = names
        .into_iter()
        .map(|name| Html::value(name.as_ref()))
        .collect();
    Html::join(&names, ", ")
}
