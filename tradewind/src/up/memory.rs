//! How much memory a process uses.

/// The memory of one process, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Proportional: what several processes share counts in part for each. Only Linux tells.
    pub pss_kib: Option<u64>,
    /// Resident: what is shared counts in full.
    pub rss_kib: Option<u64>,
}

/// The memory of process `pid`. Blocks.
#[cfg(target_os = "linux")]
pub(super) fn of(pid: u32) -> Memory {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    read_rollup(&rollup)
}

/// The memory of process `pid`. Blocks.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(pid: u32) -> Memory {
    let asked = std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    Memory { pss_kib: None, rss_kib: text.trim().parse().ok() }
}

#[cfg(any(target_os = "linux", test))]
fn read_rollup(rollup: &str) -> Memory {
    let value = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Memory { pss_kib: value("Pss:"), rss_kib: value("Rss:") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_summary_is_read() {
        let rollup =
            "55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  12345 kB\nPss:   6789 kB\nPss_Dirty:  1 kB\n";
        assert_eq!(read_rollup(rollup), Memory { pss_kib: Some(6789), rss_kib: Some(12345) });
        assert_eq!(read_rollup(""), Memory::default());
    }

    #[test]
    fn our_own_memory_is_known_and_that_of_nobody_is_not() {
        assert!(of(std::process::id()).rss_kib.is_some_and(|kib| kib > 100));
        assert_eq!(of(u32::MAX), Memory::default());
    }
}
