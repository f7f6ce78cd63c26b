//! Which part of a sweep is whose, when several machines share it.

use std::str::FromStr;

/// Every `count`-th point, beginning with number `index` from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// `--shard` as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardChoice {
    /// `i/n`.
    Given(Shard),
    /// `auto` or `auto/n`: the environment says which one.
    Auto {
        /// How many there are, if the environment does not say it.
        count: Option<usize>,
    },
}

/// A shard that cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--shard: {reason}; expected {expected}")]
pub struct ShardError {
    reason: String,
    expected: &'static str,
}

const FORM: &str = "I/N with I from 1 to N, as in 2/8; or auto, or auto/N";

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// Whether a point is one of its own.
    pub fn has(self, point: usize) -> bool {
        point % self.count == self.index
    }
}

impl FromStr for ShardChoice {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<ShardChoice, ShardError> {
        let refused = || ShardError { reason: format!("\"{text}\" is not possible"), expected: FORM };
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or_else(refused);
        match text.split_once('/') {
            None if text == "auto" => Ok(ShardChoice::Auto { count: None }),
            Some(("auto", count)) => Ok(ShardChoice::Auto { count: Some(number(count)?) }),
            Some((index, count)) => {
                let (index, count): (usize, usize) = (number(index)?, number(count)?);
                if index > count {
                    return Err(refused());
                }
                Ok(ShardChoice::Given(Shard { index: index - 1, count }))
            }
            None => Err(refused()),
        }
    }
}

impl ShardChoice {
    /// The shard; `variable` reads the environment, in which a Slurm array task or a pod of an indexed
    /// Kubernetes Job finds its number. Kubernetes does not tell how many there are.
    ///
    /// # Errors
    /// The environment does not say it.
    pub fn resolve(self, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
        let count = match self {
            ShardChoice::Given(shard) => return Ok(shard),
            ShardChoice::Auto { count } => count,
        };
        let number = |name: &str| variable(name).and_then(|text| text.trim().parse::<usize>().ok());
        let slurm = || {
            let task = number("SLURM_ARRAY_TASK_ID")?;
            // Arrays begin anywhere and may have gaps between their numbers: --array=10-40:10.
            let offset = task.checked_sub(number("SLURM_ARRAY_TASK_MIN")?)?;
            let step = number("SLURM_ARRAY_TASK_STEP").filter(|step| *step > 0).unwrap_or(1);
            Some((offset / step, number("SLURM_ARRAY_TASK_COUNT")))
        };
        let kubernetes = || Some((number("JOB_COMPLETION_INDEX")?, None));
        let refused = |reason: &str, expected| Err(ShardError { reason: reason.into(), expected });
        let Some((index, told)) = slurm().or_else(kubernetes) else {
            return refused(
                "neither SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_MIN nor JOB_COMPLETION_INDEX are set",
                "an array task of Slurm, an indexed Job of Kubernetes, or --shard I/N",
            );
        };
        match count.or(told) {
            None => refused(
                "the environment does not tell how many shards there are",
                "--shard auto/N, where N is the number of completions",
            ),
            Some(count) if index < count => Ok(Shard { index, count }),
            Some(count) => refused(
                &format!("this is number {} of {count}", index + 1),
                "a number of shards that is that of the tasks",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, environment: &[(&str, &str)]) -> Result<Shard, String> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_string())
        };
        let choice: ShardChoice = text.parse().map_err(|error: ShardError| error.to_string())?;
        choice.resolve(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn every_point_belongs_to_exactly_one_shard() {
        let shards = ["1/3", "2/3", "3/3"].map(|text| resolve(text, &[]).unwrap());
        for point in 0..20 {
            assert_eq!(shards.iter().filter(|shard| shard.has(point)).count(), 1);
        }
        assert!((0..20).all(|point| Shard::WHOLE.has(point)));
        assert!(shards[0].has(0) && shards[1].has(4));
    }

    #[test]
    fn the_environment_of_slurm_and_of_kubernetes_is_understood() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "30"),
            ("SLURM_ARRAY_TASK_MIN", "10"),
            ("SLURM_ARRAY_TASK_STEP", "10"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
        ];
        assert_eq!(resolve("auto", &slurm), Ok(Shard { index: 2, count: 4 }));
        let kubernetes = [("JOB_COMPLETION_INDEX", "0")];
        assert_eq!(resolve("auto/5", &kubernetes), Ok(Shard { index: 0, count: 5 }));
        assert!(resolve("auto", &kubernetes).unwrap_err().contains("--shard auto/N"));
        assert!(resolve("auto/2", &[("JOB_COMPLETION_INDEX", "2")]).unwrap_err().contains("number 3 of 2"));
        assert!(resolve("auto", &[]).unwrap_err().contains("JOB_COMPLETION_INDEX are set"));
    }

    #[test]
    fn a_shard_that_there_cannot_be_is_refused() {
        for text in ["0/3", "4/3", "1/0", "x/3", "3", "", "auto/0", "-1/3"] {
            assert!(resolve(text, &[]).unwrap_err().contains("as in 2/8"), "{text}");
        }
    }
}
