//! Every two policies under the same jobs: the differences, and whether they can be believed.

use std::fmt::Write;

use super::html::escaped;
use crate::summary::{Comparison, Difference, Measure, PairedBy, Verdict};

/// The section; nothing where nothing is compared.
pub(super) fn section(comparisons: &[Comparison]) -> String {
    let Some(by) = comparisons.iter().find_map(|pair| pair.paired_by) else { return String::new() };
    let by = match by {
        PairedBy::Seeds => "under each seed",
        PairedBy::Batches => "in each twentieth of the only run",
    };
    let mut text = format!(
        "<section id=\"comparisons\">\n<h2>Every two policies</h2>\n<p>The first less the second, both with the same jobs \
         {by}, on average; below it the 95 % confidence interval, the p value after Holm's adjustment for all pairs, and \
         the size of the effect (Cohen's d_z). What is not significant may be chance.</p>\n\
         <div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">policies</th>"
    );
    for measure in Measure::ALL {
        let (name, unit, _) = shown(measure);
        // Writing to a text cannot fail.
        let _ = write!(text, "<th scope=\"col\">{name}<small>{unit}</small></th>");
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for pair in comparisons {
        let (a, b) = (escaped(&pair.a), escaped(&pair.b));
        let _ = write!(text, "<tr><th scope=\"row\">{a}<small>less {b}</small></th>");
        for measure in Measure::ALL {
            let cell = pair.of(measure).map_or_else(|| "–".into(), |found| cell(pair, measure, found));
            let _ = write!(text, "<td>{cell}</td>");
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table></div>\n</section>\n");
    text
}

/// What a measure is called, its unit, and how many of them are 1 in the summary.
fn shown(measure: Measure) -> (&'static str, &'static str, f64) {
    match measure {
        Measure::InTime => ("in time", "percentage points", 100.0),
        Measure::Dropped => ("dropped", "percentage points", 100.0),
        Measure::LatencyMean => ("mean latency", "ms", 1e3),
    }
}

fn cell(pair: &Comparison, measure: Measure, found: &Difference) -> String {
    let (_, _, times) = shown(measure);
    let [low, high] = found.ci95.map(|end| times * end);
    let p = if found.p_holm < 0.001 { "p &lt; 0.001".into() } else { format!("p = {:.3}", found.p_holm) };
    let effect = found.d_z.map_or_else(String::new, |d_z| format!(", d_z {d_z:.1}"));
    let verdict = match found.verdict {
        Verdict::FirstBetter => format!("<strong>{} is better</strong>", escaped(&pair.a)),
        Verdict::SecondBetter => format!("<strong>{} is better</strong>", escaped(&pair.b)),
        other => other.name().into(),
    };
    format!(
        "{:+.1}<small>{low:+.1} to {high:+.1}</small><small>{p}{effect}</small><small>{verdict}</small>",
        times * found.difference
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(verdict: Verdict) -> Comparison {
        let found = Difference {
            difference: -0.1,
            ci95: [-0.15, -0.05],
            d_z: Some(2.5),
            p: 1e-5,
            p_holm: 1e-4,
            pairs: 5,
            verdict,
        };
        Comparison {
            a: "<a>".into(),
            b: "b".into(),
            paired_by: Some(PairedBy::Seeds),
            seeds: vec![1, 2, 3, 4, 5],
            seeds_left_out: Vec::new(),
            in_time: Some(found),
            dropped: None,
            latency_mean_s: Some(found),
        }
    }

    #[test]
    fn every_pair_has_its_differences_and_what_follows_from_them() {
        let text = section(&[compared(Verdict::SecondBetter), compared(Verdict::NotSignificant)]);
        let points = "<td>-10.0<small>-15.0 to -5.0</small><small>p &lt; 0.001, d_z 2.5</small><small><strong>b is better</strong>";
        assert!(text.contains(points) && text.contains("<td>-100.0<small>-150.0 to -50.0"), "{text}");
        assert!(text.contains("&lt;a&gt;<small>less b</small>") && !text.contains("<a>"), "{text}");
        assert_eq!((text.matches("not significant<").count(), text.matches("<td>–</td>").count()), (2, 2));
    }

    #[test]
    fn where_nothing_is_compared_there_is_no_section() {
        assert_eq!(section(&[]), "");
    }
}
