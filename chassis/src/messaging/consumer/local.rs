//! A consumer of a queue that is in a database of this process: of the arrivals of a module.
//!
//! What became of messages is written in as few transactions as can be: those that were dealt with leave
//! together, a moment later, since the inbox knows of them already.

use std::collections::{BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use contracts::error::chain;
use contracts::messages::Queue;
use contracts::messages::queues::DELIVERY_LIMIT;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::handling::{Handling, Judgement, was_put_aside};
use super::{AGAIN, FINISH, Handler, PREFETCH, RESUME};
use crate::messaging::broker::{dead_lettered, redelivered};
use crate::messaging::bus::Turn;
use crate::messaging::in_process::{Arrival, Arrivals, IN_PROCESS, InProcess, Then, Verdict};
use crate::store::StoreError;

/// How often to look although nobody said that something arrived: for what another process wrote.
const POLL: Duration = Duration::from_secs(1);
/// How long a message that was dealt with may wait for others to leave with.
const COMPANY: Duration = Duration::from_millis(100);

/// What a message is put aside for that was counted as often as it may be, and by nobody who lived to say why.
const NOBODY_LIVED: &str = "it was begun as often as it may be, and no process lived to say why it failed";

/// Consumes `queue` until it is told to stop; what is under way then is finished.
pub(super) async fn consume(
    in_process: &InProcess,
    queue: &'static Queue,
    handler: Arc<dyn Handler>,
    turn: Turn,
) {
    let there = turn.stop.run_until_cancelled(in_process.arrivals_in_time(queue.module)).await;
    let Some(arrivals) = there.flatten() else { return };
    let consumer = Consumer {
        in_process,
        arrivals,
        queue,
        handling: Arc::new(Handling::new(queue, handler, IN_PROCESS)),
        turn,
        under_way: JoinSet::new(),
        in_hand: BTreeSet::new(),
        ready: VecDeque::new(),
        done: Vec::new(),
        leaving: None,
        verdicts: Vec::new(),
        due: vec![Instant::now()],
        begun: false,
        failures: 0,
    };
    consumer.run().await;
}

struct Consumer<'a> {
    in_process: &'a InProcess,
    arrivals: Arc<Arrivals>,
    queue: &'static Queue,
    handling: Arc<Handling>,
    turn: Turn,
    under_way: JoinSet<Attempted>,
    /// Where those are that are under way, done or judged: they are not to be taken a second time.
    in_hand: BTreeSet<i64>,
    /// Taken, and waiting for their turn.
    ready: VecDeque<Arrival>,
    /// Dealt with, and not deleted yet.
    done: Vec<i64>,
    /// When they are to be.
    leaving: Option<Instant>,
    /// What became of the others, and is not written yet.
    verdicts: Vec<Verdict>,
    /// When to look for what is due; at least once.
    due: Vec<Instant>,
    /// Whether that it consumes is noted.
    begun: bool,
    /// How often in a row the database did not do what it was asked.
    failures: u32,
}

/// What came of an attempt.
struct Attempted {
    position: i64,
    id: String,
    number: u32,
    judgement: Judgement,
}

