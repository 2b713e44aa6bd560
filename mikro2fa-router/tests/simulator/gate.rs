//! The prepared router's gate: who reaches what.

use std::{net::IpAddr, time::Duration};

use mikro2fa_router::{
    firewall::Verdict,
    simulator::{Dial, Endpoint, Flow, FlowState, Simulator, TunnelHandle},
};

use routeros_api::Command;

use crate::wire::{Client, prepared};

const OFFICE: [u8; 4] = [192, 168, 88, 10];
const INTERNET: [u8; 4] = [8, 8, 8, 8];
const TELEGRAM: [u8; 4] = [149, 154, 167, 50];

/// Who a tunnel is to the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Quarantined,
    Permitted,
    Banned,
    Emergency,
    Exempt,
    PermittedAndBanned,
}

const EVERYBODY: [Who; 6] = [
    Who::Quarantined,
    Who::Permitted,
    Who::Banned,
    Who::Emergency,
    Who::Exempt,
    Who::PermittedAndBanned,
];

struct World {
    sim: Simulator,
    client: Client,
}

impl World {
    async fn new() -> Self {
        let mut builder = prepared();
        for n in 0..20 {
            builder = builder.account(format!("user{n}"), "pw");
        }
        let sim = builder.start().await.unwrap();
        let client = Client::daily(&sim).await;
        Self { sim, client }
    }

    async fn list(&mut self, list: &str, tunnel: &TunnelHandle) {
        let address = tunnel.address().unwrap();
        let words =
            format!("/ip/firewall/address-list/add =list={list} =address={address} =timeout=10m");
        self.client.say(&words).await.ret();
    }

    async fn tunnel(&mut self, who: Who) -> TunnelHandle {
        let account = match who {
            Who::Exempt => "site".to_owned(),
            _ => format!("user{}", self.sim.tunnel_count()),
        };
        let tunnel = self.sim.dial(Dial::new(account, "pw")).unwrap();
        let lists: &[&str] = match who {
            Who::Quarantined | Who::Exempt => &[],
            Who::Permitted => &["mikro2fa-permit"],
            Who::Banned => &["mikro2fa-ban"],
            Who::Emergency => &["mikro2fa-emergency"],
            Who::PermittedAndBanned => &["mikro2fa-permit", "mikro2fa-ban"],
        };
        for list in lists {
            self.list(list, &tunnel).await;
        }
        tunnel
    }

    fn passes(&self, flow: Flow) -> bool {
        let passage = self.sim.would_pass(&flow);
        assert_ne!(passage.verdict, Verdict::CannotProve, "{passage}");
        passage.passes()
    }
}

/// In each state of its connection.
const STATES: [FlowState; 3] = [FlowState::New, FlowState::Established, FlowState::Related];

#[tokio::test]
async fn forward_to_the_office_and_back() {
    let mut world = World::new().await;
    for who in EVERYBODY {
        let tunnel = world.tunnel(who).await;
        let out = matches!(who, Who::Permitted | Who::Emergency | Who::Exempt);
        // A ban takes away what the tunnel sends; its permit was taken away with it, but if one is left, answers get in.
        let back = out || who == Who::PermittedAndBanned;
        for state in STATES {
            assert_eq!(
                world.passes(Flow::between(&tunnel, OFFICE).in_state(state)),
                out,
                "{who:?} out {state:?}"
            );
            assert_eq!(
                world.passes(Flow::between(OFFICE, &tunnel).in_state(state)),
                back,
                "{who:?} back {state:?}"
            );
        }
    }
}

#[tokio::test]
async fn quarantine_reaches_telegram_and_its_answers_come_back() {
    let mut world = World::new().await;
    for who in EVERYBODY {
        let tunnel = world.tunnel(who).await;
        let banned = matches!(who, Who::Banned | Who::PermittedAndBanned);
        for port in [443, 80, 5222] {
            assert_eq!(
                world.passes(Flow::between(&tunnel, TELEGRAM).tcp(port)),
                !banned,
                "{who:?} {port}"
            );
        }
        assert!(
            world.passes(Flow::between(TELEGRAM, &tunnel).established()),
            "{who:?}"
        );
        let free = matches!(who, Who::Permitted | Who::Emergency | Who::Exempt);
        assert_eq!(
            world.passes(Flow::between(&tunnel, TELEGRAM).tcp(22)),
            free,
            "{who:?}"
        );
        assert_eq!(
            world.passes(Flow::between(&tunnel, TELEGRAM).udp(443)),
            free,
            "{who:?}"
        );
        assert_eq!(
            world.passes(Flow::between(&tunnel, INTERNET)),
            free,
            "{who:?}"
        );
    }
    let held = world.tunnel(Who::Quarantined).await;
    assert!(
        !world.passes(Flow::between(TELEGRAM, &held)),
        "nothing new from there"
    );
    assert!(!world.passes(Flow::between(INTERNET, &held).established()));
}

