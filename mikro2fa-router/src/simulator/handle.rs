//! A VPN client's end of a tunnel.

use std::{fmt, net::IpAddr};

use super::{Simulator, tunnel::TunnelId};

/// A live tunnel, or one that was.
#[derive(Clone)]
pub struct TunnelHandle {
    id: TunnelId,
    account: String,
    sim: Simulator,
}

impl TunnelHandle {
    pub(super) fn new(id: TunnelId, account: &str, sim: &Simulator) -> Self {
        Self {
            id,
            account: account.to_owned(),
            sim: sim.clone(),
        }
    }

    /// Its number in the simulator.
    #[must_use]
    pub const fn id(&self) -> TunnelId {
        self.id
    }

    /// Whose login it is.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The address that its client was given; `None` once it is over.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.sim
            .shared
            .with(|state| state.tunnels.get(self.id)?.address.map(IpAddr::V4))
    }

    /// Its interface on the router, `<l2tp-ann>`; `None` once it is over.
    #[must_use]
    pub fn interface(&self) -> Option<String> {
        self.sim.shared.with(|state| {
            state
                .tunnels
                .get(self.id)
                .map(|tunnel| tunnel.interface.clone())
        })
    }

    /// The `.id` of its row in `/ppp/active`; `None` once it is over.
    #[must_use]
    pub fn active_id(&self) -> Option<String> {
        self.sim.shared.with(|state| {
            state
                .tunnels
                .get(self.id)
                .map(|tunnel| tunnel.active.to_string())
        })
    }

    /// Its `session-id`; `None` once it is over.
    #[must_use]
    pub fn session_id(&self) -> Option<String> {
        self.sim.shared.with(|state| {
            state
                .tunnels
                .get(self.id)
                .map(|tunnel| tunnel.session_id.clone())
        })
    }

    /// Whether the router still has it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.sim
            .shared
            .with(|state| state.tunnels.get(self.id).is_some())
    }

    /// The client ends it properly.
    pub fn hang_up(&self) {
        self.sim.shared.with(|state| state.hang_up(self.id));
    }

    /// The client is gone without a word: the router keeps the session until its keepalive notices.
    pub fn crash(&self) {
        self.sim.shared.with(|state| state.crash(self.id));
    }
}

impl fmt::Debug for TunnelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TunnelHandle({} of {:?})", self.account, self.sim)
    }
}
