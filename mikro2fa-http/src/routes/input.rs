//! Values from outside, checked as they are read.

use std::sync::Arc;

use mikro2fa_core::{
    policy::{Policy, PolicyOverride},
    tunnel::Text,
};
use serde::{Deserialize, Deserializer, de::Error};

use super::Api;
use crate::error::{Kind, Problem};

/// A name for people and programs: 1 to 64 characters, no control characters, no space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(pub(super) Text);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let good = (1..=64).contains(&text.chars().count())
            && text.trim() == text
            && !text.contains(char::is_control);
        if good {
            Ok(Self(text.into()))
        } else {
            Err(D::Error::custom(
                "a name has 1 to 64 characters, no control characters, and no space around it",
            ))
        }
    }
}

/// A reason or another line of text: up to 200 characters, as in the chat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Note(pub(super) Text);

impl<'de> Deserialize<'de> for Note {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.chars().count() <= 200 && !text.contains(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(D::Error::custom(
                "a reason has at most 200 characters, on one line",
            ))
        }
    }
}

/// For fields where `null` says something and absence says nothing.
pub(super) fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Whether this level, laid over the system's, makes a policy that can be kept.
pub(super) async fn policy(api: &Arc<Api>, level: &PolicyOverride) -> Result<(), Problem> {
    let system = api.directory.system_policy().await?;
    kept(&Policy::resolve([&system, level]))
}

/// Whether this system level makes a policy that can be kept.
pub(super) fn whole_policy(system: &PolicyOverride) -> Result<(), Problem> {
    kept(&Policy::resolve([system]))
}

fn kept(policy: &Policy) -> Result<(), Problem> {
    let problems = policy.problems();
    if problems.is_empty() {
        return Ok(());
    }
    let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Err(Problem::with(Kind::Invalid, said.join("; ")))
}