#[tokio::test]
async fn input_is_the_resolver_and_nothing_else() {
    let mut world = World::new().await;
    for who in EVERYBODY {
        let tunnel = world.tunnel(who).await;
        let banned = matches!(who, Who::Banned | Who::PermittedAndBanned);
        let free = matches!(who, Who::Permitted | Who::Emergency | Who::Exempt);
        let to = |flow: Flow| world.passes(flow);
        assert_eq!(
            to(Flow::between(&tunnel, Endpoint::Router).udp(53)),
            !banned,
            "{who:?}"
        );
        assert_eq!(
            to(Flow::between(&tunnel, Endpoint::Router).tcp(53)),
            !banned,
            "{who:?}"
        );
        for port in [80, 443, 8291, 8728] {
            assert_eq!(
                to(Flow::between(&tunnel, Endpoint::Router).tcp(port)),
                free,
                "{who:?} {port}"
            );
            // However the router is called.
            assert_eq!(
                to(Flow::between(&tunnel, [192, 168, 88, 1]).tcp(port)),
                free,
                "{who:?} {port}"
            );
        }
        assert_eq!(
            to(Flow::between(&tunnel, Endpoint::Router).icmp()),
            free,
            "{who:?}"
        );
        assert_eq!(
            to(Flow::between(&tunnel, Endpoint::Router)
                .tcp(8291)
                .established()),
            free,
            "{who:?}"
        );
    }
}

