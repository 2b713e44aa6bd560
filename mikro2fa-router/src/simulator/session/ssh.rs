//! SSH connections: who may in, and what becomes of a line.

use std::time::Duration;

use super::{
    super::{
        command::Caller,
        console::Answer,
        faults::{Fault, Then},
        log::{CommandRecord, Via},
        menu::MenuId,
        policy::Policy,
        script::{Console, Line},
        ssh_keys::PublicKey,
        state::State,
        table::Row,
        timer::Timer,
    },
    ConnectionId, allows,
};

/// What is shown to prove who one is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proof<'a> {
    Password(&'a str),
    /// A public key in OpenSSH's form, whose private half the client has.
    Key(&'a str),
}

/// What becomes of a login.
#[derive(Debug)]
pub(crate) enum LoginOutcome {
    Welcome,
    Refused,
    /// No answer, ever.
    Silence,
    Cut,
}

/// What becomes of a line.
#[derive(Debug)]
pub(crate) enum Played {
    /// This is printed, so much later, and the channel is closed.
    Answer(Duration, Vec<u8>),
    /// This is printed, and the channel stays open without another word.
    Open(Vec<u8>),
    /// This is printed, and the connection is closed.
    CutAfter(Vec<u8>),
    /// The connection is closed.
    Cut,
    /// The router takes its leave with these words.
    Farewell(String),
}

/// What befalls a line.
#[derive(Debug, Default)]
struct Befalls {
    latency: Duration,
    fault: Option<Fault>,
    /// Errors of single commands, by their words.
    traps: Vec<(String, String)>,
    /// The words of its commands, each once.
    words: Vec<String>,
}

impl Befalls {
    fn name(&self) -> Option<&'static str> {
        match &self.fault {
            Some(fault) => Some(fault.name()),
            None if !self.traps.is_empty() => Some("trap"),
            None if !self.latency.is_zero() => Some("latency"),
            None => None,
        }
    }
}

/// The user that a login name means, and what it says of the terminal: `user+cet200w` (MikroTik wiki, *Console login process*).
pub(crate) fn read_login(login: &str) -> (&str, Console) {
    let mut console = Console::default();
    let Some((user, parameters)) = login.split_once('+') else {
        return (login, console);
    };
    let mut number = String::new();
    for character in parameters.chars() {
        match character {
            '0'..='9' => number.push(character),
            'w' => {
                console.width = number.parse().unwrap_or(console.width).clamp(10, 10_000);
                number.clear();
            }
            _ => number.clear(),
        }
    }
    (user, console)
}

impl State {
    /// Somebody logs in over SSH. `login` has no terminal parameters any more.
    pub(crate) fn ssh_log_in(
        &mut self,
        id: ConnectionId,
        login: &str,
        proof: Proof<'_>,
    ) -> (Duration, LoginOutcome) {
        let drawn = self.faults.draw("/login", login);
        let fault = drawn.fault.as_ref().map(Fault::name);
        let outcome = match drawn.fault {
            Some(Fault::CutBefore | Fault::CutAfter | Fault::CutMidReply(_) | Fault::Fatal(_)) => {
                LoginOutcome::Cut
            }
            Some(Fault::LoseReply | Fault::Late(_) | Fault::Stall | Fault::Partial { .. }) => {
                LoginOutcome::Silence
            }
            Some(_) => LoginOutcome::Refused,
            None => match self.check_ssh_login(id, login, proof) {
                Some(caller) => {
                    self.welcome(id, caller);
                    LoginOutcome::Welcome
                }
                None => {
                    self.tell_failed_login(id, login);
                    LoginOutcome::Refused
                }
            },
        };
        let nobody = Caller {
            connection: id,
            user: login.to_owned(),
            policy: Policy::default(),
        };
        let word = "/login".to_owned();
        let mut record = CommandRecord::at_console(self.now, &nobody, word, Vec::new(), Vec::new());
        record.via = Via::Ssh;
        record.fault = fault;
        if !matches!(outcome, LoginOutcome::Welcome) {
            record.trap = Some("login failure".to_owned());
        }
        self.commands.push(record);
        self.changes += 1;
        (drawn.latency, outcome)
    }

