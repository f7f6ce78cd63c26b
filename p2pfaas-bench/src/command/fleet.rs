//! `p2pfaas run --on hosts.txt`.

use std::path::Path;
use std::process::ExitCode;

use p2pfaas_core::policy::Registry;

use super::{experiment, failed, tell, wrong};
use crate::cli::RunArgs;
use crate::experiment::{Place, as_run};
use crate::fleet::{BEFORE, Fleet, Hosts, Token};
use crate::progress::Progress;

pub(super) fn run(args: &RunArgs, hosts: &Path, registry: &Registry) -> ExitCode {
    let hosts = match Hosts::load(hosts) {
        Ok(hosts) => hosts,
        Err(error) => return wrong(&error),
    };
    let place = Place::Fleet(hosts.addresses().len());
    let experiment = match experiment(args, place, registry) {
        Ok(experiment) => experiment,
        Err(code) => return code,
    };
    let token = match args.token_file.as_deref().map(Token::load).transpose() {
        Ok(token) => token,
        Err(error) => return wrong(&error),
    };
    let fleet = match Fleet::check(&experiment, &hosts, token.as_ref()) {
        Ok(fleet) => fleet,
        Err(error) => return failed(&error),
    };
    fleet.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
    let file = as_run(&experiment, place, registry);
    tell(args, &experiment, &file, |folder, cancel| {
        let progress = Progress::on_stderr(&experiment);
        eprintln!("what the nodes have now is kept in {}", folder.path().join(BEFORE).display());
        fleet.run(folder, cancel, &progress)
    })
}
