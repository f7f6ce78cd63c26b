//! The same systems as bare loops: the calendar, counters and nothing else. What a simulator could do at best
//! that says nothing of what it does.

use std::collections::VecDeque;
use std::time::Duration;

use p2pfaas_core::Time;
use p2pfaas_sim::calendar::{Calendar, EventCalendar};
use p2pfaas_sim::streams::{Purpose, generator};
use rand::RngExt;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::cases::Clock;

const SLOTS: u32 = 4;
const LATENCY: Duration = Duration::from_millis(1);

/// As large as the events of the simulator.
#[derive(Clone, Copy)]
enum Event {
    Arrives { node: u32 },
    Ends { node: u32, job: u64 },
    ProbeArrives { from: u32, to: u32 },
    ProbeReturns { from: u32, to: u32, load: u32 },
    JobArrives { from: u32, to: u32 },
    AnswerReturns,
}

fn exponential(rng: &mut Xoshiro256PlusPlus, mean_s: f64) -> Duration {
    Duration::from_nanos((rng.sample::<f64, _>(Exp1) * mean_s * 1e9) as u64)
}

/// Hosts that run what comes to them, or let it wait.
pub fn hosts(jobs: u64, clock: Clock<'_>) -> (u64, u64) {
    const HOSTS: usize = 100;
    let mut rng = generator(1, Purpose::Demand, 0);
    let mut running = [0_u32; HOSTS];
    let mut waiting = [0_u32; HOSTS];
    let mut calendar = EventCalendar::default();
    for node in 0..HOSTS as u32 {
        calendar.push(Time::ZERO + exponential(&mut rng, 1.0), Event::Arrives { node });
    }
    let (mut arrived, mut ended, mut events) = (0, 0, 0);
    clock(&mut || {
        while let Some((now, event)) = calendar.pop() {
            events += 1;
            match event {
                Event::Arrives { node } => {
                    arrived += 1;
                    if arrived + HOSTS as u64 <= jobs {
                        calendar.push(now + exponential(&mut rng, 1.0), event);
                    }
                    if running[node as usize] < SLOTS {
                        running[node as usize] += 1;
                        calendar.push(now + exponential(&mut rng, 1.0), Event::Ends { node, job: arrived });
                    } else {
                        waiting[node as usize] += 1;
                    }
                }
                Event::Ends { node, job } => {
                    ended += 1;
                    if waiting[node as usize] > 0 {
                        waiting[node as usize] -= 1;
                        calendar.push(now + exponential(&mut rng, 1.0), Event::Ends { node, job });
                    } else {
                        running[node as usize] -= 1;
                    }
                }
                _ => {}
            }
        }
    });
    (ended, events)
}

/// A node, as little as it can be.
#[derive(Clone, Default)]
struct Station {
    running: u32,
    /// Who waits, and the node to which its answer goes.
    waiting: VecDeque<u32>,
}

/// LL(1, 1) with the messages of the simulator: probe there and back, job there, answer back.
pub fn choice(jobs: u64, clock: Clock<'_>) -> (u64, u64) {
    const NODES: u32 = 1_000;
    const QUEUE: usize = 4;
    const GAP_S: f64 = 1.0 / 3.6;
    let mut rng = generator(1, Purpose::Demand, 0);
    let mut stations = vec![Station::default(); NODES as usize];
    let mut calendar = EventCalendar::default();
    for node in 0..NODES {
        calendar.push(Time::ZERO + exponential(&mut rng, GAP_S), Event::Arrives { node });
    }
    let (mut arrived, mut ended, mut events) = (0_u64, 0, 0);
    clock(&mut || {
        while let Some((now, event)) = calendar.pop() {
            events += 1;
            let load = |station: &Station| station.running + station.waiting.len() as u32;
            let enters = match event {
                Event::Arrives { node } => {
                    arrived += 1;
                    if arrived + u64::from(NODES) <= jobs {
                        calendar.push(now + exponential(&mut rng, GAP_S), event);
                    }
                    if load(&stations[node as usize]) == 0 {
                        Some((node, node))
                    } else {
                        let other = rng.random_range(0..NODES - 1);
                        let to = other + u32::from(other >= node);
                        calendar.push(now + LATENCY, Event::ProbeArrives { from: node, to });
                        None
                    }
                }
                Event::ProbeArrives { from, to } => {
                    let load = load(&stations[to as usize]);
                    calendar.push(now + LATENCY, Event::ProbeReturns { from, to, load });
                    None
                }
                Event::ProbeReturns { from, to, load: theirs } => {
                    if theirs < load(&stations[from as usize]) {
                        calendar.push(now + LATENCY, Event::JobArrives { from, to });
                        None
                    } else {
                        Some((from, from))
                    }
                }
                Event::JobArrives { from, to } => Some((to, from)),
                Event::AnswerReturns => {
                    ended += 1;
                    None
                }
                Event::Ends { node, job } => {
                    let origin = job as u32;
                    if origin == node {
                        ended += 1;
                    } else {
                        calendar.push(now + LATENCY, Event::AnswerReturns);
                    }
                    let station = &mut stations[node as usize];
                    match station.waiting.pop_front() {
                        Some(next) => {
                            let event = Event::Ends { node, job: u64::from(next) };
                            calendar.push(now + exponential(&mut rng, 1.0), event);
                        }
                        None => station.running -= 1,
                    }
                    None
                }
            };
            let Some((node, origin)) = enters else { continue };
            let station = &mut stations[node as usize];
            if station.running < SLOTS {
                station.running += 1;
                let event = Event::Ends { node, job: u64::from(origin) };
                calendar.push(now + exponential(&mut rng, 1.0), event);
            } else if station.waiting.len() < QUEUE {
                station.waiting.push_back(origin);
            } else if origin == node {
                ended += 1;
            } else {
                calendar.push(now + LATENCY, Event::AnswerReturns);
            }
        }
    });
    (ended, events)
}
