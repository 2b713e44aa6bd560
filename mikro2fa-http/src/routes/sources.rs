//! `/api/sources`: where logins are kept, and how their names are compared.

use std::sync::Arc;

use mikro2fa_core::{
    desk::{NameMatching, Source, SourceKind},
    directory::Page,
    id::{RouterId, SourceId},
};
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, id, one, rows, there},
};
use crate::error::{Kind, Problem};

/// A source as callers see it.
#[derive(Serialize)]
struct SourceView {
    id: SourceId,
    kind: SourceKind,
    matching: NameMatching,
    holder: Option<RouterId>,
    routers: Vec<RouterId>,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        Self {
            id: source.id,
            kind: source.kind,
            matching: source.matching,
            holder: source.holder,
            routers: source.routers,
        }
    }
}

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        [] => match call.method {
            Method::GET => rows(
                Page {
                    rows: api.directory.sources().await?,
                    next: None,
                },
                SourceView::from,
            ),
            _ => call.no_such_method(),
        },
        [source] => match call.method {
            Method::GET => one(StatusCode::OK, &SourceView::from(find(&api, source).await?)),
            Method::PATCH => change(&api, &call, find(&api, source).await?).await,
            _ => call.no_such_method(),
        },
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

async fn find(api: &Api, text: &str) -> Result<Source, Problem> {
    let wanted = id::<SourceId>(text)?;
    let sources = api.directory.sources().await?;
    there(sources.into_iter().find(|source| source.id == wanted))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    matching: NameMatching,
}

async fn change(api: &Api, call: &Call, source: Source) -> Answer {
    let change: Change = call.json()?;
    let source = api.desk(call).match_names(source, change.matching).await?;
    one(StatusCode::OK, &SourceView::from(source))
}
