//! The lines of events: one down the right side, and from each module that says or hears something one to it.
//! Through a broker it runs right of all frames, down to the broker; else it stays in the one process.

use super::layout::{Beside, ModuleBox, ServerBox};
use super::shapes::{Heads, Line, Point};

/// Where the line runs down within a frame.
const WITHIN: i32 = 530;
/// How far below its middle a module meets it: above there are calls.
const BELOW_CALLS: i32 = 13;

/// Every line.
pub(super) fn route(modules: &[ModuleBox], servers: &[ServerBox]) -> Vec<Line> {
    let broker = servers.iter().find(|server| server.what == Beside::Broker);
    let x = broker.map_or(WITHIN, |broker| broker.rect.middle().x);
    let concerned = modules.iter().filter(|module| module.part.hears());
    let mut lines: Vec<_> = concerned.map(|module| to_the_line(module, x)).collect();

    let heights = lines.iter().flat_map(|line| &line.points).map(|point| point.y);
    let Some((top, bottom)) = heights.clone().min().zip(heights.max()) else { return lines };
    let (bottom, heads) = match broker {
        Some(broker) => (broker.rect.y, Heads::End),
        None => (bottom, Heads::None),
    };
    lines.push(Line { points: vec![Point { x, y: top }, Point { x, y: bottom }], heads });
    lines
}

fn to_the_line(module: &ModuleBox, x: i32) -> Line {
    let y = module.rect.middle().y + BELOW_CALLS;
    let heads = if module.part.says() { Heads::Both } else { Heads::Begin };
    Line { points: vec![Point { x: module.rect.right(), y }, Point { x, y }], heads }
}
