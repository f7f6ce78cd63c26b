//! The database that the reference client leaves behind.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::TraceError;
use super::choices::{Cell, Choices, Names, Row};

const NAMES: Names = Names {
    eid: "req_id",
    state: "learning_state",
    action: "learning_action",
    reward: "learning_reward",
    epsilon: "learning_eps",
    // There is none.
    probability: "",
};

const NEEDED: [&str; 6] =
    ["node_id", "req_id", "learning_state", "learning_action", "learning_eps", "learning_reward"];

pub(super) fn read(path: &Path, choices: &mut Choices<'_>) -> Result<(), TraceError> {
    let damaged = |error: rusqlite::Error| TraceError::Format {
        path: path.into(),
        format: "an SQLite database",
        what: error.to_string(),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(damaged)?;
    check_columns(path, &database)?;
    let query = format!("SELECT {} FROM jobs", NEEDED.join(", "));
    let mut statement = database.prepare(&query).map_err(damaged)?;
    let mut rows = statement.query([]).map_err(damaged)?;
    let mut number = 0;
    while let Some(row) = rows.next().map_err(damaged)? {
        number += 1;
        let mut cells = [const { Cell::Null }; NEEDED.len()];
        for (place, cell) in cells.iter_mut().enumerate() {
            *cell = row.get_ref(place).map(read_cell).map_err(damaged)?;
        }
        let [node, eid, state, action, epsilon, reward] = cells;
        let stream = match node {
            Cell::Integer(node) => format!("node {node}"),
            Cell::Text(node) => format!("node {node}"),
            _ => "node ?".into(),
        };
        choices.push(
            Row {
                number,
                node: stream.clone(),
                stream,
                eid,
                state,
                action,
                reward,
                epsilon,
                epsilon_greedy: true,
                probability: Cell::Null,
            },
            &NAMES,
        )?;
    }
    Ok(())
}

fn check_columns(path: &Path, database: &Connection) -> Result<(), TraceError> {
    let damaged = |error: rusqlite::Error| TraceError::Format {
        path: path.into(),
        format: "an SQLite database",
        what: error.to_string(),
    };
    let mut statement = database.prepare("SELECT name FROM pragma_table_info('jobs')").map_err(damaged)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(damaged)?;
    let names = names.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    if names.is_empty() {
        let what = "it has no table `jobs`, which the reference client's databases have".into();
        return Err(TraceError::Format { path: path.into(), format: "a record of jobs", what });
    }
    match NEEDED.into_iter().find(|needed| !names.iter().any(|name| name == needed)) {
        Some(missing) => Err(TraceError::Column { path: path.into(), missing, found: names.join(", ") }),
        None => Ok(()),
    }
}

fn read_cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Number(number),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(_) => Cell::Other("a blob"),
    }
}
