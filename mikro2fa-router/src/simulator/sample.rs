//! Commands that measure and go on measuring until they are cancelled: `/interface/monitor-traffic`, `/tool/torch`, and `/ping`,
//! which ends by itself where it is told how often. Nothing flows here but what tests send, so what is measured is nothing.

use std::{net::IpAddr, time::Duration};

use routeros_api::Sentence;

use super::{
    command::Caller,
    menu::MenuId,
    reply::{Reply, attribute},
    session::{ConnectionId, Out},
    state::State,
    timer::Timer,
    trap::Trap,
    watch::Listener,
};
use crate::duration;

/// What is measured.
#[derive(Clone, Debug)]
enum Of {
    Traffic(Vec<String>),
    Torch,
    Ping { host: String, answers: bool },
}

/// A measurement under way.
#[derive(Clone, Debug)]
pub(crate) struct Sampling {
    connection: ConnectionId,
    tag: Option<Vec<u8>>,
    of: Of,
    taken: u64,
    most: Option<u64>,
    every: Duration,
}

impl Sampling {
    /// Writes one sample.
    fn take(&mut self, reply: &mut Reply) {
        let section = self.taken.to_string();
        self.taken += 1;
        match &self.of {
            Of::Traffic(names) => {
                for name in names {
                    reply.re(|out| {
                        attribute(b"name", name.as_bytes(), out);
                        for counter in [
                            "rx-packets-per-second",
                            "rx-bits-per-second",
                            "fp-rx-packets-per-second",
                            "fp-rx-bits-per-second",
                            "rx-drops-per-second",
                            "rx-errors-per-second",
                            "tx-packets-per-second",
                            "tx-bits-per-second",
                            "fp-tx-packets-per-second",
                            "fp-tx-bits-per-second",
                            "tx-drops-per-second",
                            "tx-queue-drops-per-second",
                            "tx-errors-per-second",
                        ] {
                            attribute(counter.as_bytes(), b"0", out);
                        }
                        attribute(b".section", section.as_bytes(), out);
                    });
                }
            }
            Of::Torch => reply.re(|out| {
                for counter in ["tx", "rx", "tx-packets", "rx-packets"] {
                    attribute(counter.as_bytes(), b"0", out);
                }
                attribute(b".section", section.as_bytes(), out);
            }),
            Of::Ping { host, answers } => {
                let (sent, received) = (self.taken, if *answers { self.taken } else { 0 });
                let loss = if *answers { "0" } else { "100" };
                reply.re(|out| {
                    attribute(b"seq", section.as_bytes(), out);
                    attribute(b"host", host.as_bytes(), out);
                    if *answers {
                        attribute(b"size", b"56", out);
                        attribute(b"ttl", b"64", out);
                        attribute(b"time", b"1ms", out);
                    } else {
                        attribute(b"status", b"timeout", out);
                    }
                    attribute(b"sent", sent.to_string().as_bytes(), out);
                    attribute(b"received", received.to_string().as_bytes(), out);
                    attribute(b"packet-loss", loss.as_bytes(), out);
                });
            }
        }
    }

    fn is_over(&self) -> bool {
        self.most.is_some_and(|most| self.taken >= most)
    }
}

impl State {
    /// `/interface/monitor-traffic` of some interfaces.
    pub(crate) fn monitor_traffic(
        &mut self,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        let names = self.interfaces_of(sentence)?;
        self.sample(Of::Traffic(names), caller, sentence, reply);
        Ok(())
    }

    /// `/tool/torch` on an interface.
    pub(crate) fn torch(
        &mut self,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        self.interfaces_of(sentence)?;
        self.sample(Of::Torch, caller, sentence, reply);
        Ok(())
    }

    /// `/ping`: hosts in networks of the router's own answer, and tunnels; others do not.
    pub(crate) fn ping(
        &mut self,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        let host = sentence
            .attribute("address")
            .ok_or_else(|| Trap::missing_value("address"))?;
        let host = String::from_utf8_lossy(host).into_owned();
        let address: IpAddr = host.parse().map_err(|_| Trap::invalid_value("address"))?;
        let answers = address.is_loopback()
            || self.networks().interface_of(address).is_some()
            || self.tunnels.with_address(address).is_some();
        self.sample(Of::Ping { host, answers }, caller, sentence, reply);
        Ok(())
    }

    fn interfaces_of(&self, sentence: &Sentence) -> Result<Vec<String>, Trap> {
        let given = sentence
            .attribute("interface")
            .ok_or_else(|| Trap::missing_value("interface"))?;
        let name = |part: &[u8]| {
            let row = self
                .resolve(MenuId::Interface, part)
                .and_then(|id| self.table(MenuId::Interface).get(id));
            row.map(|row| row.text("name").to_owned())
                .ok_or_else(|| Trap::no_match("interface"))
        };
        given.split(|byte| *byte == b',').map(name).collect()
    }

    fn sample(&mut self, of: Of, caller: &Caller, sentence: &Sentence, reply: &mut Reply) {
        let number = |name: &str| {
            let text = std::str::from_utf8(sentence.attribute(name)?).ok()?;
            text.parse().ok()
        };
        // Who has no connection cannot cancel either.
        let once = sentence.attribute("once").is_some() || caller.connection == ConnectionId(0);
        let every = sentence
            .attribute("interval")
            .and_then(|text| duration::parse(std::str::from_utf8(text).ok()?).ok())
            .filter(|every| !every.is_zero());
        let mut sampling = Sampling {
            connection: caller.connection,
            tag: sentence.api_attribute(".tag").map(<[u8]>::to_vec),
            of,
            taken: 0,
            most: if once { Some(1) } else { number("count") },
            every: every.unwrap_or(Duration::from_secs(1)),
        };
        sampling.take(reply);
        if sampling.is_over() {
            reply.done();
            return;
        }
        // Kept among those who listen, so that `/cancel` finds it; what it listens to never comes.
        let listener = Listener::to_nothing(sampling.connection, sampling.tag.clone());
        self.listeners.add(MenuId::Identity, listener);
        self.schedule(sampling.every, Timer::Sample(sampling));
    }

    /// The next sample is due.
    pub(crate) fn sample_again(&mut self, mut sampling: Sampling) {
        let (connection, tag) = (sampling.connection, sampling.tag.clone());
        if !self
            .listeners
            .has(MenuId::Identity, connection, tag.as_deref())
        {
            return;
        }
        let mut reply = Reply::to(tag.as_deref());
        sampling.take(&mut reply);
        if sampling.is_over() {
            reply.done();
            self.listeners
                .forget(MenuId::Identity, connection, tag.as_deref());
        } else {
            self.schedule(sampling.every, Timer::Sample(sampling));
        }
        self.push(connection, Out::Bytes(reply.bytes));
    }
}
