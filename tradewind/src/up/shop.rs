//! The shop that a supervisor runs: its processes, its sockets, and how it is arranged.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::RwLock;
use tokio::sync::Mutex;

use super::arrangement::Arrangement;
use super::child::Messages;
use super::fleet::{Fleet, Member};
use super::plan::{self, Common};
use super::ready::Probe;
use super::sockets::Sockets;
use crate::folder::{Folder, UpFile};
use crate::topology::Topology;

/// What all of its processes have in common, whatever the topology.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub config_files: PathBuf,
    pub store: Option<String>,
    pub registry_token: Option<String>,
    pub profile: String,
}

/// A running shop.
pub(super) struct Shop {
    pub folder: Folder,
    pub fleet: Fleet,
    settings: Settings,
    /// Nothing once the whole shop drains: then nobody new is let in.
    sockets: Mutex<Option<Sockets>>,
    arrangement: RwLock<Arrangement>,
    announced: RwLock<UpFile>,
}

impl Shop {
    /// A shop without processes.
    pub fn new(
        folder: Folder,
        fleet: Fleet,
        settings: Settings,
        sockets: Sockets,
        arrangement: Arrangement,
        up: UpFile,
    ) -> Self {
        Self {
            folder,
            fleet,
            settings,
            sockets: Mutex::new(Some(sockets)),
            arrangement: RwLock::new(arrangement),
            announced: RwLock::new(up),
        }
    }

    /// Opens the sockets that `topology` needs besides those that are open.
    pub async fn open_for(&self, topology: &Topology) -> anyhow::Result<()> {
        self.sockets.lock().await.as_mut().context(CLOSING)?.open_for(topology)
    }

    /// Starts the supporting servers that `topology` needs and that do not run.
    pub async fn start_servers(&self, topology: &Topology) -> anyhow::Result<Vec<Arc<Member>>> {
        let sockets = self.sockets.lock().await;
        let sockets = sockets.as_ref().context(CLOSING)?;
        let wanted = plan::servers(&self.common(sockets, topology), sockets.doors());
        let running = self.fleet.members();
        let missing =
            wanted.into_iter().filter(|launch| !running.iter().any(|member| member.launch == *launch));
        let probe = self.probe(sockets, topology)?;
        Ok(self.fleet.start(missing.collect(), sockets, &probe, Messages::Flow)?)
    }

    /// Starts the processes of `topology` that do not run.
    pub async fn start_processes(
        &self,
        topology: &Topology,
        messages: Messages,
    ) -> anyhow::Result<Vec<Arc<Member>>> {
        let sockets = self.sockets.lock().await;
        let sockets = sockets.as_ref().context(CLOSING)?;
        let wanted = plan::processes(&self.common(sockets, topology), sockets.doors(), topology);
        let running = self.fleet.members();
        let missing =
            wanted.into_iter().filter(|launch| !running.iter().any(|member| member.launch == *launch));
        let probe = self.probe(sockets, topology)?;
        Ok(self.fleet.start(missing.collect(), sockets, &probe, messages)?)
    }

    /// Those who run and have no place in `topology`: processes of modules, or supporting servers.
    pub async fn leavers(&self, topology: &Topology) -> anyhow::Result<Leavers> {
        let sockets = self.sockets.lock().await;
        let sockets = sockets.as_ref().context(CLOSING)?;
        let common = self.common(sockets, topology);
        let processes = plan::processes(&common, sockets.doors(), topology);
        let servers = plan::servers(&common, sockets.doors().only_for(topology));
        let running = self.fleet.members();
        let (modules, supporting): (Vec<_>, Vec<_>) =
            running.into_iter().partition(|member| member.launch.modules().next().is_some());
        Ok(Leavers {
            processes: modules.into_iter().filter(|member| !processes.contains(&member.launch)).collect(),
            servers: supporting.into_iter().filter(|member| !servers.contains(&member.launch)).collect(),
        })
    }

    /// Closes the sockets that `topology` does not need; from then on nobody new comes in there.
    pub async fn close_but_for(&self, topology: &Topology) {
        if let Some(sockets) = self.sockets.lock().await.as_mut() {
            sockets.close_but_for(topology);
        }
    }

    /// Lets nobody new in: the shop ends.
    pub async fn close(&self) {
        self.sockets.lock().await.take();
    }

    /// The address of the broker, with its password, as processes of ours need it.
    pub async fn broker_url(&self) -> anyhow::Result<String> {
        let sockets = self.sockets.lock().await;
        sockets.as_ref().and_then(Sockets::broker_url).context("this shop has no broker")
    }

    /// Whether the registry of `topology` answers.
    pub async fn check_registry(&self, topology: &Topology) -> anyhow::Result<()> {
        let sockets = self.sockets.lock().await;
        Ok(self.probe(sockets.as_ref().context(CLOSING)?, topology)?.check_registry().await?)
    }

    /// Takes everybody out of the registry of our own. Whoever stands there when the shop starts was killed with the
    /// last one, and would be called until the registry notices.
    pub async fn forget_the_dead(&self, topology: &Topology) -> anyhow::Result<()> {
        let sockets = self.sockets.lock().await;
        self.probe(sockets.as_ref().context(CLOSING)?, topology)?.forget_all().await;
        Ok(())
    }

    /// How it is arranged.
    pub fn arrangement(&self) -> Arrangement {
        self.arrangement.read().clone()
    }

    /// Notes how it is arranged from now on.
    pub fn arrange(&self, arrangement: Arrangement) -> anyhow::Result<()> {
        arrangement.write(&self.folder)?;
        *self.arrangement.write() = arrangement;
        Ok(())
    }

    /// What it tells about itself.
    pub fn announced(&self) -> UpFile {
        self.announced.read().clone()
    }

    /// Tells where everybody is in `topology`.
    pub async fn announce(&self, topology: &Topology) -> anyhow::Result<()> {
        let addresses = self.sockets.lock().await.as_ref().context(CLOSING)?.addresses(topology);
        let up = UpFile { addresses, ..self.announced() };
        self.folder.announce(&up)?;
        *self.announced.write() = up;
        Ok(())
    }

    fn common(&self, sockets: &Sockets, topology: &Topology) -> Common {
        let Settings { config_files, store, registry_token, profile } = self.settings.clone();
        Common {
            data: self.folder.path().to_owned(),
            config_files,
            token_file: self.folder.token_file(),
            store,
            registry_token,
            broker: sockets.broker_url(),
            otlp: sockets.otlp_url(),
            profile,
            addresses: sockets.addresses(topology),
        }
    }

    fn probe(&self, sockets: &Sockets, topology: &Topology) -> anyhow::Result<Probe> {
        let registry = sockets.addresses(topology).registry;
        Probe::new(
            Some(registry.as_str()).filter(|url| !url.is_empty()),
            self.settings.registry_token.clone(),
        )
    }
}

/// Those who have no place in a topology.
pub(super) struct Leavers {
    pub processes: Vec<Arc<Member>>,
    pub servers: Vec<Arc<Member>>,
}

const CLOSING: &str = "the shop is about to end";
