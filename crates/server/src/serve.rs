//! Assembly, and the life of the process: start, serve, go away in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use parlour::store::Logs;
use parlour::{
    Accounts, DoorPaths, Doors, DoorsConfig, Hub, HubConfig, Listener, RoomsHealth, Route,
};
use parlour_accounts::{Book, BookError};
use parlour_store_redb::Stores;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout};

use crate::control::ControlSocket;
use crate::goodbye::Goodbye;
use crate::pages::{self, BuiltIn};
use crate::settings::{Effective, Settings};
use crate::signals::{Signals, Wish};
use crate::tls::Certificate;
use crate::web_root::WebRoot;
use crate::{ServeError, control, data, listen, logs, settings, store, token};

/// What a server that listens can tell about itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listening {
    /// The real address.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub is_tls: bool,
    /// The certificate that it made for itself.
    pub self_signed: Option<SelfSigned>,
    /// Whether somebody has an account.
    pub has_users: bool,
    /// How it runs.
    pub settings: Settings,
}

/// A certificate that nobody vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfSigned {
    /// Its file, for clients that can be told to trust it.
    pub cert: PathBuf,
    /// Its SHA-256, as browsers show it.
    pub fingerprint: String,
}

/// Runs the server until SIGINT or SIGTERM. Then every client is closed with 1001, and this returns
/// within [`Settings::shutdown_timeout`]; a second signal makes it return at once. `announce` is
/// called when the server listens.
///
/// # Errors
/// [`ServeError`]: what to do stands in its text.
pub fn serve(effective: &Effective, announce: impl FnOnce(&Listening)) -> Result<(), ServeError> {
    let settings = effective.settings();
    logs::start(&settings.log, settings.log_format)?;
    let _lock = data::open_in_turn(&settings.data)?;
    raise_nofile_limit();

    let runtime = Runtime::new().map_err(|source| ServeError::System {
        what: "threads",
        source,
    })?;
    let served = runtime.block_on(async {
        let (parts, signals, listening) = assemble(effective).await?;
        announce(&listening);
        tracing::info!(address = %listening.address, tls = listening.is_tls, "listening");
        parts.run(settings, signals).await
    });
    // What hangs in a request of HTTP must not hold up the end.
    runtime.shutdown_background();
    served
}

