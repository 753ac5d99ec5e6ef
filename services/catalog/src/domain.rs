//! What may be asked of the catalog, how a search is read, and where its pages begin.

use std::collections::HashSet;

use contracts::catalog::Product;
use contracts::error::Faults;
use contracts::types::Cursor;
use contracts::{Code, Problem, Sku};

/// The most products that one call may ask for by SKU.
pub const MOST_SKUS: usize = 100;
/// The longest query, and the longest name of a category, in characters.
pub const LONGEST_TEXT: usize = 100;

/// Refuses a SKU that is not well-formed.
pub fn check_sku(sku: &Sku) -> Result<(), Problem> {
    let mut faults = Faults::default();
    fault_sku(&mut faults, "sku", sku);
    faults.into_result()
}

/// Refuses no SKU, too many, one that comes twice, and those that are not well-formed.
pub fn check_skus(skus: &[Sku]) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let count = skus.len();
    faults.check((1..=MOST_SKUS).contains(&count), "skus", format!("must be 1 to {MOST_SKUS}, not {count}"));
    let mut seen = HashSet::new();
    // beyond the limit every further fault would only make the answer longer
    for (at, sku) in skus.iter().enumerate().take(MOST_SKUS) {
        let field = format!("skus[{at}]");
        fault_sku(&mut faults, &field, sku);
        faults.check(seen.insert(sku), field, "is there twice");
    }
    faults.into_result()
}

fn fault_sku(faults: &mut Faults, field: &str, sku: &Sku) {
    faults.check(sku.is_valid(), field, "must be 1 to 32 characters of A-Z a-z 0-9 . _ -");
}

/// Refuses what cannot be the name of a category. One that merely has no products is fine.
pub fn check_category(category: &str) -> Result<(), Problem> {
    let mut faults = Faults::default();
    check_text(&mut faults, "category", category);
    faults.into_result()
}

fn check_text(faults: &mut Faults, field: &str, text: &str) {
    let length = text.chars().count();
    faults.check(
        (1..=LONGEST_TEXT).contains(&length),
        field,
        format!("must have 1 to {LONGEST_TEXT} characters, not {length}"),
    );
    faults.check(!text.chars().any(char::is_control), field, "must not hold control characters");
}

/// The key of the product that a page of a listing begins after: a SKU, or nothing for the first page.
pub fn listing_start(after: String) -> Result<String, Problem> {
    if after.is_empty() || Sku::from(after.as_str()).is_valid() {
        Ok(after)
    } else {
        Err(foreign_cursor(after))
    }
}

/// The error for a cursor that came from another listing of ours.
fn foreign_cursor(key: String) -> Problem {
    let text = Cursor(key).encode();
    Problem::new(Code::InvalidCursor, format!("cursor {text:?} belongs to another listing"))
}

/// The problem that names every SKU that is missing.
pub fn unknown_skus(missing: &[Sku]) -> Problem {
    let names: Vec<_> = missing.iter().map(|sku| sku.0.as_str()).collect();
    Problem::new(Code::UnknownSku, format!("there is no product {}", names.join(", ")))
}

/// The words of a search, in lower case, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of a query, or what is wrong with it.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut faults = Faults::default();
        check_text(&mut faults, "query", query);
        let mut words = Vec::new();
        for word in fold(query).split_whitespace() {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        faults.check(query.is_empty() || !words.is_empty(), "query", "must have at least one word");
        faults.into_result()?;
        Ok(Self(words))
    }

    /// The words.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// How well a product matches; `None` where it does not. The store's statement says the same.
    pub fn rank(&self, product: &Product) -> Option<Rank> {
        let folded = Folded::of(product);
        let all_in = |text: &str| self.0.iter().all(|word| text.contains(word.as_str()));
        if all_in(&folded.name) { Some(Rank::InName) } else { all_in(&folded.text).then_some(Rank::InText) }
    }
}

/// How well a product matches a search; the better rank is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Its name has every word.
    InName,
    /// Name, description and category together have every word.
    InText,
}

impl Rank {
    /// The number that stands for it in statements.
    pub const fn number(self) -> i64 {
        match self {
            Self::InName => 0,
            Self::InText => 1,
        }
    }

    /// The rank that a number stands for.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::InName, Self::InText].into_iter().find(|rank| rank.number() == number)
    }
}

/// The place of a product among the results of a search.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// How well it matches.
    pub rank: Rank,
    /// Among equals, the order of SKUs.
    pub sku: String,
}

