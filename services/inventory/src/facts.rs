//! What a change of a claim tells the world: pure.

use contracts::inventory::{InventoryEvent, Reservation, ReservationStatus};
use contracts::messages::Passed;

/// What is true of a claim that has just become what it is.
pub fn of(claim: Reservation, passed: Option<Passed>) -> InventoryEvent {
    match claim.status {
        ReservationStatus::Reserved => InventoryEvent::StockReserved { reservation: claim, passed },
        ReservationStatus::Committed => InventoryEvent::StockCommitted { reservation: claim },
        ReservationStatus::Released => InventoryEvent::StockReleased { reservation: claim },
        ReservationStatus::Expired => InventoryEvent::StockExpired { reservation: claim },
    }
}
