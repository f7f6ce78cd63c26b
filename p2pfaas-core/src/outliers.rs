//! Peers at which one function fails, while it works elsewhere: for a while that function's jobs do not go there.
//!
//! A peer's suspicion is about the peer, this is about a function at a peer. Nothing is held as long as nothing fails:
//! a function is looked at from its first failure at a peer on, until its failures are forgotten again.

use std::time::Duration;

use crate::Time;
use crate::defaults::{MAX_EJECTION, MAX_OUTLIERS};
use crate::job::FunctionId;
use crate::peers::PeerId;

/// Failures of a function at a peer before it is judged at all.
const MIN_FAILURES: u32 = 5;
/// At least this share of its calls has failed there…
const MIN_SHARE: f64 = 0.5;
/// …this much more than elsewhere…
const WORSE_BY: f64 = 0.3;
/// …and so many standard deviations more than would have failed by chance, were it as elsewhere.
const DEVIATIONS: f64 = 4.0;
/// Calls of a function, for each node that may have them, after which what was counted before counts half.
const WINDOW: u32 = 32;
/// Ejections in a row that make one longer.
const MAX_DOUBLINGS: u8 = 16;

/// Calls, and how many of them failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    calls: u32,
    failures: u32,
}

impl Tally {
    fn add(&mut self, failed: bool) {
        self.calls += 1;
        self.failures += u32::from(failed);
    }

    fn less(self, other: Tally) -> Tally {
        Tally {
            calls: self.calls.saturating_sub(other.calls),
            failures: self.failures.saturating_sub(other.failures),
        }
    }

    fn halve(&mut self) {
        (self.calls, self.failures) = (self.calls / 2, self.failures / 2);
    }

    fn share(self) -> f64 {
        f64::from(self.failures) / f64::from(self.calls.max(1))
    }

    /// The same where little may be known: nothing known is a half (Laplace's rule of succession).
    fn guess(self) -> f64 {
        f64::from(self.failures + 1) / f64::from(self.calls + 2)
    }
}

/// A function at a peer.
#[derive(Debug, Clone, Copy)]
struct Record {
    peer: PeerId,
    tally: Tally,
    /// Its jobs do not go there until then.
    until: Time,
    /// Ejections in a row.
    times: u8,
}

/// A function that has failed at a peer.
#[derive(Debug, Clone)]
struct Watched {
    function: FunctionId,
    /// Here and at all peers but those that are ejected.
    total: Tally,
    /// In the order of the peers.
    records: Vec<Record>,
}

/// Who is asked about when a call has been answered.
pub(crate) struct Judge<P> {
    pub now: Time,
    /// A first ejection lasts this long; zero: there are none.
    pub at_first: Duration,
    /// Peers that are there.
    pub present: usize,
    /// Whether this one is.
    pub is_present: P,
}

/// At most half of the nodes that there are, this one among them, may be out at once for a function.
fn most(present: usize) -> usize {
    present.div_ceil(2)
}

/// Functions at peers, in the order of the functions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outliers(Vec<Watched>);

impl Outliers {
    /// Functions that are looked at.
    pub(crate) fn functions(&self) -> u32 {
        self.0.len() as u32
    }

