//! One connection of a test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parlour_ws::Opcode;

use super::World;
use super::expected::Expected;
use crate::local_session::line::{Heard, Line};

/// Frames that a test has not looked at; over it the test fails.
const UNSEEN_MAX: usize = 1_000_000;

/// A connection in memory. It answers pings and closes by itself, and takes what it is sent, unless
/// it is told not to. Dropping it is a client that vanishes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use parlour::{HubConfig, testing::TestHub};
/// let hub = TestHub::start(HubConfig::default());
/// let mut echo = hub.connect("parlour.echo").await;
/// echo.assert_nothing().await;
/// echo.close(Some(1000));
/// echo.assert_closed(1000).await;
/// # }
/// ```
pub struct TestConnection {
    world: Arc<World>,
    wire: Arc<Mutex<Wire>>,
}

/// What a connection was sent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use parlour::{HubConfig, testing::{TestFrame, TestHub}};
/// let hub = TestHub::start(HubConfig::default());
/// let mut echo = hub.connect("parlour.echo").await;
/// echo.send_binary(&[1, 2]);
/// assert_eq!(echo.next().await, Some(TestFrame::Binary(vec![1, 2].into())));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestFrame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// The last: the code of a close, and its words; `None` is a close without them, or a stream
    /// that was cut.
    Closed(Option<(u16, String)>),
}

pub(super) struct Wire {
    line: Line,
    unseen: VecDeque<TestFrame>,
    pings: usize,
    reads: bool,
    answers: bool,
    has_ended: bool,
}

impl Wire {
    pub(super) fn new(line: Line) -> Self {
        Self {
            line,
            unseen: VecDeque::new(),
            pings: 0,
            reads: true,
            answers: true,
            has_ended: false,
        }
    }

    /// Takes what is there, answers what wants an answer; whether there was anything.
    pub(super) fn pump(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let had_output = self.line.has_output();
        let _ = self.line.poll_flush(&mut context);
        let mut moved = had_output && !self.line.has_output();
        while self.reads && !self.has_ended {
            let Poll::Ready(heard) = self.line.poll_hear(&mut context) else {
                break;
            };
            moved = true;
            self.hear(heard);
            let _ = self.line.poll_flush(&mut context);
        }
        moved
    }

    fn hear(&mut self, heard: Option<Heard>) {
        let frame = match heard {
            Some(Heard::Text(text)) => TestFrame::Text(text),
            Some(Heard::Binary(bytes)) => TestFrame::Binary(bytes),
            Some(Heard::Ping(payload)) => {
                self.pings += 1;
                if self.answers {
                    self.line.put(Opcode::Pong, &payload);
                }
                return;
            }
            Some(Heard::Pong(_)) => return,
            Some(Heard::Close(frame)) => {
                self.has_ended = true;
                if self.answers {
                    let code = frame.as_ref().map(|(code, _)| code.to_be_bytes());
                    self.line
                        .put(Opcode::Close, code.as_ref().map_or(&[], |it| &it[..]));
                    let _ = self
                        .line
                        .poll_flush(&mut Context::from_waker(Waker::noop()));
                    self.line.finish();
                }
                TestFrame::Closed(frame)
            }
            None => {
                self.has_ended = true;
                TestFrame::Closed(None)
            }
        };
        self.unseen.push_back(frame);
        assert!(
            self.unseen.len() <= UNSEEN_MAX,
            "a connection was sent {UNSEEN_MAX} frames that the test did not look at"
        );
    }
}

impl TestConnection {
    pub(super) fn new(world: Arc<World>, wire: Arc<Mutex<Wire>>) -> Self {
        Self { world, wire }
    }

    /// Sends a text message.
    pub fn send(&mut self, text: &str) {
        self.put(Opcode::Text, text.as_bytes());
    }

