//! People: users, operators, registrations.

use diesel::prelude::*;
use mikro2fa_core::{
    desk::{ChatId, Operator, Registration, User},
    store::StoreError,
    time::Timestamp,
};

use crate::{
    rows::{count, from_json, from_name, id, json, millis, name, plain},
    schema::{operators, registrations, users},
};

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub(crate) struct UserRow {
    id: String,
    name: String,
    chat: Option<i64>,
    link_generation: i64,
    linked_at: Option<i64>,
    language: String,
    zone_minutes: Option<i64>,
    suspended: bool,
    unreachable: bool,
    policy: String,
    created_at: i64,
    version: i64,
}

impl UserRow {
    pub(crate) fn new(user: &User) -> Result<Self, StoreError> {
        Ok(Self {
            id: user.id.to_string(),
            name: plain(&user.name)?,
            chat: user.chat.map(|chat| chat.0),
            link_generation: user.link_generation.into(),
            linked_at: millis(user.linked_at),
            language: name(&user.language)?,
            zone_minutes: user.zone_minutes.map(i64::from),
            suspended: user.suspended,
            unreachable: user.unreachable,
            policy: json(&user.policy)?,
            created_at: user.created_at.millis(),
            version: user.version.into(),
        })
    }

    pub(crate) fn user(self) -> Result<User, StoreError> {
        Ok(User {
            id: id("a user", &self.id)?,
            name: self.name.into(),
            chat: self.chat.map(ChatId),
            link_generation: count("a user's links", self.link_generation)?,
            linked_at: self.linked_at.map(Timestamp),
            language: from_name("a user's language", &self.language)?,
            zone_minutes: self
                .zone_minutes
                .map(|minutes| count("a user's time zone", minutes))
                .transpose()?,
            suspended: self.suspended,
            unreachable: self.unreachable,
            policy: from_json("a user's policy", &self.policy)?,
            created_at: Timestamp(self.created_at),
            version: count("a user's version", self.version)?,
        })
    }
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = operators, treat_none_as_default_value = false)]
pub(crate) struct OperatorRow {
    id: String,
    name: String,
    chat: Option<i64>,
    language: String,
    created_at: i64,
}

impl OperatorRow {
    pub(crate) fn new(operator: &Operator) -> Result<Self, StoreError> {
        Ok(Self {
            id: operator.id.to_string(),
            name: plain(&operator.name)?,
            chat: operator.chat.map(|chat| chat.0),
            language: name(&operator.language)?,
            created_at: operator.created_at.millis(),
        })
    }

    pub(crate) fn operator(self) -> Result<Operator, StoreError> {
        Ok(Operator {
            id: id("an operator", &self.id)?,
            name: self.name.into(),
            chat: self.chat.map(ChatId),
            language: from_name("an operator's language", &self.language)?,
            created_at: Timestamp(self.created_at),
        })
    }
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = registrations, treat_none_as_default_value = false)]
pub(crate) struct RegistrationRow {
    id: String,
    chat: i64,
    name: String,
    telegram_name: String,
    language: String,
    at: i64,
    state: String,
}

impl RegistrationRow {
    pub(crate) fn new(registration: &Registration) -> Result<Self, StoreError> {
        Ok(Self {
            id: registration.id.to_string(),
            chat: registration.chat.0,
            name: plain(&registration.name)?,
            telegram_name: plain(&registration.telegram_name)?,
            language: name(&registration.language)?,
            at: registration.at.millis(),
            state: name(&registration.state)?,
        })
    }

    pub(crate) fn registration(self) -> Result<Registration, StoreError> {
        Ok(Registration {
            id: id("a registration", &self.id)?,
            chat: ChatId(self.chat),
            name: self.name.into(),
            telegram_name: self.telegram_name.into(),
            language: from_name("a registration's language", &self.language)?,
            at: Timestamp(self.at),
            state: from_name("a registration's state", &self.state)?,
        })
    }
}
