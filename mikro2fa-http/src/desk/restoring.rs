//! Taking back what preparing did: the gate first, then what servers and logins had. Over a set-up login's connection, that very
//! plan which was shown.

use std::time::Duration;

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{Account, AccountKind, Mode, Router, RouterConnection, SourceKind},
    directory::DeskChange,
    tunnel::Text,
};
use mikro2fa_router::{
    gate::GateNames,
    logins::{LoginError, LoginName, logins_of},
    prepare::{
        self, ApplyError, Deed, Entry, Journal as _, MemoryJournal,
        step::{Key, Menu, Step},
    },
    restore::{self, Restoration},
    survey::{Section, Survey},
    transport::Line,
};

use super::{
    Desk, DeskError,
    preparing::{SetUp, another_plan, connect, connection},
};

/// What logins get back.
struct Back {
    handed_over: Vec<(SourceKind, Account)>,
    /// Logins of the User Manager, and the profile that each gets.
    profiles: Vec<(LoginName, Text)>,
}

impl Back {
    /// For whoever reads the plan.
    fn told(&self) -> Vec<String> {
        let switched = self.handed_over.iter().map(|(kind, account)| {
            let which = LoginName {
                kind: *kind,
                name: Text::clone(&account.name),
            };
            let state = match account.before.enabled {
                Some(true) => "enabled",
                Some(false) => "disabled",
                None => "as it is now",
            };
            format!("{which} was handed over: it is given back, {state}")
        });
        let moved = self
            .profiles
            .iter()
            .map(|(which, profile)| match &**profile {
                "" => format!("{which} gets back no profile of its own"),
                profile => format!("{which} gets back the profile `{profile}`"),
            });
        switched.chain(moved).collect()
    }
}

/// What taking a router back would do, with the line that it was read over.
pub(crate) struct Taking {
    /// What would be done, and what is left.
    pub(crate) restoration: Restoration,
    line: Box<dyn Line>,
    /// How the set-up login comes there.
    connection: RouterConnection,
    survey: Survey,
    names: GateNames,
    router: Router,
}

impl Taking {
    /// What names this very plan. Permits come and go while it is read, and do not count.
    pub(crate) fn fingerprint(&self) -> String {
        let mut plan = self.restoration.plan.clone();
        plan.steps.retain(|step| !is_entry(step));
        plan.digest("")
    }
}

const fn is_entry(step: &Step) -> bool {
    matches!(step.menu, Menu::AddressList | Menu::AddressList6)
}

/// Is there a profile of this name that prepare made? Version 6 keeps no comment with profiles.
fn is_made(survey: &Survey, names: &GateNames, profile: &str) -> bool {
    let row = survey.named(Section::Profiles, profile);
    row.is_some_and(|row| {
        let comment = row.text("comment");
        names.owns(comment)
            || comment.is_empty()
                && survey.version.major < 7
                && names.original_of(profile).is_some()
    })
}

/// Is there one that restoring leaves?
fn stays(survey: &Survey, names: &GateNames, profile: &str) -> bool {
    survey.named(Section::Profiles, profile).is_some() && !is_made(survey, names, profile)
}

