//! People who ask to be let in, and operators who decide.

use std::time::Duration;

use mikro2fa_core::{
    desk::{Account, AccountKind, ChatId, Operator, Registration, RegistrationState, User},
    directory::{DeskChange, PageOf, Press},
    engine::EngineError,
    id::{AccountId, RegistrationId, UserId},
    notifier::{Act, Alert, Inform, Matter, Notice, Subject},
    policy::PolicyLevel,
    session::Actor,
    store::{Lane, Priority, StoreError},
    tunnel::Text,
};
use unicode_segmentation::UnicodeSegmentation;

use super::{Sender, tap::Tapped, two_steps, views};
use crate::{
    dialogue::Step,
    keyboard::{Buttons, CARD_LIFE, Holder},
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Html, Key, clean},
};

/// Whoever was rejected may ask again after this.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
/// Requests shown at once.
const LISTED: usize = 5;
/// Accounts offered at once.
const ACCOUNTS: usize = 8;

// ---- the person --------------------------------------------------------------------------------

/// `/register`.
pub(super) async fn begin(office: &Office, sender: &Sender, update: &str) -> Result<(), Failure> {
    let before = office
        .courier
        .directory
        .registration_of_chat(ChatId(sender.chat))
        .await?;
    let now = office.now();
    match before {
        Some(pending) if pending.state == RegistrationState::Pending => {
            let scene = office.courier.scene(sender.reader);
            let html = scene.html(
                Key::RegisterPending,
                &Args::new().ready("at", scene.moment(pending.at)),
            );
            show_with_take_back(office, sender, html, pending.id, update).await;
        }
        Some(rejected)
            if rejected.state == RegistrationState::Rejected && now.since(rejected.at) < AGAIN =>
        {
            super::greet(office, sender).await;
        }
        _ => {
            office.dialogues.ask(sender.chat, Step::Name, now);
            office
                .reply(sender.chat, sender.reader, Key::RegisterName, &Args::new())
                .await;
        }
    }
    Ok(())
}

/// The name of somebody who asks to be let in.
pub(super) async fn named(
    office: &Office,
    sender: &Sender,
    text: &str,
    update: &str,
) -> Result<(), Failure> {
    let Some(name) = name_in(text) else {
        office
            .reply(
                sender.chat,
                sender.reader,
                Key::RegisterNameBad,
                &Args::new(),
            )
            .await;
        return Ok(());
    };
    let now = office.now();
    let registration = Registration {
        id: RegistrationId::from_uuid(office.entropy.unguessable()),
        chat: ChatId(sender.chat),
        name: name.as_str().into(),
        telegram_name: clean(&sender.telegram_name, 64).into(),
        language: sender.reader.language,
        at: now,
        state: RegistrationState::Pending,
    };
    let alert = Alert::Registration {
        name: registration.name.clone(),
        telegram_name: registration.telegram_name.clone(),
        chat: sender.chat,
    };
    let id = registration.id;
    office
        .engine
        .change_desk(vec![DeskChange::PutRegistration(registration)], Vec::new())
        .await?;
    office.dialogues.end(sender.chat, now);
    office
        .alert(&format!("registration {id}"), alert, name.as_str().into())
        .await?;
    let sheet = office
        .courier
        .scene(sender.reader)
        .sheet(Key::RegisterSent, &Args::new().outside("name", &name));
    show_with_take_back(office, sender, sheet.html(), id, update).await;
    Ok(())
}

/// One line of 2 to 64 characters with at least one letter, and no command.
fn name_in(text: &str) -> Option<String> {
    let text = text.trim();
    let cleaned = clean(text, 65);
    let length = cleaned.graphemes(true).count();
    let good = !text.contains(['\n', '\r'])
        && !text.starts_with('/')
        && (2..=64).contains(&length)
        && cleaned.chars().any(char::is_alphabetic);
    good.then_some(cleaned)
}

