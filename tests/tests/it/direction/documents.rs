//! What the documents point at is there: links, and paths that stand in the text as code.

use std::path::Path;

use anyhow::Context as _;

/// The documents for people who read the code, besides the README of each crate.
pub(super) const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "docs/checklists.md",
    "docs/adr/README.md",
    "docs/adr/0001-sqlx-any-on-two-engines.md",
    "docs/adr/0002-own-consul-client.md",
    "docs/adr/0003-plain-traits-instead-of-a-framework.md",
    "docs/adr/0004-one-schema-derive.md",
    "docs/adr/0005-bytes-below-the-port.md",
    "docs/adr/0006-facts-have-one-id.md",
    "docs/adr/0007-one-lock-one-log.md",
    "docs/adr/0008-the-supervisor-moves.md",
    "docs/adr/0009-spans-at-five-places.md",
    "docs/adr/0010-an-image-of-one-file.md",
    "docs/road.md",
    "docs/deploy.md",
    "docs/upgrade.md",
    "deploy/README.md",
    "deploy/systemd/README.md",
    "k8s/README.md",
];

/// Everything that `documents` point at and that is not there.
pub(super) fn pointing_nowhere(root: &Path, documents: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut nowhere = Vec::new();
    for document in documents {
        let file = root.join(document);
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {document}"))?;
        let beside = file.parent().unwrap_or(root);
        let links = links(&text).filter(|link| !beside.join(link).exists());
        let paths = paths(root, &text).filter(|path| !root.join(path).exists());
        nowhere.extend(links.chain(paths).map(|target| format!("{document}: there is no {target}")));
    }
    Ok(nowhere)
}

/// The targets of links to files.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

/// What stands as code and begins with a folder of the workspace. What a build makes is not there yet.
fn paths<'a>(root: &'a Path, text: &'a str) -> impl Iterator<Item = &'a str> {
    let code = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    code.filter(|code| {
        let plain = code.chars().all(|letter| letter.is_ascii_alphanumeric() || "/-_.".contains(letter));
        let begins = code.split_once('/').map(|(folder, _)| folder);
        plain
            && begins
                .is_some_and(|folder| !folder.is_empty() && folder != "target" && root.join(folder).is_dir())
    })
}
