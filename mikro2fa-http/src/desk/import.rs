//! A router's logins beside the desk's accounts: what is new, gone, disabled, perhaps renamed, and who may own it.

use std::collections::{BTreeMap, BTreeSet};

use mikro2fa_core::{
    desk::{Account, AccountKind, Before, Router, Source, SourceKind, User},
    directory::DeskChange,
    id::{AccountId, UserId},
    policy::PolicyLevel,
    tunnel::Text,
};
use mikro2fa_router::logins::{Login, logins_of};
use serde::Serialize;

use super::{Desk, DeskError, accounts::owned, place};

/// How a login stands with the desk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// The desk has no account of it.
    New,
    /// Asked about.
    Managed,
    /// Nobody owns it.
    Unowned,
    /// Never asked about.
    Exempt,
    /// The desk has the account, and the router no such login.
    Gone,
}

/// Who may own a login: to be said by a person, never taken for granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Suggestion {
    /// Who, as far as it is a user.
    pub(crate) user: Option<Text>,
    /// Why.
    pub(crate) because: String,
}

/// A login, or an account without one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: Text,
    pub(crate) kind: SourceKind,
    pub(crate) standing: Standing,
    /// May it log in? None where it is gone.
    pub(crate) enabled: Option<bool>,
    pub(crate) profile: Option<Text>,
    pub(crate) service: Option<Text>,
    pub(crate) comment: Text,
    pub(crate) owner: Option<Text>,
    pub(crate) account: Option<AccountId>,
    pub(crate) suggestion: Option<Suggestion>,
    /// What does not fit, in words.
    pub(crate) remarks: Vec<String>,
}

/// Owners that a person named, by login.
pub(crate) type Owners = BTreeMap<Text, UserId>;

/// What is to be imported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Import {
    /// These logins only; none = all that are new.
    pub(crate) only: Vec<Text>,
    /// Whose they are.
    pub(crate) owners: Owners,
    /// Of this place only. Has to be said where a name that was given stands in both.
    pub(crate) kept_in: Option<SourceKind>,
}

impl Import {
    fn names(&self) -> impl Iterator<Item = &Text> {
        self.only.iter().chain(self.owners.keys())
    }
}

impl Desk<'_> {
    /// A router's logins as they are now, of both places, beside the desk's accounts. Changes nothing.
    ///
    /// # Errors
    ///
    /// See [`DeskError`].
    pub(crate) async fn logins(&self, router: &Router) -> Result<Vec<Listed>, DeskError> {
        let logins = logins_of(&router.connection)?.list().await?;
        let accounts = self.accounts_on(router).await?;
        let users = self.users().await?;
        let exempt = &router.gates.lists.exempt_profile;
        Ok(compare(&logins, &accounts, &users, exempt))
    }

    /// Makes accounts of logins that the desk does not have yet; of these only, where there are some. Owners are those that
    /// a person named. Says which were made.
    ///
    /// # Errors
    ///
    /// [`DeskError::Invalid`] for names that are no new logins, or that stand in both places and it was not said which is meant;
    /// nothing is imported then.
    pub(crate) async fn import(
        &self,
        router: &Router,
        import: &Import,
    ) -> Result<Vec<Account>, DeskError> {
        let listed = self.logins(router).await?;
        for name in import.names() {
            is_clear(&listed, name, import.kept_in, &router.name)?;
        }
        let wanted = listed.iter().filter(|login| {
            login.standing == Standing::New
                && import.kept_in.is_none_or(|kind| login.kind == kind)
                && (import.only.is_empty() || import.only.contains(&login.name))
        });
        let (mut made, mut audit) = (Vec::new(), Vec::new());
        let mut sources: BTreeMap<SourceKind, Source> = BTreeMap::new();
        let mut changes = Vec::new();
        let mut owned_now: BTreeMap<UserId, usize> = BTreeMap::new();
        for login in wanted {
            let source = match sources.get(&login.kind) {
                Some(source) => source.id,
                None => {
                    let (source, first) = self.source_for(router, login.kind).await?;
                    changes.extend(first);
                    sources.entry(login.kind).or_insert(source).id
                }
            };
            let account = Account {
                id: AccountId::from_uuid(self.entropy.sorted(self.now)),
                source,
                name: Text::clone(&login.name),
                owner: None,
                kind: AccountKind::Managed,
                handed_over: false,
                disabled: false,
                before: Before::default(),
                routes: Vec::new(),
                policy: PolicyLevel::default(),
                version: 0,
            };
            let owner = import.owners.get(&login.name).copied();
            let account = owned(self.directory, account, owner).await?;
            let said = format!(
                "imported account {} of {} ({})",
                account.name,
                router.name,
                place(login.kind)
            );
            audit.push(self.of_account(&account, said, ""));
            made.push(account);
            if let Some(owner) = owner {
                *owned_now.entry(owner).or_default() += 1;
            }
        }
        self.within_limits(&owned_now).await?;
        changes.extend(made.iter().cloned().map(DeskChange::PutAccount));
        if !made.is_empty() {
            self.write(changes, audit).await?;
        }
        Ok(made)
    }

    /// What one import gives to one person counts together.
    async fn within_limits(&self, given: &BTreeMap<UserId, usize>) -> Result<(), DeskError> {
        let system = self.directory.system_policy().await?;
        for (owner, count) in given {
            let Some(user) = self.directory.user(*owner).await? else {
                continue;
            };
            let policy = mikro2fa_core::policy::Policy::resolve([&system, &user.policy]);
            let most = usize::from(policy.max_accounts_per_user);
            let has = self.directory.accounts_of(*owner).await?.len();
            if has + count > most {
                return Err(DeskError::Invalid(format!(
                    "owner: {} would have {} accounts, and policy allows {most}",
                    user.name,
                    has + count
                )));
            }
        }
        Ok(())
    }
}

