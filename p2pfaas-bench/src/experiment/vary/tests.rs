use super::*;

fn values_of(text: &str) -> Vec<String> {
    let vary: Vary = text.parse().unwrap();
    vary.values.into_iter().map(|Choice(text)| text).collect()
}

#[test]
fn ranges_become_the_values_that_they_mean() {
    for (range, values) in [
        ("1,2,5", &["1", "2", "5"][..]),
        ("0.5..1.0/6", &["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]),
        ("1..5", &["1", "2", "3", "4", "5"]),
        ("-1..1", &["-1", "0", "1"]),
        ("1..10/4", &["1", "4", "7", "10"]),
        ("1..2/3", &["1.0", "1.5", "2.0"]),
        ("1..3,8, 20..30/2", &["1", "2", "3", "8", "20", "30"]),
        ("1e-3..3e-3/3", &["0.001", "0.002", "0.003"]),
        ("poisson,deterministic", &["poisson", "deterministic"]),
        ("true,false", &["true", "false"]),
        ("[1,2],[3]", &["[1,2]", "[3]"]),
        ("{kind=\"a\",mean_s=1},{kind=\"b,c\"}", &["{kind=\"a\",mean_s=1}", "{kind=\"b,c\"}"]),
        ("../a.csv,\"x,y\"", &["../a.csv", "\"x,y\""]),
    ] {
        assert_eq!(values_of(&format!("a.b={range}")), values, "{range}");
    }
}

#[test]
fn a_range_that_cannot_be_understood_is_refused_with_what_would_be_right() {
    for (text, part) in [
        ("traffic.rate", "there is no =; expected KEY=1,2,5"),
        ("rate=1,2", "\"rate\" is not a key within a table; expected a path"),
        ("traffic..rate=1", "\"traffic..rate\" is not a key"),
        ("a.b=1,,2", "a value is empty"),
        ("a.b=", "a value is empty"),
        ("a.b=5..1", "5..1 does not go up"),
        ("a.b=1..1", "1..1 does not go up"),
        ("a.b=0.5..1.0", "0.5..1.0 does not say how many values; expected their number behind a slash"),
        ("a.b=0..1/1", "at least 2 values"),
        ("a.b=0..1/x", "at least 2 values"),
        ("a.b=1..1000000000000", "too many values; expected at most 10000"),
        ("a.b=1,2,1", "1 is there twice; expected each value once"),
        ("a.b=[1,2", "a bracket or a quote without its other"),
    ] {
        let error = text.parse::<Vary>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_key_is_split_at_dots_that_are_not_quoted() {
    let path = |key: &str| format!("{key}=1").parse::<Vary>().unwrap().path;
    assert_eq!(path("policy.power of two.threshold"), ["policy", "power of two", "threshold"]);
    assert_eq!(path("policy.\"v1.2\".threshold"), ["policy", "v1.2", "threshold"]);
}

#[test]
fn values_have_the_type_that_they_look_like() {
    let toml = |text: &str| Choice(text.into()).to_toml();
    assert!(toml("1").is_integer() && toml("1.0").is_float() && toml("true").is_bool());
    assert_eq!(toml("ring").as_str(), Some("ring"));
    assert_eq!(toml("\"1\"").as_str(), Some("1"));
    assert_eq!(toml("../a.csv").as_str(), Some("../a.csv"));
    assert_eq!(toml("[1, 2]").as_array().map(toml_edit::Array::len), Some(2));
    assert_eq!((Choice("1e3".into()).number(), Choice("ring".into()).number()), (Some(1000.0), None));
}
