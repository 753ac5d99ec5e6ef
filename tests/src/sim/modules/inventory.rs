//! An inventory on shelves in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::participant::Participant;
use contracts::inventory::{
    COMMIT, CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, RELEASE, RESERVE,
    ReleaseStock, Reservation, ReservationStatus, ReserveStock, StockAccount, StockLevel, WatchStock,
};
use contracts::messages::Origin;
use contracts::types::{Line, Page, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem, Sku, Streaming};
use inventory::domain::{self, Refusal, Shortage};
use inventory::reactions::Request;

use super::{Disk, Facts, Occasion, Site};
use crate::sim::Bug;
use crate::sim::world::World;

/// How long a claim holds: short, so that some lapse.
const HOLD: Duration = Duration::from_secs(20);

/// What is there, and who claims it.
#[derive(Default)]
pub struct Shelves {
    accounts: BTreeMap<Sku, StockAccount>,
    claims: BTreeMap<OrderId, (Reservation, Origin)>,
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

    fn reserve(
        &mut self,
        request: &ReserveStock,
        origin: Origin,
        world: &World,
        facts: &mut Facts,
        occasion: Occasion<'_>,
    ) -> PortResult<Reservation> {
        if let Some((claim, _)) = self.claims.get(&request.order_id) {
            let repeated = domain::repeat(claim, &request.lines, origin.coordination);
            return match repeated {
                Ok(()) => Ok(claim.clone()),
                Err(_) => Err(Problem::new(Code::Compensated, "released before").into()),
            };
        }
        if let Some(shortage) = self.shortage(&request.lines) {
            let refusal = Refusal::OutOfStock(vec![shortage]);
            if domain::is_remembered(origin.coordination) && !world.has(Bug::ForgottenRefusal) {
                facts.tell(&inventory::facts::refused(request.order_id, &refusal), &origin, occasion);
                let tombstone = domain::tombstone(request.order_id, occasion.now);
                self.claims.insert(request.order_id, (tombstone, origin));
            }
            return Err(Problem::new(Code::OutOfStock, "not enough is left").into());
        }
        self.shift(&request.lines, |account, quantity| {
            account.available -= quantity;
            account.reserved += quantity;
        });
        let claim = Reservation {
            order_id: request.order_id,
            status: ReservationStatus::Reserved,
            lines: request.lines.clone(),
            expires_at: occasion.now.plus(HOLD),
        };
        Ok(self.keep(claim, origin, facts, occasion))
    }

    fn shortage(&self, lines: &[Line]) -> Option<Shortage> {
        let available = |line: &Line| self.accounts.get(&line.sku).map_or(0, |account| account.available);
        let (place, short) =
            lines.iter().enumerate().find(|(_, line)| available(line) < i64::from(line.quantity))?;
        let left = u32::try_from(available(short)).ok();
        Some(Shortage { line: place, sku: short.sku.clone(), wanted: short.quantity, left })
    }

