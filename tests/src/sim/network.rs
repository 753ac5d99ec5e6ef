//! What can become of a call: it passes, is lost, is answered too late, or arrives too late.

use std::time::Duration;

use contracts::{Effect, Kind, Operation, PortResult, RemoteFailure, RemoteReason};

use super::world::Station;

/// The way from one life of the orders process to the other modules.
#[derive(Clone)]
pub struct Network(
    /// Whose calls it carries.
    pub Station,
);

enum Fate {
    Passes,
    /// Never arrives.
    Lost,
    /// Is done; the answer is lost.
    AnswerLost,
    /// The caller gives up; then it arrives, and is done.
    ArrivesLate,
}

impl Network {
    /// Carries one call; `work` is what the callee does when it arrives.
    pub async fn carry<T: Send + 'static>(
        &self,
        operation: &'static Operation,
        work: impl FnOnce() -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let Self(station) = self;
        let world = &station.world;
        station.point(operation.name).await;
        world.delay(Duration::from_millis(300)).await;
        let result = match self.fate() {
            Fate::Passes => {
                let result = work();
                world.note(|| format!("{operation}: {}", outcome(&result)));
                world.delay(Duration::from_millis(300)).await;
                result
            }
            Fate::Lost => {
                world.note(|| format!("{operation}: lost"));
                Err(failure(operation, RemoteReason::Unreachable, Effect::None))
            }
            Fate::AnswerLost => {
                let result = work();
                world.note(|| format!("{operation}: {}, answer lost", outcome(&result)));
                tokio::time::sleep(operation.deadline).await;
                Err(failure(operation, RemoteReason::TimedOut, open_effect(operation)))
            }
            Fate::ArrivesLate => {
                let (world, late) = (world.clone(), Duration::from_millis(world.pick(9_000).into()));
                tokio::spawn(async move {
                    tokio::time::sleep(late).await;
                    let result = work();
                    world.note(|| format!("{operation}: {}, late", outcome(&result)));
                });
                tokio::time::sleep(operation.deadline).await;
                Err(failure(operation, RemoteReason::TimedOut, open_effect(operation)))
            }
        };
        station.point(operation.name).await;
        result
    }

    fn fate(&self) -> Fate {
        let Self(Station { world, .. }) = self;
        let chance = world.pick(100);
        if world.is_calm() {
            return Fate::Passes;
        }
        match chance {
            0..7 => Fate::Lost,
            7..13 => Fate::AnswerLost,
            13..18 => Fate::ArrivesLate,
            _ => Fate::Passes,
        }
    }
}

fn outcome<T>(result: &PortResult<T>) -> String {
    match result {
        Ok(_) => "done".into(),
        Err(error) => format!("refused ({error})"),
    }
}

fn open_effect(operation: &Operation) -> Effect {
    if operation.kind == Kind::Read { Effect::None } else { Effect::Unknown }
}

fn failure(operation: &Operation, reason: RemoteReason, effect: Effect) -> contracts::PortError {
    RemoteFailure {
        operation: operation.to_string(),
        wire: "simulated".into(),
        reason,
        effect,
        detail: "as the simulation decided".into(),
    }
    .into()
}
