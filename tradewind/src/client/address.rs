//! Addresses, as people type them.

use chassis::address::{is_host_and_port, shown};
use reqwest::Url;

use crate::exit::Ending;

/// The address of a server that `flag` names, without a slash at its end.
pub(crate) fn of_server(flag: &str, url: &str, example: &str) -> Result<String, Ending> {
    if !Url::parse(url).is_ok_and(|url| url.scheme() == "http" && url.has_host()) {
        return Err(Ending::Usage(format!(
            "{flag}: {} is not the address of a server, such as {example}",
            shown(url)
        )));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// `HOST:PORT` that `flag` names.
pub(super) fn of_process(flag: &str, address: &str, example: &str) -> Result<String, Ending> {
    if !is_host_and_port(address) {
        return Err(Ending::Usage(format!(
            "{flag}: {} is not HOST:PORT alone, such as {example}; an IPv6 address stands in brackets",
            shown(address)
        )));
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_url() {
        let of = |url| of_server("--gateway", url, "http://127.0.0.1:8080");
        assert_eq!(of("http://gateway:8080/").expect("sound"), "http://gateway:8080");
        assert_eq!(of("http://[::1]:8080").expect("sound"), "http://[::1]:8080");
        for bad in ["", "gateway", "gateway:8080", "127.0.0.1:8080", "ftp://gateway", "https://gateway"] {
            let told = of(bad).expect_err(bad).to_string();
            assert!(told.contains("--gateway") && told.contains("http://127.0.0.1:8080"), "{told}");
        }
        let told = of("https://me:hunter2@gateway").expect_err("there is no TLS").to_string();
        assert!(told.contains("https://gateway") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_process_is_named_by_host_and_port() {
        let of = |address| of_process("--modules", address, "shop:9000");
        for good in ["shop:9000", "127.0.0.1:9000", "[::1]:9000"] {
            assert_eq!(of(good).expect("sound"), good);
        }
        for bad in ["", "shop", ":9000", "shop:", "shop:0", "shop:99999", "http://shop:9000", "me@shop:9000"]
        {
            assert!(of(bad).expect_err(bad).to_string().contains("shop:9000"), "{bad}");
        }
        for bad in ["2001:db8::7", "::1:9000", "[::1:9000", "::1]:9000", "[shop]:9000", "[::1]"] {
            assert!(of(bad).expect_err(bad).to_string().contains("brackets"), "{bad}");
        }
        let told = of("me:hunter2@shop:9000").expect_err("nobody logs in there").to_string();
        assert!(told.contains("shop:9000") && !told.contains("hunter2"), "{told}");
    }
}