impl Place {
    /// Before every result.
    pub fn start() -> Self {
        Self { rank: Rank::InName, sku: String::new() }
    }

    /// The place as the key of a cursor.
    pub fn key(&self) -> String {
        format!("{}/{}", self.rank.number(), self.sku)
    }

    /// The place that a page of results begins after.
    pub fn parse(key: String) -> Result<Self, Problem> {
        if key.is_empty() {
            return Ok(Self::start());
        }
        let place = key.split_once('/').and_then(|(rank, sku)| {
            let rank = Rank::from_number(rank.parse().ok()?)?;
            Sku::from(sku).is_valid().then(|| Self { rank, sku: sku.to_owned() })
        });
        place.ok_or_else(|| foreign_cursor(key))
    }
}

/// What a search looks through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The name.
    pub name: String,
    /// Name, description and category. No word of a search reaches from one into the next, since words
    /// hold no space.
    pub text: String,
}

impl Folded {
    /// The texts of `product`.
    pub fn of(product: &Product) -> Self {
        let text = format!("{}\n{}\n{}", product.name, product.description, product.category);
        Self { name: fold(&product.name), text: fold(&text) }
    }
}

fn fold(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use contracts::Money;
    use proptest::prelude::*;

    use super::*;

    fn skillet() -> Product {
        Product {
            sku: "KIT-0001".into(),
            name: "Cast iron skillet".into(),
            description: "Good for any hob. Ölt sich selbst.".into(),
            category: "kitchen".into(),
            price: Money::eur(3490),
            weight_grams: 2450,
            version: 1,
        }
    }

    fn rank(query: &str) -> Option<Rank> {
        Words::parse(query).expect("a query").rank(&skillet())
    }

    #[test]
    fn a_name_with_every_word_ranks_first_whatever_the_case() {
        assert_eq!(rank("IRON cast"), Some(Rank::InName));
        assert_eq!(rank("iron KITCHEN"), Some(Rank::InText));
        assert_eq!(rank("öLT"), Some(Rank::InText));
        assert_eq!(rank("iron copper"), None);
    }

    #[test]
    fn wildcards_are_letters_like_any_other() {
        assert_eq!(rank("%"), None);
        assert_eq!(rank("c_st"), None);
    }

    #[test]
    fn queries_without_a_word_too_long_or_with_control_characters_are_refused() {
        for bad in ["", "   ", &"x".repeat(101), "a\0b"] {
            let refused = Words::parse(bad).expect_err(bad);
            assert_eq!(refused.code, Code::InvalidRequest, "{bad:?}");
            assert!(refused.faults.iter().all(|fault| fault.field == "query"), "{bad:?}");
        }
        assert!(Words::parse(&"é".repeat(100)).is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn every_fault_of_a_batch_is_named() {
        let refused =
            check_skus(&["KIT-0001".into(), "no good".into(), "KIT-0001".into()]).expect_err("faults");
        let fields: Vec<_> = refused.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["skus[1]", "skus[2]"]);
        let many: Vec<Sku> = (0..101).map(|n| Sku(format!("KIT-{n:04}"))).collect();
        assert_eq!(check_skus(&many).expect_err("too many").faults[0].field, "skus");
        assert!(check_skus(&many[..100]).is_ok());
        assert!(check_skus(&[]).is_err());
    }

    #[test]
    fn a_cursor_of_the_listing_is_refused_by_the_search_and_the_other_way_round() {
        let place = Place { rank: Rank::InText, sku: "KIT-0001".into() };
        assert_eq!(Place::parse(place.key()).expect("ours"), place);
        assert_eq!(Place::parse("KIT-0001".into()).expect_err("a listing's").code, Code::InvalidCursor);
        assert_eq!(listing_start(place.key()).expect_err("a search's").code, Code::InvalidCursor);
    }

    proptest! {
        #[test]
        fn no_query_and_no_cursor_panics(text in any::<String>()) {
            if let Ok(words) = Words::parse(&text) {
                prop_assert!(!words.as_slice().is_empty());
                words.rank(&skillet());
            }
            let _ = (Place::parse(text.clone()), listing_start(text));
        }

        #[test]
        fn a_name_matches_each_of_its_own_words(name in "[a-zA-Zäöß%_]{1,12}( [a-zA-Zäöß%_]{1,12}){0,3}") {
            let product = Product { name: name.clone(), ..skillet() };
            prop_assert_eq!(Words::parse(&name).expect("a query").rank(&product), Some(Rank::InName));
        }
    }
}