    /// Functions at peers that are remembered; at most [`MAX_OUTLIERS`].
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|watched| watched.records.len()).sum()
    }

    fn of(&self, function: FunctionId) -> Option<&Watched> {
        let place = self.0.binary_search_by_key(&function.0, |watched| watched.function.0).ok()?;
        Some(&self.0[place])
    }

    /// Whether a function's jobs do not go to a peer.
    pub(crate) fn is_out(&self, function: FunctionId, peer: PeerId, now: Time) -> bool {
        self.of(function).is_some_and(|watched| {
            let place = watched.records.binary_search_by_key(&peer, |record| record.peer);
            place.is_ok_and(|place| watched.records[place].until > now)
        })
    }

    /// A function has run, here or at a peer. Whether the peer is ejected by that.
    pub(crate) fn ran<P: Fn(PeerId) -> bool>(
        &mut self,
        function: FunctionId,
        at: Option<PeerId>,
        failed: bool,
        judge: &Judge<P>,
    ) -> bool {
        if judge.at_first.is_zero() {
            return false;
        }
        let full = self.len() >= MAX_OUTLIERS;
        let place = match self.0.binary_search_by_key(&function.0, |watched| watched.function.0) {
            Ok(place) => place,
            Err(place) if failed && at.is_some() && !full => {
                let records = Vec::new();
                self.0.insert(place, Watched { function, total: Tally::default(), records });
                place
            }
            Err(_) => return false,
        };
        let ejected = self.0[place].ran(at, failed, full, judge);
        if self.0[place].is_over(judge.now) {
            self.0.remove(place);
        }
        ejected
    }

    /// Other peers are there now: so many must not be out that more than half of them are.
    pub(crate) fn choose_among<P: Fn(PeerId) -> bool>(&mut self, judge: &Judge<P>) {
        for watched in &mut self.0 {
            while watched.out(judge).count() > most(judge.present) {
                // Who would come back first.
                let first = watched.out(judge).min_by_key(|record| record.until).map(|record| record.peer);
                let first = watched.records.iter_mut().find(|record| Some(record.peer) == first);
                let Some(first) = first else { break };
                first.until = Time::ZERO;
            }
        }
    }

    /// Nothing is known of this peer any more: its number is another one's.
    pub(crate) fn forget(&mut self, peer: PeerId) {
        for watched in &mut self.0 {
            if let Ok(place) = watched.records.binary_search_by_key(&peer, |record| record.peer) {
                let record = watched.records.remove(place);
                watched.total = watched.total.less(record.tally);
            }
        }
        self.0.retain(|watched| !watched.is_over(Time::ZERO));
    }
}

impl Watched {
    fn out<'a, P: Fn(PeerId) -> bool>(
        &'a self,
        judge: &'a Judge<P>,
    ) -> impl Iterator<Item = &'a Record> + 'a {
        self.records.iter().filter(|record| record.until > judge.now && (judge.is_present)(record.peer))
    }

    fn ran<P: Fn(PeerId) -> bool>(
        &mut self,
        at: Option<PeerId>,
        failed: bool,
        full: bool,
        judge: &Judge<P>,
    ) -> bool {
        let place = at.map(|peer| (peer, self.records.binary_search_by_key(&peer, |record| record.peer)));
        let place = match place {
            // It was sent before the peer was ejected, and says nothing new.
            Some((_, Ok(place))) if self.records[place].until > judge.now => return false,
            Some((_, Ok(place))) => Some(place),
            Some((peer, Err(place))) if !full => {
                let record = Record { peer, tally: Tally::default(), until: Time::ZERO, times: 0 };
                self.records.insert(place, record);
                Some(place)
            }
            _ => None,
        };
        self.total.add(failed);
        let mut ejected = false;
        if let Some(place) = place {
            self.records[place].tally.add(failed);
            ejected = failed && self.judge(place, judge);
        }
        if self.total.calls >= WINDOW.saturating_mul(1 + judge.present as u32) {
            self.age(judge.now);
        }
        ejected
    }

    /// Ejects a peer if it is that much worse than the others, and not too many are out.
    fn judge<P: Fn(PeerId) -> bool>(&mut self, place: usize, judge: &Judge<P>) -> bool {
        let Record { tally, .. } = self.records[place];
        let elsewhere = self.total.less(tally).guess();
        let calls = f64::from(tally.calls);
        let chance = calls * elsewhere + DEVIATIONS * (calls * elsewhere * (1.0 - elsewhere)).sqrt();
        let worse = tally.failures >= MIN_FAILURES
            && tally.share() >= MIN_SHARE.max(elsewhere + WORSE_BY)
            && f64::from(tally.failures) >= chance;
        if !worse || self.out(judge).count() >= most(judge.present) {
            return false;
        }
        self.total = self.total.less(tally);
        let record = &mut self.records[place];
        let span = judge.at_first.saturating_mul(1 << record.times).min(MAX_EJECTION.max(judge.at_first));
        record.until = judge.now + span;
        record.times = (record.times + 1).min(MAX_DOUBLINGS);
        record.tally = Tally::default();
        true
    }

    /// What was counted counts half.
    fn age(&mut self, now: Time) {
        self.total.halve();
        for record in &mut self.records {
            record.tally.halve();
        }
        self.records.retain(|record| record.tally.calls > 0 || record.was_out_lately(now));
    }

    /// No failure is remembered, and nobody is out or was lately.
    fn is_over(&self, now: Time) -> bool {
        self.total.failures == 0 && !self.records.iter().any(|record| record.was_out_lately(now))
    }
}

impl Record {
    fn was_out_lately(&self, now: Time) -> bool {
        self.times > 0 && self.until + MAX_EJECTION > now
    }
}

#[cfg(test)]
mod tests;
