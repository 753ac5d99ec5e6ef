//! Collectors that are not the shop's own.
//!
//! - [`broken`]: away, mute, or hostile, and nobody who orders notices
//! - [`foreign`]: other people's collector takes our spans, and ours takes other people's

mod broken;
mod foreign;
