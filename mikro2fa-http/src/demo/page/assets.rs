//! The page's files, built in.

use warp::{
    Reply,
    http::{HeaderValue, header},
    reply::Response,
};

/// Only what this server sends, nothing inline, no frames around it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The page itself.
pub(super) fn index() -> Response {
    reply(
        include_str!("../../../assets/demo/index.html"),
        "text/html; charset=utf-8",
    )
}

/// One of its files.
pub(super) fn file(name: &str) -> Option<Response> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let (text, media) = match name {
        "demo.css" => (
            include_str!("../../../assets/demo/demo.css"),
            "text/css; charset=utf-8",
        ),
        "demo.js" => (include_str!("../../../assets/demo/demo.js"), SCRIPT),
        "dom.js" => (include_str!("../../../assets/demo/dom.js"), SCRIPT),
        "draw.js" => (include_str!("../../../assets/demo/draw.js"), SCRIPT),
        "markup.js" => (include_str!("../../../assets/demo/markup.js"), SCRIPT),
        "time.js" => (include_str!("../../../assets/demo/time.js"), SCRIPT),
        "words.js" => (include_str!("../../../assets/demo/words.js"), SCRIPT),
        "icon.svg" => (
            include_str!("../../../assets/demo/icon.svg"),
            "image/svg+xml",
        ),
        _ => return None,
    };
    Some(reply(text, media))
}

fn reply(text: &'static str, media: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
