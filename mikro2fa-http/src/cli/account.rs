//! `mikro2fa account`: VPN logins, who owns them, and what is done with them on their routers.

mod import;
mod list;

use std::io;

use clap::{Subcommand, ValueEnum};
use mikro2fa_core::desk::{Account, AccountKind, Router, SourceKind};

use super::{
    CliError, block_on,
    office::{Office, Plain},
};
use crate::{config::Config, desk::NewAccount};

#[derive(Clone, Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Lists accounts: of one router, or all.
    List(list::ListCommand),
    /// Shows one account.
    Show(list::ShowCommand),
    /// Shows a router's logins that have no account yet; with --yes, makes accounts of them. Nobody owns them unless
    /// --owner says so.
    Import(import::ImportCommand),
    /// Gives an account to a user, or with `none` takes it away. An open session of it ends.
    Assign {
        #[command(flatten)]
        which: Which,
        /// A user's name, id or chat; or `none`.
        owner: String,
    },
    /// Opens an account for good: nobody is asked about it, and whoever has its password is in. For site links. Asks
    /// twice.
    Exempt {
        #[command(flatten)]
        which: Which,
        /// Why; stands in the audit log.
        #[arg(long, default_value = "")]
        reason: String,
        /// The account's name once more.
        #[arg(long, value_name = "NAME")]
        sure: Option<String>,
        /// Ends it: the account is asked about again, and its live tunnels are cut.
        #[arg(long, conflicts_with_all = ["reason", "sure"])]
        end: bool,
    },
    /// Lets mikro2fa disable the login on the router while no session is open; or gives it back as it was.
    HandOver {
        #[command(flatten)]
        which: Which,
        /// Gives it back, in the state that it had before.
        #[arg(long)]
        back: bool,
    },
    /// Makes a login on a router, and its account. Its password is printed once and kept nowhere.
    Create {
        /// The router's name or id.
        router: String,
        /// The login's name.
        name: String,
        /// In which of the router's places it is made.
        #[arg(long = "in", value_name = "PLACE", default_value = "ppp-secrets")]
        kept_in: KeptIn,
        /// Who owns it: a user's name, id or chat.
        #[arg(long)]
        owner: Option<String>,
        /// Its PPP profile [default: the router's]
        #[arg(long)]
        profile: Option<String>,
        /// Its profile of the User Manager, without which some logins of that cannot log in.
        #[arg(long, value_name = "PROFILE")]
        user_profile: Option<String>,
        /// Its service, such as l2tp [default: any]
        #[arg(long)]
        service: Option<String>,
        /// A fixed address.
        #[arg(long)]
        address: Option<std::net::Ipv4Addr>,
    },
    /// Switches an account off: its sessions end, and its login is disabled on the router.
    Disable {
        #[command(flatten)]
        which: Which,
    },
    /// Switches an account on again.
    Enable {
        #[command(flatten)]
        which: Which,
    },
    /// Forgets an account. Its sessions end; the login stays on the router unless --login is said.
    Delete {
        #[command(flatten)]
        which: Which,
        /// Removes the login from the router, too.
        #[arg(long)]
        login: bool,
        /// Does it.
        #[arg(long)]
        yes: bool,
    },
}

/// Which account is meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Which {
    /// The account's name or id.
    name: String,
    /// On which router, where several have one of that name.
    #[arg(long)]
    router: Option<String>,
    /// In which of the router's places, where both have one of that name.
    #[arg(long = "in", value_name = "PLACE")]
    kept_in: Option<KeptIn>,
}

/// The two places where a router keeps logins.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KeptIn {
    /// Its PPP secrets.
    PppSecrets,
    /// Its User Manager.
    UserManager,
}

impl From<KeptIn> for SourceKind {
    fn from(kept_in: KeptIn) -> Self {
        match kept_in {
            KeptIn::PppSecrets => Self::PppSecrets,
            KeptIn::UserManager => Self::UserManager,
        }
    }
}

impl Which {
    async fn find(&self, office: &Office) -> Result<Account, CliError> {
        let router = router(office, self.router.as_deref()).await?;
        let kept_in = self.kept_in.map(Into::into);
        let account = office.desk();
        let account = account.account(&self.name, router.as_ref(), kept_in);
        Ok(account.await?)
    }
}

async fn router(office: &Office, name: Option<&str>) -> Result<Option<Router>, CliError> {
    match name {
        Some(name) => Ok(Some(office.desk().router(name).await?)),
        None => Ok(None),
    }
}

impl AccountCommand {
    pub(super) fn run(&self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        block_on(async {
            let office = Office::open(config).await?;
            self.at(&office, out).await
        })
    }

