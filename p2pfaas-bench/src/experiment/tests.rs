use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_learner::{AgentConfig, Learner};

use super::*;
use crate::testing::{experiment, parse};

/// The file of the manual, with only what an embedded cluster can do.
const GOOD: &str = r#"
[cluster]
nodes = 3
slots = 3
queue = 0
speed = 2
[network]
latency_ms = 0.0
topology = "full"
[traffic]
kind = "poisson"
rate = 10.0
[[jobs]]
name = "image-a"
share = 0.4
function = "pigo"
payload = "sample:160"
service = { kind = "exponential", mean_s = 0.18 }
deadline_s = 0.25
[[jobs]]
share = 0.6
function = "echo"
service = { kind = "gamma", mean_s = 0.2, sd_s = 0.1 }
[[policy]]
name = "PowerOfNScheduler"
parameters = ["1", "2", "true", "1"]
label = "pow-2"
[[policy]]
name = "PowerOfNScheduler"
fan_out = 2
threshold = 3
[run]
warmup_s = 30
duration_s = 300
seeds = [1, 2, 3]
"#;

/// Changes one line of the good file and returns what is said about it.
fn complaint(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    parse(&GOOD.replacen(from, to, 1)).expect_err("must be refused").to_string()
}

#[test]
fn a_good_file_resolves_with_defaults() {
    let experiment = experiment(GOOD);
    assert_eq!(experiment.name, "test");
    assert_eq!(experiment.nodes.len(), 3);
    let given = Given { slots: true, queue: true };
    let node = NodeSpec { slots: 3, queue: 0, speed: 2.0, given, ..NodeSpec::default() };
    assert_eq!(experiment.nodes[2], node);
    assert_eq!(experiment.traffic[0].rates, [10.0; 3]);
    assert_eq!(experiment.jobs[0].payload, PayloadSpec::Sample(160));
    assert_eq!(experiment.jobs[0].service, Some(Service::Exponential { mean_s: 0.18 }));
    assert_eq!(experiment.jobs[1].name, "job-1");
    assert_eq!(experiment.jobs[1].service, Some(Service::Gamma { mean_s: 0.2, cv: 0.5 }));
    assert_eq!(experiment.jobs[1].deadline_s, None);
    assert_eq!(experiment.seeds, [1, 2, 3]);
    assert_eq!(experiment.functions(), ["echo", "pigo"]);
    assert!((experiment.horizon_s() - 330.0).abs() < 1e-9);
}

#[test]
fn only_what_is_due_between_warm_up_and_cool_down_is_measured() {
    let experiment = experiment(&GOOD.replacen("warmup_s = 30", "warmup_s = 30\ncooldown_s = 5", 1));
    assert_eq!((experiment.measured_s(), experiment.horizon_s()), (30.0..330.0, 335.0));
    let phases = [-0.1, 29.9, 30.0, 329.9, 330.0].map(|at_s| experiment.phase(at_s).name());
    assert_eq!(phases, ["training", "warmup", "measured", "measured", "cooldown"]);
    let counted = [20.0, 31.0, 333.0].map(|ended_s| experiment.counted_s(ended_s));
    assert_eq!(counted, [0.0, 1.0, 300.0]);
    let error = complaint("warmup_s = 30", "cooldown_s = -1");
    assert!(error.contains("run.cooldown_s: -1 is not possible; expected seconds, 0 or more"), "{error}");
}

#[test]
fn a_policy_can_be_written_in_the_form_of_the_wire_and_by_name() {
    let policies = experiment(GOOD).policies;
    assert_eq!(policies[0].label, "pow-2");
    assert_eq!(policies[0].descriptor, Descriptor::new("PowerOfNScheduler", ["1", "2", "true", "1"]));
    assert_eq!(policies[1].descriptor, Descriptor::new("PowerOfNScheduler", ["2", "3", "true", "1"]));
    assert_eq!(policies[1].label, "PowerOfNScheduler(2, 3, true, 1)");
}

