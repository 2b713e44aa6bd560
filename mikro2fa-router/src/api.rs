//! The RouterOS API as a [`Transport`]: plain, or TLS with pinned certificates.

use std::{sync::OnceLock, time::Duration};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{
    future::{join, join_all},
    stream,
};
use mikro2fa_core::{desk::RouterConnection, tunnel::Text};
use routeros_api::{
    BatchOptions, Client, CloseReason, Command, Outcome, Refusal, RowStream, SentenceBuilder, tls,
};

use crate::{
    config::{self, ApiConfig, Deadlines},
    error::Error,
    sentence::{Query, Sentence},
    transport::{Abilities, Answer, End, Gate, Line, No, Refused, Transport},
};

/// The way to a router over its API.
#[derive(Clone, Debug)]
pub struct Api {
    config: ApiConfig,
}

impl Api {
    /// Does not connect yet.
    #[must_use]
    pub const fn new(config: ApiConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Transport for Api {
    type Line = ApiLine;

    async fn connect(&self) -> Result<ApiLine, Error> {
        let options = self.config.options()?;
        let user = self.config.user.clone();
        match Client::connect(&options).await {
            Ok(client) => Ok(ApiLine {
                client,
                user,
                deadline: self.config.deadlines.answer,
                endless: OnceLock::new(),
            }),
            Err(source) => Err(Error::Api { user, source }),
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            watch: true,
            pipeline: true,
        }
    }
}

/// The fingerprint of the certificate that a router shows, in hexadecimal. Nothing is sent to it.
///
/// # Errors
///
/// Whatever connecting and shaking hands say.
pub(crate) async fn presented_fingerprint(
    connection: &RouterConnection,
) -> Result<Option<Text>, Error> {
    let address = config::address(&connection.host, connection.port);
    let deadline = Deadlines::default().handshake;
    let shown = tls::fetch_fingerprint(&address, deadline).await;
    let user = connection.user.clone();
    let shown = shown.map_err(|source| Error::Api { user, source })?;
    Ok(Some(shown.to_string().into()))
}

/// An API connection that has logged in.
#[derive(Debug)]
pub struct ApiLine {
    client: Client,
    user: Text,
    deadline: Duration,
    /// An answer was longer than any can be.
    endless: OnceLock<routeros_api::Error>,
}

#[async_trait]
impl Line for ApiLine {
    async fn exchange(&self, sentences: Vec<Sentence>, gate: Gate) -> Vec<Answer> {
        let looks: Vec<bool> = sentences.iter().map(|it| it.path().only_looks()).collect();
        let (asking, telling): (Vec<_>, Vec<_>) =
            sentences.iter().partition(|it| it.path().only_looks());
        let asking = join_all(asking.into_iter().map(|it| self.ask(it)));
        let telling = self.tell(telling.into_iter().map(command).collect(), gate);
        let (asked, told) = join(asking, telling).await;
        let (mut asked, mut told) = (asked.into_iter(), told.into_iter());
        let mut next = |looks: &bool| if *looks { asked.next() } else { told.next() };
        let missing = || Answer::bare(End::Lost);
        let answers = looks.iter().map(|it| next(it).unwrap_or_else(missing));
        answers.collect()
    }

    async fn watch(
        &self,
        sentence: Sentence,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        let rows = self.client.listen(command(&sentence));
        let rows = rows.map_err(|source| self.error(source))?;
        Ok(Box::pin(stream::unfold(
            Some((rows, self.user.clone())),
            next_hint,
        )))
    }

    fn closed(&self) -> Option<Error> {
        if let Some(endless) = self.endless.get() {
            return Some(self.error(endless.clone()));
        }
        let closed = |reason: &CloseReason| {
            self.error(routeros_api::Error::Closed {
                reason: reason.clone(),
                outcome_unknown: false,
            })
        };
        let reason = self.client.close_reason().map(closed);
        reason.or_else(|| self.client.is_closed().then_some(Error::Closed))
    }

    fn close(&self) {
        self.client.close();
    }
}

impl ApiLine {
    async fn ask(&self, sentence: &Sentence) -> Answer {
        let answer = self.client.call_partial(command(sentence), self.deadline);
        match answer.await {
            Ok(answer) => {
                let end = match &answer.refusal {
                    Some(refusal) => End::Refused(refused(refusal)),
                    None => End::Done {
                        ret: answer.ret().map(Into::into),
                    },
                };
                Answer {
                    rows: answer.rows,
                    end,
                }
            }
            Err(error @ routeros_api::Error::AnswerTooLarge { .. }) => {
                // Not heard out until the deadline: what has no end is no answer. Only the first one is told.
                let _ = self.endless.set(error);
                self.client.close();
                Answer::bare(End::Lost)
            }
            Err(error) if error.is_outcome_unknown() => Answer::bare(End::Lost),
            Err(_) => Answer::bare(End::NotSent),
        }
    }

    async fn tell(&self, commands: Vec<Command>, gate: Gate) -> Vec<Answer> {
        if commands.is_empty() {
            return Vec::new();
        }
        let options = BatchOptions::new()
            .window(commands.len())
            .timeout(self.deadline)
            .fence(gate);
        let batch = self.client.call_batch(commands, options).await;
        let end = |outcome| match outcome {
            Outcome::Done { ret } => End::Done { ret },
            Outcome::Refused(refusal) => End::Refused(refused(&refusal)),
            Outcome::Unknown => End::Lost,
            Outcome::NotSent => End::NotSent,
        };
        let ends = batch.outcomes.into_iter().map(end);
        ends.map(Answer::bare).collect()
    }

    fn error(&self, source: routeros_api::Error) -> Error {
        Error::Api {
            user: self.user.clone(),
            source,
        }
    }
}

type Watching = Option<(RowStream, Text)>;

/// All rows that came together are one hint.
async fn next_hint(watching: Watching) -> Option<(Result<(), Error>, Watching)> {
    let (mut rows, user) = watching?;
    let came = rows.next_rows().await.map(|rows| rows.is_some());
    match came {
        Ok(true) => Some((Ok(()), Some((rows, user)))),
        Ok(false) => None,
        Err(source) => Some((Err(Error::Api { user, source }), None)),
    }
}

fn refused(refusal: &Refusal) -> Refused {
    let refused = Refused::new(refusal.to_string());
    if refusal.is_interrupted() {
        return Refused {
            kind: No::GivenUp,
            ..refused
        };
    }
    refused
}

fn command(sentence: &Sentence) -> Command {
    let mut command = SentenceBuilder::new(sentence.path().as_str());
    for (name, value) in sentence.attributes() {
        command = command.attribute(name, value);
    }
    if !sentence.proplist().is_empty() {
        command = command.proplist(sentence.proplist());
    }
    for query in sentence.queries() {
        command = match query {
            Query::Has(name) => command.query(name),
            Query::Equals(name, value) => command.query_equal(name, value),
            Query::Or => command.query("#|"),
        };
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::Path;

    #[test]
    fn a_sentence_becomes_words() {
        let said = Sentence::new(Path::SecretPrint)
            .only(&[".id", "name"])
            .with("count-only", "")
            .having("comment")
            .one_of("name", ["ann", "=b"]);
        let words: Vec<String> = command(&said)
            .build()
            .words()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        assert_eq!(
            words,
            [
                "/ppp/secret/print",
                "=count-only=",
                "=.proplist=.id,name",
                "?comment",
                "?=name=ann",
                "?=name==b",
                "?#|"
            ]
        );
    }
}
