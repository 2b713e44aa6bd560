//! Lists and second steps: what a command opened, and its pages change.

use std::collections::BTreeSet;

use mikro2fa_core::{
    desk::{Language, User},
    directory::{Keyboard, PageOf, Press, SessionFilter},
    id::{AccountId, RegistrationId, RouterId, SessionId},
    notifier::Subject,
    session::{Session, SessionState, StateName},
    tunnel::Text,
};

use super::{
    access, desk, end_of, extension, language_name, links, registration, settings, tap::Tapped,
};
use crate::{
    courier::{Address, Placed},
    keyboard::{Buttons, CONFIRM_LIFE, VIEW_LIFE},
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Html, Key, Reader, Sheet},
    trouble::Trouble,
};

const ACCOUNTS_A_PAGE: usize = 8;
const SESSIONS_A_PAGE: usize = 5;

/// An account, and a router on which it can be used.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) account_id: AccountId,
    pub(super) router_id: RouterId,
    pub(super) account: Text,
    pub(super) router: Text,
}

fn view(sheet: &Sheet, buttons: Buttons) -> Rendered {
    Rendered {
        html: sheet.html(),
        buttons,
        silent: true,
        ..Rendered::default()
    }
}

fn page(name: impl Into<Text>, page: u32) -> Press {
    Press::Page {
        view: name.into(),
        page,
    }
}

// ---- turning pages -----------------------------------------------------------------------------

/// A tap on something in a list that opens something else in its place.
pub(super) async fn turn(
    office: &Office,
    tapped: &Tapped<'_>,
    name: &str,
    number: u32,
) -> Result<Toast, Failure> {
    let (reader, user) = (tapped.sender.reader, tapped.sender.user.as_ref());
    let (word, rest) = name.split_once(' ').unwrap_or((name, ""));
    if desk::is_ours(word) {
        return desk::turn(office, tapped, word, rest, number).await;
    }
    if links::is_ours(word) {
        return links::turn(office, tapped, word, rest).await;
    }
    if matches!(
        word,
        "approve" | "approve-with" | "reject" | "registration" | "pending"
    ) {
        let (id, account) = rest.split_once(' ').unwrap_or((rest, ""));
        let Some(id) = id
            .parse::<RegistrationId>()
            .ok()
            .filter(|_| tapped.sender.operator)
        else {
            return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
        };
        if word == "approve-with" {
            return match account.parse() {
                Ok(account) => registration::decide(office, tapped, id, Some(Some(account))).await,
                Err(_) => Ok(office.popup(reader, Key::ViewExpired, &Args::new())),
            };
        }
        return registration::step(office, tapped, word, id).await;
    }
    let Some(user) = user else {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    };
    let (rendered, life) = match (word, rest) {
        ("accounts", _) => return accounts_again(office, tapped, user, number).await,
        ("sessions", _) => (sessions(office, reader, user, number).await?, VIEW_LIFE),
        ("disable", "now") => {
            let there: BTreeSet<RouterId> = open_sessions(office, user)
                .await?
                .into_iter()
                .map(|session| session.router)
                .collect();
            let count = access::end_all(office, user, false).await?;
            let pending = out_of_contact(office, reader, &there).await;
            let args = Args::new().count("count", count).piece("pending", pending);
            let sheet = office
                .courier
                .scene(reader)
                .sheet(Key::DisabledNowDone, &args);
            (view(&sheet, request_button(office, reader)), VIEW_LIFE)
        }
        ("disable", "new") => (no_new(office, reader, user).await?, VIEW_LIFE),
        ("language", code) => return settings::chosen(office, tapped, user, code).await,
        ("zone", _) => return settings::kept(office, tapped).await,
        ("settings", _) => (languages(office, reader), CONFIRM_LIFE),
        ("extend", id) => {
            return match id.parse::<SessionId>() {
                Ok(session) => extension::offered(office, tapped, user, session).await,
                Err(_) => Ok(office.popup(reader, Key::ViewExpired, &Args::new())),
            };
        }
        _ => return Ok(office.popup(reader, Key::ViewExpired, &Args::new())),
    };
    replace(office, tapped, &rendered, life).await
}

