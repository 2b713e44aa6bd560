//! The console: one line in, text out. What SSH's `exec` reaches.

mod print;
#[cfg(test)]
mod tests;

pub(crate) use print::{Layout, View, as_value, is_property, print};

use super::{
    command::Caller,
    log::{CommandRecord, UnknownCommand, Via},
    script::{Console, Failure, Finished, Line},
    state::State,
};

/// What a line is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What is printed, lines ended by CR LF.
    pub(crate) output: Vec<u8>,
    /// The connection ends with it.
    #[cfg_attr(
        not(feature = "simulator-ssh"),
        expect(dead_code, reason = "only SSH has a connection to end")
    )]
    pub(crate) closes: bool,
}

impl State {
    /// Reads and runs a line, and notes in the log of commands what it did.
    pub(crate) fn type_line(
        &mut self,
        caller: &Caller,
        console: Console,
        via: Via,
        line: &[u8],
        traps: Vec<(String, String)>,
        fault: Option<&'static str>,
    ) -> Answer {
        let finished = match Line::read(line, self) {
            Ok(read) => read.run(self, caller, console, traps),
            Err(failure) => Finished {
                output: Vec::new(),
                failure: Some(failure),
                ran: Vec::new(),
                closes: false,
            },
        };
        let mut output = finished.output;
        if let Some(failure) = &finished.failure {
            if is_unknown(failure) {
                self.commands.unknown(UnknownCommand {
                    at: self.now,
                    via,
                    what: String::from_utf8_lossy(line).into_owned(),
                    answer: failure.to_string(),
                });
            }
            output.extend(failure.to_string().into_bytes());
            output.extend(b"\r\n");
        }
        let told = Told {
            via,
            fault,
            answered: output.len(),
            failure: finished.failure.as_ref(),
        };
        self.note(caller, line, finished.ran, &told);
        Answer {
            output,
            closes: finished.closes,
        }
    }

    /// Somebody asks for a terminal, which there is none.
    #[cfg(feature = "simulator-ssh")]
    pub(crate) fn no_terminal(&mut self) {
        self.commands.unknown(UnknownCommand {
            at: self.now,
            via: Via::Ssh,
            what: "a terminal".to_owned(),
            answer: "there is none".to_owned(),
        });
        self.changes += 1;
    }

    /// The line's bytes count for its first command, those of the answer for its last. A line without commands is noted as `:`.
    fn note(&mut self, caller: &Caller, line: &[u8], mut ran: Vec<CommandRecord>, told: &Told<'_>) {
        if ran.is_empty() {
            let mut record =
                CommandRecord::at_console(self.now, caller, ":".to_owned(), Vec::new(), Vec::new());
            record.trap = told.failure.map(ToString::to_string);
            ran.push(record);
        }
        if let Some(first) = ran.first_mut() {
            first.bytes_in = line.len();
        }
        if let Some(last) = ran.last_mut() {
            last.bytes_out = told.answered;
        }
        for mut record in ran {
            record.via = told.via;
            record.fault = told.fault;
            self.commands.push(record);
        }
        self.changes += 1;
    }
}

/// What the log of commands is told about a line.
struct Told<'a> {
    via: Via,
    fault: Option<&'static str>,
    answered: usize,
    failure: Option<&'a Failure>,
}

/// Whether a line failed because this router does not have something, or the simulator does not know it.
const fn is_unknown(failure: &Failure) -> bool {
    match failure {
        Failure::Syntax(syntax) => syntax.unknown,
        Failure::Unsupported(_) => true,
        Failure::Error(_) => false,
    }
}
