//! What whole shops stand on in a run of the tests: a topology, and a database engine.
//!
//! `TRADEWIND_TEST_TOPOLOGY` is the name of a built-in topology, that of a file in `tests/topologies/`, or the path
//! of a file (`microservices` when it is not set). `TRADEWIND_TEST_STORE` is `sqlite` (when it is not set) or
//! `postgres`. A shop stands on this ground unless its test chooses another with `--topology` or `--store`.
//!
//! Most tests hold on any ground. One that cannot says so with [`Ground::offers`], which tells what is skipped and
//! why; everything that differs between topologies is asked here, and nowhere spelled out a second time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use contracts::Code;
use parking_lot::Mutex;
use testkit::databases;
use tradewind::topology::{Part, Topology};

use crate::reply::Reply;

/// The ground of this run.
pub fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let said = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let topology = said("TRADEWIND_TEST_TOPOLOGY").unwrap_or_else(|| "microservices".into());
        let store = said("TRADEWIND_TEST_STORE").unwrap_or_else(|| "sqlite".into());
        Ground::of(&topology, &store).unwrap_or_else(|why| panic!("{why}"))
    })
}

/// A topology and a database engine.
#[derive(Debug)]
pub struct Ground {
    /// The topology.
    pub topology: Topology,
    /// How `up` is told it.
    argument: String,
    store: Store,
}

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    /// Files in the data folder.
    Sqlite,
    /// Databases of a server.
    Postgres,
}

/// What some tests need, and not every ground has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A broker of the shop's own: something that can be killed, or asked for its queues.
    Broker,
    /// A registry of the shop's own.
    Registry,
    /// A process that a module has for itself: something that can be stopped while all others go on.
    OwnProcess(Part),
    /// Databases that go with the data folder.
    Files,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str("a broker"),
            Self::Registry => f.write_str("a registry"),
            Self::OwnProcess(part) => write!(f, "one process for {part} alone"),
            Self::Files => f.write_str("databases in the data folder"),
        }
    }
}

impl Ground {
    fn of(named: &str, store: &str) -> Result<Self, String> {
        let store = match store {
            "sqlite" => Store::Sqlite,
            "postgres" => Store::Postgres,
            other => return Err(format!("TRADEWIND_TEST_STORE is {other:?}: say sqlite or postgres")),
        };
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let topology =
            Topology::find(named, here).map_err(|error| format!("TRADEWIND_TEST_TOPOLOGY: {error}"))?;
        let file = here.join("topologies").join(format!("{named}.toml"));
        let argument = if file.is_file() { file.display().to_string() } else { named.to_owned() };
        Ok(Self { topology, argument, store })
    }

    /// The arguments of `up` that say the topology, unless `said` does.
    pub fn topology_arguments(&self, said: &[&str]) -> Vec<String> {
        if said.contains(&"--topology") {
            return Vec::new();
        }
        vec!["--topology".into(), self.argument.clone()]
    }

    /// The arguments of `up` that say the databases of a shop with this data folder, unless `said` does. The same
    /// folder gets the same databases.
    pub async fn store_arguments(&self, data: &Path, said: &[&str]) -> Vec<String> {
        if self.store == Store::Sqlite || said.contains(&"--store") {
            return Vec::new();
        }
        vec!["--store".into(), postgres_for(data).await]
    }

    /// Whether it has all that a test needs. Where it has not, tells so, and the test has nothing to do.
    #[must_use]
    pub fn offers(&self, needs: &[Need]) -> bool {
        let Some(missing) = needs.iter().find(|need| !self.has(**need)) else { return true };
        let (thread, topology) = (std::thread::current(), &self.topology.name);
        let test = thread.name().unwrap_or("a test");
        eprintln!("SKIPPED {test}: it needs {missing}, which {topology} on {:?} has not", self.store);
        false
    }

    fn has(&self, need: Need) -> bool {
        match need {
            Need::Broker => self.topology.has_broker(),
            Need::Registry => self.topology.has_registry(),
            Need::OwnProcess(part) => {
                let process = self.topology.process_of(part);
                process.modules == [part] && process.replicas == 1
            }
            Need::Files => self.store == Store::Sqlite,
        }
    }