#[test]
fn node_tables_take_what_they_leave_out_from_the_cluster() {
    let experiment = experiment(&GOOD.replacen(
        "nodes = 3\nslots = 3\nqueue = 0\nspeed = 2",
        "slots = 7\n[[cluster.node]]\nspeed = 0.5\n[[cluster.node]]\nslots = 2\nqueue = 1\ndeadline_aware = true",
        1,
    ));
    let given = Given { slots: true, queue: false };
    let first = NodeSpec { slots: 7, queue: 4, speed: 0.5, given, ..NodeSpec::default() };
    let given = Given { slots: true, queue: true };
    let second = NodeSpec { slots: 2, queue: 1, deadline_aware: true, given, ..NodeSpec::default() };
    assert_eq!(experiment.nodes, [first, second]);
}

#[test]
fn each_problem_names_its_line_its_key_its_reason_and_what_was_expected() {
    assert_eq!(
        complaint("rate = 10.0", "rate = -10.0"),
        "test.toml:12: traffic.rate: -10.0 is not possible; expected jobs per second and node, 0 or more"
    );
    assert_eq!(
        complaint("slots = 3", "slot = 3"),
        "test.toml:4: cluster.slot: unknown key (did you mean \"slots\"?); \
         expected one of nodes, job_timeout_s, slots, queue, speed, deadline_aware, discipline, functions, \
         mtbf_s, mttr_s, joins_s, leaves_s, detect_s, idle_timeout_s, cold_start_s, max_instances, node"
    );
    assert_eq!(
        complaint("share = 0.6", "share = 0.5"),
        "test.toml:21: jobs[1].share: all shares add up to 0.9; expected shares that add up to 1"
    );
}

#[test]
fn wrong_values_are_refused() {
    for (from, to, part) in [
        ("nodes = 3", "nodes = 0", ":3: cluster.nodes: 0 is not possible; expected a number of nodes"),
        ("nodes = 3", "nodes = \"3\"", ":3: cluster.nodes: \"3\" is not right; expected a whole number"),
        ("slots = 3", "slots = 0", ":4: cluster.slots: 0 is not possible; expected jobs run at once"),
        ("queue = 0", "queue = -1", ":5: cluster.queue: -1 is not right; expected a whole number, 0 or more"),
        ("speed = 2", "speed = 0", "cluster.speed: 0 is not possible"),
        ("speed = 2", "speed = nan", "cluster.speed: nan is not possible"),
        ("kind = \"poisson\"", "kind = \"poison\"", "unknown value \"poison\" (did you mean \"poisson\"?)"),
        ("rate = 10.0", "rate = 0", "no node has any traffic"),
        ("rate = 10.0", "rates = [1, 2]", "2 rates for 3 nodes; expected one rate a node"),
        ("rate = 10.0", "rates = [1, -2, 3]", "the rate of node 1 is not possible"),
        ("rate = 10.0", "rate = 1e9", "jobs in one run are too many"),
        ("share = 0.4", "share = 1.4", "jobs[0].share: 1.4 is not possible"),
        ("function = \"pigo\"", "function = \"pgio\"", "unknown function \"pgio\" (did you mean \"pigo\"?)"),
        ("\"sample:160\"", "\"sample:1\"", "jobs[0].payload: \"sample:1\" is not possible"),
        ("\"sample:160\"", "\"file:gone.jpg\"", "jobs[0].payload: gone.jpg cannot be read"),
        ("\"exponential\"", "\"exponental\"", "unknown kind \"exponental\" (did you mean \"exponential\"?)"),
        ("mean_s = 0.18", "mean = 0.18", "jobs[0].service.mean_s: missing"),
        ("mean_s = 0.18", "mean_s = -1", "jobs[0].service.mean_s: -1 is not possible"),
        ("mean_s = 0.18", "mean_s = 1, cv = 2", "exponential service times have no such parameter"),
        ("sd_s = 0.1", "", "gamma service times need a spread; expected either sd_s or cv"),
        ("deadline_s = 0.25", "deadline_s = 0", "jobs[0].deadline_s: 0 is not possible"),
        (
            "name = \"PowerOfNScheduler\"",
            "name = \"PowerOfN\"",
            "policy[0].name: unknown policy \"PowerOfN\" (did you mean",
        ),
        ("[\"1\", \"2\", \"true\", \"1\"]", "[\"1\"]", "PowerOfNScheduler has 4 parameters, here are 1"),
        ("[\"1\", \"2\", ", "[\"one\", \"2\", ", "policy[0].parameters: fan_out cannot be \"one\""),
        ("fan_out = 2", "fanout = 2", "has no parameter \"fanout\" (did you mean \"fan_out\"?)"),
        ("fan_out = 2", "fan_out = -2", ":30: policy[1].fan_out: fan_out cannot be \"-2\""),
        ("fan_out = 2", "parameters = [\"1\"]", "both as a list and by name"),
        ("fan_out = 2", "label = \"pow-2\"", "the label \"pow-2\" is empty or taken"),
        ("duration_s = 300", "", "run.duration_s: missing"),
        ("duration_s = 300", "duration_s = 0", "run.duration_s: 0 is not possible"),
        ("warmup_s = 30", "warmup_s = -1", "run.warmup_s: -1 is not possible"),
        ("seeds = [1, 2, 3]", "seeds = [1, 1]", "run.seeds: [1, 1] is not possible"),
        ("seeds = [1, 2, 3]", "seeds = []", "1 to 1000 different seeds"),
        ("[run]", "[runs]", "unknown key (did you mean \"run\"?)"),
        ("rate = 10.0", "rate = ", "not TOML"),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(part), "{to}: {complaint}");
        assert!(complaint.starts_with("test.toml"), "{complaint}");
    }
}

