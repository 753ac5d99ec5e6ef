//! What a REST adapter is made of.
//!
//! A handler reads its operation's request with [`Input`], the call's circumstances with [`Ctx`], and
//! answers with [`Answer`]. A problem becomes `application/problem+json` in one place, the
//! [`problems`] layer, whoever found it: a handler, an extractor or the router.
//!
//! ```ignore
//! pub fn routes(port: Arc<dyn Inventory>) -> Router {
//!     Router::new().merge(route(&STOCK, stock)).merge(route(&RESERVE, reserve)).with_state(port)
//! }
//!
//! async fn reserve(State(port): State<Arc<dyn Inventory>>, Ctx(ctx): Ctx, Input(request): Input<ReserveStock>) -> Answer<Reservation> {
//!     answer(port.reserve(&ctx, request).await)
//! }
//! ```

mod answer;
mod context;
mod input;
pub mod problems;
mod routes;
pub mod sse;
pub mod streams;

pub use answer::{Answer, Created, Refusal, answer, created};
pub(crate) use context::read_trace;
pub use context::{Ctx, headers, read_context, write_context};
pub use input::Input;
pub(crate) use input::from_json;
pub use routes::route;
