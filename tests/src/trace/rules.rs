//! What must be so of every trace of the shop, whatever it is a trace of.

use contracts::messages::queues::QUEUES;

use super::span::{Kind, Span, Trace};

/// Times are cut to microseconds, start and duration each for itself.
const CUT: u64 = 2;

impl Trace {
    /// Everything that is wrong with it: that it does not hang together, that kinds, names or services along an edge
    /// do not agree, that a child is outside of its parent's time, that something failed.
    pub fn check_order(&self) -> Result<(), String> {
        let mut faults = self.torn();
        faults.extend(self.spans.iter().filter(|span| span.failed()).map(|span| told("it failed", span)));
        faults.extend(self.crooked());
        self.judged(faults)
    }

    /// The same for an order in which something may have failed.
    pub fn check_shape(&self) -> Result<(), String> {
        let mut faults = self.torn();
        faults.extend(self.crooked());
        self.judged(faults)
    }

    fn judged(&self, faults: Vec<String>) -> Result<(), String> {
        if faults.is_empty() { Ok(()) } else { Err(format!("{}\n{}", faults.join("\n"), self.picture())) }
    }

    /// Where it does not hang together.
    fn torn(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let roots: Vec<&Span> = self.roots().collect();
        match roots.as_slice() {
            [root] if root.service == "gateway" && root.kind == Kind::Server => {}
            _ => faults.extend(roots.iter().map(|root| told("a root that is not the gateway's alone", root))),
        }
        let orphans = roots.iter().filter(|root| root.parent.is_some());
        faults.extend(orphans.map(|orphan| told("its parent is missing", orphan)));
        if self.picture().lines().count() != self.spans.len() {
            faults.push(format!("not all of {} spans hang below a root, once each", self.spans.len()));
        }
        faults
    }

    fn crooked(&self) -> impl Iterator<Item = String> {
        self.spans.iter().filter_map(|span| {
            let fault = self.fault(span, self.parent_of(span))?;
            Some(told(&fault, span))
        })
    }

    /// What is wrong with a span where it is.
    fn fault(&self, span: &Span, parent: Option<&Span>) -> Option<String> {
        let parent = parent?;
        let same_service = span.service == parent.service;
        match span.kind {
            Kind::Server => served(span, parent),
            Kind::Consumer => consumed(span, parent),
            _ if !same_service => Some(format!("it is below {} of another service", parent.name)),
            Kind::Producer => None,
            Kind::Client if span.is_statement() => None,
            Kind::Client => {
                let answered = self.children(&span.id).any(|child| child.kind == Kind::Server);
                if span.tag("peer.service").is_none() {
                    Some("nobody knows whom it called".to_owned())
                } else if !answered && !span.failed() {
                    Some("it was answered by nobody".to_owned())
                } else {
                    outside(span, parent)
                }
            }
            Kind::Internal => None,
        }
    }
}

/// What is wrong with a server's span below its caller's.
fn served(span: &Span, caller: &Span) -> Option<String> {
    if caller.kind != Kind::Client {
        return Some(format!("it was called by {}, which is no client", caller.name));
    }
    if caller.tag("peer.service") != Some(&span.service) {
        return Some(format!("its caller meant {:?}", caller.tag("peer.service")));
    }
    // over plain HTTP a client knows the method alone
    let plain = caller.tag("http.request.method") == Some(&caller.name);
    if !plain && caller.name != span.name {
        return Some(format!("its caller asked for {}", caller.name));
    }
    if !plain && caller.tag("tradewind.wire") != span.tag("tradewind.wire") {
        let [asked, heard] = [caller, span].map(|span| span.tag("tradewind.wire"));
        return Some(format!("asked over {asked:?}, heard over {heard:?}"));
    }
    // a server may end after its caller, who has the answer before the server has let go of it
    let begun = (caller.start..=caller.end() + CUT).contains(&span.start);
    (!begun).then(|| "it began outside of its caller's time".to_owned())
}

/// What is wrong with the handling of a message below its publishing.
fn consumed(span: &Span, said: &Span) -> Option<String> {
    if said.kind != Kind::Producer {
        return Some(format!("it is below {}, which published nothing", said.name));
    }
    let queue = span.name.strip_prefix("process ").unwrap_or_default();
    if let Some(queue) = QUEUES.iter().find(|known| known.name == queue)
        && queue.module != span.service
    {
        return Some(format!("{} is the queue of {}", queue.name, queue.module));
    }
    (span.start + CUT < said.start).then(|| "it was dealt with before it was said".to_owned())
}

/// Whether a call is not within what it was made for.
fn outside(span: &Span, parent: &Span) -> Option<String> {
    if !matches!(parent.kind, Kind::Server | Kind::Client) {
        return None;
    }
    let within = parent.start <= span.start + CUT && span.end() <= parent.end() + CUT;
    (!within).then(|| format!("it is not within the time of {}", parent.name))
}

fn told(fault: &str, span: &Span) -> String {
    format!("{} {} {}: {fault}", span.service, span.kind.as_str(), span.name)
}
