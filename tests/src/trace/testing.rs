//! Traces to try pictures and rules with.

use std::collections::BTreeMap;

use serde_json::json;

use super::span::{Kind, Span, Trace};

/// The trace that looks so. What stands behind `→` is whom a client calls; each span begins a microsecond after the
/// one above it, and lasts until all of them have ended.
pub(super) fn trace(picture: &str) -> Trace {
    let lines: Vec<&str> = picture.lines().filter(|line| !line.trim().is_empty()).collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let span = |(at, line): (usize, &&str)| {
        let above = (0..at).rev().find(|above| depth(lines[*above]) < depth(line));
        let (text, callee) =
            line.trim().split_once(" → ").map_or((line.trim(), None), |(text, callee)| (text, Some(callee)));
        let mut words = text.splitn(3, ' ');
        let [service, kind, name] = std::array::from_fn(|_| words.next().expect("service, kind and name"));
        let mut tags = BTreeMap::from([("tradewind.wire".to_owned(), json!("rest"))]);
        tags.extend(callee.map(|callee| ("peer.service".to_owned(), json!(callee))));
        if name == "POST" {
            tags.insert("http.request.method".to_owned(), json!(name));
        }
        Span {
            id: at.to_string(),
            parent: above.map(|above| above.to_string()),
            links: Vec::new(),
            service: service.to_owned(),
            name: name.to_owned(),
            kind: Kind::named(kind).expect("a kind"),
            start: at as u64,
            duration: (100 - at) as u64,
            tags,
            events: Vec::new(),
            resource: BTreeMap::new(),
        }
    };
    Trace { spans: lines.iter().enumerate().map(span).collect() }
}
