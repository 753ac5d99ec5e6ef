//! Bindings of headers exchanges: which headers a message must have.

use amq_protocol::types::{AMQPValue, FieldTable};

use crate::core::queue::settings::{integer, type_name};
use crate::error::{Code, Refusal};

/// What a binding asks of a message's headers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matcher {
    mode: Mode,
    wanted: Vec<(String, AMQPValue)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    All,
    Any,
}

impl Matcher {
    /// Reads the arguments of a binding: `x-match` is `all` (also when it is left out) or `any`, and with
    /// `-with-x` behind it headers that begin with `x-` count, too.
    pub fn parse(arguments: &FieldTable) -> Result<Self, Refusal> {
        let (mode, with_x) = match arguments.inner().get("x-match") {
            None => (Mode::All, false),
            Some(AMQPValue::LongString(mode)) => match mode.as_bytes() {
                b"all" => (Mode::All, false),
                b"any" => (Mode::Any, false),
                b"all-with-x" => (Mode::All, true),
                b"any-with-x" => (Mode::Any, true),
                other => {
                    let other = String::from_utf8_lossy(other);
                    return Err(invalid(format_args!(
                        "value <<\"{other}\">>; expected all, any, all-with-x, or any-with-x"
                    )));
                }
            },
            Some(other) => {
                let value = integer(other).map_or_else(|| format!("{other:?}"), |number| number.to_string());
                return Err(invalid(format_args!(
                    "type {} (value {value}); expected longstr",
                    type_name(other)
                )));
            }
        };
        let wanted = arguments.inner().iter().filter(|(name, _)| {
            let name = name.as_str();
            name != "x-match" && (with_x || !name.starts_with("x-"))
        });
        Ok(Self { mode, wanted: wanted.map(|(name, value)| (name.to_string(), value.clone())).collect() })
    }

    /// Whether a message with these headers is wanted. A value of no type asks for the header alone.
    pub fn matches(&self, headers: &FieldTable) -> bool {
        let mut wanted = self.wanted.iter();
        let has = |(name, value): &(String, AMQPValue)| {
            let found = headers.inner().get(name.as_str());
            found.is_some_and(|found| *value == AMQPValue::Void || found == value)
        };
        match self.mode {
            Mode::All => wanted.all(has),
            Mode::Any => wanted.any(has),
        }
    }
}

fn invalid(what: std::fmt::Arguments<'_>) -> Refusal {
    Refusal::new(Code::PreconditionFailed, format_args!("Invalid x-match field {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in entries {
            table.insert((*name).into(), value.clone());
        }
        table
    }

    fn text(text: &str) -> AMQPValue {
        AMQPValue::LongString(text.into())
    }

    #[test]
    fn all_or_any_of_the_headers_must_be_there() {
        let message =
            table(&[("colour", text("red")), ("size", AMQPValue::LongInt(3)), ("x-secret", text("s"))]);
        for (mode, binding, matches) in [
            ("all", vec![("colour", text("red")), ("size", AMQPValue::LongInt(3))], true),
            ("all", vec![("colour", text("red")), ("size", AMQPValue::LongInt(4))], false),
            ("all", vec![("size", AMQPValue::Void)], true),
            ("all", vec![("weight", AMQPValue::Void)], false),
            ("all", vec![("x-secret", text("other"))], true),
            ("all-with-x", vec![("x-secret", text("other"))], false),
            ("all", vec![], true),
            ("any", vec![("colour", text("blue")), ("size", AMQPValue::LongInt(3))], true),
            ("any", vec![("colour", text("blue"))], false),
            ("any", vec![], false),
            ("any-with-x", vec![("x-secret", text("s"))], true),
        ] {
            let mut arguments = table(&binding);
            arguments.insert("x-match".into(), text(mode));
            let matcher = Matcher::parse(&arguments).expect("good");
            assert_eq!(matcher.matches(&message), matches, "{mode} {binding:?}");
        }
        assert!(Matcher::parse(&table(&[])).expect("good").matches(&message));
    }

    #[test]
    fn a_mode_that_does_not_exist_is_refused() {
        for mode in [text("most"), AMQPValue::Boolean(true)] {
            let refused = Matcher::parse(&table(&[("x-match", mode)])).expect_err("refused");
            assert_eq!(refused.code, Code::PreconditionFailed);
        }
    }
}
