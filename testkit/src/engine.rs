//! A real engine, started by a test for itself, that cannot outlive it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

/// What the guarding shell does once the engine runs: what it is told, until the pipe closes.
const GUARD: &str = r#"
while read -r order; do
    case "$order" in
        kill) [ -n "$pid" ] && kill -KILL $pid && wait $pid; pid= ;;
        start) run_engine ;;
        *) break ;;
    esac
    echo done
done
[ -n "$pid" ] && kill -"${stop:-INT}" $pid 2>/dev/null
[ -n "$pid" ] && wait $pid 2>/dev/null
[ -n "$scratch" ] && rm -rf "$scratch"
"#;

/// A running engine. It ends when this is dropped, and also when the test's process dies by whatever
/// means: the shell that guards it reads from a pipe of ours, and ends it when the pipe closes.
pub struct Engine {
    guard: Child,
    answers: BufReader<ChildStdout>,
}

impl Engine {
    /// Runs `script` in a shell until this value or this process is gone. The script starts the engine
    /// in the background and sets `pid`; what is to be removed afterwards it names in `scratch`.
    /// What it sets besides: `stop`, the signal that ends the engine (`INT` unless it says otherwise),
    /// and for an engine that is to be started again after a [`Self::kill`], `run_engine`, a function
    /// that starts it and sets `pid`. It writes nothing to its standard output.
    /// `user` is who runs it when the test runs as root, for engines that refuse root.
    pub fn start(script: &str, user: Option<&str>, variables: &[(&str, &str)]) -> std::io::Result<Self> {
        let guarded = format!("{script}\n{GUARD}");
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
        let mut guard = command
            .envs(variables.iter().copied())
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let answers = guard.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(Self { guard, answers: BufReader::new(answers) })
    }

    /// Ends the engine as `kill -9` does; the scratch folder stays. Blocks until it is gone.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.order("kill")
    }

    /// Starts the engine again after [`Self::kill`], by the script's `run_engine`.
    pub fn start_again(&mut self) -> std::io::Result<()> {
        self.order("start")
    }

    fn order(&mut self, order: &str) -> std::io::Result<()> {
        let pipe = self.guard.stdin.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        writeln!(pipe, "{order}")?;
        match self.answers.read_line(&mut String::new())? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
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

/// A port as [`lasting_ports`] finds them.
pub fn lasting_port() -> u16 {
    let [port] = lasting_ports();
    port
}

/// `N` ports that were free a moment ago, and that nothing takes while their server is down.
///
/// They lie below the ports that the system gives to outgoing connections. A client that keeps dialling
/// a dead server on one of those connects to itself in the end, and the server cannot come back.
pub(crate) fn lasting_ports<const N: usize>() -> [u16; N] {
    // held until all are found: no port comes twice
    let mut held = Vec::with_capacity(N);
    let mut tries = 0;
    while held.len() < N {
        tries += 1;
        assert!(tries < 1000, "no free port between 16384 and 32767");
        let port = 16384 + u16::from_be_bytes(random::<2>()) % 16384;
        held.extend(TcpListener::bind(("127.0.0.1", port)));
    }
    std::array::from_fn(|at| held[at].local_addr().expect("its address").port())
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
    random::<8>().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    // /dev/urandom is on every system that these tests run on
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("random bytes");
    bytes
}
