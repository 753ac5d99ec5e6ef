//! Who is still missing while the shop starts, on a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line that changes, and goes away at the end; nothing where nobody would see it.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub fn new(for_programs: bool) -> Self {
        let seen = !for_programs && std::io::stderr().is_terminal();
        Self(seen.then(|| {
            let bar = ProgressBar::new_spinner();
            // the template is a constant of ours; were it at fault, the usual style would do
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        }))
    }

    /// These are not ready yet.
    pub fn starting(&mut self, missing: &[&str], of: usize) {
        if let Some(bar) = &self.0 {
            let ready = of - missing.len();
            bar.set_message(format!("{ready} of {of} ready; starting {}", missing.join(", ")));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
