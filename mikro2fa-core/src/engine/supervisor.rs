//! Which routers are ours: starts and ends their keepers and enforcers.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinSet},
};
use tracing::{error, info, warn};

use crate::{
    desk::RouterDesk,
    directory::Directory,
    engine::{
        Activity, Backends, EngineEvent,
        bell::Bell,
        committer::Order,
        enforcer::{Enforcer, Watcher},
        keeper::{Keeper, Making, Message},
        keepers::Keepers,
        recall::{Recalled, recall},
        settled::Busy,
    },
    entropy::Entropy,
    id::{NodeId, RouterId},
    router_backend::Fence,
    store::{Store, StoreError},
    time::{Clock, Timestamp},
    tunnel::Text,
};

/// How long a router is ours without being renewed; renewed at a third of it.
const LEASE: Duration = Duration::from_secs(15);
/// So many messages may wait for a keeper before their senders do.
const MAILBOX: usize = 1_024;

/// The desk has changed: of one router, or of all.
#[derive(Debug)]
pub(super) struct Refresh {
    pub(super) router: Option<RouterId>,
    pub(super) done: oneshot::Sender<()>,
    pub(super) busy: Busy,
}

pub(super) struct Supervisor {
    pub(super) node: NodeId,
    pub(super) store: Arc<dyn Store>,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) backends: Arc<dyn Backends>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) activity: Activity,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) keepers: Keepers,
    pub(super) events: tokio::sync::broadcast::Sender<EngineEvent>,
    pub(super) refresh: mpsc::Receiver<Refresh>,
    pub(super) messenger: watch::Receiver<Option<Timestamp>>,
    /// Rung when that has changed.
    pub(super) messenger_bell: Arc<Bell>,
    pub(super) ready: watch::Sender<bool>,
    pub(super) clock_trusted: Arc<AtomicBool>,
    /// Routers whose desk could not be read after it had changed.
    pub(super) stale: BTreeSet<RouterId>,
    pub(super) ours: BTreeMap<RouterId, Ours>,
    /// Until when somebody of this database lived: we, or whoever was there before.
    pub(super) lived: Option<Timestamp>,
    /// The same of routers that are held and not served yet, by the first time.
    pub(super) unserved: BTreeMap<RouterId, Option<Timestamp>>,
    /// Rules that a router's desk binds no more, where its keeper has to begin anew.
    pub(super) let_go: BTreeMap<RouterId, BTreeSet<Text>>,
    pub(super) tasks: JoinSet<()>,
    /// The desk as it was last read in whole.
    pub(super) desk_version: u64,
    /// How often it is asked whether another process has changed the desk.
    pub(super) desk_poll: Duration,
    /// When it is asked next.
    pub(super) desk_at: Timestamp,
    /// What is to be given back at the end.
    pub(super) fences: Arc<Mutex<Vec<Fence>>>,
}

/// A router that is served, with what its backend was made of.
pub(super) struct Ours {
    /// Renewed in place: its enforcer acts only as long as it holds.
    fence: watch::Sender<Fence>,
    connection: crate::desk::RouterConnection,
    gates: crate::desk::Gates,
    tasks: Vec<AbortHandle>,
}

impl Supervisor {
    pub(super) async fn run(mut self) {
        let mut busy = Some(self.activity.begin());
        loop {
            let next = match self.hold().await {
                Ok(until) => until,
                Err(error) => {
                    warn!(%error, "routers cannot be held: the database does not answer");
                    self.clock.now() + Duration::from_secs(1)
                }
            };
            self.ready
                .send_if_modified(|ready| !std::mem::replace(ready, true));
            self.wait(next, &mut busy).await;
        }
    }

