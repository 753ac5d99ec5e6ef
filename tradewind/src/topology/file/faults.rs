//! What is wrong with a topology file, and where.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, where TOML itself is broken.
    pub column: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Everything that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The file, as it was named.
    pub file: String,
    /// Each fault, in the order of lines; never none.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the topology is not valid:")?;
        for Fault { line, column, message } in &self.faults {
            write!(f, "\n  {}:{line}:", self.file)?;
            if let Some(column) = column {
                write!(f, "{column}:")?;
            }
            write!(f, " {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Fault>);

impl Found {
    /// Something is wrong on `line`.
    pub fn fault(&mut self, line: usize, message: impl Into<String>) {
        self.0.push(Fault { line, column: None, message: message.into() });
    }

    /// TOML is broken there.
    pub fn syntax(&mut self, line: usize, column: usize, message: &str) {
        self.0.push(Fault { line, column: Some(column), message: message.to_owned() });
    }

    /// How much.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether there is anything.
    pub fn any(&self) -> bool {
        self.count() > 0
    }

    /// All of it.
    pub fn in_file(mut self, file: &str) -> Faults {
        self.0.sort_by_key(|fault| (fault.line, fault.column));
        Faults { file: file.to_owned(), faults: self.0 }
    }
}
