//! Tells those in this process who wait for mails that one was written. A ring that is missed costs time
//! and nothing else: whoever waits also looks into the database from time to time.

use contracts::types::CustomerId;
use tokio::sync::broadcast;

/// How many rings a listener may be behind; one that is further behind takes it that one was for it.
const BACKLOG: usize = 64;

/// What rings.
#[derive(Debug, Clone)]
pub struct Bell(broadcast::Sender<CustomerId>);

impl Default for Bell {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Bell {
    /// Says that a mail to a customer was written.
    pub fn ring(&self, customer_id: CustomerId) {
        // an error only means that nobody listens
        let _ = self.0.send(customer_id);
    }

    /// Hears every ring from now on.
    pub fn listen(&self) -> Ear {
        Ear { rings: self.0.subscribe(), _bell: self.clone() }
    }
}

/// What hears it ring.
#[derive(Debug)]
pub struct Ear {
    rings: broadcast::Receiver<CustomerId>,
    // so that the channel stays open
    _bell: Bell,
}

impl Ear {
    /// Waits for a mail to anybody.
    pub async fn any(&mut self) {
        let _ = self.rings.recv().await;
        // one look finds the mails of all rings up to now
        self.rings = self.rings.resubscribe();
    }

    /// Waits for a mail to this customer.
    pub async fn of(&mut self, customer_id: &CustomerId) {
        // an error says that some were missed, and one of those may have been for us
        while self.rings.recv().await.is_ok_and(|other| other != *customer_id) {}
    }
}
