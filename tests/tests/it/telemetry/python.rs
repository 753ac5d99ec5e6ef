//! What other people have written: an SDK with its exporters, and a collector. Fetched once, into a folder beside what
//! cargo builds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// How long one step of the preparation may take.
const STEP: Duration = Duration::from_secs(180);
/// How long a script may take; it takes a second on a machine that is not busy.
const RUN: Duration = Duration::from_secs(60);
/// What exactly is to be installed: `pip-compile --generate-hashes` makes it of the three packages that are named in
/// `PROBE`.
const PINS: &str = include_str!("foreign/requirements.txt");
/// Succeeds where all of it can be used.
const PROBE: &str = "import rotel
import opentelemetry.sdk
import opentelemetry.exporter.otlp.proto.grpc.trace_exporter
import opentelemetry.exporter.otlp.proto.http.trace_exporter";

/// A Python with all of it.
pub struct Python(PathBuf);

impl Python {
    /// The one of this machine, or a word on what is skipped.
    pub async fn or_skip() -> Option<Self> {
        if testkit::engines_hidden() {
            testkit::require_or_skip(
                "OpenTelemetry for Python",
                "python3 (hidden by TRADEWIND_NO_ENGINES=1)",
            );
            return None;
        }
        let prepared = Self::prepared().await;
        prepared
            .map_err(|why| {
                testkit::require_or_skip("OpenTelemetry for Python", &format!("what pip needs ({why})"));
            })
            .ok()
    }

    async fn prepared() -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("opentelemetry");
        let [lock, done] = ["lock", "done"].map(|what| folder.with_extension(what));
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        // the other tests may be about to do the same, and in other processes, too
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::create(lock)?;
            file.lock()?;
            std::io::Result::Ok(file)
        });
        let _locked = locked.await.map_err(|error| error.to_string())?.map_err(failed)?;
        let python = Self(folder.clone());
        let is_current = std::fs::read_to_string(&done).is_ok_and(|pins| pins == PINS);
        // an update of the system may have taken away what the folder refers to
        if is_current && python.probe().await.is_ok() {
            return Ok(python);
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(failed)?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), STEP).await?;
        let mut pip = python.command();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
        pip.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]);
        run(pip.arg(scripts().join("requirements.txt")), STEP).await?;
        python.probe().await?;
        std::fs::write(&done, PINS).map_err(failed)?;
        Ok(python)
    }

    async fn probe(&self) -> Result<(), String> {
        run(self.command().args(["-c", PROBE]), STEP).await.map(drop)
    }

    fn command(&self) -> Command {
        Command::new(self.0.join("bin/python"))
    }

    /// Runs one of our scripts; what it printed.
    pub async fn run(&self, script: &str, arguments: &[&str]) -> String {
        let ran = run(self.command().arg(scripts().join(script)).args(arguments), RUN).await;
        let output = ran.unwrap_or_else(|why| panic!("{script}: {why}"));
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(complaints.trim().is_empty(), "{script} complains: {complaints}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The collector's program.
    pub async fn rotel(&self) -> PathBuf {
        let asked = run(self.command().args(["-c", "import rotel; print(rotel.__path__[0])"]), STEP).await;
        let output = asked.unwrap_or_else(|why| panic!("where rotel is: {why}"));
        Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("rotel-agent")
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/telemetry/foreign")
}

/// Runs a program to its end; what it said last where that was a bad end.
async fn run(command: &mut Command, deadline: Duration) -> Result<Output, String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    // a collector that the machine's owner uses is none of ours
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"OTEL_")) {
        command.env_remove(name);
    }
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
