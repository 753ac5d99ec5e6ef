//! What the exit codes mean. The higher ones are those of sysexits.h, as far as it has them.

use std::path::PathBuf;
use std::process::ExitCode;

use chassis::process::EndSignal;

use crate::text;
use crate::up::holder::Holder;

/// Something that was asked for did not come about: an order was not confirmed, a wire not taken over.
pub const FAILED: u8 = 1;
/// The arguments or the configuration are not valid, or do not fit the shop.
pub const USAGE: u8 = 64;
/// A port is taken.
pub const PORT_TAKEN: u8 = 65;
/// The data folder is in use.
pub const FOLDER_IN_USE: u8 = 66;
/// No shop is running on the data folder, or it does not answer where it should be.
pub const NOT_RUNNING: u8 = 69;
/// Stopped at once by Ctrl-C: 128 and the signal's number, as shells have it.
pub const INTERRUPTED: u8 = 130;
/// The same by SIGTERM.
pub const TERMINATED: u8 = 143;

/// The codes as `--help` tells them.
pub const HELP: &str = "\
Exit codes:
  0    done; for orders: every one confirmed
  1    failed: an order was not confirmed, a wire not taken over, a process did not start or is not ready
  64   the arguments or the configuration are not valid, or do not fit the shop
  65   a port is taken
  66   the data folder is in use by another shop
  69   no shop is running on the data folder, or it does not answer where it should be
  130  stopped at once by Ctrl-C; `up`: by a second one
  143  stopped at once by SIGTERM";

/// An end with a code of its own. Every other error ends with [`FAILED`].
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// The arguments make no sense together, or name what is not there.
    #[error("{0}")]
    Usage(String),
    /// A port is taken.
    #[error("port {port} for the {role} is taken by {holder}\n{remedy}")]
    PortTaken {
        /// Which.
        port: u16,
        /// What it was wanted for.
        role: &'static str,
        /// Who has it.
        holder: Holder,
        /// What to do.
        remedy: String,
    },
    /// The data folder is in use.
    #[error("the data folder {} is in use by a shop that runs as process {pid}\nstop it with `tradewind down --data {}`, or choose another folder with --data", folder.display(), folder.display())]
    FolderInUse {
        /// Which.
        folder: PathBuf,
        /// By whom.
        pid: String,
    },
    /// The shop before on the folder was killed, and something of it goes on.
    #[error(
        "processes of the shop that was last on {folder} do not end, and use its databases: \
         `pgrep -af -- '--data {folder}'` names them; end them and try again",
        folder = folder.display()
    )]
    FleetLeft {
        /// Which.
        folder: PathBuf,
    },
    /// There is no shop to talk to.
    #[error("{0}")]
    NotRunning(String),
    /// There is a shop, and nobody to tell what it shall do.
    #[error(
        "nobody supervises the shop at {gateway}: `up` did not start it, so nobody is there who could stop, start or \
         move its processes, or who knows its topology\n\
         in containers: `docker compose stop NAME`, `docker compose start NAME`, `docker compose down`\n\
         in Kubernetes: `kubectl scale deployment NAME --replicas=0`; `tradewind status` shows what runs"
    )]
    Unsupervised {
        /// Where its gateway is.
        gateway: String,
    },
    /// The command has said already what failed.
    #[error("failed")]
    Said,
    /// A second Ctrl-C.
    #[error("stopped at once: nothing was drained")]
    Interrupted,
    /// A command was told to end before it was done.
    #[error("told to end before it was done")]
    ToldToEnd(EndSignal),
}

impl Ending {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Unsupervised { .. } => USAGE,
            Self::PortTaken { .. } => PORT_TAKEN,
            Self::FolderInUse { .. } | Self::FleetLeft { .. } => FOLDER_IN_USE,
            Self::NotRunning(_) => NOT_RUNNING,
            Self::Said => FAILED,
            Self::Interrupted | Self::ToldToEnd(EndSignal::Interrupt) => INTERRUPTED,
            Self::ToldToEnd(EndSignal::Terminate) => TERMINATED,
        }
    }
}

/// Says what went wrong, unless that was said already or is no news to whoever told the command to end, and gives the
/// code for it.
pub fn code_of(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let ending = error.downcast_ref::<Ending>();
    if !matches!(ending, Some(Ending::Said | Ending::ToldToEnd(_))) {
        text::tell(format_args!("error: {}", chain(&error)));
    }
    ending.map_or(FAILED, Ending::code).into()
}

/// An error with what caused it. Some errors repeat their cause in their own words: it is said once.
fn chain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error =
            anyhow::anyhow!("no such file").context("it cannot be read: no such file").context("starting");
        assert_eq!(chain(&error), "starting: it cannot be read: no such file");
    }

    #[test]
    fn every_code_is_told_in_the_help() {
        for code in [FAILED, USAGE, PORT_TAKEN, FOLDER_IN_USE, NOT_RUNNING, INTERRUPTED, TERMINATED] {
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{code} "))), "{code}");
        }
    }
}
