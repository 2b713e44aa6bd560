//! The core's messages, in Telegram.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mikro2fa_core::{
    desk::{ChatId, Operator, User},
    directory::{KeyboardId, Press},
    id::OutboxId,
    notifier::{Alert, Card, Delivery, Notice, Notifier, NotifierError},
    store::{Receipt, StoreError},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{
    courier::{Address, Courier, Placed},
    keyboard::{CARD_LIFE, Holder},
    render::{self, Rendered},
    text::{Args, Html, Key, Reader},
    trouble::Trouble,
};

/// Repeats of an alert within this time edit it; later it is told anew.
const REPEAT: Duration = Duration::from_secs(3600);
/// Messages whose outcome is unknown that are remembered, and alerts that reached some operators only.
const REMEMBERED: usize = 1_000;

/// [`Notifier`] that talks through Telegram.
///
/// * A card is edited, or moved: sent anew first, and then the old message deleted, so that there is always one.
/// * A message that is gone is sent anew, one that stands so already is done, broken markup is sent without markup.
/// * When it is not known whether a message went out, it is repeated once, with the same buttons; a second time only
///   after Telegram has answered something again.
///
/// Clones are the same notifier.
#[derive(Clone, Debug)]
pub struct TelegramNotifier {
    courier: Arc<Courier>,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    /// How often a row's outcome was unknown, and how many calls had been answered then.
    doubts: BTreeMap<OutboxId, (u32, u64)>,
    /// Operators that an alert reached while it did not reach others.
    reached: BTreeMap<OutboxId, Vec<Slip>>,
}

/// What a receipt says: where the message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slip {
    #[serde(rename = "c")]
    chat: i64,
    #[serde(rename = "m")]
    message: i64,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    keyboard: Option<[u8; 16]>,
    #[serde(rename = "f", default, skip_serializing_if = "String::is_empty")]
    fingerprint: String,
    #[serde(rename = "t")]
    sent_at: Timestamp,
}

/// What the receipt of an alert says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AlertSlip {
    /// In which chats.
    #[serde(rename = "o")]
    slips: Vec<Slip>,
    /// What it said.
    #[serde(rename = "p")]
    phase: String,
    /// How often.
    #[serde(rename = "n")]
    count: u32,
    /// When it was first said.
    #[serde(rename = "t")]
    since: Timestamp,
}

impl From<&Placed> for Slip {
    fn from(placed: &Placed) -> Self {
        Self {
            chat: placed.chat,
            message: placed.message,
            keyboard: placed.keyboard.map(|id| id.0),
            fingerprint: placed.fingerprint.clone(),
            sent_at: placed.sent_at,
        }
    }
}

impl From<Slip> for Placed {
    fn from(slip: Slip) -> Self {
        Self {
            chat: slip.chat,
            message: slip.message,
            keyboard: slip.keyboard.map(KeyboardId),
            fingerprint: slip.fingerprint,
            sent_at: slip.sent_at,
        }
    }
}

fn receipt(slip: &impl Serialize) -> Receipt {
    // Numbers and text: this cannot fail, and an empty receipt would only mean a new message next time.
    Receipt(serde_json::to_string(slip).unwrap_or_default().into())
}

fn unavailable(error: &StoreError) -> NotifierError {
    NotifierError::Unavailable(error.to_string().into())
}

