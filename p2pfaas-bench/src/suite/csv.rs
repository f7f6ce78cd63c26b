//! `suite.csv`: one line an instance and policy.

use super::families::Told;
use super::measured::{Role, Row};
use super::store::{Case, Line};
use crate::results::csv::quoted;

const HEAD: &str = "scenario,load,seed,label,role,policy,in_time,dropped,rejected,failed,forwarded,probes_per_job,worst_node,jain,\
                    p99_s,offered,tuning_score,tuning_candidates,tuning_runs,took_s\n";

/// All lines.
pub(super) fn render(lines: &[(Line, Vec<Line>)]) -> String {
    let mut text = HEAD.to_string();
    for line in lines.iter().flat_map(|(tuned, learned)| std::iter::once(tuned).chain(learned)) {
        line.rows.iter().for_each(|row| text.push_str(&of(&line.case, row, line.took_s)));
    }
    text
}

fn of(case: &Case, row: &Row, took_s: f64) -> String {
    let Row { label, role, policy, tuning, measured } = row;
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let cells = [
        case.scenario.clone(),
        case.load.to_string(),
        case.seed.to_string(),
        quoted(label),
        name(*role).into(),
        quoted(policy),
        measured.in_time.to_string(),
        measured.dropped.to_string(),
        measured.rejected.to_string(),
        measured.failed.to_string(),
        measured.forwarded.to_string(),
        measured.probes_per_job.to_string(),
        measured.worst_node.to_string(),
        measured.jain.to_string(),
        number(measured.p99_s),
        measured.offered.to_string(),
        number(tuning.map(|tuning| tuning.score)),
        number(tuning.map(|tuning| tuning.candidates as f64)),
        number(tuning.map(|tuning| tuning.runs as f64)),
        took_s.to_string(),
    ];
    format!("{}\n", cells.join(","))
}

/// What a policy is, in a word or two.
fn name(role: Role) -> &'static str {
    match role {
        Role::Fixed => "fixed",
        Role::Tuned(Told::Nothing) => "static",
        Role::Tuned(Told::Model) => "model told",
        Role::Tuned(Told::Everything) => "full information",
        Role::Learned => "learned",
    }
}
