//! Where everything in the picture stands. The modules stand one below the other, framed by process, so that
//! there is a place beside each for what calls it (the gateway on the left, orders on the right) and for the
//! events that it says and hears (further right), whoever shares a process with whom.

use wires::WireKind;

use super::calls::{self, Call};
use super::events;
use super::legend::{self, Entry};
use super::shapes::{Line, Rect};
use super::text::wrapped;
use crate::topology::{Database, Part, ProcessSpec, Supporting, Topology};

/// How wide the picture is.
pub(super) const WIDTH: i32 = 720;
/// What stays free at its sides.
const MARGIN: i32 = 16;
/// How many characters a line of the sentence below the title has.
const SENTENCE: usize = 78;

/// Frames of processes, from left to right.
const FRAME: (i32, i32) = (72, 548);
/// Boxes of modules.
const MODULE: (i32, i32) = (192, 428);
const MODULE_HEIGHT: i32 = 42;
/// From one module to the next.
const ROW: i32 = 54;
/// What a frame has above its first module, for its name.
const FRAME_HEAD: i32 = 34;
/// Between two frames. The outlines of replicas stand in it.
const FRAME_GAP: i32 = 22;
/// How far the second outline of a process with replicas looks out behind the first.
const REPLICA: i32 = 6;
/// How many letters the name of a process may have at its usual size.
const LONG: usize = 28;
/// Where the broker stands, below the line of events.
const BROKER: (i32, i32) = (584, 704);
/// How wide the other servers are.
const SERVER: i32 = 128;
const SERVER_HEIGHT: i32 = 50;
const SERVER_GAP: i32 = 12;

/// The whole picture.
#[derive(Debug)]
pub(super) struct Layout {
    pub height: i32,
    /// The sentence below the title, in lines.
    pub sentence: Vec<String>,
    pub frames: Vec<Frame>,
    pub modules: Vec<ModuleBox>,
    pub servers: Vec<ServerBox>,
    pub calls: Vec<Call>,
    pub events: Vec<Line>,
    pub legend: Vec<Entry>,
}

/// A process.
#[derive(Debug)]
pub(super) struct Frame {
    pub name: String,
    pub replicas: u16,
    pub rect: Rect,
}

/// A module.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModuleBox {
    pub part: Part,
    pub rect: Rect,
    /// Whether it has a database to itself.
    pub database: Option<Database>,
}

/// What stands around the modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    ConfigServer,
    CardNetwork,
    Registry,
    /// No process: where all modules keep what they know, in case they share a database.
    Database,
    Broker,
}

/// A server, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerBox {
    pub what: Beside,
    pub rect: Rect,
}

impl Beside {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigServer => "config-server",
            Self::CardNetwork => "card-network",
            Self::Registry => "registry",
            Self::Database => "database",
            Self::Broker => "broker",
        }
    }

    /// What it is for.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::ConfigServer => "settings of all",
            Self::CardNetwork => "outside party",
            Self::Registry => "who is where",
            Self::Database => "of all modules",
            Self::Broker => "every event",
        }
    }
}

impl Frame {
    /// Whether its name must be written smaller, beside the number of replicas.
    pub fn has_long_name(&self) -> bool {
        self.name.len() > LONG
    }

    /// The second outline of a process that runs more than once.
    pub fn behind(&self) -> Option<Rect> {
        (self.replicas > 1).then(|| self.rect.moved(REPLICA, -REPLICA))
    }
}

impl Layout {
    /// The picture of `topology`.
    pub fn of(topology: &Topology, wires: impl Fn(Part, Part) -> WireKind) -> Self {
        let sentence = wrapped(&topology.about, SENTENCE);
        let lines = i32::try_from(sentence.len()).unwrap_or(0);
        let (frames, modules) = rows(topology, 68 + 20 * lines);
        let below = frames.last().map_or(0, |frame| frame.rect.bottom());
        let servers = servers(topology, below + 34);
        let edges = topology.edges(wires);
        let below = servers.last().map_or(below, |server| server.rect.bottom());
        let legend = legend::entries(topology, &edges, below + 34);
        let height = legend.last().map_or(below, |entry| entry.at.y) + 24;
        let calls = calls::route(&edges, &modules);
        let events = events::route(&modules, &servers);
        Self { height, sentence, frames, modules, servers, calls, events, legend }
    }
}

/// The processes and their modules, below one another, from `top` on.
fn rows(topology: &Topology, top: i32) -> (Vec<Frame>, Vec<ModuleBox>) {
    let (mut frames, mut modules) = (Vec::new(), Vec::new());
    let mut y = top;
    for ProcessSpec { name, modules: parts, replicas } in &topology.processes {
        let begin = y;
        y += FRAME_HEAD;
        for part in parts {
            let rect = Rect { x: MODULE.0, y, width: MODULE.1 - MODULE.0, height: MODULE_HEIGHT };
            let database = part.has_database().then_some(topology.database);
            modules.push(ModuleBox { part: *part, rect, database });
            y += ROW;
        }
        let rect = Rect { x: FRAME.0, y: begin, width: FRAME.1 - FRAME.0, height: y - begin };
        frames.push(Frame { name: name.clone(), replicas: *replicas, rect });
        y += FRAME_GAP;
    }
    (frames, modules)
}

/// The supporting servers, beside one another: the broker below the line of events, the others left of it.
fn servers(topology: &Topology, y: i32) -> Vec<ServerBox> {
    let registry = (topology.registry == Supporting::Runs).then_some(Beside::Registry);
    let database = (topology.database == Database::Shared).then_some(Beside::Database);
    let broker = (topology.broker == Supporting::Runs).then_some(Beside::Broker);
    let left = [Beside::ConfigServer, Beside::CardNetwork].into_iter().chain(registry).chain(database);
    let places = (MARGIN..).step_by((SERVER + SERVER_GAP).unsigned_abs() as usize);
    let at = |x, width| Rect { x, y, width, height: SERVER_HEIGHT };
    let left = left.zip(places).map(|(what, x)| ServerBox { what, rect: at(x, SERVER) });
    let below_events = at(BROKER.0, BROKER.1 - BROKER.0);
    left.chain(broker.map(|what| ServerBox { what, rect: below_events })).collect()
}
