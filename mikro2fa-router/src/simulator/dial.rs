//! VPN clients, and whom the router lets in.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{
    event::Happening,
    menu::MenuId,
    state::State,
    timer::Timer,
    tunnel::{Ending, TunnelId},
    user_manager::Attributes,
    version::OnlyOne,
};
use crate::firewall::AddressSet;

/// A kind of VPN server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Service {
    /// L2TP, here over IPsec.
    #[default]
    L2tp,
    /// PPTP
    Pptp,
    /// SSTP
    Sstp,
    /// OpenVPN
    Ovpn,
    /// PPPoE
    Pppoe,
}

impl Service {
    /// RouterOS's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L2tp => "l2tp",
            Self::Pptp => "pptp",
            Self::Sstp => "sstp",
            Self::Ovpn => "ovpn",
            Self::Pppoe => "pppoe",
        }
    }

    /// Where its live sessions are shown.
    pub(crate) const fn menu(self) -> MenuId {
        match self {
            Self::L2tp => MenuId::L2tpServer,
            Self::Pptp => MenuId::PptpServer,
            Self::Sstp => MenuId::SstpServer,
            Self::Ovpn => MenuId::OvpnServer,
            Self::Pppoe => MenuId::PppoeServer,
        }
    }

    /// What its sessions say of their encryption.
    pub(crate) const fn encoding(self) -> &'static str {
        match self {
            Self::L2tp => "cbc(aes) + hmac(sha1)",
            Self::Pptp => "MPPE128 stateless",
            Self::Sstp => "AES256-CBC",
            Self::Ovpn => "AES256-CBC/SHA1",
            Self::Pppoe => "",
        }
    }
}

/// A VPN client's attempt to dial in.
#[derive(Clone, PartialEq, Eq)]
pub struct Dial {
    /// The login.
    pub account: String,
    /// Its password.
    pub password: String,
    /// The kind of VPN.
    pub service: Service,
    /// Where from: an IP address, or for PPPoE a MAC address.
    pub caller_id: String,
    /// How soon the client dials again by itself after it was cut or turned away by the router; `None` = never.
    pub redials_after: Option<Duration>,
}

impl Dial {
    /// A client that dials by L2TP from 203.0.113.7.
    #[must_use]
    pub fn new(account: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            password: password.into(),
            service: Service::L2tp,
            caller_id: "203.0.113.7".to_owned(),
            redials_after: None,
        }
    }

    /// The same client, from somewhere else.
    #[must_use]
    pub fn from(mut self, caller_id: impl Into<String>) -> Self {
        self.caller_id = caller_id.into();
        self
    }

    /// The same client, one that dials again so soon after it was cut, as those of phones and computers do, until it hangs up
    /// itself or [`Simulator::give_up`](super::Simulator::give_up) ends it.
    #[must_use]
    pub const fn redialling(mut self, after: Duration) -> Self {
        self.redials_after = Some(after);
        self
    }

    /// The same client, by another kind of VPN.
    #[must_use]
    pub const fn by(mut self, service: Service) -> Self {
        self.service = service;
        self
    }
}

/// The password stays out.
impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Dial({} by {} from {})",
            self.account,
            self.service.name(),
            self.caller_id
        )
    }
}

/// Why a client was turned away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialRefused {
    /// The server for this kind of VPN is not enabled.
    #[error("the VPN server is not enabled on the router")]
    ServerDisabled,
    /// No such account.
    #[error("there is no such account on the router")]
    UnknownAccount,
    /// A wrong password.
    #[error("the password is wrong")]
    WrongPassword,
    /// The account is disabled.
    #[error("the account is disabled on the router")]
    Disabled,
    /// The account is for another kind of VPN.
    #[error("the account is not for this kind of VPN")]
    WrongService,
    /// The account may be used from elsewhere only.
    #[error("the account may not be used from this caller")]
    WrongCaller,
    /// The account's profile does not exist.
    #[error("the account's profile is not there")]
    NoProfile,
    /// The account is connected already and its profile says `only-one`.
    #[error("the account is connected already")]
    AlreadyConnected,
    /// No address is left.
    #[error("no address is left in the pool")]
    NoAddress,
    /// RADIUS was asked, and nobody answered: no server is named, it does not know this router, or their secrets differ.
    #[error("the RADIUS server did not answer")]
    RadiusTimeout,
    /// The account has as many sessions as the User Manager lets it have, ghosts included.
    #[error("the account has as many sessions as it may have")]
    TooManySessions,
    /// The User Manager wants an active profile for the account, and there is none.
    #[error("no profile is active for the account")]
    NoUserProfile,
}

