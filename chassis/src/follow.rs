//! Streams of what is past, at once, and of what is to come, as it happens: stations of a shipment, steps of
//! an order, a customer's mails.
//!
//! The database is the only source. A change made in this process rings a bell, and whoever follows looks;
//! one made by another process is found by looking from time to time. A ring that is lost costs time and
//! nothing else.

use std::collections::VecDeque;
use std::hash::Hash;
use std::time::Duration;

use async_trait::async_trait;
use contracts::{Code, PortResult, Problem, Streaming};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::bell::Ear;

/// Where news is read.
#[async_trait]
pub trait Source: Send + 'static {
    /// What is followed.
    type Item: Send + 'static;

    /// Reads what has come since the last look, oldest first. An error ends the stream, and is its end; at
    /// the first look there is no stream then.
    async fn look(&mut self) -> PortResult<Look<Self::Item>>;
}

/// What a look found.
#[derive(Debug)]
pub struct Look<T> {
    /// What is new.
    pub items: Vec<T>,
    /// And after that.
    pub then: Then,
}

/// How it goes on when all that was read is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// There may be more already: look again.
    Look,
    /// There is nothing more yet: wait.
    Wait,
    /// There will be nothing more.
    End,
}

/// What tells those who follow when to look, and when to stop.
pub struct Reasons<K: Eq + Hash> {
    /// Hears of changes made in this process. It must have begun to listen before the first look, so that
    /// nothing falls between the two.
    pub ear: Ear<K>,
    /// How long to wait for a ring before looking without one.
    pub poll: Box<dyn Fn() -> Duration + Send>,
    /// Fires when this instance stops: the stream then ends with `unavailable`.
    pub ending: CancellationToken,
    /// What is followed, for people: `stations`.
    pub what: &'static str,
}

/// Follows `source`; the first look is made at once.
pub async fn follow<S, K>(source: S, reasons: Reasons<K>) -> PortResult<Streaming<PortResult<S::Item>>>
where
    S: Source,
    K: Eq + Hash + Send + 'static,
{
    let mut follower = Follower { source, reasons, read: VecDeque::new(), then: Then::Look };
    follower.look().await?;
    Ok(futures::stream::unfold(follower, Follower::next).boxed())
}

struct Follower<S: Source, K: Eq + Hash> {
    source: S,
    reasons: Reasons<K>,
    /// What was read and not yet handed out: what one look found, at the most.
    read: VecDeque<S::Item>,
    then: Then,
}

impl<S: Source, K: Eq + Hash> Follower<S, K> {
    async fn next(mut self) -> Option<(PortResult<S::Item>, Self)> {
        loop {
            if let Some(item) = self.read.pop_front() {
                return Some((Ok(item), self));
            }
            let looked = match self.then {
                Then::Look => self.look().await,
                Then::Wait => self.wait().await,
                Then::End => return None,
            };
            if let Err(error) = looked {
                self.then = Then::End;
                return Some((Err(error), self));
            }
        }
    }

    /// Waits for a reason to look, and looks.
    async fn wait(&mut self) -> PortResult<()> {
        let poll = (self.reasons.poll)();
        tokio::select! {
            () = self.reasons.ending.cancelled() => {
                let what = self.reasons.what;
                let detail = format!("this instance is stopping; ask another for the {what} to come");
                return Err(Problem::new(Code::Unavailable, detail).into());
            }
            () = self.reasons.ear.rung() => {}
            () = tokio::time::sleep(poll) => {}
        }
        self.look().await
    }

    async fn look(&mut self) -> PortResult<()> {
        let Look { items, then } = self.source.look().await?;
        self.read = items.into();
        self.then = then;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use contracts::PortError;

    use super::*;
    use crate::bell::Bell;

    /// Gives its looks one after the other, and then fails.
    struct Scripted(VecDeque<Look<u32>>);

    #[async_trait]
    impl Source for Scripted {
        type Item = u32;

        async fn look(&mut self) -> PortResult<Look<u32>> {
            Ok(self.0.pop_front().ok_or_else(|| Problem::not_found("another look"))?)
        }
    }

    fn look<const N: usize>(items: [u32; N], then: Then) -> Look<u32> {
        Look { items: items.into(), then }
    }

    struct Bench {
        bell: Bell<u32>,
        ending: CancellationToken,
    }

    impl Bench {
        fn new() -> Self {
            Self { bell: Bell::default(), ending: CancellationToken::new() }
        }

        async fn follow(&self, looks: Vec<Look<u32>>) -> PortResult<Streaming<PortResult<u32>>> {
            let reasons = Reasons {
                ear: self.bell.listen(1),
                poll: Box::new(|| Duration::from_secs(3600)),
                ending: self.ending.clone(),
                what: "numbers",
            };
            follow(Scripted(looks.into()), reasons).await
        }
    }

    #[tokio::test]
    async fn what_is_past_comes_at_once_page_by_page_and_what_is_to_come_with_a_ring() {
        let bench = Bench::new();
        let looks = vec![look([1, 2], Then::Look), look([3], Then::Wait), look([4], Then::End)];
        let mut numbers = bench.follow(looks).await.expect("a stream");
        for past in 1..=3 {
            assert_eq!(numbers.next().await, Some(Ok(past)));
        }
        bench.bell.ring(&2);
        assert!(futures::poll!(numbers.next()).is_pending(), "a ring for somebody else");
        bench.bell.ring(&1);
        assert_eq!(numbers.next().await, Some(Ok(4)));
        assert_eq!(numbers.next().await, None);
    }

    #[tokio::test]
    async fn an_error_is_the_end() {
        let bench = Bench::new();
        assert!(bench.follow(Vec::new()).await.is_err(), "no stream where the first look fails");
        let mut numbers = bench.follow(vec![look([1], Then::Look)]).await.expect("a stream");
        assert_eq!(numbers.next().await, Some(Ok(1)));
        let failed = numbers.next().await.expect("an error");
        assert_eq!(failed.err().as_ref().and_then(PortError::code), Some(Code::NotFound));
        assert_eq!(numbers.next().await, None);
    }

    #[tokio::test]
    async fn an_instance_that_stops_hands_out_what_it_has_and_says_so() {
        let bench = Bench::new();
        let mut numbers = bench.follow(vec![look([1], Then::Wait)]).await.expect("a stream");
        bench.ending.cancel();
        assert_eq!(numbers.next().await, Some(Ok(1)));
        let failed = numbers.next().await.expect("an error").expect_err("it stops");
        assert_eq!(failed.code(), Some(Code::Unavailable));
        assert!(failed.to_string().contains("ask another for the numbers to come"), "{failed}");
        assert_eq!(numbers.next().await, None);
    }
}
