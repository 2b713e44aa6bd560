//! Accounts as they are.

use std::{collections::BTreeMap, io};

use clap::Args;
use mikro2fa_core::{
    desk::{Account, AccountKind, Router, User},
    directory::{PageOf, SessionFilter},
    id::{SourceId, UserId},
    policy::Policy,
};
use serde::Serialize;

use super::{
    super::office::{Office, Plain, json, table},
    CliError, Which, router,
};
use crate::desk::{Listed, place};

#[derive(Clone, Debug, Args)]
pub(in super::super) struct ListCommand {
    /// Only of this router.
    #[arg(long)]
    router: Option<String>,
    /// Asks the router what its logins are now. Needs --router.
    #[arg(long, requires = "router")]
    live: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
pub(in super::super) struct ShowCommand {
    #[command(flatten)]
    which: Which,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// An account with the names of what belongs to it.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    account: &'a Account,
    owner_name: Option<&'a str>,
    kept_in: &'static str,
    routers: Vec<&'a str>,
    open_sessions: usize,
    weakenings: Vec<&'static str>,
}

/// The names of everything.
struct Names {
    users: BTreeMap<UserId, User>,
    routers: BTreeMap<SourceId, Vec<Router>>,
    places: BTreeMap<SourceId, &'static str>,
}

impl Names {
    async fn of(office: &Office) -> Result<Self, CliError> {
        let desk = office.desk();
        let users = desk.users().await?;
        let routers = office.directory().routers().await.map_err(failed)?;
        let sources = office.directory().sources().await.map_err(failed)?;
        let places = sources.iter().map(|it| (it.id, place(it.kind))).collect();
        let served = sources.into_iter().map(|source| {
            let its = |router: &&Router| source.routers.contains(&router.id);
            (source.id, routers.iter().filter(its).cloned().collect())
        });
        Ok(Self {
            users: users.into_iter().map(|user| (user.id, user)).collect(),
            routers: served.collect(),
            places,
        })
    }

    fn owner(&self, account: &Account) -> Option<&str> {
        let user = self.users.get(&account.owner?)?;
        Some(&user.name)
    }

    fn place(&self, account: &Account) -> &'static str {
        self.places.get(&account.source).copied().unwrap_or("-")
    }

    fn routers(&self, account: &Account) -> Vec<&str> {
        let served = self.routers.get(&account.source);
        served
            .into_iter()
            .flatten()
            .map(|router| &*router.name)
            .collect()
    }
}

fn failed(error: mikro2fa_core::store::StoreError) -> CliError {
    CliError::Failed(error.to_string())
}

/// How an account is treated, in a word.
fn standing(account: &Account) -> &'static str {
    match account {
        Account { disabled: true, .. } => "switched off",
        Account {
            kind: AccountKind::Exempt,
            ..
        } => "EXEMPT",
        Account { owner: None, .. } => "unowned",
        Account {
            handed_over: true, ..
        } => "handed over",
        _ => "managed",
    }
}

impl ListCommand {
    pub(super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let only = router(office, self.router.as_deref()).await?;
        if let (true, Some(router)) = (self.live, &only) {
            let listed = office.desk().logins(router).await?;
            return if self.json {
                json(out, &listed)
            } else {
                live(&listed, out)
            };
        }
        let names = Names::of(office).await?;
        let mut accounts = office.desk().accounts().await?;
        accounts.retain(|account| {
            only.as_ref().is_none_or(|router| {
                let served = names.routers.get(&account.source);
                served.is_some_and(|all| all.iter().any(|it| it.id == router.id))
            })
        });
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        if self.json {
            return json(out, &accounts);
        }
        let rows: Vec<Vec<String>> = accounts
            .iter()
            .map(|account| {
                vec![
                    account.name.to_string(),
                    standing(account).to_owned(),
                    names.owner(account).unwrap_or("-").to_owned(),
                    names.place(account).to_owned(),
                    names.routers(account).join(", "),
                ]
            })
            .collect();
        table(out, &["ACCOUNT", "IS", "OWNER", "IN", "ON"], &rows)
    }
}

/// Logins as their router has them.
pub(super) fn live(listed: &[Listed], out: &mut dyn io::Write) -> Result<(), CliError> {
    let word = |login: &Listed| {
        let standing = serde_json::to_value(login.standing).ok();
        let standing = standing.and_then(|it| it.as_str().map(str::to_owned));
        standing.unwrap_or_default()
    };
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|login| {
            let enabled = match login.enabled {
                Some(true) => "yes",
                Some(false) => "no",
                None => "-",
            };
            let mut notes = login.remarks.clone();
            if let Some(suggestion) = &login.suggestion {
                let who = suggestion.user.as_deref().unwrap_or("nobody known");
                notes.push(format!("perhaps {who}'s: {}", suggestion.because));
            }
            vec![
                login.name.to_string(),
                place(login.kind).to_owned(),
                word(login),
                enabled.to_owned(),
                login.owner.as_deref().unwrap_or("-").to_owned(),
                notes.join("; "),
            ]
        })
        .collect();
    let heads = ["LOGIN", "IN", "IS", "ENABLED", "OWNER", "REMARKS"];
    table(out, &heads, &rows)
}

impl ShowCommand {
    pub(super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let account = self.which.find(office).await?;
        let names = Names::of(office).await?;
        let filter = SessionFilter {
            account: Some(account.id),
            open: true,
            ..SessionFilter::default()
        };
        let open = office
            .directory()
            .sessions(&filter, &PageOf::default())
            .await;
        let system = office.directory().system_policy().await.map_err(failed)?;
        let view = View {
            owner_name: names.owner(&account),
            kept_in: names.place(&account),
            routers: names.routers(&account),
            open_sessions: open.map_err(failed)?.rows.len(),
            weakenings: crate::desk::weakened(&Policy::resolve([&system, &account.policy])),
            account: &account,
        };
        if self.json {
            return json(out, &view);
        }
        let mut rows = vec![
            ("account", account.name.to_string()),
            ("id", account.id.to_string()),
            ("is", standing(&account).to_owned()),
            ("owner", view.owner_name.unwrap_or("-").to_owned()),
            ("in", view.kept_in.to_owned()),
            ("on", view.routers.join(", ")),
            ("open sessions", view.open_sessions.to_string()),
        ];
        if let Some(enabled) = account.before.enabled {
            let state = if enabled { "enabled" } else { "disabled" };
            rows.push(("given back as", state.to_owned()));
        }
        if let Some(profile) = &account.before.profile {
            let profile = match &**profile {
                "" => "none of its own",
                profile => profile,
            };
            rows.push(("profile before", profile.to_owned()));
        }
        rows.extend(
            view.weakenings
                .iter()
                .map(|it| ("weakened", (*it).to_owned())),
        );
        for (name, value) in rows {
            writeln!(out, "{name:<16}{}", Plain(&value))?;
        }
        Ok(())
    }
}
