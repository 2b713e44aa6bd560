//! The demo: a simulated router, a stand-in for Telegram, the real engine and bot between them, and a page to play with.

pub mod clock;
mod live;
pub mod page;
pub mod script;
mod timeline;
pub mod world;

use std::sync::Arc;

use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

pub use self::world::Trouble;
use crate::error;

/// A fresh world for the page.
///
/// # Errors
///
/// In a sentence, what could not be started.
pub async fn live(language: page::Language) -> Result<Arc<dyn page::DemoWorld>, Trouble> {
    Ok(live::Live::start(language).await?)
}

/// The page's addresses, complete: whatever happens is answered.
pub fn filter(world: Arc<dyn page::DemoWorld>) -> BoxedFilter<(Response,)> {
    page::filter(world)
        .recover(error::recover)
        .map(Reply::into_response)
        .boxed()
}
