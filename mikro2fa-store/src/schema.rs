//! Tables, as the desk's queries see them. The shape is that of both folders of `migrations/`.

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
    outbox (number) {
        number -> BigInt,
        id -> Text,
        lane -> Text,
        card -> Bool,
        priority -> BigInt,
        notice -> Text,
        due -> BigInt,
        useless_after -> Nullable<BigInt>,
        attempt -> BigInt,
        claimed_by -> Nullable<Text>,
        claimed_until -> BigInt,
        reason -> Nullable<Text>,
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
    router_leases (router_id) {
        router_id -> Text,
        node_id -> Nullable<Text>,
        epoch -> BigInt,
        until -> BigInt,
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
