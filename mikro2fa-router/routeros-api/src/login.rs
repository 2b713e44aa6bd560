//! Login, both ways, without any I/O.
//!
//! Name and password are sent at once, which is all that RouterOS 6.43 and later want. An older router ignores the
//! password and answers with a challenge; it is answered only where that is allowed, because whoever pretends to
//! be such a router gets a hash that can be cracked at leisure (MikroTik manual, *API*, "Initial login").

use md5::{Digest, Md5};

use crate::error::Error;
use crate::reply::{Reply, text};
use crate::sentence::{Command, Sentence};

/// Who logs in, and how. `Debug` does not show the password.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: Vec<u8>,
    challenge: ChallengeLogin,
}

/// Whether the login of RouterOS before 6.43 may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChallengeLogin {
    /// Refused: the default, as no supported version needs it.
    #[default]
    Refused,
    /// Allowed, for old routers on a link that nobody can attack.
    Allowed,
}

impl Credentials {
    /// Name and password, as bytes the router compares. The challenge is refused.
    pub fn new(user: impl Into<String>, password: impl Into<Vec<u8>>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            challenge: ChallengeLogin::Refused,
        }
    }

    /// Says whether the old login may be used.
    #[must_use]
    pub fn challenge_login(mut self, challenge: ChallengeLogin) -> Self {
        self.challenge = challenge;
        self
    }

    /// The first command to send. It carries no tag, and nothing else may be sent before login is over.
    pub fn first_command(&self) -> Command {
        Command::new("/login")
            .attribute("name", &self.user)
            .attribute("password", &self.password)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

/// A login under way: takes the router's sentences and says what is next.
#[derive(Debug)]
pub struct Login<'a> {
    credentials: &'a Credentials,
    answered: bool,
    refusal: Option<String>,
}

/// What is next in a login.
#[derive(Debug)]
pub enum Step {
    /// Wait for another sentence.
    Wait,
    /// Send this command.
    Send(Command),
    /// Logged in.
    Done,
}

impl<'a> Login<'a> {
    /// A login whose [`first_command`](Credentials::first_command) is being sent.
    pub fn new(credentials: &'a Credentials) -> Self {
        Self {
            credentials,
            answered: false,
            refusal: None,
        }
    }

    /// Takes the next sentence of the router.
    ///
    /// # Errors
    ///
    /// [`Error::LoginRefused`] if the router refuses, [`Error::ChallengeRefused`] if it wants the old login and
    /// that is not allowed. Close the connection then: RouterOS may leave it open.
    pub fn receive(&mut self, sentence: &Sentence) -> Result<Step, Error> {
        match Reply::parse(sentence) {
            Reply::Trap { message, .. } => {
                self.refusal
                    .get_or_insert_with(|| text(message).into_owned());
                Ok(Step::Wait)
            }
            Reply::Fatal { reason, .. } => Err(refused(&text(reason))),
            Reply::Done(done) => match (self.refusal(), done.attribute("ret")) {
                (Some(error), _) => Err(error),
                (None, None) => Ok(Step::Done),
                (None, Some(challenge)) => self.answer(challenge),
            },
            Reply::Re(_) | Reply::Empty(_) | Reply::Unknown(_) => Ok(Step::Wait),
        }
    }

    /// The refusal, if one came: for a connection that ended before the `!done` behind it.
    pub fn refusal(&self) -> Option<Error> {
        self.refusal.as_deref().map(refused)
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Step, Error> {
        if self.credentials.challenge == ChallengeLogin::Refused {
            return Err(Error::ChallengeRefused);
        }
        if self.answered {
            return Err(refused("a second challenge after the first was answered"));
        }
        self.answered = true;
        let challenge =
            from_hex(challenge).ok_or_else(|| refused("a challenge that is not hexadecimal"))?;
        Ok(Step::Send(
            Command::new("/login")
                .attribute("name", &self.credentials.user)
                .attribute(
                    "response",
                    challenge_response(&self.credentials.password, &challenge),
                ),
        ))
    }
}

fn refused(message: &str) -> Error {
    Error::LoginRefused {
        message: message.into(),
    }
}

/// `00` and the hexadecimal MD5 of a zero byte, the password and the challenge.
fn challenge_response(password: &[u8], challenge: &[u8]) -> String {
    let digest = Md5::new()
        .chain_update([0])
        .chain_update(password)
        .chain_update(challenge)
        .finalize();
    let mut response = String::from("00");
    response.extend(
        digest
            .iter()
            .flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]),
    );
    response
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

/// At most 64 digits: a challenge has 32.
fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.is_empty() || digits.len() > 64 {
        return None;
    }
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials::new("admin", "passTest")
    }

    fn step(login: &mut Login<'_>, words: &[&str]) -> Result<Step, Error> {
        login.receive(&Sentence::from_words(words))
    }

    #[test]
    fn one_sentence_is_enough_since_6_43() {
        let credentials = credentials();
        let first = credentials.first_command().build();
        assert_eq!(
            first.words().collect::<Vec<_>>(),
            [&b"/login"[..], b"=name=admin", b"=password=passTest"]
        );
        let mut login = Login::new(&credentials);
        assert!(matches!(step(&mut login, &["!done"]), Ok(Step::Done)));
    }

    /// The vector of go-routeros' tests; its challenge is shorter than a real one.
    #[test]
    fn the_challenge_is_answered_where_allowed() {
        let credentials = credentials().challenge_login(ChallengeLogin::Allowed);
        let mut login = Login::new(&credentials);
        let Ok(Step::Send(answer)) = step(&mut login, &["!done", "=ret=abc123"]) else {
            panic!("an answer is due");
        };
        assert_eq!(
            answer.view().attribute("response"),
            Some(&b"0021277bff9ac7caf06aa608e46616d47f"[..])
        );
        assert!(matches!(step(&mut login, &["!done"]), Ok(Step::Done)));
    }

    #[test]
    fn the_challenge_is_not_answered_by_default() {
        let credentials = credentials();
        let mut login = Login::new(&credentials);
        let found = step(&mut login, &["!done", "=ret=abc123"]);
        assert!(matches!(found, Err(Error::ChallengeRefused)));
    }

    #[test]
    fn a_refusal_is_told_in_the_routers_words_after_its_done() {
        let credentials = credentials();
        let mut login = Login::new(&credentials);
        let trap = ["!trap", "=message=invalid user name or password (6)"];
        assert!(matches!(step(&mut login, &trap), Ok(Step::Wait)));
        assert!(login.refusal().is_some());
        let Err(Error::LoginRefused { message }) = step(&mut login, &["!done"]) else {
            panic!("not refused");
        };
        assert_eq!(message, "invalid user name or password (6)");
    }

    #[test]
    fn fatal_and_odd_challenges_refuse_the_login() {
        for words in [
            &["!fatal", "not logged in"][..],
            &["!done", "=ret=xyz"],
            &["!done", "=ret="],
            &["!done", "=ret=abc"],
        ] {
            let credentials = credentials().challenge_login(ChallengeLogin::Allowed);
            let found = step(&mut Login::new(&credentials), words);
            assert!(
                matches!(found, Err(Error::LoginRefused { .. })),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_second_challenge_is_not_answered() {
        let credentials = credentials().challenge_login(ChallengeLogin::Allowed);
        let mut login = Login::new(&credentials);
        assert!(step(&mut login, &["!done", "=ret=abc123"]).is_ok());
        assert!(step(&mut login, &["!done", "=ret=abc123"]).is_err());
    }

    #[test]
    fn debug_shows_no_password() {
        assert!(!format!("{:?}", credentials()).contains("passTest"));
    }
}
