//! Attributes and resources, from OTLP's.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1 as otlp;

use super::notes::Notes;
use super::{Decoder, nested};
use crate::span::{Attribute, Resource, Text, Value};

/// The attribute that names the service.
const SERVICE: &str = "service.name";
/// The service of who did not say, as the specification has it.
const UNKNOWN: &str = "unknown_service";
/// The service of resources for which there is no room.
pub(super) const OTHERS: &str = "(others)";
/// What telling resources apart takes besides their texts.
const FIXED: usize = 256;
/// Bytes of resources that are known by their services alone.
const BARE: usize = 256 * 1024;

/// Who made the spans or points that follow.
pub(super) struct Origin {
    pub(super) resource: Arc<Resource>,
    /// What was left out of it, for each of its spans to tell.
    pub(super) warnings: Vec<Text>,
}

impl Decoder {
    /// Attributes, each key once: the first time it is there.
    pub(super) fn attributes(&self, given: Vec<KeyValue>, notes: &mut Notes) -> Vec<Attribute> {
        let mut kept: Vec<Attribute> = Vec::with_capacity(given.len().min(self.limits.attributes));
        for KeyValue { key, value, .. } in given {
            let key = self.cut(&key, notes);
            if key.is_empty() || kept.iter().any(|known| &*known.key == key) {
                notes.keys += 1;
            } else if kept.len() >= self.limits.attributes {
                notes.attributes += 1;
            } else {
                kept.push(Attribute { key: self.texts.share(key), value: self.value(value, notes) });
            }
        }
        kept
    }

    fn value(&self, given: Option<AnyValue>, notes: &mut Notes) -> Value {
        use any_value::Value as Given;
        match given.and_then(|given| given.value) {
            // an index is into a profile's texts, of which there are none here
            None | Some(Given::StringValueStrindex(_)) => Value::Text(self.texts.share("")),
            Some(Given::StringValue(text)) => Value::Text(Arc::from(self.cut(&text, notes))),
            Some(Given::BoolValue(yes)) => Value::Bool(yes),
            Some(Given::IntValue(number)) => Value::Int(number),
            Some(Given::DoubleValue(number)) => Value::Double(number),
            Some(Given::BytesValue(bytes)) => Value::Text(self.base64(&bytes, notes)),
            Some(list @ (Given::ArrayValue(_) | Given::KvlistValue(_))) => {
                match nested::json(&list, self.limits.text_bytes) {
                    Ok(whole) => Value::Json(whole.into()),
                    // half of some JSON is a text
                    Err(beginning) => {
                        notes.texts += 1;
                        Value::Text(beginning.into())
                    }
                }
            }
        }
    }

    fn base64(&self, bytes: &[u8], notes: &mut Notes) -> Text {
        // four characters for three bytes
        let most = self.limits.text_bytes / 4 * 3;
        if bytes.len() > most {
            notes.texts += 1;
        }
        BASE64_STANDARD.encode(&bytes[..bytes.len().min(most)]).into()
    }

    /// As much of a text as is kept.
    pub(super) fn cut<'a>(&self, text: &'a str, notes: &mut Notes) -> &'a str {
        let (kept, whole) = beginning(text, self.limits.text_bytes);
        notes.texts += usize::from(!whole);
        kept
    }

    /// As much of a name as is kept.
    pub(super) fn name(&self, text: &str, notes: &mut Notes) -> Text {
        let (kept, whole) = beginning(text, self.limits.name_bytes);
        notes.names += usize::from(!whole);
        self.texts.share(kept)
    }

    /// The resource, shared with all that are equal to it.
    pub(super) fn origin(&self, given: Option<otlp::Resource>) -> Origin {
        let given = given.unwrap_or_default();
        let mut notes = Notes { by_the_sender: given.dropped_attributes_count as usize, ..Notes::default() };
        let named = |attribute: &KeyValue| attribute.key == SERVICE;
        let (service, others): (Vec<_>, Vec<_>) = given.attributes.into_iter().partition(named);
        let service = service.into_iter().next().and_then(|attribute| attribute.value?.value);
        let service = match service {
            Some(any_value::Value::StringValue(name)) if !name.is_empty() => self.name(&name, &mut notes),
            _ => self.texts.share(UNKNOWN),
        };
        let mut attributes = self.attributes(others, &mut notes);
        // The order says nothing, and is another each time with some senders.
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        let (resource, whole) = self.shared(Resource { service, attributes: attributes.into() });
        let mut warnings: Vec<_> = notes
            .words(&self.limits)
            .iter()
            .map(|words| self.texts.share(&format!("of its resource, {words}")))
            .collect();
        if !whole {
            warnings.push(self.texts.share("its resource was left out: there are too many different ones"));
        }
        Origin { resource, warnings }
    }

    /// The resource as it is, and that it is whole; or what there is room for.
    fn shared(&self, resource: Resource) -> (Arc<Resource>, bool) {
        let mut resources = self.resources.lock();
        // `{:?}` quotes texts, so that no two resources look the same
        let key = format!("{resource:?}");
        let weight = FIXED + 2 * key.len();
        let service = resource.service.clone();
        if let Some(shared) = resources.share(key, weight, 0, || resource) {
            return (shared, true);
        }
        let bare = Resource { service, attributes: Box::default() };
        let key = format!("{bare:?}");
        let weight = FIXED + 2 * key.len();
        let shared = resources.share(key, weight, BARE, || bare);
        (shared.unwrap_or_else(|| self.others.clone()), false)
    }
}

/// A text as far as so many bytes, and whether that is all of it.
fn beginning(text: &str, most: usize) -> (&str, bool) {
    if text.len() <= most { (text, true) } else { (&text[..text.floor_char_boundary(most)], false) }
}
