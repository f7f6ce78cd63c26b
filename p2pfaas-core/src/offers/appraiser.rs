//! What a node knows of itself, and so what it offers.

use smallvec::SmallVec;

use super::drift::Drift;
use super::law::Law;
use super::{Offer, Question, harm, wait};
use crate::Time;
use crate::node::ArrivalRate;
use crate::peers::PeerLoad;
use crate::slots::Capacity;

/// Kinds of jobs that are told apart; all others count as the first.
const MAX_KINDS: usize = 16;
/// Prices are worked out for loads up to this; a higher load has the last one.
const MAX_PRICES: usize = 64;
/// Jobs that want to run here between two workings out.
const JOBS_A_PRICING: u32 = 16;
/// The newest job counts as one of so many in the shares of the kinds.
const JOBS_OF: f64 = 256.0;
/// And as one of so many in the mean of its kind's times left.
const TIMES_LEFT_OF: f64 = 32.0;
/// Between which variations, squared, a wait is believed to be a gamma distribution.
const VARIATIONS: (f64, f64) = (0.05, 4.0);

/// The appraiser of one node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Appraiser {
    kinds: SmallVec<[Kind; 2]>,
    all: Law,
    demand: ArrivalRate,
    drift: Drift,
    began: Option<Time>,
    since: u32,
    prices: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Kind {
    question: Question,
    law: Law,
    /// Jobs of this kind that wanted to run here, fading.
    jobs: f64,
    /// Mean of their times left, seconds; infinite without a deadline.
    time_left_s: f64,
}

impl Appraiser {
    /// A job has run here.
    pub(crate) fn executed(&mut self, question: Question, seconds: f64) {
        self.all.executed(seconds);
        if let Some(kind) = self.kind_mut(question) {
            kind.law.executed(seconds);
        }
    }

    /// A job wants to run here: it is about to, or there is no room, or it is not worth it.
    pub(crate) fn wanted(&mut self, now: Time, question: Question, capacity: Capacity) {
        self.demand.arrived(now);
        self.began.get_or_insert(now);
        for kind in &mut self.kinds {
            kind.jobs *= 1.0 - 1.0 / JOBS_OF;
        }
        if let Some(kind) = self.kind_mut(question) {
            kind.jobs += 1.0;
            let left_s = question.time_left.map_or(f64::INFINITY, |left| left.as_secs_f64());
            match left_s.is_finite() && kind.time_left_s.is_finite() {
                true => kind.time_left_s += (left_s - kind.time_left_s) / kind.jobs.min(TIMES_LEFT_OF),
                false => kind.time_left_s = left_s,
            }
        }
        self.since += 1;
        if self.since >= JOBS_A_PRICING || self.prices.is_empty() {
            self.since = 0;
            self.work_out_prices(now, capacity);
        }
    }

    /// A job has come from a peer that was told a load, and finds another.
    pub(crate) fn came(&mut self, told: u32, found: u32) {
        self.drift.came(told, found);
    }

    /// What a peer's job is worth here that will come because this load is told.
    pub(crate) fn offer_to_peer(
        &self,
        question: &Question,
        load: PeerLoad,
        capacity: Capacity,
    ) -> Option<Offer> {
        let told = load.total();
        let (mut in_time, mut price, mut room) = (0.0, 0.0, false);
        for (found, share) in self.drift.found(told) {
            let running = found.min(capacity.slots);
            let load = PeerLoad { running, queued: found - running, slots: load.slots };
            // Where there is no room it is lost, and harms nobody.
            if let Some(offer) = self.offer(question, load, capacity) {
                in_time += share * offer.in_time;
                price += share * offer.price;
                room = true;
            }
        }
        room.then_some(Offer { in_time, price })
    }

    /// What a job that has waited is worth if it begins now, with so many others here.
    pub(crate) fn offer_to_begin(&self, question: &Question, others: u32) -> Offer {
        let law = self.law(question);
        let in_time = question.time_left.map_or(1.0, |left| law.within(left.as_secs_f64()));
        Offer { in_time: in_time as f32, price: self.price(law, others) }
    }

    fn price(&self, law: &Law, found: u32) -> f32 {
        let price = self.prices.get(found as usize).or(self.prices.last()).copied().unwrap_or(0.0);
        let size = match (law.mean_s(), self.all.mean_s()) {
            (Some(own), Some(all)) if all > 0.0 => own / all,
            _ => 1.0,
        };
        (price * size) as f32
    }