    async fn at(&self, office: &Office, out: &mut dyn io::Write) -> Result<(), CliError> {
        let desk = office.desk();
        match self {
            Self::List(command) => command.at(office, out).await,
            Self::Show(command) => command.at(office, out).await,
            Self::Import(command) => command.at(office, out).await,
            Self::Assign { which, owner } => {
                let account = which.find(office).await?;
                let user = match &**owner {
                    "none" => None,
                    name => Some(desk.user(name).await?),
                };
                let account = desk.assign(account, user.as_ref()).await?;
                let now = user.map_or_else(|| "nobody".to_owned(), |user| user.name.to_string());
                say(out, &account, &format!("is owned by {}", Plain(&now)))
            }
            Self::Exempt { which, end, .. } if *end => {
                let account = desk.no_longer_exempt(which.find(office).await?).await?;
                say(
                    out,
                    &account,
                    "is not exempt: it is asked about, and its tunnels were cut",
                )
            }
            Self::Exempt {
                which,
                reason,
                sure,
                ..
            } => {
                exempt(
                    office,
                    which.find(office).await?,
                    reason,
                    sure.as_deref(),
                    out,
                )
                .await
            }
            Self::HandOver { which, back } => {
                let account = which.find(office).await?;
                if *back {
                    let account = desk.give_back(account).await?;
                    return say(out, &account, "is given back, as it was before");
                }
                let account = desk.hand_over(account).await?;
                let now =
                    "is handed over: its login is disabled on the router while no session is open";
                say(out, &account, now)
            }
            Self::Create {
                router,
                name,
                kept_in,
                owner,
                profile,
                user_profile,
                service,
                address,
            } => {
                let router = desk.router(router).await?;
                let owner = match owner {
                    Some(owner) => Some(desk.user(owner).await?),
                    None => None,
                };
                let new = NewAccount {
                    kept_in: (*kept_in).into(),
                    user_profile: user_profile.as_deref().map(Into::into),
                    name: checked(name)?.into(),
                    profile: profile.as_deref().map(Into::into),
                    service: service.as_deref().map(Into::into),
                    address: address.map(|address| address.to_string().into()),
                };
                let created = desk.create(&router, new, owner.as_ref()).await?;
                say(
                    out,
                    &created.account,
                    "was made; its password, shown this once:",
                )?;
                Ok(writeln!(out, "{}", created.password.expose())?)
            }
            Self::Disable { which } => {
                let account = desk.disable(which.find(office).await?).await?;
                say(out, &account, "is switched off, and its login is disabled")
            }
            Self::Enable { which } => {
                let account = desk.enable(which.find(office).await?).await?;
                say(out, &account, "is switched on")
            }
            Self::Delete { which, login, yes } => {
                let account = which.find(office).await?;
                if !yes {
                    let too = if *login {
                        ", and its login is removed from the router"
                    } else {
                        ""
                    };
                    say(
                        out,
                        &account,
                        &format!("would be forgotten; its sessions end{too}"),
                    )?;
                    return Err(CliError::Failed(
                        "nothing was done: say --yes to do it".into(),
                    ));
                }
                desk.delete(account.clone(), *login).await?;
                say(out, &account, "is forgotten")
            }
        }
    }
}

/// What it opens is said first; it is done when the name is said once more.
async fn exempt(
    office: &Office,
    account: Account,
    reason: &str,
    sure: Option<&str>,
    out: &mut dyn io::Write,
) -> Result<(), CliError> {
    if account.kind != AccountKind::Exempt && sure != Some(&*account.name) {
        say(
            out,
            &account,
            "would be exempt. That is a weakening: nobody is asked about its tunnels, the gate does not hold them, and \
             whoever has its password is in, also while mikro2fa is away.",
        )?;
        return Err(CliError::Failed(format!(
            "nothing was done: say why with --reason, and the name once more with --sure {}",
            Plain(&account.name)
        )));
    }
    let account = office.desk().exempt(account, reason).await?;
    say(out, &account, "is exempt, from its next connection on")
}

fn say(out: &mut dyn io::Write, account: &Account, what: &str) -> Result<(), CliError> {
    Ok(writeln!(out, "account {} {what}", Plain(&account.name))?)
}

/// A name that a login may be given here.
fn checked(name: &str) -> Result<&str, CliError> {
    let good = (1..=64).contains(&name.chars().count())
        && name.trim() == name
        && !name.contains(char::is_control);
    good.then_some(name).ok_or_else(|| {
        CliError::Failed(
            "a name has 1 to 64 characters, no control characters, and no space around it".into(),
        )
    })
}
