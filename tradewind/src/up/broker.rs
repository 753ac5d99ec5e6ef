//! The addresses of the message broker: of the embedded one, and of another, which must be there before
//! anything is started on it.

use std::net::SocketAddr;
use std::time::Duration;

use chassis::messaging::Broker;
use tokio_util::sync::CancellationToken;

use crate::exit::Ending;

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The embedded broker at `door`, as its clients name it. It lets in `guest` from this machine alone.
pub(super) fn embedded(door: SocketAddr) -> String {
    format!("amqp://guest:guest@{door}")
}

/// Connects to the broker at `url` once.
pub(super) async fn reach(url: &str) -> anyhow::Result<()> {
    let done = CancellationToken::new();
    let _ended = done.clone().drop_guard();
    let refused = |why: String| Ending::Usage(format!("--broker: {why}"));
    let broker = Broker::connect(url, "tradewind up", done).map_err(|error| refused(error.to_string()))?;
    tried(&broker).await.map_err(|error| {
        let remedy =
            "start RabbitMQ 3.10 or later there, or leave --broker out: the shop brings a broker along";
        refused(format!("{error}\n{remedy}")).into()
    })
}

/// How the first attempt to connect ends, which gives up by itself on a broker that is silent.
async fn tried(broker: &Broker) -> Result<(), String> {
    // on one thread nothing is tried before this one waits
    let untried = broker.check();
    loop {
        let now = broker.check();
        if now.is_ok() || now != untried {
            return now.map_err(|why| format!("the broker is away: {why}"));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_without_a_broker_is_refused_with_what_to_do() {
        for url in ["http://127.0.0.1", "amqp://guest:hunter2@127.0.0.1:1"] {
            let error = reach(url).await.expect_err(url).to_string();
            assert!(error.contains("--broker") && !error.contains("hunter2"), "{error}");
        }
    }
}
