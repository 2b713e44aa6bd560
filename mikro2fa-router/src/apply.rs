//! Orders of the engine as sentences: idempotent, several at a time, one outcome each. Pure: what to say next comes
//! out, answers go in.
//!
//! An order is an *errand* of a few steps: most take one sentence, a permit whose address is taken takes four. All
//! errands run side by side, in windows of at most [`WINDOW`] sentences; what can be said of many rows at once is said
//! in comma lists of up to [`LIST`] ids.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use mikro2fa_core::{
    desk::ListNames,
    id::RouterId,
    retry::Retry,
    router_backend::{Applied, Command},
    time::Timestamp,
    tunnel::{Text, TunnelSource},
};

use crate::{
    address_list::{self, Family},
    gate::GateNames,
    handle::{Generation, Id},
    inspect::Memory,
    ppp,
    sentence::{Guard, Sentence},
    tag::Tagger,
    transport::{Answer, End, No, Refused},
    user_manager::UserManager,
};

mod alive;
mod connections;
mod entry;
mod gate;
mod hotspot;
mod mend;
mod sessions;
mod switch;
mod tunnel;

/// Most sentences under way at a time, where several can be: enough to keep a router busy that takes a millisecond a command, and little
/// enough to stop soon.
pub(crate) const WINDOW: usize = 64;

/// Most ids in one command.
const LIST: usize = 100;

/// What orders are carried out against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Site {
    pub(crate) router: RouterId,
    pub(crate) lists: ListNames,
    pub(crate) gate: GateNames,
    pub(crate) tagger: Tagger,
}

/// What is known on this connection, for one batch of orders.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) site: &'a Site,
    pub(crate) generation: Generation,
    /// Which there is, as far as an order needs to know.
    pub(crate) user_manager: Option<UserManager>,
    /// Of the fence; stands in comments.
    pub(crate) epoch: u64,
    /// Most sentences in a window. One, where they would be said one after another: leases are counted from the window's
    /// beginning.
    pub(crate) window: usize,
    /// The tunnels that permits are for, by their addresses, as far as they were seen.
    pub(crate) tunnels: BTreeMap<IpAddr, Guard>,
    /// This router was found not to take `set timeout=` on entries: they are made anew instead.
    pub(crate) time_out_stays: AtomicBool,
    /// What was seen of the gate before.
    pub(crate) gate: Memory,
}

impl Context<'_> {
    fn trusted(&self, known: Option<&Text>) -> Option<Id> {
        self.generation.trusted(known?)
    }

    fn handle(&self, id: &Id) -> Text {
        self.generation.handle(id)
    }

    pub(crate) fn time_out_stays(&self) -> bool {
        self.time_out_stays.load(Ordering::Relaxed)
    }
}

/// One order on its way.
trait Errand: Send {
    /// What is to be said next, for bytes that are written at `now`; none if it must not be said any more.
    fn say(&self, now: Timestamp) -> Option<Words>;

    /// Takes the answer; gives the outcome if that was the last.
    fn hear(&mut self, answer: &Answer) -> Option<Applied>;
}

/// What an errand has to say.
enum Words {
    Alone(Sentence),
    /// The same of many rows goes in one sentence; all that each is guarded by goes with it.
    Together(Batch, Id, Option<Guard>),
}

/// What can be said of many rows at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Batch {
    Remove(Family),
    SetTimeOut(Family, u64),
    WhoIsAt,
    Cut,
}

impl Batch {
    fn sentence(self, ids: &[Id]) -> Sentence {
        match self {
            Self::Remove(family) => address_list::remove(family, ids),
            Self::SetTimeOut(family, seconds) => address_list::set_time_out(family, ids, seconds),
            Self::WhoIsAt => ppp::print_active_at(ids),
            Self::Cut => ppp::remove_active(ids),
        }
    }
}

/// Orders on their way.
pub(crate) struct Orders<'a> {
    window: usize,
    all: Vec<Order<'a>>,
    /// Of each sentence under way, whose it is.
    under_way: Vec<Vec<usize>>,
}

struct Order<'a> {
    state: State<'a>,
    /// A list that it was in was refused: it goes alone.
    alone: bool,
}

enum State<'a> {
    Running(Box<dyn Errand + 'a>),
    Over(Applied),
}

impl<'a> Orders<'a> {
    pub(crate) fn new(context: &'a Context<'a>, commands: &'a [Command]) -> Self {
        let order = |command| Order {
            state: match errand(context, command) {
                Ok(errand) => State::Running(errand),
                Err(outcome) => State::Over(outcome),
            },
            alone: false,
        };
        Self {
            window: context.window.max(1),
            all: commands.iter().map(order).collect(),
            under_way: Vec::new(),
        }
    }

    /// The next window, for bytes that are written at `now`; empty once all is over.
    pub(crate) fn next(&mut self, now: Timestamp) -> Vec<Sentence> {
        let mut window = Window::new(self.window);
        for (index, order) in self.all.iter_mut().enumerate() {
            let State::Running(errand) = &order.state else {
                continue;
            };
            match errand.say(now) {
                None => order.state = State::Over(Applied::NotSent),
                Some(words) => {
                    if !window.take(index, words, order.alone) {
                        break;
                    }
                }
            }
        }
        let (sentences, under_way) = window.close();
        self.under_way = under_way;
        sentences
    }

    /// Takes the answers to the window.
    pub(crate) fn hear(&mut self, answers: Vec<Answer>) {
        let under_way = std::mem::take(&mut self.under_way);
        let nothing = || Answer::bare(End::Lost);
        let answers = answers.into_iter().chain(std::iter::repeat_with(nothing));
        for (whose, answer) in under_way.into_iter().zip(answers) {
            let bad = whose.len() > 1
                && matches!(&answer.end, End::Refused(no) if !applies_to_all(no.kind));
            for index in whose {
                if bad {
                    // One bad id fails the list, perhaps after some of it was done: each goes alone, and says what it was.
                    self.leave_alone(index);
                } else {
                    self.tell(index, &answer);
                }
            }
        }
    }

