//! `/api/settings`: what holds for the whole installation.

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{
    desk::{ChatId, Language, Operator},
    directory::{ApiToken, DeskChange, Page},
    id::OperatorId,
    policy::{Policy, PolicyOverride},
    secret::Secret,
};
use mikro2fa_telegram::Error as BotError;
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, done, id, one, rows},
    input::{self, Name},
};
use crate::{
    auth::Token,
    desk::weakened,
    error::{Kind, Problem},
};

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        ["policy"] => match call.method {
            Method::GET => shown(&api.directory.system_policy().await?),
            Method::PUT => put_policy(&api, &call).await,
            _ => call.no_such_method(),
        },
        ["bot-token"] => match call.method {
            Method::PUT => put_bot_token(&api, &call).await,
            _ => call.no_such_method(),
        },
        ["self-registration"] => match call.method {
            Method::GET => self_registration(&api).await,
            Method::PUT => put_self_registration(&api, &call).await,
            _ => call.no_such_method(),
        },
        ["clock"] => match call.method {
            Method::GET => clock(&api),
            Method::PUT => trust_clock(&api, &call).await,
            _ => call.no_such_method(),
        },
        ["operators"] => match call.method {
            Method::GET => rows(
                Page {
                    rows: api.directory.operators().await?,
                    next: None,
                },
                |operator| operator,
            ),
            Method::POST => create_operator(&api, &call).await,
            _ => call.no_such_method(),
        },
        ["operators", operator] => match call.method {
            Method::DELETE => remove_operator(&api, &call, operator).await,
            _ => call.no_such_method(),
        },
        ["tokens"] => match call.method {
            Method::POST => create_token(&api, &call).await,
            Method::DELETE => revoke_token(&api, &call).await,
            _ => call.no_such_method(),
        },
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// The name of what is said beside a policy.
const WEAKENINGS: &str = "weakenings";

/// What is set, and what that gives up. Without the latter it is as it is set.
fn shown(policy: &PolicyOverride) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        #[serde(flatten)]
        policy: &'a PolicyOverride,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        weakenings: Vec<&'static str>,
    }
    let weakenings = weakened(&Policy::resolve([policy]));
    one(StatusCode::OK, &Shown { policy, weakenings })
}

/// What was read can be written back as it is: what was said beside it is left out.
async fn put_policy(api: &Arc<Api>, call: &Call) -> Answer {
    let mut said: serde_json::Map<String, serde_json::Value> = call.json()?;
    said.remove(WEAKENINGS);
    let policy = serde_json::from_value::<PolicyOverride>(said.into());
    let policy = policy.map_err(|error| {
        Problem::with(
            Kind::Malformed,
            format!("the body is not what this address takes: {error}"),
        )
    })?;
    input::whole_policy(&policy)?;
    let audit = call.audited("changed the system's policy");
    api.engine
        .change_desk(
            vec![DeskChange::PutSystemPolicy(policy.clone())],
            vec![audit],
        )
        .await?;
    shown(&policy)
}

/// The name under which the bot's token is kept.
pub(crate) const BOT_TOKEN: &str = "bot-token";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BotToken {
    token: String,
    /// Kept although Telegram does not answer now.
    #[serde(default)]
    unchecked: bool,
}

async fn put_bot_token(api: &Api, call: &Call) -> Answer {
    #[derive(Serialize)]
    struct Shown {
        username: Option<String>,
        can_join_groups: Option<bool>,
    }
    let BotToken { token, unchecked } = call.json()?;
    let token = Secret::new(token);
    let asked = if unchecked {
        None
    } else {
        Some(api.checks.bot(&token).await)
    };
    let bot = asked.transpose().map_err(|error| match error {
        BotError::Unreachable(_) => Problem::with(
            Kind::Invalid,
            format!("{error}; to keep the token all the same, say \"unchecked\": true"),
        ),
        error => Problem::with(Kind::Invalid, format!("token: {error}")),
    })?;
    let change = DeskChange::PutSecret {
        name: BOT_TOKEN.into(),
        value: token,
    };
    api.engine
        .change_desk(vec![change], vec![call.audited("changed the bot's token")])
        .await?;
    api.bot_changed.notify_one();
    let shown = match bot {
        Some(bot) => Shown {
            username: Some(bot.username),
            can_join_groups: Some(bot.can_join_groups),
        },
        None => Shown {
            username: None,
            can_join_groups: None,
        },
    };
    one(StatusCode::OK, &shown)
}

