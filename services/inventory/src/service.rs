//! The port, served: checks requests, asks the store, tells the watchers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::clock::Clock;
use chassis::config::Live;
use contracts::error::{Code, Faults, Problem};
use contracts::inventory::{
    CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, ReleaseStock, Reservation,
    ReserveStock, StockLevel, WatchStock,
};
use contracts::messages::Origin;
use contracts::types::{Cursor, Line, Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use crate::board::Board;
use crate::config::ReservationsConfig;
use crate::domain::Refusal;
use crate::problems;
use crate::reactions::Request;
use crate::store::InventoryStore;
use crate::watch::{Watcher, level_of};

/// What the name of a product must be like.
pub(crate) const SKU_RULE: &str = "must have 1 to 32 characters of A-Z a-z 0-9 . _ -";

const MOST_LINES: usize = 50;
const MOST_PIECES: u32 = 1000;

/// The inventory.
pub struct Service {
    store: Arc<dyn InventoryStore>,
    clock: Arc<dyn Clock>,
    config: Live<ReservationsConfig>,
    board: Arc<Board>,
}

impl Service {
    /// The inventory on `store`; what it changes is shown on `board`.
    pub fn new(
        store: Arc<dyn InventoryStore>,
        clock: Arc<dyn Clock>,
        config: Live<ReservationsConfig>,
        board: Arc<Board>,
    ) -> Self {
        Self { store, clock, config, board }
    }

    /// Does what is asked, for somebody who called or sent a message: what is said about the claim later
    /// is said under `origin`.
    pub(crate) async fn answer(&self, request: &Request, origin: &Origin) -> PortResult<Reservation> {
        let now = self.clock.now();
        let settled = match request {
            Request::Reserve { goods, passed } => {
                check_lines(&goods.lines)?;
                let ttl = Duration::from_millis(self.config.get().ttl_ms);
                let origin = origin.clone().passing(passed.as_deref().cloned());
                self.store.claim_reserve(goods, now, ttl, &origin).await?
            }
            Request::Commit(request) => self.store.claim_commit(request.order_id, now, origin).await?,
            Request::Release(request) => self.store.claim_release(request.order_id, now, origin).await?,
        };
        self.board.publish(&settled.moved);
        settled.answer.map_err(|refusal| problems::of(&refusal, request.order_id()).into())
    }
}

#[async_trait]
impl Inventory for Service {
    async fn stock(&self, _: &Context, request: GetStock) -> PortResult<StockLevel> {
        level_of(&*self.store, "sku", &request.sku).await
    }

    async fn reserve(&self, ctx: &Context, request: ReserveStock) -> PortResult<Reservation> {
        let request = Request::Reserve { goods: request, passed: None };
        self.answer(&request, &Origin::of_call(ctx)).await
    }

    async fn commit(&self, ctx: &Context, request: CommitStock) -> PortResult<Reservation> {
        self.answer(&Request::Commit(request), &Origin::of_call(ctx)).await
    }

    async fn release(&self, ctx: &Context, request: ReleaseStock) -> PortResult<Reservation> {
        self.answer(&Request::Release(request), &Origin::of_call(ctx)).await
    }

    async fn reservation(&self, _: &Context, request: GetReservation) -> PortResult<Reservation> {
        let claim = self.store.claim_get(request.order_id).await?;
        claim.ok_or_else(|| problems::of(&Refusal::NoClaim, request.order_id).into())
    }

    async fn watch(
        &self,
        _: &Context,
        changes: Streaming<WatchStock>,
    ) -> PortResult<Streaming<PortResult<StockLevel>>> {
        Ok(Watcher::new(changes, self.board.clone(), self.store.clone()).into_stream())
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<InventoryRecord>> {
        let (after, limit) = request.resolve()?;
        let wanted = limit + 1;
        let mut records = Vec::new();
        let claims_after = match place(&after)? {
            Place::Claim(order) => order,
            Place::Account(sku) => {
                let accounts = self.store.account_page(sku, wanted).await?;
                records.extend(accounts.into_iter().map(InventoryRecord::Account));
                ""
            }
        };
        let room = wanted.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
        if room > 0 {
            let claims = self.store.claim_page(claims_after, room).await?;
            records.extend(claims.into_iter().map(InventoryRecord::Claim));
        }
        Ok(Page::from_overfull(records, limit, key))
    }
}

fn check_lines(lines: &[Line]) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let count = lines.len();
    faults.check(
        (1..=MOST_LINES).contains(&count),
        "lines",
        format!("must be 1 to {MOST_LINES}, not {count}"),
    );
    let mut seen = BTreeSet::new();
    for (index, Line { sku, quantity }) in lines.iter().enumerate().take(MOST_LINES) {
        faults.check(sku.is_valid(), format!("lines[{index}].sku"), SKU_RULE);
        faults.check(
            seen.insert(sku),
            format!("lines[{index}].sku"),
            "names a product that another line has",
        );
        let good = (1..=MOST_PIECES).contains(quantity);
        let message = format!("must be 1 to {MOST_PIECES}, not {quantity}");
        faults.check(good, format!("lines[{index}].quantity"), message);
    }
    faults.into_result()
}

/// Where in the books an audit goes on: after which account, or after which claim.
enum Place<'a> {
    Account(&'a str),
    Claim(&'a str),
}

const ACCOUNT: &str = "account/";
const CLAIM: &str = "claim/";

fn key(record: &InventoryRecord) -> String {
    match record {
        InventoryRecord::Account(account) => format!("{ACCOUNT}{}", account.sku),
        InventoryRecord::Claim(claim) => format!("{CLAIM}{}", claim.order_id),
    }
}

/// Reads what [`key`] wrote; a listing that has not begun starts before the first account.
fn place(after: &str) -> Result<Place<'_>, Problem> {
    if after.is_empty() {
        return Ok(Place::Account(""));
    }
    let account = after.strip_prefix(ACCOUNT).map(Place::Account);
    account.or_else(|| after.strip_prefix(CLAIM).map(Place::Claim)).ok_or_else(|| {
        Problem::new(
            Code::InvalidCursor,
            format!("cursor {:?} is of another listing", Cursor(after.into()).encode()),
        )
    })
}
