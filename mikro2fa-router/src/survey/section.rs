//! The menus that a survey reads, and what it asks of each.

use super::ProfileUser;
use crate::{
    gate::{Family, GateNames},
    sentence::{Path, Sentence},
};

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $path:ident [$($property:literal),*],)*) => {
        /// A menu that a survey reads.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Section {
            $($(#[$doc])* $name,)*
        }

        impl Section {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The command that reads it.
            #[must_use]
            pub const fn path(self) -> Path {
                match self {
                    $(Self::$name => Path::$path,)*
                }
            }

            /// The properties asked for; empty = all.
            #[must_use]
            pub const fn properties(self) -> &'static [&'static str] {
                match self {
                    $(Self::$name => &[$($property),*],)*
                }
            }
        }
    };
}

sections! {
    /// The router's name.
    Identity = IdentityPrint ["name"],
    /// Version and board.
    Resource = ResourcePrint ["version", "board-name", "architecture-name", "uptime"],
    /// What is installed; all of it, since properties differ between versions.
    Packages = PackagePrint [],
    /// What the device mode allows; all of it, for the same reason. Not there before 7.
    DeviceMode = DeviceModePrint [],
    /// Date and time as the router sees them.
    Clock = ClockPrint ["date", "time", "time-zone-name", "gmt-offset"],
    /// Settings of IPv4 as a whole.
    IpSettings = IpSettingsPrint ["rp-filter"],
    /// The resolver.
    Dns = DnsPrint ["servers", "dynamic-servers", "allow-remote-requests"],
    /// Who may log in.
    Users = UserPrint [".id", "name", "group", "address", "disabled", "comment"],
    /// What they may do.
    Groups = GroupPrint [".id", "name", "policy", "comment"],
    /// Who is logged in, and from where.
    Sessions = UserActivePrint [".id", "name", "address", "via", "when"],
    /// The doors to the router itself; all properties: some rows are live connections, in newer versions.
    Services = ServicePrint [],
    /// Certificates.
    Certificates = CertificatePrint [".id", "name", "common-name", "fingerprint", "invalid-after", "private-key", "authority", "expired"],
    /// Lists of interfaces.
    InterfaceLists = InterfaceListPrint [".id", "name", "include", "exclude", "builtin", "dynamic", "comment"],
    /// Their members.
    InterfaceListMembers = MemberPrint [".id", "list", "interface", "dynamic", "disabled", "comment"],
    /// All interfaces.
    Interfaces = InterfacePrint [".id", "name", "type", "dynamic", "running", "disabled", "comment"],
    /// PPP profiles.
    Profiles = ProfilePrint [".id", "name", "local-address", "remote-address", "remote-ipv6-prefix-pool", "dhcpv6-pd-pool", "bridge", "interface-list", "address-list", "incoming-filter", "outgoing-filter", "use-mpls", "use-ipv6", "only-one", "on-up", "on-down", "default", "comment"],
    /// Logins; never their passwords.
    Secrets = SecretPrint [".id", "name", "service", "profile", "caller-id", "local-address", "remote-address", "remote-ipv6-prefix", "routes", "ipv6-routes", "disabled", "comment"],
    /// Live tunnels.
    Tunnels = ActivePrint [".id", "name", "service", "caller-id", "address", "uptime", "session-id", "radius"],
    /// Whether RADIUS is asked.
    Aaa = AaaPrint ["use-radius", "accounting"],
    /// Which RADIUS servers; never their secrets.
    Radius = RadiusPrint [".id", "service", "address", "disabled", "comment"],
    /// The L2TP server; never its pre-shared key.
    L2tpServer = L2tpSettingsPrint ["enabled", "default-profile", "authentication", "use-ipsec", "caller-id-type", "keepalive-timeout", "one-session-per-host"],
    /// The PPTP server.
    PptpServer = PptpSettingsPrint ["enabled", "default-profile", "authentication", "keepalive-timeout"],
    /// The SSTP server.
    SstpServer = SstpSettingsPrint ["enabled", "default-profile", "authentication", "certificate", "port", "keepalive-timeout"],
    /// OpenVPN servers: one record before 7.17, a list since; all properties, for that reason.
    OvpnServers = OvpnSettingsPrint [],
    /// PPPoE servers.
    PppoeServers = PppoeServersPrint [".id", "service-name", "interface", "default-profile", "disabled"],
    /// L2TP: static bindings, and a row for each live tunnel.
    L2tpBindings = L2tpBindingPrint [".id", "name", "user", "dynamic", "disabled", "running"],
    /// PPTP: the same.
    PptpBindings = PptpBindingPrint [".id", "name", "user", "dynamic", "disabled", "running"],
    /// SSTP: the same.
    SstpBindings = SstpBindingPrint [".id", "name", "user", "dynamic", "disabled", "running"],
    /// OpenVPN: the same.
    OvpnBindings = OvpnBindingPrint [".id", "name", "user", "dynamic", "disabled", "running"],
    /// PPPoE: the same.
    PppoeBindings = PppoeBindingPrint [".id", "name", "user", "dynamic", "disabled", "running"],
    /// L2TP connections that the router dials itself; never their passwords.
    L2tpClients = L2tpClientPrint [".id", "name", "connect-to", "profile", "disabled", "running"],
    /// PPTP, likewise.
    PptpClients = PptpClientPrint [".id", "name", "connect-to", "profile", "disabled", "running"],
    /// SSTP, likewise.
    SstpClients = SstpClientPrint [".id", "name", "connect-to", "profile", "disabled", "running"],
    /// OpenVPN, likewise.
    OvpnClients = OvpnClientPrint [".id", "name", "connect-to", "profile", "disabled", "running"],
    /// PPPoE, likewise: often the way to the internet.
    PppoeClients = PppoeClientPrint [".id", "name", "interface", "profile", "disabled", "running"],
    /// Modems, likewise.
    PppClients = PppClientPrint [".id", "name", "profile", "disabled", "running"],
    /// Hotspots.
    Hotspots = HotspotPrint [".id", "name", "interface", "disabled"],
    /// Pools of addresses.
    Pools = PoolPrint [".id", "name", "ranges", "next-pool"],
    /// The router's own addresses.
    Addresses = AddressPrint [".id", "address", "interface", "disabled", "dynamic"],
    /// Routes.
    Routes = RoutePrint [".id", "dst-address", "gateway", "disabled", "dynamic", "active"],
    /// Filter rules; all properties: what is not known of a rule must not be taken for absent.
    Filter = FilterPrint [],
    /// Filter rules of IPv6, likewise.
    Filter6 = Filter6Print [],
    /// Mangle rules: FastTrack can stand there too.
    Mangle = ManglePrint [],
    /// Mangle rules of IPv6.
    Mangle6 = Mangle6Print [],
    /// Raw rules: they come before connection tracking, and can take packets out of it.
    Raw = RawPrint [],
    /// Raw rules of IPv6.
    Raw6 = Raw6Print [],
    /// The gate's own address lists.
    AddressLists = ListPrint [".id", "list", "address", "timeout", "dynamic", "disabled", "comment"],
    /// The same of IPv6.
    AddressLists6 = List6Print [".id", "list", "address", "timeout", "dynamic", "disabled", "comment"],
    /// WireGuard: another door; never its keys.
    Wireguard = WireguardPrint [".id", "name", "listen-port", "disabled"],
    /// Its peers.
    WireguardPeers = WireguardPeerPrint [".id", "interface", "disabled", "comment"],
    /// IPsec logins: IKEv2 is another door; never their secrets.
    IpsecIdentities = IpsecIdentityPrint [".id", "peer", "auth-method", "mode-config", "dynamic", "disabled"],
    /// IPsec peers.
    IpsecPeers = IpsecPeerPrint [".id", "name", "address", "exchange-mode", "passive", "dynamic", "disabled"],
    /// What runs by the clock.
    Schedulers = SchedulerPrint [".id", "name", "interval", "on-event", "policy", "disabled", "comment"],
    /// Scripts; not their text.
    Scripts = ScriptPrint [".id", "name", "comment"],
}

