use std::{net::Ipv4Addr, sync::Arc};

use futures_util::{FutureExt as _, StreamExt as _};
use uuid::Uuid;

use super::*;
use crate::{
    id::{NodeId, SessionId},
    retry::Retry,
    router_backend::{Applied, Fence, Lease, Look, RouterBackend, RouterError},
    testing::ManualClock,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

struct Lab {
    clock: ManualClock,
    router: MemoryRouter,
}

impl Lab {
    fn new() -> Self {
        let clock = ManualClock::new(NOW);
        let id = RouterId::from_uuid(Uuid::from_u128(1));
        let router = MemoryRouter::new(id, Arc::new(clock.clone()));
        router.account("ann");
        router.account("bob");
        Self { clock, router }
    }

    fn dial(&self, account: &str, last: u8) -> Line {
        self.router.dial(&Dial::new(account, at(last))).unwrap()
    }

    fn after(&self, by: Duration) {
        self.clock.advance_to(self.clock.now() + by);
    }

    async fn apply(&self, commands: &[Command]) -> Vec<Applied> {
        let fence = Fence {
            router: self.router.id(),
            node: NodeId::from_uuid(Uuid::from_u128(2)),
            epoch: 1,
            until: Timestamp::MAX,
        };
        self.router.apply(&fence, commands).await.unwrap()
    }

    fn permit(&self, last: u8, most: Duration) -> Command {
        let now = self.clock.now();
        Command::Permit {
            session: session(),
            address: Prefix::host(at(last).into()),
            lease: Lease::new(most, now + 100 * most, now).unwrap(),
        }
    }
}

fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 8, 0, last)
}

fn session() -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(3))
}

#[tokio::test]
async fn a_tunnel_passes_while_its_address_is_permitted() {
    let lab = Lab::new();
    let (ann, bob) = (lab.dial("ann", 4), lab.dial("bob", 5));
    assert!(!lab.router.passes(ann));
    lab.apply(&[lab.permit(4, 60 * SECOND)]).await;
    assert!(lab.router.passes(ann));
    assert!(!lab.router.passes(bob));
    let over = lab.clock.now() + 60 * SECOND;
    assert!(
        !lab.router.passes_at(ann, over),
        "nobody has to do anything"
    );
    lab.after(60 * SECOND);
    assert!(!lab.router.passes(ann));
    assert_eq!(lab.router.permits(), []);
}

#[tokio::test]
async fn a_ban_beats_a_permit_and_break_glass() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    lab.router.emergency(at(4).into(), None);
    assert!(lab.router.passes(ann));
    let tag = PermitTag::Foreign("by hand".into());
    let everybody = Prefix {
        address: [10, 8, 0, 0].into(),
        length: 24,
    };
    lab.router.put_ban(everybody, tag, None);
    assert!(!lab.router.passes(ann));
    lab.router.gate(false);
    assert!(lab.router.passes(ann), "observe mode: nothing is held");
}

#[test]
fn exempt_accounts_are_not_covered() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    lab.router.exempt("ann");
    assert!(lab.router.passes(ann));
    lab.router.hang_up(ann);
    assert!(!lab.router.passes(ann), "no tunnel, no packet");
}

#[tokio::test]
async fn an_address_is_handed_over_with_its_permit() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    lab.apply(&[lab.permit(4, 60 * SECOND)]).await;
    let bob = lab.router.hand_over(ann, &Dial::new("bob", at(9))).unwrap();
    assert!(!lab.router.passes(ann));
    assert!(
        lab.router.passes(bob),
        "this is what the engine has to stop"
    );
    assert_eq!(lab.router.line(bob).unwrap().address, Some(at(4)));
}

#[test]
fn a_router_lets_in_whom_it_knows() {
    let lab = Lab::new();
    lab.router.enable_account("bob", false);
    lab.dial("ann", 4);
    let dial = |name, last| lab.router.dial(&Dial::new(name, at(last)));
    assert_eq!(dial("bob", 5), Err(RefusedDial::Disabled));
    assert_eq!(dial("eve", 5), Err(RefusedDial::Unknown));
    assert_eq!(dial("ann", 4), Err(RefusedDial::AddressInUse));
}

#[test]
fn a_crashed_client_stays_listed_until_its_keepalive_is_over() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    lab.router.crash(ann);
    assert!(lab.router.line(ann).unwrap().ghost);
    lab.after(29 * SECOND);
    assert_eq!(lab.router.lines().len(), 1);
    lab.after(SECOND);
    assert_eq!(lab.router.lines(), []);
}

