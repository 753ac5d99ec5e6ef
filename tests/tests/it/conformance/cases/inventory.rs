//! The inventory's operations.

use contracts::inventory::{
    AUDIT, COMMIT, CommitStock, GetReservation, GetStock, InventoryRecord, RELEASE, RESERVATION, RESERVE,
    ReleaseStock, Reservation, ReservationStatus, ReserveStock, STOCK, StockAccount, StockLevel, WATCH,
    WatchStock,
};
use contracts::types::{Page, PageRequest};
use futures::{StreamExt, TryStreamExt};

use super::Case;
use super::values::{
    EARLY, LAST, NOW, fifty_lines, first_page, last_order_id, later_page, odd_sku, order_id,
};

fn level() -> StockLevel {
    StockLevel { sku: odd_sku(), available: u32::MAX, reserved: 0, version: u64::MAX }
}

/// A claim in each state.
fn claims() -> [Reservation; 4] {
    let claim =
        |status, expires_at| Reservation { order_id: order_id(), status, lines: fifty_lines(), expires_at };
    [
        claim(ReservationStatus::Reserved, NOW),
        claim(ReservationStatus::Committed, LAST),
        claim(ReservationStatus::Expired, EARLY),
        Reservation {
            order_id: last_order_id(),
            status: ReservationStatus::Released,
            lines: Vec::new(),
            expires_at: NOW,
        },
    ]
}

fn records() -> Vec<InventoryRecord> {
    let account =
        StockAccount { sku: odd_sku(), initial: i64::MAX, available: i64::MIN, reserved: 0, sold: -1 };
    claims().map(InventoryRecord::Claim).into_iter().chain([InventoryRecord::Account(account)]).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(&STOCK, GetStock { sku: odd_sku() }, level(), |clients, ctx, request| async move {
            clients.inventory.stock(&ctx, request).await
        }),
        watching(vec![WatchStock::Add(odd_sku()), WatchStock::Drop("A-1".into())], vec![level(); 3]),
        watching(Vec::new(), Vec::new()),
        auditing(later_page(), Page { items: records(), next: later_page().cursor }),
        auditing(first_page(), Page { items: Vec::new(), next: None }),
    ];
    for (claim, lines) in claims().into_iter().zip([fifty_lines(), Vec::new(), fifty_lines(), Vec::new()]) {
        let order_id = claim.order_id;
        let request = ReserveStock { order_id, lines };
        cases.push(Case::new(&RESERVE, request, claim.clone(), |clients, ctx, request| async move {
            clients.inventory.reserve(&ctx, request).await
        }));
        let request = CommitStock { order_id };
        cases.push(Case::new(&COMMIT, request, claim.clone(), |clients, ctx, request| async move {
            clients.inventory.commit(&ctx, request).await
        }));
        let request = ReleaseStock { order_id };
        cases.push(Case::new(&RELEASE, request, claim.clone(), |clients, ctx, request| async move {
            clients.inventory.release(&ctx, request).await
        }));
        let request = GetReservation { order_id };
        cases.push(Case::new(&RESERVATION, request, claim, |clients, ctx, request| async move {
            clients.inventory.reservation(&ctx, request).await
        }));
    }
    cases
}

fn watching(changes: Vec<WatchStock>, levels: Vec<StockLevel>) -> Case {
    Case::new(&WATCH, changes, levels, |clients, ctx, changes| async move {
        let changes = futures::stream::iter(changes).boxed();
        clients.inventory.watch(&ctx, changes).await?.try_collect().await
    })
}

fn auditing(request: PageRequest, reply: Page<InventoryRecord>) -> Case {
    Case::new(&AUDIT, request, reply, |clients, ctx, request| async move {
        clients.inventory.audit(&ctx, request).await
    })
}
