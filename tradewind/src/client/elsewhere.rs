//! A shop that nobody of ours supervises, in containers say: it is where whoever asks says that it is.

use std::sync::Arc;
use std::time::Duration;

use chassis::address::shown;
use chassis::config::AdminClient;
use chassis::discovery::{Consul, Discovery, DiscoveryError, Instance, StaticDirectory, discovery_at};
use chassis::process::{given, operator_token};
use contracts::error::chain;
use tokio_util::sync::CancellationToken;

use super::address;
use super::asking::NO_TOKEN;
use crate::cli::ElsewhereArgs;
use crate::exit::Ending;
use crate::folder::Addresses;
use crate::topology::Part;

/// How long those may take to be found who are looked for by name.
const UNTIL_FOUND: Duration = Duration::from_secs(2);

/// A shop that nobody of ours supervises.
pub(super) struct Elsewhere {
    /// Where it is, as far as that was said. There may be passwords in it.
    pub addresses: Addresses,
    /// Its operator token, if that was given.
    pub token: Option<String>,
    found: Found,
}

/// How its modules are found.
enum Found {
    /// The registry knows them, and says so to whoever asks.
    ByRegistry(Consul, Arc<dyn Discovery>),
    /// Their names stand for their addresses.
    ByName(Arc<dyn Discovery>),
    /// All are in one process.
    At(String),
    /// Nobody said how.
    Unsaid,
}

impl Elsewhere {
    /// The shop that the arguments tell of; nothing where they mean the one that `up` runs.
    pub fn of(args: &ElsewhereArgs) -> anyhow::Result<Option<Self>> {
        let Some(gateway) = given(&args.gateway) else { return Ok(None) };
        let url = |flag, value: &Option<String>, example| {
            given(value).map(|url| address::of_server(flag, url, example)).transpose()
        };
        let found = Found::of(args)?;
        let addresses = Addresses {
            gateway: address::of_server("--gateway", gateway, "http://127.0.0.1:8080")?,
            registry: match &found {
                Found::ByRegistry(consul, _) => consul.address().to_owned(),
                Found::ByName(_) | Found::At(_) | Found::Unsaid => {
                    given(&args.registry).unwrap_or_default().to_owned()
                }
            },
            config_server: url("--config-server", &args.config_server, "http://127.0.0.1:8888")?
                .unwrap_or_default(),
            card_network: String::new(),
            broker: String::new(),
            broker_http: None,
            observatory: url("--observatory", &args.observatory, "http://127.0.0.1:16686")?,
            otlp: None,
        };
        Ok(Some(Self { addresses, token: token(args)?, found }))
    }

    /// Where it is, as it may be shown.
    pub fn shown(&self) -> Addresses {
        let Addresses { gateway, config_server, observatory, .. } = &self.addresses;
        Addresses {
            gateway: shown(gateway),
            config_server: shown(config_server),
            observatory: observatory.as_deref().map(shown),
            ..self.addresses.clone()
        }
    }

    /// Who is where.
    pub async fn directory(&self) -> Result<Arc<dyn Discovery>, Ending> {
        match &self.found {
            Found::ByRegistry(consul, directory) => {
                // of one that does not answer its followers would only hear that nobody is known
                let answer = consul.healthy(Part::Orders.name(), 0, Duration::ZERO).await;
                answer.map(|_| directory.clone()).map_err(registry_failed)
            }
            Found::ByName(directory) => Ok(directory.clone()),
            Found::At(address) => {
                let directory = StaticDirectory::new();
                for part in Part::all() {
                    directory.set(part.name(), vec![at(address, part.name())]);
                }
                Ok(Arc::new(directory))
            }
            Found::Unsaid => Err(unsaid()),
        }
    }

    /// The live instances of a module, in order of their ids.
    pub async fn instances(&self, module: &str) -> Result<Vec<Instance>, Ending> {
        let mut instances = match &self.found {
            Found::ByRegistry(consul, _) => {
                let answer = consul.healthy(module, 0, Duration::ZERO).await;
                answer.map_err(registry_failed)?.value
            }
            Found::ByName(directory) => until_found(directory.as_ref(), module).await,
            Found::At(address) if Part::named(module).is_some() => vec![at(address, module)],
            Found::At(_) => Vec::new(),
            Found::Unsaid => return Err(unsaid()),
        };
        instances.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(instances)
    }

