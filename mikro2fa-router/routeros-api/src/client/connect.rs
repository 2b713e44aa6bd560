//! Connecting and logging in, each step with its deadline.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::options::Options;
use crate::decoder::Decoder;
use crate::error::{CloseReason, Error, Phase};
use crate::login::{Credentials, Login, Step};
use crate::sentence::{Command, Sentence};

/// Before login a router has little to say, and whoever answers is not trusted with more.
const LOGIN_LIMITS: crate::Limits = crate::Limits {
    max_word: 64 << 10,
    max_sentence_bytes: 64 << 10,
    max_words: 64,
};

/// Opens the TCP connection. Sentences are written whole, so nothing is gained by the kernel's waiting for more.
pub(crate) async fn tcp(address: &str, deadline: Duration) -> Result<TcpStream, Error> {
    let connected = within(
        Phase::Connect,
        address,
        deadline,
        TcpStream::connect(address),
    )
    .await?;
    connected
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|source| Error::Connect {
            address: address.into(),
            source: Arc::new(source),
        })
}

/// Logs in and gives back the decoder, as replies to nobody may already wait in it.
pub(super) async fn log_in<S>(stream: &mut S, options: &Options) -> Result<Decoder, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let attempt = exchange(stream, &options.credentials);
    let outcome = within(
        Phase::Login,
        &options.address,
        options.login_timeout,
        attempt,
    )
    .await?;
    let mut decoder = outcome.map_err(|failure| match failure {
        Failure::Answer(error) => error,
        Failure::Ended(reason) => Error::SetUp {
            phase: Phase::Login,
            address: options.address.clone(),
            reason,
        },
    })?;
    decoder.set_limits(options.settings.limits);
    Ok(decoder)
}

/// Waits for a step of connecting, at most this long.
pub(crate) async fn within<T>(
    phase: Phase,
    address: &str,
    after: Duration,
    step: impl Future<Output = T>,
) -> Result<T, Error> {
    timeout(after, step)
        .await
        .map_err(|_elapsed| Error::TooSlow {
            phase,
            address: address.into(),
            after,
        })
}

enum Failure {
    Answer(Error),
    Ended(CloseReason),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Ended(CloseReason::Io(Arc::new(error)))
    }
}

async fn exchange<S>(stream: &mut S, credentials: &Credentials) -> Result<Decoder, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut decoder = Decoder::with_limits(LOGIN_LIMITS);
    let mut login = Login::new(credentials);
    write(stream, &credentials.first_command()).await?;
    loop {
        let Some(sentence) = read(stream, &mut decoder).await? else {
            let refused = login.refusal().map(Failure::Answer);
            return Err(refused.unwrap_or(Failure::Ended(CloseReason::ByRouter)));
        };
        match login.receive(&sentence).map_err(Failure::Answer)? {
            Step::Wait => {}
            Step::Send(command) => write(stream, &command).await?,
            Step::Done => return Ok(decoder),
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, command: &Command) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    stream.write_all(&bytes).await?;
    Ok(stream.flush().await?)
}

async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    decoder: &mut Decoder,
) -> Result<Option<Sentence>, Failure> {
    loop {
        let found = decoder
            .next()
            .map_err(|error| Failure::Ended(CloseReason::Protocol(error)))?;
        if found.is_some() {
            return Ok(found);
        }
        let count = stream.read(decoder.room()).await?;
        if count == 0 {
            return Ok(None);
        }
        decoder.filled(count);
    }
}
