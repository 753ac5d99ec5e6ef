//! What the source files themselves must not say. Comments may say anything.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::rules::{
    ANOTHER_TOPOLOGY, ENVIRONMENT, KEEPERS_OF_TABLES, MOST_LINES, NOT_IN_A_DOMAIN, PUT_TOGETHER_BY_OTHERS,
    READERS_OF_THE_ENVIRONMENT, TOPOLOGY,
};

/// Where the domain code of some service names a transport, a database, or the platform.
pub(super) fn impure_domains(root: &Path) -> anyhow::Result<Vec<String>> {
    let services = files(&root.join("services"), "rs")?;
    let domains = services.into_iter().filter(|file| is_domain(file));
    mentions(root, domains, |code| {
        NOT_IN_A_DOMAIN.iter().find(|word| names(code, word)).map(|word| format!("names {word}"))
    })
}

/// Where a service, or what services are made of, asks how it was put together: by the topology's words, by `cfg`,
/// or in the environment.
pub(super) fn conditions_on_the_topology(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in
        PUT_TOGETHER_BY_OTHERS.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir())
    {
        for file in files(&folder, "rs")?.into_iter().filter(|file| is_product(file)) {
            let path = shown(root, &file);
            found.extend(mentions(root, [file], |code| condition(&path, code))?);
        }
    }
    Ok(found)
}

/// What in a line of the file at `path` depends on how the shop was put together.
fn condition(path: &str, code: &str) -> Option<String> {
    let lower = code.to_lowercase();
    let named =
        |words: &[&str]| words.iter().find(|word| lower.contains(**word)).map(|word| format!("names {word}"));
    if !path.starts_with(ANOTHER_TOPOLOGY)
        && let Some(named) = named(TOPOLOGY)
    {
        return Some(named);
    }
    if !READERS_OF_THE_ENVIRONMENT.contains(&path)
        && !path.contains("/tests/")
        && let Some(named) = named(ENVIRONMENT)
    {
        return Some(named);
    }
    let is_conditional = lower.contains("cfg(") || lower.contains("cfg!(") || lower.contains("cfg_attr(");
    (is_conditional && !lower.contains("cfg(test)")).then(|| "is compiled on a condition".into())
}

/// The files in which statements on tables may stand.
pub(super) fn with_statements(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in KEEPERS_OF_TABLES.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()) {
        found.extend(files(&folder, "rs")?.into_iter().filter(|file| is_product(file)));
    }
    Ok(found)
}

/// Where a statement leaves it to the table which columns there are. A newer version may add one while this one runs:
/// PostgreSQL then refuses a prepared statement whose result has another column, and a row has a value too few.
pub(super) fn statements_without_columns(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for file in with_statements(root)? {
        let text = read(&file)?;
        let lines: Vec<String> = text.lines().map(words).collect();
        for (at, line) in lines.iter().enumerate() {
            let whole =
                lines[at..].iter().take(GOES_ON_FOR).map(String::as_str).collect::<Vec<_>>().join(" ");
            if let Some(what) = without_columns(&whole, line.len()) {
                found.push(format!("{}:{}: has {what}", shown(root, &file), at + 1));
            }
        }
    }
    Ok(found)
}

/// In how many lines a statement may stand that far that it is known whether it names its columns.
const GOES_ON_FOR: usize = 3;

/// The code of a line in capitals, as one text with that of the next, where it ends within quotes.
fn words(line: &str) -> String {
    let code = code(line).trim_end().trim_end_matches('\\');
    code.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// What leaves it to the table, and begins in the first `until` bytes. A query's own result may be taken whole.
fn without_columns(code: &str, until: usize) -> Option<&'static str> {
    let after = |phrase: &'static str| {
        let begins = code.match_indices(phrase).filter(move |(at, _)| *at < until);
        begins.map(move |(at, _)| &code[at + phrase.len()..])
    };
    let of_one_table = code.match_indices(".*").any(|(at, _)| {
        let name = code[..at].rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
        at < until && name.is_some_and(|name| name.starts_with(char::is_alphabetic))
    });
    let unnamed = after("INSERT INTO ").any(|rest| {
        let after_table = rest.split_once(' ').map_or("", |(_, after)| after);
        after_table.starts_with("VALUES") || after_table.starts_with("SELECT")
    });
    let which = [
        (after("SELECT * FROM ").any(|rest| !rest.starts_with('(')), "SELECT *"),
        (of_one_table, "all columns of a table"),
        (after("RETURNING *").next().is_some(), "RETURNING *"),
        (unnamed, "an INSERT without columns"),
    ];
    which.into_iter().find(|(is_there, _)| *is_there).map(|(_, what)| what)
}

/// Which files are too long to be read at one go.
pub(super) fn too_long(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut long = Vec::new();
    for file in files(root, "rs")? {
        let lines = read(&file)?.lines().count();
        if lines > MOST_LINES {
            long.push(format!("{}: has {lines} lines, more than {MOST_LINES}", shown(root, &file)));
        }
    }
    Ok(long)
}

/// Whether `code` names `word`, and not another word that ends with it.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

/// Whether it goes into what is shipped: no test, and no build script.
fn is_product(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "src")
}

/// `domain.rs`, and everything in a folder `domain/`.
fn is_domain(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "domain.rs")
        || file.components().any(|part| part.as_os_str() == "domain")
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn mentions(
    root: &Path,
    files: impl IntoIterator<Item = PathBuf>,
    wrong: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in read(&file)?.lines().enumerate() {
            if let Some(what) = wrong(code(line)) {
                found.push(format!("{}:{}: {what}", shown(root, &file), number + 1));
            }
        }
    }
    Ok(found)
}

/// Every file below `folder` whose name has this ending; hidden folders and build output are left out.
pub(super) fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

pub(super) fn shown(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).display().to_string()
}
