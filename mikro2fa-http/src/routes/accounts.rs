//! `/api/accounts`: VPN logins, and who owns them.

use std::{net::IpAddr, sync::Arc};

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{Account, AccountKind, Before, Source, SourceKind},
    directory::DeskChange,
    id::{AccountId, RouterId, SourceId, UserId},
    policy::PolicyLevel,
    tunnel::Text,
};
use mikro2fa_router::logins::LoginName;
use serde::Deserialize;
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, done, id, one, rows, there},
    input::{self, Name},
};
use crate::{
    desk::{Kept, owned, remembered},
    error::{Kind, Problem},
};

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        [] => match call.method {
            Method::GET => list(&api, &call).await,
            Method::POST => create(&api, &call).await,
            _ => call.no_such_method(),
        },
        [account] => match call.method {
            Method::GET => one(StatusCode::OK, &find(&api, account).await?),
            Method::PATCH => change(&api, &call, find(&api, account).await?).await,
            Method::DELETE => remove(&api, &call, find(&api, account).await?).await,
            _ => call.no_such_method(),
        },
        [account, what] => {
            let what = What::parse(what).ok_or(Problem::new(Kind::NotFound))?;
            if !matches!(call.method, Method::POST | Method::DELETE) {
                return call.no_such_method();
            }
            do_it(&api, &call, find(&api, account).await?, what).await
        }
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

async fn find(api: &Api, text: &str) -> Result<Account, Problem> {
    there(api.directory.account(id::<AccountId>(text)?).await?)
}

