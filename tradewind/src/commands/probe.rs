//! `tradewind probe`: a question for health checks, in images where nothing else could ask it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use chassis::address::shown;

use crate::cli::ProbeArgs;
use crate::client::address;
use crate::exit::Ending;
use crate::health;

const EXAMPLE: &str = "http://127.0.0.1:9000/readyz";

/// Asks once; succeeds when whoever was asked is well.
pub async fn probe(args: &ProbeArgs) -> anyhow::Result<()> {
    let url = wanted(args)?;
    match health::check(&health::client()?, &url).await {
        Ok(()) => Ok(()),
        Err(unwell) => anyhow::bail!("{}: {unwell}", shown(&url)),
    }
}

/// What is asked for.
fn wanted(args: &ProbeArgs) -> Result<String, Ending> {
    match (&args.url, args.listen) {
        (Some(url), _) => address::of_server("probe", url, EXAMPLE).map(|_| url.clone()),
        (None, Some(listen)) if listen.port() != 0 => Ok(format!("http://{}/readyz", reachable(listen))),
        (None, _) => Err(Ending::Usage(format!(
            "name what to ask for, such as {EXAMPLE}, or where the process listens with --listen (TRADEWIND_LISTEN)"
        ))),
    }
}

/// Where a process of this machine is reached that listens at `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(every) if every.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(every) if every.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: Option<&str>, listen: Option<&str>) -> Result<String, Ending> {
        let listen = listen.map(|listen| listen.parse().expect("an address"));
        wanted(&ProbeArgs { url: url.map(str::to_owned), listen })
    }

    #[test]
    fn a_process_is_asked_where_it_listens() {
        for (listen, url) in [
            ("0.0.0.0:9000", "http://127.0.0.1:9000/readyz"),
            ("[::]:9000", "http://[::1]:9000/readyz"),
            ("10.0.0.7:9000", "http://10.0.0.7:9000/readyz"),
        ] {
            assert_eq!(asked(None, Some(listen)).expect("an address"), url);
        }
    }

    #[test]
    fn a_url_comes_first() {
        let url = "http://127.0.0.1:16686/readyz";
        assert_eq!(asked(Some(url), Some("0.0.0.0:9000")).expect("an address"), url);
    }

    #[test]
    fn who_is_to_be_asked_must_be_said() {
        for (url, listen) in [(None, None), (None, Some("0.0.0.0:0")), (Some("127.0.0.1:9000"), None)] {
            let told = asked(url, listen).expect_err("nobody is named").to_string();
            assert!(told.contains(EXAMPLE), "{told}");
        }
    }

    #[tokio::test]
    async fn whoever_is_not_there_is_told_in_one_line() {
        let args = ProbeArgs { url: Some("http://127.0.0.1:1/readyz".into()), listen: None };
        let told = probe(&args).await.expect_err("nothing listens there").to_string();
        assert!(told.starts_with("http://127.0.0.1:1/readyz: ") && !told.contains('\n'), "{told}");
    }
}
