//! Choices as they are collected, whatever the format.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2pfaas_learner::offline::Recorded;
use p2pfaas_learner::{Entry, MAX_ACTIONS, Mask, State};

use super::{MAX_ROWS, TraceError};

/// Numbers of a state at most.
const MAX_STATE: usize = 4_096;

/// A value as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Number(f64),
    Text(String),
    /// What none of the columns may be.
    Other(&'static str),
}

/// The columns of a format, by the names that errors tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub eid: &'static str,
    pub state: &'static str,
    pub action: &'static str,
    pub reward: &'static str,
    pub epsilon: &'static str,
    pub probability: &'static str,
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    /// From 1.
    pub number: u64,
    pub stream: String,
    /// Whose choice it was.
    pub node: String,
    pub eid: Cell,
    pub state: Cell,
    pub action: Cell,
    pub reward: Cell,
    pub epsilon: Cell,
    /// Whether the format is one of agents that know nothing else.
    pub epsilon_greedy: bool,
    pub probability: Cell,
}

/// What has been read.
#[derive(Debug)]
pub(super) struct Choices<'a> {
    only: Option<&'a str>,
    path: PathBuf,
    prefix: String,
    /// Where the entries of this file begin.
    begin: usize,
    names: HashMap<String, Arc<str>>,
    nodes: HashSet<String>,
    recorded: Vec<Recorded>,
    skipped: u64,
    rounded: u64,
    notes: Vec<String>,
}

impl<'a> Choices<'a> {
    pub fn new(only: Option<&'a str>) -> Self {
        Choices {
            only,
            path: PathBuf::new(),
            prefix: String::new(),
            begin: 0,
            names: HashMap::new(),
            nodes: HashSet::new(),
            recorded: Vec::new(),
            skipped: 0,
            rounded: 0,
            notes: Vec::new(),
        }
    }

    /// Begins a file, which is `named` in its streams' names.
    pub fn begin(&mut self, path: &Path, named: bool) {
        self.path = path.into();
        self.prefix = if named { format!("{}: ", path.display()) } else { String::new() };
        self.begin = self.recorded.len();
    }

    /// Takes a row in. Returns whether it was a choice that is wanted.
    pub fn push(&mut self, row: Row, names: &Names) -> Result<bool, TraceError> {
        let at = |column: &'static str| At { path: &self.path, row: row.number, column };
        let state = match &row.state {
            Cell::Null => None,
            Cell::Text(text) if text.trim().is_empty() => None,
            Cell::Text(text) => Some(at(names.state).state(text)?),
            Cell::Integer(number) => Some(State::from_slice(&[*number as f64])),
            Cell::Number(number) => Some(State::from_slice(&[at(names.state).finite(*number)?])),
            Cell::Other(found) => return Err(at(names.state).error(format!("a state cannot be {found}"))),
        };
        let action = at(names.action).number(&row.action)?;
        let (Some(state), Some(action)) = (state, action) else {
            self.skipped += 1;
            return Ok(false);
        };
        if action.fract() != 0.0 || !(0.0..MAX_ACTIONS as f64).contains(&action) {
            let what = format!("an action is a whole number from 0 to {}; found {action}", MAX_ACTIONS - 1);
            return Err(at(names.action).error(what));
        }
        let eid = at(names.eid).eid(&row.eid)?;
        let reward = at(names.reward).number(&row.reward)?;
        let epsilon = at(names.epsilon).number(&row.epsilon)?;
        if let Some(epsilon) = epsilon.filter(|epsilon| *epsilon < 0.0) {
            return Err(at(names.epsilon).error(format!("epsilon cannot be below 0; found {epsilon}")));
        }
        let mut probability = at(names.probability).number(&row.probability)?;
        if let Some(beyond) = probability.filter(|probability| !(0.0..=1.0).contains(probability)) {
            return Err(at(names.probability).error(format!("a probability is in (0, 1]; found {beyond}")));
        }
        // Six decimals on the wire: 0 is a very small one.
        if probability == Some(0.0) {
            (probability, self.rounded) = (None, self.rounded + 1);
        }
        let stream = format!("{}{}", self.prefix, row.stream);
        if self.only.is_some_and(|only| !has_whole(&stream, only)) {
            return Ok(false);
        }
        if self.recorded.len() == MAX_ROWS {
            return Err(TraceError::TooMany);
        }
        if !self.nodes.contains(&row.node) {
            self.nodes.insert(row.node);
        }
        let stream = match self.names.get(&stream) {
            Some(name) => name.clone(),
            None => {
                let name: Arc<str> = stream.as_str().into();
                self.names.insert(stream, name.clone());
                name
            }
        };
        let entry = Entry {
            eid,
            state,
            mask: Mask::new(),
            action: action as u32,
            epsilon: epsilon.unwrap_or(0.0),
            reward,
            terminal: false,
        };
        let epsilon_greedy = row.epsilon_greedy;
        self.recorded.push(Recorded { stream, entry, epsilon, epsilon_greedy, probability });
        Ok(true)
    }