/// Puts something else into the message that was tapped under.
pub(super) async fn replace(
    office: &Office,
    tapped: &Tapped<'_>,
    rendered: &Rendered,
    life: std::time::Duration,
) -> Result<Toast, Failure> {
    let old = Placed {
        chat: tapped.sender.chat,
        message: tapped.message,
        keyboard: Some(tapped.keyboard.id),
        fingerprint: String::new(),
        sent_at: tapped.keyboard.made_at,
    };
    let holder = tapped.sender.holder_of(&tapped.keyboard);
    let address = Address {
        chat: tapped.sender.chat,
        holder,
        cause: tapped.update,
        life,
    };
    match office.courier.edit(address, rendered, &old).await {
        Ok(_) => Ok(Toast::silent()),
        Err(Trouble::EditGone) => {
            Ok(office.popup(tapped.sender.reader, Key::ViewExpired, &Args::new()))
        }
        Err(trouble) => {
            tracing::warn!(?trouble, "a list could not be changed");
            Ok(Toast::silent())
        }
    }
}

/// A list that has done its work.
pub(super) async fn dismiss(office: &Office, tapped: &Tapped<'_>) -> Result<Toast, Failure> {
    office.courier.keyboards.bury(tapped.keyboard.id).await?;
    if let Err(trouble) = office
        .courier
        .api
        .delete(tapped.sender.chat, tapped.message)
        .await
    {
        tracing::debug!(?trouble, "a list stays");
    }
    Ok(Toast::silent())
}

/// Is it a list of sessions, and not a card?
pub(super) fn is_list(keyboard: &Keyboard) -> bool {
    keyboard
        .presses
        .iter()
        .any(|press| matches!(press, Press::Show { .. }))
}

impl super::Sender {
    /// To whom what replaces a keyboard is shown.
    fn holder_of(&self, keyboard: &Keyboard) -> crate::keyboard::Holder {
        if keyboard.user.is_some() {
            self.holder()
        } else {
            crate::keyboard::Holder::Chat
        }
    }
}

// ---- accounts ----------------------------------------------------------------------------------

/// Where a user can connect.
pub(super) async fn choices(office: &Office, user: &User) -> Result<Vec<Choice>, Failure> {
    let mut choices = Vec::new();
    for account in office.courier.directory.accounts_of(user.id).await? {
        for router in office.engine.routers_of(account.id).await? {
            choices.push(Choice {
                account_id: account.id,
                router_id: router.id,
                account: account.name.clone(),
                router: router.name,
            });
        }
    }
    Ok(choices)
}

/// One of several is to be chosen.
pub(super) fn accounts(
    office: &Office,
    reader: Reader,
    choices: &[Choice],
    number: usize,
) -> Rendered {
    let scene = office.courier.scene(reader);
    let pages = choices.len().div_ceil(ACCOUNTS_A_PAGE).max(1);
    let number = number.min(pages - 1);
    let mut buttons = Buttons::none();
    for choice in choices
        .iter()
        .skip(number * ACCOUNTS_A_PAGE)
        .take(ACCOUNTS_A_PAGE)
    {
        let args = Args::new()
            .outside("account", &choice.account)
            .outside("router", &choice.router);
        let (account, router) = (choice.account_id, choice.router_id);
        buttons = buttons.row(
            scene.plain(Key::ButtonChooseAccount, &args),
            Press::Request { account, router },
        );
    }
    let turned = |to: usize| page("accounts", u32::try_from(to).unwrap_or_default());
    let back = (number > 0).then(|| {
        (
            scene.label(Key::ButtonBack),
            turned(number.saturating_sub(1)),
        )
    });
    let next = (number + 1 < pages).then(|| (scene.label(Key::ButtonNext), turned(number + 1)));
    buttons = buttons
        .rows(back.into_iter().chain(next))
        .row(scene.label(Key::ButtonCancel), Press::Dismiss);
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let args = Args::new()
        .count("page", count(number + 1))
        .count("pages", count(pages));
    let html = scene.html(Key::RequestChoose, &args);
    Rendered {
        html,
        buttons,
        silent: true,
        ..Rendered::default()
    }
}

/// "Request access" under a list: the list of accounts, or at once if there is only one.
async fn accounts_again(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    number: u32,
) -> Result<Toast, Failure> {
    let choices = choices(office, user).await?;
    let reader = tapped.sender.reader;
    match choices.as_slice() {
        [] => Ok(Toast {
            words: office
                .courier
                .texts
                .html(reader.language, Key::RequestNoAccount, &Args::new())
                .plain(),
            popup: true,
        }),
        [one] => access::requested(office, tapped, user, one.account_id, one.router_id).await,
        several => {
            let number = usize::try_from(number).unwrap_or_default();
            replace(
                office,
                tapped,
                &accounts(office, reader, several, number),
                VIEW_LIFE,
            )
            .await
        }
    }
}

