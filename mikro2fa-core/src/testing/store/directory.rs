//! The desk in memory.

use async_trait::async_trait;

use super::{MemoryStore, REMEMBERED, state::holds};
use crate::{
    audit::AuditEntry,
    ban::Ban,
    desk::{
        Account, ChatId, GateOrder, Operator, Registration, RegistrationState, Router, RouterDesk,
        Source, User,
    },
    directory::{
        ApiToken, AuditReport, AuditRow, DeskChange, Digest, Directory, JournalEntry, Keyboard,
        KeyboardId, Page, PageOf, SessionFilter,
    },
    id::{AccountId, BanId, InstallationId, RegistrationId, RouterId, SessionId, SourceId, UserId},
    policy::PolicyOverride,
    secret::Secret,
    session::Session,
    store::StoreError,
    time::Timestamp,
    tunnel::Text,
};

/// As many registrations as are shown at once.
const REGISTRATIONS: usize = 100;

/// The place that a page begins after.
fn place<T: std::str::FromStr>(page: &PageOf) -> Result<Option<T>, StoreError> {
    let Some(after) = &page.after else {
        return Ok(None);
    };
    let place = after
        .parse()
        .map_err(|_| StoreError::Conflict("no such page: take `next` of the page before".into()))?;
    Ok(Some(place))
}

/// One page of `rows`, which begin behind the page before.
fn page_of<T>(
    page: &PageOf,
    rows: impl Iterator<Item = T>,
    place_of: impl Fn(&T) -> String,
) -> Page<T> {
    let limit = page.limit.clamp(1, 500);
    let mut rows: Vec<T> = rows.take(limit + 1).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| place_of(row).into());
    Page { rows, next }
}

fn shows(filter: &SessionFilter, session: &Session) -> bool {
    filter.router.is_none_or(|router| session.router == router)
        && filter
            .account
            .is_none_or(|account| session.account == account)
        && filter.owner.is_none_or(|owner| session.owner == owner)
        && filter
            .state
            .is_none_or(|state| session.state.name() == state)
        && (!filter.open || session.is_open())
}

#[async_trait]
impl Directory for MemoryStore {
    async fn change(
        &self,
        changes: Vec<DeskChange>,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.write(|state, _| {
            let mut desk = state.desk.clone();
            for change in changes {
                desk.apply(change, &state.sessions)?;
            }
            state.desk = desk;
            audit
                .into_iter()
                .for_each(|entry| state.audit.append(entry));
            Ok(())
        })
        .await
    }

    async fn installation(&self) -> Result<InstallationId, StoreError> {
        Ok(self.reading().await?.desk.installation)
    }

    async fn router_desk(&self, router: RouterId) -> Result<Option<RouterDesk>, StoreError> {
        Ok(self.reading().await?.desk.router_desk(router))
    }

    async fn routers(&self) -> Result<Vec<Router>, StoreError> {
        let mut routers: Vec<Router> = self
            .reading()
            .await?
            .desk
            .routers
            .values()
            .cloned()
            .collect();
        routers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(routers)
    }

