//! The house keeps its order: dependencies only point the way that the table in ARCHITECTURE.md says,
//! the business knows neither transport nor SQL nor topology, tables bear two versions at once, and no file outgrows its
//! reader.
//!
//! - [`rules`]: the table, as data
//! - [`manifests`]: what each crate depends on, as its `Cargo.toml` says
//! - [`sources`]: what the source files themselves must not say
//! - [`migrations`]: what they must not do to an older version
//! - [`documents`]: what the documents point at
//! - `on_bad_ground`: the checks, on workspaces that break each rule

mod documents;
mod manifests;
mod migrations;
mod on_bad_ground;
mod rules;
mod sources;

use std::path::Path;

/// The workspace that this test belongs to.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "{} rules broken:\n{}", violations.len(), violations.join("\n"));
}

#[test]
fn dependencies_point_the_way_that_the_table_says() {
    assert_none(manifests::violations(workspace()).expect("the manifests can be read"));
}

#[test]
fn contracts_do_no_io() {
    assert_none(manifests::forbidden(workspace(), "contracts", rules::IO).expect("the manifest can be read"));
}

#[test]
fn domain_code_knows_no_transport_and_no_sql() {
    assert_none(sources::impure_domains(workspace()).expect("the sources can be read"));
}

#[test]
fn no_service_and_nothing_that_it_is_made_of_knows_the_topology() {
    assert_none(sources::conditions_on_the_topology(workspace()).expect("the sources can be read"));
}

#[test]
fn migrations_only_expand() {
    assert!(!migrations::all(workspace()).expect("they can be read").is_empty(), "nothing was looked at");
    assert_none(migrations::contractions(workspace()).expect("the migrations can be read"));
}

#[test]
fn statements_name_their_columns() {
    let looked_at = sources::with_statements(workspace()).expect("the sources can be read");
    for folder in rules::KEEPERS_OF_TABLES.iter().map(|folder| workspace().join(folder)) {
        assert!(looked_at.iter().any(|file| file.starts_with(&folder)), "{}: is empty", folder.display());
    }
    assert_none(sources::statements_without_columns(workspace()).expect("the sources can be read"));
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    assert_none(sources::too_long(workspace()).expect("the sources can be read"));
}

#[test]
fn documents_point_at_what_is_there() {
    assert_none(documents::pointing_nowhere(workspace(), documents::DOCUMENTS).expect("they can be read"));
}
