//! `tradewind reset`

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::ResetArgs;
use crate::exit::Ending;
use crate::folder::Folder;
use crate::text;

/// What a data folder of ours holds. Anything else in it is not ours to delete.
const OURS: &[&str] = &[
    "db",
    "placements",
    "arrangement.json",
    "logs",
    "config",
    "config-files",
    "config-server",
    "registry",
    "broker",
    "outbox",
    "operator-token",
    "up.json",
];

/// Empties the data folder, unless a shop runs on it.
pub async fn reset(args: &ResetArgs) -> anyhow::Result<()> {
    let folder = Folder::at(&args.shop.data)?;
    let path = folder.path();
    if !path.exists() {
        return Ok(text::say(format_args!("{} is not there: nothing to do", path.display()))?);
    }
    let lock = folder.lock()?;
    // whoever is told to end does not wait for an answer
    let asked = path.to_owned();
    if !args.yes && !tokio::task::spawn_blocking(move || confirmed(&asked)).await.context("asking")?? {
        return Err(Ending::Usage("nothing was deleted".into()).into());
    }
    // what is left of a shop that was killed may be writing still
    let fleet_lock = folder.lock_for_fleet().await?;
    for name in OURS {
        remove(&path.join(name))?;
    }
    drop((fleet_lock, lock));
    Ok(text::say(format_args!("{} is empty", path.display()))?)
}

fn confirmed(path: &Path) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Ending::Usage("reset asks before it deletes; say --yes where nobody can answer".into()).into()
        );
    }
    text::tell(format_args!("Delete every order, setting and log in {}? [y/N]", path.display()));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be deleted", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::FolderArgs;

    fn args(data: &Path) -> ResetArgs {
        ResetArgs { shop: FolderArgs { data: data.to_owned() }, yes: true }
    }

    #[tokio::test]
    async fn a_folder_in_use_is_left_alone() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(home.path()).expect("a path");
        std::fs::create_dir(home.path().join("db")).expect("made");
        let lock = folder.lock().expect("free");
        let refused = reset(&args(home.path())).await.expect_err("in use");
        assert!(matches!(refused.downcast_ref(), Some(Ending::FolderInUse { .. })));
        assert!(home.path().join("db").exists());
        drop(lock);
        reset(&args(home.path())).await.expect("free");
        assert!(!home.path().join("db").exists());
    }

    #[tokio::test]
    async fn only_what_is_ours_is_deleted() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("thesis.tex"), "years of work").expect("written");
        std::fs::write(home.path().join("operator-token"), "old").expect("written");
        reset(&args(home.path())).await.expect("emptied");
        assert!(home.path().join("thesis.tex").exists());
        assert!(!home.path().join("operator-token").exists());
    }
}
