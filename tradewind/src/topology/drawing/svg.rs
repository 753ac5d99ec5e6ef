//! The picture, written down as SVG. It looks like the pictures of `docs/`, in light and in dark.

use std::fmt::Write as _;

use wires::WireKind;

use super::calls::Call;
use super::layout::{Beside, Frame, Layout, ModuleBox, ServerBox, WIDTH};
use super::legend::{Entry, Sign};
use super::shapes::{Heads, Line, Point, Rect};
use crate::topology::{Database, Events, Part, ProcessSpec, Topology, Way, part};

const STYLE: &str = include_str!("picture.css");
/// Where a module and the shared database have the sign of a database, from the right side of the box.
const SIGN: i32 = 24;

/// The picture of `topology`. See [`super`] for `wires`.
pub fn as_svg(topology: &Topology, wires: impl Fn(Part, Part) -> WireKind) -> String {
    let description = description(topology, &wires);
    let layout = Layout::of(topology, wires);
    let mut svg = Svg(String::new());
    svg.head(&topology.name, &description, &layout);
    layout.frames.iter().for_each(|frame| svg.frame(frame));
    layout.events.iter().for_each(|line| svg.line("events", line));
    layout.calls.iter().for_each(|call| svg.call(call));
    layout.modules.iter().for_each(|module| svg.module(*module));
    layout.servers.iter().for_each(|server| svg.server(*server));
    layout.legend.iter().for_each(|entry| svg.entry(entry));
    svg.put("</svg>");
    svg.0
}

/// The picture in words, for those who do not see it.
fn description(topology: &Topology, wires: impl Fn(Part, Part) -> WireKind) -> String {
    let mut said = String::new();
    for ProcessSpec { name, modules, replicas } in &topology.processes {
        let times = if *replicas == 1 { String::new() } else { format!(", {replicas} times") };
        said.push_str(&format!("Process {name} runs {}{times}. ", part::list(modules.iter().copied())));
    }
    for edge in topology.edges(wires) {
        said.push_str(&format!("{} calls {}: {}. ", edge.caller, edge.callee, edge.way));
    }
    let events = match topology.events() {
        Events::InProcess => "Events stay in the process.",
        Events::Broker => "Events go through the broker.",
    };
    let database = match topology.database {
        Database::Shared => "All modules share one database.",
        Database::Own => "Each module but the gateway has a database of its own.",
    };
    format!("{said}{events} {database} Beside them run {}.", topology.servers().join(", "))
}

/// Text, as it may stand in an element or an attribute. What XML cannot say at all becomes a question mark.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('?'),
            control if control.is_control() => safe.push('?'),
            other => safe.push(other),
        }
    }
    safe
}

/// The class of a way, in the style sheet.
fn class(way: Way) -> &'static str {
    match way {
        Way::Over(WireKind::Local) => "local",
        Way::Over(WireKind::Rest) => "rest",
        Way::Over(WireKind::Grpc) => "grpc",
        Way::Over(WireKind::Amqp) => "amqp",
        Way::Public => "public",
    }
}

/// What was written so far.
struct Svg(String);

