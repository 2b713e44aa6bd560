//! What operators see and do in the chat beside registrations and links: locks, open sessions, routers.
//!
//! What closes acts at once; what unlocks has a second step that names its object. Who administers is looked at again at
//! each tap, and nobody lifts a lock of their own account as long as somebody else can.

use std::collections::BTreeSet;

use mikro2fa_core::{
    ban::{Ban, BanScope},
    desk::{Account, ChatId, Operator, Router},
    directory::{PageOf, Press, SessionFilter},
    engine::Fed,
    gate::GateStatus,
    id::{AccountId, RouterId, SessionId},
    notifier::{Act, Matter, Subject},
    policy::{Outage, Policy},
    session::{Actor, Session},
    tunnel::Text,
};

use super::{Sender, end_of, tap::Tapped, two_steps, views};
use crate::{
    command::Command,
    keyboard::{Buttons, CARD_LIFE, Holder, VIEW_LIFE},
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Html, Key, Reader},
};

/// Locks shown at once.
const BANS: usize = 8;
/// Routers shown at once.
const ROUTERS: usize = 30;
/// Sessions on a page.
const SESSIONS: usize = 5;
/// What an operator's button extends by, in minutes.
const LONGER: u32 = 60;

/// The views of this module, as buttons name them.
pub(super) fn is_ours(word: &str) -> bool {
    matches!(
        word,
        "bans" | "unlock" | "unlock-now" | "keep" | "live" | "live-end" | "live-longer"
    )
}

fn page(view: &str, page: usize) -> Press {
    Press::Page {
        view: view.into(),
        page: u32::try_from(page).unwrap_or_default(),
    }
}

/// A tap on one of them.
pub(super) async fn turn(
    office: &Office,
    tapped: &Tapped<'_>,
    word: &str,
    rest: &str,
    number: u32,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let Some(operator) = operator_of(office, tapped.sender.chat).await? else {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    };
    let number = usize::try_from(number).unwrap_or_default();
    match word {
        "bans" => {
            views::replace(office, tapped, &bans_view(office, reader).await?, VIEW_LIFE).await
        }
        "live" => {
            let rendered = live_view(office, reader, number).await?;
            views::replace(office, tapped, &rendered, VIEW_LIFE).await
        }
        "unlock" | "unlock-now" | "keep" => match rest.parse() {
            Ok(account) => lock(office, tapped, &operator, word, account).await,
            Err(_) => Ok(office.popup(reader, Key::ViewExpired, &Args::new())),
        },
        _ => match rest.parse() {
            Ok(session) => act(office, tapped, &operator, word, session).await,
            Err(_) => Ok(office.popup(reader, Key::ViewExpired, &Args::new())),
        },
    }
}

pub(super) async fn operator_of(office: &Office, chat: i64) -> Result<Option<Operator>, Failure> {
    let operators = office.courier.directory.operators().await?;
    Ok(operators
        .into_iter()
        .find(|operator| operator.chat == Some(ChatId(chat))))
}

// ---- locks -------------------------------------------------------------------------------------

/// `/bans`.
pub(super) async fn bans(office: &Office, sender: &Sender, update: &str) -> Result<(), Failure> {
    let rendered = bans_view(office, sender.reader).await?;
    office
        .show(sender.chat, Holder::Chat, update, &rendered)
        .await;
    Ok(())
}

async fn bans_view(office: &Office, reader: Reader) -> Result<Rendered, Failure> {
    let scene = office.courier.scene(reader);
    let bans = office.courier.directory.bans(None, office.now()).await?;
    if bans.is_empty() {
        return Ok(Rendered {
            html: scene.html(Key::BansNone, &Args::new()),
            silent: true,
            ..Rendered::default()
        });
    }
    let count = u64::try_from(bans.len()).unwrap_or(u64::MAX);
    let mut sheet = scene.sheet(Key::BansView, &Args::new().count("count", count));
    let mut buttons = Buttons::none();
    for ban in bans.iter().take(BANS) {
        let account = office.courier.directory.account(ban.account).await?;
        let name = account.map(|account| account.name).unwrap_or_default();
        sheet.lines.push(line(office, reader, ban, &name));
        let label = scene.plain(Key::ButtonUnlock, &Args::new().outside("account", &name));
        buttons = buttons.row(label, page(&format!("unlock {}", ban.account), 0));
    }
    Ok(Rendered {
        html: sheet.html(),
        buttons,
        silent: true,
        ..Rendered::default()
    })
}

fn line(office: &Office, reader: Reader, ban: &Ban, account: &str) -> Html {
    let scene = office.courier.scene(reader);
    let args = Args::new()
        .outside("account", account)
        .ready("at", scene.moment(ban.at));
    match (&ban.scope, ban.until) {
        (BanScope::Caller { caller }, Some(until)) => {
            let args = scene.caller(args, "caller", caller.as_ref());
            scene.html(
                Key::BansLineUntil,
                &args.ready("until", scene.moment(until)),
            )
        }
        _ => scene.html(Key::BansLine, &args),
    }
}

