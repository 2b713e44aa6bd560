//! Policy in four levels: system, router, account, user; the nearer wins.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use serde::{Deserialize, Serialize, Serializer};

use crate::time::{Timestamp, seconds};

/// Which reconnects need no new question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// None: each tunnel is asked about.
    Off,
    /// Only from a caller that no other account used within a day.
    #[default]
    PrivateCaller,
    /// From the same caller, shared or not. A weakening: everybody behind one NAT is one caller.
    AnyCaller,
}

/// What a second tunnel of an account from another caller does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondTunnel {
    /// It is asked about; a yes replaces the old one.
    #[default]
    Ask,
    /// It is held and its owner told.
    Refuse,
    /// It is asked about; a yes opens it beside the old one.
    Both,
}

/// What happens to tunnels of accounts that nobody owns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unowned {
    /// Held in quarantine; operators are told once a day.
    #[default]
    Hold,
    /// Cut.
    Cut,
    /// Let through. Only together with observe mode.
    Pass,
}

/// What happens to tunnels that were up before mikro2fa or its gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adopt {
    /// Each owner is asked once, as if the tunnel came up now and had been requested.
    #[default]
    Ask,
    /// Cut: people connect anew.
    Cut,
    /// They go on without a question until then, and are cut at the end; later ones are asked about.
    Grace {
        /// Until when.
        until: Timestamp,
    },
}

/// How long a confirmed tunnel stays open while nobody renews its lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// Until its lease is over.
    #[default]
    Close,
    /// Until its session is over. A weakening: nobody can close it while mikro2fa is away.
    KeepConfirmed,
}

/// Every rule that can be set, resolved. Defaults are those of [`Policy::default`], each with its reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Ask at all? Default yes. Off is a weakening: tunnels open by policy.
    pub require_confirmation: bool,
    /// How long a question stays open once Telegram has it. Default 5 min: a phone in another room.
    #[serde(with = "seconds")]
    pub confirmation_timeout: Duration,
    /// After how long an open question is sent again. Default 60 s.
    #[serde(with = "seconds")]
    pub resend_every: Duration,
    /// How often at most. Default 3: then its deadline is near.
    pub max_resends: u8,
    /// Must access be asked for before connecting? Default yes.
    pub request_first: bool,
    /// How long a request waits for its tunnel. Default 30 min.
    #[serde(with = "seconds")]
    pub request_window: Duration,
    /// How long a session lasts, from the answer. Default 24 h.
    #[serde(with = "seconds")]
    pub session_duration: Duration,
    /// How long at most with all extensions. Default 72 h.
    #[serde(with = "seconds")]
    pub max_total: Duration,
    /// How long before the end the reminder comes; at half time in sessions shorter than twice this. Default 1 h.
    #[serde(with = "seconds")]
    pub reminder_before: Duration,
    /// What the reminder offers, in whole minutes. Default 60 and 240.
    pub extensions: Vec<u32>,
    /// Which reconnects need no new question.
    pub resume: Resume,
    /// How long after a drop a reconnect may resume. Default 60 s: a redial, not a coffee.
    #[serde(with = "seconds")]
    pub reconnect_grace: Duration,
    /// What a second tunnel from another caller does.
    pub second_tunnel: SecondTunnel,
    /// How long an unconfirmed tunnel is held before it is cut. Default 1 h.
    #[serde(with = "seconds")]
    pub hold_for: Duration,
    /// How many tunnels of one account are held at once; more are cut. Default 2.
    pub max_held: u16,
    /// How long a permit lives on the router without being renewed. Default 10 min; renewed at half of it.
    #[serde(with = "seconds")]
    pub lease: Duration,
    /// How long opening may take while the router can be reached. Default 2 min.
    #[serde(with = "seconds")]
    pub opening_timeout: Duration,
    /// How many unanswered questions within the window ban (account, caller). Default 3.
    pub max_unanswered: u16,
    /// See `max_unanswered`. Default 1 h.
    #[serde(with = "seconds")]
    pub unanswered_window: Duration,
    /// How long such a ban lasts. Default 24 h.
    #[serde(with = "seconds")]
    pub ban_for: Duration,
    /// How many questions about one account in an hour, before the growing cool-down. Default 6.
    pub max_prompts_per_hour: u16,
    /// How many accounts a person may own. Default 2.
    pub max_accounts_per_user: u16,
    /// What an outage of ours means for confirmed tunnels.
    pub outage: Outage,
}

impl Default for Policy {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 3_600;
        Self {
            require_confirmation: true,
            confirmation_timeout: Duration::from_secs(5 * MINUTE),
            resend_every: Duration::from_secs(MINUTE),
            max_resends: 3,
            request_first: true,
            request_window: Duration::from_secs(30 * MINUTE),
            session_duration: Duration::from_secs(24 * HOUR),
            max_total: Duration::from_secs(72 * HOUR),
            reminder_before: Duration::from_secs(HOUR),
            extensions: vec![60, 240],
            resume: Resume::default(),
            reconnect_grace: Duration::from_secs(MINUTE),
            second_tunnel: SecondTunnel::default(),
            hold_for: Duration::from_secs(HOUR),
            max_held: 2,
            lease: Duration::from_secs(10 * MINUTE),
            opening_timeout: Duration::from_secs(2 * MINUTE),
            max_unanswered: 3,
            unanswered_window: Duration::from_secs(HOUR),
            ban_for: Duration::from_secs(24 * HOUR),
            max_prompts_per_hour: 6,
            max_accounts_per_user: 2,
            outage: Outage::default(),
        }
    }
}

/// A value of a policy that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy `{field}`: {problem}")]
pub struct InvalidPolicy {
    /// Which value.
    pub field: &'static str,
    /// What is wrong with it, and what is possible.
    pub problem: &'static str,
}

