//! A router that says what a script says, for tests.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use routeros_api::{Row, Rows, SentenceBuilder};

use crate::{
    error::Error,
    sentence::Sentence,
    transport::{Abilities, Answer, End, Gate, Line, Refused, Transport},
};

/// `done`, `done *5`, `lost`, `not sent`, `no <message>`, or rows `.id=*5;comment=x | …` and then done.
pub(crate) fn answer(text: &str) -> Answer {
    let done = |ret: Option<&str>| End::Done {
        ret: ret.map(|ret| ret.as_bytes().into()),
    };
    match text.split_once(' ').unwrap_or((text, "")) {
        ("done", "") => Answer::bare(done(None)),
        ("done", ret) => Answer::bare(done(Some(ret))),
        ("lost", _) => Answer::bare(End::Lost),
        ("not", _) => Answer::bare(End::NotSent),
        ("no", message) => Answer::bare(End::Refused(Refused::new(message))),
        _ => Answer {
            rows: rows(text),
            end: done(None),
        },
    }
}

pub(crate) fn rows(text: &str) -> Rows {
    let mut rows = Rows::default();
    for row in text.split(" | ") {
        let mut sentence = SentenceBuilder::new("!re");
        for property in row.split(';') {
            let (name, value) = property.split_once('=').unwrap();
            sentence = sentence.attribute(name, value);
        }
        rows.push(Row::new(sentence.view()));
    }
    rows
}

/// What happens to a sentence.
pub(crate) enum Then {
    /// It is answered.
    Answer(&'static str),
    /// Nothing ever comes, and whoever waits is to be dropped.
    Silence,
    /// The line breaks.
    Break,
}

/// A router with a script of (beginning of the sentence, what happens), over any number of connections.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    pub(crate) state: Arc<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) script: Mutex<VecDeque<(&'static str, Then)>>,
    pub(crate) connections: Mutex<Vec<Arc<AtomicBool>>>,
    pub(crate) refuses: AtomicBool,
    /// Run once the script has come to its end.
    pub(crate) on_last: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = (&'static str, Then)>) -> Self {
        let scripted = Self::default();
        scripted.state.script.lock().unwrap().extend(script);
        scripted
    }

    /// Of each connection that was made, whether it is open.
    pub(crate) fn open(&self) -> Vec<bool> {
        let connections = self.state.connections.lock().unwrap();
        let open = connections
            .iter()
            .map(|closed| !closed.load(Ordering::Relaxed));
        open.collect()
    }
}

#[async_trait]
impl Transport for Scripted {
    type Line = ScriptedLine;

    async fn connect(&self) -> Result<ScriptedLine, Error> {
        if self.state.refuses.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        let closed = Arc::new(AtomicBool::new(false));
        self.state
            .connections
            .lock()
            .unwrap()
            .push(Arc::clone(&closed));
        Ok(ScriptedLine {
            state: Arc::clone(&self.state),
            closed,
        })
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            watch: true,
            pipeline: true,
        }
    }
}

pub(crate) struct ScriptedLine {
    state: Arc<State>,
    closed: Arc<AtomicBool>,
}

impl ScriptedLine {
    async fn hear(&self, sentence: &Sentence, gate: &Gate) -> Answer {
        if self.closed.load(Ordering::Relaxed) || !(sentence.path().only_looks() || gate()) {
            return Answer::bare(End::NotSent);
        }
        let said = format!("{sentence:?}");
        let next = self.state.script.lock().unwrap().pop_front();
        let (expected, then) = next.unwrap_or_else(|| panic!("nothing more expected: {said}"));
        assert!(said.starts_with(expected), "{said} instead of {expected}");
        if self.state.script.lock().unwrap().is_empty()
            && let Some(then) = self.state.on_last.lock().unwrap().take()
        {
            then();
        }
        match then {
            Then::Answer(text) => answer(text),
            Then::Silence => std::future::pending().await,
            Then::Break => {
                self.closed.store(true, Ordering::Relaxed);
                Answer::bare(End::Lost)
            }
        }
    }
}

#[async_trait]
impl Line for ScriptedLine {
    async fn exchange(&self, sentences: Vec<Sentence>, gate: Gate) -> Vec<Answer> {
        let mut answers = Vec::new();
        for sentence in &sentences {
            answers.push(self.hear(sentence, &gate).await);
        }
        answers
    }

    async fn watch(
        &self,
        _sentence: Sentence,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        Ok(stream::iter([Ok(()), Err(Error::Closed)]).boxed())
    }

    fn closed(&self) -> Option<Error> {
        self.closed.load(Ordering::Relaxed).then_some(Error::Closed)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}
