//! Carries a plan out, step by step, and reads back what each did.

use mikro2fa_core::{router_backend::RouterError, store::StoreError, tunnel::Text};

use super::{
    journal::{Deed, Journal},
    plan::Plan,
    script,
    step::{Act, Key, Menu, Place, Step, same},
};
use crate::{
    gate::GateNames,
    sentence::{Path, Sentence},
    survey::{Record, Survey},
    text,
    transport::{Answer, End, Line, No},
};

/// Why a plan was not carried out to its end. What was done stays done, and is in the journal: another run goes on from there,
/// and restore takes it back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The plan says that nothing must be done.
    #[error("nothing was done: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The journal cannot be written: then nothing is done to the router either.
    #[error("the journal cannot be written, so nothing more was done: {0}")]
    Journal(#[from] StoreError),
    /// The line broke. The last step may or may not have been done.
    #[error(
        "the connection broke at `{step}`; it may have been done or not. Run this again: it goes on from what it finds"
    )]
    Broken {
        /// At which step.
        step: String,
        /// Why.
        #[source]
        source: RouterError,
    },
    /// The router said no.
    #[error("the router refused `{step}`: {words}")]
    No {
        /// Which step.
        step: String,
        /// In its words.
        words: Text,
    },
    /// The router said that it was done, and does not show it; or what the step is about is not there (any more).
    #[error(
        "`{step}` left no trace on the router: somebody changes it at the same time? Run this again"
    )]
    NotSeen {
        /// Which step.
        step: String,
    },
}

/// Carries out a plan over the line on which `survey` was read. `told` hears of each step before it is taken.
///
/// Every step is written down before it is sent, and read back after it. Cancel safety: dropping the future leaves done what
/// was done, and at most one step that is begun.
///
/// # Errors
///
/// [`ApplyError`]: it stops at the first step that fails. Nothing is taken back by itself: half of a plan is harmless by
/// the order of its steps, and running it again is the way on.
pub async fn apply(
    line: &(impl Line + ?Sized),
    survey: &mut Survey,
    names: &GateNames,
    plan: &Plan,
    journal: &dyn Journal,
    told: &mut (dyn FnMut(&Step) + Send),
) -> Result<(), ApplyError> {
    if !plan.refusals.is_empty() {
        return Err(ApplyError::Refused(plan.refusals.clone()));
    }
    for step in &plan.steps {
        told(step);
        let number = match Deed::of(step) {
            Some(deed) => Some(journal.begin(&deed).await?),
            None => None,
        };
        take(line, survey, names, step).await?;
        if let Some(number) = number {
            journal.done(number).await?;
        }
    }
    Ok(())
}

/// Takes one step and looks whether it was taken.
pub(crate) async fn take(
    line: &(impl Line + ?Sized),
    survey: &mut Survey,
    names: &GateNames,
    step: &Step,
) -> Result<(), ApplyError> {
    let broken = |source| ApplyError::Broken {
        step: script::shown(step),
        source,
    };
    let section = step.menu.section();
    // Ids are those of this moment: what an earlier step made, what somebody else moved.
    let placed = matches!(step.act, Act::Add { place: Some(_), .. });
    if placed || !matches!(step.act, Act::Add { .. }) {
        let read = survey.refresh(&[section], line, names).await;
        read.map_err(broken)?;
    }
    let sentences = sentences(step, survey.rows(section));
    let sentences = sentences.ok_or_else(|| ApplyError::NotSeen {
        step: script::shown(step),
    })?;
    for sentence in sentences {
        let answers = line.exchange(vec![sentence], Box::new(|| true)).await;
        let lost = || line.closed().map_or(RouterError::TimedOut, Into::into);
        match answers.first().map(|answer: &Answer| &answer.end) {
            Some(End::Done { .. }) => {}
            Some(End::Refused(refused)) if is_so_already(step, refused.kind) => {}
            Some(End::Refused(refused)) => {
                return Err(ApplyError::No {
                    step: script::shown(step),
                    words: refused.message.clone(),
                });
            }
            _ => return Err(broken(lost())),
        }
    }
    let read = survey.refresh(&[section], line, names).await;
    read.map_err(broken)?;
    if was_taken(step, survey.rows(section)) {
        Ok(())
    } else {
        Err(ApplyError::NotSeen {
            step: script::shown(step),
        })
    }
}

/// A row that is to go has gone, one that is to be there is: reading back says whether it is the right one.
const fn is_so_already(step: &Step, no: No) -> bool {
    match step.act {
        Act::Add { .. } => matches!(no, No::Exists),
        Act::Remove { .. } => matches!(no, No::Gone),
        _ => false,
    }
}

