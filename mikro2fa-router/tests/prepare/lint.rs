//! What preparing writes for people and for profiles, before a linter that others wrote: `routeros-lsp` (PyPI, MIT), which
//! `tests/lint/run` fetches and names in `MIKRO2FA_TEST_ROUTEROS_LSP`. Without that the scripts are made and not judged.

use std::{collections::BTreeSet, path::Path, process::Command};

use mikro2fa_core::secret::Secret;
use mikro2fa_router::{
    gate::Coverage,
    prepare::{
        Choices, MemoryJournal, Plan, Webhook, plan, script,
        step::{Act, Menu},
    },
    simulator::{Simulator, Version},
};

use crate::support::{choices, prepare, restore_all, survey};

/// Names that would be commands, if anything was left unquoted.
const HOSTILE: &str = "a\"; /system reset-configuration; # [$b] \\";

fn variety() -> Vec<(&'static str, Choices)> {
    let webhook = Some(Webhook {
        url: "https://mikro2fa.example/hook/ppp".into(),
        key: Secret::new("m2fh_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"),
    });
    vec![
        ("plain", choices()),
        (
            "all",
            Choices {
                webhook,
                fixed_addresses: Some(([10, 8, 0, 2].into(), [10, 8, 0, 250].into())),
                restrict_service: true,
                api_tls: Some("192.168.88.1".into()),
                strict_sources: true,
                exempt: ["site".into(), HOSTILE.into()].into(),
                ..choices()
            },
        ),
        (
            "chosen",
            Choices {
                coverage: Coverage::Chosen,
                chosen: ["ann".into()].into(),
                observe: true,
                ..choices()
            },
        ),
    ]
}

/// It has the commands of one version, 7.21. Before 7.17 there was one OVPN server, which is changed without naming it.
fn as_known_to_the_linter(version: Version, script: &str) -> String {
    const ONE: &str = "/interface ovpn-server server set default-profile=";
    if version >= Version::V7_18 {
        return script.to_owned();
    }
    let lines = script.lines().filter(|line| !line.starts_with(ONE));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Scripts that stand in profiles.
fn hooks(plan: &Plan) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for step in plan.steps.iter().filter(|step| step.menu == Menu::Profile) {
        let (Act::Add { properties, .. }
        | Act::Set {
            after: properties, ..
        }) = &step.act
        else {
            continue;
        };
        let scripts = properties
            .iter()
            .filter(|(name, _)| name.starts_with("on-"));
        all.extend(scripts.map(|(_, value)| value.expose().to_owned()));
    }
    all
}

#[tokio::test]
async fn a_linter_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut plans = 0;
    let mut in_profiles = BTreeSet::new();
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_18,
        Version::V7_22,
    ] {
        for (name, choices) in variety() {
            let sim = Simulator::builder()
                .version(version)
                .account("ann", "pw")
                .account("site", "pw")
                .account(HOSTILE, "pw")
                .start()
                .await
                .unwrap();
            let mut keep = |plan: &Plan, what: &str| {
                assert!(!plan.steps.is_empty(), "{version}, {name}, {what}");
                assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
                let file = format!("{version}-{name}-{what}.rsc");
                let script = as_known_to_the_linter(version, &script::script(plan));
                std::fs::write(folder.path().join(file), script).unwrap();
                plans += 1;
            };
            let drawn = plan(&survey(&sim).await, &choices);
            keep(&drawn, "prepare");
            in_profiles.extend(hooks(&drawn));
            let journal = MemoryJournal::default();
            prepare(&sim, &choices, &journal).await.unwrap();
            let restored = restore_all(&sim, &choices, &journal).await.unwrap();
            keep(&restored.plan, "restore");
        }
    }
    assert_eq!(plans, 24);
    assert!(in_profiles.len() >= 3, "{in_profiles:?}");
    let hooks = folder.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for (number, hook) in in_profiles.iter().enumerate() {
        std::fs::write(hooks.join(format!("{number}.rsc")), hook).unwrap();
    }
    let Some(linter) = std::env::var_os("MIKRO2FA_TEST_ROUTEROS_LSP") else {
        eprintln!("not judged: tests/lint/run fetches the linter");
        return;
    };
    let judged = |scope: &str, path: &Path| {
        let mut command = Command::new(&linter);
        command.args(["check", "--strict", "--scope", scope]);
        for variable in ["user", "interface", "remote-address", "caller-id"] {
            command.args(["--context-variable", variable]);
        }
        let output = command.arg(path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    };
    // One that finds nothing in anything proves nothing.
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    let broken = broken.join("broken.rsc");
    std::fs::write(
        &broken,
        "/ip firewall filter add chian=forward\n/ip firewal bogus-word add\n",
    )
    .unwrap();
    assert_eq!(judged("import", &broken).0, Some(1));
    std::fs::remove_dir_all(broken.parent().unwrap()).unwrap();
    let (code, said) = judged("script", &hooks);
    assert_eq!(code, Some(0), "in profiles: {said}");
    std::fs::remove_dir_all(&hooks).unwrap();
    let (code, said) = judged("import", folder.path());
    assert_eq!(code, Some(0), "{said}");
}
