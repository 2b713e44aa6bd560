//! The control port: the simulator's other side, for tests in any language. JSON over HTTP/1.1 on the loopback interface.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET /` | | version, identity, where the API and SSH listen, what they show, its users with their passwords |
//! | `GET /tunnels` | | the live tunnels, oldest first |
//! | `POST /dial` | `account`, `password`, perhaps `service`, `caller_id`, `redial_ms` | the tunnel; 409 where the router refuses |
//! | `POST /hang-up`, `POST /crash` | `tunnel` or `account` | how many |
//! | `POST /give-up` | `account` | its clients dial no more by themselves |
//! | `POST /accounting` | `stops_lost`: do accounting stops get lost on their way to the User Manager? | |
//! | `GET /clock` | | `now_ms` since the clock began, `runs` |
//! | `POST /clock/advance` | `ms` | the clock, moved forward |
//! | `POST /clock/date` | `unix`, in seconds | |
//! | `POST /faults` | `fault`; perhaps `command` or `menu`, `user`, `skip`, `times` | its `id` |
//! | `DELETE /faults/ID`, `DELETE /faults` | | one fault is over, or all of them and any unreachability |
//! | `POST /reboot`, `POST /cut` | | starts again; closes every connection |
//! | `POST /reachability` | `reachability`: `reachable`, `refusing` or `silent` | |
//! | `POST /would-pass`, `POST /send` | `from`, `to`, perhaps `protocol`, `port`, `from_port`, `state`, `source`, `destination` | `verdict`, `why`, `rule`, `fasttracked` |
//! | `GET /menus` | | the paths of the menus that this version has |
//! | `GET /catalogue` | | the same with the commands and properties of each |
//! | `GET /quirks` | | the switches for what no source settles, each with its name and what it does |
//! | `POST /quirks` | `switch`, a name | turns it |
//! | `DELETE /quirks` | | all of them stand as at the start |
//! | `GET /rows/ppp/secret` | | the rows of that menu |
//! | `POST /administer` | `command`, perhaps `attributes` | `ret`; 409 with the text of the trap |
//! | `GET /commands`, `DELETE /commands` | | every command received, without its values; forgets them |
//! | `GET /unknown` | | what was asked for that the router does not have or the simulator does not know; lines of the console whole, with their values |
//! | `POST /console` | `line` | types a line at the router itself; what it prints |
//! | `GET /events` | | what happened |
//!
//! A `fault` has a `kind`: `latency` and `late` with `ms`, `lose-reply`, `cut-before`, `cut-after`, `cut-mid-reply` with `bytes`,
//! `partial` with `rows` and `then` (`"silence"`, `"cut"` or `{"trap": TEXT}`), `trap` with `message` and perhaps `category`,
//! `refuse-login`, `fatal` with `reason`, `stall`, `garbage` with `bytes`, an array of numbers. Where a packet comes from and goes
//! to is `"router"`, an address, `{"tunnel": ID}`, or `{"host": ADDRESS, "behind": INTERFACE}`.
//!
//! An error is `{"error": TEXT}`. Whoever reaches the port may do everything, so it answers only to requests for a loopback
//! name, and to none that a web page sent.

mod answer;
mod ask;
mod catalogue;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HOST, HeaderValue, ORIGIN},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::{Quirks, Simulator, StartError, api_server};

/// Connections at a time; more wait.
const MAX_CONNECTIONS: usize = 64;
/// What a request may hold.
const MAX_BODY: usize = 1 << 20;
/// How long a request's head, and then its body, may take.
const REQUEST: Duration = Duration::from_secs(15);
/// A pause where the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// A simulator's control port. It keeps the simulator running, and closes when it is dropped.
///
/// ```
/// use mikro2fa_router::simulator::{Control, Simulator};
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sim = Simulator::builder().account("ann", "pw").start().await?;
/// let control = Control::start(&sim, 0).await?;
///
/// let mut stream = tokio::net::TcpStream::connect(control.address()).await?;
/// let body = r#"{"account": "ann", "password": "pw"}"#;
/// let head = "POST /dial HTTP/1.1\r\nhost: localhost\r\nconnection: close";
/// stream.write_all(format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK"));
/// assert_eq!(sim.tunnel_count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    server: AbortHandle,
}

