//! `/api/users`: people with a chat.

use std::sync::Arc;

use mikro2fa_core::{
    desk::{Language, User},
    directory::{DeskChange, Page},
    id::UserId,
    policy::PolicyLevel,
    time::Timestamp,
};
use mikro2fa_telegram::link::LinkCode;
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, id, one, rows, there},
    input::{self, Name},
};
use crate::error::{Kind, Problem};

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        [] => match call.method {
            Method::GET => list(&api, &call).await,
            Method::POST => create(&api, &call).await,
            _ => call.no_such_method(),
        },
        [user] => match call.method {
            Method::GET => one(StatusCode::OK, &find(&api, user).await?),
            Method::PATCH => change(&api, &call, find(&api, user).await?).await,
            _ => call.no_such_method(),
        },
        [user, "accounts"] if call.method == Method::GET => {
            let owner = find(&api, user).await?;
            let accounts = api.directory.accounts_of(owner.id).await?;
            rows(
                Page {
                    rows: accounts,
                    next: None,
                },
                |account| account,
            )
        }
        [user, "link-code"] if call.method == Method::POST => {
            link_code(&api, &call, find(&api, user).await?).await
        }
        [_, "accounts" | "link-code"] => call.no_such_method(),
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

async fn find(api: &Api, text: &str) -> Result<User, Problem> {
    there(api.directory.user(id::<UserId>(text)?).await?)
}

async fn list(api: &Api, call: &Call) -> Answer {
    call.only(&["after", "limit"])?;
    rows(api.directory.users(&call.page()?).await?, |user| user)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: Name,
    #[serde(default)]
    language: Language,
    #[serde(default)]
    zone_minutes: Option<Zone>,
    #[serde(default)]
    policy: PolicyLevel,
}

/// Minutes east of UTC, as far as zones go.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "i16")]
struct Zone(i16);

impl TryFrom<i16> for Zone {
    type Error = &'static str;

    fn try_from(minutes: i16) -> Result<Self, Self::Error> {
        if (-12 * 60..=14 * 60).contains(&minutes) {
            Ok(Self(minutes))
        } else {
            Err("a zone is -720 to 840 minutes")
        }
    }
}

async fn create(api: &Arc<Api>, call: &Call) -> Answer {
    let new: NewUser = call.json()?;
    input::policy(api, &new.policy).await?;
    let user = User {
        id: UserId::from_uuid(api.entropy.sorted(call.now)),
        name: new.name.0,
        chat: None,
        link_generation: 0,
        linked_at: None,
        language: new.language,
        zone_minutes: new.zone_minutes.map(|zone| zone.0),
        suspended: false,
        unreachable: false,
        policy: new.policy,
        created_at: call.now,
        version: 0,
    };
    let audit = call.audited(format!("made user {} ({})", user.name, user.id));
    api.engine
        .change_desk(vec![DeskChange::PutUser(user.clone())], vec![audit])
        .await?;
    one(StatusCode::CREATED, &user)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    version: u32,
    name: Option<Name>,
    language: Option<Language>,
    #[serde(default, deserialize_with = "input::said")]
    zone_minutes: Option<Option<Zone>>,
    suspended: Option<bool>,
    policy: Option<PolicyLevel>,
}

async fn change(api: &Arc<Api>, call: &Call, before: User) -> Answer {
    let change: Change = call.json()?;
    if let Some(policy) = &change.policy {
        input::policy(api, policy).await?;
    }
    let user = User {
        name: change.name.map_or(before.name, |name| name.0),
        language: change.language.unwrap_or(before.language),
        zone_minutes: change
            .zone_minutes
            .map_or(before.zone_minutes, |zone| zone.map(|zone| zone.0)),
        suspended: change.suspended.unwrap_or(before.suspended),
        policy: change.policy.unwrap_or(before.policy),
        version: change.version.saturating_add(1),
        ..before
    };
    let audit = call.audited(format!("changed user {} ({})", user.name, user.id));
    api.engine
        .change_desk(vec![DeskChange::PutUser(user.clone())], vec![audit])
        .await?;
    one(StatusCode::OK, &user)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCode {
    #[serde(default)]
    form: CodeForm,
}

/// How a code gets from an operator to its user.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CodeForm {
    /// In a link that is tapped.
    #[default]
    Link,
    /// Read out and typed.
    Typed,
}

async fn link_code(api: &Api, call: &Call, user: User) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        code: &'a str,
        until: Timestamp,
    }
    let NewCode { form } = call.json_or_default()?;
    let code = match form {
        CodeForm::Link => LinkCode::link(&*api.entropy),
        CodeForm::Typed => LinkCode::typed(&*api.entropy),
    };
    let audit = call.audited(format!(
        "made a link code for user {} ({})",
        user.name, user.id
    ));
    api.engine
        .change_desk(vec![code.issue(user.id, call.now)], vec![audit])
        .await?;
    one(
        StatusCode::CREATED,
        &Shown {
            code: code.as_str(),
            until: call.now + code.life(),
        },
    )
}
