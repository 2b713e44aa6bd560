//! Where a router's logins are kept, and how names there are compared.

use mikro2fa_core::{
    desk::{Account, NameMatching, Router, Source, SourceKind},
    directory::DeskChange,
    id::SourceId,
};

use super::{Desk, DeskError};

/// A place that a router keeps logins in, as people call it.
pub(crate) const fn place(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::PppSecrets => "PPP secrets",
        SourceKind::UserManager => "User Manager",
        _ => "RADIUS",
    }
}

impl Desk<'_> {
    /// The sources that a router holds itself: its PPP secrets, and its User Manager once that has an account.
    ///
    /// # Errors
    ///
    /// Of the database.
    pub(crate) async fn held_by(&self, router: &Router) -> Result<Vec<Source>, DeskError> {
        let mut sources = self.directory.sources().await?;
        sources.retain(|source| source.holder == Some(router.id));
        Ok(sources)
    }

    /// The accounts of logins that a router keeps itself, each with its place.
    ///
    /// # Errors
    ///
    /// Of the database.
    pub(crate) async fn accounts_on(
        &self,
        router: &Router,
    ) -> Result<Vec<(SourceKind, Account)>, DeskError> {
        let sources = self.held_by(router).await?;
        let kept = |account: Account| {
            let source = sources.iter().find(|it| it.id == account.source)?;
            Some((source.kind, account))
        };
        Ok(self
            .accounts()
            .await?
            .into_iter()
            .filter_map(kept)
            .collect())
    }

    /// The source of a router's logins of this kind, and what has to be written with its first account: a router comes with that
    /// of its PPP secrets, and a User Manager becomes one when it is needed.
    ///
    /// # Errors
    ///
    /// [`DeskError::Refused`] where it keeps none of that kind.
    pub(crate) async fn source_for(
        &self,
        router: &Router,
        kind: SourceKind,
    ) -> Result<(Source, Option<DeskChange>), DeskError> {
        let held = self.held_by(router).await?;
        if let Some(source) = held.into_iter().find(|source| source.kind == kind) {
            return Ok((source, None));
        }
        if kind != SourceKind::UserManager {
            return Err(DeskError::Refused(format!(
                "router {} keeps no logins of that kind ({}): say ppp_secrets or user_manager",
                router.name,
                place(kind)
            )));
        }
        let source = Source {
            id: SourceId::from_uuid(self.entropy.sorted(self.now)),
            kind,
            matching: NameMatching::Exact,
            holder: Some(router.id),
            routers: vec![router.id],
        };
        Ok((source.clone(), Some(DeskChange::PutSource(source))))
    }

    /// From now on names of this source are compared so. Refused where two of its accounts would have the same name then:
    /// nobody could tell whose tunnel it is.
    ///
    /// # Errors
    ///
    /// [`DeskError::Refused`] for such names; otherwise what the database says.
    pub(crate) async fn match_names(
        &self,
        source: Source,
        matching: NameMatching,
    ) -> Result<Source, DeskError> {
        if source.matching == matching {
            return Ok(source);
        }
        let accounts = self.accounts().await?;
        let mut names: Vec<_> = accounts
            .iter()
            .filter(|account| account.source == source.id)
            .map(|account| (matching.key(&account.name), &account.name))
            .collect();
        names.sort();
        let twins = names.windows(2).find_map(|pair| match pair {
            [(one, first), (two, second)] if one == two => Some((first, second)),
            _ => None,
        });
        if let Some((first, second)) = twins {
            return Err(DeskError::Refused(format!(
                "accounts {first} and {second} would be one; remove one of them first"
            )));
        }
        let how = match matching {
            NameMatching::Exact => "letter by letter",
            NameMatching::Folded => "without case, domain and realm",
        };
        let changed = Source { matching, ..source };
        let said = format!("names of source {} are compared {how}", changed.id);
        let audit = self.said(said, "");
        self.write(vec![DeskChange::PutSource(changed.clone())], vec![audit])
            .await?;
        Ok(changed)
    }
}
