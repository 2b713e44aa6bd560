//! The demo's page over a world of cardboard, for whoever works on the page itself.
//!
//! `cargo run -p mikro2fa-http --example demo_page -- 8479`, then open <http://127.0.0.1:8479/demo>.

#![allow(clippy::print_stdout, reason = "an example")]

#[path = "../tests/demo_page/stub.rs"]
mod stub;

use std::sync::Arc;

use mikro2fa_http::{
    demo::page::{Language, filter},
    error::recover,
};
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/demo", listener.local_addr()?);
    let world = Arc::new(stub::StubWorld::new(Language::En));
    warp::serve(filter(world).recover(recover))
        .incoming(listener)
        .run()
        .await;
    Ok(())
}
