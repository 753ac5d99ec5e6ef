//! The wires that a topology names: set when the shop enters it. Whoever changes them later has the last word.

use chassis::config::AdminClient;
use chassis::config::protocol::{DEFAULT_PROFILE, SHARED};
use serde_json::Value;

use super::shop::Shop;
use crate::commands::config::set_key;
use crate::topology::Topology;

/// Sets the wires of `topology`.
pub(super) async fn enter(shop: &Shop, topology: &Topology) -> anyhow::Result<()> {
    if topology.wires.is_empty() {
        return Ok(());
    }
    let server = shop.announced().addresses.config_server;
    let admin = AdminClient::new(&server, Some(shop.folder.operator_token()?))?.acting_as("tradewind move");
    for (caller, callees) in &topology.wires {
        for (callee, wire) in callees {
            let key = format!("wires.{caller}.{callee}");
            set_key(&admin, SHARED, DEFAULT_PROFILE, &key, Value::from(wire.to_string())).await?;
        }
    }
    Ok(())
}
