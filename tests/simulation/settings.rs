//! What kind of site a history plays on: drawn from its seed.

use std::time::Duration;

use mikro2fa_core::policy::{Outage, Policy, PolicyOverride, Resume, SecondTunnel, Seconds};

use crate::chance::Chance;

/// One history's site.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) policy: PolicyOverride,
    /// The same, resolved.
    pub(crate) resolved: Policy,
    pub(crate) poll: u32,
    /// The router's own lines remove the permit of an address that is handed over.
    pub(crate) hand_over_lines: bool,
    /// Cid's account is handed over: gate `account`.
    pub(crate) handed_over: bool,
    /// A rule is bound to Ann's account: gate `rule`.
    pub(crate) rule: bool,
    /// No address-list gate at all.
    pub(crate) weak: bool,
    /// Begins in observe mode.
    pub(crate) observing: bool,
    /// Answers are fetched by polling, which can be away.
    pub(crate) polling: bool,
    /// How much of all steps are faults, in a hundred.
    pub(crate) faults: u64,
    pub(crate) steps: u64,
    /// How many turns a commit takes.
    pub(crate) turns: u64,
    /// The end is watched until every held tunnel's time is over.
    pub(crate) long: bool,
}

impl Settings {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let policy = policy(chance);
        Self {
            resolved: Policy::resolve([&policy]),
            policy,
            poll: chance.pick(&[5, 15, 15]),
            hand_over_lines: chance.percent(50),
            handed_over: chance.percent(50),
            rule: chance.percent(25),
            weak: chance.percent(5),
            observing: chance.percent(6),
            polling: chance.percent(70),
            faults: chance.pick(&[0, 10, 30, 50]),
            steps: chance.between(25, 60),
            turns: chance.below(4),
            long: chance.percent(25),
        }
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_secs(u64::from(self.poll))
    }
}

fn minutes(n: u64) -> Option<Seconds> {
    Some(Seconds(Duration::from_secs(n * 60)))
}

pub(crate) fn policy(chance: &mut Chance) -> PolicyOverride {
    PolicyOverride {
        require_confirmation: chance.percent(5).then_some(false),
        request_first: chance.percent(20).then_some(false),
        session_duration: minutes(chance.pick(&[4, 12, 60, 24 * 60])),
        max_total: minutes(72 * 60),
        reminder_before: minutes(chance.pick(&[2, 60])),
        extensions: Some(vec![5, 60]),
        confirmation_timeout: minutes(chance.pick(&[2, 5])),
        resume: chance
            .percent(30)
            .then(|| chance.pick(&[Resume::Off, Resume::AnyCaller])),
        second_tunnel: chance
            .percent(40)
            .then(|| chance.pick(&[SecondTunnel::Refuse, SecondTunnel::Both])),
        lease: minutes(chance.pick(&[1, 4, 10])),
        hold_for: minutes(10),
        outage: chance.percent(10).then_some(Outage::KeepConfirmed),
        max_prompts_per_hour: chance.percent(30).then_some(3),
        ..PolicyOverride::default()
    }
}
