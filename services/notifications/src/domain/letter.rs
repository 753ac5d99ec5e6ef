//! What a customer is told, in plain English: from an occasion to subject and text.
//!
//! Names come from events, so nothing here trusts them: a line break in one becomes a space, so that it
//! cannot pose as a line of ours or as a header, and a long one is cut.

use std::fmt::Write as _;

use contracts::orders::{Order, PricedLine, Reason};
use contracts::shipping::Shipment;
use contracts::types::CustomerId;
use contracts::{Code, OrderId, Timestamp};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Occasion;

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Lines that end in `\n`.
    pub body: String,
}

/// The most of a name that is repeated, in characters.
const LONGEST_NAME: usize = 80;
/// The most of it in a subject.
const LONGEST_IN_SUBJECT: usize = 40;
/// The most of an explanation.
const LONGEST_DETAIL: usize = 200;
/// The most lines of an order that are listed; the shop takes no more than this.
const MOST_LINES: usize = 50;

/// The letter about `occasion` to `customer`.
pub fn compose(occasion: &Occasion, customer: &CustomerId) -> Letter {
    let (subject, text) = match occasion {
        Occasion::Confirmed(order) => confirmed(order),
        Occasion::Rejected(order) => rejected(order),
        Occasion::Cancelled(order) => cancelled(order),
        Occasion::Refunded(order) => refunded(order),
        Occasion::Shipped(shipment) => shipped(shipment),
        Occasion::Delivered(shipment) => delivered(shipment),
    };
    let name = clean(&customer.0, LONGEST_NAME);
    Letter { subject, body: format!("Hello {name},\n\n{text}\nYours,\nTradewind\n") }
}

fn confirmed(order: &Order) -> (String, String) {
    let text = format!(
        "thank you for your order. It is paid for, and we are packing it.\n\n{}\n{}\n\
         We will write again when it leaves.\n",
        bill(order),
        about(order)
    );
    (format!("Your order is confirmed: {}", goods(order)), text)
}

fn rejected(order: &Order) -> (String, String) {
    let text = format!(
        "we are sorry: we could not take your order, because {}. Nothing was charged.\n\n{}\n{}",
        why(order.reason.as_ref()),
        bill(order),
        about(order)
    );
    (format!("We could not take your order: {}", goods(order)), text)
}

fn cancelled(order: &Order) -> (String, String) {
    let text = format!(
        "we are sorry: your order was cancelled, because {}. Nothing was charged, and whatever your \
         bank had set aside for it is released.\n\n{}\n{}",
        why(order.reason.as_ref()),
        bill(order),
        about(order)
    );
    (format!("Your order was cancelled: {}", goods(order)), text)
}

fn refunded(order: &Order) -> (String, String) {
    let text = format!(
        "your order was cancelled, as you asked. We have given back the {} that you paid; it may take \
         your bank a few days to show it.\n\n{}\n{}",
        order.total,
        bill(order),
        about(order)
    );
    (format!("Your money is on its way back: {}", goods(order)), text)
}

fn shipped(shipment: &Shipment) -> (String, String) {
    let text = format!("good news: your order left us on {}.\n\n{}", date(shipment), parcel(shipment));
    (format!("Your order is on its way with {}", clean(&shipment.carrier, LONGEST_IN_SUBJECT)), text)
}

fn delivered(shipment: &Shipment) -> (String, String) {
    let text = format!(
        "your order was delivered on {}. We hope that you like it.\n\n{}",
        date(shipment),
        parcel(shipment)
    );
    ("Your order has arrived".to_owned(), text)
}

/// What was ordered, in a few words.
fn goods(order: &Order) -> String {
    match order.lines.as_slice() {
        [] => order.id.to_string(),
        [only] => clean(&only.name, LONGEST_IN_SUBJECT),
        [first, rest @ ..] => {
            format!("{} and {} more", clean(&first.name, LONGEST_IN_SUBJECT), rest.len())
        }
    }
}

/// What was ordered and what it costs, line by line.
fn bill(order: &Order) -> String {
    let mut text = String::new();
    for line in order.lines.iter().take(MOST_LINES) {
        // writing to a text cannot fail
        let _ = writeln!(text, "  {}", line_of_bill(line));
    }
    if let Some(more) = order.lines.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more");
    }
    let _ = writeln!(text, "  Shipping: {}\n  Total: {}", order.shipping, order.total);
    text
}

fn line_of_bill(line: &PricedLine) -> String {
    let PricedLine { quantity, unit_price, .. } = line;
    let (name, sku) = (clean(&line.name, LONGEST_NAME), clean(&line.sku.0, LONGEST_NAME));
    match unit_price.times(*quantity) {
        Some(price) if *quantity > 1 => {
            format!("{quantity} x {name} ({sku}): {price} ({unit_price} each)")
        }
        _ => format!("{quantity} x {name} ({sku}): {unit_price}"),
    }
}

fn about(order: &Order) -> String {
    format!("Order: {}\nPlaced: {}\n", order.id, Moment(order.placed_at))
}

fn parcel(shipment: &Shipment) -> String {
    let (carrier, number) =
        (clean(&shipment.carrier, LONGEST_NAME), clean(&shipment.tracking_number, LONGEST_NAME));
    let order_id: OrderId = shipment.order_id;
    format!("  Carrier: {carrier}\n  Tracking number: {number}\n\nOrder: {order_id}\n")
}

fn date(shipment: &Shipment) -> Moment {
    Moment(shipment.updated_at)
}

/// Why an order was not confirmed, to stand after "because".
fn why(reason: Option<&Reason>) -> String {
    let Some(reason) = reason else { return "of a fault on our side".to_owned() };
    let words = match Code::from_text(&reason.code) {
        Some(Code::OutOfStock) => "we do not have enough of what you ordered",
        Some(Code::UnknownSku) => "we do not sell something that you ordered any more",
        Some(Code::CardDeclined) => "your bank declined the card",
        Some(Code::InsufficientFunds) => "your bank says that there is not enough money on the card",
        Some(Code::ShipmentRefused) => "no carrier takes it to you",
        Some(Code::ReservationExpired) => {
            "it took too long, and the goods that we had set aside for you went back on the shelf"
        }
        // the rest says something to engineers only
        _ => return "of a fault on our side".to_owned(),
    };
    match clean(&reason.detail, LONGEST_DETAIL).trim() {
        "" => words.to_owned(),
        detail => format!("{words} ({detail})"),
    }
}

/// A moment, for people.
struct Moment(Timestamp);

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0.0) * 1000)
            .ok()
            .and_then(|moment| moment.format(MOMENT).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => self.0.fmt(f),
        }
    }
}

/// `text` on one line, cut after `most` characters.
fn clean(text: &str, most: usize) -> String {
    let mut letters = text.chars().map(|letter| if breaks(letter) { ' ' } else { letter });
    let mut clean: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        clean.push('…');
    }
    clean
}

/// Control characters, and Unicode's own ends of lines and paragraphs.
fn breaks(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
