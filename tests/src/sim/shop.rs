//! The processes of the shop, one a module, and what survives them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chassis::config::Live;
use chassis::messaging::Handler;
use chassis::messaging::participant::{Asks, Participant};
use contracts::OrderId;
use contracts::messages::queues::{ORDERS_EVENTS, ORDERS_REPLIES};
use contracts::orders::Orders;
use futures::join;
use orders::config::SagaConfig;
use orders::saga::{Ports, Saga};
use orders::service::{OrderIds, Service};
use tokio_util::task::TaskTracker;
use tradewind::audit;
use uuid::Uuid;

use super::desk::{Desk, OrdersDesk};
use super::messaging::{Broker, Mailbox, SimBooks, consume, relay};
use super::modules::{
    Accounts, Disk, Dispatch, Shelves, SimCatalog, SimInventory, SimPayments, SimShipping, Site, Way,
};
use super::network::Network;
use super::shoppers::{Door, PRODUCTS};
use super::store::{self, MemoryStore};
use super::world::{Process, Station, World};

/// How often the inventory and shipping look for what is due.
const SWEEP: Duration = Duration::from_secs(4);

/// Everything that survives the processes.
pub struct Shop {
    /// The world it is in.
    pub world: Arc<World>,
    /// The broker.
    pub broker: Arc<Broker>,
    /// The orders.
    pub orders: Arc<store::Disk>,
    shelves: Arc<Disk<Shelves>>,
    accounts: Arc<Disk<Accounts>>,
    dispatch: Arc<Disk<Dispatch>>,
    ids: Arc<AtomicU64>,
}

impl Shop {
    /// A shop with full shelves, in which nobody has ordered yet.
    pub fn new(world: &Arc<World>) -> Self {
        Self {
            broker: Arc::new(Broker::new(world.clone())),
            orders: Arc::new(store::Disk::new(Mailbox::new(world.clone()))),
            shelves: Disk::new(world, Shelves::stocked(&PRODUCTS)),
            accounts: Disk::new(world, Accounts::default()),
            dispatch: Disk::new(world, Dispatch::default()),
            ids: Arc::default(),
            world: world.clone(),
        }
    }

    /// The mailbox of a module.
    pub fn mailbox(&self, process: Process) -> &Arc<Mailbox> {
        match process {
            Process::Orders => &self.orders.mailbox,
            Process::Inventory => &self.shelves.mailbox,
            Process::Payments => &self.accounts.mailbox,
            Process::Shipping => &self.dispatch.mailbox,
        }
    }

    /// Starts a process, and starts it again whenever it died.
    pub async fn keep_alive(self: Arc<Self>, process: Process, door: Door) {
        let mut deaths = self.world.deaths(process);
        loop {
            deaths.mark_unchanged();
            let life = self.world.life(process);
            tokio::select! {
                biased;
                died = deaths.changed() => if died.is_err() { return },
                () = self.live(Station { world: self.world.clone(), life }, &door) => {}
            }
            if process == Process::Orders {
                *door.lock() = None;
            }
            self.broker.mourn(life);
            self.world.delay(Duration::from_secs(3)).await;
        }
    }

    /// What a process does as long as it lives.
    async fn live(&self, station: Station, door: &Door) {
        let site = Site { way: Way::Asked(station.clone()), world: self.world.clone() };
        match station.life.process {
            Process::Orders => self.live_as_orders(station, door).await,
            Process::Inventory => {
                let inventory = Arc::new(SimInventory { site, disk: self.shelves.clone() });
                let sweep = every(&station, || inventory.sweep());
                join!(self.take_part(&station, &inventory), sweep);
            }
            Process::Payments => {
                let payments = Arc::new(SimPayments { site, disk: self.accounts.clone() });
                self.take_part(&station, &payments).await;
            }
            Process::Shipping => {
                let shipping = Arc::new(SimShipping { site, disk: self.dispatch.clone() });
                let sweep = every(&station, || shipping.sweep());
                join!(self.take_part(&station, &shipping), sweep);
            }
        }
    }

