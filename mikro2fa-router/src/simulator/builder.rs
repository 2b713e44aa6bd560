//! A simulated router, made to order.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::pki_types::CertificateDer;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

#[cfg(feature = "simulator-ssh")]
use super::ssh_server::HostKeys;
use super::{
    Life, PreparedNames, Quirks, Reachability, Shared, SimClock, Simulator, Version, api_server,
    background,
    log::{CommandLog, KEPT_COMMANDS},
    menu::MenuId,
    session::Port,
    state::State,
    tls::{self, Identity},
    value,
};

/// Why a simulator could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port could not be had.
    #[error("the simulator's port {port} cannot be listened on; leave it at 0 for a free one")]
    Port {
        /// The port that was asked for; 0 = any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// No host key could be made for SSH.
    #[error("the simulator's SSH host key cannot be made: the system gives no random bytes")]
    HostKey,
    /// No certificate could be made for the API over TLS.
    #[error("the simulator's certificate cannot be made")]
    Certificate(#[source] io::Error),
}

/// What a simulated router is to be like. Nothing in it needs to be set.
#[derive(Clone, Debug)]
pub struct SimulatorBuilder {
    version: Version,
    quirks: Quirks,
    clock: Option<SimClock>,
    port: u16,
    tls_port: Option<u16>,
    #[cfg(feature = "simulator-ssh")]
    ssh_port: Option<u16>,
    ssh_keys: Vec<(String, String)>,
    ssh_settings: Vec<(&'static str, String)>,
    names: Option<PreparedNames>,
    pool: String,
    identity: Option<String>,
    kept_commands: usize,
    date: i64,
    uptime: Duration,
    daily_password: String,
    admin_password: String,
    users: Vec<User>,
    accounts: Vec<Account>,
    user_manager: bool,
    managed: Vec<Account>,
    lists: Vec<(String, Vec<IpAddr>)>,
}

#[derive(Clone)]
struct User {
    name: String,
    password: String,
    group: String,
}

#[derive(Clone)]
struct Account {
    name: String,
    password: String,
    profile: Profile,
    address: Option<String>,
}

#[derive(Clone)]
enum Profile {
    Covered,
    Exempt,
    Named(String),
}

/// Passwords stay out.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Passwords stay out.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            version: Version::default(),
            quirks: Quirks::default(),
            clock: None,
            port: 0,
            tls_port: None,
            #[cfg(feature = "simulator-ssh")]
            ssh_port: None,
            ssh_keys: Vec::new(),
            ssh_settings: Vec::new(),
            names: None,
            pool: "10.8.0.2-10.8.255.254".to_owned(),
            identity: None,
            kept_commands: KEPT_COMMANDS,
            date: 1_707_140_864,
            uptime: Duration::from_secs(3_600),
            daily_password: "daily-secret".to_owned(),
            admin_password: "admin-secret".to_owned(),
            users: Vec::new(),
            accounts: Vec::new(),
            user_manager: false,
            managed: Vec::new(),
            lists: Vec::new(),
        }
    }
}

impl SimulatorBuilder {
    /// The RouterOS version. Default 7.16.2.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Turns switches for what no source settles.
    #[must_use]
    pub fn quirks(mut self, change: impl FnOnce(&mut Quirks)) -> Self {
        change(&mut self.quirks);
        self
    }

