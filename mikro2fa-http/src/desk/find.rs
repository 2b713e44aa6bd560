//! Records by what people call them.

use mikro2fa_core::{
    desk::{Account, ChatId, Router, SourceKind, User},
    directory::{PageOf, SessionFilter},
    id::{AccountId, RouterId, UserId},
};

use mikro2fa_router::logins::LoginName;

use super::{Desk, DeskError, PATIENCE};

/// How often it is looked whether a session is over.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// A login, and the router that keeps it.
pub(crate) struct Kept {
    pub(crate) router: Router,
    pub(crate) which: LoginName,
}

impl Desk<'_> {
    /// A router by its name or id.
    ///
    /// # Errors
    ///
    /// [`DeskError::NoSuch`]; [`DeskError::Invalid`] where several have the name.
    pub(crate) async fn router(&self, name: &str) -> Result<Router, DeskError> {
        let routers = self.directory.routers().await?;
        let id = name.parse::<RouterId>().ok();
        let fits = |router: &&Router| &*router.name == name || Some(router.id) == id;
        one("router", name, routers.iter().filter(fits).cloned())
    }

    /// A user by name, id or the number of their chat.
    ///
    /// # Errors
    ///
    /// As [`Self::router`].
    pub(crate) async fn user(&self, name: &str) -> Result<User, DeskError> {
        let id = name.parse::<UserId>().ok();
        let chat = name.parse::<i64>().ok().map(ChatId);
        let users = self.users().await?;
        let fits = |user: &&User| {
            &*user.name == name || Some(user.id) == id || (chat.is_some() && user.chat == chat)
        };
        one("user", name, users.iter().filter(fits).cloned())
    }

    /// An account by name or id; on one router, in one kind of place, or wherever it is.
    ///
    /// # Errors
    ///
    /// As [`Self::router`]: a name that stands in two places is not guessed.
    pub(crate) async fn account(
        &self,
        name: &str,
        router: Option<&Router>,
        kept_in: Option<SourceKind>,
    ) -> Result<Account, DeskError> {
        let sources = self.directory.sources().await?;
        let served = |account: &Account| {
            let source = sources.iter().find(|it| it.id == account.source);
            source.is_some_and(|source| {
                router.is_none_or(|router| source.routers.contains(&router.id))
                    && kept_in.is_none_or(|kind| source.kind == kind)
            })
        };
        let id = name.parse::<AccountId>().ok();
        let accounts = self.accounts().await?;
        let fits = |account: &&Account| {
            (&*account.name == name || Some(account.id) == id) && served(account)
        };
        one("account", name, accounts.iter().filter(fits).cloned())
    }

    /// The login of an account, and the router on which it is kept.
    ///
    /// # Errors
    ///
    /// [`DeskError::Refused`] where it is kept on none.
    pub(crate) async fn kept(&self, account: &Account) -> Result<Kept, DeskError> {
        let sources = self.directory.sources().await?;
        let source = sources.iter().find(|source| source.id == account.source);
        let routers = self.directory.routers().await?;
        let mut routers = routers.into_iter();
        let holder = source.and_then(|source| source.holder);
        let router = routers.find(|router| Some(router.id) == holder);
        match (source, router) {
            (Some(source), Some(router)) => Ok(Kept {
                router,
                which: LoginName {
                    kind: source.kind,
                    name: account.name.clone(),
                },
            }),
            _ => Err(DeskError::Refused(format!(
                "account {} is kept on no router: nothing can be changed there",
                account.name
            ))),
        }
    }

    /// All users.
    pub(crate) async fn users(&self) -> Result<Vec<User>, DeskError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.directory.users(&PageOf { after, limit: 500 }).await?;
            all.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// All accounts.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, DeskError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let place = PageOf { after, limit: 500 };
            let page = self.directory.accounts(None, &place).await?;
            all.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Waits until no session of an account is open: whoever serves ends it.
    ///
    /// # Errors
    ///
    /// [`DeskError::Refused`] if it takes too long.
    pub(crate) async fn until_over(&self, account: &Account) -> Result<(), DeskError> {
        let filter = SessionFilter {
            account: Some(account.id),
            open: true,
            ..SessionFilter::default()
        };
        let one = PageOf {
            after: None,
            limit: 1,
        };
        let over = async {
            loop {
                let open = self.directory.sessions(&filter, &one).await?;
                if open.rows.is_empty() {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, over).await {
            Ok(outcome) => outcome,
            Err(_) => Err(DeskError::Refused(format!(
                "account {} has an open session, and nobody has ended it: is mikro2fa serving this database?",
                account.name
            ))),
        }
    }
}

fn one<T>(
    what: &'static str,
    name: &str,
    mut found: impl Iterator<Item = T>,
) -> Result<T, DeskError> {
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(DeskError::NoSuch {
            what,
            name: name.to_owned(),
        }),
        (Some(_), Some(_)) => {
            let or = if what == "account" {
                ", or say on which router (--router) and in which of its places (--in)"
            } else {
                ""
            };
            Err(DeskError::Invalid(format!(
                "there is more than one {what} `{name}`: give its id{or}"
            )))
        }
    }
}