/// Is a name that somebody gave a new login, and one only?
fn is_clear(
    listed: &[Listed],
    name: &Text,
    kept_in: Option<SourceKind>,
    router: &Text,
) -> Result<(), DeskError> {
    let here = |it: &&Listed| it.name == *name && kept_in.is_none_or(|kind| it.kind == kind);
    let there: Vec<&Listed> = listed
        .iter()
        .filter(here)
        .filter(|it| it.standing != Standing::Gone)
        .collect();
    let places: Vec<SourceKind> = there.iter().map(|it| it.kind).collect();
    if places.iter().any(|kind| places.first() != Some(kind)) {
        return Err(DeskError::Invalid(format!(
            "router {router} has two logins `{name}`, one among its PPP secrets and one in its User Manager: say which is meant \
             (--in ppp-secrets or --in user-manager; kept_in in REST)"
        )));
    }
    if there.iter().any(|it| it.standing == Standing::New) {
        return Ok(());
    }
    Err(DeskError::Invalid(format!(
        "router {router} has no login `{name}` that could be imported"
    )))
}

/// Logins beside accounts, by place and name.
fn compare(
    logins: &[Login],
    accounts: &[(SourceKind, Account)],
    users: &[User],
    exempt_profile: &str,
) -> Vec<Listed> {
    let owner_of = |account: &Account| {
        let mut users = users.iter();
        let owner = users.find(|user| Some(user.id) == account.owner);
        owner.map(|user| Text::clone(&user.name))
    };
    let is = |login: &Login, (kind, account): &(SourceKind, Account)| {
        login.kind == *kind && login.name == account.name
    };
    let gone: Vec<&(SourceKind, Account)> = accounts
        .iter()
        .filter(|kept| !logins.iter().any(|login| is(login, kept)))
        .collect();
    let mut listed: Vec<Listed> = logins
        .iter()
        .map(|login| {
            let account = accounts.iter().find(|kept| is(login, kept));
            let account = account.map(|(_, account)| account);
            listed(
                login,
                account,
                account.and_then(owner_of),
                users,
                exempt_profile,
            )
        })
        .collect();
    for (kind, account) in gone {
        let mut remarks = vec![format!(
            "the router has no such login any more ({})",
            place(*kind)
        )];
        let owner = users.iter().find(|user| Some(user.id) == account.owner);
        let now = owner.and_then(|owner| renamed(owner, &listed));
        remarks.extend(now.map(|name| format!("perhaps it was renamed to {name}")));
        listed.push(Listed {
            name: Text::clone(&account.name),
            kind: *kind,
            standing: Standing::Gone,
            enabled: None,
            profile: None,
            service: None,
            comment: "".into(),
            owner: owner_of(account),
            account: Some(account.id),
            suggestion: None,
            remarks,
        });
    }
    let twins = twins(&listed);
    for login in &mut listed {
        if login.standing != Standing::Gone && twins.contains(&login.name) {
            login.remarks.push(
                "the name is among the PPP secrets and in the User Manager: only the PPP secret is asked".to_owned(),
            );
        }
    }
    listed.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    listed
}

/// Names that the router has in both places.
fn twins(listed: &[Listed]) -> BTreeSet<Text> {
    let of = |kind| -> BTreeSet<&Text> {
        let there = listed.iter().filter(|it| it.standing != Standing::Gone);
        there
            .filter(|it| it.kind == kind)
            .map(|it| &it.name)
            .collect()
    };
    let (secrets, users) = (of(SourceKind::PppSecrets), of(SourceKind::UserManager));
    secrets
        .intersection(&users)
        .map(|it| Text::clone(it))
        .collect()
}

