//! Answers a request with a stream. Its caller is heard over a queue of its own: that it takes items, that
//! it has more to say, that it lets go. Who is not heard for a while is gone, and the stream ends.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bytes::Bytes;
use contracts::{Code, Context, Problem, Streaming, TraceContext};
use futures::{FutureExt, StreamExt};
use lapin::Consumer;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::answer::{Caller, in_time};
use super::operations::Answer;
use super::{BEAT_SECONDS, Frame, WINDOW, Word};
use crate::messaging::broker::PublishError;

/// A caller that was not heard for so long is gone.
const SILENCE: Duration = Duration::from_secs(5 * BEAT_SECONDS);
/// How many requests of a caller that streams may wait for the service to read them.
const WAITING: usize = 1024;

/// Why a stream ended.
enum Ending {
    /// With its last item.
    Over,
    /// With a problem.
    Problem(Problem),
    /// Nobody listens any more.
    LetGo,
}

/// Opens the stream by `work` and tells its items. `turn` is held until it is open: what follows is idle for
/// the most part. Returns how it ended, for the measurement.
pub(super) async fn answer<Opening>(
    caller: &Caller,
    trace: &TraceContext,
    turn: OwnedSemaphorePermit,
    context: Context,
    work: impl FnOnce(Context, Streaming<Bytes>) -> Opening,
) -> &'static str
where
    Opening: Future<Output = Result<Streaming<Answer>, Problem>>,
{
    let ending = tokio::select! {
        ending = converse(caller, turn, context, work) => ending.unwrap_or(Ending::LetGo),
        () = caller.link.lost() => Ending::LetGo,
    };
    match ending {
        Ending::Over => {
            caller.say(&Frame::End, &[]).await;
            "ok"
        }
        Ending::Problem(problem) => {
            caller.refuse(&problem, Some(trace)).await;
            problem.code.as_str()
        }
        Ending::LetGo => "let_go",
    }
}

async fn converse<Opening>(
    caller: &Caller,
    turn: OwnedSemaphorePermit,
    context: Context,
    work: impl FnOnce(Context, Streaming<Bytes>) -> Opening,
) -> Result<Ending, PublishError>
where
    Opening: Future<Output = Result<Streaming<Answer>, Problem>>,
{
    let words = caller.link.answered("open a control queue", control_queue(caller)).await?;
    caller.say(&Frame::Control(words.queue()), &[]).await;
    let (feed, mut requests) = mpsc::channel(WAITING);
    let requests = futures::stream::poll_fn(move |poller| requests.poll_recv(poller)).boxed();
    let credit = Semaphore::new(WINDOW as usize);
    let deadline = context.deadline.instant();
    let opening = work(context, requests);
    let told = async {
        let items = match in_time(deadline, opening).await {
            Some(Ok(items)) => items,
            Some(Err(problem)) => return Ending::Problem(problem),
            None => return Ending::LetGo,
        };
        drop(turn);
        caller.say(&Frame::Opened, &[]).await;
        tell(caller, items, &credit).await
    };
    Ok(tokio::select! {
        ending = told => ending,
        Err(ending) = hear(words, feed, &credit) => ending,
    })
}

/// A queue that goes with its only consumer, and that nobody else can read.
async fn control_queue(caller: &Caller) -> lapin::Result<Consumer> {
    let channel = &caller.channel;
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    channel.basic_consume(queue.name().clone(), "".into(), options, FieldTable::default()).await
}

/// Tells item after item, as many as the caller has granted.
async fn tell(caller: &Caller, mut items: Streaming<Answer>, credit: &Semaphore) -> Ending {
    loop {
        match credit.acquire().await {
            Ok(granted) => granted.forget(),
            // it is never closed
            Err(_) => return Ending::LetGo,
        }
        match AssertUnwindSafe(items.next()).catch_unwind().await {
            Ok(Some(Ok(item))) => caller.say(&Frame::Item, &item).await,
            Ok(Some(Err(problem))) => return Ending::Problem(problem),
            Ok(None) => return Ending::Over,
            Err(_) => {
                tracing::error!("a stream panicked");
                return Ending::Problem(Problem::internal());
            }
        }
    }
}

/// Hears the caller until it lets go, or falls silent.
async fn hear(
    mut words: Consumer,
    feed: mpsc::Sender<Bytes>,
    credit: &Semaphore,
) -> Result<Infallible, Ending> {
    let mut feed = Some(feed);
    loop {
        let Ok(Some(Ok(word))) = tokio::time::timeout(SILENCE, words.next()).await else {
            return Err(Ending::LetGo);
        };
        match Word::read(&word.properties) {
            Some(Word::Cancel) => return Err(Ending::LetGo),
            Some(Word::End) => feed = None,
            Some(Word::Credit(count)) => {
                // never more than there was at the beginning, whatever the caller says
                let most = WINDOW as usize - credit.available_permits().min(WINDOW as usize);
                credit.add_permits(most.min(count as usize));
            }
            Some(Word::Item) => match feed.as_ref().map(|feed| feed.try_send(word.data.into())) {
                Some(Err(mpsc::error::TrySendError::Full(_))) => {
                    let detail = format!("more than {WAITING} requests wait to be read");
                    return Err(Ending::Problem(Problem::new(Code::Unavailable, detail)));
                }
                // a service that reads no more requests may still answer
                Some(Ok(()) | Err(mpsc::error::TrySendError::Closed(_))) | None => {}
            },
            // of a version that says more
            None => {}
        }
    }
}
