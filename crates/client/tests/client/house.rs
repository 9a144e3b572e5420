//! A server in this process, and a wire to it that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlour::{Doors, DoorsConfig, Hub, HubConfig, Listener, TlsKeys};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::users::Users;

/// A server with the user `ann`, whose password is `right`.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) doors: Doors,
    pub(crate) users: Arc<Users>,
    serving: JoinHandle<()>,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut HubConfig, &mut DoorsConfig)) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), None, configure).await
    }

    /// At this address, with TLS or without.
    pub(crate) async fn at(
        address: SocketAddr,
        keys: Option<TlsKeys>,
        configure: impl FnOnce(&mut HubConfig, &mut DoorsConfig),
    ) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let socket = socket.listen(64).unwrap();
        let address = socket.local_addr().unwrap();
        let users = Arc::new(Users::of(&[("ann", "right")]));
        let mut doors = DoorsConfig::new(address);
        doors.accounts = Some(users.clone());
        doors.is_tls = keys.is_some();
        let mut hub = HubConfig::default();
        configure(&mut hub, &mut doors);
        let hub = Hub::start(hub).unwrap();
        let doors = Doors::with(&hub, doors);
        let listener = Listener::new(socket);
        let listener = match keys {
            Some(keys) => listener.tls(keys),
            None => listener,
        };
        let routes = doors.routes();
        let serving = tokio::spawn(async move {
            listener.serve(routes, std::future::pending()).await;
        });
        Self {
            address,
            hub,
            doors,
            users,
            serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Goes away as a server that stops: every client is told.
    pub(crate) async fn stop(self) -> SocketAddr {
        self.serving.abort();
        let _ = self.serving.await;
        self.hub.shutdown(Duration::from_secs(10)).await;
        self.address
    }
}

/// Passes bytes on, until it is cut.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    cut: watch::Sender<bool>,
    passing: JoinHandle<()>,
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_cut) = watch::channel(false);
        let passing = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(near, server, is_cut.clone()));
            }
        });
        Self {
            address,
            cut,
            passing,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Drops all connections without a word, and every new one until it is mended.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    pub(crate) fn mend(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

async fn pass(mut near: TcpStream, server: SocketAddr, mut is_cut: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect(server).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = is_cut.wait_for(|cut| *cut) => {}
    }
}
