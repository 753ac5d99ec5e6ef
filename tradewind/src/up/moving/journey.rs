//! The steps of a move, in their order, and the way back.

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::try_join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::asking::Processes;
use super::databases::{self, Change, Moment};
use super::status::{MoveStatus, Stage};
use crate::run::{Role, Server};
use crate::topology::Topology;
use crate::up::arrangement::{Arrangement, Moving, Progress};
use crate::up::child::Messages;
use crate::up::fleet::Member;
use crate::up::shop::Shop;
use crate::up::wiring;

/// One move.
pub(super) struct Journey<'a> {
    pub shop: &'a Shop,
    pub processes: &'a Processes,
    pub status: &'a watch::Sender<MoveStatus>,
    /// Fires when somebody wants it taken back.
    pub take_back: CancellationToken,
    /// What runs at its beginning.
    pub from: Topology,
    pub to: &'a Topology,
}

/// How a move ended.
pub(super) enum Ended {
    Arrived,
    TakenBack,
    Failed(anyhow::Error),
}

/// What has been started and held so far, to be taken back where something fails.
#[derive(Default)]
struct Begun {
    servers: Vec<Arc<Member>>,
    newcomers: Vec<Arc<Member>>,
    held: Vec<Arc<Member>>,
}

impl Journey<'_> {
    /// Moves.
    pub async fn run(&self) -> Ended {
        let mut begun = Begun::default();
        let prepared = async {
            let wanted = self.take_back.run_until_cancelled(self.prepare(&mut begun)).await;
            wanted.unwrap_or(Ok(None))
        };
        match prepared.await {
            Ok(Some(leavers)) => match self.arrive(&begun, &leavers).await {
                Ok(()) => Ended::Arrived,
                Err(error) => Ended::Failed(error.context(GO_ON)),
            },
            Ok(None) => match self.go_back(begun).await {
                Ok(()) => Ended::TakenBack,
                Err(error) => Ended::Failed(error),
            },
            Err(error) => match self.go_back(begun).await {
                Ok(()) => Ended::Failed(error),
                Err(worse) => Ended::Failed(worse.context(format!("{error:#}"))),
            },
        }
    }

    /// Everything up to the flip. Returns who leaves; nothing when the move was taken back.
    async fn prepare(&self, begun: &mut Begun) -> anyhow::Result<Option<Vec<Arc<Member>>>> {
        let (shop, from, to) = (self.shop, &self.from, self.to);
        if let Some(Moving { to: before, progress: Progress::HandingOver }) = shop.arrangement().moving {
            self.mend(&before).await?;
        }
        let changes = databases::changes(self.processes, &shop.fleet.members(), from, to).await?;
        shop.open_for(to).await?;
        self.note(Progress::Prepared)?;
        self.move_databases(&changes, Moment::Before).await?;

        self.start(begun).await?;
        let leavers = shop.leavers(to).await?.processes;
        if !begun.newcomers.is_empty() || !leavers.is_empty() {
            self.hand_over(begun, &leavers).await?;
        }
        if self.take_back.is_cancelled() {
            return Ok(None);
        }
        self.step(Stage::Flipping, "the new processes take over", async {
            self.note(Progress::Flipped)?;
            Ok("written down".to_owned())
        })
        .await?;
        Ok(Some(leavers))
    }

    async fn start(&self, begun: &mut Begun) -> anyhow::Result<()> {
        let (shop, to) = (self.shop, self.to);
        wiring::enter(shop, to).await.context("the wires that the topology names")?;
        self.step(Stage::Starting, "start the processes that are missing", async {
            begun.servers = shop.start_servers(to).await?;
            shop.fleet.until_ready(&begun.servers, |_| ()).await?;
            if begun.servers.iter().any(|member| member.launch.roles == [Role::Server(Server::Registry)]) {
                // it remembers those who ran when it last did
                shop.forget_the_dead(to).await?;
            }
            shop.check_registry(to).await.context("the registry")?;
            begun.newcomers = shop.start_processes(to, Messages::Held).await?;
            shop.fleet.until_ready(&begun.newcomers, |_| ()).await?;
            let newcomers = begun.newcomers.iter();
            try_join_all(newcomers.map(|member| self.processes.until_answering(member))).await?;
            Ok(named(begun.servers.iter().chain(&begun.newcomers)))
        })
        .await
    }

    /// Takes the messages from the processes of old.
    async fn hand_over(&self, begun: &mut Begun, leavers: &[Arc<Member>]) -> anyhow::Result<()> {
        let (processes, from, to) = (self.processes, &self.from, self.to);
        self.step(Stage::Holding, "messages wait", async {
            for member in leavers {
                // also where it dies now and is started again
                member.restarts_with(Messages::Held);
                begun.held.push(member.clone());
            }
            try_join_all(leavers.iter().map(|member| processes.hold(member))).await?;
            Ok(named(leavers))
        })
        .await?;
        if from.has_broker() == to.has_broker() {
            return Ok(());
        }
        self.note(Progress::HandingOver)?;
        let broker = self.shop.broker_url().await?;
        let (who, what) = if to.has_broker() {
            (leavers, "hand what waits, and the log of events, over to the broker")
        } else {
            (begun.newcomers.as_slice(), "take what waits, and the log of events, over from the broker")
        };
        self.step(Stage::HandingOver, what, async {
            let reports = try_join_all(who.iter().map(|member| async {
                if to.has_broker() {
                    processes.hand_over(member, &broker).await
                } else {
                    processes.take_over(member, &broker).await
                }
            }));
            Ok(reports.await?.join("; "))
        })
        .await
    }

    /// Everything after the flip.
    async fn arrive(&self, begun: &Begun, leavers: &[Arc<Member>]) -> anyhow::Result<()> {
        let (shop, to) = (self.shop, self.to);
        shop.announce(to).await?;
        if !begun.newcomers.is_empty() {
            self.step(Stage::Opening, "messages flow again", async {
                for member in &begun.newcomers {
                    member.restarts_with(Messages::Flow);
                }
                try_join_all(begun.newcomers.iter().map(|member| self.processes.open(member))).await?;
                Ok(named(&begun.newcomers))
            })
            .await?;
        }
        if !leavers.is_empty() {
            self.step(Stage::Draining, "let the processes of old finish", async {
                shop.fleet.retire(leavers).await;
                Ok(named(leavers))
            })
            .await?;
        }
        let members = shop.fleet.members();
        let changes = databases::changes(self.processes, &members, to, to).await?;
        self.move_databases(&changes, Moment::After).await?;
        let servers = shop.leavers(to).await?.servers;
        if !servers.is_empty() {
            self.step(Stage::Stopping, "stop the servers that nobody needs", async {
                shop.fleet.retire(&servers).await;
                Ok(named(&servers))
            })
            .await?;
        }
        shop.close_but_for(to).await;
        shop.arrange(Arrangement::of(to.clone()))
    }

    async fn move_databases(&self, changes: &[Change], moment: Moment) -> anyhow::Result<()> {
        let stage = match moment {
            Moment::Before => Stage::DatabasesBefore,
            Moment::After => Stage::DatabasesAfter,
        };
        for change in changes.iter().filter(|change| change.moment == moment) {
            let what = format!("move {} to {}", change.module.name(), databases::in_words(change.to));
            self.step(stage, &what, self.processes.move_store(&change.host, change.module, change.to))
                .await?;
            if self.take_back.is_cancelled() && moment == Moment::Before {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes back what was begun before the flip. Databases that have moved already move back.
    async fn go_back(&self, begun: Begun) -> anyhow::Result<()> {
        let (shop, processes, from) = (self.shop, self.processes, &self.from);
        self.step(Stage::TakingBack, "take back what was begun", async {
            let moving = shop.arrangement().moving;
            if moving.is_some_and(|moving| moving.progress == Progress::HandingOver) {
                self.give_back(self.to, &begun.held, &begun.newcomers).await?;
            }
            // they have been serving: whoever they serve is not cut off
            shop.fleet.retire(&begun.newcomers).await;
            for member in &begun.held {
                member.restarts_with(Messages::Flow);
                processes.open(member).await?;
            }
            for change in databases::changes(processes, &shop.fleet.members(), from, from).await? {
                processes.move_store(&change.host, change.module, change.to).await?;
            }
            shop.fleet.retire(&begun.servers).await;
            shop.close_but_for(from).await;
            shop.arrange(Arrangement::of(from.clone()))?;
            Ok("the shop is as it was".to_owned())
        })
        .await
    }

    /// Brings back the messages that a move to `before` had handed over when the whole shop was killed.
    async fn mend(&self, before: &Topology) -> anyhow::Result<()> {
        let (shop, from) = (self.shop, &self.from);
        self.step(Stage::TakingBack, "bring back what was handed over before the shop ended", async {
            shop.open_for(before).await?;
            let servers = shop.start_servers(before).await?;
            shop.fleet.until_ready(&servers, |_| ()).await?;
            let leavers = shop.leavers(before).await?.processes;
            try_join_all(leavers.iter().map(|member| self.processes.hold(member))).await?;
            let newcomers = match from.has_broker() {
                true => shop.start_processes(before, Messages::Held).await?,
                false => Vec::new(),
            };
            shop.fleet.until_ready(&newcomers, |_| ()).await?;
            self.give_back(before, &leavers, &newcomers).await?;
            shop.fleet.retire(&newcomers).await;
            try_join_all(leavers.iter().map(|member| self.processes.open(member))).await?;
            let moving = Some(Moving { to: before.clone(), progress: Progress::Prepared });
            shop.arrange(Arrangement { topology: from.clone(), moving })?;
            Ok("they are where they were".to_owned())
        })
        .await
    }

    /// Brings messages back to the carrier of `from` that are on their way to that of `to`. Only a process without
    /// a broker can do that, on either way.
    async fn give_back(
        &self,
        to: &Topology,
        held: &[Arc<Member>],
        newcomers: &[Arc<Member>],
    ) -> anyhow::Result<()> {
        let (from, broker) = (&self.from, self.shop.broker_url().await?);
        if from.has_broker() == to.has_broker() {
            return Ok(());
        }
        let in_process = if from.has_broker() { newcomers } else { held };
        for member in in_process {
            self.processes.take_over(member, &broker).await?;
            if from.has_broker() {
                // all of it, since a log that was taken over in part is no match for the stream
                self.processes.hand_over(member, &broker).await?;
            }
        }
        Ok(())
    }

    /// Notes how far the move is.
    fn note(&self, progress: Progress) -> anyhow::Result<()> {
        let moving = Some(Moving { to: self.to.clone(), progress });
        self.shop.arrange(Arrangement { topology: self.from.clone(), moving })
    }

    async fn step(
        &self,
        stage: Stage,
        what: &str,
        work: impl Future<Output = anyhow::Result<String>>,
    ) -> anyhow::Result<()> {
        tracing::info!(stage = stage.as_str(), "moving: {what}");
        self.status.send_modify(|status| status.begin_step(stage, what.to_owned()));
        let outcome = work.await.with_context(|| what.to_owned())?;
        self.status.send_modify(|status| status.end_step(outcome));
        Ok(())
    }
}

const GO_ON: &str =
    "the move is past the point at which it could be taken back; `tradewind move --to` goes on";

fn named<'a>(members: impl IntoIterator<Item = &'a Arc<Member>>) -> String {
    let names: Vec<_> = members.into_iter().map(|member| member.launch.name.as_str()).collect();
    if names.is_empty() { "nothing to do".to_owned() } else { names.join(", ") }
}
