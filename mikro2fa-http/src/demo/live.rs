//! The world behind the demo's page: what is done there is done over the same sockets as in production.

mod life;
mod look;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mikro2fa_core::{
    session::{Session, SessionState},
    time::{Clock, Timestamp},
};
use mikro2fa_router::simulator::{Reachability, TunnelHandle};
use mikro2fa_telegram::fake_api::FakeUser;
use tokio::{
    sync::{RwLock, watch},
    task::JoinHandle,
};

use self::life::LifeLine;
use super::{
    page::{Act, DemoWorld, Language, Line, Moment, Outcome, Power, Reach, Said, Scene, Snapshot},
    world::{BOBS, ELSEWHERE, HOME, Outcome as Done, Trouble, World},
};

/// A client that can dial, and how its line stands.
struct Client {
    id: &'static str,
    person: &'static str,
    account: &'static str,
    caller: &'static str,
    thief: bool,
    tunnel: Option<TunnelHandle>,
    line: Line,
    reach: Vec<Reach>,
}

fn clients() -> Vec<Client> {
    let client = |id, person, account, caller, thief| Client {
        id,
        person,
        account,
        caller,
        thief,
        tunnel: None,
        line: Line::Down,
        reach: Vec::new(),
    };
    vec![
        client("ann", "Ann", "ann", HOME, false),
        client("thief", "Ann", "ann", ELSEWHERE, true),
        client("bob", "Bob", "bob", BOBS, false),
    ]
}

/// What is remembered of one world beside the world itself.
struct Scenery {
    clients: Vec<Client>,
    life: LifeLine,
    scene: Option<Scene>,
    power: Power,
    dialled: Instant,
    tapped: Instant,
}

impl Scenery {
    fn new() -> Self {
        Self {
            clients: clients(),
            life: LifeLine::default(),
            scene: None,
            power: Power::Up,
            dialled: Instant::now(),
            tapped: Instant::now(),
        }
    }
}

/// The demo that the page shows. Begins anew on demand.
pub(super) struct Live {
    language: Language,
    world: RwLock<Arc<World>>,
    scenery: Arc<Mutex<Scenery>>,
    changes: watch::Sender<u64>,
    listener: Mutex<Option<JoinHandle<()>>>,
    /// One act after the other: a scene is not played into by somebody else.
    acting: tokio::sync::Mutex<()>,
}

impl Live {
    pub(super) async fn start(language: Language) -> Done<Arc<Self>> {
        let world = Arc::new(World::start(code(language)).await?);
        let live = Arc::new(Self {
            language,
            world: RwLock::new(Arc::clone(&world)),
            scenery: Arc::new(Mutex::new(Scenery::new())),
            changes: watch::Sender::new(0),
            listener: Mutex::default(),
            acting: tokio::sync::Mutex::default(),
        });
        live.listen(&world).await;
        Ok(live)
    }

    fn scenery(&self) -> MutexGuard<'_, Scenery> {
        self.scenery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn world(&self) -> Arc<World> {
        Arc::clone(&*self.world.read().await)
    }

