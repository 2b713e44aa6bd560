//! Questions and orders of an errand, over a connection that is made anew where it broke.

use std::fmt;

use mikro2fa_core::{router_backend::RouterError, tunnel::Text};

use crate::{
    identify,
    sentence::Sentence,
    transport::{Answer, End, Line, No, Refused, Transport},
    user_manager::UserManager,
};

/// A connection, and what was found out over it.
pub(super) struct Talk<T: Transport> {
    transport: T,
    line: Option<T::Line>,
    /// Which User Manager there is, once it was looked for.
    user_manager: Option<Option<UserManager>>,
}

impl<T: Transport> fmt::Debug for Talk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Talk")
    }
}

/// What became of an order.
pub(super) enum Said {
    Done,
    /// No reply: what is there says whether it was done.
    Unknown,
    Refused(No, Text),
}

fn broke_off() -> RouterError {
    RouterError::Unreachable("the connection broke off".into())
}

impl<T: Transport> Talk<T> {
    pub(super) const fn new(transport: T) -> Self {
        Self {
            transport,
            line: None,
            user_manager: None,
        }
    }

    /// As many answers as sentences.
    async fn exchange(&mut self, sentences: Vec<Sentence>) -> Result<Vec<Answer>, RouterError> {
        if self
            .line
            .as_ref()
            .is_none_or(|line| line.closed().is_some())
        {
            self.line = Some(self.transport.connect().await?);
            self.user_manager = None;
        }
        let Some(line) = &self.line else {
            return Err(RouterError::Unreachable("no line".into()));
        };
        let count = sentences.len();
        let mut answers = line.exchange(sentences, Box::new(|| true)).await;
        answers.resize_with(count, || Answer::bare(End::Lost));
        if answers.iter().any(Answer::is_missing) {
            line.close();
        }
        Ok(answers)
    }

    async fn say(&mut self, sentence: Sentence) -> Result<Answer, RouterError> {
        let answers = self.exchange(vec![sentence]).await?;
        let answer = answers.into_iter().next();
        Ok(answer.unwrap_or_else(|| Answer::bare(End::Lost)))
    }

    /// Rows of a question. Once more on a new connection, if the one that was there had died meanwhile.
    pub(super) async fn ask(&mut self, sentence: Sentence) -> Result<Answer, RouterError> {
        let answer = self.ask_if_there(sentence).await?;
        answer.map_err(|no| RouterError::Refused(no.message))
    }

    /// The same, with what the router has against it.
    pub(super) async fn ask_if_there(
        &mut self,
        sentence: Sentence,
    ) -> Result<Result<Answer, Refused>, RouterError> {
        for _ in 0..2 {
            let answer = self.say(sentence.clone()).await?;
            match answer.end {
                End::Done { .. } => return Ok(Ok(answer)),
                End::Refused(no) => return Ok(Err(no)),
                End::Lost | End::NotSent => {}
            }
        }
        Err(broke_off())
    }

    pub(super) async fn tell(&mut self, sentence: Sentence) -> Result<Said, RouterError> {
        let answer = self.say(sentence).await?;
        Ok(match answer.end {
            End::Done { .. } => Said::Done,
            End::Refused(no) if no.kind == No::GivenUp => Said::Unknown,
            End::Refused(no) => Said::Refused(no.kind, no.message),
            End::Lost => Said::Unknown,
            End::NotSent => return Err(broke_off()),
        })
    }

    /// Which User Manager there is: looked for once a connection.
    pub(super) async fn user_manager(&mut self) -> Result<Option<UserManager>, RouterError> {
        if let Some(known) = self.user_manager {
            return Ok(known);
        }
        for _ in 0..2 {
            let answers = self.exchange(identify::questions()).await?;
            if !answers.iter().any(Answer::is_missing) {
                let found = identify::user_manager(&answers);
                self.user_manager = Some(found);
                return Ok(found);
            }
        }
        Err(broke_off())
    }

    /// It was asked, and there is none.
    pub(super) const fn has_no_user_manager(&mut self) {
        self.user_manager = Some(None);
    }
}
