//! The backend under test, among what is somebody else's.

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use mikro2fa_core::{
    router_backend::{
        Applied, Command, Fence, Hint, Identity, Look, Observed, Part, RouterBackend, RouterError,
    },
    tunnel::Text,
};
use mikro2fa_router::{Api, RouterOs};

use crate::target::Tag;

/// The backend, with our tag on every login and rule that goes in, and off every one that comes out; others do not come out.
pub(crate) struct Tagging {
    pub(crate) inner: RouterOs<Api>,
    pub(crate) tag: Tag,
}

impl Tagging {
    fn names(&self, part: &Part) -> Part {
        match part {
            Part::These(names) => {
                Part::These(names.iter().map(|name| self.tag.on(name).into()).collect())
            }
            other => other.clone(),
        }
    }

    fn command(&self, command: &Command) -> Command {
        let mut command = command.clone();
        match &mut command {
            Command::SetAccount { name, .. } => *name = self.tag.on(name).into(),
            Command::SetRule { comment, .. } => *comment = self.tag.on(comment).into(),
            _ => {}
        }
        command
    }
}

#[async_trait]
impl RouterBackend for Tagging {
    async fn identify(&self) -> Result<Identity, RouterError> {
        self.inner.identify().await
    }

    async fn observe(&self, look: &Look) -> Result<Observed, RouterError> {
        let tagged = Look {
            accounts: self.names(&look.accounts),
            rules: self.names(&look.rules),
            ..look.clone()
        };
        let mut seen = self.inner.observe(&tagged).await?;
        let untag = |name: &mut Text| {
            let own: Option<Text> = self.tag.off(name).map(Into::into);
            let is_ours = own.is_some();
            if let Some(own) = own {
                *name = own;
            }
            is_ours
        };
        if let Some(accounts) = &mut seen.accounts {
            accounts.asked = look.accounts.clone();
            accounts.rows.retain_mut(|row| untag(&mut row.name));
        }
        if let Some(rules) = &mut seen.rules {
            rules.asked = look.rules.clone();
            rules.rows.retain_mut(|row| untag(&mut row.comment));
        }
        Ok(seen)
    }

    async fn apply(
        &self,
        fence: &Fence,
        commands: &[Command],
    ) -> Result<Vec<Applied>, RouterError> {
        let commands: Vec<Command> = commands.iter().map(|it| self.command(it)).collect();
        self.inner.apply(fence, &commands).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError> {
        self.inner.watch().await
    }
}
