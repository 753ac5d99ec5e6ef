//! The data folder: everything that a shop keeps, and how commands and the running shop find each other.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::time::Instant as Moment;

use crate::exit::Ending;

/// How long a lock that is taken may be taken by somebody who only looks ([`Folder::in_use`]).
const LOOKERS_PATIENCE: Duration = Duration::from_millis(200);
const TRY_AGAIN: Duration = Duration::from_millis(5);
/// Longer than the processes of a supervisor that was killed may take to end ([`crate::lifeline`]).
const LAST_FLEET_IS_GONE_WITHIN: Duration = Duration::from_secs(6);

/// The data folder of one shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// Held as long as a shop uses its folder. The system lets go of it when the process ends, however it
/// ends.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "held, never read")] File);

/// Held by a supervisor and, through a descriptor that it hands on, by every process that it starts. So it is free
/// when the last of them has ended, even where the supervisor was killed before.
#[derive(Debug)]
pub struct FleetLock(File);

impl FleetLock {
    /// A descriptor for a process of the fleet.
    pub fn share(&self) -> io::Result<OwnedFd> {
        Ok(self.0.try_clone()?.into())
    }
}

/// How the last shop on a folder ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastEnd {
    /// It drained, or there was none.
    Orderly,
    /// It was killed, and so were its processes.
    Sudden,
}

/// What a running shop tells about itself: `up.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpFile {
    /// The supervisor's process.
    pub pid: u32,
    /// The supervisor's control API.
    pub control: String,
    /// Where the shop is.
    pub addresses: Addresses,
}

/// The known addresses of a shop, as URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The public door.
    pub gateway: String,
    /// Consul's HTTP API.
    pub registry: String,
    /// The config server.
    pub config_server: String,
    /// The simulated card network.
    pub card_network: String,
    /// The message broker: with the password that everybody knows where it is the embedded one, without the
    /// password where it is another.
    pub broker: String,
    /// The HTTP API of the embedded broker; nothing where the shop uses another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_http: Option<String>,
    /// The observatory's pages, and Jaeger's query API; nothing where none runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observatory: Option<String>,
    /// Where traces and metrics are sent, without anything secret; nothing where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otlp: Option<String>,
}

impl Folder {
    /// The folder at `path`, which need not be there.
    pub fn at(path: &Path) -> anyhow::Result<Self> {
        let absolute =
            std::path::absolute(path).with_context(|| format!("the path {} is of no use", path.display()))?;
        Ok(Self(absolute))
    }

    /// The same folder, which is there from now on.
    pub fn made(self) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&self.0)
            .with_context(|| format!("the data folder {} cannot be made", self.0.display()))?;
        Ok(self)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where each process writes its log.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Where the built-in configuration files are laid out.
    pub fn config_files(&self) -> PathBuf {
        self.0.join("config-files")
    }

    /// The file with the operator token.
    pub fn token_file(&self) -> PathBuf {
        self.0.join("operator-token")
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("up.lock")
    }

    fn up_file(&self) -> PathBuf {
        self.0.join("up.json")
    }

    /// Takes the folder for this process, or says which one has it.
    pub fn lock(&self) -> anyhow::Result<FolderLock> {
        let path = self.lock_file();
        let in_context = || format!("the lock file {} cannot be used", path.display());
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(in_context)?;
        match try_lock_patiently(&file) {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.rewind()).with_context(in_context)?;
                writeln!(file, "{}", std::process::id()).with_context(in_context)?;
                Ok(FolderLock(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).with_context(in_context)?;
                Err(Ending::FolderInUse { folder: self.0.clone(), pid: pid.trim().to_owned() }.into())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(in_context),
        }
    }

    /// Takes the databases and ports of the folder for a new fleet. Waits for what is left of the one before: a
    /// supervisor that was killed leaves processes behind, which finish what they have begun.
    pub async fn lock_for_fleet(&self) -> anyhow::Result<FleetLock> {
        let path = self.0.join("fleet.lock");
        let in_context = || format!("the lock file {} cannot be used", path.display());
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(&path).with_context(in_context)?;
        let until = Moment::now() + LAST_FLEET_IS_GONE_WITHIN;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(FleetLock(file)),
                Err(TryLockError::WouldBlock) if Moment::now() < until => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Ending::FleetLeft { folder: self.0.clone() }.into());
                }
                Err(TryLockError::Error(error)) => return Err(error).with_context(in_context),
            }
        }
    }

    /// Whether a shop uses the folder at this moment. Those who look do not stand in each other's way.
    pub fn in_use(&self) -> bool {
        let Ok(file) = File::open(self.lock_file()) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// The operator token, which is made at the first start.
    pub fn operator_token(&self) -> anyhow::Result<String> {
        let path = self.token_file();
        match std::fs::read_to_string(&path) {
            Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("the operator token {} cannot be read", path.display()));
            }
            _ => {}
        }
        let token: String = rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
        replace(&path, token.as_bytes())
            .with_context(|| format!("the operator token {} cannot be written", path.display()))?;
        Ok(token)
    }

    /// The running shop.
    pub fn running(&self) -> anyhow::Result<UpFile> {
        let nothing = || {
            Ending::NotRunning(format!(
                "no shop is running on {}: start one with `tradewind up`, or name its folder with --data; one that \
                 `up` does not run is found by its --gateway",
                self.0.display()
            ))
        };
        if !self.in_use() {
            return Err(nothing().into());
        }
        match std::fs::read(self.up_file()) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} cannot be read", self.up_file().display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Ending::NotRunning(format!(
                "the shop on {} has only just begun to start, or is about to end",
                self.0.display()
            ))
            .into()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", self.up_file().display())),
        }
    }

    /// Tells the commands about the running shop.
    pub fn announce(&self, up: &UpFile) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(up).context("up.json")?;
        replace(&self.up_file(), &text)
            .with_context(|| format!("{} cannot be written", self.up_file().display()))
    }

    /// Where it is written how the shop is arranged.
    pub fn arrangement_file(&self) -> PathBuf {
        self.0.join("arrangement.json")
    }

    /// Writes that, as a whole.
    pub fn write_arrangement(&self, text: &[u8]) -> anyhow::Result<()> {
        let path = self.arrangement_file();
        replace(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Whether modules have kept anything here.
    pub fn has_books(&self) -> bool {
        self.0.join("db").exists()
    }

    /// How the shop before ended, as far as it left a trace: one that drains takes back what it announced.
    pub fn last_end(&self) -> LastEnd {
        if self.up_file().exists() { LastEnd::Sudden } else { LastEnd::Orderly }
    }

    /// Takes that back.
    pub fn retract(&self) {
        let _ = std::fs::remove_file(self.up_file());
    }
}

/// Takes the lock, unless somebody keeps it for longer than a look takes.
fn try_lock_patiently(file: &File) -> Result<(), TryLockError> {
    let until = Instant::now() + LOOKERS_PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::park_timeout(TRY_AGAIN),
            outcome => return outcome,
        }
    }
}

