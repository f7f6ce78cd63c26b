use super::*;
use crate::testing::sweep_file;
use p2pfaas_core::policy::Registry;

fn plan(varies: &[&str]) -> Result<Plan, String> {
    plan_of(sweep_file(), varies)
}

fn plan_of(text: &str, varies: &[&str]) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.toml");
    std::fs::write(&file, text).unwrap();
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let varies = varies.iter().map(|text| text.parse().unwrap()).collect();
    let base = format!("{}/", folder.path().display());
    Plan::new(&file, varies, &known).map_err(|error| error.to_string().replace(&base, ""))
}

#[test]
fn points_are_the_product_and_the_last_key_changes_fastest() {
    let plan = plan(&["traffic.rate=1,2", "cluster.slots=1..3"]).unwrap();
    assert_eq!(plan.points.len(), 6);
    let described: Vec<_> = (0..6).map(|point| plan.product.describe(point)).collect();
    assert_eq!(described[1], "traffic.rate=1, cluster.slots=2");
    assert_eq!(described[5], "traffic.rate=2, cluster.slots=3");
    assert_eq!(described.iter().collect::<BTreeSet<_>>().len(), 6);
    assert_eq!(plan.points[0], PointSize { policies: 2, seeds: 2, virtual_s: 84.0, jobs: 168.0 });
}

/// The file with what it varies itself.
fn varied(own: &str, varies: &[&str]) -> Result<Plan, String> {
    plan_of(&format!("{}{own}", sweep_file()), varies)
}

#[test]
fn a_file_varies_its_own_keys_in_the_order_in_which_they_stand() {
    for own in [
        "[run.vary]\n\"traffic.rate\" = [1, 2.5]\n\"cluster.slots\" = \"1..3\"\n",
        "[run.vary]\ntraffic.rate = [1, 2.5]\ncluster.slots = \"1..3\"\n",
        "vary = { \"traffic.rate\" = [1, 2.5], \"cluster.slots\" = [1, 2, 3] }\n",
        "vary = { traffic.rate = \"1,2.5\", cluster.slots = [1, 2, 3] }\n",
    ] {
        let plan = varied(own, &[]).unwrap();
        assert_eq!(plan.points.len(), 6, "{own}");
        assert_eq!(plan.product.describe(4), "traffic.rate=2.5, cluster.slots=2", "{own}");
    }
    let plan = varied("vary = { policy.pow.threshold = [1, 2], traffic.kind = [\"poisson\"] }\n", &[]);
    assert_eq!(plan.unwrap().product.describe(1), "policy.pow.threshold=2, traffic.kind=\"poisson\"");
}

#[test]
fn the_command_line_replaces_what_the_file_varies_and_adds_to_it() {
    let own = "vary = { traffic.rate = [1, 2], cluster.slots = [1, 2] }\n";
    let plan = varied(own, &["traffic.rate=7", "cluster.queue=0,1"]).unwrap();
    let described: Vec<_> = (0..plan.points.len()).map(|point| plan.product.describe(point)).collect();
    assert_eq!(described.len(), 4);
    assert_eq!(described[3], "traffic.rate=7, cluster.slots=2, cluster.queue=1");
}

#[test]
fn a_point_is_an_experiment_that_varies_nothing() {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let plan = varied("[run.vary]\ntraffic.rate = [1, 2.5]\n", &[]).unwrap();
    let point = plan.experiment(1, &known).unwrap();
    assert_eq!(point.source, sweep_file().replace("rate = 2.0", "rate = 2.5"));
    assert!(point.vary.is_empty());
}

#[test]
fn what_is_wrong_with_what_a_file_varies_is_told_with_its_line() {
    for (own, complaint) in [
        ("vary = { traffic.rate = \"2..1\" }", "tiny.toml:22: run.vary.traffic.rate: 2..1 does not go up"),
        ("vary = { rate = [1] }", "tiny.toml:22: run.vary.rate: \"rate\" is not a key within a table"),
        ("vary = 3", "tiny.toml:22: run.vary: 3 is not right; expected a table"),
        ("vary = { traffic.rate = [] }", "run.vary.traffic.rate: a value is empty"),
        (
            "vary = { traffic.rate = [1], \"traffic.rate\" = [2] }",
            "run.vary.traffic.rate: this key is varied twice; expected each key once",
        ),
        ("vary = { traffic.rat = [1] }", "(did you mean \"rate\"?)"),
        ("vary = { traffic.rate = [1, -1] }", "traffic.rate: -1 is not possible"),
    ] {
        let error = varied(own, &[]).unwrap_err();
        assert!(error.contains(complaint), "{error}");
    }
    let error = varied("vary = { traffic.rate = [1, -1] }", &[]).unwrap_err();
    assert!(error.ends_with("(run.vary traffic.rate=-1)"), "{error}");
}

#[test]
fn a_sweep_of_nothing_is_one_point() {
    assert_eq!(plan(&[]).unwrap().points.len(), 1);
}

#[test]
fn what_is_wrong_names_file_line_key_reason_and_the_vary_to_blame() {
    for (varies, complaint) in [
        (
            &["traffic.rat=1,2"][..],
            "tiny.toml:7: traffic.rat: unknown key (did you mean \"rate\"?); expected one of ",
        ),
        (&["traffic.rate=1,-1"], "tiny.toml:6: traffic.rate: -1 is not possible; expected jobs per second"),
        (&["trafic.rate=1"], "trafic: unknown key (did you mean \"traffic\"?)"),
        (&["policy.power.threshold=1..2"], "policy: there is no [[policy]] \"power\"; expected a number"),
        (&["policy.pow.fan_out=1", "policy.pow.treshold=1"], "no parameter \"treshold\""),
        (&["cluster.slots=0..1"], "cluster.slots: 0 is not possible"),
        (&["traffic.rate=1", "traffic.rate=2"], "--vary traffic.rate=2: this key is varied twice"),
    ] {
        let error = plan(varies).unwrap_err();
        assert!(error.contains(complaint), "{error}");
        assert_eq!(error.lines().count(), 1, "once, not once a point: {error}");
    }
    let blame = |varies: &[&str]| plan(varies).unwrap_err();
    assert!(blame(&["traffic.rate=1,-1"]).ends_with(" (--vary traffic.rate=-1)"));
    let error = blame(&["cluster.nodes=1,2", "traffic.rates=[1,2],[3]"]);
    assert!(error.contains("(--vary traffic.rates=["), "{error}");
}

#[test]
fn too_many_points_are_refused_before_anything_is_made_of_them() {
    let error = plan(&["traffic.rate=1..1000", "cluster.slots=1..1000"]).unwrap_err();
    assert_eq!(error, "1000000 points are too many; expected at most 100000");
}

#[test]
fn keys_are_related_when_one_lies_in_the_other() {
    assert!(related("policy[0].parameters", "policy[0].parameters"));
    assert!(related("jobs[0].service", "jobs[0].service.mean_s") && related("jobs[0].service.cv", "jobs"));
    assert!(!related("traffic.rate", "traffic.rates") && !related("", "run"));
}
