//! Who holds a port: Linux tells, by the table of sockets and each process's open files.

use std::fmt;

/// What stands in the command of every process that a supervisor started.
pub(super) const LIFELINE: &str = "--lifeline";

/// Who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A process that may be looked at.
    Process {
        /// Its number.
        pid: u32,
        /// How it was started.
        command: String,
    },
    /// Somebody, and why we do not know who.
    Unknown(&'static str),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, command } => write!(f, "process {pid}: {command}"),
            Self::Unknown(why) => write!(f, "another process ({why})"),
        }
    }
}

/// Who listens on `port`.
pub fn of(port: u16) -> Holder {
    imp::of(port)
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::Holder;

    pub(super) fn of(_port: u16) -> Holder {
        Holder::Unknown("this system does not tell which; `lsof -i` may")
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;

    use super::{Holder, LIFELINE};

    /// `TCP_LISTEN` as /proc/net/tcp writes it.
    const LISTENING: &str = "0A";

    pub(super) fn of(port: u16) -> Holder {
        let tables =
            ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
        let sockets: Vec<String> = tables
            .iter()
            .flat_map(|table| listening_inodes(table, port))
            .map(|inode| format!("socket:[{inode}]"))
            .collect();
        if sockets.is_empty() {
            return Holder::Unknown("it is gone by now, or lives in another network namespace");
        }
        let processes = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let holders = processes.filter(|pid| holds_any(*pid, &sockets));
        let mut holders: Vec<_> = holders.map(|pid| (pid, command_of(pid))).collect();
        // a supervisor shares its sockets with its children, and is the one to name
        holders.sort_by_key(|(pid, command)| (command.contains(LIFELINE), *pid));
        match holders.into_iter().next() {
            Some((pid, command)) => Holder::Process { pid, command },
            None => Holder::Unknown("it belongs to another user, whose processes may not be looked into"),
        }
    }

    /// The inodes of the sockets that listen on `port`, of one of the kernel's tables.
    pub(super) fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
        let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.filter_map(|fields| {
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            let (_, local_port) = local.rsplit_once(':')?;
            let same = u16::from_str_radix(local_port, 16).ok()? == port;
            (same && *state == LISTENING).then(|| inode.parse().ok()).flatten()
        })
        .collect()
    }

    fn holds_any(pid: u32, sockets: &[String]) -> bool {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
    }

    fn command_of(pid: u32) -> String {
        let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = raw.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        words.join(" ").trim().to_owned()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_our_own_is_found_with_our_pid_and_command() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(address) else { continue };
            let port = listener.local_addr().expect("bound").port();
            let Holder::Process { pid, command } = of(port) else { panic!("{address}: not found") };
            assert_eq!(pid, std::process::id());
            assert!(command.contains("tradewind"), "{command}");
        }
    }

    #[test]
    fn only_listening_sockets_of_that_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 100 0 0 10 0\n\
            1: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 4343 1 0000000000000000 20 4 30 10 -1\n\
            2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4444 1 0000000000000000 100 0 0 10 0\n\
            cut short";
        assert_eq!(imp::listening_inodes(table, 8080), [4242]);
    }

    #[test]
    fn a_port_that_nobody_holds_is_not_blamed_on_anybody() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        assert!(matches!(of(port), Holder::Unknown(_)));
    }
}
