//! Firewall rules with `2FA` in their comment. IPv4's filter table; dynamic rules, which nobody can change, are not seen.

use std::{cell::RefCell, collections::BTreeMap};

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

/// Counts the rules of each chain in the order in which they are printed, which is the one in which they are asked.
#[derive(Debug, Default)]
pub(crate) struct Places(RefCell<BTreeMap<Vec<u8>, u32>>);

impl Places {
    /// How many rules stood above this one in its chain, of those that were printed and can be moved.
    fn next(&self, row: Row<'_>) -> u32 {
        let chain = row.bytes("chain").unwrap_or_default().to_vec();
        let mut places = self.0.borrow_mut();
        let next = places.entry(chain).or_default();
        let place = *next;
        *next = next.saturating_add(u32::from(!row.flag("dynamic")));
        place
    }
}

/// Reads a rule; none if it cannot be bound. Where it stands is only known if all rules are printed.
///
/// # Errors
///
/// If its id cannot be read.
pub(crate) fn read(
    row: Row<'_>,
    generation: Generation,
    places: Option<&Places>,
) -> Result<Option<RuleRow>, Malformed> {
    let place = places.map(|places| places.next(row));
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
        place,
    }))
}