    /// Passes on whatever changes in this world, and keeps the life line.
    async fn listen(&self, world: &Arc<World>) {
        let (changes, scenery) = (self.changes.clone(), Arc::clone(&self.scenery));
        let mut router = world.sim.changed();
        let mut chat = world.telegram.subscribe();
        let mut moved = world.clock.moved();
        let mut engine = world.subscribe().await;
        let clock = world.clock.clone();
        let task = tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    Ok(()) = router.changed() => None,
                    Ok(()) = chat.changed() => None,
                    Ok(()) = moved.changed() => None,
                    event = engine.recv() => Some(event),
                    else => return,
                };
                {
                    let mut scenery = scenery.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(Some(session)) = event {
                        let (dialled, tapped) = (scenery.dialled, scenery.tapped);
                        scenery.life.became(&session, clock.now(), dialled, tapped);
                    }
                }
                changes.send_modify(|count| *count += 1);
            }
        });
        let old = self
            .listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(task);
        if let Some(old) = old {
            old.abort();
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Another world in place of this one.
    async fn start_over(&self) -> Done<()> {
        let fresh = Arc::new(World::start(code(self.language)).await?);
        self.listen(&fresh).await;
        let old = std::mem::replace(&mut *self.world.write().await, fresh);
        *self.scenery() = Scenery::new();
        old.end().await;
        self.changed();
        Ok(())
    }

    async fn perform(&self, act: Act) -> Done<Outcome> {
        let world = self.world().await;
        match act {
            Act::Dial { client } => self.dial(&world, &client)?,
            Act::HangUp { client } => {
                self.with_tunnel(&client, Line::Down, TunnelHandle::hang_up)?
            }
            Act::DropLine { client } => {
                self.with_tunnel(&client, Line::Down, TunnelHandle::crash)?
            }
            Act::Reach { client } => self.reach(&world, &client)?,
            Act::Send { phone, text } => {
                phone_of(&world, &phone)?.send(&text);
            }
            Act::Tap {
                phone,
                message,
                data,
            } => {
                return self.tap(&world, &phone, message, &data).await;
            }
            Act::Advance { seconds } => {
                world.advance(Duration::from_secs(u64::from(seconds))).await;
            }
            Act::AdvanceTo { moment } => self.advance_to(&world, moment).await?,
            Act::Unplug => {
                world.sim.set_reachability(Reachability::Refusing);
                world.sim.reboot();
                self.scenery().power = Power::Unplugged;
            }
            Act::CutOff => self.cut_off(&world),
            Act::Plug => {
                world.sim.set_reachability(Reachability::default());
                self.scenery().power = Power::Up;
            }
            Act::Reboot => world.sim.reboot(),
            Act::KillEngine => world.kill_engine().await?,
            Act::StartEngine => {
                world.start_engine().await?;
                self.listen(&world).await;
            }
            Act::Play { scene } => self.play(scene).await?,
            Act::StartOver => self.start_over().await?,
        }
        self.changed();
        Ok(Outcome::default())
    }

    fn cut_off(&self, world: &World) {
        world.sim.set_reachability(Reachability::Refusing);
        self.scenery().power = Power::CutOff;
    }

    fn dial(&self, world: &World, id: &str) -> Done<()> {
        let mut scenery = self.scenery();
        if scenery.power == Power::Unplugged {
            return Err(Trouble("the router has no power".into()));
        }
        scenery.dialled = Instant::now();
        let client = client(&mut scenery, id)?;
        if client.tunnel.as_ref().is_some_and(TunnelHandle::is_up) {
            return Err(Trouble("this client is connected already".into()));
        }
        client.reach.clear();
        match world.dial(client.account, client.caller) {
            Ok(tunnel) => {
                client.tunnel = Some(tunnel);
                client.line = Line::Up;
                Ok(())
            }
            Err(refused) => {
                client.line = Line::Refused;
                Err(Trouble(format!("the router refused the login: {refused}")))
            }
        }
    }

    fn with_tunnel(&self, id: &str, line: Line, what: impl FnOnce(&TunnelHandle)) -> Done<()> {
        let mut scenery = self.scenery();
        let client = client(&mut scenery, id)?;
        let tunnel = client.tunnel.take().filter(TunnelHandle::is_up);
        let tunnel = tunnel.ok_or_else(|| Trouble("this client is not connected".into()))?;
        what(&tunnel);
        client.line = line;
        client.reach.clear();
        Ok(())
    }

    fn reach(&self, world: &World, id: &str) -> Done<()> {
        let mut scenery = self.scenery();
        let client = client(&mut scenery, id)?;
        client.reach = look::reach(world, client.tunnel.as_ref());
        Ok(())
    }

    async fn tap(&self, world: &World, phone: &str, message: i64, data: &str) -> Done<Outcome> {
        self.scenery().tapped = Instant::now();
        let user = phone_of(world, phone)?;
        let tap = user.tap_raw(message, data);
        if !world.engine_runs().await {
            return Ok(Outcome::default()); // nobody is there to hear it
        }
        let answer = user
            .answer_to(&tap)
            .await
            .map_err(|e| Trouble(format!("the bot did not answer the tap: {e}")))?;
        self.changed();
        Ok(Outcome {
            said: Some(Said {
                text: answer.text,
                popup: answer.popup,
            }),
        })
    }

    async fn advance_to(&self, world: &World, moment: Moment) -> Done<()> {
        let at = self.scenery().life.moment(moment);
        let at =
            at.ok_or_else(|| Trouble("the session that is shown has no such moment".into()))?;
        let left = (Timestamp(at) + Duration::from_secs(1)).since(world.clock.now());
        world.advance(left).await;
        Ok(())
    }

    /// Sets a scene: a fresh world up to where somebody watching takes over.
    async fn play(&self, scene: Scene) -> Done<()> {
        self.start_over().await?;
        self.scenery().scene = Some(scene);
        let world = self.world().await;
        match scene {
            Scene::Confirm | Scene::NoAnswer => {
                world.request().await?;
                self.dial(&world, "ann")?;
                asked(&world).await?;
            }
            Scene::NotMe => {
                self.dial(&world, "thief")?;
                asked(&world).await?;
            }
            Scene::Unrequested => {
                self.dial(&world, "ann")?;
                asked(&world).await?;
            }
            Scene::RouterAway => {
                world.request().await?;
                self.dial(&world, "ann")?;
                asked(&world).await?;
                self.cut_off(&world);
            }
            Scene::LineDrop => {
                self.confirmed(&world).await?;
                self.with_tunnel("ann", Line::Down, TunnelHandle::hang_up)?;
            }
            Scene::SecondCaller => {
                self.confirmed(&world).await?;
                self.dial(&world, "thief")?;
                asked(&world).await?;
            }
            Scene::AddressReuse => {
                self.confirmed(&world).await?;
                self.with_tunnel("ann", Line::Down, TunnelHandle::hang_up)?;
                self.dial(&world, "bob")?;
                self.reach(&world, "bob")?;
            }
            Scene::Reboot => {
                self.confirmed(&world).await?;
                world.sim.reboot();
            }
            Scene::LeaseLapse => {
                self.confirmed(&world).await?;
                world.kill_engine().await?;
            }
        }
        Ok(())
    }

    /// Requested, dialled, confirmed, open.
    async fn confirmed(&self, world: &World) -> Done<()> {
        world.request().await?;
        self.dial(world, "ann")?;
        let question = asked(world).await?;
        let yes = question.keyboard.iter().flatten().next();
        let data = yes.map(|button| button.data.clone()).unwrap_or_default();
        self.tap(world, "ann", question.id, &data).await?;
        let tunnel = self
            .scenery()
            .clients
            .first()
            .and_then(|client| client.tunnel.clone());
        if let Some(tunnel) = tunnel {
            world
                .until_router("the gate opens", |_| world.reaches_office(&tunnel))
                .await?;
        }
        world.settle().await;
        Ok(())
    }
}

