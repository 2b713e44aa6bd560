//! The gate, as mikro2fa prepares a router.

use super::{factory::Properties, menu::MenuId, policy::Policy, state::State, table::Row};

/// The names that a prepared router uses for what belongs to the gate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreparedNames {
    /// Address list: who has confirmed.
    pub permit: String,
    /// Address list: tunnels of banned logins.
    pub ban: String,
    /// Address list: what quarantine reaches.
    pub reach: String,
    /// Address list: filled by hand when all else fails.
    pub emergency: String,
    /// Address list of the dead man's switch: renewed while mikro2fa lives.
    pub alive: String,
    /// Interface list: the tunnels that are held.
    pub covered: String,
    /// Interface list: tunnels that are not.
    pub exempt: String,
    /// The gate's chain for what is forwarded.
    pub forward_chain: String,
    /// The gate's chain for what goes to the router.
    pub input_chain: String,
    /// The profile of covered accounts.
    pub profile: String,
    /// The profile of exempt accounts.
    pub exempt_profile: String,
    /// The daily user, who watches and controls.
    pub user: String,
    /// Its group.
    pub group: String,
    /// How the comments of the gate's own rows begin.
    pub comment: String,
}

impl Default for PreparedNames {
    fn default() -> Self {
        let owned = |text: &str| text.to_owned();
        Self {
            permit: owned("mikro2fa-permit"),
            ban: owned("mikro2fa-ban"),
            reach: owned("mikro2fa-reach"),
            emergency: owned("mikro2fa-emergency"),
            alive: owned("mikro2fa-alive"),
            covered: owned("mikro2fa-covered"),
            exempt: owned("mikro2fa-exempt"),
            forward_chain: owned("mikro2fa-forward"),
            input_chain: owned("mikro2fa-input"),
            profile: owned("mikro2fa-vpn"),
            exempt_profile: owned("mikro2fa-exempt-vpn"),
            user: owned("mikro2fa"),
            group: owned("mikro2fa-daily"),
            comment: owned("mikro2fa gate"),
        }
    }
}

impl PreparedNames {
    /// What a covered profile's on-up and on-down begin with: a permit never outlives the tunnel that it was given for, even
    /// if the address goes to somebody else at once. It calls nobody and waits for nothing.
    #[must_use]
    pub fn hand_over_script(&self) -> String {
        format!(
            ":do {{ /ip firewall address-list remove [find list=\"{}\" address=$\"remote-address\"] }} on-error={{}}\n",
            self.permit
        )
    }
}

/// Networks that Telegram publishes for its data centres; what quarantine reaches by default.
const TELEGRAM: [&str; 7] = [
    "91.105.192.0/23",
    "91.108.4.0/22",
    "91.108.8.0/22",
    "91.108.12.0/22",
    "91.108.16.0/22",
    "91.108.56.0/22",
    "149.154.160.0/20",
];

