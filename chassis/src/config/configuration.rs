//! A service's configuration: loaded once, then kept up to date.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::client::{Fetched, ServerClient};
use super::copy::LastKnownGood;
use super::environment::{Environment, overrides};
use super::error::ConfigError;
use super::follow;
use super::live::Live;
use super::protocol::{DEFAULT_PROFILE, Effective, Report, Supplier};
use super::section::{Application, Declared, Section};
use super::source::Source;
use super::state::State;
use crate::address;
use crate::waiting::Waiting;

/// Lists the sections of an application.
pub struct Builder(Application);

impl Builder {
    /// Adds a section; a second time changes nothing.
    pub fn section<A: Section>(mut self) -> Self {
        if !self.0.sections.iter().any(|section| section.name == A::NAME) {
            self.0.sections.push(Declared::of::<A>());
        }
        self
    }

    /// The schema of all sections, as it is published.
    pub fn schema(&self) -> serde_json::Value {
        self.0.schema()
    }

    /// The application's name.
    pub fn application(&self) -> &str {
        &self.0.name
    }

    /// The configuration of a process that has no config server: defaults and environment, for good.
    pub fn load_alone(self, environment: &dyn Environment) -> Result<Configuration, ConfigError> {
        let application = self.0;
        let environment = overrides(environment, &application);
        let name = application.name.clone();
        let nothing = Effective {
            application: name.clone(),
            profile: DEFAULT_PROFILE.into(),
            version: 0,
            values: BTreeMap::new(),
        };
        let state = State::new(application, environment, &name, &nothing, Supplier::Nobody, None)?;
        Ok(Configuration { state: Arc::new(state) })
    }

    /// Fetches the configuration and validates it whole. From then on, and until the source's
    /// `shutdown`, a task takes over what the server pushes.
    pub async fn load(self, source: &Source) -> Result<Configuration, ConfigError> {
        let application = self.0;
        let client = ServerClient::new(&source.server, &application.name, &source.profile, &source.instance)
            .map_err(|error| ConfigError::Client(error.to_string()))?;
        let environment = overrides(&*source.environment, &application);
        let copy = LastKnownGood::new(&source.data_dir, &application.name);
        let (effective, etag, supplier) = first(&client, source, &application, &copy).await?;
        let state = State::new(application, environment, &source.instance, &effective, supplier, Some(copy))?;
        if supplier == Supplier::Server {
            state.keep(&effective).await;
        }
        let state = Arc::new(state);
        let following = follow::follow(Arc::clone(&state), client, etag);
        let shutdown = source.shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled_owned(following).await });
        Ok(Configuration { state })
    }
}

/// The first configuration: from the server, or after a while from the copy.
async fn first(
    client: &ServerClient,
    source: &Source,
    application: &Application,
    copy: &LastKnownGood,
) -> Result<(Effective, Option<String>, Supplier), ConfigError> {
    let (name, server) = (&application.name, address::shown(&source.server));
    // a copy made under another profile is another configuration
    let kept = copy.read().await.filter(|kept| kept.profile == source.profile);
    let patience = if kept.is_some() { source.head_start } else { source.patience };
    let mut waiting = Waiting::begin(format!("the config server at {server}"), patience);
    loop {
        let reason = match client.fetch(None).await {
            Ok(Fetched::New { effective, etag }) => return Ok((effective, etag, Supplier::Server)),
            Ok(Fetched::NotModified) => "it says that nothing changed, to one who has nothing".into(),
            Err(error) => error.to_string(),
        };
        if let Some(waited_s) = waiting.is_over() {
            let Some(effective) = kept else {
                let (application, copy) = (name.clone(), copy.path().to_owned());
                return Err(ConfigError::Unavailable { application, server, waited_s, reason, copy });
            };
            let version = effective.version;
            tracing::warn!(
                application = name,
                server,
                version,
                reason,
                "STARTING FROM THE LAST KNOWN GOOD CONFIGURATION of {name}, version {version}: the config server at {server} is away ({reason})"
            );
            return Ok((effective, None, Supplier::LastKnownGood));
        }
        tokio::select! {
            () = source.shutdown.cancelled() => return Err(ConfigError::Stopped { application: name.clone() }),
            () = waiting.rest(&reason) => {}
        }
    }
}

/// A service's configuration.
#[derive(Clone)]
pub struct Configuration {
    pub(super) state: Arc<State>,
}

impl Configuration {
    /// Begins the list of an application's sections.
    pub fn builder(application: &str) -> Builder {
        Builder(Application { name: application.to_owned(), sections: Vec::new() })
    }

    /// A section, as it stands at any moment.
    ///
    /// # Panics
    /// Where the builder was not given this section: a mistake in the program, which its first start shows.
    pub fn section<A: Section>(&self) -> Live<A> {
        let index =
            self.state.application.sections.iter().position(|section| section.kind == TypeId::of::<A>());
        index
            .and_then(|index| Live::at(Arc::clone(&self.state.board), index))
            .unwrap_or_else(|| panic!("the section {} was not declared with Builder::section", A::NAME))
    }

    /// What the service runs with, key by key.
    pub fn report(&self) -> Report {
        self.state.report()
    }
}
