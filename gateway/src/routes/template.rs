//! Paths with parameters: `/orders/{order_id}/timeline`, in the syntax of `matchit`.

use matchit::Params;

/// A path with parameters, which can be filled in. Values go in as they came, percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Parameter(String),
}

impl Template {
    /// Reads a template, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("must begin with /".into());
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '%' | '\\'))
        {
            return Err(format!("must be a plain path, without {bad:?}"));
        }
        // the router knows its own syntax best
        matchit::Router::new()
            .insert(text, ())
            .map_err(|error| format!("must be a path pattern: {error}"))?;
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("must have a } for each {")?;
            if name.is_empty() || name.contains('{') {
                return Err("must name each parameter".into());
            }
            parts.push(Part::Literal(literal.to_owned()));
            parts.push(Part::Parameter(name.trim_start_matches('*').to_owned()));
            rest = after;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The text that it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Parameter(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The path with these parameters. One that is missing counts as empty; tables are checked so that
    /// none is.
    pub fn fill(&self, parameters: &Params<'_, '_>) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Parameter(name) => parameters.get(name).unwrap_or_default(),
            })
            .collect()
    }

    /// Its shape, in which the names of parameters do not matter.
    pub fn shape(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Parameter(_) => "{}",
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_move_from_one_path_to_the_other() {
        let mut router = matchit::Router::new();
        router.insert("/api/orders/{id}/{*rest}", ()).unwrap();
        let found = router.at("/api/orders/17/a%20b/c").unwrap();
        let template = Template::parse("/orders/{id}/x/{*rest}").unwrap();
        assert_eq!(template.fill(&found.params), "/orders/17/x/a%20b/c");
        assert_eq!(template.names().collect::<Vec<_>>(), ["id", "rest"]);
        assert_eq!(template.shape(), "/orders/{}/x/{}");
    }

    #[test]
    fn what_is_no_path_pattern_is_refused() {
        for bad in [
            "",
            "orders",
            "/a?b",
            "/a b",
            "/{",
            "/{}",
            "/{a}{b}",
            "/{*rest}/more",
            "/ä",
            "/a#b",
            "/%2f",
            "/{{a}}",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
