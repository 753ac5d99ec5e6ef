//! A real engine, started by a test for itself, that cannot outlive it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// A running engine. It ends when this is dropped, and also when the test's process dies by whatever
/// means: the shell that guards it reads from a pipe of ours, and ends it when the pipe closes.
pub struct Engine {
    guard: Child,
}

impl Engine {
    /// Runs `script` in a shell until this value or this process is gone. The script starts the engine
    /// in the background and sets `pid`; what is to be removed afterwards it names in `scratch`.
    /// `user` is who runs it when the test runs as root, for engines that refuse root.
    pub fn start(script: &str, user: Option<&str>, variables: &[(&str, &str)]) -> std::io::Result<Self> {
        let guarded = format!(
            "{script}\nread -r _ || true\nkill -INT $pid 2>/dev/null\nwait $pid 2>/dev/null\n[ -n \"$scratch\" ] && rm -rf \"$scratch\"\n"
        );
        let root = rustix::process::geteuid().is_root();
        let mut command = match user.filter(|_| root) {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", user, "--init-groups", "sh", "-c", &guarded]);
                command
            }
            None => {
                let mut command = Command::new("sh");
                command.args(["-c", &guarded]);
                command
            }
        };
        // a group of its own: Ctrl-C at the test must reach the guard through its pipe, in order
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let guard = command
            .envs(variables.iter().copied())
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { guard })
    }

    /// Whether its guard still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.guard.stdin.take() {
            // a closed pipe only means that the guard is gone already
            let _ = pipe.write_all(b"\n");
        }
        let _ = self.guard.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Says that tests on `engine` are skipped because `missing` is not on this machine; panics where
/// engines are required.
pub fn require_or_skip(engine: &str, missing: &str) {
    let message = format!("SKIPPED on {engine}: {missing} is not on this machine");
    assert!(
        std::env::var("TRADEWIND_REQUIRE_ENGINES").as_deref() != Ok("1"),
        "{message}, and TRADEWIND_REQUIRE_ENGINES=1"
    );
    eprintln!("{message}");
}

/// Whether tests shall run as on a machine that has none of the engines: `TRADEWIND_NO_ENGINES=1`.
pub fn engines_hidden() -> bool {
    std::env::var("TRADEWIND_NO_ENGINES").as_deref() == Ok("1")
}

/// A random name that no other test uses.
pub(crate) fn unique() -> String {
    let mut bytes = [0u8; 8];
    // /dev/urandom is on every system that these tests run on
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
