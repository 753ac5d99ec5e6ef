//! When there is no response to pass on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, post};
use contracts::{Code, Problem};
use gateway::routes::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{Edge, Setup, nobody, problem, raw, read_head, upstream, upstream_saying, within};

const METHODS: &[Method] = &[Method::Get, Method::Post];

async fn get(edge: &Edge) -> reqwest::Response {
    within(reqwest::get(edge.url("/api/test/x"))).await.expect("a response")
}

async fn place(edge: &Edge) -> reqwest::Response {
    within(reqwest::Client::new().post(edge.url("/api/test/x")).body("{}").send()).await.expect("a response")
}

#[tokio::test]
async fn a_service_that_nobody_knows_or_that_refuses_is_503_with_retry_after() {
    let unknown = Setup::new().test_route(METHODS, Duration::from_secs(5)).start().await;
    let refusing = Setup::new()
        .test_route(METHODS, Duration::from_secs(5))
        .service("test", &[nobody().await])
        .start()
        .await;
    for (edge, reason) in [(unknown, "no instance is known"), (refusing, "nothing was sent")] {
        let refused = place(&edge).await;
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "3");
        let (code, detail) = problem(refused).await;
        assert_eq!(code, "dependency_unavailable");
        assert!(detail.starts_with("test: ") && detail.contains(reason), "{detail}");
    }
}

#[tokio::test]
async fn nonsense_and_a_broken_connection_are_502() {
    for (bytes, reason) in [
        (&b"SSH-2.0-OpenSSH_9.6\r\n"[..], "not HTTP"),
        (b"HTTP/1.1 99999 what\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "broke before it answered"),
        (b"", "broke before it answered"),
    ] {
        let edge = Setup::new()
            .test_route(METHODS, Duration::from_secs(5))
            .service("test", &[upstream_saying(bytes).await])
            .start()
            .await;
        let refused = place(&edge).await;
        assert_eq!(refused.status(), 502, "{bytes:?}");
        let (code, detail) = problem(refused).await;
        assert_eq!(code, "bad_gateway");
        assert!(detail.contains(reason) && detail.contains("is not known"), "{detail}");
        let (_, detail) = problem(get(&edge).await).await;
        assert!(detail.contains("changes nothing"), "{detail}");
    }
}

#[tokio::test]
async fn no_answer_in_time_is_504_and_says_whether_it_may_have_happened() {
    let silent = upstream(Router::new().fallback(any(std::future::pending::<StatusCode>))).await;
    let edge =
        Setup::new().test_route(METHODS, Duration::from_millis(500)).service("test", &[silent]).start().await;
    let changing = place(&edge).await;
    assert_eq!(changing.status(), 504);
    let (code, detail) = problem(changing).await;
    assert_eq!(code, "outcome_unknown");
    assert!(detail.starts_with("test: no answer"), "{detail}");
    let reading = get(&edge).await;
    assert_eq!(reading.status(), 504);
    assert_eq!(problem(reading).await.0, "deadline_exceeded");
}

#[tokio::test]
async fn no_connection_in_time_is_504_and_nothing_happened() {
    // a listener whose queue is full: further connections are neither accepted nor refused
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
        queued.push(stream.expect("queued"));
    }
    let edge = Setup::new()
        .test_route(METHODS, Duration::from_millis(500))
        .service("test", &[address])
        .start()
        .await;
    let refused = place(&edge).await;
    assert_eq!(refused.status(), 504);
    let (code, detail) = problem(refused).await;
    assert_eq!(code, "deadline_exceeded");
    assert!(detail.contains("nothing was sent"), "{detail}");
}

/// A service that runs out of time knows more about it than the gateway, which must not get in before.
#[tokio::test]
async fn a_service_that_reports_its_own_time_out_is_heard() {
    let slow = post(async |headers: http::HeaderMap| {
        let left: u64 = headers["tradewind-timeout-ms"].to_str().unwrap().parse().unwrap();
        tokio::time::sleep(Duration::from_millis(left / 2)).await;
        (StatusCode::GATEWAY_TIMEOUT, [("location", "/orders/17")])
    });
    let address = upstream(Router::new().route("/orders", slow)).await;
    let edge = Setup::new().service("orders", &[address]).start().await;
    let request = reqwest::Client::new().post(edge.url("/api/orders")).header("tradewind-timeout-ms", "500");
    let answer = within(request.send()).await.unwrap();
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.headers()["location"], "/api/orders/17");
}

