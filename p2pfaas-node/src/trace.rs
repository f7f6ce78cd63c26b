//! W3C trace context: one trace id follows a job across nodes.

use http::HeaderValue;
use p2pfaas_core::JobId;

/// The trace of one job at one node.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// The incoming header, when there was a proper one.
    incoming: Option<HeaderValue>,
}

impl Trace {
    pub(crate) fn from_header(header: Option<&HeaderValue>) -> Self {
        let proper = |header: &&HeaderValue| header.to_str().is_ok_and(is_proper);
        Trace { incoming: header.filter(proper).cloned() }
    }

    /// The 32 digits that all nodes log for this job: the client's trace, else the job's own id.
    pub(crate) fn id(&self, job: JobId) -> String {
        let incoming = self.incoming.as_ref().and_then(|header| header.to_str().ok());
        incoming.map_or_else(|| job.to_string(), |text| text[3..35].to_string())
    }

    /// The header for the next one on the job's path: what came in, unchanged.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.incoming.clone()
    }
}

/// The header of a trace that begins with this job here.
pub(crate) fn begin(job: JobId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("00-{job}-{}-01", job.origin)).ok()
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, neither id all zeros.
fn is_proper(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |part: &str| part.bytes().any(|b| b != b'0');
    matches!(parts[..], [version, trace, parent, flags]
        if version == "00" && hex(trace, 32) && nonzero(trace) && hex(parent, 16) && nonzero(parent) && hex(flags, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2pfaas_core::NodeId;

    const JOB: JobId = JobId { origin: NodeId(0xab), number: 7 };

    #[test]
    fn a_clients_trace_is_kept_and_else_the_job_is_the_trace() {
        let header = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(Trace::from_header(Some(&header)).id(JOB), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(Trace::from_header(None).id(JOB), JOB.to_string());
        assert!(is_proper(begin(JOB).unwrap().to_str().unwrap()));
    }

    #[test]
    fn a_broken_header_is_left_alone() {
        for text in ["", "00", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "01-x-y-z"] {
            assert!(!is_proper(text), "{text}");
        }
    }
}
