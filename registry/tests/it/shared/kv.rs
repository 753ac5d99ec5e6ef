//! Keys and values.

use std::time::Duration;

use serde_json::json;

use crate::engine::Engine;

pub async fn keys_are_written_read_and_deleted(engine: &Engine) {
    let http = &engine.http;
    assert_eq!(http.get("/v1/kv/plain/a").await.status, 404);
    assert_eq!(http.put("/v1/kv/plain/a?flags=42", "hello").await.ok().json(), true);
    let reply = http.get("/v1/kv/plain/a").await.ok();
    let entry = &reply.json()[0];
    assert_eq!((&entry["Key"], &entry["Value"]), (&json!("plain/a"), &json!("aGVsbG8=")));
    assert_eq!((&entry["Flags"], &entry["LockIndex"]), (&json!(42), &json!(0)));
    assert_eq!(entry["CreateIndex"], entry["ModifyIndex"]);
    assert!(entry.get("Session").is_none());
    let raw = http.get("/v1/kv/plain/a?raw").await.ok();
    assert_eq!((raw.text.as_str(), &raw.headers["content-type"]), ("hello", &"text/plain".parse().unwrap()));

    http.put("/v1/kv/plain/a", "").await.ok();
    let changed = &http.get("/v1/kv/plain/a").await.ok().json()[0];
    assert!(changed["Value"].is_null() && changed["ModifyIndex"].as_u64() > entry["ModifyIndex"].as_u64());
    assert_eq!(changed["CreateIndex"], entry["CreateIndex"]);

    http.put("/v1/kv/plain/with%20space%2Fand%20slash", vec![0, 255]).await.ok();
    let odd = &http.get("/v1/kv/plain/with%20space/and%20slash").await.ok().json()[0];
    assert_eq!((&odd["Key"], &odd["Value"]), (&json!("plain/with space/and slash"), &json!("AP8=")));

    assert_eq!(http.delete("/v1/kv/plain/a").await.ok().json(), true);
    assert_eq!(http.get("/v1/kv/plain/a").await.status, 404);
    assert_eq!(http.delete("/v1/kv/plain/a").await.ok().json(), true, "deleted already");
}

pub async fn compare_and_set_lets_one_of_two_through(engine: &Engine) {
    let http = &engine.http;
    assert_eq!(http.put("/v1/kv/cas?cas=0", "first").await.ok().json(), true);
    assert_eq!(http.put("/v1/kv/cas?cas=0", "second").await.ok().json(), false);
    let index = http.get("/v1/kv/cas").await.ok().json()[0]["ModifyIndex"].as_u64().unwrap();
    let path = format!("/v1/kv/cas?cas={index}");
    let (a, b) = tokio::join!(http.put(&path, "a"), http.put(&path, "b"));
    assert!(a.ok().json().as_bool().unwrap() ^ b.ok().json().as_bool().unwrap());
    assert_eq!(http.delete(&path).await.ok().json(), false, "the index is a past one");
    assert_eq!(http.get("/v1/kv/cas").await.status, 200);
    let index = http.get("/v1/kv/cas").await.ok().json()[0]["ModifyIndex"].as_u64().unwrap();
    assert_eq!(http.delete(&format!("/v1/kv/cas?cas={index}")).await.ok().json(), true);
    assert_eq!(http.get("/v1/kv/cas").await.status, 404);
}