    /// Nothing is in flight meanwhile, of what `busy` stands for; something is again when this comes back.
    async fn wait(&mut self, next: Timestamp, busy: &mut Option<Busy>) {
        loop {
            let at = next.min(self.desk_at);
            let sleep = self.clock.sleep_until(at);
            drop(busy.take());
            tokio::select! {
                biased;
                Some(refresh) = self.refresh.recv() => {
                    *busy = Some(refresh.busy);
                    self.reload(refresh.router).await;
                    // New routers are served, and changed ones again, before the caller goes on.
                    if let Err(error) = self.hold().await {
                        warn!(%error, "routers cannot be held: the database does not answer");
                    }
                    let _ = refresh.done.send(());
                    return;
                }
                () = self.messenger_bell.rung() => {
                    *busy = Some(self.messenger_bell.answer(&self.activity));
                    let away = *self.messenger.borrow();
                    for (router, _) in self.keepers.all() {
                        let _ = self.keepers.send(router, Message::Messenger(away)).await;
                    }
                }
                woken = self.activity.woken(sleep) => {
                    *busy = Some(woken);
                    if at >= next {
                        return;
                    }
                    if self.desk_changed_elsewhere().await {
                        return; // new routers are served, and changed ones again
                    }
                }
            }
        }
    }

    /// Has another process changed the desk? Then it is read anew. What cannot be asked now is asked again.
    async fn desk_changed_elsewhere(&mut self) -> bool {
        self.desk_at = self.clock.now() + self.desk_poll;
        match self.directory.desk_version().await {
            Ok(version) if version != self.desk_version => {
                info!("the desk was changed");
                self.reload(None).await;
                true
            }
            Ok(_) => false,
            Err(error) => {
                warn!(%error, "it cannot be seen whether the desk was changed");
                false
            }
        }
    }

