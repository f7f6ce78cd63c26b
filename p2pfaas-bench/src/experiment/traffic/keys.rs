//! `[traffic]` and `[jobs.traffic]` as they are written: each kind has its own keys.

use std::ops::Range;

use crate::experiment::problem::{At, Collector};
use crate::experiment::reader::Table;

/// The kinds, and what each needs besides rates.
pub(in crate::experiment) const KINDS: [&str; 7] =
    ["poisson", "deterministic", "mmpp", "sinusoid", "flash-crowd", "trace", "recorded"];

/// The formats of a trace.
pub(super) const FORMATS: [&str; 2] = ["azure-2019", "profile"];

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
    },
    Counts {
        file: Option<At<String>>,
        minute_s: Option<At<f64>>,
        from_s: Option<At<f64>>,
        within: Option<At<String>>,
        row_nodes: Option<At<Vec<u64>>>,
        row_task_types: Option<At<Vec<u64>>>,
    },
    /// A trace of no format that is known.
    NoFormat(Option<At<String>>),
    Recorded {
        file: Option<At<String>>,
        policy: Option<At<String>>,
        seed: Option<At<u64>>,
        from_s: Option<At<f64>>,
    },
}

impl Keys {
    /// Whether the trace brings the task types of its jobs.
    pub fn have_task_types(&self) -> bool {
        match self {
            Keys::Counts { row_task_types, .. } => row_task_types.is_some(),
            Keys::Recorded { .. } => true,
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
    let counted = matches!((name, format_name), ("trace", "azure-2019") | ("recorded", _));
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
        ("trace", "profile") => {
            Keys::Profile { file: table.take("file", problems), period_s: table.take("period_s", problems) }
        }
        ("trace", "azure-2019") => Keys::Counts {
            file: table.take("file", problems),
            minute_s: table.take("minute_s", problems),
            from_s: table.take("from_s", problems),
            within: table.take("within", problems),
            row_nodes: table.take("row_nodes", problems),
            row_task_types: of_all.then(|| table.take("row_task_types", problems)).flatten(),
        },
        ("trace", _) => Keys::NoFormat(format),
        ("recorded", _) => Keys::Recorded {
            file: table.take("file", problems),
            policy: table.take("policy", problems),
            seed: table.take("seed", problems),
            from_s: table.take("from_s", problems),
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
