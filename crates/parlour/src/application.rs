//! What the embedder's own code answers: routers, raw connections, a policy.
//!
//! A shard asks for one thing at a time of each connection and does not read that connection before it
//! is answered. So order needs no queue here, and no handler runs on a shard's thread.

mod config;
mod line;
mod responder;
mod rules;
mod run;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::request::Parts;
use parlour_hub::{Answer, Asked, Attach, Brought, WireIndex};
use parlour_proto::{Dialect, Draft, RoomName, ShardId, UserName};

use crate::accounts::BoxFuture;
use crate::hub::{Application, Hub, Reach, Whereabouts};
use crate::policy::{AnyPolicy, Denied, Visitor};
use crate::wires;

pub use config::Handlers;
pub(crate) use line::Line;
pub use line::{CloseCode, ConnectionId};
pub(crate) use responder::Responder;
pub(crate) use run::{Fell, guarded};

/// What answers the connections of one wire.
pub(crate) trait Serving: Send + Sync {
    /// How they speak.
    fn dialect(&self) -> Arc<dyn Dialect>;

    /// Whether it is asked when one opens, and told when it has ended.
    fn is_handled(&self) -> bool {
        false
    }

    /// A hub is to have it. `false`: one has it already.
    fn claim(&self) -> bool {
        true
    }

    /// The hub is there.
    fn begin(&self, reach: &Reach) {
        let _ = reach;
    }

    /// Looks at who comes, before there is a connection, and may refuse.
    fn set_up<'a>(
        &'a self,
        visitor: &'a Visitor,
    ) -> BoxFuture<'a, Result<Option<Brought>, Denied>> {
        let _ = visitor;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Takes a question; must not block.
    fn asked(self: Arc<Self>, desk: &Desk, at: Whereabouts, asked: Asked);
}

/// Where questions come in and go to who answers them.
pub(crate) struct Desk {
    /// By their plain wires.
    servings: Vec<(WireIndex, Arc<dyn Serving>)>,
    policy: Option<Arc<dyn AnyPolicy>>,
    time_max: Option<Duration>,
    reach: OnceLock<Reach>,
}

impl Desk {
    pub(crate) fn line(&self, at: Whereabouts) -> Line {
        Line::new(self.reach().clone(), at)
    }

    /// For a task that will answer what this connection has asked.
    pub(crate) fn responder(&self, at: Whereabouts) -> Responder {
        Responder::new(self.line(at))
    }

    /// How long a handler may take.
    pub(crate) fn time_max(&self) -> Option<Duration> {
        self.time_max
    }

    /// Runs it beside the shards. Without a runtime it is dropped, as is what that had not come to
    /// when it ended: whoever waits for it must hear of that from a guard.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = self.reach().runtime() {
            let under_way = self.reach().under_way();
            runtime.spawn(async move {
                task.await;
                drop(under_way);
            });
        }
    }

    /// What the application wants to have in hand when somebody is there, if it lets him in.
    async fn admit(&self, wire: WireIndex, visitor: &Visitor) -> Result<Option<Brought>, Denied> {
        if let Some(policy) = &self.policy {
            let asking = async { policy.connect(visitor).await };
            let asked = guarded(self.time_max, asking).await;
            asked.unwrap_or_else(|_| Err(Denied::no_answer()))?;
        }
        match self.serving(wire) {
            None => Ok(None),
            Some(serving) => {
                let asking = async { serving.set_up(visitor).await };
                let asked = guarded(self.time_max, asking).await;
                asked.unwrap_or_else(|_| Err(Denied::no_answer()))
            }
        }
    }

    fn serving(&self, wire: WireIndex) -> Option<&Arc<dyn Serving>> {
        let wire = wires::uncompressed(wire);
        let mut servings = self.servings.iter();
        servings.find_map(|(its, serving)| (*its == wire).then_some(serving))
    }

    fn reach(&self) -> &Reach {
        self.reach.get().expect("begin comes before every question")
    }
}

impl Hub {
    /// Asks the application whether somebody may come in through a door, and gives `attach` what that
    /// wants to have in hand when he is there.
    pub(crate) async fn admit(
        &self,
        attach: &mut Attach,
        door: &'static str,
        head: Parts,
    ) -> Result<(), Denied> {
        if let Some(desk) = self.desk() {
            let (who, room) = (attach.who.clone(), attach.room.clone());
            let visitor = Visitor::new(who, door, room, head);
            attach.brought = desk.admit(attach.wire, &visitor).await?;
        }
        Ok(())
    }

    /// Asks the application whether somebody may be in this room, without a connection.
    pub(crate) async fn may_join(&self, who: &UserName, room: &RoomName) -> Result<(), Denied> {
        match self.desk() {
            None => Ok(()),
            Some(desk) => desk.may_join(who, room).await,
        }
    }

    /// Asks the application whether somebody may publish this without a connection.
    pub(crate) async fn may_publish(
        &self,
        who: &UserName,
        room: &RoomName,
        draft: &Draft,
    ) -> Result<(), Denied> {
        match self.desk() {
            None => Ok(()),
            Some(desk) => desk.may_publish(who, room, draft).await,
        }
    }
}

impl Application for Desk {
    fn begin(&self, reach: Reach) {
        for (_, serving) in &self.servings {
            serving.begin(&reach);
        }
        // Each desk is made for one hub.
        let _ = self.reach.set(reach);
    }

    fn asked(&self, shard: ShardId, asked: Asked) {
        let at = Whereabouts {
            shard,
            id: asked.connection,
        };
        let Some(asked) = self.ask_policy(at, asked) else {
            return;
        };
        match self.serving(asked.wire) {
            Some(serving) => Arc::clone(serving).asked(self, at, asked),
            None => self.line(at).answer(Answer::Done),
        }
    }
}
