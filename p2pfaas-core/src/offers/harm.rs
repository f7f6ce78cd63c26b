//! The value of a node's states, for one step of policy improvement.

/// How much an admitted job takes from later ones, v(l) − v(l + 1), at a node that it finds with
/// l = 0, 1, ... jobs, and the share of jobs in time. v is the relative value function of the node's own
/// M/M/c/c+K chain, in jobs in time: arrivals at `rate_per_s`, jobs leaving at `leaving_per_s[l]` where l + 1
/// are there, and `reward[l]` for one that finds l (Krishnan 1987; Hyytiä 2013).
///
/// Both slices have as many entries as the node has room. Without arrivals nothing is harmed.
pub fn harm(rate_per_s: f64, leaving_per_s: &[f64], reward: &[f64]) -> Harm {
    let room = leaving_per_s.len();
    if rate_per_s <= 0.0 || room == 0 {
        return Harm { by_load: vec![0.0; room], in_time: reward.first().copied().unwrap_or(0.0) };
    }
    // Stationary weights relative to the largest, so that no load overflows.
    let mut weight = vec![0.0; room + 1];
    for load in 0..room {
        weight[load + 1] = weight[load] + (rate_per_s / leaving_per_s[load]).ln();
    }
    let largest = weight.iter().copied().fold(f64::MIN, f64::max);
    let weights = weight.iter().map(|weight| (weight - largest).exp());
    let total: f64 = weights.clone().sum();
    let in_time = weights.zip(reward).map(|(weight, reward)| weight * reward).sum::<f64>() / total;

    // Poisson's equation gives each difference from the one before and from the one after. Up to where as many
    // leave as arrive the first way shrinks errors, beyond it the second.
    let gain = rate_per_s * in_time;
    let mut by_load = vec![0.0; room];
    let turn = leaving_per_s.iter().position(|leaving| *leaving > rate_per_s).unwrap_or(room);
    let mut before = 0.0;
    for load in 0..turn.min(room - 1) + 1 {
        let leaving = if load == 0 { 0.0 } else { leaving_per_s[load - 1] };
        before = reward[load] + (leaving * before - gain) / rate_per_s;
        by_load[load] = before;
    }
    let mut after = gain / leaving_per_s[room - 1];
    for load in (turn..room).rev() {
        by_load[load] = after;
        if load > 0 {
            after = (gain - rate_per_s * (reward[load] - after)) / leaving_per_s[load - 1];
        }
    }
    Harm { by_load, in_time }
}

/// What [`harm`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Harm {
    /// v(l) − v(l + 1), by l.
    pub by_load: Vec<f64>,
    /// Share of jobs in time when all that come are admitted while there is room.
    pub in_time: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_place_that_is_taken_costs_what_the_next_job_would_have_brought() {
        // One slot, no queue: gain = a·m/(a + m); taken: v(0) − v(1) = gain/m.
        let harm = harm(3.0, &[2.0], &[0.8]);
        assert!((harm.in_time - 0.8 * 2.0 / 5.0).abs() < 1e-15);
        assert!((harm.by_load[0] - 0.8 * 3.0 / 5.0).abs() < 1e-15);
    }

    #[test]
    fn without_arrivals_nothing_is_harmed() {
        let harm = harm(0.0, &[2.0, 2.0], &[0.8, 0.5]);
        assert_eq!((harm.by_load, harm.in_time), (vec![0.0, 0.0], 0.8));
    }

    proptest! {
        #[test]
        fn the_values_solve_poissons_equation_at_any_load(
            slots in 1_u32..6, queue in 0_u32..200, rate in 0.01_f64..30.0, fade in 0.5_f64..1.0,
        ) {
            let room = slots + queue;
            let leaving: Vec<_> = (1..=room).map(|jobs| 2.0 * f64::from(jobs.min(slots))).collect();
            let reward: Vec<_> = (0..room).map(|load| fade.powi(load as i32)).collect();
            let harm = harm(rate, &leaving, &reward);
            let d = &harm.by_load;
            for load in 0..=room as usize {
                let arriving = if load < d.len() { rate * (reward[load] - d[load]) } else { 0.0 };
                let leaving = if load > 0 { leaving[load - 1] * d[load - 1] } else { 0.0 };
                let gain = arriving + leaving;
                prop_assert!((gain - rate * harm.in_time).abs() < 1e-9 * rate, "load {load}: {gain}");
            }
            prop_assert!(d.iter().all(|harm| *harm >= -1e-9), "{d:?}");
        }
    }
}
