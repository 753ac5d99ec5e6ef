//! Bodies on their way through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use bytes::Bytes;
use futures::StreamExt;
use gateway::routes::Method;
use http_body_util::BodyExt;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::support::{Edge, PATIENCE, Setup, problem, raw, until, upstream, within};

const METHODS: &[Method] = &[Method::Get, Method::Post];
const CHUNK: usize = 64 * 1024;
const CHUNKS: u64 = 1600;
const ALL: u64 = CHUNKS * CHUNK as u64;
/// What may be under way: the gateway's own buffers, and above all those of the four sockets.
const UNDER_WAY: u64 = ALL / 2;

async fn edge(routes: Router) -> Edge {
    let address = upstream(routes).await;
    Setup::new()
        .test_route(METHODS, Duration::from_secs(120))
        .config(|config| config.body_bytes = 1 << 30)
        .service("test", &[address])
        .start()
        .await
}

#[tokio::test]
async fn both_directions_stream_at_the_same_time() {
    let edge = edge(Router::new().route("/echo", post(async |body: Body| body))).await;
    let (send, chunks) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let request = reqwest::Client::new()
        .post(edge.url("/api/test/echo"))
        .body(reqwest::Body::wrap_stream(ReceiverStream::new(chunks)));
    let mut answer = within(request.send()).await.unwrap();
    for number in 0..5 {
        let chunk = Bytes::from(format!("chunk {number}"));
        send.send(Ok(chunk.clone())).await.unwrap();
        // the next one is sent only when this one has come back
        assert_eq!(within(answer.chunk()).await.unwrap(), Some(chunk));
    }
    drop(send);
    assert_eq!(within(answer.chunk()).await.unwrap(), None);
}

/// `CHUNKS` chunks, counted as they are taken.
fn counted(taken: Arc<AtomicU64>) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    let chunk = Bytes::from(vec![7; CHUNK]);
    futures::stream::iter(0..CHUNKS).map(move |_| {
        taken.fetch_add(CHUNK as u64, Ordering::SeqCst);
        Ok(chunk.clone())
    })
}

/// Waits until a count that has begun to rise has come to rest.
async fn at_rest(count: &AtomicU64) -> u64 {
    until("something is on its way", || count.load(Ordering::SeqCst) > 0).await;
    let rest = async {
        let (mut before, mut alike) = (0, 0);
        while alike < 10 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = count.load(Ordering::SeqCst);
            alike = if now == before { alike + 1 } else { 0 };
            before = now;
        }
        before
    };
    tokio::time::timeout(PATIENCE, rest).await.expect("comes to rest")
}

#[tokio::test]
async fn a_large_upload_waits_for_a_service_that_does_not_read() {
    let read_on = Arc::new(Notify::new());
    let slow = async |State(read_on): State<Arc<Notify>>, body: Body| {
        read_on.notified().await;
        let mut size = 0;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            size += chunk.expect("whole").len();
        }
        size.to_string()
    };
    let edge = edge(Router::new().route("/up", post(slow)).with_state(read_on.clone())).await;
    let taken = Arc::new(AtomicU64::new(0));
    let body = reqwest::Body::wrap_stream(counted(taken.clone()));
    let sent = tokio::spawn(reqwest::Client::new().post(edge.url("/api/test/up")).body(body).send());
    let under_way = at_rest(&taken).await;
    assert!(under_way < UNDER_WAY, "{under_way} bytes were taken that nobody reads");
    read_on.notify_one();
    let answer = tokio::time::timeout(Duration::from_secs(60), sent).await.unwrap().unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), ALL.to_string());
}

