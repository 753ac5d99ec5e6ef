//! What a segment begins with: magic bytes, a version, two numbers, and a checksum of all that.

/// Bytes of a header.
pub(crate) const LENGTH: usize = 28;
/// The layout that is written.
const VERSION: u32 = 1;

/// Whose segment it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Log,
    Stream,
}

impl Kind {
    const fn magic(self) -> [u8; 4] {
        match self {
            Self::Log => *b"twlg",
            Self::Stream => *b"twst",
        }
    }
}

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number of its first record; its name says it, too.
    pub first: u64,
    /// A number for its owner.
    pub note: u64,
}

/// Why a header is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It was not written to its end.
    Torn,
    /// It was, but by somebody else.
    Foreign(String),
}

impl Header {
    /// Writes it down.
    pub fn write(self, kind: Kind, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&kind.magic());
        to.extend_from_slice(&VERSION.to_le_bytes());
        to.extend_from_slice(&self.first.to_le_bytes());
        to.extend_from_slice(&self.note.to_le_bytes());
        let checksum = crc32fast::hash(&to[start..]);
        to.extend_from_slice(&checksum.to_le_bytes());
    }

    /// Reads it.
    pub fn read(kind: Kind, bytes: &[u8; LENGTH]) -> Result<Self, Fault> {
        let [magic, version, a, b, c, d, checksum] = words(bytes);
        if crc32fast::hash(&bytes[..LENGTH - 4]) != u32::from_le_bytes(checksum) {
            return Err(Fault::Torn);
        }
        if magic != kind.magic() {
            return Err(Fault::Foreign(format!("it begins as no {kind:?} does")));
        }
        if u32::from_le_bytes(version) != VERSION {
            let version = u32::from_le_bytes(version);
            return Err(Fault::Foreign(format!("its version is {version}; this broker reads {VERSION}")));
        }
        Ok(Self { first: long(a, b), note: long(c, d) })
    }
}

fn words(bytes: &[u8; LENGTH]) -> [[u8; 4]; 7] {
    std::array::from_fn(|word| std::array::from_fn(|byte| bytes[4 * word + byte]))
}

fn long(low: [u8; 4], high: [u8; 4]) -> u64 {
    u64::from(u32::from_le_bytes(low)) | u64::from(u32::from_le_bytes(high)) << 32
}