fn listed(
    login: &Login,
    account: Option<&Account>,
    owner: Option<Text>,
    users: &[User],
    exempt_profile: &str,
) -> Listed {
    let standing = match account {
        None => Standing::New,
        Some(account) if account.kind == AccountKind::Exempt => Standing::Exempt,
        Some(account) if account.owner.is_none() => Standing::Unowned,
        Some(_) => Standing::Managed,
    };
    let mut remarks = Vec::new();
    // Prepare makes one for each profile that exempt accounts had: `name-ORIGINAL`.
    let profile = login.profile.as_deref().unwrap_or_default();
    let rest = profile.strip_prefix(exempt_profile);
    let on_exempt = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    if on_exempt && standing != Standing::Exempt {
        remarks.push("its profile is the exempt one: the gate does not hold it".to_owned());
    }
    if !on_exempt && standing == Standing::Exempt {
        remarks
            .push("its profile is not the exempt one: the gate holds it all the same".to_owned());
    }
    if let Some(account) = account {
        let ours = account.handed_over || account.disabled;
        if !login.enabled && !ours {
            remarks.push("somebody disabled it on the router".to_owned());
        }
        if login.enabled && account.disabled {
            remarks.push("it is switched off here, and enabled on the router".to_owned());
        }
        if !account.handed_over && account.before.enabled.is_some() {
            remarks.push("it was not wholly given back: give it back again".to_owned());
        }
    }
    let unowned = matches!(standing, Standing::New | Standing::Unowned);
    Listed {
        name: Text::clone(&login.name),
        kind: login.kind,
        standing,
        enabled: Some(login.enabled),
        profile: login.profile.clone(),
        service: Some(Text::clone(&login.service)),
        comment: Text::clone(&login.comment),
        owner,
        account: account.map(|account| account.id),
        suggestion: unowned.then(|| suggest(login, users)).flatten(),
        remarks,
    }
}

/// A new login whose comment has the chat of somebody whose login is gone.
fn renamed(owner: &User, listed: &[Listed]) -> Option<Text> {
    let chat = owner.chat?.0;
    let mut new = listed.iter().filter(|it| it.standing == Standing::New);
    let found = new.find(|it| numbers(&it.comment).any(|number| number == chat))?;
    Some(Text::clone(&found.name))
}

/// Who may own a login: one known system keeps the owner's Telegram id in the comment, and many names speak for themselves.
fn suggest(login: &Login, users: &[User]) -> Option<Suggestion> {
    for number in numbers(&login.comment) {
        let mut users = users.iter();
        if let Some(user) = users.find(|user| user.chat.map(|chat| chat.0) == Some(number)) {
            return Some(Suggestion {
                user: Some(Text::clone(&user.name)),
                because: format!("the comment has the id of their chat, {number}"),
            });
        }
    }
    let mut alike = users
        .iter()
        .filter(|user| same_name(&login.name, &user.name));
    if let (Some(user), None) = (alike.next(), alike.next()) {
        return Some(Suggestion {
            user: Some(Text::clone(&user.name)),
            because: "the names are alike".to_owned(),
        });
    }
    let number = numbers(&login.comment).next()?;
    Some(Suggestion {
        user: None,
        because: format!(
            "the comment has a number like a Telegram id, {number}; no user has that chat"
        ),
    })
}

/// Numbers in a text that could be Telegram ids of people: 5 to 15 digits, standing alone.
fn numbers(text: &str) -> impl Iterator<Item = i64> {
    text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-' && sign != '_')
        .filter(|word| (5..=15).contains(&word.len()))
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|word| word.parse().ok())
}

