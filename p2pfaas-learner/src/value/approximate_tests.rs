//! Tests of what holds for tiles, Fourier and polynomial features alike.

use p2pfaas_core::agent::{Feature, StateSpace};
use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::config::{AgentConfig, ConfigError, ValueKind};

const KINDS: [ValueKind; 3] = [ValueKind::Tiles, ValueKind::Fourier, ValueKind::Polynomial];

fn config(value: ValueKind) -> AgentConfig {
    let bounds = vec![[0.0, 10.0], [-1.0, 1.0]];
    AgentConfig { value, bounds, tile_weights: 512, initial: 0.5, ..AgentConfig::default() }
}

fn made(config: &AgentConfig, space: Option<&StateSpace>) -> Result<Value, ConfigError> {
    Value::new(config, space, &mut Xoshiro256PlusPlus::seed_from_u64(1))
}

fn values(value: &Value, state: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    value.values(state, &mut out);
    out
}

fn space(ranges: &[(f64, f64)]) -> StateSpace {
    let feature = |(low, high): &(f64, f64)| Feature { name: "x".into(), low: *low, high: *high };
    StateSpace { encoder: "test".into(), features: ranges.iter().map(feature).collect() }
}

#[test]
fn without_bounds_the_error_says_to_give_them() {
    for kind in KINDS {
        let config = AgentConfig { bounds: Vec::new(), ..config(kind) };
        let error = made(&config, None).unwrap_err();
        assert!(matches!(&error, ConfigError::Mismatch(text) if text.contains("give `bounds`")), "{error}");
        assert!(made(&config, Some(&space(&[(0.0, 4.0)]))).is_ok(), "the policy declares them");
        assert!(made(&config, Some(&space(&[(4.0, 4.0)]))).is_err(), "an empty range");
        assert!(made(&config, Some(&space(&[(0.0, f64::INFINITY)]))).is_err(), "an endless range");
    }
}

#[test]
fn too_many_features_are_refused_with_their_number() {
    for kind in [ValueKind::Fourier, ValueKind::Polynomial] {
        let mut config = AgentConfig { bounds: vec![[0.0, 1.0]; 6], order: 3, ..config(kind) };
        assert!(made(&config, None).is_ok(), "4^6 = 4096 features");
        config.order = 4;
        let error = made(&config, None).unwrap_err().to_string();
        assert!(error.contains("5^6") && error.contains("4096"), "{error}");
        config.bounds = vec![[0.0, 1.0]; 200];
        assert!(made(&config, None).is_err());
    }
    let config = AgentConfig { bounds: vec![[0.0, 1.0]; 200], ..config(ValueKind::Tiles) };
    assert!(made(&config, None).is_ok(), "tiles do not mind many numbers");
}

#[test]
fn every_step_brings_a_value_nearer_to_its_target() {
    for kind in KINDS {
        let mut value = made(&config(kind), None).unwrap();
        let state = [3.0, 0.25];
        assert_eq!(values(&value, &state), [0.5, 0.5], "initial");
        for _ in 0..500 {
            let before = (2.0 - value.value(&state, 1)).abs();
            let error = value.correct(&state, 1, 2.0, 0.1);
            assert!((error.abs() - before).abs() < 1e-9, "δ is what it was off");
            assert!((2.0 - value.value(&state, 1)).abs() <= before, "{kind:?} goes away from its target");
        }
        assert!((value.value(&state, 1) - 2.0).abs() < 0.05, "{kind:?}: {}", value.value(&state, 1));
        assert_eq!(value.value(&state, 0), 0.5, "the other action is left alone");
        assert!((values(&value, &state)[1] - value.value(&state, 1)).abs() < 1e-12);
    }
}

#[test]
fn one_full_step_of_tiles_reaches_its_target() {
    let mut value = made(&config(ValueKind::Tiles), None).unwrap();
    value.correct(&[3.0, 0.25], 0, 7.0, 1.0);
    assert!((value.value(&[3.0, 0.25], 0) - 7.0).abs() < 1e-12, "the step is divided by the tilings");
}

#[test]
fn correcting_is_reading_and_updating() {
    for kind in KINDS {
        let (mut one, mut other) = (made(&config(kind), None).unwrap(), made(&config(kind), None).unwrap());
        for step in 0..50 {
            let state = [f64::from(step % 11), f64::from(step % 3) - 1.0];
            let error = one.correct(&state, 0, 1.0, 0.1);
            let amount = 0.1 * (1.0 - other.value(&state, 0));
            other.update(&state, 0, amount);
            assert!((amount - 0.1 * error).abs() < 1e-12);
            assert!((one.value(&state, 0) - other.value(&state, 0)).abs() < 1e-12);
        }
    }
}

