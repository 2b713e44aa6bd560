//! Profiles and the servers that give them: hand-over, and who is covered.

use mikro2fa_core::gate::GateFaultKind;

use super::{Asked, Found, Inspection, Memory, Server, Wrong};
use crate::{
    sentence::{Path, Sentence},
    survey::Record,
};

impl Inspection<'_> {
    fn profile(&self, name: &str) -> Option<&Record> {
        let mut profiles = self.rows(Asked::Profiles).iter();
        profiles.find(|row| row.text("name") == name)
    }

    /// A profile that prepare made for covered tunnels.
    fn is_covered_profile(&self, row: &Record) -> bool {
        let own = self.names.owns(row.text("comment")) || row.text("name") == self.names.profile;
        own && row.text("name") != self.names.exempt_profile
            && row.text("interface-list") != self.names.exempt
    }

    pub(super) fn is_own_profile(&self, name: &str) -> bool {
        self.profile(name)
            .is_some_and(|row| self.is_covered_profile(row))
    }

    /// Do profiles put their tunnels on the covered list?
    pub(super) fn is_filled_by_profiles(&self) -> bool {
        let mut profiles = self.rows(Asked::Profiles).iter();
        profiles.any(|row| row.text("interface-list") == self.names.covered)
    }

    /// Each begins its scripts with the lines that close an address when it changes hands.
    pub(super) fn profiles(&self, found: &mut Found) {
        let line = self.names.hand_over_script();
        let is_there = |row: &Record, script: &str| {
            let normal = row.text(script).replace("\r\n", "\n");
            normal.trim_start().starts_with(line.trim_end())
        };
        for row in self.rows(Asked::Profiles) {
            if !self.is_covered_profile(row) {
                continue;
            }
            let missing: Vec<&'static str> = ["on-up", "on-down"]
                .into_iter()
                .filter(|script| !is_there(row, script))
                .collect();
            if missing.is_empty() {
                continue;
            }
            let set = Sentence::new(Path::ProfileSet).of([row.id()]);
            let mend = missing.iter().fold(set, |set, script| {
                set.with(script, format!("{line}{}", row.text(script)))
            });
            let what = format!(
                "the profile {} lacks its lines in {}",
                row.text("name"),
                missing.join(" and ")
            );
            found
                .wrong
                .push(Wrong::new(GateFaultKind::HandOver, what, false, vec![mend]));
        }
    }

    /// Servers with what tells them apart on one router.
    pub(super) fn servers(&self) -> impl Iterator<Item = ((Server, String), &Record)> {
        Server::ALL.into_iter().flat_map(|server| {
            self.rows(Asked::Server(server)).iter().map(move |row| {
                let name = row.get("name").or_else(|| row.get("service-name"));
                ((server, name.unwrap_or_default().to_owned()), row)
            })
        })
    }

    /// A server that gave its tunnels a profile of the gate's, and gives them another one now.
    pub(super) fn repointed(&self, memory: &Memory, found: &mut Found) {
        for (key, row) in self.servers() {
            let now = row.text("default-profile");
            let Some(before) = memory.servers.get(&key) else {
                continue;
            };
            if self.is_own_profile(now) || now == self.names.exempt_profile {
                continue;
            }
            let (server, name) = key;
            let set = Sentence::new(server.set());
            let set = if row.id().is_empty() {
                set
            } else {
                set.of([row.id()])
            };
            let mend = if self.profile(before).is_some() {
                vec![set.with("default-profile", before.as_str())]
            } else {
                Vec::new()
            };
            let space = if name.is_empty() { "" } else { " " };
            let what = format!(
                "the {} server{space}{name} gives the profile {now} instead of {before}",
                server.name()
            );
            // Where the list covers whatever is dynamic, it only loses the hand-over lines.
            let opens = !memory.all_tunnels;
            found
                .wrong
                .push(Wrong::new(GateFaultKind::Profile, what, opens, mend));
        }
    }
}
