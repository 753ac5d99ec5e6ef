//! Where the log here and the stream at the broker meet: one must be a prefix of the other.

use super::{MoveError, Session};
use crate::messaging::consumer::log::stream::{self, Range};
use crate::messaging::in_process::{Content, EventLog};

/// How the two stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seam {
    /// The last offset here.
    pub here: Option<u64>,
    /// The last offset in the stream.
    pub there: Option<u64>,
}

impl Seam {
    /// Finds where both end, and that they agree where the shorter one does.
    pub(super) async fn find(log: &EventLog, session: &Session) -> Result<Self, MoveError> {
        let here = log.last().await?;
        let there = stream::last(&session.consuming).await?.map(|last| last.offset);
        if let (Some(here), Some(there)) = (here, there) {
            let offset = here.min(there);
            agree(offset, id_here(log, offset).await?, id_there(session, offset).await?)?;
        }
        Ok(Self { here, there })
    }
}

async fn id_here(log: &EventLog, offset: u64) -> Result<Option<String>, MoveError> {
    let first = log.read(offset, 1).await?.pop();
    Ok(first.filter(|entry| entry.offset == offset).map(|entry| entry.content.id()))
}

async fn id_there(session: &Session, offset: u64) -> Result<Option<String>, MoveError> {
    let found = Range::begin(&session.consuming, offset, offset).await?.next().await?;
    Ok(found.first().map(|found| Content::received(&found.entry).id()))
}

/// Whether the entry at `offset` is the same on both sides.
fn agree(offset: u64, here: Option<String>, there: Option<String>) -> Result<(), MoveError> {
    match (here, there) {
        (Some(here), Some(there)) if here == there => Ok(()),
        (Some(_), Some(_)) => Err(MoveError::Different { offset }),
        _ => Err(MoveError::NothingInCommon { offset }),
    }
}

/// Checks that entries follow each other without a gap, from `expected` on; returns what comes after them.
pub(super) fn follow(mut expected: u64, offsets: impl IntoIterator<Item = u64>) -> Result<u64, MoveError> {
    for found in offsets {
        if found != expected {
            return Err(MoveError::Gap { expected, found });
        }
        expected += 1;
    }
    Ok(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_agree_where_both_have_the_same_entry() {
        let id = |text: &str| Some(text.to_owned());
        assert!(agree(7, id("a"), id("a")).is_ok());
        assert!(matches!(agree(7, id("a"), id("b")), Err(MoveError::Different { offset: 7 })));
        assert!(matches!(agree(7, id("a"), None), Err(MoveError::NothingInCommon { offset: 7 })));
        assert!(matches!(agree(7, None, id("a")), Err(MoveError::NothingInCommon { offset: 7 })));
    }

    #[test]
    fn a_gap_is_found() {
        assert_eq!(follow(5, [5, 6, 7]).expect("no gap"), 8);
        assert_eq!(follow(5, []).expect("nothing to follow"), 5);
        assert!(matches!(follow(0, [3, 4]), Err(MoveError::Gap { expected: 0, found: 3 })));
        assert!(matches!(follow(5, [5, 7]), Err(MoveError::Gap { expected: 6, found: 7 })));
    }
}
