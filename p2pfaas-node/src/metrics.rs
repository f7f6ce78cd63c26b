//! Prometheus metrics, with the names that the reference planned (fact sheet 5) and more.

use std::sync::Arc;

use http::StatusCode;
use p2pfaas_core::{Counters, Outcome, Timings};
use parking_lot::{Mutex, RwLock};
use prometheus::core::Collector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::dashboard::Latencies;
use crate::learner::LinkCounts;
use crate::membership::GossipCounts;

/// Upper bounds of times, in seconds: 0.5 ms to 16 s, each twice the one before.
const TIME_BUCKETS_S: [f64; 16] =
    [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];
const HOP_BUCKETS: [f64; 5] = [0.0, 1.0, 2.0, 4.0, 8.0];

/// All metrics of one node.
pub(crate) struct Metrics {
    registry: Registry,
    hops: HistogramVec,
    execution_time: HistogramVec,
    queue_time: HistogramVec,
    forwarding_time: HistogramVec,
    faas_execution_time: HistogramVec,
    forwarded: IntCounterVec,
    invocations: IntCounterVec,
    queue_fill: IntGauge,
    queue_free: IntGauge,
    running: IntGauge,
    free_slots: IntGauge,
    jobs: IntCounterVec,
    peers: IntGauge,
    learner_up: IntGauge,
    refused: IntCounterVec,
    async_open: IntGauge,
    members: IntGaugeVec,
    gossip_datagrams: IntCounterVec,
    gossip_bytes: IntCounterVec,
    gossip_events: IntCounterVec,
    /// Times of the served jobs, for percentiles.
    pub latencies: Latencies,
    /// Held while `jobs` catches up with the state machine's counts.
    counting: Mutex<()>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let labels = ["function_name", "code"];
        let histogram = |name, help, buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            added(&registry, HistogramVec::new(options, &labels))
        };
        let counter =
            |name, help, labels: &[&str]| added(&registry, IntCounterVec::new(Opts::new(name, help), labels));
        let gauge = |name, help| added(&registry, IntGauge::new(name, help));
        let time = |name, help| histogram(name, help, &TIME_BUCKETS_S);
        let info = counter("p2pfaas_build_info", "1, with the version as a label", &["version"]);
        info.with_label_values(&[crate::VERSION]).inc();
        Metrics {
            hops: histogram("scheduler_job_hops", "Forwards of a job", &HOP_BUCKETS),
            execution_time: time("scheduler_job_execution_time", "Seconds from arrival to answer"),
            queue_time: time("scheduler_job_queue_time", "Seconds waiting for a slot"),
            forwarding_time: time(
                "scheduler_job_forwarding_time",
                "Seconds from forward to the peer's answer",
            ),
            faas_execution_time: time("scheduler_job_faas_execution_time", "Seconds running the function"),
            forwarded: counter("scheduler_job_forwarded_count", "Jobs sent to a peer", &["function_name"]),
            invocations: counter("scheduler_total_invocations", "Calls of a function", &labels),
            queue_fill: gauge("scheduler_queue_fill", "Jobs waiting for a slot"),
            queue_free: gauge("scheduler_queue_free", "Places left in the queue"),
            running: gauge("scheduler_current_running_jobs", "Jobs running"),
            free_slots: gauge("scheduler_current_free_running_jobs", "Slots in which nothing runs"),
            jobs: counter("p2pfaas_node_events_total", "What the state machine has counted", &["event"]),
            peers: gauge("p2pfaas_peers", "Peers present"),
            learner_up: gauge("p2pfaas_learner_up", "1 when a learner can be asked"),
            async_open: gauge("p2pfaas_async_calls_open", "Calls to be answered later that are not over"),
            refused: counter("p2pfaas_refused_total", "Requests and answers that were refused", &["reason"]),
            members: added(
                &registry,
                IntGaugeVec::new(Opts::new("p2pfaas_members", "Members that gossip knows"), &["state"]),
            ),
            gossip_datagrams: counter(
                "p2pfaas_gossip_datagrams_total",
                "Datagrams of the gossip",
                &["direction"],
            ),
            gossip_bytes: counter(
                "p2pfaas_gossip_bytes_total",
                "Bytes of the gossip's datagrams",
                &["direction"],
            ),
            gossip_events: counter("p2pfaas_gossip_events_total", "What the gossip has counted", &["event"]),
            latencies: Latencies::default(),
            counting: Mutex::new(()),
            registry,
        }
    }

    /// The metrics of one function; made once, so that a call looks nothing up.
    pub(crate) fn function(self: &Arc<Self>, name: &str) -> FunctionMetrics {
        FunctionMetrics {
            all: self.clone(),
            name: name.to_string(),
            forwarded: self.forwarded.with_label_values(&[name]),
            by_code: RwLock::default(),
        }
    }

    /// Takes over the counts of the gossip.
    pub(crate) fn gossip(&self, counts: &GossipCounts) {
        let states = [("alive", counts.alive), ("suspected", counts.suspected), ("dead", counts.dead)];
        for (state, members) in states {
            self.members.with_label_values(&[state]).set(members as i64);
        }
        let counters = &counts.counters;
        let counts = [
            (&self.gossip_datagrams, "in", counters.datagrams_in),
            (&self.gossip_datagrams, "out", counters.datagrams_out),
            (&self.gossip_bytes, "in", counters.bytes_in),
            (&self.gossip_bytes, "out", counters.bytes_out),
            (&self.gossip_events, "refused", counters.refused + counts.unsealed),
            (&self.gossip_events, "stranger", counters.strangers),
            (&self.gossip_events, "unsent", counts.unsent),
            (&self.gossip_events, "probe_failed", counters.probes_failed),
            (&self.gossip_events, "suspicion", counters.suspicions),
            (&self.gossip_events, "death", counters.deaths),
            (&self.gossip_events, "own_death", counters.lives),
            (&self.gossip_events, "stall", counters.stalls),
            (&self.gossip_events, "passed_over", counters.passed_over),
        ];
        let _one_at_a_time = self.counting.lock();
        for (metric, label, count) in counts {
            let counter = metric.with_label_values(&[label]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    /// Takes over how many jobs were served after their deadline.
    pub(crate) fn late(&self, jobs: u64) {
        let _one_at_a_time = self.counting.lock();
        let counter = self.jobs.with_label_values(&["late"]);
        counter.inc_by(jobs.saturating_sub(counter.get()));
    }

    /// The text format, with the node's present state.
    pub(crate) fn text(
        &self,
        slots: &p2pfaas_core::Slots,
        peers: usize,
        counters: &Counters,
        learner: &LinkCounts,
        refused: &[(&'static str, u64)],
        async_open: usize,
    ) -> String {
        self.async_open.set(async_open as i64);
        let capacity = slots.capacity();
        self.queue_fill.set(i64::from(slots.queued()));
        self.queue_free.set(i64::from(capacity.queue.saturating_sub(slots.queued())));
        self.running.set(i64::from(slots.running()));
        self.free_slots.set(i64::from(slots.free()));
        self.peers.set(peers as i64);
        self.learner_up.set(i64::from(learner.up));
        let counts = [
            ("arrived", counters.arrived),
            ("served", counters.served),
            ("dropped", counters.dropped),
            ("rejected", counters.rejected),
            ("failed", counters.failed),
            ("cancelled", counters.cancelled),
            ("repeated", counters.repeated),
            ("forwarded", counters.forwarded),
            ("forward_failed", counters.forwards_failed),
            ("forward_refused", counters.forwards_refused),
            ("retry", counters.retries),
            ("retry_refused", counters.retries_refused),
            ("ejection", counters.ejections),
            ("probe", counters.probes),
            ("probe_failed", counters.probes_failed),
            ("ask", counters.asks),
            ("fallback", counters.fallbacks),
            ("stray_event", counters.stray_events),
            ("experience", learner.learned),
            ("experience_lost", learner.lost),
            ("learner_refused", learner.refused),
        ];
        let _one_at_a_time = self.counting.lock();
        for (event, count) in counts {
            let counter = self.jobs.with_label_values(&[event]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        for (reason, count) in refused {
            let counter = self.refused.with_label_values(&[*reason]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => format!("# the metrics cannot be written: {error}\n"),
        }
    }
}

/// Names and labels are constants of this file: that they are valid is what the tests show.
fn added<M: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    match metric.and_then(|metric| registry.register(Box::new(metric.clone())).map(|()| metric)) {
        Ok(metric) => metric,
        Err(error) => unreachable!("a metric of this file is wrong: {error}"),
    }
}

/// The metrics of one function.
pub(crate) struct FunctionMetrics {
    all: Arc<Metrics>,
    name: String,
    forwarded: IntCounter,
    by_code: RwLock<Vec<(StatusCode, Arc<ByCode>)>>,
}

struct ByCode {
    hops: Histogram,
    execution_time: Histogram,
    queue_time: Histogram,
    forwarding_time: Histogram,
    faas_execution_time: Histogram,
    invocations: IntCounter,
}

impl FunctionMetrics {
    /// A job of this function has been answered with this status.
    pub(crate) fn answered(&self, status: StatusCode, hops: usize, outcome: Outcome, timings: &Timings) {
        if outcome == Outcome::Served {
            self.all.latencies.add(timings.total);
        }
        let metrics = self.of(status);
        metrics.invocations.inc();
        metrics.hops.observe(hops as f64);
        metrics.execution_time.observe(timings.total.as_secs_f64());
        if let Some(queue) = timings.queue {
            metrics.queue_time.observe(queue.as_secs_f64());
        }
        if let Some(execution) = timings.execution {
            metrics.faas_execution_time.observe(execution.as_secs_f64());
        }
        if let Some(forwarding) = timings.forwarding {
            metrics.forwarding_time.observe(forwarding.as_secs_f64());
            self.forwarded.inc();
        }
    }

    fn of(&self, status: StatusCode) -> Arc<ByCode> {
        if let Some((_, metrics)) = self.by_code.read().iter().find(|(code, _)| *code == status) {
            return metrics.clone();
        }
        let labels = [self.name.as_str(), status.as_str()];
        let metrics = Arc::new(ByCode {
            hops: self.all.hops.with_label_values(&labels),
            execution_time: self.all.execution_time.with_label_values(&labels),
            queue_time: self.all.queue_time.with_label_values(&labels),
            forwarding_time: self.all.forwarding_time.with_label_values(&labels),
            faas_execution_time: self.all.faas_execution_time.with_label_values(&labels),
            invocations: self.all.invocations.with_label_values(&labels),
        });
        let mut by_code = self.by_code.write();
        if !by_code.iter().any(|(code, _)| *code == status) {
            by_code.push((status, metrics.clone()));
        }
        metrics
    }
}