#[async_trait]
impl DemoWorld for Live {
    async fn snapshot(&self) -> Snapshot {
        let world = self.world().await;
        let runs = world.engine_runs().await;
        look::snapshot(&world, &mut self.scenery(), self.language, runs)
    }

    async fn act(&self, act: Act) -> Result<Outcome, String> {
        let _alone = self.acting.lock().await;
        let result = self.perform(act).await;
        self.changed();
        result.map_err(|trouble| trouble.to_string())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

const fn code(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Ru => "ru",
    }
}

fn client<'a>(scenery: &'a mut Scenery, id: &str) -> Done<&'a mut Client> {
    let found = scenery.clients.iter_mut().find(|client| client.id == id);
    found.ok_or_else(|| Trouble(format!("there is no client {id:?}")))
}

fn phone_of<'a>(world: &'a World, id: &str) -> Done<&'a FakeUser> {
    match id {
        "ann" => Ok(&world.ann),
        "bob" => Ok(&world.bob),
        "olga" => Ok(&world.olga),
        _ => Err(Trouble(format!("there is no phone {id:?}"))),
    }
}

/// The question in ann's chat, in whatever language.
async fn asked(world: &World) -> Done<mikro2fa_telegram::fake_api::FakeMessage> {
    world
        .ann
        .message_where(|message| !message.silent && message.keyboard.len() == 2)
        .await
        .map_err(|e| Trouble(format!("no question came: {e}")))
}

/// Is this session's tunnel let through, as far as its state says?
const fn is_open(session: &Session) -> bool {
    matches!(
        session.state,
        SessionState::Active { .. } | SessionState::Expiring { .. }
    )
}
