//! Which RouterOS is simulated: the version with its dialect, and a switch for each point that no source settles.

use std::{fmt, str::FromStr, time::Duration};

/// A RouterOS version. What changes with it is asked of it, so that the dialects stand in one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version {
    /// 6 or 7.
    pub major: u8,
    /// `49` in 6.49.18.
    pub minor: u8,
    /// `18` in 6.49.18.
    pub patch: u8,
}

/// The text is no RouterOS version, or one that is not simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "not a RouterOS version that can be simulated; write one of 6.30 to 6.49 or 7.1 to 7.99, like 7.16.2"
)]
pub struct ParseVersionError;

impl Version {
    /// The long-term branch of version 6.
    pub const V6_49: Self = Self::new(6, 49, 18);
    /// An early 7 with today's date format.
    pub const V7_12: Self = Self::new(7, 12, 2);
    /// Before `!empty` and the OVPN server list. The default.
    pub const V7_16: Self = Self::new(7, 16, 2);
    /// The first with `!empty`.
    pub const V7_18: Self = Self::new(7, 18, 2);
    /// `/user/active/remove` instead of `request-logout`.
    pub const V7_20: Self = Self::new(7, 20, 8);
    /// Knows `show-sensitive`.
    pub const V7_22: Self = Self::new(7, 22, 3);

    /// A version by its numbers.
    #[must_use]
    pub const fn new(major: u8, minor: u8, patch: u8) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Whether this version is `major.minor` or later.
    #[must_use]
    pub const fn at_least(self, major: u8, minor: u8) -> bool {
        self.major > major || self.major == major && self.minor >= minor
    }

    /// A command without records answers `!empty` before `!done` (7.18).
    #[must_use]
    pub const fn has_empty_reply(self) -> bool {
        self.at_least(7, 18)
    }

    /// Dates are `2024-02-05` instead of `feb/05/2024` (7.10).
    #[must_use]
    pub const fn has_iso_dates(self) -> bool {
        self.at_least(7, 10)
    }

    /// `/login` takes name and password at once; before, a challenge is answered (6.43).
    #[must_use]
    pub const fn has_plain_login(self) -> bool {
        self.at_least(6, 43)
    }

    /// `/login` without a password answers with a challenge (until 6.45: *API - discontinued old login method*, changelog of 6.45.1).
    #[must_use]
    pub const fn has_challenge_login(self) -> bool {
        !self.at_least(6, 45)
    }

    /// `unknown parameter` names the parameter. When this began is not documented; early versions of 7 did not.
    #[must_use]
    pub const fn names_unknown_parameters(self) -> bool {
        self.at_least(7, 10)
    }

    /// Unknown paths answer `no such command or directory (x)` (7.17).
    #[must_use]
    pub const fn names_unknown_commands(self) -> bool {
        self.at_least(7, 17)
    }

    /// As `/system/resource` shows it: `7.16.2 (stable)`, `6.49.18 (long-term)`.
    #[must_use]
    pub fn label(self) -> String {
        let channel = if self.major == 6 {
            "long-term"
        } else {
            "stable"
        };
        format!("{self} ({channel})")
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::V7_16
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)
        } else {
            Ok(())
        }
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text
            .split('.')
            .map(|part| part.parse::<u8>().map_err(|_| ParseVersionError));
        let major = parts.next().ok_or(ParseVersionError)??;
        let minor = parts.next().ok_or(ParseVersionError)??;
        let patch = parts.next().unwrap_or(Ok(0))?;
        let known = matches!((major, minor), (6, 30..=49) | (7, 1..=99));
        if !known || parts.next().is_some() {
            return Err(ParseVersionError);
        }
        Ok(Self::new(major, minor, patch))
    }
}

/// When a freed pool address is given out again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PoolReuse {
    /// To the very next dial: the worst case for whoever ties rights to an address.
    #[default]
    AtOnce,
    /// Only when no address is left that was never used; then the one free the longest.
    Oldest,
}

/// What `only-one=yes` in a profile does to a second login.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnlyOne {
    /// The old session is cut.
    #[default]
    CutsOld,
    /// The new one is refused.
    RefusesNew,
}

/// What a client sees whose address is not in the service's `address`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ExcludedAddress {
    /// The connection is closed without a word.
    #[default]
    Close,
    /// It stays open and nothing ever answers.
    Silent,
}

/// What somebody sees whose password is right and who may not log in over the API: disabled, or in a group without `api`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LoginRefusal {
    /// The text of a wrong password, as users report.
    #[default]
    AsWrongPassword,
    /// A text of its own: `not enough permissions (9)`.
    NotPermitted,
}

