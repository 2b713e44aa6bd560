//! What a scene can do, and how it tells of it.

use std::time::{Duration, Instant};

use mikro2fa_core::time::{Clock, Timestamp};
use mikro2fa_router::simulator::{Reachability, TunnelHandle};
use mikro2fa_telegram::fake_api::{FakeMessage, FakeUser};

use crate::demo::{
    timeline::{Timeline, took},
    world::{Outcome, Trouble, World},
};

/// A question, by how it begins.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Requested,
    Unrequested,
    Second,
}

impl Question {
    const fn title(self) -> &'static str {
        match self {
            Self::Requested => "Was it you?",
            Self::Unrequested => "Not requested",
            Self::Second => "Was this you too?",
        }
    }
}

const TITLES: [&str; 3] = ["Was it you?", "Not requested", "Was this you too?"];

/// A scene under way.
pub(super) struct Stage<'w, 't> {
    pub(super) world: &'w World,
    timeline: &'w mut Timeline<'t>,
    began: Timestamp,
    dialled: Instant,
    tapped: Instant,
}

impl<'w, 't> Stage<'w, 't> {
    pub(super) fn new(world: &'w World, timeline: &'w mut Timeline<'t>) -> Self {
        let now = Instant::now();
        Self {
            world,
            timeline,
            began: world.clock.now(),
            dialled: now,
            tapped: now,
        }
    }

    pub(super) fn says(&mut self, who: &str, what: &str) {
        let at = self.world.clock.now().since(self.began);
        self.timeline.says(at, who, what);
    }

    pub(super) fn check(&mut self, ok: bool, what: &str) {
        self.timeline.check(ok, what);
    }

    pub(super) async fn advance(&mut self, by: Duration) {
        self.world.advance(by).await;
        self.says(
            "clock",
            &format!("{} minutes have gone by", by.as_secs() / 60),
        );
    }

    // ---- the phone ---------------------------------------------------------------------------

    pub(super) async fn request(&mut self) -> Outcome<()> {
        self.says("ann", "asks for access");
        self.world.ann.send("/request_vpn");
        self.ann_reads("Connect now").await?;
        Ok(())
    }

    /// Waits until ann's chat shows a message with this in its first line.
    pub(super) async fn ann_reads(&mut self, begins: &str) -> Outcome<FakeMessage> {
        let message = reads(&self.world.ann, begins).await?;
        self.says("phone", &first_lines(&message));
        Ok(message)
    }

    pub(super) async fn operators_told(&mut self, begins: &str) -> Outcome<()> {
        let message = reads(&self.world.olga, begins).await?;
        self.says("operator", &first_lines(&message));
        Ok(())
    }

    /// Waits for the question, and says how long after the dial it came.
    pub(super) async fn question(&mut self, which: Question) -> Outcome<FakeMessage> {
        let message = reads(&self.world.ann, which.title()).await?;
        let after = took(self.dialled.elapsed());
        self.says(
            "phone",
            &format!("{} ({after} after the dial)", first_lines(&message)),
        );
        self.timeline.check(!message.silent, "it made a sound");
        Ok(message)
    }

    pub(super) fn ann_has_question(&self) -> bool {
        self.world.ann.shown().iter().any(|message| {
            let asks = TITLES.iter().any(|title| message.text.starts_with(title));
            message.from_bot && asks && !message.keyboard.is_empty()
        })
    }

    /// How many questions were sent to ann's chat, by the calls of the Bot API.
    pub(super) fn questions_put(&self) -> usize {
        let calls = self.world.telegram.calls();
        let sent = calls
            .iter()
            .filter(|call| call.method.eq_ignore_ascii_case("sendMessage"));
        sent.filter(|call| call.params.to_string().contains("Was it you?"))
            .count()
    }

    fn button(message: &FakeMessage, begins: &str) -> Outcome<String> {
        message
            .labels()
            .into_iter()
            .find(|label| label.starts_with(begins))
            .map(str::to_owned)
            .ok_or_else(|| Trouble(format!("no button {begins:?} among {:?}", message.labels())))
    }

    /// Taps, and says what the bot answered.
    pub(super) async fn tap(&mut self, message: &FakeMessage, begins: &str) -> Outcome<()> {
        let label = Self::button(message, begins)?;
        self.tapped = Instant::now();
        let tap = self
            .world
            .ann
            .tap(message.id, &label)
            .map_err(|e| Trouble(format!("the tap on {label:?}: {e}")))?;
        self.says("ann", &format!("taps [{label}]"));
        let answer = self
            .world
            .ann
            .answer_to(&tap)
            .await
            .map_err(|e| Trouble(format!("no answer to the tap on {label:?}: {e}")))?;
        let text = answer.text;
        self.says("bot", &format!("answers: {text}"));
        Ok(())
    }

