//! A simulated router, and the administrator's line to it.

use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    id::InstallationId,
    secret::Secret,
};
use mikro2fa_router::{
    Api, ApiConfig,
    api::ApiLine,
    gate::GateNames,
    prepare::{ApplyError, Choices, Journal, Login, MemoryJournal, Plan, Subscribers, apply, plan},
    restore::{Restoration, restore},
    simulator::Simulator,
    survey::Survey,
    transport::Transport,
};

/// The set-up login's line.
pub(crate) async fn line(sim: &Simulator) -> ApiLine {
    log_in(sim, "admin", sim.admin_password()).await
}

/// How a login reaches it.
pub(crate) fn connection(sim: &Simulator, user: &str, password: &str) -> RouterConnection {
    RouterConnection {
        host: "127.0.0.1".into(),
        port: sim.api_address().port(),
        transport: TransportKind::Api,
        user: user.into(),
        password: Secret::new(password),
        pins: Vec::new(),
    }
}

pub(crate) async fn log_in(sim: &Simulator, user: &str, password: &str) -> ApiLine {
    let api = Api::new(ApiConfig::of(&connection(sim, user, password)).unwrap());
    api.connect().await.unwrap()
}

pub(crate) async fn survey(sim: &Simulator) -> Survey {
    Survey::read(&line(sim).await, &GateNames::default())
        .await
        .unwrap()
}

/// What the administrator chooses: a daily login, everything else by default; PPPoE as `office` has it is covered.
pub(crate) fn choices() -> Choices {
    let login = Login {
        transport: TransportKind::Api,
        password: Secret::new("daily-password"),
        works: false,
        from: None,
    };
    Choices {
        subscribers: Subscribers::Cover,
        ..Choices::new("admin", login)
    }
}

/// Makes a plan and carries it out.
pub(crate) async fn prepare(
    sim: &Simulator,
    choices: &Choices,
    journal: &MemoryJournal,
) -> Result<Plan, ApplyError> {
    let line = line(sim).await;
    let mut survey = Survey::read(&line, &choices.names).await.unwrap();
    let plan = plan(&survey, choices);
    apply(
        &line,
        &mut survey,
        &choices.names,
        &plan,
        journal,
        &mut |_| (),
    )
    .await?;
    Ok(plan)
}

/// The same, where the line may break at any moment.
pub(crate) async fn try_prepare(
    sim: &Simulator,
    choices: &Choices,
    journal: &MemoryJournal,
) -> Result<(), ApplyError> {
    let line = line(sim).await;
    let broken = |source| ApplyError::Broken {
        step: "reading".to_owned(),
        source,
    };
    let mut survey = Survey::read(&line, &choices.names).await.map_err(broken)?;
    let plan = plan(&survey, choices);
    apply(
        &line,
        &mut survey,
        &choices.names,
        &plan,
        journal,
        &mut |_| (),
    )
    .await
}

pub(crate) async fn try_restore(
    sim: &Simulator,
    choices: &Choices,
    journal: &MemoryJournal,
) -> Result<(), ApplyError> {
    let line = line(sim).await;
    let broken = |source| ApplyError::Broken {
        step: "reading".to_owned(),
        source,
    };
    let mut survey = Survey::read(&line, &choices.names).await.map_err(broken)?;
    let entries = journal.entries().await.unwrap();
    let found = restore(&survey, &choices.names, &entries, installation());
    let nowhere = MemoryJournal::default();
    apply(
        &line,
        &mut survey,
        &choices.names,
        &found.plan,
        &nowhere,
        &mut |_| (),
    )
    .await
}

/// Another plan, as the router is now.
pub(crate) async fn plan_again(sim: &Simulator, choices: &Choices) -> Plan {
    let line = line(sim).await;
    let survey = Survey::read(&line, &choices.names).await.unwrap();
    plan(
        &survey,
        &Choices {
            login: Login {
                works: true,
                ..choices.login.clone()
            },
            ..choices.clone()
        },
    )
}

pub(crate) async fn restore_all(
    sim: &Simulator,
    choices: &Choices,
    journal: &MemoryJournal,
) -> Result<Restoration, ApplyError> {
    let line = line(sim).await;
    let mut survey = Survey::read(&line, &choices.names).await.unwrap();
    let entries = journal.entries().await.unwrap();
    let found = restore(&survey, &choices.names, &entries, installation());
    let nowhere = MemoryJournal::default();
    apply(
        &line,
        &mut survey,
        &choices.names,
        &found.plan,
        &nowhere,
        &mut |_| (),
    )
    .await?;
    Ok(found)
}

pub(crate) fn installation() -> InstallationId {
    InstallationId::from_uuid(uuid::Uuid::from_u128(7))
}

/// What a router is configured as: what is fixed, without ids, counters and times.
pub(crate) fn configuration(sim: &Simulator) -> Vec<String> {
    let menus = [
        "/user/group",
        "/user",
        "/interface/list",
        "/interface/list/member",
        "/ip/firewall/address-list",
        "/ppp/profile",
        "/ppp/secret",
        "/ip/firewall/filter",
        "/ipv6/firewall/filter",
        "/interface/l2tp-server/server",
        "/interface/pptp-server/server",
        "/interface/sstp-server/server",
        "/interface/ovpn-server/server",
        "/interface/pppoe-server/server",
        "/ip/settings",
        "/ip/service",
        "/system/scheduler",
    ];
    let mut all = Vec::new();
    for menu in menus {
        for mut row in sim.rows(menu) {
            if row.get("dynamic").is_some_and(|it| it == "true") {
                continue;
            }
            for volatile in [".id", "bytes", "packets", "last-logged-in", "creation-time"] {
                row.remove(volatile);
            }
            if menu == "/ip/service" {
                row.remove("port"); // another one at each start
            }
            row.retain(|_, value| !value.is_empty());
            all.push(format!("{menu} {row:?}"));
        }
    }
    all
}

/// What one configuration has and the other has not, in any order.
pub(crate) fn difference(has: &[String], wanted: &[String]) -> Vec<String> {
    let more = has
        .iter()
        .filter(|it| !wanted.contains(it))
        .map(|it| format!("+ {it}"));
    let less = wanted
        .iter()
        .filter(|it| !has.contains(it))
        .map(|it| format!("- {it}"));
    let mut all: Vec<String> = more.chain(less).collect();
    if has.len() != wanted.len() {
        all.push(format!("{} rows instead of {}", has.len(), wanted.len()));
    }
    all
}
