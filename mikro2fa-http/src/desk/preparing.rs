//! Preparing a router: reads it over a set-up login's connection, draws up a plan, carries that very plan out with a journal in the
//! database, and keeps at the desk what came of it.
//!
//! The set-up login is used for one run and kept nowhere.
//!
//! # Beside a running mikro2fa
//!
//! Whoever serves the router watches its gate, and would shut it again while it is taken back. So before a gate in force is
//! opened, the router is switched to observing, as an operator would: the order stays in the database until it was seen done,
//! which says that the serving process has stood back. A process that cannot reach the router reads the record within ten
//! seconds all the same, and touches no gate of a router that is only observed; so after [`STAND_BACK`] it goes on either way.
//! Where nobody holds the router when that is written, whoever takes it later reads it, and nobody is waited for.

use std::{net::Ipv4Addr, time::Duration};

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{AccountKind, Mode, Router, RouterConnection, SourceKind, TransportKind},
    directory::{DeskChange, Digest},
    router_backend::RouterError,
    secret::Secret,
    tunnel::Text,
};
use mikro2fa_router::{
    gate::{GateNames, Guarded},
    logins::{LoginError, LoginName, logins_of},
    prepare::{self, ApplyError, Choices, Journal as _, Login, Plan, Webhook, step::Step},
    survey::{Section, Survey},
    transport::Line,
};

use super::{Desk, DeskError, journal::DeskJournal, password};
use crate::auth::Token;

/// How long the process that serves a router is given to open its gate before it is gone on without it: three times as long as it
/// takes to notice.
pub(crate) const STAND_BACK: Duration = Duration::from_secs(30);

/// A login with every right, for one run.
#[derive(Clone, Debug)]
pub(crate) struct SetUp {
    /// Its name.
    pub(crate) user: Text,
    /// Its password; over SSH perhaps a private key.
    pub(crate) password: Secret,
}

/// What to prepare a router with: the choices, with what only the desk knows left to it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The choices; `login` and `webhook` are filled in.
    pub(crate) choices: Choices,
    /// Have profiles call the webhook at this address.
    pub(crate) webhook_url: Option<Text>,
    /// Have the router make a certificate for its API over TLS, and reach it so from then on.
    pub(crate) api_tls: bool,
}

/// A range of addresses, as people write it.
///
/// # Errors
///
/// What is wrong with it, for people.
pub(crate) fn range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), &'static str> {
    const WRONG: &str = "write it as 10.8.1.2-10.8.1.250";
    let (first, last) = text.split_once('-').ok_or(WRONG)?;
    let first: Ipv4Addr = first.trim().parse().map_err(|_| WRONG)?;
    let last: Ipv4Addr = last.trim().parse().map_err(|_| WRONG)?;
    let size = u32::from(last).checked_sub(u32::from(first));
    if size.is_none_or(|size| size > 65_535) {
        return Err("the last address comes after the first, and at most 65,536 after it");
    }
    Ok((first, last))
}

/// How a router was reached before it had a certificate: so it is reached again when that is taken back.
#[derive(serde::Deserialize, serde::Serialize)]
pub(super) struct ReachedBefore {
    pub(super) transport: TransportKind,
    pub(super) port: u16,
    pub(super) pins: Vec<Text>,
}

fn place_of_before(router: &Router) -> Text {
    format!("reached-before:{}", router.id).into()
}

impl Order {
    /// The defaults for a router, under the names that it has.
    pub(crate) fn new(router: &Router, set_up: &SetUp) -> Self {
        let login = Login {
            transport: router.connection.transport,
            password: Secret::new(""),
            works: false,
            from: None,
        };
        Self {
            choices: Choices {
                names: (&*router.gates.lists).into(),
                ..Choices::new(Text::clone(&set_up.user), login)
            },
            webhook_url: None,
            api_tls: false,
        }
    }
}

/// A plan that was drawn up, with the line that it was drawn up over.
pub(crate) struct Drawn {
    /// What would be done.
    pub(crate) plan: Plan,
    line: Box<dyn Line>,
    survey: Survey,
    choices: Choices,
    hook_key: Option<Digest>,
    router: Router,
}

impl Drawn {
    /// What names this very plan.
    pub(crate) fn fingerprint(&self) -> String {
        self.plan.fingerprint(&self.choices)
    }

    /// What the router says of itself.
    pub(crate) fn router_says(&self) -> String {
        let name = self.survey.only(Section::Identity);
        let name = name.map_or("", |row| row.text("name"));
        format!("{name}, RouterOS {}", self.survey.version)
    }

    /// Will the gate be open, because that was asked for or because the router is only observed?
    pub(crate) const fn observes(&self) -> bool {
        self.choices.observe
    }
}

