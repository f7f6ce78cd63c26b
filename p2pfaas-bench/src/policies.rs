//! The list of policies, for people.

use std::fmt::Write;

use p2pfaas_core::policy::{ALL_HAVE, Parameter, Registry};
use p2pfaas_sim::reference::ReferenceKind;

const HEAD: &str = "\
A policy stands in an experiment file in one of two forms: with its parameters by name, where what is left
out has its default, or with all of them as texts in this order, as on the wire. Options are given by name in
the first form, and in the second as further texts such as \"state=type+load\".

";

const REFERENCES: &str = "\
Marks to measure the others against, in the simulator only (--on sim): they see the loads of all nodes, at once and
free of charge.

";

/// All policies with their parameters, defaults and meanings.
pub fn describe(registry: &Registry) -> String {
    let mut text = HEAD.to_string();
    for (name, parameters) in registry.kinds() {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}");
        list(&mut text, parameters);
        let own = registry.options(name).filter(|option| ALL_HAVE.iter().all(|all| all.name != option.name));
        own.for_each(|own| option(&mut text, own));
        let wire: Vec<_> = parameters.iter().map(|parameter| format!("\"{}\"", parameter.default)).collect();
        let _ = writeln!(text, "  on the wire: parameters = [{}]\n", wire.join(", "));
    }
    text.push_str("Each of them has, behind its own:\n");
    ALL_HAVE.iter().for_each(|of_all| option(&mut text, of_all));
    text.push('\n');
    text.push_str(REFERENCES);
    for kind in &ReferenceKind::ALL {
        let _ = writeln!(text, "{}  # {}", kind.name, kind.meaning);
        list(&mut text, kind.parameters);
    }
    text
}

fn list(text: &mut String, parameters: &[Parameter]) {
    let width = parameters.iter().map(|parameter| assignment(parameter).len()).max().unwrap_or(0);
    for parameter in parameters {
        let _ = writeln!(text, "  {:width$}  # {}", assignment(parameter), parameter.meaning);
    }
}

fn option(text: &mut String, option: &Parameter) {
    let _ = writeln!(text, "  option {}\n    {}", assignment(option), option.meaning);
}

fn assignment(parameter: &Parameter) -> String {
    let bare = parameter.default.parse::<f64>().is_ok() || matches!(parameter.default, "true" | "false");
    match bare {
        true => format!("{} = {}", parameter.name, parameter.default),
        false => format!("{} = \"{}\"", parameter.name, parameter.default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_listed_with_its_parameters_defaults_and_meanings() {
        let text = describe(&Registry::builtin());
        assert!(text.contains("PowerOfNScheduler\n  fan_out = 1"), "{text}");
        assert!(text.contains("  option choice = \"least-loaded\"\n    which"), "{text}");
        assert!(text.contains("threshold = 2  # T: own load"), "{text}");
        assert!(text.contains("on the wire: parameters = [\"1\", \"2\", \"true\", \"1\"]"), "{text}");
        assert!(text.contains("JoinShortestQueue  # to the node with the fewest jobs"), "{text}");
        assert_eq!(text.matches("option shed").count(), 1, "{text}");
        assert!(text.contains("RejectScheduler\n  on the wire: parameters = []"), "{text}");
    }
}
