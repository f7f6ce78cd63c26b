//! The keys: each stands here once, and from here come its flag, its variable, its key in the
//! TOML file, its help, its default and its check.

use p2pfaas_core::policy::Descriptor;
use p2pfaas_learner::service::access::SecretPlace;

use super::LogFormat;
use super::draft::Draft;
use super::value::*;

/// One thing that can be configured.
pub(super) struct Key {
    /// Name in the TOML file; `--name` is its flag and `P2PFAAS_NAME` its variable.
    pub name: &'static str,
    /// What stands for its value in the help.
    pub value: &'static str,
    /// Heading in the help.
    pub group: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its default, as one would write it; empty for nothing.
    pub default: fn(&Draft) -> String,
    /// How a value is taken.
    pub set: Set,
}

/// How a key takes its value.
pub(super) enum Set {
    /// One text.
    Text(fn(&mut Draft, &str) -> Read<()>),
    /// True or false; the flag alone means true.
    Switch(fn(&mut Draft) -> &mut bool),
    /// Any number of texts, each checked.
    List(fn(&mut Draft) -> &mut Vec<String>, fn(&str) -> Read<String>),
    /// Where a secret is.
    Secret(fn(&mut Draft) -> &mut Option<SecretPlace>),
    /// A policy: words, or a table.
    Policy(fn(&mut Draft) -> &mut Descriptor),
    /// Functions: `NAME=URL`, or tables.
    Functions,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Key {
    /// The key of this name. `_` is as good as `-`, and a plural as good as the singular of a list.
    pub(super) fn named(name: &str) -> Option<&'static Key> {
        let name = name.replace('_', "-");
        let plural = |key: &&Key| key.takes_several() && name.strip_suffix('s') == Some(key.name);
        KEYS.iter().find(|key| key.name == name).or_else(|| KEYS.iter().find(plural))
    }

    /// Its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('-', "_").to_uppercase())
    }
}

/// Of all environment variables.
pub(super) const PREFIX: &str = "P2PFAAS_";

fn put<T>(place: &mut T, value: Read<T>) -> Read<()> {
    value.map(|value| *place = value)
}

const fn key(
    group: &'static str,
    name: &'static str,
    value: &'static str,
    help: &'static str,
    default: fn(&Draft) -> String,
    set: Set,
) -> Key {
    Key { name, value, group, help, default, set }
}

const ADDRESSES: &str = "Addresses";
const PEERS: &str = "Machine and peers";
const FUNCTIONS: &str = "Functions";
const SCHEDULING: &str = "Scheduling";
const LEARNER: &str = "Learner";
const BOUNDS: &str = "Bounds and time-outs";
const SECURITY: &str = "Security";
const SERVICE: &str = "Service";

