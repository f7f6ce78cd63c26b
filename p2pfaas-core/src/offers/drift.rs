//! What a job finds that comes because of an offer: not always the load that the offer was made at.
//!
//! On the way of answer and job others come, sent by the same good offer, and what a node told may have been old when it told
//! it. A node learns this as it learns how long jobs take: by looking.

/// Loads that are told apart; a higher one counts as the last.
const LOADS: usize = 32;
/// Arrivals that the belief in what was told counts as.
const PRIOR: f32 = 4.0;
/// The newest arrival counts as one of so many.
const ARRIVALS_OF: f32 = 128.0;

/// Found loads by told load.
#[derive(Debug, Clone, Default)]
pub(super) struct Drift {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    arrivals: f32,
    shares: [f32; LOADS],
}

impl Drift {
    /// A job has come for an offer that was made at a load, and finds another.
    pub(super) fn came(&mut self, told: u32, found: u32) {
        let (told, found) = (place(told), place(found));
        while self.rows.len() <= told {
            let mut shares = [0.0; LOADS];
            shares[self.rows.len()] = 1.0;
            self.rows.push(Row { arrivals: 0.0, shares });
        }
        let row = &mut self.rows[told];
        row.arrivals += 1.0;
        let weight = 1.0 / (PRIOR + row.arrivals).min(ARRIVALS_OF);
        row.shares.iter_mut().for_each(|share| *share *= 1.0 - weight);
        row.shares[found] += weight;
    }

    /// Loads that a job may find which comes for an offer at this load, with their probabilities.
    pub(super) fn found(&self, told: u32) -> impl Iterator<Item = (u32, f32)> + '_ {
        let row = self.rows.get(place(told));
        let known = row.into_iter().flat_map(|row| (0..).zip(row.shares));
        let unknown = row.is_none().then_some((told, 1.0));
        known.chain(unknown).filter(|(_, share)| *share > 0.002)
    }
}

fn place(load: u32) -> usize {
    (load as usize).min(LOADS - 1)
}