/// Ports on which Telegram's clients talk.
const TELEGRAM_PORTS: &str = "80,443,5222";

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
            self.forward_gate(menu, names);
            self.input_gate(menu, names);
            for (chain, own) in [
                ("input", &names.input_chain),
                ("forward", &names.forward_chain),
            ] {
                self.gate_jump(menu, names, chain, own);
            }
        }
        self.refresh_fasttrack_dummy();
    }

    fn prepare_lists(&mut self, names: &PreparedNames) {
        self.configure(
            MenuId::InterfaceList,
            &[("name", &names.exempt), ("comment", &names.comment)],
        );
        let covered = [
            ("name", &*names.covered),
            ("include", "dynamic"),
            ("exclude", &names.exempt),
            ("comment", &names.comment),
        ];
        self.configure(MenuId::InterfaceList, &covered);
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
            .map(|row| row.id)
            .collect();
        for rule in rules {
            for side in ["in-interface-list", "out-interface-list"] {
                let row = self.row(menu).with_all(&[
                    ("chain", "forward"),
                    ("action", "accept"),
                    ("connection-state", "established,related,untracked"),
                    (side, &names.covered),
                    (
                        "comment",
                        &format!("{}: covered traffic is never fasttracked", names.comment),
                    ),
                ]);
                self.insert_before(menu, row, Some(rule));
            }
        }
    }

    fn gate_rule(
        &mut self,
        menu: MenuId,
        names: &PreparedNames,
        chain: &str,
        action: &str,
        text: &str,
        rest: Properties<'_>,
    ) {
        let comment = format!("{}: {text}", names.comment);
        let row =
            self.row(menu)
                .with_all(&[("chain", chain), ("action", action), ("comment", &comment)]);
        self.insert(menu, row.with_all(rest));
    }

    /// The gate only takes away. The two rules for the emergency list let such a tunnel to and from everything but other
    /// tunnels; what they return falls through to the administrator's own rules, as permitted packets do.
    fn forward_gate(&mut self, menu: MenuId, names: &PreparedNames) {
        let chain = &names.forward_chain;
        let covered = names.covered.as_str();
        let (from, to) = (
            ("in-interface-list", covered),
            ("out-interface-list", covered),
        );
        let not_covered = format!("!{covered}");
        let (from_elsewhere, to_elsewhere) = (
            ("in-interface-list", not_covered.as_str()),
            ("out-interface-list", not_covered.as_str()),
        );
        let not_permitted = format!("!{}", names.permit);
        let (source, destination) = (
            ("src-address-list", &*not_permitted),
            ("dst-address-list", &*not_permitted),
        );
        let by = |side: &'static str| (side, names.emergency.as_str());
        let ban = ("src-address-list", names.ban.as_str());
        self.gate_rule(menu, names, chain, "drop", "banned", &[from, ban]);
        let emergency = [from, to_elsewhere, by("src-address-list")];
        self.gate_rule(menu, names, chain, "return", "emergency, from", &emergency);
        let emergency = [to, from_elsewhere, by("dst-address-list")];
        self.gate_rule(menu, names, chain, "return", "emergency, to", &emergency);
        let reach = [
            from,
            source,
            ("dst-address-list", &names.reach),
            ("protocol", "tcp"),
            ("dst-port", TELEGRAM_PORTS),
        ];
        self.gate_rule(
            menu,
            names,
            chain,
            "accept",
            "quarantine reaches this",
            &reach,
        );
        self.gate_rule(
            menu,
            names,
            chain,
            "drop",
            "not permitted, from",
            &[from, source],
        );
        let answers = [
            to,
            destination,
            ("src-address-list", &names.reach),
            ("connection-state", "established"),
        ];
        self.gate_rule(
            menu,
            names,
            chain,
            "accept",
            "answers to quarantine",
            &answers,
        );
        self.gate_rule(
            menu,
            names,
            chain,
            "drop",
            "not permitted, to",
            &[to, destination],
        );
        self.gate_rule(
            menu,
            names,
            chain,
            "return",
            "to the administrator's own rules",
            &[],
        );
    }

    /// To the router itself quarantine reaches the resolver, slowly, and nothing else.
    fn input_gate(&mut self, menu: MenuId, names: &PreparedNames) {
        let chain = &names.input_chain;
        let from = ("in-interface-list", names.covered.as_str());
        let not_permitted = format!("!{}", names.permit);
        let source = ("src-address-list", &*not_permitted);
        self.gate_rule(
            menu,
            names,
            chain,
            "drop",
            "banned",
            &[from, ("src-address-list", &names.ban)],
        );
        let emergency = [from, ("src-address-list", &*names.emergency)];
        self.gate_rule(menu, names, chain, "return", "emergency", &emergency);
        for protocol in ["udp", "tcp"] {
            let resolver = [
                from,
                source,
                ("protocol", protocol),
                ("dst-port", "53"),
                ("limit", "20,40:packet"),
            ];
            self.gate_rule(
                menu,
                names,
                chain,
                "accept",
                "quarantine may resolve names",
                &resolver,
            );
        }
        self.gate_rule(menu, names, chain, "drop", "not permitted", &[from, source]);
        self.gate_rule(
            menu,
            names,
            chain,
            "return",
            "to the administrator's own rules",
            &[],
        );
    }

    /// The one jump of a chain, above everything static in it.
    fn gate_jump(&mut self, menu: MenuId, names: &PreparedNames, chain: &str, own: &str) {
        let first = self
            .table(menu)
            .iter()
            .find(|row| !row.dynamic)
            .map(|row| row.id);
        let row = self.row(menu).with_all(&[
            ("chain", chain),
            ("action", "jump"),
            ("jump-target", own),
            ("comment", &format!("{}: the switch", names.comment)),
        ]);
        self.insert_before(menu, row, first);
    }
}
