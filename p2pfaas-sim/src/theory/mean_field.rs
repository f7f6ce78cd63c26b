//! LL(F, T) among endlessly many nodes: the mean field.
//!
//! A node sees the others only through the shares p_i of nodes with i jobs, and is a birth-death chain
//! whose birth rates depend on them. With u_i = p_i + p_(i+1) + ... and arrivals at rate a for each node,
//! a node with j jobs gets, per second (fact sheet, P2PFaaS 9.4, anchors B6.4),
//!
//! - of its own arrivals all if j < T; else those that find nobody less loaded, a u_j^F;
//! - of those at nodes with i >= T jobs, where j < i, the ones whose least loaded of F is one of the p_j:
//!   a u_max(T, j+1) (u_j^F - u_(j+1)^F) / p_j.
//!
//! Under the reference's rule a probed node with j <= i jobs is drawn among all of the F that have at most
//! i, so that it gets a share p_j / (1 - u_(i+1)) of the arrivals at nodes with i jobs where any such
//! node was probed, 1 - u_(i+1)^F of them; those that draw their equal go to it instead of staying.

mod after;
mod rest;

use super::balanced::{Balanced, Choice, PowerOfN};
use super::error::{TheoryError, positive, require};
use super::station::{Station, mean};

/// Places up to which the mean field is solved.
pub const MAX_MEAN_FIELD_PLACES: u32 = 10_000;

impl PowerOfN {
    /// The steady state of endlessly many equal nodes, each with `arrivals_per_s`: where the equations
    /// rest. F nodes are always there to be probed.
    ///
    /// # Errors
    /// No slots, rates that are not finite numbers above 0, more than [`MAX_MEAN_FIELD_PLACES`].
    pub fn mean_field(&self, station: &Station, arrivals_per_s: f64) -> Result<Balanced, TheoryError> {
        let field = self.field(station, arrivals_per_s)?;
        Ok(field.balanced(field.rest()))
    }

    /// The same nodes `after_s` seconds after all of them were empty: the equations integrated. Its
    /// `residual` tells how far they are from rest, and its response time is the mean number over the jobs
    /// that end per second, as if they were.
    ///
    /// # Errors
    /// As [`PowerOfN::mean_field`]; a time that is not a finite number from 0, or so long that the
    /// integration gives up before it.
    pub fn mean_field_after(
        &self,
        station: &Station,
        arrivals_per_s: f64,
        after_s: f64,
    ) -> Result<Balanced, TheoryError> {
        let field = self.field(station, arrivals_per_s)?;
        require(after_s >= 0.0 && after_s.is_finite(), "the time", after_s, "a finite number from 0")?;
        Ok(field.balanced(field.integrate(after_s)?))
    }

    fn field<'a>(&self, station: &'a Station, arrivals_per_s: f64) -> Result<Field<'a>, TheoryError> {
        station.check(MAX_MEAN_FIELD_PLACES, "at most 10000")?;
        positive("the arrival rate", arrivals_per_s)?;
        Ok(Field { policy: *self, station, arrivals_per_s })
    }

    fn probes_at(&self, load: usize) -> bool {
        load >= self.threshold as usize
    }

    /// P(all that are probed are among this share of the nodes).
    fn all_have(&self, share: f64) -> f64 {
        share.powf(f64::from(self.fan_out))
    }

    /// (1 - (1 - share)^F) / share, also where the share is small.
    fn per_share(&self, share: f64) -> f64 {
        let fan_out = f64::from(self.fan_out);
        match self.fan_out {
            0 => 0.0,
            _ if share <= 0.0 => fan_out,
            _ => -(fan_out * (-share.min(1.0)).ln_1p()).exp_m1() / share,
        }
    }

    /// (own^F - (own - p)^F) / p, also where p is a small part of `own`.
    fn least_of(&self, p: f64, own: f64) -> f64 {
        match self.fan_out {
            0 => 0.0,
            fan_out => own.powf(f64::from(fan_out) - 1.0) * self.per_share(ratio(p, own)),
        }
    }
}

