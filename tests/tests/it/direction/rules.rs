//! The table of the house, as data. ARCHITECTURE.md shows it to people.

/// What the crates in a folder may depend on.
pub(super) struct Rule {
    /// The folder; `services/*` stands for each folder in `services/`.
    pub folder: &'static str,
    /// What they may use of ours, by folder.
    pub may_use: MayUse,
}

/// What may be used of ours.
pub(super) enum MayUse {
    /// These folders, and `testkit` and the supporting servers in tests.
    These(&'static [&'static str]),
    /// Every crate of the shop; `testkit` in tests.
    Shop,
    /// Every crate there is.
    Everything,
}

/// Each folder, once. A member of the workspace without a rule breaks the rules.
pub(super) const TABLE: &[Rule] = &[
    Rule { folder: "contracts", may_use: MayUse::These(&[]) },
    Rule { folder: "chassis", may_use: MayUse::These(&["contracts"]) },
    Rule { folder: "wires", may_use: MayUse::These(&["contracts", "chassis"]) },
    Rule { folder: "services/*", may_use: MayUse::These(&["contracts", "chassis", "wires"]) },
    Rule { folder: "gateway", may_use: MayUse::These(&["contracts", "chassis", "wires"]) },
    Rule { folder: "registry", may_use: MayUse::These(&["contracts", "chassis"]) },
    Rule { folder: "config-server", may_use: MayUse::These(&["contracts", "chassis"]) },
    // it knows AMQP and nothing of the shop
    Rule { folder: "broker", may_use: MayUse::These(&[]) },
    // it knows OTLP and Jaeger's API and nothing of the shop
    Rule { folder: "observatory", may_use: MayUse::These(&[]) },
    // somebody else's system: it does not even share the shop's contracts
    Rule { folder: "card-network", may_use: MayUse::These(&["chassis"]) },
    Rule { folder: "tradewind", may_use: MayUse::Shop },
    Rule { folder: "testkit", may_use: MayUse::These(&["broker"]) },
    Rule { folder: "tests", may_use: MayUse::Everything },
];

/// What tests may use besides: a client is tested against the server that it talks to.
pub(super) const IN_TESTS: &[&str] = &["testkit", "registry", "config-server", "broker", "card-network"];

/// The crate that only tests may use.
pub(super) const TESTKIT: &str = "testkit";

/// Crates that do I/O.
pub(super) const IO: &[&str] = &["axum", "hyper", "hyper-util", "reqwest", "sqlx", "tower", "chassis"];

/// What code of a domain does not name.
pub(super) const NOT_IN_A_DOMAIN: &[&str] = &[
    "axum::",
    "http::",
    "tonic::",
    "reqwest::",
    "sqlx::",
    "tokio::",
    "chassis::",
    "wires::",
    "contracts::grpc",
];

/// Where no code knows how it was put together, or what stands beside it.
pub(super) const PUT_TOGETHER_BY_OTHERS: &[&str] = &["services", "contracts", "wires", "chassis", "gateway"];

/// What only a condition on the topology would name, in code.
pub(super) const TOPOLOGY: &[&str] = &["topolog", "monolith", "microservice"];

/// Where a word of [`TOPOLOGY`] means something else: exchanges, queues and bindings are a topology, too.
pub(super) const ANOTHER_TOPOLOGY: &str = "chassis/src/messaging/broker/";

/// What reads the environment, which could tell who lives where.
pub(super) const ENVIRONMENT: &[&str] = &["env::var", "option_env!"];

/// Who reads it for all the others: bootstrap settings, and how much is logged.
pub(super) const READERS_OF_THE_ENVIRONMENT: &[&str] =
    &["chassis/src/config/environment.rs", "chassis/src/telemetry/logs.rs"];

/// Where statements on tables stand.
pub(super) const KEEPERS_OF_TABLES: &[&str] =
    &["services", "card-network", "config-server", "chassis/src/messaging"];

/// The most lines of a source file, its tests included.
pub(super) const MOST_LINES: usize = 600;

impl Rule {
    /// Whether it is about `folder`.
    pub fn is_about(&self, folder: &str) -> bool {
        match self.folder.strip_suffix("/*") {
            Some(parent) => folder.rsplit_once('/').is_some_and(|(above, _)| above == parent),
            None => self.folder == folder,
        }
    }
}
