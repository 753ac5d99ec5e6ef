//! Reads an operation's request out of path, query and body.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, Method, header};
use contracts::{Code, Fault, Problem};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Refusal, headers};

/// The request of an operation. Path parameters are fields of it; the rest comes from the query of a
/// `GET` and from the JSON body of anything else. At the public API a field that nobody knows is
/// refused, since it is a typing error or a misunderstanding; between services it is ignored, so that
/// versions can mix.
pub struct Input<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let path = RawPathParams::from_request_parts(&mut parts, state)
            .await
            .map_err(|error| Problem::new(Code::Malformed, error.to_string()))?;
        let strictness = Strictness::of(&parts.headers);
        if parts.method == Method::GET {
            return Ok(Self(from_query(&path, parts.uri.query().unwrap_or(""), strictness)?));
        }
        let json = expect_json(&parts.headers);
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|_| Problem::new(Code::TooLarge, "the body is larger than this service reads"))?;
        // a request that is all in its path has no body, and need not say of what type
        if !bytes.is_empty() {
            json?;
        }
        Ok(Self(from_body(&path, &bytes, strictness)?))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    RefuseUnknownFields,
    IgnoreUnknownFields,
}

impl Strictness {
    fn of(request: &HeaderMap) -> Self {
        match request.get(headers::AUDIENCE) {
            Some(audience) if audience == "public" => Self::RefuseUnknownFields,
            _ => Self::IgnoreUnknownFields,
        }
    }
}

fn expect_json(request: &HeaderMap) -> Result<(), Problem> {
    let kind = request.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // parameters (`; charset=utf-8`) do not matter: JSON is UTF-8
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        other => Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("send Content-Type: application/json, not {}", other.unwrap_or("none")),
        )),
    }
}

fn from_query<T: DeserializeOwned>(
    path: &RawPathParams,
    query: &str,
    strictness: Strictness,
) -> Result<T, Problem> {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(path);
    pairs.extend_pairs(
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| path.iter().all(|(p, _)| p != name)),
    );
    let pairs = pairs.finish();
    if strictness == Strictness::RefuseUnknownFields {
        refuse_unknown_parameters::<T>(&pairs)?;
    }
    read(serde_urlencoded::Deserializer::new(form_urlencoded::parse(pairs.as_bytes())), strictness, |error| {
        (Code::InvalidRequest, error.to_string())
    })
}

/// Refuses parameters that `T` does not have. Of a `T` with `#[serde(flatten)]`, serde tells nobody what
/// it left over. But it takes no field twice: what may be repeated is a field that it does not know.
fn refuse_unknown_parameters<T: DeserializeOwned>(pairs: &str) -> Result<(), Problem> {
    let given: Vec<_> = form_urlencoded::parse(pairs.as_bytes()).collect();
    if given.len() > MOST_PARAMETERS {
        let detail = format!("the request has more than {MOST_PARAMETERS} parameters");
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    let taken_twice = |name: &str, value: &str| {
        let mut repeated = form_urlencoded::Serializer::new(pairs.to_owned());
        serde_urlencoded::from_str::<T>(repeated.append_pair(name, value).finish().as_str()).is_ok()
    };
    let unknown = given.iter().filter(|(name, value)| taken_twice(name, value));
    refuse_unknown(unknown.map(|(name, _)| name.to_string()).collect())
}

/// More than any operation has, and few enough to look at each.
const MOST_PARAMETERS: usize = 32;

fn refuse_unknown(names: Vec<String>) -> Result<(), Problem> {
    if names.is_empty() {
        return Ok(());
    }
    let fault = |field| Fault { field, message: "is not a field of this request".into() };
    Err(Problem::invalid(names.into_iter().map(fault).collect()))
}

fn from_body<T: DeserializeOwned>(
    path: &RawPathParams,
    body: &[u8],
    strictness: Strictness,
) -> Result<T, Problem> {
    if path.iter().next().is_none() {
        return from_document(body, strictness);
    }
    let mut fields = match body {
        [] => serde_json::Map::new(),
        body => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(Problem::new(Code::InvalidRequest, NO_OBJECT)),
            Err(error) => {
                return Err(Problem::new(Code::Malformed, format!("the body is not JSON: {error}")));
            }
        },
    };
    for (name, value) in path {
        if let Some(other) = fields.insert(name.to_owned(), Value::from(value))
            && other != value
        {
            return Err(Problem::invalid_field(
                name,
                format!("is {other} in the body but {value:?} in the path"),
            ));
        }
    }
    read(Value::Object(fields), strictness, json_fault)
}

/// A request from another service that is all in its body, read as on REST.
pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    from_document(body, Strictness::IgnoreUnknownFields)
}

fn from_document<T: DeserializeOwned>(body: &[u8], strictness: Strictness) -> Result<T, Problem> {
    // serde would read the fields of a list by their positions, which nobody has promised
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::new(Code::InvalidRequest, NO_OBJECT));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = read(&mut reader, strictness, json_fault)?;
    reader.end().map_err(|error| Problem::new(Code::Malformed, error.to_string()))?;
    Ok(value)
}

const NO_OBJECT: &str = "the body must be a JSON object";

