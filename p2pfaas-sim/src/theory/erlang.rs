//! Erlang's two formulas.

use super::error::{TheoryError, at_least_one, positive, require};

/// Slots up to which the recursions run.
pub const MAX_SLOTS: u32 = 10_000_000;

/// Erlang B: P(an arrival finds all of `slots` slots taken) at a node without a queue, under `offered`
/// Erlang (arrivals per second times mean service time, any law of it).
///
/// # Errors
/// An offered load that is not a finite number above 0; more than [`MAX_SLOTS`].
pub fn erlang_b(slots: u32, offered: f64) -> Result<f64, TheoryError> {
    positive("the offered load", offered)?;
    require(slots <= MAX_SLOTS, "the number of slots", f64::from(slots), "at most 10000000")?;
    Ok((1..=slots).fold(1.0, |before, slot| offered * before / (f64::from(slot) + offered * before)))
}

/// Erlang C: P(an arrival has to wait) before `slots` slots with an endless FIFO queue and exponential
/// service.
///
/// # Errors
/// As [`erlang_b`]; no slots; an offered load that the slots cannot serve.
pub fn erlang_c(slots: u32, offered: f64) -> Result<f64, TheoryError> {
    at_least_one("the number of slots", slots)?;
    let loss = erlang_b(slots, offered)?;
    let load = offered / f64::from(slots);
    if load >= 1.0 {
        return Err(TheoryError::Overloaded { load });
    }
    Ok(loss / (1.0 - load * (1.0 - loss)))
}

/// One queue for all servers, M/M/c: with endless buffers, exponential service and equal servers no
/// policy that keeps a queue at each server can be faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// P(an arrival has to wait).
    pub waiting: f64,
    /// Mean number of jobs, waiting and running.
    pub mean_number: f64,
    /// Mean time waited, over all jobs.
    pub mean_wait_s: f64,
    /// Mean time from arrival to end.
    pub mean_response_s: f64,
}

/// The pooled queue of `servers` servers, each serving `service_per_s`, under `arrivals_per_s` in all.
///
/// # Errors
/// As [`erlang_c`].
pub fn pooled(servers: u32, arrivals_per_s: f64, service_per_s: f64) -> Result<Pooled, TheoryError> {
    positive("the arrival rate", arrivals_per_s)?;
    positive("the service rate", service_per_s)?;
    let waiting = erlang_c(servers, arrivals_per_s / service_per_s)?;
    let mean_wait_s = waiting / (f64::from(servers) * service_per_s - arrivals_per_s);
    let mean_response_s = mean_wait_s + 1.0 / service_per_s;
    Ok(Pooled { waiting, mean_number: arrivals_per_s * mean_response_s, mean_wait_s, mean_response_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fact sheet (anchors) B6.3.
    #[test]
    fn erlang_b_gives_the_printed_table() {
        let loads = [0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.5];
        let table: [(u32, [f64; 7]); 8] = [
            (1, [0.33333333, 0.41176471, 0.44444444, 0.47368421, 0.5, 0.52380952, 0.6]),
            (2, [0.2, 0.28994083, 0.32989691, 0.36651584, 0.4, 0.43060498, 0.52941176]),
            (3, [0.13432836, 0.22537782, 0.26840634, 0.30873841, 0.34615385, 0.38066033, 0.49290061]),
            (4, [0.09523810, 0.18372422, 0.22814493, 0.27068507, 0.31067961, 0.34786224, 0.46956522]),
            (8, [0.03042006, 0.10015185, 0.14439389, 0.19031317, 0.23557026, 0.27877214, 0.42265511]),
            (10, [0.01838457, 0.07874088, 0.12166106, 0.16796323, 0.21458234, 0.25958033, 0.41034054]),
            (32, [0.00014555, 0.01171769, 0.03686126, 0.07797458, 0.12863316, 0.18197144, 0.36562744]),
            (100, [0.0, 0.00013782, 0.00399203, 0.02695738, 0.07570045, 0.13611484, 0.34537343]),
        ];
        for (slots, row) in table {
            for (load, known) in loads.iter().zip(row) {
                let value = erlang_b(slots, load * f64::from(slots)).unwrap();
                assert!((value - known).abs() < 5.1e-9, "{slots} slots, load {load}: {value}");
            }
        }
        // Fact sheet (P2PFaaS) 9.4: 12 jobs/s of 0.18 s on 3 slots.
        assert!((erlang_b(3, 12.0 * 0.18).unwrap() - 0.2342).abs() < 5e-5);
    }

    /// Fact sheet (anchors) B6.3, the line below the table.
    #[test]
    fn the_pooled_queue_gives_the_printed_response_times() {
        let known = [
            (8, [(0.7, 1.112751), (0.9, 1.876916), (0.95, 3.110422)]),
            (12, [(0.7, 1.05108), (0.9, 1.533369), (0.95, 2.348375)]),
        ];
        for (servers, row) in known {
            for (load, known) in row {
                let value = pooled(servers, load * f64::from(servers), 1.0).unwrap().mean_response_s;
                assert!((value - known).abs() < 5.1e-7, "{servers} servers, load {load}: {value}");
            }
        }
    }

    #[test]
    fn one_server_waits_as_in_m_m_1() {
        let value = pooled(1, 3.0, 4.0).unwrap();
        assert!((value.waiting - 0.75).abs() < 1e-15 && (value.mean_response_s - 1.0).abs() < 1e-15);
        assert!((value.mean_wait_s - 0.75).abs() < 1e-15 && (value.mean_number - 3.0).abs() < 1e-14);
    }

    #[test]
    fn a_million_slots_overflow_nothing() {
        let loss = erlang_b(1_000_000, 1_000_000.0).unwrap();
        // sqrt(2 / (pi c)) in the limit.
        assert!((loss / (2.0 / (std::f64::consts::PI * 1e6)).sqrt() - 1.0).abs() < 1e-2, "{loss}");
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for offered in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(erlang_b(3, offered), Err(TheoryError::Parameter { .. })));
        }
        assert!(matches!(erlang_c(0, 1.0), Err(TheoryError::Parameter { .. })));
        assert!(matches!(erlang_c(2, 2.0), Err(TheoryError::Overloaded { load: 1.0 })));
        assert!(matches!(erlang_b(u32::MAX, 2.0), Err(TheoryError::Parameter { .. })));
        let told = pooled(2, 1.0, -1.0).unwrap_err().to_string();
        assert_eq!(told, "the service rate is -1: it must be a finite number above 0");
    }
}