/// The two steps of unlocking, and leaving it locked.
async fn lock(
    office: &Office,
    tapped: &Tapped<'_>,
    operator: &Operator,
    word: &str,
    id: AccountId,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let scene = office.courier.scene(reader);
    let account = office.courier.directory.account(id).await?;
    let bans = office
        .courier
        .directory
        .bans(Some(id), office.now())
        .await?;
    let name = account.as_ref().map(|account| account.name.clone());
    let name = name.unwrap_or_default();
    let object = || {
        Args::new()
            .outside("object", &name)
            .outside("account", &name)
    };
    let Some(first) = bans.first() else {
        return Ok(office.popup(reader, Key::ConfirmChanged, &object()));
    };
    if word != "keep" && own(office, tapped, account.as_ref()).await? {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    }
    if word == "unlock" {
        let on = (
            scene.plain(Key::ButtonUnlock, &object()),
            page(&format!("unlock-now {id}"), 0),
        );
        let what = (Key::ConfirmUnlock, &object());
        return two_steps::ask(office, tapped, what, [on], page("bans", 0)).await;
    }
    let told = line(office, reader, first, &name);
    let act = if word == "keep" {
        let person = match account.as_ref().and_then(|account| account.owner) {
            Some(owner) => office.courier.directory.user(owner).await?,
            None => None,
        };
        let subject = Subject {
            account: name.clone(),
            router: router_of(office, id).await?,
            person: person.map(|person| person.name).unwrap_or_default(),
            ..Subject::default()
        };
        let kept = (Matter::Denied, Act::KeptLocked);
        office
            .solved(id, kept, operator.name.clone(), subject)
            .await?;
        Key::ActKeptLocked
    } else {
        for ban in &bans {
            // Its keeper says it in everybody's message.
            office.engine.unban(ban.id, operator.name.clone()).await?;
        }
        Key::ActUnlocked
    };
    solved(office, tapped, operator, told, act).await
}

/// The router on which an account is used, by its name.
async fn router_of(office: &Office, account: AccountId) -> Result<Text, Failure> {
    let routers = office.engine.routers_of(account).await?;
    Ok(routers
        .into_iter()
        .next()
        .map(|router| router.name)
        .unwrap_or_default())
}

/// An operator's own account, and somebody else could act.
async fn own(
    office: &Office,
    tapped: &Tapped<'_>,
    account: Option<&Account>,
) -> Result<bool, Failure> {
    let owner = account.and_then(|account| account.owner);
    let own = owner.is_some() && owner == tapped.sender.user.as_ref().map(|user| user.id);
    two_steps::is_for_others(office, own).await
}

/// What was told becomes what was done about it; nothing is left to tap.
async fn solved(
    office: &Office,
    tapped: &Tapped<'_>,
    operator: &Operator,
    told: Html,
    act: Key,
) -> Result<Toast, Failure> {
    let scene = office.courier.scene(tapped.sender.reader);
    let args = Args::new()
        .outside("operator", &operator.name)
        .ready("at", scene.moment(scene.now))
        .ready("act", scene.label(act));
    let rendered = Rendered {
        html: Html::join([&told, &scene.html(Key::AlertSolved, &args)], "\n\n"),
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CARD_LIFE).await
}

// ---- what there is -----------------------------------------------------------------------------

/// The key of the menu: what there is for operators.
pub(super) async fn menu(office: &Office, sender: &Sender) -> Result<(), Failure> {
    let scene = office.courier.scene(sender.reader);
    let mut sheet = scene.sheet(Key::MenuAdminView, &Args::new());
    let lines = Command::for_operators()
        .map(|(name, key)| Html::text(&format!("/{name}: {}", scene.label(key))));
    sheet.lines.extend(lines);
    office.reply_html(sender.chat, sheet.html()).await;
    Ok(())
}

/// `/routers`: how each stands.
pub(super) async fn routers(office: &Office, sender: &Sender) -> Result<(), Failure> {
    let scene = office.courier.scene(sender.reader);
    let states = office.engine.status().await?;
    if states.is_empty() {
        office
            .reply_html(sender.chat, scene.html(Key::RoutersNone, &Args::new()))
            .await;
        return Ok(());
    }
    let keeps_confirmed = keeps_confirmed(office).await?;
    let many = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let args = Args::new()
        .count("count", many(states.len()))
        .ready("at", scene.moment(scene.now));
    let mut sheet = scene.sheet(Key::RoutersView, &args);
    for state in states.iter().take(ROUTERS) {
        let reached = match state.reachable {
            Some(true) => scene.label(Key::RouterReachable),
            Some(false) => {
                let args = Args::new().ready("at", scene.moment(state.since));
                scene.plain(Key::RouterAway, &args)
            }
            None => scene.label(Key::RouterUntried),
        };
        let gate = match state.gate {
            GateStatus::Unseen => Key::GateUnseen,
            GateStatus::Observing => Key::GateObserving,
            GateStatus::None => Key::GateNone,
            GateStatus::Whole => Key::GateWhole,
            GateStatus::Marred => Key::GateMarred,
            GateStatus::Broken => Key::GateBroken,
        };
        let args = Args::new()
            .outside("router", &state.name)
            .ready("state", reached)
            .ready("gate", scene.label(gate))
            .count("count", many(state.sessions));
        sheet.lines.push(scene.html(Key::RoutersLine, &args));
        if keeps_confirmed.contains(&state.router) {
            let args = Args::new().outside("router", &state.name);
            sheet.lines.push(scene.html(Key::RoutersWeakened, &args));
        }
    }
    office.reply_html(sender.chat, sheet.html()).await;
    Ok(())
}

