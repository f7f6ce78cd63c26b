//! What a stretch of time cost: CPU seconds of this process, and how busy the machine was.

use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// A stretch of time that is being measured.
#[derive(Debug)]
pub struct Meter {
    began: Instant,
    process_s: f64,
    machine: Option<Jiffies>,
}

/// What it cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds of CPU that this process used: nodes, functions and load generator together.
    pub cpu_s: f64,
    /// Share of the machine's CPU time that was used, by anybody.
    pub busy: f64,
    /// Seconds on the clock.
    pub wall_s: f64,
}

impl Meter {
    /// Begins now.
    pub fn start() -> Meter {
        Meter { began: Instant::now(), process_s: process_s(), machine: Jiffies::read() }
    }

    /// What it cost until now.
    pub fn read(&self) -> Cost {
        let wall_s = self.began.elapsed().as_secs_f64();
        let cpu_s = (process_s() - self.process_s).max(0.0);
        let own = cpu_s / (wall_s * cores() as f64).max(1e-9);
        // In a container that has only some of the cores, its own share says more than the machine's.
        let machine =
            self.machine.zip(Jiffies::read()).map_or(0.0, |(before, after)| after.busy_since(before));
        Cost { cpu_s, busy: own.max(machine).min(1.0), wall_s }
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn process_s() -> f64 {
    used_s(UsageWho::RUSAGE_SELF).unwrap_or(0.0)
}

/// Seconds of CPU that this thread has used; `None` where the system does not tell.
pub fn thread_s() -> Option<f64> {
    #[cfg(target_os = "linux")]
    return used_s(UsageWho::RUSAGE_THREAD);
    #[cfg(not(target_os = "linux"))]
    None
}

fn used_s(who: UsageWho) -> Option<f64> {
    let usage = getrusage(who).ok()?;
    Some((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6)
}

/// Ticks of all cores since boot.
#[derive(Debug, Clone, Copy)]
struct Jiffies {
    idle: u64,
    total: u64,
}

impl Jiffies {
    /// `None` where there is no `/proc/stat`.
    fn read() -> Option<Jiffies> {
        Jiffies::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: `cpu user nice system idle iowait irq softirq steal ...`.
    fn parse(text: &str) -> Option<Jiffies> {
        let numbers = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let numbers: Vec<u64> = numbers.take(8).map_while(|number| number.parse().ok()).collect();
        let idle = numbers.get(3)? + numbers.get(4).unwrap_or(&0);
        Some(Jiffies { idle, total: numbers.iter().sum() })
    }

    fn busy_since(self, before: Jiffies) -> f64 {
        let total = self.total.saturating_sub(before.total);
        let idle = self.idle.saturating_sub(before.idle);
        if total == 0 { 0.0 } else { 1.0 - idle as f64 / total as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_when_it_neither_idles_nor_waits_for_a_disk() {
        let before = Jiffies::parse("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n").unwrap();
        let after = Jiffies::parse("cpu  160 0 120 810 110 0 0 0 0 0\n").unwrap();
        assert!((after.busy_since(before) - 0.4).abs() < 1e-12);
        assert!(Jiffies::parse("intr 1 2 3").is_none());
    }

    #[test]
    fn work_costs_cpu_time() {
        let meter = Meter::start();
        let mut value = 1u64;
        while meter.read().cpu_s == 0.0 {
            value = std::hint::black_box(value.wrapping_mul(3));
        }
        assert!(meter.read().cpu_s > 0.0 && meter.read().busy <= 1.0);
    }
}
