//! The lines of calls. All calls of one module that take the same way share a lane: a line up and down beside the
//! modules, from which an arrow goes to each that is called. Calls within a process stay in its frame.

use super::layout::ModuleBox;
use super::shapes::{Heads, Label, Line, Point};
use crate::topology::{Edge, Part, Way};

/// Lanes of the gateway: one within its frame, one left of all frames.
const GATEWAY_LOCAL: i32 = 100;
const GATEWAY_PUBLIC: i32 = 36;
/// Lanes of everybody else: one within the frame, the others right of all frames.
const LOCAL: i32 = 506;
const FIRST_WIRE: i32 = 572;
const BETWEEN_WIRES: i32 = 14;
/// How far above its middle a module is reached on the right: below it there are events.
const ABOVE_EVENTS: i32 = 8;
/// Where clients come from.
const OUTSIDE: i32 = 566;
/// Between two lines that leave a module on the same side.
const BETWEEN_EXITS: i32 = 7;
/// How far above its line the foot of a label stands.
const LABEL_ABOVE: i32 = 5;

/// A call, drawn.
#[derive(Debug)]
pub(super) struct Call {
    pub way: Way,
    pub line: Line,
    pub label: Label,
}

/// The side of the modules on which a caller's lanes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn of(caller: Part) -> Self {
        if caller == Part::Gateway { Self::Left } else { Self::Right }
    }

    /// Where `module` is reached from this side.
    fn door(self, module: &ModuleBox) -> Point {
        let middle = module.rect.middle();
        match self {
            Self::Left => Point { x: module.rect.x, ..middle },
            Self::Right => Point { x: module.rect.right(), y: middle.y - ABOVE_EVENTS },
        }
    }
}

/// A way out of a caller, and its lane.
struct Lane {
    way: Way,
    x: i32,
    /// How far above or below the caller's door it begins.
    exit: i32,
}

/// A line for each edge, and one for the clients of the gateway.
pub(super) fn route(edges: &[Edge], modules: &[ModuleBox]) -> Vec<Call> {
    let boxed = |part: Part| modules.iter().find(|module| module.part == part);
    let mut calls = Vec::new();
    for caller in modules {
        if caller.part == Part::Gateway {
            calls.push(clients(caller));
        }
        let theirs = edges.iter().filter(|edge| edge.caller == caller.part);
        let theirs: Vec<_> = theirs.filter_map(|edge| Some((edge.way, boxed(edge.callee)?))).collect();
        let lanes = lanes(caller, &theirs);
        for (way, callee) in theirs {
            let lane = lanes.iter().find(|lane| lane.way == way);
            calls.extend(lane.map(|lane| call(caller, callee, lane)));
        }
    }
    calls
}

/// The lanes of `caller`. The further a way reaches the further out it runs, so that few lines cross.
fn lanes(caller: &ModuleBox, calls: &[(Way, &ModuleBox)]) -> Vec<Lane> {
    let below =
        |way: Way| calls.iter().filter(move |call| call.0 == way).map(|call| call.1.rect.y - caller.rect.y);
    let mut ways: Vec<Way> = calls.iter().map(|call| call.0).collect();
    ways.sort_unstable();
    ways.dedup();
    ways.sort_by_key(|way| (*way != Way::LOCAL, below(*way).map(i32::abs).max()));
    let mut lanes: Vec<Lane> =
        ways.into_iter().zip(0..).map(|(way, place)| Lane::new(caller, way, place)).collect();

    // from the top down: first what turns upwards, the innermost before all others, then what turns downwards
    let turns_up = |way| below(way).filter(|y| *y < 0).count() * 2 > below(way).count();
    let order = |x: i32| (x - caller.rect.x).abs();
    lanes
        .sort_by_key(|lane| if turns_up(lane.way) { (false, order(lane.x)) } else { (true, -order(lane.x)) });
    let count = i32::try_from(lanes.len()).unwrap_or(0);
    for (lane, number) in lanes.iter_mut().zip(0..) {
        lane.exit = (2 * number - (count - 1)) * BETWEEN_EXITS / 2;
    }
    lanes
}

impl Lane {
    /// The lane of `way`, which is in this place from the modules outwards.
    fn new(caller: &ModuleBox, way: Way, place: i32) -> Self {
        let x = match (Side::of(caller.part), way) {
            (Side::Left, Way::LOCAL) => GATEWAY_LOCAL,
            (Side::Left, _) => GATEWAY_PUBLIC,
            (Side::Right, Way::LOCAL) => LOCAL,
            (Side::Right, _) => FIRST_WIRE + BETWEEN_WIRES * place,
        };
        Self { way, x, exit: 0 }
    }
}

/// What comes from outside. The side of orders is free beside the gateway: it hears no events.
fn clients(gateway: &ModuleBox) -> Call {
    let to = Point { x: gateway.rect.right(), ..gateway.rect.middle() };
    let line = Line { points: vec![Point { x: OUTSIDE, ..to }, to], heads: Heads::End };
    let at = Point { x: (to.x + LOCAL) / 2, y: to.y - LABEL_ABOVE };
    Call { way: Way::Public, line, label: Label { at, text: "clients".into() } }
}

fn call(caller: &ModuleBox, callee: &ModuleBox, lane: &Lane) -> Call {
    let side = Side::of(caller.part);
    let (mut from, to) = (side.door(caller), side.door(callee));
    from.y += lane.exit;
    let points = vec![from, Point { x: lane.x, ..from }, Point { x: lane.x, ..to }, to];
    // between module and frame, wherever the lane is
    let inner = if side == Side::Left { GATEWAY_LOCAL } else { LOCAL };
    let at = Point { x: (to.x + inner) / 2, y: to.y - LABEL_ABOVE };
    Call {
        way: lane.way,
        line: Line { points, heads: Heads::End },
        label: Label { at, text: lane.way.to_string() },
    }
}