/// The commands of a step, with the ids of this moment; none if what it is about is not there.
fn sentences(step: &Step, rows: &[Record]) -> Option<Vec<Sentence>> {
    let place_id = |place: &Place| place.find(rows).map(|row| row.id().to_owned());
    let ids_of = |keys: &[Key]| -> Vec<String> {
        let met = |row: &&Record| keys.iter().any(|key| key.meets(row));
        rows.iter()
            .filter(met)
            .map(|row| row.id().to_owned())
            .collect()
    };
    match &step.act {
        Act::Add {
            copy_from,
            place,
            properties,
            ..
        } => {
            let mut sentence = Sentence::new(step.menu.add()?);
            if let Some(source) = copy_from {
                sentence = sentence.with("copy-from", text::encode(source).into_owned());
            }
            for (name, value) in properties {
                sentence = sentence.with(name, text::encode(value.expose()).into_owned());
            }
            if let Some(place) = place {
                sentence = sentence.with("place-before", place_id(place)?);
            }
            Some(vec![sentence])
        }
        Act::Set { keys, after, .. } => {
            let mut sentence = Sentence::new(step.menu.set()?);
            let single = keys.iter().all(|key| key.0.is_empty());
            if !single {
                let ids = ids_of(keys);
                if ids.is_empty() {
                    return None;
                }
                sentence = sentence.of(ids);
            } else if let Some(id) = rows.first().map(Record::id).filter(|id| !id.is_empty()) {
                sentence = sentence.of([id]);
            }
            for (name, value) in after {
                let value = value.expose();
                sentence = match unset(step.menu, name).filter(|_| value.is_empty()) {
                    Some(unset) => sentence.with(unset, ""),
                    None => sentence.with(name, text::encode(value).into_owned()),
                };
            }
            Some(vec![sentence])
        }
        Act::Remove { key } => {
            let ids = ids_of(std::slice::from_ref(key));
            if ids.is_empty() {
                return Some(Vec::new());
            }
            Some(vec![Sentence::new(step.menu.remove()?).of(ids)])
        }
        Act::Sign { name } => {
            let sign = Sentence::new(Path::CertificateSign);
            Some(vec![sign.with("number", text::encode(name).into_owned())])
        }
        Act::Move { key, place } => {
            let ids = ids_of(std::slice::from_ref(key));
            let id = ids.first()?;
            let destination = place_id(place)?;
            if *id == destination {
                return Some(Vec::new());
            }
            let sentence = Sentence::new(step.menu.shift()?);
            let sentence = sentence.with("numbers", id.as_bytes());
            Some(vec![sentence.with("destination", destination)])
        }
    }
}

/// Properties that cannot be set to nothing: sending an empty value for a reference or an address is an error, and the name
/// with `!` before it takes the value away.
const fn unset(menu: Menu, name: &str) -> Option<&'static str> {
    match (menu, name.as_bytes()) {
        (Menu::Secret, b"remote-address") => Some("!remote-address"),
        (Menu::Profile, b"interface-list") => Some("!interface-list"),
        _ => None,
    }
}

/// Does the router show what the step was for?
fn was_taken(step: &Step, rows: &[Record]) -> bool {
    match &step.act {
        Act::Add { key, place, .. } => {
            let Some(at) = rows.iter().position(|row| key.meets(row)) else {
                return false;
            };
            let Some(Place::FirstOf(chain)) = place else {
                return true;
            };
            let before = rows.get(..at).unwrap_or_default();
            !before
                .iter()
                .any(|row| !row.is("dynamic") && row.text("chain") == *chain)
        }
        Act::Set { keys, after, .. } => keys.iter().all(|key| {
            let key = changed(key, after);
            let mut met = rows.iter().filter(|row| key.meets(row)).peekable();
            met.peek().is_some()
                && met.all(|row| {
                    after.iter().all(|(name, value)| {
                        *name == "password" || is_so(name, row.text(name), value.expose())
                    })
                })
        }),
        Act::Remove { key } => !rows.iter().any(|row| key.meets(row)),
        Act::Move { key, place } => place.find(rows).is_some_and(|row| key.meets(row)),
        Act::Sign { name } => rows
            .iter()
            .any(|row| row.text("name") == &**name && row.get("fingerprint").is_some()),
    }
}

/// What a row is found by once this was changed about it.
fn changed(key: &Key, after: &[(&'static str, super::step::Value)]) -> Key {
    let mut key = key.clone();
    for (name, old) in &mut key.0 {
        if let Some((_, value)) = after.iter().find(|(it, _)| it == name) {
            value.expose().clone_into(old);
        }
    }
    key
}

/// RouterOS completes what it is given: a group's policy by what is refused, a host by its mask.
fn is_so(name: &str, seen: &str, wanted: &str) -> bool {
    match name {
        "policy" => {
            let granted = |text: &str| {
                let words = text.split(',').filter(|word| !word.starts_with('!'));
                words
                    .map(str::to_owned)
                    .collect::<std::collections::BTreeSet<_>>()
            };
            granted(seen) == granted(wanted)
        }
        "certificate" => {
            let named = |text: &str| {
                if text == "none" {
                    String::new()
                } else {
                    text.to_owned()
                }
            };
            named(seen) == named(wanted)
        }
        "address" | "include" | "exclude" => {
            let parts = |text: &str| {
                let parts = text
                    .split(',')
                    .map(|it| it.trim_end_matches("/32").to_owned());
                parts.collect::<std::collections::BTreeSet<_>>()
            };
            parts(seen) == parts(wanted)
        }
        _ => same(seen, wanted),
    }
}