    async fn live_as_orders(&self, station: Station, door: &Door) {
        let (service, saga) = self.open(&station);
        *door.lock() = Some(service);
        let desk = |handler| -> Arc<dyn Handler> {
            let (station, mailbox) = (station.clone(), self.orders.mailbox.clone());
            Arc::new(OrdersDesk { station, handler, mailbox })
        };
        let none = chassis::messaging::Mailbox::closed;
        let replies = desk(orders::amqp::replies(saga.clone(), none()));
        let events = desk(orders::amqp::events(saga.clone(), none()));
        join!(
            recover(saga),
            relay(station.clone(), self.orders.mailbox.clone(), self.broker.clone()),
            consume(station.clone(), self.broker.clone(), &ORDERS_REPLIES, replies),
            consume(station, self.broker.clone(), &ORDERS_EVENTS, events),
        );
    }

    async fn take_part<P: Participant>(&self, station: &Station, participant: &Arc<P>) {
        let mailbox = self.mailbox(station.life.process);
        let desk: Arc<dyn Handler> = Arc::new(Desk {
            station: station.clone(),
            participant: participant.clone(),
            mailbox: mailbox.clone(),
        });
        join!(
            relay(station.clone(), mailbox.clone(), self.broker.clone()),
            consume(station.clone(), self.broker.clone(), P::Request::COMMANDS, desk.clone()),
            consume(station.clone(), self.broker.clone(), P::Request::EVENTS, desk),
        );
    }

    /// One life of the orders process.
    fn open(&self, station: &Station) -> (Arc<dyn Orders>, Saga) {
        let network = Network(station.clone());
        let site = Site { way: Way::Called(network), world: self.world.clone() };
        let saga = Saga {
            store: Arc::new(MemoryStore { station: station.clone(), disk: self.orders.clone() }),
            ports: Ports {
                catalog: Arc::new(SimCatalog(site.clone())),
                inventory: Arc::new(SimInventory { site: site.clone(), disk: self.shelves.clone() }),
                payments: Arc::new(SimPayments { site: site.clone(), disk: self.accounts.clone() }),
                shipping: Arc::new(SimShipping { site, disk: self.dispatch.clone() }),
            },
            clock: Arc::new(self.world.clock()),
            // shorter than some calls, so that two drivers meet, and than some messages take
            config: Live::fixed(SagaConfig { lease_ms: 1_500, resend_ms: 3_000, ..SagaConfig::default() }),
            owner: format!("life {}", station.life.number),
            bell: chassis::bell::Bell::default(),
        };
        let service = Service::new(saga.clone(), SimIds(self.ids.clone()), TaskTracker::new());
        (Arc::new(service), saga)
    }

    /// The modules as the audit sees them: at once, and as they are.
    pub fn audit_ports(&self) -> audit::Ports {
        let site = Site { way: Way::Direct, world: self.world.clone() };
        let life = self.world.life(Process::Orders);
        let (orders, _) = self.open(&Station { world: self.world.clone(), life });
        audit::Ports {
            orders,
            inventory: Arc::new(SimInventory { site: site.clone(), disk: self.shelves.clone() }),
            payments: Arc::new(SimPayments { site: site.clone(), disk: self.accounts.clone() }),
            shipping: Arc::new(SimShipping { site, disk: self.dispatch.clone() }),
            messages: Arc::new(SimBooks {
                world: self.world.clone(),
                mailboxes: Process::ALL.iter().map(|process| self.mailbox(*process).clone()).collect(),
                broker: self.broker.clone(),
            }),
        }
    }
}

async fn recover(saga: Saga) {
    loop {
        saga.recovery_pass().await.expect("the simulated store never fails");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn every(station: &Station, work: impl Fn()) {
    loop {
        tokio::time::sleep(SWEEP).await;
        station.point("sweep").await;
        work();
    }
}

/// Ids in the order in which they are given out.
struct SimIds(Arc<AtomicU64>);

impl OrderIds for SimIds {
    fn next(&self) -> OrderId {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        OrderId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)))
    }
}
