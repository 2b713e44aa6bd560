//! What happens: one step after the other, as the seed has it.

use std::{net::Ipv4Addr, time::Duration};

use mikro2fa_core::{
    desk::Mode,
    directory::{DeskChange, Directory},
    gate::{GateFault, GateFaultKind},
    id::{ChallengeId, SessionId, UserId},
    notifier::Card,
    policy::PolicyOverride,
    retry::Retry,
    router_backend::{PermitTag, Prefix, RouterError},
    session::{Actor, Answer, SessionState},
    store::StoreError,
    testing::{
        CommandFault, CommitFault, DeliveryFault, Dial, Line, LiveTunnel, LookFault, SeenPart,
    },
    time::Timestamp,
    tunnel::Caller,
};

use crate::{
    truth::Crash,
    world::{CALLERS, LOGINS, Person, RULE, World},
};

mod people;
mod trouble;

/// The gate is looked at once a minute; a second for what follows.
pub(crate) const GATE_LOOK: Duration = Duration::from_secs(61);

/// What the next step is about.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Wait,
    Clients,
    Owners,
    Operators,
    ByHand,
    Trouble,
}

/// Plays one history to its end.
pub(crate) async fn play(world: &mut World) {
    let faults = world.settings.faults;
    let turns = [
        (40, Turn::Wait),
        (45, Turn::Clients),
        (70, Turn::Owners),
        (12, Turn::Operators),
        (5 + faults / 5, Turn::ByHand),
        (faults, Turn::Trouble),
    ];
    for _ in 0..world.settings.steps {
        if world.truth.is_broken() {
            return;
        }
        match world.chance.weighted(&turns) {
            Turn::Wait => world.wait().await,
            Turn::Clients => world.clients(),
            Turn::Owners => world.owners(),
            Turn::Operators => world.operators().await,
            Turn::ByHand => world.by_hand(),
            Turn::Trouble => world.trouble(),
        }
        if world.engine.is_none() && world.chance.percent(30) {
            world.start_again().await;
        }
        // Some things happen at once.
        if world.chance.percent(85) {
            world.settle().await;
        }
    }
}

impl World {
    async fn wait(&mut self) {
        let seconds =
            self.chance
                .weighted(&[(20, 1), (25, 4), (25, 16), (15, 65), (8, 200), (4, 700)]);
        self.truth.say(|| format!("-- {seconds} s"));
        self.advance(Duration::from_secs(seconds)).await;
    }

    pub(crate) fn live(&self) -> Vec<LiveTunnel> {
        self.router
            .lines()
            .into_iter()
            .filter(|live| !live.ghost)
            .collect()
    }

    fn free_address(&mut self) -> Option<Ipv4Addr> {
        let used: Vec<_> = self
            .router
            .lines()
            .iter()
            .filter_map(|live| live.address)
            .collect();
        let free: Vec<Ipv4Addr> = (2..10)
            .map(|last| Ipv4Addr::new(10, 8, 0, last))
            .filter(|address| !used.contains(address))
            .collect();
        self.chance.any(&free)
    }

    fn caller(&mut self) -> &'static str {
        self.chance.weighted(&[
            (50, CALLERS[0]),
            (25, CALLERS[1]),
            (20, CALLERS[2]),
            (5, CALLERS[3]),
        ])
    }

    fn login(&mut self) -> &'static str {
        self.chance.weighted(&[
            (60, LOGINS[0]),
            (20, LOGINS[1]),
            (15, LOGINS[2]),
            (5, LOGINS[3]),
        ])
    }

    /// Somebody dials: where from, and with whose password, is anybody's guess.
    fn somebody(&mut self) -> Option<Line> {
        let login = self.login();
        let caller = self.caller();
        let address = self.free_address()?;
        let mut dial = Dial::new(login, address).from(caller);
        if caller == CALLERS[3] {
            dial.caller = Some(Caller::parse(caller));
        }
        if self.chance.percent(10) {
            dial.address = None;
        }
        if self.chance.percent(10) {
            self.reuse_ids(&mut dial);
        }
        self.dial(&dial)
    }

    /// An id that a tunnel had which is gone, or its session id.
    fn reuse_ids(&mut self, dial: &mut Dial) {
        let live = self.router.lines();
        let gone: Vec<Line> = self
            .was
            .iter()
            .copied()
            .filter(|line| !live.iter().any(|l| l.line == *line))
            .collect();
        let Some(line) = self.chance.any(&gone) else {
            return;
        };
        // Ids count up, so an id is as good as its number.
        if self.chance.percent(50) {
            dial.handle = Some(format!("*{:X}", line.0).into());
        } else {
            dial.nonce = Some(format!("0x{:08X}", 0x81c0_0000_u64 + line.0).into());
        }
    }

    fn clients(&mut self) {
        let live = self.live();
        let one = self.chance.any(&live);
        match (self.chance.below(100), one) {
            (0..45, _) | (_, None) => {
                let line = self.somebody();
                self.was.extend(line);
            }
            (45..62, Some(live)) => self.hang_up(&live),
            (62..70, Some(live)) => {
                self.truth
                    .say(|| format!("{:?} dies without a word", live.line));
                self.router.crash(live.line);
            }
            (70..82, Some(live)) => self.hand_over(&live),
            (82..92, Some(live)) => self.redial(&live),
            (92..96, Some(live)) => {
                for _ in 0..self.chance.between(3, 12) {
                    self.redial(&live);
                }
            }
            (_, Some(_)) => {
                let bare: Vec<Line> = live
                    .iter()
                    .filter(|l| l.address.is_none())
                    .map(|l| l.line)
                    .collect();
                if let (Some(line), Some(address)) = (self.chance.any(&bare), self.free_address()) {
                    self.truth.say(|| format!("{line:?} is given {address}"));
                    if self.settings.hand_over_lines {
                        self.clear(address.into());
                    }
                    self.router.give_address(line, address);
                }
            }
        }
    }

    fn hang_up(&mut self, live: &LiveTunnel) {
        self.truth.say(|| format!("{:?} hangs up", live.line));
        self.router.hang_up(live.line);
        if let Some(address) = live.address.filter(|_| self.settings.hand_over_lines) {
            self.clear(address.into());
        }
    }

    /// The same client comes back: after it hung up, or beside its own ghost, with its address or another.
    fn redial(&mut self, live: &LiveTunnel) {
        let ghost = self.chance.percent(40);
        if ghost {
            self.truth
                .say(|| format!("{:?} dies without a word", live.line));
            self.router.crash(live.line);
        } else {
            self.hang_up(live);
        }
        let address = if ghost || self.chance.percent(50) {
            self.free_address()
        } else {
            live.address
        };
        let Some(address) = address else { return };
        let dial = Dial {
            caller: live.caller.clone(),
            ..Dial::new(&live.account, address)
        };
        let line = self.dial(&dial);
        self.was.extend(line);
    }

    /// Before anybody could look, the address is somebody else's.
    fn hand_over(&mut self, live: &LiveTunnel) {
        let Some(address) = live.address else { return };
        self.hang_up(live);
        let (login, caller) = (self.login(), self.caller());
        let dial = Dial::new(login, address).from(caller);
        let line = self.dial(&dial);
        self.was.extend(line);
    }

    fn person(&mut self) -> Person {
        let place = self.chance.weighted(&[(60, 0), (20, 1), (20, 2)]);
        self.people[place]
    }
}
