//! A node's device: what the jobs that it runs take, and the jobs that it knows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use p2pfaas_core::{JobKey, Time};

use super::here::{Here, Life};
use super::prefetch::fetch;
use crate::scenario::{Discipline, InstanceSpec, NodeSpec};

/// Where a job ran.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ran {
    pub node: u32,
    pub queue: Option<Duration>,
    pub execution: Option<Duration>,
}

/// What is beside a node's state machine.
#[derive(Debug)]
pub(super) struct Device {
    /// By the index of the job's key.
    jobs: Vec<Option<Here>>,
    /// The job that the node refuses at the door, under a key without a place.
    refused: Option<Box<Here>>,
    speed: f64,
    sharing: Option<Box<Sharing>>,
    instances: Option<Box<Instances>>,
    functions: Option<Box<[bool]>>,
    /// When the node wants to be woken: an earlier moment has replaced a later one.
    pub wakes: Option<Time>,
    pub life: Life,
    /// Whether the node takes jobs.
    pub up: bool,
    /// Whether it has said goodbye, and finishes what it has.
    pub leaving: bool,
}

impl Device {
    pub fn new(spec: &NodeSpec, functions: usize) -> Self {
        let offered = spec
            .functions
            .as_ref()
            .map(|offered| (0..functions).map(|function| offered.contains(&(function as u32))).collect());
        Device {
            jobs: Vec::new(),
            refused: None,
            speed: spec.speed,
            sharing: (spec.discipline == Discipline::ProcessorSharing).then(Box::default),
            instances: spec.instances.map(|spec| Box::new(Instances::new(spec, functions))),
            functions: offered,
            wakes: None,
            life: Life::FIRST,
            up: spec.joins_s.is_none(),
            leaving: false,
        }
    }

    /// The node is gone with all that it had. Returns the jobs that it knew.
    pub fn fail(&mut self) -> impl Iterator<Item = Here> + use<> {
        self.life = self.life.next();
        self.up = false;
        self.wakes = None;
        if let Some(sharing) = &mut self.sharing {
            sharing.clear();
        }
        if let Some(instances) = &mut self.instances {
            instances.clear();
        }
        std::mem::take(&mut self.jobs).into_iter().flatten()
    }

    pub fn offers(&self, function: u32) -> bool {
        self.functions.as_ref().is_none_or(|offered| offered.get(function as usize) == Some(&true))
    }

    /// A job is about to arrive under this key.
    #[inline]
    pub fn put(&mut self, here: Here) {
        let index = here.key.index();
        if index >= self.jobs.len() {
            return self.put_beyond(here);
        }
        self.jobs[index] = Some(here);
    }

    #[cold]
    fn put_beyond(&mut self, here: Here) {
        if here.key.has_place() {
            self.jobs.resize(here.key.index(), None);
            self.jobs.push(Some(here));
        } else {
            self.refused = Some(Box::new(here));
        }
    }

    #[inline]
    pub fn prefetch(&self) {
        fetch(&self.jobs);
        fetch(&self.up);
    }

    #[inline]
    pub fn prefetch_job(&self, key: JobKey) {
        if let Some(Some(here)) = self.jobs.get(key.index()) {
            fetch(here);
        }
    }

    #[inline]
    pub fn get_mut(&mut self, key: JobKey) -> Option<&mut Here> {
        self.jobs.get_mut(key.index())?.as_mut().filter(|here| here.key == key)
    }

    #[inline]
    pub fn take(&mut self, key: JobKey) -> Option<Here> {
        match self.jobs.get_mut(key.index()) {
            Some(place) => place.take_if(|here| here.key == key),
            None => self.refused.take_if(|here| here.key == key).map(|here| *here),
        }
    }

    /// Jobs that have not been answered.
    pub fn known(&self) -> impl Iterator<Item = &Here> {
        self.jobs.iter().flatten()
    }

    /// A job begins to run. `Some`: how long it takes. `None`: that depends on others, ask
    /// [`next_shared`](Self::next_shared).
    pub fn start(&mut self, now: Time, key: JobKey, demand_s: f64, function: u32) -> Option<Duration> {
        let mut seconds = demand_s / self.speed;
        if let Some(instances) = &mut self.instances
            && instances.start(now, function)
        {
            seconds += instances.spec.cold_start_s;
        }
        match &mut self.sharing {
            None => Some(Duration::from_nanos((seconds * 1e9) as u64)),
            Some(sharing) => {
                sharing.join(now, key, seconds);
                None
            }
        }
    }

    /// A job has run.
    pub fn end(&mut self, now: Time, function: u32) {
        if let Some(instances) = &mut self.instances {
            instances.end(now, function);
        }
    }

