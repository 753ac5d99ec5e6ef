//! Pushes versions by server-sent events: the one that holds at once, then each new one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use chassis::config::protocol::VersionEvent;
use chassis::http::{Input, Refusal};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::watch::Receiver;

use crate::core::Core;
use crate::instances::Watching;
use crate::sources::Target;

/// Far shorter than clients are patient.
const HEARTBEAT: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
pub(super) struct WatchQuery {
    application: String,
    profile: String,
    /// Which instance watches; it counts as live while it does.
    instance: Option<String>,
}

pub(super) async fn watch(
    State(core): State<Arc<Core>>,
    Input(query): Input<WatchQuery>,
) -> Result<impl IntoResponse, Refusal> {
    let target = Target::parse(&query.application, &query.profile)?;
    let watching = match &query.instance {
        Some(instance) => Some(core.instances.watching(&target.application, instance)?),
        None => None,
    };
    let closing = core.closing.clone().cancelled_owned();
    let watcher = Watcher {
        changes: core.subscribe(),
        core,
        application: target.application,
        told: None,
        _watching: watching,
    };
    Ok(Sse::new(watcher.events().take_until(closing))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat")))
}

struct Watcher {
    core: Arc<Core>,
    application: String,
    changes: Receiver<u64>,
    /// The version stands for the content: `poll` sees to it that no other content is served under the same. A
    /// schema that is published makes no version, since services bring their defaults with them; and two
    /// releases of a service that publish theirs in turn would wake each other without end.
    told: Option<u64>,
    _watching: Option<Watching>,
}

impl Watcher {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        futures::stream::unfold(self, |mut watcher| async move {
            loop {
                watcher.changes.mark_unchanged();
                let version = watcher.core.version(&watcher.application);
                if watcher.told != Some(version) {
                    watcher.told = Some(version);
                    let event = Event::default()
                        .event("version")
                        .id(version.to_string())
                        .json_data(VersionEvent { version });
                    // two numbers always serialise; without data the client would only ask again later
                    return Some((Ok(event.unwrap_or_default()), watcher));
                }
                watcher.changes.changed().await.ok()?;
            }
        })
    }
}
