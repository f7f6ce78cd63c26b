//! The page around tables and charts.

use std::fmt::Write;

use super::charts::Chart;
use super::comparisons;
use super::html::escaped;
use super::tables;
use crate::experiment::Experiment;
use crate::summary::Summary;
use crate::tally::BATCHES;

const STYLE: &str = include_str!("style.css");

/// The whole file. `learning` is the picture of how agents learned.
pub(super) fn render(
    experiment: &Experiment,
    summary: &Summary,
    charts: &[Chart],
    learning: Option<&str>,
) -> String {
    let name = escaped(&summary.experiment);
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}: P2PFaaS report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<p class=\"kind\">P2PFaaS experiment</p>\n<h1>{name}</h1>\n"
    );
    facts(&mut text, experiment, summary);
    text.push_str("</header>\n");
    warnings(&mut text, summary);
    policies(&mut text, summary);
    text.push_str(&comparisons::section(&summary.comparisons));
    for chart in charts {
        figure(&mut text, chart);
    }
    if let Some(learning) = learning {
        text.push_str(
            "<section id=\"learning\">\n<h2>How agents learned</h2>\n<p>The share of jobs in time while agents \
             learned, and under the other policies for comparison.</p>\n<div class=\"scroll\"><div class=\"picture\">\n",
        );
        text.push_str(learning);
        text.push_str("</div></div>\n</section>\n");
    }
    method(&mut text, experiment, summary);
    let _ = write!(
        text,
        "<section id=\"file\">\n<h2>The experiment file</h2>\n<details><summary>Show the file that was run</summary>\n\
         <pre class=\"scroll\">{}</pre>\n</details>\n</section>\n",
        escaped(&experiment.source)
    );
    let _ = write!(
        text,
        "<footer>Made by p2pfaas {}. The charts are also in the folder charts, as SVG and PNG.</footer>\n\
         </main>\n</body>\n</html>\n",
        escaped(summary.version)
    );
    text
}

/// What was run, where and for how long.
fn facts(text: &mut String, experiment: &Experiment, summary: &Summary) {
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let seconds = |seconds: f64| format!("{seconds} s");
    let place = match (summary.on, summary.cores) {
        ("sim", _) => "simulator, in virtual time".into(),
        ("local", Some(cores)) => format!("embedded cluster on this machine, {}", count(cores, "core")),
        (other, Some(cores)) => format!("{other}, {}", count(cores, "core")),
        (other, None) => other.into(),
    };
    let seeds: Vec<_> = summary.seeds.iter().map(u64::to_string).collect();
    let mut facts = vec![
        ("Ran on", place),
        ("Cluster", count(experiment.nodes.len(), "node")),
        ("Task types", experiment.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", ")),
        (
            "Measured",
            format!(
                "{} a run, after {} of warm-up",
                seconds(experiment.duration_s),
                seconds(experiment.warmup_s)
            ),
        ),
        (if seeds.len() == 1 { "Seed" } else { "Seeds" }, seeds.join(", ")),
        ("Version", format!("p2pfaas {}", summary.version)),
    ];
    if experiment.jobs.len() == 1 {
        facts.remove(2);
    }
    text.push_str("<dl class=\"facts\">\n");
    for (name, what) in facts {
        let _ = writeln!(text, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(&what));
    }
    text.push_str("</dl>\n");
}

/// What to know before believing the rest.
fn warnings(text: &mut String, summary: &Summary) {
    if summary.warnings.is_empty() && !summary.interrupted {
        return;
    }
    text.push_str("<section id=\"warnings\" class=\"warnings\">\n<h2>Before you believe it</h2>\n<ul>\n");
    if summary.interrupted {
        text.push_str(
            "<li>The experiment was ended before it was over: jobs, seeds or policies are missing.</li>\n",
        );
    }
    for warning in &summary.warnings {
        let _ = writeln!(text, "<li>{}</li>", escaped(warning));
    }
    text.push_str("</ul>\n</section>\n");
}

fn policies(text: &mut String, summary: &Summary) {
    text.push_str("<section id=\"policies\">\n<h2>The policies</h2>\n");
    if summary.policies.is_empty() {
        text.push_str("<p>Nothing was measured.</p>\n</section>\n");
        return;
    }
    text.push_str(
        "<p>Shares are of the jobs that were due after the warm-up, latencies of those that were served, counted from \
         the instant when they were due.</p>\n",
    );
    text.push_str(&tables::policies(summary));
    text.push_str("</section>\n");
}

fn figure(text: &mut String, chart: &Chart) {
    let Chart { key, title, how, wide, narrow } = chart;
    let how = escaped(how);
    let _ = write!(
        text,
        "<section id=\"{key}\">\n<h2>{title}</h2>\n<p>{how}</p>\n\
         <div class=\"chart wide\" role=\"img\" aria-label=\"{title}\">\n{wide}</div>\n\
         <div class=\"chart narrow\" role=\"img\" aria-label=\"{title}\">\n{narrow}</div>\n</section>\n"
    );
}

/// How the numbers came about.
fn method(text: &mut String, experiment: &Experiment, summary: &Summary) {
    let intervals = match summary.seeds.len() {
        1 => format!(
            "Intervals are 95 % confidence intervals by batch means: the one run is cut into {BATCHES} stretches of equal \
             time, whose own values are nearly independent. Several seeds would say more."
        ),
        seeds => format!(
            "Intervals are 95 % confidence intervals by Student's t over the {seeds} seeds, whose runs are independent \
             of each other."
        ),
    };
    let mut points = vec![
        "Every policy met the same jobs at the same instants under each seed.".to_string(),
        "In time is a job that was answered successfully within its deadline, counted from the instant when it was \
         due, not from when it was sent: a generator that is late does not make latencies look better."
            .into(),
        intervals,
        "Percentiles are those of all jobs of all seeds together, exact to three digits.".into(),
        "A slot is busy while a job runs that is served; in the chart of busy nodes a job ends when its answer is with \
         its client, so that it is shown late by the answer's way back."
            .into(),
        format!(
            "Time is cut into equal stretches; where fewer than about 400 jobs a seed were due in one, several are put \
             together. Nothing that happened in the {} s of warm-up is in any number or chart but those over time.",
            experiment.warmup_s
        ),
    ];
    if summary.cores.is_some() {
        points.push(
            "CPU is that of nodes, functions and load generator together, while jobs were counted. Sent late is by how \
             much the load generator was behind its schedule."
                .into(),
        );
    }
    text.push_str("<section id=\"method\">\n<h2>How the numbers were computed</h2>\n<ul>\n");
    for point in points {
        let _ = writeln!(text, "<li>{}</li>", escaped(&point));
    }
    text.push_str("</ul>\n</section>\n");
}
