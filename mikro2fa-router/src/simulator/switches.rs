//! The switches of [`Quirks`] by name: for a command line, for a table, and for trying each of them.

use std::time::Duration;

use super::version::{ExcludedAddress, LoginRefusal, OnlyOne, PoolReuse, QueryBooleans, Quirks};

/// One position of a switch other than the one that it stands in by itself.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    /// What to call it.
    pub name: &'static str,
    /// What the router does then.
    pub about: &'static str,
    turn: fn(&mut Quirks),
}

impl Switch {
    /// The switch of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Quirks::SWITCHES
            .iter()
            .find(|switch| switch.name == name)
            .copied()
    }

    /// Puts it there.
    pub fn turn(&self, quirks: &mut Quirks) {
        (self.turn)(quirks);
    }
}

macro_rules! switches {
    ($($name:literal, $about:literal, $quirks:ident => $turn:expr;)*) => {
        impl Quirks {
            /// Every position that is not the one to start with, by name. What is not settled stands in `docs/SIMULATOR.md`, too.
            pub const SWITCHES: &[Switch] = &[$(Switch {
                name: $name,
                about: $about,
                turn: |$quirks| $turn,
            }),*];
        }
    };
}

switches! {
    "active-ids-new", "every session has an id in /ppp/active that none had before", q => q.active_ids_reused = false;
    "address-late", "a session has its row 200 ms before it has its address", q => q.address_after = Some(Duration::from_millis(200));
    "pool-oldest", "the pool gives out first what it has never given out, then what has been free the longest", q => q.pool_reuse = PoolReuse::Oldest;
    "only-one-refuses", "only-one=yes refuses the second login instead of cutting the first", q => q.only_one = OnlyOne::RefusesNew;
    "membership-late", "a profile's lists take effect 200 ms after the address", q => q.membership_after = Duration::from_millis(200);
    "hooks-late", "a profile's scripts run 500 ms after they are due", q => q.hooks_after = Duration::from_millis(500);
    "hooks-before-membership", "on-up runs before the profile's lists take effect", q => q.hooks_before_membership = true;
    "hooks-need-policy", "setting on-up and on-down needs the policy \"policy\"", q => q.hooks_need_policy = true;
    "removal-slow", "a removed session stays visible for 300 ms", q => q.removal_takes = Duration::from_millis(300);
    "going-is-gone", "the same, and removing it again answers \"no such item\"", q => {
        q.removal_takes = Duration::from_millis(300);
        q.going_is_gone = true;
    };
    "timeout-fixed", "the time-out of a dynamic list entry cannot be set", q => q.timeout_can_be_set = false;
    "profile-entries-stay", "list entries that a profile made cannot be removed by hand", q => q.profile_entries_removable = false;
    "bulk-all-or-nothing", "of a list of ids with a dead one in it nothing is done", q => q.bulk_stops_midway = false;
    "no-categories", "traps have no category", q => q.trap_categories = false;
    "v6-takes-true", "version 6 takes true and false where it wants yes and no", q => q.v6_takes_true = true;
    "query-true-false", "queries find booleans by true and false only", q => q.query_booleans = QueryBooleans::TrueFalse;
    "query-yes-no", "queries find booleans by yes and no only", q => q.query_booleans = QueryBooleans::YesNo;
    "dead-yes", "a removed record says .dead=yes", q => q.dead_says_yes = true;
    "cancel-answered-last", "the answer to /cancel comes after the end of what it cancelled", q => q.cancel_is_answered_last = true;
    "listen-silent-on-addresses", "listen does not tell of an address that comes late, 200 ms after its row", q => {
        q.address_after = Some(Duration::from_millis(200));
        q.listen_tells_addresses = false;
    };
    "listen-whole-records", "listen sends whole records, whatever .proplist says", q => q.listen_heeds_proplist = false;
    "excluded-silent", "who connects from an excluded address is left waiting", q => q.excluded_address = ExcludedAddress::Silent;
    "failed-login-closes", "the connection is closed after a failed login", q => q.failed_login_closes = true;
    "login-not-permitted", "who may not use the API is told so instead of being told that the password is wrong", q => q.login_refusal = LoginRefusal::NotPermitted;
    "sensitive-shown", "from 7.22 on, too, passwords are shown without show-sensitive", q => q.show_sensitive_needed = false;
    "builtin-terse", "what is built in refuses to be removed without saying what it is", q => q.builtin_refusal_is_terse = true;
    "place-before-dynamic", "a rule can be placed before a dynamic one", q => q.place_before_dynamic = true;
    "dynamic-without-ppp", "the interface list dynamic does not hold PPP sessions", q => q.dynamic_list_has_ppp = false;
    "exclude-static-only", "exclude of an interface list does not see members that a profile put on the excluded one", q => q.exclude_sees_profile_members = false;
    "ports-apart", "/ip/firewall/connection shows ports in properties of their own", q => q.connection_ports_apart = Some(true);
    "ports-behind", "/ip/firewall/connection shows ports behind addresses", q => q.connection_ports_apart = Some(false);
    "fasttrack-outlives", "a fasttracked connection bypasses the rules after its row was removed", q => q.fasttrack_outlives_removal = true;
    "scripts-crlf", "scripts come back with CR LF", q => q.scripts_get_crlf = true;
    "disabled-secret-final", "RADIUS is not asked about a name whose local secret is disabled", q => q.disabled_secret_asks_radius = false;
    "incoming-3799", "/radius/incoming listens on 3799 until somebody says otherwise", q => q.incoming_port = 3_799;
    "close-session-tells", "close-session that reaches nobody says so", q => q.close_session_tells = true;
    "user-manager-disconnects", "disabling a user of the User Manager ends its sessions where close-session could", q => q.user_manager_disconnects_disabled = true;
    "user-manager-6-name", "the User Manager of version 6 calls a login name instead of username", q => q.user_manager_6_says_name = true;
    "cookie-ends", "a hotspot's cookie does not let a disabled user in", q => q.cookie_outlives_disabling = false;
    "hooks-only-read", "a profile's scripts run with the right to read and no other", q => q.hooks_only_read = true;
    "ssh-second-channel", "a second channel of an SSH connection is served while the first one runs", q => q.ssh_serves_second_channel = !q.ssh_serves_second_channel;
    "ssh-keyboard", "SSH asks for the password by keyboard-interactive", q => q.ssh_keyboard_interactive = Some(true);
    "ssh-modern", "SSH of version 6 offers what is newer than SHA-1, too", q => q.ssh_modern = Some(true);
    "ssh-ed25519-keys", "users may have Ed25519 keys in every version", q => q.ssh_ed25519_user_keys = Some(true);
    "ssh-long-lines", "exec takes lines of up to 128 KiB", q => q.ssh_longest_line = 131_072;
    "ssh-several-lines", "a line end within exec begins another line", q => q.ssh_several_lines = true;
    "json-escapes-bytes", ":serialize escapes bytes that are no UTF-8", q => q.json_escapes_bytes = true;
    "tls-1.3", "api-ssl speaks TLS 1.3", q => q.tls_1_3 = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a field of [`Quirks`] is stopped here: give it a switch above, and one more in this list.
    #[test]
    fn every_field_has_a_switch() {
        let Quirks {
            active_ids_reused: _,
            address_after: _,
            pool_reuse: _,
            only_one: _,
            membership_after: _,
            hooks_after: _,
            removal_takes: _,
            timeout_can_be_set: _,
            profile_entries_removable: _,
            bulk_stops_midway: _,
            trap_categories: _,
            v6_takes_true: _,
            dead_says_yes: _,
            excluded_address: _,
            failed_login_closes: _,
            show_sensitive_needed: _,
            place_before_dynamic: _,
            dynamic_list_has_ppp: _,
            connection_ports_apart: _,
            fasttrack_outlives_removal: _,
            tls_1_3: _,
            login_refusal: _,
            query_booleans: _,
            builtin_refusal_is_terse: _,
            hooks_before_membership: _,
            hooks_need_policy: _,
            scripts_get_crlf: _,
            listen_tells_addresses: _,
            listen_heeds_proplist: _,
            cancel_is_answered_last: _,
            going_is_gone: _,
            exclude_sees_profile_members: _,
            disabled_secret_asks_radius: _,
            hooks_only_read: _,
            ssh_serves_second_channel: _,
            ssh_keyboard_interactive: _,
            ssh_modern: _,
            ssh_ed25519_user_keys: _,
            ssh_longest_line: _,
            ssh_several_lines: _,
            json_escapes_bytes: _,
            incoming_port: _,
            close_session_tells: _,
            user_manager_disconnects_disabled: _,
            user_manager_6_says_name: _,
            cookie_outlives_disabling: _,
        } = Quirks::default();
    }

    #[test]
    fn every_switch_is_documented() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/SIMULATOR.md");
        let page = std::fs::read_to_string(page).unwrap();
        for switch in Quirks::SWITCHES {
            let row = format!("| `{}` | {} |", switch.name, switch.about);
            assert!(page.contains(&row), "docs/SIMULATOR.md lacks {row}");
        }
    }

    #[test]
    fn every_switch_changes_something_of_its_own() {
        let mut seen = vec![Quirks::default()];
        for switch in Quirks::SWITCHES {
            let mut quirks = Quirks::default();
            switch.turn(&mut quirks);
            assert!(!seen.contains(&quirks), "{}", switch.name);
            assert_eq!(
                Switch::named(switch.name).map(|found| found.about),
                Some(switch.about)
            );
            seen.push(quirks);
        }
        assert!(Switch::named("none of these").is_none());
    }
}
