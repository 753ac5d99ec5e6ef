//! Customers who place orders without pause, while something is done to the shop.
//!
//! Each places one order after the other, every one under a key of its own, and repeats a request
//! under the same key while it has no clear answer. Whatever they are told is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contracts::orders::Coordination;
use contracts::{Code, OrderId};
use parking_lot::Mutex;
use serde_json::{Value, json};
use testkit::eventually;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::reply::Reply;
use crate::shop::{PATIENCE, Shop, order_of};

/// How many order at the same time.
const CUSTOMERS: usize = 4;
/// How often a request is sent at the most.
const ATTEMPTS: usize = 5;
/// How long a customer waits before a repetition, as a polite one does.
const PAUSE: Duration = Duration::from_millis(50);
/// What they buy; there is enough of each.
const SKUS: [&str; 5] = ["KIT-0001", "KIT-0002", "TOO-0007", "PET-0007", "OFF-0008"];

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 201, and the order is confirmed.
    Confirmed(OrderId),
    /// 202, and the order is under way.
    Accepted(OrderId),
    /// A proper problem: its code, the order that it points at, and what it says.
    Refused(Code, Option<OrderId>, String),
    /// The connection ended before an answer came.
    Lost(String),
    /// There was no connection.
    ShutOut(String),
    /// Anything else, which nobody may ever be told.
    Improper(String),
}

impl Answer {
    fn of(sent: Result<Reply, reqwest::Error>) -> Self {
        match sent {
            Ok(reply) => match (reply.confirmed(), reply.accepted(), reply.refusal()) {
                (Some(order), ..) => Self::Confirmed(order.id),
                (None, Some(order), _) => Self::Accepted(order.id),
                (None, None, Some(refusal)) => Self::Refused(refusal.code, reply.order_id(), refusal.detail),
                (None, None, None) => Self::Improper(format!("{reply:?}")),
            },
            Err(error) if error.is_connect() => Self::ShutOut(format!("{error:?}")),
            Err(error) => Self::Lost(format!("{error:?}")),
        }
    }

    fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::Confirmed(id) | Self::Accepted(id) => Some(*id),
            Self::Refused(_, id, _) => *id,
            Self::Lost(_) | Self::ShutOut(_) | Self::Improper(_) => None,
        }
    }

    /// Whether a repetition would be told something else.
    fn is_open(&self) -> bool {
        match self {
            Self::Confirmed(_) | Self::Accepted(_) | Self::Improper(_) => false,
            Self::Lost(_) | Self::ShutOut(_) => true,
            Self::Refused(code, ..) => matches!(code.status(), 500.. | 408) || *code == Code::InProgress,
        }
    }
}

/// How many answers of each kind, for people.
pub fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let kind = match answer {
            Answer::Confirmed(_) => "confirmed".to_owned(),
            Answer::Accepted(_) => "accepted".to_owned(),
            Answer::Refused(code, ..) => code.to_string(),
            Answer::Lost(_) => "lost".to_owned(),
            Answer::ShutOut(_) => "shut out".to_owned(),
            Answer::Improper(_) => "improper".to_owned(),
        };
        *tally.entry(kind).or_default() += 1;
    }
    tally
}

