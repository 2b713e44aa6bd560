//! What happens by itself, later.

use routeros_api::Sentence;

#[cfg(feature = "simulator-ssh")]
use super::script::{Console, Line};
use super::{
    command::Caller,
    dial::Dial,
    event::Happening,
    hotspot::HotspotLogin,
    sample::Sampling,
    script::Variables,
    state::State,
    table::RowId,
    tunnel::{Ending, TunnelId},
};

#[derive(Debug)]
pub(crate) enum Timer {
    /// A session gets its address.
    Address(TunnelId),
    /// Its profile's lists take effect.
    Membership(TunnelId),
    /// A profile's script runs.
    Hook(&'static str, String, Variables),
    /// A scheduler's script runs.
    Scheduled(RowId),
    /// A session ends.
    End(TunnelId, Ending),
    /// A client dials again.
    Redial(Dial),
    /// A measurement goes on.
    Sample(Sampling),
    /// A hotspot client comes back by its cookie.
    Cookie(HotspotLogin),
    /// A command whose reply was lost is carried out.
    Command(Caller, Sentence),
    /// The same for a line of the console.
    #[cfg(feature = "simulator-ssh")]
    Line(Caller, Console, Vec<u8>),
}

impl State {
    pub(crate) fn run_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Address(tunnel) => self.give_address(tunnel),
            Timer::Membership(tunnel) => self.join_lists(tunnel),
            Timer::Hook(hook, source, variables) => self.run_hook(hook, &source, variables),
            Timer::Scheduled(scheduler) => self.run_scheduled(scheduler),
            Timer::End(tunnel, ending) => self.end_tunnel(tunnel, ending),
            Timer::Redial(dial) => self.redial(dial),
            Timer::Sample(sampling) => self.sample_again(sampling),
            Timer::Cookie(login) => self.come_back_by_cookie(login),
            #[cfg(feature = "simulator-ssh")]
            Timer::Line(caller, console, line) => {
                let command = match Line::read(&line, self) {
                    Ok(read) => {
                        read.run(self, &caller, console, Vec::new());
                        read.words().join("; ")
                    }
                    Err(failure) => failure.to_string(),
                };
                self.events
                    .push(self.now, Happening::LateCommand { command });
            }
            Timer::Command(caller, sentence) => {
                self.execute(&caller, &sentence);
                let command =
                    String::from_utf8_lossy(sentence.command().unwrap_or_default()).into_owned();
                self.events
                    .push(self.now, Happening::LateCommand { command });
            }
        }
    }
}
