//! A call with a stream of replies. A task of its own speaks with the callee until the stream ends or the
//! caller lets go of it: it passes on items one at a time, grants more as they are taken, passes on the
//! caller's own requests, and says every now and then that it is still there.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use chassis::messaging::rpc::{BEAT_SECONDS, Frame, WINDOW, Word};
use contracts::{PortError, PortResult, RemoteReason, Streaming};
use futures::StreamExt;
use lapin::types::ShortString;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::line::{Conversation, Heard, Unsent};
use super::transport::{lost, problem, refusal, send_request};
use crate::call::{Call, Failures, Payload, Reply};

const BEAT: Duration = Duration::from_secs(BEAT_SECONDS);
/// How long the last words of a callee may take that is gone.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Opens a stream: returns when the callee has agreed to it.
pub(super) async fn open(
    conversation: Conversation,
    call: Call,
    failures: Failures,
) -> Result<Reply, PortError> {
    let (body, requests) = match call.body {
        Payload::One(body) => (body, None),
        Payload::Many(requests) => (Bytes::new(), Some(requests)),
    };
    let callee = call.edge.callee;
    send_request(&conversation, failures, &call.context, callee, body).await?;
    let (opened, opens) = oneshot::channel();
    let (items, mut taken) = mpsc::channel(1);
    let task = Task {
        conversation,
        failures,
        callee,
        requests,
        items,
        opened: Some(opened),
        control: None,
        sequence: 0,
        taken: 0,
        held: None,
        gone: None,
    };
    tokio::spawn(task.run());
    opens.await.unwrap_or_else(|_| Err(lost(failures)))?;
    let items = futures::stream::poll_fn(move |poller| taken.poll_recv(poller)).boxed();
    Ok(Reply { body: Payload::Many(items) })
}

struct Task {
    conversation: Conversation,
    failures: Failures,
    callee: &'static str,
    /// What the caller streams, to its end.
    requests: Option<Streaming<PortResult<Bytes>>>,
    items: mpsc::Sender<PortResult<Bytes>>,
    /// Whoever waits for the stream to open, until it is.
    opened: Option<oneshot::Sender<PortResult<()>>>,
    /// Where the callee listens, once it has said so.
    control: Option<ShortString>,
    /// The number of the next frame.
    sequence: u64,
    /// Items taken since the callee was told last.
    taken: u32,
    /// An item that waits to be taken.
    held: Option<Bytes>,
    /// When a callee that is not there any more has had time for its last words.
    gone: Option<Instant>,
}

/// What happens next in a stream.
enum Next {
    /// The caller has let go of it.
    LetGo,
    /// The caller took an item.
    Taken,
    /// Something came in.
    Heard(Option<Heard>),
    /// The caller has a request, or no more of them.
    Request(Option<PortResult<Bytes>>),
    /// It is time to say that the caller is still there.
    Beat,
    /// The callee is gone, and has had time for its last words.
    Gone,
}

/// A stream is over: without a word, or with an error.
struct Over(Option<PortError>);

impl Task {
    async fn run(mut self) {
        let Err(Over(error)) = self.converse().await;
        let Some(error) = error else { return };
        match self.opened.take() {
            // whoever asked may have gone
            Some(opened) => drop(opened.send(Err(error))),
            None => drop(self.items.send(Err(error)).await),
        }
    }

