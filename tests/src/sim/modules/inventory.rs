//! An inventory on shelves in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::inventory::{
    COMMIT, CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, RELEASE, RESERVE,
    ReleaseStock, Reservation, ReservationStatus, ReserveStock, StockAccount, StockLevel, WatchStock,
};
use contracts::types::{Line, Page, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem, Sku, Streaming, Timestamp};
use parking_lot::Mutex;

use super::Site;
use crate::sim::Bug;

/// How long a claim holds: short, so that some lapse.
const HOLD: Duration = Duration::from_secs(20);

/// What is there, and who claims it.
#[derive(Default)]
pub struct Shelves {
    accounts: BTreeMap<Sku, StockAccount>,
    claims: BTreeMap<OrderId, Reservation>,
}

impl Shelves {
    /// Shelves with `initial` of each product.
    pub fn stocked(products: &[(&str, i64)]) -> Self {
        let account = |(sku, initial): &(&str, i64)| {
            let sku = Sku::from(*sku);
            (sku.clone(), StockAccount { sku, initial: *initial, available: *initial, reserved: 0, sold: 0 })
        };
        Self { accounts: products.iter().map(account).collect(), claims: BTreeMap::new() }
    }

    fn reserve(&mut self, request: ReserveStock, now: Timestamp) -> PortResult<Reservation> {
        if let Some(claim) = self.claims.get(&request.order_id) {
            return match claim.status {
                ReservationStatus::Released => Err(Problem::new(Code::Compensated, "released before").into()),
                _ => Ok(claim.clone()),
            };
        }
        for line in &request.lines {
            let available = self.accounts.get(&line.sku).map_or(0, |account| account.available);
            if available < i64::from(line.quantity) {
                return Err(
                    Problem::new(Code::OutOfStock, format!("{available} of {} left", line.sku)).into()
                );
            }
        }
        self.shift(&request.lines, |account, quantity| {
            account.available -= quantity;
            account.reserved += quantity;
        });
        let claim = Reservation {
            order_id: request.order_id,
            status: ReservationStatus::Reserved,
            lines: request.lines,
            expires_at: now.plus(HOLD),
        };
        self.claims.insert(claim.order_id, claim.clone());
        Ok(claim)
    }

    fn commit(&mut self, id: OrderId, now: Timestamp) -> PortResult<Reservation> {
        self.expire(now);
        let Some(mut claim) = self.claims.get(&id).cloned() else {
            return Err(Problem::not_found(format!("reservation {id}")).into());
        };
        match claim.status {
            ReservationStatus::Committed => return Ok(claim),
            ReservationStatus::Expired => return Err(Problem::new(Code::ReservationExpired, "lapsed").into()),
            ReservationStatus::Released => {
                return Err(Problem::new(Code::Compensated, "released before").into());
            }
            ReservationStatus::Reserved => {}
        }
        self.shift(&claim.lines, |account, quantity| {
            account.reserved -= quantity;
            account.sold += quantity;
        });
        claim.status = ReservationStatus::Committed;
        self.claims.insert(id, claim.clone());
        Ok(claim)
    }

    fn release(&mut self, id: OrderId, bug: Option<Bug>, now: Timestamp) -> PortResult<Reservation> {
        let known = self.claims.get(&id).cloned();
        let mut claim = known.clone().unwrap_or(Reservation {
            order_id: id,
            status: ReservationStatus::Released,
            lines: Vec::new(),
            expires_at: now,
        });
        if bug == Some(Bug::SkippedRelease) || (known.is_none() && bug == Some(Bug::NoTombstone)) {
            return Ok(claim);
        }
        match claim.status {
            ReservationStatus::Reserved => self.shift(&claim.lines, |account, quantity| {
                account.reserved -= quantity;
                account.available += quantity;
            }),
            ReservationStatus::Committed => self.shift(&claim.lines, |account, quantity| {
                account.sold -= quantity;
                account.available += quantity;
            }),
            ReservationStatus::Released if bug == Some(Bug::ReleaseTwice) => {
                self.shift(&claim.lines, |account, quantity| account.available += quantity);
            }
            ReservationStatus::Released | ReservationStatus::Expired => {}
        }
        claim.status = ReservationStatus::Released;
        self.claims.insert(id, claim.clone());
        Ok(claim)
    }

    fn expire(&mut self, now: Timestamp) {
        let lapsed: Vec<Reservation> = self
            .claims
            .values()
            .filter(|claim| claim.status == ReservationStatus::Reserved && claim.expires_at <= now)
            .cloned()
            .collect();
        for mut claim in lapsed {
            self.shift(&claim.lines, |account, quantity| {
                account.reserved -= quantity;
                account.available += quantity;
            });
            claim.status = ReservationStatus::Expired;
            self.claims.insert(claim.order_id, claim);
        }
    }

    fn shift(&mut self, lines: &[Line], change: impl Fn(&mut StockAccount, i64)) {
        for line in lines {
            if let Some(account) = self.accounts.get_mut(&line.sku) {
                change(account, i64::from(line.quantity));
            }
        }
    }
}

/// The inventory.
pub struct SimInventory {
    /// Where it is.
    pub site: Site,
    /// What it has.
    pub shelves: Arc<Mutex<Shelves>>,
}

#[async_trait]
impl Inventory for SimInventory {
    async fn reserve(&self, _: &Context, request: ReserveStock) -> PortResult<Reservation> {
        let (shelves, clock) = (self.shelves.clone(), self.site.clock.clone());
        self.site.carry(&RESERVE, move || shelves.lock().reserve(request, clock.now())).await
    }

    async fn commit(&self, _: &Context, request: CommitStock) -> PortResult<Reservation> {
        let (shelves, clock) = (self.shelves.clone(), self.site.clock.clone());
        self.site.carry(&COMMIT, move || shelves.lock().commit(request.order_id, clock.now())).await
    }

    async fn release(&self, _: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        let (shelves, clock, bug) = (self.shelves.clone(), self.site.clock.clone(), self.site.bug);
        self.site.carry(&RELEASE, move || shelves.lock().release(request.order_id, bug, clock.now())).await
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<InventoryRecord>> {
        let mut shelves = self.shelves.lock();
        shelves.expire(self.site.clock.now());
        let accounts = shelves.accounts.values().cloned().map(InventoryRecord::Account);
        let claims = shelves.claims.values().cloned().map(InventoryRecord::Claim);
        Ok(Page { items: accounts.chain(claims).collect(), next: None })
    }

    async fn stock(&self, _: &Context, _: GetStock) -> PortResult<StockLevel> {
        Err(Problem::not_found("levels in the simulation").into())
    }

    async fn reservation(&self, _: &Context, request: GetReservation) -> PortResult<Reservation> {
        let claim = self.shelves.lock().claims.get(&request.order_id).cloned();
        Ok(claim.ok_or_else(|| Problem::not_found(format!("reservation {}", request.order_id)))?)
    }

    async fn watch(
        &self,
        _: &Context,
        _: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>> {
        Err(Problem::not_found("watching in the simulation").into())
    }
}
