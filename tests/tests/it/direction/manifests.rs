//! What each crate of the workspace depends on, as its manifest says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use super::rules::{IN_TESTS, MayUse, TABLE, TESTKIT};

/// How a crate uses another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// In the crate itself, or in its build script.
    Always,
    /// In its tests.
    InTests,
}

/// Everything in the workspace at `root` that points the wrong way.
pub(super) fn violations(root: &Path) -> anyhow::Result<Vec<String>> {
    let house = House::read(root)?;
    let mut violations = Vec::new();
    for member in house.members.keys() {
        let Some(rule) = TABLE.iter().find(|rule| rule.is_about(member)) else {
            violations.push(format!("{member}: has no rule in the table"));
            continue;
        };
        for (used, how) in house.ours(member)? {
            if !allowed(&rule.may_use, &used, how) {
                violations.push(format!("{member}: must not depend on {used} ({how:?})"));
            }
        }
    }
    Ok(violations)
}

/// Which of the crates `names` the crate in `folder` depends on.
pub(super) fn forbidden(root: &Path, folder: &str, names: &[&str]) -> anyhow::Result<Vec<String>> {
    let house = House::read(root)?;
    let used = dependencies(house.manifest(folder)?);
    let bad = used.into_iter().filter(|(_, how, _)| *how == Use::Always);
    let bad = bad.map(|(key, _, value)| house.package(&key, value));
    Ok(bad
        .filter(|name| names.contains(&name.as_str()))
        .map(|name| format!("{folder}: must not use {name}"))
        .collect())
}

fn allowed(may_use: &MayUse, used: &str, how: Use) -> bool {
    match may_use {
        MayUse::Everything => true,
        MayUse::Shop => used != TESTKIT || how == Use::InTests,
        MayUse::These(folders) => {
            folders.contains(&used) || (how == Use::InTests && IN_TESTS.contains(&used))
        }
    }
}

/// The workspace.
struct House {
    /// The manifests, by folder.
    members: BTreeMap<String, Table>,
    /// The folder of each of our crates, by its name.
    folders: BTreeMap<String, String>,
    /// What `x.workspace = true` stands for.
    shared: Table,
}

impl House {
    fn read(root: &Path) -> anyhow::Result<Self> {
        let workspace = table(&root.join("Cargo.toml"))?;
        let workspace = workspace.get("workspace").and_then(Value::as_table).context("no [workspace]")?;
        let listed = workspace.get("members").and_then(Value::as_array).context("no members")?;
        let mut members = BTreeMap::new();
        let mut folders = BTreeMap::new();
        for folder in listed {
            let folder = folder.as_str().context("a member is text")?;
            let manifest = table(&root.join(folder).join("Cargo.toml"))?;
            let name = manifest.get("package").and_then(|package| package.get("name"));
            let name = name.and_then(Value::as_str).with_context(|| format!("{folder} has no name"))?;
            folders.insert(name.to_owned(), folder.to_owned());
            members.insert(folder.to_owned(), manifest);
        }
        let shared = workspace.get("dependencies").and_then(Value::as_table).cloned().unwrap_or_default();
        Ok(Self { members, folders, shared })
    }

    fn manifest(&self, folder: &str) -> anyhow::Result<&Table> {
        self.members.get(folder).with_context(|| format!("{folder} is not in the workspace"))
    }

    /// The folders of our crates that the one in `folder` depends on.
    fn ours(&self, folder: &str) -> anyhow::Result<Vec<(String, Use)>> {
        let used = dependencies(self.manifest(folder)?).into_iter();
        let ours = used.filter_map(|(key, how, value)| {
            let folder = self.folders.get(&self.package(&key, value))?;
            Some((folder.clone(), how))
        });
        Ok(ours.collect())
    }

    /// The name of the crate behind a dependency, which may go by another name here.
    fn package(&self, key: &str, value: &Value) -> String {
        let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let stands_for = if inherited { self.shared.get(key).unwrap_or(value) } else { value };
        stands_for.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
    }
}

/// Every dependency in a manifest, those for some systems only too.
fn dependencies(manifest: &Table) -> Vec<(String, Use, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let for_some = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut all = Vec::new();
    for table in std::iter::once(manifest).chain(for_some) {
        for (section, how) in [
            ("dependencies", Use::Always),
            ("build-dependencies", Use::Always),
            ("dev-dependencies", Use::InTests),
        ] {
            let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
            all.extend(entries.map(|(key, value)| (key.clone(), how, value)));
        }
    }
    all
}

fn table(file: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    text.parse().with_context(|| format!("parsing {}", file.display()))
}
