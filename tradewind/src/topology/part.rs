//! The modules of the shop, as a topology places them.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A module: what a topology puts into one process or another, and never divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The public door
    Gateway,
    /// What the shop sells
    Catalog,
    /// How much of it there is
    Inventory,
    /// The money
    Payments,
    /// The carriers
    Shipping,
    /// What customers want
    Orders,
    /// What customers are told
    Notifications,
    /// What goes with what
    Recommendations,
}

impl Part {
    /// Every module, callers of the outside world first.
    pub const fn all() -> [Self; 8] {
        [
            Self::Gateway,
            Self::Catalog,
            Self::Inventory,
            Self::Payments,
            Self::Shipping,
            Self::Orders,
            Self::Notifications,
            Self::Recommendations,
        ]
    }

    /// Its name, in the registry too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Catalog => "catalog",
            Self::Inventory => "inventory",
            Self::Payments => "payments",
            Self::Shipping => "shipping",
            Self::Orders => "orders",
            Self::Notifications => "notifications",
            Self::Recommendations => "recommendations",
        }
    }

    /// The module of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|part| part.name() == name)
    }

    /// Whether it keeps anything: the gateway has no database.
    pub fn has_database(self) -> bool {
        self != Self::Gateway
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Modules as people list them: `catalog, inventory, payments`.
pub(super) fn list(parts: impl IntoIterator<Item = Part>) -> String {
    parts.into_iter().map(Part::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_everywhere() {
        for part in Part::all() {
            let typed = part.to_possible_value().expect("none is hidden");
            assert_eq!(typed.get_name(), part.name());
            assert_eq!(serde_json::to_value(part).expect("writes"), part.name());
            assert_eq!(Part::named(part.name()), Some(part));
        }
    }

    #[test]
    fn each_stands_once_in_the_list() {
        assert_eq!(Part::all().as_slice(), Part::value_variants());
        assert_eq!(Part::named("registry"), None);
    }
}
