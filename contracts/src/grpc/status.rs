//! A [`Problem`] as a gRPC status with the details of Google's richer error model, and back.
//!
//! `ErrorInfo` carries our code as its reason, under our domain, which tells our statuses from those
//! that tonic or a proxy makes up. `BadRequest` carries the faults, `ResourceInfo` the resource.
//! All of it travels in headers, and hyper reads 16 KiB of those, so that every part has a bound;
//! a problem beyond it arrives shortened, but arrives.

use std::collections::HashMap;

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::error::{Code, Fault, Problem};

/// The domain of every `ErrorInfo` of ours.
pub const DOMAIN: &str = "tradewind";

/// Most faults that a status names.
pub const MOST_FAULTS: usize = 50;
/// Most bytes that the texts of all faults of a status may have.
const FAULT_BYTES: usize = 3 * 1024;
/// Most bytes of one text of a fault, so that a single long one does not take the room of all.
const FAULT_TEXT_BYTES: usize = 512;
/// Most bytes of a detail: it travels twice, and each byte may become three in `grpc-message`.
const DETAIL_BYTES: usize = 2 * 1024;
/// Most bytes of a resource, which is a path.
const RESOURCE_BYTES: usize = 256;

/// The status that carries a problem.
pub fn to_status(problem: &Problem) -> Status {
    let mut details = ErrorDetails::with_error_info(problem.code.as_str(), DOMAIN, HashMap::new());
    if !problem.faults.is_empty() {
        details.set_bad_request(violations(&problem.faults));
    }
    if let Some(resource) = &problem.resource {
        details.set_resource_info("", shortened(resource, RESOURCE_BYTES), "", "");
    }
    Status::with_error_details(problem.code.grpc(), shortened(&problem.detail, DETAIL_BYTES), details)
}

/// The problem that a status carries; `None` where it is none of ours, and the callee has therefore
/// decided nothing.
pub fn from_status(status: &Status) -> Option<Problem> {
    let details = status.check_error_details().ok()?;
    let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
    let code = Code::from_text(&info.reason)?;
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let faults = violations
        .iter()
        .map(|violation| Fault { field: violation.field.clone(), message: violation.description.clone() })
        .collect();
    let resource = details.resource_info().map(|info| info.resource_name.clone());
    Some(Problem { code, detail: status.message().to_owned(), faults, resource })
}

/// As many faults as there is room for.
fn violations(faults: &[Fault]) -> Vec<FieldViolation> {
    let mut room = FAULT_BYTES;
    faults
        .iter()
        .take(MOST_FAULTS)
        .map(|fault| {
            let text = |text| shortened(text, FAULT_TEXT_BYTES);
            FieldViolation::new(text(&fault.field), text(&fault.message))
        })
        .take_while(|violation| {
            let left = room.checked_sub(violation.field.len() + violation.description.len());
            room = left.unwrap_or(0);
            left.is_some()
        })
        .collect()
}

/// The text, cut to at most `most` bytes between two characters; the cut is marked.
fn shortened(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}{MARK}", &text[..text.floor_char_boundary(most - MARK.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over HTTP headers and back, as a client sees it.
    fn transported(status: Status) -> (Status, usize) {
        let response = status.into_http::<()>();
        // how RFC 9113 counts the size of a header list
        let size =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        (Status::from_header_map(response.headers()).expect("a status"), size)
    }

    #[test]
    fn every_code_survives_the_trip_through_headers() {
        for code in Code::ALL {
            let bare = Problem::new(*code, "what was wrong: \"ünï\" 100 %\nand more");
            let full = Problem {
                faults: vec![
                    Fault { field: "lines[0].quantity".into(), message: "must be at least 1".into() },
                    Fault { field: "card".into(), message: String::new() },
                ],
                resource: Some("/orders/1".into()),
                ..bare.clone()
            };
            for problem in [bare, full] {
                let (status, _) = transported(to_status(&problem));
                assert_eq!(status.code(), code.grpc());
                assert_eq!(from_status(&status), Some(problem));
            }
        }
    }

    #[test]
    fn a_status_that_we_did_not_make_is_no_problem_of_ours() {
        let foreign = |reason: &str, domain: &str| {
            let details = ErrorDetails::with_error_info(reason, domain, HashMap::new());
            Status::with_error_details(tonic::Code::NotFound, "no", details)
        };
        assert_eq!(from_status(&Status::not_found("no")), None);
        assert_eq!(from_status(&foreign("not_found", "example.org")), None);
        assert_eq!(from_status(&foreign("a_code_of_the_future", DOMAIN)), None);
        let garbage = Status::with_details(tonic::Code::NotFound, "no", vec![0xff; 40].into());
        assert_eq!(from_status(&garbage), None);
    }

    #[test]
    fn a_huge_problem_fits_into_the_headers() {
        let fault = |at: usize| Fault { field: format!("lines[{at}].sku"), message: "ü".repeat(200) };
        let problem = Problem::invalid((0..10_000).map(fault).collect()).at("/ü".repeat(1_000));
        let (status, size) = transported(to_status(&problem));
        assert!(size < 16 * 1024, "{size} bytes");
        let arrived = from_status(&status).expect("ours");
        assert_eq!(arrived.code, problem.code);
        assert!(
            arrived.detail.ends_with('…') && problem.detail.starts_with(arrived.detail.trim_end_matches('…'))
        );
        assert!(!arrived.faults.is_empty() && problem.faults.starts_with(&arrived.faults));
    }

    #[test]
    fn a_fault_with_a_long_text_still_names_its_field() {
        let problem = Problem::invalid_field("order_id", "9".repeat(100_000));
        let arrived = from_status(&to_status(&problem)).expect("ours");
        assert_eq!(arrived.faults.len(), 1);
        assert_eq!(arrived.faults[0].field, "order_id");
    }

    #[test]
    fn many_short_faults_are_counted_off() {
        let faults = (0..80).map(|at| Fault { field: format!("f{at}"), message: "is bad".into() }).collect();
        let arrived = from_status(&to_status(&Problem::invalid(faults))).expect("ours");
        assert_eq!(arrived.faults.len(), MOST_FAULTS);
    }
}
