//! The running shop, as the commands see it: found by its data folder, asked over HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::{AdminClient, Environment, Live, ProcessEnvironment};
use chassis::discovery::{Consul, Directory, Discovery, Instance, StaticDirectory};
use contracts::Problem;
use contracts::error::{ProblemJson, chain};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use wires::{Resolver, WireChoices};

use crate::audit;
use crate::cli::ShopArgs;
use crate::exit::Ending;
use crate::folder::{Folder, UpFile};
use crate::message_books::ControlEndpoints;
use crate::topology::Topology;
use crate::up::moving::status::MoveStatus;
use crate::up::status::{ProcessStatus, ShopStatus};

/// Longer than the longest deadline behind the gateway.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a process may take to drain, or to get ready.
const WANT_PATIENCE: Duration = Duration::from_secs(70);

/// A client of one running shop.
pub struct Shop {
    /// Its data folder.
    pub folder: Folder,
    /// What it told about itself.
    pub up: UpFile,
    http: reqwest::Client,
}

/// What a request met instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It was refused.
    #[error("{0}")]
    Refused(Problem),
    /// There was no answer, or none that can be read. What was asked for may have happened.
    #[error("{0}")]
    Lost(String),
}

impl Shop {
    /// The shop that runs on a data folder.
    pub fn find(args: &ShopArgs) -> anyhow::Result<Self> {
        let folder = Folder::at(&args.data)?;
        let up = folder.running()?;
        let http =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().context("the HTTP client")?;
        Ok(Self { folder, up, http })
    }

    /// How it is doing.
    pub async fn status(&self) -> anyhow::Result<ShopStatus> {
        let status = self.read(self.http.get(format!("{}/status", self.up.control))).await;
        status.map_err(|error| self.silent(&error))
    }

    /// Tells it to stop.
    pub async fn take_down(&self) -> anyhow::Result<()> {
        let request =
            self.http.post(format!("{}/down", self.up.control)).bearer_auth(self.folder.operator_token()?);
        self.send(request).await.map(drop).map_err(|error| self.silent(&error))
    }

    /// Halts a process, or lets it run again; returns when that is so.
    pub async fn want(&self, process: &str, what: &str) -> anyhow::Result<()> {
        let request = self
            .http
            .post(format!("{}/processes/{process}/{what}", self.up.control))
            .timeout(WANT_PATIENCE)
            .bearer_auth(self.folder.operator_token()?);
        match self.send(request).await {
            Ok(_) => Ok(()),
            Err(RequestError::Refused(problem)) => Err(Ending::Usage(problem.detail).into()),
            Err(error) => Err(self.silent(&error)),
        }
    }

    /// The topology that it has.
    pub async fn topology(&self) -> anyhow::Result<Topology> {
        let topology = self.read(self.http.get(format!("{}/topology", self.up.control))).await;
        topology.map_err(|error| self.silent(&error))
    }

    /// How the shop moves, or the last move ended.
    pub async fn how_it_moves(&self) -> anyhow::Result<MoveStatus> {
        let status = self.read(self.http.get(format!("{}/move", self.up.control))).await;
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
        match self.read(request).await {
            Ok(status) => Ok(status),
            Err(RequestError::Refused(problem)) => Err(Ending::Usage(problem.detail).into()),
            Err(error) => Err(self.silent(&error)),
        }
    }

    /// Who is where: as the registry says, or as the supervisor does where there is none.
    pub async fn directory(&self) -> anyhow::Result<Arc<dyn Discovery>> {
        if !self.up.addresses.registry.is_empty() {
            return Ok(Arc::new(Directory::new(self.registry()?, CancellationToken::new())));
        }
        let (status, directory) = (self.status().await?, StaticDirectory::new());
        for (module, process) in status.hosted() {
            directory.set(module, instance_of(module, process).into_iter().collect());
        }
        Ok(Arc::new(directory))
    }

    /// The live instances of a module.
    pub async fn instances(&self, module: &str) -> anyhow::Result<Vec<Instance>> {
        if !self.up.addresses.registry.is_empty() {
            return Ok(self.registry()?.healthy(module, 0, Duration::ZERO).await?.value);
        }
        let status = self.status().await?;
        Ok(status.hosts_of(module).filter_map(|process| instance_of(module, process)).collect())
    }

    /// A change at the process at `address`, with the operator's token.
    pub fn change_at(&self, method: Method, address: &str, path: &str) -> anyhow::Result<RequestBuilder> {
        let token = self.folder.operator_token()?;
        Ok(self.http.request(method, format!("http://{address}{path}")).bearer_auth(token))
    }

    /// A request to the gateway.
    pub fn public(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.up.addresses.gateway))
    }

    /// A request to the process at `address`.
    pub fn at(&self, address: &str, path: &str) -> RequestBuilder {
        self.http.get(format!("http://{address}{path}"))
    }

    /// A request to whatever is at `url`.
    pub fn get(&self, url: &str) -> RequestBuilder {
        self.http.get(url)
    }

    /// The config server, with the operator's token.
    pub fn admin(&self) -> anyhow::Result<AdminClient> {
        let token = self.folder.operator_token()?;
        Ok(AdminClient::new(&self.up.addresses.config_server, Some(token))?.acting_as("tradewind"))
    }

    /// The registry.
    pub fn registry(&self) -> anyhow::Result<Consul> {
        let token = ProcessEnvironment.var("TRADEWIND_REGISTRY_TOKEN");
        Ok(Consul::new(&self.up.addresses.registry, token)?)
    }

    /// The ports of the modules that keep books.
    pub async fn audit_ports(&self) -> anyhow::Result<audit::Ports> {
        let directory = self.directory().await?;
        let resolver = Resolver::over(directory.clone());
        let edges = resolver.edges("audit", Live::fixed(WireChoices::default()));
        let messages = ControlEndpoints {
            http: self.http.clone(),
            discovery: directory,
            notifications: edges.notifications(),
            recommendations: edges.recommendations(),
        };
        Ok(audit::Ports {
            orders: edges.orders(),
            inventory: edges.inventory(),
            payments: edges.payments(),
            shipping: edges.shipping(),
            messages: Arc::new(messages),
        })
    }

    /// Sends a request and reads its answer.
    pub async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RequestError> {
        let answer = self.send(request).await?;
        answer.json().await.map_err(|error| RequestError::Lost(format!("the answer cannot be read: {error}")))
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, RequestError> {
        let answer = request.send().await.map_err(|error| RequestError::Lost(chain(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let problem = answer.json::<ProblemJson>().await.ok().and_then(ProblemJson::into_problem);
        Err(problem.map_or_else(|| unexplained(status), RequestError::Refused))
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

fn unexplained(status: StatusCode) -> RequestError {
    RequestError::Lost(format!("the answer is {status}, without a reason"))
}