#[test]
fn what_is_learned_spreads_to_near_states_and_not_to_far_ones() {
    let mut tiles = made(&config(ValueKind::Tiles), None).unwrap();
    (0..100).for_each(|_| _ = tiles.correct(&[3.0, 0.0], 0, 1.5, 0.2));
    let near = tiles.value(&[3.2, 0.0], 0);
    assert!(near > 1.0 && near <= 1.5, "{near}");
    assert_eq!(tiles.value(&[9.0, 0.0], 0), 0.5);
}

#[test]
fn states_that_are_no_numbers_count_as_a_bound() {
    for kind in KINDS {
        let mut value = made(&config(kind), None).unwrap();
        let beyond = [(f64::NAN, 0.0), (f64::INFINITY, 10.0), (f64::NEG_INFINITY, 0.0), (1e300, 10.0)];
        for (number, bound) in beyond {
            value.correct(&[number, 0.0], 0, 1.0, 0.5);
            assert_eq!(value.value(&[number, 0.0], 0), value.value(&[bound, 0.0], 0));
        }
        value.correct(&[1.0], 0, 1.0, 0.5);
        value.correct(&[1.0, 0.0, 5.0], 0, f64::NAN, 0.5);
        value.update(&[1.0, 0.0], 0, f64::INFINITY);
        for x in [0.0, 1.0, 10.0] {
            assert!(value.value(&[x, 0.0], 0).is_finite(), "{kind:?}");
        }
        assert_eq!(value.value(&[1.0, 0.0], 7), value.value(&[9.0, 1.0], 7), "an action that is not there");
    }
}

#[test]
fn tiles_share_weights_only_when_all_are_given_away() {
    let config = AgentConfig { tile_weights: 16, tilings: 8, ..config(ValueKind::Tiles) };
    let mut value = made(&config, None).unwrap();
    value.correct(&[0.0, -1.0], 0, 9.0, 1.0);
    value.correct(&[10.0, 1.0], 0, -9.0, 1.0);
    assert!((value.value(&[0.0, -1.0], 0) - 9.0).abs() < 1e-9, "eight tiles each");
    value.correct(&[5.0, 0.0], 0, 3.0, 1.0);
    assert!(value.value(&[5.0, 0.0], 0).is_finite());
    assert_ne!(value.value(&[5.0, 0.0], 0), 0.5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn publishing_into_an_earlier_copy_equals_a_clone(
        steps in proptest::collection::vec((0_u32..100, 0_usize..6, any::<bool>(), any::<bool>()), 1..60)
    ) {
        for kind in KINDS {
            let mut value = made(&config(kind), None).unwrap();
            let mut published = value.clone();
            for (number, action, grow, publish) in &steps {
                let state = [f64::from(*number) / 10.0, 0.0];
                if *grow {
                    value.grow(*action);
                }
                value.correct(&state, action % value.actions(), 1.0, 0.5);
                if *publish {
                    value.publish(&mut published);
                    let back: Value = postcard::from_bytes(&postcard::to_allocvec(&value).unwrap()).unwrap();
                    for number in 0..100 {
                        let state = [f64::from(number) / 10.0, 0.0];
                        assert_eq!(values(&value, &state), values(&published, &state));
                        assert_eq!(values(&value, &state), values(&back, &state), "stored and read again");
                    }
                }
            }
        }
    }
}

#[test]
fn fourier_features_are_the_cosines_of_sums() {
    let config =
        AgentConfig { bounds: vec![[0.0, 1.0]; 3], order: 2, initial: 0.0, ..config(ValueKind::Fourier) };
    let mut fourier = Fourier::fourier(&config, None).unwrap();
    let (state, mut features) = ([0.3, 0.8, 0.55], Vec::new());
    fourier.active(&state, &mut features);
    for (feature, x) in features {
        let powers = [feature % 3, feature / 3 % 3, feature / 9].map(f64::from);
        let sum: f64 = powers.iter().zip(&state).map(|(c, s)| c * s).sum();
        assert!((x - (std::f64::consts::PI * sum).cos()).abs() < 1e-12);
        let norm = powers.iter().map(|c| c * c).sum::<f64>().sqrt();
        fourier.add(feature, 0, 1.0);
        let step = if norm > 0.0 { 1.0 / norm } else { 1.0 };
        assert!((fourier.value(&state, 0) - step * x).abs() < 1e-12, "Konidaris' step for {powers:?}");
        fourier.add(feature, 0, -1.0);
    }
}