    fn check_ssh_login(&self, id: ConnectionId, login: &str, proof: Proof<'_>) -> Option<Caller> {
        let connection = self.connections.all.get(&id)?;
        let user = self.ssh_user(login)?;
        let proved = match proof {
            Proof::Password(given) => {
                self.takes_password(login)
                    && user.bytes("password").unwrap_or_default() == given.as_bytes()
            }
            Proof::Key(key) => self.knows_key(login, key),
        };
        let group = self.table(MenuId::Group).named(user.text("group"))?;
        let policy = Policy::parse(group.text("policy"), self.version)?;
        let allowed = policy.has(Policy::SSH) && allows(user.text("address"), connection.peer);
        (proved && allowed).then(|| Caller {
            connection: id,
            user: login.to_owned(),
            policy,
        })
    }

    /// Adds policy `ssh` to the group of a user.
    pub(crate) fn let_into_ssh(&mut self, user: &str) {
        let user = self.table(MenuId::User).named(user);
        let group = user.and_then(|user| self.table(MenuId::Group).named(user.text("group")));
        let Some((id, policy)) = group.map(|row| (row.id, row.text("policy").to_owned())) else {
            return;
        };
        if let Some(policy) = Policy::parse(&policy, self.version) {
            let policy = policy.with(Policy::SSH).print(self.version);
            self.update(MenuId::Group, id, |row| row.set("policy", policy));
        }
    }

    /// Whether this is one of a user's keys.
    pub(crate) fn knows_key(&self, login: &str, key: &str) -> bool {
        let Some(shown) = PublicKey::read(key) else {
            return false;
        };
        self.keys_of(login)
            .any(|row| PublicKey::read(row.text("key")).is_some_and(|own| own.body == shown.body))
    }

    fn keys_of<'a>(&'a self, login: &'a str) -> impl Iterator<Item = &'a Row> {
        let all = self.table(MenuId::SshKeys).iter();
        all.filter(move |row| row.text("user") == login)
    }

    /// A user with keys may not come by password, unless the router is told otherwise (MikroTik manual, *SSH*).
    fn takes_password(&self, login: &str) -> bool {
        let Some(settings) = self.only(MenuId::Ssh) else {
            return false;
        };
        let has_keys = self.keys_of(login).next().is_some();
        if self.version.at_least(7, 21) {
            match settings.text("password-authentication") {
                "yes" => true,
                "no" => false,
                _ => !has_keys,
            }
        } else {
            !has_keys || settings.is("always-allow-password-login")
        }
    }

    fn ssh_user(&self, login: &str) -> Option<&Row> {
        let user = self.table(MenuId::User).named(login);
        user.filter(|row| !row.is("disabled"))
    }

    /// A line has come: plays the faults that are set for the commands in it, and runs it. Traps befall the command itself, where
    /// `on-error` catches them; all else befalls the whole line.
    pub(crate) fn ssh_line(&mut self, id: ConnectionId, console: Console, line: &[u8]) -> Played {
        let Some(connection) = self.connections.all.get(&id) else {
            return Played::Cut;
        };
        let Some(caller) = connection.caller.clone() else {
            return Played::Cut;
        };
        if connection.stalled {
            return Played::Open(Vec::new());
        }
        let line = if self.quirks.ssh_several_lines {
            line
        } else {
            let mut lines = line.split(|byte| *byte == b'\n');
            lines.next().unwrap_or_default()
        };
        let befalls = self.draw_for(line, &caller.user);
        self.play_line(&caller, console, line, befalls)
    }

    fn draw_for(&mut self, line: &[u8], user: &str) -> Befalls {
        let mut words = Line::read(line, self)
            .map(|line| line.words())
            .unwrap_or_default();
        if words.is_empty() {
            words.push(":".to_owned());
        }
        let mut all = Befalls::default();
        for word in words {
            if all.words.contains(&word) {
                continue;
            }
            let drawn = self.faults.draw(&word, user);
            all.latency = all.latency.saturating_add(drawn.latency);
            match drawn.fault {
                Some(Fault::Trap { message, .. }) => all.traps.push((word.clone(), message)),
                Some(other) if all.fault.is_none() => all.fault = Some(other),
                _ => {}
            }
            all.words.push(word);
        }
        all
    }

