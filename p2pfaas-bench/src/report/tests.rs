use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use p2pfaas_core::policy::Registry;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::experiment::Place;
use crate::simulate::{Options, SimProgress, VirtualTime, references, run};
use crate::testing::parse_on;

const PLAIN: &str = "[[jobs]]\nservice = { kind = \"exponential\", mean_s = 0.3 }\ndeadline_s = 0.5\n";
const NONE: &str = "[[policy]]\nlabel = \"<b>&\"\nname = \"NoScheduler\"\n";
const POWER: &str = "[[policy]]\nlabel = \"pow\"\nname = \"PowerOfNScheduler\"\nthreshold = 1\n";
const LEARNED: &str =
    "[[policy]]\nlabel = \"learned\"\nname = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 20\n";

/// What is in the folder of such an experiment that was simulated.
struct There {
    summary: Summary,
    page: String,
    charts: BTreeSet<String>,
    folder: tempfile::TempDir,
}

fn simulated(jobs: &str, policies: &str) -> There {
    let text = format!(
        "[cluster]\nnodes = 3\nslots = 1\nqueue = 1\n[traffic]\nkind = \"poisson\"\nrate = 4.0\n{jobs}{policies}\
         [run]\nwarmup_s = 2\nduration_s = 40\nseeds = [1, 2]\n"
    );
    let experiment = references::beside(&parse_on(Place::Sim, &text).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let out = Folder::create(Some(folder.path()), &experiment).unwrap();
    let options = Options { threads: NonZeroUsize::new(1), jobs: false };
    let engine = VirtualTime::new(Registry::builtin());
    let progress = SimProgress::hidden();
    let summary = run(&experiment, &engine, &out, options, &CancellationToken::new(), &progress).unwrap();
    let page = fs::read_to_string(folder.path().join(PAGE)).unwrap();
    let files = fs::read_dir(folder.path().join(CHARTS)).unwrap();
    let charts = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    There { summary, page, charts, folder }
}

fn files_of(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().flat_map(|key| [format!("{key}.svg"), format!("{key}.png")]).collect()
}

/// The tags of a page, closed in the order in which they were opened.
fn assert_balanced(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("a tag without an end: {part}"));
        let name = tag.split([' ', '\n', '/']).find(|name| !name.is_empty()).unwrap();
        match tag {
            _ if tag.ends_with('/') || tag.starts_with('!') || name == "meta" => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "closed: {tag}"),
            _ => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn a_report_of_learning_and_of_task_types_has_every_chart_as_svg_and_as_png() {
    let types = "[[jobs]]\nname = \"a\"\nshare = 0.5\nservice = { kind = \"exponential\", mean_s = 0.2 }\ndeadline_s = 0.5\n\
                 [[jobs]]\nname = \"b\"\nshare = 0.5\nservice = { kind = \"deterministic\", mean_s = 0.1 }\n";
    let there = simulated(types, &format!("{NONE}{POWER}{LEARNED}"));
    let keys = [
        "comparison",
        "in-time",
        "latency",
        "percentiles",
        "outcomes",
        "node-load",
        "forwarding",
        "rewards",
        "actions",
        "epsilon",
    ];
    assert_eq!(there.charts, files_of(&keys));
    for key in keys {
        assert!(there.page.contains(&format!("<section id=\"{key}\">")), "{key}");
        let png = fs::read(there.folder.path().join(CHARTS).join(format!("{key}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{key}");
    }
    assert!(there.page.contains("<section id=\"learning\">"));
    for action in ["reject", "run here", "probe a peer", "forward to a peer"] {
        assert!(there.page.contains(action), "{action}");
    }
    assert_balanced(&there.page);
}

#[test]
fn a_run_without_learning_and_types_has_no_charts_of_them() {
    let there = simulated(PLAIN, &format!("{NONE}{POWER}"));
    let keys = ["comparison", "in-time", "latency", "percentiles", "node-load", "forwarding"];
    assert_eq!(there.charts, files_of(&keys));
    for part in ["Rewards", "Exploration", "What agents choose", "How agents learned"] {
        assert!(!there.page.contains(part), "{part}");
    }
}

#[test]
fn where_nobody_forwards_nobody_is_shown_to() {
    let there = simulated(PLAIN, NONE);
    assert!(!there.charts.contains("forwarding.svg"));
}

#[test]
fn the_page_has_the_numbers_of_every_policy_and_reference() {
    let there = simulated(PLAIN, &format!("{NONE}{POWER}"));
    let Summary { policies, references, .. } = &there.summary;
    assert_eq!((policies.len(), references.len() > 1), (2, true));
    for policy in policies.iter().chain(references) {
        let [low, high] = policy.ci95.in_time.unwrap().map(|end| 100.0 * end);
        let cell = format!("<td>{:.1}<small>{low:.1}–{high:.1}</small></td>", 100.0 * policy.in_time);
        assert!(there.page.contains(&cell), "{}: {cell}", policy.label);
        assert!(there.page.contains(&format!("<td>{}</td>", policy.offered)), "{}", policy.label);
    }
}

#[test]
fn what_comes_from_the_file_is_text_and_not_a_part_of_the_page() {
    let there = simulated(PLAIN, &format!("# <script>\n{NONE}{POWER}"));
    assert_balanced(&there.page);
    assert!(!there.page.contains("<b>") && !there.page.contains("<script>"));
    assert!(there.page.contains("&lt;b&gt;&amp;<small>") && there.page.contains("# &lt;script&gt;"));
    // The legends.
    assert!(there.page.contains("\n&lt;b&gt;&amp;\n</text>"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let there = simulated(PLAIN, &format!("{NONE}{POWER}{LEARNED}"));
    for part in ["src=", "href", "@import", "url(", "<link", "<script"] {
        assert!(!there.page.contains(part), "{part}");
    }
    let addresses: BTreeSet<_> =
        there.page.match_indices("http").map(|(at, _)| &there.page[at..at + 26]).collect();
    assert_eq!(addresses, BTreeSet::from(["http://www.w3.org/2000/svg"]));
}

#[test]
fn warnings_come_first_and_a_run_that_was_ended_says_so() {
    let there = simulated(PLAIN, NONE);
    let source = fs::read_to_string(there.folder.path().join("experiment.toml")).unwrap();
    let experiment = parse_on(Place::Sim, &source).unwrap();
    let told = |warnings, interrupted| {
        let summary = Summary { warnings, interrupted, ..there.summary.clone() };
        page::render(&experiment, &summary, &[], None)
    };
    assert!(!told(Vec::new(), false).contains("id=\"warnings\""));
    let page = told(vec!["x < y".into()], true);
    let warned = page.find("<li>x &lt; y</li>").unwrap();
    assert!(page.contains("ended before it was over") && warned < page.find("id=\"policies\"").unwrap());
}