/// What a client that is let in gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Granted {
    pub(crate) profile: String,
    /// An address or the name of a pool, of its own.
    pub(crate) address: Option<String>,
    /// Networks that are behind its client.
    pub(crate) behind: Vec<AddressSet>,
    /// What the User Manager said, if it was that which let it in.
    pub(crate) radius: Option<Attributes>,
}

/// The destinations of routes, `10.9.0.0/24 10.8.0.4 1` each; what is none is left out.
pub(crate) fn networks<'r>(routes: impl Iterator<Item = &'r str>) -> Vec<AddressSet> {
    let destinations = routes.filter_map(|route| route.split_whitespace().next());
    destinations.filter_map(|it| it.parse().ok()).collect()
}

impl State {
    /// A client dials again, and goes on trying.
    pub(crate) fn redial(&mut self, dial: Dial) {
        let turned_away = self.dial(&dial).is_err();
        if turned_away {
            self.plan_redial(dial);
        }
    }

    /// A client that redials will do so, a moment later.
    pub(crate) fn plan_redial(&mut self, dial: Dial) {
        if let Some(after) = dial.redials_after {
            // Never at once, or a client that is turned away would try for ever within the same moment.
            self.schedule(after.max(Duration::from_millis(1)), Timer::Redial(dial));
        }
    }

    /// A client dials in.
    pub(crate) fn dial(&mut self, dial: &Dial) -> Result<TunnelId, DialRefused> {
        let accepted = self.admit(dial);
        match accepted {
            Ok(tunnel) => {
                let address = self
                    .tunnels
                    .get(tunnel)
                    .and_then(|tunnel| tunnel.address)
                    .map(IpAddr::V4);
                self.events.push(
                    self.now,
                    Happening::Dialled {
                        account: dial.account.clone(),
                        address,
                    },
                );
            }
            Err(reason) => {
                self.log(
                    "l2tp,ppp,error",
                    format!("user {} authentication failed", dial.account),
                );
                self.events.push(
                    self.now,
                    Happening::DialRefused {
                        account: dial.account.clone(),
                        reason,
                    },
                );
            }
        }
        self.changes += 1;
        accepted
    }

    fn admit(&mut self, dial: &Dial) -> Result<TunnelId, DialRefused> {
        if !self.server_enabled(dial.service) {
            return Err(DialRefused::ServerDisabled);
        }
        let granted = match self.ask_secrets(dial) {
            Some(answer) => answer?,
            None => self.ask_radius(dial)?,
        };
        // `only-one` is ignored with RADIUS.
        if granted.radius.is_none() {
            self.make_room(&dial.account, &granted.profile)?;
        }
        let (address, pool) = self.take_address(&granted)?;
        Ok(self.bring_up(dial, granted, address, pool))
    }

