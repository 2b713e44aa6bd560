//! Observing and enforcing.

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{AccountKind, GateOrder, Mode, Router},
    directory::DeskChange,
    router_backend::{Jumps, Look},
    time::Clock,
};
use mikro2fa_router::{gate::GateNames, prepare, survey::Survey};

use super::{Desk, DeskError};

/// How often it is looked whether an order was seen done.
const LOOK: Duration = Duration::from_millis(200);

impl Desk<'_> {
    /// Can the router be enforced? Its gate has to be there, and nobody's own way in may lead through it, as when it is prepared;
    /// where it has none of that kind, nothing is switched.
    ///
    /// # Errors
    ///
    /// [`DeskError::Refused`] where it is not prepared, or somebody would be cut off; [`DeskError::Login`] if it cannot be asked.
    pub(crate) async fn may_be_enforced(
        &self,
        router: &Router,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), DeskError> {
        if !router.gates.address_list {
            return Ok(());
        }
        let installation = self.directory.installation().await?;
        let backend = mikro2fa_router::backend_for(router, installation, Arc::clone(clock))?;
        backend.identify().await?;
        let look = Look {
            gate: true,
            ..Look::default()
        };
        let seen = backend.observe(&look).await?.gate;
        if seen.is_some_and(|seen| seen.jumps != Jumps::Missing) {
            return self.cuts_nobody_off(router).await;
        }
        Err(DeskError::Refused(format!(
            "router {} has no gate that could be shut: prepare it first",
            router.name
        )))
    }

    async fn cuts_nobody_off(&self, router: &Router) -> Result<(), DeskError> {
        let names = GateNames::from(&*router.gates.lists);
        let line = mikro2fa_router::connect(&router.connection).await?;
        let survey = Survey::read(&*line, &names).await?;
        line.close();
        let accounts = self.accounts_on(router).await?.into_iter();
        let exempt = accounts.filter(|(_, account)| account.kind == AccountKind::Exempt);
        let exempt = exempt.map(|(_, account)| account.name).collect();
        let ways = prepare::cut_off(&survey, &names, exempt);
        if ways.is_empty() {
            return Ok(());
        }
        Err(DeskError::Refused(ways.join("; ")))
    }

    /// Waits until an order was seen done. False if it takes longer than that.
    ///
    /// # Errors
    ///
    /// Of the database.
    pub(crate) async fn until_switched(
        &self,
        order: GateOrder,
        patience: Duration,
    ) -> Result<bool, DeskError> {
        let done = async {
            while self.directory.gate_order(order.router).await? == Some(order) {
                tokio::time::sleep(LOOK).await;
            }
            Ok(true)
        };
        tokio::time::timeout(patience, done)
            .await
            .unwrap_or(Ok(false))
    }

    /// Switches a router between observing and enforcing. The engine shuts or opens its gate, and says when that is done.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn switch(
        &self,
        router: Router,
        mode: Mode,
    ) -> Result<(Router, GateOrder), DeskError> {
        let said = match mode {
            Mode::Enforcing => "is enforced: its gate is shut",
            Mode::Observing => "is only observed: its gate is opened",
        };
        self.order(router, mode, said).await
    }

    /// Waits until whoever enforces a router in another process has taken note of what the desk says by now: by what they read before
    /// that, they would undo what is done on the router next. They answer to an order only, so the gate is ordered to be what it is.
    /// Nobody is waited for where nobody serves it.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(super) async fn until_noticed(
        &self,
        router: &Router,
        patience: Duration,
    ) -> Result<(), DeskError> {
        let here = self
            .engine
            .is_some_and(|engine| engine.serves().contains(&router.id));
        // Of a router that is only observed no login is disabled.
        if here
            || router.mode == Mode::Observing
            || !self.directory.is_served(router.id, self.now).await?
        {
            return Ok(());
        }
        let said = "stays enforced: whoever serves it is to take note of a change";
        let (router, order) = self.order(router.clone(), router.mode, said).await?;
        if !self.until_switched(order, patience).await? {
            tracing::warn!(router = %router.name, "nobody was seen taking note: is mikro2fa serving this database?");
        }
        Ok(())
    }

    async fn order(
        &self,
        router: Router,
        mode: Mode,
        said: &str,
    ) -> Result<(Router, GateOrder), DeskError> {
        let (router, order) = router.switched(mode, self.now);
        let router = Router {
            version: router.version.saturating_add(1),
            ..router
        };
        let audit = AuditEntry {
            router: Some(router.id),
            ..self.said(format!("router {} ({}) {said}", router.name, router.id), "")
        };
        let changes = vec![
            DeskChange::PutRouter(router.clone()),
            DeskChange::OrderGate(order),
        ];
        self.write(changes, vec![audit]).await?;
        Ok((router, order))
    }
}
