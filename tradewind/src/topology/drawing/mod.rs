//! A topology as text for a terminal, and as a picture. Both take a function that tells the wire of an edge
//! between processes where the topology itself does not: for a running shop that is its configuration, for a file
//! alone [`super::usual_wire`].
//!
//! - `text`: for a terminal
//! - `layout`: where everything in the picture stands, as numbers; `shapes`: what it is made of
//! - `calls`, `events`: the lines between modules
//! - `legend`: what the lines mean
//! - `svg`: the picture, written down

mod calls;
mod events;
mod layout;
mod legend;
mod shapes;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub use svg::as_svg;
pub use text::as_text;
