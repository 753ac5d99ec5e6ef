//! What only messages can meet: a broker between caller and callee that is lost, callees that are nobody,
//! speak nonsense or leave, and requests that our own clients never make.

mod broken;
mod hostile;
mod instances;
mod streams;

use std::sync::Arc;

use contracts::Sku;
use contracts::inventory::{GetStock, StockLevel};
use testkit::BrokerHost;

use super::broker_house::BrokerHouse;
use super::scripted::{Script, Scripted};

fn level() -> StockLevel {
    StockLevel { sku: Sku::from("A-1"), available: 1, reserved: 0, version: 1 }
}

fn asked() -> GetStock {
    GetStock { sku: Sku::from("A-1") }
}

/// A callee that does as `script` says, behind the broker of `host`.
async fn house(host: BrokerHost, script: Script) -> (Arc<Scripted>, BrokerHouse) {
    let callee = Scripted::new();
    callee.play(script);
    let house = BrokerHouse::on(host, &callee).await;
    (callee, house)
}

fn answers() -> Script {
    Script::Reply(Arc::new(level()))
}