pub async fn keys_are_listed_by_prefix_and_separator(engine: &Engine) {
    let http = &engine.http;
    for key in ["list/a", "list/b/c", "list/b/d", "list/e", "listen"] {
        http.put(&format!("/v1/kv/{key}"), key.to_owned()).await.ok();
    }
    let keys = http.get("/v1/kv/list/?keys").await.ok().json();
    assert_eq!(keys, json!(["list/a", "list/b/c", "list/b/d", "list/e"]));
    let level = http.get("/v1/kv/list/?keys&separator=/").await.ok().json();
    assert_eq!(level, json!(["list/a", "list/b/", "list/e"]));
    let below = http.get("/v1/kv/list/b/?recurse").await.ok().json();
    assert_eq!(below.as_array().unwrap().len(), 2);
    assert_eq!((&below[0]["Key"], &below[0]["Value"]), (&json!("list/b/c"), &json!("bGlzdC9iL2M=")));
    assert!(http.get("/v1/kv/?keys").await.ok().text.contains("list/b/d"));
    assert_eq!(http.get("/v1/kv/list/none?recurse").await.status, 404);
    assert_eq!(http.get("/v1/kv/list/none?keys").await.status, 404);
    http.delete("/v1/kv/list/b?recurse").await.ok();
    assert_eq!(http.get("/v1/kv/list?keys").await.ok().json(), json!(["list/a", "list/e", "listen"]));
}

pub async fn a_watcher_of_a_key_or_prefix_sees_each_change(engine: &Engine) {
    let client = engine.client();
    let wait = Duration::from_secs(30);
    /// What the watcher is told next that differs from what it knows.
    async fn next(
        client: &chassis::discovery::Consul,
        index: &mut u64,
        known: Option<&[u8]>,
        wait: Duration,
    ) -> Option<Vec<u8>> {
        loop {
            let answer = client.kv_get("watched/key", *index, wait).await.unwrap();
            assert!(answer.index >= *index, "an index went back");
            *index = answer.index;
            let value = answer.value.map(|entry| entry.value);
            if value.as_deref() != known {
                return value;
            }
        }
    }
    let mut index = client.kv_get("watched/key", 0, wait).await.unwrap().index;
    let prefix = engine.http.get("/v1/kv/watched/?recurse").await;
    let (seen, _) =
        tokio::join!(next(&client, &mut index, None, wait), client.kv_put("watched/key", b"1".into()));
    assert_eq!(seen.as_deref(), Some(&b"1"[..]));
    let all = engine.http.get(&format!("/v1/kv/watched/?recurse&index={}&wait=30s", prefix.index)).await.ok();
    assert_eq!(all.json().as_array().unwrap().len(), 1);
    let (seen, _) =
        tokio::join!(next(&client, &mut index, Some(b"1"), wait), client.kv_put("watched/key", b"2".into()));
    assert_eq!(seen.as_deref(), Some(&b"2"[..]));
    let (seen, _) =
        tokio::join!(next(&client, &mut index, Some(b"2"), wait), client.kv_delete("watched/key"));
    assert_eq!(seen, None);
    let gone = engine.http.get(&format!("/v1/kv/watched/?recurse&index={}&wait=30s", all.index)).await;
    assert_eq!(gone.status, 404);
    assert!(gone.index > all.index);
}

pub async fn bad_requests_are_refused(engine: &Engine) {
    let http = &engine.http;
    for path in ["cas=some", "cas=-1", "flags=-1", "flags=x", "acquire=nobody"] {
        let reply = http.put(&format!("/v1/kv/bad?{path}"), "x").await;
        // Consul answers some of these with 500.
        assert!([400, 500].contains(&reply.status) && !reply.text.is_empty(), "{path}: {reply:?}");
    }
    assert_eq!(http.put("/v1/kv/bad?release=nobody", "x").await.ok().json(), false);
    assert_eq!(http.put("/v1/kv/", "x").await.status, 400);
    assert_eq!(http.delete("/v1/kv/").await.status, 400);
    assert_eq!(http.put("/v1/kv/bad?acquire=a&release=b", "x").await.status, 400);
    assert_eq!(http.delete("/v1/kv/bad?recurse&cas=1").await.status, 400);
    assert_eq!(http.put("/v1/kv/bad", vec![b'x'; 512 * 1024 + 1]).await.status, 413);
    assert_eq!(http.put("/v1/kv/large", vec![b'x'; 512 * 1024]).await.status, 200);
    let post = http.try_send(http.request(reqwest::Method::POST, "/v1/kv/bad")).await.unwrap();
    assert_eq!(post.status, 405);
    assert_eq!(http.get("/v1/kv/bad").await.status, 404, "nothing of this was stored");
}
