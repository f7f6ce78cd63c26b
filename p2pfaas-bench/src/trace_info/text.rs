//! A trace as a text.

use super::Format;
use super::chart::{self, short};
use super::info::{Burstiness, Durations, Info};

/// Columns of a name, and of what stands beside it.
const NAME: usize = 12;
const VALUE: usize = 68;

/// All of it, with charts; plain characters, at most 80 columns.
pub fn render(info: &Info) -> String {
    let mut text = format!("{}: {}\n\n", info.file, info.format.name());
    let mut line = |name: &str, value: String| text += &format!("{name:<NAME$}{value}\n");
    let profile = info.format == Format::Profile;
    if let Some(jobs) = info.jobs {
        let about = if info.format == Format::K6 { "about " } else { "" };
        let span = info.span_s.map_or_else(String::new, |[from_s, to_s]| {
            format!(" in {}, from second {} to {}", time(to_s - from_s), short(from_s), short(to_s))
        });
        line("jobs", format!("{about}{jobs:.0}{span}"));
    }
    if let Some(functions) = info.functions {
        let of = info.apps.map_or_else(String::new, |apps| format!(" of {apps} apps"));
        line("functions", format!("{functions}{of}"));
    }
    if let Some(nodes) = info.nodes {
        line("nodes", nodes.to_string());
    }
    if let Some(rate) = info.rate {
        let (unit, which) = match info.format {
            Format::Profile => ("", "at its highest point"),
            Format::K6 => (" jobs/s", "in its fullest stage"),
            _ => (" jobs/s", "in its fullest minute"),
        };
        let peak = rate.peak.map_or_else(String::new, |peak| format!(", {} {which}", short(peak)));
        line(if profile { "factor" } else { "rate" }, format!("{}{unit}{peak}", short(rate.mean)));
    }
    if let Some(burstiness) = &info.burstiness {
        let told = told(burstiness);
        if !told.is_empty() {
            line("burstiness", format!("{told} (Poisson: 1)"));
        }
    }
    if let Some(durations) = &info.durations {
        lines_of(durations).into_iter().for_each(|(name, value)| line(name, value));
    }
    if let Some(memory) = &info.memory {
        line(
            "memory",
            format!(
                "{} apps: mean {} MB, median {}, highest {}, highest 99 % {}",
                memory.apps,
                short(memory.mean_mb),
                short(memory.median_mb),
                short(memory.highest_mb),
                short(memory.highest_p99_mb)
            ),
        );
    }
    if info.broken_lines > 0 {
        let lines = if info.broken_lines == 1 { "line was" } else { "lines were" };
        line("broken", format!("{} {lines} left out", info.broken_lines));
    }
    for note in &info.notes {
        wrapped(note)
            .into_iter()
            .zip(["note"].into_iter().chain(std::iter::repeat("")))
            .for_each(|(words, name)| line(name, words));
    }
    if let Some(series) = &info.over_time {
        let unit = if profile { "factor of the rate" } else { "jobs/s" };
        let point = |at: f64| format!("{} points", short(at));
        let chart = if profile {
            chart::over_time(series, unit, point)
        } else {
            chart::over_time(series, unit, time)
        };
        text += &format!("\n{chart}");
    }
    if let Some(durations) = &info.durations {
        text += &format!(
            "\nshare of {} by duration\n{}",
            durations.of,
            chart::histogram(&durations.histogram, time)
        );
    }
    text
}

/// A text in lines that fit beside their names.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= VALUE => *line += &format!(" {word}"),
            _ => lines.push(word.into()),
        }
    }
    lines
}

fn told(burstiness: &Burstiness) -> String {
    let Burstiness { dispersion_per_second, dispersion_per_minute, gap_variation } = burstiness;
    let part = |value: &Option<f64>, what: &str| value.map(|value| format!("{} {what}", short(value)));
    let parts = [
        part(dispersion_per_second, "by the second"),
        part(dispersion_per_minute, "by the minute"),
        part(gap_variation, "by the gaps"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn lines_of(durations: &Durations) -> [(&'static str, String); 3] {
    let [p5, p25, p50, p75, p95, p99] = durations.quantiles_s.map(time);
    let Durations { of, known, all, .. } = durations;
    let (mean, longest) = (time(durations.mean_s), time(durations.max_s));
    [
        ("durations", format!("of {known} of {all} {of}: mean {mean}, longest {longest}")),
        ("", format!("5 % {p5}, 25 % {p25}, 50 % {p50}")),
        ("", format!("75 % {p75}, 95 % {p95}, 99 % {p99}")),
    ]
}

/// Seconds in a unit that suits them.
fn time(seconds: f64) -> String {
    let (value, unit) = match seconds.abs() {
        0.0 => (0.0, "s"),
        size if size < 1e-3 => (seconds * 1e6, "us"),
        size if size < 1.0 => (seconds * 1e3, "ms"),
        size if size < 120.0 => (seconds, "s"),
        size if size < 7_200.0 => (seconds / 60.0, "min"),
        size if size < 172_800.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{} {unit}", short(value))
}
