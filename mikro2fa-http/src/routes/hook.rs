//! `POST /hook/ppp`: a PPP profile's on-up or on-down script says that something happened on its router.
//!
//! The key in `X-Hook-Key` says which router, and proves nothing else: anybody who reads the router's configuration has
//! it. So a call is a hint that causes one look, whatever its body says. The body is not even parsed: RouterOS makes
//! JSON that is not always JSON (names that are not UTF-8), and a hint that is thrown away for its form is a look too late.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mikro2fa_core::{
    directory::Digest, entropy::Entropy, id::RouterId, store::StoreError, time::Timestamp,
};
use tokio::sync::Mutex;
use warp::{Filter, Reply, filters::BoxedFilter, http::StatusCode, reject, reply::Response};

use super::{Api, call};
use crate::{
    auth::Token,
    error::{Kind, Problem},
};

/// Enough for every variable of a hook, many times over.
const MAX_BODY: usize = 8 * 1024;

/// How long the routers' keys are believed: forged calls cost at most one look into the database in this time.
const FRESH: Duration = Duration::from_secs(2);

/// The keys of all routers, by digest, as they were read last.
#[derive(Debug, Default)]
pub(super) struct HookKeys(Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    read_at: Timestamp,
    routers: BTreeMap<String, RouterId>,
}

impl HookKeys {
    /// The router whose key this is.
    async fn router(&self, api: &Api, key: Digest) -> Result<Option<RouterId>, StoreError> {
        let mut known = self.0.lock().await;
        let now = api.clock.now();
        let fresh = known.take_if(|known| known.read_at + FRESH > now);
        let fresh = match fresh {
            Some(fresh) => fresh,
            None => Known {
                read_at: now,
                routers: routers(api).await?,
            },
        };
        let router = fresh.routers.get(&key.hex()).copied();
        *known = Some(fresh);
        Ok(router)
    }

    /// A key was changed here: it holds at once.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

async fn routers(api: &Api) -> Result<BTreeMap<String, RouterId>, StoreError> {
    let routers = api.directory.routers().await?;
    let keys = routers
        .into_iter()
        .filter_map(|router| Some((router.hook_key_hash?.to_string(), router.id)));
    Ok(keys.collect())
}

/// A fresh key, to be shown once.
pub(super) fn fresh_key(entropy: &dyn Entropy) -> Token {
    Token::fresh_hook_key(entropy)
}

pub(super) fn filter(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let api = Arc::clone(api);
    warp::path!("hook" / "ppp")
        .and(warp::post())
        .and(warp::header::optional::<String>("x-hook-key"))
        .and(warp::body::stream())
        .and(warp::any().map(move || Arc::clone(&api)))
        .and_then(|key: Option<String>, body, api: Arc<Api>| async move {
            let counted = async {
                let key = key
                    .filter(|key| Token::is_hook_key(key))
                    .ok_or(Problem::new(Kind::Unauthorized))?;
                call::read(body, MAX_BODY).await?;
                hint(&api, &key).await
            };
            let hinted = counted.await;
            api.metrics.hooked(hinted.is_ok());
            hinted.map_err(reject::custom)
        })
        .boxed()
}

/// A router that another node serves is looked at there by its own polling.
async fn hint(api: &Api, key: &str) -> Result<Response, Problem> {
    let router = api.hooks.router(api, Digest::of(key)).await?;
    let router =
        router.ok_or_else(|| Problem::with(Kind::Unauthorized, "X-Hook-Key is no router's key"))?;
    if let Err(error) = api.engine.tunnels_changed(router).await {
        tracing::debug!(%router, %error, "a hint was not taken");
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
