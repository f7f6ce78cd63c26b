//! Instances that start cold.

use p2pfaas_sim::theory::{ColdStart, TheoryError};
use serde_json::json;

use super::sheet::Sheet;
use crate::cli::ColdStartArgs;

pub(super) fn instances(args: &ColdStartArgs) -> Result<Sheet, TheoryError> {
    let mut functions = Vec::new();
    for &warm_s in &args.warm_s {
        for &cold_s in &args.cold_s {
            for &idle_timeout_s in &args.idle_s {
                for &max_instances in &args.instances {
                    functions.push(ColdStart { warm_s, cold_s, idle_timeout_s, max_instances });
                }
            }
        }
    }
    let mut sheet = Sheet::default();
    for function in functions {
        for &rate in &args.rate {
            let found = function.steady(rate)?;
            sheet.add(vec![
                ("warm_s", json!(function.warm_s)),
                ("cold_s", json!(function.cold_s)),
                ("idle_s", json!(function.idle_timeout_s)),
                ("max", json!(function.max_instances)),
                ("rate_per_s", json!(rate)),
                ("mean_instances", json!(found.mean_instances)),
                ("running_warm", json!(found.running_warm)),
                ("running_cold", json!(found.running_cold)),
                ("cold", json!(found.cold)),
                ("mean_response_s", json!(found.mean_response_s)),
                ("rejected", json!(found.rejected)),
                ("rejected_per_s", json!(found.rejected_per_s)),
            ]);
        }
    }
    sheet.note("cold, rejected: shares of the calls");
    Ok(sheet)
}
