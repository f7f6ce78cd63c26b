//! The reference policies by name, with their parameters.

use std::collections::BTreeMap;

use p2pfaas_core::policy::{Parameter, PolicyError, Values};

use super::Reference;

/// A kind of reference policy, as experiment files name it.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceKind {
    /// Its name.
    pub name: &'static str,
    /// Its parameters, in the order of the form with texts only.
    pub parameters: &'static [Parameter],
    /// What it does, in a few words.
    pub meaning: &'static str,
    build: fn(&mut Values) -> Result<Reference, PolicyError>,
}

const PROBES: Parameter = Parameter {
    name: "probes",
    default: "0",
    meaning: "random peers to probe; 0: sees all nodes, free of charge",
};

impl ReferenceKind {
    /// All of them, in the order of their names.
    pub const ALL: [ReferenceKind; 5] = [
        ReferenceKind {
            name: "JoinShortestQueue",
            parameters: &[],
            meaning: "to the node with the fewest jobs",
            build: |_| Ok(Reference::JoinShortestQueue),
        },
        ReferenceKind {
            name: "LeastExpectedCompletion",
            parameters: &[],
            meaning: "to the node where it is expected to end first, from loads, slots, speeds and mean service times",
            build: |_| Ok(Reference::LeastExpectedCompletion),
        },
        ReferenceKind {
            name: "MostLikelyInTime",
            parameters: &[],
            meaning: "to the node where it is most likely to be in time",
            build: |_| Ok(Reference::MostLikelyInTime),
        },
        ReferenceKind {
            name: "Optimum",
            parameters: &[],
            meaning: "the best that a dispatcher can do who sees all nodes, by dynamic programming; small clusters only",
            build: |_| Ok(Reference::Optimum),
        },
        ReferenceKind {
            name: "PolicyImprovement",
            parameters: &[PROBES],
            meaning: "to the node where its chance to be in time exceeds its harm to later jobs most; rejected if nowhere",
            build: |values| Ok(Reference::PolicyImprovement { probes: values.u32(PROBES.name)? }),
        },
    ];

    /// The kind of this name.
    pub fn find(name: &str) -> Option<&'static ReferenceKind> {
        const ALL: &[ReferenceKind] = &ReferenceKind::ALL;
        ALL.iter().find(|kind| kind.name == name)
    }

    /// A policy from its form with texts only.
    ///
    /// # Errors
    /// Too few parameters, a bad value, an unknown `key=value` option.
    pub fn from_wire(&self, parameters: &[String]) -> Result<Reference, PolicyError> {
        self.build(Values::from_wire(self.name, self.parameters, parameters)?)
    }

    /// A policy from parameters by name, with defaults for those left out.
    ///
    /// # Errors
    /// A bad value, an unknown parameter.
    pub fn from_typed(&self, parameters: &BTreeMap<String, String>) -> Result<Reference, PolicyError> {
        self.build(Values::from_typed(self.parameters, parameters))
    }

    fn build(&self, mut values: Values) -> Result<Reference, PolicyError> {
        let reference = (self.build)(&mut values)?;
        values.finish()?;
        Ok(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_name_built_with_its_defaults_and_named_the_same() {
        for kind in &ReferenceKind::ALL {
            let reference = ReferenceKind::find(kind.name).unwrap().from_typed(&BTreeMap::new()).unwrap();
            let descriptor = reference.descriptor();
            assert_eq!(descriptor.name, kind.name);
            assert_eq!(kind.from_wire(&descriptor.parameters), Ok(reference));
        }
        assert!(ReferenceKind::find("NoScheduler").is_none());
    }

    #[test]
    fn parameters_that_do_not_exist_or_are_not_right_are_refused() {
        let kind = ReferenceKind::find("PolicyImprovement").unwrap();
        let typed = |key: &str, value: &str| kind.from_typed(&BTreeMap::from([(key.into(), value.into())]));
        assert_eq!(typed("probes", "3"), Ok(Reference::PolicyImprovement { probes: 3 }));
        assert!(matches!(typed("probes", "many"), Err(PolicyError::BadValue { .. })));
        assert!(matches!(typed("fan_out", "3"), Err(PolicyError::UnknownParameter { .. })));
        assert!(matches!(kind.from_wire(&[]), Err(PolicyError::TooFewParameters { .. })));
    }
}