#[tokio::test]
async fn between_tunnels_both_ends_are_judged() {
    let mut world = World::new().await;
    let mut tunnels = Vec::new();
    for who in EVERYBODY {
        tunnels.push((who, world.tunnel(who).await));
    }
    for (from_who, from) in &tunnels {
        for (to_who, to) in &tunnels {
            if from_who == to_who {
                continue;
            }
            let sends = matches!(from_who, Who::Permitted | Who::Exempt)
                || *from_who == Who::Emergency && *to_who == Who::Exempt;
            let receives = matches!(
                to_who,
                Who::Permitted | Who::Exempt | Who::PermittedAndBanned
            ) || *to_who == Who::Emergency && *from_who == Who::Exempt;
            for state in STATES {
                let flow = Flow::between(from, to).in_state(state);
                assert_eq!(
                    world.passes(flow),
                    sends && receives,
                    "{from_who:?} to {to_who:?} {state:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn covered_traffic_is_never_fasttracked() {
    let mut world = World::new().await;
    let tunnel = world.tunnel(Who::Permitted).await;
    let download = Flow::between(&tunnel, OFFICE).tcp(445);
    for _ in 0..3 {
        assert!(world.sim.send(&download).passes());
    }
    let rows = world.sim.rows("/ip/firewall/connection");
    assert_eq!(
        (
            rows.len(),
            rows[0]["fasttrack"].as_str(),
            rows[0]["tcp-state"].as_str()
        ),
        (1, "false", "established")
    );
    // The lease lapses with nobody there: the very next packet of the running download stops, both ways.
    world.sim.advance(Duration::from_secs(600));
    assert!(world.sim.send(&download).is_dropped());
    assert!(world.passes(Flow::between(&tunnel, TELEGRAM)));
    let back = Flow::between(OFFICE, &tunnel).from_port(445).tcp(50_000);
    assert!(world.sim.send(&back).is_dropped());

    // What has nothing to do with tunnels is fasttracked as ever.
    let surfing = Flow::between(OFFICE, INTERNET);
    assert!(world.sim.send(&surfing).passes() && world.sim.send(&surfing).fasttracked);
    assert!(world.sim.send(&surfing).why.contains("fasttracked"));
}

#[tokio::test]
async fn a_fasttracked_connection_would_outlive_the_lease_if_covered_traffic_were_not_spared() {
    let mut world = World::new().await;
    let mut admin = Client::admin(&world.sim).await;
    let rules = admin
        .say("/ip/firewall/filter/print =.proplist=.id,comment")
        .await;
    for rule in rules
        .rows
        .iter()
        .filter(|rule| rule["comment"].contains("never fasttracked"))
    {
        admin
            .say(&format!("/ip/firewall/filter/disable =.id={}", rule[".id"]))
            .await
            .ok();
    }
    let tunnel = world.tunnel(Who::Permitted).await;
    let download = Flow::between(&tunnel, OFFICE);
    assert!(world.sim.send(&download).passes() && world.sim.send(&download).passes());
    world.sim.advance(Duration::from_secs(600));
    assert!(world.sim.send(&download).passes());
    // Forgetting the connection ends it, unless the switch says otherwise.
    let row = world.sim.rows("/ip/firewall/connection").remove(0);
    admin
        .say(&format!(
            "/ip/firewall/connection/remove =.id={}",
            row[".id"]
        ))
        .await
        .ok();
    assert!(world.sim.send(&download).is_dropped());
}

#[tokio::test]
async fn a_spoofed_source_is_believed_unless_the_reverse_path_is_checked() {
    let mut world = World::new().await;
    let held = world.tunnel(Who::Quarantined).await;
    let permitted = world.tunnel(Who::Permitted).await;
    let neighbour = permitted.address().unwrap();
    let spoofed = || Flow::between(&held, OFFICE).udp(9_999).spoofing(neighbour);
    assert!(
        world.passes(spoofed()),
        "the gate knows the address and not the tunnel"
    );
    let mut admin = Client::admin(&world.sim).await;
    admin.say("/ip/settings/set =rp-filter=strict").await.ok();
    assert!(!world.passes(spoofed()));
    assert!(world.passes(Flow::between(&permitted, OFFICE)));
    let anything: IpAddr = [203, 0, 113, 99].into();
    assert!(!world.passes(Flow::between(&held, OFFICE).spoofing(anything)));
}

#[tokio::test]
async fn a_tunnel_is_held_whatever_its_profile_says() {
    let world = World::new().await;
    let mut admin = Client::admin(&world.sim).await;
    admin
        .say("/ppp/secret/set =.id=ann =profile=default")
        .await
        .ok();
    let tunnel = world.sim.dial(Dial::new("ann", "pw")).unwrap();
    assert!(!world.passes(Flow::between(&tunnel, OFFICE)));
    let dropped = world.sim.would_pass(&Flow::between(&tunnel, OFFICE));
    assert_eq!(dropped.rule.unwrap().chain, "mikro2fa-forward");
}

#[tokio::test]
async fn the_jumps_are_the_one_switch() {
    let mut world = World::new().await;
    let tunnel = world.tunnel(Who::Quarantined).await;
    let mut admin = Client::admin(&world.sim).await;
    for (menu, expected) in [("/ip/firewall/filter", 2), ("/ipv6/firewall/filter", 2)] {
        let jumps = admin
            .say(&format!(
                "{menu}/print =.proplist=.id,chain,jump-target ?action=jump"
            ))
            .await;
        assert_eq!(jumps.rows.len(), expected);
        for id in jumps.all(".id") {
            admin.say(&format!("{menu}/disable =.id={id}")).await.ok();
        }
    }
    assert!(world.passes(Flow::between(&tunnel, OFFICE)));
}

#[tokio::test]
async fn ipv6_of_covered_tunnels_is_dropped_unless_its_prefix_is_permitted() {
    let mut world = World::new().await;
    let tunnel = world.tunnel(Who::Permitted).await;
    let (ours, server): (IpAddr, IpAddr) =
        ("fd00:4::7".parse().unwrap(), "fd00:88::10".parse().unwrap());
    let out =
        || Flow::between(&tunnel, Endpoint::HostBehind(server, "bridge".to_owned())).spoofing(ours);
    assert!(!world.passes(out()));
    assert!(
        !world.passes(
            Flow::between(&tunnel, Endpoint::Router)
                .spoofing(ours)
                .addressed_to("fe80::1".parse().unwrap())
        )
    );
    world.client.say("/ipv6/firewall/address-list/add =list=mikro2fa-permit =address=fd00:4::/64 =timeout=10m").await.ret();
    assert!(world.passes(out()));
    let back = Flow::between(Endpoint::HostBehind(server, "bridge".to_owned()), &tunnel)
        .addressed_to(ours);
    assert!(world.passes(back));
}

#[tokio::test]
async fn a_rule_marked_2fa_can_stand_below_the_gate() {
    let mut world = World::new().await;
    let tunnel = world.tunnel(Who::Permitted).await;
    let mut admin = Client::admin(&world.sim).await;
    let words = "/ip/firewall/filter/add =chain=forward =action=drop =in-interface-list=mikro2fa-covered =comment=2FA";
    let rule = admin.say(words).await.ret().to_owned();
    assert!(!world.passes(Flow::between(&tunnel, OFFICE)));
    // Running connections go on: the administrator's own accept of what is established stands above.
    assert!(world.passes(Flow::between(&tunnel, OFFICE).established()));
    admin
        .say(&format!("/ip/firewall/filter/disable =.id={rule}"))
        .await
        .ok();
    assert!(world.passes(Flow::between(&tunnel, OFFICE)));
}

#[tokio::test]
async fn a_tunnel_that_is_down_sends_nothing() {
    let mut world = World::new().await;
    let tunnel = world.tunnel(Who::Permitted).await;
    tunnel.hang_up();
    assert_eq!(
        world.sim.would_pass(&Flow::between(&tunnel, OFFICE)).why,
        "the tunnel is not up"
    );
}

#[tokio::test]
async fn what_a_rule_has_that_is_not_known_is_not_guessed() {
    let mut world = World::new().await;
    let tunnel = world.tunnel(Who::Quarantined).await;
    let mut admin = Client::admin(&world.sim).await;
    let first = admin
        .say("/ip/firewall/filter/print =.proplist=.id ?dynamic=false")
        .await
        .rows[0][".id"]
        .clone();
    let words = format!(
        "/ip/firewall/filter/add =chain=forward =action=accept =layer7-protocol=x =place-before={first}"
    );
    admin.say(&words).await.ret();
    let passage = world.sim.would_pass(&Flow::between(&tunnel, OFFICE));
    assert_eq!(passage.verdict, Verdict::CannotProve);
    assert!(
        !passage.passes() && passage.to_string().contains("is not known"),
        "{passage}"
    );
}

#[tokio::test]
async fn without_a_gate_a_password_is_enough() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .start()
        .await
        .unwrap();
    let tunnel = sim.dial(Dial::new("ann", "pw")).unwrap();
    assert!(sim.would_pass(&Flow::between(&tunnel, OFFICE)).passes());
}

#[tokio::test]
async fn what_is_behind_a_tunnel_is_held_like_the_tunnel_itself() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    client
        .talk(
            Command::new("/ppp/secret/set")
                .attribute(".id", "ann")
                .attribute("routes", "10.9.0.0/24 10.8.0.2 1")
                .attribute("ipv6-routes", "2001:db8:8::/56")
                .attribute("remote-ipv6-prefix", "2001:db8:7::/64"),
        )
        .await
        .ok();
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    let server: IpAddr = "2001:db8:ffff::1".parse().unwrap();
    let from = |source: &str| Flow::between(&ann, server).spoofing(source.parse().unwrap());
    let site = Flow::between(&ann, [192, 168, 88, 10]).spoofing([10, 9, 0, 7].into());
    let back = Flow::between([192, 168, 88, 10], [10, 9, 0, 7]);
    let six_back = Flow::between(server, "2001:db8:7::5".parse::<IpAddr>().unwrap()).established();
    // A client with a prefix has an address of it, so nothing need be said.
    let own = Flow::between(&ann, server);
    for flow in [
        &own,
        &from("2001:db8:7::5"),
        &from("2001:db8:8::5"),
        &site,
        &back,
        &six_back,
    ] {
        assert!(sim.would_pass(flow).is_dropped(), "{flow:?}");
    }
    for (menu, network) in [
        ("/ip/firewall/address-list", "10.9.0.0/24"),
        ("/ipv6/firewall/address-list", "2001:db8:7::/64"),
    ] {
        let add = format!("{menu}/add =list=mikro2fa-permit =address={network} =timeout=10m");
        client.say(&add).await.ret();
    }
    for flow in [&own, &from("2001:db8:7::5"), &site, &back, &six_back] {
        let passage = sim.would_pass(flow);
        assert!(passage.passes(), "{flow:?}: {passage:?}");
    }
    assert!(
        sim.would_pass(&from("2001:db8:8::5")).is_dropped(),
        "not that one"
    );
    sim.advance(Duration::from_secs(601));
    for flow in [&own, &site, &back, &six_back] {
        assert!(
            sim.would_pass(flow).is_dropped(),
            "its lease is over: {flow:?}"
        );
    }
}
