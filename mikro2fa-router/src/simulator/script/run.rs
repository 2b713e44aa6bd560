//! Statements to what they do.

mod builtin;
mod command;
mod compute;
mod condition;

use std::collections::HashMap;

use super::{
    super::{command::Caller, log::CommandRecord, state::State},
    Failure, Value,
    ast::{Block, Expression, Statement},
    parse,
};

/// What a script can see from the start.
pub(crate) type Variables = Vec<(&'static str, Value)>;

/// Steps after which a script is stopped.
const MAX_STEPS: u32 = 200_000;
/// The same for a line of the console, which may read a whole router letter by letter.
const MAX_CONSOLE_STEPS: u32 = 10_000_000;
/// The longest text that a script may build.
const MAX_TEXT: usize = 4 << 20;
/// How deep blocks, values and functions may be in each other while it runs.
const MAX_DEPTH: u32 = 120;

type Outcome<T> = Result<T, Failure>;

/// Runs a hook to its end. What it prints goes nowhere.
pub(super) fn run(
    state: &mut State,
    caller: Caller,
    script: &Block,
    variables: Variables,
) -> Outcome<()> {
    let scope = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Slot::Local(value)))
        .collect();
    let mut runner = Runner::new(state, caller, Console::default());
    runner.scopes = vec![scope];
    runner.block(script).map(drop)
}

/// A line of the console that could be read.
#[derive(Clone, Debug)]
pub(crate) struct Line(Block);

/// What a console is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Console {
    /// Columns, for what is wrapped.
    pub(crate) width: usize,
}

impl Default for Console {
    /// As a terminal that says nothing of itself.
    fn default() -> Self {
        Self { width: 80 }
    }
}

/// What became of a line.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) output: Vec<u8>,
    pub(crate) failure: Option<Failure>,
    /// The commands that ran, without bytes.
    pub(crate) ran: Vec<CommandRecord>,
    /// The connection ends with it.
    pub(crate) closes: bool,
}

impl Line {
    /// Reads a line. Nothing of one that cannot be read is run.
    pub(crate) fn read(line: &[u8], state: &State) -> Result<Self, Failure> {
        parse::parse(line, state.edition()).map(Self)
    }

    /// The words of its commands, in their order.
    #[cfg(feature = "simulator-ssh")]
    pub(crate) fn words(&self) -> Vec<String> {
        super::ast::words(&self.0)
    }

    /// Runs it. `traps` are errors that commands answer with instead of being carried out, once each, by their words.
    pub(crate) fn run(
        &self,
        state: &mut State,
        caller: &Caller,
        console: Console,
        traps: Vec<(String, String)>,
    ) -> Finished {
        let mut runner = Runner::new(state, caller.clone(), console);
        runner.sees_globals = true;
        runner.at_console = true;
        runner.traps = traps;
        let outcome = runner.block(&self.0);
        Finished {
            output: runner.output,
            failure: outcome.err(),
            ran: runner.ran,
            closes: runner.closes,
        }
    }
}

struct Runner<'s> {
    state: &'s mut State,
    caller: Caller,
    console: Console,
    scopes: Vec<HashMap<String, Slot>>,
    /// Global variables are seen without being declared.
    sees_globals: bool,
    at_console: bool,
    steps: u32,
    depth: u32,
    output: Vec<u8>,
    ran: Vec<CommandRecord>,
    traps: Vec<(String, String)>,
    closes: bool,
}

/// A variable.
#[derive(Clone, Debug)]
enum Slot {
    Local(Value),
    /// Its value is the router's.
    Global,
}

/// What a block came to: its end, or `:return`.
enum End {
    Reached,
    Returned(Value),
}

impl<'s> Runner<'s> {
    fn new(state: &'s mut State, caller: Caller, console: Console) -> Self {
        Self {
            state,
            caller,
            console,
            scopes: vec![HashMap::new()],
            sees_globals: false,
            at_console: false,
            steps: 0,
            depth: 0,
            output: Vec::new(),
            ran: Vec::new(),
            traps: Vec::new(),
            closes: false,
        }
    }

    fn block(&mut self, block: &Block) -> Outcome<End> {
        self.scopes.push(HashMap::new());
        let end = self.statements(block);
        self.scopes.pop();
        end
    }