#[tokio::test]
async fn a_large_download_waits_for_a_client_that_does_not_read() {
    let taken = Arc::new(AtomicU64::new(0));
    let large = async |State(taken): State<Arc<AtomicU64>>| Body::from_stream(counted(taken));
    let edge = edge(Router::new().route("/down", get(large)).with_state(taken.clone())).await;
    let mut answer = within(reqwest::get(edge.url("/api/test/down"))).await.unwrap();
    let under_way = at_rest(&taken).await;
    assert!(under_way < UNDER_WAY, "{under_way} bytes were taken that nobody reads");
    let mut size = 0;
    let reading = async {
        while let Some(chunk) = answer.chunk().await.expect("whole") {
            size += chunk.len() as u64;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap();
    assert_eq!(size, ALL);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_or_cut() {
    let whole = Arc::new(AtomicBool::new(false));
    let read = async |State(whole): State<Arc<AtomicBool>>, body: Body| {
        let read = body.collect().await;
        whole.store(read.is_ok(), Ordering::SeqCst);
        "read"
    };
    let address = upstream(Router::new().route("/up", post(read)).with_state(whole.clone())).await;
    let edge = Setup::new()
        .test_route(METHODS, Duration::from_secs(10))
        .config(|config| config.body_bytes = 1000)
        .service("test", &[address])
        .start()
        .await;
    let client = reqwest::Client::new();
    let send =
        async |body: reqwest::Body| within(client.post(edge.url("/api/test/up")).body(body).send()).await;

    assert_eq!(send(vec![0; 1000].into()).await.unwrap().status(), 200);
    assert!(whole.swap(false, Ordering::SeqCst));

    let announced = send(vec![0; 1001].into()).await.unwrap();
    assert_eq!(announced.status(), 413);
    assert_eq!(problem(announced).await.0, "too_large");

    let chunks = (0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![0; 400])));
    let streamed = send(reqwest::Body::wrap_stream(futures::stream::iter(chunks))).await.unwrap();
    assert_eq!(streamed.status(), 413);
    assert_eq!(problem(streamed).await.0, "too_large");
    assert!(!whole.load(Ordering::SeqCst), "the service must not take the part for the whole");
}

/// Notes that a handler was dropped before its end.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_lets_go_of_the_request() {
    let (reached, dropped) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (arrived, flag) = (reached.clone(), dropped.clone());
    let held = get(async move || {
        let _guard = Dropped(flag);
        arrived.notify_one();
        std::future::pending::<()>().await;
    });
    let edge = edge(Router::new().route("/held", held)).await;
    let request = tokio::spawn(reqwest::get(edge.url("/api/test/held")));
    within(reached.notified()).await;
    request.abort();
    until("the service's handler is dropped", || dropped.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_a_stream_ends_it() {
    let dropped = Arc::new(AtomicBool::new(false));
    let stream = async |State(dropped): State<Arc<AtomicBool>>| {
        let guard = Dropped(dropped);
        let ticks = futures::stream::unfold(guard, async |guard| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"data: tick\n\n")), guard))
        });
        Body::from_stream(ticks)
    };
    let edge = edge(Router::new().route("/ticks", get(stream)).with_state(dropped.clone())).await;
    let mut answer = within(reqwest::get(edge.url("/api/test/ticks"))).await.unwrap();
    assert!(within(answer.chunk()).await.unwrap().is_some());
    drop(answer);
    until("the service's stream is dropped", || dropped.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_client_that_breaks_off_its_upload_leaves_no_whole_request_behind() {
    let ended = Arc::new(AtomicU64::new(0));
    let read = async |State(ended): State<Arc<AtomicU64>>, body: Body| {
        let whole = body.collect().await.is_ok();
        ended.store(if whole { 1 } else { 2 }, Ordering::SeqCst);
    };
    let edge = edge(Router::new().route("/up", post(read)).with_state(ended.clone())).await;
    let (address, request) = (
        edge.address,
        "POST /api/test/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    drop(stream);
    until("the service has seen the end", || ended.load(Ordering::SeqCst) != 0).await;
    assert_eq!(ended.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn trailers_pass_where_the_client_wants_them() {
    let with_trailers = async || {
        let frames = [
            http_body::Frame::data(Bytes::from_static(b"body")),
            http_body::Frame::trailers(
                [("x-sum".parse().unwrap(), "42".parse().unwrap())].into_iter().collect(),
            ),
        ];
        let body =
            http_body_util::StreamBody::new(futures::stream::iter(frames.map(Ok::<_, std::io::Error>)));
        ([("trailer", "x-sum")], Body::new(body))
    };
    let edge = edge(Router::new().route("/t", get(with_trailers))).await;
    let head = "GET /api/test/t HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n";
    let answer = raw(edge.address, head).await;
    assert!(answer.ends_with("0\r\nx-sum: 42\r\n\r\n"), "{answer}");
}