    fn commit(&mut self, id: OrderId, facts: &mut Facts, occasion: Occasion<'_>) -> PortResult<Reservation> {
        self.expire(facts, occasion);
        let Some((mut claim, origin)) = self.claims.get(&id).cloned() else {
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
        Ok(self.keep(claim, origin, facts, occasion))
    }

    fn release(
        &mut self,
        id: OrderId,
        world: &World,
        facts: &mut Facts,
        occasion: Occasion<'_>,
    ) -> PortResult<Reservation> {
        let known = self.claims.get(&id).cloned();
        let unknown = known.is_none();
        let (mut claim, origin) = known.unwrap_or_else(|| {
            let status = ReservationStatus::Released;
            let tombstone = Reservation { order_id: id, status, lines: Vec::new(), expires_at: occasion.now };
            (tombstone, occasion.origin())
        });
        if world.has(Bug::SkippedRelease) || (unknown && world.has(Bug::NoTombstone)) {
            claim.status = ReservationStatus::Released;
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
            ReservationStatus::Released if world.has(Bug::ReleaseTwice) => {
                self.shift(&claim.lines, |account, quantity| account.available += quantity);
            }
            ReservationStatus::Released if !unknown => return Ok(claim),
            ReservationStatus::Released | ReservationStatus::Expired => {}
        }
        claim.status = ReservationStatus::Released;
        Ok(self.keep(claim, origin, facts, occasion))
    }

    fn expire(&mut self, facts: &mut Facts, occasion: Occasion<'_>) {
        let is_due = |claim: &Reservation| {
            claim.status == ReservationStatus::Reserved && claim.expires_at <= occasion.now
        };
        let lapsed: Vec<_> = self.claims.values().filter(|(claim, _)| is_due(claim)).cloned().collect();
        for (mut claim, origin) in lapsed {
            self.shift(&claim.lines, |account, quantity| {
                account.reserved -= quantity;
                account.available += quantity;
            });
            claim.status = ReservationStatus::Expired;
            self.keep(claim, origin, facts, occasion);
        }
    }

    /// Writes a claim that has just become what it is, and tells of it.
    fn keep(
        &mut self,
        claim: Reservation,
        origin: Origin,
        facts: &mut Facts,
        occasion: Occasion<'_>,
    ) -> Reservation {
        facts.tell(&inventory::facts::of(claim.clone(), origin.passed.clone()), &origin, occasion);
        self.claims.insert(claim.order_id, (claim.clone(), origin));
        claim
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
    pub disk: Arc<Disk<Shelves>>,
}

impl SimInventory {
    /// Does what is asked, for somebody who called or sent a message.
    async fn answer(&self, request: Request, origin: Origin) -> PortResult<Reservation> {
        let (disk, world) = (self.disk.clone(), self.site.world.clone());
        let operation = match &request {
            Request::Reserve { .. } => &RESERVE,
            Request::Commit(_) => &COMMIT,
            Request::Release(_) => &RELEASE,
        };
        let work = move || {
            let occasion = Occasion { now: world.now(), call: Some(&origin) };
            disk.change(|shelves, facts| match &request {
                Request::Reserve { goods, passed } => {
                    let origin = origin.clone().passing(passed.as_deref().cloned());
                    shelves.reserve(goods, origin, &world, facts, occasion)
                }
                Request::Commit(request) => shelves.commit(request.order_id, facts, occasion),
                Request::Release(request) => shelves.release(request.order_id, &world, facts, occasion),
            })
        };
        self.site.carry(operation, work).await
    }

    /// Lets claims lapse whose time is up.
    pub fn sweep(&self) {
        let occasion = Occasion { now: self.site.world.now(), call: None };
        self.disk.change(|shelves, facts| shelves.expire(facts, occasion));
    }
}

#[async_trait]
impl Participant for SimInventory {
    type Request = Request;

    async fn perform(&self, _: &Context, request: &Request, origin: &Origin) -> PortResult<Reservation> {
        self.answer(request.clone(), origin.clone()).await
    }
}

#[async_trait]
impl Inventory for SimInventory {
    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation> {
        self.answer(Request::Reserve { goods: request, passed: None }, Origin::of_call(ctx)).await
    }

    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation> {
        self.answer(Request::Commit(request), Origin::of_call(ctx)).await
    }

    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        self.answer(Request::Release(request), Origin::of_call(ctx)).await
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<InventoryRecord>> {
        self.sweep();
        let shelves = self.disk.books.lock();
        let accounts = shelves.accounts.values().cloned().map(InventoryRecord::Account);
        let claims = shelves.claims.values().map(|(claim, _)| InventoryRecord::Claim(claim.clone()));
        Ok(Page { items: accounts.chain(claims).collect(), next: None })
    }

    async fn stock(&self, _: &Context, _: GetStock) -> PortResult<StockLevel> {
        Err(Problem::not_found("levels in the simulation").into())
    }

    async fn reservation(&self, _: &Context, request: GetReservation) -> PortResult<Reservation> {
        let claim = self.disk.books.lock().claims.get(&request.order_id).map(|(claim, _)| claim.clone());
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
