//! Why there may be no trace, and what to do.

use crate::exit::Ending;

/// What to say of traces that are not at `url`.
pub(super) fn words(ids: &[u128], url: &str) -> String {
    let mut text = String::new();
    for id in ids {
        text.push_str(&format!("error: there is no trace {id:032x} at {url}\n"));
    }
    text.push_str(
        "  not sampled?   `tradewind config get application telemetry.sample_ratio` tells which share of new traces\n  \
         \x20              is kept; `tradewind config set application telemetry.sample_ratio 1.0` keeps all from now on\n  \
         forgotten?     an observatory keeps in memory what happened lately, and begins anew when it is restarted\n  \
         on its way?    spans are sent every few seconds: try again, or wait longer with --wait\n  \
         elsewhere?     `tradewind status` shows whether the observatory runs; --jaeger names another",
    );
    text
}

/// What to say where the shop has no observatory; `otlp` is where its traces go instead.
pub(super) fn observatory(otlp: Option<&str>) -> Ending {
    Ending::Usage(match otlp {
        Some(otlp) => format!(
            "this shop sends its traces to {otlp}, and has no observatory: name whoever shows them, such as \
             `--jaeger http://127.0.0.1:16686`"
        ),
        None => "this shop sends its traces to nobody: start it without `--otlp none` to have its observatory, or name \
                 whoever has the trace with --jaeger"
            .to_owned(),
    })
}

/// What to say where nobody said where a shop elsewhere has its observatory.
pub(super) fn address_of_observatory() -> Ending {
    Ending::Usage(
        "where the traces of this shop are shown is not known: name its observatory with --observatory \
         (TRADEWIND_OBSERVATORY), or whoever else has them with --jaeger"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn each_absent_trace_is_named_and_every_command_that_may_help_parses() {
        let text = words(&[0xa, 0xb], "http://127.0.0.1:16686");
        assert_eq!(text.matches("there is no trace").count(), 2);
        assert!(text.contains("0000000000000000000000000000000a at http://127.0.0.1:16686"), "{text}");
        let commands: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        assert_eq!(commands.len(), 3);
        for command in commands {
            if let Err(error) = Cli::try_parse_from(command.split(' ')) {
                panic!("{command}: {error}");
            }
        }
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }

    #[test]
    fn a_shop_without_an_observatory_says_where_its_traces_are() {
        let elsewhere = observatory(Some("http://collector:4317")).to_string();
        assert!(elsewhere.contains("http://collector:4317") && elsewhere.contains("--jaeger"), "{elsewhere}");
        assert!(observatory(None).to_string().contains("--otlp none"));
        assert!(address_of_observatory().to_string().contains("--observatory"));
    }
}