    /// The registry, where it is one that can be asked.
    pub fn registry(&self) -> Result<Consul, Ending> {
        match &self.found {
            Found::ByRegistry(consul, _) => Ok(consul.clone()),
            Found::ByName(_) | Found::At(_) | Found::Unsaid => Err(Ending::Usage(
                "this shop has no registry that could be asked: name one with --registry http://HOST:PORT"
                    .to_owned(),
            )),
        }
    }

    /// The config server.
    pub fn admin(&self) -> anyhow::Result<AdminClient> {
        let server = &self.addresses.config_server;
        if server.is_empty() {
            return Err(Ending::Usage(
                "where this shop has its config server is not known: name it with --config-server \
                 (TRADEWIND_CONFIG_SERVER)"
                    .to_owned(),
            )
            .into());
        }
        Ok(AdminClient::new(server, self.token.clone())?)
    }

    /// The operator token, without which nothing can be changed.
    pub fn operator_token(&self) -> Result<String, Ending> {
        self.token.clone().ok_or_else(|| Ending::Usage(NO_TOKEN.to_owned()))
    }
}

impl Found {
    fn of(args: &ElsewhereArgs) -> Result<Self, Ending> {
        match (given(&args.registry), given(&args.modules)) {
            (Some(url), None) => {
                let token = given(&args.registry_token).map(str::to_owned);
                let (consul, directory) = discovery_at(url, token, CancellationToken::new())
                    .map_err(|error| Ending::Usage(format!("--registry: {}", chain(&error))))?;
                Ok(match consul {
                    Some(consul) => Self::ByRegistry(consul, directory),
                    None => Self::ByName(directory),
                })
            }
            (None, Some(address)) => Ok(Self::At(address::of_process("--modules", address, "shop:9000")?)),
            (None, None) => Ok(Self::Unsaid),
            (Some(_), Some(_)) => Err(Ending::Usage(
                "--registry (TRADEWIND_REGISTRY) and --modules (TRADEWIND_MODULES) both say where modules are: leave \
                 one of them out"
                    .to_owned(),
            )),
        }
    }
}

/// An error of the registry names it, and says what to do.
fn registry_failed(error: DiscoveryError) -> Ending {
    match error {
        DiscoveryError::Denied { .. } => Ending::Usage(error.to_string()),
        other => Ending::NotRunning(chain(&other)),
    }
}

/// The operator token that was given, or that is in the file that was named.
fn token(args: &ElsewhereArgs) -> Result<Option<String>, Ending> {
    let found = operator_token(&args.operator_token, args.operator_token_file.as_deref());
    found.map_err(|error| Ending::Usage(error.to_string()))
}

/// The one instance of a module where all are in the process at `address`.
fn at(address: &str, module: &str) -> Instance {
    Instance {
        id: module.to_owned(),
        service: module.to_owned(),
        address: address.to_owned(),
        meta: Default::default(),
    }
}

