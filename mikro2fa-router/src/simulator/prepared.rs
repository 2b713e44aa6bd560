//! The gate, as mikro2fa prepares a router.

use super::{
    menu::MenuId,
    policy::Policy,
    state::State,
    table::{Row, RowId},
};
use crate::gate::{Coverage, GateNames, GateRule, TELEGRAM, Way, Which};

/// The names that a prepared router uses for what belongs to the gate.
pub type PreparedNames = GateNames;

impl State {
    /// The gate, as `mikro2fa router prepare` leaves it: lists, profiles, the daily user, the chains, and last the jumps.
    pub(crate) fn prepare(&mut self, names: &PreparedNames, daily_password: &str) {
        self.prepare_lists(names);
        self.prepare_profiles(names);
        let policy = Policy::API
            .with(Policy::READ)
            .with(Policy::WRITE)
            .print(self.version);
        self.configure(
            MenuId::Group,
            &[
                ("name", &names.group),
                ("policy", &policy),
                ("comment", &names.comment),
            ],
        );
        let user = [
            ("name", &*names.user),
            ("group", &names.group),
            ("password", daily_password),
            ("comment", &names.comment),
        ];
        self.configure(MenuId::User, &user);
        for menu in [MenuId::Filter, MenuId::Filter6] {
            self.spare_from_fasttrack(menu, names);
            for way in Way::ALL {
                for rule in names.chain_rules(way, Which::First) {
                    self.gate_rule(menu, names, &rule, None);
                }
            }
            // Above everything static.
            for way in Way::ALL.into_iter().rev() {
                let first = self
                    .table(menu)
                    .iter()
                    .find(|row| !row.dynamic)
                    .map(|row| row.id);
                self.gate_rule(menu, names, &names.jump(way, Which::First), first);
            }
        }
        self.refresh_fasttrack_dummy();
    }

    fn prepare_lists(&mut self, names: &PreparedNames) {
        for list in names.interface_lists(Coverage::AllTunnels) {
            let list = [
                ("name", &*list.name),
                ("include", list.include),
                ("exclude", &list.exclude),
                ("comment", &names.comment),
            ];
            self.configure(MenuId::InterfaceList, &list);
        }
        for network in TELEGRAM {
            let entry = [
                ("list", &*names.reach),
                ("address", network),
                ("comment", &names.comment),
            ];
            self.configure(MenuId::AddressList, &entry);
        }
    }

    fn prepare_profiles(&mut self, names: &PreparedNames) {
        let Some(original) = self
            .table(MenuId::Profile)
            .named("default-encryption")
            .cloned()
        else {
            return;
        };
        let copy = |name: &str| {
            original.clone().with_all(&[
                ("name", name),
                ("default", "false"),
                ("comment", &names.comment),
            ])
        };
        let script = names.hand_over_script();
        let covered = copy(&names.profile)
            .with("on-up", script.clone())
            .with("on-down", script);
        self.insert(MenuId::Profile, covered);
        self.insert(
            MenuId::Profile,
            copy(&names.exempt_profile).with("interface-list", names.exempt.clone()),
        );
        for menu in [
            MenuId::L2tpSettings,
            MenuId::PptpSettings,
            MenuId::SstpSettings,
            MenuId::OvpnSettings,
        ] {
            self.configure_only(menu, &[("default-profile", &names.profile)]);
        }
        for menu in [MenuId::OvpnServers, MenuId::PppoeServers] {
            self.configure_only(menu, &[("default-profile", &names.profile)]);
        }
    }

    /// Directly before each fasttrack rule, what it would have passed is passed for covered tunnels without the bypass.
    fn spare_from_fasttrack(&mut self, menu: MenuId, names: &PreparedNames) {
        let fasttracks = |row: &&Row| row.text("action") == "fasttrack-connection" && !row.dynamic;
        let rules: Vec<_> = self
            .table(menu)
            .iter()
            .filter(fasttracks)
            .map(|row| (row.id, row.text("chain").to_owned()))
            .collect();
        for (id, chain) in rules {
            for companion in names.companions(&chain) {
                self.gate_rule(menu, names, &companion, Some(id));
            }
        }
    }

    fn gate_rule(
        &mut self,
        menu: MenuId,
        names: &PreparedNames,
        rule: &GateRule,
        before: Option<RowId>,
    ) {
        let comment = rule.comment(names);
        let mut properties: Vec<(&str, &str)> = vec![("comment", &comment)];
        let own = rule.properties.iter();
        properties.extend(own.map(|(name, value)| (*name, &**value)));
        let row = self.row(menu).with_all(&properties);
        self.insert_before(menu, row, before);
    }
}