async fn show_with_take_back(
    office: &Office,
    sender: &Sender,
    html: Html,
    id: RegistrationId,
    update: &str,
) {
    let label = office
        .courier
        .scene(sender.reader)
        .label(Key::ButtonTakeBack);
    let buttons = Buttons::none().row(label, Press::Withdraw { registration: id });
    let rendered = Rendered {
        html,
        buttons,
        silent: true,
        ..Rendered::default()
    };
    let address = crate::courier::Address {
        chat: sender.chat,
        holder: Holder::Chat,
        cause: update,
        life: CARD_LIFE,
    };
    office.show_at(address, &rendered).await;
}

/// The person takes their request back.
pub(super) async fn withdraw(
    office: &Office,
    tapped: &Tapped<'_>,
    id: RegistrationId,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let found = office.courier.directory.registration(id).await?;
    let Some(registration) = found.filter(|registration| registration.chat.0 == tapped.sender.chat)
    else {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    };
    if registration.state != RegistrationState::Pending {
        return Ok(office.popup(reader, Key::AnswerStale, &Args::new()));
    }
    let withdrawn = Registration {
        state: RegistrationState::Withdrawn,
        ..registration
    };
    office
        .engine
        .change_desk(
            vec![DeskChange::PutRegistration(withdrawn.clone())],
            Vec::new(),
        )
        .await?;
    let by = withdrawn.name.clone();
    over(office, &withdrawn, Act::Withdrawn, by).await?;
    let html = office
        .courier
        .scene(reader)
        .html(Key::RegisterWithdrawn, &Args::new());
    let rendered = Rendered {
        html,
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CARD_LIFE).await
}

// ---- operators ---------------------------------------------------------------------------------

/// `/pending`, and the key of the menu.
pub(super) async fn pending(office: &Office, sender: &Sender, update: &str) -> Result<(), Failure> {
    let scene = office.courier.scene(sender.reader);
    let waiting = office
        .courier
        .directory
        .registrations(RegistrationState::Pending)
        .await?;
    if waiting.is_empty() {
        office
            .reply(sender.chat, sender.reader, Key::PendingNone, &Args::new())
            .await;
        return Ok(());
    }
    let count = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
    let mut sheet = scene.sheet(Key::PendingView, &Args::new().count("count", count));
    let mut buttons = Buttons::none();
    for registration in waiting.iter().take(LISTED) {
        let args = Args::new()
            .outside("name", &registration.name)
            .outside("tg-name", &registration.telegram_name)
            .ready("id", registration.chat.0.to_string())
            .ready("at", scene.moment(registration.at));
        sheet.lines.push(scene.html(Key::PendingLine, &args));
        let press = |word: &str| Press::Page {
            view: format!("{word} {}", registration.id).into(),
            page: 0,
        };
        let approve = (
            scene.plain(Key::ButtonApproveConfirm, &args),
            press("approve"),
        );
        let reject = (
            scene.plain(Key::ButtonRejectConfirm, &args),
            press("reject"),
        );
        buttons = buttons.rows([approve]).rows([reject]);
    }
    let rendered = Rendered {
        html: sheet.html(),
        buttons,
        silent: true,
        ..Rendered::default()
    };
    office
        .show(sender.chat, Holder::Chat, update, &rendered)
        .await;
    Ok(())
}