fn json_fault(error: &serde_json::Error) -> (Code, String) {
    match error.classify() {
        serde_json::error::Category::Data => (Code::InvalidRequest, error.to_string()),
        _ => (Code::Malformed, format!("the body is not JSON: {error}")),
    }
}

/// Reads `T`, naming the field that it stumbled over.
fn read<'de, T, D>(
    reader: D,
    strictness: Strictness,
    describe: impl Fn(&D::Error) -> (Code, String),
) -> Result<T, Problem>
where
    T: DeserializeOwned,
    D: serde::Deserializer<'de>,
{
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(reader, &mut track);
    let value = serde_ignored::deserialize(tracked, |field| unknown.push(path_of(&field)));
    let value = value.map_err(|error| {
        let (code, message) = describe(&error);
        let place = track.path().to_string();
        let place = if place == "." { "" } else { &place };
        match (code, named_in(&message)) {
            (Code::InvalidRequest, Some((name, fault))) => {
                Problem::invalid_field(field_in(place, name), fault)
            }
            (Code::InvalidRequest, None) if !place.is_empty() => Problem::invalid_field(place, message),
            (code, _) => Problem::new(code, message),
        }
    })?;
    if strictness == Strictness::RefuseUnknownFields {
        refuse_unknown(unknown)?;
    }
    Ok(value)
}

/// The field that is not there, or there twice: serde says so in words only.
fn named_in(message: &str) -> Option<(&str, &'static str)> {
    let faults = [("missing field `", "is missing"), ("duplicate field `", "is given twice")];
    let named = faults.into_iter().find_map(|(words, fault)| Some((message.strip_prefix(words)?, fault)));
    named.and_then(|(rest, fault)| Some((rest.split_once('`')?.0, fault)))
}

/// The path of a field that nobody knows, written as those of all other faults are.
fn path_of(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", path_of(parent)),
        Path::Map { parent, key } => field_in(&path_of(parent), key),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            path_of(parent)
        }
    }
}

fn field_in(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::request::Builder;
    use axum::routing::{get, post};
    use contracts::types::PageRequest;
    use serde::Deserialize;
    use tower::ServiceExt;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read, and never looked at")]
    struct Listing {
        shelf: String,
        #[serde(flatten)]
        page: PageRequest,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read, and never looked at")]
    struct Basket {
        items: Vec<Item>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read, and never looked at")]
    struct Item {
        sku: String,
    }

    #[derive(Clone, Copy)]
    enum From {
        Outside,
        AService,
    }

    /// The fields at fault and the code; nothing when the request was read.
    async fn send(from: From, request: Builder, body: &str) -> Option<(Vec<String>, Code)> {
        let routes = Router::new()
            .route("/shelves/{shelf}", get(async |Input(_): Input<Listing>| ()))
            .route("/baskets", post(async |Input(_): Input<Basket>| ()));
        let request = match from {
            From::Outside => request.header(headers::AUDIENCE, "public"),
            From::AService => request,
        };
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let mut response = routes.oneshot(request).await.expect("an answer");
        let problem = response.extensions_mut().remove::<Problem>()?;
        Some((problem.faults.into_iter().map(|fault| fault.field).collect(), problem.code))
    }

    fn at_fault(field: &str) -> Option<(Vec<String>, Code)> {
        Some((vec![field.to_owned()], Code::InvalidRequest))
    }

    #[tokio::test]
    async fn a_parameter_that_nobody_knows_is_refused_to_the_outside_even_behind_flatten() {
        let get = |path: &str| Request::get(path);
        assert_eq!(send(From::Outside, get("/shelves/a?limit=5"), "").await, None);
        assert_eq!(send(From::Outside, get("/shelves/a?limt=5"), "").await, at_fault("limt"));
        assert_eq!(send(From::AService, get("/shelves/a?limt=5"), "").await, None);
        assert_eq!(send(From::AService, get("/shelves/a?limit=5&limit=6"), "").await, at_fault("limit"));
        let many = "&x=1".repeat(MOST_PARAMETERS);
        let refused = send(From::Outside, get(&format!("/shelves/a?limit=5{many}")), "").await;
        assert_eq!(refused, Some((Vec::new(), Code::InvalidRequest)));
    }

    #[tokio::test]
    async fn every_fault_of_a_body_names_its_field_in_the_same_way() {
        let post = async |body: &str| send(From::Outside, Request::post("/baskets"), body).await;
        assert_eq!(post(r#"{"items":[{"sku":"a"}]}"#).await, None);
        assert_eq!(post(r#"{"items":[{"sku":"a"},{"sku":1}]}"#).await, at_fault("items[1].sku"));
        assert_eq!(post(r#"{"items":[{"sku":"a","gift":1}]}"#).await, at_fault("items[0].gift"));
        assert_eq!(post(r#"{"items":[{}]}"#).await, at_fault("items[0].sku"));
        assert_eq!(post(r#"{"items":[],"items":[]}"#).await, at_fault("items"));
        assert_eq!(post("{}").await, at_fault("items"));
        assert_eq!(post(r#"[[{"sku":"a"}]]"#).await, Some((Vec::new(), Code::InvalidRequest)));
        assert_eq!(post(r#"{"items":"#).await, Some((Vec::new(), Code::Malformed)));
    }
}
