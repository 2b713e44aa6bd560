//! Setting a router up.

use std::{io, net::Ipv4Addr};

use clap::{Args, ValueEnum};
use mikro2fa_core::tunnel::Text;
use mikro2fa_router::{
    gate::{Coverage, GateNames},
    prepare::{Choices, Plan, Subscribers, script},
};

use super::{
    super::{
        CliError,
        office::{Office, Plain},
    },
    set_up::{SetUpArguments, confirm},
};
use crate::desk::{Order, STAND_BACK, range};

/// What is done about PPPoE tunnels.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Pppoe {
    /// They are held like other tunnels.
    Cover,
    /// They are never held: subscribers of a provider.
    Exempt,
}

#[derive(Clone, Debug, Args)]
pub(in super::super) struct PrepareCommand {
    /// The router's name or id.
    router: String,
    /// Carries the plan out without asking.
    #[arg(long)]
    yes: bool,
    /// Prints the plan as a RouterOS script (.rsc), and does nothing.
    #[arg(long, conflicts_with = "yes")]
    print: bool,
    /// Builds the gate and leaves it open: nobody is held.
    #[arg(long)]
    observe: bool,
    /// An account that is never held: a link between sites, the way that you come by yourself. May be given more than once.
    #[arg(long, value_name = "ACCOUNT")]
    exempt: Vec<String>,
    /// An account that was exempt, and is held from now on.
    #[arg(long, value_name = "ACCOUNT")]
    cover_again: Vec<String>,
    /// Holds these accounts only, instead of every tunnel. Whoever comes up with another profile is not held.
    #[arg(long, value_name = "ACCOUNT")]
    only: Vec<String>,
    /// What is done about PPPoE tunnels; has to be said where a PPPoE server is enabled.
    #[arg(long)]
    pppoe: Option<Pppoe>,
    /// From which address mikro2fa comes, as the router sees it [default: from where this run does].
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Lets only that address come to the service that mikro2fa uses.
    #[arg(long)]
    restrict_service: bool,
    /// Has the router drop packets whose source cannot be where they come from (rp-filter=strict).
    #[arg(long)]
    strict_sources: bool,
    /// Gives each covered account a fixed address from this range.
    #[arg(long, value_name = "FIRST-LAST", value_parser = range)]
    fixed_addresses: Option<(Ipv4Addr, Ipv4Addr)>,
    /// Has the router call this address when a tunnel comes or goes: https://…/hook/ppp.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Has the router make a certificate for its API over TLS, pins that, and reaches the router so from then on.
    #[arg(long)]
    api_tls: bool,
    /// What a part of the gate is called, to take over what was made by hand: permit=vpn-ok. Parts: permit, ban, reach,
    /// emergency, alive (address lists), covered, exempt (interface lists), forward-chain, input-chain, profile, exempt-profile,
    /// user, group, comment. May be given more than once.
    #[arg(long, value_name = "PART=NAME", value_parser = part)]
    name: Vec<(String, String)>,
    #[command(flatten)]
    set_up: SetUpArguments,
}

/// `permit=vpn-ok`.
fn part(text: &str) -> Result<(String, String), String> {
    let (part, name) = text
        .split_once('=')
        .ok_or_else(|| "write it as PART=NAME".to_owned())?;
    let mut names = GateNames::default();
    if place(&mut names, part).is_none() {
        return Err(format!(
            "`{part}` is no part of the gate: see --help for what there is"
        ));
    }
    Ok((part.to_owned(), name.to_owned()))
}

/// The part of this name.
fn place<'a>(names: &'a mut GateNames, part: &str) -> Option<&'a mut String> {
    Some(match part {
        "permit" => &mut names.permit,
        "ban" => &mut names.ban,
        "reach" => &mut names.reach,
        "emergency" => &mut names.emergency,
        "alive" => &mut names.alive,
        "covered" => &mut names.covered,
        "exempt" => &mut names.exempt,
        "forward-chain" => &mut names.forward_chain,
        "input-chain" => &mut names.input_chain,
        "profile" => &mut names.profile,
        "exempt-profile" => &mut names.exempt_profile,
        "user" => &mut names.user,
        "group" => &mut names.group,
        "comment" => &mut names.comment,
        _ => return None,
    })
}