    async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        Ok(self
            .reading()
            .await?
            .desk
            .sources
            .values()
            .cloned()
            .collect())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.reading().await?.desk.users.get(&id).cloned())
    }

    async fn user_of_chat(&self, chat: ChatId) -> Result<Option<User>, StoreError> {
        let state = self.reading().await?;
        let mut users = state.desk.users.values();
        Ok(users.find(|user| user.chat == Some(chat)).cloned())
    }

    async fn users(&self, page: &PageOf) -> Result<Page<User>, StoreError> {
        let after: Option<UserId> = place(page)?;
        let state = self.reading().await?;
        let rows = state.desk.users.values();
        let rows = rows.filter(|user| after.is_none_or(|after| user.id > after));
        Ok(page_of(page, rows.cloned(), |user| user.id.to_string()))
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        Ok(self.reading().await?.desk.accounts.get(&id).cloned())
    }

    async fn accounts_of(&self, user: UserId) -> Result<Vec<Account>, StoreError> {
        let state = self.reading().await?;
        let accounts = state.desk.accounts.values();
        let mut accounts: Vec<Account> = accounts
            .filter(|account| account.owner == Some(user))
            .cloned()
            .collect();
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(accounts)
    }

    async fn accounts(
        &self,
        source: Option<SourceId>,
        page: &PageOf,
    ) -> Result<Page<Account>, StoreError> {
        let after: Option<AccountId> = place(page)?;
        let state = self.reading().await?;
        let rows = state.desk.accounts.values();
        let rows = rows
            .filter(|account| source.is_none_or(|source| account.source == source))
            .filter(|account| after.is_none_or(|after| account.id > after));
        Ok(page_of(page, rows.cloned(), |account| {
            account.id.to_string()
        }))
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let state = self.reading().await?;
        Ok(state.desk.operators.values().cloned().collect())
    }

    async fn link_code(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        Ok(self.reading().await?.desk.link_code(digest, now))
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        Ok(self.reading().await?.desk.registrations.get(&id).cloned())
    }

    async fn registration_of_chat(&self, chat: ChatId) -> Result<Option<Registration>, StoreError> {
        let state = self.reading().await?;
        let registrations = state.desk.registrations.values();
        Ok(registrations
            .filter(|registration| registration.chat == chat)
            .max_by_key(|registration| (registration.at, registration.id))
            .cloned())
    }

    async fn registrations(
        &self,
        wanted: RegistrationState,
    ) -> Result<Vec<Registration>, StoreError> {
        let state = self.reading().await?;
        let registrations = state.desk.registrations.values();
        let mut registrations: Vec<Registration> = registrations
            .filter(|registration| registration.state == wanted)
            .cloned()
            .collect();
        registrations.sort_by_key(|registration| (registration.at, registration.id));
        registrations.truncate(REGISTRATIONS);
        Ok(registrations)
    }

    async fn system_policy(&self) -> Result<PolicyOverride, StoreError> {
        Ok(self.reading().await?.desk.system_policy.clone())
    }

    async fn secret(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        Ok(self.reading().await?.desk.secrets.get(name).cloned())
    }

    async fn setting(&self, name: &str) -> Result<Option<Text>, StoreError> {
        Ok(self.reading().await?.desk.settings.get(name).cloned())
    }

    async fn token(&self, digest: Digest, now: Timestamp) -> Result<Option<ApiToken>, StoreError> {
        let state = self.reading().await?;
        let token = state.desk.tokens.get(&digest);
        Ok(token
            .filter(|token| token.until.is_none_or(|until| now < until))
            .cloned())
    }

    async fn has_tokens(&self) -> Result<bool, StoreError> {
        Ok(!self.reading().await?.desk.tokens.is_empty())
    }

    async fn journal(&self, router: RouterId) -> Result<Vec<JournalEntry>, StoreError> {
        let state = self.reading().await?;
        let all = state.desk.journal.values();
        Ok(all.filter(|it| it.router == router).cloned().collect())
    }

    async fn keyboard(&self, id: KeyboardId) -> Result<Option<Keyboard>, StoreError> {
        Ok(self.reading().await?.desk.keyboards.get(&id).cloned())
    }

    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &PageOf,
    ) -> Result<Page<Session>, StoreError> {
        let before: Option<SessionId> = place(page)?;
        let state = self.reading().await?;
        let rows = state.sessions.values().rev();
        let rows = rows
            .filter(|session| before.is_none_or(|before| session.id < before))
            .filter(|session| shows(filter, session));
        Ok(page_of(page, rows.cloned(), |session| {
            session.id.to_string()
        }))
    }

    async fn bans(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<Vec<Ban>, StoreError> {
        let state = self.reading().await?;
        let bans = state.bans.values();
        Ok(bans
            .filter(|ban| account.is_none_or(|account| ban.account == account))
            .filter(|ban| holds(ban, now))
            .cloned()
            .collect())
    }

    async fn ban(&self, id: BanId) -> Result<Option<Ban>, StoreError> {
        Ok(self.reading().await?.bans.get(&id).cloned())
    }

    async fn audit(
        &self,
        session: Option<SessionId>,
        page: &PageOf,
    ) -> Result<Page<AuditRow>, StoreError> {
        let before: Option<u64> = place(page)?;
        let state = self.reading().await?;
        let of = |entry: &AuditEntry| session.is_none() || entry.session == session;
        let rows = state.audit.page(of, before);
        Ok(page_of(page, rows, |row| row.seq.to_string()))
    }

    async fn router_audit(
        &self,
        router: RouterId,
        since: Timestamp,
        page: &PageOf,
    ) -> Result<Page<AuditRow>, StoreError> {
        let before: Option<u64> = place(page)?;
        let state = self.reading().await?;
        let of = |entry: &AuditEntry| entry.router == Some(router) && entry.at >= since;
        let rows = state.audit.page(of, before);
        Ok(page_of(page, rows, |row| row.seq.to_string()))
    }

    async fn desk_version(&self) -> Result<u64, StoreError> {
        Ok(self.reading().await?.desk.version)
    }

    async fn gate_order(&self, router: RouterId) -> Result<Option<GateOrder>, StoreError> {
        Ok(self.reading().await?.desk.orders.get(&router).copied())
    }

    async fn is_served(&self, router: RouterId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.reading().await?.is_served(router, now))
    }

    async fn verify_audit(&self) -> Result<AuditReport, StoreError> {
        Ok(self.reading().await?.audit.verify())
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(|state, _| {
            let before = state.commits.len() + state.updates.len();
            state.commits.retain(|_, at| now.since(*at) < REMEMBERED);
            state.updates.retain(|_, at| now.since(*at) < REMEMBERED);
            let forgotten = before - state.commits.len() - state.updates.len();
            let swept = state.desk.sweep(now) + forgotten;
            Ok(u64::try_from(swept).unwrap_or(u64::MAX))
        })
        .await
    }
}
