//! Streams over HTTP: one JSON document a line (NDJSON), each way. An item is `{"item": …}`; a stream
//! that ends with a problem ends with `{"problem": …}`.

use axum::body::{Body, BodyDataStream};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use contracts::error::ProblemJson;
use contracts::{PortResult, Problem, Streaming};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The content type of such streams.
pub const NDJSON: &str = "application/x-ndjson";

/// The longest line that is read.
const LONGEST_LINE: usize = 256 * 1024;

/// One line of a stream of replies.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame<T> {
    /// The next item.
    Item(T),
    /// Why there are no more.
    Problem(ProblemJson),
}

/// Answers with a stream of replies.
pub fn ndjson<T: Serialize + Send + 'static>(items: Streaming<PortResult<T>>) -> Response {
    let lines = until_error(items).map(|item| {
        Ok::<_, std::convert::Infallible>(line(&match item {
            Ok(item) => Frame::Item(item),
            Err(error) => Frame::Problem(ProblemJson::new(&error.into_problem(), None)),
        }))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response()
}

/// One JSON document and the end of its line.
pub fn line<T: Serialize>(item: &T) -> Bytes {
    let mut text = serde_json::to_vec(item).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// Reads a stream of requests. A line that cannot be read ends it.
pub fn requests<T: DeserializeOwned + Send + 'static>(body: Body) -> Streaming<T> {
    let bytes: BodyDataStream = body.into_data_stream();
    lines(bytes)
        .map(|line| line.ok().and_then(|line| serde_json::from_slice(&line).ok()))
        .scan((), |(), item| std::future::ready(item))
        .boxed()
}

/// Why a stream of replies ended before its time.
#[derive(Debug)]
pub enum Ending<E> {
    /// The callee says why.
    Problem(Problem),
    /// What came could not be read.
    Garbled(String),
    /// No more came.
    Lost(E),
}

/// Reads a stream of replies, line by line, up to its end or the first thing that is wrong.
pub fn replies<T, S, E>(bytes: S) -> impl Stream<Item = Result<T, Ending<E>>> + Send
where
    T: DeserializeOwned + Send + 'static,
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Send + 'static,
{
    until_error(lines(bytes).map(|line| match serde_json::from_slice(&line?) {
        Ok(Frame::Item(item)) => Ok(item),
        Ok(Frame::Problem(problem)) => {
            Err(
                problem.into_problem().map_or_else(
                    || Ending::Garbled("the problem is of no known kind".into()),
                    Ending::Problem,
                ),
            )
        }
        Err(error) => Err(Ending::Garbled(error.to_string())),
    }))
}

/// The items up to the first error, and that. A stream that has failed is over on every wire.
pub fn until_error<T, E>(
    items: impl Stream<Item = Result<T, E>> + Send + 'static,
) -> impl Stream<Item = Result<T, E>> + Send {
    futures::stream::unfold(Some(items.boxed()), async |items| {
        let mut items = items?;
        let item = items.next().await?;
        let rest = item.is_ok().then_some(items);
        Some((item, rest))
    })
}

/// Cuts a stream of chunks into lines, each of bounded length.
fn lines<S, E>(chunks: S) -> impl Stream<Item = Result<Bytes, Ending<E>>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Send + 'static,
{
    let state = (chunks.boxed(), BytesMut::new());
    futures::stream::unfold(state, |(mut chunks, mut rest)| async move {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let mut line = rest.split_to(end + 1);
                line.truncate(end);
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some((Ok(line.freeze()), (chunks, rest)));
            }
            if rest.len() > LONGEST_LINE {
                rest.clear();
                let error = Ending::Garbled("a line is too long".into());
                return Some((Err(error), (futures::stream::empty().boxed(), rest)));
            }
            match chunks.next().await {
                Some(Ok(chunk)) => rest.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    return Some((
                        Err(Ending::Lost(error)),
                        (futures::stream::empty().boxed(), BytesMut::new()),
                    ));
                }
                None if rest.is_empty() => return None,
                None => rest.extend_from_slice(b"\n"),
            }
        }
    })
}
