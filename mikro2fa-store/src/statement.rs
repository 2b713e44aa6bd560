//! Statements of the hot path: SQL with `?` where values go, prepared once for each connection.
//!
//! Diesel's own `UPDATE`, `ON CONFLICT` and `sql_query` are prepared anew each time, which costs more than they do.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    connection::{Connection, LoadConnection},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::methods::{ExecuteDsl, LoadQuery},
    serialize::ToSql,
    sql_types::{BigInt, Binary, Bool, HasSqlType, Nullable, Text},
};

/// A value that can be bound.
pub(crate) trait Bind<DB: Backend> {
    /// Binds it next.
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

macro_rules! bind {
    ($($type:ty as $sql:ty),* $(,)?) => {$(
        impl<DB> Bind<DB> for $type
        where
            DB: Backend + HasSqlType<$sql>,
            $type: ToSql<$sql, DB>,
        {
            fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
                out.push_bind_param::<$sql, Self>(self)
            }
        }
    )*};
}

bind! {
    i64 as BigInt,
    bool as Bool,
    String as Text,
    Vec<u8> as Binary,
    Option<i64> as Nullable<BigInt>,
    Option<String> as Nullable<Text>,
}

impl<DB> Bind<DB> for &str
where
    DB: Backend,
    str: ToSql<Text, DB>,
{
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_bind_param::<Text, str>(self)
    }
}

impl<DB> Bind<DB> for &[u8]
where
    DB: Backend,
    [u8]: ToSql<Binary, DB>,
{
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_bind_param::<Binary, [u8]>(self)
    }
}

/// The values of a statement, in the order of its `?`.
pub(crate) type Values<'a, DB> = &'a [&'a dyn Bind<DB>];

/// SQL with its values; its rows are of SQL type `ST`.
pub(crate) struct Statement<'a, DB: Backend, ST = ()> {
    sql: &'static str,
    values: Values<'a, DB>,
    rows: PhantomData<ST>,
}

impl<DB: Backend, ST> QueryFragment<DB> for Statement<'_, DB, ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for (n, part) in self.sql.split('?').enumerate() {
            if n > 0
                && let Some(value) = values.next()
            {
                value.bind(&mut out)?;
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl<DB: Backend, ST> QueryId for Statement<'_, DB, ST> {
    type QueryId = ();
    // Told apart by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, ST> Query for Statement<'_, DB, ST> {
    type SqlType = ST;
}

impl<DB: Backend, ST, C> RunQueryDsl<C> for Statement<'_, DB, ST> {}

/// Runs a statement; says how many rows it changed.
pub(crate) fn execute<C>(
    connection: &mut C,
    sql: &'static str,
    values: Values<'_, C::Backend>,
) -> QueryResult<usize>
where
    C: Connection,
    for<'a> Statement<'a, C::Backend>: ExecuteDsl<C>,
{
    let statement: Statement<'_, C::Backend> = Statement {
        sql,
        values,
        rows: PhantomData,
    };
    RunQueryDsl::execute(statement, connection)
}

/// Runs a statement; gives its rows.
pub(crate) fn rows<'a, ST, T, C>(
    connection: &mut C,
    sql: &'static str,
    values: Values<'a, C::Backend>,
) -> QueryResult<Vec<T>>
where
    C: LoadConnection,
    Statement<'a, C::Backend, ST>: LoadQuery<'a, C, T>,
{
    let statement = Statement {
        sql,
        values,
        rows: PhantomData::<ST>,
    };
    statement.load(connection)
}