    fn play_line(
        &mut self,
        caller: &Caller,
        console: Console,
        line: &[u8],
        befalls: Befalls,
    ) -> Played {
        let id = caller.connection;
        let name = befalls.name();
        let Befalls {
            latency,
            fault,
            traps,
            words,
        } = befalls;
        let run =
            |state: &mut Self, traps| state.type_line(caller, console, Via::Ssh, line, traps, name);
        match fault {
            None | Some(Fault::Latency(_) | Fault::Trap { .. } | Fault::RefuseLogin) => {
                let Answer { output, closes } = run(self, traps);
                if closes {
                    Played::CutAfter(output)
                } else {
                    Played::Answer(latency, output)
                }
            }
            Some(Fault::LoseReply) => {
                run(self, traps);
                Played::Open(Vec::new())
            }
            Some(Fault::CutAfter) => {
                run(self, traps);
                Played::Cut
            }
            Some(Fault::CutMidReply(most)) => {
                let mut output = run(self, traps).output;
                output.truncate(most);
                Played::CutAfter(output)
            }
            Some(Fault::Partial { rows, then }) => {
                let mut output = first_lines(&run(self, traps).output, rows);
                match then {
                    Then::Silence => Played::Open(output),
                    Then::Cut => Played::CutAfter(output),
                    Then::Trap(text) => {
                        output.extend(text.into_bytes());
                        output.extend(b"\r\n");
                        Played::Answer(latency, output)
                    }
                }
            }
            Some(fault) => {
                self.note_unrun(caller, words, line, name);
                match fault {
                    Fault::Late(after) => {
                        let late = Timer::Line(caller.clone(), console, line.to_vec());
                        self.schedule(after, late);
                        Played::Open(Vec::new())
                    }
                    Fault::Stall => {
                        if let Some(connection) = self.connections.all.get_mut(&id) {
                            connection.stalled = true;
                        }
                        Played::Open(Vec::new())
                    }
                    Fault::Fatal(reason) => Played::Farewell(reason),
                    Fault::Garbage(bytes) => Played::Answer(latency, bytes),
                    _ => Played::Cut,
                }
            }
        }
    }

    /// Notes commands that were received and not carried out.
    fn note_unrun(
        &mut self,
        caller: &Caller,
        words: Vec<String>,
        line: &[u8],
        fault: Option<&'static str>,
    ) {
        for (index, word) in words.into_iter().enumerate() {
            let mut record =
                CommandRecord::at_console(self.now, caller, word, Vec::new(), Vec::new());
            record.via = Via::Ssh;
            record.fault = fault;
            record.bytes_in = if index == 0 { line.len() } else { 0 };
            self.commands.push(record);
        }
        self.changes += 1;
    }
}

fn first_lines(output: &[u8], count: usize) -> Vec<u8> {
    let lines = output.split_inclusive(|byte| *byte == b'\n').take(count);
    lines.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_name_may_say_what_the_terminal_is_like() {
        for (login, user, width) in [
            ("ann", "ann", 80),
            ("ann+cet200w", "ann", 200),
            ("ann+cet511w4098h", "ann", 511),
            ("ann+c80h", "ann", 80),
            ("ann+", "ann", 80),
            ("ann+99999999999999999999w", "ann", 80),
        ] {
            assert_eq!(read_login(login), (user, Console { width }), "{login}");
        }
    }

    #[test]
    fn lines_are_counted_by_their_ends() {
        assert_eq!(first_lines(b"a\r\nb\r\nc", 2), b"a\r\nb\r\n");
        assert_eq!(first_lines(b"a", 2), b"a");
        assert_eq!(first_lines(b"a\r\n", 0), b"");
    }
}
