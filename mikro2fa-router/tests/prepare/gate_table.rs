//! The gate as one table: who a tunnel is, down; what is tried, across; what becomes of it, in each cell. Every cell is asked of
//! the packet evaluation of a router of either generation, and of each way in which a gate comes to be: made by prepare; made
//! again by prepare after somebody changed its chain, so that it stands in the second one; and as the simulator sets itself up,
//! which makes rules, lists and jumps in another order.

use std::{net::IpAddr, time::Duration};

use mikro2fa_router::{
    firewall::Verdict,
    prepare::{Choices, MemoryJournal},
    simulator::{Dial, Endpoint, Flow, PreparedNames, Simulator, TunnelHandle, Version},
};
use routeros_api::Command;

use crate::support::{choices, plan_again, prepare};

const OFFICE: [u8; 4] = [192, 168, 88, 10];
const TELEGRAM: [u8; 4] = [149, 154, 167, 50];

/// `+` passes, `-` does not.
///
/// | column | what is tried |
/// | --- | --- |
/// | out, est, rel | from the tunnel to the office: a new connection; one that is established; one that belongs to another |
/// | in, ans, anr | from the office to the tunnel: the same |
/// | fast, tsaf | a download that ran while the tunnel was let through, long enough to be fasttracked if it could be: its packets out, and back |
/// | tg, new | Telegram, port 443, with its answers; what Telegram's address sends unasked, which the administrator's own rules drop for everybody |
/// | dns, inp, ine | the router itself: its resolver; WinBox; WinBox on a connection that is established |
/// | toQ, toP, eQ, eP | another tunnel, a quarantined one, a permitted one: new; established |
/// | frQ, frP, gQ, gP | from another tunnel: the same |
/// | 6out, 6est, 6in, 6ans | IPv6, as out, est, in, ans |
/// | 6inp, 6ine | IPv6, as inp, ine |
/// | spf, sp6 | to the office with the source of a tunnel that is permitted, where rp-filter is strict; with an IPv6 source that nobody has |
const TABLE: &str = "
              out est rel in  ans anr fast tsaf tg  new dns inp ine toQ toP eQ  eP  frQ frP gQ  gP  6out 6est 6in 6ans 6inp 6ine spf sp6
quarantined   -   -   -   -   -   -   -    -    +   -   +   -   -   -   -   -   -   -   -   -   -   -    -    -   -    -    -    -   -
permitted     +   +   +   +   +   +   +    +    +   -   +   +   +   -   +   -   +   -   +   -   +   -    -    -   -    -    -    -   -
permitted6    +   +   +   +   +   +   +    +    +   -   +   +   +   -   +   -   +   -   +   -   +   +    +    +   +    +    +    -   -
banned        -   -   -   -   -   -   -    -    -   -   -   -   -   -   -   -   -   -   -   -   -   -    -    -   -    -    -    -   -
expired       -   -   -   -   -   -   -    -    +   -   +   -   -   -   -   -   -   -   -   -   -   -    -    -   -    -    -    -   -
handed-over   -   -   -   -   -   -   -    -    +   -   +   -   -   -   -   -   -   -   -   -   -   -    -    -   -    -    -    -   -
emergency     +   +   +   +   +   +   +    +    +   -   +   +   +   -   -   -   -   -   -   -   -   +    +    +   +    +    +    -   -
exempt        +   +   +   +   +   +   +    +    +   -   +   +   +   -   +   -   +   -   +   -   +   +    +    +   +    +    +    -   +
";

/// How the gate came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Made {
    ByPrepare,
    AgainByPrepare,
    BySimulator,
}

struct World {
    sim: Simulator,
    /// The other tunnels: a quarantined one, a permitted one.
    held: TunnelHandle,
    open: TunnelHandle,
}

impl World {
    async fn new(version: Version, made: Made) -> Self {
        let mut builder = Simulator::builder().version(version);
        if made == Made::BySimulator {
            let names = PreparedNames::default();
            builder = builder.prepared(names).exempt_account("site", "pw");
        } else {
            builder = builder.account("site", "pw");
        }
        for name in ["held", "open", "one", "two"] {
            builder = builder.account(name, "pw");
        }
        let sim = builder.start().await.unwrap();
        for (name, prefix) in [("one", 4), ("two", 5), ("site", 6)] {
            let set = Command::new("/ppp/secret/set").attribute(".id", name);
            let prefix = format!("fd00:{prefix}::/64");
            sim.administer(&set.attribute("remote-ipv6-prefix", prefix))
                .unwrap();
        }
        if made != Made::BySimulator {
            prepare_gate(&sim, made).await;
        }
        let held = sim.dial(Dial::new("held", "pw")).unwrap();
        let open = sim.dial(Dial::new("open", "pw")).unwrap();
        let world = Self { sim, held, open };
        world.list("ip", "mikro2fa-permit", &address(&world.open), "2h");
        world
    }

