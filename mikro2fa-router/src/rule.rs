//! Firewall rules with `2FA` in their comment. IPv4's filter table; dynamic rules, which nobody can change, are not seen.

use mikro2fa_core::{router_backend::RuleRow, tunnel::Text};
use routeros_api::Row;

use crate::{
    handle::{Generation, Id},
    ppp::is_enabled,
    row::{self, Malformed},
    sentence::{Path, Sentence},
    tag, text,
};

/// All rules that have a comment: RouterOS has no search within one, so `2FA` is looked for on our side (MikroTik
/// manual, API, *Queries*).
pub(crate) fn print() -> Sentence {
    properties().having("comment")
}

/// The rules with these comments.
pub(crate) fn print_of(comments: &[Text]) -> Sentence {
    properties().one_of(
        "comment",
        comments.iter().map(|comment| text::encode(comment)),
    )
}

/// Does the rule with this comment count?
pub(crate) fn print_switch(comment: &str) -> Sentence {
    Sentence::new(Path::FilterPrint)
        .only(&[".id", "disabled", "dynamic"])
        .equal("comment", text::encode(comment))
}

/// Enables or disables a rule and touches nothing else of it.
pub(crate) fn set_switch(id: &Id, enabled: bool) -> Sentence {
    Sentence::new(Path::FilterSet)
        .of([id])
        .with("disabled", if enabled { "no" } else { "yes" })
}

fn properties() -> Sentence {
    Sentence::new(Path::FilterPrint)
        .only(&[".id", "comment", "chain", "action", "disabled", "dynamic"])
}

/// Reads a rule; none if it cannot be bound.
///
/// # Errors
///
/// If its id cannot be read.
pub(crate) fn read(row: Row<'_>, generation: Generation) -> Result<Option<RuleRow>, Malformed> {
    let [id, comment, chain, action, disabled] =
        row.fields([".id", "comment", "chain", "action", "disabled"]);
    let comment = text::decode(comment.unwrap_or_default());
    if !tag::is_marked(&comment) || row.flag("dynamic") {
        return Ok(None);
    }
    Ok(Some(RuleRow {
        handle: generation.handle(&row::id(id)?),
        comment,
        enabled: is_enabled(disabled),
        chain: text::decode(chain.unwrap_or_default()),
        // RouterOS leaves out what stands at its default.
        action: text::decode(row::present(action).unwrap_or(b"accept")),
    }))
}
