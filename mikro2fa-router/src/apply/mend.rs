//! Mending the gate: all of it is read, then what is ours of it is put right, step by step. What the router refuses does not keep
//! the rest from being mended: a jump is worth enabling though a profile's script may not be set.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use mikro2fa_core::{retry::Retry, router_backend::Applied, time::Timestamp};

use super::{Context, Errand, Words, ended, refused};
use crate::{
    inspect::{Asked, Inspection},
    sentence::Sentence,
    transport::{Answer, End, No, Refused},
};

/// Reads, then mends, the jumps last. Where something was refused among the rules of a family, nothing more is made there and nothing
/// taken away, since what should have taken its place may be missing; and no jump is turned to a chain that may be half built. But
/// jumps are enabled all the same: the chain that they lead to was in force before.
pub(super) struct Mend<'a> {
    context: &'a Context<'a>,
    asked: Vec<Asked>,
    answers: Vec<Answer>,
    steps: VecDeque<Sentence>,
    /// The first refusal: what it comes to in the end.
    refused: Option<Refused>,
    /// Menus in which something was refused.
    refused_in: BTreeSet<&'static str>,
}

impl<'a> Mend<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            asked: Asked::all(true),
            answers: Vec::new(),
            steps: VecDeque::new(),
            refused: None,
            refused_in: BTreeSet::new(),
        }
    }

    /// What must not be done any more after what was refused.
    fn leave_out(&mut self) {
        let spoilt = &self.refused_in;
        let steps = std::mem::take(&mut self.steps).into_iter();
        self.steps = steps
            .filter_map(|step| {
                if !spoilt.contains(step.path().menu()) {
                    return Some(step);
                }
                let sets = step.path().verb() == "set";
                sets.then(|| without_turning(&step))
            })
            .collect();
    }

    fn is_reading(&self) -> bool {
        self.answers.len() < self.asked.len()
    }

    fn plan(&mut self) -> Option<Applied> {
        let names = &self.context.site.gate;
        let answers = self.asked.iter().copied().zip(&self.answers);
        let Some(inspection) = Inspection::read(names, answers) else {
            return Some(Applied::Refused {
                reason: "the gate cannot be read: look at the rights of the router's user".into(),
                retry: Retry::After(Duration::from_secs(30)),
            });
        };
        self.steps = inspection.mends(&self.context.gate).into();
        self.steps.is_empty().then_some(Applied::AlreadySo)
    }
}

impl Errand for Mend<'_> {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        let next = self.asked.get(self.answers.len());
        let sentence = match next {
            Some(asked) => asked.sentence(&self.context.site.gate),
            None => self.steps.front()?.clone(),
        };
        Some(Words::Alone(sentence))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        if self.is_reading() {
            if answer.is_missing() {
                return Some(ended(&answer.end, false));
            }
            self.answers.push(answer.clone());
            return if self.is_reading() { None } else { self.plan() };
        }
        match &answer.end {
            End::Done { .. } => {}
            End::Refused(no) if no.kind != No::GivenUp => {
                if let Some(step) = self.steps.front() {
                    self.refused_in.insert(step.path().menu());
                }
                self.refused.get_or_insert_with(|| no.clone());
            }
            end => return Some(ended(end, true)),
        }
        self.steps.pop_front();
        self.leave_out();
        if !self.steps.is_empty() {
            return None;
        }
        let done = Applied::Done { handle: None };
        Some(self.refused.as_ref().map_or(done, refused))
    }
}

/// The same, but that a jump stays as it is turned.
fn without_turning(step: &Sentence) -> Sentence {
    let attributes = step.attributes().iter();
    let stays = attributes.filter(|(name, _)| *name != "jump-target");
    stays.fold(Sentence::new(step.path()), |step, (name, value)| {
        step.with(name, value.clone())
    })
}
