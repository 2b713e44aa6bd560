//! Routers as they are taken under control.

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{Gates, ListNames, Mode, NameMatching, Router, RouterConnection, Source, SourceKind},
    directory::DeskChange,
    id::{RouterId, SourceId},
    policy::{Adopt, PolicyLevel, Unowned},
    tunnel::Text,
};

use super::{Desk, DeskError, password};

/// A router that is to be taken under control, and prepared after that.
pub(crate) struct NewRouter {
    pub(crate) name: Text,
    /// How it is reached with a set-up login, of which nothing is kept.
    pub(crate) connection: RouterConnection,
}

impl Desk<'_> {
    /// Can a router be called so?
    ///
    /// # Errors
    ///
    /// [`DeskError::Invalid`], [`DeskError::Refused`] if there is one already.
    pub(crate) async fn may_be_called(&self, name: &str) -> Result<(), DeskError> {
        let good = (1..=64).contains(&name.chars().count())
            && name.trim() == name
            && !name.contains(char::is_control);
        if !good {
            return Err(DeskError::Invalid(
                "a name has 1 to 64 characters, no control characters, and no space around it"
                    .into(),
            ));
        }
        let routers = self.directory.routers().await?;
        if routers.iter().any(|router| *router.name == *name) {
            return Err(DeskError::Refused(format!(
                "there is a router {name} already"
            )));
        }
        Ok(())
    }

    /// Keeps a router that has no gate yet. Its daily login is made when it is prepared.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn take_under_control(&self, new: NewRouter) -> Result<Router, DeskError> {
        self.may_be_called(&new.name).await?;
        let names = ListNames::default();
        let router = Router {
            id: RouterId::from_uuid(self.entropy.sorted(self.now)),
            name: new.name,
            connection: RouterConnection {
                user: Text::clone(&names.user),
                password: password::fresh(self.entropy),
                ..new.connection
            },
            mode: Mode::Observing,
            gates: Gates {
                address_list: false,
                lists: Box::new(names),
                ..Gates::default()
            },
            observe_asks: false,
            unowned: Unowned::default(),
            adopt: Adopt::default(),
            since: self.now,
            poll_interval: 15,
            hook_key_hash: None,
            policy: PolicyLevel::default(),
            version: 0,
        };
        let source = Source {
            id: SourceId::from_uuid(self.entropy.sorted(self.now)),
            kind: SourceKind::PppSecrets,
            matching: NameMatching::Exact,
            holder: Some(router.id),
            routers: vec![router.id],
        };
        let said = format!("took router {} ({}) under control", router.name, router.id);
        let audit = AuditEntry {
            router: Some(router.id),
            ..self.said(said, "")
        };
        let changes = vec![
            DeskChange::PutRouter(router.clone()),
            DeskChange::PutSource(source),
        ];
        self.write(changes, vec![audit]).await?;
        Ok(router)
    }
}
