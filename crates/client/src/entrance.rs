//! From nothing to an open socket: a stream, a ticket over HTTP, the WebSocket, the `hello`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use parlour_proto::told::Hello;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::config::{Config, Who};
use crate::error::ConnectError;
use crate::socket::Socket;
use crate::tls::Stream;

/// Largest answer to a request for a ticket, in bytes.
const ANSWER_BYTES_MAX: usize = 65_536;
/// Longest time that an answer can ask to wait, in seconds: a day, as a clock that adds it must not overflow.
const RETRY_AFTER_MAX: u64 = 86_400;

/// How this client comes in, the first time and after.
pub(crate) struct Entrance {
    config: Config,
    connector: Option<TlsConnector>,
    /// Of a user who has signed in.
    session: Option<Zeroizing<String>>,
}

/// What opens one connection, once.
pub(crate) struct Ticket(Zeroizing<String>);

/// An answer over HTTP.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Bytes,
}

#[derive(Deserialize)]
struct Given {
    otp: String,
    session: Option<String>,
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    error: String,
    message: String,
}

impl Entrance {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            connector: None,
            session: None,
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// From now on as this guest.
    pub(crate) fn rename(&mut self, name: &str) {
        self.config.who = Who::Guest(Some(name.to_owned()));
    }

    /// A guest whose name the server has chosen comes back under it: what is sent again is known by it.
    pub(crate) fn keep_name(&mut self, hello: &Hello) {
        if matches!(self.config.who, Who::Guest(None)) {
            self.config.who = Who::Guest(hello.user.strip_prefix("guest-").map(str::to_owned));
        }
    }

    /// Whether signing in again may help where the session has ended.
    pub(crate) fn can_sign_in(&self) -> bool {
        matches!(self.config.who, Who::User { .. })
    }

