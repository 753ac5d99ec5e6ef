//! Which configuration files the shop starts with.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chassis::config::AdminClient;
use chassis::config::protocol::{FileState, FileStatus};
use include_dir::{Dir, File, include_dir};

use crate::exit::Ending;
use crate::folder::Folder;

/// The repository's `config/`, which travels in the executable.
static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../config");
/// The file that makes a folder one of ours.
const MARK: &str = "application.toml";

/// The folder that was asked for, else `./config` where that is one of ours, else the built-in files,
/// laid out in the data folder.
pub(super) fn choose(asked: Option<&Path>, here: &Path, folder: &Folder) -> anyhow::Result<PathBuf> {
    if let Some(asked) = asked {
        let path = std::path::absolute(asked)
            .with_context(|| format!("the path {} is of no use", asked.display()))?;
        if !path.is_dir() {
            return Err(Ending::Usage(format!("--config: there is no folder {}", path.display())).into());
        }
        return Ok(path);
    }
    let local = here.join("config");
    if local.join(MARK).is_file() {
        return Ok(local);
    }
    let laid_out = folder.config_files();
    lay_out(&laid_out)
        .with_context(|| format!("the configuration files cannot be written to {}", laid_out.display()))?;
    Ok(laid_out)
}

/// What the config server says about files that it cannot use: its log has it too, but who reads that
/// while all is well?
pub(crate) async fn complaints(config_server: &str) -> Vec<String> {
    let status = match AdminClient::new(config_server, None) {
        Ok(client) => client.status().await,
        Err(error) => Err(error),
    };
    let files = match status {
        Ok(status) => status.files,
        Err(error) => {
            return vec![format!("warning: whether the configuration files are sound is not known: {error}")];
        }
    };
    files.iter().filter_map(complaint).collect()
}

fn complaint(file: &FileStatus) -> Option<String> {
    let consequence = match file.state {
        FileState::Good => return None,
        FileState::LastKnownGood => "its last good content holds",
        FileState::Ignored => "it is ignored",
    };
    let error = file.error.as_deref().unwrap_or("no reason given");
    Some(format!("warning: the configuration file {} cannot be used, {consequence}: {error}", file.name))
}

/// Beside them the folder says how Kubernetes gets them, which is nothing for a shop that runs here.
fn built_in() -> impl Iterator<Item = &'static File<'static>> {
    BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|end| end == "toml"))
}

fn lay_out(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for file in built_in() {
        let path = folder.join(file.path());
        // a file that says the same is left alone, so that nobody takes it for changed
        if std::fs::read(&path).ok().as_deref() != Some(file.contents()) {
            std::fs::write(&path, file.contents())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_comes_before_what_is_here_and_that_before_the_built_in() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(&home.path().join("data")).expect("a path").made().expect("made");
        let built_in = choose(None, home.path(), &folder).expect("laid out");
        assert!(built_in.starts_with(folder.path()) && built_in.join(MARK).is_file());

        let local = home.path().join("config");
        std::fs::create_dir(&local).expect("made");
        assert_eq!(
            choose(None, home.path(), &folder).expect("chosen"),
            built_in,
            "a folder of somebody else's"
        );
        std::fs::write(local.join(MARK), "").expect("written");
        assert_eq!(choose(None, home.path(), &folder).expect("chosen"), local);

        assert_eq!(choose(Some(home.path()), home.path(), &folder).expect("chosen"), home.path());
        let refused =
            choose(Some(&home.path().join("nowhere")), home.path(), &folder).expect_err("not there");
        assert!(refused.to_string().contains("nowhere"));
    }

    #[test]
    fn a_broken_file_is_named_with_what_holds_instead() {
        let file = |state| FileStatus { name: "orders.toml".into(), state, error: Some("line 1".into()) };
        assert_eq!(complaint(&file(FileState::Good)), None);
        let said = complaint(&file(FileState::LastKnownGood)).expect("said");
        assert!(
            said.contains("orders.toml") && said.contains("last good content") && said.contains("line 1"),
            "{said}"
        );
        assert!(complaint(&file(FileState::Ignored)).is_some_and(|said| said.contains("ignored")));
    }

    #[test]
    fn the_built_in_files_are_valid_toml() {
        let mut seen = 0;
        for file in built_in() {
            let text = file.contents_utf8().expect("text");
            text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
            seen += 1;
        }
        assert!(seen > 0);
    }
}