/// `ann.lee`, `Ann Lee` and `annlee` are one name.
fn same_name(login: &str, user: &str) -> bool {
    let plain = |text: &str| {
        let letters = text.chars().filter(|sign| sign.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let (login, user) = (plain(login), plain(user));
    !login.is_empty() && login == user
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::{desk::ChatId, testing, time::Timestamp};

    use super::*;

    fn login(name: &str, comment: &str) -> Login {
        Login {
            kind: SourceKind::PppSecrets,
            name: name.into(),
            enabled: true,
            profile: Some("mikro2fa-vpn".into()),
            service: "any".into(),
            comment: comment.into(),
            remote_address: None,
        }
    }

    struct Books {
        desk: testing::Desk,
        users: Vec<User>,
        accounts: Vec<(SourceKind, Account)>,
    }

    impl Books {
        fn new(accounts: &[(&str, bool)]) -> Self {
            let mut desk = testing::Desk::new(Timestamp(0));
            let router = desk.router("office");
            let ann = desk.user("Ann Lee", 100_001);
            let bob = desk.user("Bob", 100_002);
            let ids: Vec<_> = accounts
                .iter()
                .map(|(name, owned)| desk.account(router, name, owned.then_some(ann)))
                .collect();
            Self {
                users: vec![desk.user_mut(ann).clone(), desk.user_mut(bob).clone()],
                accounts: ids
                    .iter()
                    .map(|id| (SourceKind::PppSecrets, desk.account_mut(*id).clone()))
                    .collect(),
                desk,
            }
        }

        fn compare(&self, logins: &[Login]) -> Vec<Listed> {
            let _ = &self.desk;
            compare(logins, &self.accounts, &self.users, "mikro2fa-exempt-vpn")
        }
    }

    fn suggested(comment: &str, name: &str) -> Option<(Option<String>, String)> {
        let books = Books::new(&[]);
        let listed = books.compare(&[login(name, comment)]).remove(0);
        let suggestion = listed.suggestion?;
        Some((suggestion.user.map(|it| it.to_string()), suggestion.because))
    }

    #[test]
    fn an_owner_is_suggested_by_the_chat_in_the_comment_then_by_name() {
        let by = |comment, name| suggested(comment, name).and_then(|(user, _)| user);
        assert_eq!(by("tg 100002", "x"), Some("Bob".to_owned()));
        assert_eq!(
            by("100002", "ann.lee"),
            Some("Bob".to_owned()),
            "a number says more"
        );
        assert_eq!(by("", "ANN.LEE"), Some("Ann Lee".to_owned()));
        assert_eq!(by("", "site"), None);
        assert_eq!(by("a100002b", "x"), None, "part of a word is no number");
        assert_eq!(by("10.8.0.4", "x"), None, "nor is an address");
        let (user, because) = suggested("777777", "x").expect("a number");
        assert_eq!(user, None);
        assert!(because.contains("777777"));
    }

    #[test]
    fn chats_that_are_linked_to_nobody_suggest_nobody() {
        let mut books = Books::new(&[]);
        books.users[0].chat = None;
        books.users[1].chat = Some(ChatId(-100_002));
        let listed = books.compare(&[login("x", "100001 100002")]).remove(0);
        assert_eq!(listed.suggestion.and_then(|it| it.user), None);
    }

    #[test]
    fn what_is_new_gone_and_disabled_is_told_apart() {
        let books = Books::new(&[("ann", true), ("guest", false), ("old", true)]);
        let mut disabled = login("ann", "");
        disabled.enabled = false;
        let listed = books.compare(&[disabled, login("guest", ""), login("new", "100001")]);
        let standing: Vec<_> = listed.iter().map(|it| (&*it.name, it.standing)).collect();
        let expected = [
            ("ann", Standing::Managed),
            ("guest", Standing::Unowned),
            ("new", Standing::New),
            ("old", Standing::Gone),
        ];
        assert_eq!(standing, expected);
        assert!(listed[0].remarks[0].contains("somebody disabled it"));
        assert!(
            listed[3]
                .remarks
                .iter()
                .any(|it| it.contains("renamed to new")),
            "{:?}",
            listed[3]
        );
    }

    #[test]
    fn an_exempt_profile_that_nobody_granted_is_remarked_on() {
        let books = Books::new(&[("ann", true)]);
        let mut exempt = login("ann", "");
        exempt.profile = Some("mikro2fa-exempt-vpn".into());
        let listed = books.compare(&[exempt]);
        assert!(listed[0].remarks[0].contains("does not hold it"));
    }

    fn of_user_manager(name: &str) -> Login {
        Login {
            kind: SourceKind::UserManager,
            profile: Some("".into()),
            ..login(name, "")
        }
    }

    #[test]
    fn the_same_name_in_both_places_is_two_logins() {
        let mut books = Books::new(&[("ann", true), ("old", true)]);
        books.accounts[1].0 = SourceKind::UserManager;
        let listed = books.compare(&[login("ann", ""), of_user_manager("ann")]);
        let standing: Vec<_> = listed
            .iter()
            .map(|it| (&*it.name, it.kind, it.standing))
            .collect();
        let expected = [
            ("ann", SourceKind::PppSecrets, Standing::Managed),
            ("ann", SourceKind::UserManager, Standing::New),
            ("old", SourceKind::UserManager, Standing::Gone),
        ];
        assert_eq!(standing, expected);
        assert!(listed[0].remarks[0].contains("only the PPP secret"));
        assert!(listed[2].remarks[0].contains("no such login any more (User Manager)"));
        let clear = |name: &str, kind| is_clear(&listed, &name.into(), kind, &"office".into());
        let why = clear("ann", None).map_err(|error| error.to_string());
        assert!(
            why.as_ref().is_err_and(|it| it.contains("two logins")),
            "{why:?}"
        );
        assert!(clear("ann", Some(SourceKind::UserManager)).is_ok());
        // Managed already, gone, and never there.
        assert!(clear("ann", Some(SourceKind::PppSecrets)).is_err());
        assert!(clear("old", None).is_err() && clear("eve", None).is_err());
    }
}
