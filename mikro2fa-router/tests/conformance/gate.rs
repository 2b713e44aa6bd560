//! What somebody does to a gate by hand.

use std::collections::BTreeMap;

use mikro2fa_core::conformance::router_backend::GateDamage;
use routeros_api::Command as ApiCommand;

use crate::bench::Bench;

type Row = BTreeMap<String, String>;

const FILTER: &str = "/ip/firewall/filter";
const FILTER6: &str = "/ipv6/firewall/filter";

fn is_gate_rule(row: &Row, purpose: &str) -> bool {
    let comment = row.get("comment").map_or("", String::as_str);
    comment == format!("mikro2fa gate: {purpose}")
}

impl Bench {
    /// Somebody does this to the gate by hand.
    pub(crate) async fn damage(&self, damage: GateDamage) {
        let jump = |row: &Row| row["chain"] == "forward" && row["action"] == "jump";
        let drop = |row: &Row| is_gate_rule(row, "not permitted, from");
        match damage {
            GateDamage::DisablesAJump => self.set_rule(FILTER, jump, ("disabled", "yes")).await,
            GateDamage::DisablesAllJumps => {
                for menu in [FILTER, FILTER6] {
                    let jump = |row: &Row| row["action"] == "jump";
                    self.set_rule(menu, jump, ("disabled", "yes")).await;
                }
            }
            GateDamage::RemovesAJump => self.change("remove", jump, None).await,
            GateDamage::MovesAJumpDown => {
                let last = |row: &Row| row["chain"] == "forward" && row["action"] == "drop";
                self.change("move", jump, self.id_of(last)).await;
            }
            GateDamage::DisablesADrop => self.set_rule(FILTER, drop, ("disabled", "yes")).await,
            GateDamage::RemovesADrop => self.change("remove", drop, None).await,
            GateDamage::NarrowsADrop => {
                let to = ("protocol", "udp");
                let drop = |row: &Row| is_gate_rule(row, "not permitted, to");
                self.set_rule(FILTER, drop, to).await;
            }
            GateDamage::TurnsTheChainOver => {
                let last = |row: &Row| {
                    row["chain"].starts_with("mikro2fa-forward") && row["action"] == "return"
                };
                let banned = |row: &Row| {
                    row["chain"].starts_with("mikro2fa-forward") && row["action"] == "drop"
                };
                let returns = self.sim().rows(FILTER).into_iter().rfind(last);
                let returns = returns.map(|row| row[".id"].clone());
                self.change(
                    "move",
                    move |row| Some(&row[".id"]) == returns.as_ref(),
                    self.id_of(banned),
                )
                .await;
            }
            GateDamage::RemovesACompanion => {
                let companion =
                    |row: &Row| is_gate_rule(row, "covered traffic is never fasttracked");
                self.change("remove", companion, None).await;
            }
            GateDamage::EmptiesTheCover => {
                self.set("/interface/list", "mikro2fa-covered", &[("include", "")])
                    .await;
            }
            GateDamage::RepointsAServer => {
                let set = ApiCommand::new("/interface/l2tp-server/server/set");
                self.administer(set.attribute("default-profile", "default"))
                    .await;
            }
            GateDamage::ClearsTheHandOver => {
                let empty = [("on-up", ""), ("on-down", "")];
                self.set("/ppp/profile", "mikro2fa-vpn", &empty).await;
            }
        }
    }

    pub(crate) fn id_of(&self, is_it: impl Fn(&Row) -> bool) -> Option<String> {
        let rows = self.sim().rows(FILTER);
        let row = rows.into_iter().find(|row| is_it(row));
        row.map(|row| row[".id"].clone())
    }

    /// Of the first rule that there is; nothing, if there is none any more.
    async fn change(&self, verb: &str, is_it: impl Fn(&Row) -> bool, destination: Option<String>) {
        let Some(id) = self.id_of(is_it) else {
            return;
        };
        let change = ApiCommand::new(format!("{FILTER}/{verb}"));
        let change = if verb == "move" {
            change.attribute("numbers", id)
        } else {
            change.attribute(".id", id)
        };
        self.administer(match destination {
            Some(id) => change.attribute("destination", id),
            None => change,
        })
        .await;
    }

    async fn set_rule(&self, menu: &str, is_it: impl Fn(&Row) -> bool, (name, to): (&str, &str)) {
        let rows = self.sim().rows(menu);
        for row in rows.iter().filter(|row| is_it(row)) {
            let set = ApiCommand::new(format!("{menu}/set")).attribute(".id", &row[".id"]);
            self.administer(set.attribute(name, to)).await;
        }
    }

    async fn set(&self, menu: &str, name: &str, values: &[(&str, &str)]) {
        let rows = self.sim().rows(menu);
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let set = ApiCommand::new(format!("{menu}/set")).attribute(".id", &row[".id"]);
        let set = values
            .iter()
            .fold(set, |set, (name, to)| set.attribute(*name, *to));
        self.administer(set).await;
    }
}