impl Control {
    /// Listens on this port of 127.0.0.1, 0 = a free one.
    ///
    /// # Errors
    ///
    /// [`StartError::Port`] where the port cannot be had.
    #[expect(
        clippy::unused_async,
        reason = "it must run inside a runtime, as the simulator's own start"
    )]
    pub async fn start(sim: &Simulator, port: u16) -> Result<Self, StartError> {
        let cannot = |source| StartError::Port { port, source };
        let listener = api_server::listen(port).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let server = tokio::spawn(serve(listener, sim.clone())).abort_handle();
        Ok(Self { address, server })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, sim: Simulator) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Ends all of them when this task is ended.
    let mut connections = JoinSet::new();
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let sim = sim.clone();
                connections.spawn(async move {
                    let _slot = slot;
                    talk(stream, &sim).await;
                });
            }
            Err(_) => tokio::time::sleep(NO_ROOM).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn talk(stream: TcpStream, sim: &Simulator) {
    // Small answers are to leave at once; where that cannot be set they leave a little later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(request, sim).await));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .serve_connection(TokioIo::new(stream), service);
    // A client that leaves early is no concern of ours.
    let _ = served.await;
}

/// Why a request is not done.
#[derive(Debug)]
struct Refusal(StatusCode, String);

type Answer = Result<Value, Refusal>;

impl Refusal {
    fn of(status: StatusCode, why: impl Into<String>) -> Self {
        Self(status, why.into())
    }

    /// The router itself says no.
    fn by_router(why: impl Into<String>) -> Self {
        Self::of(StatusCode::CONFLICT, why)
    }

    fn bad(why: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, why)
    }
}

async fn answer(request: Request<Incoming>, sim: &Simulator) -> Response<Full<Bytes>> {
    let (status, value) = match handle(request, sim).await {
        Ok(value) => (StatusCode::OK, value),
        Err(Refusal(status, why)) => (status, json!({ "error": why })),
    };
    let mut response = Response::new(Full::from(format!("{value}\n")));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

async fn handle(request: Request<Incoming>, sim: &Simulator) -> Answer {
    let (head, body) = request.into_parts();
    if !is_meant_for_us(&head.headers) || head.uri.host().is_some_and(|host| !is_loopback(host)) {
        return Err(Refusal::of(
            StatusCode::FORBIDDEN,
            "the control port answers to 127.0.0.1, localhost and [::1] only, and to no web page",
        ));
    }
    let collected = timeout(REQUEST, Limited::new(body, MAX_BODY).collect()).await;
    let body = match collected {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return Err(Refusal::bad(
                "the body is cut off, or longer than a mebibyte",
            ));
        }
        Err(_) => {
            return Err(Refusal::of(
                StatusCode::REQUEST_TIMEOUT,
                "the body took too long",
            ));
        }
    };
    route(&head.method, head.uri.path(), &body, sim)
}

/// Names that lead here from elsewhere (DNS rebinding) are refused, and so is what a browser sends for a page.
fn is_meant_for_us(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let ours = host.is_some_and(|host| {
        let port = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        is_loopback(port.map_or(host, |(name, _)| name))
    });
    ours && hosts.next().is_none() && !headers.contains_key(ORIGIN)
}

fn is_loopback(name: &str) -> bool {
    name == "127.0.0.1" || name == "[::1]" || name.eq_ignore_ascii_case("localhost")
}

