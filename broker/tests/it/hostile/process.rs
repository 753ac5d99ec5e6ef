//! An embedded broker as a process of its own: its memory is its own, and so are its last words.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::bytes;
use super::raw::Raw;

/// A broker's process. It ends when dropped.
pub struct Process {
    child: Child,
    pub url: String,
    folder: tempfile::TempDir,
}

impl Process {
    /// Returns when it takes connections.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = testkit::free_port();
        let said = File::create(folder.path().join("said")).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_broker"))
            .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("a file"))
            .stderr(said)
            .spawn()
            .expect("the broker starts");
        let process = Self { child, url: format!("amqp://guest:guest@127.0.0.1:{port}"), folder };
        testkit::eventually("the broker to listen", Duration::from_secs(20), || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        let mut raw = Raw::open(&process.url).await;
        raw.send(bytes::close()).await;
        raw.expect(bytes::CLOSE_OK).await;
        process
    }

    /// The most memory that it ever had, in bytes; none where the system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(1024 * peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number"))
    }

    /// Expects that it runs, and that nothing in it has panicked.
    pub fn is_well(&mut self) {
        let said = std::fs::read_to_string(self.said()).expect("what it said");
        let ended = self.child.try_wait().expect("a child of ours");
        assert!(ended.is_none() && !said.contains("panicked"), "{ended:?}:\n{said}");
    }

    fn said(&self) -> PathBuf {
        self.folder.path().join("said")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // it may be dead already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
