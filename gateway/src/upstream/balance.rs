//! Which instance of several: the less loaded of two random ones (Mitzenmacher, "The Power of Two
//! Choices in Randomized Load Balancing"). It comes close to asking all of them, and does not send
//! everybody to the same instance while the news of its load is on its way.

use std::collections::HashMap;
use std::sync::Arc;

use chassis::discovery::Instance;
use parking_lot::Mutex;

use super::chance::Chance;
use super::load::Load;

/// The instances of one service, with what the gateway knows of each.
#[derive(Default)]
pub(super) struct Balancer {
    loads: Mutex<Loads>,
}

#[derive(Default)]
struct Loads {
    of: Option<Arc<[Instance]>>,
    by_address: HashMap<String, Arc<Load>>,
}

impl Balancer {
    /// One of `instances` and its load; another than the one at `tried` where that is given. `None`
    /// where there is none. Instances set aside are chosen only when there are no others.
    pub fn choose(
        &self,
        instances: &Arc<[Instance]>,
        tried: Option<&str>,
        chance: &dyn Chance,
    ) -> Option<(Instance, Arc<Load>)> {
        let known = self.loads(instances);
        let untried: Vec<_> =
            known.into_iter().filter(|(instance, _)| Some(instance.address.as_str()) != tried).collect();
        let usable: Vec<_> = untried.iter().filter(|(_, load)| !load.is_aside()).collect();
        let candidates = if usable.is_empty() { untried.iter().collect() } else { usable };
        let (instance, load) = less_loaded_of_two(&candidates, chance)?;
        Some((instance.clone(), Arc::clone(load)))
    }

    fn loads(&self, instances: &Arc<[Instance]>) -> Vec<(Instance, Arc<Load>)> {
        let mut loads = self.loads.lock();
        if !loads.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, instances)) {
            // an instance that is gone is forgotten; one that comes back at the same address starts anew
            let mut before = std::mem::take(&mut loads.by_address);
            loads.by_address = instances
                .iter()
                .map(|instance| {
                    (instance.address.clone(), before.remove(&instance.address).unwrap_or_default())
                })
                .collect();
            loads.of = Some(Arc::clone(instances));
        }
        let load = |instance: &Instance| loads.by_address.get(&instance.address).cloned().unwrap_or_default();
        instances.iter().map(|instance| (instance.clone(), load(instance))).collect()
    }
}

fn less_loaded_of_two<'a>(
    candidates: &[&'a (Instance, Arc<Load>)],
    chance: &dyn Chance,
) -> Option<&'a (Instance, Arc<Load>)> {
    if candidates.len() < 2 {
        return candidates.first().copied();
    }
    let first = chance.below(candidates.len());
    // any of the others, each as likely
    let second = (first + 1 + chance.below(candidates.len() - 1)) % candidates.len();
    let (one, other) = (candidates[first], candidates[second]);
    Some(if other.1.in_flight() < one.1.in_flight() { other } else { one })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::chance::SeededChance;
    use crate::upstream::load::Ticket;
    use std::collections::HashSet;
    use std::time::Duration;

    fn instances(count: usize) -> Arc<[Instance]> {
        let instance = |number| Instance {
            id: format!("catalog-{number}"),
            service: "catalog".into(),
            address: format!("127.0.0.1:{}", 7000 + number),
            meta: Default::default(),
        };
        (0..count).map(instance).collect()
    }

    #[test]
    fn the_busiest_of_all_is_never_chosen() {
        let (balancer, instances, chance) = (Balancer::default(), instances(3), SeededChance::new(7));
        let (busiest, load) = balancer.choose(&instances, None, &chance).expect("one of three");
        let _ticket = Ticket::take(&load, "catalog");
        let chosen: HashSet<_> =
            (0..200).filter_map(|_| balancer.choose(&instances, None, &chance)).map(|(i, _)| i.id).collect();
        assert_eq!(chosen.len(), 2);
        assert!(!chosen.contains(&busiest.id));
    }

    #[test]
    fn equal_loads_are_shared_out_evenly() {
        let (balancer, instances, chance) = (Balancer::default(), instances(4), SeededChance::new(7));
        let mut tickets = Vec::new();
        for _ in 0..400 {
            let (_, load) = balancer.choose(&instances, None, &chance).expect("one of four");
            tickets.push(Ticket::take(&load, "catalog"));
        }
        for (instance, load) in balancer.loads(&instances) {
            assert!((95..=105).contains(&load.in_flight()), "{} has {}", instance.id, load.in_flight());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_set_aside_is_chosen_only_in_need_and_comes_back() {
        let (balancer, pair, chance) = (Balancer::default(), instances(2), SeededChance::new(7));
        let (dead, load) = balancer.choose(&pair, None, &chance).expect("one of two");
        load.set_aside(Duration::from_secs(3));
        let others = || (0..50).filter_map(|_| balancer.choose(&pair, None, &chance)).map(|(i, _)| i.id);
        assert!(others().all(|id| id != dead.id));
        let alone: Arc<[Instance]> = Arc::from([dead.clone()]);
        assert_eq!(balancer.choose(&alone, None, &chance).expect("the only one").0.id, dead.id);
        assert!(balancer.choose(&alone, Some(&dead.address), &chance).is_none());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(others().any(|id| id == dead.id));
    }
}
