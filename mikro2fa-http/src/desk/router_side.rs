//! What is done with a login on its router: handed over and given back, exempt, switched off, made, taken away.
//!
//! What closes is written down first and done on the router after that; what opens is done last. What was half done is seen
//! where accounts are shown, and doing it again completes it.

use mikro2fa_core::{
    desk::{Account, AccountKind, Before, Router, RouterConnection, SourceKind, User},
    directory::DeskChange,
    id::AccountId,
    policy::PolicyLevel,
    secret::Secret,
    tunnel::Text,
};
use mikro2fa_router::logins::{LoginError, LoginName, Logins, NewLogin, logins_of};

use super::{Desk, DeskError, Kept, STAND_BACK, accounts::owned, password, place};

/// A login that is to be made with its account.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewAccount {
    /// In which of the router's places.
    pub(crate) kept_in: SourceKind,
    pub(crate) name: Text,
    /// Its profile of the User Manager.
    pub(crate) user_profile: Option<Text>,
    /// Its PPP profile.
    pub(crate) profile: Option<Text>,
    pub(crate) service: Option<Text>,
    pub(crate) address: Option<Text>,
}

/// An account that was made, and the password of its login: shown once.
pub(crate) struct Created {
    pub(crate) account: Account,
    pub(crate) password: Secret,
}

fn logins(router: &Router) -> Result<Box<dyn Logins>, DeskError> {
    Ok(logins_of(&router.connection)?)
}

/// What a login is on its router before it is handed over, beside what was remembered already.
///
/// # Errors
///
/// [`DeskError::Login`] if the login cannot be read.
pub(crate) async fn remembered(kept: &Kept, before: &Before) -> Result<Before, DeskError> {
    let enabled = match before.enabled {
        Some(enabled) => enabled,
        None => logins(&kept.router)?.login(&kept.which).await?.enabled,
    };
    Ok(Before {
        enabled: Some(enabled),
        ..before.clone()
    })
}

