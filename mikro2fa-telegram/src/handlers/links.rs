//! Which chat is whose: what the chat that was linked before can say about a new link, and what operators do about links.
//!
//! An objection pauses the person's access at once, whoever is right: every doubt closes. Only an operator ends that pause.

use mikro2fa_core::{
    desk::{ChatId, Operator, User},
    directory::{DeskChange, Press},
    id::UserId,
    notifier::{Act, Alert, Matter, Subject},
    session::Actor,
};

use super::{Sender, desk, linking, tap::Tapped, two_steps, views};
use crate::{
    courier::Courier,
    keyboard::{Buttons, CARD_LIFE},
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Key},
};

/// The views of this module, as buttons name them.
pub(super) fn is_ours(word: &str) -> bool {
    word == "disagree" || Step::parse(word).is_some()
}

/// What an operator can do about a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// The chat is taken away.
    Unlink,
    /// The new link, to which somebody objected, stays.
    Keep,
    /// The link goes back to the chat before.
    Back,
}

/// How far a deed has got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// What follows is said.
    Asked(Deed),
    /// Confirmed.
    Now(Deed),
    /// Not after all.
    Not(Deed),
}

impl Step {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "unlink" => Self::Asked(Deed::Unlink),
            "unlink-now" => Self::Now(Deed::Unlink),
            "unlink-not" => Self::Not(Deed::Unlink),
            "link-keep" => Self::Asked(Deed::Keep),
            "link-keep-now" => Self::Now(Deed::Keep),
            "link-back" => Self::Asked(Deed::Back),
            "link-back-now" => Self::Now(Deed::Back),
            "link-not" => Self::Not(Deed::Keep),
            _ => return None,
        })
    }
}

fn page(view: &str, rest: &str) -> Press {
    Press::Page {
        view: format!("{view} {rest}").into(),
        page: 0,
    }
}

/// Whose link is meant, and the chat that was linked before. None if it is not the link that there is now.
async fn meant(office: &Office, rest: &str) -> Result<Option<(User, Option<ChatId>)>, Failure> {
    let mut words = rest.split(' ');
    let id = words.next().and_then(|word| word.parse::<UserId>().ok());
    let generation = words.next().and_then(|word| word.parse::<u32>().ok());
    let before = words.next().and_then(|word| word.parse::<i64>().ok());
    let Some(id) = id else {
        return Ok(None);
    };
    let found = office.courier.directory.user(id).await?;
    let same = found.filter(|user| Some(user.link_generation) == generation && user.chat.is_some());
    Ok(same.map(|user| (user, before.map(ChatId))))
}

/// A tap on one of them.
pub(super) async fn turn(
    office: &Office,
    tapped: &Tapped<'_>,
    word: &str,
    rest: &str,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let step = Step::parse(word);
    let operator = desk::operator_of(office, tapped.sender.chat).await?;
    if step.is_some() && operator.is_none() {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    }
    let Some((user, before)) = meant(office, rest).await? else {
        return Ok(office.popup(reader, Key::AnswerStale, &Args::new()));
    };
    match (step, operator) {
        (None, _) => disagree(office, tapped, user).await,
        (Some(Step::Asked(deed)), _) => asked(office, tapped, deed, &user, rest).await,
        (Some(Step::Not(deed)), _) => told(office, tapped, deed, &user, rest).await,
        (Some(Step::Now(deed)), Some(operator)) => {
            // Nobody decides about their own link as long as somebody else can.
            let own = tapped.sender.user.as_ref().map(|user| user.id) == Some(user.id)
                || before == Some(ChatId(tapped.sender.chat));
            if two_steps::is_for_others(office, own).await? {
                return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
            }
            now(office, tapped, deed, user, before, &operator).await
        }
        (Some(Step::Now(_)), None) => Ok(office.popup(reader, Key::AnswerNotYours, &Args::new())),
    }
}

// ---- the chat before ---------------------------------------------------------------------------

/// Nobody asked the person in the chat before.
async fn disagree(office: &Office, tapped: &Tapped<'_>, user: User) -> Result<Toast, Failure> {
    let Some(chat) = user.chat else {
        return Ok(Toast::silent());
    };
    let alert = Alert::Relinked {
        user: user.id,
        generation: user.link_generation,
        chat: chat.0,
        before: tapped.sender.chat,
    };
    let (id, name) = (user.id, user.name.clone());
    if !user.suspended {
        let paused = User {
            suspended: true,
            version: user.version + 1,
            ..user
        };
        let audit = office.audit(
            Office::owner(id),
            "the chat that was linked before objects to the new link: paused",
        );
        office
            .engine
            .change_desk(vec![DeskChange::PutUser(paused)], vec![audit])
            .await?;
    }
    office.alert(&format!("relinked {id}"), alert, name).await?;
    let scene = office.courier.scene(tapped.sender.reader);
    let rendered = Rendered {
        html: scene.html(Key::RelinkedNoted, &Args::new()),
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CARD_LIFE).await
}

