//! A router's logins beside the desk's accounts: listed, made, imported.

use mikro2fa_core::{
    desk::{Account, Router, SourceKind},
    directory::Page,
    id::UserId,
    tunnel::Text,
};
use serde::{Deserialize, Serialize};
use warp::http::StatusCode;

use super::super::{
    Api,
    call::{Answer, Call, one, rows},
    input::Name,
};
use crate::{
    desk::{self, NewAccount, Owners},
    error::{Kind, Problem},
};

pub(super) async fn list(api: &Api, call: &Call, router: &Router) -> Answer {
    call.only(&[])?;
    let found = api.desk(call).logins(router).await?;
    let page = Page {
        rows: found,
        next: None,
    };
    rows(page, |login| login)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLogin {
    name: Name,
    /// In which of the router's places.
    #[serde(default)]
    kept_in: SourceKind,
    owner: Option<UserId>,
    profile: Option<Name>,
    /// Its profile of the User Manager.
    user_profile: Option<Name>,
    service: Option<Name>,
    address: Option<std::net::Ipv4Addr>,
}

/// The password is in this answer, and nowhere else.
pub(super) async fn make(api: &Api, call: &Call, router: &Router) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        account: &'a Account,
        password: &'a str,
    }
    let new: NewLogin = call.json()?;
    let owner = match new.owner {
        Some(owner) => Some(
            api.directory
                .user(owner)
                .await?
                .ok_or_else(|| Problem::with(Kind::Invalid, "owner: there is no such user"))?,
        ),
        None => None,
    };
    let login = NewAccount {
        kept_in: new.kept_in,
        name: new.name.0,
        profile: new.profile.map(|profile| profile.0),
        user_profile: new.user_profile.map(|profile| profile.0),
        service: new.service.map(|service| service.0),
        address: new.address.map(|address| address.to_string().into()),
    };
    let created = api.desk(call).create(router, login, owner.as_ref()).await?;
    one(
        StatusCode::CREATED,
        &Shown {
            account: &created.account,
            password: created.password.expose(),
        },
    )
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    #[serde(default)]
    only: Vec<Text>,
    #[serde(default)]
    owners: Owners,
    /// Of this place only; of both where it is not said.
    kept_in: Option<SourceKind>,
}

pub(super) async fn import(api: &Api, call: &Call, router: &Router) -> Answer {
    let said: Import = call.json_or_default()?;
    let import = desk::Import {
        only: said.only,
        owners: said.owners,
        kept_in: said.kept_in,
    };
    let made = api.desk(call).import(router, &import).await?;
    let page = Page {
        rows: made,
        next: None,
    };
    rows(page, |account| account)
}
