//! The configurations that come with the project.

use super::node;

#[test]
fn that_of_the_debian_package_is_right_and_stays_on_this_machine() {
    let text = include_str!("../../../../deploy/debian/node.toml");
    let loaded =
        node(&["--config=node.toml"], &[("P2PFAAS_DATA", "/var/lib/p2pfaas")], &[("node.toml", text)]);
    assert!(loaded.settings.listen.ip().is_loopback());
    assert_eq!(loaded.warnings, [""; 0]);
}

#[test]
fn what_it_suggests_for_a_cluster_is_right() {
    let text = include_str!("../../../../deploy/debian/node.toml");
    let alone = "listen = \"127.0.0.1:18080\"\n#";
    assert!(text.contains(alone));
    let text = text.replace(alone, "").replace("\n#machine", "\nmachine").replace("\n#cluster", "\ncluster");
    let text = text.replace("\n#tokens", "\ntokens").replace("\n#join", "\njoin");
    let key = "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let secrets = [("CLUSTER_KEY", key), ("TOKENS", "configure,learn 0123456789abcdef0123456789abcdef")];
    let loaded = node(&["--config=node.toml"], &secrets, &[("node.toml", &text)]);
    assert_eq!(loaded.settings.join, ["10.0.0.3", "10.0.0.4"]);
    assert!(!loaded.settings.listen.ip().is_loopback());
}

#[test]
fn that_of_the_kubernetes_manifests_is_right_where_it_is_mounted() {
    let files = [
        ("/etc/p2pfaas/node.toml", include_str!("../../../../deploy/kubernetes/node.toml")),
        ("/etc/p2pfaas/secrets/cluster-key", "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("/etc/p2pfaas/secrets/tokens", "configure,learn 0123456789abcdef0123456789abcdef"),
        ("/etc/p2pfaas/openfaas/basic-auth-user", "admin"),
        ("/etc/p2pfaas/openfaas/basic-auth-password", "secret"),
    ];
    // As the image and the DaemonSet set them.
    let variables = [
        ("P2PFAAS_LISTEN", "0.0.0.0:18080"),
        ("P2PFAAS_DISCOVERY_LISTEN", "0.0.0.0:19000"),
        ("P2PFAAS_LEARNER_LISTEN", "0.0.0.0:19020"),
        ("P2PFAAS_DATA", "/data"),
        ("P2PFAAS_MACHINE_ID", "machine-1"),
        ("P2PFAAS_MACHINE_IP", "10.1.0.7"),
    ];
    let loaded = node(&["--config=/etc/p2pfaas/node.toml"], &variables, &files);
    assert_eq!(loaded.settings.join, ["p2pfaas-nodes"]);
    assert_eq!(loaded.warnings, [""; 0]);
}
