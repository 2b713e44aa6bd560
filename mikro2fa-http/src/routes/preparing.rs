//! `POST /api/routers/ID/prepare` and `/restore`: first what would be done, with a fingerprint; then, with that fingerprint as
//! `confirm`, it is done. The set-up login in the body is used for this one call and kept nowhere.

use std::collections::BTreeSet;

use mikro2fa_core::{
    desk::{ListNames, Router},
    secret::Secret,
    tunnel::Text,
};
use mikro2fa_router::{
    gate::Coverage,
    prepare::{Plan, Subscribers, script, step::Step},
    restore::Restoration,
};
use serde::{Deserialize, Serialize};
use warp::http::StatusCode;

use super::{
    Api,
    call::{Answer, Call, one},
};
use crate::{
    desk::{Order, STAND_BACK, SetUp, range},
    error::{Kind, Problem},
};

/// Who logs in for this one call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: Text,
    password: String,
}

impl From<Login> for SetUp {
    fn from(login: Login) -> Self {
        Self {
            user: login.user,
            password: Secret::new(login.password),
        }
    }
}

/// What is done about PPPoE tunnels.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pppoe {
    Cover,
    Exempt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prepare {
    set_up: Login,
    #[serde(default)]
    exempt: BTreeSet<Text>,
    #[serde(default)]
    cover_again: BTreeSet<Text>,
    /// These accounts only, instead of every tunnel.
    #[serde(default)]
    only: BTreeSet<Text>,
    pppoe: Option<Pppoe>,
    from: Option<Text>,
    #[serde(default)]
    observe: bool,
    #[serde(default)]
    restrict_service: bool,
    #[serde(default)]
    strict_sources: bool,
    /// Each covered account gets a fixed address from this range: `10.8.1.2-10.8.1.250`.
    fixed_addresses: Option<String>,
    webhook: Option<Text>,
    #[serde(default)]
    api_tls: bool,
    /// What the parts of the gate are called; those that are not said are called as usual.
    names: Option<ListNames>,
    confirm: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    set_up: Login,
    confirm: Option<String>,
}

/// What would be done, or was.
#[derive(Serialize)]
struct Shown<'a> {
    /// To be said as `confirm`.
    fingerprint: &'a str,
    done: bool,
    steps: Vec<ShownStep<'a>>,
    warnings: &'a [String],
    waits: &'a [String],
    refusals: &'a [String],
    /// What restoring leaves, and why.
    left: &'a [String],
}

#[derive(Serialize)]
struct ShownStep<'a> {
    why: &'a str,
    what: String,
}

fn steps(steps: &[Step]) -> Vec<ShownStep<'_>> {
    let shown = steps.iter().map(|step| ShownStep {
        why: &step.why,
        what: script::shown(step),
    });
    shown.collect()
}

fn shown(plan: &Plan, fingerprint: &str, left: &[String], done: bool) -> Answer {
    one(
        StatusCode::OK,
        &Shown {
            fingerprint,
            done,
            steps: steps(&plan.steps),
            warnings: &plan.warnings,
            waits: &plan.waits,
            refusals: &plan.refusals,
            left,
        },
    )
}

/// The same for both: shown first, done with the fingerprint of what was shown.
fn agreed(confirm: Option<String>, fingerprint: &str) -> Result<bool, Problem> {
    match confirm {
        None => Ok(false),
        Some(confirm) if confirm == fingerprint => Ok(true),
        Some(_) => Err(Problem::with(
            Kind::Conflict,
            "confirm: that is not what would be done now, so nothing was done: read the new plan, and confirm that",
        )),
    }
}

pub(super) async fn prepare(api: &Api, call: &Call, router: Router) -> Answer {
    let said: Prepare = call.json()?;
    let desk = api.desk(call);
    let set_up = SetUp::from(said.set_up);
    let mut order = Order::new(&router, &set_up);
    order.webhook_url = said.webhook;
    order.api_tls = said.api_tls;
    let choices = &mut order.choices;
    if let Some(names) = said.names {
        choices.names = (&names).into();
    }
    if !said.only.is_empty() {
        choices.coverage = Coverage::Chosen;
    }
    choices.chosen = said.only;
    choices.exempt = said.exempt;
    choices.cover_again = said.cover_again;
    choices.subscribers = match said.pppoe {
        None => Subscribers::Ask,
        Some(Pppoe::Cover) => Subscribers::Cover,
        Some(Pppoe::Exempt) => Subscribers::Exempt,
    };
    choices.login.from = said.from;
    choices.observe = said.observe;
    choices.restrict_service = said.restrict_service;
    choices.strict_sources = said.strict_sources;
    let fixed = said.fixed_addresses.as_deref().map(range).transpose();
    choices.fixed_addresses =
        fixed.map_err(|why| Problem::with(Kind::Invalid, format!("fixed_addresses: {why}")))?;
    let drawn = desk.draw_up(&router, &set_up, order).await?;
    let fingerprint = drawn.fingerprint();
    if !agreed(said.confirm, &fingerprint)? {
        return shown(&drawn.plan, &fingerprint, &[], false);
    }
    let (plan, _) = desk.carry_out(drawn, STAND_BACK, &mut |_| ()).await?;
    api.hooks.forget().await;
    shown(&plan, &fingerprint, &[], true)
}

pub(super) async fn restore(api: &Api, call: &Call, router: Router) -> Answer {
    let said: Restore = call.json()?;
    let desk = api.desk(call);
    let taking = desk.look_back(&router, &said.set_up.into()).await?;
    let fingerprint = taking.fingerprint();
    if !agreed(said.confirm, &fingerprint)? {
        let Restoration { plan, left } = &taking.restoration;
        return shown(plan, &fingerprint, left, false);
    }
    let done = desk.take_back(taking, STAND_BACK, &mut |_| ()).await?;
    shown(&done.plan, &fingerprint, &done.left, true)
}