/// How it is reached with the set-up login.
pub(super) fn connection(router: &Router, set_up: &SetUp) -> RouterConnection {
    RouterConnection {
        user: Text::clone(&set_up.user),
        password: set_up.password.clone(),
        ..router.connection.clone()
    }
}

pub(super) async fn connect(router: &Router, set_up: &SetUp) -> Result<Box<dyn Line>, DeskError> {
    let said = |error: RouterError| {
        DeskError::Unreached(format!(
            "router {} cannot be set up with the login `{}` at {}:{}: {error}",
            router.name, set_up.user, router.connection.host, router.connection.port
        ))
    };
    mikro2fa_router::connect(&connection(router, set_up))
        .await
        .map_err(said)
}

pub(super) fn another_plan() -> DeskError {
    DeskError::Refused(
        "the router changed meanwhile, so nothing was done: read the new plan, and confirm that"
            .into(),
    )
}

impl From<ApplyError> for DeskError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Journal(error) => Self::Store(error),
            ApplyError::Broken { ref source, .. } => Self::Unreached(format!("{error}: {source}")),
            error => Self::Refused(error.to_string()),
        }
    }
}

impl Desk<'_> {
    pub(super) const fn journal(&self, router: &Router) -> DeskJournal<'_> {
        DeskJournal {
            desk: self,
            router: router.id,
        }
    }

    /// Changes a router's record.
    pub(super) async fn put_router(&self, router: Router, said: &str) -> Result<Router, DeskError> {
        let router = Router {
            version: router.version.saturating_add(1),
            ..router
        };
        let change = DeskChange::PutRouter(router.clone());
        self.write(vec![change], vec![self.of_router(&router, said)])
            .await?;
        Ok(router)
    }

    pub(super) fn of_router(&self, router: &Router, said: &str) -> AuditEntry {
        AuditEntry {
            router: Some(router.id),
            ..self.said(format!("{said} router {} ({})", router.name, router.id), "")
        }
    }

    /// The router as the desk has it now.
    pub(super) async fn anew(&self, router: &Router) -> Result<Router, DeskError> {
        self.router(&router.id.to_string()).await
    }

    /// Reads the router and draws up a plan. Changes nothing.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn draw_up(
        &self,
        router: &Router,
        set_up: &SetUp,
        order: Order,
    ) -> Result<Drawn, DeskError> {
        let mut choices = order.choices;
        let names = choices.names.clone().checked();
        choices.names = names.map_err(|error| DeskError::Invalid(error.to_string()))?;
        let prepared = !self.journal(router).entries().await?.is_empty();
        if prepared && choices.names != GateNames::from(&*router.gates.lists) {
            return Err(DeskError::Refused(format!(
                "router {} was prepared under other names: restore it first, then prepare it under new ones",
                router.name
            )));
        }
        if order.api_tls {
            choices.api_tls = match router.connection.transport {
                TransportKind::Api | TransportKind::ApiTls => {
                    Some(Text::clone(&router.connection.host))
                }
                TransportKind::Ssh | TransportKind::SshLegacy => {
                    return Err(DeskError::Refused(format!(
                        "router {} is reached over SSH: a certificate would be of no use there",
                        router.name
                    )));
                }
            };
        }
        // A router that is only observed stays so: its gate is shut by switching its mode, after permits were given.
        choices.observe |= router.gates.address_list && router.mode == Mode::Observing;
        if let Some(desk) = self.directory.router_desk(router.id).await? {
            choices.guarded = Guarded::of(&desk);
        }
        let line = connect(router, set_up).await?;
        let survey = Survey::read(&*line, &choices.names).await?;
        self.exempt_at_the_desk(router, &survey, &mut choices)
            .await?;
        self.daily_login(router, &survey, &mut choices).await?;
        let mut hook_key = None;
        if let Some(url) = order.webhook_url {
            let (key, digest) = self.webhook_key(router, &survey);
            choices.webhook = Some(Webhook { url, key });
            hook_key = Some(digest);
        }
        Ok(Drawn {
            plan: prepare::plan(&survey, &choices),
            line,
            survey,
            choices,
            hook_key,
            router: router.clone(),
        })
    }

    /// Accounts that somebody made exempt at the desk are so on the router, too.
    async fn exempt_at_the_desk(
        &self,
        router: &Router,
        survey: &Survey,
        choices: &mut Choices,
    ) -> Result<(), DeskError> {
        for (kind, account) in self.accounts_on(router).await? {
            if account.kind != AccountKind::Exempt {
                continue;
            }
            if kind == SourceKind::UserManager {
                choices.exempt_users = true;
            }
            if kind == SourceKind::PppSecrets
                && survey.named(Section::Secrets, &account.name).is_some()
                && !choices.cover_again.contains(&account.name)
            {
                choices.exempt.insert(account.name);
            }
        }
        Ok(())
    }

    /// Logins of the User Manager that somebody made exempt are no part of the plan: a profile is one of their attributes, and could
    /// not be named before the plan has made it.
    async fn users_exempt_again(&self, router: &Router) -> Result<(), DeskError> {
        let exempt = Text::clone(&router.gates.lists.exempt_profile);
        for (kind, account) in self.accounts_on(router).await? {
            if kind != SourceKind::UserManager || account.kind != AccountKind::Exempt {
                continue;
            }
            let which = LoginName {
                kind,
                name: account.name,
            };
            match logins_of(&router.connection)?
                .move_to(&which, &exempt)
                .await
            {
                // It is told wherever accounts are shown.
                Ok(()) | Err(LoginError::NotThere(_) | LoginError::NoUserManager) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The daily login: the one in the record if it is ours, with a password of its own otherwise. What a router has cannot be
    /// read: whether a password is the right one shows by using it.
    async fn daily_login(
        &self,
        router: &Router,
        survey: &Survey,
        choices: &mut Choices,
    ) -> Result<(), DeskError> {
        let kept = &router.connection;
        let is_ours = *kept.user == *choices.names.user;
        if is_ours && survey.named(Section::Users, &choices.names.user).is_some() {
            choices.login.works = mikro2fa_router::probe(kept).await.is_ok();
        }
        let is_key = mikro2fa_router::ssh::Login::of(&kept.password).is_key();
        if is_ours && is_key && !choices.login.works {
            return Err(DeskError::Refused(format!(
                "the daily login `{}` is proved by a private key, which preparing cannot put on the router: make that user and \
                 import its public key there, or give the router's record a password",
                kept.user
            )));
        }
        choices.login.password = if is_ours {
            kept.password.clone()
        } else {
            password::fresh(self.entropy)
        };
        Ok(())
    }

    /// The webhook's key that the router calls with already, or a new one.
    fn webhook_key(&self, router: &Router, survey: &Survey) -> (Secret, Digest) {
        let profiles = survey.rows(Section::Profiles).iter();
        let scripts = profiles.flat_map(|row| [row.text("on-up"), row.text("on-down")]);
        for script in scripts {
            let Some((_, rest)) = script.split_once("X-Hook-Key: ") else {
                continue;
            };
            let is_sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
            let key: String = rest.chars().take_while(|sign| is_sign(*sign)).collect();
            let digest = Digest::of(&key);
            if Some(digest.hex().as_str()) == router.hook_key_hash.as_deref() {
                return (Secret::new(key), digest);
            }
        }
        let key = Token::fresh_hook_key(self.entropy);
        (Secret::new(key.expose()), key.digest())
    }

    /// Carries out the plan that was drawn up: reads the router anew, and does nothing if that is not the plan any more.
    ///
    /// The names of the gate are kept before anything is done, so that restoring knows them whatever happens; what the desk says
    /// of the router changes once all is done.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; what was done stays done, and another run goes on.
    pub(crate) async fn carry_out(
        &self,
        mut drawn: Drawn,
        patience: Duration,
        told: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<(Plan, Router), DeskError> {
        let names = drawn.choices.names.clone();
        let agreed = drawn.fingerprint();
        drawn.survey = Survey::read(&*drawn.line, &names).await?;
        let mut plan = prepare::plan(&drawn.survey, &drawn.choices);
        if plan.fingerprint(&drawn.choices) != agreed {
            return Err(another_plan());
        }
        if !plan.refusals.is_empty() {
            return Err(ApplyError::Refused(plan.refusals).into());
        }
        let mut router = self.anew(&drawn.router).await?;
        if drawn.choices.observe && router.gates.address_list && router.mode == Mode::Enforcing {
            router = self.stand_back(router, patience).await?;
            drawn.survey = Survey::read(&*drawn.line, &names).await?;
            plan = prepare::plan(&drawn.survey, &drawn.choices);
        }
        *router.gates.lists = (&names).into();
        if let Some(key) = drawn.hook_key {
            router.hook_key_hash = Some(key.hex().into());
        }
        let router = self.put_router(router, "began to prepare").await?;
        let journal = self.journal(&router);
        prepare::apply(
            &*drawn.line,
            &mut drawn.survey,
            &names,
            &plan,
            &journal,
            told,
        )
        .await?;
        drawn.line.close();
        let router = self.prepared(&drawn, &plan).await?;
        Ok((plan, router))
    }

    async fn prepared(&self, drawn: &Drawn, plan: &Plan) -> Result<Router, DeskError> {
        let mut router = self.anew(&drawn.router).await?;
        router.connection.user = drawn.choices.names.user.as_str().into();
        router.connection.password = drawn.choices.login.password.clone();
        let mode = match (drawn.choices.observe, plan.waits.is_empty()) {
            (true, _) => Some(Mode::Observing),
            (false, true) => Some(Mode::Enforcing),
            // Its gate is not shut yet: the run that shuts it says so.
            (false, false) => None,
        };
        let mut order = None;
        if let Some(mode) = mode {
            router.gates.address_list = true;
            // The gate stands so already. But an older order that nobody saw done would open it.
            let (switched, ordered) = router.switched(mode, self.now);
            (router, order) = (switched, Some(ordered));
        }
        if drawn.choices.api_tls.is_some() {
            self.reach_over_tls(&mut router, drawn).await?;
        }
        let router = Router {
            version: router.version.saturating_add(1),
            ..router
        };
        let mut changes = vec![DeskChange::PutRouter(router.clone())];
        changes.extend(order.map(DeskChange::OrderGate));
        let audit = self.of_router(&router, "prepared");
        self.write(changes, vec![audit]).await?;
        match mikro2fa_router::probe(&router.connection).await {
            Ok(_) => {
                self.users_exempt_again(&router).await?;
                Ok(router)
            }
            Err(error) => Err(DeskError::Unreached(format!(
                "router {} is prepared, but its daily login `{}` is not let in: {error}. From which address does mikro2fa come, as \
                 the router sees it?",
                router.name, router.connection.user
            ))),
        }
    }

    /// The router shows its own certificate from now on: it is pinned, and the API over TLS used.
    async fn reach_over_tls(&self, router: &mut Router, drawn: &Drawn) -> Result<(), DeskError> {
        let Some((fingerprint, port)) = prepare::certificate_of(&drawn.survey) else {
            return Err(DeskError::Refused(format!(
                "router {} has a certificate that cannot be read: it is still reached in the clear. Run this again",
                router.name
            )));
        };
        let connection = &mut router.connection;
        if connection.transport == TransportKind::ApiTls {
            return Ok(());
        }
        let before = ReachedBefore {
            transport: connection.transport,
            port: connection.port,
            pins: std::mem::take(&mut connection.pins),
        };
        connection.transport = TransportKind::ApiTls;
        connection.port = port;
        connection.pins = vec![fingerprint.into()];
        self.remember_before(router, Some(&before)).await
    }

    pub(super) async fn remember_before(
        &self,
        router: &Router,
        before: Option<&ReachedBefore>,
    ) -> Result<(), DeskError> {
        let value = before.map(serde_json::to_string).transpose();
        let value = value.map_err(|error| DeskError::Invalid(error.to_string()))?;
        let change = DeskChange::PutSetting {
            name: place_of_before(router),
            value: value.unwrap_or_default().into(),
        };
        self.write(vec![change], Vec::new()).await
    }

    pub(super) async fn reached_before(
        &self,
        router: &Router,
    ) -> Result<Option<ReachedBefore>, DeskError> {
        let kept = self.directory.setting(&place_of_before(router)).await?;
        let kept = kept.filter(|kept| !kept.is_empty());
        let read = kept.map(|kept| serde_json::from_str(&kept)).transpose();
        read.map_err(|error| {
            DeskError::Refused(format!(
                "how router {} was reached before it had a certificate cannot be read: {error}",
                router.name
            ))
        })
    }

    /// Has whoever serves a router open its gate and leave it alone from then on.
    pub(super) async fn stand_back(
        &self,
        router: Router,
        patience: Duration,
    ) -> Result<Router, DeskError> {
        let (router, order) = self.switch(router, Mode::Observing).await?;
        if !self.directory.is_served(router.id, self.now).await? {
            return Ok(router);
        }
        if !patience.is_zero() && !self.until_switched(order, patience).await? {
            tracing::warn!(router = %router.name, "nobody was seen opening its gate: is mikro2fa serving this database?");
        }
        Ok(router)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_an_end_that_comes_after_its_beginning() {
        assert_eq!(
            range("10.8.1.2-10.8.1.9"),
            Ok(([10, 8, 1, 2].into(), [10, 8, 1, 9].into()))
        );
        assert!(range(" 10.8.1.2 - 10.8.1.2 ").is_ok());
        for wrong in [
            "",
            "10.8.1.2",
            "10.8.1.9-10.8.1.2",
            "a-b",
            "0.0.0.0-255.255.255.255",
        ] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
