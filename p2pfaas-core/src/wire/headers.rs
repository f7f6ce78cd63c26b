//! Header names, in lower case as HTTP libraries want them. On the wire the first letter of each
//! word is a capital, as the reference writes them.

macro_rules! headers {
    ($($(#[$meta:meta])* $name:ident = $value:literal;)*) => {
        $($(#[$meta])* pub const $name: &str = $value;)*
    };
}

headers! {
    /// Request: run the job here, drop it when no slot is free.
    BYPASS = "x-p2pfaas-scheduler-bypass";
    /// Request: forward the job to a random peer.
    FORWARD = "x-p2pfaas-scheduler-forward";
    /// Request: reject the job.
    REJECT = "x-p2pfaas-scheduler-reject";
    /// Request: free text that travels with the job. Among peers it ends in [`JOB_ID_MARK`] and our job id.
    TRACING_ID = "x-p2pfaas-scheduler-task-tracing-id";
    /// Request: task type, as a number with or without decimals.
    TASK_TYPE = "x-p2pfaas-scheduler-learning-task-type";
    /// Request: seconds until the deadline.
    DEADLINE = "x-p2pfaas-deadline-seconds";
    /// Answer: version of the scheduler.
    VERSION = "x-p2pfaas-version";
    /// Answer: full name of the policy.
    SCHEDULER = "x-p2pfaas-scheduler";
    /// Answer: seconds that the function ran.
    EXECUTION_TIME = "x-p2pfaas-timing-execution-time-seconds";
    /// Answer: total seconds at each node, origin first.
    TOTAL_LIST = "x-p2pfaas-timing-total-seconds-list";
    /// Answer: scheduling seconds at each node, origin first.
    SCHEDULING_LIST = "x-p2pfaas-timing-scheduling-seconds-list";
    /// Answer: probing seconds at each node, origin first.
    PROBING_LIST = "x-p2pfaas-timing-probing-seconds-list";
    /// Answer: total seconds at this node.
    TOTAL_TIME = "x-p2pfaas-timing-total-time-seconds";
    /// Answer: scheduling seconds at this node.
    SCHEDULING_TIME = "x-p2pfaas-timing-scheduling-time-seconds";
    /// Answer: probing seconds at this node.
    PROBING_TIME = "x-p2pfaas-timing-probing-time-seconds";
    /// Answer: seconds in the executing node's queue.
    QUEUE_TIME = "x-p2pfaas-timing-queue-time-seconds";
    /// Answer: seconds from forward to answer.
    FORWARDING_TIME = "x-p2pfaas-timing-forwarding-time-seconds";
    /// Answer: probes sent for the job.
    PROBE_MESSAGES = "x-p2pfaas-timing-probe-messages";
    /// Answer: `True` when a peer ran the job.
    EXTERNALLY_EXECUTED = "x-p2pfaas-externally-executed";
    /// Answer: forwards of the job.
    HOPS = "x-p2pfaas-hops";
    /// Answer: addresses of the nodes on the path, origin first.
    PEERS_LIST_IP = "x-p2pfaas-peers-list-ip";
    /// Answer: ids of the nodes on the path, origin first.
    PEERS_LIST_ID = "x-p2pfaas-peers-list-id";
    /// Answer: the learner's number of the job.
    LEARNING_EID = "x-p2pfaas-scheduler-learning-eid";
    /// Answer: the state that the learner saw.
    LEARNING_STATE = "x-p2pfaas-scheduler-learning-state";
    /// Answer: the action that it chose.
    LEARNING_ACTION = "x-p2pfaas-scheduler-learning-action";
    /// Answer: its epsilon.
    LEARNING_EPS = "x-p2pfaas-scheduler-learning-eps";
    /// Answer, ours only: the probability with which it chose that action.
    LEARNING_PROBABILITY = "x-p2pfaas-scheduler-learning-probability";
    /// Answer, ours only: the reward that the node gave.
    LEARNING_REWARD = "x-p2pfaas-scheduler-learning-reward";
    /// Answer to a probe: jobs running.
    LOAD = "x-p2pfaas-load";
    /// Answer to a probe: slots.
    MAX_LOAD = "x-p2pfaas-maxload";
    /// Answer to a probe: jobs waiting.
    QUEUE_LENGTH = "x-p2pfog-queue-length";
    /// Probe, ours only: asks for an offer for a job of this function, with [`TASK_TYPE`] and [`DEADLINE`] where there is one.
    FUNCTION = "x-p2pfaas-function";
    /// Answer to a probe, ours only: how likely the job is in time there, 0 to 1.
    OFFER_IN_TIME = "x-p2pfaas-offer-in-time";
    /// Answer to a probe, ours only: how many later jobs would not be in time because of it.
    OFFER_PRICE = "x-p2pfaas-offer-price";
    /// Answer of our nodes to a probe: their identity.
    NODE_ID = "x-p2pfaas-node-id";
    /// Discovery, both ways: the machine's address.
    MACHINE_IP = "p2pfaas-machine-ip";
    /// Discovery, both ways: the machine's name.
    MACHINE_NAME = "p2pfaas-machine-name";
    /// Discovery, both ways: the machine's group.
    MACHINE_GROUP_NAME = "p2pfaas-machine-group-name";
    /// Discovery, both ways, ours only: the machine's scheduler port.
    MACHINE_PORT = "p2pfaas-machine-port";
    /// Discovery, both ways, ours only: the machine's discovery port.
    MACHINE_DISCOVERY_PORT = "p2pfaas-machine-discovery-port";
    /// Request to a learner: the state, comma-separated.
    LEARNER_STATE = "x-p2pfaas-learning-state";
    /// Answer of a learner: its epsilon.
    LEARNER_EPS = "x-p2pfaas-eps";
}

/// Stands before our job id at the end of the tracing header, which old peers pass on unchanged.
pub const JOB_ID_MARK: &str = ";p2pfaas-job=";

/// The tracing text with our job id behind it.
pub fn tracing_with_job(tracing: &str, id: crate::JobId) -> String {
    let (text, _) = split_tracing(tracing);
    format!("{text}{JOB_ID_MARK}{id}")
}

/// The tracing text and the job id behind it, if there is one.
pub fn split_tracing(tracing: &str) -> (&str, Option<crate::JobId>) {
    match tracing.rsplit_once(JOB_ID_MARK) {
        Some((text, id)) => (text, id.parse().ok()),
        None => (tracing, None),
    }
}