    fn list(&self, family: &str, list: &str, address: &str, time: &str) {
        let add = Command::new(format!("/{family}/firewall/address-list/add"))
            .attribute("list", list)
            .attribute("address", address)
            .attribute("timeout", time);
        self.sim.administer(&add).unwrap();
    }

    /// A tunnel that is this to the gate, and the download that it had running when it was let through, if it was.
    fn tunnel(&self, who: &str) -> TunnelHandle {
        let dial = |name: &str| self.sim.dial(Dial::new(name, "pw")).unwrap();
        if who == "exempt" {
            let tunnel = dial("site");
            self.download(&tunnel);
            return tunnel;
        }
        let tunnel = dial("one");
        let own = address(&tunnel);
        let permit = |time| self.list("ip", "mikro2fa-permit", &own, time);
        match who {
            "quarantined" => {}
            "permitted" => permit("1h"),
            "permitted6" => {
                permit("1h");
                self.list("ipv6", "mikro2fa-permit", "fd00:4::/64", "1h");
            }
            "banned" => {
                // It was let through before.
                permit("10m");
                self.download(&tunnel);
                self.sim.advance(Duration::from_secs(600));
                self.list("ip", "mikro2fa-ban", &own, "1h");
                return tunnel;
            }
            "emergency" => {
                self.list("ip", "mikro2fa-emergency", &own, "1h");
                self.list("ipv6", "mikro2fa-emergency", "fd00:4::/64", "1h");
            }
            "expired" => {
                permit("10m");
                self.list("ipv6", "mikro2fa-permit", "fd00:4::/64", "10m");
                self.download(&tunnel);
                self.sim.advance(Duration::from_secs(600));
                return tunnel;
            }
            "handed-over" => {
                permit("1h");
                self.download(&tunnel);
                tunnel.hang_up();
                let next = dial("two");
                assert_eq!(address(&next), own, "the pool gives it again");
                return next;
            }
            other => panic!("nobody is {other}"),
        }
        self.download(&tunnel);
        tunnel
    }

    /// Three packets each way: as many as it takes for a connection to be fasttracked.
    fn download(&self, tunnel: &TunnelHandle) {
        for _ in 0..3 {
            let _ = self.sim.send(&running(tunnel));
            let _ = self.sim.send(&coming_back(tunnel));
        }
    }

    fn passes(&self, flow: Flow) -> bool {
        let passage = self.sim.would_pass(&flow);
        assert_ne!(passage.verdict, Verdict::CannotProve, "{passage}");
        passage.passes()
    }

    fn cell(&self, column: &str, tunnel: &TunnelHandle) -> bool {
        let own6 = six(match tunnel.account() {
            "one" => "fd00:4::7",
            "two" => "fd00:5::7",
            _ => "fd00:6::7",
        });
        let office6 = || Endpoint::HostBehind(six("fd00:88::10"), "bridge".to_owned());
        let router6 = || Flow::between(tunnel, Endpoint::Router).spoofing(own6);
        let router6 = || router6().addressed_to(six("fe80::1")).tcp(8291);
        let winbox = || Flow::between(tunnel, Endpoint::Router).tcp(8291);
        let (held, open) = (&self.held, &self.open);
        self.passes(match column {
            "out" => Flow::between(tunnel, OFFICE),
            "est" => Flow::between(tunnel, OFFICE).established(),
            "rel" => related(Flow::between(tunnel, OFFICE)),
            "in" => Flow::between(OFFICE, tunnel),
            "ans" => Flow::between(OFFICE, tunnel).established(),
            "anr" => related(Flow::between(OFFICE, tunnel)),
            "fast" => return self.sim.send(&running(tunnel)).passes(),
            "tsaf" => return self.sim.send(&coming_back(tunnel)).passes(),
            "tg" => {
                let back = Flow::between(TELEGRAM, tunnel).from_port(443).established();
                // A ban takes away what is sent; what nobody asked for does not come.
                return self.passes(Flow::between(tunnel, TELEGRAM)) && self.passes(back);
            }
            "new" => Flow::between(TELEGRAM, tunnel),
            "dns" => Flow::between(tunnel, Endpoint::Router).udp(53),
            "inp" => winbox(),
            "ine" => winbox().established(),
            "toQ" => Flow::between(tunnel, held),
            "toP" => Flow::between(tunnel, open),
            "eQ" => Flow::between(tunnel, held).established(),
            "eP" => Flow::between(tunnel, open).established(),
            "frQ" => Flow::between(held, tunnel),
            "frP" => Flow::between(open, tunnel),
            "gQ" => Flow::between(held, tunnel).established(),
            "gP" => Flow::between(open, tunnel).established(),
            "6out" => Flow::between(tunnel, office6()).spoofing(own6),
            "6est" => Flow::between(tunnel, office6())
                .spoofing(own6)
                .established(),
            "6in" => Flow::between(office6(), tunnel).addressed_to(own6),
            "6ans" => Flow::between(office6(), tunnel)
                .addressed_to(own6)
                .established(),
            "6inp" => router6(),
            "6ine" => router6().established(),
            "sp6" => Flow::between(tunnel, office6()).spoofing(six("fd00:dead::1")),
            "spf" => {
                let neighbour: IpAddr = open.address().unwrap();
                self.reverse_path("strict");
                let flow = Flow::between(tunnel, OFFICE).udp(9_999);
                let passes = self.passes(flow.spoofing(neighbour));
                self.reverse_path("no");
                return passes;
            }
            other => panic!("nothing is {other}"),
        })
    }

