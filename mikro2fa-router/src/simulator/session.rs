//! Connections: login, `/cancel`, `/quit`, who is connected.

mod login;
mod play;
#[cfg(feature = "simulator-ssh")]
mod ssh;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use routeros_api::Sentence;
use tokio::sync::mpsc::UnboundedSender;

#[cfg(feature = "simulator-ssh")]
pub(crate) use self::ssh::{LoginOutcome, Played, Proof, read_login};
use super::{
    command::Caller,
    faults::Fault,
    log::{CommandRecord, UnknownCommand, Via},
    menu::MenuId,
    reply::Reply,
    state::State,
    table::RowId,
    trap::Trap,
    version::ExcludedAddress,
};
use crate::firewall::AddressSet;

/// A connection's number, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// The ports of the API and of SSH.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Port {
    Plain,
    Tls,
    #[cfg(feature = "simulator-ssh")]
    Ssh,
}

impl Port {
    /// Its row in `/ip/service`.
    pub(crate) const fn service(self) -> &'static str {
        match self {
            Self::Plain => "api",
            Self::Tls => super::tls::NAME,
            #[cfg(feature = "simulator-ssh")]
            Self::Ssh => "ssh",
        }
    }

    /// How `/user/active` and `/log` call it.
    const fn shown(self) -> &'static str {
        match self {
            Self::Plain | Self::Tls => "api",
            #[cfg(feature = "simulator-ssh")]
            Self::Ssh => "ssh",
        }
    }

    /// How commands that come there are noted.
    pub(crate) const fn via(self) -> Via {
        match self {
            Self::Plain => Via::Api,
            Self::Tls => Via::ApiTls,
            #[cfg(feature = "simulator-ssh")]
            Self::Ssh => Via::Ssh,
        }
    }
}

/// What a connection's task is told to do.
#[derive(Debug)]
pub(crate) enum Out {
    /// Send this.
    Bytes(Vec<u8>),
    /// Send this, so much later, whatever is sent meanwhile.
    Later(Duration, Vec<u8>),
    /// Close, after what was said before.
    Close,
}

/// The connections there are.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    all: BTreeMap<ConnectionId, Connection>,
    next: u64,
}

#[derive(Debug)]
struct Connection {
    out: UnboundedSender<Out>,
    port: Port,
    peer: IpAddr,
    caller: Option<Caller>,
    challenge: Option<[u8; 16]>,
    /// Its row in `/user/active`.
    active: Option<RowId>,
    /// Reads what comes and never answers again.
    stalled: bool,
}

/// What becomes of somebody who connects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    Welcome(ConnectionId),
    /// Left hanging.
    Silent,
    Closed,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn on(&self, port: Port) -> usize {
        self.all
            .values()
            .filter(|connection| connection.port == port)
            .count()
    }
}

impl State {
    /// Somebody connects.
    pub(crate) fn connect(
        &mut self,
        port: Port,
        peer: IpAddr,
        out: UnboundedSender<Out>,
    ) -> Admission {
        let service = self.table(MenuId::Service).named(port.service());
        let enabled = service.is_some_and(|row| !row.is("disabled"));
        let allowed = service.is_some_and(|row| allows(row.text("address"), peer));
        let most = service
            .and_then(|row| row.text("max-sessions").parse().ok())
            .unwrap_or(usize::MAX);
        if !enabled || self.connections.on(port) >= most {
            return Admission::Closed;
        }
        if !allowed {
            return match self.quirks.excluded_address {
                ExcludedAddress::Close => Admission::Closed,
                ExcludedAddress::Silent => Admission::Silent,
            };
        }
        self.connections.next += 1;
        let id = ConnectionId(self.connections.next);
        let connection = Connection {
            out,
            port,
            peer,
            caller: None,
            challenge: None,
            active: None,
            stalled: false,
        };
        self.connections.all.insert(id, connection);
        self.changes += 1;
        Admission::Welcome(id)
    }

    /// A connection has gone.
    pub(crate) fn disconnect(&mut self, id: ConnectionId) {
        self.listeners.cancel(id, None);
        let Some(connection) = self.connections.all.remove(&id) else {
            return;
        };
        self.changes += 1;
        if let Some(active) = connection.active {
            self.delete(MenuId::UserActive, active);
        }
        if let Some(caller) = connection.caller {
            self.log(
                "system,info,account",
                format!(
                    "user {} logged out from {} via {}",
                    caller.user,
                    connection.peer,
                    connection.port.shown()
                ),
            );
        }
    }

    /// Ends all connections at once.
    pub(crate) fn close_all(&mut self) {
        let ids: Vec<ConnectionId> = self.connections.all.keys().copied().collect();
        for id in ids {
            self.push(id, Out::Close);
            self.disconnect(id);
        }
    }

    /// Ends the connection that a row of `/user/active` stands for.
    pub(crate) fn log_out(&mut self, active: RowId) {
        let mut all = self.connections.all.iter();
        let Some(id) = all
            .find(|(_, connection)| connection.active == Some(active))
            .map(|(id, _)| *id)
        else {
            return;
        };
        self.push(id, Out::Close);
        self.disconnect(id);
    }

