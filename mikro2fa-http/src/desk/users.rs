//! People.

use mikro2fa_core::{
    desk::{Language, User},
    directory::DeskChange,
    id::UserId,
    policy::PolicyLevel,
};
use mikro2fa_telegram::link::LinkCode;

use super::{Desk, DeskError};

impl Desk<'_> {
    /// Adds a person, who has no chat yet.
    ///
    /// # Errors
    ///
    /// [`DeskError::Invalid`] for a name that is none; [`DeskError::Refused`] where somebody has it already: people are found
    /// by their names here.
    pub(crate) async fn add_user(&self, name: &str, language: Language) -> Result<User, DeskError> {
        let good = (1..=64).contains(&name.chars().count())
            && name.trim() == name
            && !name.contains(char::is_control);
        if !good {
            return Err(DeskError::Invalid(
                "a name has 1 to 64 characters, no control characters, and no space around it"
                    .into(),
            ));
        }
        if self.users().await?.iter().any(|user| &*user.name == name) {
            return Err(DeskError::Refused(format!(
                "there is a user {name} already"
            )));
        }
        let user = User {
            id: UserId::from_uuid(self.entropy.sorted(self.now)),
            name: name.into(),
            chat: None,
            link_generation: 0,
            linked_at: None,
            language,
            zone_minutes: None,
            suspended: false,
            unreachable: false,
            policy: PolicyLevel::default(),
            created_at: self.now,
            version: 0,
        };
        let audit = self.said(format!("made user {} ({})", user.name, user.id), "");
        let changes = vec![DeskChange::PutUser(user.clone())];
        self.write(changes, vec![audit]).await?;
        Ok(user)
    }

    /// A one-time code that ties a chat to somebody: for a link, or short enough to be typed.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn link_code(&self, user: &User, typed: bool) -> Result<LinkCode, DeskError> {
        let code = if typed {
            LinkCode::typed(self.entropy)
        } else {
            LinkCode::link(self.entropy)
        };
        let said = format!("made a link code for user {} ({})", user.name, user.id);
        let changes = vec![code.issue(user.id, self.now)];
        let audit = self.said(said, "");
        self.write(changes, vec![audit]).await?;
        Ok(code)
    }
}