impl PrepareCommand {
    fn choose(&self, choices: &mut Choices) {
        let set = |names: &[String]| names.iter().map(|it| Text::from(it.as_str())).collect();
        for (part, name) in &self.name {
            if let Some(place) = place(&mut choices.names, part) {
                place.clone_from(name);
            }
        }
        choices.exempt = set(&self.exempt);
        choices.cover_again = set(&self.cover_again);
        choices.chosen = set(&self.only);
        if !self.only.is_empty() {
            choices.coverage = Coverage::Chosen;
        }
        choices.subscribers = match self.pppoe {
            None => Subscribers::Ask,
            Some(Pppoe::Cover) => Subscribers::Cover,
            Some(Pppoe::Exempt) => Subscribers::Exempt,
        };
        choices.login.from = self.from.as_deref().map(Text::from);
        choices.observe = self.observe;
        choices.restrict_service = self.restrict_service;
        choices.strict_sources = self.strict_sources;
        choices.fixed_addresses = self.fixed_addresses;
    }

    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, router) = office.at_router(&self.router).await?;
        let set_up = self.set_up.read()?;
        let mut order = Order::new(&router, &set_up);
        order.webhook_url = self.webhook.as_deref().map(Text::from);
        order.api_tls = self.api_tls;
        self.choose(&mut order.choices);
        let drawn = desk.draw_up(&router, &set_up, order).await?;
        if self.print {
            refused(&drawn.plan)?;
            return Ok(out.write_all(script::script(&drawn.plan).as_bytes())?);
        }
        let name = Plain(&router.name);
        writeln!(out, "{name} ({})", Plain(&drawn.router_says()))?;
        show(&drawn.plan, out)?;
        refused(&drawn.plan)?;
        let is_known = router.gates.address_list;
        if drawn.plan.is_done() && is_known {
            writeln!(out, "there is nothing to do: the router is prepared")?;
            return Ok(());
        }
        if !drawn.plan.steps.is_empty() && !confirm(self.yes, "Carry this out?")? {
            return Err(CliError::Failed("nothing was done".into()));
        }
        let desk = office.desk(); // it is later by now
        let observes = drawn.observes();
        let mut done = 0_usize;
        let (plan, _) = desk
            .carry_out(drawn, STAND_BACK, &mut |_| done += 1)
            .await?;
        writeln!(out, "done: {done} changes, each read back")?;
        for wait in &plan.waits {
            writeln!(out, "the gate is not shut yet: {}", Plain(wait))?;
        }
        if observes {
            writeln!(
                out,
                "the gate is built and open: nobody is held. To shut it: mikro2fa router mode {name} enforce"
            )?;
        } else if plan.waits.is_empty() {
            writeln!(
                out,
                "the gate is shut: who has not confirmed reaches nothing. To look at it: mikro2fa router check {name}"
            )?;
        }
        Ok(())
    }
}

/// What would be done, and what there is to know about it.
pub(super) fn show(plan: &Plan, out: &mut dyn io::Write) -> Result<(), CliError> {
    for warning in &plan.warnings {
        writeln!(out, "note: {}", Plain(warning))?;
    }
    for wait in &plan.waits {
        writeln!(out, "waits: {}", Plain(wait))?;
    }
    let mut last = "";
    for step in &plan.steps {
        if *step.why != *last {
            writeln!(out, "# {}", Plain(&step.why))?;
            last = &step.why;
        }
        writeln!(out, "{}", Plain(&script::shown(step)))?;
    }
    Ok(())
}

/// With any of these, nothing is done.
pub(super) fn refused(plan: &Plan) -> Result<(), CliError> {
    if plan.refusals.is_empty() {
        return Ok(());
    }
    let why = plan.refusals.join("; ");
    Err(CliError::Failed(format!(
        "nothing is done: {}",
        Plain(&why)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        assert_eq!(
            part("permit=vpn ok"),
            Ok(("permit".to_owned(), "vpn ok".to_owned()))
        );
        assert!(part("permit").is_err());
        assert!(part("premit=x").is_err());
    }

    #[test]
    fn every_name_of_the_gate_can_be_chosen() {
        let parts = [
            "permit",
            "ban",
            "reach",
            "emergency",
            "alive",
            "covered",
            "exempt",
            "forward-chain",
            "input-chain",
            "profile",
            "exempt-profile",
            "user",
            "group",
            "comment",
        ];
        let mut names = GateNames::default();
        for (number, part) in parts.iter().enumerate() {
            *place(&mut names, part).unwrap() = format!("own {number}");
        }
        for (what, name) in names.all() {
            assert!(name.starts_with("own "), "{what} is still {name}");
        }
    }
}