    fn reverse_path(&self, mode: &str) {
        let set = Command::new("/ip/settings/set").attribute("rp-filter", mode);
        self.sim.administer(&set).unwrap();
    }
}

/// By prepare alone; where the chain that it made was changed by hand, by another run.
async fn prepare_gate(sim: &Simulator, made: Made) {
    let choices = Choices {
        exempt: ["site".into()].into(),
        ..choices()
    };
    let journal = MemoryJournal::default();
    prepare(sim, &choices, &journal).await.unwrap();
    if made == Made::ByPrepare {
        return;
    }
    for menu in ["/ip/firewall/filter", "/ipv6/firewall/filter"] {
        for chain in ["mikro2fa-forward", "mikro2fa-input"] {
            let rows = sim.rows(menu);
            let drops = rows
                .iter()
                .find(|row| row["chain"] == chain && row["action"] == "drop");
            let set = Command::new(format!("{menu}/set"))
                .attribute(".id", &*drops.unwrap()[".id"])
                .attribute("action", "accept");
            sim.administer(&set).unwrap();
        }
    }
    let again = plan_again(sim, &choices).await;
    assert!(!again.is_done());
    prepare(sim, &choices, &journal).await.unwrap();
    let rows = sim.rows("/ip/firewall/filter");
    let second = |row: &&std::collections::BTreeMap<String, String>| {
        row.get("jump-target")
            .is_some_and(|target| target == "mikro2fa-forward-2")
    };
    assert!(rows.iter().any(|row| second(&row)), "{rows:#?}");
}

fn address(tunnel: &TunnelHandle) -> String {
    tunnel.address().unwrap().to_string()
}

fn six(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn related(flow: Flow) -> Flow {
    flow.in_state(mikro2fa_router::simulator::FlowState::Related)
}

fn running(tunnel: &TunnelHandle) -> Flow {
    Flow::between(tunnel, OFFICE).tcp(445)
}

fn coming_back(tunnel: &TunnelHandle) -> Flow {
    Flow::between(OFFICE, tunnel).from_port(445).tcp(50_000)
}

async fn every_cell(made: Made) {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let mut lines = TABLE.lines().filter(|line| !line.trim().is_empty());
        let columns: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let mut found = String::new();
        for line in lines {
            let mut words = line.split_whitespace();
            let who = words.next().unwrap();
            let cells: Vec<&str> = words.collect();
            assert_eq!(cells.len(), columns.len(), "each cell of {who} is stated");
            // A world of its own for each row: none has to do with what another one left.
            let world = World::new(version, made).await;
            let tunnel = world.tunnel(who);
            for (column, cell) in columns.iter().zip(&cells) {
                let passes = world.cell(column, &tunnel);
                let sign = if passes { "+" } else { "-" };
                if sign != *cell {
                    found += &format!("{version} {who} {column}: {sign} and not {cell}\n");
                }
            }
        }
        assert!(found.is_empty(), "{made:?}\n{found}");
    }
}

#[tokio::test]
async fn every_cell_of_a_gate_that_prepare_made() {
    every_cell(Made::ByPrepare).await;
}

#[tokio::test]
async fn every_cell_of_a_gate_that_prepare_made_anew() {
    every_cell(Made::AgainByPrepare).await;
}

#[tokio::test]
async fn every_cell_of_a_gate_that_was_made_in_another_order() {
    every_cell(Made::BySimulator).await;
}
