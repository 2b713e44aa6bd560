//! What is said to a user once.

use mikro2fa_core::{
    directory::Press,
    notifier::{Inform, Subject},
    time::Timestamp,
    tunnel::Caller,
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
            let not_me = not_mine(scene, subject, caller.as_ref(), *at);
            (
                scene.sheet(Key::SecondRefused, &args).html(),
                none().rows(not_me),
            )
        }
        Inform::CoolDown { count, until } => {
            let args = named(subject)
                .count("count", *count)
                .ready("until", scene.moment(*until));
            (
                scene.sheet(Key::Cooldown, &args).html(),
                none()
                    .rows(not_mine(scene, subject, None, scene.now))
                    .rows(request(scene, Key::ButtonAskNow, subject)),
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
                none()
                    .rows(request(scene, Key::ButtonRequestAccess, subject))
                    .rows(not_mine(scene, subject, caller.as_ref(), scene.now)),
            )
        }
        Inform::BanLifted => (scene.html(Key::BanLifted, &named(subject)), none()),
        Inform::Unlocked { operator, at } => {
            let args = named(subject)
                .outside("operator", operator)
                .ready("at", scene.moment(*at));
            (
                scene.sheet(Key::DeniedUndone, &args).html(),
                none().rows(request(scene, Key::ButtonRequestAccess, subject)),
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

fn request(scene: Scene<'_>, label: Key, subject: &Subject) -> Option<(String, Press)> {
    let (account, router) = (subject.account_id?, subject.router_id?);
    Some((scene.label(label), Press::Request { account, router }))
}

/// "Not me" of what no session is about.
fn not_mine(
    scene: Scene<'_>,
    subject: &Subject,
    caller: Option<&Caller>,
    at: Timestamp,
) -> Option<(String, Press)> {
    let press = Press::NotMine {
        account: subject.account_id?,
        router: subject.router_id?,
        caller: caller.cloned(),
        at,
    };
    Some((scene.label(Key::ButtonNotMe), press))
}

/// Names, each marked, with commas between.
pub(crate) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Html {
    let names: Vec<Html> = names
        .into_iter()
        .map(|name| Html::value(name.as_ref()))
        .collect();
    Html::join(&names, ", ")
}