#[tokio::test]
async fn a_client_whose_time_is_up_is_told_so_before_anything_is_sent() {
    let asked = Arc::new(AtomicUsize::new(0));
    let address = upstream(counting(asked.clone())).await;
    let edge =
        Setup::new().test_route(METHODS, Duration::from_secs(1)).service("test", &[address]).start().await;
    let request = reqwest::Client::new().post(edge.url("/api/test/x")).header("tradewind-timeout-ms", "0");
    assert_eq!(problem(request.send().await.unwrap()).await.0, "deadline_exceeded");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

fn counting(asked: Arc<AtomicUsize>) -> Router {
    Router::new().fallback(any(async move |body: String| {
        asked.fetch_add(1, Ordering::SeqCst);
        body
    }))
}

#[tokio::test]
async fn a_dead_instance_costs_no_request_and_is_set_aside() {
    let dead = CountedDeath::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let living = upstream(counting(asked.clone())).await;
    let edge = Setup::new()
        .test_route(METHODS, Duration::from_secs(5))
        .config(|config| config.set_aside_ms = 600_000)
        .service("test", &[nobody().await, living, dead.address])
        .start()
        .await;
    for number in 0..40 {
        let body = format!("order {number}");
        let request = reqwest::Client::new().post(edge.url("/api/test/x")).body(body.clone());
        let answer = within(request.send()).await.unwrap();
        // the one at `dead` takes requests and breaks off; that is not "nothing was sent", and not repeated
        if answer.status() == 502 {
            continue;
        }
        assert_eq!(answer.text().await.unwrap(), body);
    }
    let broken = dead.taken.load(Ordering::SeqCst);
    assert_eq!(asked.load(Ordering::SeqCst) + broken, 40, "each was sent exactly once");
    assert!(broken > 0 && broken < 40);
}

/// An upstream that takes requests and never answers.
struct CountedDeath {
    address: std::net::SocketAddr,
    taken: Arc<AtomicUsize>,
}

impl CountedDeath {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (address, taken) = (listener.local_addr().expect("bound"), Arc::new(AtomicUsize::new(0)));
        let count = taken.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                read_head(&mut stream).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, taken }
    }
}

#[tokio::test]
async fn an_instance_that_refused_gets_no_request_while_it_is_aside() {
    let place_of_the_dead = nobody().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let living = upstream(counting(asked.clone())).await;
    let edge = Setup::new()
        .test_route(METHODS, Duration::from_secs(5))
        .config(|config| config.set_aside_ms = 600_000)
        .service("test", &[place_of_the_dead, living])
        .start()
        .await;
    let client = reqwest::Client::new();
    for _ in 0..20 {
        assert_eq!(within(client.get(edge.url("/api/test/x")).send()).await.unwrap().status(), 200);
    }
    // it comes back, but its time is not over: nobody asks it
    let listener = TcpListener::bind(place_of_the_dead).await.unwrap();
    for _ in 0..20 {
        assert_eq!(within(client.get(edge.url("/api/test/x")).send()).await.unwrap().status(), 200);
    }
    let asked_again = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await.is_ok();
    assert!(!asked_again);
    assert_eq!(asked.load(Ordering::SeqCst), 40);
}

#[tokio::test]
async fn the_only_instance_is_asked_even_while_it_is_aside() {
    let address = nobody().await;
    let edge = Setup::new()
        .test_route(METHODS, Duration::from_secs(5))
        .config(|config| config.set_aside_ms = 600_000)
        .service("test", &[address])
        .start()
        .await;
    assert_eq!(get(&edge).await.status(), 503);
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, counting(Arc::default())).await });
    assert_eq!(get(&edge).await.status(), 200);
}

#[tokio::test]
async fn half_an_answer_is_never_taken_for_a_whole_one() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                read_head(&mut stream).await;
                let half = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhello\r\n");
                stream.write_all(half.as_bytes()).await.unwrap();
            }
        });
        let edge = Setup::new()
            .test_route(METHODS, Duration::from_secs(5))
            .service("test", &[address])
            .start()
            .await;
        let answer = get(&edge).await;
        assert_eq!(answer.status(), 200);
        assert!(within(answer.bytes()).await.is_err(), "{head}");
        let seen = raw(edge.address, "GET /api/test/x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(seen.contains("hello") && !seen.contains("\r\n0\r\n\r\n"), "{seen}");
    }
}

#[tokio::test]
async fn an_answer_that_stands_still_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello").await.unwrap();
        std::future::pending::<()>().await;
    });
    let edge = Setup::new()
        .test_route(METHODS, Duration::from_secs(5))
        .config(|config| config.idle_ms = 100)
        .service("test", &[address])
        .start()
        .await;
    assert!(within(get(&edge).await.bytes()).await.is_err());
}

#[tokio::test]
async fn a_services_own_problem_passes_as_it_is() {
    let refusing =
        post(async || chassis::http::Refusal(Problem::new(Code::CardDeclined, "no").at("/orders/17")));
    let routes = Router::new()
        .route("/orders", refusing)
        .layer(axum::middleware::from_fn(chassis::http::problems::write));
    let edge = Setup::new().service("orders", &[upstream(routes).await]).start().await;
    let refused = reqwest::Client::new().post(edge.url("/api/orders")).send().await.unwrap();
    assert_eq!(refused.status(), 402);
    assert_eq!(refused.headers()["location"], "/api/orders/17");
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(
        (body["code"].as_str(), body["resource"].as_str()),
        (Some("card_declined"), Some("/orders/17"))
    );
}
