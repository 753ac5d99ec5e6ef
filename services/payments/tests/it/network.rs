//! A card network with the real one's rules that answers, hangs or fails as a test says.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use card_network::domain::{Hold, Request, State, rule};
use contracts::payments::{CardToken, NetworkRecord};
use contracts::{Context, Money, OrderId};
use parking_lot::Mutex;
use payments::domain::{Decline, NetworkState};
use payments::network::{CardNetwork, HoldRecord, NetworkError, NetworkResult};

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done, and its answer arrives.
    Done,
    /// It is done, and its answer is lost.
    DoneInSilence,
    /// It is lost on its way, and nobody can tell.
    LostInSilence,
    /// It is refused before anything is done.
    NotDone,
}

/// Whether the network can be reached at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Line {
    #[default]
    Up,
    Down,
}

/// The network. Clones share everything.
#[derive(Clone, Default)]
pub struct FakeNetwork {
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    holds: HashMap<OrderId, Hold>,
    fates: VecDeque<Fate>,
    line: Line,
    requests: usize,
}

impl FakeNetwork {
    /// What becomes of the next requests; those after them are done.
    pub fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.inside.lock().fates = fates.into_iter().collect();
    }

    /// Takes the network off the line, or back.
    pub fn line(&self, line: Line) {
        self.inside.lock().line = line;
    }

    /// How many requests it got, look-ups apart.
    pub fn requests(&self) -> usize {
        self.inside.lock().requests
    }

    /// Its books on an order.
    pub fn books(&self, order: OrderId) -> Option<HoldRecord> {
        self.inside.lock().holds.get(&order).map(record)
    }

    async fn serve(&self, key: OrderId, request: &Request) -> NetworkResult<HoldRecord> {
        // as over a real line, others get their turn before the request arrives
        tokio::task::yield_now().await;
        let mut inside = self.inside.lock();
        if inside.line == Line::Down {
            return Err(NetworkError::NotDone("connection refused".into()));
        }
        inside.requests += 1;
        let fate = inside.fates.pop_front().unwrap_or(Fate::Done);
        match fate {
            Fate::NotDone => return Err(NetworkError::NotDone("try again".into())),
            Fate::LostInSilence => return Err(NetworkError::Unknown("no answer in time".into())),
            Fate::Done | Fate::DoneInSilence => {}
        }
        let ruling = rule(inside.holds.get(&key), request);
        let Some(hold) = ruling.hold else { return Err(NetworkError::NotDone("unknown key".into())) };
        let answer = record(&hold);
        inside.holds.insert(key, hold);
        match fate {
            Fate::DoneInSilence => Err(NetworkError::Unknown("no answer in time".into())),
            _ => Ok(answer),
        }
    }
}

fn record(hold: &Hold) -> HoldRecord {
    let state = match hold.state {
        State::Held => NetworkState::Held,
        State::Captured => NetworkState::Captured,
        State::Voided => NetworkState::Voided,
        State::Refunded => NetworkState::Refunded,
        State::Declined(decline) => {
            NetworkState::Declined(Decline::from_code(decline.as_str()).expect("the same codes"))
        }
    };
    let count = |number: i64| u32::try_from(number).expect("a count");
    let books = NetworkRecord {
        holds: count(hold.holds),
        captures: count(hold.captures),
        captured: hold.captured,
        refunded: hold.refunded,
    };
    HoldRecord { state, books }
}

#[async_trait]
impl CardNetwork for FakeNetwork {
    async fn hold(
        &self,
        _: &Context,
        key: OrderId,
        amount: Money,
        card: &CardToken,
    ) -> NetworkResult<HoldRecord> {
        let currency = amount.currency.as_str().to_owned();
        self.serve(key, &Request::Hold { card: card.0.clone(), amount: amount.amount, currency }).await
    }

    async fn capture(&self, _: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.serve(key, &Request::Capture).await
    }

    async fn void(&self, _: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.serve(key, &Request::Void).await
    }

    async fn refund(&self, _: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.serve(key, &Request::Refund).await
    }

    async fn look_up(&self, _: &Context, key: OrderId) -> NetworkResult<Option<HoldRecord>> {
        tokio::task::yield_now().await;
        if self.inside.lock().line == Line::Down {
            return Err(NetworkError::NotDone("connection refused".into()));
        }
        Ok(self.books(key))
    }
}
