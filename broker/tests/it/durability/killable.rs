//! The embedded broker as a process that is killed and started again, on the same folder and port.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lapin::{Connection, ConnectionProperties};
use tempfile::TempDir;

/// A broker's process. It ends when dropped.
pub struct Killable {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Killable {
    /// Returns when it takes connections.
    pub async fn start() -> Self {
        let (folder, port) = (crate::embedded::folder(), testkit::lasting_port());
        let broker = Self { process: spawn(&folder, port), port, folder };
        broker.connect().await;
        broker
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it has ended");
    }

    /// Starts it again; returns when it takes connections.
    pub async fn restart(&mut self) {
        self.process = spawn(&self.folder, self.port);
        self.connect().await;
    }

    /// A connection.
    pub async fn connect(&self) -> Connection {
        let url = format!("amqp://guest:guest@127.0.0.1:{}", self.port);
        testkit::eventually("the broker", Duration::from_secs(30), async || {
            Connection::connect(&url, ConnectionProperties::default()).await.ok()
        })
        .await
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        // it may have ended already
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &TempDir, port: u16) -> Child {
    Command::new(env!("CARGO_BIN_EXE_broker"))
        .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.path().join("broker"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the broker starts")
}