/// The good file with a policy that learns.
fn learning(agent: &str, reward: &str) -> String {
    let policy = format!(
        "[[policy]]\nname = \"LearningScheduler\"\nlabel = \"learned\"\n\
         [policy.agent]\n{agent}\n[policy.reward]\n{reward}\n[run]"
    );
    GOOD.replacen("[run]", &policy, 1)
}

#[test]
fn an_agent_is_told_its_parameters_and_what_it_learns_for() {
    let text = learning("train_s = 60\nalpha = 0.05\nrule = \"sarsa\"\nhidden = [8, 8]", "in_time = 2");
    let policy = experiment(&text).policies.remove(2);
    let agent = policy.agent.as_ref().unwrap();
    let config = agent.config.as_ref().unwrap();
    assert_eq!((config.alpha, config.rule.name(), &config.hidden[..]), (0.05, "sarsa", &[8, 8][..]));
    assert_eq!((agent.train_s, agent.frozen, agent.keep_learning), (60.0, false, false));
    assert_eq!((policy.train_s(), policy.learns(), policy.reward.in_time), (60.0, true, 2.0));
    assert_eq!(experiment(GOOD).policies[0].agent, None);

    let policy = experiment(&learning("frozen = true", "")).policies.remove(2);
    assert!(policy.agent.as_ref().unwrap().frozen && !policy.learns());
    assert_eq!(policy.reward, Reward::default());
}

#[test]
fn wrong_agents_and_rewards_are_refused_with_their_lines() {
    // The first line of the agent is 36, of the reward 38 where the agent has one.
    for (agent, reward, part) in [
        ("train_s = 60\nalhpa = 0.05", "", ":37: policy[2].agent.alhpa: an agent has no such parameter"),
        ("train_s = -1", "", ":36: policy[2].agent.train_s: -1 is not possible; expected seconds"),
        ("train_s = 60\nalpha = \"much\"", "", ":37: policy[2].agent.alpha:"),
        ("train_s = 60\nalpha = { a = 1 }", "", ":37: policy[2].agent.alpha: not right"),
        ("alpha = 0.1", "", ":35: policy[2].agent: these agents know nothing and would never learn"),
        ("frozen = true\ntrain_s = 60", "", ":36: policy[2].agent.frozen: a frozen agent does not learn"),
        ("checkpoint = \"no/such.ckpt\"", "", ":36: policy[2].agent.checkpoint: no/such.ckpt: "),
        (
            "train_s = 60",
            "on_time = 2",
            ":38: policy[2].reward.on_time: unknown key (did you mean \"in_time\"?); expected one of",
        ),
        ("train_s = 60", "in_time = \"yes\"", ":38: policy[2].reward.in_time: invalid type"),
        ("train_s = 1e9", "", "jobs in one run are too many"),
    ] {
        let complaint = parse(&learning(agent, reward)).expect_err("must be refused").to_string();
        assert!(complaint.contains(part), "{agent}, {reward}: {complaint}");
    }
    let text = learning("train_s = 60\nalhpa = 1\ngama = 1", "in_tim = 1");
    assert_eq!(parse(&text).expect_err("must be refused").problems.len(), 3);
}

