//! The program itself: exit codes, and what it prints where.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_p2pfaas-node"));
    // What the tests run in must not configure the node.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("P2PFAAS_") {
            program.env_remove(name);
        }
    }
    program
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program().args(arguments).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn help_and_version_go_to_standard_output_with_exit_code_0() {
    let (code, help, errors) = output(&["--help"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(help.starts_with("One node of a P2PFaaS cluster"), "{help}");
    let (code, version, _) = output(&["--version"]);
    assert_eq!((code, version), (Some(0), format!("p2pfaas-node {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_wrong_configuration_is_exit_code_2_and_all_of_it_is_told() {
    let (code, out, errors) = output(&["--slots=x", "--quee=1"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let expected = "p2pfaas-node: the configuration has 2 problems:
  --quee (command line): expected a known flag; did you mean --queue?; found --quee
  slots (flag --slots): expected a whole number from 1 to 65536; found \"x\"
Nothing was started; --help explains all keys.
";
    assert_eq!(errors, expected);
}

#[cfg(unix)]
#[test]
fn a_node_that_is_told_to_stop_ends_with_exit_code_0() {
    let everything = ["--listen=127.0.0.1:0", "--discovery-listen=none", "--learner-listen=none"];
    let function = ["--function", "echo=builtin:echo", "--log-format=json", "--seed=7"];
    let mut node = program().args(everything).args(function).stderr(Stdio::piped()).spawn().expect("starts");
    let mut log = BufReader::new(node.stderr.take().expect("piped"));
    let mut seen = String::new();
    while !seen.contains("\"listening\"") {
        assert_ne!(log.read_line(&mut seen).expect("UTF-8"), 0, "it ended: {seen}");
    }
    assert!(seen.contains("\"seed\":7") && seen.contains("builtin:echo"), "{seen}");

    let told = Command::new("kill").args(["-TERM", &node.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let status = node.wait().expect("ends");
    log.read_to_string(&mut seen).expect("UTF-8");
    assert_eq!(status.code(), Some(0), "{seen}");
    assert!(seen.contains("\"stopped\""), "{seen}");
}

#[cfg(unix)]
#[test]
fn systemd_is_told_that_a_node_is_ready_lives_and_stops_and_its_health_can_be_asked_meanwhile() {
    use std::os::unix::net::UnixDatagram;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).expect("a socket");
    systemd.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a timeout");
    let heard = || {
        let mut message = [0; 256];
        let length = systemd.recv(&mut message).expect("a message within 30 s");
        String::from_utf8_lossy(&message[..length]).trim().to_string()
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let listen = format!("--listen={}", free.expect("a free port"));
    let health = || program().args([&listen, "--health"]).output().expect("runs").status.code();
    assert_eq!(health(), Some(1));

    let mut node = program()
        .args([&listen, "--discovery-listen=none", "--learner-listen=none", "--log=off"])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "20000")
        .spawn()
        .expect("starts");
    assert_eq!(heard(), "READY=1");
    assert_eq!(heard(), "WATCHDOG=1");
    assert_eq!(heard(), "WATCHDOG=1");
    assert_eq!(health(), Some(0));
    let told = Command::new("kill").args(["-TERM", &node.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let mut last = heard();
    while last == "WATCHDOG=1" {
        last = heard();
    }
    assert_eq!(last, "STOPPING=1");
    assert_eq!(node.wait().expect("ends").code(), Some(0));
    assert_eq!(health(), Some(1));
}