    /// Every process of a shop on it by name, the supervisor last, as `status` lists them.
    pub fn processes(&self) -> Vec<String> {
        let replicas = |name: &str, count| {
            let others = (2..=count).map(move |number| format!("{name}-{number}"));
            std::iter::once(name.to_owned()).chain(others).collect::<Vec<_>>()
        };
        let modules =
            self.topology.processes.iter().flat_map(|process| replicas(&process.name, process.replicas));
        let mut all: Vec<_> = self.topology.servers().into_iter().map(str::to_owned).chain(modules).collect();
        all.push("supervisor".into());
        all
    }

    /// The instances of a module, as the config server names them.
    pub fn instances(&self, part: Part) -> Vec<String> {
        (1..=self.topology.process_of(part).replicas).map(|number| format!("{part}-{number}")).collect()
    }

    /// Whether a client's connection ends with the process of this module, because the gateway lives there too.
    pub fn dies_with_the_gateway(&self, part: Part) -> bool {
        self.topology.is_local(Part::Gateway, part)
    }

    /// Asserts that a client was told the right thing whose request was with `part` when that died: that there is
    /// no answer, by a gateway that lives on; or nothing, by one that died too.
    #[track_caller]
    pub fn cut_off(&self, part: Part, told: &reqwest::Result<Reply>) {
        match told {
            Ok(reply) if !self.dies_with_the_gateway(part) => drop(reply.refused(Code::BadGateway)),
            Err(error) if self.dies_with_the_gateway(part) && !error.is_connect() && !error.is_timeout() => {}
            told => panic!("{part} died in {}, and a customer was told {told:?}", self.topology.name),
        }
    }
}

/// `--store` for a shop with this data folder: fresh databases when it is first asked for.
async fn postgres_for(data: &Path) -> String {
    static GIVEN: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    if let Some(given) = GIVEN.lock().get(data) {
        return given.clone();
    }
    let fresh = databases().await.into_iter().find(|database| database.name == "postgres");
    let fresh = fresh.expect("TRADEWIND_TEST_STORE asks for PostgreSQL, and there is none on this machine");
    let store = format!("{}_{{module}}", fresh.url);
    GIVEN.lock().entry(data.to_owned()).or_insert(store).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(topology: &str) -> Ground {
        Ground::of(topology, "sqlite").unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn microservices_lack_nothing() {
        let ground = on("microservices");
        assert!(ground.offers(&Part::all().map(Need::OwnProcess)));
        assert!(ground.offers(&[Need::Broker, Need::Registry, Need::Files]));
        assert!(
            Part::all().into_iter().all(|part| part == Part::Gateway || !ground.dies_with_the_gateway(part))
        );
        let mut processes = ground.processes();
        processes.sort_unstable();
        let wanted = [
            "broker",
            "card-network",
            "catalog",
            "config-server",
            "gateway",
            "inventory",
            "notifications",
            "observatory",
            "orders",
            "payments",
            "recommendations",
            "registry",
            "shipping",
            "supervisor",
        ];
        assert_eq!(processes, wanted);
    }

    #[test]
    fn a_monolith_lacks_what_takes_two() {
        let ground = on("monolith");
        for need in [Need::Broker, Need::Registry, Need::OwnProcess(Part::Payments)] {
            assert!(!ground.offers(&[Need::Files, need]), "{need}");
        }
        assert_eq!(
            ground.processes(),
            ["config-server", "card-network", "observatory", "shop", "supervisor"]
        );
    }

    #[test]
    fn a_ground_that_makes_no_sense_is_refused_by_its_variable() {
        assert!(Ground::of("monolit", "sqlite").is_err_and(|why| why.contains("TRADEWIND_TEST_TOPOLOGY")));
        assert!(Ground::of("monolith", "mysql").is_err_and(|why| why.contains("TRADEWIND_TEST_STORE")));
    }

    #[test]
    fn every_file_of_the_folder_is_a_topology() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("topologies");
        let files =
            std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let names: Vec<_> = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
        assert!(names.len() >= 3, "{names:?}");
        for name in names {
            assert!(on(&name).argument.ends_with(&format!("{name}.toml")), "{name} is told by its path");
        }
    }
}