/// u_i for i up to one more than there are places.
fn tails(law: &[f64]) -> Vec<f64> {
    let mut tails = vec![0.0; law.len() + 1];
    for load in (0..law.len()).rev() {
        tails[load] = tails[load + 1] + law[load];
    }
    tails[0] = 1.0;
    tails
}

struct Field<'a> {
    policy: PowerOfN,
    station: &'a Station,
    arrivals_per_s: f64,
}

impl Field<'_> {
    fn balanced(&self, law: Vec<f64>) -> Balanced {
        let policy = &self.policy;
        let tails = tails(&law);
        let last = law.len() - 1;
        let full = law[last];
        let lost_if_full = match policy.choice {
            _ if !policy.probes_at(last) || policy.fan_out == 0 => 1.0,
            Choice::LeastLoaded => policy.all_have(full),
            // Whom it draws is full, too, if it draws one of the full.
            Choice::RandomAmongNotMoreLoaded => full,
        };
        let probing = (0..=last).filter(|load| policy.probes_at(*load));
        let mean_number = mean(&law, 0);
        let ended_per_s: f64 = (0..).zip(&law).map(|(jobs, p)| self.station.rate_per_s(jobs) * p).sum();
        Balanced {
            blocking: full * lost_if_full,
            forwarded: probing.map(|load| law[load] * (1.0 - policy.all_have(tails[load]))).sum(),
            probes_per_job: f64::from(policy.fan_out) * tails.get(policy.threshold as usize).unwrap_or(&0.0),
            mean_number,
            mean_response_s: mean_number / ended_per_s,
            residual: self.residual(&law),
            probabilities: law,
        }
    }

    /// What a node with j jobs gets, per second.
    fn births(&self, law: &[f64]) -> Vec<f64> {
        let tails = tails(law);
        let shares = match self.policy.choice {
            Choice::LeastLoaded => self.least_loaded(law, &tails),
            Choice::RandomAmongNotMoreLoaded => self.random_among_not_more_loaded(law, &tails),
        };
        shares.into_iter().map(|share| share * self.arrivals_per_s).collect()
    }

    fn least_loaded(&self, law: &[f64], tails: &[f64]) -> Vec<f64> {
        let policy = &self.policy;
        let to = |load: usize| {
            let stays = if policy.probes_at(load) { policy.all_have(tails[load]) } else { 1.0 };
            let more_loaded = tails[(load + 1).max(policy.threshold as usize).min(law.len())];
            stays + more_loaded * policy.least_of(law[load], tails[load])
        };
        (0..law.len()).map(to).collect()
    }

    fn random_among_not_more_loaded(&self, law: &[f64], tails: &[f64]) -> Vec<f64> {
        let policy = &self.policy;
        let mut at_most = law.to_vec();
        for load in 1..law.len() {
            at_most[load] += at_most[load - 1];
        }
        let mut shares = vec![1.0; law.len()];
        let mut from_more_loaded = 0.0;
        for load in (0..law.len()).rev() {
            if policy.probes_at(load) && policy.fan_out > 0 {
                let nobody = policy.all_have(tails[load + 1]);
                // Finds nobody, or draws an equal, which is the same for a node of this load.
                shares[load] = nobody + (1.0 - nobody) * ratio(law[load], at_most[load]);
            }
            shares[load] += from_more_loaded;
            if policy.probes_at(load) {
                from_more_loaded += law[load] * policy.per_share(at_most[load]);
            }
        }
        shares
    }

    /// Share of the flow between neighbouring loads that is out of balance.
    fn residual(&self, law: &[f64]) -> f64 {
        let births = self.births(law);
        let (mut wrong, mut all) = (0.0, 0.0);
        for load in 1..law.len() {
            let (up, down) =
                (births[load - 1] * law[load - 1], self.station.rate_per_s(load as u32) * law[load]);
            wrong += (up - down).abs();
            all += up + down;
        }
        wrong / all
    }
}

/// A part of a whole, which may be too small to be seen.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 1.0 }
}

#[cfg(test)]
mod tests;
