//! The reference client's database (fact sheet 6.1), so that its plot scripts go on working: tables `jobs`,
//! `timings` and `values_strings`, one file a run. All jobs are in it, also those of training and warm-up.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, params};

use super::{ExportError, Job, Jobs, Run, file_name};

const TABLES: &str = "
    CREATE TABLE jobs (
        node_id INTEGER, req_id INTEGER, type_id INTEGER, payload_name TEXT, requests_rate REAL,
        time_total REAL, time_execution REAL, times_parsed INTEGER,
        res_status_code INTEGER, res_error_code INTEGER, req_net_error INTEGER, req_net_error_message TEXT,
        externally_executed INTEGER, timestamp_start REAL, timestamp_end REAL,
        learning_state TEXT, learning_action REAL, learning_eps REAL, learning_reward REAL
    );
    CREATE TABLE timings (
        node_id INTEGER, req_id INTEGER, payload_name TEXT, requests_rate REAL,
        index_i INTEGER, time_type TEXT, time_value REAL
    );
    CREATE TABLE values_strings (
        node_id INTEGER, req_id INTEGER, payload_name TEXT, requests_rate REAL,
        index_i INTEGER, value_type TEXT, value_value TEXT
    );";

/// What the client writes for the error of a request without an answer.
const NET_ERROR: i64 = 1;
const NET_ERROR_TIMEOUT: i64 = 2;

/// Rates of the nodes, in jobs a second: the client knows them, a results folder has them counted.
type Rates = BTreeMap<(Run, i64), f64>;

/// One file a run.
pub(super) fn write(results: &Path, out: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let rates = rates(results)?;
    let mut open: BTreeMap<Run, (PathBuf, Connection)> = BTreeMap::new();
    let mut batch: Vec<Job> = Vec::new();
    for job in Jobs::open(results)? {
        let job = job?;
        if batch.len() >= BATCH || batch.last().is_some_and(|last| last.run != job.run) {
            store(out, &mut open, &mut batch, &rates)?;
        }
        batch.push(job);
    }
    store(out, &mut open, &mut batch, &rates)?;
    Ok(open.into_values().map(|(path, _)| path).collect())
}

/// Jobs of one transaction.
const BATCH: usize = 50_000;

fn rates(results: &Path) -> Result<Rates, ExportError> {
    let mut counted: BTreeMap<(Run, i64), (u64, f64, f64)> = BTreeMap::new();
    for job in Jobs::open(results)? {
        let job = job?;
        let due_s = job.scheduled_s;
        let entry = counted.entry((job.run, job.node)).or_insert((0, due_s, due_s));
        *entry = (entry.0 + 1, entry.1.min(due_s), entry.2.max(due_s));
    }
    let rate = |(jobs, first_s, last_s): (u64, f64, f64)| (jobs - 1) as f64 / (last_s - first_s).max(1e-9);
    Ok(counted.into_iter().map(|(of, count)| (of, if count.0 > 1 { rate(count) } else { 0.0 })).collect())
}

fn store(
    out: &Path,
    open: &mut BTreeMap<Run, (PathBuf, Connection)>,
    batch: &mut Vec<Job>,
    rates: &Rates,
) -> Result<(), ExportError> {
    let Some(run) = batch.first().map(|job| job.run.clone()) else { return Ok(()) };
    let path = out.join(format!("{}-seed{}.db", file_name(&run.policy), run.seed));
    let failed = |error: rusqlite::Error| ExportError::write(&path, error);
    if !open.contains_key(&run) {
        // One of an earlier export.
        if path.is_file() {
            fs::remove_file(&path).map_err(|error| ExportError::write(&path, error))?;
        }
        let database = Connection::open(&path).map_err(failed)?;
        database.execute_batch(TABLES).map_err(failed)?;
        open.insert(run.clone(), (path.clone(), database));
    }
    let Some((_, database)) = open.get_mut(&run) else { return Ok(()) };
    let transaction = database.transaction().map_err(failed)?;
    for job in batch.drain(..) {
        let rate = rates.get(&(job.run.clone(), job.node)).copied().unwrap_or(0.0);
        insert(&transaction, &job, rate).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

fn insert(database: &Transaction<'_>, job: &Job, rate: f64) -> rusqlite::Result<()> {
    let payload = format!("type-{}", job.task_type);
    let (status, code) = answer(job);
    let net_error = match &job.error {
        None => 0,
        Some(error) if error.starts_with("no answer within") => NET_ERROR_TIMEOUT,
        Some(_) => NET_ERROR,
    };
    database
        .prepare_cached(
            "INSERT INTO jobs VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)",
        )?
        .execute(params![
            job.node,
            job.number,
            job.task_type,
            payload,
            rate,
            job.latency_s.unwrap_or(0.0),
            job.execution_s.unwrap_or(0.0),
            i64::from(job.execution_s.is_some()),
            status,
            code,
            net_error,
            job.error.as_deref().unwrap_or(""),
            i64::from(job.forwarded),
            job.scheduled_s,
            job.answered_s.unwrap_or(0.0),
            job.state.as_deref().unwrap_or(""),
            job.action.unwrap_or(-1) as f64,
            job.epsilon.unwrap_or(0.0),
            job.reward.unwrap_or(0.0),
        ])?;
    let timings =
        [("scheduling", job.scheduling_s), ("probing", job.probing_s), ("service", job.execution_s)];
    for (kind, seconds) in timings {
        if let Some(seconds) = seconds {
            database
                .prepare_cached("INSERT INTO timings VALUES (?1,?2,?3,?4,0,?5,?6)")?
                .execute(params![job.node, job.number, payload, rate, kind, seconds])?;
        }
    }
    // The path, origin first, by the names that our nodes have in an experiment.
    let mut path = vec![job.node];
    path.extend(job.executed_by.filter(|node| *node != job.node));
    for (index, node) in (0_i64..).zip(path) {
        database
            .prepare_cached("INSERT INTO values_strings VALUES (?1,?2,?3,?4,?5,'peer_ip',?6)")?
            .execute(params![job.node, job.number, payload, rate, index, format!("node-{node}")])?;
    }
    Ok(())
}

/// Status and code; what they would be over HTTP, where there was none.
fn answer(job: &Job) -> (i64, i64) {
    let status = job.status.unwrap_or(match (job.outcome.as_str(), &job.error) {
        ("served", _) => 200,
        ("dropped", _) => 500,
        ("rejected", _) => 503,
        (_, Some(_)) => 0,
        _ => 500,
    });
    let code = job.code.unwrap_or(match job.outcome.as_str() {
        "dropped" => 400,
        "rejected" => 401,
        _ => 0,
    });
    (status, code)
}
