//! A server in this process, accounts in memory, and clients that speak HTTP byte by byte.

#![allow(dead_code, reason = "each test binary uses its part")]

mod client;
mod faulty;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlour::{Doors, DoorsConfig, Hub, HubConfig};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) use client::{Answer, Request, Socket, request, upgrade};
#[allow(unused_imports, reason = "as above")]
pub(crate) use faulty::{Fate, Faulty};
pub(crate) use users::Users;

/// How long a client waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a loopback port, with the users `ann` (password `right`) and `bob` (`also right`).
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) doors: Doors,
    pub(crate) users: Arc<Users>,
    runtime: Option<Runtime>,
}

impl House {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// Doors as `configure` has them; on loopback, with accounts, without limits of sign-ins.
    pub(crate) fn with(configure: impl FnOnce(&mut DoorsConfig)) -> Self {
        Self::with_hub(HubConfig::default(), configure)
    }

    /// A server that seems to listen on a public address.
    pub(crate) fn public(configure: impl FnOnce(&mut DoorsConfig)) -> Self {
        Self::with(|config| {
            config.bind.set_ip([0, 0, 0, 0].into());
            configure(config);
        })
    }

    pub(crate) fn with_hub(hub: HubConfig, configure: impl FnOnce(&mut DoorsConfig)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let users = Arc::new(Users::of(&[("ann", "right"), ("bob", "also right")]));
        let mut config = DoorsConfig::new(address);
        config.accounts = Some(users.clone());
        config.limits.logins_per_minute_per_address = 0;
        config.limits.failed_logins_per_minute_per_name = 0;
        configure(&mut config);
        let hub = runtime.block_on(async { Hub::start(hub).unwrap() });
        let doors = Doors::with(&hub, config);
        runtime.spawn(parlour::serve(
            listener,
            doors.routes(),
            std::future::pending(),
        ));
        Self {
            address,
            hub,
            doors,
            users,
            runtime: Some(runtime),
        }
    }

    /// Waits for what the application does in this process.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        Socket::open(self.address).ask(request)
    }

    pub(crate) fn log_in(&self, name: &str, password: &str) -> Answer {
        self.send(&login(name, password))
    }

    /// Signs `ann` in; her session's secret and her first ticket.
    pub(crate) fn ann(&self) -> (String, String) {
        let answer = self.log_in("ann", "right");
        assert_eq!(answer.status, 200, "{answer:?}");
        (answer.text("session"), answer.text("otp"))
    }

    /// A guest's ticket.
    pub(crate) fn guest_ticket(&self) -> String {
        let answer = self.send(&request("POST", "/ticket"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("otp")
    }

    /// What a ticket opens `/ws` with.
    pub(crate) fn status_of(&self, ticket: &str) -> u16 {
        self.send(&upgrade(&format!("/ws?otp={ticket}"))).status
    }

    /// A connection that `ticket` has opened.
    pub(crate) fn connect(&self, ticket: &str) -> Socket {
        let mut socket = Socket::open(self.address);
        let answer = socket.ask(&upgrade(&format!("/ws?otp={ticket}")));
        assert_eq!(answer.status, 101, "{answer:?}");
        socket
    }

    pub(crate) fn shut_down(&self, grace: Duration) -> usize {
        self.runtime
            .as_ref()
            .unwrap()
            .block_on(self.hub.shutdown(grace))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn login(name: &str, password: &str) -> Request {
    let body = serde_json::json!({"username": name, "password": password});
    request("POST", "/login").json(&body.to_string())
}