/// Those who have a module's name. Names that nobody has are not waited for any longer after a while.
async fn until_found(directory: &dyn Discovery, module: &str) -> Vec<Instance> {
    let mut known = directory.changed(module);
    let found = tokio::time::timeout(UNTIL_FOUND, known.wait_for(|instances| !instances.is_empty())).await;
    match found {
        Ok(Ok(instances)) => instances.to_vec(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

fn unsaid() -> Ending {
    Ending::Usage(
        "where the modules of this shop are is not known: name its registry with --registry (TRADEWIND_REGISTRY), or, \
         for a shop of one process, its address with --modules (TRADEWIND_MODULES)"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ElsewhereArgs {
        ElsewhereArgs { gateway: Some("http://gateway:8080/".into()), ..ElsewhereArgs::default() }
    }

    fn of(args: &ElsewhereArgs) -> Elsewhere {
        Elsewhere::of(args).expect("it makes sense").expect("it is elsewhere")
    }

    fn refused(args: &ElsewhereArgs) -> String {
        match Elsewhere::of(args) {
            Ok(_) => panic!("it is taken: {args:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_a_gateway_tells_of_a_shop_elsewhere() {
        let of_run = ElsewhereArgs {
            registry: Some("http://consul:8500".into()),
            config_server: Some("no address".into()),
            operator_token_file: Some("/nowhere".into()),
            ..ElsewhereArgs::default()
        };
        assert!(Elsewhere::of(&of_run).expect("it is left alone").is_none());
        let empty = ElsewhereArgs { gateway: Some(" ".into()), ..of_run };
        assert!(Elsewhere::of(&empty).expect("it is left alone").is_none());
        assert_eq!(of(&args()).addresses.gateway, "http://gateway:8080");
    }

    #[tokio::test]
    async fn a_shop_of_one_process_has_every_module_at_its_address() {
        let shop = of(&ElsewhereArgs { modules: Some("shop:9000".into()), ..args() });
        for part in Part::all() {
            let known = shop.directory().await.expect("it is known").instances(part.name());
            assert_eq!(known[0].address, "shop:9000", "{part}");
            assert_eq!(shop.instances(part.name()).await.expect("it is known"), known.to_vec(), "{part}");
        }
        assert!(shop.instances("broker").await.expect("it is known").is_empty());
    }

    #[tokio::test]
    async fn whoever_does_not_answer_is_named() {
        let shop = of(&ElsewhereArgs { registry: Some("http://127.0.0.1:1".into()), ..args() });
        let named = |ending: &Ending| matches!(ending, Ending::NotRunning(told) if told.contains("http://127.0.0.1:1"));
        let silent = shop.instances("orders").await.expect_err("nobody listens there");
        assert!(named(&silent), "{silent}");
        assert!(shop.directory().await.is_err_and(|silent| named(&silent)));
    }

    #[tokio::test]
    async fn no_password_is_shown() {
        let secret = || Some("http://me:hunter2@127.0.0.1:1".to_owned());
        let shop = of(&ElsewhereArgs {
            gateway: secret(),
            config_server: secret(),
            observatory: secret(),
            ..ElsewhereArgs::default()
        });
        let Addresses { gateway, config_server, observatory, .. } = shop.shown();
        let told = [gateway, config_server, observatory.expect("it was named")];
        assert_eq!(told, ["http://127.0.0.1:1"; 3]);
        let away = shop.admin().expect("a client").status().await.expect_err("nobody listens there");
        let told = chain(&away);
        assert!(told.contains("http://127.0.0.1:1") && !told.contains("hunter2"), "{told}");
    }

    #[tokio::test]
    async fn what_was_not_said_is_asked_for() {
        let shop = of(&args());
        let told = shop.instances("orders").await.expect_err("nobody said where").to_string();
        assert!(told.contains("--registry") && told.contains("--modules"), "{told}");
        assert!(shop.admin().is_err_and(|error| error.to_string().contains("--config-server")));
        assert!(shop.operator_token().is_err_and(|error| error.to_string().contains("--operator-token")));
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused() {
        let two = ElsewhereArgs {
            registry: Some("http://consul:8500".into()),
            modules: Some("shop:9000".into()),
            ..args()
        };
        assert!(refused(&two).contains("leave one of them out"));
        let two = ElsewhereArgs {
            operator_token: Some("sesame".into()),
            operator_token_file: Some("/nowhere".into()),
            ..args()
        };
        let told = refused(&two);
        assert!(told.contains("leave out either") && !told.contains("sesame"), "{told}");
        assert!(
            refused(&ElsewhereArgs { gateway: Some("gateway:8080".into()), ..args() }).contains("--gateway")
        );
        assert!(refused(&ElsewhereArgs { modules: Some("shop".into()), ..args() }).contains("--modules"));
        let secret = ElsewhereArgs { registry: Some("http://me:hunter2@consul:8500".into()), ..args() };
        let told = refused(&secret);
        assert!(told.contains("TRADEWIND_REGISTRY_TOKEN") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn the_token_is_read_from_its_file() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("token");
        let named = ElsewhereArgs { operator_token_file: Some(file.clone().into()), ..args() };
        assert!(refused(&named).contains("token cannot be read"));
        std::fs::write(&file, "\n").expect("written");
        assert!(refused(&named).contains("no operator token in"));
        std::fs::write(&file, "sesame\n").expect("written");
        assert_eq!(of(&named).operator_token().expect("it is known"), "sesame");
    }
}
