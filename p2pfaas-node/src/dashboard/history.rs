//! The last minutes of a node, second by second.

use std::collections::VecDeque;

use p2pfaas_core::Counters;
use serde::Serialize;

use super::choices::Rewards;
use super::latencies::Counted;

/// Points kept: five minutes.
pub(super) const POINTS: usize = 300;
/// Readings over which latencies are taken, so that a quiet node has some: ten seconds.
const LATENCY_WINDOW: usize = 10;

/// What is read of a node at a moment.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub at_ms: u64,
    /// Since the node began.
    pub up_s: f64,
    pub counters: Counters,
    pub late: u64,
    pub latencies: Counted,
    pub running: u32,
    pub slots: u32,
    pub queued: u32,
    pub queue: u32,
    pub rewards: Rewards,
    pub epsilon: Option<f64>,
}

/// A second of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Point {
    /// Its end, by this node's clock.
    at_ms: u64,
    per_s: PerSecond,
    /// Of the jobs served in the last seconds; nothing without any.
    latency_ms: Option<[f32; 3]>,
    running: u32,
    slots: u32,
    queued: u32,
    queue: u32,
    /// Mean reward of the choices that ended.
    reward: Option<f32>,
    /// ε, or the temperature, of the next choice.
    epsilon: Option<f32>,
}

/// Jobs a second, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
struct PerSecond {
    arrived: f32,
    in_time: f32,
    late: f32,
    dropped: f32,
    rejected: f32,
    failed: f32,
    cancelled: f32,
    forwarded: f32,
}

/// Points, the newest last.
#[derive(Debug, Default)]
pub(super) struct History {
    points: VecDeque<Point>,
    before: Option<Reading>,
    latencies: VecDeque<Counted>,
}

impl History {
    /// A moment has been read.
    pub(super) fn add(&mut self, reading: &Reading) {
        let now = reading.latencies.clone();
        if let Some(before) = self.before.take() {
            let oldest = self.latencies.front().unwrap_or(&before.latencies);
            let point = point(&before, reading, &now.since(oldest));
            self.points.push_back(point);
            if self.points.len() > POINTS {
                self.points.pop_front();
            }
        }
        self.latencies.push_back(now);
        if self.latencies.len() > LATENCY_WINDOW {
            self.latencies.pop_front();
        }
        self.before = Some(reading.clone());
    }

    pub(super) fn points(&self) -> Vec<Point> {
        self.points.iter().cloned().collect()
    }

    pub(super) fn newest(&self) -> Option<Point> {
        self.points.back().cloned()
    }
}

fn point(before: &Reading, now: &Reading, latencies: &Counted) -> Point {
    let seconds = (now.up_s - before.up_s).max(1e-3);
    let per_s =
        |count: fn(&Reading) -> u64| (count(now).saturating_sub(count(before)) as f64 / seconds) as f32;
    let quantile_ms = |share| latencies.quantile_s(share).map(|seconds| (1e3 * seconds) as f32);
    let latency_ms = (quantile_ms(0.5), quantile_ms(0.95), quantile_ms(0.99));
    Point {
        at_ms: now.at_ms,
        per_s: PerSecond {
            arrived: per_s(|reading| reading.counters.arrived),
            in_time: per_s(|reading| reading.counters.served.saturating_sub(reading.late)),
            late: per_s(|reading| reading.late),
            dropped: per_s(|reading| reading.counters.dropped),
            rejected: per_s(|reading| reading.counters.rejected),
            failed: per_s(|reading| reading.counters.failed),
            cancelled: per_s(|reading| reading.counters.cancelled),
            forwarded: per_s(|reading| reading.counters.forwarded),
        },
        latency_ms: match latency_ms {
            (Some(p50), Some(p95), Some(p99)) => Some([p50, p95, p99]),
            _ => None,
        },
        running: now.running,
        slots: now.slots,
        queued: now.queued,
        queue: now.queue,
        reward: now.rewards.since(before.rewards).mean().map(|mean| mean as f32),
        epsilon: now.epsilon.map(|epsilon| epsilon as f32),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::latencies::Latencies;
    use super::*;

    fn reading(up_s: f64, latencies: &Latencies) -> Reading {
        Reading {
            at_ms: (1e3 * up_s) as u64,
            up_s,
            counters: Counters::default(),
            late: 0,
            latencies: latencies.counted(),
            running: 1,
            slots: 2,
            queued: 3,
            queue: 4,
            rewards: Rewards::default(),
            epsilon: None,
        }
    }

    #[test]
    fn a_point_has_the_rates_since_the_reading_before() {
        let latencies = Latencies::default();
        let mut history = History::default();
        history.add(&reading(1.0, &latencies));
        assert_eq!(history.newest(), None, "one reading makes no rate");
        let mut next = reading(3.0, &latencies);
        next.counters = Counters { arrived: 20, served: 10, dropped: 4, forwarded: 6, ..Counters::default() };
        next.late = 2;
        next.rewards = Rewards { count: 4, sum: 2.0 };
        history.add(&next);
        let point = history.newest().expect("two readings");
        let expected = PerSecond {
            arrived: 10.0,
            in_time: 4.0,
            late: 1.0,
            dropped: 2.0,
            forwarded: 3.0,
            ..PerSecond::default()
        };
        assert_eq!((point.per_s, point.reward, point.latency_ms), (expected, Some(0.5), None));
    }

    #[test]
    fn latencies_are_those_of_the_last_seconds_and_old_points_go() {
        let latencies = Latencies::default();
        let mut history = History::default();
        history.add(&reading(0.0, &latencies));
        latencies.add(Duration::from_millis(100));
        for second in 1..=LATENCY_WINDOW {
            history.add(&reading(second as f64, &latencies));
            let [p50, _, p99] = history.newest().and_then(|point| point.latency_ms).expect("a job");
            assert!((80.0..120.0).contains(&p50) && p99 == p50, "{p50} {p99}");
        }
        for second in 0..POINTS {
            history.add(&reading((LATENCY_WINDOW + 1 + second) as f64, &latencies));
        }
        assert_eq!(history.newest().and_then(|point| point.latency_ms), None);
        assert_eq!(history.points().len(), POINTS);
    }
}
