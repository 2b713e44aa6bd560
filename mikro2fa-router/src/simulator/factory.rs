//! The configuration that a simulated router starts with: from the factory, and as an office has it.

use super::{menu::MenuId, policy::Policy, state::State, version::Version};

/// Properties of a row.
pub(super) type Properties<'a> = &'a [(&'a str, &'a str)];

impl State {
    pub(crate) fn configure(&mut self, menu: MenuId, properties: Properties<'_>) {
        let row = self.row(menu).with_all(properties);
        self.insert(menu, row);
    }

    pub(crate) fn configure_only(&mut self, menu: MenuId, properties: Properties<'_>) {
        if let Some(id) = self.only(menu).map(|row| row.id) {
            self.update(menu, id, |row| {
                for (name, value) in properties {
                    row.set(name, *value);
                }
            });
        }
    }

    /// What every router has before anybody configures it.
    pub(crate) fn factory(&mut self, admin_password: &str) {
        self.factory_interfaces();
        for name in ["all", "none", "dynamic", "static"] {
            self.configure(
                MenuId::InterfaceList,
                &[("name", name), ("builtin", "true")],
            );
        }
        for (name, encryption) in [("default", "default"), ("default-encryption", "yes")] {
            self.configure(
                MenuId::Profile,
                &[
                    ("name", name),
                    ("default", "true"),
                    ("use-encryption", encryption),
                ],
            );
        }
        let services: [(&str, &str); 8] = [
            ("telnet", "23"),
            ("ftp", "21"),
            ("www", "80"),
            ("ssh", "22"),
            ("www-ssl", "443"),
            ("api", "8728"),
            ("winbox", "8291"),
            ("api-ssl", "8729"),
        ];
        for (name, port) in services {
            let disabled = if name == "www-ssl" { "true" } else { "false" };
            let row = [("name", name), ("port", port), ("disabled", disabled)];
            let mut row = self.row(MenuId::Service).with_all(&row);
            if name.ends_with("-ssl") {
                row = row.with_all(&[("certificate", "none"), ("tls-version", "any")]);
            }
            self.insert(MenuId::Service, row);
        }
        self.factory_users(admin_password);
        self.factory_packages();
        self.configure(
            MenuId::HotspotProfile,
            &[("name", "default"), ("default", "true")],
        );
        self.configure(
            MenuId::HotspotUser,
            &[
                ("name", "default-trial"),
                ("comment", "counters and limits for trial users"),
                ("default", "true"),
            ],
        );
    }

    fn factory_interfaces(&mut self) {
        for (name, kind, mac) in [
            ("ether1", "ether", "02:00:00:00:00:01"),
            ("ether2", "ether", "02:00:00:00:00:02"),
            ("bridge", "bridge", "02:00:00:00:00:02"),
        ] {
            let shared = [
                ("name", name),
                ("default-name", name),
                ("mac-address", mac),
                ("running", "true"),
            ];
            let row = self.row(MenuId::Interface).with_all(&shared);
            let id = self.insert(MenuId::Interface, row.with("type", kind));
            let own = if kind == "ether" {
                MenuId::Ethernet
            } else {
                MenuId::Bridge
            };
            let mut row = self.row(own).with_all(&shared);
            row.set("orig-mac-address", mac);
            self.insert_as(own, row, id);
        }
    }

    fn factory_users(&mut self, admin_password: &str) {
        let version = self.version;
        let everything = Policy::parse(every_policy(version), version).unwrap_or_default();
        let reading = "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api";
        for (name, words) in [("read", reading), ("write", &*format!("{reading},write"))] {
            let policy = Policy::parse(words, version)
                .unwrap_or_default()
                .print(version);
            self.configure(MenuId::Group, &[("name", name), ("policy", &policy)]);
        }
        self.configure(
            MenuId::Group,
            &[("name", "full"), ("policy", &everything.print(version))],
        );
        self.configure(
            MenuId::User,
            &[
                ("name", "admin"),
                ("group", "full"),
                ("password", admin_password),
            ],
        );
    }

    /// Installs a package.
    pub(super) fn install(&mut self, name: &str) {
        let version = self.version.to_string();
        self.configure(
            MenuId::Package,
            &[
                ("name", name),
                ("version", &version),
                ("build-time", "2024-11-26 12:09:40"),
            ],
        );
    }

    fn factory_packages(&mut self) {
        let names: &[&str] = if self.version.major == 6 {
            &[
                "routeros-x86",
                "system",
                "ppp",
                "security",
                "advanced-tools",
                "dhcp",
                "hotspot",
                "ipv6",
            ]
        } else {
            &["routeros"]
        };
        for name in names {
            self.install(name);
        }
    }