/// Customers at work; they stop when this is dropped.
pub struct Load {
    customers: JoinSet<()>,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

struct Shared {
    http: reqwest::Client,
    url: String,
    cards: Vec<&'static str>,
    coordinations: Vec<Coordination>,
    pace: Duration,
    placed: AtomicUsize,
    answers: Mutex<Vec<Answer>>,
}

impl Load {
    /// Customers who pay with each of `cards` in turn, in the coordination that is configured.
    pub fn start(shop: &Shop, cards: &[&'static str]) -> Self {
        Self::coordinated(shop, cards, &[])
    }

    /// Customers who pay with each of `cards` and ask for each of `coordinations` in turn.
    pub fn coordinated(shop: &Shop, cards: &[&'static str], coordinations: &[Coordination]) -> Self {
        Self::paced(shop, cards, coordinations, Duration::ZERO)
    }

    /// The same customers, each of whom takes a breath of `pace` before the next order: a steady stream, and not as
    /// much as the shop can bear.
    pub fn paced(
        shop: &Shop,
        cards: &[&'static str],
        coordinations: &[Coordination],
        pace: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            http: shop.http.clone(),
            url: shop.url("/api/orders"),
            cards: cards.to_vec(),
            coordinations: coordinations.to_vec(),
            pace,
            placed: AtomicUsize::new(0),
            answers: Mutex::new(Vec::new()),
        });
        let stop = CancellationToken::new();
        let mut customers = JoinSet::new();
        for number in 0..CUSTOMERS {
            let (shared, stop) = (shared.clone(), stop.clone());
            customers.spawn(async move {
                while !stop.is_cancelled() {
                    shared.order(&format!("customer-{number}"), &stop).await;
                    stop.run_until_cancelled(tokio::time::sleep(shared.pace)).await;
                }
            });
        }
        Self { customers, shared, stop }
    }

    /// How many answers there are by now.
    pub fn answered(&self) -> usize {
        self.shared.answers.lock().len()
    }

    /// The answers after the first `answered`.
    pub fn since(&self, answered: usize) -> Vec<Answer> {
        self.shared.answers.lock()[answered..].to_vec()
    }

    /// How many orders they have tried to place by now.
    pub fn placed(&self) -> usize {
        self.shared.placed.load(Ordering::Relaxed)
    }

    /// Waits until `count` more orders are confirmed, or accepted.
    pub async fn confirms(&self, count: usize) {
        let begun = self.answered();
        eventually(&format!("{count} more orders to be confirmed"), PATIENCE, async || {
            let confirmed = |answer: &&Answer| matches!(answer, Answer::Confirmed(_) | Answer::Accepted(_));
            let answers = self.since(begun);
            assert!(self.customers.len() == CUSTOMERS && !self.stop.is_cancelled());
            (answers.iter().filter(confirmed).count() >= count).then_some(())
        })
        .await;
    }

    /// Lets the customers finish.
    pub async fn stop(mut self) -> Told {
        self.stop.cancel();
        while let Some(ended) = self.customers.join_next().await {
            ended.expect("a customer does not panic");
        }
        Told { answers: self.since(0), keys: self.shared.placed.load(Ordering::Relaxed) }
    }
}

/// All that customers were told, from first to last.
#[derive(Debug)]
pub struct Told {
    /// Every answer.
    pub answers: Vec<Answer>,
    /// How many keys they used: as many orders as there may be at the most.
    pub keys: usize,
}

impl Told {
    /// Every order that they know of.
    pub fn orders(&self) -> Vec<OrderId> {
        distinct(self.answers.iter().filter_map(Answer::order_id))
    }

    /// Every order that they were told is confirmed.
    pub fn confirmed(&self) -> Vec<OrderId> {
        distinct(self.answers.iter().filter_map(|answer| match answer {
            Answer::Confirmed(id) => Some(*id),
            _ => None,
        }))
    }
}

fn distinct(ids: impl Iterator<Item = OrderId>) -> Vec<OrderId> {
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Shared {
    /// Places one order, and repeats the request while its outcome is open.
    async fn order(&self, customer: &str, stop: &CancellationToken) {
        let number = self.placed.fetch_add(1, Ordering::Relaxed);
        let card = self.cards[number % self.cards.len()];
        let mut order = order_of(SKUS[number % SKUS.len()], 1 + (number % 3) as u32, card);
        order["customer_id"] = json!(customer);
        // not in step with the cards: every card meets every coordination
        let turn = number / self.cards.len();
        if let Some(coordination) = self.coordinations.get(turn % self.coordinations.len().max(1)) {
            order["coordination"] = json!(coordination);
        }
        let key = Uuid::new_v4().to_string();
        let mut known = None;
        for _ in 0..ATTEMPTS {
            let answer = Answer::of(self.send(&order, &key).await);
            self.answers.lock().push(answer.clone());
            if let (Some(before), Some(now)) = (known, answer.order_id())
                && before != now
            {
                let twice = format!("key {key} stands for {before} and for {now}");
                self.answers.lock().push(Answer::Improper(twice));
            }
            known = known.or(answer.order_id());
            if !answer.is_open() || stop.is_cancelled() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, order: &Value, key: &str) -> reqwest::Result<Reply> {
        let request = self.http.post(&self.url).header("idempotency-key", key).json(order);
        Reply::of(request.send().await?).await
    }
}