    /// One attempt, bounded in time as a whole.
    pub(crate) async fn enter(&mut self) -> Result<(Socket, Hello), ConnectError> {
        let within = self.config.connect_timeout;
        let entered = timeout(within, async {
            let ticket = self.ticket().await?;
            self.open(&ticket).await
        });
        entered.await.unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// A ticket for the guest `name`, without coming in with it.
    pub(crate) async fn ticket_as(&mut self, name: &str) -> Result<Ticket, ConnectError> {
        let within = self.config.connect_timeout;
        let asked = timeout(within, self.guest_ticket(Some(name))).await;
        asked.unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// Comes in with a ticket.
    pub(crate) async fn enter_with(
        &mut self,
        ticket: &Ticket,
    ) -> Result<(Socket, Hello), ConnectError> {
        let within = self.config.connect_timeout;
        let entered = timeout(within, self.open(ticket)).await;
        entered.unwrap_or_else(|_| Err(self.too_slow()))
    }

    async fn ticket(&mut self) -> Result<Ticket, ConnectError> {
        match self.config.who.clone() {
            Who::Guest(name) => self.guest_ticket(name.as_deref()).await,
            Who::Session(session) => self.ticket_of(&session).await,
            Who::User { name, password } => {
                if let Some(session) = self.session.clone() {
                    match self.ticket_of(&session).await {
                        Err(ConnectError::Refused { status: 401, .. }) => self.session = None,
                        other => return other,
                    }
                }
                self.sign_in(&name, &password).await
            }
        }
    }

    async fn guest_ticket(&mut self, name: Option<&str>) -> Result<Ticket, ConnectError> {
        let body = name.map(|name| serde_json::json!({ "name": name }).to_string());
        let answer = self
            .post(
                &self.config.doors.ticket.clone(),
                None,
                body.unwrap_or_default(),
            )
            .await?;
        Ok(Ticket(self.given(&answer)?.otp.into()))
    }

    async fn ticket_of(&mut self, session: &str) -> Result<Ticket, ConnectError> {
        let answer = self
            .post(
                &self.config.doors.ticket.clone(),
                Some(session),
                String::new(),
            )
            .await?;
        Ok(Ticket(self.given(&answer)?.otp.into()))
    }

    async fn sign_in(&mut self, name: &str, password: &str) -> Result<Ticket, ConnectError> {
        let body = serde_json::json!({ "username": name, "password": password }).to_string();
        let answer = self
            .post(&self.config.doors.login.clone(), None, body)
            .await?;
        let given = self.given(&answer)?;
        self.session = given.session.map(Into::into);
        Ok(Ticket(given.otp.into()))
    }

    fn given(&self, answer: &Answer) -> Result<Given, ConnectError> {
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map_err(|_| self.not_parlour("it gave no ticket".into())),
            status => {
                let body = serde_json::from_slice(&answer.body);
                Err(self.refused(status, body.ok(), answer.retry_after))
            }
        }
    }

    /// One request on a connection of its own.
    async fn post(
        &mut self,
        door: &str,
        bearer: Option<&str>,
        body: String,
    ) -> Result<Answer, ConnectError> {
        let stream = self.stream().await?;
        let address = &self.config.address;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(address.target(door))
            .header(HOST, address.host_header());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let request = request.body(Full::new(Bytes::from(body)));
        // Only a session can have characters that no header has, and then no server gave it.
        let request = request.map_err(|_| self.bad_session())?;
        let io = TokioIo::new(stream);
        let shaken = hyper::client::conn::http1::handshake(io).await;
        let (mut sender, connection) = shaken.map_err(|error| self.broken(&error))?;
        let asked = async move {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let retry_after = answer.headers().get(RETRY_AFTER);
            let retry_after = retry_after.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
            let retry_after = retry_after.map(|wait| wait.min(RETRY_AFTER_MAX));
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
            let body = body.await.map(http_body_util::Collected::to_bytes);
            Ok(Answer {
                status,
                retry_after: retry_after.map(Duration::from_secs),
                // What is too long, or breaks off, is no JSON, and then said to be none.
                body: body.unwrap_or_default(),
            })
        };
        // The second ends as the first drops its end.
        let (answer, _) = tokio::join!(asked, connection);
        answer.map_err(|error: hyper::Error| {
            if error.is_parse() {
                return self.not_parlour("it does not speak HTTP/1.1".into());
            }
            self.broken(&error)
        })
    }

    async fn open(&mut self, Ticket(secret): &Ticket) -> Result<(Socket, Hello), ConnectError> {
        let stream = self.stream().await?;
        Socket::open(stream, &self.config.address, &self.config.doors.ws, secret).await
    }

    async fn stream(&mut self) -> Result<Stream, ConnectError> {
        let address = &self.config.address;
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await;
        let stream = stream.map_err(|error| ConnectError::Unreachable {
            address: address.to_string(),
            why: error.to_string(),
        })?;
        // Small frames are to leave at once; without it they are late, but not wrong.
        let _ = stream.set_nodelay(true);
        if !address.is_tls {
            return Ok(Stream::Plain(stream));
        }
        let connector = match &self.connector {
            Some(connector) => connector,
            None => {
                let made = self.config.trust.connector();
                let made = made.map_err(|why| tls(address.to_string(), why))?;
                self.connector.insert(made)
            }
        };
        let secured = Stream::secure(connector, &address.host, stream).await;
        secured.map_err(|error| tls(address.to_string(), error.to_string()))
    }

    fn refused(
        &self,
        status: u16,
        body: Option<ErrorBody>,
        retry_after: Option<Duration>,
    ) -> ConnectError {
        let Some(ErrorBody { error, message }) = body else {
            let not = status < 400 || status == 404 || status == 405;
            if not {
                return self.not_parlour(format!("it answered with status {status}"));
            }
            return ConnectError::Refused {
                status,
                code: String::new(),
                message: format!("it answered with status {status}"),
                retry_after,
            };
        };
        ConnectError::Refused {
            status,
            code: error,
            message,
            retry_after,
        }
    }

    fn bad_session(&self) -> ConnectError {
        ConnectError::Refused {
            status: 401,
            code: "bad_session".into(),
            message: "the session is none that a server gave".into(),
            retry_after: None,
        }
    }

    fn not_parlour(&self, why: String) -> ConnectError {
        let address = self.config.address.to_string();
        ConnectError::NotParlour { address, why }
    }

    fn broken(&self, error: &hyper::Error) -> ConnectError {
        let address = self.config.address.to_string();
        let why = error.to_string();
        ConnectError::Broken { address, why }
    }

    fn too_slow(&self) -> ConnectError {
        ConnectError::Timeout {
            address: self.config.address.to_string(),
            within: self.config.connect_timeout,
        }
    }
}

fn tls(address: String, why: String) -> ConnectError {
    ConnectError::Tls { address, why }
}
