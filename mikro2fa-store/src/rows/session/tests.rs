use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    policy::Policy,
    session::{
        Access, Challenge, ChallengeKind, Confirmed, EndReason, Remains, SessionState, Version,
    },
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::rows::audit::hex;

const AT: Timestamp = Timestamp(1_700_000_000_000);

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x018b_cfe5_6800_7000_9000_0000_0000_0000 + n)
}

fn tunnel() -> Arc<Tunnel> {
    Arc::new(Tunnel {
        key: TunnelKey {
            router: RouterId::from_uuid(uuid(1)),
            source: TunnelSource::Ppp,
            handle: "*1F".into(),
            nonce: Some("0x81C00002".into()),
        },
        account: "ann".into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, 8, 0, 4)),
            v6: vec![(Ipv6Addr::LOCALHOST, 64)],
        },
        caller: Some(Caller::Ip(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)))),
        uptime: Duration::from_secs(45),
        seen_at: AT,
    })
}

fn access() -> Access {
    Access {
        confirmed: Confirmed::by_operator("bob".into(), "on call".into()),
        started_at: AT,
        expires_at: AT + Duration::from_secs(86_400),
        resumes: 2,
    }
}

fn session(state: SessionState) -> Session {
    Session {
        id: SessionId::from_uuid(uuid(2)),
        router: RouterId::from_uuid(uuid(1)),
        account: AccountId::from_uuid(uuid(3)),
        owner: UserId::from_uuid(uuid(4)),
        version: Version(7),
        opened_at: AT,
        trial: true,
        state,
    }
}

fn challenge() -> Challenge {
    let other = Some(Caller::Other("00:0C:42:00:00:01".into()));
    let mut challenge = Challenge::new(
        ChallengeId::from_uuid(uuid(5)),
        ChallengeKind::Second { other },
        AT,
        &Policy::default(),
    );
    challenge.delivered(AT, &Policy::default());
    challenge
}

/// One of each state.
fn sessions() -> [Session; 7] {
    let ended = SessionState::Ended {
        reason: EndReason::RouterRemoved,
        at: AT,
        started_at: Some(AT),
        remains: Some(Remains {
            tunnel: tunnel(),
            hold_until: Some(AT),
        }),
    };
    [
        SessionState::Requested {
            until: AT,
            ready: true,
        },
        SessionState::Challenged {
            tunnel: tunnel(),
            challenge: challenge(),
        },
        SessionState::Opening {
            tunnel: tunnel(),
            access: access(),
            since: AT,
            give_up_at: Some(AT),
            resumed: true,
        },
        SessionState::Active {
            tunnel: tunnel(),
            access: access(),
            remind_at: Some(AT),
            offer: Some(OfferId::from_uuid(uuid(6))),
        },
        SessionState::Expiring {
            tunnel: tunnel(),
            access: access(),
            offer: OfferId::from_uuid(uuid(6)),
        },
        SessionState::Grace {
            tunnel: tunnel(),
            access: access(),
            until: AT,
            gone: true,
        },
        ended,
    ]
    .map(session)
}

/// If this fails, sessions that a released version has written no longer read: see [`FORMAT`]. Only where no release
/// wrote this form yet may `stored.txt` be made anew.
#[test]
fn the_stored_form_is_what_it_was() {
    let stored: Vec<String> = sessions()
        .iter()
        .map(|session| hex(&encode(session).unwrap()))
        .collect();
    let stored = stored.join("\n");
    assert!(
        stored == include_str!("stored.txt").trim_end(),
        "the stored form has changed, it is now:\n{stored}"
    );
}

#[test]
fn every_state_comes_back() {
    for session in sessions() {
        assert_eq!(decode(&encode(&session).unwrap()), Ok(session));
    }
}

#[test]
fn what_is_cut_or_longer_is_corrupt() {
    for session in sessions() {
        let whole = encode(&session).unwrap();
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length}");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(matches!(decode(&longer), Err(StoreError::Corrupt(_))));
    }
}

#[test]
fn a_session_that_is_over_stays_open_while_its_tunnel_is_there() {
    let [.., ended] = sessions();
    let row = SessionRow::new(&ended).unwrap();
    assert!(row.ended && !row.settled);
    let SessionState::Ended { reason, at, .. } = ended.state else {
        unreachable!()
    };
    let gone = session(SessionState::Ended {
        reason,
        at,
        started_at: None,
        remains: None,
    });
    assert!(SessionRow::new(&gone).unwrap().settled);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        let _ = decode(&[&[FORMAT], bytes.as_slice()].concat());
    }

    #[test]
    fn any_changed_byte_is_read_without_panic(
        which in 0..7_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encode(&sessions()[which]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes);
    }
}
