//! Takes a draft out of TOML. What is wrong with a type, a key or a name is told here; what is wrong with the
//! topology as a whole, by the rules.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};
use wires::WireKind;

use super::draft::{At, Draft, DraftProcess, DraftWire};
use super::faults::Found;
use super::lines::Lines;
use super::nearest::{did_you_mean, nearest};
use crate::topology::{Database, Part, Supporting, part};

const KEYS: &[&str] = &["about", "database", "registry", "broker", "processes", "wires"];
const KEYS_OF_A_PROCESS: &[&str] = &["modules", "replicas"];
/// How long `about` may be: it is a sentence, which stands in lists and above pictures.
const LONGEST_ABOUT: usize = 200;

/// What `table` says; what is wrong with it goes into `found`.
pub(super) fn read(table: &DeTable<'_>, lines: &Lines<'_>, found: &mut Found) -> Draft {
    let mut reader = Reader { lines, found, draft: Draft::empty() };
    for (key, value) in entries(table) {
        reader.key(key, value);
    }
    reader.draft
}

/// The entries of a table in the order of the file. TOML gives them no order; people do.
fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

struct Reader<'a> {
    lines: &'a Lines<'a>,
    found: &'a mut Found,
    draft: Draft,
}

type Value<'v> = Spanned<DeValue<'v>>;