fn request_button(office: &Office, reader: Reader) -> Buttons {
    Buttons::none().row(
        office.courier.scene(reader).label(Key::ButtonRequestAccess),
        page("accounts", 0),
    )
}

// ---- sessions ----------------------------------------------------------------------------------

/// A user's sessions that are not over, the newest first.
pub(super) async fn open_sessions(office: &Office, user: &User) -> Result<Vec<Session>, Failure> {
    let filter = SessionFilter {
        owner: Some(user.id),
        open: true,
        ..SessionFilter::default()
    };
    let found = office
        .courier
        .directory
        .sessions(&filter, &PageOf::default())
        .await?;
    Ok(found.rows.into_iter().filter(Session::is_open).collect())
}

/// Names of what a session is about.
pub(super) async fn subject(office: &Office, session: &Session) -> Result<Subject, Failure> {
    let directory = &office.courier.directory;
    let account = directory.account(session.account).await?;
    let router = directory
        .routers()
        .await?
        .into_iter()
        .find(|router| router.id == session.router);
    let person = directory.user(session.owner).await?;
    Ok(Subject {
        session: Some(session.id),
        account_id: Some(session.account),
        router_id: Some(session.router),
        account: account.map(|account| account.name).unwrap_or_default(),
        router: router.map(|router| router.name).unwrap_or_default(),
        person: person.map(|person| person.name).unwrap_or_default(),
    })
}

/// The names of an account and a router.
pub(super) async fn named(
    office: &Office,
    account: AccountId,
    router: RouterId,
) -> Result<Subject, Failure> {
    let directory = &office.courier.directory;
    let account = directory.account(account).await?;
    let routers = directory.routers().await?;
    let router = routers.into_iter().find(|found| found.id == router);
    Ok(Subject {
        account_id: account.as_ref().map(|account| account.id),
        router_id: router.as_ref().map(|router| router.id),
        account: account.map(|account| account.name).unwrap_or_default(),
        router: router.map(|router| router.name).unwrap_or_default(),
        ..Subject::default()
    })
}

pub(super) async fn sessions(
    office: &Office,
    reader: Reader,
    user: &User,
    number: u32,
) -> Result<Rendered, Failure> {
    let scene = office.courier.scene(reader);
    let open = open_sessions(office, user).await?;
    if open.is_empty() {
        let html = scene.html(Key::SessionsNone, &Args::new());
        return Ok(Rendered {
            html,
            silent: true,
            ..Rendered::default()
        });
    }
    let pages = open.len().div_ceil(SESSIONS_A_PAGE);
    let number = usize::try_from(number).unwrap_or_default().min(pages - 1);
    let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let mut sheet = scene.sheet(Key::SessionsView, &Args::new().count("count", count));
    let mut buttons = Buttons::none();
    for session in open
        .iter()
        .skip(number * SESSIONS_A_PAGE)
        .take(SESSIONS_A_PAGE)
    {
        let subject = subject(office, session).await?;
        let args = Args::new()
            .outside("account", &subject.account)
            .outside("router", &subject.router)
            .ready("state", scene.label(state_key(session.state.name())));
        sheet.lines.push(match end_of(session) {
            Some(until) => scene.html(
                Key::SessionsLine,
                &args.clone().ready("until", scene.moment(until)),
            ),
            None => scene.html(Key::SessionsLineNow, &args),
        });
        let end = (
            scene.plain(Key::ButtonEndAccount, &args),
            Press::End {
                session: session.id,
            },
        );
        let show = (
            scene.label(Key::ButtonShow),
            Press::Show {
                session: session.id,
            },
        );
        buttons = buttons.rows([end, show]);
    }
    let turned = |to: usize| page("sessions", u32::try_from(to).unwrap_or_default());
    let back = (number > 0).then(|| {
        (
            scene.label(Key::ButtonBack),
            turned(number.saturating_sub(1)),
        )
    });
    let next = (number + 1 < pages).then(|| (scene.label(Key::ButtonNext), turned(number + 1)));
    Ok(view(&sheet, buttons.rows(back.into_iter().chain(next))))
}

pub(super) const fn state_key(state: StateName) -> Key {
    match state {
        StateName::Requested => Key::StateRequested,
        StateName::Challenged => Key::StateChallenged,
        StateName::Opening => Key::StateOpening,
        StateName::Active => Key::StateActive,
        StateName::Expiring => Key::StateExpiring,
        StateName::Grace | StateName::Ended => Key::StateGrace,
    }
}

