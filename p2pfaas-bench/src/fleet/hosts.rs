//! The hosts file: one node a line, `host[:port[:discovery port[:learner port]]]`.

use std::path::{Path, PathBuf};

use p2pfaas_node::Address;

/// Nodes of one fleet.
const MAX_HOSTS: usize = 1_024;

/// A fleet's nodes, in the order of the file: the first is node 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<Address>);

/// What is wrong with a hosts file, all at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct HostsError(Vec<String>);

impl Hosts {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or lines of it are not right.
    pub fn load(path: &Path) -> Result<Hosts, HostsError> {
        let text = std::fs::read_to_string(path);
        let text =
            text.map_err(|error| HostsError(vec![format!("{}: cannot be read: {error}", path.display())]))?;
        Hosts::parse(path.to_path_buf(), &text)
    }

    /// Reads the text of a file. Empty lines are left out, and what follows a `#`.
    ///
    /// # Errors
    /// Lines of it are not right.
    pub fn parse(path: PathBuf, text: &str) -> Result<Hosts, HostsError> {
        let mut hosts: Vec<(usize, Address)> = Vec::new();
        let mut wrong = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let place = || format!("{}:{number}", path.display());
            match line.parse::<Address>() {
                Err(error) => wrong.push(format!(
                    "{}: {error}; as in 10.0.0.1, node-3:18080 or [fd00::1]:18080:19000",
                    place()
                )),
                Ok(address) => match hosts.iter().find(|(_, known)| known.is_same_scheduler(&address)) {
                    Some((first, _)) => {
                        wrong.push(format!("{}: {address} stands already in line {first}", place()));
                    }
                    None => hosts.push((number, address)),
                },
            }
        }
        if wrong.is_empty() && !(1..=MAX_HOSTS).contains(&hosts.len()) {
            let count = hosts.len();
            wrong.push(format!("{}: {count} hosts; expected 1 to {MAX_HOSTS}, one a line", path.display()));
        }
        match wrong.is_empty() {
            true => Ok(Hosts(hosts.into_iter().map(|(_, address)| address).collect())),
            false => Err(HostsError(wrong)),
        }
    }

    /// The nodes.
    pub fn addresses(&self) -> &[Address] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
        let hosts = Hosts::parse("hosts.txt".into(), text).map_err(|error| error.to_string())?;
        Ok(hosts.addresses().iter().map(|host| (host.scheduler(), host.discovery())).collect())
    }

    #[test]
    fn a_line_is_a_host_with_up_to_three_ports() {
        let hosts =
            parse("# the lab\n10.0.0.1\n\n  node-2:81  # by the window\n[fd00::1]:82:91:101\n").unwrap();
        let texts = |(scheduler, discovery): (&str, &str)| (scheduler.to_string(), discovery.to_string());
        let expected = [
            ("10.0.0.1:18080", "10.0.0.1:19000"),
            ("node-2:81", "node-2:19000"),
            ("[fd00::1]:82", "[fd00::1]:91"),
        ];
        assert_eq!(hosts, expected.map(texts));
    }

    #[test]
    fn wrong_lines_are_told_together_with_their_numbers() {
        let error = parse("10.0.0.1\nhttp://10.0.0.2\n10.0.0.1:18080\n10.0.0.3:99999\n").unwrap_err();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 3, "{error}");
        assert!(lines[0].starts_with("hosts.txt:2: expected host[:port"), "{error}");
        assert!(lines[1].starts_with("hosts.txt:3: 10.0.0.1:18080 stands already in line 1"), "{error}");
        assert!(lines[2].starts_with("hosts.txt:4: "), "{error}");
        assert_eq!(parse("# nobody\n").unwrap_err(), "hosts.txt: 0 hosts; expected 1 to 1024, one a line");
        assert!(Hosts::load(Path::new("no/such/file")).unwrap_err().to_string().contains("cannot be read"));
    }
}
