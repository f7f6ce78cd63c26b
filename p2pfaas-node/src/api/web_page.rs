//! What web pages may do here. A browser says from which page a request comes (`Origin`), and a page that
//! somebody visits on this machine must not reach what loopback protects.

use std::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, Method, header};

use crate::security::Interface;

/// Whether a request comes from a web page that may not do this. Functions it may call, and it may read. The
/// node's own page may also change the policy, if whoever reads it may.
pub(super) fn is_refused(
    interface: Interface,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    tokens: bool,
) -> bool {
    let harmless = *method == Method::GET && path != "/reset";
    let own = interface == Interface::Scheduler && path == "/configuration/scheduler";
    !harmless && headers.contains_key(header::ORIGIN) && !(own && is_of_this_node(headers, tokens))
}

/// Whether the page is one that this node has served. A name can be somebody else's, and lead here all the same
/// (DNS rebinding): without tokens only an address, which cannot, is believed.
fn is_of_this_node(headers: &HeaderMap, tokens: bool) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    let Some((_, origin)) = origin.split_once("://") else { return false };
    origin.eq_ignore_ascii_case(host) && (tokens || is_address(host))
}

fn is_address(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refused(path: &str, origin: &str, host: &str, tokens: bool) -> bool {
        let value = |text| HeaderValue::from_str(text).expect("a header");
        let headers = HeaderMap::from_iter([(header::ORIGIN, value(origin)), (header::HOST, value(host))]);
        is_refused(Interface::Scheduler, &Method::POST, path, &headers, tokens)
    }

    #[test]
    fn only_the_nodes_own_page_may_change_its_policy() {
        const POLICY: &str = "/configuration/scheduler";
        for here in ["127.0.0.1:18080", "[::1]:18080", "localhost:18080", "10.0.0.7"] {
            let own = format!("http://{here}");
            assert!(!refused(POLICY, &own, here, false), "{here}");
            assert!(refused("/configuration", &own, here, true), "only the policy");
            for other in
                ["http://elsewhere.example", "null", "http://127.0.0.1:9", "http://127.0.0.1:18080.example"]
            {
                assert!(refused(POLICY, other, here, true), "{other}");
            }
        }
        // Whoever owns the name can let it lead to this machine: then only a token helps.
        let name = "evil.example:18080";
        assert!(refused(POLICY, &format!("http://{name}"), name, false));
        assert!(!refused(POLICY, &format!("http://{name}"), name, true));
        assert!(refused(POLICY, "http://evil.example@127.0.0.1", "evil.example@127.0.0.1:80", false));
    }

    #[test]
    fn at_other_ports_nothing_is_changed_by_a_page() {
        let value = HeaderValue::from_static("http://127.0.0.1:1");
        let host = HeaderValue::from_static("127.0.0.1:1");
        let headers = HeaderMap::from_iter([(header::ORIGIN, value), (header::HOST, host)]);
        for interface in [Interface::Discovery, Interface::Learner] {
            assert!(is_refused(interface, &Method::POST, "/configuration/scheduler", &headers, true));
            assert!(is_refused(interface, &Method::GET, "/reset", &headers, true));
            assert!(!is_refused(interface, &Method::GET, "/", &headers, true));
        }
    }
}