    /// Gives a connection's task something to do.
    pub(crate) fn push(&self, id: ConnectionId, out: Out) {
        if let Some(connection) = self
            .connections
            .all
            .get(&id)
            .filter(|connection| !connection.stalled)
        {
            // A task that has ended has nothing to send any more.
            let _ = connection.out.send(out);
        }
    }

    /// A sentence has come: carries it out, plays the faults that are set for it, sends the answer.
    pub(crate) fn receive(&mut self, id: ConnectionId, sentence: &Sentence) {
        let Some(connection) = self.connections.all.get(&id) else {
            return;
        };
        let user = connection.caller.as_ref().map_or("", |caller| &caller.user);
        let mut record = CommandRecord::of(self.now, id, user, connection.port.via(), sentence);
        let drawn = self.faults.draw(&record.command, user);
        record.fault = drawn.fault.as_ref().map(Fault::name);
        let stalled = connection.stalled;
        let reply = match drawn.fault {
            _ if stalled => None,
            None => Some(self.answer(id, sentence)),
            Some(fault) => self.play(id, sentence, fault),
        };
        if let Some(reply) = reply {
            record.bytes_out = reply.bytes.len();
            record.rows = reply.rows;
            record.trap = reply.trapped;
            self.send(id, drawn.latency, reply.bytes);
            if reply.closes {
                self.push(id, Out::Close);
            }
        }
        if let Some(answer) = record.trap.clone().filter(|text| is_unknown(text)) {
            self.commands.unknown(UnknownCommand {
                at: record.at,
                via: record.via,
                what: record.command.clone(),
                answer,
            });
        }
        self.changes += 1;
        self.commands.push(record);
    }

    fn send(&self, id: ConnectionId, latency: Duration, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.push(
            id,
            if latency.is_zero() {
                Out::Bytes(bytes)
            } else {
                Out::Later(latency, bytes)
            },
        );
    }

    fn answer(&mut self, id: ConnectionId, sentence: &Sentence) -> Reply {
        let caller = self
            .connections
            .all
            .get(&id)
            .and_then(|connection| connection.caller.clone());
        match (sentence.command().unwrap_or_default(), caller) {
            (b"/login", _) => self.log_in(id, sentence),
            (_, None) => {
                let mut reply = Reply::default();
                reply.fatal("not logged in");
                reply
            }
            (b"/quit", _) => {
                let mut reply = Reply::default();
                reply.fatal("session terminated on request");
                reply
            }
            (b"/cancel", _) => self.cancel(id, sentence),
            (_, Some(caller)) => self.execute(&caller, sentence),
        }
    }

    /// Answers in the order seen on routers: the cancelled command's trap, then the cancel's own `!done`, then the cancelled
    /// one's.
    fn cancel(&mut self, id: ConnectionId, sentence: &Sentence) -> Reply {
        let only = sentence.attribute("tag");
        let ended = self.listeners.cancel(id, only);
        let mut own = Reply::to(sentence.api_attribute(".tag"));
        if ended.is_empty() && only.is_some() {
            own.trap(
                &Trap::plain("no such command running"),
                self.quirks.trap_categories,
            );
            return own;
        }
        let mut reply = Reply::default();
        let mut dones = Reply::default();
        for tag in &ended {
            let mut trap = Reply::to(tag.as_deref());
            trap.trap_alone(&Trap::interrupted(), self.quirks.trap_categories);
            reply.append(&trap);
            let mut done = Reply::to(tag.as_deref());
            done.done();
            dones.append(&done);
        }
        own.done();
        let (first, last) = if self.quirks.cancel_is_answered_last {
            (dones, own)
        } else {
            (own, dones)
        };
        reply.append(&first);
        reply.append(&last);
        reply
    }
}

/// Whether a trap says that this router does not have something.
fn is_unknown(trap: &str) -> bool {
    ["no such command", "unknown parameter"]
        .iter()
        .any(|text| trap.starts_with(text))
        && trap != "no such command running"
}

/// Whether a comma list of addresses, which means everybody if it is empty, holds this one.
fn allows(list: &str, peer: IpAddr) -> bool {
    let mut parts = list.split(',').filter(|part| !part.is_empty()).peekable();
    parts.peek().is_none()
        || parts.any(|part| {
            part.parse::<AddressSet>()
                .is_ok_and(|set| set.contains(peer))
        })
}

/// How many connections each user has.
pub(crate) fn count_by_user(connections: &Connections) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for caller in connections
        .all
        .values()
        .filter_map(|connection| connection.caller.as_ref())
    {
        *counts.entry(caller.user.clone()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_list_of_nothing_means_everybody() {
        let peer = "10.0.0.5".parse().unwrap();
        assert!(allows("", peer));
        assert!(allows("192.168.0.0/16,10.0.0.5/32", peer));
        assert!(!allows("10.0.0.6", peer));
    }
}
