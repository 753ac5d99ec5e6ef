//! Fresh, empty databases, one of each engine.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::engine::{Engine, engines_hidden, free_port, require_or_skip, unique};

/// A database of its own for one test.
pub struct Database {
    /// `sqlite` or `postgres`.
    pub name: &'static str,
    /// Where it is, as `chassis::store::StoreUrl` reads it.
    pub url: String,
    // removed with the database
    _folder: Option<tempfile::TempDir>,
}

/// One fresh database of each engine: SQLite always, PostgreSQL where it can be had. A test runs its
/// body once for each.
pub async fn databases() -> Vec<Database> {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("{module}.db").display());
    let mut all = vec![Database { name: "sqlite", url, _folder: Some(folder) }];
    // starting the server blocks for a second or two, once in a process
    let server = tokio::task::spawn_blocking(postgres).await.expect("the server's start does not panic");
    if let Some(server) = server {
        all.push(Database { name: "postgres", url: format!("{server}/test_{}", unique()), _folder: None });
    }
    all
}

/// The address of a PostgreSQL server: the one that `TRADEWIND_TEST_POSTGRES` names, or one of this
/// process' own.
fn postgres() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Option<Engine>)>> = OnceLock::new();
    if engines_hidden() {
        require_or_skip("PostgreSQL", "initdb (hidden by TRADEWIND_NO_ENGINES=1)");
        return None;
    }
    let server = SERVER.get_or_init(|| match std::env::var("TRADEWIND_TEST_POSTGRES") {
        Ok(url) => Some((url.trim_end_matches('/').to_owned(), None)),
        Err(_) => start(),
    });
    server.as_ref().map(|(url, _)| url.as_str())
}

fn start() -> Option<(String, Option<Engine>)> {
    let Some(programs) = programs() else {
        require_or_skip("PostgreSQL", "initdb");
        return None;
    };
    let port = free_port().to_string();
    let scratch = std::env::temp_dir().join(format!("tradewind-pg-{}", unique()));
    let script = r#"
        scratch="$SCRATCH"
        mkdir -p "$scratch" && chmod 700 "$scratch" || exit 1
        "$BIN/initdb" -D "$scratch/data" -U tradewind -A trust -E UTF8 --locale=C --no-sync >/dev/null || exit 1
        "$BIN/postgres" -D "$scratch/data" -p "$PORT" -k "$scratch" -c listen_addresses=127.0.0.1 \
            -c fsync=off -c max_connections=300 >"$scratch/log" 2>&1 </dev/null &
        pid=$!"#;
    let (bin, folder) = (programs.display().to_string(), scratch.display().to_string());
    let variables = [("SCRATCH", folder.as_str()), ("BIN", bin.as_str()), ("PORT", port.as_str())];
    let mut engine = Engine::start(script, Some("postgres"), &variables).expect("a shell");
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let ready = Command::new(programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port])
            .status()
            .is_ok_and(|status| status.success());
        if ready {
            return Some((format!("postgres://tradewind@127.0.0.1:{port}"), Some(engine)));
        }
        assert!(engine.is_running(), "PostgreSQL did not start; see its log in {folder}");
        assert!(Instant::now() < until, "PostgreSQL was not ready within a minute");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// The folder with the server's programs: the newest that Debian has, or that of the search path.
fn programs() -> Option<PathBuf> {
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let search = std::env::var_os("PATH").unwrap_or_default();
    debian.into_iter().rev().chain(std::env::split_paths(&search)).find(|folder| {
        folder.join("initdb").is_file()
            && folder.join("pg_isready").is_file()
            && folder.join("postgres").is_file()
    })
}