impl Section {
    /// Connections that the router dials itself.
    pub const CLIENTS: [Self; 6] = [
        Self::L2tpClients,
        Self::PptpClients,
        Self::SstpClients,
        Self::OvpnClients,
        Self::PppoeClients,
        Self::PppClients,
    ];

    /// VPN servers, PPPoE's among them.
    pub const SERVERS: [Self; 5] = [
        Self::L2tpServer,
        Self::PptpServer,
        Self::SstpServer,
        Self::OvpnServers,
        Self::PppoeServers,
    ];

    /// Static bindings of servers, among rows of live tunnels.
    pub const BINDINGS: [Self; 5] = [
        Self::L2tpBindings,
        Self::PptpBindings,
        Self::SstpBindings,
        Self::OvpnBindings,
        Self::PppoeBindings,
    ];

    /// The filter rules of a family.
    #[must_use]
    pub const fn filter(family: Family) -> Self {
        match family {
            Family::V4 => Self::Filter,
            Family::V6 => Self::Filter6,
        }
    }

    /// The mangle rules of a family.
    #[must_use]
    pub const fn mangle(family: Family) -> Self {
        match family {
            Family::V4 => Self::Mangle,
            Family::V6 => Self::Mangle6,
        }
    }

    /// The raw rules of a family.
    #[must_use]
    pub const fn raw(family: Family) -> Self {
        match family {
            Family::V4 => Self::Raw,
            Family::V6 => Self::Raw6,
        }
    }

    /// The address lists of a family.
    #[must_use]
    pub const fn address_lists(family: Family) -> Self {
        match family {
            Family::V4 => Self::AddressLists,
            Family::V6 => Self::AddressLists6,
        }
    }

    /// The property that names a PPP profile, and what kind of thing refers to it.
    #[must_use]
    pub const fn refers_to_a_profile(self) -> Option<(&'static str, ProfileUser)> {
        match self {
            Self::Secrets => Some(("profile", ProfileUser::Secret)),
            Self::L2tpServer | Self::PptpServer | Self::SstpServer | Self::OvpnServers => {
                Some(("default-profile", ProfileUser::Server))
            }
            Self::PppoeServers => Some(("default-profile", ProfileUser::PppoeServer)),
            Self::L2tpClients
            | Self::PptpClients
            | Self::SstpClients
            | Self::OvpnClients
            | Self::PppoeClients
            | Self::PppClients => Some(("profile", ProfileUser::Client)),
            _ => None,
        }
    }

    pub(super) fn sentence(self, names: &GateNames) -> Sentence {
        let sentence = Sentence::new(self.path()).only(self.properties());
        match self {
            Self::AddressLists | Self::AddressLists6 => sentence.one_of(
                "list",
                [
                    &*names.permit,
                    &names.ban,
                    &names.reach,
                    &names.emergency,
                    &names.alive,
                ],
            ),
            _ => sentence,
        }
    }
}