impl Consumer<'_> {
    async fn run(mut self) {
        while !self.turn.stop.is_cancelled() {
            match self.round().await {
                Ok(()) => {
                    self.failures = 0;
                    self.wait().await;
                }
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    let (queue, error) = (self.queue.name, chain(&error));
                    tracing::warn!(queue, error, "{queue} cannot be consumed for now: {error}");
                    let pause = sleep(RESUME.after(self.failures));
                    self.turn.stop.run_until_cancelled(pause).await;
                }
            }
        }
        self.finish().await;
    }

    /// Writes what is to be written, takes what is due, and begins as much of it as there is room for.
    async fn round(&mut self) -> Result<(), StoreError> {
        if !self.begun {
            self.arrivals.begin(self.queue.name, PREFETCH).await?;
            self.begun = true;
        }
        let now = Instant::now();
        let leave = self.leaving.is_some_and(|at| at <= now) || self.done.len() >= usize::from(PREFETCH);
        if leave || !self.verdicts.is_empty() {
            self.settle().await?;
        }
        if self.ready.is_empty() && self.has_room() && self.due.iter().any(|due| *due <= now) {
            self.take(now).await?;
        }
        while self.has_room()
            && let Some(arrival) = self.ready.pop_front()
        {
            self.begin(arrival);
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.under_way.len() < usize::from(PREFETCH)
    }

    async fn take(&mut self, now: Instant) -> Result<(), StoreError> {
        let in_hand: Vec<_> = self.in_hand.iter().copied().collect();
        let limit = usize::from(PREFETCH);
        let taken = self.arrivals.due(self.queue.name, &in_hand, limit).await?;
        self.due.retain(|due| *due > now);
        // where there were as many as could be taken there may be more
        self.due.push(if taken.len() == limit { now } else { now + POLL });
        self.in_hand.extend(taken.iter().map(|arrival| arrival.position));
        self.ready.extend(taken);
        Ok(())
    }

    fn begin(&mut self, arrival: Arrival) {
        let Arrival { position, id, content, attempts, .. } = arrival;
        let number = attempts.saturating_add(1);
        if number > DELIVERY_LIMIT {
            let judgement = Judgement::PutAside(NOBODY_LIVED.to_owned());
            self.ended(Attempted { position, id, number: attempts, judgement });
            return;
        }
        if number > 1 {
            redelivered(self.queue.name);
        }
        let handling = self.handling.clone();
        let message = content.message().cloned().map_err(str::to_owned);
        self.under_way.spawn(async move {
            let judgement = handling.attempt(number, message, None).await.judgement;
            Attempted { position, id, number, judgement }
        });
    }

    fn ended(&mut self, Attempted { position, id, number: attempts, judgement }: Attempted) {
        let queue = self.queue.name;
        let (cause, then) = match judgement {
            Judgement::Done => {
                self.done.push(position);
                self.leaving.get_or_insert_with(|| Instant::now() + COMPANY);
                return;
            }
            Judgement::Again(cause) => (cause, Then::Again(AGAIN.after(attempts))),
            Judgement::PutAside(cause) => {
                was_put_aside(queue, &id, attempts, &cause);
                dead_lettered(queue);
                (cause, Then::Die)
            }
        };
        self.verdicts.push(Verdict { position, attempts, cause, then });
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) {
        if !self.verdicts.is_empty() {
            return;
        }
        let due = self.due.iter().min().copied();
        // with its hands full it takes nothing more, whatever is due
        let looks = self.has_room() && self.ready.is_empty();
        tokio::select! {
            () = self.turn.stop.cancelled() => return,
            () = self.in_process.arrived(self.queue), if looks => self.due.push(Instant::now()),
            () = until(due), if looks => {}
            () = until(self.leaving), if self.leaving.is_some() => {}
            Some(ended) = self.under_way.join_next() => self.joined(ended),
        }
        while let Some(ended) = self.under_way.try_join_next() {
            self.joined(ended);
        }
    }

    fn joined(&mut self, ended: Result<Attempted, tokio::task::JoinError>) {
        match ended {
            Ok(attempted) => self.ended(attempted),
            // cannot be: what a handler does is guarded, and nobody else ends an attempt
            Err(error) => {
                tracing::error!(%error, "an attempt at a message of {} ended: {error}", self.queue.name);
            }
        }
    }

    /// Writes what became of messages, all of it in one transaction.
    async fn settle(&mut self) -> Result<(), StoreError> {
        if self.done.is_empty() && self.verdicts.is_empty() {
            return Ok(());
        }
        self.arrivals.settle(&self.done, &self.verdicts).await?;
        let now = Instant::now();
        for position in self.done.drain(..) {
            self.in_hand.remove(&position);
        }
        for verdict in self.verdicts.drain(..) {
            self.in_hand.remove(&verdict.position);
            if let Then::Again(pause) = verdict.then {
                self.due.push(now + pause);
            }
        }
        self.leaving = None;
        Ok(())
    }

    /// Leaves nothing behind that is not written, unless it was out of time.
    async fn end(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        if self.begun && self.under_way.is_empty() {
            self.arrivals.end(self.queue.name).await?;
        }
        Ok(())
    }

    /// Finishes what is under way; what is not finished in time comes again.
    async fn finish(&mut self) {
        let turn = self.turn.clone();
        let mut out_of_time = pin!(turn.out_of_time(FINISH));
        loop {
            tokio::select! {
                ended = self.under_way.join_next() => match ended {
                    Some(ended) => self.joined(ended),
                    None => break,
                },
                () = &mut out_of_time => break,
            }
        }
        if let Err(error) = self.end().await {
            let (queue, error) = (self.queue.name, chain(&error));
            tracing::warn!(queue, error, "messages of {queue} that were dealt with will come again: {error}");
        }
    }
}

/// Waits for a moment, where there is one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
