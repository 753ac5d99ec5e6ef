//! What happens by itself: timers ring, the log is tidied, and publishers are blocked while memory or disk are
//! short.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::core::{self, Due};
use crate::shared::Shared;
use crate::storage::log::Segment;
use crate::storage::scribe::Condition;

/// How often it is looked whether something is short.
const LOOK: Duration = Duration::from_millis(500);
/// After the log could not be tidied.
const TIDY_AGAIN: Duration = Duration::from_secs(60);
/// How many records are copied before others have their turn.
const COPIED_AT_ONCE: usize = 128;

/// Keeps house for as long as the disk does its work. An error says what is wrong with it.
pub(crate) async fn keep(shared: Arc<Shared>) -> io::Result<()> {
    let mut condition = shared.scribe.condition();
    tokio::select! {
        () = timers(&shared) => Ok(()),
        () = tidiness(&shared) => Ok(()),
        () = alarms(&shared) => Ok(()),
        why = broken(&mut condition) => Err(io::Error::other(why)),
    }
}

/// Does what is due, when it is due.
async fn timers(shared: &Shared) {
    let wake = shared.core.lock().housekeeping.clone();
    loop {
        let next = {
            let mut core = shared.core.lock();
            match core.tick() {
                Due::More => Some(0),
                Due::Nothing => core.next_timer(),
            }
        };
        match next {
            Some(0) => tokio::task::yield_now().await,
            Some(at) => {
                let wait = Duration::from_millis(at.saturating_sub(core::now()));
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = wake.notified() => {}
                }
            }
            None => wake.notified().await,
        }
    }
}

/// Keeps the log short.
async fn tidiness(shared: &Arc<Shared>) {
    loop {
        let tidied = async {
            let segment = shared.core.lock().segment_to_tidy()?;
            match segment {
                Some(segment) => tidy(shared, segment).await.map(|()| Tidied::One),
                None => Ok(Tidied::Nothing),
            }
        };
        match tidied.await {
            Ok(Tidied::One) => continue,
            Ok(Tidied::Nothing) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::error!(%error, "the log cannot be tidied: {error}");
                tokio::time::sleep(TIDY_AGAIN).await;
            }
        }
    }
}

enum Tidied {
    One,
    Nothing,
}

/// Writes once more what is needed of a segment, so that it can go. What was written before an error stays.
async fn tidy(shared: &Arc<Shared>, segment: Arc<Segment>) -> io::Result<()> {
    let copying = shared.clone();
    let copied = tokio::task::spawn_blocking(move || {
        let (mut moves, mut last) = (Vec::new(), 0);
        let mut copy = || {
            let mut records = segment.records()?.peekable();
            while records.peek().is_some() {
                let some = records.by_ref().take(COPIED_AT_ONCE).collect::<io::Result<Vec<_>>>()?;
                let (moved, ticket) = copying.core.lock().copy_needed(&some);
                moves.extend(moved);
                last = last.max(ticket);
            }
            io::Result::Ok(())
        };
        let outcome = copy();
        (moves, last, outcome)
    });
    let (moves, last, outcome) = copied.await.map_err(io::Error::other)?;
    shared.scribe.until(last).await;
    for some in moves.chunks(COPIED_AT_ONCE) {
        shared.core.lock().moved(some);
    }
    shared.core.lock().remove_dead();
    outcome
}

/// Blocks publishers while memory or disk are short.
async fn alarms(shared: &Shared) {
    loop {
        let alarm = shortage(shared);
        shared.alarm.send_if_modified(|old| {
            if old.as_deref() == alarm.as_deref() {
                return false;
            }
            match &alarm {
                Some(why) => tracing::warn!("publishers are blocked: {why}"),
                None => tracing::info!("publishers are not blocked any more"),
            }
            *old = alarm.map(Arc::from);
            true
        });
        tokio::time::sleep(LOOK).await;
    }
}

/// What is short, in RabbitMQ's words with which clients are told.
fn shortage(shared: &Shared) -> Option<String> {
    let (index, folder) = {
        let core = shared.core.lock();
        (core.index_bytes(), core.store().folder().to_owned())
    };
    if index > shared.limits.index_bytes {
        return Some("low on memory".to_owned());
    }
    let free = rustix::fs::statvfs(&folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    match free {
        Ok(free) if free < shared.limits.disk_free_bytes => Some("low on disk".to_owned()),
        _ => match &*shared.scribe.condition().borrow() {
            Condition::Refusing(_) => Some("low on disk".to_owned()),
            Condition::Well | Condition::Broken(_) => None,
        },
    }
}

/// Waits until nobody knows any more what is on disk; why.
async fn broken(condition: &mut watch::Receiver<Condition>) -> String {
    let broken = condition.wait_for(|condition| matches!(condition, Condition::Broken(_))).await;
    let why = broken.ok().map(|condition| match &*condition {
        Condition::Broken(why) => why.clone(),
        Condition::Well | Condition::Refusing(_) => String::new(),
    });
    match why {
        Some(why) => why,
        // the thread that writes has ended in good order
        None => std::future::pending().await,
    }
}
