//! Problems cross every wire unchanged.

use contracts::{Code, Effect, Fault, PortError, Problem, RemoteFailure, RemoteReason};

use super::cases;
use super::house::{House, unhurried, ways};
use super::scripted::Script;

/// A problem that says all it can, within what a gRPC status carries.
fn full(code: Code) -> Problem {
    let fault =
        |n: usize| Fault { field: format!("lines[{n}].größe"), message: "muß ≥ 1 sein\n\"%\"".into() };
    Problem {
        code,
        detail: "was ist los? 漢字 🚀 100 % \"\\\n\t".repeat(20),
        faults: (0..50).map(fault).collect(),
        resource: Some("/orders/0190a000-0000-7000-8000-000000000001".into()),
    }
}

/// One that says nothing.
fn bare(code: Code) -> Problem {
    Problem::new(code, "")
}

#[tokio::test]
async fn every_problem_of_every_operation_comes_back_as_it_was() {
    for way in ways().await {
        let house = House::over(way).await;
        for case in cases::one_each() {
            for problem in Code::ALL.iter().flat_map(|code| [full(*code), bare(*code)]) {
                house.callee.play(Script::Fail(problem.clone().into()));
                let result = case.call(&house.clients, unhurried()).await;
                let error = result.err().unwrap_or_else(|| panic!("{} succeeded", case.operation));
                assert_eq!(error, PortError::Problem(problem), "{} over {way}", case.operation);
            }
        }
    }
}

#[tokio::test]
async fn what_failed_behind_the_callee_is_told_in_the_same_way() {
    let behind = |reason, effect| RemoteFailure {
        operation: "payments.capture".into(),
        wire: "rest".into(),
        reason,
        effect,
        detail: "10.0.0.1:1".into(),
    };
    for (failure, code) in [
        (behind(RemoteReason::Broken, Effect::Unknown), Code::OutcomeUnknown),
        (behind(RemoteReason::TimedOut, Effect::None), Code::DeadlineExceeded),
        (behind(RemoteReason::NoInstance, Effect::None), Code::DependencyUnavailable),
    ] {
        // neither the wire nor the address: they are for the log of whoever made the call
        let told = format!("payments.capture: {}", failure.reason);
        let expected = PortError::from(Problem::new(code, told));
        for way in ways().await {
            let house = House::over(way).await;
            house.callee.play(Script::Fail(failure.clone().into()));
            for case in cases::one_each() {
                let result = case.call(&house.clients, unhurried()).await;
                assert_eq!(result.err(), Some(expected.clone()), "{} over {way}", case.operation);
            }
        }
    }
}
