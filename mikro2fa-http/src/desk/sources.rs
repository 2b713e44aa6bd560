//! How names of a source's accounts are compared.

use mikro2fa_core::{
    desk::{NameMatching, Source},
    directory::DeskChange,
};

use super::{Desk, DeskError};

impl Desk<'_> {
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
