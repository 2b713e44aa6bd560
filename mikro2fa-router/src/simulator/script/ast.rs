//! What a script is made of.

use std::sync::Arc;

use super::{super::menu::MenuId, Value};

pub(super) type Block = Arc<Vec<Statement>>;

#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Local(String, Expression),
    Set(String, Expression),
    If(Expression, Block, Option<Block>),
    For {
        name: String,
        from: Expression,
        to: Expression,
        body: Block,
    },
    Foreach {
        name: String,
        list: Expression,
        body: Block,
    },
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
    /// A string with parts to be filled in.
    Joined(Vec<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    Not(Box<Self>),
    List(Vec<(Option<Self>, Self)>),
    Command(Box<Command>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Join,
    Add,
    Subtract,
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    And,
    Or,
}

/// A command with what it is given: `:len $x`, `/tool fetch url=…`, `$clean $user`.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) what: What,
    pub(crate) plain: Vec<Expression>,
    pub(crate) named: Vec<(String, Expression)>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// `:len`, `:log`
    Builtin(String),
    /// A function in a variable.
    Function(String),
    /// A command of a menu.
    Menu(MenuId, String),
    /// `find` of the menu that the command around it is of.
    Find,
    Fetch,
}
