//! One source of arrivals: a node, a function of a trace, or a recording.

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::counts::CountedCalls;
use super::durations::Quantiles;
use super::flash_crowd::FlashRates;
use super::mmpp::MmppRates;
use super::modulated::{Modulated, Rates};
use super::recorded::Playing;
use super::schedule::{Arrival, Span};
use super::sinusoid::Wave;
use super::{ArrivalKind, TraceError, Traffic};
use crate::streams::{Purpose, generator};

#[derive(Debug)]
pub(super) struct Source {
    instants: Instants,
    payloads: Xoshiro256PlusPlus,
    node: u32,
    task_type: TaskType,
    /// What its jobs take, where that is known.
    service: Option<Box<(Quantiles, Xoshiro256PlusPlus)>>,
}

#[derive(Debug)]
enum Instants {
    Poisson { rate: f64, gaps: Xoshiro256PlusPlus },
    Deterministic { rate: f64 },
    Sinusoid(Box<Wave>),
    Modulated(Box<Modulated>),
    Counted(Box<CountedCalls>),
    Recorded(Box<Playing>),
}

#[derive(Debug)]
enum TaskType {
    Always(u16),
    /// By the shares of the traffic with this number.
    Drawn(u32, Xoshiro256PlusPlus),
}

/// A source and its first instant.
pub(super) type Started = (Source, f64);

/// The sources of one traffic, which is the `number`th.
pub(super) fn sources(traffic: &Traffic, number: u32, span: Span) -> Result<Vec<Started>, TraceError> {
    let stream = |purpose, part: usize| generator(span.seed, purpose, owner(number, part as u32));
    let shared: Vec<usize> = (0..traffic.shares.len()).filter(|at| traffic.shares[*at] > 0.0).collect();
    let task_type = |part| match &shared[..] {
        [only] => TaskType::Always(*only as u16),
        _ => TaskType::Drawn(number, stream(Purpose::TaskTypes, part)),
    };
    match &traffic.kind {
        ArrivalKind::Counts(counts) => {
            let file = counts.open()?;
            let row = |row| {
                let draws = stream(Purpose::Arrivals, row);
                let calls = counts.row(row, &file, draws, span.begins_s, span.ends_s);
                let in_turn = |len: usize| row % len.max(1);
                let source = Source {
                    instants: Instants::Counted(Box::new(calls)),
                    payloads: stream(Purpose::Payloads, row),
                    node: counts.row_nodes.get(in_turn(counts.row_nodes.len())).copied().unwrap_or(0),
                    task_type: match counts.row_task_types.get(in_turn(counts.row_task_types.len())) {
                        Some(task_type) => TaskType::Always(*task_type),
                        None => task_type(row),
                    },
                    service: counts
                        .quantiles(row)
                        .map(|quantiles| Box::new((quantiles, stream(Purpose::ServiceTimes, row)))),
                };
                source.start(span)
            };
            (0..counts.functions()).map(row).collect()
        }
        ArrivalKind::Stages(stages) => {
            let pair = |pair| {
                let (node, of_function) = stages.of(pair);
                let rates = Rates::Stages(stages.rates(pair, span.begins_s));
                let gaps = stream(Purpose::Arrivals, pair);
                let modulated = Modulated::new(1.0, gaps, rates, span.ends_s)?;
                let source = Source {
                    instants: Instants::Modulated(Box::new(modulated)),
                    payloads: stream(Purpose::Payloads, pair),
                    node,
                    task_type: of_function.map_or_else(|| task_type(pair), TaskType::Always),
                    service: None,
                };
                source.start(span)
            };
            (0..stages.streams()).map(pair).collect()
        }
        ArrivalKind::Recorded(recorded) => {
            let instants = Instants::Recorded(Box::new(Playing::new(recorded, span.begins_s)?));
            let payloads = stream(Purpose::Payloads, 0);
            let source = Source { instants, payloads, node: 0, task_type: task_type(0), service: None };
            Ok(vec![source.start(span)?])
        }
        _ => {
            let node = |(node, rate): (usize, &f64)| {
                let source = Source {
                    instants: at_node(traffic, number, node, *rate, span)?,
                    payloads: stream(Purpose::Payloads, node),
                    node: node as u32,
                    task_type: task_type(node),
                    service: None,
                };
                match source.instants {
                    // A phase keeps the nodes from sending all at once.
                    Instants::Deterministic { rate } => {
                        let phase: f64 = stream(Purpose::Arrivals, node).random();
                        Ok((source, span.begins_s + 1.0 / rate * phase))
                    }
                    _ => source.start(span),
                }
            };
            traffic.rates.iter().enumerate().map(node).collect()
        }
    }
}

