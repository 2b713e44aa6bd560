//! What follows a cut, or a rule that was switched off: connections that the router still tracks, records that a User Manager
//! still takes for live. Tried a few times and then let be: nothing depends on it, but that a tunnel whose connections cannot be
//! forgotten is cut instead.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::Keeper;
use crate::{
    desk::SourceKind,
    enforcement::{Cut, Mirror, Wanted},
    router_backend::{Command, Prefix},
    tunnel::{Text, Tunnel, TunnelKey},
};

/// How often it is tried where the outcome is not known.
const TRIES: u8 = 3;

/// What is to be cleaned up.
#[derive(Debug, Default)]
pub(super) struct CleanUp {
    waiting: Vec<Command>,
    tried: BTreeMap<Text, u8>,
    /// Tunnels to be cut, because their connections cannot be forgotten.
    instead: BTreeSet<TunnelKey>,
}

impl CleanUp {
    pub(super) fn add(&mut self, command: Command) {
        if !self.waiting.contains(&command) {
            self.waiting.push(command);
        }
    }

    /// What is waiting. It is forgotten with that.
    pub(super) fn take(&mut self) -> Vec<Command> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            self.tried.clear();
        }
        waiting
    }

    /// Such a command may not have been done.
    pub(super) fn again(&mut self, command: &Command) {
        if !matches!(
            command,
            Command::ForgetConnections { .. }
                | Command::CloseSessions { .. }
                | Command::SetRule { enabled: false, .. }
        ) {
            return;
        }
        let tries = self.tried.entry(format!("{command:?}").into()).or_default();
        *tries += 1;
        if *tries < TRIES {
            self.add(command.clone());
        }
    }

    /// This tunnel is to be cut, as long as nothing lets it through.
    pub(super) fn cut(&mut self, key: &TunnelKey) {
        self.instead.insert(key.clone());
    }

    /// Tunnels that are to be cut instead, as long as nothing lets them through.
    pub(super) fn add_cuts(&mut self, mirror: &Mirror, wanted: &mut Wanted) {
        self.instead.retain(|key| mirror.tunnels.contains_key(key));
        let tunnels = self
            .instead
            .iter()
            .filter_map(|key| mirror.tunnels.get(key));
        let permitted = |tunnel: &Tunnel| {
            let address = tunnel.addresses.v4.map(|ip| Prefix::host(ip.into()));
            address.is_some_and(|address| wanted.permits.contains_key(&address))
        };
        let cuts: Vec<&Arc<Tunnel>> = tunnels.filter(|tunnel| !permitted(tunnel)).collect();
        wanted.cut.extend(cuts.into_iter().map(|tunnel| {
            let account = Arc::clone(&tunnel.account);
            (tunnel.key.clone(), Cut { account })
        }));
    }
}

impl Keeper {
    /// What a command that was done leaves behind. The gate by address list needs none of it: it takes the next packet of any
    /// connection.
    pub(super) fn clean_up_after(&mut self, command: &Command) {
        match command {
            Command::CutTunnel { key, account } => {
                let tunnel = self.mirror.tunnels.get(key);
                let Some(address) = tunnel.and_then(|tunnel| tunnel.addresses.v4) else {
                    return;
                };
                let address = IpAddr::V4(address);
                let gates = &self.desk.router().gates;
                if !gates.address_list || !gates.rules.is_empty() {
                    self.clean_up.add(Command::ForgetConnections { address });
                }
                let known = self.desk.account_named(account);
                let kind = known.and_then(|account| self.desk.source_kind(account));
                if kind == Some(SourceKind::UserManager) {
                    let account = Arc::clone(account);
                    self.clean_up
                        .add(Command::CloseSessions { account, address });
                }
            }
            Command::SetRule {
                comment,
                enabled: false,
                ..
            } => {
                let addresses: Vec<IpAddr> = self
                    .tunnels_of_rule(comment)
                    .filter_map(|tunnel| tunnel.addresses.v4)
                    .map(IpAddr::V4)
                    .collect();
                for address in addresses {
                    self.clean_up.add(Command::ForgetConnections { address });
                }
            }
            _ => {}
        }
    }

    /// Connections of an address cannot be forgotten, because they are too many or the router does not let us: where a rule was
    /// switched off for the tunnel, it is cut.
    pub(super) fn cut_instead(&mut self, address: IpAddr) {
        let its = |tunnel: &&Arc<Tunnel>| tunnel.addresses.v4.map(IpAddr::V4) == Some(address);
        let keys: Vec<TunnelKey> = self
            .mirror
            .tunnels
            .values()
            .filter(its)
            .map(|tunnel| tunnel.key.clone())
            .collect();
        self.clean_up.instead.extend(keys);
    }
}