/// The name under which is kept whether strangers may ask to be let in.
pub(crate) const SELF_REGISTRATION: &str = "self-registration";

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SelfRegistration {
    on: bool,
}

async fn self_registration(api: &Api) -> Answer {
    let setting = api.directory.setting(SELF_REGISTRATION).await?;
    one(
        StatusCode::OK,
        &SelfRegistration {
            on: setting.as_deref() == Some("on"),
        },
    )
}

async fn put_self_registration(api: &Api, call: &Call) -> Answer {
    let said: SelfRegistration = call.json()?;
    let value = if said.on { "on" } else { "off" };
    let change = DeskChange::PutSetting {
        name: SELF_REGISTRATION.into(),
        value: value.into(),
    };
    let audit = call.audited(format!("turned self-registration {value}"));
    api.engine.change_desk(vec![change], vec![audit]).await?;
    api.bot_changed.notify_one();
    one(StatusCode::OK, &said)
}

/// Is this machine's clock believed? It is not where it is earlier than it was when mikro2fa last ran: nothing opens then.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    trusted: bool,
}

fn clock(api: &Api) -> Answer {
    let trusted = api.engine.clock_is_trusted();
    one(StatusCode::OK, &Clock { trusted })
}

async fn trust_clock(api: &Api, call: &Call) -> Answer {
    let said: Clock = call.json()?;
    if !said.trusted {
        return Err(Problem::with(
            Kind::Invalid,
            "trusted: true is all that can be said; to stop letting people in, suspend them or only observe the router",
        ));
    }
    if !api.engine.clock_is_trusted() {
        // Written down first: nothing opens on a word that nobody finds again.
        let audit = call.audited("vouched for this machine's clock");
        api.engine.change_desk(Vec::new(), vec![audit]).await?;
        api.engine.trust_clock().await?;
    }
    one(StatusCode::OK, &said)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOperator {
    name: Name,
    chat: Option<ChatId>,
    #[serde(default)]
    language: Language,
}

async fn create_operator(api: &Api, call: &Call) -> Answer {
    let new: NewOperator = call.json()?;
    let operator = Operator {
        id: OperatorId::from_uuid(api.entropy.sorted(call.now)),
        name: new.name.0,
        chat: new.chat,
        language: new.language,
        created_at: call.now,
    };
    let audit = call.audited(format!("made operator {} ({})", operator.name, operator.id));
    api.engine
        .change_desk(vec![DeskChange::PutOperator(operator.clone())], vec![audit])
        .await?;
    one(StatusCode::CREATED, &operator)
}

async fn remove_operator(api: &Api, call: &Call, operator: &str) -> Answer {
    let wanted = id::<OperatorId>(operator)?;
    let audit = call.audited(format!("removed operator {wanted}"));
    api.engine
        .change_desk(vec![DeskChange::RemoveOperator(wanted)], vec![audit])
        .await?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: Name,
    /// None = until revoked.
    days: Option<std::num::NonZeroU16>,
}

async fn create_token(api: &Api, call: &Call) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        token: &'a str,
    }
    let new: NewToken = call.json()?;
    let token = Token::fresh(&*api.entropy);
    let stored = ApiToken {
        digest: token.digest(),
        name: new.name.0,
        created_at: call.now,
        until: new
            .days
            .map(|days| call.now + Duration::from_secs(u64::from(days.get()) * 24 * 60 * 60)),
    };
    let audit = call.audited(format!("made API token {}", stored.name));
    api.engine
        .change_desk(vec![DeskChange::PutToken(stored)], vec![audit])
        .await?;
    one(
        StatusCode::CREATED,
        &Shown {
            token: token.expose(),
        },
    )
}

async fn revoke_token(api: &Api, call: &Call) -> Answer {
    let audit = call.audited(format!("revoked API token {}", call.caller.name));
    api.engine
        .change_desk(
            vec![DeskChange::RevokeToken(call.caller.digest)],
            vec![audit],
        )
        .await?;
    done()
}
