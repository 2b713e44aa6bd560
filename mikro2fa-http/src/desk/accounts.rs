//! Who owns an account, and how it is treated, where nothing on the router changes.

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{Account, User},
    directory::{DeskChange, Directory},
    id::UserId,
    policy::Policy,
};

use super::{Desk, DeskError};

/// The account with this owner, who must exist and may have no more accounts than policy says.
///
/// # Errors
///
/// [`DeskError::Invalid`], naming the limit or that there is no such user.
pub(crate) async fn owned(
    directory: &dyn Directory,
    account: Account,
    owner: Option<UserId>,
) -> Result<Account, DeskError> {
    let Some(owner) = owner.filter(|owner| account.owner != Some(*owner)) else {
        return Ok(Account { owner, ..account });
    };
    let user = directory
        .user(owner)
        .await?
        .ok_or_else(|| DeskError::Invalid("owner: there is no such user".into()))?;
    let system = directory.system_policy().await?;
    let most = Policy::resolve([&system, &user.policy]).max_accounts_per_user;
    let has = directory.accounts_of(owner).await?.len();
    if has >= usize::from(most) {
        return Err(DeskError::Invalid(format!(
            "owner: {} has {has} accounts, and policy allows {most}",
            user.name
        )));
    }
    Ok(Account {
        owner: Some(owner),
        ..account
    })
}

impl Desk<'_> {
    /// Writes an account down as its next version.
    pub(super) async fn put(
        &self,
        account: Account,
        change: String,
        reason: &str,
    ) -> Result<Account, DeskError> {
        let account = Account {
            version: account.version.saturating_add(1),
            ..account
        };
        let audit = self.of_account(&account, change, reason);
        let changes = vec![DeskChange::PutAccount(account.clone())];
        self.write(changes, vec![audit]).await?;
        Ok(account)
    }

    pub(super) fn of_account(&self, account: &Account, change: String, reason: &str) -> AuditEntry {
        AuditEntry {
            account: Some(account.id),
            ..self.said(change, reason)
        }
    }

    /// Gives an account to somebody, or to nobody. Somebody else's has to be taken from them first.
    ///
    /// # Errors
    ///
    /// See [`owned`]; [`DeskError::Refused`] where it is somebody else's.
    pub(crate) async fn assign(
        &self,
        account: Account,
        owner: Option<&User>,
    ) -> Result<Account, DeskError> {
        if let (Some(now), Some(next)) = (account.owner, owner)
            && now != next.id
        {
            let name = self.directory.user(now).await?;
            let name = name.map_or_else(|| now.to_string(), |user| user.name.to_string());
            return Err(DeskError::Refused(format!(
                "account {} belongs to {name}: take it from them first (owner none)",
                account.name
            )));
        }
        let said = match owner {
            Some(user) => format!(
                "gave account {} to {} ({})",
                account.name, user.name, user.id
            ),
            None => format!("took account {} from its owner", account.name),
        };
        let account = owned(self.directory, account, owner.map(|user| user.id)).await?;
        self.put(account, said, "").await
    }
}
