//! The shop that `up` runs on a data folder. Whoever supervises it is asked how it does, and told what it shall do.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::AdminClient;
use chassis::discovery::{Consul, Directory, Discovery, Instance, StaticDirectory};
use reqwest::Client;
use tokio_util::sync::CancellationToken;

use super::asking::{self, RequestError};
use crate::exit::Ending;
use crate::folder::{Folder, UpFile};
use crate::topology::Topology;
use crate::up::moving::status::MoveStatus;
use crate::up::status::{ProcessStatus, ShopStatus};

/// How long a process may take to drain, or to get ready.
const WANT_PATIENCE: Duration = Duration::from_secs(70);

/// A client of the shop that `up` runs on a data folder.
pub struct Supervised {
    /// Its data folder.
    pub folder: Folder,
    /// What it told about itself.
    pub up: UpFile,
    http: Client,
    registry_token: Option<String>,
}

impl Supervised {
    /// The shop that runs on `folder`.
    pub(super) fn on(folder: Folder, http: Client, registry_token: Option<String>) -> anyhow::Result<Self> {
        let up = folder.running()?;
        Ok(Self { folder, up, http, registry_token })
    }

    /// How it is doing.
    pub async fn status(&self) -> anyhow::Result<ShopStatus> {
        let status = asking::read(self.http.get(format!("{}/status", self.up.control))).await;
        status.map_err(|error| self.silent(&error))
    }

    /// Tells it to stop.
    pub async fn take_down(&self) -> anyhow::Result<()> {
        let request =
            self.http.post(format!("{}/down", self.up.control)).bearer_auth(self.folder.operator_token()?);
        asking::send(request).await.map(drop).map_err(|error| self.silent(&error))
    }

    /// Halts a process, or lets it run again; returns when that is so.
    pub async fn want(&self, process: &str, what: &str) -> anyhow::Result<()> {
        let request = self
            .http
            .post(format!("{}/processes/{process}/{what}", self.up.control))
            .timeout(WANT_PATIENCE)
            .bearer_auth(self.folder.operator_token()?);
        match asking::send(request).await {
            Ok(_) => Ok(()),
            Err(RequestError::Refused(problem)) => Err(Ending::Usage(problem.detail).into()),
            Err(error) => Err(self.silent(&error)),
        }
    }

    /// The topology that it has.
    pub async fn topology(&self) -> anyhow::Result<Topology> {
        let topology = asking::read(self.http.get(format!("{}/topology", self.up.control))).await;
        topology.map_err(|error| self.silent(&error))
    }

    /// How the shop moves, or the last move ended.
    pub async fn how_it_moves(&self) -> anyhow::Result<MoveStatus> {
        let status = asking::read(self.http.get(format!("{}/move", self.up.control))).await;
        status.map_err(|error| self.silent(&error))
    }

    /// Begins to move the shop to a topology.
    pub async fn begin_to_move(&self, to: &Topology) -> anyhow::Result<MoveStatus> {
        self.told_to_move("move", Some(to)).await
    }

    /// Takes back the move that is under way, or that was interrupted.
    pub async fn take_back_move(&self) -> anyhow::Result<MoveStatus> {
        self.told_to_move("move/undo", None).await
    }

    async fn told_to_move(&self, path: &str, to: Option<&Topology>) -> anyhow::Result<MoveStatus> {
        let url = format!("{}/{path}", self.up.control);
        let request = self.http.post(url).bearer_auth(self.folder.operator_token()?);
        let request = match to {
            Some(to) => request.json(to),
            None => request,
        };
        match asking::read(request).await {
            Ok(status) => Ok(status),
            Err(RequestError::Refused(problem)) => Err(Ending::Usage(problem.detail).into()),
            Err(error) => Err(self.silent(&error)),
        }
    }

    /// Who is where: as the registry says, or as the supervisor does where there is none.
    pub(super) async fn directory(&self) -> anyhow::Result<Arc<dyn Discovery>> {
        if self.has_registry() {
            return Ok(Arc::new(Directory::new(self.registry()?, CancellationToken::new())));
        }
        let (status, directory) = (self.status().await?, StaticDirectory::new());
        for (module, process) in status.hosted() {
            directory.set(module, instance_of(module, process).into_iter().collect());
        }
        Ok(Arc::new(directory))
    }

    /// The live instances of a module.
    pub(super) async fn instances(&self, module: &str) -> anyhow::Result<Vec<Instance>> {
        if self.has_registry() {
            return Ok(self.registry()?.healthy(module, 0, Duration::ZERO).await?.value);
        }
        let status = self.status().await?;
        Ok(status.hosts_of(module).filter_map(|process| instance_of(module, process)).collect())
    }

    fn has_registry(&self) -> bool {
        !self.up.addresses.registry.is_empty()
    }

    /// The registry.
    pub(super) fn registry(&self) -> anyhow::Result<Consul> {
        Ok(Consul::new(&self.up.addresses.registry, self.registry_token.clone())?)
    }

    /// The config server.
    pub(super) fn admin(&self) -> anyhow::Result<AdminClient> {
        Ok(AdminClient::new(&self.up.addresses.config_server, Some(self.folder.operator_token()?))?)
    }

    fn silent(&self, error: &RequestError) -> anyhow::Error {
        let UpFile { pid, control, .. } = &self.up;
        Ending::NotRunning(format!("the shop (process {pid}) does not answer at {control}: {error}")).into()
    }
}

/// A process as an instance of one of its modules.
fn instance_of(module: &str, process: &ProcessStatus) -> Option<Instance> {
    Some(Instance {
        id: format!("{module} in {}", process.name),
        service: module.to_owned(),
        address: process.http_address()?.to_owned(),
        meta: Default::default(),
    })
}
