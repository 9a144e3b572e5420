//! Assembly, and the life of the process: start, serve, go away in order.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use parlour::{Doors, Hub, HubConfig, Limits};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::signals::Signals;
use crate::{MESSAGE_BYTES_LIMIT, ServeError, ServeOptions, data, listen, logs, pages};

/// For clients to take their close frame and to answer it; then they are cut. With the time for
/// requests under way this stays below the 10 s that a stop may take.
const GOODBYE_TIME: Duration = Duration::from_secs(8);
/// For HTTP requests that are under way at the stop.
const HTTP_GRACE: Duration = Duration::from_secs(1);

/// Runs the server until SIGINT or SIGTERM. Then every client is closed with 1001, and this returns
/// within 10 s; a second signal makes it return at once. `announce` is called when the server
/// listens, with the real address.
///
/// # Errors
/// [`ServeError`]: what to do stands in its text.
pub fn serve(options: &ServeOptions, announce: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    logs::start(&options.log, options.log_format)?;
    let limits = limits(options)?;
    let address = listen::parse(&options.address)?;
    let _lock = data::open(&options.data)?;
    raise_nofile_limit();

    let runtime = Runtime::new().map_err(|source| ServeError::System {
        what: "threads",
        source,
    })?;
    let served = runtime.block_on(async {
        let signals = Signals::catch()?;
        let listener = listen::listen(address)?;
        let address = listener.local_addr().map_err(|source| ServeError::System {
            what: "its own address",
            source,
        })?;
        let hub = Hub::start(HubConfig {
            limits,
            ..HubConfig::default()
        })?;
        announce(address);
        tracing::info!(%address, "listening");
        run(listener, address, &hub, signals).await
    });
    // What hangs in a request of HTTP must not hold up the end.
    runtime.shutdown_background();
    served
}

fn limits(options: &ServeOptions) -> Result<Limits, ServeError> {
    let message_bytes_max = options.message_bytes_max;
    if !(1..=MESSAGE_BYTES_LIMIT).contains(&message_bytes_max) {
        return Err(ServeError::MessageBytes);
    }
    Ok(Limits {
        message_bytes_max,
        ..Limits::default()
    })
}

/// Not fatal: with fewer files the server serves fewer clients, and says so when it comes to that.
fn raise_nofile_limit() {
    match parlour::raise_nofile_limit() {
        Ok(limit) => tracing::debug!(?limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}

async fn run(
    listener: TcpListener,
    address: SocketAddr,
    hub: &Hub,
    mut signals: Signals,
) -> Result<(), ServeError> {
    let app = app(&Doors::new(hub, address));
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let http = tokio::spawn(parlour::serve(listener, app, stopped));

    let signal = tokio::select! {
        signal = signals.next() => signal,
        () = hub.failed() => return Err(ServeError::Failed),
    };
    tracing::info!(
        signal,
        connections = hub.connections(),
        "going away: closing all clients"
    );
    let goodbye = async {
        drop(stop);
        // Whoever is told to go must not find an open door.
        let under_way = http.await;
        let cut = hub.shutdown(GOODBYE_TIME).await;
        if let Ok(under_way) = under_way {
            under_way.finish(HTTP_GRACE).await;
        }
        cut
    };
    tokio::select! {
        cut = goodbye => {
            log_counts(hub, cut);
            Ok(())
        }
        _ = signals.next() => Err(ServeError::StoppedAtOnce),
    }
}

fn app(doors: &Doors) -> Router {
    doors
        .routes()
        .fallback(pages::answer)
        .layer(map_response(pages::protect))
}

fn log_counts(hub: &Hub, cut: usize) {
    let counts = hub.stats();
    tracing::info!(
        connections = counts.attached,
        entries = counts.entries,
        sends = counts.sends,
        sent_bytes = counts.sent_bytes,
        blocked_sends = counts.blocked_sends,
        replays = counts.replays,
        gaps = counts.gaps,
        refusals = counts.refusals,
        slow_closes = counts.slow_closes,
        silent_closes = counts.silent_closes,
        failures = counts.failures,
        cut,
        "stopped"
    );
}