/// Routers on which a confirmed tunnel stays open while mikro2fa is away: a weakening, said wherever a router is shown.
async fn keeps_confirmed(office: &Office) -> Result<BTreeSet<RouterId>, Failure> {
    let directory = &office.courier.directory;
    let system = directory.system_policy().await?;
    let routers = directory.routers().await?.into_iter();
    let keeps = |router: &Router| {
        let policy = Policy::resolve([&system, &router.policy]);
        policy.outage == Outage::KeepConfirmed
    };
    Ok(routers.filter(keeps).map(|router| router.id).collect())
}

// ---- sessions ----------------------------------------------------------------------------------

/// `/sessions`.
pub(super) async fn live(office: &Office, sender: &Sender, update: &str) -> Result<(), Failure> {
    let rendered = live_view(office, sender.reader, 0).await?;
    office
        .show(sender.chat, Holder::Chat, update, &rendered)
        .await;
    Ok(())
}

/// All that is open, the newest first, as far as one page of the database goes.
async fn live_view(office: &Office, reader: Reader, number: usize) -> Result<Rendered, Failure> {
    let scene = office.courier.scene(reader);
    let filter = SessionFilter {
        open: true,
        ..SessionFilter::default()
    };
    let found = office
        .courier
        .directory
        .sessions(&filter, &PageOf::default())
        .await?;
    let open: Vec<Session> = found.rows.into_iter().filter(Session::is_open).collect();
    if open.is_empty() {
        return Ok(Rendered {
            html: scene.html(Key::LiveNone, &Args::new()),
            silent: true,
            ..Rendered::default()
        });
    }
    let pages = open.len().div_ceil(SESSIONS);
    let number = number.min(pages - 1);
    let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let mut sheet = scene.sheet(Key::LiveView, &Args::new().count("count", count));
    let mut buttons = Buttons::none();
    for session in open.iter().skip(number * SESSIONS).take(SESSIONS) {
        let subject = views::subject(office, session).await?;
        let args = Args::new()
            .outside("account", &subject.account)
            .outside("router", &subject.router)
            .outside("person", &subject.person)
            .ready("state", scene.label(views::state_key(session.state.name())));
        sheet.lines.push(match end_of(session) {
            Some(until) => {
                let args = args.clone().ready("until", scene.moment(until));
                scene.html(Key::LiveLine, &args)
            }
            None => scene.html(Key::LiveLineNow, &args),
        });
        let press = |word: &str| page(&format!("{word} {}", session.id), number);
        let longer = session.access().map(|access| {
            let until = access.expires_at + std::time::Duration::from_secs(60 * u64::from(LONGER));
            let args = Args::new()
                .count("count", LONGER / 60)
                .ready("until", scene.reader.clock(until));
            (
                scene.plain(Key::ButtonExtendHours, &args),
                press("live-longer"),
            )
        });
        let end = (scene.plain(Key::ButtonEndAccount, &args), press("live-end"));
        buttons = buttons.row(end.0, end.1).rows(longer);
    }
    let back = (number > 0).then(|| (scene.label(Key::ButtonBack), page("live", number - 1)));
    let next =
        (number + 1 < pages).then(|| (scene.label(Key::ButtonNext), page("live", number + 1)));
    Ok(Rendered {
        html: sheet.html(),
        buttons: buttons.rows(back.into_iter().chain(next)),
        silent: true,
        ..Rendered::default()
    })
}

/// Ends or extends a session, at once; the list shows what is so then.
async fn act(
    office: &Office,
    tapped: &Tapped<'_>,
    operator: &Operator,
    word: &str,
    session: SessionId,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let by = Actor::Operator {
        who: operator.name.clone(),
        reason: "".into(),
    };
    let update = Some(tapped.update.into());
    let fed = if word == "live-end" {
        office.engine.end(session, by, update).await?
    } else {
        let extended = office.engine.extend(session, None, LONGER, by, update);
        extended.await?
    };
    match fed {
        Fed::Stepped(_) => {
            let rendered = live_view(office, reader, 0).await?;
            views::replace(office, tapped, &rendered, VIEW_LIFE).await
        }
        Fed::Refused(why) => Err(Failure::Later(why.to_string())),
        Fed::Ignored(mikro2fa_core::session::Ignored::OverLimit { until }, _) => {
            let until = reader.moment(until, office.now());
            let args = Args::new().ready("until", until);
            Ok(office.popup(reader, Key::AnswerExtendLimit, &args))
        }
        Fed::Ignored(..) | Fed::Unknown => Ok(office.popup(reader, Key::AnswerStale, &Args::new())),
    }
}