/// The whole table. Nothing in it waits.
fn route(method: &Method, path: &str, body: &[u8], sim: &Simulator) -> Answer {
    if let (&Method::GET, Some(menu)) = (method, path.strip_prefix("/rows/")) {
        return answer::rows(sim, &format!("/{menu}"));
    }
    if let (&Method::DELETE, Some(id)) = (method, path.strip_prefix("/faults/")) {
        return ask::clear_fault(sim, id);
    }
    match (method.as_str(), path) {
        ("GET", "/") => Ok(answer::about(sim)),
        ("GET", "/menus") => Ok(answer::menus(sim)),
        ("GET", "/catalogue") => Ok(catalogue::catalogue(sim)),
        ("GET", "/tunnels") => Ok(answer::tunnels(sim)),
        ("POST", "/dial") => read::<ask::Dialling>(body)?.act(sim),
        ("POST", "/hang-up") => read::<ask::Whose>(body)?.end(sim, |tunnel| tunnel.hang_up()),
        ("POST", "/crash") => read::<ask::Whose>(body)?.end(sim, |tunnel| tunnel.crash()),
        ("POST", "/give-up") => {
            let account = read::<ask::Account>(body)?.account;
            done(|| sim.give_up(&account))
        }
        ("POST", "/accounting") => {
            let asked = read::<ask::Accounting>(body)?;
            done(|| sim.lose_accounting_stops(asked.stops_lost))
        }
        ("GET", "/clock") => Ok(answer::clock(sim)),
        ("POST", "/clock/advance") => read::<ask::Advance>(body)?.act(sim),
        ("POST", "/clock/date") => {
            let date = read::<ask::Date>(body)?.unix;
            done(|| sim.set_date(date))
        }
        ("POST", "/faults") => read::<ask::Injection>(body)?.act(sim),
        ("DELETE", "/faults") => done(|| sim.clear_faults()),
        ("POST", "/reboot") => done(|| sim.reboot()),
        ("POST", "/cut") => done(|| sim.cut_connections()),
        ("POST", "/reachability") => {
            let reachability = read::<ask::Reach>(body)?.reachability.into();
            done(|| sim.set_reachability(reachability))
        }
        ("POST", "/would-pass") => {
            let flow = read::<ask::Packet>(body)?.flow(sim)?;
            Ok(answer::passage(&sim.would_pass(&flow)))
        }
        ("POST", "/send") => {
            let flow = read::<ask::Packet>(body)?.flow(sim)?;
            Ok(answer::passage(&sim.send(&flow)))
        }
        ("POST", "/administer") => read::<ask::Order>(body)?.act(sim),
        ("GET", "/quirks") => Ok(answer::quirks()),
        ("POST", "/quirks") => read::<ask::Turn>(body)?.act(sim),
        ("DELETE", "/quirks") => done(|| sim.set_quirks(|quirks| *quirks = Quirks::default())),
        ("GET", "/commands") => Ok(answer::commands(sim)),
        ("DELETE", "/commands") => done(|| sim.clear_commands()),
        ("GET", "/unknown") => Ok(answer::unknown(sim)),
        ("POST", "/console") => read::<ask::Typed>(body)?.act(sim),
        ("GET", "/events") => Ok(answer::events(sim)),
        _ => Err(Refusal::of(
            StatusCode::NOT_FOUND,
            format!("there is no {method} {path}"),
        )),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad(format!("the body cannot be used: {error}")))
}

#[expect(clippy::unnecessary_wraps, reason = "it ends the arms of the table")]
fn done(act: impl FnOnce()) -> Answer {
    act();
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn meant(headers: &[(HeaderName, &'static str)]) -> bool {
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        is_meant_for_us(&map)
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8780",
            "localhost:1",
            "LOCALHOST",
            "[::1]",
            "[::1]:8780",
        ] {
            assert!(meant(&[(HOST, host)]), "{host}");
        }
        for host in [
            "",
            "example.org",
            "127.0.0.1.example.org:80",
            "localhost.",
            "::1",
            "10.0.0.1",
            "localhost:x",
        ] {
            assert!(!meant(&[(HOST, host)]), "{host}");
        }
        assert!(!meant(&[]));
        assert!(!meant(&[(HOST, "localhost"), (HOST, "localhost")]));
        assert!(!meant(&[(HOST, "localhost"), (ORIGIN, "null")]));
    }
}
