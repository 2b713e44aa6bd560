//! Enabling and disabling: logins by name, rules by comment. Found first, since only one may be meant.

use mikro2fa_core::{
    desk::SourceKind, retry::Retry, router_backend::Applied, time::Timestamp, tunnel::Text,
};

use super::{Context, Errand, Words, ended, impossible};
use crate::{
    handle::Id,
    ppp, row, rule, tag,
    transport::{Answer, End, No},
    user_manager::UserManager,
};

/// Enables or disables what has this name.
pub(super) struct Switch<'a> {
    what: What,
    name: &'a Text,
    enabled: bool,
    found: Option<Id>,
}

#[derive(Clone, Copy)]
enum What {
    Secret,
    User(UserManager),
    Rule,
}

impl<'a> Switch<'a> {
    pub(super) fn account(
        context: &Context<'_>,
        source: SourceKind,
        name: &'a Text,
        enabled: bool,
    ) -> Result<Self, Applied> {
        let what = match (source, context.user_manager) {
            (SourceKind::PppSecrets, _) => What::Secret,
            (SourceKind::UserManager, Some(users)) => What::User(users),
            (SourceKind::UserManager, None) => {
                return Err(impossible("the router has no User Manager"));
            }
            _ => return Err(impossible("logins kept elsewhere cannot be switched here")),
        };
        Ok(Self::new(what, name, enabled))
    }

    pub(super) fn rule(comment: &'a Text, enabled: bool) -> Result<Self, Applied> {
        if !tag::is_marked(comment) {
            return Err(impossible(format!(
                "rule `{comment}` has no `2FA` in its comment: it is not ours to touch"
            )));
        }
        Ok(Self::new(What::Rule, comment, enabled))
    }

    const fn new(what: What, name: &'a Text, enabled: bool) -> Self {
        Self {
            what,
            name,
            enabled,
            found: None,
        }
    }

    fn found(&mut self, answer: &Answer) -> Option<Applied> {
        let mut rows = answer.rows.iter().filter(|row| match self.what {
            What::Secret | What::User(_) => true,
            // A dynamic rule cannot be changed, so it cannot be the one that was bound.
            What::Rule => !row.flag("dynamic"),
        });
        let found = match (rows.next(), rows.next()) {
            (Some(found), None) => found,
            (first, _) => return Some(impossible(self.not_one(first.is_none()))),
        };
        if ppp::is_enabled(found.bytes("disabled")) == self.enabled {
            return Some(Applied::AlreadySo);
        }
        match row::id(found.id()) {
            Ok(id) => {
                self.found = Some(id);
                None
            }
            Err(malformed) => Some(impossible(malformed.to_string())),
        }
    }

    fn not_one(&self, none: bool) -> String {
        let (kind, place) = match self.what {
            What::Secret => ("login is named", "PPP secrets"),
            What::User(_) => ("login is named", "users of the User Manager"),
            What::Rule => ("rule has the comment", "filter rules"),
        };
        let count = if none { "no" } else { "not exactly one" };
        format!("{count} {kind} `{}` among the {place}", self.name)
    }
}

impl Errand for Switch<'_> {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        Some(Words::Alone(match (self.what, &self.found) {
            (What::Secret, None) => ppp::print_switch(self.name),
            (What::Secret, Some(id)) => ppp::set_switch(id, self.enabled),
            (What::User(users), None) => users.print_switch(self.name),
            (What::User(users), Some(id)) => users.set_switch(id, self.enabled),
            (What::Rule, None) => rule::print_switch(self.name),
            (What::Rule, Some(id)) => rule::set_switch(id, self.enabled),
        }))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        let changes = self.found.is_some();
        match &answer.end {
            End::Done { .. } if !changes => self.found(answer),
            End::Refused(no) if changes && no.kind == No::Gone => Some(Applied::Refused {
                reason: self.not_one(true).into(),
                retry: Retry::Now,
            }),
            end => Some(ended(end, changes)),
        }
    }
}
