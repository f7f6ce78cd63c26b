//! Prometheus metrics of a learner.

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{Encoder, Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::monitoring::StatsAnswer;

/// All metrics of one learner, brought up to date whenever they are read.
pub(super) struct Metrics {
    registry: Registry,
    inferences: IntCounter,
    trained: IntCounter,
    experiences: IntCounterVec,
    batches: IntCounterVec,
    checkpoints: IntCounterVec,
    refused: IntCounterVec,
    states_evicted: IntCounter,
    states: IntGauge,
    pending: IntGauge,
    epsilon: Gauge,
    average_reward: Gauge,
    mean_error: Gauge,
    /// Held while the counters catch up.
    counting: Mutex<()>,
}

impl Metrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        let counter = |name, help| added(&registry, IntCounter::new(name, help));
        let labelled =
            |name, help, label| added(&registry, IntCounterVec::new(Opts::new(name, help), &[label]));
        let whole = |name, help| added(&registry, IntGauge::new(name, help));
        let gauge = |name, help| added(&registry, Gauge::new(name, help));
        let info = labelled("p2pfaas_learner_build_info", "1, with the version as a label", "version");
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).inc();
        Metrics {
            inferences: counter("p2pfaas_learner_inferences_total", "Actions chosen"),
            trained: counter("p2pfaas_learner_trained_total", "Experiences trained"),
            experiences: labelled(
                "p2pfaas_learner_experiences_total",
                "Experiences, by what became of them; restart and gap: breaks in their numbers",
                "event",
            ),
            batches: labelled(
                "p2pfaas_learner_batches_not_taken_total",
                "Batches and experiences not taken, by the reason",
                "reason",
            ),
            checkpoints: labelled("p2pfaas_learner_checkpoints_total", "Checkpoints", "result"),
            refused: labelled(
                "p2pfaas_learner_refused_total",
                "Requests and websockets refused, by the reason",
                "reason",
            ),
            states_evicted: counter(
                "p2pfaas_learner_states_evicted_total",
                "States that lost their values to newer ones",
            ),
            states: whole("p2pfaas_learner_states", "States that have values of their own"),
            pending: whole("p2pfaas_learner_pending", "Experiences that wait"),
            epsilon: gauge("p2pfaas_learner_epsilon", "Epsilon, or the temperature, of the next choice"),
            average_reward: gauge(
                "p2pfaas_learner_average_reward",
                "Average reward, as the rule estimates it",
            ),
            mean_error: gauge("p2pfaas_learner_mean_error", "Moving mean of the TD errors' sizes"),
            counting: Mutex::new(()),
            registry,
        }
    }

    /// The text format; `refused` for want of a token, where that is known.
    pub fn text(&self, stats: &StatsAnswer, refused: Option<u64>) -> String {
        let _one_at_a_time = self.counting.lock();
        catch_up(&self.inferences, stats.inferences);
        catch_up(&self.trained, stats.trained_items);
        catch_up(&self.states_evicted, stats.states_evicted);
        let labelled = [
            (&self.experiences, "received", stats.received),
            (&self.experiences, "duplicate", stats.duplicates),
            (&self.experiences, "late", stats.late),
            (&self.experiences, "lost", stats.lost),
            (&self.experiences, "gap", stats.gaps),
            (&self.experiences, "restart", stats.restarts),
            (&self.batches, "no_room", stats.turned_away),
            (&self.batches, "malformed", stats.refused),
            (&self.checkpoints, "written", stats.checkpoints),
            (&self.checkpoints, "failed", stats.checkpoint_errors),
        ];
        for (counters, label, count) in labelled {
            catch_up(&counters.with_label_values(&[label]), count);
        }
        if let Some(refused) = refused {
            catch_up(&self.refused.with_label_values(&["token"]), refused);
        }
        self.states.set(stats.states as i64);
        self.pending.set(stats.pending_entries as i64);
        self.epsilon.set(stats.epsilon);
        self.average_reward.set(stats.average_reward.unwrap_or(0.0));
        self.mean_error.set(stats.mean_error);
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => format!("# the metrics cannot be written: {error}\n"),
        }
    }
}

/// After a reset the agent counts from zero again, and so does the metric.
fn catch_up(counter: &IntCounter, count: u64) {
    match count.checked_sub(counter.get()) {
        Some(more) => counter.inc_by(more),
        None => {
            counter.reset();
            counter.inc_by(count);
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