    /// The clock to run on. Default: a manual one of its own.
    #[must_use]
    pub fn clock(mut self, clock: SimClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The API's port on 127.0.0.1. Default 0: a free one.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves the API over TLS, too (`api-ssl`), on this port of 127.0.0.1 (0 = a free one), with a fresh self-signed
    /// certificate. Default: not at all.
    ///
    /// `/ip/service set api-ssl certificate=none` takes the certificate away: from then on the handshake fails as it does
    /// at a router from the factory, which offers nothing but anonymous key exchange.
    #[must_use]
    pub const fn api_tls(mut self, port: u16) -> Self {
        self.tls_port = Some(port);
        self
    }

    /// Serves the console over SSH, too, on this port of 127.0.0.1 (0 = a free one), with host keys of its own. The daily user may then
    /// use SSH as well as the API. Its Ed25519 host key is a fresh one, its RSA host key one of two that are the same everywhere.
    /// Default: not at all.
    #[cfg(feature = "simulator-ssh")]
    #[must_use]
    pub const fn ssh(mut self, port: u16) -> Self {
        self.ssh_port = Some(port);
        self
    }

    /// A public key of a router user, in OpenSSH's form: `ssh-ed25519 AAAA…`. With it the user may no longer come by password over SSH
    /// (`/ip/ssh` can allow it again).
    #[must_use]
    pub fn ssh_key(mut self, user: impl Into<String>, key: impl Into<String>) -> Self {
        self.ssh_keys.push((user.into(), key.into()));
        self
    }

    /// A setting of `/ip/ssh`, such as `host-key-type` or `strong-crypto`, with a value as the API shows it: `ed25519`, `true`.
    /// Default: those of the factory, with an RSA host key.
    #[must_use]
    pub fn ssh_setting(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.ssh_settings.push((name, value.into()));
        self
    }

    /// Starts with the gate in place, as `mikro2fa router prepare` leaves it. Without this it is an office's router with
    /// MikroTik's default rules, a VPN server, and no gate.
    #[must_use]
    pub fn prepared(mut self, names: PreparedNames) -> Self {
        self.names = Some(names);
        self
    }

    /// The ranges of the pool `vpn`. Default `10.8.0.2-10.8.255.254`.
    #[must_use]
    pub fn pool(mut self, ranges: impl Into<String>) -> Self {
        self.pool = ranges.into();
        self
    }

    /// How many commands are kept for [`Simulator::commands`]. Default 100,000; their sums are kept in any case.
    #[must_use]
    pub const fn keep_commands(mut self, most: usize) -> Self {
        self.kept_commands = most;
        self
    }

    /// The router's name. Default `MikroTik`.
    #[must_use]
    pub fn identity(mut self, name: impl Into<String>) -> Self {
        self.identity = Some(name.into());
        self
    }

    /// The date at the start, in seconds since 1970. Default 2024-02-05 13:47:44.
    #[must_use]
    pub const fn date(mut self, unix_seconds: i64) -> Self {
        self.date = unix_seconds;
        self
    }

    /// How long it has been up at the start. Default one hour.
    #[must_use]
    pub const fn uptime(mut self, uptime: Duration) -> Self {
        self.uptime = uptime;
        self
    }

    /// The password of the daily user. Default `daily-secret`.
    #[must_use]
    pub fn daily_password(mut self, password: impl Into<String>) -> Self {
        self.daily_password = password.into();
        self
    }

    /// The password of `admin`. Default `admin-secret`.
    #[must_use]
    pub fn admin_password(mut self, password: impl Into<String>) -> Self {
        self.admin_password = password.into();
        self
    }

    /// One more router user, in the group `read`, `write`, `full` or the daily one.
    #[must_use]
    pub fn user(
        mut self,
        name: impl Into<String>,
        password: impl Into<String>,
        group: impl Into<String>,
    ) -> Self {
        self.users.push(User {
            name: name.into(),
            password: password.into(),
            group: group.into(),
        });
        self
    }

    /// A VPN account; on a prepared router it is covered by the gate.
    #[must_use]
    pub fn account(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.add(name.into(), password.into(), Profile::Covered, None)
    }

    /// A VPN account that always gets this address.
    #[must_use]
    pub fn fixed_account(
        self,
        name: impl Into<String>,
        password: impl Into<String>,
        address: std::net::Ipv4Addr,
    ) -> Self {
        self.add(
            name.into(),
            password.into(),
            Profile::Covered,
            Some(address.to_string()),
        )
    }

    /// A VPN account that the gate does not hold: a site link.
    #[must_use]
    pub fn exempt_account(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.add(name.into(), password.into(), Profile::Exempt, None)
    }

    /// A VPN account with a profile of the administrator's own, such as `default`.
    #[must_use]
    pub fn account_with_profile(
        self,
        name: impl Into<String>,
        password: impl Into<String>,
        profile: impl Into<String>,
    ) -> Self {
        self.add(
            name.into(),
            password.into(),
            Profile::Named(profile.into()),
            None,
        )
    }

    /// Whether the package `user-manager` is installed, and PPP asks it about names that are not among the secrets. Default:
    /// no.
    #[must_use]
    pub const fn user_manager(mut self, installed: bool) -> Self {
        self.user_manager = installed;
        self
    }

    /// A login of the User Manager, which is installed with it.
    #[must_use]
    pub fn user_manager_account(
        mut self,
        name: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.user_manager = true;
        self.managed.push(Account {
            name: name.into(),
            password: password.into(),
            profile: Profile::Covered,
            address: None,
        });
        self
    }

    /// Addresses that are on a list from the start, without a time-out: a block list of many thousands, say.
    #[must_use]
    pub fn listed(
        mut self,
        list: impl Into<String>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        self.lists
            .push((list.into(), addresses.into_iter().collect()));
        self
    }

    fn add(
        mut self,
        name: String,
        password: String,
        profile: Profile,
        address: Option<String>,
    ) -> Self {
        self.accounts.push(Account {
            name,
            password,
            profile,
            address,
        });
        self
    }

    /// Starts it, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] where the port cannot be had.
    #[expect(
        clippy::unused_async,
        reason = "it must run inside a runtime, and servers to come wait for more"
    )]
    pub async fn start(self) -> Result<Simulator, StartError> {
        let (listener, address) = listen(self.port)?;
        let tls = self.tls_port.map(listen).transpose()?;
        #[cfg(feature = "simulator-ssh")]
        let ssh = self.ssh_port.map(listen).transpose()?;
        let clock = self.clock.clone().unwrap_or_else(SimClock::manual);
        let mut state = self.configure(clock.now());
        state.configure_service("api", "port", &address.port().to_string());
        let tls = match tls {
            Some((listener, address)) => Some((listener, address, certify(&mut state, address)?)),
            None => None,
        };
        #[cfg(feature = "simulator-ssh")]
        let ssh = match ssh {
            Some((listener, address)) => {
                Some((listener, address, open_ssh(&mut state, &self, address)?))
            }
            None => None,
        };
        let (worker, calls) = mpsc::unbounded_channel();
        state.fetches.work_for(worker);
        let (changes, _) = watch::channel(state.changes);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            clock,
            changes,
        });
        let (alive, living) = watch::channel(());
        let (reachability, reached) = watch::channel(Reachability::default());
        let serve = |listener, port| {
            let shared = Arc::downgrade(&shared);
            tokio::spawn(api_server::serve(
                listener,
                port,
                shared,
                reached.clone(),
                living.clone(),
            ));
        };
        serve(listener, Port::Plain);
        let tls = tls.map(|(listener, address, certificate)| {
            serve(listener, Port::Tls);
            (address, certificate)
        });
        #[cfg(feature = "simulator-ssh")]
        let ssh = ssh.map(|(listener, address, ())| {
            serve(listener, Port::Ssh);
            address
        });
        tokio::spawn(background::make_calls(Arc::downgrade(&shared), calls));
        tokio::spawn(background::keep_time(Arc::downgrade(&shared), living));
        let life = Life {
            address,
            tls,
            #[cfg(feature = "simulator-ssh")]
            ssh,
            reachability,
            prepared: self.names.is_some(),
            names: self.names.unwrap_or_default(),
            daily_password: self.daily_password,
            admin_password: self.admin_password,
            _alive: alive,
        };
        Ok(Simulator {
            shared,
            _life: Arc::new(life),
        })
    }

    fn configure(&self, now: Duration) -> State {
        let since_start = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let mut state = State::new(
            self.version,
            self.quirks.clone(),
            now,
            self.date.saturating_sub(since_start),
        );
        state.head_start = self.uptime;
        state.commands = CommandLog::keeping(self.kept_commands);
        state.factory(&self.admin_password);
        state.office(&self.pool);
        let names = self.names.clone().unwrap_or_default();
        if self.names.is_some() {
            state.prepare(&names, &self.daily_password);
        }
        if let Some(identity) = &self.identity {
            state.configure_only(MenuId::Identity, &[("name", identity)]);
        }
        for user in &self.users {
            let row = [
                ("name", &*user.name),
                ("password", &user.password),
                ("group", &user.group),
            ];
            state.configure(MenuId::User, &row);
        }
        for (name, value) in &self.ssh_settings {
            state.configure_only(MenuId::Ssh, &[(name, value)]);
        }
        for (user, key) in &self.ssh_keys {
            state.configure(MenuId::SshKeys, &[("user", user), ("key", key)]);
        }
        for account in &self.accounts {
            let profile = match &account.profile {
                Profile::Named(name) => name,
                _ if self.names.is_none() => "default-encryption",
                Profile::Covered => &names.profile,
                Profile::Exempt => &names.exempt_profile,
            };
            let never = state.date_time_never();
            let row = [
                ("name", &*account.name),
                ("password", &account.password),
                ("profile", profile),
            ];
            let mut row = state
                .row(MenuId::Secret)
                .with_all(&row)
                .with("last-logged-out", never);
            if let Some(address) = &account.address {
                row.set("remote-address", address.clone());
            }
            state.insert(MenuId::Secret, row);
        }
        if self.user_manager {
            state.install_user_manager();
        }
        for account in &self.managed {
            state.add_user(&account.name, &account.password);
        }
        for (list, addresses) in &self.lists {
            for address in addresses {
                let menu = if address.is_ipv6() {
                    MenuId::AddressList6
                } else {
                    MenuId::AddressList
                };
                let row = state.row(menu).with("list", list.as_str());
                let entry = value::normal_entry((*address).into());
                state.insert(menu, row.with("address", entry));
            }
        }
        state
    }
}

fn listen(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = api_server::listen(port).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| StartError::Port { port, source })
}

/// Gives `api-ssl` its certificate and says in `/ip/service` where it is.
fn certify(state: &mut State, address: SocketAddr) -> Result<CertificateDer<'static>, StartError> {
    let name = state
        .only(MenuId::Identity)
        .map_or("", |row| row.text("name"));
    let identity = Identity::fresh(name).map_err(StartError::Certificate)?;
    state
        .give_certificate(&identity)
        .map_err(StartError::Certificate)?;
    state.configure_service(tls::NAME, "port", &address.port().to_string());
    Ok(identity.der().clone())
}

/// Gives the router a host key, says in `/ip/service` where SSH is, and lets the daily user in there.
#[cfg(feature = "simulator-ssh")]
fn open_ssh(
    state: &mut State,
    builder: &SimulatorBuilder,
    address: SocketAddr,
) -> Result<(), StartError> {
    state.host_keys = Some(HostKeys::fresh().ok_or(StartError::HostKey)?);
    state.configure_service("ssh", "port", &address.port().to_string());
    if let Some(names) = &builder.names {
        state.let_into_ssh(&names.user);
    }
    Ok(())
}
