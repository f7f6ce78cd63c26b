//! The arrivals of one run, a function of the experiment and the seed alone: every policy meets the
//! same jobs at the same instants (common random numbers).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{ArrivalKind, Traffic};
use crate::streams::{Purpose, generator, stream_seed};

/// A job that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Its number in the run, from 0, in the order of the instants.
    pub number: u64,
    /// Seconds since the start of the run; training comes before it.
    pub at_s: f64,
    /// The node that it goes to.
    pub node: u32,
    /// Its task type.
    pub task_type: u16,
    /// Picks one of the payloads of its type, by the remainder.
    pub payload: u32,
    /// What it takes on a device of speed 1, seconds, where that is known beforehand; else it is drawn.
    pub service_s: Option<f64>,
}

/// Yields the arrivals of all nodes in the order of their instants; nodes draw from streams of
/// their own. Nothing is kept but one arrival a node.
#[derive(Debug, Clone)]
pub struct Schedule {
    nodes: Vec<NodeArrivals>,
    next: BinaryHeap<Next>,
    /// Upper ends of the task types' shares.
    shares: Vec<f64>,
    ends_s: f64,
    number: u64,
}

#[derive(Debug, Clone)]
struct NodeArrivals {
    kind: ArrivalKind,
    rate: f64,
    gaps: Xoshiro256PlusPlus,
    task_types: Xoshiro256PlusPlus,
    payloads: Xoshiro256PlusPlus,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Next {
    at_s: f64,
    node: u32,
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    /// Earliest first out of a heap that gives the greatest; equal instants in the order of nodes.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at_s.total_cmp(&self.at_s).then(other.node.cmp(&self.node))
    }
}

impl Schedule {
    /// The arrivals from 0 until the end of the run.
    pub fn new(traffic: &Traffic, seed: u64, ends_s: f64) -> Self {
        Schedule::between(traffic, seed, 0.0, ends_s)
    }

    /// The arrivals of a training that takes so many seconds and ends at 0. They have nothing in common
    /// with those of the run.
    pub fn training(traffic: &Traffic, seed: u64, train_s: f64) -> Self {
        Schedule::between(traffic, stream_seed(seed, Purpose::Training, 0), -train_s, 0.0)
    }

    fn between(traffic: &Traffic, seed: u64, begins_s: f64, ends_s: f64) -> Self {
        let arrivals = |(node, rate): (usize, &f64)| NodeArrivals {
            kind: traffic.kind,
            rate: *rate,
            gaps: generator(seed, Purpose::Arrivals, node as u64),
            task_types: generator(seed, Purpose::TaskTypes, node as u64),
            payloads: generator(seed, Purpose::Payloads, node as u64),
        };
        let mut sum = 0.0;
        let shares = traffic.shares.iter().map(|share| {
            sum += share;
            sum
        });
        let mut schedule = Schedule {
            nodes: traffic.rates.iter().enumerate().map(arrivals).collect(),
            next: BinaryHeap::new(),
            shares: shares.collect(),
            ends_s,
            number: 0,
        };
        for node in 0..schedule.nodes.len() {
            let first_s = begins_s + schedule.nodes[node].first();
            schedule.push(first_s, node as u32);
        }
        schedule
    }

    fn push(&mut self, at_s: f64, node: u32) {
        if at_s < self.ends_s {
            self.next.push(Next { at_s, node });
        }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let Next { at_s, node } = self.next.pop()?;
        let arrivals = &mut self.nodes[node as usize];
        let draw: f64 = arrivals.task_types.random();
        let last = self.shares.len() - 1;
        let task_type = self.shares.iter().position(|end| draw < *end).unwrap_or(last) as u16;
        let payload = arrivals.payloads.random();
        let following_s = at_s + arrivals.gap();
        self.push(following_s, node);
        let number = self.number;
        self.number += 1;
        Some(Arrival { number, at_s, node, task_type, payload, service_s: None })
    }
}

impl NodeArrivals {
    /// The first instant: for equal gaps, a phase that keeps the nodes from sending all at once.
    fn first(&mut self) -> f64 {
        match self.kind {
            ArrivalKind::Poisson => self.gap(),
            ArrivalKind::Deterministic => self.gap() * self.gaps.random::<f64>(),
        }
    }

