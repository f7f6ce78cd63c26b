//! Estimates, for people.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use p2pfaas_learner::offline::{Estimate, Evaluation};

const STYLE: TableStyle = TableStyle { row_separator: LineStyle::none(), ..UTF8_HORIZONTAL_ONLY };

/// What the numbers are not.
pub(super) const CAUTION: &str = "Each job counts as a decision of its own: that other choices would have led to other states is not corrected.";
/// What the intervals are.
pub(super) const INTERVALS: &str = "95 %, delta method over blocks of jobs that followed each other";

/// Actions below this one are not forwards to a named peer.
const FIRST_PEER: usize = 3;

/// The estimates, the actions, what they mean, and what to beware of.
pub fn render(evaluation: &Evaluation, peers: &[String]) -> String {
    let mut text = format!("{}\n{}\n", estimates(evaluation), actions(evaluation, peers));
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "The {} choices weigh as much as {:.0} of the agent's own (effective sample size).",
        evaluation.entries, evaluation.effective
    );
    let _ = writeln!(text, "{CAUTION}\nIntervals: {INTERVALS}.");
    for warning in &evaluation.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

fn estimates(evaluation: &Evaluation) -> Table {
    let mut table = table(&["mean reward a job", "estimate", "95 % interval"]);
    let mut add = |name: &str, estimate: Option<Estimate>| {
        let value = estimate.map_or_else(|| "-".into(), |one| format!("{:.4}", one.value));
        let interval = estimate.and_then(|one| one.ci95);
        let interval = interval.map_or_else(|| "-".into(), |[low, high]| format!("{low:.4} to {high:.4}"));
        table.add_row([name.to_string(), value, interval]);
    };
    add("as recorded", Some(evaluation.recorded));
    add("the agent: doubly robust", evaluation.doubly_robust);
    add("the agent: weighted importance sampling", evaluation.weighted);
    add("the agent: importance sampling", evaluation.importance);
    right(table)
}

fn actions(evaluation: &Evaluation, peers: &[String]) -> Table {
    let mut table = table(&["action", "recorded %", "the agent %"]);
    for share in &evaluation.actions {
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let name = action_name(share.action as usize, peers);
        table.add_row([name, percent(share.recorded), percent(share.judged)]);
    }
    right(table)
}

/// What a policy that asks a learner does on this action.
pub(super) fn action_name(action: usize, peers: &[String]) -> String {
    match action {
        0 => "0 reject".into(),
        1 => "1 run here".into(),
        2 => "2 probe a peer".into(),
        peer => match peers.get(peer - FIRST_PEER) {
            Some(name) => format!("{peer} give to {name}"),
            None => format!("{peer} give to peer {}", peer - FIRST_PEER),
        },
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header.iter().copied());
    table
}

fn right(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