    /// A job that runs is given up.
    pub fn abandon(&mut self, now: Time, key: JobKey, function: u32) {
        if let Some(sharing) = &mut self.sharing {
            sharing.leave(now, key);
        }
        self.end(now, function);
    }

    /// When the next of the jobs that share the processor is done, and the number of this forecast: it holds
    /// until a job joins or leaves.
    pub fn next_shared(&self) -> Option<(Time, u32)> {
        self.sharing.as_ref()?.next()
    }

    /// The jobs that are done now, one a call.
    pub fn pop_shared(&mut self, now: Time, forecast: u32) -> Option<JobKey> {
        let sharing = self.sharing.as_mut()?;
        (sharing.forecast == forecast).then(|| sharing.pop(now))
    }
}

/// Processor sharing in virtual service: every job that runs has had the same since it joined, so that each
/// is done when what all of them get reaches its own mark.
#[derive(Debug, Default)]
struct Sharing {
    /// Seconds of service that a job has had that was there from the beginning.
    served_s: f64,
    since: Time,
    /// Marks at which jobs are done, in the order of their bits (they are positive), then of their arrival.
    marks: BinaryHeap<Reverse<(u64, u64, JobKey)>>,
    joined: u64,
    forecast: u32,
}

impl Sharing {
    fn advance(&mut self, now: Time) {
        let jobs = self.marks.len();
        if jobs == 0 {
            // The marks stay small, and so exact.
            self.served_s = 0.0;
        } else {
            self.served_s += now.since(self.since).as_secs_f64() / jobs as f64;
        }
        self.since = now;
        self.forecast = self.forecast.wrapping_add(1);
    }

    fn clear(&mut self) {
        self.marks.clear();
        self.forecast = self.forecast.wrapping_add(1);
    }

    fn join(&mut self, now: Time, key: JobKey, seconds: f64) {
        self.advance(now);
        let mark_s = self.served_s + seconds;
        self.marks.push(Reverse((mark_s.to_bits(), self.joined, key)));
        self.joined += 1;
    }

    fn leave(&mut self, now: Time, key: JobKey) {
        self.advance(now);
        self.marks.retain(|Reverse((_, _, other))| *other != key);
    }

    fn next(&self) -> Option<(Time, u32)> {
        let Reverse((mark, ..)) = self.marks.peek()?;
        let left_s = (f64::from_bits(*mark) - self.served_s).max(0.0) * self.marks.len() as f64;
        Some((self.since + Duration::from_nanos((left_s * 1e9).ceil() as u64), self.forecast))
    }

    /// The job whose time has come. The clock's nanosecond may leave a rest, which is let go.
    fn pop(&mut self, now: Time) -> JobKey {
        self.advance(now);
        match self.marks.pop() {
            Some(Reverse((mark, _, key))) => {
                self.served_s = self.served_s.max(f64::from_bits(mark));
                key
            }
            None => JobKey::NOBODY,
        }
    }
}

/// Idle instances of each function, longest idle first.
#[derive(Debug)]
struct Instances {
    spec: InstanceSpec,
    idle: Vec<VecDeque<Time>>,
    busy: u32,
}

impl Instances {
    fn new(spec: InstanceSpec, functions: usize) -> Self {
        Instances { spec, idle: vec![VecDeque::new(); functions], busy: 0 }
    }

    fn clear(&mut self) {
        self.idle.iter_mut().for_each(VecDeque::clear);
        self.busy = 0;
    }

    /// A job of this function begins; says whether an instance had to be started for it.
    fn start(&mut self, now: Time, function: u32) -> bool {
        let kept = Duration::try_from_secs_f64(self.spec.idle_timeout_s).unwrap_or(Duration::MAX);
        for idle in &mut self.idle {
            while idle.front().is_some_and(|since| now.since(*since) >= kept) {
                idle.pop_front();
            }
        }
        self.busy += 1;
        if self.idle[function as usize].pop_back().is_some() {
            return false;
        }
        self.make_room();
        true
    }

    /// Those that have been idle longest go first; busy ones stay.
    fn make_room(&mut self) {
        let idle: usize = self.idle.iter().map(VecDeque::len).sum();
        let room = (self.spec.max_instances as usize).saturating_sub(self.busy as usize);
        for _ in room..idle {
            let longest = self.idle.iter_mut().filter(|idle| !idle.is_empty()).min_by_key(|idle| idle[0]);
            longest.and_then(VecDeque::pop_front);
        }
    }

    fn end(&mut self, now: Time, function: u32) {
        self.busy = self.busy.saturating_sub(1);
        self.idle[function as usize].push_back(now);
        self.make_room();
    }
}
