//! Finds the frontal face model that the `rustface` package carries, so that the crate embeds it
//! without a copy in this repository.
//!
//! Cargo has already fetched the package when this runs, and has compared it with the checksum in
//! `Cargo.lock`; nothing here uses the network. What is found is compared once more, with the
//! SHA-256 below: another model would change every result of this crate.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

use sha2::{Digest, Sha256};

const PACKAGE: &str = "rustface";
/// The version whose files the checksums below describe; the workspace asks for the same one.
const VERSION: &str = "0.1.7";

/// A file of the package that the crate embeds.
struct Wanted {
    path: &'static str,
    sha256: &'static str,
    /// The variable through which the crate's code learns where the file lies.
    variable: &'static str,
}

const MODEL: Wanted = Wanted {
    path: "model/seeta_fd_frontal_v1.0.bin",
    sha256: "c4619d066ed35e84d9a8e842860b0dff567aba0cbb139881075538761db3ff5d",
    variable: "PIGO_FRONTAL_MODEL",
};
const PICTURE: Wanted = Wanted {
    path: "test.png",
    sha256: "eb854bcafbe7e0e13fb1b8073a1e6c30b67e06b463f919325c4a20b13a3c8e0c",
    variable: "PIGO_SAMPLE_PICTURE",
};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CARGO_HOME");
    let mut wanted = vec![MODEL];
    if env::var_os("CARGO_FEATURE_SAMPLE").is_some() {
        wanted.push(PICTURE);
    }

    // Cargo itself knows best (registry mirrors, vendored sources); asking it costs 0.2 s.
    let mut tried = Vec::new();
    let folder =
        ask_cargo(&mut tried).filter(|folder| holds_all(folder, &wanted, &mut tried)).or_else(|| {
            known_folders(&mut tried).into_iter().find(|folder| holds_all(folder, &wanted, &mut tried))
        });
    let Some(folder) = folder else {
        println!(
            "cargo:warning=the files of the package {PACKAGE} {VERSION}, from which the face model comes, were not found"
        );
        for line in tried {
            println!("cargo:warning=tried {line}");
        }
        println!("cargo:warning=`cargo fetch` brings the package; a vendored copy must keep {}", MODEL.path);
        exit(1);
    };
    for file in &wanted {
        let path = folder.join(file.path);
        println!("cargo:rerun-if-changed={}", path.display());
        println!("cargo:rustc-env={}={}", file.variable, path.display());
    }
}

/// Asks `cargo metadata` about a package that depends on nothing but ours.
///
/// Not about this workspace: of a workspace, Cargo offline wants every member's dependencies, and
/// on a fresh clone it has fetched only those of the member being built.
fn ask_cargo(tried: &mut Vec<String>) -> Option<PathBuf> {
    let attempt = || -> Result<PathBuf, String> {
        let probe = variable("OUT_DIR")?.join("probe");
        fs::create_dir_all(&probe).map_err(|error| error.to_string())?;
        let manifest = format!(
            "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
             [lib]\npath = \"probe.rs\"\n[workspace]\n\
             [dependencies]\n{PACKAGE} = {{ version = \"={VERSION}\", default-features = false }}\n"
        );
        let manifest_path = probe.join("Cargo.toml");
        fs::write(&manifest_path, manifest).map_err(|error| error.to_string())?;
        fs::write(probe.join("probe.rs"), "").map_err(|error| error.to_string())?;
        // With the same lock file Cargo picks the versions that it has fetched for this build.
        let home = variable("CARGO_MANIFEST_DIR")?;
        if let Some(lock) =
            home.ancestors().map(|folder| folder.join("Cargo.lock")).find(|path| path.is_file())
        {
            fs::copy(lock, probe.join("Cargo.lock")).map_err(|error| error.to_string())?;
        }

        let output = Command::new(variable("CARGO")?)
            .args(["metadata", "--format-version", "1", "--offline", "--filter-platform"])
            .arg(env::var("TARGET").map_err(|error| error.to_string())?)
            .arg("--manifest-path")
            .arg(&manifest_path)
            // Cargo reads its configuration, source replacement above all, from here upwards.
            .current_dir(home)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|package| package["name"] == PACKAGE)
            .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
            .map(Path::to_owned)
            .ok_or_else(|| "its answer does not name the package".to_owned())
    };
    attempt().map_err(|why| tried.push(format!("cargo metadata --offline: {why}"))).ok()
}

/// Where Cargo unpacks packages, and where `cargo vendor` puts them.
fn known_folders(tried: &mut Vec<String>) -> Vec<PathBuf> {
    let versioned = format!("{PACKAGE}-{VERSION}");
    let mut folders = Vec::new();
    let cargo_home = variable("CARGO_HOME").ok().or_else(|| Some(variable("HOME").ok()?.join(".cargo")));
    if let Some(sources) = cargo_home.map(|home| home.join("registry/src")) {
        match fs::read_dir(&sources) {
            Ok(registries) => folders.extend(registries.flatten().map(|entry| entry.path().join(&versioned))),
            Err(error) => tried.push(format!("{}: {error}", sources.display())),
        }
    }
    if let Ok(home) = variable("CARGO_MANIFEST_DIR") {
        for folder in home.ancestors().take(3) {
            folders.push(folder.join("vendor").join(PACKAGE));
            folders.push(folder.join("vendor").join(&versioned));
        }
    }
    folders
}

fn holds_all(folder: &Path, wanted: &[Wanted], tried: &mut Vec<String>) -> bool {
    wanted.iter().all(|file| {
        let path = folder.join(file.path);
        let fault = match fs::read(&path) {
            Ok(bytes) if hex(&Sha256::digest(&bytes)) == file.sha256 => return true,
            Ok(_) => format!("its SHA-256 is not {}", file.sha256),
            Err(error) => error.to_string(),
        };
        tried.push(format!("{}: {fault}", path.display()));
        false
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn variable(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"))
}
