//! What the conversions of every port are made of. A fault in a nested message is reported under the
//! whole path, `lines[2].unit_price.currency`.

use super::Proto;
use crate::error::{Fault, Problem};

/// The messages of several values.
pub(super) fn into_list<T: Proto>(values: Vec<T>) -> Vec<T::Message> {
    values.into_iter().map(T::into_message).collect()
}

/// The values of a repeated field.
pub(super) fn list<T: Proto>(field: &str, messages: Vec<T::Message>) -> Result<Vec<T>, Problem> {
    messages
        .into_iter()
        .enumerate()
        .map(|(at, message)| {
            T::from_message(message).map_err(|problem| under(&format!("{field}[{at}]"), problem))
        })
        .collect()
}

/// The value of a message field that may be absent.
pub(super) fn optional<T: Proto>(field: &str, message: Option<T::Message>) -> Result<Option<T>, Problem> {
    message.map(|message| T::from_message(message).map_err(|problem| under(field, problem))).transpose()
}

/// The value of a message field that must be there.
pub(super) fn required<T: Proto>(field: &str, message: Option<T::Message>) -> Result<T, Problem> {
    optional(field, message)?.ok_or_else(|| missing(field))
}

/// A field that must be there and is not.
pub(super) fn missing(field: &str) -> Problem {
    Problem::invalid_field(field, "is missing")
}

/// The same faults, seen from the message that has `field`.
fn under(field: &str, problem: Problem) -> Problem {
    let inner = |fault: Fault| Fault { field: format!("{field}.{}", fault.field), message: fault.message };
    Problem::invalid(problem.faults.into_iter().map(inner).collect())
}

/// An enum whose values have numbers on the wire.
pub(super) trait Numbered: Sized {
    /// Its number.
    fn number(self) -> i32;

    /// The value with this number, or what is wrong with `field`. A number that is not known comes
    /// from a newer version; to guess at what it means would be worse than to refuse it.
    fn from_number(field: &str, number: i32) -> Result<Self, Problem>;
}

/// Ties the variants of plain enums to those of the same name of generated ones.
macro_rules! numbered {
    ($($plain:ident => $message:ty { $($variant:ident),* $(,)? })*) => {$(
        impl $crate::grpc::convert::Numbered for $plain {
            fn number(self) -> i32 {
                match self { $(Self::$variant => <$message>::$variant as i32,)* }
            }

            fn from_number(field: &str, number: i32) -> Result<Self, $crate::Problem> {
                match <$message>::try_from(number) {
                    $(Ok(<$message>::$variant) => Ok(Self::$variant),)*
                    Ok(<$message>::Unspecified) => Err($crate::grpc::convert::missing(field)),
                    Err(_) => Err($crate::Problem::invalid_field(field, format!("has no value {number}"))),
                }
            }
        }
    )*};
}
pub(super) use numbered;

/// Implements `Proto` for requests that hold an order's id and nothing else.
macro_rules! order_id_requests {
    ($($plain:ident => $message:ty;)*) => {$(
        impl $crate::grpc::Proto for $plain {
            type Message = $message;

            fn into_message(self) -> Self::Message {
                Self::Message { order_id: self.order_id.to_string() }
            }

            fn from_message(message: Self::Message) -> Result<Self, $crate::Problem> {
                Ok(Self { order_id: $crate::OrderId::parse("order_id", &message.order_id)? })
            }
        }
    )*};
}
pub(super) use order_id_requests;

/// Implements `Proto` for pages. Protobuf has no generics, so every page has a message of its own.
macro_rules! pages {
    ($($item:ty => $message:ty;)*) => {$(
        impl $crate::grpc::Proto for $crate::types::Page<$item> {
            type Message = $message;

            fn into_message(self) -> Self::Message {
                Self::Message { items: $crate::grpc::convert::into_list(self.items), next: self.next }
            }

            fn from_message(message: Self::Message) -> Result<Self, $crate::Problem> {
                Ok(Self { items: $crate::grpc::convert::list("items", message.items)?, next: message.next })
            }
        }
    )*};
}
pub(super) use pages;
