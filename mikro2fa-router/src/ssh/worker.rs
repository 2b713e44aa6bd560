//! The connection's own thread: nothing async ever waits for libssh2.

use std::{fmt, net::TcpStream};

use routeros_api::Rows;
use tokio::sync::{mpsc, oneshot};

use super::{
    config::SshConfig,
    error::SshError,
    line::Shared,
    link::{Link, Ran},
    parse,
    say::{self, Dialect, Form, Said},
    script::Mark,
};
use crate::{
    error::Error,
    sentence::Sentence,
    transport::{Answer, End, Gate, No, Refused},
};

/// Sentences to be said.
pub(super) struct Job {
    pub(super) sentences: Vec<Sentence>,
    pub(super) gate: Gate,
    pub(super) reply: oneshot::Sender<Vec<Answer>>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.sentences).finish()
    }
}

/// Opens the connection, says whether that went well, and says what it is given to say until nobody is left to give.
pub(super) fn run(
    socket: TcpStream,
    config: &SshConfig,
    ready: oneshot::Sender<Result<(), SshError>>,
    mut queue: mpsc::UnboundedReceiver<Job>,
    shared: &Shared,
) {
    let mut speaker = match Speaker::open(socket, config, shared) {
        Ok(speaker) => speaker,
        Err(error) => {
            shared.close(error.clone().into());
            // Whoever waited may have gone.
            let _ = ready.send(Err(error));
            return;
        }
    };
    if ready.send(Ok(())).is_ok() {
        while let Some(job) = queue.blocking_recv() {
            speaker.work(job);
        }
    }
    shared.close(Error::Closed);
}

struct Speaker<'a> {
    link: Link,
    dialect: Dialect,
    shared: &'a Shared,
}

/// The numbers that marks are made of are the system's.
fn mark() -> Result<Mark, SshError> {
    let mut random = [0; 16];
    match getrandom::fill(&mut random) {
        Ok(()) => Ok(Mark::new(random)),
        Err(error) => Err(SshError::Machine {
            message: error.to_string().into(),
        }),
    }
}

impl<'a> Speaker<'a> {
    fn open(socket: TcpStream, config: &SshConfig, shared: &'a Shared) -> Result<Self, SshError> {
        let mut speaker = Self {
            link: Link::open(socket, config)?,
            dialect: Dialect::default(),
            shared,
        };
        speaker.dialect = speaker.learn()?;
        Ok(speaker)
    }

    /// What kind of console this is: found by giving it every byte there is, and looking at what comes back.
    fn learn(&mut self) -> Result<Dialect, SshError> {
        let every: Vec<u8> = (1..=u8::MAX).collect();
        self.gives_back(&every, false)?
            .map_err(|message| SshError::Console {
                message: message.into(),
            })?;
        let json = self.gives_back(&every, true)?.is_ok();
        Ok(Dialect::new(json))
    }

    /// Does a console give values back as they are?
    fn gives_back(&mut self, value: &[u8], json: bool) -> Result<Result<(), String>, SshError> {
        let mark = mark()?;
        let said = say::probe(value, json, mark);
        let output = match self.link.run(said.line.as_str(), || true) {
            Ran::Output(output) => output,
            Ran::NotSent(error) | Ran::Broken(error) => return Err(error),
            // The gate was open.
            Ran::Stopped => Vec::new(),
        };
        let Some(answer) = parse::answer(&output, mark, &said.form) else {
            return Ok(Err("what it printed breaks off".to_owned()));
        };
        if let End::Refused(refused) = answer.end {
            return Ok(Err(refused.message.to_string()));
        }
        let row = answer.rows.get(0);
        let is = |name, value: &[u8]| row.is_some_and(|row| row.bytes(name) == Some(value));
        let kept = is("value", value) && is("zeros", b"00123") && is("truth", b"true");
        Ok(if kept && is("time", b"1d") {
            Ok(())
        } else {
            Err("values do not come back as they are".to_owned())
        })
    }

    fn work(&mut self, job: Job) {
        let Job {
            sentences,
            gate,
            reply,
        } = job;
        let mut answers = Vec::with_capacity(sentences.len());
        for sentence in &sentences {
            let given_up = reply.is_closed() || self.shared.is_closed();
            answers.push(if given_up {
                Answer::bare(End::NotSent)
            } else {
                self.say(sentence, &gate)
            });
        }
        // Whoever asked may have gone.
        let _ = reply.send(answers);
    }

    fn say(&mut self, sentence: &Sentence, gate: &Gate) -> Answer {
        let menu = sentence.path().menu();
        let answer = self.say_once(sentence, gate);
        let looks = sentence.path().only_looks();
        if looks && parse::is_single(&answer.end) && self.dialect.single.insert(menu) {
            return self.say_once(sentence, gate);
        }
        answer
    }

    fn say_once(&mut self, sentence: &Sentence, gate: &Gate) -> Answer {
        let mut marks = Ok(());
        let mut next = || match mark() {
            Ok(mark) => mark,
            Err(error) => {
                marks = Err(error);
                Mark::new([0; 16])
            }
        };
        let said = say::say(sentence, &self.dialect, &mut next);
        if let Err(error) = marks {
            // A mark that can be guessed is none.
            self.shared.close(error.into());
            return Answer::bare(End::NotSent);
        }
        let said = match said {
            Ok(said) => said,
            Err(unspeakable) => {
                return Answer::bare(End::Refused(Refused {
                    kind: No::Other,
                    message: unspeakable.to_string().into(),
                }));
            }
        };
        let open = || sentence.path().only_looks() || gate();
        let mut all = Answer::bare(End::Done { ret: None });
        for said in said {
            let mut answer = self.hear(&said, open);
            if !matches!(answer.end, End::Done { .. }) {
                return answer;
            }
            all = if all.rows.is_empty() {
                answer
            } else {
                answer.rows = join(&all.rows, &answer.rows);
                answer
            };
        }
        all
    }

    fn hear(&mut self, said: &Said, gate: impl FnOnce() -> bool) -> Answer {
        let output = match self.link.run(said.line.as_str(), gate) {
            Ran::Output(output) => output,
            Ran::Stopped => return Answer::bare(End::NotSent),
            Ran::NotSent(error) => {
                self.shared.close(error.into());
                return Answer::bare(End::NotSent);
            }
            Ran::Broken(error) => {
                self.shared.close(error.into());
                return Answer::bare(End::Lost);
            }
        };
        let answer = parse::answer(&output, said.line.mark(), &said.form);
        answer.unwrap_or_else(|| {
            let message = match said.form {
                Form::Change(_) => "what a change printed breaks off",
                Form::Rows(_) | Form::Count => "rows can't be read, or break off",
            };
            self.shared.close(
                SshError::Console {
                    message: message.into(),
                }
                .into(),
            );
            Answer::bare(End::Lost)
        })
    }
}

fn join(first: &Rows, second: &Rows) -> Rows {
    let mut all = Rows::default();
    for row in first.iter().chain(second) {
        all.push(row);
    }
    all
}
