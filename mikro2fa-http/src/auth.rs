//! Who is asking. Tokens are the only way in so far; each may do everything.

mod token;

use std::sync::Arc;

use mikro2fa_core::{directory::Digest, tunnel::Text};
use warp::{Filter, Rejection, http::header, reject};

pub use self::token::Token;

use crate::{
    error::{Kind, Problem},
    routes::Api,
};

/// Who is behind a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token's name, which the audit log takes.
    pub(crate) name: Text,
    /// The token itself, as stored.
    pub(crate) digest: Digest,
}

/// Passes calls with a token that is good now.
pub(crate) fn caller(
    api: &Arc<Api>,
) -> impl Filter<Extract = (Caller,), Error = Rejection> + Clone + use<> {
    let api = Arc::clone(api);
    warp::header::optional::<String>(header::AUTHORIZATION.as_str()).and_then(
        move |header: Option<String>| {
            let api = Arc::clone(&api);
            async move { known(&api, header.as_deref()).await.map_err(reject::custom) }
        },
    )
}

/// What is no token of ours by its form costs no look into the database.
async fn known(api: &Api, header: Option<&str>) -> Result<Caller, Problem> {
    let refused = Problem::new(Kind::Unauthorized);
    let (scheme, text) = header
        .and_then(|header| header.split_once(' '))
        .ok_or_else(|| refused.clone())?;
    if !scheme.eq_ignore_ascii_case("bearer") || !Token::is_formed(text.trim()) {
        return Err(refused);
    }
    let token = api
        .directory
        .token(Digest::of(text.trim()), api.clock.now())
        .await?;
    token
        .map(|token| Caller {
            name: token.name,
            digest: token.digest,
        })
        .ok_or(refused)
}
