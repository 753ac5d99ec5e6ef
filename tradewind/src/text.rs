//! What commands print, and how: aligned columns, durations and sizes as people read them.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

/// Prints to standard output, with an end of line where there is none. A reader who has gone away
/// (`| head`) has read enough, which is no failure.
pub fn say(text: impl Display) -> io::Result<()> {
    say_to_reader(text)?;
    Ok(())
}

/// The same for whoever goes on printing, and so must know when nobody reads it any more.
pub fn say_to_reader(text: impl Display) -> io::Result<Reader> {
    let mut text = text.to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    print(&mut io::stdout().lock(), &text)
}

/// Whether somebody reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// As far as anybody can tell.
    There,
    /// The other end of the pipe is closed.
    Gone,
}

fn print(out: &mut impl Write, text: &str) -> io::Result<Reader> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error),
    }
}

/// Prints to standard error. Where that cannot be done there is nobody to tell.
pub fn tell(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Rows in columns, two spaces apart, each as wide as its widest cell. The last column is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A row of a [`table`].
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// `1 message`, `2 messages`.
pub fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The longest cell that leaves a table readable; `--json` has all of it.
const LONGEST_CELL: usize = 60;

/// A text, cut where it would spoil a table.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `850 ms`, `1.23 s`, `4 min 05 s`, `2 h 10 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.2} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Kibibytes as `12.3 MB`: decimal, as the goals are.
pub fn megabytes(kib: u64) -> String {
    format!("{:.1} MB", kib as f64 * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_has_gone_is_no_failure_and_is_noticed() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        assert_eq!(print(&mut writer, "a line\n").expect("it is printed"), Reader::There);
        drop(reader);
        assert_eq!(print(&mut writer, "a line\n").expect("no failure"), Reader::Gone);
        let mut full: &mut [u8] = &mut [];
        print(&mut full, "a line\n").expect_err("there is no room for it");
    }

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let rows = [row(["name", "state"]), row(["gateway", ""]), row(["é", "ready"])];
        assert_eq!(table(&rows), "name     state\ngateway\né        ready\n");
    }

    #[test]
    fn what_is_too_long_is_cut_between_two_characters() {
        assert_eq!(shortened("grpc"), "grpc");
        assert_eq!(shortened(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }

    #[test]
    fn durations_read_well_at_every_size() {
        let said = [0.85, 1.234, 245.0, 7800.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(said, ["850 ms", "1.23 s", "4 min 05 s", "2 h 10 min"]);
    }
}
