//! Clients of other languages. What pika (Python) and amqplib (JavaScript) see of the embedded broker is what
//! they see of RabbitMQ: `tests/foreign/client.py` and `client.cjs` go through the same scenarios and print
//! what came of them, and `expected.jsonl` says what that is.
//!
//! After a change to the scenarios take what RabbitMQ says, and look at the difference:
//! `python3 client.py amqp://guest:guest@127.0.0.1:5672 > expected.jsonl`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use testkit::foreign::{prepared, python, run_to_end};
use tokio::process::Command;

use crate::servers::servers;

/// How long all scenarios of a client may take; they take five seconds on a machine that is not busy.
const RUN: Duration = Duration::from_secs(180);
/// How long one step of the preparation may take.
const STEP: Duration = Duration::from_secs(120);

#[tokio::test]
async fn pika_sees_what_it_sees_of_rabbitmq() {
    Client::Pika.sees_what_is_expected().await;
}

#[tokio::test]
async fn amqplib_sees_what_it_sees_of_rabbitmq() {
    Client::Amqplib.sees_what_is_expected().await;
}

#[derive(Clone, Copy)]
enum Client {
    Pika,
    Amqplib,
}

impl Client {
    async fn sees_what_is_expected(self) {
        let Some(folder) = self.folder_or_skip().await else { return };
        let expected = outcomes(include_str!("../foreign/expected.jsonl"));
        for server in servers().await {
            let mut command = self.interpreter(&folder);
            command.arg(scripts().join(self.script())).arg(&server.url);
            let ran = run_to_end(&mut command, RUN).await;
            let output = ran.unwrap_or_else(|why| panic!("{} on {}: {why}", self.name(), server.name));
            let seen = outcomes(&String::from_utf8_lossy(&output.stdout));
            let mut differences = Vec::new();
            compare("", &expected, &seen, &mut differences);
            let said = String::from_utf8_lossy(&output.stderr);
            let at = format!("{} on {}", self.name(), server.name);
            assert!(differences.is_empty(), "{at}:\n{}\n{said}", differences.join("\n"));
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pika => "pika",
            Self::Amqplib => "amqplib",
        }
    }

    /// The program without which there is nothing to try.
    fn tool(self) -> &'static str {
        match self {
            Self::Pika => "python3",
            Self::Amqplib => "npm",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Pika => "client.py",
            Self::Amqplib => "client.cjs",
        }
    }

    /// What exactly is to be installed.
    fn pins(self) -> &'static str {
        match self {
            Self::Pika => include_str!("../foreign/requirements.txt"),
            Self::Amqplib => include_str!("../foreign/package-lock.json"),
        }
    }

    /// What runs scripts with all that is installed in the folder.
    fn interpreter(self, folder: &Path) -> Command {
        match self {
            Self::Pika => Command::new(folder.join("bin/python")),
            Self::Amqplib => {
                let mut node = Command::new("node");
                node.env("NODE_PATH", folder.join("node_modules"));
                node
            }
        }
    }

    /// A word to the interpreter that succeeds where the library can be used.
    fn probe(self) -> [&'static str; 2] {
        match self {
            Self::Pika => ["-c", "import pika"],
            Self::Amqplib => ["-e", "require('amqplib')"],
        }
    }

    async fn install(self, folder: &Path) -> Result<(), String> {
        match self {
            Self::Pika => {
                python(folder, &scripts().join("requirements.txt"), STEP).await?;
            }
            Self::Amqplib => {
                for file in ["package.json", "package-lock.json", ".npmrc"] {
                    let copied = std::fs::copy(scripts().join(file), folder.join(file));
                    copied.map_err(|error| format!("{file}: {error}"))?;
                }
                let mut npm = Command::new("npm");
                npm.args(["ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]);
                run_to_end(npm.current_dir(folder), STEP).await?;
            }
        }
        Ok(())
    }

    /// The folder with all that the client needs, or a word on what is skipped.
    async fn folder_or_skip(self) -> Option<PathBuf> {
        if testkit::engines_hidden() {
            let missing = format!("{} (hidden by TRADEWIND_NO_ENGINES=1)", self.tool());
            testkit::require_or_skip(self.name(), &missing);
            return None;
        }
        let folder = self.folder().await;
        folder
            .map_err(|why| {
                testkit::require_or_skip(self.name(), &format!("what {} needs ({why})", self.tool()));
            })
            .ok()
    }

    /// The folder, prepared once and kept beside what cargo builds.
    async fn folder(self) -> Result<PathBuf, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name());
        let install = async || self.install(&folder).await;
        let probe = async || run_to_end(self.interpreter(&folder).args(self.probe()), STEP).await.map(drop);
        prepared(&folder, self.pins(), install, probe).await?;
        Ok(folder)
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// What came of each scenario, by its name.
fn outcomes(lines: &str) -> Value {
    let outcome = |line: &str| {
        let mut outcome: Map<String, Value> = serde_json::from_str(line).expect("a line of JSON");
        let name = outcome.remove("scenario").expect("a name");
        (name.as_str().expect("a name").to_owned(), Value::Object(outcome))
    };
    Value::Object(lines.lines().map(outcome).collect())
}

/// Notes each place where these differ.
fn compare(place: &str, expected: &Value, seen: &Value, differences: &mut Vec<String>) {
    match (expected, seen) {
        (Value::Object(should), Value::Object(is)) => {
            let keys: BTreeSet<&String> = should.keys().chain(is.keys()).collect();
            for key in keys {
                let [should, is] = [should, is].map(|all| all.get(key).unwrap_or(&Value::Null));
                compare(&format!("{place}/{key}"), should, is, differences);
            }
        }
        _ if expected != seen => {
            differences.push(format!("{place}\n  should be {expected}\n  but is    {seen}"));
        }
        _ => {}
    }
}