    /// What the router's own secrets say; `None` = RADIUS is asked.
    fn ask_secrets(&self, dial: &Dial) -> Option<Result<Granted, DialRefused>> {
        let radius = self
            .only(MenuId::Aaa)
            .is_some_and(|row| row.is("use-radius"));
        let Some(secret) = self.table(MenuId::Secret).named(&dial.account) else {
            return (!radius).then_some(Err(DialRefused::UnknownAccount));
        };
        if secret.is("disabled") && radius && self.quirks.disabled_secret_asks_radius {
            return None;
        }
        let allowed_service = matches!(secret.text("service"), service if service == "any" || service == dial.service.name());
        let allowed_caller =
            secret.text("caller-id").is_empty() || secret.text("caller-id") == dial.caller_id;
        let refused = if secret.bytes("password").unwrap_or_default() != dial.password.as_bytes() {
            Some(DialRefused::WrongPassword)
        } else if secret.is("disabled") {
            Some(DialRefused::Disabled)
        } else if !allowed_service {
            Some(DialRefused::WrongService)
        } else if !allowed_caller {
            Some(DialRefused::WrongCaller)
        } else {
            None
        };
        let own = secret.text("remote-address");
        // Its own prefix before what is routed through it: the first has its own address.
        let behind = ["routes", "remote-ipv6-prefix", "ipv6-routes"];
        let behind = behind.map(|name| networks(secret.text(name).split(',')));
        Some(refused.map_or_else(
            || {
                Ok(Granted {
                    profile: secret.text("profile").to_owned(),
                    address: (!own.is_empty()).then(|| own.to_owned()),
                    behind: behind.concat(),
                    radius: None,
                })
            },
            Err,
        ))
    }

    /// The profile of clients that no secret names.
    pub(crate) fn default_profile(&self, service: Service) -> String {
        let menu = match service {
            Service::L2tp => MenuId::L2tpSettings,
            Service::Pptp => MenuId::PptpSettings,
            Service::Sstp => MenuId::SstpSettings,
            Service::Ovpn if MenuId::OvpnServers.menu().exists_in(self.version) => {
                MenuId::OvpnServers
            }
            Service::Ovpn => MenuId::OvpnSettings,
            Service::Pppoe => MenuId::PppoeServers,
        };
        let named = self.only(menu).map(|row| row.text("default-profile"));
        named.unwrap_or("default").to_owned()
    }

    fn server_enabled(&self, service: Service) -> bool {
        let setting = |menu| self.only(menu).is_some_and(|row| row.is("enabled"));
        let any_row = |menu| self.table(menu).iter().any(|row| !row.is("disabled"));
        match service {
            Service::L2tp => setting(MenuId::L2tpSettings),
            Service::Pptp => setting(MenuId::PptpSettings),
            Service::Sstp => setting(MenuId::SstpSettings),
            Service::Ovpn if MenuId::OvpnServers.menu().exists_in(self.version) => {
                any_row(MenuId::OvpnServers)
            }
            Service::Ovpn => setting(MenuId::OvpnSettings),
            Service::Pppoe => any_row(MenuId::PppoeServers),
        }
    }

    /// Obeys `only-one`.
    fn make_room(&mut self, account: &str, profile: &str) -> Result<(), DialRefused> {
        let profile = self
            .table(MenuId::Profile)
            .named(profile)
            .ok_or(DialRefused::NoProfile)?;
        if profile.text("only-one") != "yes" {
            return Ok(());
        }
        let others = self.tunnels.of_account(account);
        match self.quirks.only_one {
            OnlyOne::RefusesNew if !others.is_empty() => return Err(DialRefused::AlreadyConnected),
            OnlyOne::RefusesNew => {}
            OnlyOne::CutsOld => others
                .into_iter()
                .for_each(|tunnel| self.end_tunnel(tunnel, Ending::NasRequest)),
        }
        Ok(())
    }

    /// The account's own address, else the profile's, each an address or a pool.
    fn take_address(
        &mut self,
        granted: &Granted,
    ) -> Result<(Ipv4Addr, Option<String>), DialRefused> {
        let profile = self
            .table(MenuId::Profile)
            .named(&granted.profile)
            .ok_or(DialRefused::NoProfile)?;
        let wanted = granted.address.clone();
        let wanted = wanted.unwrap_or_else(|| profile.text("remote-address").to_owned());
        if let Ok(fixed) = wanted.parse() {
            return Ok((fixed, None));
        }
        let ranges = self
            .table(MenuId::Pool)
            .named(&wanted)
            .map(|row| row.text("ranges").to_owned());
        let ranges = ranges.ok_or(DialRefused::NoAddress)?;
        let address = self
            .pools
            .take(&wanted, &ranges, self.quirks.pool_reuse)
            .ok_or(DialRefused::NoAddress)?;
        Ok((address, Some(wanted)))
    }
}
