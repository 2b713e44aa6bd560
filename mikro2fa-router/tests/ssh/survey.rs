//! A router reads the same, whichever way it is asked.

use mikro2fa_core::router_backend::Look;
use mikro2fa_router::{
    Api, ApiConfig, Ssh, duration,
    gate::GateNames,
    simulator::{Dial, Version},
    survey::{Record, Section, Survey},
    transport::{Line, Transport},
};

use crate::world::{self, World};

const VERSIONS: [Version; 5] = [
    Version::V6_49,
    Version::V7_12,
    Version::V7_16,
    Version::V7_20,
    Version::V7_22,
];

/// One form for what versions and ways write in several.
fn plain(value: &str) -> String {
    match value {
        "yes" => "true".to_owned(),
        "no" => "false".to_owned(),
        _ => match duration::parse(value) {
            Ok(time) if value.contains(':') || value.ends_with('s') => duration::format(time),
            _ => value.to_owned(),
        },
    }
}

fn rows(survey: &Survey, section: Section) -> Vec<Vec<(String, String)>> {
    let row = |row: &Record| {
        let mut properties: Vec<_> = row
            .properties()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), plain(value)))
            .collect();
        properties.sort();
        properties
    };
    survey.rows(section).iter().map(row).collect()
}

async fn read(line: &impl Line) -> Survey {
    Survey::read(line, &GateNames::default()).await.unwrap()
}

#[tokio::test]
async fn a_survey_over_ssh_is_the_survey_over_the_api() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        world.sim.dial(Dial::new("ann", "pw")).unwrap();
        let api = ApiConfig::of(&world::connection(&world.sim)).unwrap();
        let api = read(&Api::new(api).connect().await.unwrap()).await;
        let ssh = Ssh::new(world::ssh_config(&world.sim));
        let ssh = read(&ssh.connect().await.unwrap()).await;
        for &section in Section::ALL {
            // Each way sees itself here.
            if section == Section::Sessions {
                continue;
            }
            let (over_api, over_ssh) = (api.found(section), ssh.found(section));
            assert_eq!(
                std::mem::discriminant(&over_ssh.state),
                std::mem::discriminant(&over_api.state),
                "{version} {section:?}: {:?} {:?}",
                over_ssh.state,
                over_api.state
            );
            assert_eq!(
                rows(&ssh, section),
                rows(&api, section),
                "{version} {section:?}"
            );
        }
        assert_eq!(ssh.refused().next(), None, "{version}");
        let all = Section::ALL.iter();
        let there = all.filter(|section| !ssh.rows(**section).is_empty());
        assert!(
            there.count() > 15,
            "{version}: there was something to compare"
        );
    }
}

#[tokio::test]
async fn a_look_over_ssh_is_the_look_over_the_api() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        for account in ["ann", "bob"] {
            world.sim.dial(Dial::new(account, "pw")).unwrap();
        }
        let address = world.tunnels().await[0].addresses.v4.unwrap();
        world.apply(&[world.permit(1, address, 60)]).await;
        let mut over_ssh = world.look(&Look::complete()).await;
        let over_api = world.api().observe(&Look::complete()).await.unwrap();
        // Handles are each connection's own.
        if let (Some(ssh), Some(api)) = (&mut over_ssh.permits, &over_api.permits) {
            for (ssh, api) in ssh.rows.iter_mut().zip(&api.rows) {
                ssh.handle = api.handle.clone();
            }
        }
        assert_eq!(over_ssh, over_api, "{version}");
        assert_eq!(over_api.tunnels.unwrap().rows.len(), 2);
        assert_eq!(over_api.permits.unwrap().rows.len(), 1);
    }
}
