//! The task behind a client: one connection after the other.

use std::time::Duration;

use parlour_proto::told::Hello;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::call::Call;
use crate::entrance::Entrance;
use crate::error::{CallError, ConnectError, Ended, Lost};
use crate::event::{Away, Event};
use crate::socket::Socket;
use crate::state::{Rename, State};

/// After so much silence the server is asked for a sign of life, and given as much time again.
const SILENCE: Duration = Duration::from_secs(30);
/// A connection that held so long counts as one that works.
const HELD: Duration = Duration::from_secs(10);

pub(crate) struct Task {
    pub(crate) entrance: Entrance,
    pub(crate) state: State,
    pub(crate) calls: mpsc::Receiver<Call>,
    pub(crate) closed: watch::Receiver<bool>,
}

/// Why a connection is done with.
enum Stop {
    Closed,
    Lost(Lost),
    Rename(Rename),
}

impl Task {
    pub(crate) async fn run(mut self, socket: Socket, hello: Hello) {
        let ended = self.connections(socket, hello).await;
        self.state.end(&ended);
        // What has not begun never will.
        self.calls.close();
        while let Some(call) = self.calls.recv().await {
            refuse(call, &ended);
        }
        while self.state.outbox.has_beyond() {
            self.state.outbox.drain().await;
        }
    }

    async fn connections(&mut self, mut socket: Socket, mut hello: Hello) -> Ended {
        let mut backoff = Backoff::default();
        loop {
            let since = Instant::now();
            self.state.connected(hello, &mut socket);
            let stop = loop {
                match self.stay(&mut socket).await {
                    Stop::Rename(rename) => match self.rename(rename, &mut socket).await {
                        Ok(()) => {}
                        Err(lost) => break Stop::Lost(lost),
                    },
                    stop => break stop,
                }
            };
            let Stop::Lost(lost) = stop else {
                socket.close().await;
                return Ended::Closed;
            };
            self.state.away();
            let is_worth_it =
                lost.may_come_back() || (lost.is_signed_out() && self.entrance.can_sign_in());
            if matches!(lost, Lost::Closed { .. } | Lost::Protocol(_)) {
                socket.end().await;
            }
            if !is_worth_it {
                return Ended::Lost(lost);
            }
            if since.elapsed() >= HELD {
                backoff.reset();
            }
            match self.come_back(lost, &mut backoff).await {
                Ok(entered) => (socket, hello) = entered,
                Err(ended) => return ended,
            }
        }
    }

    /// Takes turns with the server until the connection is done with.
    async fn stay(&mut self, socket: &mut Socket) -> Stop {
        let mut pinged = None;
        loop {
            while self.state.may_hear() {
                match socket.next() {
                    Ok(Some(told)) => self.state.hear(told, socket),
                    Ok(None) => break,
                    Err(lost) => return Stop::Lost(lost),
                }
            }
            if self.state.is_quiet()
                && let Some(rename) = self.state.rename.take()
            {
                return Stop::Rename(rename);
            }
            let may_read = self.state.may_hear();
            if !may_read || socket.last_heard() > pinged.unwrap_or(socket.last_heard()) {
                pinged = None;
            }
            let silence = may_read.then(|| pinged.unwrap_or(socket.last_heard()) + SILENCE);
            let may_call = self.state.may_call(socket);
            let mut wake = [silence, self.state.due(), may_call.err().flatten()];
            wake.sort();
            let wake = wake.into_iter().flatten().next();
            let outbox = &mut self.state.outbox;
            let is_full = outbox.is_full();
            tokio::select! {
                turned = socket.turn(may_read) => {
                    if let Err(lost) = turned {
                        return Stop::Lost(lost);
                    }
                }
                call = self.calls.recv(), if may_call.is_ok() => match call {
                    Some(call) => self.state.take(call, socket),
                    None => return Stop::Closed,
                },
                () = outbox.drain(), if is_full => {}
                () = is_closed(&mut self.closed) => return Stop::Closed,
                () = at(wake), if wake.is_some() => {
                    self.state.on_time(socket);
                    if silence.is_some_and(|at| at <= Instant::now()) {
                        if pinged.is_some() {
                            return Stop::Lost(Lost::Silent);
                        }
                        socket.ping();
                        pinged = Some(Instant::now());
                    }
                }
            }
        }
    }

    /// A guest comes back under another name. The old connection stays until the server has agreed.
    async fn rename(&mut self, rename: Rename, socket: &mut Socket) -> Result<(), Lost> {
        let Rename { name, reply } = rename;
        let entered = match self.entrance.ticket_as(&name).await {
            Ok(ticket) => self.entrance.enter_with(&ticket).await,
            Err(error) => Err(error),
        };
        match entered {
            Ok((fresh, hello)) => {
                self.entrance.rename(&name);
                self.state.away();
                std::mem::replace(socket, fresh).close().await;
                let _ = reply.send(Ok(hello.user.clone()));
                self.state.connected(hello, socket);
            }
            Err(error) => {
                let _ = reply.send(Err(call_error(error)));
            }
        }
        Ok(())
    }

    /// Waits and tries, until it is in again or coming back cannot help.
    async fn come_back(
        &mut self,
        lost: Lost,
        backoff: &mut Backoff,
    ) -> Result<(Socket, Hello), Ended> {
        let mut retry_after = lost.retry_after();
        let mut why = Away::Lost(lost);
        loop {
            let retry_in = backoff.next(retry_after);
            self.state.outbox.push(Event::Away { why, retry_in });
            let until = Instant::now() + retry_in;
            self.meanwhile(sleep_until(until)).await?;
            let entered = Self::wait(self.entrance.enter(), &mut self.state, &mut self.closed);
            match entered.await? {
                Ok(entered) => return Ok(entered),
                Err(error) if error.may_pass_again() => {
                    retry_after = error.retry_after();
                    why = Away::Failed(error);
                }
                Err(error) => return Err(Ended::Refused(error.to_string())),
            }
        }
    }

    async fn meanwhile<F: Future>(&mut self, wait: F) -> Result<F::Output, Ended> {
        Self::wait(wait, &mut self.state, &mut self.closed).await
    }

    /// Waits for something while there is no connection: calls expire, and events are read.
    async fn wait<F: Future>(
        wait: F,
        state: &mut State,
        closed: &mut watch::Receiver<bool>,
    ) -> Result<F::Output, Ended> {
        let mut wait = std::pin::pin!(wait);
        loop {
            let due = state.due();
            let has_beyond = state.outbox.has_beyond();
            tokio::select! {
                output = &mut wait => return Ok(output),
                () = is_closed(closed) => return Err(Ended::Closed),
                () = state.outbox.drain(), if has_beyond => {}
                () = at(due), if due.is_some() => state.expire(),
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Asked to close, or nobody is left who could.
async fn is_closed(closed: &mut watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
}

fn refuse(call: Call, ended: &Ended) {
    let error = CallError::Ended(ended.clone());
    match call {
        Call::Join(_, reply) => drop(reply.send(Err(error))),
        Call::Leave(_, reply) => drop(reply.send(Err(error))),
        Call::Publish(_, reply) => drop(reply.send(Err(error))),
        Call::Rename(_, reply) => drop(reply.send(Err(error))),
    }
}

fn call_error(error: ConnectError) -> CallError {
    let retry_after = error.retry_after();
    let (code, message) = match error {
        ConnectError::Refused { code, message, .. } => (code, message),
        other => ("not_connected".into(), other.to_string()),
    };
    CallError::Refused {
        code,
        message,
        retry_after,
    }
}
