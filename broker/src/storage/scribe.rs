//! The one thread that writes to disk: everything that waits is written in one go and synced once (group
//! commit), and then everybody who waits for it is told. Files are deleted here, too: what stood in one may
//! stand elsewhere now, and must be on disk there first.
//!
//! - [`file`]: what is written to
//! - [`thread`]: what the thread does

mod file;
mod thread;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use self::thread::{Beginning, End, Shared};

pub use self::file::AppendFile;

/// How far writing has got. Tickets grow with every write; one that is reached is on disk, and so is
/// everything before it.
pub type Ticket = u64;

/// What the disk must do before a write counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is in the file: it survives the end of this process, not a power cut.
    Written,
    /// It is synced (fdatasync): it survives a power cut.
    Synced,
}

/// How the disk is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It takes what it is given.
    Well,
    /// It refuses at the moment, for this reason; what waits is kept and tried again.
    Refusing(String),
    /// What it holds is not known any more, for this reason. Nothing is written from here on.
    Broken(String),
}

/// Gives the thread its work. Cheap to clone; the thread ends, all written, when the last clone is gone.
#[derive(Clone)]
pub struct Scribe(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    reached: watch::Receiver<Ticket>,
    condition: watch::Receiver<Condition>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Scribe {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (reached, reaching) = watch::channel(0);
        let (condition, conditions) = watch::channel(Condition::Well);
        let work = shared.clone();
        let thread = std::thread::Builder::new()
            .name("broker-scribe".to_owned())
            .spawn(move || work.run(&reached, &condition))?;
        let thread = Mutex::new(Some(thread));
        Ok(Self(Arc::new(Handle { shared, reached: reaching, condition: conditions, thread })))
    }

    /// Puts bytes at the end of a file, in the order of the calls; returns where they will stand there, and
    /// the ticket that says when. `fill` may only append to the buffer that it is given.
    pub fn write(
        &self,
        file: &Arc<AppendFile>,
        durability: Durability,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> (u64, Ticket) {
        self.0.shared.put(file, durability, None, fill)
    }

    /// Puts the first bytes into a new file. Its folder is synced with it, and nothing is written into it
    /// before everything in `after` is synced: where there is something in the new file, the old one is whole.
    pub fn begin(
        &self,
        file: &Arc<AppendFile>,
        after: Option<&Arc<AppendFile>>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) {
        self.0.shared.put(file, Durability::Synced, Some(Beginning { after: after.cloned() }), fill);
    }

    /// Deletes a file, or a folder with all that is in it, once everything that was given before is written
    /// (and synced, as far as it asks for that). They go one by one, in the order of the calls, each for good
    /// before the next.
    pub fn remove(&self, path: PathBuf) {
        self.0.shared.remove(path);
    }

    /// The ticket of everything that was given so far.
    pub fn given(&self) -> Ticket {
        self.0.shared.given()
    }

    /// How many bytes wait to be written; those that are being written are not counted.
    pub fn backlog(&self) -> usize {
        self.0.shared.backlog()
    }

    /// The last ticket that was reached.
    pub fn reached(&self) -> Ticket {
        *self.0.reached.borrow()
    }

    /// The same, to be watched.
    pub fn watch(&self) -> watch::Receiver<Ticket> {
        self.0.reached.clone()
    }

    /// Waits for a ticket; for ever when the disk is broken.
    pub async fn until(&self, ticket: Ticket) {
        if self.0.reached.clone().wait_for(|reached| *reached >= ticket).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// How the disk is doing, to be watched.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.0.condition.clone()
    }

    /// Writes what waits, and ends the thread; what the disk refuses is tried once more and given up. Blocks.
    pub fn finish(&self) {
        self.0.end(End::Finished);
    }

    /// Ends the thread at once, as a crash would: what waits is lost. Blocks while a write is under way.
    pub fn abandon(&self) {
        self.0.end(End::Abandoned);
    }
}

impl Handle {
    fn end(&self, how: End) {
        self.shared.end(how);
        if let Some(thread) = self.thread.lock().take() {
            // it cannot panic: nothing in it can
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end(End::Finished);
    }
}
