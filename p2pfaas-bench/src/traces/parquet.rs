//! Our own jobs file.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row as FileRow};
use parquet::schema::types::Type;

use super::TraceError;
use super::choices::{Cell, Choices, Names, Row};
use crate::damaged::survived;
use crate::job::Phase;

const NAMES: Names = Names {
    eid: "learning_eid",
    state: "state",
    action: "action",
    reward: "reward",
    epsilon: "epsilon",
    probability: "learning_probability",
};

/// Columns that have to be there.
const NEEDED: [&str; 7] = ["policy", "seed", "node", "job", "state", "action", "reward"];
/// Columns that are read if they are there.
const WELCOME: [&str; 5] = ["epsilon", "learning_eid", "learning_probability", "in_time", "phase"];
/// As they follow each other in a run.
const PHASES: [Phase; 4] = [Phase::Training, Phase::Warmup, Phase::Measured, Phase::Cooldown];

pub(super) fn read(path: &Path, choices: &mut Choices<'_>) -> Result<(), TraceError> {
    let damaged = |error: ParquetError| TraceError::Format {
        path: path.into(),
        format: "a Parquet file",
        what: error.to_string(),
    };
    let file = File::open(path).map_err(|source| TraceError::Io { path: path.into(), source })?;
    let reader = survived(|| SerializedFileReader::new(file)).map_err(damaged)?;
    let columns = columns(path, reader.metadata().file_metadata().schema())?;
    let (mut order, mut in_time) = (Vec::new(), Vec::new());
    let mut unnumbered = HashSet::new();
    let mut rows = survived(|| reader.get_row_iter(Some(columns))).map_err(damaged)?;
    let mut number = 0;
    while let Some(row) = survived(|| rows.next().transpose()).map_err(damaged)? {
        number += 1;
        let has_number = !matches!(cell(&row, "learning_eid"), Cell::Null);
        if choices.push(read_row(number, &row, has_number), &NAMES)? {
            if !has_number {
                unnumbered.extend(choices.of_file().last().map(|choice| choice.stream.clone()));
            }
            order.push(Order::of(&row));
            in_time.push(field(&row, "in_time") == Some(&Field::Bool(true)));
        }
    }
    if !unnumbered.is_empty() {
        choices.renumber_by_jobs(&unnumbered, &order);
    }
    reward_from_in_time(choices, &in_time);
    note_unknown_probabilities(choices);
    Ok(())
}

fn note_unknown_probabilities(choices: &mut Choices<'_>) {
    let unknown = choices.of_file().iter().filter(|choice| choice.probability.is_none()).count();
    if unknown > 0 {
        choices.note(&format!(
            "{unknown} choices have no probability, and it is not known how their agent explored; how often \
             actions were taken in a state counts"
        ));
    }
}

impl Choices<'_> {
    fn renumber_by_jobs(&mut self, streams: &HashSet<Arc<str>>, order: &[Order]) {
        self.renumber(streams, order);
        self.note(&format!(
            "in {} streams there are choices without a number, so the order of their jobs is taken, without gaps",
            streams.len()
        ));
    }
}

/// The place of a job in its run: each phase numbers its own.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    phase: usize,
    job: Option<i64>,
}

impl Order {
    fn of(row: &FileRow) -> Order {
        let phase = match cell(row, "phase") {
            Cell::Text(name) => PHASES.iter().position(|phase| phase.name() == name),
            _ => None,
        };
        let job = match cell(row, "job") {
            Cell::Integer(job) => Some(job),
            _ => None,
        };
        Order { phase: phase.unwrap_or(PHASES.len()), job }
    }
}

/// Old nodes send no reward: where no choice has one, it is 1 in time and else 0, as their client has it.
fn reward_from_in_time(choices: &mut Choices<'_>, in_time: &[bool]) {
    let file = choices.of_file();
    if in_time.is_empty() || file.iter().any(|choice| choice.entry.reward.is_some()) {
        return;
    }
    for (choice, in_time) in file.iter_mut().zip(in_time) {
        choice.entry.reward = Some(f64::from(*in_time));
    }
    choices.note("no node told a reward; it is taken to be 1 for a job in time, else 0");
}

fn read_row(number: u64, row: &FileRow, has_number: bool) -> Row {
    let text = |name| match cell(row, name) {
        Cell::Text(text) => text,
        Cell::Integer(number) => number.to_string(),
        _ => "?".into(),
    };
    Row {
        number,
        node: text("node"),
        stream: format!("{}/{}/{}", text("policy"), text("seed"), text("node")),
        eid: cell(row, if has_number { "learning_eid" } else { "job" }),
        state: cell(row, "state"),
        action: cell(row, "action"),
        reward: cell(row, "reward"),
        epsilon: cell(row, "epsilon"),
        // Our own agents tell probabilities; how a learner beside the node explores is not known.
        epsilon_greedy: false,
        probability: cell(row, "learning_probability"),
    }
}

fn field<'a>(row: &'a FileRow, name: &str) -> Option<&'a Field> {
    row.get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field)
}

fn cell(row: &FileRow, name: &str) -> Cell {
    match field(row, name) {
        None | Some(Field::Null) => Cell::Null,
        Some(Field::Str(text)) => Cell::Text(text.clone()),
        Some(Field::Int(number)) => Cell::Integer(i64::from(*number)),
        Some(Field::Long(number)) => Cell::Integer(*number),
        Some(Field::Float(number)) => Cell::Number(f64::from(*number)),
        Some(Field::Double(number)) => Cell::Number(*number),
        Some(_) => Cell::Other("a value of another type"),
    }
}

/// The schema of the columns that are read.
fn columns(path: &Path, schema: &Type) -> Result<Type, TraceError> {
    let names = || schema.get_fields().iter().map(|field| field.name());
    if let Some(missing) = NEEDED.into_iter().find(|needed| !names().any(|name| name == *needed)) {
        let found = names().collect::<Vec<_>>().join(", ");
        return Err(TraceError::Column { path: path.into(), missing, found });
    }
    let wanted = |field: &&Arc<Type>| NEEDED.contains(&field.name()) || WELCOME.contains(&field.name());
    let fields = schema.get_fields().iter().filter(wanted).cloned().collect();
    Type::group_type_builder(schema.name()).with_fields(fields).build().map_err(|error| TraceError::Format {
        path: path.into(),
        format: "a jobs file",
        what: error.to_string(),
    })
}