/// Not fatal: with fewer files the server serves fewer clients, and says so when it comes to that.
fn raise_nofile_limit() {
    match parlour::raise_nofile_limit() {
        Ok(limit) => tracing::debug!(?limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}

/// What runs.
struct Parts {
    socket: TcpListener,
    certificate: Option<Certificate>,
    book: Book,
    stores: Option<Stores>,
    control: ControlSocket,
    hub: Hub,
    doors: Doors,
    web_root: Option<WebRoot>,
}

async fn assemble(effective: &Effective) -> Result<(Parts, Signals, Listening), ServeError> {
    let settings = effective.settings();
    let doors = doors_config(settings)?;
    let web_root = settings.web_root.as_deref();
    let web_root = web_root.map(|path| WebRoot::open(path, effective));
    let web_root = web_root.transpose()?;
    let (certificate, self_signed) = Certificate::of(settings)?.unzip();
    let book = open_book(settings).await?;
    let has_users = !book.list_after(None, 1).await?.is_empty();
    let stores = store::open(effective).await?;
    let control = ControlSocket::bind(&settings.data)?;
    let signals = Signals::catch(certificate.is_some())?;
    let socket = listen::listen(settings.address)?;
    let address = socket.local_addr().map_err(|source| ServeError::System {
        what: "its own address",
        source,
    })?;
    let hub = Hub::start(HubConfig {
        limits: settings.limits.clone(),
        rooms: settings.room_kinds(),
        store: stores
            .clone()
            .map(|stores| Arc::new(stores) as Arc<dyn Logs>),
        ..HubConfig::default()
    })?;
    let accounts: Arc<dyn Accounts> = Arc::new(book.clone());
    let doors = Doors::with(
        &hub,
        DoorsConfig {
            bind: address,
            accounts: Some(accounts),
            rooms: (stores.clone()).map(|it| Arc::new(store::Health(it)) as Arc<dyn RoomsHealth>),
            ..doors
        },
    );
    book.on_ended({
        let doors = doors.clone();
        move |session| doors.end_session(session)
    });
    let listening = Listening {
        address,
        is_tls: certificate.is_some(),
        self_signed: self_signed.flatten(),
        has_users,
        settings: settings.clone(),
    };
    let parts = Parts {
        socket,
        certificate,
        book,
        stores,
        control,
        hub,
        doors,
        web_root,
    };
    Ok((parts, signals, listening))
}

/// Who ends lets go of the directory a moment before the file.
async fn open_book(settings: &Settings) -> Result<Book, BookError> {
    let path = settings.data.join(Book::FILE_NAME);
    let deadline = Instant::now() + data::TURN_TIME;
    loop {
        match Book::open(&path, settings.accounts.clone()) {
            Err(BookError::InUse(_)) if Instant::now() < deadline => sleep(data::TURN_PAUSE).await,
            done => return done,
        }
    }
}

fn doors_config(settings: &Settings) -> Result<DoorsConfig, ServeError> {
    Ok(DoorsConfig {
        is_tls: settings.is_tls(),
        guests: settings.guests,
        origins: settings.origins.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        paths: settings.paths.checked()?,
        plain_room: settings.plain_room.clone(),
        subscribe_room: settings.subscribe_room.clone(),
        compression: settings.compression,
        open_doors: settings.doors.iter().map(|door| opened(*door)).collect(),
        publish_token: token::read(settings.publish_token_file.as_deref(), "publish-token-file")?,
        operator_token: token::read(
            settings.operator_token_file.as_deref(),
            "operator-token-file",
        )?,
        limits: settings.door_limits.clone(),
        ..DoorsConfig::new(settings.address)
    })
}

fn opened(door: settings::Door) -> parlour::Door {
    match door {
        settings::Door::Echo => parlour::Door::Echo,
        settings::Door::Plain => parlour::Door::Plain,
        settings::Door::Subscribe => parlour::Door::Subscribe,
        settings::Door::Publish => parlour::Door::Publish,
        settings::Door::Debug => parlour::Door::Debug,
    }
}

impl Parts {
    async fn run(self, settings: &Settings, mut signals: Signals) -> Result<(), ServeError> {
        let mut listener = Listener::new(self.socket)
            .limits(settings.listener_limits)?
            .trusted_proxies(settings.trusted_proxies.clone())
            .urgent(watched_paths(&settings.paths.checked()?));
        if let Some(certificate) = &self.certificate {
            listener = listener.tls(certificate.keys.clone());
        }
        let goodbye = Goodbye::new(
            self.hub.clone(),
            self.stores.clone(),
            settings.shutdown_timeout,
        );
        let http = tokio::spawn(listener.serve(
            app(&self.doors, &settings.paths.checked()?, self.web_root),
            goodbye.begun(),
        ));
        let book = self.book.clone();
        let tidying = tokio::spawn({
            let book = book.clone();
            async move { book.keep_tidy().await }
        });
        if let Some(certificate) = self.certificate.clone() {
            tokio::spawn(async move { certificate.keep_good().await });
        }
        let control = tokio::spawn(control::serve(
            self.control,
            self.book,
            self.stores,
            self.doors,
        ));

        let signal = loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Stop(signal) => break signal,
                    Wish::Reload => reload(self.certificate.as_ref()),
                },
                () = self.hub.failed() => return Err(ServeError::Failed),
            }
        };
        let connections = self.hub.connections();
        tracing::info!(signal, connections, "going away: closing all clients");
        tidying.abort();
        control.abort();
        let ending = async {
            let last_uses = timeout(settings.shutdown_timeout, book.tidy());
            let (cut, tidied) = tokio::join!(goodbye.say(http), last_uses);
            if let Ok(Err(error)) = tidied {
                tracing::warn!(%error, "when sessions were used last was not written");
            }
            cut
        };
        tokio::select! {
            cut = ending => {
                log_counts(&self.hub, cut);
                Ok(())
            }
            _ = signals.next_stop() => Err(ServeError::StoppedAtOnce),
        }
    }
}

fn reload(certificate: Option<&Certificate>) {
    match certificate.map(Certificate::reload) {
        Some(Ok(())) => {
            tracing::info!("SIGHUP: the certificate was read again and is served from now on");
        }
        Some(Err(error)) => tracing::error!(%error, "SIGHUP: the certificate stays as it was"),
        None => {}
    }
}

/// Who asks for these watches over the server, and most of all when it has much to do.
fn watched_paths(paths: &DoorPaths) -> [String; 2] {
    [Route::Health, Route::Debug].map(|route| paths.of(route).as_str().to_owned())
}

fn app(doors: &Doors, paths: &DoorPaths, web_root: Option<WebRoot>) -> Router {
    let routes = match web_root {
        Some(web_root) => doors
            .routes()
            .fallback(move |request| web_root.clone().answer(request)),
        None => {
            let page = BuiltIn::new(paths);
            doors
                .routes()
                .fallback(move |request| page.clone().answer(request))
        }
    };
    routes.layer(map_response(pages::protect))
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
