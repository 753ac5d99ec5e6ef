//! What a change of a claim tells the world: pure.

use contracts::OrderId;
use contracts::inventory::{InventoryEvent, Reservation, ReservationStatus};
use contracts::messages::Passed;
use contracts::orders::Reason;

use crate::domain::Refusal;
use crate::problems;

/// What is true of a claim that has just become what it is.
pub fn of(claim: Reservation, passed: Option<Passed>) -> InventoryEvent {
    match claim.status {
        ReservationStatus::Reserved => InventoryEvent::StockReserved { reservation: claim, passed },
        ReservationStatus::Committed => InventoryEvent::StockCommitted { reservation: claim },
        ReservationStatus::Released => InventoryEvent::StockReleased { reservation: claim },
        ReservationStatus::Expired => InventoryEvent::StockExpired { reservation: claim },
    }
}

/// What is true of an order whose goods could not be set aside, where that is remembered.
pub fn refused(order_id: OrderId, refusal: &Refusal) -> InventoryEvent {
    let problem = problems::of(refusal, order_id);
    let reason = Reason { code: problem.code.as_str().to_owned(), detail: problem.detail };
    InventoryEvent::StockRefused { order_id, reason }
}
