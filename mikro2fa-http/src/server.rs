//! The accept loop: plain HTTP/1.1 on a listener that is bound already, so that a port in use is an error and not a panic.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use warp::{filters::BoxedFilter, reply::Response};

/// Connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 1024;

/// How long a request's head may take, and a connection stay without one.
const HEAD_TIME: Duration = Duration::from_secs(15);

/// What a head may hold.
const MAX_HEAD: usize = 32 * 1024;

/// How long running requests may take once the server stops.
const LAST_CALL: Duration = Duration::from_secs(3);

/// A pause where the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Why an address can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else serves there.
    #[error(
        "{address} is in use: another mikro2fa may be running; stop it, or set another address"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// Ports below 1024 are the system's.
    #[error(
        "{address} may not be served by this user: use a port above 1023, or give the right to (CAP_NET_BIND_SERVICE)"
    )]
    NotAllowed {
        /// The address.
        address: SocketAddr,
    },
    /// Another reason.
    #[error("{address} can't be served")]
    Other {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens there.
///
/// # Errors
///
/// [`BindError`] says why not.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address },
            io::ErrorKind::PermissionDenied => BindError::NotAllowed { address },
            _ => BindError::Other { address, source },
        })
}

/// Serves until `stop`, then lets running requests end for a moment and cuts the rest.
///
/// Dropping the future cuts everything at once.
pub async fn serve(
    listener: TcpListener,
    filter: BoxedFilter<(Response,)>,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, accept(&listener).await)
        };
        let (slot, stream) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        while connections.try_join_next().is_some() {}
        let service = TowerToHyperService::new(warp::service(filter.clone()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            let _slot = slot;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST_CALL, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("requests that took too long were cut at the end");
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and waited for.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use warp::{Filter, Reply};

    use super::*;

    fn hello() -> BoxedFilter<(Response,)> {
        warp::path!("hello").map(|| "hello".into_response()).boxed()
    }

    async fn here() -> (TcpListener, SocketAddr) {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn serves_and_stops() {
        let (listener, address) = here().await;
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, hello(), stop.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut begin = [0; 15];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200 OK");
        stop.cancel();
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let (_listener, address) = here().await;
        let error = bind(address).await.unwrap_err();
        assert!(error.to_string().contains("is in use"), "{error}");
    }
}
