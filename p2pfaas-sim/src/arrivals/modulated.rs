//! Poisson arrivals whose rate changes with time in straight lines. Each gap is one exponential draw,
//! laid off against the area under the rate: exact, and nothing is drawn in vain.

use rand::RngExt;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::TraceError;
use super::flash_crowd::FlashRates;
use super::mmpp::MmppRates;
use super::profile::ProfileRates;
use super::stages::StageRates;

/// A time over which a factor of the rate is a straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    pub begins_s: f64,
    /// There the next one begins.
    pub ends_s: f64,
    /// The factor at its beginning, 0 or more.
    pub factor: f64,
    /// By how much it changes each second.
    pub slope: f64,
}

/// Where the segments come from; each follows the one before.
#[derive(Debug)]
pub(super) enum Rates {
    Mmpp(MmppRates),
    Flash(FlashRates),
    Profile(ProfileRates),
    Stages(StageRates),
}

impl Rates {
    fn next(&mut self) -> Result<Segment, TraceError> {
        match self {
            Rates::Mmpp(rates) => Ok(rates.next()),
            Rates::Flash(rates) => Ok(rates.next()),
            Rates::Profile(rates) => rates.next(),
            Rates::Stages(rates) => Ok(rates.next()),
        }
    }
}

/// The arrivals at one node.
#[derive(Debug)]
pub(super) struct Modulated {
    rate: f64,
    gaps: Xoshiro256PlusPlus,
    rates: Rates,
    segment: Segment,
    ends_s: f64,
}

impl Modulated {
    /// `rates` begin with the segment in which the traffic begins; nothing comes from `ends_s` on.
    pub fn new(
        rate: f64,
        gaps: Xoshiro256PlusPlus,
        mut rates: Rates,
        ends_s: f64,
    ) -> Result<Self, TraceError> {
        let segment = rates.next()?;
        Ok(Modulated { rate, gaps, rates, segment, ends_s })
    }

    /// The arrival after an instant.
    pub fn after(&mut self, mut at_s: f64) -> Result<f64, TraceError> {
        let mut needed: f64 = self.gaps.sample(Exp1);
        if self.rate == 0.0 {
            return Ok(f64::INFINITY);
        }
        loop {
            let Segment { begins_s, ends_s, factor, slope } = self.segment;
            let ends_s = ends_s.min(self.ends_s);
            let left_s = ends_s - at_s;
            let factor = (factor + slope * (at_s - begins_s)).max(0.0);
            let (rate, slope) = (self.rate * factor, self.rate * slope);
            let area = left_s * (rate + 0.5 * slope * left_s);
            if needed < area {
                let gap_s = if slope == 0.0 {
                    needed / rate
                } else {
                    2.0 * needed / (rate + (rate * rate + 2.0 * slope * needed).max(0.0).sqrt())
                };
                return Ok((at_s + gap_s).min(ends_s));
            }
            if ends_s >= self.ends_s {
                return Ok(f64::INFINITY);
            }
            needed -= area.max(0.0);
            at_s = ends_s;
            self.segment = self.rates.next()?;
        }
    }
}
