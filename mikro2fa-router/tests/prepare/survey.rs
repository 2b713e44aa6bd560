//! What is read of a router.

use mikro2fa_core::router_backend::RouterError;
use mikro2fa_router::{
    gate::{Family, GateNames},
    simulator::{PreparedNames, Simulator, Version},
    survey::{ProfileUser, Section, State, Survey},
    transport::Line,
};

use crate::support::{line, log_in, survey};

#[tokio::test]
async fn every_version_is_read_and_what_it_lacks_is_no_error() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let sim = Simulator::builder()
            .version(version)
            .prepared(PreparedNames::default())
            .account("ann", "pw")
            .start()
            .await
            .unwrap();
        let seen = survey(&sim).await;
        assert_eq!(seen.version.major, u16::from(version.major));
        assert_eq!(seen.refused().collect::<Vec<_>>(), [], "{version}");
        let wireguard = if version.major == 6 {
            State::NotThere
        } else {
            State::Whole
        };
        assert_eq!(seen.found(Section::Wireguard).state, wireguard);
        let names = GateNames::default();
        for family in Family::ALL {
            let jumps = seen.filter(family).iter();
            let jumps = jumps.filter(|row| row.text("action") == "jump");
            assert_eq!(jumps.count(), 2, "{version} {family:?}");
        }
        assert!(seen.named(Section::Groups, &names.group).is_some());
        let reach = seen.rows(Section::AddressLists);
        assert!(reach.iter().all(|row| row.text("list") == names.reach) && !reach.is_empty());
    }
}

#[tokio::test]
async fn who_refers_to_a_profile_is_known() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .start()
        .await
        .unwrap();
    let seen = survey(&sim).await;
    let uses = seen.profile_uses();
    let of = |user| uses.iter().filter(move |it| it.user == user);
    assert_eq!(of(ProfileUser::Secret).count(), 1);
    assert_eq!(
        of(ProfileUser::Server).count(),
        4,
        "L2TP, PPTP, SSTP, OpenVPN"
    );
    assert_eq!(of(ProfileUser::PppoeServer).count(), 1);
}

#[tokio::test]
async fn no_secret_is_asked_for() {
    let sim = Simulator::builder()
        .account("ann", "hunter2")
        .start()
        .await
        .unwrap();
    let _ = survey(&sim).await;
    for (command, seen) in sim.commands_seen() {
        let asked: Vec<&String> = seen.proplist.iter().collect();
        for word in [
            "password",
            "secret",
            "ipsec-secret",
            "private-key",
            "preshared-key",
        ] {
            let fine = word == "private-key" && command == "/certificate/print"; // a flag there
            assert!(fine || !asked.iter().any(|it| *it == word), "{command}");
        }
    }
    let everything = format!("{:?}", survey(&sim).await);
    assert!(everything.contains("ann") && !everything.contains("hunter2"));
}

#[tokio::test]
async fn a_login_that_may_not_read_is_told() {
    let sim = Simulator::builder().start().await.unwrap();
    for command in [
        routeros_api::Command::new("/user/group/add")
            .attribute("name", "blind")
            .attribute("policy", "api,write"),
        routeros_api::Command::new("/user/add")
            .attribute("name", "mole")
            .attribute("password", "pw")
            .attribute("group", "blind"),
    ] {
        sim.administer(&command).unwrap();
    }
    let line = log_in(&sim, "mole", "pw").await;
    let refused = Survey::read(&line, &GateNames::default()).await;
    assert!(
        matches!(refused, Err(RouterError::Refused(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_line_that_breaks_is_no_empty_router() {
    let sim = Simulator::builder().start().await.unwrap();
    let line = line(&sim).await;
    line.close();
    let broken = Survey::read(&line, &GateNames::default()).await;
    assert!(broken.is_err(), "{broken:?}");
}