/// The first of two steps: what follows is said, and nothing is done.
pub(super) async fn step(
    office: &Office,
    tapped: &Tapped<'_>,
    word: &str,
    id: RegistrationId,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let Some(registration) = waiting(office, id).await? else {
        return Ok(office.popup(reader, Key::AnswerStale, &Args::new()));
    };
    let scene = office.courier.scene(reader);
    let name = || {
        Args::new()
            .outside("name", &registration.name)
            .outside("object", &registration.name)
    };
    let page = |word: &str| Press::Page {
        view: format!("{word} {id}").into(),
        page: 0,
    };
    match word {
        "approve" => {
            let free = unowned(office).await?;
            let with = free.iter().map(|account| {
                let args = Args::new().outside("account", &account.name);
                let view = format!("approve-with {id} {}", account.id).into();
                let press = Press::Page { view, page: 0 };
                (scene.plain(Key::ButtonApproveWith, &args), press)
            });
            let label = if free.is_empty() {
                scene.plain(Key::ButtonApproveConfirm, &name())
            } else {
                scene.label(Key::ButtonApproveNone)
            };
            let on = with.chain([(label, Press::Approve { registration: id })]);
            let what = (Key::ConfirmApprove, &name());
            two_steps::ask(office, tapped, what, on, page("registration")).await
        }
        "reject" => {
            let label = scene.plain(Key::ButtonRejectConfirm, &name());
            let on = (label, Press::Reject { registration: id });
            let what = (Key::ConfirmReject, &name());
            two_steps::ask(office, tapped, what, [on], page("registration")).await
        }
        _ => {
            let args = name()
                .outside("tg-name", &registration.telegram_name)
                .ready("id", registration.chat.0.to_string())
                .ready("at", scene.moment(registration.at));
            let rendered = Rendered {
                html: scene.sheet(Key::AlertRegistration, &args).html(),
                buttons: Buttons::none()
                    .row(scene.label(Key::ButtonApprove), page("approve"))
                    .row(scene.label(Key::ButtonReject), page("reject")),
                ..Rendered::default()
            };
            views::replace(office, tapped, &rendered, CARD_LIFE).await
        }
    }
}

/// Accounts that nobody owns, as many as have room below a message.
async fn unowned(office: &Office) -> Result<Vec<Account>, Failure> {
    let (mut free, mut after) = (Vec::new(), None);
    loop {
        let page = PageOf { after, limit: 500 };
        let found = office.courier.directory.accounts(None, &page).await?;
        let managed =
            |account: &Account| account.owner.is_none() && account.kind == AccountKind::Managed;
        free.extend(found.rows.into_iter().filter(managed));
        after = found.next;
        if after.is_none() || free.len() >= ACCOUNTS {
            free.truncate(ACCOUNTS);
            return Ok(free);
        }
    }
}

/// The second step: approved, with an account or with none yet, or rejected.
pub(super) async fn decide(
    office: &Office,
    tapped: &Tapped<'_>,
    id: RegistrationId,
    approve: Option<Option<AccountId>>,
) -> Result<Toast, Failure> {
    let reader = tapped.sender.reader;
    let stale = || office.popup(reader, Key::AnswerStale, &Args::new());
    let Some(registration) = waiting(office, id).await? else {
        return Ok(stale());
    };
    let Some(operator) = operator_of(office, tapped.sender.chat).await? else {
        return Ok(office.popup(reader, Key::AnswerNotYours, &Args::new()));
    };
    let decided = match approve {
        Some(account) => approved(office, &registration, &operator, account).await,
        None => rejected(office, &registration, &operator).await,
    };
    match decided {
        Ok(()) => {}
        // Somebody else decided at the same moment, or the chat is somebody's by now.
        Err(Failure::Ours(why)) => {
            tracing::info!(%why, "a registration could not be decided");
            return Ok(stale());
        }
        Err(later) => return Err(later),
    }
    let (act, word) = if approve.is_some() {
        (Act::Approved, Key::ActApproved)
    } else {
        (Act::Rejected, Key::ActRejected)
    };
    over(office, &registration, act, operator.name.clone()).await?;
    let scene = office.courier.scene(reader);
    let act = scene.label(word);
    let args = Args::new()
        .outside("name", &registration.name)
        .outside("tg-name", &registration.telegram_name)
        .ready("id", registration.chat.0.to_string())
        .ready("at", scene.moment(registration.at));
    let mut sheet = scene.sheet(Key::AlertRegistration, &args);
    let solved = Args::new()
        .outside("operator", &operator.name)
        .ready("at", scene.moment(scene.now))
        .ready("act", act);
    sheet.body = scene.html(Key::AlertSolved, &solved);
    let rendered = Rendered {
        html: sheet.html(),
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CARD_LIFE).await
}

/// Every operator's message about it says what became of it.
async fn over(
    office: &Office,
    registration: &Registration,
    act: Act,
    by: Text,
) -> Result<(), Failure> {
    let subject = Subject {
        person: registration.name.clone(),
        ..Subject::default()
    };
    let done = (Matter::Registration, act);
    office.solved(registration.id, done, by, subject).await
}