    /// The choices of the file that was begun last.
    pub fn of_file(&mut self) -> &mut [Recorded] {
        &mut self.recorded[self.begin..]
    }

    /// Numbers the choices of some of this file's streams anew, without gaps, in the order of these keys, of
    /// which there is one a choice.
    pub fn renumber<K: Ord>(&mut self, streams: &HashSet<Arc<str>>, keys: &[K]) {
        let of_streams = self.of_file().iter_mut().zip(keys);
        let mut order: Vec<_> = of_streams.filter(|(choice, _)| streams.contains(&choice.stream)).collect();
        order.sort_by(|(one, key), (other, next)| (&one.stream, *key).cmp(&(&other.stream, *next)));
        for stream in order.chunk_by_mut(|(one, _), (other, _)| one.stream == other.stream) {
            for (eid, (choice, _)) in (0..).zip(stream) {
                choice.entry.eid = eid;
            }
        }
    }

    /// Nodes whose choices have been read.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Something that one should know of this file.
    pub fn note(&mut self, note: &str) {
        self.notes.push(format!("{}: {note}", self.path.display()));
    }

    /// Choices, rows without one, and notes.
    pub fn into_parts(mut self) -> (Vec<Recorded>, u64, Vec<String>) {
        if self.rounded > 0 {
            self.notes
                .push(format!("{} probabilities that were rounded to 0 count as unknown", self.rounded));
        }
        (self.recorded, self.skipped, self.notes)
    }
}

/// Whether a stream's name has this text in it, and not a part of a larger number: node 1 is not node 10.
fn has_whole(stream: &str, only: &str) -> bool {
    let digit = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_digit());
    let cut = |end: usize| digit(only.chars().last()) && digit(stream[end..].chars().next());
    stream.match_indices(only).any(|(begin, _)| !cut(begin + only.len()))
}

/// A place in a file.
struct At<'a> {
    path: &'a Path,
    row: u64,
    column: &'static str,
}

impl At<'_> {
    fn error(&self, what: String) -> TraceError {
        TraceError::Cell { path: self.path.into(), row: self.row, column: self.column, what }
    }

    fn finite(&self, number: f64) -> Result<f64, TraceError> {
        if number.is_finite() {
            Ok(number)
        } else {
            Err(self.error(format!("{number} is not a finite number")))
        }
    }

    fn number(&self, cell: &Cell) -> Result<Option<f64>, TraceError> {
        match cell {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(*number as f64)),
            Cell::Number(number) => self.finite(*number).map(Some),
            Cell::Text(text) if text.trim().is_empty() => Ok(None),
            Cell::Text(text) => match text.trim().parse::<f64>() {
                Ok(number) => self.finite(number).map(Some),
                Err(_) => Err(self.error(format!("expected a number; found {text:?}"))),
            },
            Cell::Other(found) => Err(self.error(format!("expected a number; found {found}"))),
        }
    }

    fn eid(&self, cell: &Cell) -> Result<u64, TraceError> {
        let eid = match cell {
            Cell::Integer(number) => u64::try_from(*number).ok(),
            Cell::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        eid.ok_or_else(|| self.error(format!("expected a whole number from 0; found {}", cell.shown())))
    }

    fn state(&self, text: &str) -> Result<State, TraceError> {
        let mut state = State::new();
        let parts = text.split([',', ';', ' ']).map(str::trim).filter(|part| !part.is_empty());
        for part in parts.take(MAX_STATE + 1) {
            let number = part.parse::<f64>();
            let number = number.map_err(|_| self.error(format!("expected numbers; found {part:?}")))?;
            state.push(self.finite(number)?);
        }
        match state.len() {
            0 => Err(self.error(format!("expected numbers; found {text:?}"))),
            1..=MAX_STATE => Ok(state),
            _ => Err(self.error(format!("a state has at most {MAX_STATE} numbers"))),
        }
    }
}

impl Cell {
    fn shown(&self) -> String {
        match self {
            Cell::Null => "nothing".into(),
            Cell::Integer(number) => number.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => format!("{text:?}"),
            Cell::Other(found) => (*found).into(),
        }
    }
}
