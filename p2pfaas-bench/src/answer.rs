//! Reads a node's answer: timings, path and learning columns from the headers, the code of an error
//! from the body. Old nodes send only some of the headers, and lists where ours send single values.

use http::HeaderMap;
use p2pfaas_core::wire::headers;
use serde::Deserialize;

use crate::job::NodeReport;

/// What the headers tell.
pub fn report(map: &HeaderMap) -> NodeReport {
    let text = |name: &str| map.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &str| text(name).and_then(|text| text.trim().parse::<f64>().ok());
    // The first of a list is the first node's own.
    let first = |name: &str| list::<f64>(text(name)?)?.first().copied();
    let execution_s = number(headers::EXECUTION_TIME);
    // Our nodes, which are known by this header, leave out a queue time of 0.
    let no_queue = number(headers::TOTAL_TIME).and(execution_s).map(|_| 0.0);
    let hops = number(headers::HOPS).unwrap_or(0.0) as u32;
    NodeReport {
        last_node: text(headers::PEERS_LIST_ID).and_then(list::<String>).and_then(|mut ids| ids.pop()),
        forwarded: hops > 0 || text(headers::EXTERNALLY_EXECUTED).is_some(),
        hops,
        probes: number(headers::PROBE_MESSAGES).unwrap_or(0.0) as u32,
        scheduling_s: number(headers::SCHEDULING_TIME).or_else(|| first(headers::SCHEDULING_LIST)),
        probing_s: number(headers::PROBING_TIME).or_else(|| first(headers::PROBING_LIST)),
        queue_s: number(headers::QUEUE_TIME).or(no_queue),
        execution_s,
        forwarding_s: number(headers::FORWARDING_TIME),
        total_s: number(headers::TOTAL_TIME).or_else(|| first(headers::TOTAL_LIST)),
        eid: text(headers::LEARNING_EID).and_then(|text| text.trim().parse().ok()),
        state: text(headers::LEARNING_STATE).map(str::to_string),
        action: number(headers::LEARNING_ACTION).map(|action| action as i32),
        epsilon: number(headers::LEARNING_EPS),
        probability: number(headers::LEARNING_PROBABILITY),
        reward: number(headers::LEARNING_REWARD),
    }
}

/// The code in the body of an error.
pub fn error_code(body: &[u8]) -> Option<i32> {
    #[derive(Deserialize)]
    struct Error {
        code: i32,
    }
    serde_json::from_slice::<Error>(body).ok().map(|error| error.code)
}

fn list<T: for<'de> Deserialize<'de>>(text: &str) -> Option<Vec<T>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_forwarded_and_learned_job_is_read_in_full() {
        let report = report(&map(&[
            (headers::EXECUTION_TIME, "0.250000"),
            (headers::TOTAL_LIST, "[0.300000,0.260000]"),
            (headers::SCHEDULING_LIST, "[0.010000,0.000000]"),
            (headers::PROBING_TIME, "0.004000"),
            (headers::QUEUE_TIME, "0.010000"),
            (headers::FORWARDING_TIME, "0.270000"),
            (headers::PROBE_MESSAGES, "2"),
            (headers::EXTERNALLY_EXECUTED, "True"),
            (headers::HOPS, "1"),
            (headers::PEERS_LIST_ID, "[\"node-0\",\"node-3\"]"),
            (headers::LEARNING_EID, "9007199254740993"),
            (headers::LEARNING_STATE, "0.000000,1.000000"),
            (headers::LEARNING_ACTION, "2.000000"),
            (headers::LEARNING_EPS, "0.100000"),
            (headers::LEARNING_PROBABILITY, "0.925000"),
            (headers::LEARNING_REWARD, "1.000000"),
        ]));
        assert_eq!(report.last_node.as_deref(), Some("node-3"));
        assert!(report.forwarded);
        assert_eq!((report.hops, report.probes), (1, 2));
        assert_eq!((report.total_s, report.scheduling_s), (Some(0.3), Some(0.01)));
        assert_eq!((report.probing_s, report.queue_s), (Some(0.004), Some(0.01)));
        assert_eq!((report.execution_s, report.forwarding_s), (Some(0.25), Some(0.27)));
        assert_eq!(report.state.as_deref(), Some("0.000000,1.000000"));
        assert_eq!((report.action, report.epsilon), (Some(2), Some(0.1)));
        assert_eq!((report.probability, report.reward), (Some(0.925), Some(1.0)));
        // Larger than what a float can tell apart.
        assert_eq!(report.eid, Some(9_007_199_254_740_993));
    }

    #[test]
    fn what_is_missing_or_malformed_is_absent() {
        let malformed = map(&[(headers::EXECUTION_TIME, "soon"), (headers::TOTAL_LIST, "[")]);
        assert_eq!(report(&malformed), NodeReport::default());
        assert_eq!(report(&HeaderMap::new()), NodeReport::default());
    }

    #[test]
    fn the_code_of_an_error_is_found_in_its_body() {
        assert_eq!(error_code(br#"{"code":400,"message":"full"}"#), Some(400));
        assert_eq!(error_code(b"Internal Server Error"), None);
    }
}