impl Desk<'_> {
    /// mikro2fa may disable and enable this login from now on. What it is now is remembered, and given back.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; nothing is changed if the login cannot be read.
    pub(crate) async fn hand_over(&self, account: Account) -> Result<Account, DeskError> {
        if account.handed_over {
            return Ok(account);
        }
        if account.kind == AccountKind::Exempt {
            return Err(DeskError::Refused(format!(
                "account {} is exempt: it is open at any time, so there is nothing to hand over",
                account.name
            )));
        }
        let kept = self.kept(&account).await?;
        let before = remembered(&kept, &account.before).await?;
        let said = format!(
            "account {} was handed over: it is disabled on the router while no session is open",
            account.name
        );
        let account = Account {
            handed_over: true,
            before,
            ..account
        };
        self.put(account, said, "").await
    }

    /// The login is the administrator's again, in the state that it had before.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; said again, it does what is left to do.
    pub(crate) async fn give_back(&self, account: Account) -> Result<Account, DeskError> {
        self.give_back_by(account, None).await
    }

    /// From now on whoever serves the router leaves its login alone.
    pub(super) async fn begin_to_give_back(&self, account: Account) -> Result<Account, DeskError> {
        if !account.handed_over {
            return Ok(account);
        }
        let said = format!("account {} is given back", account.name);
        let account = Account {
            handed_over: false,
            ..account
        };
        self.put(account, said, "").await
    }

    /// The same, over another connection to the router that keeps it, by somebody who has seen already that whoever serves the router
    /// leaves the login alone.
    pub(super) async fn give_back_by(
        &self,
        account: Account,
        by: Option<&RouterConnection>,
    ) -> Result<Account, DeskError> {
        let Some(enabled) = account.before.enabled else {
            if !account.handed_over {
                return Ok(account);
            }
            let said = format!(
                "account {} was given back; what it was before is not known, so it stays as it is on the router",
                account.name
            );
            let account = Account {
                handed_over: false,
                ..account
            };
            return self.put(account, said, "").await;
        };
        let kept = self.kept(&account).await?;
        // First: as long as it is handed over, the engine would disable it again.
        let account = self.begin_to_give_back(account).await?;
        if by.is_none() {
            self.until_noticed(&kept.router, STAND_BACK).await?;
        }
        let enabled = enabled && !account.disabled;
        let by = by.unwrap_or(&kept.router.connection);
        logins_of(by)?.enable(&kept.which, enabled).await?;
        let state = if enabled { "enabled" } else { "disabled" };
        let said = format!("account {} was given back, {state} as before", account.name);
        let before = Before {
            enabled: None,
            ..account.before.clone()
        };
        self.put(Account { before, ..account }, said, "").await
    }

    /// Its tunnels are never held and nobody is asked, from its next connection on. A weakening.
    ///
    /// # Errors
    ///
    /// [`DeskError::Invalid`] without a reason; [`LoginError::NoProfile`] where the router is not prepared.
    pub(crate) async fn exempt(
        &self,
        account: Account,
        reason: &str,
    ) -> Result<Account, DeskError> {
        if reason.trim().is_empty() {
            return Err(DeskError::Invalid(
                "say why: an exempt account is open to whoever has its password".into(),
            ));
        }
        let kept = self.kept(&account).await?;
        let mut logins = logins(&kept.router)?;
        let exempt = Text::clone(&kept.router.gates.lists.exempt_profile);
        let login = logins.may_move(&kept.which, &exempt).await?;
        let account = if account.kind == AccountKind::Exempt {
            account
        } else {
            let account = self.give_back(account).await?;
            let before = Before {
                profile: login.profile.filter(|profile| *profile != exempt),
                ..account.before.clone()
            };
            let said = format!("account {} is exempt: never asked about", account.name);
            let account = Account {
                kind: AccountKind::Exempt,
                before,
                ..account
            };
            self.put(account, said, reason).await?
        };
        logins.move_to(&kept.which, &exempt).await?;
        Ok(account)
    }

    /// It is asked about like any other. Its live tunnels, which the gate does not hold, are cut.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; said again, it does what is left to do.
    pub(crate) async fn no_longer_exempt(&self, account: Account) -> Result<Account, DeskError> {
        if account.kind != AccountKind::Exempt {
            return Ok(account);
        }
        let kept = self.kept(&account).await?;
        let mut logins = logins(&kept.router)?;
        let covered = match kept.which.kind {
            // None of its own: it comes up with its server's, which is covered.
            SourceKind::UserManager => Text::default(),
            _ => Text::clone(&kept.router.gates.lists.profile),
        };
        let profile = account.before.profile.clone().unwrap_or(covered);
        // What closes comes first: from here on it is held when it connects.
        logins.move_to(&kept.which, &profile).await?;
        self.cut(&account, &kept, &mut *logins).await?;
        let said = format!("account {} is no longer exempt", account.name);
        let before = Before {
            profile: None,
            ..account.before.clone()
        };
        let account = Account {
            kind: AccountKind::Managed,
            before,
            ..account
        };
        self.put(account, said, "").await
    }

    /// Switches an account off: its sessions end, its tunnels are held, and its login is disabled on the router.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; the account is switched off here even if the router cannot be reached.
    pub(crate) async fn disable(&self, account: Account) -> Result<Account, DeskError> {
        let account = if account.disabled {
            account
        } else {
            let said = format!("account {} was switched off", account.name);
            let account = Account {
                disabled: true,
                ..account
            };
            self.put(account, said, "").await?
        };
        self.until_over(&account).await?;
        let kept = self.kept(&account).await?;
        let mut logins = logins(&kept.router)?;
        logins.enable(&kept.which, false).await?;
        if account.kind == AccountKind::Exempt {
            // The gate does not hold it.
            self.cut(&account, &kept, &mut *logins).await?;
        }
        Ok(account)
    }

    /// Switches an account on again. A login that is handed over stays disabled until it is asked for.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn enable(&self, account: Account) -> Result<Account, DeskError> {
        let account = if account.disabled {
            let said = format!("account {} was switched on", account.name);
            let account = Account {
                disabled: false,
                ..account
            };
            self.put(account, said, "").await?
        } else {
            account
        };
        if !account.handed_over {
            let kept = self.kept(&account).await?;
            logins(&kept.router)?.enable(&kept.which, true).await?;
        }
        Ok(account)
    }

    /// Makes a login on a router, with a password that is shown once, and its account.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; nothing is left on the router if the account could not be kept.
    pub(crate) async fn create(
        &self,
        router: &Router,
        new: NewAccount,
        owner: Option<&User>,
    ) -> Result<Created, DeskError> {
        let (source, first) = self.source_for(router, new.kept_in).await?;
        let account = Account {
            id: AccountId::from_uuid(self.entropy.sorted(self.now)),
            source: source.id,
            name: Text::clone(&new.name),
            owner: None,
            kind: AccountKind::Managed,
            handed_over: false,
            disabled: false,
            before: Before::default(),
            routes: Vec::new(),
            policy: PolicyLevel::default(),
            version: 0,
        };
        let known = self.accounts().await?;
        let key = source.matching.key(&new.name);
        let taken = |it: &Account| it.source == source.id && source.matching.key(&it.name) == key;
        if known.iter().any(taken) {
            return Err(DeskError::Refused(format!(
                "router {} has an account {} already ({})",
                router.name,
                new.name,
                place(source.kind)
            )));
        }
        let account = owned(self.directory, account, owner.map(|user| user.id)).await?;
        let login = NewLogin {
            which: LoginName {
                kind: source.kind,
                name: Text::clone(&new.name),
            },
            password: password::fresh(self.entropy),
            profile: new.profile,
            user_profile: new.user_profile,
            service: new.service,
            remote_address: new.address,
            comment: "".into(),
        };
        let mut logins = logins(router)?;
        logins.make(&login).await?;
        let said = format!("made login and account {} on {}", account.name, router.name);
        let audit = self.of_account(&account, said, "");
        let mut changes = Vec::from_iter(first);
        changes.push(DeskChange::PutAccount(account.clone()));
        if let Err(error) = self.write(changes, vec![audit]).await {
            logins.take_away(&login.which).await?;
            return Err(error);
        }
        Ok(Created {
            account,
            password: login.password,
        })
    }

    /// Forgets an account, and takes its login away from the router where that is wished for. Its sessions end first.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; said again, it does what is left to do.
    pub(crate) async fn delete(&self, account: Account, login_too: bool) -> Result<(), DeskError> {
        if login_too {
            let kept = self.kept(&account).await?;
            let account = match self.disable(account.clone()).await {
                // It is gone there already.
                Err(DeskError::Login(LoginError::NotThere(_))) => {
                    self.directory.account(account.id).await?.unwrap_or(account)
                }
                outcome => outcome?,
            };
            let mut logins = logins(&kept.router)?;
            logins.take_away(&kept.which).await?;
            self.cut(&account, &kept, &mut *logins).await?;
            return self.forget(&account).await;
        }
        let account = if account.kind == AccountKind::Exempt {
            self.no_longer_exempt(account).await?
        } else {
            account
        };
        let account = self.give_back(account).await?;
        let account = if account.owner.is_some() {
            self.assign(account, None).await? // its sessions end
        } else {
            account
        };
        self.until_over(&account).await?;
        self.forget(&account).await
    }

    /// Cuts an account's live tunnels on every router whose logins its source decides.
    async fn cut(
        &self,
        account: &Account,
        kept: &Kept,
        on_holder: &mut dyn Logins,
    ) -> Result<(), DeskError> {
        on_holder.cut(&account.name).await?;
        let sources = self.directory.sources().await?;
        let source = sources.iter().find(|source| source.id == account.source);
        let elsewhere = source.map_or(&[][..], |source| &source.routers);
        for router in self.directory.routers().await? {
            if router.id != kept.router.id && elsewhere.contains(&router.id) {
                logins(&router)?.cut(&account.name).await?;
            }
        }
        Ok(())
    }

    async fn forget(&self, account: &Account) -> Result<(), DeskError> {
        let audit = self.of_account(account, format!("forgot account {}", account.name), "");
        let changes = vec![DeskChange::RemoveAccount(account.id)];
        self.write(changes, vec![audit]).await
    }
}
