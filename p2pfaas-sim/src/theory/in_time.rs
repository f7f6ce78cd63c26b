//! Whether a job that finds others before it ends within its deadline.

use std::f64::consts::TAU;

/// Terms below this part of the sum are left out.
const NEGLIGIBLE: f64 = 1e-18;

/// P(a job ends within `deadline_s` of its arrival | it found `found` jobs) at a node with `slots`
/// slots, a FIFO queue and exponential service of `mu_per_s` a slot.
///
/// With a free slot that is its own service. Else it waits for `found - slots + 1` ends at rate
/// `slots * mu_per_s` each, an Erlang time, and is then served. Nothing ends in time with no slots, a
/// rate that is not above 0, or a deadline that is not above 0.
pub fn in_time(found: u32, slots: u32, mu_per_s: f64, deadline_s: f64) -> f64 {
    if slots == 0 || !(mu_per_s > 0.0 && deadline_s > 0.0) {
        return 0.0;
    }
    if found < slots {
        return -(-mu_per_s * deadline_s).exp_m1();
    }
    let ticks = f64::from(slots) * mu_per_s * deadline_s;
    if ticks.is_infinite() {
        return 1.0;
    }
    // Let a clock tick at rate slots * mu. Each tick ends one of the jobs before; after the last of these,
    // each tick ends the job itself with probability 1 / slots. So k ticks are enough with probability
    // 1 - (1 - 1/slots)^(k - waits): a sum of positive terms, exact where the usual difference of gamma
    // functions cancels.
    let waits = f64::from(found - slots) + 1.0;
    let missed = (-1.0 / f64::from(slots)).ln_1p();
    let ended = |count: f64| -((count - waits) * missed).exp_m1();
    let start = ticks.floor().max(waits + 1.0);
    let at_start = poisson(start, ticks);
    let mut sum = at_start * ended(start);
    let (mut count, mut mass) = (start, at_start);
    while mass > NEGLIGIBLE * sum {
        count += 1.0;
        mass *= ticks / count;
        sum += mass * ended(count);
    }
    (count, mass) = (start, at_start);
    while count > waits + 1.0 && mass > NEGLIGIBLE * sum {
        mass *= count / ticks;
        count -= 1.0;
        sum += mass * ended(count);
    }
    sum.min(1.0)
}

/// P(Poisson(mean) = count) for count >= 1, without the cancellation of `count * ln(mean) - mean`.
fn poisson(count: f64, mean: f64) -> f64 {
    let away = (mean - count) / count;
    (count * (away.ln_1p() - away) - stirling_error(count)).exp() / (TAU * count).sqrt()
}

/// ln(count!) less Stirling's approximation of it.
fn stirling_error(count: f64) -> f64 {
    if count < 16.0 {
        let factorial: f64 = (1..=count as u32).map(f64::from).product();
        return factorial.ln() - ((count + 0.5) * count.ln() - count + 0.5 * TAU.ln());
    }
    let square = count * count;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / square) / square) / square) / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The density of Erlang(phases, rate) times P(service <= rest), by Simpson's rule.
    fn by_quadrature(found: u32, slots: u32, mu_per_s: f64, deadline_s: f64) -> f64 {
        if found < slots {
            return 1.0 - (-mu_per_s * deadline_s).exp();
        }
        let (phases, rate) = (found - slots + 1, f64::from(slots) * mu_per_s);
        let integrand = |t: f64| {
            let density = (1..phases)
                .fold(rate * (-rate * t).exp(), |density, phase| density * rate * t / f64::from(phase));
            density * (1.0 - (-mu_per_s * (deadline_s - t)).exp())
        };
        let steps = 4_000;
        let width = deadline_s / f64::from(steps);
        let weight = |step: u32| match step {
            0 => 1.0,
            step if step == steps => 1.0,
            step => 2.0 + 2.0 * f64::from(step % 2),
        };
        (0..=steps).map(|step| weight(step) * integrand(f64::from(step) * width)).sum::<f64>() * width / 3.0
    }

    #[test]
    fn one_slot_is_an_erlang_time() {
        // Erlang(3, 2) within 1.5: 1 - e^-3 (1 + 3 + 4.5).
        let known = 1.0 - (-3.0_f64).exp() * 8.5;
        assert!((in_time(2, 1, 2.0, 1.5) - known).abs() < 1e-14);
    }

    #[test]
    fn nothing_ends_in_no_time_and_everything_in_endless_time() {
        for found in [0, 3, 9] {
            assert_eq!(in_time(found, 3, 5.0, 0.0), 0.0);
            assert_eq!(in_time(found, 3, 5.0, f64::INFINITY), 1.0);
            assert_eq!(in_time(found, 0, 5.0, 1.0), 0.0);
            assert_eq!(in_time(found, 3, f64::NAN, 1.0), 0.0);
        }
    }

    #[test]
    fn long_queues_and_long_deadlines_lose_no_digits() {
        // A normal law is near enough: mean 10^6 / 4 + 1, deviation 250.
        assert!((in_time(1_000_000, 4, 1.0, 250_000.0) - 0.5).abs() < 2e-3);
        assert!(in_time(1_000_000, 4, 1.0, 248_000.0) < 1e-13);
        assert!(in_time(1_000_000, 4, 1.0, 248_000.0) > 0.0);
        assert!(in_time(1_000_000, 4, 1.0, 252_500.0) > 1.0 - 1e-12);
    }

    proptest! {
        #[test]
        fn it_is_the_integral_over_the_time_waited(
            found in 0_u32..30, slots in 1_u32..9, mu in 0.1_f64..8.0, deadline in 0.01_f64..4.0,
        ) {
            let value = in_time(found, slots, mu, deadline);
            let known = by_quadrature(found, slots, mu, deadline);
            prop_assert!((value - known).abs() < 1e-6, "{value} and {known}");
        }

        #[test]
        fn more_jobs_before_it_never_help(
            found in 0_u32..60, slots in 1_u32..9, mu in 0.1_f64..8.0, deadline in 0.01_f64..9.0,
        ) {
            let (fewer, more) = (in_time(found, slots, mu, deadline), in_time(found + 1, slots, mu, deadline));
            prop_assert!((0.0..=1.0).contains(&fewer) && more <= fewer + 1e-13, "{fewer} and {more}");
        }
    }
}
