//! What the supervisor asks of a topology.

use super::{Part, Supporting, Topology, built_in};

impl Topology {
    /// The built-in topology of this name.
    pub fn named(name: &str) -> Option<Self> {
        built_in::read(name)?.ok()
    }

    /// Whether processes find each other in a registry.
    pub fn has_registry(&self) -> bool {
        self.registry == Supporting::Runs
    }

    /// Whether messages go through a broker.
    pub fn has_broker(&self) -> bool {
        self.broker == Supporting::Runs
    }

    /// How many processes host `part`.
    pub fn hosts(&self, part: Part) -> u16 {
        self.process_of(part).replicas
    }

    /// Whether a shop of the one topology is one of the other: they differ in nothing but what they are called.
    pub fn is_arranged_as(&self, other: &Self) -> bool {
        let Self { name: _, about: _, database, registry, broker, processes, wires } = self;
        (database, registry, broker, processes, wires)
            == (&other.database, &other.registry, &other.broker, &other.processes, &other.wires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_no_difference() {
        let [monolith, step_1, step_2] = ["monolith", "step-1-monolith", "step-2-own-databases"]
            .map(|name| Topology::named(name).expect("built in"));
        assert!(monolith.is_arranged_as(&step_1));
        assert!(!step_1.is_arranged_as(&step_2));
        assert_eq!(Topology::named("nowhere"), None);
    }

    #[test]
    fn replicas_host_a_module_several_times() {
        let mut topology = Topology::named("microservices").expect("built in");
        let payments =
            topology.processes.iter_mut().find(|process| process.has(Part::Payments)).expect("it is there");
        payments.replicas = 3;
        assert_eq!((topology.hosts(Part::Payments), topology.hosts(Part::Orders)), (3, 1));
        assert!(topology.has_broker() && topology.has_registry());
    }
}
