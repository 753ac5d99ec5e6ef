//! What was left out, as it is told beside what was kept.

use crate::limits::Limits;

/// What was left out of one span or one resource, counted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Notes {
    /// Texts that were cut.
    pub(super) texts: usize,
    /// Names that were cut.
    pub(super) names: usize,
    /// Attributes beyond as many as are kept.
    pub(super) attributes: usize,
    /// Attributes without a key, or with one that was there before.
    pub(super) keys: usize,
    /// Events beyond as many as are kept.
    pub(super) events: usize,
    /// Events at a time at which nothing can have happened.
    pub(super) untimely: usize,
    /// Links beyond as many as are kept.
    pub(super) links: usize,
    /// Links to nowhere: an id of them has the wrong length, or is zero.
    pub(super) nowhere: usize,
    /// Times that a span named itself its parent: once or never.
    pub(super) own_parent: usize,
    /// What the sender says that it left out itself.
    pub(super) by_the_sender: usize,
}

impl Notes {
    /// In words; none where nothing was left out, as is the rule.
    pub(super) fn words(&self, limits: &Limits) -> Vec<String> {
        if *self == Self::default() {
            return Vec::new();
        }
        let Limits { text_bytes, name_bytes, attributes, events_and_links, .. } = limits;
        let told = [
            (self.texts, format!("texts were cut after {text_bytes} bytes")),
            (self.names, format!("names were cut after {name_bytes} bytes")),
            (self.attributes, format!("attributes were left out: {attributes} are kept")),
            (self.keys, "attributes were left out: their keys were empty or there before".to_owned()),
            (self.events, format!("events were left out: {events_and_links} are kept")),
            (self.untimely, "events were left out: they were at impossible times".to_owned()),
            (self.links, format!("links were left out: {events_and_links} are kept")),
            (self.nowhere, "links were left out: their ids were not valid".to_owned()),
            (self.own_parent, "parent was left out: the span named itself".to_owned()),
            (self.by_the_sender, "attributes, events or links were left out by the sender".to_owned()),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, words)| format!("{count} {words}")).collect()
    }
}
