//! What whoever reads a plan should know before it is carried out.

use super::Draft;
use crate::{gate::Coverage, prepare::choices::Subscribers, survey::Section};

impl Draft<'_> {
    pub(super) fn warn(&mut self) {
        self.clients();
        self.pppoe();
        self.hotspots();
        self.other_dynamic_interfaces();
        self.radius();
        self.unknown_accounts();
        self.live_tunnels();
    }

    /// Connections that the router dials itself are left alone.
    fn clients(&mut self) {
        let mut found = Vec::new();
        for (section, row) in self.survey.clients() {
            let kind = section.path().menu().trim_start_matches("/interface/");
            let state = if row.is("disabled") { ", disabled" } else { "" };
            found.push((
                row.text("name").to_owned(),
                kind,
                row.text("profile").to_owned(),
                state,
            ));
        }
        for (name, kind, profile, state) in found {
            self.plan.warnings.push(format!(
                "{kind} `{name}` (profile `{profile}`{state}) is dialled by this router: it and its profile are left alone"
            ));
            let covered = &self.choices.names.covered;
            let listed = self.survey.named(Section::Profiles, &profile);
            if listed.is_some_and(|row| row.text("interface-list") == covered) {
                self.refuse(format!(
                    "profile `{profile}` puts its tunnels on the list `{covered}`, and {kind} `{name}` uses it: that way would be \
                     held; give it another profile"
                ));
            }
        }
    }

    fn pppoe(&mut self) {
        let enabled = self
            .survey
            .rows(Section::PppoeServers)
            .iter()
            .filter(|row| !row.is("disabled"));
        let servers: Vec<String> = enabled
            .map(|row| {
                format!(
                    "`{}` on {}",
                    row.text("service-name"),
                    row.text("interface")
                )
            })
            .collect();
        if servers.is_empty() || self.choices.coverage == Coverage::Chosen {
            return;
        }
        let live = self.survey.rows(Section::Tunnels).iter();
        let live = live.filter(|row| row.text("service") == "pppoe").count();
        let servers = servers.join(", ");
        match self.choices.subscribers {
            Subscribers::Ask => self.refuse(format!(
                "PPPoE servers are enabled ({servers}; {live} tunnels are up): say whether such tunnels are held like others, with \
                 `--pppoe cover`, or never, with `--pppoe exempt` (over REST, `pppoe` is `cover` or `exempt`)"
            )),
            Subscribers::Cover => self.plan.warnings.push(format!(
                "PPPoE tunnels are held, too ({servers}; {live} are up)"
            )),
            Subscribers::Exempt => self.plan.warnings.push(format!(
                "PPPoE tunnels are exempt ({servers}); {live} are up: those that came up before have to dial again"
            )),
        }
    }

    fn hotspots(&mut self) {
        let hotspots = self.survey.rows(Section::Hotspots).iter();
        let names: Vec<&str> = hotspots
            .filter(|row| !row.is("disabled"))
            .map(|row| row.text("name"))
            .collect();
        if !names.is_empty() {
            self.plan.warnings.push(format!(
                "hotspot ({}): its users are no tunnels and are not held; its own rules stand above ours",
                names.join(", ")
            ));
        }
    }

    /// The list of dynamic interfaces has more than tunnels on it.
    fn other_dynamic_interfaces(&mut self) {
        if self.choices.coverage == Coverage::Chosen {
            return;
        }
        const PPP: [&str; 5] = ["l2tp", "pptp", "sstp", "ovpn", "pppoe"];
        let others: Vec<String> = self
            .survey
            .rows(Section::Interfaces)
            .iter()
            .filter(|row| row.is("dynamic"))
            .filter(|row| !PPP.iter().any(|it| row.text("type").starts_with(it)))
            .filter(|row| {
                !PPP.iter()
                    .any(|it| row.text("name").starts_with(&format!("<{it}")))
            })
            .map(|row| format!("{} ({})", row.text("name"), row.text("type")))
            .collect();
        if !others.is_empty() {
            self.plan.warnings.push(format!(
                "these dynamic interfaces would be held, too, since they are on the built-in list `dynamic`: {}; put them on the \
                 list `{}` first",
                others.join(", "),
                self.choices.names.exempt
            ));
        }
    }

    fn radius(&mut self) {
        if self
            .survey
            .only(Section::Aaa)
            .is_some_and(|row| row.is("use-radius"))
        {
            self.plan.warnings.push(
                "RADIUS is asked for names that are no local secrets: such tunnels are held like all others; a profile that \
                 RADIUS names (Mikrotik-Group) lacks the lines that close an address when it changes hands"
                    .to_owned(),
            );
        }
    }

    /// A name that was written wrong is an account that is not exempt.
    fn unknown_accounts(&mut self) {
        let known = |name: &str| self.survey.named(Section::Secrets, name).is_some();
        let wanted = (self.choices.exempt.iter())
            .chain(&self.choices.chosen)
            .chain(&self.choices.cover_again);
        let unknown: Vec<String> = wanted
            .filter(|name| !known(name))
            .map(|name| format!("`{name}`"))
            .collect();
        if !unknown.is_empty() {
            self.refuse(format!("no such PPP secret: {}", unknown.join(", ")));
        }
    }

    fn live_tunnels(&mut self) {
        let live = self.survey.rows(Section::Tunnels).len();
        if live > 0 && !self.choices.observe {
            self.plan.warnings.push(format!(
                "{live} tunnels are up: those that are not exempt are held from the moment on that the jumps are enabled, until \
                 their owners confirm"
            ));
        }
    }
}
