//! One process of the shop: started in a group of its own, tied to us by its lifeline.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use command_fds::{CommandFdExt, FdMapping};
use rustix::process::{Pid, Signal};
use tokio::process::{Child, ChildStdin, Command};

use super::plan::{Launch, OTLP};
use super::ports::Socket;
use crate::folder::FleetLock;

/// Where passed descriptors begin in the child: at the first descriptor after the three standard ones.
const FIRST_PASSED: i32 = 3;
/// A log that has grown beyond this is put aside when its process next starts.
const LOG_LIMIT: u64 = 10 << 20;

/// How much of a log is looked at for last words.
const LAST_BYTES: u64 = 16 * 1024;
const PANICKED: &str = "panicked at";
const COMPLAINTS: [&str; 3] = [PANICKED, "\"level\":\"ERROR\"", "error: "];

/// Has glibc keep one heap for all threads of a process. Each thread would get one of its own otherwise, of which
/// it uses little, and a process has a thread for each connection to SQLite.
const ONE_HEAP: Option<(&str, &str)> = Some(("MALLOC_ARENA_MAX", "1"));

/// Settings that belong to one process, which a child must not inherit.
/// Nor what may be said to `up` and means something else to a process: `TRADEWIND_OTLP` may be `none`, and in a
/// topology without a registry nobody registers (where there is one, its address is an argument).
const NOT_INHERITED: [&str; 6] =
    ["TRADEWIND_LISTEN", "TRADEWIND_ADVERTISE", "TRADEWIND_HOSTS", "TRADEWIND_REGISTRY", "LISTEN_PID", OTLP];

/// A running process.
pub(super) struct Running {
    child: Child,
    /// Its number, which is also that of its group.
    pub pid: u32,
    // closing it tells the process that we are gone
    _lifeline: Option<ChildStdin>,
}

/// What tells a process apart from others that are launched alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// Its number among those that host the same modules.
    pub instance: u32,
    /// What it does about messages.
    pub messages: Messages,
}

/// Whether a process takes and sends messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Messages {
    /// As soon as it can.
    Flow,
    /// Not before it is told to: another process still does, in another way.
    Held,
}

/// Starts processes of this very executable.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    executable: PathBuf,
    logs: PathBuf,
    lock: Arc<FleetLock>,
}

impl Launcher {
    /// One that writes the processes' logs into `logs`, and has each of them hold `lock`.
    pub fn new(logs: PathBuf, lock: FleetLock) -> io::Result<Self> {
        std::fs::create_dir_all(&logs)?;
        Ok(Self { executable: std::env::current_exe()?, logs, lock: Arc::new(lock) })
    }

    /// Where a process of this name writes its log.
    pub fn log_of(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Starts a process, and hands it `sockets`.
    pub fn start(&self, launch: &Launch, identity: Identity, sockets: &[Arc<Socket>]) -> io::Result<Running> {
        let log = open_log(&self.log_of(&launch.name))?;
        let mut command = Command::new(&self.executable);
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        command
            .args(&launch.arguments)
            .envs(launch.environment.iter().cloned())
            .envs(ONE_HEAP.filter(|(name, _)| std::env::var_os(name).is_none()))
            .env("TRADEWIND_PROCESS", &launch.name)
            .env("TRADEWIND_INSTANCE", identity.instance.to_string())
            .env("TRADEWIND_MESSAGES_HELD", (identity.messages == Messages::Held).to_string())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C at the terminal reaches us alone: we decide who drains when
            .process_group(0)
            .kill_on_drop(true);
        let sockets_passed = sockets.iter().map(|socket| socket.share());
        // last, where it does not look for sockets: it need not know of it to hold it
        let passed = sockets_passed.chain([self.lock.share()]).zip(FIRST_PASSED..);
        let mappings = passed.map(|(parent_fd, child_fd)| Ok(FdMapping { parent_fd: parent_fd?, child_fd }));
        command.fd_mappings(mappings.collect::<io::Result<_>>()?).map_err(io::Error::other)?;
        if sockets.is_empty() {
            command.env_remove("LISTEN_FDS");
        } else {
            command.env("LISTEN_FDS", sockets.len().to_string());
        }
        let mut child = command.spawn()?;
        let lifeline = child.stdin.take();
        let pid = child.id().ok_or_else(|| io::Error::other("it ended before it could be seen"))?;
        Ok(Running { child, pid, _lifeline: lifeline })
    }
}

impl Running {
    /// Waits for its end. May be given up and called again.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends a signal to the process and whatever it started.
    pub fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(group) = group
            && let Err(error) = rustix::process::kill_process_group(group, signal)
        {
            tracing::debug!(pid = self.pid, %error, "process {} could not be signalled: {error}", self.pid);
        }
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|log| log.len() > LOG_LIMIT) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// What a process last complained of, for people who wonder why it does not start.
pub(super) fn last_words(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(end.saturating_sub(LAST_BYTES))).ok()?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    let lines: Vec<_> = tail.lines().filter(|line| !line.trim().is_empty()).collect();
    let complaint = lines.iter().rposition(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
    let line = complaint.map_or_else(|| lines.last().copied(), |at| lines.get(at).copied())?;
    // a panic says on the next line what it was about
    let about = complaint.filter(|_| line.contains(PANICKED)).and_then(|at| lines.get(at + 1)).unwrap_or(&"");
    Some(format!("{} {about}", message_in(line)).trim().to_owned())
}

/// The message of a structured line, or the line.
fn message_in(line: &str) -> String {
    let fields: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let message = fields.as_ref().and_then(|fields| fields["message"].as_str());
    message.unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_too_large_is_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("orders.log");
        std::fs::write(&log, "first\n\n").expect("written");
        open_log(&log).expect("opened");
        assert_eq!(last_words(&log).as_deref(), Some("first"));
        File::options().write(true).open(&log).expect("opened").set_len(LOG_LIMIT + 1).expect("grown");
        open_log(&log).expect("opened");
        assert_eq!(std::fs::metadata(&log).expect("there").len(), 0);
        assert!(folder.path().join("orders.log.1").exists());
    }

    #[test]
    fn last_words_are_the_complaint_and_not_what_follows_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("orders.log");
        let said = |text: &str| {
            std::fs::write(&log, text).expect("written");
            last_words(&log)
        };
        assert_eq!(said(""), None);
        assert_eq!(said("one\ntwo\n\n").as_deref(), Some("two"));
        let panicked =
            "thread 'main' panicked at src/x.rs:5:45:\nOverlapping route\nstack backtrace:\n  0: std\n";
        assert_eq!(
            said(panicked).as_deref(),
            Some("thread 'main' panicked at src/x.rs:5:45: Overlapping route")
        );
        let structured = "{\"level\":\"ERROR\",\"message\":\"no database\"}\n{\"level\":\"INFO\",\"message\":\"stopped\"}\n";
        assert_eq!(said(structured).as_deref(), Some("no database"));
    }
}
