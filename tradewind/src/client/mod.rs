//! A running shop, as the commands see it, asked over HTTP. There are two kinds: one that `up` runs, which is found by
//! its data folder, and one that nobody of ours supervises, which is where whoever asks says that it is.
//!
//! - [`Shop`]: either of them: what can be asked of both
//! - [`Supervised`]: the first kind, and what only its supervisor knows or can do
//! - `elsewhere`: the second kind
//! - `standing`: how the second kind does
//! - `asking`: requests, what they show, and what they meet instead of an answer
//! - `address`: addresses, as people type them

pub(crate) mod address;
pub(crate) mod asking;
mod elsewhere;
mod standing;
mod supervised;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::{AdminClient, Live};
use chassis::discovery::{Consul, Discovery, Instance};
use chassis::process::given;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use wires::{Resolver, WireChoices};

use self::asking::{ControlReader, Pass};
use self::elsewhere::Elsewhere;
use crate::audit;
use crate::cli::ShopArgs;
use crate::exit::Ending;
use crate::folder::{Addresses, Folder};
use crate::message_books::ControlEndpoints;
use crate::up::status::ShopStatus;

pub use asking::RequestError;
pub use supervised::Supervised;

/// Longer than the longest deadline behind the gateway.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of one running shop.
pub struct Shop {
    kind: Kind,
    reader: ControlReader,
}

/// Who knows about a shop.
enum Kind {
    /// `up`, which runs it on a data folder.
    Supervised(Supervised),
    /// Nobody of ours: it is in containers, say.
    Elsewhere(Elsewhere),
}