/// How a query word has to write the value of a property that holds yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QueryBooleans {
    /// `true` and `yes`, `false` and `no` mean the same: client libraries send either, and their examples have both.
    #[default]
    Either,
    /// As it is printed: `true`, `false`.
    TrueFalse,
    /// As it is written: `yes`, `no`.
    YesNo,
}

/// The points at which sources disagree or are silent, each a switch. A client should survive both positions; the
/// defaults are the harder ones, unless a source leans the other way.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Quirks {
    /// `.id`s of `/ppp/active` are slots, taken again by the next session. Default: yes.
    pub active_ids_reused: bool,
    /// How long after its row appears in `/ppp/active` a session gets its address. Default: at once, in one change.
    pub address_after: Option<Duration>,
    /// When the pool gives an address out again. Default: at once.
    pub pool_reuse: PoolReuse,
    /// What `only-one` does. Default: cuts the old one.
    pub only_one: OnlyOne,
    /// How long after the address the profile's `address-list` and `interface-list` take effect. Default: zero.
    pub membership_after: Duration,
    /// How long after that (on-up), or after the session's end (on-down), a profile's script runs. Default: zero.
    pub hooks_after: Duration,
    /// How long a removed `/ppp/active` row stays visible while PPP terminates. Default: zero.
    pub removal_takes: Duration,
    /// `set timeout=` works on a dynamic address-list entry. Default: yes.
    pub timeout_can_be_set: bool,
    /// Entries that a PPP profile made on an address list can be removed by hand. Default: yes.
    pub profile_entries_removable: bool,
    /// A list of ids with a dead one in it is applied up to that one; else not at all. Default: up to that one.
    pub bulk_stops_midway: bool,
    /// Traps carry `category`. Default: yes.
    pub trap_categories: bool,
    /// Version 6 takes `true` and `false` where it wants `yes` and `no`. Default: no.
    pub v6_takes_true: bool,
    /// A removed record in `listen` says `.dead=yes` instead of `.dead=true`. Default: no.
    pub dead_says_yes: bool,
    /// What an excluded address sees. Default: a close.
    pub excluded_address: ExcludedAddress,
    /// The router closes the connection after a failed login. Default: no.
    pub failed_login_closes: bool,
    /// From 7.22, secrets are hidden unless the print says `show-sensitive`. Default: yes.
    pub show_sensitive_needed: bool,
    /// A new rule can be placed before a dynamic one. Default: no.
    pub place_before_dynamic: bool,
    /// The interface list `dynamic` holds PPP server sessions. Default: yes.
    pub dynamic_list_has_ppp: bool,
    /// `/ip/firewall/connection` shows ports in properties of their own instead of behind the address. The trees of 7.20 and later
    /// have those properties; when they came is not known. Default `None`: from 7.20 on.
    pub connection_ports_apart: Option<bool>,
    /// A fasttracked connection goes on bypassing the table after its row was removed. Default: no.
    pub fasttrack_outlives_removal: bool,
    /// A second channel is served while the first one is open; else it is refused. Default: no.
    pub ssh_serves_second_channel: bool,
    /// SSH offers what is newer than SHA-1: `rsa-sha2-256` and `rsa-sha2-512`, `curve25519-sha256`. Which version was the first is not
    /// told. Default `None`: 7, not 6.
    pub ssh_modern: Option<bool>,
    /// Users may have Ed25519 keys. Default `None`: from 7.12 on.
    pub ssh_ed25519_user_keys: Option<bool>,
    /// The longest line that `exec` takes, in bytes; a longer one is refused. Default: 65,536.
    pub ssh_longest_line: usize,
    /// A line end within `exec` begins another line; else what follows it is not read. Default: no.
    pub ssh_several_lines: bool,
    /// SSH offers keyboard-interactive beside passwords, for the same password. Some versions do; which is not told. Default `None`:
    /// 7, not 6.
    pub ssh_keyboard_interactive: Option<bool>,
    /// `:serialize` escapes bytes that are not UTF-8 instead of leaving them as they are, which makes no valid JSON. Default: no.
    pub json_escapes_bytes: bool,
    /// `api-ssl` speaks TLS 1.3 where its `tls-version` is `any`. Default: no.
    pub tls_1_3: bool,
    /// RADIUS is asked about a name whose local secret is disabled. Default: yes, which opens the way that disabling was to shut.
    pub disabled_secret_asks_radius: bool,
    /// The port on which `/radius/incoming` listens until somebody says which: 1700 by the manual, 3799 by others. Read when the
    /// router starts. Default: 1700, which is not the one that a User Manager sends to.
    pub incoming_port: u16,
    /// `close-session` that cannot reach the session's router says so. Default: no, it says that it was done.
    pub close_session_tells: bool,
    /// Disabling a user of the User Manager ends its sessions, where `close-session` could. Default: no.
    pub user_manager_disconnects_disabled: bool,
    /// Version 6's `/tool/user-manager/user` calls the login `name` instead of `username`, as some builds do. Default: no.
    pub user_manager_6_says_name: bool,
    /// A hotspot client comes back by its cookie though its user is disabled. Default: yes.
    pub cookie_outlives_disabling: bool,
    /// What a user sees who may not use the API. Default: what a wrong password shows.
    pub login_refusal: LoginRefusal,
    /// How queries write booleans. Default: either way.
    pub query_booleans: QueryBooleans,
    /// What is built in refuses to be removed in a text that does not say what it is. Default: no.
    pub builtin_refusal_is_terse: bool,
    /// A profile's on-up runs before its `address-list` and `interface-list` take effect. Default: no.
    pub hooks_before_membership: bool,
    /// A profile's scripts run with the policy `read` alone. Default: no, with all: public examples write.
    pub hooks_only_read: bool,
    /// Setting the scripts of a profile needs the policy `policy` beside `write`. Default: no.
    pub hooks_need_policy: bool,
    /// Scripts come back with CR LF where LF was sent. Default: no.
    pub scripts_get_crlf: bool,
    /// An address that comes after the row of an active session is told to those who listen. Default: yes.
    pub listen_tells_addresses: bool,
    /// `listen` sends only what `.proplist` names. Default: yes; else it sends whole records.
    pub listen_heeds_proplist: bool,
    /// The answer to `/cancel` comes after the end of what it cancelled. Default: no, as seen on 7.23.
    pub cancel_is_answered_last: bool,
    /// Removing an active session again while it is going answers `no such item`. Default: no, that is done, too.
    pub going_is_gone: bool,
    /// `exclude` of an interface list sees members that a PPP profile put on the excluded one. Default: yes.
    pub exclude_sees_profile_members: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            active_ids_reused: true,
            address_after: None,
            pool_reuse: PoolReuse::default(),
            only_one: OnlyOne::default(),
            membership_after: Duration::ZERO,
            hooks_after: Duration::ZERO,
            removal_takes: Duration::ZERO,
            timeout_can_be_set: true,
            profile_entries_removable: true,
            bulk_stops_midway: true,
            trap_categories: true,
            v6_takes_true: false,
            dead_says_yes: false,
            excluded_address: ExcludedAddress::default(),
            failed_login_closes: false,
            show_sensitive_needed: true,
            place_before_dynamic: false,
            dynamic_list_has_ppp: true,
            connection_ports_apart: None,
            fasttrack_outlives_removal: false,
            ssh_serves_second_channel: false,
            ssh_modern: None,
            ssh_ed25519_user_keys: None,
            ssh_longest_line: 65_536,
            ssh_several_lines: false,
            ssh_keyboard_interactive: None,
            json_escapes_bytes: false,
            tls_1_3: false,
            disabled_secret_asks_radius: true,
            incoming_port: 1700,
            close_session_tells: false,
            user_manager_disconnects_disabled: false,
            user_manager_6_says_name: false,
            cookie_outlives_disabling: true,
            login_refusal: LoginRefusal::default(),
            query_booleans: QueryBooleans::default(),
            builtin_refusal_is_terse: false,
            hooks_before_membership: false,
            hooks_only_read: false,
            hooks_need_policy: false,
            scripts_get_crlf: false,
            listen_tells_addresses: true,
            listen_heeds_proplist: true,
            cancel_is_answered_last: false,
            going_is_gone: false,
            exclude_sees_profile_members: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_written() {
        for text in ["6.49.18", "7.16", "7.20.8", "6.42"] {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), text);
        }
        for text in ["", "7", "8.1", "5.26", "7.x", "7.1.2.3", "6.50", "7.300"] {
            assert_eq!(text.parse::<Version>(), Err(ParseVersionError), "{text}");
        }
        assert_eq!(Version::V6_49.label(), "6.49.18 (long-term)");
    }

    #[test]
    fn dialects_begin_where_they_should() {
        assert!(!Version::V7_16.has_empty_reply() && Version::V7_18.has_empty_reply());
        assert!(!Version::V6_49.has_iso_dates() && Version::V7_12.has_iso_dates());
        assert!(Version::V6_49.has_plain_login() && !Version::new(6, 42, 0).has_plain_login());
    }
}