// ---- status, settings --------------------------------------------------------------------------

pub(super) async fn status(
    office: &Office,
    reader: Reader,
    user: &User,
) -> Result<Rendered, Failure> {
    let scene = office.courier.scene(reader);
    let choices = choices(office, user).await?;
    let open = open_sessions(office, user).await?;
    let mut names: Vec<&Text> = choices.iter().map(|choice| &choice.account).collect();
    names.dedup();
    let args = Args::new()
        .outside("name", &user.name)
        .piece("accounts", crate::render::list(names))
        .count("count", u64::try_from(open.len()).unwrap_or(u64::MAX));
    let mut sheet = scene.sheet(Key::StatusView, &args);
    let states = office.engine.status().await.unwrap_or_default();
    let mut told: Vec<RouterId> = Vec::new();
    for choice in &choices {
        if told.contains(&choice.router_id) {
            continue;
        }
        told.push(choice.router_id);
        let state = states.iter().find(|state| state.router == choice.router_id);
        let args = Args::new().outside("router", &choice.router);
        sheet.lines.push(match state {
            Some(state) if state.reachable == Some(false) => scene.html(
                Key::StatusRouterAway,
                &args.ready("at", scene.moment(state.since)),
            ),
            _ => scene.html(Key::StatusRouterUp, &args),
        });
    }
    sheet.lines.push(settings_line(office, reader));
    let buttons = Buttons::none().row(scene.label(Key::ButtonLanguageTime), page("settings", 0));
    Ok(view(&sheet, buttons))
}

pub(super) fn settings_line(office: &Office, reader: Reader) -> Html {
    let scene = office.courier.scene(reader);
    let language = scene.label(language_name(reader.language));
    scene.html(
        Key::StatusSettings,
        &Args::new()
            .ready("language", language)
            .ready("zone", reader.zone()),
    )
}

pub(super) fn languages(office: &Office, reader: Reader) -> Rendered {
    let scene = office.courier.scene(reader);
    let language = |language, code: &str| {
        (
            scene.label(language_name(language)),
            page(format!("language {code}"), 0),
        )
    };
    let buttons =
        Buttons::none().rows([language(Language::En, "en"), language(Language::Ru, "ru")]);
    let html = scene.html(Key::LanguageChoose, &Args::new());
    Rendered {
        html,
        buttons,
        silent: true,
        ..Rendered::default()
    }
}

// ---- turning access off ------------------------------------------------------------------------

pub(super) async fn disable(
    office: &Office,
    reader: Reader,
    user: &User,
) -> Result<Rendered, Failure> {
    let scene = office.courier.scene(reader);
    let open = open_sessions(office, user).await?;
    let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let sheet = scene.sheet(Key::DisableChoose, &Args::new().count("count", count));
    let buttons = Buttons::none()
        .row(
            scene.label(Key::ButtonEndEverything),
            page("disable now", 0),
        )
        .row(scene.label(Key::ButtonNoNew), page("disable new", 0))
        .row(scene.label(Key::ButtonCancel), Press::Dismiss);
    Ok(view(&sheet, buttons))
}

/// Of these routers, those that cannot be reached: what ends there is not seen to have ended.
async fn out_of_contact(office: &Office, reader: Reader, routers: &BTreeSet<RouterId>) -> Html {
    let scene = office.courier.scene(reader);
    let states = office.engine.status().await.unwrap_or_default();
    let away = states
        .iter()
        .filter(|state| state.reachable == Some(false) && routers.contains(&state.router))
        .map(|state| {
            let args = Args::new().outside("router", &state.name);
            scene.html(Key::DisabledPending, &args)
        });
    Html::join(&away.collect::<Vec<_>>(), " ")
}

async fn no_new(office: &Office, reader: Reader, user: &User) -> Result<Rendered, Failure> {
    access::end_all(office, user, true).await?;
    let open = open_sessions(office, user).await?;
    let last = open
        .iter()
        .filter(|session| !matches!(session.state, SessionState::Requested { .. }))
        .filter_map(end_of);
    let scene = office.courier.scene(reader);
    let until = scene.moment(last.max().unwrap_or(scene.now));
    let sheet = scene.sheet(Key::DisabledNew, &Args::new().ready("until", until));
    Ok(view(&sheet, request_button(office, reader)))
}