/// All keys, in the order of the help.
pub(super) static KEYS: [Key; 63] = [
    key(
        ADDRESSES,
        "listen",
        "ADDR:PORT",
        "Where clients and peers reach this node; port 0 takes a free one",
        |draft| draft.settings.listen.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.listen, listen(text))),
    ),
    key(
        ADDRESSES,
        "discovery-listen",
        "ADDR:PORT",
        "Where the discovery of other machines reaches this node, or none",
        |draft| show_or_none(draft.settings.discovery_listen),
        Set::Text(|draft, text| put(&mut draft.settings.discovery_listen, listen_or_none(text))),
    ),
    key(
        ADDRESSES,
        "gossip-listen",
        "ADDR:PORT",
        "UDP address at which members look after each other, or none [default: that of --listen]",
        |draft| draft.gossip_listen.map(show_or_none).unwrap_or_default(),
        Set::Text(|draft, text| put(&mut draft.gossip_listen, listen_or_none(text).map(Some))),
    ),
    key(
        ADDRESSES,
        "learner-listen",
        "ADDR:PORT",
        "Where the learner's interface listens, or none",
        |draft| show_or_none(draft.settings.learner_listen),
        Set::Text(|draft, text| put(&mut draft.settings.learner_listen, listen_or_none(text))),
    ),
    key(
        ADDRESSES,
        "learner-ws-listen",
        "ADDR:PORT",
        "Where the learner's websocket listens, or none",
        |draft| show_or_none(draft.settings.learner_ws_listen),
        Set::Text(|draft, text| put(&mut draft.settings.learner_ws_listen, listen_or_none(text))),
    ),
    key(
        ADDRESSES,
        "open",
        "",
        "Listen on other addresses than loopback; everybody who reaches them may run the functions",
        |draft| draft.open.to_string(),
        Set::Switch(|draft| &mut draft.open),
    ),
    key(
        SECURITY,
        "cluster-key",
        "file:PATH|env:NAME|none",
        "Where the key is that all nodes of the cluster share (`openssl rand -base64 32`; a line a key, the first signs). \
         With it peers' calls are signed, and other addresses than loopback need no --open",
        |draft| show_or_none(draft.cluster_key.as_ref()),
        Set::Secret(|draft| &mut draft.cluster_key),
    ),
    key(
        SECURITY,
        "allow-unsigned-peers",
        "",
        "Take the calls of peers that do not sign: for a cluster with older nodes in it",
        |draft| draft.settings.security.allow_unsigned_peers.to_string(),
        Set::Switch(|draft| &mut draft.settings.security.allow_unsigned_peers),
    ),
    key(
        SECURITY,
        "signature-window",
        "SPAN",
        "By how much a peer's clock may be off; what was signed at another time is refused",
        |draft| show_span(draft.settings.security.signature_window),
        Set::Text(|draft, text| put(&mut draft.settings.security.signature_window, span(text))),
    ),
    key(
        SECURITY,
        "tokens",
        "file:PATH|env:NAME|none",
        "Where the tokens are that may change this node, a line each: ROLE[,ROLE] TOKEN; roles: configure, learn, and \
         call, without which everybody may call functions. Without tokens only this machine may change it",
        |draft| show_or_none(draft.tokens.as_ref()),
        Set::Secret(|draft| &mut draft.tokens),
    ),
    key(
        SECURITY,
        "client-rate",
        "RATE[:BURST]|none",
        "Calls of functions and questions for their results a second that one client address may make; beyond it 429 \
         with Retry-After",
        |draft| {
            show_or_none(
                draft.settings.security.client_rate.map(|rate| format!("{}:{}", rate.per_second, rate.burst)),
            )
        },
        Set::Text(|draft, text| put(&mut draft.settings.security.client_rate, client_rate(text))),
    ),
    key(
        PEERS,
        "machine-id",
        "ID",
        "Unique id of this machine [default: p2pfaas-<its address>]",
        |draft| draft.settings.machine_id.clone(),
        Set::Text(|draft, text| put(&mut draft.settings.machine_id, label(text))),
    ),
    key(
        PEERS,
        "machine-ip",
        "HOST",
        "Address under which peers reach this machine [default: that of --listen, or towards the first peer]",
        |draft| draft.settings.machine_ip.clone(),
        Set::Text(|draft, text| put(&mut draft.settings.machine_ip, host(text))),
    ),
    key(
        PEERS,
        "group",
        "NAME",
        "Group of this machine, told to other machines",
        |draft| draft.settings.group.clone(),
        Set::Text(|draft, text| put(&mut draft.settings.group, label(text))),
    ),
    key(
        PEERS,
        "peer",
        "HOST[:PORT[:DISCOVERY PORT]]",
        "A peer that is always there; may be repeated",
        |_| String::new(),
        Set::List(|draft| &mut draft.settings.peers, peer),
    ),
    key(
        PEERS,
        "init-server",
        "HOST[:PORT[:DISCOVERY PORT]]",
        "A machine to ask for peers; may be repeated",
        |_| String::new(),
        Set::List(|draft| &mut draft.settings.init_servers, peer),
    ),
    key(
        PEERS,
        "join",
        "HOST[:PORT]",
        "A member of the cluster to say hello to by gossip; may be repeated. A name stands for all its addresses",
        |_| String::new(),
        Set::List(|draft| &mut draft.settings.join, member),
    ),
    key(
        PEERS,
        "gossip-probe-interval",
        "SPAN",
        "Between two looks after a member; who does not answer by the next one is suspected and gets no jobs",
        |draft| show_span(draft.gossip_times.0),
        Set::Text(|draft, text| put(&mut draft.gossip_times.0, span(text))),
    ),
    key(
        PEERS,
        "gossip-suspicion",
        "SPAN",
        "For a suspected member to defend itself before it counts as dead",
        |draft| show_span(draft.gossip_times.1),
        Set::Text(|draft, text| put(&mut draft.gossip_times.1, span(text))),
    ),
    key(
        PEERS,
        "poll-interval",
        "SPAN",
        "Between two polls of the machines that discovery knows",
        |draft| show_span(draft.settings.poll_interval),
        Set::Text(|draft, text| put(&mut draft.settings.poll_interval, span(text))),
    ),
    key(
        PEERS,
        "poll-timeout",
        "SPAN",
        "For the answer to one poll",
        |draft| show_span(draft.settings.poll_timeout),
        Set::Text(|draft, text| put(&mut draft.settings.poll_timeout, span(text))),
    ),
    key(
        PEERS,
        "dead-polls",
        "N",
        "Polls in a row without an answer after which a machine counts as dead",
        |draft| draft.settings.dead_polls.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.dead_polls, whole(text, 1..=10_000))),
    ),
    key(
        FUNCTIONS,
        "function",
        "NAME=URL",
        "A function on offer; may be repeated. URL is http://host:port for a container, openfaas:NAME for \
         the gateway, or builtin:echo|sleep|burn|pigo",
        |_| String::new(),
        Set::Functions,
    ),
    key(
        FUNCTIONS,
        "openfaas-url",
        "URL",
        "The OpenFaaS gateway, such as http://gateway:8080",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.openfaas_url, http_uri(text).map(Some))),
    ),
    key(
        FUNCTIONS,
        "openfaas-user-file",
        "FILE",
        "File with the gateway's user name, or none for no authentication",
        |draft| show_or_none(draft.openfaas_user_file.as_ref().map(|path| path.display())),
        Set::Text(|draft, text| put(&mut draft.openfaas_user_file, path_or_none(text))),
    ),
    key(
        FUNCTIONS,
        "openfaas-password-file",
        "FILE",
        "File with the gateway's password, or none for no authentication",
        |draft| show_or_none(draft.openfaas_password_file.as_ref().map(|path| path.display())),
        Set::Text(|draft, text| put(&mut draft.openfaas_password_file, path_or_none(text))),
    ),
    key(
        SCHEDULING,
        "slots",
        "N",
        "Jobs that run at once",
        |draft| draft.settings.core.capacity.slots.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.capacity.slots, whole(text, 1..=65_536))),
    ),
    key(
        SCHEDULING,
        "queue",
        "N",
        "Jobs that may wait for a slot",
        |draft| draft.settings.core.capacity.queue.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.capacity.queue, whole(text, 0..=1_000_000))),
    ),
    key(
        SCHEDULING,
        "policy",
        "\"NAME PARAMETERS\"",
        "The scheduling policy: its name and its parameters",
        |draft| show_policy(&draft.settings.policy),
        Set::Policy(|draft| &mut draft.settings.policy),
    ),
    key(
        SCHEDULING,
        "fallback",
        "\"NAME PARAMETERS\"",
        "The policy that decides when the learner cannot",
        |draft| show_policy(&draft.settings.fallback),
        Set::Policy(|draft| &mut draft.settings.fallback),
    ),
    key(
        SCHEDULING,
        "deadline-aware",
        "",
        "Drop a job at once when it cannot finish before its deadline",
        |draft| draft.settings.core.deadline_aware.to_string(),
        Set::Switch(|draft| &mut draft.settings.core.deadline_aware),
    ),
    key(
        SCHEDULING,
        "seed",
        "N",
        "Seed of the node's random choices [default: another one at each start, told in the log]",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.seed, whole(text, 0..=u64::MAX).map(Some))),
    ),
    key(
        LEARNER,
        "learner",
        "WHERE",
        "Where the agent of LearningScheduler is: here (in this process), HOST[:PORT[:WEBSOCKET PORT]] of a \
         learner service, or none",
        |_| "here".into(),
        Set::Text(|draft, text| put(&mut draft.learner, learner(text))),
    ),
    key(
        LEARNER,
        "learner-token",
        "file:PATH|env:NAME|none",
        "Where the token is that this node shows to a learner service, which knows it with the role learn",
        |draft| show_or_none(draft.learner_token.as_ref()),
        Set::Secret(|draft| &mut draft.learner_token),
    ),
    key(
        LEARNER,
        "agent",
        "FILE",
        "Checkpoint of an agent to start from, unless the data folder has this node's own",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.agent.start, path(text).map(Some))),
    ),
    key(
        LEARNER,
        "agent-frozen",
        "",
        "The agent only acts, always by what it believes best",
        |draft| draft.agent.frozen.to_string(),
        Set::Switch(|draft| &mut draft.agent.frozen),
    ),
    key(
        LEARNER,
        "agent-config",
        "FILE",
        "TOML file with the agent's parameters under [agent] and the reward function under [reward]",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.agent_config, path(text).map(Some))),
    ),
    key(
        LEARNER,
        "checkpoint-interval",
        "SPAN",
        "Between two checkpoints of the agent in the data folder, when it has learned something",
        |draft| show_span(draft.agent.checkpoint_interval),
        Set::Text(|draft, text| put(&mut draft.agent.checkpoint_interval, span(text))),
    ),
    key(
        LEARNER,
        "agent-table",
        "FILE",
        "JSON table from states to actions, in place of an agent that learns",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.agent_table, path(text).map(Some))),
    ),
    key(
        BOUNDS,
        "job-timeout",
        "SPAN",
        "A job without an answer by then fails, or none",
        |draft| show_or_none(draft.settings.core.job_timeout.map(show_span)),
        Set::Text(|draft, text| put(&mut draft.settings.core.job_timeout, span_or_none(text))),
    ),
    key(
        BOUNDS,
        "probe-timeout",
        "SPAN",
        "A peer that has not told its load by then is left out of the choice",
        |draft| show_span(draft.settings.core.probe_timeout),
        Set::Text(|draft, text| put(&mut draft.settings.core.probe_timeout, span(text))),
    ),
    key(
        BOUNDS,
        "ask-timeout",
        "SPAN",
        "A learner that has not chosen by then is passed over",
        |draft| show_span(draft.settings.core.ask_timeout),
        Set::Text(|draft, text| put(&mut draft.settings.core.ask_timeout, span(text))),
    ),
    key(
        BOUNDS,
        "suspicion",
        "SPAN",
        "A peer that failed a forward is left alone for this long, and twice as long each time that it fails the next one, too",
        |draft| show_span(draft.settings.core.suspicion),
        Set::Text(|draft, text| put(&mut draft.settings.core.suspicion, span(text))),
    ),
    key(
        BOUNDS,
        "ejection",
        "SPAN",
        "A peer at which a function fails far more than elsewhere gets none of its jobs for this long, and twice as long each \
         time again; 0: it does",
        |draft| show_span(draft.settings.core.ejection),
        Set::Text(|draft, text| put(&mut draft.settings.core.ejection, grace(text))),
    ),
    key(
        BOUNDS,
        "retry-percent",
        "N",
        "Jobs that may be decided about again since a peer could not be reached, for a hundred forwards; 0: they fail",
        |draft| draft.settings.core.retry_percent.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.retry_percent, whole(text, 0..=100))),
    ),
    key(
        BOUNDS,
        "max-body-bytes",
        "SIZE",
        "Largest body of a request, and largest answer of a function or a peer",
        |draft| show_bytes(draft.settings.max_body_bytes),
        Set::Text(|draft, text| put(&mut draft.settings.max_body_bytes, bytes(text))),
    ),
    key(
        BOUNDS,
        "async-running",
        "N",
        "Calls with X-Async that run at once",
        |draft| draft.settings.async_calls.running.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.async_calls.running, whole(text, 1..=65_536))),
    ),
    key(
        BOUNDS,
        "async-calls",
        "N",
        "Calls with X-Async that are accepted and not over, at most; beyond it 429",
        |draft| draft.settings.async_calls.max_calls.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.async_calls.max_calls, whole(text, 1..=10_000_000))),
    ),
    key(
        BOUNDS,
        "async-bytes",
        "SIZE",
        "Their payloads on disk, at most, and as much again of results",
        |draft| show_bytes(draft.settings.async_calls.max_bytes),
        Set::Text(|draft, text| put(&mut draft.settings.async_calls.max_bytes, bytes(text))),
    ),
    key(
        BOUNDS,
        "async-keep",
        "SPAN",
        "For so long a result can be fetched",
        |draft| show_span(draft.settings.async_calls.keep),
        Set::Text(|draft, text| put(&mut draft.settings.async_calls.keep, span(text))),
    ),
    key(
        BOUNDS,
        "max-jobs",
        "N",
        "Jobs in the node at once, running, waiting and being forwarded; one more is dropped",
        |draft| draft.settings.core.max_jobs.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.max_jobs, whole(text, 1..=1_000_000))),
    ),
    key(
        BOUNDS,
        "max-hops",
        "N",
        "Forwards that one job may see, whatever the policy says",
        |draft| draft.settings.core.max_hops.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.max_hops, whole(text, 0..=64))),
    ),
    key(
        BOUNDS,
        "task-types",
        "N",
        "Task types that are counted separately",
        |draft| draft.settings.core.task_types.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.task_types, whole(text, 1..=1_024))),
    ),
    key(
        BOUNDS,
        "forwarded-ids",
        "N",
        "Ids of forwarded jobs remembered, to know a job that an old peer sends back",
        |draft| draft.settings.core.forwarded_ids.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.forwarded_ids, whole(text, 0..=16_777_216))),
    ),
    key(
        BOUNDS,
        "taken-ids",
        "N",
        "Jobs of peers remembered, to refuse one whose message comes a second time",
        |draft| draft.settings.core.taken_ids.to_string(),
        Set::Text(|draft, text| put(&mut draft.settings.core.taken_ids, whole(text, 0..=16_777_216))),
    ),
    key(
        BOUNDS,
        "shutdown-grace",
        "SPAN",
        "For jobs under way when the node is told to stop",
        |draft| show_span(draft.settings.shutdown_grace),
        Set::Text(|draft, text| put(&mut draft.settings.shutdown_grace, grace(text))),
    ),
    key(
        SERVICE,
        "config",
        "FILE",
        "TOML file with any of these keys",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.config, path(text).map(Some))),
    ),
    key(
        SERVICE,
        "data",
        "DIR",
        "Folder for what must outlive the process; the reference's files in it are read [default: /data if \
         it has such files, else none]",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.settings.data, path(text).map(Some))),
    ),
    key(
        SERVICE,
        "event-log",
        "FILE",
        "Record all that the node's state machine sees and does, for replay",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.settings.event_log, path(text).map(Some))),
    ),
    key(
        SERVICE,
        "threads",
        "N",
        "Threads that serve requests [default: the number of processors]",
        |_| String::new(),
        Set::Text(|draft, text| put(&mut draft.threads, whole(text, 1..=1_024))),
    ),
    key(
        SERVICE,
        "log",
        "FILTER",
        "What is logged: error, warn, info, debug, trace or off, also for one target: info,p2pfaas_node=debug",
        |draft| draft.log.filter.clone(),
        Set::Text(|draft, text| put(&mut draft.log.filter, log_filter(text))),
    ),
    key(
        SERVICE,
        "log-format",
        "text|json",
        "How it is logged, to standard error",
        |draft| draft.log.format.name().into(),
        Set::Text(|draft, text| {
            let format = [LogFormat::Text, LogFormat::Json].into_iter().find(|format| format.name() == text);
            put(&mut draft.log.format, format.ok_or_else(|| "text or json".into()))
        }),
    ),
    key(
        SERVICE,
        "development",
        "",
        "Serve /dev/*, for tests of clients",
        |draft| draft.settings.development.to_string(),
        Set::Switch(|draft| &mut draft.settings.development),
    ),
];

fn log_filter(text: &str) -> Read<String> {
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_string()),
        Err(_) => {
            Err("error, warn, info, debug, trace or off, or a list like info,p2pfaas_node=debug".into())
        }
    }
}
