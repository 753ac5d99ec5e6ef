//! What other people have written and tests run: fetched once into a folder, and run to its end.

use std::fs::File;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// Has `folder` hold what `pins` says, which `install` puts into it and `probe` then finds to be of use. What was
/// prepared before is used again while the pins are the same. The error is a word on what went wrong.
pub async fn prepared(
    folder: &Path,
    pins: &str,
    install: impl AsyncFnOnce() -> Result<(), String>,
    probe: impl AsyncFn() -> Result<(), String>,
) -> Result<(), String> {
    let [lock, done] = ["lock", "done"].map(|what| folder.with_extension(what));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    // the other tests may be about to do the same, and in other processes, too
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(lock)?;
        file.lock()?;
        std::io::Result::Ok(file)
    });
    let _locked = locked.await.map_err(|error| error.to_string())?.map_err(failed)?;
    let is_current = std::fs::read_to_string(&done).is_ok_and(|kept| kept == pins);
    // an update of the system may have taken away what the folder refers to
    if is_current && probe().await.is_ok() {
        return Ok(());
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    std::fs::create_dir_all(folder).map_err(failed)?;
    install().await?;
    probe().await?;
    std::fs::write(&done, pins).map_err(failed)
}

/// Makes `folder` a Python of its own, with exactly what the file `requirements` names; each of both steps may take as
/// long as `step`.
pub async fn python(folder: &Path, requirements: &Path, step: Duration) -> Result<(), String> {
    run_to_end(Command::new("python3").args(["-m", "venv"]).arg(folder), step).await?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]);
    run_to_end(pip.arg(requirements), step).await.map(drop)
}

/// Runs a program to its end; what it said last where that was a bad end.
pub async fn run_to_end(command: &mut Command, deadline: Duration) -> Result<Output, String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = match tokio::time::timeout(deadline, running).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{program}: {error}")),
        Err(_) => return Err(format!("{program} took more than {deadline:?}")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        // why it failed stands near the end, but not always in the last line
        let last = said[said.len().saturating_sub(5)..].join(" / ");
        return Err(format!("{program} ended with {}: {last}", output.status));
    }
    Ok(output)
}
