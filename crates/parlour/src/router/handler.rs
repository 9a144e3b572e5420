//! Functions that handle events.

use bytes::Bytes;

use super::{ClientEvent, EventError, FromEvent, IntoReply};

/// An async function whose parameters can be made from an event: up to six that are [`FromEvent`],
/// and a result that is [`IntoReply`]. `T` only tells functions of different parameters apart.
///
/// ```
/// use parlour::UserName;
/// use parlour::router::{EventHandler, EventRouter, Payload};
/// fn add<T: 'static>(router: EventRouter, handler: impl EventHandler<T, ()>) -> EventRouter {
///     router.on("note", handler)
/// }
/// add(EventRouter::new(()), async |who: UserName, Payload(text): Payload<String>| {
///     println!("{who:?} notes {text}");
/// });
/// ```
pub trait EventHandler<T, S>: Clone + Send + Sync + 'static {
    /// Makes the parameters, in their order, and runs it.
    fn handle(
        self,
        event: ClientEvent,
        state: S,
    ) -> impl Future<Output = Result<Option<(&'static str, Bytes)>, EventError>> + Send;
}

macro_rules! handler_of {
    ($($parameter:ident),*) => {
        impl<F, Fut, R, S, $($parameter),*> EventHandler<($($parameter,)*), S> for F
        where
            F: FnOnce($($parameter),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = R> + Send,
            R: IntoReply,
            S: Send + Sync + 'static,
            $($parameter: FromEvent<S> + Send,)*
        {
            #[allow(non_snake_case, reason = "a parameter's name is that of its type")]
            #[allow(unused_variables, reason = "a function without parameters needs neither")]
            async fn handle(
                self,
                event: ClientEvent,
                state: S,
            ) -> Result<Option<(&'static str, Bytes)>, EventError> {
                $(let $parameter = $parameter::from_event(&event, &state).await?;)*
                self($($parameter),*).await.into_reply()
            }
        }
    };
}

handler_of!();
handler_of!(A);
handler_of!(A, B);
handler_of!(A, B, C);
handler_of!(A, B, C, D);
handler_of!(A, B, C, D, E);
handler_of!(A, B, C, D, E, G);
