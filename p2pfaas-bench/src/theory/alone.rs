//! One node alone.

use p2pfaas_sim::theory::{Alone, Station, TheoryError, erlang_b, erlang_c, pooled};
use serde_json::{Value, json};

use super::sheet::{Line, Sheet};
use crate::cli::{ErlangArgs, Mm1kArgs, MmckArgs, Queue};

pub(super) fn erlang(args: &ErlangArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    for &slots in &args.slots {
        for &load in &args.load {
            let offered = load * f64::from(slots);
            let waiting = match erlang_c(slots, offered) {
                Ok(waiting) => json!(waiting),
                Err(TheoryError::Overloaded { .. }) => Value::Null,
                Err(error) => return Err(error),
            };
            sheet.add(vec![
                ("slots", json!(slots)),
                ("load", json!(load)),
                ("lost", json!(erlang_b(slots, offered)?)),
                ("waiting", waiting),
            ]);
        }
    }
    sheet.note("lost: without a queue (Erlang B); waiting: with an endless one (Erlang C)");
    Ok(sheet)
}

pub(super) fn one_server(args: &Mm1kArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    let service_per_s = 1.0 / args.traffic.service_s;
    for &places in &args.places {
        for &load in &args.traffic.load {
            // No places are no slots, which is refused.
            let station = Station { slots: places.min(1), ..Station::one_server(places, service_per_s) };
            let found = station.alone(load * service_per_s)?;
            sheet.add([vec![("places", json!(places)), ("load", json!(load))], told(&found)].concat());
        }
    }
    Ok(sheet)
}

pub(super) fn slots(args: &MmckArgs) -> Result<Sheet, TheoryError> {
    let mut sheet = Sheet::default();
    let service_per_s = 1.0 / args.traffic.service_s;
    for &slots in &args.slots {
        for &queue in &args.queue {
            for &load in &args.traffic.load {
                let arrivals_per_s = load * f64::from(slots) * service_per_s;
                let (queue, found) = match queue {
                    Queue::Places(queue) => {
                        let station = Station { slots, queue, service_per_s };
                        (json!(queue), told(&station.alone(arrivals_per_s)?))
                    }
                    Queue::Endless => (json!("endless"), endless(slots, arrivals_per_s, service_per_s)?),
                };
                let given = vec![("slots", json!(slots)), ("queue", queue), ("load", json!(load))];
                sheet.add([given, found].concat());
            }
        }
    }
    Ok(sheet)
}

fn told(found: &Alone) -> Line {
    vec![
        ("lost", json!(found.blocking)),
        ("mean_number", json!(found.mean_number)),
        ("mean_wait_s", json!(found.mean_wait_s)),
        ("mean_response_s", json!(found.mean_response_s)),
    ]
}

fn endless(slots: u32, arrivals_per_s: f64, service_per_s: f64) -> Result<Line, TheoryError> {
    let found = pooled(slots, arrivals_per_s, service_per_s)?;
    Ok(vec![
        ("lost", json!(0.0)),
        ("mean_number", json!(found.mean_number)),
        ("mean_wait_s", json!(found.mean_wait_s)),
        ("mean_response_s", json!(found.mean_response_s)),
    ])
}
