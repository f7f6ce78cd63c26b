//! How single values are written. Each reader answers with what it expected where it cannot read.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::wire::{LEARNER_PORT, LEARNER_WEBSOCKET_PORT, go};

use crate::discovery::Address;
use crate::security::ClientRate;
use crate::settings::LearnerAddress;

/// A value, or what was expected in its place.
pub(super) type Read<T> = Result<T, String>;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn whole<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Read<T> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("a whole number from {} to {}", range.start(), range.end()))
}

/// `500ms`, `30s`, `1m30s`: more than nothing, and at most an hour.
pub(super) fn span(text: &str) -> Read<Duration> {
    let span = go::parse_duration(text).filter(|span| !span.is_zero() && *span <= HOUR);
    span.ok_or_else(|| "a span of at most 1h, such as 500ms, 30s or 1m30s".into())
}

/// The same up to a day, or `none`.
pub(super) fn span_or_none(text: &str) -> Read<Option<Duration>> {
    if text == NONE {
        return Ok(None);
    }
    let span = go::parse_duration(text).filter(|span| !span.is_zero() && *span <= DAY);
    span.map(Some).ok_or_else(|| "a span of at most 24h, such as 500ms, 30s or 1m30s, or none".into())
}

/// The same, or 0.
pub(super) fn grace(text: &str) -> Read<Duration> {
    let span = go::parse_duration(text).filter(|span| *span <= HOUR);
    span.ok_or_else(|| "a span of at most 1h, such as 500ms, 30s or 1m30s, or 0".into())
}

pub(super) fn show_span(span: Duration) -> String {
    if span.subsec_nanos() == 0 { format!("{}s", span.as_secs()) } else { go::format_duration_ms(span) }
}

/// Seconds as a plain number, for deadlines.
pub(super) fn seconds(text: &str) -> Read<Duration> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0 && *seconds <= DAY.as_secs_f64());
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.ok_or_else(|| "seconds, more than 0 and at most 86400, such as 0.25".into())
}

pub(super) fn switch(text: &str) -> Read<bool> {
    go::parse_bool(text).ok_or_else(|| "true or false".into())
}

/// `16MiB`, `500kB`, `4096`.
pub(super) fn bytes(text: &str) -> Read<usize> {
    const UNITS: [(&str, usize); 8] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
        ("", 1),
    ];
    let read = UNITS.iter().find_map(|(unit, scale)| {
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<usize>().ok()?.checked_mul(*scale)
    });
    read.filter(|bytes| (1024..=1 << 30).contains(bytes))
        .ok_or_else(|| "a size from 1KiB to 1GiB, such as 16MiB, 500kB or 65536".into())
}

pub(super) fn show_bytes(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{}MiB", bytes >> 20) } else { format!("{bytes}B") }
}

/// An address to listen on.
pub(super) fn listen(text: &str) -> Read<SocketAddr> {
    let named = || {
        let port = text.strip_prefix("localhost:")?.parse().ok()?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    text.parse().ok().or_else(named).ok_or_else(|| LISTEN.into())
}

/// The same, or `none`.
pub(super) fn listen_or_none(text: &str) -> Read<Option<SocketAddr>> {
    if text == NONE {
        return Ok(None);
    }
    listen(text).map(Some).map_err(|_| format!("{LISTEN}, or none"))
}

pub(super) fn show_or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or(NONE.into(), |value| value.to_string())
}

const NONE: &str = "none";
const LISTEN: &str = "an IP address and a port, such as 127.0.0.1:18080 or [::1]:18080";

/// A machine's address without a port.
pub(super) fn host(text: &str) -> Read<String> {
    if is_host(text) || text.parse::<IpAddr>().is_ok() {
        Ok(text.to_string())
    } else {
        Err("an IP address or a host name, without a port".into())
    }
}

