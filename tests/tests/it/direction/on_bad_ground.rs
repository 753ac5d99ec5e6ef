//! The checks, on small workspaces that break each rule: a check that cannot fail checks nothing.

use std::path::Path;

use tempfile::TempDir;

use super::{documents, manifests, migrations, rules, sources};

/// A workspace with these files.
struct Ground(TempDir);

impl Ground {
    fn with(files: &[(&str, &str)]) -> Self {
        let ground = Self(tempfile::tempdir().expect("a folder"));
        for (path, text) in files {
            let file = ground.root().join(path);
            std::fs::create_dir_all(file.parent().expect("in the workspace")).expect("a folder");
            std::fs::write(file, text).expect("a file");
        }
        ground
    }

    /// A workspace of these crates, each with what follows its name in the manifest.
    fn of(crates: &[(&str, &str)]) -> Self {
        let folders: Vec<_> = crates.iter().map(|(folder, _)| format!("{folder:?}")).collect();
        let workspace = format!(
            "[workspace]\nmembers = [{}]\n[workspace.dependencies]\n\
             contracts = {{ path = \"contracts\" }}\nwires = {{ path = \"wires\" }}\n\
             stock = {{ package = \"inventory\", path = \"services/inventory\" }}\n",
            folders.join(", ")
        );
        let ground = Self::with(&[("Cargo.toml", &workspace)]);
        for (folder, rest) in crates {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            let file = ground.root().join(folder).join("Cargo.toml");
            std::fs::create_dir_all(ground.root().join(folder)).expect("a folder");
            std::fs::write(file, format!("[package]\nname = {name:?}\n{rest}")).expect("a file");
        }
        ground
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn violations(&self) -> Vec<String> {
        manifests::violations(self.root()).expect("the manifests can be read")
    }
}

#[test]
fn a_good_workspace_passes() {
    let ground = Ground::of(&[
        ("contracts", "[dependencies]\nserde = \"1\""),
        ("chassis", "[dependencies]\ncontracts.workspace = true\n[dev-dependencies]\ntestkit = \"0\""),
        (
            "services/orders",
            "[dependencies]\ncontracts.workspace = true\n[dev-dependencies]\nregistry = \"0\"",
        ),
        ("registry", ""),
        ("broker", "[dev-dependencies]\ntestkit = \"0\""),
        ("testkit", "[dependencies]\nbroker = \"0\""),
        ("tests", "[dependencies]\ntestkit = \"0\"\norders = \"0\""),
    ]);
    assert_eq!(ground.violations(), [""; 0]);
}

#[test]
fn each_wrong_direction_is_found() {
    let crates = |bad: (&'static str, &'static str)| {
        let mut all = vec![
            ("contracts", ""),
            ("chassis", ""),
            ("wires", ""),
            ("services/inventory", ""),
            ("services/orders", ""),
            ("card-network", ""),
            ("broker", ""),
            ("tradewind", ""),
            ("testkit", ""),
        ];
        all.retain(|(folder, _)| *folder != bad.0);
        all.push(bad);
        all
    };
    for (folder, rest, named) in [
        ("contracts", "[dependencies]\nchassis = { path = \"../chassis\" }", "chassis"),
        ("chassis", "[dependencies]\nwires.workspace = true", "wires"),
        ("services/orders", "[dependencies]\ninventory = { path = \"../inventory\" }", "services/inventory"),
        // by another name, through the workspace
        ("services/orders", "[dependencies]\nstock.workspace = true", "services/inventory"),
        ("services/orders", "[dev-dependencies]\ninventory = \"0\"", "services/inventory"),
        ("services/orders", "[build-dependencies]\ninventory = \"0\"", "services/inventory"),
        ("services/orders", "[target.'cfg(unix)'.dependencies]\ninventory = \"0\"", "services/inventory"),
        ("services/orders", "[dependencies]\ntestkit = \"0\"", "testkit"),
        ("services/orders", "[dependencies]\ncard-network = \"0\"", "card-network"),
        ("card-network", "[dependencies]\ncontracts.workspace = true", "contracts"),
        ("tradewind", "[dependencies]\ntestkit = \"0\"", "testkit"),
        ("testkit", "[dependencies]\nchassis = \"0\"", "chassis"),
        ("broker", "[dependencies]\nchassis = \"0\"", "chassis"),
    ] {
        let found = Ground::of(&crates((folder, rest))).violations();
        let [violation] = found.as_slice() else { panic!("{folder} with {rest:?}: {found:?}") };
        assert!(violation.starts_with(&format!("{folder}: must not depend on {named} ")), "{violation}");
    }
}

#[test]
fn a_crate_that_the_table_does_not_know_is_found() {
    assert_eq!(Ground::of(&[("shed", "")]).violations(), ["shed: has no rule in the table"]);
}

#[test]
fn contracts_that_do_io_are_found() {
    let ground = Ground::of(&[("contracts", "[dependencies]\nserde = \"1\"\ndb = { package = \"sqlx\" }")]);
    let found =
        manifests::forbidden(ground.root(), "contracts", rules::IO).expect("the manifest can be read");
    assert_eq!(found, ["contracts: must not use sqlx"]);
}

#[test]
fn a_domain_that_knows_sql_is_found() {
    let ground = Ground::with(&[
        ("services/a/src/domain.rs", "use sqlx::Row;\n// sqlx:: in a comment is no matter\n"),
        ("services/b/src/domain/mod.rs", "fn my_axum::ok() {}\nfn f() -> axum::Router {}\n"),
        ("services/b/src/store.rs", "use sqlx::Row;\n"),
    ]);
    let found = sources::impure_domains(ground.root()).expect("the sources can be read");
    assert_eq!(
        found,
        ["services/a/src/domain.rs:1: names sqlx::", "services/b/src/domain/mod.rs:2: names axum::"]
    );
}

#[test]
fn a_service_that_asks_for_the_topology_is_found() {
    let ground = Ground::with(&[
        (
            "services/a/src/lib.rs",
            "//! In a monolith or not.\n#[cfg(test)]\nmod tests;\nif topology == X {}\n#[cfg(feature = \"one\")]\n",
        ),
        // the queues of a broker are a topology, too
        ("chassis/src/messaging/broker/link.rs", "topology::declare();\nif cfg!(monolith) {}\n"),
        ("chassis/src/messaging/bus.rs", "topology::declare();\n"),
        // somebody must read it
        ("chassis/src/config/environment.rs", "std::env::var(name).ok()\n"),
        ("wires/src/resolver.rs", "let here = std::env::var(\"HERE\").is_ok(); // std::env::var\n"),
        ("wires/src/stack/tests/child.rs", "let here = std::env::var(\"HERE\").is_ok();\n"),
        ("contracts/build.rs", "let out = env::var(\"OUT_DIR\")?;\n"),
        (
            "contracts/src/lib.rs",
            "const IS_MONOLITH: bool = true;\n#[cfg_attr(feature = \"one\", derive(Debug))]\n",
        ),
        ("gateway/src/lib.rs", "match std::env::var_os(\"X\") {}\nlet environment = 1;\n"),
        // whoever puts them together may know
        ("tradewind/src/run.rs", "let topology = 1;\n"),
    ]);
    let found = sources::conditions_on_the_topology(ground.root()).expect("the sources can be read");
    let wanted = [
        "services/a/src/lib.rs:4: names topolog",
        "services/a/src/lib.rs:5: is compiled on a condition",
        "contracts/src/lib.rs:1: names monolith",
        "contracts/src/lib.rs:2: is compiled on a condition",
        "wires/src/resolver.rs:1: names env::var",
        "chassis/src/messaging/broker/link.rs:2: is compiled on a condition",
        "chassis/src/messaging/bus.rs:1: names topolog",
        "gateway/src/lib.rs:1: names env::var",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_migration_that_takes_something_away_is_found() {
    let ground = Ground::with(&[
        ("services/a/migrations/0001_first.sql", "CREATE TABLE a_a (id TEXT PRIMARY KEY, name TEXT);"),
        ("services/a/migrations/0002_second.sql", "ALTER TABLE a_a DROP COLUMN name;"),
        (
            "services/a/migrations/0003_third.sql",
            "-- contract: since 0.4.0 nothing reads this\nALTER TABLE a_a DROP COLUMN id;",
        ),
        // another's tables
        ("docs/example.sql", "DROP TABLE a_a;"),
        ("target/migrations/0001_built.sql", "DROP TABLE a_a;"),
    ]);
    let found = migrations::contractions(ground.root()).expect("the migrations can be read");
    let [only] = found.as_slice() else { panic!("{found:?}") };
    assert!(
        only.starts_with("services/a/migrations/0002_second.sql: ALTER TABLE A_A DROP COLUMN NAME: "),
        "{only}"
    );
}

#[test]
fn a_statement_that_leaves_its_columns_to_the_table_is_found() {
    let ground = Ground::with(&[
        (
            "services/a/src/store.rs",
            "(\"SELECT * FROM (SELECT id FROM a_a) AS hits\");\nf(\"select * from a_a\");\n\
             f(\"INSERT INTO a_a (id) VALUES ($1) RETURNING *\");\nf(\"INSERT INTO a_a VALUES ($1)\");\n\
             f(\"INSERT INTO a_a (id) SELECT id FROM b\");\n// SELECT * FROM a_a\n\
             f(\"INSERT INTO a_a \\\n    VALUES ($1)\");\nf(\"INSERT INTO a_a\n    (id) VALUES ($1)\");\n\
             f(\"SELECT a.* FROM a_a AS a\");\nlet range = 0..*end;\n",
        ),
        ("services/a/tests/it/main.rs", "f(\"SELECT * FROM a_a\");\n"),
    ]);
    let found = sources::statements_without_columns(ground.root()).expect("the sources can be read");
    assert_eq!(
        found,
        [
            "services/a/src/store.rs:2: has SELECT *",
            "services/a/src/store.rs:3: has RETURNING *",
            "services/a/src/store.rs:4: has an INSERT without columns",
            "services/a/src/store.rs:7: has an INSERT without columns",
            "services/a/src/store.rs:11: has all columns of a table"
        ]
    );
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let (long, just) = ("\n".repeat(rules::MOST_LINES + 1), "\n".repeat(rules::MOST_LINES));
    let ground = Ground::with(&[("a/long.rs", &long), ("a/just.rs", &just), ("target/x.rs", &long)]);
    let found = sources::too_long(ground.root()).expect("the sources can be read");
    assert_eq!(
        found,
        [format!("a/long.rs: has {} lines, more than {}", rules::MOST_LINES + 1, rules::MOST_LINES)]
    );
}

#[test]
fn a_document_that_points_nowhere_is_found() {
    let text = "See [a](a.rs), [b](gone.md#part), [c](https://example.org/x) and `src/b.rs`, `src/a.rs`, `a / b`, \
                `src/*/x.rs`, `text/event-stream`.";
    let ground = Ground::with(&[("docs/x.md", text), ("docs/a.rs", ""), ("src/a.rs", "")]);
    let found = documents::pointing_nowhere(ground.root(), &["docs/x.md"]).expect("it can be read");
    assert_eq!(found, ["docs/x.md: there is no gone.md", "docs/x.md: there is no src/b.rs"]);
}
