//! The files of the pages.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use include_dir::{Dir, File, include_dir};

static PAGES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/pages");

/// The page that is all pages: what it shows depends on its path.
const INDEX: &str = "index.html";
/// The paths that it is found at.
const PATHS: [&str; 4] = ["/", "/trace/{id}", "/map", "/services/{name}"];
/// A folder that is not for browsers.
const TESTS: &str = "test";

/// Each file at its path. What else is in the folder is for people who work on it, and stays there.
pub(super) fn routes() -> Router {
    let mut router = Router::new();
    for file in every_file(&PAGES) {
        let (Some(path), Some(media_type)) = (file.path().to_str(), media_type(file)) else { continue };
        if path == INDEX {
            router =
                PATHS.into_iter().fold(router, |router, path| router.route(path, serve(file, media_type)));
        } else {
            router = router.route(&format!("/{path}"), serve(file, media_type));
        }
    }
    router
}

fn every_file(dir: &'static Dir<'static>) -> Vec<&'static File<'static>> {
    let served = dir.dirs().filter(|dir| !dir.path().ends_with(TESTS));
    dir.files().chain(served.flat_map(every_file)).collect()
}

fn media_type(file: &File<'_>) -> Option<&'static str> {
    match file.path().extension()?.to_str()? {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "json" => Some("application/json"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "ico" => Some("image/x-icon"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

fn serve(file: &'static File<'static>, media_type: &'static str) -> MethodRouter {
    let tag = tag(file.contents());
    get(move |asked: HeaderMap| std::future::ready(answer(file.contents(), media_type, &tag, &asked)))
}

/// Names these bytes: others have another tag, also those of another version of this program.
fn tag(contents: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

fn answer(contents: &'static [u8], media_type: &'static str, tag: &str, asked: &HeaderMap) -> Response {
    // Kept by browsers, and asked for each time whether it still is the same.
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    if asked.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, media_type)], contents).into_response()
}

/// Whether one of the tags that a browser knows is this one, strong or weak.
fn names(known: &HeaderValue, tag: &str) -> bool {
    let mut known = known.to_str().unwrap_or_default().split(',').map(str::trim);
    known.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_several_and_weak_ones() {
        let known = HeaderValue::from_static("\"a\", W/\"b\"");
        assert!(names(&known, "\"a\"") && names(&known, "\"b\"") && !names(&known, "\"c\""));
        assert!(names(&HeaderValue::from_static("*"), "\"c\""));
    }

    #[test]
    fn equal_bytes_have_equal_tags_and_others_have_others() {
        assert_eq!(tag(b"one"), tag(b"one"));
        assert_ne!(tag(b"one"), tag(b"two"));
    }
}
