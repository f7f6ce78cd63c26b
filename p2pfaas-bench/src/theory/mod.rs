//! `p2pfaas theory`: what queueing theory says, as a table.

mod alone;
mod balanced;
mod cold_start;
mod sheet;

use p2pfaas_sim::theory::TheoryError;

use crate::cli::{Subject, TheoryArgs};
use sheet::Sheet;

/// The table or the JSON that was asked for.
///
/// # Errors
/// What cannot be answered, and why.
pub fn run(args: &TheoryArgs) -> Result<String, TheoryError> {
    let sheet: Sheet = match &args.subject {
        Subject::ErlangB(args) => alone::erlang(args),
        Subject::Mm1k(args) => alone::one_server(args),
        Subject::Mmck(args) => alone::slots(args),
        Subject::Ll(args) => balanced::exact(args),
        Subject::MeanField(args) => balanced::mean_field(args),
        Subject::PowerOfD(args) => balanced::power_of_d(args),
        Subject::Jsq(args) => balanced::shortest(args),
        Subject::ColdStart(args) => cold_start::instances(args),
    }?;
    Ok(if args.json { sheet.json() } else { sheet.table() })
}

#[cfg(test)]
mod tests;