    /// What a job is worth here when it finds this load; `None` where there is no room for it.
    pub(crate) fn offer(&self, question: &Question, load: PeerLoad, capacity: Capacity) -> Option<Offer> {
        let found = load.total();
        if found >= capacity.slots.saturating_add(capacity.queue) {
            return None;
        }
        let law = self.law(question);
        let left_s = question.time_left.map_or(f64::INFINITY, |left| left.as_secs_f64());
        let in_time = self.in_time(law, left_s, found, capacity.slots);
        Some(Offer { in_time: in_time as f32, price: self.price(law, found) })
    }

    fn in_time(&self, law: &Law, left_s: f64, found: u32, slots: u32) -> f64 {
        if left_s.is_infinite() {
            return 1.0;
        }
        let (Some(all_s), slots) = (self.all.mean_s(), slots.max(1)) else { return 1.0 };
        if found < slots {
            return law.within(left_s);
        }
        let ahead = f64::from(found + 1 - slots);
        let wait_s = ahead * all_s / f64::from(slots);
        let shape = ahead / self.all.variation().clamp(VARIATIONS.0, VARIATIONS.1);
        let points = law.points().filter(|(seconds, _)| *seconds < left_s);
        points.map(|(seconds, share)| share * wait::within(left_s - seconds, wait_s, shape)).sum()
    }

    fn work_out_prices(&mut self, now: Time, capacity: Capacity) {
        let Some(mean_s) = self.all.mean_s().filter(|mean_s| *mean_s > 0.0) else { return };
        let room = (capacity.slots.saturating_add(capacity.queue) as usize).min(MAX_PRICES);
        if capacity.slots == 0 {
            return;
        }
        let jobs: f64 = self.kinds.iter().map(|kind| kind.jobs).sum();
        let reward = |load: usize| {
            let of = |kind: &Kind| {
                kind.jobs * self.in_time(&kind.law, kind.time_left_s, load as u32, capacity.slots)
            };
            self.kinds.iter().map(of).sum::<f64>() / jobs
        };
        let reward: Vec<f64> = (0..room).map(reward).collect();
        let running = |jobs: usize| jobs.min(capacity.slots as usize) as f64;
        let leaving: Vec<f64> = (1..=room).map(|jobs| running(jobs) / mean_s).collect();
        let age = self.began.map_or(0.0, |began| now.since(began).as_secs_f64());
        self.prices = prices(self.demand.per_s_after(now, age), &leaving, &reward);
    }

    fn law(&self, question: &Question) -> &Law {
        let law = self.kinds.iter().find(|kind| kind.is(question)).map(|kind| &kind.law);
        law.filter(|law| law.mean_s().is_some()).unwrap_or(&self.all)
    }

    fn kind_mut(&mut self, question: Question) -> Option<&mut Kind> {
        let known = self.kinds.iter().position(|kind| kind.is(&question));
        match known {
            Some(index) => self.kinds.get_mut(index),
            None if self.kinds.len() < MAX_KINDS => {
                let time_left_s = question.time_left.map_or(f64::INFINITY, |left| left.as_secs_f64());
                self.kinds.push(Kind { question, law: Law::default(), jobs: 0.0, time_left_s });
                self.kinds.last_mut()
            }
            None => self.kinds.first_mut(),
        }
    }
}

/// What a job takes from later ones, by the load that it finds, at a node that admits jobs up to the load up to which it
/// pays: the value function of a single queue under its best admission control (Naor 1969; Puterman 1994, chapter 11).
fn prices(rate_per_s: f64, leaving_per_s: &[f64], reward: &[f64]) -> Vec<f64> {
    let (mut weight, mut weights, mut earned) = (1.0, 1.0, 0.0);
    let (mut best, mut admitted) = (0.0, 1);
    for (load, (leaving, reward)) in leaving_per_s.iter().zip(reward).enumerate() {
        earned += weight * reward;
        weight *= rate_per_s / leaving;
        weights += weight;
        if earned / weights > best {
            (best, admitted) = (earned / weights, load + 1);
        }
    }
    let mut prices = harm(rate_per_s, &leaving_per_s[..admitted], &reward[..admitted]).by_load;
    prices.extend(leaving_per_s[admitted..].iter().map(|leaving| best * rate_per_s / leaving));
    prices
}

impl Kind {
    fn is(&self, question: &Question) -> bool {
        self.question.function == question.function && self.question.task_type == question.task_type
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
