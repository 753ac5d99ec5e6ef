//! What a draft must not say.

use wires::WireKind;

use super::draft::{Draft, DraftProcess};
use super::faults::Found;
use crate::topology::edges::callees;
use crate::topology::{Part, Supporting, part};

/// Names of processes that are none of the file's: the supporting servers.
const RESERVED: &[&str] = &["registry", "config-server", "broker", "card-network", "observatory"];
/// How long the name of a process may be.
const LONGEST_NAME: usize = 40;

/// Tells everything that is wrong.
pub(super) fn check(draft: &Draft, found: &mut Found) {
    if draft.processes.is_empty() && draft.unread.is_empty() {
        let remedy = "add one, such as shop = [\"gateway\", \"orders\"]";
        found.fault(draft.processes_line, format!("[processes] names no process: {remedy}"));
        return wires(draft, found);
    }
    for process in &draft.processes {
        name(process, found);
    }
    every_module_once(draft, found);
    if draft.running() > 1 {
        registry(draft, found);
        broker(draft, found);
    }
    wires(draft, found);
}

fn name(process: &DraftProcess, found: &mut Found) {
    let name = &process.name.value;
    if RESERVED.contains(&name.as_str()) {
        let message =
            format!("{name:?} is a supporting server, always a process of its own: choose another name");
        return found.fault(process.name.line, message);
    }
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !(letters && begins && name.len() <= LONGEST_NAME) {
        let rule = "lower-case letters, digits and dashes, beginning with a letter";
        let message = format!("{name:?} cannot name a process: use at most {LONGEST_NAME} {rule}");
        found.fault(process.name.line, message);
    }
}

fn every_module_once(draft: &Draft, found: &mut Found) {
    let mut nowhere = Vec::new();
    for part in Part::all() {
        let places = draft.processes.iter().flat_map(|process| {
            let here = process.modules.iter().filter(move |module| module.value == part);
            here.map(move |module| (process, module.line))
        });
        let places: Vec<_> = places.collect();
        match places.split_first() {
            Some((first, others)) => others.iter().for_each(|other| twice(part, *first, *other, found)),
            None if draft.unread.contains(&part) => {}
            None => nowhere.push(part),
        }
    }
    if !nowhere.is_empty() {
        let message = format!("no process has {}: add each to one", part::list(nowhere));
        found.fault(draft.processes_line, message);
    }
}

/// A process that has a module, and the line that says so.
type Place<'a> = (&'a DraftProcess, usize);

fn twice(part: Part, (first, line): Place<'_>, (second, again): Place<'_>, found: &mut Found) {
    let [first, second] = [first, second].map(DraftProcess::shown_name);
    let message = if first == second {
        format!("{part} stands in {first} already (line {line}): take one out")
    } else {
        let places = format!("{first} (line {line}) and {second} (line {again})");
        format!("{part} stands in two processes, {places}: keep it in one of them")
    };
    found.fault(again, message);
}

/// Processes find each other by the registry.
fn registry(draft: &Draft, found: &mut Found) {
    if draft.registry.value == Supporting::Absent {
        let processes = draft.running();
        let remedy = "say registry = true, or keep every module in one process that runs once";
        let message = format!("{processes} processes cannot find each other without a registry: {remedy}");
        found.fault(draft.registry.line, message);
    }
}

/// Events leave a process through the broker, and come into another through it.
fn broker(draft: &Draft, found: &mut Found) {
    if draft.broker.value == Supporting::Runs {
        return;
    }
    let without = format!("without a broker (line {})", draft.broker.line);
    let remedy = "say broker = true";
    let home = draft.processes.iter().find(|process| process.has(Part::Orders));
    let before = found.count();
    for process in &draft.processes {
        let name = &process.name.value;
        if process.replicas.value > 1 {
            let message = format!("{name:?} cannot run more than once {without}: {remedy}, or replicas = 1");
            found.fault(process.replicas.line, message);
        }
        let Some(home) = home.filter(|home| home.name != process.name) else { continue };
        for module in process.modules.iter().filter(|module| module.value.hears()) {
            let (part, home, line) = (module.value, home.shown_name(), home.name.line);
            let or = format!("or move it to {home} (line {line}), where orders stands");
            found.fault(module.line, format!("{part} hears of nothing here {without}: {remedy}, {or}"));
        }
    }
    if found.count() == before {
        let or = "or keep every module in one process";
        let message =
            format!("several processes need a broker, through which every event goes: {remedy}, {or}");
        found.fault(draft.broker.line, message);
    }
}

/// A wire is for an edge that there is, and needs what it is made of.
fn wires(draft: &Draft, found: &mut Found) {
    for wire in &draft.wires {
        let (caller, callee) = (wire.caller, wire.callee);
        let calls = part::list(callees(caller));
        let message = if caller == callee {
            format!("{caller} does not call itself over a wire: take the line out")
        } else if caller == Part::Gateway {
            let why = "the gateway passes on what its clients speak, REST or gRPC";
            format!("{why}: its wire to {callee} cannot be chosen, so take the line out")
        } else if calls.is_empty() {
            format!("{caller} calls no other module: take the line out")
        } else if !callees(caller).any(|called| called == callee) {
            format!("{caller} does not call {callee}: it calls {calls}")
        } else if wire.wire == WireKind::Amqp && draft.broker.value == Supporting::Absent {
            let there_is = format!("there is none (line {})", draft.broker.line);
            format!("amqp goes through a broker, and {there_is}: say broker = true, or choose rest or grpc")
        } else {
            continue;
        };
        found.fault(wire.line, message);
    }
}