/// A slip in every table that a file can have, the whole file otherwise right.
#[test]
fn an_unknown_key_is_an_error_with_a_suggestion_in_every_table() {
    let policy = |more: &str| GOOD.replacen("[run]", &format!("[[policy]]\nlabel = \"a\"\n{more}\n[run]"), 1);
    let into = |from: &str, to: &str| GOOD.replacen(from, to, 1);
    for (text, key, near) in [
        (into("[cluster]", "[clutser]"), "clutser", "cluster"),
        (into("nodes = 3", "[[cluster.node]]\nspede = 1"), "cluster.node[0].spede", "speed"),
        (into("latency_ms = 0.0", "probe_los = 0.1"), "network.probe_los", "probe_loss"),
        (into("\"full\"", "{ kind = \"random-regular\", degre = 2 }"), "network.topology.degre", "degree"),
        (into("= 0.0", "= { kind = \"exponential\", mean = 2 }"), "network.latency_ms.mean", "mean_ms"),
        (
            into("latency_ms = 0.0", "bandwidth_mbps = { fiel = \"a\" }"),
            "network.bandwidth_mbps.fiel",
            "file",
        ),
        (
            into("[traffic]", "[[network.partition]]\nform_s = 1\n[traffic]"),
            "network.partition[0].form_s",
            "from_s",
        ),
        (into("rate = 10.0", "rtae = 10.0"), "traffic.rtae", "rate"),
        (into("share = 0.4", "shrae = 0.4"), "jobs[0].shrae", "share"),
        (into("sd_s = 0.1", "std_s = 0.1"), "jobs[1].service.std_s", "sd_s"),
        (
            into("share = 0.6", "traffic = { kind = \"mmpp\", rate = 1, factor = [1] }"),
            "jobs[1].traffic.factor",
            "factors",
        ),
        (into("warmup_s", "warm_up_s"), "run.warm_up_s", "warmup_s"),
        (policy("name = \"NoScheduler\"\nlos = true"), "policy[2].los", "loss"),
        (policy("name = \"PowerOfNScheduler\"\nchoise = \"least-loaded\""), "policy[2].choise", "choice"),
        (policy("name = \"PolicyImprovement\"\nprobe = 3"), "policy[2].probe", "probes"),
        (policy("name = \"LearningScheduler\"\nstat = \"type\""), "policy[2].stat", "state"),
        (
            policy("name = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 1\nalhpa = 1"),
            "policy[2].agent.alhpa",
            "alpha",
        ),
        (
            policy("name = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 1\n[policy.reward]\nin_tiem = 1"),
            "policy[2].reward.in_tiem",
            "in_time",
        ),
    ] {
        let complaint = crate::testing::parse_on(Place::Sim, &text).expect_err("must be refused").to_string();
        let line = complaint.lines().find(|line| line.contains(&format!(": {key}: ")));
        let line = line.unwrap_or_else(|| panic!("{key}: {complaint}"));
        assert!(line.contains(&format!("did you mean \"{near}\"?")), "{line}");
    }
}

#[test]
fn only_a_policy_that_asks_an_agent_has_one() {
    let text = learning("train_s = 60", "in_time = 2").replace("LearningScheduler", "NoScheduler");
    let complaint = parse(&text).expect_err("must be refused").to_string();
    assert_eq!(complaint.matches("NoScheduler asks no agent; expected such a table only where").count(), 2);
}

