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

#[cfg(test)]
mod tests {
    use super::super::testing::trace;
    use super::*;

    const AN_ORDER: &str = "
        gateway server POST /api/orders
          gateway client POST → orders
            orders server orders.place
              orders client inventory.reserve → inventory
                inventory server inventory.reserve
                  inventory producer publish tradewind.events
                    payments consumer process payments.events
    ";

    fn faults(trace: &Trace) -> String {
        trace.check_order().expect_err("something is wrong with it")
    }

    #[test]
    fn an_order_as_it_should_be_has_no_fault() {
        trace(AN_ORDER).check_order().unwrap_or_else(|why| panic!("{why}"));
    }

    #[test]
    fn each_fault_is_found() {
        for (good, bad, says) in [
            ("gateway server", "orders server", "a root that is not the gateway's alone"),
            ("POST → orders", "POST → payments", "its caller meant"),
            (
                "inventory server inventory.reserve",
                "inventory server inventory.commit",
                "its caller asked for",
            ),
            ("inventory.reserve → inventory", "inventory.reserve", "nobody knows whom it called"),
            ("inventory server", "inventory client", "of another service"),
            ("orders client", "catalog client", "of another service"),
            ("inventory producer", "inventory server", "which is no client"),
            ("payments consumer", "shipping consumer", "is the queue of payments"),
        ] {
            assert!(AN_ORDER.contains(good), "{good}");
            let said = faults(&trace(&AN_ORDER.replacen(good, bad, 1)));
            assert!(said.contains(says), "{bad}: {said}");
        }
    }

    #[test]
    fn a_missing_span_a_second_root_and_a_circle_are_found() {
        let mut torn = trace(AN_ORDER);
        torn.spans.remove(2);
        assert!(faults(&torn).contains("its parent is missing"));
        let two = trace(&format!("{AN_ORDER}gateway server POST /api/orders"));
        assert!(faults(&two).contains("a root that is not the gateway's alone"));
        let mut circle = trace(AN_ORDER);
        circle.spans[5].parent = Some("6".to_owned());
        assert!(faults(&circle).contains("not all of 7 spans hang below a root"));
    }

    #[test]
    fn times_and_wires_that_do_not_agree_are_found() {
        let mut late = trace(AN_ORDER);
        late.spans[3].duration = 1_000;
        assert!(faults(&late).contains("it is not within the time of orders.place"));
        let mut early = trace(AN_ORDER);
        early.spans[4].start = 500;
        assert!(faults(&early).contains("outside of its caller's time"));
        let mut crossed = trace(AN_ORDER);
        crossed.spans[4].tags.insert("tradewind.wire".to_owned(), "grpc".into());
        assert!(faults(&crossed).contains("asked over"));
    }

    #[test]
    fn a_failure_is_a_fault_unless_it_was_to_be() {
        let mut failed = trace(AN_ORDER);
        failed.spans[3].tags.insert("otel.status_code".to_owned(), "ERROR".into());
        assert!(faults(&failed).contains("orders client inventory.reserve: it failed"));
        failed.check_shape().unwrap_or_else(|why| panic!("{why}"));
    }
}
