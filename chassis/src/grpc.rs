//! What a gRPC adapter is made of: the context in the metadata, problems as statuses.

use std::future::Future;
use std::time::Duration;

use contracts::grpc::status::to_status;
use contracts::grpc::{FILE_DESCRIPTOR_SET, Proto};
use contracts::{Context, Operation, PortResult, Problem, Streaming};
use futures::{Stream, StreamExt};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use tonic_health::server::HealthReporter;

use crate::http::{headers, read_context};
use crate::process::Module;

/// The routes of a gRPC service, to be merged with the REST routes of the same module.
pub fn routes<S>(service: S) -> axum::Router
where
    S: tower::Service<http::Request<tonic::body::Body>, Error = std::convert::Infallible>
        + tonic::server::NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Response: axum::response::IntoResponse,
    S::Future: Send + 'static,
{
    // each such router answers unknown methods by itself; ours are answered in one place
    tonic::service::Routes::new(service).into_axum_router().reset_fallback()
}

/// Health (`grpc.health.v1`) and reflection for a process that hosts `modules`; and who tells the
/// former how it stands.
pub(crate) async fn standard_services(
    modules: &[Module],
) -> Result<(HealthReporter, axum::Router), tonic_reflection::server::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    for module in modules {
        reporter.set_service_status(module.name, tonic_health::ServingStatus::Serving).await;
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok((reporter, routes(health).merge(routes(reflection))))
}

/// What a handler of a unary method does: read the context, decode, call the port, encode.
pub async fn unary<In, Out, Work, Reply>(
    operation: &'static Operation,
    request: Request<In::Message>,
    work: Work,
) -> Result<Response<Out::Message>, Status>
where
    In: Proto,
    Out: Proto,
    Work: FnOnce(Context, In) -> Reply,
    Reply: Future<Output = PortResult<Out>>,
{
    let (context, message) = read(operation, request)?;
    let input = In::from_message(message).map_err(|problem| to_status(&problem))?;
    reply(work(context, input).await.map(Out::into_message))
}

/// The context and the message of a request.
pub fn read<M>(operation: &'static Operation, request: Request<M>) -> Result<(Context, M), Status> {
    let trace = request.extensions().get::<contracts::TraceContext>().cloned();
    let (metadata, _, message) = request.into_parts();
    let mut context = context_of(&metadata, operation).map_err(|problem| to_status(&problem))?;
    if let Some(trace) = trace {
        context.trace = trace;
    }
    Ok((context, message))
}

/// What a port said, as a reply.
pub fn reply<M>(result: PortResult<M>) -> Result<Response<M>, Status> {
    result.map(Response::new).map_err(|error| to_status(&error.into_problem()))
}

/// What a port streams, as a stream of messages.
pub fn streaming<Out: Proto + 'static>(
    items: Streaming<PortResult<Out>>,
) -> impl Stream<Item = Result<Out::Message, Status>> + Send {
    items.map(|item| item.map(Out::into_message).map_err(|error| to_status(&error.into_problem())))
}

fn context_of(metadata: &MetadataMap, operation: &'static Operation) -> Result<Context, Problem> {
    let asked = metadata.get("grpc-timeout").and_then(|value| parse_timeout(value.to_str().ok()?));
    let longest = asked.map_or(operation.deadline, |asked| asked.min(operation.deadline));
    // beside the time-out, which gRPC has a header of its own for, the names are those of REST
    read_context(metadata.as_ref(), longest)
}

/// `grpc-timeout`: up to eight digits and a unit (the gRPC specification, "Requests").
fn parse_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let amount: u64 = text.strip_suffix(unit).filter(|digits| digits.len() <= 8)?.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(amount * 3600),
        'M' => Duration::from_secs(amount * 60),
        'S' => Duration::from_secs(amount),
        'm' => Duration::from_millis(amount),
        'u' => Duration::from_micros(amount),
        'n' => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// Writes the context of a call into its metadata.
pub fn write_context(context: &Context, metadata: &mut MetadataMap) {
    let mut plain = http::HeaderMap::new();
    crate::http::write_context(context, &mut plain);
    // gRPC's own header says the same
    plain.remove(headers::TIMEOUT);
    let left = context.deadline.left().as_millis().min(99_999_999);
    if let Ok(value) = http::HeaderValue::from_str(&format!("{left}m")) {
        plain.insert("grpc-timeout", value);
    }
    metadata.as_mut().extend(plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_read_as_the_specification_says() {
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("3S"), Some(Duration::from_secs(3)));
        for bad in ["", "m", "1", "123456789m", "-1S", "1x", "é"] {
            assert_eq!(parse_timeout(bad), None, "{bad}");
        }
    }
}
