//! A mail as RFC 5322 has it: headers, an empty line, the text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contracts::Timestamp;
use contracts::notifications::Notification;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::{Address, Message};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// A mail that cannot be written as one.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// An address is none.
    #[error("{address:?} is no mail address: {reason}")]
    Address {
        /// Which.
        address: String,
        /// Why.
        reason: AddressError,
    },
    /// A header is missing.
    #[error("it has no proper headers: {0}")]
    Headers(lettre::error::Error),
}

impl Unwritable {
    fn address(address: &str, reason: AddressError) -> Self {
        Self::Address { address: address.to_owned(), reason }
    }
}

/// The right side of every `Message-ID`. The left side is the event's id, so that a repetition of a mail
/// carries the same.
const ID_DOMAIN: &str = "notifications.tradewind.example";

/// Tells other programs not to answer (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// The last second of the year 9999, since a date has four digits for the year.
const LAST_SECOND: u64 = 253_402_300_799;

/// The mail from `from`, which is an address with or without a name.
pub fn message(mail: &Notification, from: &str) -> Result<Message, Unwritable> {
    let from: Mailbox = from.parse().map_err(|reason| Unwritable::address(from, reason))?;
    let to: Address = mail.to.parse().map_err(|reason| Unwritable::address(&mail.to, reason))?;
    // said here, because lettre does not read it out of the headers where it stands in quotation marks
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).map_err(Unwritable::Headers)?;
    // readable in the file too, and the same on every wire, whatever the text
    let text = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(mail.body.clone());
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .envelope(envelope)
        .subject(&mail.subject)
        .date(system_time(mail.written_at))
        .message_id(Some(format!("<{}@{ID_DOMAIN}>", mail.id)))
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
        .singlepart(text)
        .map_err(Unwritable::Headers)
}

fn system_time(moment: Timestamp) -> SystemTime {
    let seconds = u64::try_from(moment.0 / 1_000_000).unwrap_or(0).min(LAST_SECOND);
    UNIX_EPOCH + Duration::from_secs(seconds)
}

const STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:6]Z");

/// The length of a file's name: stamp, `-`, id, `.eml`.
const NAME_LENGTH: usize = 23 + 1 + 36 + 4;

/// The name of a mail's file: always the same, and later mails have later names.
pub fn file_name(mail: &Notification) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(mail.written_at.0) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let stamp = moment.format(STAMP).unwrap_or_default();
    format!("{stamp}-{}.eml", mail.id)
}

/// Whether a file's name is one of ours: nothing else is ever removed from the folder.
pub fn is_file_name(name: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        name.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name.len() == NAME_LENGTH
        && digits(0..8)
        && name.get(8..9) == Some("T")
        && digits(9..15)
        && name.get(15..16) == Some(".")
        && digits(16..22)
        && name.get(22..24) == Some("Z-")
        && name.get(24..60).is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
        && name.ends_with(".eml")
}

#[cfg(test)]
mod tests;