impl Svg {
    fn put(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    fn head(&mut self, name: &str, description: &str, layout: &Layout) {
        let height = layout.height;
        self.put(format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title desc">"#
        ));
        self.put(format!(r#"  <title id="title">Tradewind as {}</title>"#, escaped(name)));
        self.put(format!(r#"  <desc id="desc">{}</desc>"#, escaped(description)));
        self.put(format!("  <style>\n{STYLE}  </style>"));
        self.put("  <defs>");
        for class in ["local", "public", "rest", "grpc", "amqp", "events"] {
            self.put(format!(
                r#"    <marker id="{class}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path class="head-{class}" d="M0 0L8 4L0 8z"/></marker>"#
            ));
        }
        for (id, class) in [("own", "store"), ("shared", "store tables")] {
            self.put(format!(
                r#"    <g id="{id}"><path class="{class}" d="M-11 -6v12c0 3 5 5 11 5s11 -2 11 -5v-12"/><ellipse class="{class}" cx="0" cy="-6" rx="11" ry="4.5"/></g>"#
            ));
        }
        self.put("  </defs>");
        self.put(format!(r#"  <rect class="paper" width="{WIDTH}" height="{height}" rx="10"/>"#));
        self.text("title left", Point { x: 24, y: 42 }, name);
        for (line, y) in layout.sentence.iter().zip((66..).step_by(20)) {
            self.text("sentence left", Point { x: 24, y }, line);
        }
    }

    fn text(&mut self, class: &str, at: Point, text: &str) {
        let Point { x, y } = at;
        self.put(format!(r#"  <text x="{x}" y="{y}" class="{class}">{}</text>"#, escaped(text)));
    }

    fn rect(&mut self, class: &str, rect: Rect) {
        let Rect { x, y, width, height } = rect;
        self.put(format!(
            r#"  <rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>"#
        ));
    }

    fn sign(&mut self, database: Database, at: Point) {
        let id = match database {
            Database::Own => "own",
            Database::Shared => "shared",
        };
        self.put(format!(r##"  <use href="#{id}" x="{}" y="{}"/>"##, at.x, at.y));
    }

    fn line(&mut self, class: &str, line: &Line) {
        let mut path = String::new();
        for (number, Point { x, y }) in line.points.iter().enumerate() {
            let letter = if number == 0 { 'M' } else { 'L' };
            // writing to a string cannot fail
            let _ = write!(path, "{letter}{x} {y}");
        }
        let [start, end] = ["start", "end"].map(|which| format!(r#" marker-{which}="url(#{class})""#));
        let heads = match line.heads {
            Heads::None => String::new(),
            Heads::Begin => start,
            Heads::End => end,
            Heads::Both => start + &end,
        };
        self.put(format!(r#"  <path class="line {class}" d="{path}"{heads}/>"#));
    }

    fn frame(&mut self, frame: &Frame) {
        let rect = frame.rect;
        if let Some(behind) = frame.behind() {
            self.rect("frame", behind);
        }
        self.rect("frame", rect);
        let class = if frame.has_long_name() { "name long left" } else { "name left" };
        self.text(class, Point { x: rect.x + 14, y: rect.y + 23 }, &frame.name);
        if frame.replicas > 1 {
            let at = Point { x: rect.right() - 14, y: rect.y + 23 };
            self.text("name right", at, &format!("× {}", frame.replicas));
        }
    }

    fn module(&mut self, module: ModuleBox) {
        let ModuleBox { part, rect, database } = module;
        self.rect(if part == Part::Gateway { "module gateway" } else { "module" }, rect);
        let middle = rect.middle();
        self.text("name left", Point { x: rect.x + 14, y: middle.y + 5 }, part.name());
        if let Some(database) = database {
            self.sign(database, Point { x: rect.right() - SIGN, ..middle });
        }
    }

    fn server(&mut self, server: ServerBox) {
        let ServerBox { what, rect } = server;
        self.rect(
            match what {
                Beside::Broker => "server broker",
                Beside::CardNetwork => "server outside",
                Beside::Database => "store",
                Beside::ConfigServer | Beside::Registry => "server",
            },
            rect,
        );
        let x = rect.middle().x;
        self.text("name", Point { x, y: rect.y + 21 }, what.name());
        self.text("small", Point { x, y: rect.y + 39 }, what.purpose());
    }

    fn call(&mut self, call: &Call) {
        let class = class(call.way);
        self.line(class, &call.line);
        self.text(&format!("says-{class}"), call.label.at, &call.label.text);
    }

    fn entry(&mut self, entry: &Entry) {
        let Point { x, y } = entry.at;
        let line = |heads| Line { points: vec![Point { x, y }, Point { x: x + 36, y }], heads };
        match entry.sign {
            Sign::Call(way) => self.line(class(way), &line(Heads::End)),
            Sign::Events => self.line("events", &line(Heads::Both)),
            Sign::Database(database) => self.sign(database, Point { x: x + 18, y }),
        }
        self.text("small left", Point { x: x + 46, y: y + 4 }, entry.meaning);
    }
}
