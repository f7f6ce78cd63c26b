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
