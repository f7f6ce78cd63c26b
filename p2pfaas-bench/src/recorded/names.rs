//! What the task types of a recorded run were called.

use std::path::Path;

use p2pfaas_sim::arrivals::TraceError;

/// Names from the experiment that lies beside a jobs file, by task type; none if there is no experiment.
///
/// # Errors
/// It cannot be read.
pub fn beside(jobs: &Path) -> Result<Vec<String>, TraceError> {
    let path = jobs.with_file_name("experiment.toml");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let source = std::fs::read_to_string(&path).map_err(|error| TraceError::unreadable(&*path, error))?;
    let file: toml::Table = source.parse().map_err(|error| TraceError::unreadable(&*path, error))?;
    let jobs = file.get("jobs").and_then(toml::Value::as_array).into_iter().flatten();
    let name = |(number, job): (usize, &toml::Value)| {
        let name = job.get("name").and_then(toml::Value::as_str);
        name.map_or_else(|| of(number), str::to_string)
    };
    Ok(jobs.enumerate().map(name).collect())
}

/// The name of a task type that has none.
pub fn of(task_type: usize) -> String {
    format!("job-{task_type}")
}
