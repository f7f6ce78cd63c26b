//! A device that is emulated: the function really runs, and the answer comes when the emulated
//! device would have finished.
//!
//! All nodes of an embedded cluster share this machine's cores; on real devices they would not. So the
//! time that a job takes is drawn, as in a simulation: its demand from the task type's distribution,
//! divided by the node's speed. The demand is a function of the seed and the job's tracing id, which
//! travels with the job: the same job has the same demand under every policy and on every node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use p2pfaas_node::{Execution, Executor, FunctionCall};
use tokio::time::{Instant, sleep_until};

use p2pfaas_sim::service::Service;
use p2pfaas_sim::streams::{Purpose, generator, text_owner};

/// Longer than any run; a demand beyond it cannot be told from it.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// What emulated devices have done.
#[derive(Debug, Default)]
pub struct DeviceCounts {
    executions: AtomicU64,
    overruns: AtomicU64,
}

impl DeviceCounts {
    /// Runs that have ended.
    pub fn executions(&self) -> u64 {
        self.executions.load(Ordering::Relaxed)
    }

    /// Of these, runs in which the function itself took longer than the emulated device.
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }
}

/// A function on an emulated device.
pub struct Device {
    /// What really runs.
    pub function: Arc<dyn Executor>,
    /// Service times by task type; what has none is not emulated.
    pub services: Arc<[Option<Service>]>,
    /// Demands are divided by it.
    pub speed: f64,
    /// The seed of the run.
    pub seed: u64,
    /// Shared by all devices of a cluster.
    pub counts: Arc<DeviceCounts>,
}

impl Executor for Device {
    fn execute(&self, call: FunctionCall) -> Execution {
        let Some(Some(service)) = self.services.get(usize::from(call.task_type)) else {
            return self.function.execute(call);
        };
        let takes_s = demand_s(service, self.seed, &call.tracing) / self.speed;
        let over_at =
            Instant::now() + Duration::try_from_secs_f64(takes_s).map_or(FOREVER, |takes| takes.min(FOREVER));
        let work = self.function.execute(call);
        let counts = Arc::clone(&self.counts);
        Box::pin(async move {
            let answer = work.await;
            let overrun = Instant::now() > over_at;
            counts.executions.fetch_add(1, Ordering::Relaxed);
            counts.overruns.fetch_add(u64::from(overrun), Ordering::Relaxed);
            if !overrun {
                sleep_until(over_at).await;
            }
            answer
        })
    }
}

/// Stands before a demand in a tracing id.
const DEMAND: &str = "-takes-";

/// The tracing id of a job whose demand was recorded: it travels to whichever node runs the job.
pub fn with_demand(tracing: String, service_s: Option<f64>) -> String {
    match service_s {
        Some(service_s) => format!("{tracing}{DEMAND}{service_s}"),
        None => tracing,
    }
}

/// Seconds that a job takes at speed 1: as was recorded, else drawn.
pub fn demand_s(service: &Service, seed: u64, tracing: &str) -> f64 {
    let recorded = tracing.rsplit_once(DEMAND).and_then(|(_, seconds)| seconds.parse().ok());
    if let Some(seconds) = recorded {
        return seconds;
    }
    service.sample(&mut generator(seed, Purpose::Demand, text_owner(tracing)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use p2pfaas_node::builtin;

    const EXPONENTIAL: Service = Service::Exponential { mean_s: 0.2 };

    fn call(tracing: &str, task_type: u16) -> FunctionCall {
        let payload = Bytes::from_static(b"picture");
        FunctionCall { payload, content_type: None, tracing: tracing.into(), task_type, traceparent: None }
    }

    fn device(function: &str, service: Service, speed: f64) -> Device {
        Device {
            function: builtin(function).unwrap(),
            services: Arc::new([Some(service), None]),
            speed,
            seed: 1,
            counts: Arc::default(),
        }
    }

    #[test]
    fn the_same_job_has_the_same_demand_and_demands_have_their_distribution() {
        assert_eq!(demand_s(&EXPONENTIAL, 1, "a-1-7"), demand_s(&EXPONENTIAL, 1, "a-1-7"));
        assert_ne!(demand_s(&EXPONENTIAL, 1, "a-1-7"), demand_s(&EXPONENTIAL, 1, "a-1-8"));
        assert_ne!(demand_s(&EXPONENTIAL, 1, "a-1-7"), demand_s(&EXPONENTIAL, 2, "a-1-7"));
        let count = 100_000;
        let demands: Vec<_> =
            (0..count).map(|job| demand_s(&EXPONENTIAL, 1, &format!("a-1-{job}"))).collect();
        let mean = demands.iter().sum::<f64>() / f64::from(count);
        let above = demands.iter().filter(|demand| **demand > 0.4).count() as f64 / f64::from(count);
        assert!((mean - 0.2).abs() < 0.003, "{mean}");
        assert!((above - (-2.0_f64).exp()).abs() < 0.005, "{above}");
    }

    #[test]
    fn a_recorded_demand_is_what_it_was() {
        let tracing = with_demand("a-1-7".into(), Some(0.1234567890123));
        assert_eq!(demand_s(&EXPONENTIAL, 1, &tracing), 0.1234567890123);
        assert_eq!(with_demand("a-1-7".into(), None), "a-1-7");
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_is_the_functions_and_comes_when_the_device_is_done() {
        let device = device("echo", Service::Deterministic { mean_s: 100.0 }, 2.0);
        let began = tokio::time::Instant::now();
        let answer = device.execute(call("a", 0)).await.unwrap();
        assert_eq!(&answer.body[..], b"picture");
        let took_s = began.elapsed().as_secs_f64();
        assert!((took_s - 50.0).abs() < 1.0, "{took_s}");
        assert_eq!((device.counts.executions(), device.counts.overruns()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_type_without_a_service_time_is_not_emulated() {
        let device = device("echo", Service::Deterministic { mean_s: 100.0 }, 1.0);
        for task_type in [1, 9] {
            device.execute(call("a", task_type)).await.unwrap();
        }
        assert_eq!(device.counts.executions(), 0);
    }

    #[tokio::test]
    async fn a_function_that_takes_longer_than_the_device_is_an_overrun() {
        let device = device("echo", Service::Deterministic { mean_s: 1e-12 }, 1.0);
        device.execute(call("a", 0)).await.unwrap();
        assert_eq!((device.counts.executions(), device.counts.overruns()), (1, 1));
    }
}
