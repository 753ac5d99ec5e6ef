//! The present line of a process, and what connects ahead of the first call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::Broker;
use chassis::messaging::rpc::requests_of;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::sync::Mutex;

use super::line::Line;
use crate::connect::Reach;

/// How long a call waits for a connection that is being made.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long connecting ahead may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Gives every call the line of the moment: one a process, made when it is first needed, and again when it
/// is lost.
pub struct Switchboard {
    broker: Broker,
    present: Mutex<Option<Arc<Line>>>,
}

impl Switchboard {
    /// Lines over `broker`.
    pub fn new(broker: Broker) -> Arc<Self> {
        Arc::new(Self { broker, present: Mutex::default() })
    }

    /// The line of the moment, or why there is none.
    pub(super) async fn line(&self) -> Result<Arc<Line>, String> {
        let mut present = self.present.lock().await;
        if let Some(line) = present.as_ref().filter(|line| !line.is_lost()) {
            return Ok(line.clone());
        }
        let away = || format!("the broker is away: {}", self.broker.check().err().unwrap_or_default());
        let link = tokio::time::timeout(PATIENCE, self.broker.publishing_link()).await.map_err(|_| away())?;
        let line = Line::open(link.map_err(|error| error.to_string())?).await?;
        Ok(present.insert(line).clone())
    }
}

/// A service that is to be called over AMQP.
pub(super) struct Ahead {
    pub(super) callee: &'static str,
    pub(super) switchboard: Arc<Switchboard>,
}

#[async_trait]
impl Reach for Ahead {
    /// Sees that there is a line, and that the callee takes requests.
    async fn establish(&self) -> Result<(), String> {
        let established = async {
            self.switchboard.line().await?;
            // a question for what is not there ends the channel that it is asked on, and only that
            let link = self.switchboard.broker.publishing_link().await.map_err(|error| error.to_string())?;
            let asking = link.channel().await.map_err(|error| error.to_string())?;
            let (queue, options) =
                (requests_of(self.callee), QueueDeclareOptions { passive: true, ..Default::default() });
            let there = asking.queue_declare(queue.clone(), options, FieldTable::default()).await;
            let there = there.map_err(|error| format!("nobody takes requests from {queue}: {error}"))?;
            match there.consumer_count() {
                0 => Err(format!("nobody takes requests from {queue} at present")),
                _ => Ok(()),
            }
        };
        let in_time = tokio::time::timeout(CONNECT_PATIENCE, established).await;
        in_time.unwrap_or_else(|_| Err(format!("the broker did not answer within {CONNECT_PATIENCE:?}")))
    }
}
