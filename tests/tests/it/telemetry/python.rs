//! What other people have written: an SDK with its exporters, and a collector. Fetched once, into a folder beside what
//! cargo builds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::foreign::{self, prepared, run_to_end};
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
        let python = Self(folder.clone());
        let install = async || foreign::python(&folder, &scripts().join("requirements.txt"), STEP).await;
        prepared(&folder, PINS, install, async || python.probe().await).await?;
        Ok(python)
    }

    async fn probe(&self) -> Result<(), String> {
        run_to_end(self.command().args(["-c", PROBE]), STEP).await.map(drop)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.0.join("bin/python"));
        // a collector that the machine's owner uses is none of ours
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"OTEL_"))
        {
            command.env_remove(name);
        }
        command
    }

    /// Runs one of our scripts; what it printed.
    pub async fn run(&self, script: &str, arguments: &[&str]) -> String {
        let ran = run_to_end(self.command().arg(scripts().join(script)).args(arguments), RUN).await;
        let output = ran.unwrap_or_else(|why| panic!("{script}: {why}"));
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(complaints.trim().is_empty(), "{script} complains: {complaints}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The collector's program.
    pub async fn rotel(&self) -> PathBuf {
        let asked =
            run_to_end(self.command().args(["-c", "import rotel; print(rotel.__path__[0])"]), STEP).await;
        let output = asked.unwrap_or_else(|why| panic!("where rotel is: {why}"));
        Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("rotel-agent")
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/telemetry/foreign")
}
