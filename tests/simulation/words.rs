//! Sessions in few words, for a history that people read.

use mikro2fa_core::{
    session::{Session, SessionState},
    time::Timestamp,
};

use crate::world::START;

fn at(time: Timestamp) -> String {
    let millis = time.0.saturating_sub(START.0);
    format!(
        "{}.{:03}",
        millis.div_euclid(1_000),
        millis.rem_euclid(1_000)
    )
}

/// A session, as it stands.
pub(crate) fn session(session: &Session) -> String {
    let tunnel = session.tunnel().map_or_else(String::new, |tunnel| {
        let address = tunnel
            .addresses
            .v4
            .map_or_else(|| "-".into(), |ip| ip.to_string());
        format!(
            " {} {} {address} seen {} +{}s",
            tunnel.account,
            tunnel.key.handle,
            at(tunnel.seen_at),
            tunnel.uptime.as_secs()
        )
    });
    let state = match &session.state {
        SessionState::Requested { until, ready } => format!("until {} ready {ready}", at(*until)),
        SessionState::Challenged { challenge, .. } => {
            format!(
                "{} {:?} {:?} paused {:?}",
                challenge.id,
                challenge.kind,
                challenge.asked,
                challenge.paused_at.map(at)
            )
        }
        SessionState::Opening {
            access,
            give_up_at,
            resumed,
            ..
        } => {
            format!(
                "until {} give up {:?} resumed {resumed}",
                at(access.expires_at),
                give_up_at.map(at)
            )
        }
        SessionState::Active {
            access,
            remind_at,
            offer,
            ..
        } => {
            format!(
                "until {} remind {:?} {offer:?}",
                at(access.expires_at),
                remind_at.map(at)
            )
        }
        SessionState::Expiring { access, offer, .. } => {
            format!("until {} {offer:?}", at(access.expires_at))
        }
        SessionState::Grace {
            access,
            until,
            gone,
            ..
        } => {
            format!(
                "until {}, {} gone {gone}",
                at(*until),
                at(access.expires_at)
            )
        }
        SessionState::Ended {
            reason, remains, ..
        } => {
            let left = remains
                .as_ref()
                .map(|left| left.hold_until.map_or_else(|| "cut".into(), at));
            format!("{reason:?} left {left:?}")
        }
    };
    let trial = if session.trial { " trial" } else { "" };
    let owner = session.account;
    format!(
        "{} v{} of {owner}{trial}: {:?}{tunnel} {state}",
        session.id,
        session.version.0,
        session.state.name()
    )
}
