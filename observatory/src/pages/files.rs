//! The files of the pages.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use include_dir::{Dir, File, include_dir};

/// The folders that are served. What else is beside them is for people who work on the pages, and is not in the
/// executable.
static FOLDERS: [(&str, Dir<'static>); 2] = [
    ("css", include_dir!("$CARGO_MANIFEST_DIR/pages/css")),
    ("js", include_dir!("$CARGO_MANIFEST_DIR/pages/js")),
];
/// The page that is all pages: what it shows depends on its path.
static INDEX: &[u8] = include_bytes!("../../pages/index.html");
static ICON: &[u8] = include_bytes!("../../pages/icon.svg");
/// The paths that the page is found at.
const PATHS: [&str; 4] = ["/", "/trace/{id}", "/map", "/services/{name}"];

/// Each file at its path.
pub(super) fn routes() -> Router {
    let mut router = Router::new().route("/icon.svg", serve(ICON, "image/svg+xml"));
    for path in PATHS {
        router = router.route(path, serve(INDEX, "text/html; charset=utf-8"));
    }
    for (folder, dir) in &FOLDERS {
        for file in every_file(dir) {
            let (Some(path), Some(media_type)) = (file.path().to_str(), media_type(file)) else { continue };
            router = router.route(&format!("/{folder}/{path}"), serve(file.contents(), media_type));
        }
    }
    router
}

fn every_file(dir: &'static Dir<'static>) -> Vec<&'static File<'static>> {
    dir.files().chain(dir.dirs().flat_map(every_file)).collect()
}

fn media_type(file: &File<'_>) -> Option<&'static str> {
    match file.path().extension()?.to_str()? {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        _ => None,
    }
}

fn serve(contents: &'static [u8], media_type: &'static str) -> MethodRouter {
    let tag = tag(contents);
    get(move |asked: HeaderMap| std::future::ready(answer(contents, media_type, &tag, &asked)))
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