impl Shop {
    /// The shop that the arguments mean: the one at a gateway where they name one, else the one that `up` runs on the
    /// data folder. Within a runtime.
    pub fn find(args: &ShopArgs) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().context("the HTTP client")?;
        if let Some(elsewhere) = Elsewhere::of(&args.elsewhere)? {
            let pass = elsewhere.token.clone().map_or(Pass::Missing, Pass::Token);
            return Ok(Self { kind: Kind::Elsewhere(elsewhere), reader: ControlReader { http, pass } });
        }
        let folder = Folder::at(&args.folder.data)?;
        let token = given(&args.elsewhere.registry_token).map(str::to_owned);
        let supervised = Supervised::on(folder, http.clone(), token)?;
        let reader = ControlReader { http, pass: Pass::NotNeeded };
        Ok(Self { kind: Kind::Supervised(supervised), reader })
    }

    /// The shop together with its supervisor; fails where it has none.
    pub fn supervised(&self) -> Result<&Supervised, Ending> {
        match &self.kind {
            Kind::Supervised(supervised) => Ok(supervised),
            Kind::Elsewhere(shop) => Err(Ending::Unsupervised { gateway: shop.shown().gateway }),
        }
    }

    /// Where it is, as far as that is known. There may be passwords in it.
    pub fn addresses(&self) -> &Addresses {
        match &self.kind {
            Kind::Supervised(shop) => &shop.up.addresses,
            Kind::Elsewhere(shop) => &shop.addresses,
        }
    }

    /// How it is doing.
    pub async fn status(&self) -> anyhow::Result<ShopStatus> {
        match &self.kind {
            Kind::Supervised(shop) => shop.status().await,
            Kind::Elsewhere(shop) => standing::status(shop).await,
        }
    }

    /// Who is where.
    pub async fn directory(&self) -> anyhow::Result<Arc<dyn Discovery>> {
        match &self.kind {
            Kind::Supervised(shop) => shop.directory().await,
            Kind::Elsewhere(shop) => Ok(shop.directory().await?),
        }
    }

    /// The live instances of a module.
    pub async fn instances(&self, module: &str) -> anyhow::Result<Vec<Instance>> {
        match &self.kind {
            Kind::Supervised(shop) => shop.instances(module).await,
            Kind::Elsewhere(shop) => Ok(shop.instances(module).await?),
        }
    }

    /// The registry.
    pub fn registry(&self) -> anyhow::Result<Consul> {
        match &self.kind {
            Kind::Supervised(shop) => shop.registry(),
            Kind::Elsewhere(shop) => Ok(shop.registry()?),
        }
    }

    /// The config server, with the operator's token where that is known.
    pub fn admin(&self) -> anyhow::Result<AdminClient> {
        let admin = match &self.kind {
            Kind::Supervised(shop) => shop.admin(),
            Kind::Elsewhere(shop) => shop.admin(),
        };
        Ok(admin?.acting_as("tradewind"))
    }

    /// The config server, to change something there; fails where the operator's token is not known.
    pub fn operator(&self) -> anyhow::Result<AdminClient> {
        self.operator_token()?;
        self.admin()
    }

    fn operator_token(&self) -> anyhow::Result<String> {
        match &self.kind {
            Kind::Supervised(shop) => shop.folder.operator_token(),
            Kind::Elsewhere(shop) => Ok(shop.operator_token()?),
        }
    }

    /// A change at the process at `address`, with the operator's token.
    pub fn change_at(&self, method: Method, address: &str, path: &str) -> anyhow::Result<RequestBuilder> {
        let token = self.operator_token()?;
        Ok(self.reader.http.request(method, format!("http://{address}{path}")).bearer_auth(token))
    }

    /// A request to the gateway.
    pub fn public(&self, method: Method, path: &str) -> RequestBuilder {
        self.reader.http.request(method, format!("{}{path}", self.addresses().gateway))
    }

    /// A request to a control endpoint of the process at `address`.
    pub fn at(&self, address: &str, path: &str) -> RequestBuilder {
        self.reader.request(address, path)
    }

    /// A request to whatever is at `url`.
    pub fn get(&self, url: &str) -> RequestBuilder {
        self.reader.http.get(url)
    }

    /// The ports of the modules that keep books.
    pub async fn audit_ports(&self) -> anyhow::Result<audit::Ports> {
        let directory = self.directory().await?;
        let resolver = Resolver::over(directory.clone());
        let edges = resolver.edges("audit", Live::fixed(WireChoices::default()));
        let messages = ControlEndpoints {
            reader: self.reader.clone(),
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
        self.reader.read(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ElsewhereArgs;

    #[tokio::test]
    async fn who_is_not_supervised_is_neither_stopped_nor_moved() {
        let elsewhere = ElsewhereArgs {
            gateway: Some("http://gateway:8080".into()),
            modules: Some("shop:9000".into()),
            operator_token: Some("sesame".into()),
            ..ElsewhereArgs::default()
        };
        let home = tempfile::tempdir().expect("a folder");
        let args = ShopArgs { elsewhere, ..ShopArgs::on(home.path().to_owned()) };
        let shop = Shop::find(&args).expect("nothing of ours runs, and nothing needs to");
        assert_eq!(shop.addresses().gateway, "http://gateway:8080");
        let Err(refused) = shop.supervised() else { panic!("nobody supervises it") };
        let told = refused.to_string();
        for part in ["http://gateway:8080", "docker compose stop", "kubectl scale"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains("tradewind up"), "{told}");
        let change =
            shop.change_at(Method::POST, "shop:9000", "/control/orders/x").expect("the token is known");
        let change = change.build().expect("a request");
        assert_eq!(change.headers()["authorization"], "Bearer sesame");
    }

    #[tokio::test]
    async fn the_registry_of_others_alone_says_nothing_about_a_shop() {
        let elsewhere =
            ElsewhereArgs { registry: Some("http://consul:8500".into()), ..ElsewhereArgs::default() };
        let home = tempfile::tempdir().expect("a folder");
        let args = ShopArgs { elsewhere, ..ShopArgs::on(home.path().to_owned()) };
        let Err(nothing) = Shop::find(&args) else { panic!("no shop runs there") };
        let told = nothing.to_string();
        assert!(matches!(nothing.downcast_ref(), Some(Ending::NotRunning(_))), "{told}");
        assert!(told.contains("tradewind up") && told.contains("--gateway"), "{told}");
    }
}
