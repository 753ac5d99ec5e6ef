//! Whether pictures can be read: nothing lies over anything else, nothing sticks out, and the SVG is XML.

mod space;
mod xml;

use proptest::prelude::*;
use wires::WireKind;

use self::space::Space;
use self::xml::check_xml;
use super::as_svg;
use super::layout::Layout;
use crate::topology::samples::any_topology;
use crate::topology::{Part, Supporting, Topology, Way, edges, usual_wire};

fn built_in(name: &str) -> Topology {
    Topology::find(name, std::path::Path::new("/nowhere")).expect("it is built in")
}

/// Every module is there once, in the frame of its process.
fn check_modules(topology: &Topology, layout: &Layout) {
    assert_eq!(layout.frames.len(), topology.processes.len());
    for part in Part::all() {
        let boxes: Vec<_> = layout.modules.iter().filter(|module| module.part == part).collect();
        let [module] = boxes.as_slice() else { panic!("{part} is there {} times", boxes.len()) };
        let around: Vec<_> = layout.frames.iter().filter(|frame| frame.rect.contains(module.rect)).collect();
        let [frame] = around.as_slice() else { panic!("{} frames are around {part}", around.len()) };
        assert_eq!(frame.name, topology.process_of(part).name);
    }
}

/// Every call is there, begins at its caller and ends at its callee.
fn check_calls(topology: &Topology, layout: &Layout) {
    let at = |part| layout.modules.iter().find(|module| module.part == part).expect("it is there").rect;
    let wires = |caller, callee| topology.way(caller, callee, usual_wire);
    for (caller, callee) in edges::edges() {
        let way = wires(caller, callee);
        let connects = |points: &[super::shapes::Point]| {
            points.first().is_some_and(|point| at(caller).touches(*point))
                && points.last().is_some_and(|point| at(callee).touches(*point))
        };
        let drawn = layout.calls.iter().filter(|call| call.way == way && connects(&call.line.points));
        assert_eq!(drawn.count(), 1, "{caller} calls {callee}: {way}");
    }
    assert_eq!(layout.calls.len(), edges::edges().count() + 1, "and the clients");
}

fn check(topology: &Topology) {
    let layout = Layout::of(topology, usual_wire);
    check_modules(topology, &layout);
    check_calls(topology, &layout);
    Space::of(&layout).check();
    let svg = as_svg(topology, usual_wire);
    check_xml(&svg).unwrap_or_else(|fault| panic!("{fault}\n{svg}"));
}

#[test]
fn every_built_in_topology_can_be_read() {
    Topology::built_in().iter().for_each(check);
}

#[test]
fn all_ways_at_once_can_be_read() {
    let text = "\
database = 'shared'
[processes]
x = ['recommendations', 'orders', 'catalog', 'notifications']
y = ['inventory', 'gateway']
z = { modules = ['payments'], replicas = 8 }
w = ['shipping']
[wires.orders]
payments = 'grpc'
shipping = 'amqp'
inventory = 'rest'
";
    let topology = Topology::parse("mine", "mine.toml", text).expect("it is valid");
    check(&topology);
    let layout = Layout::of(&topology, usual_wire);
    for way in [
        Way::LOCAL,
        Way::Public,
        Way::Over(WireKind::Rest),
        Way::Over(WireKind::Grpc),
        Way::Over(WireKind::Amqp),
    ] {
        assert!(layout.calls.iter().any(|call| call.way == way), "{way}");
    }
}

#[test]
fn lines_of_different_ways_have_lanes_of_their_own() {
    let layout = Layout::of(&built_in("microservices"), usual_wire);
    let lane = |wire| {
        let call = layout.calls.iter().find(|call| call.way == Way::Over(wire)).expect("it is there");
        call.line.points[1].x
    };
    assert_ne!(lane(WireKind::Rest), lane(WireKind::Grpc));
}

#[test]
fn events_end_at_the_broker_where_there_is_one() {
    for name in ["monolith", "microservices"] {
        let topology = built_in(name);
        let layout = Layout::of(&topology, usual_wire);
        let frames = layout.frames.iter().map(|frame| frame.rect.right()).max().expect("there is one");
        let outside = layout.events.iter().flat_map(|line| &line.points).any(|point| point.x > frames);
        assert_eq!(outside, topology.broker == Supporting::Runs, "{name}");
    }
}

#[test]
fn a_picture_serves_light_and_dark_and_those_who_do_not_see_it() {
    let mut topology = built_in("step-4-payments");
    topology.name = "<mine> & \"yours\"\u{1b}".into();
    let svg = as_svg(&topology, usual_wire);
    check_xml(&svg).unwrap_or_else(|fault| panic!("{fault}"));
    for wanted in [
        "prefers-color-scheme: dark",
        "<title id=\"title\">Tradewind as &lt;mine&gt; &amp; &quot;yours&quot;?</title>",
        "Process payments runs payments. ",
        "orders calls payments: grpc. ",
        "Events go through the broker.",
        "Beside them run config-server, card-network, observatory, registry, broker.",
    ] {
        assert!(svg.contains(wanted), "{wanted}\n{svg}");
    }
}

proptest! {
    #[test]
    fn any_topology_can_be_read(topology in any_topology()) {
        check(&topology);
    }
}