    /// Takes what is free, keeps what is ours, gives up what was taken.
    async fn hold(&mut self) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        let fences = self
            .store
            .hold_routers(self.node, usize::MAX, LEASE)
            .await?;
        let _ = self.store.touch_clock(now).await;
        let held: BTreeMap<RouterId, Fence> = fences
            .into_iter()
            .map(|fence| (fence.router, by_our_clock(fence, now)))
            .collect();
        let lost: Vec<RouterId> = self
            .ours
            .iter()
            .filter(|(router, ours)| {
                held.get(router)
                    .is_none_or(|fence| fence.epoch != ours.fence.borrow().epoch)
                    || ours.tasks.iter().any(AbortHandle::is_finished)
            })
            .map(|(router, _)| *router)
            .collect();
        for router in lost {
            info!(%router, "no longer ours");
            self.stop(router);
        }
        for router in std::mem::take(&mut self.stale) {
            self.reload(Some(router)).await;
        }
        let mut alone = true;
        let mut all = self.stale.is_empty();
        let mut new = Vec::new();
        for (router, fence) in held {
            alone &= fence.until == Timestamp::MAX;
            if let Some(ours) = self.ours.get(&router) {
                ours.fence.send_replace(fence);
            } else {
                self.unserved.entry(router).or_insert(self.lived);
                new.push(fence);
            }
        }
        let (directory, store) = (Arc::clone(&self.directory), Arc::clone(&self.store));
        let mut recalled = pin!(recall(new, directory, store));
        while let Some((fence, recalled)) = recalled.next().await {
            let router = fence.router;
            match recalled {
                Ok(recalled) => {
                    let lived = self.unserved.remove(&router).flatten();
                    if let Some(recalled) = recalled {
                        self.start(fence, recalled, lived);
                    }
                }
                Err(error) => {
                    error!(%error, %router, "a router cannot be served");
                    all = false;
                }
            }
        }
        self.lived = Some(now);
        let fences = self.ours.values();
        let fences = fences.map(|ours| ours.fence.borrow().clone()).collect();
        *self.fences.lock().unwrap_or_else(PoisonError::into_inner) = fences;
        // Alone, nobody can take them away: only the clock is written down.
        let third = if !all {
            Duration::from_secs(1) // what could not be read is read again soon
        } else if alone {
            Duration::from_secs(30)
        } else {
            LEASE / 3
        };
        Ok(now + third)
    }

    fn start(&mut self, fence: Fence, recalled: Recalled, lived: Option<Timestamp>) {
        let Recalled {
            desk,
            memory,
            sessions,
        } = recalled;
        let router = fence.router;
        info!(router = %desk.router.name, sessions = sessions.len(), "serving");
        let backend = self.backends.backend(&desk);
        let bell = Arc::new(Bell::default());
        let (renewals, renewed) = watch::channel(fence.clone());
        let (mailbox, mail) = mpsc::channel(MAILBOX);
        let (connection, gates) = (desk.router.connection.clone(), desk.router.gates.clone());
        let keeper = Keeper::new(Making {
            fence,
            desk,
            sessions,
            memory,
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            activity: self.activity.clone(),
            orders: self.orders.clone(),
            bell: Arc::clone(&bell),
            events: self.events.clone(),
            clock_trusted: self.clock_trusted.load(Ordering::SeqCst),
            messenger_away: *self.messenger.borrow(),
            lived,
            let_go: self.let_go.remove(&router).unwrap_or_default(),
        });
        let enforcer = Enforcer {
            fence: renewed,
            backend: Arc::clone(&backend),
            clock: Arc::clone(&self.clock),
            activity: self.activity.clone(),
            bell,
            keeper: mailbox.clone(),
        };
        let watcher = Watcher {
            backend,
            clock: Arc::clone(&self.clock),
            activity: self.activity.clone(),
            keeper: mailbox.clone(),
        };
        // In flight before they are polled for the first time.
        enforcer.bell.ring(&self.activity);
        let tasks = vec![
            self.tasks.spawn(keeper.run(mail, self.activity.begin())),
            self.tasks.spawn(enforcer.run()),
            self.tasks.spawn(watcher.run()),
        ];
        self.keepers.lock().insert(router, mailbox);
        self.ours.insert(
            router,
            Ours {
                fence: renewals,
                connection,
                gates,
                tasks,
            },
        );
    }

    fn stop(&mut self, router: RouterId) {
        self.keepers.lock().remove(&router);
        if let Some(ours) = self.ours.remove(&router) {
            for task in ours.tasks {
                task.abort();
            }
        }
    }

    /// Reads the desk anew. A router that is reached in another way gets a new backend.
    async fn reload(&mut self, which: Option<RouterId>) {
        // Asked before anything is read: what is changed meanwhile is read once more.
        if which.is_none()
            && let Ok(version) = self.directory.desk_version().await
        {
            self.desk_version = version;
        }
        let routers: Vec<RouterId> = self
            .ours
            .keys()
            .copied()
            .filter(|router| which.is_none_or(|w| w == *router))
            .collect();
        for router in routers {
            match self.directory.router_desk(router).await {
                Ok(Some(desk)) => self.renew(router, desk).await,
                Ok(None) => self.stop(router),
                Err(error) => {
                    warn!(%error, "the desk cannot be read; it stays as it was until it can");
                    self.stale.insert(router);
                }
            }
        }
    }

    async fn renew(&mut self, router: RouterId, desk: RouterDesk) {
        let Some(ours) = self.ours.get_mut(&router) else {
            return;
        };
        let gates = desk.router.gates.clone();
        let unbound = ours.gates.rules.iter().map(|rule| &rule.comment);
        let unbound = unbound.filter(|comment| {
            let mut rules = gates.rules.iter();
            rules.all(|rule| rule.comment != **comment)
        });
        let unbound: BTreeSet<Text> = unbound.map(Arc::clone).collect();
        // Which rules are bound is the keeper's business alone: it lets go of those that are bound no more.
        let same = ours.connection == desk.router.connection
            && ours.gates.address_list == gates.address_list
            && ours.gates.lists == gates.lists;
        ours.gates = gates;
        if !same {
            self.let_go.entry(router).or_default().extend(unbound);
            self.stop(router); // `hold` starts it again, with a look before anything is opened
        } else {
            let _ = self
                .keepers
                .send(router, Message::Desk(Box::new(desk)))
                .await;
        }
    }
}

/// The database dates leases by its own clock, which is not compared with ours: a lease that was asked for at `asked`
/// holds for at least as long from then on.
fn by_our_clock(fence: Fence, asked: Timestamp) -> Fence {
    let until = match fence.until {
        Timestamp::MAX => Timestamp::MAX,
        _ => asked + LEASE,
    };
    Fence { until, ..fence }
}