#[test]
fn an_agent_starts_from_a_checkpoint_of_the_same_parts_one_for_all_or_one_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let config: AgentConfig = serde_json::from_str(r#"{"alpha": 0.25, "rule": "sarsa"}"#).unwrap();
    let agent = Checkpoint { learner: Learner::new(config, None, 1).unwrap(), peers: Vec::new() };
    for node in 0..2 {
        agent.save(&folder.path().join(format!("node{node}.ckpt"))).unwrap();
    }
    let read = |text: &str| {
        let registry = Registry::builtin();
        let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
        Experiment::parse(&folder.path().join("a.toml"), text.into(), Place::Local, &known)
    };
    let start = "checkpoint = \"node{node}.ckpt\"";
    let missing = read(&learning(start, "")).unwrap_err().to_string();
    assert!(missing.contains("node2.ckpt: "), "{missing}");
    agent.save(&folder.path().join("node2.ckpt")).unwrap();
    let policy = read(&learning(start, "")).unwrap().policies.remove(2);
    let spec = policy.agent.as_ref().unwrap();
    assert!(spec.config.is_none() && !policy.learns(), "{spec:?}");
    assert_eq!(spec.checkpoint_of(7), Some(folder.path().join("node7.ckpt")));

    // Keys beside it change only what they name.
    let spec =
        read(&learning(&format!("{start}\ntrain_s = 1\ngamma = 0.5"), "")).unwrap().policies.remove(2).agent;
    let config = spec.unwrap().config.unwrap();
    assert_eq!((config.alpha, config.gamma), (0.25, 0.5));
    let complaint =
        read(&learning(&format!("{start}\nrule = \"expected-sarsa\""), "")).unwrap_err().to_string();
    assert!(
        complaint.contains(
            r#"policy[2].agent.checkpoint: the keys beside it ask for another agent: its rule is "sarsa""#
        ),
        "{complaint}"
    );
}

#[test]
fn labels_become_names_of_files_that_differ() {
    let text = GOOD.replace("label = \"pow-2\"", "label = \"../a b\"");
    let text = text.replace("fan_out = 2", "label = \"/a_b\"\nfan_out = 2");
    let names: Vec<_> = experiment(&text).policies.into_iter().map(|policy| policy.file_name).collect();
    assert_eq!(names, ["_a_b", "_a_b_2"]);
}

#[test]
fn what_an_embedded_cluster_cannot_do_is_refused_and_not_ignored() {
    for (from, to, part) in [
        (
            "latency_ms = 0.0",
            "latency_ms = 5",
            ":8: network.latency_ms: --on local has the network that there is",
        ),
        ("latency_ms = 0.0", "latency_ms = { kind = \"exponential\", mean_ms = 3 }", "network.latency_ms"),
        ("\"full\"", "\"ring\"", "\"ring\" is not available with --on local"),
        ("\"full\"", "\"rnig\"", "unknown value \"rnig\" (did you mean \"ring\"?); expected full"),
        ("queue = 0", "discipline = \"processor-sharing\"", "\"processor-sharing\" is not available"),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(part), "{to}: {complaint}");
    }
}

#[test]
fn a_speed_without_a_service_time_to_divide_is_refused() {
    let text = GOOD.replace("service = { kind = \"gamma\", mean_s = 0.2, sd_s = 0.1 }\n", "");
    let complaint = parse(&text).expect_err("must be refused").to_string();
    assert!(complaint.contains(":20: jobs[1].service: job-1 has no service time"), "{complaint}");
    experiment(&text.replace("speed = 2\n", ""));
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_lines() {
    let text = GOOD
        .replace("slots = 3", "slot = 3")
        .replace("rate = 10.0", "rate = -1")
        .replace("sample:160", "gone.jpg")
        .replace("share = 0.6", "share = 0.5")
        .replace("fan_out = 2", "fan_out = true")
        .replace("seeds = [1, 2, 3]", "seeds = 3");
    let problems = parse(&text).expect_err("must be refused").problems;
    let lines: Vec<_> = problems.iter().filter_map(|problem| problem.line).collect();
    assert_eq!(lines, [4, 12, 17, 21, 30, 35]);
}

#[test]
fn an_empty_file_says_what_is_missing() {
    let complaint = parse("").expect_err("must be refused").to_string();
    for part in ["cluster: missing", "traffic: missing", "run: missing", "0 task types", "0 policies"] {
        assert!(complaint.contains(part), "{complaint}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &[] };
    let problems =
        Experiment::load(Path::new("no/such.toml"), Place::Local, &known).expect_err("must be refused");
    assert!(problems.to_string().starts_with("no/such.toml: cannot be read"), "{problems}");
}
