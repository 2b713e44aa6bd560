//! What people do at the desk, by REST or on the command line: one set of rules for both.
//!
//! Whatever concerns sessions is decided by the engine: the desk writes down what people want, and the engine, in this process
//! or in another, ends what has to end. What is done on a router itself (a login made, moved, switched off) is read back there.

mod accounts;
mod error;
mod find;
mod import;
mod journal;
mod password;
mod preparing;
mod report;
mod restoring;
mod router_side;
mod routers;
mod sources;
mod switch;
mod users;

use std::time::Duration;

use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    directory::{DeskChange, Directory},
    engine::EngineHandle,
    entropy::Entropy,
    session::Actor,
    time::Timestamp,
    tunnel::Text,
};

pub(crate) use self::{
    accounts::owned,
    error::DeskError,
    find::Kept,
    import::{Import, Listed, Owners, Standing},
    preparing::{Order, STAND_BACK, SetUp, range},
    report::{ReportView, weakened, weakenings},
    router_side::{NewAccount, remembered},
    routers::NewRouter,
    sources::place,
};

/// How long the engine is given to end what has to end before a login is touched.
const PATIENCE: Duration = Duration::from_secs(15);

/// Somebody at the desk.
pub(crate) struct Desk<'a> {
    pub(crate) directory: &'a dyn Directory,
    pub(crate) entropy: &'a dyn Entropy,
    /// Where it runs in this process; another one notices by itself.
    pub(crate) engine: Option<&'a EngineHandle>,
    pub(crate) now: Timestamp,
    /// Who it is, as the audit log names them.
    pub(crate) who: Text,
}

impl Desk<'_> {
    /// Writes changes down, with what the log says of them, and lets the engine know.
    async fn write(
        &self,
        changes: Vec<DeskChange>,
        audit: Vec<AuditEntry>,
    ) -> Result<(), DeskError> {
        match self.engine {
            Some(engine) => engine.change_desk(changes, audit).await?,
            None => self.directory.change(changes, audit).await?,
        }
        Ok(())
    }

    /// What the log says.
    fn said(&self, change: String, reason: &str) -> AuditEntry {
        AuditEntry {
            at: self.now,
            session: None,
            router: None,
            account: None,
            what: AuditKind::Desk {
                actor: Actor::Operator {
                    who: Text::clone(&self.who),
                    reason: reason.into(),
                },
                change: change.into(),
            },
        }
    }
}
