//! What a script is made of.

use std::sync::Arc;

use super::{super::menu::MenuId, Value};

pub(crate) type Block = Arc<Vec<Statement>>;

/// The words of all commands of menus in a script, in their order.
pub(super) fn words(block: &[Statement]) -> Vec<String> {
    let mut words = Vec::new();
    block
        .iter()
        .for_each(|statement| statement.words(&mut words));
    words
}

#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Local(String, Expression),
    Global(String, Option<Expression>),
    Set(String, Expression),
    If(Expression, Block, Option<Block>),
    For {
        name: String,
        from: Expression,
        to: Expression,
        step: Option<Expression>,
        body: Block,
    },
    Foreach {
        key: Option<String>,
        name: String,
        list: Expression,
        body: Block,
    },
    While(Expression, Block),
    Do {
        body: Block,
        on_error: Option<Block>,
    },
    OnError {
        name: String,
        body: Block,
        handler: Block,
    },
    Return(Expression),
    Scope(Block),
    Run(Command),
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Value(Value),
    Variable(String),
    /// A property of the row that a condition is about.
    Property(String),
    /// A string with parts to be filled in.
    Joined(Vec<Self>),
    /// Operators of one strength, from left to right. A list, so that a long line makes no deep tree.
    Chain(Box<Self>, Vec<(Operator, Self)>),
    Not(Box<Self>),
    List(Vec<(Option<Self>, Self)>),
    Command(Box<Command>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Join,
    Append,
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Matches,
    In,
    /// `->`
    Member,
    And,
    Or,
}

/// A command with what it is given: `:len $x`, `/tool fetch url=…`, `$clean $user`, `/ip address print where …`.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) what: What,
    pub(crate) plain: Vec<Expression>,
    /// Named arguments; a name with `!` before it is to be unset.
    pub(crate) named: Vec<(String, Expression)>,
    /// What `print` was told by bare words.
    pub(crate) flags: Vec<&'static str>,
    /// What `find` and `where` ask for.
    pub(crate) condition: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// `:len`, `:log`
    Builtin(&'static str),
    /// A function in a variable.
    Function(String),
    /// A command of a menu.
    Menu(MenuId, &'static str),
    /// One that belongs to no menu: `/tool/fetch`, `/system/reboot`, `/log/info`.
    Other(&'static str),
}

impl Command {
    pub(super) const fn new(what: What) -> Self {
        Self {
            what,
            plain: Vec::new(),
            named: Vec::new(),
            flags: Vec::new(),
            condition: None,
        }
    }

    /// Its command word as the API has it; nothing for what is no command of a router's menus.
    pub(super) fn word(&self) -> Option<String> {
        match &self.what {
            What::Menu(menu, verb) => Some(format!("{}/{verb}", menu.menu().path)),
            What::Other(path) => Some((*path).to_owned()),
            What::Builtin(_) | What::Function(_) => None,
        }
    }

    fn words(&self, into: &mut Vec<String>) {
        for expression in self
            .plain
            .iter()
            .chain(self.named.iter().map(|(_, value)| value))
        {
            expression.words(into);
        }
        if let Some(condition) = &self.condition {
            condition.words(into);
        }
        into.extend(self.word());
    }
}

impl Statement {
    fn words(&self, into: &mut Vec<String>) {
        let mut inside = |block: &Block| block.iter().for_each(|statement| statement.words(into));
        match self {
            Self::Local(_, value) | Self::Set(_, value) | Self::Return(value) => value.words(into),
            Self::Global(_, value) => value.iter().for_each(|value| value.words(into)),
            Self::If(condition, then, otherwise) => {
                condition.words(into);
                let blocks = std::iter::once(then).chain(otherwise);
                blocks.for_each(|block| block.iter().for_each(|it| it.words(into)));
            }
            Self::For { from, to, body, .. } => {
                from.words(into);
                to.words(into);
                body.iter().for_each(|statement| statement.words(into));
            }
            Self::Foreach {
                list: value, body, ..
            }
            | Self::While(value, body) => {
                value.words(into);
                body.iter().for_each(|statement| statement.words(into));
            }
            Self::Do { body, on_error } => {
                inside(body);
                on_error.iter().for_each(inside);
            }
            Self::OnError { body, handler, .. } => {
                inside(body);
                inside(handler);
            }
            Self::Scope(block) => inside(block),
            Self::Run(command) => command.words(into),
        }
    }
}

impl Expression {
    fn words(&self, into: &mut Vec<String>) {
        match self {
            Self::Value(Value::Code(block, _)) => {
                block.iter().for_each(|statement| statement.words(into));
            }
            Self::Value(_) | Self::Variable(_) | Self::Property(_) => {}
            Self::Joined(parts) => parts.iter().for_each(|part| part.words(into)),
            Self::Chain(first, rest) => {
                first.words(into);
                rest.iter().for_each(|(_, value)| value.words(into));
            }
            Self::Not(inner) => inner.words(into),
            Self::List(items) => {
                let parts = items
                    .iter()
                    .flat_map(|(key, value)| key.iter().chain([value]));
                parts.for_each(|part| part.words(into));
            }
            Self::Command(command) => command.words(into),
        }
    }
}