/// `host[:port[:discovery port]]`; an IPv6 address is in brackets. A line of a hosts file, which may
/// end with the learner's port, is one too.
pub(super) fn peer(text: &str) -> Read<String> {
    let bracketed = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let (good_host, ports) = match bracketed {
        Some((ip, ports)) => (ip.parse::<IpAddr>().is_ok(), ports),
        None => {
            let (name, ports) = text.split_at(text.find(':').unwrap_or(text.len()));
            (is_host(name), ports)
        }
    };
    let mut ports = ports.split(':');
    let starts_with_colon = ports.next() == Some("");
    let ports: Vec<_> = ports.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0)).collect();
    if good_host && starts_with_colon && ports.len() <= 3 && ports.iter().all(Option::is_some) {
        Ok(text.to_string())
    } else {
        Err("HOST[:PORT[:DISCOVERY PORT]], such as 10.0.0.2, node2:18081 or [::1]:18080:19000".into())
    }
}

/// `host[:port]` of a member.
pub(super) fn member(text: &str) -> Read<String> {
    let address = peer(text).ok().and_then(|text| text.parse::<Address>().ok());
    let plain = address.filter(|address| text == address.scheduler() || text == address.without_ports());
    plain
        .map(|_| text.to_string())
        .ok_or_else(|| "HOST[:PORT], such as 10.0.0.2, p2pfaas or [::1]:18080".into())
}

/// Where the learner is, as the key says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LearnerKey {
    /// In this process.
    Here,
    /// There is none.
    None,
    /// A service.
    There(LearnerAddress),
}

/// `here`, `none`, or `host[:port[:websocket port]]`.
pub(super) fn learner(text: &str) -> Read<LearnerKey> {
    match text {
        "here" => return Ok(LearnerKey::Here),
        NONE => return Ok(LearnerKey::None),
        _ => {}
    }
    let expected = "here, none, or HOST[:PORT[:WEBSOCKET PORT]] of a learner, such as learner:19020:8765";
    let (host, ports) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((ip, ports)) => (ip, ports),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let ports: Vec<_> = ports.split(':').skip(1).map(str::parse::<u16>).collect();
    let port = |index: usize, default| match ports.get(index) {
        None => Some(default),
        Some(Ok(port)) if *port > 0 => Some(*port),
        Some(_) => None,
    };
    let address = || {
        Some(LearnerAddress {
            host: Some(host.to_string()).filter(|host| is_host(host) || host.parse::<IpAddr>().is_ok())?,
            port: port(0, LEARNER_PORT)?,
            websocket_port: port(1, LEARNER_WEBSOCKET_PORT)?,
        })
    };
    let address = address().filter(|_| ports.len() <= 2);
    address.map(LearnerKey::There).ok_or_else(|| expected.into())
}

fn is_host(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(letter)
}

/// A name that travels in headers.
pub(super) fn label(text: &str) -> Read<String> {
    if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_string())
    } else {
        Err("1 to 128 visible ASCII characters without spaces".into())
    }
}

/// The address of an HTTP server.
pub(super) fn http_uri(text: &str) -> Read<Uri> {
    let plain = |uri: &Uri| {
        let host = uri.host().unwrap_or_default();
        let authority = uri.port_u16().map_or(host.to_string(), |port| format!("{host}:{port}"));
        // No name and password in it, no port that is no number.
        !host.is_empty() && uri.authority().is_some_and(|whole| *whole == authority)
    };
    let uri = text.parse::<Uri>().ok();
    let uri = uri.filter(|uri| uri.scheme_str() == Some("http") && uri.query().is_none() && plain(uri));
    uri.ok_or_else(|| "an address such as http://host:8080 (https is not spoken)".into())
}

pub(super) fn client_rate(text: &str) -> Read<Option<ClientRate>> {
    if text == NONE {
        Ok(None)
    } else {
        text.parse().map(Some).map_err(|expected| format!("{expected}, or none"))
    }
}

pub(super) fn path(text: &str) -> Read<PathBuf> {
    if text.is_empty() { Err("a path".into()) } else { Ok(text.into()) }
}

/// The same, or `none`.
pub(super) fn path_or_none(text: &str) -> Read<Option<PathBuf>> {
    if text == NONE { Ok(None) } else { path(text).map(Some) }
}

/// A policy in one text: `PowerOfNScheduler 1 2 true 1`, or as nodes print it, with brackets and
/// commas.
pub(super) fn policy(text: &str) -> Descriptor {
    let mut words = text.split([' ', ',', '(', ')']).filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    Descriptor::new(name, words)
}

