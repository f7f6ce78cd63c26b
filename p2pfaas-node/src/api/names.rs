//! Header names, ready made: looking one up by its text costs a parse, and setting one an allocation.

use http::HeaderName;
use p2pfaas_core::wire::headers;

macro_rules! names {
    ($($name:ident)*) => {
        $(pub(super) static $name: HeaderName = HeaderName::from_static(headers::$name);)*
    };
}

names! {
    BYPASS FORWARD REJECT TRACING_ID TASK_TYPE DEADLINE
    VERSION SCHEDULER
    EXECUTION_TIME TOTAL_LIST SCHEDULING_LIST PROBING_LIST
    TOTAL_TIME SCHEDULING_TIME PROBING_TIME QUEUE_TIME FORWARDING_TIME PROBE_MESSAGES
    EXTERNALLY_EXECUTED HOPS PEERS_LIST_IP PEERS_LIST_ID
    LEARNING_EID LEARNING_STATE LEARNING_ACTION LEARNING_EPS LEARNING_PROBABILITY LEARNING_REWARD
}

pub(super) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Answer of an OpenFaaS function: seconds that it ran.
pub(super) static DURATION: HeaderName = HeaderName::from_static("x-duration-seconds");
