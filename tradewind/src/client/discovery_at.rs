//! A registry by its address.

use std::sync::Arc;

use chassis::discovery::{Consul, Directory, Discovery, DiscoveryError};
use tokio_util::sync::CancellationToken;

/// The registry at an address, and who is where by it.
pub(super) fn discovery_at(
    registry_url: &str,
    token: Option<String>,
    shutdown: CancellationToken,
) -> Result<(Option<Consul>, Arc<dyn Discovery>), DiscoveryError> {
    let consul = Consul::new(registry_url, token)?;
    Ok((Some(consul.clone()), Arc::new(Directory::new(consul, shutdown))))
}
