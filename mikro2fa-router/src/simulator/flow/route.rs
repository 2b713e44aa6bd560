//! Which way a packet goes: from which interface to which, and which chain judges it.

use std::net::{IpAddr, Ipv6Addr};

use super::{
    super::{menu::MenuId, state::State, table::Row},
    Endpoint, Flow, Passage,
};
use crate::firewall::{AddressSet, Hook};

/// What the router's own addresses say: there may be ten thousand tunnels' beside them, so they are kept apart.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    own: Vec<IpAddr>,
    connected: Vec<(AddressSet, String)>,
}

impl Networks {
    /// Reads `/ip/address`.
    pub(crate) fn of<'r>(rows: impl Iterator<Item = &'r Row>) -> Self {
        let mut networks = Self::default();
        for row in rows.filter(|row| !row.dynamic && !row.is("disabled")) {
            let address = row.text("address");
            networks.own.extend(
                address
                    .split('/')
                    .next()
                    .and_then(|own| own.parse::<IpAddr>().ok()),
            );
            networks.connected.extend(
                address
                    .parse()
                    .ok()
                    .map(|set| (set, row.text("interface").to_owned())),
            );
        }
        networks
    }

    /// Is it one of the router's own addresses?
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains(&address)
    }

    /// The interface whose network holds an address.
    pub(crate) fn interface_of(&self, address: IpAddr) -> Option<&str> {
        let mut connected = self.connected.iter();
        let found = connected.find(|(set, _)| set.contains(address));
        found.map(|(_, interface)| interface.as_str())
    }
}

/// Why a packet never comes to the rules.
pub(super) struct NoWay(pub(super) &'static str);

/// A flow with everything that the rules ask about.
pub(super) struct Route {
    pub(super) hook: Hook,
    pub(super) in_interface: Option<String>,
    pub(super) out_interface: Option<String>,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
}

impl State {
    /// `rp-filter`: a packet whose source is not reached through the interface that it came by.
    pub(super) fn reverse_path(&self, route: &Route) -> Option<Passage> {
        let strict = self
            .only(MenuId::Settings)
            .is_some_and(|row| row.text("rp-filter") == "strict");
        let came_by = route
            .in_interface
            .as_deref()
            .filter(|_| strict && route.source.is_ipv4())?;
        let way_back = self.interface_towards(route.source);
        (way_back != came_by).then(|| {
            Passage::dropped(format!(
                "rp-filter is strict and {} is behind {way_back}",
                route.source
            ))
        })
    }

    pub(super) fn route(&self, flow: &Flow) -> Result<Route, NoWay> {
        let ends = [&flow.from, &flow.to].map(|end| match end {
            Endpoint::Host(address) | Endpoint::HostBehind(address, _) => Some(*address),
            _ => None,
        });
        let said = [flow.source, flow.destination].into_iter().chain(ends);
        let ipv6 = said.flatten().any(|address| address.is_ipv6());
        let (in_interface, own) = self.locate(&flow.from, ipv6)?;
        let (out_interface, to) = self.locate(&flow.to, ipv6)?;
        let destination = flow.destination.or(to);
        let source = flow
            .source
            .or(own)
            .or_else(|| self.own_address(destination?.is_ipv6()));
        let destination = destination.or_else(|| self.own_address(source?.is_ipv6()));
        let (Some(source), Some(destination)) = (source, destination) else {
            return Err(NoWay("one of the two has no address"));
        };
        if source.is_ipv4() != destination.is_ipv4() {
            return Err(NoWay("source and destination are of different families"));
        }
        let to_router = flow.to == Endpoint::Router || self.is_own(destination);
        let hook = match flow.from {
            Endpoint::Router => Hook::Output,
            _ if to_router => Hook::Input,
            _ => Hook::Forward,
        };
        let out_interface = if hook == Hook::Input {
            None
        } else {
            out_interface
        };
        Ok(Route {
            hook,
            in_interface,
            out_interface,
            source,
            destination,
        })
    }

    /// The interface that an endpoint is behind, and its address.
    fn locate(
        &self,
        endpoint: &Endpoint,
        ipv6: bool,
    ) -> Result<(Option<String>, Option<IpAddr>), NoWay> {
        match endpoint {
            Endpoint::Router => Ok((None, None)),
            Endpoint::Host(address) => Ok((
                Some(self.interface_towards(*address).to_owned()),
                Some(*address),
            )),
            Endpoint::HostBehind(address, interface) => {
                Ok((Some(interface.clone()), Some(*address)))
            }
            Endpoint::Tunnel(id) => {
                let tunnel = self.tunnels.get(*id).ok_or(NoWay("the tunnel is not up"))?;
                // A client with a prefix of its own has its first address.
                let mut prefixes = tunnel.behind.iter().filter(|set| !set.is_ipv4());
                let address = if ipv6 {
                    prefixes.next().map(AddressSet::first)
                } else {
                    tunnel.address.map(IpAddr::V4)
                };
                Ok((Some(tunnel.interface.clone()), address))
            }
        }
    }

    /// The interface behind which an address is: a tunnel's, one whose network holds it, else the way to the internet.
    fn interface_towards(&self, address: IpAddr) -> &str {
        if let Some(tunnel) = self.tunnels.with_address(address) {
            return &tunnel.interface;
        }
        if let Some(tunnel) = self.tunnels.leading_to(address) {
            return &tunnel.interface;
        }
        self.networks().interface_of(address).unwrap_or("ether1")
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.own_addresses().any(|own| own == address)
    }

    /// The router's own addresses; a tunnel's row repeats its profile's.
    fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let profiles = self.table(MenuId::Profile).iter();
        let profiles = profiles.filter_map(|row| row.text("local-address").parse().ok());
        self.networks().own.iter().copied().chain(profiles)
    }

    fn own_address(&self, ipv6: bool) -> Option<IpAddr> {
        if ipv6 {
            Some(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into())
        } else {
            self.own_addresses().find(IpAddr::is_ipv4)
        }
    }
}