    fn gap(&mut self) -> f64 {
        let gap: f64 = match self.kind {
            ArrivalKind::Poisson => Exp1.sample(&mut self.gaps),
            ArrivalKind::Deterministic => 1.0,
        };
        gap / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_nodes(kind: ArrivalKind) -> Traffic {
        Traffic { kind, rates: vec![10.0, 40.0], shares: vec![0.25, 0.75] }
    }

    fn schedule(traffic: &Traffic, seed: u64) -> Schedule {
        Schedule::new(traffic, seed, 1000.0)
    }

    fn instants(traffic: &Traffic, node: u32) -> Vec<f64> {
        let arrivals = schedule(traffic, 7).filter(|arrival| arrival.node == node);
        arrivals.map(|arrival| arrival.at_s).collect()
    }

    #[test]
    fn poisson_counts_and_gaps_have_the_known_mean_and_variance() {
        let traffic = two_nodes(ArrivalKind::Poisson);
        for (node, rate) in [(0, 10.0), (1, 40.0)] {
            let instants = instants(&traffic, node);
            // The count is Poisson with mean 1000 * rate; five deviations are never seen.
            let expected = 1000.0 * rate;
            assert!((instants.len() as f64 - expected).abs() < 5.0 * expected.sqrt(), "{}", instants.len());
            let gaps: Vec<f64> = instants.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
            assert!((mean * rate - 1.0).abs() < 0.05, "mean gap {mean}");
            assert!((variance * rate * rate - 1.0).abs() < 0.1, "variance of gaps {variance}");
        }
    }

    #[test]
    fn deterministic_gaps_are_equal_and_nodes_are_out_of_step() {
        let traffic = two_nodes(ArrivalKind::Deterministic);
        for (node, rate) in [(0, 10.0), (1, 40.0)] {
            let instants = instants(&traffic, node);
            assert!((instants.len() as f64 - 1000.0 * rate).abs() <= 1.0);
            assert!(instants.windows(2).all(|pair| (pair[1] - pair[0] - 1.0 / rate).abs() < 1e-9));
            assert!(instants[0] < 1.0 / rate);
        }
        assert_ne!(instants(&traffic, 0)[0], instants(&traffic, 1)[0]);
    }

    #[test]
    fn training_ends_where_the_run_begins_and_is_of_the_same_kind_with_other_arrivals() {
        let traffic = two_nodes(ArrivalKind::Poisson);
        let training: Vec<_> = Schedule::training(&traffic, 7, 100.0).collect();
        assert!(training.iter().all(|arrival| (-100.0..0.0).contains(&arrival.at_s)));
        assert!((training.len() as f64 - 5_000.0).abs() < 5.0 * 5_000_f64.sqrt(), "{}", training.len());
        let run: Vec<_> = schedule(&traffic, 7).take(training.len()).collect();
        let same = |(left, right): &(&Arrival, &Arrival)| (left.at_s + 100.0 - right.at_s).abs() < 1e-6;
        assert_eq!(training.iter().zip(&run).filter(same).count(), 0);
        assert_ne!(training, Schedule::training(&traffic, 8, 100.0).collect::<Vec<_>>());
    }

    #[test]
    fn arrivals_are_in_order_numbered_and_within_the_run() {
        let arrivals: Vec<_> = schedule(&two_nodes(ArrivalKind::Poisson), 7).collect();
        assert!(arrivals.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s));
        assert!(arrivals.iter().enumerate().all(|(index, arrival)| arrival.number == index as u64));
        assert!(arrivals.iter().all(|arrival| (0.0..1000.0).contains(&arrival.at_s)));
    }

    #[test]
    fn task_types_come_in_their_shares() {
        let arrivals: Vec<_> = schedule(&two_nodes(ArrivalKind::Poisson), 7).collect();
        let first = arrivals.iter().filter(|arrival| arrival.task_type == 0).count();
        assert!((first as f64 / arrivals.len() as f64 - 0.25).abs() < 0.01);
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_another_seed_others() {
        let traffic = two_nodes(ArrivalKind::Poisson);
        let run = |seed| schedule(&traffic, seed).take(1_000).collect::<Vec<_>>();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn a_node_without_traffic_gets_none_and_does_not_disturb_the_others() {
        let quiet = Traffic { rates: vec![0.0, 40.0], ..two_nodes(ArrivalKind::Poisson) };
        assert!(instants(&quiet, 0).is_empty());
        assert_eq!(instants(&quiet, 1), instants(&two_nodes(ArrivalKind::Poisson), 1));
    }
}
