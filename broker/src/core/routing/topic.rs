//! Topic patterns: words between dots, `*` for any one word, `#` for any number of them.
//!
//! All patterns of an exchange are one trie, walked once for each message with every node that could match:
//! the time grows with the words and the nodes, and no pattern makes it explode.

use std::collections::HashMap;

use crate::core::ids::QueueId;

type NodeId = usize;
const ROOT: NodeId = 0;

/// The patterns of one topic exchange, and the queues behind them.
#[derive(Debug)]
pub(crate) struct Topics {
    nodes: Vec<Node>,
    // nodes that no pattern uses any more
    idle: usize,
}

#[derive(Debug, Default)]
struct Node {
    words: HashMap<Box<str>, NodeId>,
    any_word: Option<NodeId>,
    any_words: Option<NodeId>,
    // what it matches, it matches again, however many words come
    repeats: bool,
    queues: Vec<QueueId>,
}

impl Default for Topics {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], idle: 0 }
    }
}

impl Topics {
    /// Adds a pattern; a queue may have several.
    pub fn insert(&mut self, pattern: &str, queue: QueueId) {
        let mut at = ROOT;
        for word in words(pattern) {
            at = self.step(at, word);
        }
        self.nodes[at].queues.push(queue);
    }

    /// Takes one pattern out that was added before.
    pub fn remove(&mut self, pattern: &str, queue: QueueId) {
        let mut at = ROOT;
        for word in words(pattern) {
            let node = &self.nodes[at];
            let next = match word {
                "*" => node.any_word,
                "#" => node.any_words,
                word => node.words.get(word).copied(),
            };
            let Some(next) = next else { return };
            at = next;
        }
        let queues = &mut self.nodes[at].queues;
        if let Some(found) = queues.iter().position(|other| *other == queue) {
            queues.swap_remove(found);
            self.idle += usize::from(queues.is_empty());
        }
    }

    /// Whether so much of it is idle that it should be built anew.
    pub fn is_overgrown(&self) -> bool {
        self.idle > 64 && self.idle * 2 > self.nodes.len()
    }

    /// The queues that a routing key reaches are added to `queues`, some perhaps more than once.
    pub fn route(&self, key: &str, queues: &mut Vec<QueueId>) {
        let mut active = Vec::new();
        self.enter(ROOT, &mut active);
        let mut next = Vec::new();
        for word in words(key) {
            for at in active.drain(..) {
                let node = &self.nodes[at];
                if node.repeats {
                    self.enter(at, &mut next);
                }
                node.any_word.into_iter().for_each(|at| self.enter(at, &mut next));
                node.words.get(word).into_iter().for_each(|at| self.enter(*at, &mut next));
            }
            std::mem::swap(&mut active, &mut next);
        }
        active.iter().for_each(|at| queues.extend(&self.nodes[*at].queues));
    }

    /// A node can match from here on, and so can what follows it without a word.
    fn enter(&self, at: NodeId, active: &mut Vec<NodeId>) {
        let mut entered = Some(at);
        while let Some(at) = entered {
            if active.contains(&at) {
                return;
            }
            active.push(at);
            entered = self.nodes[at].any_words;
        }
    }

    fn step(&mut self, at: NodeId, word: &str) -> NodeId {
        let new = self.nodes.len();
        let node = &mut self.nodes[at];
        let to = match word {
            "*" => *node.any_word.get_or_insert(new),
            "#" => *node.any_words.get_or_insert(new),
            word => *node.words.entry(word.into()).or_insert(new),
        };
        if to == new {
            self.nodes.push(Node { repeats: word == "#", ..Node::default() });
        }
        to
    }
}

/// The words of a key or a pattern; an empty one has none.
fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').filter(move |_| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUEUE: QueueId = QueueId(7);

    fn matches(pattern: &str, key: &str) -> bool {
        let mut topics = Topics::default();
        topics.insert(pattern, QUEUE);
        let mut queues = Vec::new();
        topics.route(key, &mut queues);
        queues.contains(&QUEUE)
    }

    /// The rule as a sentence: what a pattern means, without any cleverness.
    fn means(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern, key) {
            ([], []) => true,
            (["#", rest @ ..], _) => (0..=key.len()).any(|taken| means(rest, &key[taken..])),
            (["*", rest @ ..], [_, later @ ..]) => means(rest, later),
            ([word, rest @ ..], [other, later @ ..]) => word == other && means(rest, later),
            _ => false,
        }
    }

    #[test]
    fn patterns_match_as_rabbitmq_has_it() {
        for (pattern, key) in [
            ("#", ""),
            ("#", "a.b"),
            ("a.#", "a"),
            ("#.b.#", "a.b.c"),
            ("*", ""),
            ("a.*.c", "a..c"),
            ("", ""),
        ] {
            // an empty key has no word, so that `*` does not take it
            assert_eq!(matches(pattern, key), pattern != "*", "{pattern} {key}");
        }
        for (pattern, key) in [("a.*", "a"), ("a", "a.b"), ("*.b", "b"), ("a.#.d", "a.b.c"), ("", "a")] {
            assert!(!matches(pattern, key), "{pattern} {key}");
        }
    }

    #[test]
    fn no_pattern_makes_it_explode() {
        let mut topics = Topics::default();
        topics.insert(&["#.a"; 60].join("."), QUEUE);
        let mut queues = Vec::new();
        topics.route(&["a"; 120].join("."), &mut queues);
        assert_eq!(queues, [QUEUE]);
        queues.clear();
        topics.route(&format!("{}.b", ["a"; 120].join(".")), &mut queues);
        assert_eq!(queues, []);
    }

    #[test]
    fn what_is_taken_out_matches_no_more_and_leaves_the_others() {
        let mut topics = Topics::default();
        topics.insert("a.*", QUEUE);
        topics.insert("a.*", QueueId(8));
        topics.insert("#", QUEUE);
        topics.remove("a.*", QUEUE);
        topics.remove("never.there", QUEUE);
        let mut queues = Vec::new();
        topics.route("a.b", &mut queues);
        queues.sort();
        assert_eq!(queues, [QUEUE, QueueId(8)]);
    }

    proptest! {
        #[test]
        fn the_trie_says_what_the_rule_says(pattern in "([ab*#](\\.[ab*#]){0,5})?", key in "([abc](\\.[abc]){0,5})?") {
            let (of_pattern, of_key): (Vec<_>, Vec<_>) = (words(&pattern).collect(), words(&key).collect());
            prop_assert_eq!(matches(&pattern, &key), means(&of_pattern, &of_key));
        }
    }
}