    async fn converse(&mut self) -> Result<Infallible, Over> {
        let mut beat = interval_at(Instant::now() + BEAT, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (holds, speaks) = (self.held.is_some(), self.control.is_some());
            let next = tokio::select! {
                () = self.items.closed() => Next::LetGo,
                place = self.items.reserve(), if holds => {
                    if let (Ok(place), Some(item)) = (place, self.held.take()) {
                        place.send(Ok(item));
                    }
                    Next::Taken
                }
                heard = self.conversation.hear(), if !holds => Next::Heard(heard),
                request = next(&mut self.requests), if speaks => Next::Request(request),
                _ = beat.tick(), if speaks => Next::Beat,
                () = until(self.gone), if !holds => Next::Gone,
            };
            match next {
                Next::LetGo => {
                    self.say(Word::Cancel, Bytes::new()).await?;
                    return Err(Over(None));
                }
                Next::Taken => {
                    self.taken += 1;
                    if self.taken >= WINDOW / 2 {
                        self.grant().await?;
                    }
                }
                Next::Heard(heard) => self.heard(heard).await?,
                Next::Request(Some(Ok(request))) => self.say(Word::Item, request).await?,
                // what cannot be encoded ends the caller's stream, as on every wire
                Next::Request(Some(Err(_)) | None) => {
                    self.requests = None;
                    self.say(Word::End, Bytes::new()).await?;
                }
                Next::Beat => self.grant().await?,
                Next::Gone => return Err(self.broken(format!("the instance of {} is gone", self.callee))),
            }
        }
    }

    /// Deals with what came in.
    async fn heard(&mut self, heard: Option<Heard>) -> Result<(), Over> {
        let (frame, body) = match heard {
            Some(Heard::Frame(frame, sequence, body)) if sequence == self.sequence => (frame, body),
            Some(Heard::Frame(_, sequence, _)) => {
                let detail = format!("reply {} is missing, {sequence} came", self.sequence);
                return Err(self.garbled(detail).await);
            }
            Some(Heard::Returned) if self.control.is_some() => {
                self.gone.get_or_insert(Instant::now() + LAST_WORDS);
                return Ok(());
            }
            Some(other) => return Err(Over(Some(refusal(self.failures, self.callee, other)))),
            None if self.conversation.is_lost() => return Err(Over(Some(lost(self.failures)))),
            None => return Err(self.garbled("more came than was asked for".to_owned()).await),
        };
        self.sequence += 1;
        match frame {
            Frame::Control(queue) if self.control.is_none() => self.control = Some(queue),
            Frame::Opened if self.opened.is_some() => {
                if let Some(opened) = self.opened.take() {
                    // one who has let go is noticed by its end of the items
                    let _ = opened.send(Ok(()));
                }
            }
            Frame::Item if self.opened.is_none() => self.held = Some(body),
            Frame::End if self.opened.is_none() => return Err(Over(None)),
            Frame::Problem => return Err(Over(Some(problem(self.failures, &body)))),
            out_of_place => return Err(self.garbled(format!("{out_of_place:?} came out of its turn")).await),
        }
        Ok(())
    }

    /// Tells the callee how many items were taken, and that the caller is still there.
    async fn grant(&mut self) -> Result<(), Over> {
        let taken = std::mem::take(&mut self.taken);
        self.say(Word::Credit(taken), Bytes::new()).await
    }

    /// Tells the callee something, if it can hear already. One that cannot hears nothing for a while, and
    /// ends by itself.
    async fn say(&mut self, word: Word, body: Bytes) -> Result<(), Over> {
        let Some(control) = self.control.clone() else { return Ok(()) };
        let properties = word.properties(&self.conversation.correlation);
        let said = self.conversation.send(control, properties, body).await;
        said.map_err(|(Unsent::Never(why) | Unsent::Perhaps(why))| self.broken(why))
    }

    fn broken(&self, why: String) -> Over {
        Over(Some(self.failures.sent(RemoteReason::Broken, why)))
    }

    /// What comes makes no sense: the callee need not go on.
    async fn garbled(&mut self, why: String) -> Over {
        // should this fail as well, the callee notices by itself
        let _ = self.say(Word::Cancel, Bytes::new()).await;
        Over(Some(self.failures.sent(RemoteReason::Garbled, why)))
    }
}

/// The next request, or nothing where there are no more; never where the caller does not stream.
async fn next(requests: &mut Option<Streaming<PortResult<Bytes>>>) -> Option<PortResult<Bytes>> {
    match requests {
        Some(requests) => requests.next().await,
        None => pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
