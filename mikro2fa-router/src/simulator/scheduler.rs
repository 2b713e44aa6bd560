//! `/system/scheduler`: what runs by the clock.
//!
//! A scheduler with an interval runs first an interval after it was made or changed, then at each. After a start of the router one
//! with `start-time=startup` runs a few seconds later, any other after its interval (MikroTik manual, *Scheduler*). Times of day are
//! not kept: what has no interval does not run.

use std::time::Duration;

use super::{
    command::Caller, menu::MenuId, policy::Policy, session::ConnectionId, state::State,
    table::RowId, timer::Timer,
};
use crate::duration;

/// "3 seconds after console starts" (MikroTik manual, *Scheduler*).
const STARTUP: Duration = Duration::from_secs(3);

impl State {
    /// The rows were changed: what goes on as before keeps its time.
    pub(crate) fn reschedule(&mut self) {
        let known = std::mem::take(&mut self.schedules);
        let now = self.now;
        for (id, every) in self.scheduled() {
            let next = match known.get(&id) {
                Some((as_before, next)) if *as_before == every => *next,
                _ => now.saturating_add(every),
            };
            self.schedules.insert(id, (every, next));
        }
        self.set_schedule_timers();
    }

    /// The router has started.
    pub(super) fn start_schedules(&mut self) {
        self.schedules.clear();
        for (id, every) in self.scheduled() {
            let row = self.table(MenuId::Scheduler).get(id);
            let at_start = row.is_some_and(|row| row.text("start-time") == "startup");
            let after = if at_start { STARTUP } else { every };
            let next = self.now.saturating_add(after);
            self.schedules.insert(id, (every, next));
        }
        self.set_schedule_timers();
    }

    /// Those that run, and how often.
    fn scheduled(&self) -> Vec<(RowId, Duration)> {
        let rows = self.table(MenuId::Scheduler).iter();
        let running = rows.filter(|row| !row.is("disabled"));
        let every = running.filter_map(|row| {
            let every = duration::parse(row.text("interval")).ok()?;
            (!every.is_zero()).then_some((row.id, every))
        });
        every.collect()
    }

    fn set_schedule_timers(&mut self) {
        self.unschedule(|timer| matches!(timer, Timer::Scheduled(_)));
        let all: Vec<(RowId, Duration)> = self
            .schedules
            .iter()
            .map(|(id, (_, next))| (*id, *next))
            .collect();
        for (id, next) in all {
            self.schedule(next.saturating_sub(self.now), Timer::Scheduled(id));
        }
    }

    /// Runs one: what its `on-event` says, or the script of that name. With the policies that it was given, whoever made it.
    pub(super) fn run_scheduled(&mut self, id: RowId) {
        let Some((every, _)) = self.schedules.get(&id).copied() else {
            return;
        };
        self.schedules
            .insert(id, (every, self.now.saturating_add(every)));
        self.schedule(every, Timer::Scheduled(id));
        let Some(row) = self.table(MenuId::Scheduler).get(id).cloned() else {
            return;
        };
        let forbidden = self
            .only(MenuId::DeviceMode)
            .is_some_and(|mode| mode.text("scheduler") == "no");
        if forbidden && self.has_menu(MenuId::DeviceMode) {
            return;
        }
        let event = row.text("on-event");
        let script = self.table(MenuId::Script).named(event);
        let source = script
            .map_or(event, |script| script.text("source"))
            .to_owned();
        let caller = Caller {
            connection: ConnectionId(0),
            user: row.text("owner").to_owned(),
            policy: Policy::parse(row.text("policy"), self.version).unwrap_or_default(),
        };
        let count: u64 = row.text("run-count").parse().unwrap_or(0);
        self.update_unheard(MenuId::Scheduler, id, |row| {
            row.set("run-count", (count + 1).to_string());
        });
        self.run_source("on-event", &source, caller, Vec::new());
    }
}