impl Policy {
    /// Can it be kept? All that is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<InvalidPolicy> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, field, problem| {
            if !ok {
                problems.push(InvalidPolicy { field, problem });
            }
        };
        let second = Duration::from_secs(1);
        check(
            self.confirmation_timeout >= 10 * second,
            "confirmation_timeout",
            "at least 10 s",
        );
        check(
            self.resend_every >= 10 * second,
            "resend_every",
            "at least 10 s",
        );
        check(
            self.request_window >= 10 * second,
            "request_window",
            "at least 10 s",
        );
        check(
            self.session_duration >= 60 * second,
            "session_duration",
            "at least 60 s",
        );
        check(
            self.max_total >= self.session_duration,
            "max_total",
            "not shorter than session_duration",
        );
        check(
            self.lease >= 60 * second,
            "lease",
            "at least 60 s: it is renewed at half time",
        );
        check(
            self.opening_timeout >= 5 * second,
            "opening_timeout",
            "at least 5 s",
        );
        check(
            self.extensions.iter().all(|&minutes| minutes > 0),
            "extensions",
            "at least 1 minute each",
        );
        check(
            self.extensions.len() <= 4,
            "extensions",
            "at most 4 choices",
        );
        check(
            self.max_prompts_per_hour > 0,
            "max_prompts_per_hour",
            "at least 1",
        );
        check(self.max_unanswered > 0, "max_unanswered", "at least 1");
        problems
    }
}

macro_rules! overrides {
    ($($field:ident: $type:ty),* $(,)?) => {
        /// What one level sets; what it leaves out comes from the level above.
        #[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct PolicyOverride {
            $(
                #[doc = concat!("See [`Policy::", stringify!($field), "`]; durations in seconds.")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl PolicyOverride {
            const NOTHING: Self = Self { $($field: None,)* };

            /// Lays this level over what is above it.
            pub fn lay_over(&self, policy: &mut Policy) {
                $(if let Some(value) = &self.$field {
                    policy.$field = value.clone().into();
                })*
            }
        }
    };
}

/// The level of one record: of a router, an account, a user. Most set nothing, and then it takes the room of a pointer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "PolicyOverride")]
pub struct PolicyLevel(Option<Box<PolicyOverride>>);

static NOTHING_SET: PolicyOverride = PolicyOverride::NOTHING;

impl PolicyLevel {
    /// Does it set nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        **self == NOTHING_SET
    }
}

impl From<PolicyOverride> for PolicyLevel {
    fn from(set: PolicyOverride) -> Self {
        Self((set != NOTHING_SET).then(|| Box::new(set)))
    }
}

impl Deref for PolicyLevel {
    type Target = PolicyOverride;

    fn deref(&self) -> &PolicyOverride {
        self.0.as_deref().unwrap_or(&NOTHING_SET)
    }
}

impl DerefMut for PolicyLevel {
    fn deref_mut(&mut self) -> &mut PolicyOverride {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for PolicyLevel {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for PolicyLevel {}

impl Serialize for PolicyLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

/// A duration in whole seconds, as overrides write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(#[serde(with = "seconds")] pub Duration);

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

overrides! {
    require_confirmation: bool,
    confirmation_timeout: Seconds,
    resend_every: Seconds,
    max_resends: u8,
    request_first: bool,
    request_window: Seconds,
    session_duration: Seconds,
    max_total: Seconds,
    reminder_before: Seconds,
    extensions: Vec<u32>,
    resume: Resume,
    reconnect_grace: Seconds,
    second_tunnel: SecondTunnel,
    hold_for: Seconds,
    max_held: u16,
    lease: Seconds,
    opening_timeout: Seconds,
    max_unanswered: u16,
    unanswered_window: Seconds,
    ban_for: Seconds,
    max_prompts_per_hour: u16,
    max_accounts_per_user: u16,
    outage: Outage,
}

impl Policy {
    /// The policy that holds after all levels, the nearest last.
    #[must_use]
    pub fn resolve<'a>(levels: impl IntoIterator<Item = &'a PolicyOverride>) -> Self {
        let mut policy = Self::default();
        for level in levels {
            level.lay_over(&mut policy);
        }
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_level_wins() {
        let system = PolicyOverride {
            max_held: Some(5),
            ..Default::default()
        };
        let user = PolicyOverride {
            max_held: Some(1),
            lease: Some(Seconds(Duration::from_secs(120))),
            ..Default::default()
        };
        let policy = Policy::resolve([&system, &user]);
        assert_eq!(policy.max_held, 1);
        assert_eq!(policy.lease, Duration::from_secs(120));
        assert_eq!(policy.max_resends, 3);
    }

    #[test]
    fn a_level_that_sets_nothing_takes_no_room_and_reads_like_any_other() {
        assert_eq!(size_of::<PolicyLevel>(), size_of::<usize>());
        let mut level = PolicyLevel::default();
        assert_eq!(serde_json::to_string(&level).unwrap(), "{}");
        assert_eq!(PolicyLevel::from(PolicyOverride::default()), level);
        level.max_held = Some(1);
        let text = serde_json::to_string(&level).unwrap();
        assert_eq!(text, r#"{"max_held":1}"#);
        assert_eq!(serde_json::from_str::<PolicyLevel>(&text).unwrap(), level);
        assert!(!level.is_empty());
        level.max_held = None;
        assert!(level.is_empty());
        assert_eq!(level, PolicyLevel::default());
    }

    #[test]
    fn the_defaults_can_be_kept() {
        assert_eq!(Policy::default().problems(), []);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let error = serde_json::from_str::<PolicyOverride>(r#"{"leese": 3}"#).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `leese`"),
            "{error}"
        );
    }
}
