//! What the component is made of, as one hash. `guest/componentize.rs` writes it into the
//! component, and `tests/component.rs` compares it with the tree.
//!
//! Looks at files alone: it must work on a fresh clone, where the crates that only the component
//! needs were never fetched, so `cargo tree` cannot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The custom section of the component that holds the hash.
pub(crate) const SECTION: &str = "tsm2iox-inputs";

/// The hash of this tree, in hexadecimal.
pub(crate) fn hash() -> String {
    let guest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package that it runs");
    let root = Path::new(&guest).parent().expect("guest/ is in the workspace");
    let mut hasher = Sha256::new();
    for path in files(root) {
        let content = fs::read(&path).expect("it was listed");
        let name = path.strip_prefix(root).expect("it was listed below the root");
        let name: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        hasher.update(format!("{} {}\n", name.join("/"), content.len()));
        hasher.update(content);
    }
    for line in crates(root) {
        hasher.update(line + "\n");
    }
    format!("{:x}", hasher.finalize())
}

/// The sources, in an order that is the same everywhere.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut paths: Vec<_> = ["guest/build", "guest/componentize.rs", "guest/src", "wit"]
        .map(|name| root.join(name))
        .into();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder of the tree can be read");
            paths.extend(entries.map(|entry| entry.expect("and each entry of it").path()));
        } else {
            files.insert(path);
        }
    }
    files
}

/// What the manifest of the guest says of the component, and each crate that may go into it, with
/// its checksum. Tests and what only they need are left out: they do not change the component.
fn crates(root: &Path) -> BTreeSet<String> {
    let manifest = manifest(root);
    let text = |value: &Value, keys: &[&str]| {
        keys.iter().map(|key| value[*key].to_string()).collect::<Vec<_>>().join(" ")
    };
    let mut lines = BTreeSet::from([text(&manifest, &["name", "version", "edition", "features"])]);
    let mut direct = BTreeSet::new();
    for dependency in manifest["dependencies"].as_array().expect("cargo lists dependencies") {
        if dependency["kind"] != "dev" {
            direct.insert(dependency["name"].as_str().expect("a dependency has a name"));
            let keys = ["name", "req", "features", "uses_default_features", "optional", "target"];
            lines.insert(text(dependency, &keys));
        }
    }
    lines.extend(locked(root, &direct));
    lines
}

/// The manifest of the guest, as cargo reads it.
fn manifest(root: &Path) -> Value {
    let output = Command::new(env::var_os("CARGO").expect("cargo names itself to what it runs"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be run");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array_mut().expect("cargo lists packages");
    let guest = packages.iter_mut().find(|package| package["name"] == "tsm2iox-guest");
    guest.expect("the guest is in the workspace").take()
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The crates of `Cargo.lock` that these dependencies of the guest lead to, on any target.
fn locked(root: &Path, direct: &BTreeSet<&str>) -> BTreeSet<String> {
    let text = fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock is committed");
    let lock: Lock = toml::from_str(&text).expect("Cargo.lock is as cargo writes it");
    // `name`, or `name version` where there are several.
    let find = |reference: &str| {
        let (name, version) =
            reference.split_once(' ').map_or((reference, None), |(n, v)| (n, Some(v)));
        let mut packages = lock.package.iter();
        packages.find(|p| p.name == name && version.is_none_or(|version| p.version == version))
    };
    let guest = find("tsm2iox-guest").expect("Cargo.lock lists the guest");
    let name = |reference: &&String| reference.split(' ').next().unwrap_or_default().to_owned();
    let mut references: Vec<_> =
        guest.dependencies.iter().filter(|r| direct.contains(name(r).as_str())).collect();
    let mut crates = BTreeSet::new();
    while let Some(reference) = references.pop() {
        let Package { name, version, checksum, dependencies } =
            find(reference).expect("Cargo.lock is complete");
        if crates.insert(format!("{name} {version} {}", checksum.as_deref().unwrap_or("-"))) {
            references.extend(dependencies);
        }
    }
    crates
}
