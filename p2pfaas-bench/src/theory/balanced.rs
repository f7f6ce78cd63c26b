//! Nodes that balance their load.

use p2pfaas_sim::theory::{
    Balanced, Choice, PowerOfN, Station, Supermarket, TheoryError, long_enough, pooled, shortest_of,
};
use serde_json::{Value, json};

use super::sheet::{Line, Sheet};
use crate::cli::{BalancingArgs, JsqArgs, LlArgs, MeanFieldArgs, PowerOfDArgs, Rule};

pub(super) fn exact(args: &LlArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    for &nodes in &args.nodes {
        for point in points(&args.balancing) {
            let found = point.policy.exact(nodes, &point.station, point.arrivals_per_s)?;
            sheet.add([vec![("nodes", json!(nodes))], point.told(), told(&found)].concat());
        }
    }
    Ok(sheet)
}

pub(super) fn mean_field(args: &MeanFieldArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    for point in points(&args.balancing) {
        if args.after.is_empty() {
            let found = point.policy.mean_field(&point.station, point.arrivals_per_s)?;
            sheet.add([point.told(), told(&found)].concat());
        }
        for &after_s in &args.after {
            let found = point.policy.mean_field_after(&point.station, point.arrivals_per_s, after_s)?;
            sheet.add([vec![("after_s", json!(after_s))], point.told(), told(&found)].concat());
        }
    }
    Ok(sheet)
}

pub(super) fn power_of_d(args: &PowerOfDArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    let service_s = args.traffic.service_s;
    for &choices in &args.choices {
        for &load in &args.traffic.load {
            let market = Supermarket::new(choices, load)?;
            let mean_response = market.mean_response();
            sheet.add(vec![
                ("choices", json!(choices)),
                ("load", json!(load)),
                ("mean_number", json!(load * mean_response)),
                ("mean_response_s", json!(service_s * mean_response)),
                ("two_or_more", json!(market.at_least(2))),
                ("four_or_more", json!(market.at_least(4))),
            ]);
        }
    }
    sheet.note("two, four or more: shares of the servers with so many jobs");
    Ok(sheet)
}

pub(super) fn shortest(args: &JsqArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    let service_per_s = 1.0 / args.traffic.service_s;
    for &nodes in &args.nodes {
        let all = [nodes];
        for &choices in if args.choices.is_empty() { &all[..] } else { &args.choices } {
            for &load in &args.traffic.load {
                let places = match args.places {
                    Some(places) => places,
                    None => long_enough(nodes, choices, load)?,
                };
                let station = Station { slots: places.min(1), ..Station::one_server(places, service_per_s) };
                let found = shortest_of(nodes, choices, &station, load * service_per_s)?;
                let one_queue = pooled(nodes, f64::from(nodes) * load * service_per_s, service_per_s);
                sheet.add(vec![
                    ("nodes", json!(nodes)),
                    ("choices", json!(choices)),
                    ("places", json!(places)),
                    ("load", json!(load)),
                    ("lost", json!(found.blocking)),
                    ("mean_number", json!(found.mean_number)),
                    ("mean_response_s", json!(found.mean_response_s)),
                    ("one_queue_s", one_queue.map_or(Value::Null, |pooled| json!(pooled.mean_response_s))),
                ]);
            }
        }
    }
    sheet.note("one queue: mean response of one endless queue for all servers");
    Ok(sheet)
}

struct Point {
    station: Station,
    policy: PowerOfN,
    load: f64,
    arrivals_per_s: f64,
}

impl Point {
    fn told(&self) -> Line {
        vec![
            ("slots", json!(self.station.slots)),
            ("queue", json!(self.station.queue)),
            ("F", json!(self.policy.fan_out)),
            ("T", json!(self.policy.threshold)),
            ("load", json!(self.load)),
        ]
    }
}

/// All combinations, the load changing fastest.
fn points(args: &BalancingArgs) -> Vec<Point> {
    let service_per_s = 1.0 / args.traffic.service_s;
    let choice = match args.choice {
        Rule::LeastLoaded => Choice::LeastLoaded,
        Rule::RandomAmongNotMoreLoaded => Choice::RandomAmongNotMoreLoaded,
    };
    let mut points = Vec::new();
    for &slots in &args.slots {
        for &queue in &args.queue {
            let station = Station { slots, queue, service_per_s };
            for &fan_out in &args.fan_out {
                for &threshold in &args.threshold {
                    let policy = PowerOfN { fan_out, threshold, choice };
                    points.extend(args.traffic.load.iter().map(|&load| {
                        let arrivals_per_s = load * f64::from(slots) * service_per_s;
                        Point { station, policy, load, arrivals_per_s }
                    }));
                }
            }
        }
    }
    points
}

fn told(found: &Balanced) -> Line {
    vec![
        ("lost", json!(found.blocking)),
        ("forwarded", json!(found.forwarded)),
        ("probes_per_job", json!(found.probes_per_job)),
        ("mean_number", json!(found.mean_number)),
        ("mean_response_s", json!(found.mean_response_s)),
        ("residual", json!(found.residual)),
    ]
}
