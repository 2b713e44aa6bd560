//! `/api/bans`: who is locked out, and letting them back.
//!
//! "Not me" bans an account until an operator lifts it here. Bans for unanswered questions end by themselves, and its
//! owner's own request lifts them.

use std::sync::Arc;

use mikro2fa_core::{ban::Ban, directory::Page, id::BanId};
use warp::http::Method;

use super::{
    Api,
    call::{Answer, Call, done, id, rows},
};
use crate::error::{Kind, Problem};

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        [] => match call.method {
            Method::GET => list(&api, &call).await,
            _ => call.no_such_method(),
        },
        [ban] => match call.method {
            Method::DELETE => lift(&api, &call, id(ban)?).await,
            _ => call.no_such_method(),
        },
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

async fn list(api: &Api, call: &Call) -> Answer {
    call.only(&["account"])?;
    let bans = api
        .directory
        .bans(call.parameter("account")?, call.now)
        .await?;
    rows(
        Page {
            rows: bans,
            next: None,
        },
        |ban: Ban| ban,
    )
}

async fn lift(api: &Api, call: &Call, ban: BanId) -> Answer {
    let lifted = api.engine.unban(ban, call.caller.name.clone()).await?;
    if lifted {
        done()
    } else {
        Err(Problem::new(Kind::NotFound))
    }
}