async fn waiting(office: &Office, id: RegistrationId) -> Result<Option<Registration>, Failure> {
    let found = office.courier.directory.registration(id).await?;
    Ok(found.filter(|registration| registration.state == RegistrationState::Pending))
}

async fn operator_of(office: &Office, chat: i64) -> Result<Option<Operator>, Failure> {
    let operators = office.courier.directory.operators().await?;
    Ok(operators
        .into_iter()
        .find(|operator| operator.chat == Some(ChatId(chat))))
}

async fn approved(
    office: &Office,
    registration: &Registration,
    operator: &Operator,
    account: Option<AccountId>,
) -> Result<(), Failure> {
    let now = office.now();
    if office
        .courier
        .directory
        .user_of_chat(registration.chat)
        .await?
        .is_some()
    {
        return Err(Failure::Ours("this chat is somebody's already".to_owned()));
    }
    let user = User {
        id: UserId::from_uuid(office.entropy.sorted(now)),
        name: registration.name.clone(),
        chat: Some(registration.chat),
        link_generation: 1,
        linked_at: Some(now),
        language: registration.language,
        zone_minutes: None,
        suspended: false,
        unreachable: false,
        policy: PolicyLevel::default(),
        created_at: now,
        version: 0,
    };
    let mut changes = vec![
        DeskChange::PutUser(user.clone()),
        decided(registration, RegistrationState::Approved),
    ];
    let mut accounts = Vec::new();
    if let Some(id) = account {
        let found = office.courier.directory.account(id).await?;
        let Some(account) = found.filter(|account| account.owner.is_none()) else {
            return Err(Failure::Ours(
                "this account is somebody's by now".to_owned(),
            ));
        };
        accounts.push(account.name.clone());
        changes.push(DeskChange::PutAccount(Account {
            owner: Some(user.id),
            version: account.version + 1,
            ..account
        }));
    }
    change(office, operator, changes, "a registration was approved").await?;
    let subject = Subject {
        person: user.name.clone(),
        ..Subject::default()
    };
    let notice = Notice::Inform {
        user: user.id,
        inform: Inform::Approved { accounts },
        subject,
    };
    office
        .enqueue(Lane::user(user.id), Priority::Reply, notice, None)
        .await?;
    office
        .list_commands(registration.chat.0, user.language, true)
        .await;
    Ok(())
}

async fn rejected(
    office: &Office,
    registration: &Registration,
    operator: &Operator,
) -> Result<(), Failure> {
    let changes = vec![decided(registration, RegistrationState::Rejected)];
    change(office, operator, changes, "a registration was rejected").await?;
    let args = Args::new().reason("reason", "");
    let reader = crate::text::Reader::new(registration.language);
    office
        .reply(registration.chat.0, reader, Key::RegisterRejected, &args)
        .await;
    Ok(())
}

fn decided(registration: &Registration, state: RegistrationState) -> DeskChange {
    DeskChange::PutRegistration(Registration {
        state,
        ..registration.clone()
    })
}

async fn change(
    office: &Office,
    operator: &Operator,
    changes: Vec<DeskChange>,
    what: &str,
) -> Result<(), Failure> {
    let actor = Actor::Operator {
        who: operator.name.clone(),
        reason: "".into(),
    };
    match office
        .engine
        .change_desk(changes, vec![office.audit(actor, what)])
        .await
    {
        Err(EngineError::Store(StoreError::Conflict(why))) => Err(Failure::Ours(why.to_string())),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_with_a_letter_in_it() {
        assert_eq!(
            name_in("  Анна  Смирнова "),
            Some("Анна Смирнова".to_owned())
        );
        assert_eq!(
            name_in(&"я".repeat(64)).map(|name| name.chars().count()),
            Some(64)
        );
        for bad in ["", "x", "42", "/start", "a\nb", "\u{202e}", &"я".repeat(65)] {
            assert_eq!(name_in(bad), None, "{bad}");
        }
    }
}