    fn leave_alone(&mut self, index: usize) {
        if let Some(order) = self.all.get_mut(index) {
            order.alone = true;
        }
    }

    fn tell(&mut self, index: usize, answer: &Answer) {
        let Some(order) = self.all.get_mut(index) else {
            return;
        };
        if let State::Running(errand) = &mut order.state
            && let Some(outcome) = errand.hear(answer)
        {
            order.state = State::Over(outcome);
        }
    }

    /// One outcome for each order; what is not over was not sent.
    pub(crate) fn outcomes(self) -> Vec<Applied> {
        let outcome = |order: Order<'_>| match order.state {
            State::Over(outcome) => outcome,
            State::Running(_) => Applied::NotSent,
        };
        self.all.into_iter().map(outcome).collect()
    }
}

const fn applies_to_all(no: No) -> bool {
    matches!(no, No::Denied | No::NoSuchCommand | No::GivenUp)
}

/// A window while it is filled.
struct Window {
    most: usize,
    parts: Vec<Part>,
    /// Where each list that is not full stands.
    lists: BTreeMap<Batch, usize>,
}

enum Part {
    Alone(Sentence, usize),
    List(Batch, Vec<Id>, Vec<Guard>, Vec<usize>),
}

impl Window {
    const fn new(most: usize) -> Self {
        Self {
            most,
            parts: Vec::new(),
            lists: BTreeMap::new(),
        }
    }

    /// False if there is no room any more.
    fn take(&mut self, index: usize, words: Words, alone: bool) -> bool {
        if let Words::Together(batch, id, guard) = &words
            && !alone
            && let Some(Part::List(_, ids, guards, whose)) =
                self.lists.get(batch).and_then(|&at| self.parts.get_mut(at))
            && ids.len() < LIST
        {
            ids.push(id.clone());
            guards.extend(guard.clone());
            whose.push(index);
            return true;
        }
        if self.parts.len() >= self.most {
            return false;
        }
        self.parts.push(match words {
            Words::Alone(sentence) => Part::Alone(sentence, index),
            Words::Together(batch, id, guard) => {
                if !alone {
                    self.lists.insert(batch, self.parts.len());
                }
                let guards = guard.into_iter().collect();
                Part::List(batch, vec![id], guards, vec![index])
            }
        });
        true
    }

    fn close(self) -> (Vec<Sentence>, Vec<Vec<usize>>) {
        let parts = self.parts.into_iter().map(|part| match part {
            Part::Alone(sentence, index) => (sentence, vec![index]),
            Part::List(batch, ids, guards, whose) => (batch.sentence(&ids).guarded(guards), whose),
        });
        parts.unzip()
    }
}

fn errand<'a>(
    context: &'a Context<'a>,
    command: &'a Command,
) -> Result<Box<dyn Errand + 'a>, Applied> {
    match command {
        Command::CutTunnel { key, account } if key.source == TunnelSource::Hotspot => {
            Ok(Box::new(hotspot::Kick::new(context, key, account)?))
        }
        Command::CutTunnel { key, account } => {
            Ok(Box::new(tunnel::Cut::new(context, key, account)?))
        }
        Command::CloseSessions { account, address } => {
            Ok(Box::new(sessions::Close::new(context, account, *address)?))
        }
        Command::SetAccount {
            source,
            name,
            enabled,
        } => Ok(Box::new(switch::Switch::account(
            context, *source, name, *enabled,
        )?)),
        Command::SetRule {
            comment, enabled, ..
        } => Ok(Box::new(switch::Switch::rule(comment, *enabled)?)),
        Command::SetGate { enabled } => Ok(Box::new(gate::Turn::new(&context.site.gate, *enabled))),
        Command::KeepAlive { lease } => Ok(Box::new(alive::Tell::new(context, *lease))),
        Command::MendGate => Ok(Box::new(mend::Mend::new(context))),
        Command::ForgetConnections { address } => Ok(Box::new(connections::Forget::new(*address))),
        Command::Revoke { .. }
        | Command::Ban { .. }
        | Command::Unban { .. }
        | Command::Permit { .. }
        | Command::Renew { .. } => {
            let errand = entry::Entries::new(context, command);
            errand.map(|errand| Box::new(errand) as Box<dyn Errand>)
        }
        _ => Err(impossible("this version does not know the order")),
    }
}

/// Refused by ourselves, for good.
fn impossible(reason: impl Into<Text>) -> Applied {
    Applied::Refused {
        reason: reason.into(),
        retry: Retry::Never,
    }
}

/// Refused by the router.
fn refused(refused: &Refused) -> Applied {
    Applied::Refused {
        reason: refused.message.clone(),
        retry: match refused.kind {
            No::NoSuchCommand => Retry::Never,
            No::Denied | No::Other => Retry::After(Duration::from_secs(30)),
            No::Exists | No::Gone | No::GivenUp => Retry::After(Duration::from_secs(1)),
        },
    }
}

/// What an answer that is no `Done` comes to, unless the errand knows better. `changes`: the sentence changes something.
fn ended(end: &End, changes: bool) -> Applied {
    match end {
        End::Done { .. } => Applied::Done { handle: None },
        End::Lost if changes => Applied::Unknown,
        End::Refused(no) if changes && no.kind == No::GivenUp => Applied::Unknown,
        End::Refused(no) => refused(no),
        // Looking changed nothing.
        End::Lost | End::NotSent => Applied::NotSent,
    }
}

#[cfg(test)]
mod tests;