    /// Taps a button that was there before: it does nothing, and says so.
    pub(super) async fn tap_again(&mut self, message: &FakeMessage, begins: &str) -> Outcome<()> {
        let label = Self::button(message, begins)?;
        let data = message
            .button(&label)
            .map(|button| button.data.clone())
            .unwrap_or_default();
        let before = self.world.sessions().await?;
        let tap = self.world.ann.tap_raw(message.id, &data);
        self.says("ann", &format!("taps the old [{label}] again"));
        let answer = self
            .world
            .ann
            .answer_to(&tap)
            .await
            .map_err(|e| Trouble(format!("no answer to the tap on {label:?}: {e}")))?;
        self.says("bot", &format!("answers: {}", answer.text));
        let after = self.world.sessions().await?;
        let ends = |sessions: &[serde_json::Value]| {
            sessions
                .iter()
                .map(|session| session["expires_at"].clone())
                .collect::<Vec<_>>()
        };
        self.timeline
            .check(ends(&before) == ends(&after), "it changes nothing");
        Ok(())
    }

    /// Taps while nobody is there to hear it.
    pub(super) fn tap_into_the_void(&mut self, message: &FakeMessage, begins: &str) -> Outcome<()> {
        let label = Self::button(message, begins)?;
        self.tapped = Instant::now();
        self.world
            .ann
            .tap(message.id, &label)
            .map_err(|e| Trouble(format!("the tap on {label:?}: {e}")))?;
        self.says(
            "ann",
            &format!("taps [{label}]; nobody is there to hear it"),
        );
        Ok(())
    }

    // ---- the VPN client -------------------------------------------------------------------------

    pub(super) fn dial(&mut self, account: &str, caller: &str) -> Outcome<TunnelHandle> {
        self.dialled = Instant::now();
        let tunnel = self
            .world
            .dial(account, caller)
            .map_err(|e| Trouble(format!("the router refused {account}'s login: {e}")))?;
        let address = tunnel
            .address()
            .map_or_else(|| "no address yet".into(), |a| a.to_string());
        self.says(
            "client",
            &format!("dials as {account} from {caller}: up, {address}"),
        );
        Ok(tunnel)
    }

    /// Waits until the tunnel reaches the office, and says how long after the tap that was.
    pub(super) async fn until_open(&mut self, tunnel: &TunnelHandle) -> Outcome<()> {
        let world = self.world;
        world
            .until_router("the gate opens", |_| world.reaches_office(tunnel))
            .await?;
        let after = took(self.tapped.elapsed());
        self.says(
            "router",
            &format!(
                "lets it through: {} ({after} after the last tap)",
                self.held()
            ),
        );
        self.timeline.check(true, "the office can be reached");
        Ok(())
    }

    pub(super) async fn until_cut(&mut self, tunnel: &TunnelHandle) -> Outcome<()> {
        self.world
            .until_router("the tunnel is cut", |_| !tunnel.is_up())
            .await?;
        self.says("router", "has no such tunnel any more");
        self.timeline.check(true, "cut");
        Ok(())
    }

    /// Requested, dialled, confirmed and open.
    pub(super) async fn opened(&mut self) -> Outcome<TunnelHandle> {
        self.request().await?;
        let tunnel = self.dial("ann", crate::demo::world::HOME)?;
        let question = self.question(Question::Requested).await?;
        self.tap(&question, "Yes").await?;
        self.until_open(&tunnel).await?;
        self.ann_reads("Open:").await?;
        Ok(tunnel)
    }

    // ---- the router, and mikro2fa ---------------------------------------------------------------

    /// Addresses on the permit list.
    pub(super) fn permits(&self) -> Vec<String> {
        let list = &self.world.sim.names().permit;
        self.world
            .sim
            .rows("/ip/firewall/address-list")
            .into_iter()
            .filter(|row| row.get("list") == Some(list))
            .map(|row| row.get("address").cloned().unwrap_or_default())
            .collect()
    }

    fn held(&self) -> String {
        let list = &self.world.sim.names().permit;
        let rows = self.world.sim.rows("/ip/firewall/address-list");
        let shown = rows
            .iter()
            .filter(|row| row.get("list") == Some(list))
            .map(|row| {
                let field = |name| row.get(name).map_or("", String::as_str);
                format!(
                    "{} {} timeout {}",
                    field("list"),
                    field("address"),
                    field("timeout")
                )
            });
        shown.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn unplug(&mut self) {
        self.world.sim.set_reachability(Reachability::Refusing);
        self.world.sim.cut_connections();
        self.says("network", "the way to the router is cut");
    }

    pub(super) fn plug(&mut self) {
        self.world.sim.set_reachability(Reachability::default());
        self.says("network", "the router can be reached again");
    }

    pub(super) async fn kill(&mut self) -> Outcome<()> {
        self.world.kill_engine().await?;
        self.says("mikro2fa", "is killed");
        Ok(())
    }

    pub(super) async fn start(&mut self) -> Outcome<()> {
        let began = Instant::now();
        self.world.start_engine().await?;
        self.says(
            "mikro2fa",
            &format!(
                "is started again on the same database ({})",
                took(began.elapsed())
            ),
        );
        Ok(())
    }
}

async fn reads(phone: &FakeUser, begins: &str) -> Outcome<FakeMessage> {
    phone
        .message_where(|message| {
            message
                .text
                .lines()
                .take(3)
                .any(|line| line.contains(begins))
        })
        .await
        .map_err(|e| Trouble(format!("no message {begins:?}: {e}")))
}

/// The two lines that a lock screen shows.
fn first_lines(message: &FakeMessage) -> String {
    let lines: Vec<&str> = message
        .text
        .lines()
        .filter(|line| !line.is_empty())
        .take(2)
        .collect();
    lines.join(" / ")
}