    fn statements(&mut self, block: &Block) -> Outcome<End> {
        self.enter()?;
        for statement in block.iter() {
            self.step()?;
            if let End::Returned(value) = self.statement(statement)? {
                self.depth -= 1;
                return Ok(End::Returned(value));
            }
        }
        self.depth -= 1;
        Ok(End::Reached)
    }

    fn step(&mut self) -> Outcome<()> {
        self.steps += 1;
        let most = if self.at_console {
            MAX_CONSOLE_STEPS
        } else {
            MAX_STEPS
        };
        if self.steps > most {
            Err(Failure::Unsupported("scripts that run so long".to_owned()))
        } else {
            Ok(())
        }
    }

    fn enter(&mut self) -> Outcome<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(Failure::Unsupported("scripts that go so deep".to_owned()))
        } else {
            Ok(())
        }
    }

    fn statement(&mut self, statement: &Statement) -> Outcome<End> {
        match statement {
            Statement::Local(name, value) => {
                let value = self.value(value)?;
                self.declare(name, Slot::Local(value));
            }
            Statement::Global(name, value) => {
                let value = value.as_ref().map(|value| self.value(value)).transpose()?;
                self.declare(name, Slot::Global);
                if let Some(value) = value {
                    self.set_global(name, value);
                }
            }
            Statement::Set(name, value) => {
                let value = self.value(value)?;
                self.set(name, value)?;
            }
            Statement::If(condition, then, otherwise) => {
                let branch = if self.holds(condition)? {
                    Some(then)
                } else {
                    otherwise.as_ref()
                };
                return branch.map_or(Ok(End::Reached), |block| self.block(block));
            }
            Statement::For {
                name,
                from,
                to,
                step,
                body,
            } => return self.count(name, from, to, step.as_ref(), body),
            Statement::Foreach {
                key,
                name,
                list,
                body,
            } => {
                let items = match self.value(list)? {
                    Value::List(items) => items,
                    Value::Nothing | Value::Nil => Vec::new(),
                    single => vec![(None, single)],
                };
                return self.each(key.as_deref(), name, items, body);
            }
            Statement::While(condition, body) => {
                while self.holds(condition)? {
                    self.step()?;
                    if let End::Returned(value) = self.block(body)? {
                        return Ok(End::Returned(value));
                    }
                }
            }
            Statement::Do { body, on_error } => {
                let depth = self.depth;
                match (self.attempt(body), on_error) {
                    (Err(Failure::Error(_)), Some(handler)) => {
                        self.depth = depth;
                        return self.block(handler);
                    }
                    (end, _) => return end,
                }
            }
            Statement::OnError {
                name,
                body,
                handler,
            } => {
                let depth = self.depth;
                match self.attempt(body) {
                    Err(Failure::Error(text)) => {
                        self.depth = depth;
                        self.declare(name, Slot::Local(Value::text(text)));
                        return self.block(handler);
                    }
                    end => return end,
                }
            }
            Statement::Return(value) => return Ok(End::Returned(self.value(value)?)),
            Statement::Scope(block) => return self.block(block),
            Statement::Run(command) => {
                self.command(command, false)?;
            }
        }
        Ok(End::Reached)
    }

    /// Runs a block whose failure is caught: the scopes are again what they were.
    fn attempt(&mut self, block: &Block) -> Outcome<End> {
        let scopes = self.scopes.len();
        let end = self.block(block);
        self.scopes.truncate(scopes);
        end
    }

    fn declare(&mut self, name: &str, slot: Slot) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), slot);
        }
    }

    fn variable(&self, name: &str) -> Value {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        match found {
            Some(Slot::Local(value)) => value.clone(),
            Some(Slot::Global) => self.global(name),
            None if self.sees_globals => self.global(name),
            // A variable that nobody declared is nothing, silently.
            None => Value::Nothing,
        }
    }

    fn global(&self, name: &str) -> Value {
        let mine = self.state.globals.get(&self.caller.user);
        let found = mine.and_then(|mine| mine.get(name));
        found.cloned().unwrap_or(Value::Nothing)
    }

    fn set_global(&mut self, name: &str, value: Value) {
        let mine = self.state.globals.entry(self.caller.user.clone());
        mine.or_default().insert(name.to_owned(), value);
    }

    fn set(&mut self, name: &str, value: Value) -> Outcome<()> {
        let known = self.sees_globals && !matches!(self.global(name), Value::Nothing);
        let slot = self
            .scopes
            .iter_mut()
            .rev()
            .find_map(|scope| scope.get_mut(name));
        match slot {
            Some(Slot::Local(place)) => *place = value,
            Some(Slot::Global) => self.set_global(name, value),
            None if known => self.set_global(name, value),
            None => return Err(Failure::error(format!("undefined variable {name}"))),
        }
        Ok(())
    }

    /// Counts up or, where the end is below the beginning, down, as RouterOS does.
    fn count(
        &mut self,
        name: &str,
        from: &Expression,
        to: &Expression,
        step: Option<&Expression>,
        body: &Block,
    ) -> Outcome<End> {
        let (from, to) = (self.number(from)?, self.number(to)?);
        let step = step.map(|step| self.number(step)).transpose()?;
        let step = step.map_or(1, |step| step.unsigned_abs().max(1));
        let mut at = from;
        loop {
            if let End::Returned(value) = self.with(name, Value::Number(at), body)? {
                return Ok(End::Returned(value));
            }
            let next = if to < from {
                at.checked_sub_unsigned(step).filter(|next| *next >= to)
            } else {
                at.checked_add_unsigned(step).filter(|next| *next <= to)
            };
            match next {
                Some(next) => at = next,
                None => return Ok(End::Reached),
            }
        }
    }

    fn each(
        &mut self,
        key: Option<&str>,
        name: &str,
        items: Vec<(Option<Vec<u8>>, Value)>,
        body: &Block,
    ) -> Outcome<End> {
        for (index, (own_key, value)) in items.into_iter().enumerate() {
            let named = key.map(|key| {
                let number = i64::try_from(index).unwrap_or(i64::MAX);
                let shown = own_key.map_or(Value::Number(number), Value::Text);
                (key.to_owned(), Slot::Local(shown))
            });
            self.scopes.push(named.into_iter().collect());
            let end = self.with(name, value, body);
            self.scopes.pop();
            if let End::Returned(value) = end? {
                return Ok(End::Returned(value));
            }
        }
        Ok(End::Reached)
    }

    fn with(&mut self, name: &str, value: Value, body: &Block) -> Outcome<End> {
        self.step()?;
        let scope = HashMap::from([(name.to_owned(), Slot::Local(value))]);
        self.scopes.push(scope);
        let end = self.statements(body);
        self.scopes.pop();
        end
    }

    fn value(&mut self, expression: &Expression) -> Outcome<Value> {
        self.step()?;
        self.enter()?;
        let value = self.compute(expression)?;
        self.depth -= 1;
        Ok(value)
    }

    fn compute(&mut self, expression: &Expression) -> Outcome<Value> {
        match expression {
            Expression::Value(value) => Ok(value.clone()),
            Expression::Variable(name) => Ok(self.variable(name)),
            // Only a condition has a row to ask; there it never comes here.
            Expression::Property(_) => Ok(Value::Nil),
            Expression::Joined(parts) => {
                let mut text = Vec::new();
                for part in parts {
                    text.extend(self.value(part)?.shown());
                }
                bounded(text)
            }
            Expression::Chain(first, rest) => {
                let mut left = self.value(first)?;
                for (operator, right) in rest {
                    let right = self.value(right)?;
                    left = compute::binary(*operator, left, &right)?;
                }
                Ok(left)
            }
            Expression::Not(inner) => Ok(Value::Bool(!self.holds(inner)?)),
            Expression::List(items) => {
                let mut list = Vec::new();
                for (key, value) in items {
                    let key = key.as_ref().map(|key| self.value(key)).transpose()?;
                    list.push((key.map(|key| key.shown()), self.value(value)?));
                }
                Ok(Value::List(list))
            }
            Expression::Command(command) => self.command(command, true),
        }
    }

    fn holds(&mut self, condition: &Expression) -> Outcome<bool> {
        match self.value(condition)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(Failure::error("conditional not boolean")),
        }
    }

    fn number(&mut self, expression: &Expression) -> Outcome<i64> {
        self.value(expression)?
            .number()
            .ok_or_else(|| Failure::error("invalid value, number expected"))
    }
}

fn bounded(text: Vec<u8>) -> Outcome<Value> {
    if text.len() > MAX_TEXT {
        Err(Failure::error("string too long"))
    } else {
        Ok(Value::Text(text))
    }
}
