//! Does somebody's way to this router lead through the gate? The hand that prepares must not be cut, nor anybody else who is
//! logged in, nor the resolver or mikro2fa's own webhook.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::Draft;
use crate::{
    firewall::AddressSet,
    gate::Coverage,
    survey::{Record, Section},
};

impl Draft<'_> {
    /// Whether the jumps can be enabled now.
    pub(super) fn hand(&mut self) -> bool {
        let mut needed: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
        let mut need = |address: &str, what: String| {
            // `10.0.0.1%interface` and `10.0.0.1:53` are addresses with more to them.
            let plain = address.split('%').next().unwrap_or(address);
            if let Ok(address) = plain.parse() {
                needed.entry(address).or_default().insert(what);
            }
        };
        for session in self.survey.rows(Section::Sessions) {
            let what = format!(
                "{} is logged in over {}",
                session.text("name"),
                session.text("via")
            );
            need(session.text("address"), what);
        }
        if let Some(from) = &self.choices.login.from {
            let host = from.split('/').next().unwrap_or(from);
            need(host, "mikro2fa comes from there".to_owned());
        }
        if let Some(dns) = self.survey.only(Section::Dns) {
            for server in dns.list("servers").chain(dns.list("dynamic-servers")) {
                need(server, "the router resolves names there".to_owned());
            }
        }
        if let Some(host) = self
            .choices
            .webhook
            .as_ref()
            .and_then(|it| host_of(&it.url))
        {
            need(host, "the webhook is called there".to_owned());
        }
        let mut may_switch_on = true;
        for (address, what) in needed {
            let Some(tunnel) = self.tunnel_to(address) else {
                continue;
            };
            let account = tunnel.text("name").to_owned();
            let what = what.into_iter().collect::<Vec<_>>().join("; ");
            if !self.is_safe(&account) {
                self.refuse(format!(
                    "{address} is reached through the tunnel of account `{account}` ({what}): that account would be held and the \
                     way cut; make it exempt first"
                ));
            } else if !self.is_on_the_exempt_list(&account) {
                may_switch_on = false;
                self.plan.waits.push(format!(
                    "{address} is reached through the tunnel of account `{account}` ({what}): it has to dial again, so that it \
                     comes up exempt; then run this again, and the jumps are enabled"
                ));
            }
        }
        self.exempt_tunnels();
        may_switch_on
    }

    /// Is this account's tunnel left alone, or will it be once it has dialled again?
    fn is_safe(&self, account: &str) -> bool {
        self.exempt.contains(account)
            || self.choices.coverage == Coverage::Chosen && !self.choices.chosen.contains(account)
    }

    /// Changing a profile changes no live tunnel: has it come up exempt?
    fn is_on_the_exempt_list(&self, account: &str) -> bool {
        if self.choices.coverage == Coverage::Chosen && !self.choices.chosen.contains(account) {
            return true;
        }
        let mut interfaces = self.interfaces_of(account).peekable();
        interfaces.peek().is_some()
            && interfaces.all(|interface| {
                let members = self.survey.rows(Section::InterfaceListMembers).iter();
                let mut listed = members.filter(|row| {
                    row.text("list") == self.choices.names.exempt && !row.is("disabled")
                });
                // A static binding is no dynamic interface, and covered only if it was put on the list.
                let fixed = self.is_static(interface);
                fixed || listed.any(|row| row.text("interface") == interface)
            })
    }

    fn is_static(&self, interface: &str) -> bool {
        let rows = Section::BINDINGS.iter();
        rows.flat_map(|section| self.survey.rows(*section))
            .any(|row| row.text("name") == interface && !row.is("dynamic"))
    }

    /// The interfaces of an account's tunnels.
    fn interfaces_of<'s>(&'s self, account: &'s str) -> impl Iterator<Item = &'s str> + 's {
        let rows = Section::BINDINGS.iter();
        rows.flat_map(|section| self.survey.rows(*section))
            .filter(move |row| row.text("user") == account)
            .map(|row| row.text("name"))
    }

    /// The live tunnel through which this address is reached, if it is one.
    fn tunnel_to(&self, address: IpAddr) -> Option<&Record> {
        let tunnels = self.survey.rows(Section::Tunnels);
        let of = |account: &str| tunnels.iter().find(|row| row.text("name") == account);
        let has = |row: &&Record, text: &str| row.text("address") == text;
        if let Some(tunnel) = tunnels.iter().find(|row| has(row, &address.to_string())) {
            return Some(tunnel);
        }
        // What a login brings along.
        for secret in self.survey.rows(Section::Secrets) {
            for property in ["routes", "ipv6-routes"] {
                let routes = secret.text(property).split(',');
                let mut networks = routes.filter_map(|route| route.split_whitespace().next());
                if networks.any(|network| contains(network, address))
                    && let Some(tunnel) = of(secret.text("name"))
                {
                    return Some(tunnel);
                }
            }
        }
        // The most particular route.
        let routes = self.survey.rows(Section::Routes).iter();
        let best = routes
            .filter(|row| !row.is("disabled") && contains(row.text("dst-address"), address))
            .max_by_key(|row| length(row.text("dst-address")))?;
        best.list("gateway").find_map(|gateway| {
            let (host, interface) = gateway.split_once('%').unwrap_or((gateway, gateway));
            let by_address = tunnels.iter().find(|row| has(row, host));
            by_address.or_else(|| {
                tunnels.iter().find(|row| {
                    self.interfaces_of(row.text("name"))
                        .any(|it| it == interface)
                })
            })
        })
    }

    /// Links that are exempt, and up since before they were.
    fn exempt_tunnels(&mut self) {
        let mut late = BTreeSet::new();
        for tunnel in self.survey.rows(Section::Tunnels) {
            let account = tunnel.text("name");
            if self.exempt.contains(account) && !self.is_on_the_exempt_list(account) {
                late.insert(account.to_owned());
            }
        }
        if !late.is_empty() {
            self.plan.warnings.push(format!(
                "exempt, and up since before that: {}. They are held until they dial again",
                late.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
    }
}

fn contains(network: &str, address: IpAddr) -> bool {
    network
        .parse::<AddressSet>()
        .is_ok_and(|set| set.contains(address))
}

/// How particular a network is; 0 = everything.
fn length(network: &str) -> u8 {
    let length = network.split_once('/').map(|(_, length)| length.parse());
    match length {
        Some(Ok(length)) => length,
        _ => 128,
    }
}

/// The host of an address that begins with `http`, if it is no name.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let host = rest.split('/').next()?;
    if let Some(six) = host.strip_prefix('[') {
        return six.split(']').next();
    }
    Some(host.split_once(':').map_or(host, |(host, _)| host))
}