    /// Sends a binary message.
    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.put(Opcode::Binary, bytes);
    }

    /// Closes the connection, with or without a code.
    pub fn close(&mut self, code: Option<u16>) {
        let code = code.map(u16::to_be_bytes);
        self.put(Opcode::Close, code.as_ref().map_or(&[], |it| &it[..]));
    }

    /// Takes nothing from now on, like a client that has stopped reading.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let mut echo = hub.connect("parlour.echo").await;
    /// echo.stop_reading();
    /// echo.send("hello");
    /// echo.assert_nothing().await;
    /// echo.resume_reading();
    /// echo.assert_receives("hello").await;
    /// # }
    /// ```
    pub fn stop_reading(&mut self) {
        self.lock().reads = false;
    }

    /// Reads again.
    pub fn resume_reading(&mut self) {
        self.lock().reads = true;
    }

    /// Answers no ping and no close from now on, like a client whose network is gone.
    pub fn stop_answering(&mut self) {
        self.lock().answers = false;
    }

    /// How often it was pinged.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let idle = hub.connect("parlour.echo").await;
    /// hub.advance(std::time::Duration::from_secs(30)).await;
    /// assert_eq!(idle.pings(), 1);
    /// # }
    /// ```
    #[must_use]
    pub fn pings(&self) -> usize {
        self.lock().pings
    }

    /// Whether it was told of its end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().has_ended
    }

    /// The next that it was sent, once everything has [settled](super::TestHub::settle); `None` if
    /// that is nothing.
    pub async fn next(&mut self) -> Option<TestFrame> {
        if let Some(frame) = self.take() {
            return Some(frame);
        }
        self.world.settle().await;
        self.take()
    }

    /// Everything that it was sent, once everything has settled.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let mut echo = hub.connect("parlour.echo").await;
    /// echo.send("one");
    /// echo.send("two");
    /// assert_eq!(echo.take_all().await.len(), 2);
    /// # }
    /// ```
    pub async fn take_all(&mut self) -> Vec<TestFrame> {
        self.world.settle().await;
        self.lock().unseen.drain(..).collect()
    }

    /// The next thing that it was sent is this text. If `expected` is a JSON object, the text has at
    /// least these fields with these values, in objects within it, too.
    ///
    /// # Panics
    /// If it is something else, or nothing; the words show both.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let mut ann = hub.connect("parlour.v1").await;
    /// ann.assert_receives(r#"{"t":"hello","guest":true,"limits":{"rooms":1000}}"#).await;
    /// # }
    /// ```
    pub async fn assert_receives(&mut self, expected: &str) {
        let expected = Expected::of(expected);
        match self.next().await {
            Some(TestFrame::Text(text)) if expected.is_met_by(&text) => {}
            Some(other) => panic!("expected {expected}\n     got {other:?}"),
            None => panic!("expected {expected}\n     got nothing"),
        }
    }

    /// Like [`assert_receives`](Self::assert_receives), of whatever comes first that fits; what stands
    /// before it is given back.
    ///
    /// # Panics
    /// If nothing of all that it was sent fits.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use parlour::{HubConfig, testing::TestHub};
    /// # let hub = TestHub::start(HubConfig::default());
    /// let mut ann = hub.connect("parlour.v1").await;
    /// ann.send(r#"{"t":"ping","id":"7"}"#);
    /// let before = ann.receives_at_last(r#"{"t":"pong","id":"7"}"#).await;
    /// assert_eq!(before.len(), 1); // hello
    /// # }
    /// ```
    pub async fn receives_at_last(&mut self, expected: &str) -> Vec<TestFrame> {
        let expected = Expected::of(expected);
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Some(TestFrame::Text(text)) if expected.is_met_by(&text) => return before,
                Some(other) => before.push(other),
                None => panic!("expected {expected} at last\n     got {before:?}"),
            }
        }
    }

    /// It was sent nothing that the test has not looked at.
    ///
    /// # Panics
    /// If it was; the words show it.
    pub async fn assert_nothing(&mut self) {
        let all = self.take_all().await;
        assert!(all.is_empty(), "expected nothing\n     got {all:?}");
    }

    /// The next that it was told is its end, with this code.
    ///
    /// # Panics
    /// If it was told something else, or nothing; a last `closing` frame of `parlour.v1` counts as
    /// something.
    pub async fn assert_closed(&mut self, code: u16) {
        match self.next().await {
            Some(TestFrame::Closed(Some((closed, _)))) if closed == code => {}
            other => panic!("expected a close with {code}\n     got {other:?}"),
        }
    }

    fn put(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut wire = self.lock();
        wire.line.put(opcode, payload);
        // What does not fit yet goes when everything settles.
        let _ = wire
            .line
            .poll_flush(&mut Context::from_waker(Waker::noop()));
    }

    fn take(&mut self) -> Option<TestFrame> {
        self.lock().unseen.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
