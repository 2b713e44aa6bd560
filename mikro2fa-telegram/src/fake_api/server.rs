//! HTTP: `/bot<token>/<method>`, one call a request.

use std::{io, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

use super::{
    Shared,
    faults::Fault,
    methods,
    params::Params,
    polling,
    refusal::Refusal,
    world::{CallOutcome, World, chat_of},
};

/// Longest request body taken. The real server takes more, for files, which the fake does not have.
const BODY_LENGTH: usize = 1024 * 1024;

type Answer = Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the fake server closes the connection, as a fault rule said")
    }
}

impl std::error::Error for HangUp {}

/// Serves until dropped; its connections end with it. A door that is shut refuses whoever comes.
pub(super) async fn serve(
    mut doors: mpsc::UnboundedReceiver<Option<std::net::TcpListener>>,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut open: Option<TcpListener> = None;
    loop {
        tokio::select! {
            biased;
            door = doors.recv() => match door {
                Some(door) => open = door.map(TcpListener::from_std).transpose()?,
                None => return Ok(()),
            },
            Some(_) = connections.join_next() => {}
            stream = accept(open.as_ref()) => {
                connections.spawn(connection(stream?, Arc::clone(&shared)));
            }
        }
    }
}

async fn accept(open: Option<&TcpListener>) -> io::Result<TcpStream> {
    match open {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Best effort: without it an answer may wait for the caller's acknowledgement, and nothing else changes.
    let _ = stream.set_nodelay(true);
    let mut down = shared.down.subscribe();
    let service = service_fn(|request| handle(Arc::clone(&shared), request));
    tokio::select! {
        biased;
        _ = down.wait_for(|down| *down) => {}
        // A caller that went away, or a fault: either way there is nobody to tell.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
    }
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, HangUp> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().map(str::to_owned);
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let Ok(body) = Limited::new(request.into_body(), BODY_LENGTH)
        .collect()
        .await
    else {
        return Ok(refused(&Refusal::new(413, "Request Entity Too Large")));
    };
    let method = match shared.peek(|world| route(world, &path)) {
        Ok(method) => method,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    match Params::from_request(query.as_deref(), &content_type, &body.to_bytes()) {
        Ok(params) => call(&shared, method, params).await,
        Err(words) => Ok(refused(&Refusal::new(400, words))),
    }
}

/// Which method a path names, if the token in it is ours.
fn route(world: &World, path: &str) -> Result<&'static str, Refusal> {
    let (token, method) = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(Refusal::not_found)?;
    let well_formed = token.split_once(':').is_some_and(|(id, secret)| {
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && !secret.is_empty()
    });
    if !well_formed {
        return Err(Refusal::malformed_token());
    }
    if token != world.token || world.revoked {
        return Err(Refusal::unauthorized());
    }
    methods::canonical(method).ok_or_else(Refusal::method_not_found)
}

async fn call(
    shared: &Arc<Shared>,
    method: &'static str,
    params: Params,
) -> Result<Answer, HangUp> {
    let value = params.clone().into_value();
    let chat = chat_of(&value);
    let now = shared.clock.now();
    let (seq, fault) = shared.change(|world| {
        (
            world.record(method, value, now),
            shared.meet_fault(method, chat),
        )
    });
    let _running = (method != "getUpdates").then(|| Running::new(shared));
    match fault {
        None => Ok(answer(shared, seq, done(shared, method, &params).await).await),
        Some(fault) => call_with(shared, seq, method, &params, fault).await,
    }
}

async fn call_with(
    shared: &Arc<Shared>,
    seq: u64,
    method: &'static str,
    params: &Params,
    fault: Fault,
) -> Result<Answer, HangUp> {
    let faulted = || shared.change(|world| world.conclude(seq, CallOutcome::Faulted));
    match fault {
        Fault::Refuse(refusal) => Ok(answer(shared, seq, Err(refusal)).await),
        Fault::BadGateway => {
            faulted();
            Ok(page(
                StatusCode::BAD_GATEWAY,
                "<html><head><title>502 Bad Gateway</title></head></html>",
            ))
        }
        Fault::LoseCall => {
            faulted();
            Err(HangUp)
        }
        Fault::LoseReply => {
            let _ = done(shared, method, params).await;
            faulted();
            Err(HangUp)
        }
        Fault::LoseMessage => {
            let result = undone(shared, method, params).await;
            faulted();
            Ok(respond(&result))
        }
        Fault::Stall => {
            shared.stall().await;
            Ok(answer(shared, seq, done(shared, method, params).await).await)
        }
        Fault::StallReply => {
            let result = done(shared, method, params).await;
            shared.stall().await;
            Ok(answer(shared, seq, result).await)
        }
    }
}

async fn done(
    shared: &Arc<Shared>,
    method: &'static str,
    params: &Params,
) -> Result<Value, Refusal> {
    if method == "getUpdates" {
        return polling::get_updates(shared, params).await;
    }
    let now = shared.clock.now();
    shared.change(|world| methods::perform(world, now, method, params))
}

/// Does a call and takes back what it did to chats and taps.
async fn undone(
    shared: &Arc<Shared>,
    method: &'static str,
    params: &Params,
) -> Result<Value, Refusal> {
    if method == "getUpdates" {
        return polling::get_updates(shared, params).await;
    }
    let now = shared.clock.now();
    shared.change(|world| {
        let (chats, taps) = (world.chats.clone(), world.taps.clone());
        let result = methods::perform(world, now, method, params);
        (world.chats, world.taps) = (chats, taps);
        result
    })
}

async fn answer(shared: &Arc<Shared>, seq: u64, result: Result<Value, Refusal>) -> Answer {
    if let Err(refusal) = &result
        && !refusal.delay.is_zero()
    {
        shared.clock.pause(refusal.delay).await;
    }
    let outcome = match &result {
        Ok(_) => CallOutcome::Done,
        Err(refusal) => CallOutcome::Refused(refusal.clone()),
    };
    shared.change(|world| world.conclude(seq, outcome));
    respond(&result)
}

fn respond(result: &Result<Value, Refusal>) -> Answer {
    match result {
        Ok(value) => json_answer(StatusCode::OK, &json!({ "ok": true, "result": value })),
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let status = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = json_answer(status, &refusal.body());
    if let Some(seconds) = refusal.retry_after {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn json_answer(status: StatusCode, value: &Value) -> Answer {
    with_type(status, value.to_string(), "application/json")
}

fn page(status: StatusCode, html: &str) -> Answer {
    with_type(status, html.to_owned(), "text/html")
}

fn with_type(status: StatusCode, body: String, kind: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A call that is being worked on.
struct Running(Arc<Shared>);

impl Running {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.change(|world| world.in_flight += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.change(|world| world.in_flight -= 1);
    }
}
