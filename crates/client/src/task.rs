//! The task behind a client: one connection after the other.

use std::time::Duration;

use parlour_proto::told::Hello;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::call::Call;
use crate::entrance::Entrance;
use crate::error::{CallError, ConnectError, Ended, Lost};
use crate::event::{Away, Event, Status};
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
    /// The call that is begun next.
    pub(crate) call: Option<Call>,
    pub(crate) closed: watch::Receiver<bool>,
}

/// Why a connection is done with.
enum Stop {
    Closed,
    Lost(Lost),
    Rename(Rename),
}

impl Task {
    /// Until the end, from an open connection or from none.
    pub(crate) async fn run(mut self, first: Option<(Socket, Hello)>) {
        let first = match first {
            Some(entered) => Ok(entered),
            None => self.come_in().await,
        };
        let ended = match first {
            Ok((socket, hello)) => self.connections(socket, hello).await,
            Err(ended) => ended,
        };
        self.calls.close();
        while let Some(call) = self.last_call().await {
            self.begin_last(call, &ended);
        }
        self.state.outbox.end(&ended).await;
        self.state.end(&ended);
        while self.state.unread.has_beyond() {
            self.state.unread.drain().await;
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
            let may_read = self.state.may_hear();
            if !may_read || socket.last_heard() > pinged.unwrap_or(socket.last_heard()) {
                pinged = None;
            }
            let silence = may_read.then(|| pinged.unwrap_or(socket.last_heard()) + SILENCE);
            let call_at = self.begin_calls(socket);
            let send_at = self.state.send_out(socket);
            // Behind the calls, since it may have been the last of them, and nothing else wakes it.
            if self.state.is_quiet()
                && let Some(rename) = self.state.rename.take()
            {
                return Stop::Rename(rename);
            }
            let answer_due = self.state.answer_due().filter(|_| may_read);
            let mut wake = [silence, self.state.due(), call_at, send_at, answer_due];
            wake.sort();
            let wake = wake.into_iter().flatten().next();
            let State { unread, outbox, .. } = &mut self.state;
            let is_full = unread.is_full();
            tokio::select! {
                turned = socket.turn(may_read) => {
                    if let Err(lost) = turned {
                        return Stop::Lost(lost);
                    }
                }
                call = self.calls.recv(), if self.call.is_none() => match call {
                    Some(call) => self.call = Some(call),
                    None => return Stop::Closed,
                },
                news = outbox.kept() => self.state.told_of_file(news),
                () = unread.drain(), if is_full => {}
                () = is_closed(&mut self.closed) => return Stop::Closed,
                () = at(wake), if wake.is_some() => {
                    self.state.on_time(socket);
                    if answer_due.is_some_and(|at| at <= Instant::now()) {
                        return Stop::Lost(Lost::Unanswered);
                    }
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

    /// Begins calls in their order, as long as they may be; when the next may, if time alone helps.
    fn begin_calls(&mut self, socket: &mut Socket) -> Option<Instant> {
        loop {
            let call = match self.call.take() {
                Some(call) => call,
                None => self.calls.try_recv().ok()?,
            };
            match self.state.may_begin(&call, socket) {
                Ok(()) => self.state.take(call, socket),
                Err(at) => {
                    self.call = Some(call);
                    return at;
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

    async fn last_call(&mut self) -> Option<Call> {
        match self.call.take() {
            None => self.calls.recv().await,
            call => call,
        }
    }

    /// What comes with the end is not done any more, but its file still takes what was to be published: it
    /// depends on no chance whether that is kept.
    fn begin_last(&mut self, call: Call, ended: &Ended) {
        match call {
            Call::Join(join, reply) => self.state.join_later(join, reply),
            Call::Publish(publish, waiter) if self.state.outbox.has_place() => {
                self.state.publish(publish, waiter);
            }
            call => call.refuse(CallError::Ended(ended.clone())),
        }
    }

    /// Tries, waits and tries again, until it is in for the first time or that cannot help.
    async fn come_in(&mut self) -> Result<(Socket, Hello), Ended> {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.enter().await? {
                Ok((socket, hello)) => {
                    self.entrance.keep_name(&hello);
                    return Ok((socket, hello));
                }
                Err(error) => error,
            };
            if !error.may_pass() {
                return Err(error.for_good());
            }
            let retry_in = backoff.next(error.retry_after());
            let why = Away::Failed(error);
            self.state.status.send_replace(Status::Away);
            self.state.unread.push(Event::Away { why, retry_in });
            let until = Instant::now() + retry_in;
            self.meanwhile(sleep_until(until)).await?;
        }
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
            self.state.unread.push(Event::Away { why, retry_in });
            let until = Instant::now() + retry_in;
            self.meanwhile(sleep_until(until)).await?;
            match self.enter().await? {
                Ok(entered) => return Ok(entered),
                Err(error) if error.may_pass_again() => {
                    retry_after = error.retry_after();
                    why = Away::Failed(error);
                }
                Err(error) => return Err(Ended::Refused(error.to_string())),
            }
        }
    }

    async fn enter(&mut self) -> Result<Result<(Socket, Hello), ConnectError>, Ended> {
        let Self {
            entrance,
            state,
            calls,
            call,
            closed,
        } = self;
        Self::wait(entrance.enter(), state, calls, call, closed).await
    }

    async fn meanwhile<F: Future>(&mut self, wait: F) -> Result<F::Output, Ended> {
        let Self {
            state,
            calls,
            call,
            closed,
            ..
        } = self;
        Self::wait(wait, state, calls, call, closed).await
    }

    /// Waits for something while there is no connection: calls expire, events are read, and the outbox takes
    /// what is to be published.
    async fn wait<F: Future>(
        wait: F,
        state: &mut State,
        calls: &mut mpsc::Receiver<Call>,
        next: &mut Option<Call>,
        closed: &mut watch::Receiver<bool>,
    ) -> Result<F::Output, Ended> {
        let mut wait = std::pin::pin!(wait);
        loop {
            match next.take() {
                Some(Call::Publish(publish, waiter)) if state.outbox.has_place() => {
                    state.publish(publish, waiter);
                    continue;
                }
                Some(Call::Join(join, reply)) => {
                    if !reply.is_closed() {
                        state.join_later(join, reply);
                    }
                    continue;
                }
                call => *next = call,
            }
            let due = state.due();
            let has_beyond = state.unread.has_beyond();
            let State { unread, outbox, .. } = &mut *state;
            tokio::select! {
                output = &mut wait => return Ok(output),
                () = is_closed(closed) => return Err(Ended::Closed),
                call = calls.recv(), if next.is_none() => match call {
                    Some(call) => *next = Some(call),
                    None => return Err(Ended::Closed),
                },
                news = outbox.kept() => state.told_of_file(news),
                () = unread.drain(), if has_beyond => {}
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
