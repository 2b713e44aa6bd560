//! Every command that can be sent.

use std::fmt;

macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident = $path:literal,)*) => {
        /// Every command that this crate can send. There is no other way to name one, so this is the list to check
        /// against a router's command tree, or to judge a user group by.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Path {
            $($(#[$doc])* $name,)*
        }

        impl Path {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As the API writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)*
                }
            }
        }
    };
}

paths! {
    /// Name of the router.
    IdentityPrint = "/system/identity/print",
    /// Version, board, uptime.
    ResourcePrint = "/system/resource/print",
    /// What is installed.
    PackagePrint = "/system/package/print",
    /// Live tunnels.
    ActivePrint = "/ppp/active/print",
    /// Live tunnels as they come and go.
    ActiveListen = "/ppp/active/listen",
    /// Cuts a tunnel.
    ActiveRemove = "/ppp/active/remove",
    /// Logins.
    SecretPrint = "/ppp/secret/print",
    /// Changes a login: whether it may log in, its profile.
    SecretSet = "/ppp/secret/set",
    /// Makes a login.
    SecretAdd = "/ppp/secret/add",
    /// Takes a login away.
    SecretRemove = "/ppp/secret/remove",
    /// Firewall rules.
    FilterPrint = "/ip/firewall/filter/print",
    /// Enables or disables a rule.
    FilterSet = "/ip/firewall/filter/set",
    /// Shuts and opens the gate.
    Filter6Set = "/ipv6/firewall/filter/set",
    /// Permits and bans.
    ListPrint = "/ip/firewall/address-list/print",
    /// Makes one.
    ListAdd = "/ip/firewall/address-list/add",
    /// Lets some live on.
    ListSet = "/ip/firewall/address-list/set",
    /// Takes some away.
    ListRemove = "/ip/firewall/address-list/remove",
    /// Permits and bans of IPv6 prefixes.
    List6Print = "/ipv6/firewall/address-list/print",
    /// Makes one.
    List6Add = "/ipv6/firewall/address-list/add",
    /// Lets some live on.
    List6Set = "/ipv6/firewall/address-list/set",
    /// Takes some away.
    List6Remove = "/ipv6/firewall/address-list/remove",
    /// Tracked connections.
    ConnectionPrint = "/ip/firewall/connection/print",
    /// Forgets some.
    ConnectionRemove = "/ip/firewall/connection/remove",
    /// Tracked IPv6 connections.
    Connection6Print = "/ipv6/firewall/connection/print",
    /// Forgets some.
    Connection6Remove = "/ipv6/firewall/connection/remove",
    /// What the device mode allows.
    DeviceModePrint = "/system/device-mode/print",
    /// The router's clock.
    ClockPrint = "/system/clock/print",
    /// Settings of IPv4.
    IpSettingsPrint = "/ip/settings/print",
    /// The resolver.
    DnsPrint = "/ip/dns/print",
    /// Logins to the router itself.
    UserPrint = "/user/print",
    /// What they may do.
    GroupPrint = "/user/group/print",
    /// Who is logged in.
    UserActivePrint = "/user/active/print",
    /// Doors to the router itself.
    ServicePrint = "/ip/service/print",
    /// Certificates.
    CertificatePrint = "/certificate/print",
    /// Lists of interfaces.
    InterfaceListPrint = "/interface/list/print",
    /// Their members.
    MemberPrint = "/interface/list/member/print",
    /// Interfaces.
    InterfacePrint = "/interface/print",
    /// Profiles of logins.
    ProfilePrint = "/ppp/profile/print",
    /// Whether RADIUS is asked.
    AaaPrint = "/ppp/aaa/print",
    /// RADIUS servers.
    RadiusPrint = "/radius/print",
    /// The L2TP server.
    L2tpSettingsPrint = "/interface/l2tp-server/server/print",
    /// The PPTP server.
    PptpSettingsPrint = "/interface/pptp-server/server/print",
    /// The SSTP server.
    SstpSettingsPrint = "/interface/sstp-server/server/print",
    /// OpenVPN servers.
    OvpnSettingsPrint = "/interface/ovpn-server/server/print",
    /// PPPoE servers.
    PppoeServersPrint = "/interface/pppoe-server/server/print",
    /// Bindings of the L2TP server.
    L2tpBindingPrint = "/interface/l2tp-server/print",
    /// Bindings of the PPTP server.
    PptpBindingPrint = "/interface/pptp-server/print",
    /// Bindings of the SSTP server.
    SstpBindingPrint = "/interface/sstp-server/print",
    /// Bindings of OpenVPN servers.
    OvpnBindingPrint = "/interface/ovpn-server/print",
    /// Bindings of PPPoE servers.
    PppoeBindingPrint = "/interface/pppoe-server/print",
    /// Outgoing L2TP.
    L2tpClientPrint = "/interface/l2tp-client/print",
    /// Outgoing PPTP.
    PptpClientPrint = "/interface/pptp-client/print",
    /// Outgoing SSTP.
    SstpClientPrint = "/interface/sstp-client/print",
    /// Outgoing OpenVPN.
    OvpnClientPrint = "/interface/ovpn-client/print",
    /// Outgoing PPPoE.
    PppoeClientPrint = "/interface/pppoe-client/print",
    /// Outgoing PPP over a modem.
    PppClientPrint = "/interface/ppp-client/print",
    /// Hotspots.
    HotspotPrint = "/ip/hotspot/print",
    /// Pools of addresses.
    PoolPrint = "/ip/pool/print",
    /// The router's addresses.
    AddressPrint = "/ip/address/print",
    /// Routes.
    RoutePrint = "/ip/route/print",
    /// Firewall rules of IPv6.
    Filter6Print = "/ipv6/firewall/filter/print",
    /// Rules that mark packets.
    ManglePrint = "/ip/firewall/mangle/print",
    /// The same of IPv6.
    Mangle6Print = "/ipv6/firewall/mangle/print",
    /// WireGuard interfaces.
    WireguardPrint = "/interface/wireguard/print",
    /// WireGuard peers.
    WireguardPeerPrint = "/interface/wireguard/peers/print",
    /// IPsec logins.
    IpsecIdentityPrint = "/ip/ipsec/identity/print",
    /// IPsec peers.
    IpsecPeerPrint = "/ip/ipsec/peer/print",
    /// What runs by the clock.
    SchedulerPrint = "/system/scheduler/print",
    /// Has something run by the clock.
    SchedulerAdd = "/system/scheduler/add",
    /// Changes it.
    SchedulerSet = "/system/scheduler/set",
    /// Takes it away.
    SchedulerRemove = "/system/scheduler/remove",
    /// Scripts.
    ScriptPrint = "/system/script/print",
    /// Raw rules.
    RawPrint = "/ip/firewall/raw/print",
    /// Raw rules of IPv6.
    Raw6Print = "/ipv6/firewall/raw/print",
    /// Makes a group.
    GroupAdd = "/user/group/add",
    /// Changes a group.
    GroupSet = "/user/group/set",
    /// Takes a group away.
    GroupRemove = "/user/group/remove",
    /// Makes a login to the router itself.
    UserAdd = "/user/add",
    /// Changes it.
    UserSet = "/user/set",
    /// Takes it away.
    UserRemove = "/user/remove",
    /// Makes a list of interfaces.
    InterfaceListAdd = "/interface/list/add",
    /// Changes it.
    InterfaceListSet = "/interface/list/set",
    /// Changes a profile that prepare made.
    ProfileSet = "/ppp/profile/set",
    /// Makes a rule.
    FilterAdd = "/ip/firewall/filter/add",
    /// Takes it away.
    InterfaceListRemove = "/interface/list/remove",
    /// Puts an interface on a list.
    MemberAdd = "/interface/list/member/add",
    /// Takes it off.
    MemberRemove = "/interface/list/member/remove",
    /// Makes a profile.
    ProfileAdd = "/ppp/profile/add",
    /// Takes it away.
    ProfileRemove = "/ppp/profile/remove",
    /// Moves a rule.
    FilterMove = "/ip/firewall/filter/move",
    /// Takes a rule away.
    FilterRemove = "/ip/firewall/filter/remove",
    /// Makes an IPv6 rule.
    Filter6Add = "/ipv6/firewall/filter/add",
    /// Takes an IPv6 rule away.
    Filter6Remove = "/ipv6/firewall/filter/remove",
    /// Moves an IPv6 rule.
    Filter6Move = "/ipv6/firewall/filter/move",
    /// Makes a rule before a fasttrack rule.
    MangleAdd = "/ip/firewall/mangle/add",
    /// Takes it away.
    MangleRemove = "/ip/firewall/mangle/remove",
    /// The same of IPv6.
    Mangle6Add = "/ipv6/firewall/mangle/add",
    /// The same of IPv6.
    Mangle6Remove = "/ipv6/firewall/mangle/remove",
    /// Which profile the L2TP server gives.
    L2tpSettingsSet = "/interface/l2tp-server/server/set",
    /// The PPTP server.
    PptpSettingsSet = "/interface/pptp-server/server/set",
    /// The SSTP server.
    SstpSettingsSet = "/interface/sstp-server/server/set",
    /// OpenVPN servers.
    OvpnSettingsSet = "/interface/ovpn-server/server/set",
    /// PPPoE servers.
    PppoeServersSet = "/interface/pppoe-server/server/set",
    /// Makes the template of a certificate.
    CertificateAdd = "/certificate/add",
    /// Signs it.
    CertificateSign = "/certificate/sign",
    /// Takes a certificate away.
    CertificateRemove = "/certificate/remove",
    /// Who may come to a service of the router.
    ServiceSet = "/ip/service/set",
    /// Settings of IPv4.
    IpSettingsSet = "/ip/settings/set",
    /// Logins of the User Manager of version 7.
    UsersPrint = "/user-manager/user/print",
    /// Enables or disables one, or has it come up with another profile.
    UsersSet = "/user-manager/user/set",
    /// Makes one.
    UsersAdd = "/user-manager/user/add",
    /// Takes one away.
    UsersRemove = "/user-manager/user/remove",
    /// What its User Manager wants of logins.
    UserManagerPrint = "/user-manager/print",
    /// Which of its own profiles logins have.
    UserProfilesPrint = "/user-manager/user-profile/print",
    /// Gives one to a login.
    UserProfilesAdd = "/user-manager/user-profile/add",
    /// Its records of sessions.
    SessionsPrint = "/user-manager/session/print",
    /// Has it ask a session's router to end it.
    SessionsClose = "/user-manager/session/close-session",
    /// The routers that it serves.
    RoutersPrint = "/user-manager/router/print",
    /// Logins of the User Manager of version 6.
    Users6Print = "/tool/user-manager/user/print",
    /// Enables or disables one.
    Users6Set = "/tool/user-manager/user/set",
    /// Makes one.
    Users6Add = "/tool/user-manager/user/add",
    /// Takes one away.
    Users6Remove = "/tool/user-manager/user/remove",
    /// Gives one a profile of the User Manager.
    Users6Activate = "/tool/user-manager/user/create-and-activate-profile",
    /// Who manages them.
    Customers6Print = "/tool/user-manager/customer/print",
    /// Its records of sessions.
    Sessions6Print = "/tool/user-manager/session/print",
    /// Has it ask a session's router to end it.
    Sessions6Close = "/tool/user-manager/session/close-session",
    /// The routers that it serves.
    Routers6Print = "/tool/user-manager/router/print",
    /// Whether the router listens to its RADIUS server.
    RadiusIncomingPrint = "/radius/incoming/print",
    /// Live hotspot sessions.
    HotspotActivePrint = "/ip/hotspot/active/print",
    /// Ends one.
    HotspotActiveRemove = "/ip/hotspot/active/remove",
    /// By which hotspot clients come back.
    HotspotCookiePrint = "/ip/hotspot/cookie/print",
    /// Takes some away.
    HotspotCookieRemove = "/ip/hotspot/cookie/remove",
}

impl Path {
    /// The menu, without the command: `/ppp/active`.
    #[must_use]
    pub fn menu(self) -> &'static str {
        self.as_str().rsplit_once('/').map_or("", |(menu, _)| menu)
    }

    /// The command, without its menu: `print`.
    #[must_use]
    pub fn verb(self) -> &'static str {
        self.as_str().rsplit_once('/').map_or("", |(_, verb)| verb)
    }

    /// Does it only look?
    #[must_use]
    pub fn only_looks(self) -> bool {
        matches!(self.verb(), "print" | "listen")
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_menu_and_verb() {
        for path in Path::ALL {
            assert_eq!(format!("{}/{}", path.menu(), path.verb()), path.as_str());
        }
        assert!(Path::ActiveListen.only_looks() && !Path::ListAdd.only_looks());
    }
}