#[tokio::test]
async fn a_late_command_runs_later_with_the_lease_that_was_written() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    let late = CommandFault::Late(30 * SECOND);
    lab.router.next_command(late);
    let permits = [lab.permit(4, 60 * SECOND), lab.permit(5, 60 * SECOND)];
    let outcomes = lab.apply(&permits).await;
    assert_eq!(outcomes, [Applied::Unknown, Applied::NotSent]);
    assert!(!lab.router.passes(ann));
    lab.after(40 * SECOND);
    assert!(lab.router.passes(ann), "it has come after all");
    lab.after(49 * SECOND);
    assert!(lab.router.passes(ann));
    lab.after(SECOND);
    assert!(
        !lab.router.passes(ann),
        "60 s from when it ran, not from when it was written"
    );
    let ran: Vec<_> = lab.router.commands().iter().map(|(at, _)| *at).collect();
    assert_eq!(ran, [NOW + 30 * SECOND]);
}

#[tokio::test]
async fn a_reboot_takes_what_is_not_static() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    let before = lab.router.line(ann).unwrap().key;
    lab.apply(&[lab.permit(4, 60 * SECOND)]).await;
    let tag = PermitTag::Foreign("by hand".into());
    let by_hand = Prefix::host(at(8).into());
    lab.router.put_permit(by_hand, tag, None);
    lab.router.next_command(CommandFault::Late(SECOND));
    lab.apply(&[lab.permit(5, 60 * SECOND)]).await;
    lab.router.reboot();
    lab.after(2 * SECOND);
    assert_eq!(lab.router.lines(), []);
    let left: Vec<_> = lab.router.permits().iter().map(|row| row.address).collect();
    assert_eq!(left, [by_hand], "what was on its way is lost, too");
    for _ in 0..10 {
        let again = lab.dial("ann", 4);
        let after = lab.router.line(again).unwrap().key;
        lab.router.hang_up(again);
        if after == before {
            return; // ids start over: sooner or later one is used again
        }
    }
    panic!("no id was used again");
}

#[tokio::test]
async fn faults_are_meant_for_a_kind_of_command() {
    let lab = Lab::new();
    let ann = lab.dial("ann", 4);
    let key = lab.router.line(ann).unwrap().key;
    lab.router.next_command_that(
        |command| matches!(command, Command::Permit { .. }),
        CommandFault::Refused {
            reason: "busy".into(),
            retry: Retry::Now,
        },
    );
    let cut = Command::CutTunnel {
        key,
        account: "ann".into(),
    };
    let permit = lab.permit(5, 60 * SECOND);
    let outcomes = lab.apply(&[cut, permit.clone(), permit]).await;
    assert!(matches!(outcomes[0], Applied::Done { .. }));
    assert!(matches!(outcomes[1], Applied::Refused { .. }));
    assert!(matches!(outcomes[2], Applied::Done { .. }), "once only");
}

#[tokio::test]
async fn a_look_fails_or_takes_its_turns_as_told() {
    let lab = Lab::new();
    lab.router
        .next_look(LookFault::Fails(RouterError::TimedOut));
    let look = Look::complete();
    assert_eq!(lab.router.observe(&look).await, Err(RouterError::TimedOut));
    lab.router.latency(1);
    let mut looking = std::pin::pin!(lab.router.observe(&look));
    assert!(
        (&mut looking).now_or_never().is_none(),
        "begun, and not ended"
    );
    lab.dial("ann", 4);
    let seen = looking.await.unwrap();
    assert_eq!(
        seen.tunnels.unwrap().rows.len(),
        1,
        "the router goes on while it is looked at"
    );
    assert_eq!(lab.router.looks(), 2);
}

#[tokio::test]
async fn hints_can_be_lost_without_a_trace() {
    let lab = Lab::new();
    let mut hints = lab.router.watch().await.unwrap();
    assert_eq!(hints.next().await, Some(Ok(Hint::Gap)));
    lab.router.lose_hints(true);
    let ann = lab.dial("ann", 4);
    lab.router.lose_hints(false);
    assert_eq!(hints.next().now_or_never(), None);
    lab.router.hang_up(ann);
    assert_eq!(hints.next().await, Some(Ok(Hint::Tunnels)));
    lab.router.away_until(NOW + SECOND);
    assert!(matches!(hints.next().await, Some(Err(_))));
    assert_eq!(hints.next().await, None);
    assert!(lab.router.watch().await.is_err());
    lab.after(SECOND);
    assert!(lab.router.watch().await.is_ok());
}

#[tokio::test]
async fn a_key_names_an_id_and_what_tells_its_uses_apart() {
    let lab = Lab::new();
    let first = lab.dial("ann", 4);
    let old = lab.router.line(first).unwrap().key;
    lab.router.hang_up(first);
    let again = Dial {
        handle: Some(old.handle.clone()),
        ..Dial::new("ann", at(4))
    };
    let second = lab.router.dial(&again).unwrap();
    assert_eq!(lab.router.line_of(&old), None);
    let cut = Command::CutTunnel {
        key: old,
        account: "ann".into(),
    };
    assert_eq!(lab.apply(&[cut]).await, [Applied::AlreadySo]);
    assert!(lab.router.line(second).is_some());
}
