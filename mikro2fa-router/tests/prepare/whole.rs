//! A whole prepare, a whole restore.

use std::time::Duration;

use mikro2fa_router::{
    prepare::{Choices, MemoryJournal, script},
    simulator::{Dial, Flow, PreparedNames, Simulator, SimulatorBuilder, Version},
};
use routeros_api::Command;

use crate::support::{
    choices, configuration, difference, log_in, plan_again, prepare, restore_all,
};

fn office(version: Version) -> SimulatorBuilder {
    Simulator::builder()
        .version(version)
        .account("ann", "pw")
        .account("bob", "pw")
        .account("site", "pw")
}

fn listing(steps: &[mikro2fa_router::prepare::step::Step]) -> String {
    let lines: Vec<String> = steps.iter().map(script::shown).collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_prepared_router_holds_who_has_not_confirmed() {
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_16,
        Version::V7_18,
        Version::V7_22,
    ] {
        let sim = office(version).start().await.unwrap();
        let before = sim.dial(Dial::new("ann", "pw")).unwrap();
        let to_office = |tunnel| Flow::between(tunnel, [192, 168, 88, 10]);
        assert!(sim.would_pass(&to_office(&before)).passes());
        let journal = MemoryJournal::default();
        prepare(&sim, &choices(), &journal).await.unwrap();

        // Those from before are held as well as those that come.
        let after = sim.dial(Dial::new("bob", "pw")).unwrap();
        for tunnel in [&before, &after] {
            assert!(sim.would_pass(&to_office(tunnel)).is_dropped(), "{version}");
            let telegram = Flow::between(tunnel, [149, 154, 167, 50]).tcp(443);
            assert!(sim.would_pass(&telegram).passes(), "{version}");
        }
        // The daily login can do its work, and no more.
        let daily = log_in(&sim, "mikro2fa", "daily-password").await;
        drop(daily);
        permit(&sim, after.address().unwrap());
        assert!(sim.would_pass(&to_office(&after)).passes(), "{version}");
        sim.advance(Duration::from_secs(61));
        assert!(sim.would_pass(&to_office(&after)).is_dropped(), "{version}");

        // The address of one who hangs up is nobody's.
        permit(&sim, after.address().unwrap());
        after.hang_up();
        let next = sim.dial(Dial::new("bob", "pw")).unwrap();
        assert!(sim.would_pass(&to_office(&next)).is_dropped(), "{version}");

        let again = plan_again(&sim, &choices()).await;
        assert!(again.is_done(), "{version}: {}", listing(&again.steps));
    }
}

fn permit(sim: &Simulator, address: std::net::IpAddr) {
    let command = Command::new("/ip/firewall/address-list/add")
        .attribute("list", "mikro2fa-permit")
        .attribute("address", address.to_string())
        .attribute("timeout", "1m");
    sim.administer(&command).unwrap();
}

#[tokio::test]
async fn restore_gives_back_what_was_there() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let sim = office(version).start().await.unwrap();
        let before = configuration(&sim);
        let choices = Choices {
            exempt: ["site".into()].into(),
            restrict_service: true,
            strict_sources: true,
            fixed_addresses: Some(([10, 8, 7, 1].into(), [10, 8, 7, 9].into())),
            ..choices()
        };
        let journal = MemoryJournal::default();
        prepare(&sim, &choices, &journal).await.unwrap();
        assert_ne!(configuration(&sim), before);
        let found = restore_all(&sim, &choices, &journal).await.unwrap();
        assert_eq!(found.left, Vec::<String>::new(), "{version}");
        assert_eq!(
            difference(&configuration(&sim), &before),
            Vec::<String>::new(),
            "{version}"
        );
        let again = restore_all(&sim, &choices, &journal).await.unwrap();
        assert_eq!(listing(&again.plan.steps), "", "{version}");
    }
}

#[tokio::test]
async fn a_router_that_was_prepared_otherwise_has_all_of_it() {
    let sim = Simulator::builder()
        .prepared(PreparedNames::default())
        .account("ann", "pw")
        .start()
        .await
        .unwrap();
    let mut again = plan_again(&sim, &choices()).await;
    // But for the address that its daily login may come from.
    again
        .steps
        .retain(|step| !script::shown(step).contains("address=127.0.0.1"));
    assert_eq!(listing(&again.steps), "");
    assert_eq!(again.refusals, Vec::<String>::new());
}