// ---- operators ---------------------------------------------------------------------------------

/// The first of two steps: what follows is said, and nothing is done.
async fn asked(
    office: &Office,
    tapped: &Tapped<'_>,
    deed: Deed,
    user: &User,
    rest: &str,
) -> Result<Toast, Failure> {
    let scene = office.courier.scene(tapped.sender.reader);
    let (key, label, now, not) = match deed {
        Deed::Unlink => (
            Key::ConfirmUnlink,
            Key::ButtonUnlink,
            "unlink-now",
            "unlink-not",
        ),
        Deed::Keep => (
            Key::ConfirmLinkKeep,
            Key::ButtonRestoreNewLink,
            "link-keep-now",
            "link-not",
        ),
        Deed::Back => (
            Key::ConfirmLinkBack,
            Key::ButtonGoBackLink,
            "link-back-now",
            "link-not",
        ),
    };
    let chat = user.chat.map_or(0, |chat| chat.0);
    let args = Args::new()
        .outside("object", &user.name)
        .ready("id", chat.to_string());
    let on = (scene.label(label), page(now, rest));
    two_steps::ask(office, tapped, (key, &args), [on], page(not, rest)).await
}

/// What was told, with its buttons: the second step was not taken.
async fn told(
    office: &Office,
    tapped: &Tapped<'_>,
    deed: Deed,
    user: &User,
    rest: &str,
) -> Result<Toast, Failure> {
    let scene = office.courier.scene(tapped.sender.reader);
    let args = Args::new().outside("person", &user.name);
    let button = |key, word: &str| (scene.label(key), page(word, rest));
    let (key, buttons) = if deed == Deed::Unlink {
        let buttons = Buttons::none().rows([button(Key::ButtonUnlink, "unlink")]);
        (Key::AlertLinked, buttons)
    } else {
        let buttons = Buttons::none()
            .rows([button(Key::ButtonRestoreNewLink, "link-keep")])
            .rows([button(Key::ButtonGoBackLink, "link-back")]);
        (Key::AlertRelink, buttons)
    };
    let rendered = Rendered {
        html: scene.html(key, &args),
        buttons,
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CARD_LIFE).await
}

/// The second step.
async fn now(
    office: &Office,
    tapped: &Tapped<'_>,
    deed: Deed,
    user: User,
    before: Option<ChatId>,
    operator: &Operator,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let actor = Actor::Operator {
        who: operator.name.clone(),
        reason: "".into(),
    };
    let (said, changed) = match deed {
        Deed::Unlink => (
            "a chat was unlinked",
            User {
                chat: None,
                link_generation: user.link_generation + 1,
                linked_at: None,
                ..user.clone()
            },
        ),
        Deed::Keep => (
            "a new link stays: no longer paused",
            User {
                suspended: false,
                ..user.clone()
            },
        ),
        Deed::Back => {
            let directory = &office.courier.directory;
            let free = match before {
                Some(before) => directory.user_of_chat(before).await?.is_none(),
                None => false,
            };
            if !free {
                return Ok(office.popup(reader, Key::AnswerStale, &Args::new()));
            }
            (
                "a link went back to the chat before: no longer paused",
                User {
                    chat: before,
                    link_generation: user.link_generation + 1,
                    linked_at: Some(office.now()),
                    suspended: false,
                    unreachable: false,
                    ..user.clone()
                },
            )
        }
    };
    let changed = User {
        version: user.version + 1,
        ..changed
    };
    let audit = office.audit(actor.clone(), said);
    office
        .engine
        .change_desk(vec![DeskChange::PutUser(changed.clone())], vec![audit])
        .await?;
    if deed != Deed::Keep {
        // Whoever answered from there may have been somebody else.
        for session in views::open_sessions(office, &user).await? {
            office.engine.end(session.id, actor.clone(), None).await?;
        }
        if let Some(chat) = user.chat {
            linking::unlinked(office, chat.0, &user).await;
        }
    }
    if let (Deed::Back, Some(chat)) = (deed, before) {
        let sender = Sender {
            chat: chat.0,
            operator: office.courier.is_operator(chat.0).await?,
            reader: Courier::reader(&changed),
            telegram_name: String::new(),
            user: Some(changed.clone()),
        };
        linking::welcome(office, &sender, &changed).await?;
        office.list_commands(chat.0, changed.language, true).await;
    }
    let done = match deed {
        Deed::Unlink => (Matter::Linked, Act::Unlinked),
        Deed::Keep => (Matter::Relinked, Act::LinkKept),
        Deed::Back => (Matter::Relinked, Act::LinkBack),
    };
    let subject = Subject {
        person: user.name.clone(),
        ..Subject::default()
    };
    office
        .solved(user.id, done, operator.name.clone(), subject)
        .await?;
    Ok(Toast::silent())
}
