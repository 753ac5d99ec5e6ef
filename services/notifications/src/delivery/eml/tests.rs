//! Mails as bytes.

use contracts::OrderId;
use contracts::messages::MessageId;
use contracts::notifications::Delivery;
use contracts::types::CustomerId;
use uuid::Uuid;

use super::*;

const FROM: &str = "Händler Größe <orders@tradewind.example>";

fn mail() -> Notification {
    Notification {
        id: MessageId(Uuid::from_u128(7)),
        event: "order_confirmed".into(),
        order_id: OrderId(Uuid::from_u128(8)),
        customer_id: CustomerId("ada".into()),
        to: "ada@customers.tradewind.example".into(),
        subject: "Your order is confirmed: Teekanne „Größe 2“".into(),
        body: "Hello ada,\n\n.\nTeekanne „Größe 2“\n".into(),
        written_at: Timestamp(1_795_370_742_123_456),
        delivery: Delivery::Pending,
    }
}

/// Headers, unfolded, and body.
fn parse(mail: &Notification) -> (Vec<(String, String)>, String) {
    let bytes = message(mail, FROM).expect("a mail").formatted();
    assert!(bytes.is_ascii(), "needs no 8BITMIME");
    let text = String::from_utf8(bytes).expect("ASCII");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF");
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "no line is longer than RFC 5322 allows");
    let (head, body) = text.split_once("\r\n\r\n").expect("an empty line after the headers");
    let unfolded = head.replace("\r\n ", " ");
    let headers = unfolded
        .split("\r\n")
        .map(|line| line.split_once(": ").expect("a name and a value"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (headers, body.to_owned())
}

#[test]
fn a_mail_has_every_header_that_it_needs_once() {
    let (headers, body) = parse(&mail());
    let value = |wanted: &str| {
        let values: Vec<_> = headers.iter().filter(|(name, _)| name == wanted).collect();
        assert_eq!(values.len(), 1, "{wanted}: {headers:?}");
        values[0].1.clone()
    };
    assert_eq!(value("To"), "ada@customers.tradewind.example");
    assert_eq!(value("Date"), "Sun, 22 Nov 2026 18:05:42 +0000");
    assert_eq!(value("Message-ID"), "<00000000-0000-0000-0000-000000000007@notifications.tradewind.example>");
    assert_eq!(value("MIME-Version"), "1.0");
    assert_eq!(value("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(value("Auto-Submitted"), "auto-generated");
    // names that are not ASCII are encoded words (RFC 2047)
    assert!(value("Subject").contains("=?utf-8?b?"), "{}", value("Subject"));
    let from = value("From");
    assert!(from.starts_with("=?utf-8?b?") && from.ends_with("<orders@tradewind.example>"), "{from}");
    assert_eq!(value("Content-Transfer-Encoding"), "quoted-printable");
    assert!(body.contains("Hello ada,\r\n"), "{body}");
    assert!(body.contains("=E2=80=9EGr=C3=B6=C3=9Fe 2=E2=80=9C"), "{body}");
}

#[test]
fn nothing_in_a_mail_becomes_a_header() {
    let names = |mail: &Notification| parse(mail).0.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let expected = names(&mail());
    for evil in ["x\r\nBcc: all@example.com", "x\nBcc: all@example.com", "x\r\n\r\nHello", "\0x\r"] {
        let hostile = Notification { subject: evil.into(), body: evil.into(), ..mail() };
        assert_eq!(names(&hostile), expected, "{evil:?}");
        for to in [format!("{evil}@customers.tradewind.example"), format!("ada@{evil}")] {
            let hostile = Notification { to, ..mail() };
            assert!(matches!(message(&hostile, FROM), Err(Unwritable::Address { .. })), "{evil:?}");
        }
    }
}

#[test]
fn long_words_are_broken() {
    let long = "Ä".repeat(5000);
    parse(&Notification { subject: long.clone(), body: long, ..mail() });
    parse(&Notification { body: "x".repeat(5000), ..mail() });
}

#[test]
fn any_address_of_a_customer_can_be_written() {
    for id in ["ada", ".ada", "a..b", "a.", "-", &"x".repeat(64)] {
        let to = crate::domain::address::of(&CustomerId(id.into()), "customers.tradewind.example");
        assert!(message(&Notification { to, ..mail() }, FROM).is_ok(), "{id}");
    }
}

#[test]
fn names_of_files_are_in_the_order_of_time() {
    let early = file_name(&mail());
    assert_eq!(early, "20261122T180542.123456Z-00000000-0000-0000-0000-000000000007.eml");
    assert!(is_file_name(&early));
    let later = Notification {
        id: MessageId(Uuid::from_u128(1)),
        written_at: mail().written_at.plus(Duration::from_micros(1)),
        ..mail()
    };
    assert!(early < file_name(&later));
    for foreign in
        ["", "notes.eml", ".20261122T180542.123456Z-x.tmp", &early.replace("eml", "txt"), &early[1..]]
    {
        assert!(!is_file_name(foreign), "{foreign}");
    }
    for moment in [i64::MIN, i64::MAX] {
        let odd = Notification { written_at: Timestamp(moment), ..mail() };
        assert!(!file_name(&odd).contains('/'));
        parse(&odd);
    }
}