/// The arrivals at a node, where each has its own.
fn at_node(
    traffic: &Traffic,
    number: u32,
    node: usize,
    rate: f64,
    span: Span,
) -> Result<Instants, TraceError> {
    let gaps = generator(span.seed, Purpose::Arrivals, owner(number, node as u32));
    let rates = match &traffic.kind {
        ArrivalKind::Deterministic => return Ok(Instants::Deterministic { rate }),
        ArrivalKind::Sinusoid(wave) => {
            let (period_s, amplitude, phase) = (wave.period_s, wave.amplitude, wave.phase(node));
            let wave = Wave { rate, period_s, amplitude, phase, ends_s: span.ends_s, draws: gaps };
            return Ok(Instants::Sinusoid(Box::new(wave)));
        }
        ArrivalKind::Mmpp(chain) => {
            let part = if chain.common { u32::MAX } else { node as u32 };
            let draws = generator(span.seed, Purpose::Modulation, owner(number, part));
            Rates::Mmpp(MmppRates::new(chain.clone(), span.begins_s, draws))
        }
        ArrivalKind::FlashCrowd(crowd) if crowd.comes_to(node as u32) => {
            Rates::Flash(FlashRates::new(crowd, span.begins_s))
        }
        ArrivalKind::Profile(profile) => Rates::Profile(profile.rates(node, span.begins_s)?),
        _ => return Ok(Instants::Poisson { rate, gaps }),
    };
    Ok(Instants::Modulated(Box::new(Modulated::new(rate, gaps, rates, span.ends_s)?)))
}

/// The owner of a part's streams; the first traffic's are those of its nodes.
fn owner(number: u32, part: u32) -> u64 {
    u64::from(number) << 32 | u64::from(part)
}

impl Source {
    fn start(mut self, span: Span) -> Result<Started, TraceError> {
        let first_s = self.instants.after(span.begins_s)?;
        Ok((self, first_s))
    }

    /// The arrival at an instant, which was the source's next.
    #[inline]
    pub fn arrive(&mut self, number: u64, at_s: f64, shares: &[Vec<f64>]) -> Arrival {
        let recorded = match &self.instants {
            Instants::Recorded(playing) => Some(playing.job),
            _ => None,
        };
        let task_type = match &mut self.task_type {
            _ if let Some(task_type) = recorded.and_then(|job| job.task_type) => task_type,
            TaskType::Always(task_type) => *task_type,
            TaskType::Drawn(traffic, draws) => {
                let ends = &shares[*traffic as usize];
                let draw: f64 = draws.random();
                ends.partition_point(|end| *end <= draw).min(ends.len().saturating_sub(1)) as u16
            }
        };
        let payload = self.payloads.random();
        let mut arrival = Arrival { number, at_s, node: self.node, task_type, payload, service_s: None };
        if let Some((quantiles, draws)) = self.service.as_deref_mut() {
            arrival.service_s = Some(quantiles.sample(draws));
        }
        if let Some(job) = recorded {
            (arrival.node, arrival.service_s) = (job.node, job.service_s);
        }
        arrival
    }

    /// The instant after that; infinity when a trace cannot be read any more.
    #[inline]
    pub fn after(&mut self, at_s: f64, failure: &mut Option<TraceError>) -> f64 {
        match &mut self.instants {
            Instants::Poisson { rate, gaps } => exponential_after(at_s, *rate, gaps),
            others => others.after(at_s).unwrap_or_else(|error| {
                *failure = Some(error);
                f64::INFINITY
            }),
        }
    }
}

impl Instants {
    fn after(&mut self, at_s: f64) -> Result<f64, TraceError> {
        Ok(match self {
            Instants::Poisson { rate, gaps } => exponential_after(at_s, *rate, gaps),
            Instants::Deterministic { rate } => at_s + 1.0 / *rate,
            Instants::Sinusoid(wave) => wave.after(at_s),
            Instants::Modulated(modulated) => return modulated.after(at_s),
            Instants::Counted(calls) => return calls.next(),
            Instants::Recorded(playing) => return playing.next(),
        })
    }
}

#[inline]
fn exponential_after(at_s: f64, rate: f64, gaps: &mut Xoshiro256PlusPlus) -> f64 {
    let gap: f64 = Exp1.sample(gaps);
    at_s + gap / rate
}