    /// An office's router: a LAN, a way to the internet, a VPN server with a pool, and the rules of MikroTik's default
    /// configuration.
    pub(crate) fn office(&mut self, pool: &str) {
        for (list, interface) in [("WAN", "ether1"), ("LAN", "bridge")] {
            self.configure(
                MenuId::InterfaceList,
                &[("name", list), ("comment", "defconf")],
            );
            self.configure(
                MenuId::InterfaceListMember,
                &[
                    ("list", list),
                    ("interface", interface),
                    ("comment", "defconf"),
                ],
            );
        }
        for (address, network, interface) in [
            ("192.168.88.1/24", "192.168.88.0", "bridge"),
            ("198.51.100.2/30", "198.51.100.0", "ether1"),
        ] {
            let row = [
                ("address", address),
                ("network", network),
                ("interface", interface),
                ("actual-interface", interface),
            ];
            self.configure(MenuId::Address, &row);
        }
        self.configure(MenuId::Route, &[("gateway", "198.51.100.1")]);
        let neighbor = self.row(MenuId::Neighbor).made_by_router().with_all(&[
            ("interface", "ether1"),
            ("interface-name", "ether5"),
            ("address", "198.51.100.1"),
            ("address4", "198.51.100.1"),
            ("mac-address", "02:00:00:00:01:01"),
            ("identity", "provider"),
            ("version", "6.49.10 (long-term)"),
            ("board", "RB750Gr3"),
        ]);
        self.insert(MenuId::Neighbor, neighbor);
        self.configure(MenuId::Pool, &[("name", "vpn"), ("ranges", pool)]);
        for id in self.table(MenuId::Profile).ids() {
            self.update(MenuId::Profile, id, |row| {
                row.set("local-address", "10.8.0.1");
                row.set("remote-address", "vpn");
            });
        }
        for menu in [
            MenuId::L2tpSettings,
            MenuId::PptpSettings,
            MenuId::SstpSettings,
            MenuId::OvpnSettings,
        ] {
            self.configure_only(menu, &[("enabled", "true")]);
        }
        self.configure(
            MenuId::OvpnServers,
            &[("name", "ovpn-server1"), ("disabled", "false")],
        );
        self.configure(
            MenuId::PppoeServers,
            &[
                ("service-name", "service1"),
                ("interface", "ether2"),
                ("disabled", "false"),
            ],
        );
        self.default_rules();
    }

    fn default_rules(&mut self) {
        const KNOWN: (&str, &str) = ("connection-state", "established,related,untracked");
        const INVALID: (&str, &str) = ("connection-state", "invalid");
        let rule = |state: &mut Self,
                    menu,
                    chain: &str,
                    action: &str,
                    comment: &str,
                    rest: Properties<'_>| {
            let row = state.row(menu).with_all(&[
                ("chain", chain),
                ("action", action),
                ("comment", comment),
            ]);
            state.insert(menu, row.with_all(rest));
        };
        let four = MenuId::Filter;
        rule(
            self,
            four,
            "input",
            "accept",
            "defconf: accept established,related,untracked",
            &[KNOWN],
        );
        rule(
            self,
            four,
            "input",
            "drop",
            "defconf: drop invalid",
            &[INVALID],
        );
        rule(
            self,
            four,
            "input",
            "accept",
            "defconf: accept ICMP",
            &[("protocol", "icmp")],
        );
        rule(
            self,
            four,
            "input",
            "accept",
            "vpn users may use the router",
            &[("src-address", "10.8.0.0/16")],
        );
        rule(
            self,
            four,
            "input",
            "drop",
            "defconf: drop all not coming from LAN",
            &[("in-interface-list", "!LAN")],
        );
        rule(
            self,
            four,
            "forward",
            "accept",
            "defconf: accept in ipsec policy",
            &[("ipsec-policy", "in,ipsec")],
        );
        rule(
            self,
            four,
            "forward",
            "accept",
            "defconf: accept out ipsec policy",
            &[("ipsec-policy", "out,ipsec")],
        );
        let fast = [("connection-state", "established,related")];
        rule(
            self,
            four,
            "forward",
            "fasttrack-connection",
            "defconf: fasttrack",
            &fast,
        );
        rule(
            self,
            four,
            "forward",
            "accept",
            "defconf: accept established,related, untracked",
            &[KNOWN],
        );
        rule(
            self,
            four,
            "forward",
            "drop",
            "defconf: drop invalid",
            &[INVALID],
        );
        let from_wan = [
            ("connection-state", "new"),
            ("connection-nat-state", "!dstnat"),
            ("in-interface-list", "WAN"),
        ];
        rule(
            self,
            four,
            "forward",
            "drop",
            "defconf: drop all from WAN not DSTNATed",
            &from_wan,
        );
        let six = MenuId::Filter6;
        for chain in ["input", "forward"] {
            rule(
                self,
                six,
                chain,
                "accept",
                "defconf: accept established,related,untracked",
                &[KNOWN],
            );
            rule(
                self,
                six,
                chain,
                "drop",
                "defconf: drop invalid",
                &[INVALID],
            );
            rule(
                self,
                six,
                chain,
                "accept",
                "defconf: accept ICMPv6",
                &[("protocol", "icmpv6")],
            );
            rule(
                self,
                six,
                chain,
                "drop",
                "defconf: drop everything else from WAN",
                &[("in-interface-list", "WAN")],
            );
        }
        self.refresh_fasttrack_dummy();
    }
}

const fn every_policy(version: Version) -> &'static str {
    if version.major == 6 {
        "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,dude,tikapp"
    } else {
        "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,rest-api"
    }
}
