//! The assembled module in a process of its own, called over REST and gRPC.

use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::config::Live;
use chassis::discovery::StaticDirectory;
use chassis::process::{self, Bootstrap};
use contracts::Code;
use contracts::inventory::{GetStock, Inventory, ReleaseStock, ReserveStock, WatchStock};
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wires::{Resolver, WireChoices, WireKind};

use crate::shop::{PATIENCE, ctx, lines, order, problem};

/// A product of the opening stock.
const SKU: &str = "KIT-0001";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_assembled_module_reserves_and_streams_levels_both_ways_over_each_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let shutdown = CancellationToken::new();
    let alone = Bootstrap::alone(folder.path().to_owned());
    let running = process::run(alone, listener, shutdown.clone(), async |platform| {
        Ok(vec![inventory::assemble(platform, &Resolver::new(platform)).await?])
    });
    let calling = async {
        for wire in [WireKind::Rest, WireKind::Grpc] {
            let edge = BTreeMap::from([("inventory".to_owned(), wire)]);
            let choices = Live::fixed(WireChoices(BTreeMap::from([("orders".to_owned(), edge)])));
            let directory = Arc::new(StaticDirectory::new().with("inventory", &[&address]));
            let port = Resolver::over(directory).edges("orders", choices).inventory();
            timeout(PATIENCE, converse(&*port))
                .await
                .unwrap_or_else(|_| panic!("no answer in time over {wire}"));
        }
        shutdown.cancel();
    };
    let (ended, ()) =
        timeout(3 * PATIENCE, async { tokio::join!(running, calling) }).await.expect("drains in time");
    ended.expect("ends well");
}

/// What a caller sees, whatever the wire.
async fn converse(port: &dyn Inventory) {
    let before = port.stock(&ctx(), GetStock { sku: SKU.into() }).await.expect("is stocked").available;
    let (changes, wanted) = mpsc::channel(1);
    let mut levels = port.watch(&ctx(), ReceiverStream::new(wanted).boxed()).await.expect("watches");

    changes.send(WatchStock::Add(SKU.into())).await.expect("the watcher listens");
    let mut available = async || levels.next().await.expect("goes on").expect("a level").available;
    assert_eq!(available().await, before);
    let order_id = order();
    let request = ReserveStock { order_id, lines: lines(&[(SKU, 2)]) };
    port.reserve(&ctx(), request).await.expect("there is enough");
    assert_eq!(available().await, before - 2);
    port.release(&ctx(), ReleaseStock { order_id }).await.expect("gives back");
    assert_eq!(available().await, before);

    changes.send(WatchStock::Add("NO-1".into())).await.expect("the watcher listens");
    assert_eq!(problem(levels.next().await.expect("an answer")).code, Code::UnknownSku);
    assert!(levels.next().await.is_none());
}