pub(super) fn show_policy(policy: &Descriptor) -> String {
    std::iter::once(&policy.name).chain(&policy.parameters).map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("16MiB"), Ok(16 << 20));
        assert_eq!(bytes("500 kB"), Ok(500_000));
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("4096B"), Ok(4096));
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        for text in ["", "MiB", "16 megabytes", "-1MiB", "1023", "2GiB", "99999999999999999999GiB", "1.5MiB"]
        {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!((show_bytes(16 << 20), show_bytes(5_000)), ("16MiB".into(), "5000B".into()));
    }

    #[test]
    fn spans_are_bounded_and_only_some_may_be_none_or_0() {
        assert_eq!(span("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(span_or_none("none"), Ok(None));
        assert_eq!(span_or_none("2h"), Ok(Some(2 * HOUR)));
        assert_eq!(grace("0"), Ok(Duration::ZERO));
        for text in ["", "30", "0s", "none", "61m", "-1s"] {
            assert!(span(text).is_err(), "{text}");
        }
        assert_eq!(show_span(Duration::from_secs(30)), "30s");
        assert_eq!(show_span(Duration::from_millis(1500)), "1500ms");
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert!(["0", "-1", "NaN", "inf", "86401", "1s"].iter().all(|text| seconds(text).is_err()));
    }

    #[test]
    fn peers_have_a_host_and_up_to_three_ports() {
        for text in
            ["10.0.0.2", "10.0.0.2:18080", "node_2.lan:1:65535", "[::1]", "[fe80::1]:18080:19000", "h:1:2:3"]
        {
            assert_eq!(peer(text), Ok(text.to_string()));
        }
        let wrong = [
            "",
            ":18080",
            "host:",
            "host:0",
            "host:65536",
            "host:1:2:3:4",
            "::1",
            "[::1",
            "[x]:1",
            "[::1]x",
            "http://host",
            "a b",
        ];
        for text in wrong {
            assert!(peer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_learner_is_here_or_nowhere_or_at_an_address() {
        let there = |host: &str, port, websocket_port| {
            Ok(LearnerKey::There(LearnerAddress { host: host.into(), port, websocket_port }))
        };
        assert_eq!(learner("here"), Ok(LearnerKey::Here));
        assert_eq!(learner("none"), Ok(LearnerKey::None));
        assert_eq!(learner("learner"), there("learner", 19020, 8765));
        assert_eq!(learner("10.0.0.7:1:2"), there("10.0.0.7", 1, 2));
        assert_eq!(learner("[::1]:1"), there("::1", 1, 8765));
        for text in ["", ":1", "h:0", "h:x", "h:1:2:3", "[::1", "http://h", "a b"] {
            assert!(learner(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_to_listen_on_are_numbers_or_localhost() {
        assert_eq!(listen("[::1]:80").map(|address| address.to_string()), Ok("[::1]:80".into()));
        assert_eq!(listen("localhost:0").map(|address| address.to_string()), Ok("127.0.0.1:0".into()));
        assert_eq!(listen_or_none("none"), Ok(None));
        assert!(
            ["none", "18080", ":18080", "127.0.0.1", "host:80", "1.2.3.4:65536"]
                .iter()
                .all(|text| listen(text).is_err())
        );
    }

    #[test]
    fn http_addresses_have_a_host_and_no_query() {
        assert!(
            ["http://h", "http://h:1/p", "http://fn-pigo:8080", "http://a_b:8080"]
                .iter()
                .all(|text| http_uri(text).is_ok())
        );
        assert!(
            ["", "h:8080", "/p", "https://h", "http://", "http://h/?q", "http://h:x", "http://u:p@h"]
                .iter()
                .all(|text| http_uri(text).is_err())
        );
    }

    #[test]
    fn a_policy_is_words_with_or_without_brackets() {
        let expected = Descriptor::new("PowerOfNScheduler", ["1", "2", "true", "1"]);
        assert_eq!(policy("PowerOfNScheduler 1 2  true 1"), expected);
        assert_eq!(policy(&expected.to_string()), expected);
        assert_eq!(policy(&show_policy(&expected)), expected);
    }
}