async fn list(api: &Api, call: &Call) -> Answer {
    call.only(&["source", "after", "limit"])?;
    let source = call.parameter::<SourceId>("source")?;
    rows(
        api.directory.accounts(source, &call.page()?).await?,
        |account| account,
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    source: Option<SourceId>,
    router: Option<RouterId>,
    /// Where on that router it is kept.
    #[serde(default)]
    kept_in: SourceKind,
    name: Name,
    owner: Option<UserId>,
    #[serde(default)]
    kind: AccountKind,
    #[serde(default)]
    handed_over: bool,
    #[serde(default)]
    routes: Vec<(IpAddr, u8)>,
    #[serde(default)]
    policy: PolicyLevel,
}

async fn create(api: &Arc<Api>, call: &Call) -> Answer {
    let new: NewAccount = call.json()?;
    let (source, first) = source(api, call, &new).await?;
    input::policy(api, &new.policy).await?;
    let before = if new.handed_over {
        not_exempt(new.kind)?;
        before_hand_over(api, &source, &new.name.0, &Before::default()).await?
    } else {
        Before::default()
    };
    let account = Account {
        id: AccountId::from_uuid(api.entropy.sorted(call.now)),
        source: source.id,
        name: new.name.0,
        owner: None,
        kind: new.kind,
        handed_over: new.handed_over,
        disabled: false,
        before,
        routes: routes(new.routes)?,
        policy: new.policy,
        version: 0,
    };
    let account = owned(&*api.directory, account, new.owner).await?;
    let audit = audited(call, "made", &account);
    let mut changes = Vec::from_iter(first);
    changes.push(DeskChange::PutAccount(account.clone()));
    api.engine.change_desk(changes, vec![audit]).await?;
    one(StatusCode::CREATED, &account)
}

/// What a login is on the router that keeps it: given back one day.
async fn before_hand_over(
    api: &Api,
    source: &Source,
    name: &Text,
    before: &Before,
) -> Result<Before, Problem> {
    let routers = api.directory.routers().await?;
    let router = routers
        .into_iter()
        .find(|router| Some(router.id) == source.holder)
        .ok_or_else(|| {
            Problem::with(
                Kind::Invalid,
                "handed_over: no router keeps this account's login, so there is nothing to disable",
            )
        })?;
    let which = LoginName {
        kind: source.kind,
        name: Text::clone(name),
    };
    Ok(remembered(&Kept { router, which }, before).await?)
}

fn not_exempt(kind: AccountKind) -> Result<(), Problem> {
    if kind == AccountKind::Exempt {
        return Err(Problem::with(
            Kind::Invalid,
            "handed_over: an exempt account is open at any time, so there is nothing to hand over",
        ));
    }
    Ok(())
}

/// The source that was named, or the named router's own.
async fn source(
    api: &Api,
    call: &Call,
    new: &NewAccount,
) -> Result<(Source, Option<DeskChange>), Problem> {
    let invalid = |detail: &'static str| Problem::with(Kind::Invalid, detail);
    let nowhere = || invalid("there is no such source or router");
    match (new.source, new.router) {
        (Some(wanted), None) => {
            let mut sources = api.directory.sources().await?.into_iter();
            let source = sources.find(|source| source.id == wanted);
            Ok((source.ok_or_else(nowhere)?, None))
        }
        (None, Some(wanted)) => {
            let mut routers = api.directory.routers().await?.into_iter();
            let router = routers.find(|router| router.id == wanted);
            let router = router.ok_or_else(nowhere)?;
            match new.kept_in {
                SourceKind::PppSecrets | SourceKind::UserManager => {
                    Ok(api.desk(call).source_for(&router, new.kept_in).await?)
                }
                _ => Err(invalid("kept_in: ppp_secrets or user_manager")),
            }
        }
        _ => Err(invalid("name either the source or the router")),
    }
}

/// Prefix lengths that fit their addresses.
fn routes(routes: Vec<(IpAddr, u8)>) -> Result<Vec<(IpAddr, u8)>, Problem> {
    let fits =
        |(address, length): &(IpAddr, u8)| *length <= if address.is_ipv4() { 32 } else { 128 };
    if routes.len() <= 16 && routes.iter().all(fits) {
        Ok(routes)
    } else {
        Err(Problem::with(
            Kind::Invalid,
            "routes: at most 16, each an address and a prefix length that fits it",
        ))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    version: u32,
    #[serde(default, deserialize_with = "input::said")]
    owner: Option<Option<UserId>>,
    kind: Option<AccountKind>,
    handed_over: Option<bool>,
    routes: Option<Vec<(IpAddr, u8)>>,
    policy: Option<PolicyLevel>,
}

async fn change(api: &Arc<Api>, call: &Call, before: Account) -> Answer {
    let change: Change = call.json()?;
    if let Some(policy) = &change.policy {
        input::policy(api, policy).await?;
    }
    let before = match change.owner {
        Some(owner) => owned(&*api.directory, before, owner).await?,
        None => before,
    };
    let kind = change.kind.unwrap_or(before.kind);
    let handed_over = change.handed_over.unwrap_or(before.handed_over);
    let gives_back = before.handed_over && !handed_over;
    let was = if handed_over && !before.handed_over {
        not_exempt(kind)?;
        let sources = api.directory.sources().await?;
        let source = there(
            sources
                .into_iter()
                .find(|source| source.id == before.source),
        )?;
        before_hand_over(api, &source, &before.name, &before.before).await?
    } else {
        before.before.clone()
    };
    let account = Account {
        kind,
        handed_over,
        before: was,
        routes: change.routes.map_or(Ok(before.routes), routes)?,
        policy: change.policy.unwrap_or(before.policy),
        version: change.version.saturating_add(1),
        ..before
    };
    let audit = audited(call, "changed", &account);
    api.engine
        .change_desk(vec![DeskChange::PutAccount(account.clone())], vec![audit])
        .await?;
    let account = if gives_back {
        api.desk(call).give_back(account).await?
    } else {
        account
    };
    one(StatusCode::OK, &account)
}

/// `?login=true` takes the login away from the router, too; else it stays there, and nothing is asked of the router.
async fn remove(api: &Api, call: &Call, account: Account) -> Answer {
    call.only(&["login"])?;
    if call.parameter::<bool>("login")?.unwrap_or(false) {
        api.desk(call).delete(account, true).await?;
        return done();
    }
    let audit = audited(call, "forgot", &account);
    api.engine
        .change_desk(vec![DeskChange::RemoveAccount(account.id)], vec![audit])
        .await?;
    done()
}

/// What is done with an account on its router: `POST` begins it, `DELETE` ends it.
#[derive(Clone, Copy)]
enum What {
    /// Never asked about.
    Exempt,
    /// Disabled while no session is open.
    HandOver,
    /// Switched off.
    Disabled,
}

impl What {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "exempt" => Some(Self::Exempt),
            "hand-over" => Some(Self::HandOver),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }
}

/// Granting an exemption is a weakening: it wants a reason, and the account's name once more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exemption {
    reason: input::Note,
    sure: Name,
}

async fn do_it(api: &Api, call: &Call, account: Account, what: What) -> Answer {
    let desk = api.desk(call);
    let begins = call.method == Method::POST;
    let account = match (what, begins) {
        (What::Exempt, true) => {
            let said: Exemption = call.json()?;
            if said.sure.0 != account.name {
                return Err(Problem::with(
                    Kind::Invalid,
                    "sure: say the account's name, because whoever has its password will be in",
                ));
            }
            desk.exempt(account, &said.reason.0).await?
        }
        (What::Exempt, false) => desk.no_longer_exempt(account).await?,
        (What::HandOver, true) => desk.hand_over(account).await?,
        (What::HandOver, false) => desk.give_back(account).await?,
        (What::Disabled, true) => desk.disable(account).await?,
        (What::Disabled, false) => desk.enable(account).await?,
    };
    one(StatusCode::OK, &account)
}

/// Says of an exempt account that it is one: granting that is a weakening.
fn audited(call: &Call, verb: &str, account: &Account) -> AuditEntry {
    let exempt = if account.kind == AccountKind::Exempt {
        ", exempt: never asked about"
    } else {
        ""
    };
    let said = call.audited(format!(
        "{verb} account {} ({}){exempt}",
        account.name, account.id
    ));
    AuditEntry {
        account: Some(account.id),
        ..said
    }
}
