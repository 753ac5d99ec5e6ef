//! The pages, and who may look at them.

use axum::Router;
use axum::routing::get;
use observatory::Limits;
use reqwest::header::{ETAG, HOST, IF_NONE_MATCH};

use crate::started::{Started, client};

#[tokio::test]
async fn every_path_of_the_pages_is_the_one_page() {
    let started = Started::new().await;
    for path in ["/", "/trace/5b8efff798038103d269b633813fc60c", "/map", "/services/orders"] {
        let answer = client().get(started.page(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        assert!(
            answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'")
        );
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(answer.text().await.unwrap().starts_with("<!"), "{path}");
    }
    for path in ["/nothing", "/trace", "/trace/a/b", "/index.php", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        assert_eq!(client().get(started.page(path)).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(client().post(started.page("/")).send().await.unwrap().status(), 405);
    for path in ["/livez", "/readyz"] {
        assert_eq!(client().get(started.page(path)).send().await.unwrap().text().await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_page_that_a_browser_has_is_not_sent_again() {
    let started = Started::new().await;
    let answer = client().get(started.page("/")).send().await.unwrap();
    let tag = answer.headers()[ETAG].clone();
    let again = |tag| client().get(started.page("/")).header(IF_NONE_MATCH, tag).send();
    let answer = again(tag.to_str().unwrap().to_owned()).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()[ETAG]), (304, &tag));
    assert_eq!(answer.bytes().await.unwrap().len(), 0);
    assert_eq!(again("\"another\"".to_owned()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_read_by_a_name_of_its_own() {
    let queries = Router::new().route("/api/services", get(async || "secret"));
    let dress = |made: observatory::Observatory| {
        made.with_queries(queries).with_hosts(["observatory.example".to_owned()])
    };
    let started = Started::with(Limits::default(), dress).await;
    let by = |host: &'static str, path| client().get(started.page(path)).header(HOST, host).send();
    for host in ["localhost", "127.0.0.1:16686", "[::1]", "observatory.example:8080"] {
        assert_eq!(by(host, "/api/services").await.unwrap().text().await.unwrap(), "secret", "{host}");
    }
    for path in ["/", "/api/services", "/livez", "/nothing"] {
        let answer = by("evil.example", path).await.unwrap();
        assert_eq!(answer.status(), 421, "{path}");
        assert!(!answer.text().await.unwrap().contains("secret"));
    }
}