impl TelegramNotifier {
    pub(crate) fn new(courier: Arc<Courier>) -> Self {
        Self {
            courier,
            memory: Arc::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- to a user -----------------------------------------------------------------------------

    async fn to_user(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<&Receipt>,
    ) -> Result<Receipt, NotifierError> {
        let (user, chat) = self.addressee(notice).await?;
        if let Notice::Card {
            card: Card::Superseded,
            ..
        } = notice
        {
            return Ok(self.take_away(&user, previous).await);
        }
        let rendered = render::notice(self.courier.scene(Courier::reader(&user)), notice);
        if rendered.html.is_empty() {
            return Err(NotifierError::Refused(
                "there are no words for this message".into(),
            ));
        }
        let cause = format!("outbox {id}");
        let address = Address {
            chat,
            holder: Holder::of(&user),
            cause: &cause,
            life: CARD_LIFE,
        };
        let old: Option<Placed> = previous
            .and_then(|receipt| serde_json::from_str::<Slip>(&receipt.0).ok())
            .map(Placed::from);
        let (old, elsewhere) = match old {
            Some(old) if old.chat != chat => (None, Some(old)),
            old => (old, None),
        };
        let placed = match (notice, old) {
            (Notice::Card { delivery, .. }, Some(old)) => {
                self.change(id, address, &rendered, &old, *delivery, &user)
                    .await
            }
            _ => self.send(id, address, &rendered, None).await,
        };
        // Linked to another chat meanwhile: nothing is left to tap in the old one.
        if let (Ok(_), Some(elsewhere)) = (&placed, elsewhere) {
            self.courier.clear(&elsewhere, user.language).await;
        }
        placed
            .map(|placed| receipt(&Slip::from(&placed)))
            .map_err(Trouble::for_outbox)
    }

    /// A card goes without another in its place. What was never sent needs nothing.
    async fn take_away(&self, user: &User, previous: Option<&Receipt>) -> Receipt {
        let Some(receipt) = previous else {
            return Receipt("".into());
        };
        if let Ok(slip) = serde_json::from_str::<Slip>(&receipt.0) {
            let old = Placed::from(slip);
            if let Some(keyboard) = old.keyboard
                && let Err(error) = self.courier.keyboards.bury(keyboard).await
            {
                warn!(%error, "the buttons of a card that goes could not be marked dead");
            }
            self.courier.clear(&old, user.language).await;
        }
        receipt.clone()
    }

    async fn addressee(&self, notice: &Notice) -> Result<(User, i64), NotifierError> {
        let gone = |why: &str| NotifierError::Gone(why.into());
        let id = notice.user().ok_or_else(|| gone("it is for nobody"))?;
        let user = self
            .courier
            .directory
            .user(id)
            .await
            .map_err(|error| unavailable(&error))?;
        let user = user.ok_or_else(|| gone("there is no such user"))?;
        let chat = user.chat.ok_or_else(|| gone("no chat is linked"))?;
        if user.unreachable {
            return Err(gone("telegram said that this chat cannot be written to"));
        }
        Ok((user, chat.0))
    }

    async fn change(
        &self,
        id: OutboxId,
        address: Address<'_>,
        rendered: &Rendered,
        old: &Placed,
        delivery: Delivery,
        user: &User,
    ) -> Result<Placed, Trouble> {
        if delivery == Delivery::Edit {
            return match self.courier.edit(address, rendered, old).await {
                Err(Trouble::EditGone) => self.send(id, address, rendered, Some(old)).await,
                other => other,
            };
        }
        let placed = self.send(id, address, rendered, Some(old)).await?;
        self.courier.clear(old, user.language).await;
        Ok(placed)
    }

    /// Sends, unless it is unknown whether this was sent already and nothing has been heard of Telegram since.
    async fn send(
        &self,
        id: OutboxId,
        address: Address<'_>,
        rendered: &Rendered,
        like: Option<&Placed>,
    ) -> Result<Placed, Trouble> {
        let answered = self.courier.api.answered();
        if let Some((times, then)) = self.memory().doubts.get(&id)
            && *times > 1
            && *then == answered
        {
            return Err(Trouble::Unreachable(
                "waiting for a sign of life before it is repeated again".into(),
            ));
        }
        let sent = self.courier.send_like(address, rendered, like).await;
        let mut memory = self.memory();
        if matches!(sent, Err(Trouble::Unknown(_))) {
            let doubt = memory.doubts.entry(id).or_default();
            *doubt = (doubt.0 + 1, self.courier.api.answered());
            while memory.doubts.len() > REMEMBERED {
                memory.doubts.pop_first();
            }
        } else {
            memory.doubts.remove(&id);
        }
        sent
    }

    // ---- to operators --------------------------------------------------------------------------

    async fn to_operators(
        &self,
        id: OutboxId,
        notice: &Notice,
        alert: &Alert,
        previous: Option<&Receipt>,
    ) -> Result<Receipt, NotifierError> {
        let operators = self
            .courier
            .directory
            .operators()
            .await
            .map_err(|error| unavailable(&error))?;
        let buttons = self
            .alert_buttons(alert, notice)
            .await
            .map_err(|error| unavailable(&error))?;
        let now = self.courier.clock.now();
        let before =
            previous.and_then(|receipt| serde_json::from_str::<AlertSlip>(&receipt.0).ok());
        let story = Story::new(alert, before, now);
        let mut slips = self.memory().reached.remove(&id).unwrap_or_default();
        let mut trouble = None;
        for operator in &operators {
            let Some(ChatId(chat)) = operator.chat else {
                continue;
            };
            if slips.iter().any(|slip| slip.chat == chat) {
                continue;
            }
            match self
                .to_operator(id, operator, chat, notice, &story, &buttons)
                .await
            {
                Ok(placed) => slips.push(Slip::from(&placed)),
                Err(Trouble::Gone(why)) => {
                    warn!(%why, operator = %operator.id, "an operator cannot be written to")
                }
                Err(other) => trouble = Some(other),
            }
        }
        if let Some(trouble) = trouble {
            let mut memory = self.memory();
            memory.reached.insert(id, slips);
            while memory.reached.len() > REMEMBERED {
                memory.reached.pop_first();
            }
            return Err(trouble.for_outbox());
        }
        let AlertSlip {
            phase,
            count,
            since,
            ..
        } = story.after;
        Ok(receipt(&AlertSlip {
            slips,
            phase,
            count,
            since,
        }))
    }

    async fn to_operator(
        &self,
        id: OutboxId,
        operator: &Operator,
        chat: i64,
        notice: &Notice,
        story: &Story,
        buttons: &[(Key, Press)],
    ) -> Result<Placed, Trouble> {
        let scene = self.courier.scene(Reader::new(operator.language));
        let mut rendered = render::notice(scene, notice);
        if story.after.count > 1 {
            let args = Args::new()
                .count("count", story.after.count)
                .ready("at", scene.moment(scene.now));
            let repeated = scene.html(Key::AlertRepeated, &args);
            rendered.html = Html::join([&rendered.html, &repeated], "\n\n");
        }
        let names = match notice {
            Notice::Alert { subject, .. } => Args::new().outside("account", &subject.account),
            _ => Args::new(),
        };
        for (label, press) in buttons {
            let label = scene.plain(*label, &names);
            rendered.buttons = rendered.buttons.row(label, press.clone());
        }
        let cause = format!("outbox {id} {chat}");
        let address = Address {
            chat,
            holder: Holder::Chat,
            cause: &cause,
            life: CARD_LIFE,
        };
        let old = story
            .edits
            .iter()
            .find(|slip| slip.chat == chat)
            .cloned()
            .map(Placed::from);
        match old {
            Some(old) => match self.courier.edit(address, &rendered, &old).await {
                Err(Trouble::EditGone) => self.send(id, address, &rendered, None).await,
                other => other,
            },
            None => self.send(id, address, &rendered, None).await,
        }
    }

    /// What an operator can do right here.
    async fn alert_buttons(
        &self,
        alert: &Alert,
        notice: &Notice,
    ) -> Result<Vec<(Key, Press)>, StoreError> {
        let account = match notice {
            Notice::Alert { subject, .. } => subject.account_id,
            _ => None,
        };
        let page = |view: &str, about: String| Press::Page {
            view: format!("{view} {about}").into(),
            page: 0,
        };
        let chat = match (alert, account) {
            (Alert::Registration { chat, .. }, _) => chat,
            (Alert::Denied { .. }, Some(account)) => {
                return Ok(vec![
                    (Key::ButtonUndoUnlock, page("unlock", account.to_string())),
                    (Key::ButtonKeepLocked, page("keep", account.to_string())),
                ]);
            }
            (Alert::Banned { .. }, Some(account)) => {
                return Ok(vec![(
                    Key::ButtonUnlockNow,
                    page("unlock", account.to_string()),
                )]);
            }
            (Alert::Linked { chat, .. }, _) => {
                let user = self.courier.directory.user_of_chat(ChatId(*chat)).await?;
                return Ok(user.map_or_else(Vec::new, |user| {
                    let link = format!("{} {}", user.id, user.link_generation);
                    vec![(Key::ButtonUnlink, page("unlink", link))]
                }));
            }
            (
                Alert::Relinked {
                    user,
                    generation,
                    before,
                    ..
                },
                _,
            ) => {
                let link = || format!("{user} {generation} {before}");
                return Ok(vec![
                    (Key::ButtonRestoreNewLink, page("link-keep", link())),
                    (Key::ButtonGoBackLink, page("link-back", link())),
                ]);
            }
            _ => return Ok(Vec::new()),
        };
        let found = self
            .courier
            .directory
            .registration_of_chat(ChatId(*chat))
            .await?;
        Ok(found.map_or_else(Vec::new, |registration| {
            let page = |view: &str| Press::Page {
                view: format!("{view} {}", registration.id).into(),
                page: 0,
            };
            vec![
                (Key::ButtonApprove, page("approve")),
                (Key::ButtonReject, page("reject")),
            ]
        }))
    }
}

/// Is an alert told anew, or does it go on with what was told?
struct Story {
    /// The messages that it edits; empty = it is told anew.
    edits: Vec<Slip>,
    after: AlertSlip,
}

impl Story {
    fn new(alert: &Alert, before: Option<AlertSlip>, now: Timestamp) -> Self {
        let phase = phase(alert);
        let fresh = AlertSlip {
            slips: Vec::new(),
            phase: phase.to_owned(),
            count: 1,
            since: now,
        };
        let Some(before) = before else {
            return Self {
                edits: Vec::new(),
                after: fresh,
            };
        };
        let once = matches!(
            alert,
            Alert::Denied { .. }
                | Alert::Registration { .. }
                | Alert::Linked { .. }
                | Alert::Relinked { .. }
        );
        let over = matches!(
            alert,
            Alert::Router { back: true, .. }
                | Alert::Gate { whole: true, .. }
                | Alert::Solved { .. }
        );
        let repeated = before.phase == phase && now.since(before.since) < REPEAT;
        if once || !(over || repeated) {
            return Self {
                edits: Vec::new(),
                after: fresh,
            };
        }
        let count = if repeated {
            before.count.saturating_add(1)
        } else {
            1
        };
        let since = if repeated { before.since } else { now };
        Self {
            edits: before.slips,
            after: AlertSlip {
                count,
                since,
                ..fresh
            },
        }
    }
}

/// What an alert says, as one word: the same word again is a repeat.
const fn phase(alert: &Alert) -> &'static str {
    match alert {
        Alert::Denied { .. } => "denied",
        Alert::Banned { .. } => "banned",
        Alert::CoolDown { .. } => "cool-down",
        Alert::Router { back: true, .. } => "router back",
        Alert::Router { back: false, .. } => "router away",
        Alert::Gate { whole: true, .. } => "gate whole",
        Alert::Gate { whole: false, .. } => "gate broken",
        Alert::DriftClosed { .. } => "drift closed",
        Alert::DriftRespected { .. } => "drift respected",
        Alert::ShutByRouter { .. } => "shut by router",
        Alert::ForeignPermit { .. } => "foreign permit",
        Alert::Emergency { .. } => "emergency",
        Alert::NotOpened { .. } => "not opened",
        Alert::UserUnreachable { .. } => "user unreachable",
        Alert::Unowned { .. } => "unowned",
        Alert::Found { .. } => "found",
        Alert::NotMended { .. } => "not mended",
        Alert::Registration { .. } => "registration",
        Alert::Linked { .. } => "linked",
        Alert::BotConflict => "bot conflict",
        Alert::Relinked { .. } => "relinked",
        Alert::Solved { .. } => "solved",
        _ => "other",
    }
}

#[async_trait]
impl Notifier for TelegramNotifier {
    async fn deliver(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<Receipt>,
    ) -> Result<Receipt, NotifierError> {
        match notice {
            Notice::Alert { alert, .. } => {
                self.to_operators(id, notice, alert, previous.as_ref())
                    .await
            }
            _ => self.to_user(id, notice, previous.as_ref()).await,
        }
    }
}
