//! Mending the gate: all of it is read, then what is ours of it is put right, step by step.

use std::{collections::VecDeque, time::Duration};

use mikro2fa_core::{retry::Retry, router_backend::Applied, time::Timestamp};

use super::{Context, Errand, Words, ended, refused};
use crate::{
    inspect::{Asked, Inspection},
    sentence::Sentence,
    transport::{Answer, End},
};

/// Reads, then mends. Stops at the first thing that the router refuses: the steps build on each other, the jumps last.
pub(super) struct Mend<'a> {
    context: &'a Context<'a>,
    asked: Vec<Asked>,
    answers: Vec<Answer>,
    steps: VecDeque<Sentence>,
}

impl<'a> Mend<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            asked: Asked::all(true),
            answers: Vec::new(),
            steps: VecDeque::new(),
        }
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
            End::Done { .. } => {
                self.steps.pop_front();
                self.steps
                    .is_empty()
                    .then_some(Applied::Done { handle: None })
            }
            End::Refused(no) => Some(refused(no)),
            end => Some(ended(end, true)),
        }
    }
}
