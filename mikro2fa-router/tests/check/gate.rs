//! The answer, and the gate.

use super::*;

#[tokio::test]
async fn a_prepared_router_is_proved() {
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_16,
        Version::V7_22,
    ] {
        let ward = Ward::of(office().version(version)).await;
        let report = ward.report().await;
        assert_eq!(report.answer, Answer::No, "{version}: {report:#?}");
        assert_eq!(
            report.sentence(),
            "PPP tunnels: no, an unconfirmed one reaches nothing beyond quarantine."
        );
        let worst = report
            .findings
            .iter()
            .filter(|it| it.level == Level::Critical);
        assert_eq!(
            worst.collect::<Vec<_>>(),
            Vec::<&Finding>::new(),
            "{version}"
        );
        assert!(of(&report, "unread").is_none(), "{version}: {report:#?}");
        assert!(!report.findings.iter().any(|it| it.code.starts_with("gate")));
    }
}

#[tokio::test]
async fn an_unprepared_router_lets_everybody_through() {
    let ward = Ward::of(Simulator::builder().account("ann", "pw").user(
        "mikro2fa",
        "daily-secret",
        "full",
    ))
    .await;
    let report = ward.report().await;
    let Answer::Yes { what } = &report.answer else {
        panic!("{report:#?}");
    };
    assert!(what.contains("from a tunnel with the profile"), "{what}");
    assert!(of(&report, "gate-jump").is_some_and(|it| it.level == Level::Critical));
    assert!(!report.is_well());
}

/// What the doctor says is what packets do: the same rules, asked both ways.
#[tokio::test]
async fn a_rule_above_that_lets_some_through_is_named() {
    let ward = Ward::new().await;
    let to_the_printer = [("dst-address", "192.168.88.77"), ("protocol", "tcp")];
    ward.on_top("forward", &to_the_printer).await;
    let report = ward.report().await;
    let Answer::Yes { what } = &report.answer else {
        panic!("{report:#?}");
    };
    assert!(
        what.contains("192.168.88.77") && what.contains("somebody's"),
        "{what}"
    );
    let above = of(&report, "gate-above").unwrap();
    assert_eq!(above.level, Level::Critical);
    assert!(
        above
            .mend
            .iter()
            .any(|it| it.starts_with("/ip firewall filter add chain=forward action=jump")),
        "{above:?}"
    );
    let line = ward.sim.dial(Dial::new("ann", "pw")).unwrap();
    let passes = |host: u8| {
        let flow = Flow::between(&line, [192, 168, 88, host]).tcp(443);
        ward.sim.would_pass(&flow).passes()
    };
    assert!(passes(77) && !passes(78), "only the printer");
}

#[tokio::test]
async fn a_rule_that_nobody_can_judge_is_to_blame() {
    for matcher in [
        ("layer7-protocol", "games"),
        ("time", "8h-17h,mon"),
        ("random", "50"),
    ] {
        let ward = Ward::new().await;
        ward.on_top("forward", &[matcher]).await;
        let report = ward.report().await;
        let Answer::CannotProve { because } = &report.answer else {
            panic!("{matcher:?}: {report:#?}");
        };
        assert!(
            because.contains(matcher.0) && because.contains("somebody's"),
            "{because}"
        );
        assert!(
            report.sentence().contains("can't be proved"),
            "{}",
            report.sentence()
        );
        assert!(!report.is_well(), "{matcher:?}");
    }
}

/// Whoever knocks is taken for confirmed from the next packet on: no packet by itself shows it.
#[tokio::test]
async fn a_rule_that_confirms_who_knocks_is_found() {
    let ward = Ward::new().await;
    let rows = ward.sim.rows(FILTER);
    let first = rows.iter().find(|row| row["dynamic"] != "true").unwrap();
    let knock = Command::new(format!("{FILTER}/add"))
        .attribute("chain", "input")
        .attribute("action", "add-src-to-address-list")
        .attribute("address-list", "mikro2fa-permit")
        .attribute("protocol", "tcp")
        .attribute("dst-port", "7777")
        .attribute("place-before", &first[".id"]);
    ward.administer(knock).await;
    let report = ward.report().await;
    let Answer::CannotProve { because } = &report.answer else {
        panic!("{report:#?}");
    };
    assert!(
        because.contains("rules put addresses on the list `mikro2fa-permit`"),
        "{because}"
    );
}

#[tokio::test]
async fn a_rule_above_for_others_changes_nothing() {
    let ward = Ward::new().await;
    ward.on_top(
        "forward",
        &[
            ("in-interface-list", "!mikro2fa-covered"),
            ("out-interface-list", "!mikro2fa-covered"),
        ],
    )
    .await;
    let report = ward.report().await;
    assert_eq!(report.answer, Answer::No, "{report:#?}");
    assert!(of(&report, "gate-above").is_none());
}

#[tokio::test]
async fn a_disabled_jump_is_an_open_gate() {
    let ward = Ward::new().await;
    let jump = ward
        .sim
        .rows(FILTER)
        .into_iter()
        .find(|row| row["chain"] == "input" && row["action"] == "jump")
        .unwrap();
    let disable = Command::new(format!("{FILTER}/set"))
        .attribute(".id", &jump[".id"])
        .attribute("disabled", "yes");
    ward.administer(disable).await;
    let report = ward.report().await;
    let Answer::Yes { what } = &report.answer else {
        panic!("{report:#?}");
    };
    assert!(what.contains("to the router"), "{what}");
    let jump_finding = of(&report, "gate-jump").unwrap();
    assert_eq!(
        jump_finding.mend,
        [format!(
            "/ip firewall filter set {} disabled=no",
            jump[".id"]
        )]
    );
}

#[tokio::test]
async fn what_is_observed_is_meant_to_be_open() {
    let mut ward = Ward::new().await;
    ward.desk.router.mode = Mode::Observing;
    for menu in [FILTER, "/ipv6/firewall/filter"] {
        for row in ward.sim.rows(menu) {
            if row["action"] == "jump" {
                let disable = Command::new(format!("{menu}/set"))
                    .attribute(".id", &row[".id"])
                    .attribute("disabled", "yes");
                ward.administer(disable).await;
            }
        }
    }
    let report = ward.report().await;
    assert!(
        matches!(report.answer, Answer::Yes { .. }),
        "it is open, and that is said"
    );
    let jumps = report.findings.iter().filter(|it| it.code == "gate-jump");
    assert!(jumps.clone().count() > 0 && jumps.clone().all(|it| it.level == Level::Note));
}

#[tokio::test]
async fn fasttrack_without_its_companions_is_found() {
    let ward = Ward::new().await;
    for row in ward.sim.rows(FILTER) {
        if row
            .get("comment")
            .is_some_and(|it| it.contains("never fasttracked"))
        {
            let remove = Command::new(format!("{FILTER}/remove")).attribute(".id", &row[".id"]);
            ward.administer(remove).await;
        }
    }
    let report = ward.report().await;
    assert_eq!(
        report.answer,
        Answer::No,
        "nobody unconfirmed gets in by it"
    );
    let finding = of(&report, "gate-fasttrack").unwrap();
    assert_eq!(finding.level, Level::High);
    assert!(
        finding.mend.iter().any(|it| it.contains("place-before=")),
        "{finding:?}"
    );
}

#[tokio::test]
async fn a_router_that_does_not_answer_is_not_judged() {
    let ward = Ward::new().await;
    let mut desk = ward.desk.clone();
    desk.router.connection.password = Secret::new("wrong");
    let error = tokio::time::timeout(Duration::from_secs(30), examine(&desk, NOW))
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("refused the login"), "{error}");
}
