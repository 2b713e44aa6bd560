//! The dead man's switch. What a lease cannot take back, because it lies on the router's flash, the router switches off by itself
//! when it has not heard of mikro2fa for a lease: bound rules, and logins that were handed over.
//!
//! Every minute a scheduler's script looks at the alive list, whose entry mikro2fa renews at half of its time-out. Where the gate's
//! jump is there and disabled the router is only watched, and the script does nothing.

use std::collections::BTreeSet;

use mikro2fa_core::{
    desk::{Desk, RouterDesk, SourceKind},
    tunnel::Text,
};

use super::{GateNames, SWITCH, Way};
use crate::{console, text};

/// What the switch switches off.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Guarded {
    /// Rules, by their whole comments.
    pub rules: BTreeSet<Text>,
    /// PPP secrets, by name.
    pub secrets: BTreeSet<Text>,
    /// Users of the User Manager on the router, by name.
    pub users: BTreeSet<Text>,
}

impl Guarded {
    /// The bound rules and handed-over logins of a router.
    #[must_use]
    pub fn of(desk: &RouterDesk) -> Self {
        let rules = desk.router.gates.rules.iter();
        let rules = rules.map(|rule| rule.comment.clone()).collect();
        let desk = Desk::new(desk.clone());
        let kept_in = |kind| {
            let accounts = desk.handed_over();
            let accounts = accounts.filter(|account| desk.source_kind(account) == Some(kind));
            accounts.map(|account| account.name.clone()).collect()
        };
        Self {
            rules,
            secrets: kept_in(SourceKind::PppSecrets),
            users: kept_in(SourceKind::UserManager),
        }
    }

    /// Is there nothing to switch off?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.secrets.is_empty() && self.users.is_empty()
    }

    /// Those that a script does not name, in words.
    #[must_use]
    pub fn missing_in(&self, script: &str) -> Vec<String> {
        let missing = |what: &'static str, names: &BTreeSet<Text>| {
            let names = names.iter().filter(|name| !script.contains(&quoted(name)));
            let shown = names.map(move |name| format!("{what} {name}"));
            shown.collect::<Vec<_>>()
        };
        [
            missing("rule", &self.rules),
            missing("login", &self.secrets),
            missing("user", &self.users),
        ]
        .concat()
    }
}

/// What the scheduler's row is for, in its comment.
pub const DEAD_MAN: &str = "dead man's switch";
/// How often the script looks.
pub const DEAD_MAN_EVERY: &str = "1m";
/// What it may do.
pub const DEAD_MAN_POLICY: &str = "read,write";

impl GateNames {
    /// What the scheduler's row is called: as the list that it looks at.
    #[must_use]
    pub fn dead_man(&self) -> &str {
        &self.alive
    }

    /// What it does. Nothing in it is newer than RouterOS 6.49; one thing that cannot be switched off keeps no other from being.
    #[must_use]
    pub fn dead_mans_script(&self, guarded: &Guarded, major: u16) -> String {
        let chain = Way::Forward.chain();
        let list = quoted(&self.alive);
        let switch = quoted(&self.comment_for(SWITCH));
        let mut script = format!(
            ":if (([:len [/ip firewall address-list find list={list} disabled=no]] = 0) && \
             ([:len [/ip firewall filter find chain={chain} action=jump comment={switch} disabled=yes]] = 0)) do={{\n"
        );
        let off = |menu: &str, what: &str| {
            format!(
                "{menu} set $i disabled=yes; :log warning \"mikro2fa is not heard of, {what} is switched off\""
            )
        };
        let mut parts = vec![
            (&guarded.rules, "/ip firewall filter", "comment", "a rule"),
            (&guarded.secrets, "/ppp secret", "name", "a login"),
        ];
        if major >= 7 {
            parts.push((&guarded.users, "/user-manager user", "name", "a user"));
        }
        for (names, menu, property, what) in parts {
            if names.is_empty() {
                continue;
            }
            let (names, off) = (listed(names), off(menu, what));
            script.push_str(&format!(
                ":foreach m in={names} do={{ :foreach i in=[{menu} find {property}=$m disabled=no] do={{ :do {{ {off} }} \
                 on-error={{}} }} }}\n"
            ));
        }
        if major < 7 && !guarded.users.is_empty() {
            // Builds call the property this or that, and a name that one lacks would make the whole script unreadable; in a row,
            // what is not there is nothing.
            let menu = "/tool user-manager user";
            let (names, off) = (listed(&guarded.users), off(menu, "a user"));
            script.push_str(&format!(
                ":foreach i in=[{menu} find disabled=no] do={{ :do {{ :local r [{menu} get $i]; :foreach m in={names} do={{ \
                 :if ((($r->\"username\") = $m) or (($r->\"name\") = $m)) do={{ {off} }} }} }} on-error={{}} }}\n"
            ));
        }
        script.push_str("}\n");
        script
    }
}

/// As a script's list.
fn listed(names: &BTreeSet<Text>) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("{{{}}}", names.join(";"))
}

fn quoted(name: &str) -> String {
    console::Quoted::new(text::encode(name)).to_string()
}
