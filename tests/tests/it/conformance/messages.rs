//! What only messages can meet: a broker between caller and callee that is lost, callees that are nobody,
//! speak nonsense or leave, and requests that our own clients never make.

mod broken;
mod hostile;
mod instances;
mod streams;

use std::sync::Arc;

use contracts::Sku;
use contracts::inventory::{GetStock, StockLevel};

use super::broker_house::BrokerHouse;
use super::scripted::{Script, Scripted};

fn level() -> StockLevel {
    StockLevel { sku: Sku::from("A-1"), available: 1, reserved: 0, version: 1 }
}

fn asked() -> GetStock {
    GetStock { sku: Sku::from("A-1") }
}

/// A callee that does as `script` says, behind a broker.
async fn house(script: Script) -> Option<(Arc<Scripted>, BrokerHouse)> {
    let callee = Scripted::new();
    callee.play(script);
    let house = BrokerHouse::with(&callee).await?;
    Some((callee, house))
}

fn answers() -> Script {
    Script::Reply(Arc::new(level()))
}
