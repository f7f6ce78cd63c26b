//! What fuzzing has kept, and what it begins with, for tests that read each once more without its instruments. The
//! crates with readers include this file.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::Command;

/// Gives a target all its inputs.
pub fn replay(target: &str, read: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let folder = tempfile::tempdir().expect("a folder");
    let kept = Command::new("tar")
        .arg("-C")
        .arg(folder.path())
        .arg("-xzf")
        .arg(fuzz.join("corpus.tar.gz"))
        .arg(format!("corpus/{target}"))
        .status();
    assert!(kept.is_ok_and(|status| status.success()), "no corpus of {target}");
    for inputs in [folder.path().join("corpus").join(target), fuzz.join("seeds").join(target)] {
        let mut count = 0;
        for input in fs::read_dir(&inputs).expect("inputs") {
            let path = input.expect("an input").path();
            let bytes = fs::read(&path).expect("an input");
            assert!(catch_unwind(|| read(&bytes)).is_ok(), "{target} does not survive {}", path.display());
            count += 1;
        }
        assert!(count > 0, "{} is empty", inputs.display());
    }
}