/// Writes a file that only its owner reads, as a whole: a crash leaves the old content or the new.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(&home.path().join("shop")).expect("a path").made().expect("made");
        (home, folder)
    }

    #[test]
    fn a_folder_has_one_user_at_a_time_and_names_it() {
        let (_home, folder) = folder();
        assert!(!folder.in_use());
        let lock = folder.lock().expect("free");
        assert!(folder.in_use());
        let refused = folder.lock().expect_err("in use");
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        assert!(matches!(refused.downcast_ref(), Some(Ending::FolderInUse { .. })));
        drop(lock);
        folder.lock().expect("free again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_fleet_waits_for_the_last_process_of_the_one_before() {
        let (_home, folder) = folder();
        let before = folder.lock_for_fleet().await.expect("free");
        let of_a_process = before.share().expect("a descriptor");
        drop(before);
        let refused = folder.lock_for_fleet().await.expect_err("a process is left");
        assert!(matches!(refused.downcast_ref(), Some(Ending::FleetLeft { .. })), "{refused}");
        drop(of_a_process);
        folder.lock_for_fleet().await.expect("free again");
    }

    #[test]
    fn looking_whether_a_folder_is_in_use_keeps_nobody_out() {
        let (_home, folder) = folder();
        let done = AtomicBool::new(false);
        let locked = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    folder.in_use();
                }
            });
            let locked = (0..50).try_for_each(|_| folder.lock().map(drop));
            done.store(true, Ordering::Relaxed);
            locked
        });
        locked.expect("nobody uses it");
    }

    #[test]
    fn the_token_is_made_once_and_is_for_the_owner_alone() {
        let (_home, folder) = folder();
        let token = folder.operator_token().expect("made");
        assert_eq!(token.len(), 64);
        assert_eq!(folder.operator_token().expect("read"), token);
        let mode = std::fs::metadata(folder.token_file()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_a_dead_shop_announced_is_not_a_running_shop() {
        let (_home, folder) = folder();
        let addresses = Addresses {
            gateway: "http://127.0.0.1:1".into(),
            registry: "http://127.0.0.1:2".into(),
            config_server: "http://127.0.0.1:3".into(),
            card_network: "http://127.0.0.1:4".into(),
            broker: "amqp://guest:guest@127.0.0.1:6".into(),
            broker_http: None,
            observatory: Some("http://127.0.0.1:7".into()),
            otlp: Some("http://127.0.0.1:8".into()),
        };
        let up = UpFile { pid: 1, control: "http://127.0.0.1:5".into(), addresses };
        folder.announce(&up).expect("written");
        let refused = folder.running().expect_err("nobody holds the lock");
        assert!(matches!(refused.downcast_ref(), Some(Ending::NotRunning(_))));
        let _lock = folder.lock().expect("free");
        assert_eq!(folder.running().expect("held"), up);
    }

    #[test]
    fn what_a_shop_announced_before_there_was_an_observatory_is_read() {
        let before = r#"{ "pid": 1, "control": "http://127.0.0.1:5", "addresses": { "gateway": "", "registry": "",
            "config_server": "", "card_network": "", "broker": "" } }"#;
        let up: UpFile = serde_json::from_str(before).expect("it is read");
        assert_eq!((up.addresses.observatory, up.addresses.otlp), (None, None));
    }
}