impl Reader<'_> {
    fn line_of<T>(&self, something: &Spanned<T>) -> usize {
        self.lines.line(something.span().start)
    }

    fn fault<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        self.found.fault(self.line_of(at), message);
    }

    fn wrong_type(&mut self, what: &str, value: &Value<'_>, wanted: &str) {
        let kind = value.get_ref().type_str();
        self.fault(value, format!("{what} is {} {kind}: it must be {wanted}", article(kind)));
    }

    fn unknown_key(&mut self, key: &Spanned<impl AsRef<str>>, of: &str, known: &[&str]) {
        let name = key.get_ref().as_ref();
        let hint = did_you_mean(name, known.iter().copied());
        self.fault(key, format!("{of} has no key {name:?}{}", remedy(&hint, &known.join(", "))));
    }

    fn key(&mut self, key: &Spanned<Cow<'_, str>>, value: &Value<'_>) {
        match key.get_ref().as_ref() {
            "about" => self.about(value),
            "database" => self.database(value),
            "registry" => self.draft.registry = self.supporting("registry", key, value),
            "broker" => self.draft.broker = self.supporting("broker", key, value),
            "processes" => {
                self.draft.processes_line = self.line_of(key);
                self.processes(value);
            }
            "wires" => self.wires(value),
            _ => self.unknown_key(key, "a topology", KEYS),
        }
    }

    fn about(&mut self, value: &Value<'_>) {
        let Some(text) = value.get_ref().as_str() else {
            return self.wrong_type("about", value, "a sentence in quotes");
        };
        // it is printed at terminals, where a control character could do anything
        if text.chars().any(char::is_control) || text.chars().count() > LONGEST_ABOUT {
            let message = format!("about must be one line, of at most {LONGEST_ABOUT} characters");
            return self.fault(value, message);
        }
        text.clone_into(&mut self.draft.about);
    }

    fn database(&mut self, value: &Value<'_>) {
        match value.get_ref().as_str() {
            Some("shared") => self.draft.database = Database::Shared,
            Some("own") => self.draft.database = Database::Own,
            Some(other) => {
                let remedy = "say \"shared\" for one of all modules, or \"own\" for one a module";
                self.fault(value, format!("database is {other:?}: {remedy}"));
            }
            None => self.wrong_type("database", value, "\"shared\" or \"own\""),
        }
    }

    fn supporting<T>(&mut self, name: &str, key: &Spanned<T>, value: &Value<'_>) -> At<Supporting> {
        let runs = value.get_ref().as_bool();
        if runs.is_none() {
            self.wrong_type(name, value, "true or false");
        }
        let value = if runs.unwrap_or(true) { Supporting::Runs } else { Supporting::Absent };
        At { value, line: self.line_of(key) }
    }

    fn processes(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            self.draft.unread.extend(Part::all());
            return self.wrong_type("processes", value, "a table: [processes]");
        };
        for (key, value) in entries(table) {
            let name = At { value: key.get_ref().to_string(), line: self.line_of(key) };
            let replicas = At { value: 1, line: name.line };
            let mut process = DraftProcess { name, modules: Vec::new(), replicas };
            match value.get_ref() {
                DeValue::Table(table) => self.process(&mut process, table),
                _ => self.modules(&mut process, value),
            }
            self.draft.processes.push(process);
        }
    }

    fn process(&mut self, process: &mut DraftProcess, table: &DeTable<'_>) {
        let mut has_list = false;
        for (key, value) in entries(table) {
            match key.get_ref().as_ref() {
                "modules" => {
                    has_list = true;
                    self.modules(process, value);
                }
                "replicas" => self.replicas(process, value),
                _ => self.unknown_key(key, "a process", KEYS_OF_A_PROCESS),
            }
        }
        if !has_list {
            self.empty(process);
        }
    }

    fn modules(&mut self, process: &mut DraftProcess, value: &Value<'_>) {
        let Some(list) = value.get_ref().as_array() else {
            self.draft.unread.extend(Part::all());
            let what = format!("what {:?} runs", process.name.value);
            return self.wrong_type(&what, value, "a list of modules, such as [\"orders\", \"payments\"]");
        };
        if list.is_empty() {
            self.empty(process);
        }
        for value in list.iter() {
            let Some(name) = value.get_ref().as_str() else {
                self.draft.unread.extend(Part::all());
                self.wrong_type("a module", value, "a name, such as \"orders\"");
                continue;
            };
            match Part::named(name) {
                Some(part) => process.modules.push(At { value: part, line: self.line_of(value) }),
                None => {
                    self.draft.unread.extend(nearest(name, names()).and_then(Part::named));
                    self.unknown_module(value, name);
                }
            }
        }
    }

    fn empty(&mut self, process: &DraftProcess) {
        let message = format!("process {:?} has no module: give it one, or take it out", process.name.value);
        self.found.fault(process.name.line, message);
    }

    fn unknown_module<T>(&mut self, at: &Spanned<T>, name: &str) {
        let remedy = remedy(&did_you_mean(name, names()), &part::list(Part::all()));
        self.fault(at, format!("there is no module {name:?}{remedy}"));
    }

    fn replicas(&mut self, process: &mut DraftProcess, value: &Value<'_>) {
        let DeValue::Integer(number) = value.get_ref() else {
            return self.wrong_type("replicas", value, "a number from 1 to 8");
        };
        match whole(number) {
            Some(replicas @ 1..=8) => process.replicas = At { value: replicas, line: self.line_of(value) },
            _ => self.fault(value, format!("replicas is {number}: it must be a number from 1 to 8")),
        }
    }

    fn wires(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type("wires", value, "a table for each caller: [wires.orders]");
        };
        for (key, value) in entries(table) {
            let Some(caller) = Part::named(key.get_ref()) else {
                self.unknown_module(key, key.get_ref());
                continue;
            };
            let Some(callees) = value.get_ref().as_table() else {
                self.wrong_type(&format!("wires.{caller}"), value, &format!("a table: [wires.{caller}]"));
                continue;
            };
            for (key, value) in entries(callees) {
                match Part::named(key.get_ref()) {
                    Some(callee) => self.wire(caller, callee, self.line_of(key), value),
                    None => self.unknown_module(key, key.get_ref()),
                }
            }
        }
    }

    fn wire(&mut self, caller: Part, callee: Part, line: usize, value: &Value<'_>) {
        let Some(name) = value.get_ref().as_str() else {
            return self.wrong_type("a wire", value, "\"rest\", \"grpc\" or \"amqp\"");
        };
        let wire = match name {
            "rest" => WireKind::Rest,
            "grpc" => WireKind::Grpc,
            "amqp" => WireKind::Amqp,
            "local" => {
                let remedy = format!("put {caller} and {callee} into one process, and it is taken by itself");
                return self.fault(value, format!("\"local\" cannot be chosen: {remedy}"));
            }
            _ => {
                let remedy = remedy(&did_you_mean(name, ["rest", "grpc", "amqp"]), "rest, grpc, amqp");
                return self.fault(value, format!("there is no wire {name:?}{remedy}"));
            }
        };
        self.draft.wires.push(DraftWire { caller, callee, wire, line });
    }
}

/// The names of all modules.
fn names() -> impl Iterator<Item = &'static str> {
    Part::all().into_iter().map(Part::name)
}

/// What to do about a name that nobody knows: what was meant, where that can be guessed, and what there is.
fn remedy(hint: &str, known: &str) -> String {
    if hint.is_empty() { format!(": there are {known}") } else { format!("{hint} There are {known}") }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'i']) { "an" } else { "a" }
}

/// A number, where it is small enough to be one of ours.
fn whole(number: &DeInteger<'_>) -> Option<u16> {
    u16::from_str_radix(number.as_str(), number.radix()).ok()
}
