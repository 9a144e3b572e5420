//! What a hub is given of the embedder's own code.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parlour_hub::Asks;

use super::{Desk, Serving};
use crate::connections::Connections;
use crate::hub::{HubConfig, StartError};
use crate::policy::{AnyPolicy, Policy};
use crate::router::EventRouter;
use crate::wires;

/// How long a handler may take (default of [`HubConfig::handler_time`]).
const HANDLER_TIME: Duration = Duration::from_secs(30);

/// The embedder's own code: what [`HubConfig::router`], [`HubConfig::connections`] and
/// [`HubConfig::policy`] were given.
///
/// ```
/// use parlour::{EventRouter, HubConfig};
/// let config = HubConfig::default().router(EventRouter::new(()).named("game"));
/// println!("{:?}", config.handlers);
/// ```
#[derive(Clone)]
pub struct Handlers {
    servings: Vec<Arc<dyn Serving>>,
    policy: Option<Arc<dyn AnyPolicy>>,
    time_max: Option<Duration>,
}

impl Default for Handlers {
    fn default() -> Self {
        Self {
            servings: Vec::new(),
            policy: None,
            time_max: Some(HANDLER_TIME),
        }
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doors = self.servings.iter().map(|it| it.dialect().name());
        f.debug_struct("Handlers")
            .field("doors", &doors.collect::<Vec<_>>())
            .field("has_policy", &self.policy.is_some())
            .finish_non_exhaustive()
    }
}

impl HubConfig {
    /// Handles events of the application's own. See [`router`](crate::router).
    #[must_use]
    pub fn router<S: Clone + Send + Sync + 'static>(self, router: EventRouter<S>) -> Self {
        self.serving(Arc::new(router.into_routes()))
    }

    /// Serves connections without any protocol but WebSocket's. See
    /// [`connections`](crate::connections).
    #[must_use]
    pub fn connections<T: Send + Sync + 'static>(self, connections: &Connections<T>) -> Self {
        self.serving(connections.serving())
    }

    /// Asks this before anybody may connect, join or publish. See [`policy`](crate::policy).
    #[must_use]
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.handlers.policy = Some(Arc::new(policy));
        self
    }

    /// How long a handler or a policy may take for one event (default 30 s; zero: as long as it
    /// likes); what happens then stands with each of them. The connection is not read meanwhile, so
    /// longer work belongs into a task of its own.
    ///
    /// ```
    /// use parlour::HubConfig;
    /// let config = HubConfig::default().handler_time(std::time::Duration::from_secs(2));
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn handler_time(mut self, time_max: Duration) -> Self {
        self.handlers.time_max = Some(time_max).filter(|time| !time.is_zero());
        self
    }

    /// Takes the place of a dialect that has its name.
    fn serving(mut self, serving: Arc<dyn Serving>) -> Self {
        let dialect = serving.dialect();
        let name = dialect.name();
        match self.dialects.iter_mut().find(|it| it.name() == name) {
            Some(place) => *place = dialect,
            None => self.dialects.push(dialect),
        }
        self.handlers
            .servings
            .retain(|it| it.dialect().name() != name);
        self.handlers.servings.push(serving);
        self
    }
}

impl Handlers {
    /// Those whose opening and end the application wants to know.
    pub(crate) fn handled(&self) -> Vec<&'static str> {
        let handled = self.servings.iter().filter(|it| it.is_handled());
        handled.map(|it| it.dialect().name()).collect()
    }

    pub(crate) fn asks(&self) -> Asks {
        let policy = self.policy.as_ref();
        Asks {
            joins: policy.is_some_and(|it| it.is_asked_to_join()),
            publishes: policy.is_some_and(|it| it.is_asked_to_publish()),
        }
    }

    /// The desk for a hub that speaks these dialects, if there is anything to answer.
    pub(crate) fn into_desk(
        self,
        dialects: &[&'static str],
    ) -> Result<Option<Arc<Desk>>, StartError> {
        if self.servings.is_empty() && self.policy.is_none() {
            return Ok(None);
        }
        let mut servings = Vec::new();
        for serving in self.servings {
            let name = serving.dialect().name();
            if !serving.claim() {
                return Err(StartError::Taken(name));
            }
            let place = dialects.iter().position(|it| *it == name);
            if let Some(wire) = place.and_then(wires::plain) {
                servings.push((wire, serving));
            }
        }
        Ok(Some(Arc::new(Desk {
            servings,
            policy: self.policy,
            time_max: self.time_max,
            reach: OnceLock::new(),
        })))
    }
}