impl Desk<'_> {
    /// Reads the router and its journal. Changes nothing.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn look_back(
        &self,
        router: &Router,
        set_up: &SetUp,
    ) -> Result<Taking, DeskError> {
        let names = GateNames::from(&*router.gates.lists);
        // Not over the service whose certificate is taken back.
        let mut by = router.clone();
        if let Some(before) = self.reached_before(router).await? {
            by.connection.transport = before.transport;
            by.connection.port = before.port;
            by.connection.pins = before.pins;
        }
        let line = connect(&by, set_up).await?;
        let survey = Survey::read(&*line, &names).await?;
        let mut restoration = self.restoration(router, &survey, &names).await?;
        let connection = connection(&by, set_up);
        let back = self
            .logins_back(router, &survey, &names, &connection)
            .await?;
        restoration.plan.warnings.extend(back.told());
        Ok(Taking {
            restoration,
            line,
            connection,
            survey,
            names,
            router: router.clone(),
        })
    }

    async fn restoration(
        &self,
        router: &Router,
        survey: &Survey,
        names: &GateNames,
    ) -> Result<Restoration, DeskError> {
        let mut entries = self.journal(router).entries().await?;
        entries.extend(self.moved_by_the_desk(router, survey, names).await?);
        let installation = self.directory.installation().await?;
        Ok(restore::restore(survey, names, &entries, installation))
    }

    /// Takes back what prepare did. Whoever serves the router opens its gate first; accounts that were handed over get back the
    /// state that they had; and the desk knows that the router has no gate before it has none.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; what was taken back stays so, and another run goes on.
    pub(crate) async fn take_back(
        &self,
        mut taking: Taking,
        patience: Duration,
        told: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<Restoration, DeskError> {
        if !taking.restoration.plan.refusals.is_empty() {
            return Err(ApplyError::Refused(taking.restoration.plan.refusals).into());
        }
        let mut router = self.anew(&taking.router).await?;
        // Before the order: who was seen carrying that out has read this, too, and switches no login any more.
        for (_, account) in self.accounts_on(&router).await? {
            if account.before.enabled.is_some() {
                self.begin_to_give_back(account).await?;
            }
        }
        if router.gates.address_list {
            router = self.stand_back(router, patience).await?;
        }
        let (survey, names) = (&taking.survey, &taking.names);
        let back = self.logins_back(&router, survey, names, &taking.connection);
        let back = back.await?;
        self.give_back_all(back, &taking.connection).await?;
        taking.survey = Survey::read(&*taking.line, &taking.names).await?;
        let restoration = self
            .restoration(&router, &taking.survey, &taking.names)
            .await?;
        // What opened meanwhile need not be opened; anything else was not agreed to.
        let agreed = &taking.restoration.plan.steps;
        let new = |step: &&Step| !is_entry(step) && !agreed.contains(step);
        if restoration.plan.steps.iter().any(|step| new(&step))
            || !restoration.plan.refusals.is_empty()
        {
            return Err(another_plan());
        }
        if router.gates.address_list || router.mode == Mode::Enforcing {
            router.gates.address_list = false;
            router.mode = Mode::Observing;
            router = self.put_router(router, "began to restore").await?;
        }
        // What it does itself is undone by nobody.
        let nothing = MemoryJournal::default();
        prepare::apply(
            &*taking.line,
            &mut taking.survey,
            &taking.names,
            &restoration.plan,
            &nothing,
            told,
        )
        .await?;
        taking.line.close();
        if let Some(before) = self.reached_before(&router).await? {
            router.connection.transport = before.transport;
            router.connection.port = before.port;
            router.connection.pins = before.pins;
            router = self.put_router(router, "is reached as before").await?;
            self.remember_before(&router, None).await?;
        }
        let forget = vec![DeskChange::ForgetJournal(router.id)];
        self.write(forget, vec![self.of_router(&router, "restored")])
            .await?;
        Ok(restoration)
    }

    /// Logins that were made exempt at the desk, as deeds after all that prepare did: they get back the profile that they had.
    async fn moved_by_the_desk(
        &self,
        router: &Router,
        survey: &Survey,
        names: &GateNames,
    ) -> Result<Vec<Entry>, DeskError> {
        let accounts = self.accounts_on(router).await?;
        let exempt = accounts.iter().filter(|(kind, account)| {
            *kind == SourceKind::PppSecrets && account.kind == AccountKind::Exempt
        });
        let entries = exempt.filter_map(|(_, account)| {
            let now = &router.gates.lists.exempt_profile;
            let before = account.before.profile.as_deref()?;
            // A copy of prepare's goes as well: what it is a copy of is what the login had before that.
            let before = match names.original_of(before) {
                Some(original) if !stays(survey, names, before) => original,
                _ => before,
            };
            Some(Entry {
                number: u32::MAX,
                deed: Deed::Changed {
                    menu: Menu::Secret.path().to_owned(),
                    keys: vec![Key::named(&account.name)],
                    before: vec![("profile".to_owned(), before.to_string())],
                    after: vec![("profile".to_owned(), now.to_string())],
                },
                done: true,
            })
        });
        Ok(entries.collect())
    }

    /// What logins get back beside the plan: that they may log in, and the profiles of those in the User Manager.
    async fn logins_back(
        &self,
        router: &Router,
        survey: &Survey,
        names: &GateNames,
        by: &RouterConnection,
    ) -> Result<Back, DeskError> {
        let accounts = self.accounts_on(router).await?;
        let remembers = |account: &Account| account.handed_over || account.before.enabled.is_some();
        let handed_over = accounts.iter().filter(|(_, account)| remembers(account));
        let mut back = Back {
            handed_over: handed_over.cloned().collect(),
            profiles: Vec::new(),
        };
        for login in logins_of(by)?.list().await? {
            let has = login.profile.as_deref().unwrap_or_default();
            if login.kind != SourceKind::UserManager || !is_made(survey, names, has) {
                continue;
            }
            let mut kept = accounts.iter();
            let account =
                kept.find(|(kind, account)| *kind == login.kind && account.name == login.name);
            let before = account.and_then(|(_, account)| account.before.profile.as_deref());
            let original = names.original_of(has);
            // If nobody knows what it had, it gets what its server gives.
            let candidates = before.into_iter().chain(original);
            let or_none = |it: &&str| it.is_empty() || stays(survey, names, it);
            let profile = candidates.into_iter().find(or_none).unwrap_or_default();
            let profile = profile.into();
            let which = LoginName {
                kind: login.kind,
                name: login.name,
            };
            back.profiles.push((which, profile));
        }
        Ok(back)
    }

    /// Over the set-up login, so that it does not matter whether the daily one still works.
    async fn give_back_all(&self, back: Back, by: &RouterConnection) -> Result<(), DeskError> {
        for (_, account) in back.handed_over {
            match self.give_back_by(account, Some(by)).await {
                Ok(_)
                | Err(DeskError::Login(LoginError::NotThere(_) | LoginError::NoUserManager)) => {}
                Err(error) => return Err(error),
            }
        }
        for (which, profile) in back.profiles {
            match logins_of(by)?.move_to(&which, &profile).await {
                Ok(()) | Err(LoginError::NotThere(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Forgets a router, with its source and accounts.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn forget_router(&self, router: &Router) -> Result<(), DeskError> {
        let said = format!("gave router {} ({}) out of control", router.name, router.id);
        let audit = AuditEntry {
            router: Some(router.id),
            ..self.said(said, "")
        };
        let change = vec![DeskChange::RemoveRouter(router.id)];
        self.write(change, vec![audit]).await
    }
}
