//! `[traffic]` and `[jobs.traffic]` as they are written: each kind has its own keys.

use std::ops::Range;

use crate::experiment::problem::{At, Collector};
use crate::experiment::reader::Table;

/// The kinds, and what each needs besides rates.
pub(in crate::experiment) const KINDS: [&str; 7] =
    ["poisson", "deterministic", "mmpp", "sinusoid", "flash-crowd", "trace", "recorded"];

/// The formats of a trace.
pub(super) const FORMATS: [&str; 4] = ["azure-2019", "azure-2021", "k6", "profile"];

pub(in crate::experiment) struct Traffic {
    pub path: String,
    pub span: Range<usize>,
    pub kind: Option<At<String>>,
    pub rate: Option<At<f64>>,
    pub rates: Option<At<Vec<f64>>>,
    pub keys: Keys,
}

/// What a kind is told.
pub(in crate::experiment) enum Keys {
    /// Nothing more.
    None,
    Mmpp {
        factors: Option<At<Vec<f64>>>,
        sojourns_s: Option<At<Vec<f64>>>,
        common: Option<At<bool>>,
    },
    Sinusoid {
        period_s: Option<At<f64>>,
        amplitude: Option<At<f64>>,
        phases: Option<At<Vec<f64>>>,
    },
    FlashCrowd {
        at_s: Option<At<f64>>,
        lasts_s: Option<At<f64>>,
        factor: Option<At<f64>>,
        ramp_s: Option<At<f64>>,
        nodes: Option<At<Vec<u64>>>,
    },
    Profile {
        file: Option<At<String>>,
        period_s: Option<At<f64>>,
        skip_bad: Option<At<bool>>,
    },
    Counts {
        file: Option<At<String>>,
        durations: Option<At<String>>,
        memory: Option<At<String>>,
        minute_s: Option<At<f64>>,
        from_s: Option<At<f64>>,
        within: Option<At<String>>,
        turns: Turns,
        skip_bad: Option<At<bool>>,
    },
    Invocations {
        file: Option<At<String>>,
        from_s: Option<At<f64>>,
        turns: Turns,
        skip_bad: Option<At<bool>>,
    },
    Stages {
        file: Option<At<String>>,
        stage_s: Option<At<f64>>,
        ramp_s: Option<At<f64>>,
        from_s: Option<At<f64>>,
        turns: Turns,
    },
    /// A trace of no format that is known.
    NoFormat(Option<At<String>>),
    Recorded {
        file: Option<At<String>>,
        policy: Option<At<String>>,
        seed: Option<At<u64>>,
        from_s: Option<At<f64>>,
        skip_bad: Option<At<bool>>,
    },
}

/// What the rows or functions of a trace take in turns.
pub(in crate::experiment) struct Turns {
    pub row_nodes: Option<At<Vec<u64>>>,
    pub row_task_types: Option<At<Vec<u64>>>,
}

impl Turns {
    fn read(table: &mut Table<'_>, of_all: bool, problems: &mut Collector<'_>) -> Turns {
        Turns {
            row_nodes: table.take("row_nodes", problems),
            row_task_types: of_all.then(|| table.take("row_task_types", problems)).flatten(),
        }
    }
}

impl Keys {
    /// Whether the trace brings the task types of its jobs.
    pub fn have_task_types(&self) -> bool {
        match self {
            Keys::Counts { turns, .. } | Keys::Invocations { turns, .. } => turns.row_task_types.is_some(),
            Keys::Recorded { .. } | Keys::Stages { .. } => true,
            _ => false,
        }
    }
}

/// Reads the table of all task types, or of one.
pub(in crate::experiment) fn read(
    mut table: Table<'_>,
    of_all: bool,
    problems: &mut Collector<'_>,
) -> Traffic {
    let kind: Option<At<String>> = table.take("kind", problems);
    let name = kind.as_ref().map_or("", |kind| kind.value.as_str());
    let format: Option<At<String>> = (name == "trace").then(|| table.take("format", problems)).flatten();
    let format_name = format.as_ref().map_or("", |format| format.value.as_str());
    let counted =
        matches!((name, format_name), ("trace", "azure-2019" | "azure-2021" | "k6") | ("recorded", _));
    let (mut rate, mut rates) = (None, None);
    if !counted {
        rate = table.take("rate", problems);
        rates = table.take("rates", problems);
    }
    let keys = match (name, format_name) {
        ("mmpp", _) => Keys::Mmpp {
            factors: table.take("factors", problems),
            sojourns_s: table.take("sojourns_s", problems),
            common: table.take("common", problems),
        },
        ("sinusoid", _) => Keys::Sinusoid {
            period_s: table.take("period_s", problems),
            amplitude: table.take("amplitude", problems),
            phases: table.take("phases", problems),
        },
        ("flash-crowd", _) => Keys::FlashCrowd {
            at_s: table.take("at_s", problems),
            lasts_s: table.take("lasts_s", problems),
            factor: table.take("factor", problems),
            ramp_s: table.take("ramp_s", problems),
            nodes: table.take("nodes", problems),
        },
        ("trace", "profile") => Keys::Profile {
            file: table.take("file", problems),
            period_s: table.take("period_s", problems),
            skip_bad: table.take("skip_bad", problems),
        },
        ("trace", "azure-2019") => Keys::Counts {
            file: table.take("file", problems),
            durations: table.take("durations", problems),
            memory: table.take("memory", problems),
            minute_s: table.take("minute_s", problems),
            from_s: table.take("from_s", problems),
            within: table.take("within", problems),
            turns: Turns::read(&mut table, of_all, problems),
            skip_bad: table.take("skip_bad", problems),
        },
        ("trace", "azure-2021") => Keys::Invocations {
            file: table.take("file", problems),
            from_s: table.take("from_s", problems),
            turns: Turns::read(&mut table, of_all, problems),
            skip_bad: table.take("skip_bad", problems),
        },
        ("trace", "k6") => Keys::Stages {
            file: table.take("file", problems),
            stage_s: table.take("stage_s", problems),
            ramp_s: table.take("ramp_s", problems),
            from_s: table.take("from_s", problems),
            turns: Turns::read(&mut table, of_all, problems),
        },
        ("trace", _) => Keys::NoFormat(format),
        ("recorded", _) => Keys::Recorded {
            file: table.take("file", problems),
            policy: table.take("policy", problems),
            seed: table.take("seed", problems),
            from_s: table.take("from_s", problems),
            skip_bad: table.take("skip_bad", problems),
        },
        _ => Keys::None,
    };
    let (path, span) = (table.path.clone(), table.span.clone());
    // Which keys there are is known only with the kind, and with the format of a trace.
    if KINDS.contains(&name) && !matches!(keys, Keys::NoFormat(_)) {
        table.finish(problems);
    }
    Traffic { path, span, kind, rate, rates, keys }
}
