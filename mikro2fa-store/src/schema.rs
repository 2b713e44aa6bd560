//! Tables, as far as the desk's queries see them. The shape is that of both folders of `migrations/`.

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    secrets (name) {
        name -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        name -> Text,
        chat -> Nullable<BigInt>,
        link_generation -> BigInt,
        linked_at -> Nullable<BigInt>,
        language -> Text,
        zone_minutes -> Nullable<BigInt>,
        suspended -> Bool,
        unreachable -> Bool,
        policy -> Text,
        created_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    operators (id) {
        id -> Text,
        name -> Text,
        chat -> Nullable<BigInt>,
        language -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    routers (id) {
        id -> Text,
        name -> Text,
        connection -> Text,
        password -> Binary,
        mode -> Text,
        gates -> Text,
        unowned -> Text,
        adopt -> Text,
        since -> BigInt,
        poll_interval -> BigInt,
        hook_key_hash -> Nullable<Text>,
        policy -> Text,
        version -> BigInt,
        observe_asks -> Bool,
    }
}

diesel::table! {
    sources (id) {
        id -> Text,
        kind -> Text,
        matching -> Text,
        holder_id -> Nullable<Text>,
    }
}

diesel::table! {
    source_routers (source_id, router_id) {
        source_id -> Text,
        router_id -> Text,
        place -> BigInt,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        source_id -> Text,
        name -> Text,
        name_key -> Text,
        owner_id -> Nullable<Text>,
        kind -> Text,
        handed_over -> Bool,
        routes -> Text,
        policy -> Text,
        version -> BigInt,
        disabled -> Bool,
        before -> Text,
    }
}

diesel::table! {
    router_leases (router_id) {
        router_id -> Text,
        node_id -> Nullable<Text>,
        epoch -> BigInt,
        until -> BigInt,
    }
}

diesel::table! {
    gate_orders (router_id) {
        router_id -> Text,
        mode -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    registrations (id) {
        id -> Text,
        chat -> BigInt,
        name -> Text,
        telegram_name -> Text,
        language -> Text,
        at -> BigInt,
        state -> Text,
    }
}

diesel::table! {
    link_codes (digest) {
        digest -> Text,
        user_id -> Text,
        until -> BigInt,
    }
}

diesel::table! {
    api_tokens (digest) {
        digest -> Text,
        name -> Text,
        created_at -> BigInt,
        until -> Nullable<BigInt>,
    }
}

diesel::table! {
    keyboards (id) {
        id -> Text,
        chat -> BigInt,
        user_id -> Nullable<Text>,
        link_generation -> BigInt,
        messages -> Text,
        presses -> Text,
        made_at -> BigInt,
        replaces -> Bool,
        ends_at -> BigInt,
        dead -> Bool,
    }
}

diesel::table! {
    open_sessions (id) {
        id -> Text,
        router_id -> Text,
        account_id -> Text,
        owner_id -> Text,
        version -> BigInt,
        deadline -> Nullable<BigInt>,
        state_name -> Text,
        ended -> Bool,
        opened_at -> BigInt,
        state -> Binary,
    }
}

diesel::table! {
    ended_sessions (id) {
        id -> Text,
        router_id -> Text,
        account_id -> Text,
        owner_id -> Text,
        version -> BigInt,
        deadline -> Nullable<BigInt>,
        state_name -> Text,
        ended -> Bool,
        opened_at -> BigInt,
        state -> Binary,
    }
}

diesel::table! {
    books (account_id) {
        account_id -> Text,
        book -> Text,
    }
}

diesel::table! {
    bans (id) {
        id -> Text,
        account_id -> Text,
        until -> Nullable<BigInt>,
        ban -> Text,
    }
}

diesel::table! {
    lanes (lane) {
        lane -> Text,
        receipt -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    commits_seen (id) {
        id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    updates_seen (name) {
        name -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    audit_chains (id) {
        id -> BigInt,
        name -> Text,
        started_at -> BigInt,
        seq -> BigInt,
        hash -> Binary,
        covered -> BigInt,
    }
}

diesel::table! {
    audit_entries (number) {
        number -> BigInt,
        chain -> BigInt,
        seq -> BigInt,
        at -> BigInt,
        session_id -> Nullable<Text>,
        router_id -> Nullable<Text>,
        account_id -> Nullable<Text>,
        what -> Text,
        personal -> Nullable<Text>,
        salt -> Nullable<Text>,
        hash -> Binary,
    }
}

diesel::table! {
    audit_checkpoints (seq) {
        seq -> BigInt,
        at -> BigInt,
        heads -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    router_journal (router_id, number) {
        router_id -> Text,
        number -> BigInt,
        deed -> Text,
        done -> Bool,
        at -> BigInt,
    }
}

diesel::joinable!(source_routers -> sources (source_id));
diesel::allow_tables_to_appear_in_same_query!(
    sources,
    source_routers,
    accounts,
    users,
    books,
    bans,
);
diesel::allow_tables_to_appear_in_same_query!(audit_entries, audit_chains);

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use diesel::{Connection, RunQueryDsl, SqliteConnection, query_dsl::methods::LimitDsl};
    use diesel_migrations::MigrationHarness;

    /// Reads no row of a table, but all of its columns.
    macro_rules! has_all_columns {
        ($connection:expr, $($table:ident: $row:ty),* $(,)?) => {$({
            let rows = super::$table::table.limit(0).load::<$row>($connection);
            assert!(rows.is_ok(), "{}: {rows:?}", stringify!($table));
        })*};
    }

    type Text = String;
    type Session = (
        Text,
        Text,
        Text,
        Text,
        i64,
        Option<i64>,
        Text,
        bool,
        i64,
        Vec<u8>,
    );

    #[test]
    fn tables_are_those_of_the_migrations() {
        let connection = &mut SqliteConnection::establish(":memory:").unwrap();
        connection
            .run_pending_migrations(crate::migrate::SQLITE)
            .unwrap();
        has_all_columns!(
            connection,
            meta: (Text, Text),
            settings: (Text, Text),
            secrets: (Text, Vec<u8>),
            source_routers: (Text, Text, i64),
            gate_orders: (Text, Text, i64),
            router_leases: (Text, Option<Text>, i64, i64),
            link_codes: (Text, Text, i64),
            open_sessions: Session,
            ended_sessions: Session,
            books: (Text, Text),
            bans: (Text, Text, Option<i64>, Text),
            lanes: (Text, Text, i64),
            commits_seen: (Text, i64),
            updates_seen: (Text, i64),
            router_journal: (Text, i64, Text, bool, i64),
            audit_chains: (i64, Text, i64, i64, Vec<u8>, i64),
            audit_checkpoints: (i64, i64, Text, Vec<u8>),
        );
    }
}
