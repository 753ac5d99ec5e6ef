//! Who takes in what the processes of the shop tell by OTLP: its own observatory, somebody else's collector, or
//! nobody.

use reqwest::Url;

use crate::exit::Ending;

/// The word that stands for nobody.
const NONE: &str = "none";

/// Who takes in traces and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Collector {
    /// The observatory, a process of the shop.
    Observatory,
    /// The one at this URL.
    Other(String),
    /// They are not sent.
    Nobody,
}

impl Collector {
    /// Whom `--otlp` names. Whether anybody is there is not asked: a shop works without.
    pub fn named(otlp: Option<&str>) -> Result<Self, Ending> {
        let Some(otlp) = otlp else { return Ok(Self::Observatory) };
        if otlp == NONE {
            return Ok(Self::Nobody);
        }
        let refused = |why: String| {
            let remedy = format!(
                "name a collector by its address, such as http://127.0.0.1:4317, or say `--otlp {NONE}`; without \
                 --otlp the shop brings an observatory along"
            );
            Ending::Usage(format!("--otlp: {why}\n{remedy}"))
        };
        let url = Url::parse(otlp).map_err(|error| refused(format!("this is not a URL: {error}")))?;
        match url.scheme() {
            "http" => Ok(Self::Other(otlp.to_owned())),
            "https" => Err(refused("https is not spoken: the shop has no TLS".to_owned())),
            other => Err(refused(format!("{other}:// is not OTLP, which goes over http://"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_that_is_told_nothing_watches_itself() {
        assert_eq!(Collector::named(None).expect("fine"), Collector::Observatory);
        assert_eq!(Collector::named(Some("none")).expect("fine"), Collector::Nobody);
        let url = "http://collector:4318/v1?key=hush";
        assert_eq!(Collector::named(Some(url)).expect("fine"), Collector::Other(url.into()));
    }

    #[test]
    fn what_is_no_collector_is_refused_with_what_to_say_instead() {
        for bad in
            ["", "127.0.0.1:4317", "localhost:4317", "https://collector", "grpc://collector:4317", "off"]
        {
            let refused = Collector::named(Some(bad)).expect_err(bad).to_string();
            assert!(refused.starts_with("--otlp: ") && refused.contains("--otlp none"), "{bad}: {refused}");
        }
    }
}
