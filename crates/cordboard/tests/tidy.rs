//! The rules of the house that a compiler does not check: who may depend on whom, purity, sizes, words.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which of our crates each may depend on. The way through: `sip ← core ← service ← flows`.
const MAY_DEPEND_ON: [(&str, &[&str]); 10] = [
    ("cordboard-sip", &[]),
    ("cordboard-core", &["cordboard-sip"]),
    ("cordboard-ladder", &[]),
    ("cordboard-media", &["cordboard-core"]),
    ("cordboard-service", &["cordboard-sip", "cordboard-core", "cordboard-ladder"]),
    ("cordboard-sim", &["cordboard-sip", "cordboard-core", "cordboard-service", "cordboard-ladder"]),
    (
        "cordboard-flows",
        &[
            "cordboard-sip",
            "cordboard-core",
            "cordboard-service",
            "cordboard-ladder",
            "cordboard-media",
            "cordboard-sim",
            "cordboard-net",
        ],
    ),
    ("cordboard-net", &["cordboard-sip", "cordboard-core", "cordboard-service", "cordboard-media"]),
    ("cordboard-rig", &["cordboard-sip", "cordboard-core", "cordboard-ladder"]),
    (
        "cordboard",
        &[
            "cordboard-sip",
            "cordboard-core",
            "cordboard-service",
            "cordboard-ladder",
            "cordboard-media",
            "cordboard-sim",
            "cordboard-flows",
            "cordboard-net",
        ],
    ),
];

/// Crates that know neither sockets nor clocks nor chance.
const PURE: [&str; 5] =
    ["cordboard-sip", "cordboard-core", "cordboard-service", "cordboard-ladder", "cordboard-media"];

/// What a pure crate must not reach, however indirectly.
const IMPURE: [&str; 17] = [
    "tokio",
    "mio",
    "socket2",
    "libc",
    "rustix",
    "nix",
    "getrandom",
    "rand",
    "fastrand",
    "rusqlite",
    "rustls",
    "hickory-resolver",
    "axum",
    "hyper",
    "tracing-subscriber",
    "crossbeam-channel",
    "async-std",
];

/// What a processor of another kind needs to be asked about itself does not count.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Folders that hold no source of ours.
const NOT_OURS: [&str; 5] = ["target", "node_modules", ".git", "artifacts", "corpus"];

/// Longest file and, past which one looks for the second subject.
const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", PLATFORM])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// For each package, by id: its name, and the ids of what it depends on when it is built for use.
fn graph(metadata: &Value) -> BTreeMap<&str, (&str, Vec<&str>)> {
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let for_use = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"].is_null())
    };
    metadata["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| {
            let id = text(&node["id"]);
            let edges = node["deps"].as_array().expect("dependencies").iter().filter(for_use);
            (id, (names[id], edges.map(|dependency| text(&dependency["pkg"])).collect()))
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn id_of<'a>(graph: &BTreeMap<&'a str, (&'a str, Vec<&'a str>)>, name: &str) -> &'a str {
    let found = graph.iter().find(|(_, (theirs, _))| *theirs == name);
    found.unwrap_or_else(|| panic!("there is no crate {name}")).0
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let graph = graph(&metadata);
    let ours: BTreeSet<&str> =
        graph.values().map(|(name, _)| *name).filter(|name| name.starts_with("cordboard")).collect();
    let listed: BTreeSet<&str> = MAY_DEPEND_ON.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, listed, "every crate of ours has its line in MAY_DEPEND_ON");
    for (name, allowed) in MAY_DEPEND_ON {
        for id in &graph[id_of(&graph, name)].1 {
            let dependency = graph[id].0;
            let fits = !dependency.starts_with("cordboard") || allowed.contains(&dependency);
            assert!(fits, "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn pure_crates_reach_nothing_impure() {
    let metadata = metadata();
    let graph = graph(&metadata);
    for pure in PURE {
        let mut open = vec![(id_of(&graph, pure), vec![pure])];
        let mut seen = BTreeSet::new();
        while let Some((id, way)) = open.pop() {
            for &next in &graph[id].1 {
                let name = graph[next].0;
                let way: Vec<&str> = way.iter().copied().chain([name]).collect();
                assert!(!IMPURE.contains(&name), "{pure} reaches {name}: {}", way.join(" -> "));
                if seen.insert(next) {
                    open.push((next, way));
                }
            }
        }
        assert!(!seen.is_empty(), "{pure} depends on something, or this test sees nothing");
    }
}

#[test]
fn pure_crates_forbid_clocks_sockets_and_threads() {
    for pure in PURE {
        let path = root().join("crates").join(pure.trim_start_matches("cordboard-")).join("clippy.toml");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for forbidden in [
            "std::time::Instant",
            "std::time::SystemTime",
            "std::net::UdpSocket",
            "std::net::TcpStream",
            "std::collections::hash_map::RandomState",
            "std::thread::spawn",
            "std::thread::sleep",
        ] {
            assert!(text.contains(&format!("\"{forbidden}\"")), "{} must forbid {forbidden}", path.display());
        }
    }
}

#[test]
fn every_crate_takes_the_lints_and_explains_itself() {
    let crates = std::fs::read_dir(root().join("crates")).expect("crates");
    for folder in crates.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()) {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not take the lints",
            folder.display()
        );
        let main = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file));
        let first = main.iter().find(|file| file.exists()).expect("a crate has a first file");
        let text = std::fs::read_to_string(first).expect("it can be read");
        assert!(text.starts_with("//! "), "{} does not say what it is", first.display());
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let files = sources();
    assert!(files.len() > 50, "only {} files were found", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source can be read");
        let shown = file.strip_prefix(root()).unwrap_or(&file).display();
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{shown} has {lines} lines: look for the second subject");
        if file.ends_with("tests.rs") {
            continue;
        }
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or("");
        assert!(first.starts_with("//! "), "{shown} does not say what it is in its first line");
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Put together, so that this file does not find itself.
    let words = ["to", "fix", "xx"].map(|start| match start {
        "to" => "TO".to_owned() + "DO",
        "fix" => "FIX".to_owned() + "ME",
        _ => "XX".to_owned() + "X",
    });
    let calls = ["to".to_owned() + "do!(", "unimpl".to_owned() + "emented!("];
    for file in sources() {
        let text = std::fs::read_to_string(&file).expect("a source can be read");
        for (number, line) in text.lines().enumerate() {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            let later =
                words.iter().any(|word| comment.split(|c: char| !c.is_alphanumeric()).any(|w| w == *word));
            let place = format!("{}:{}", file.display(), number + 1);
            assert!(!later && !calls.iter().any(|call| line.contains(call.as_str())), "{place}: {line}");
        }
    }
}

#[test]
fn unsafe_code_stands_in_one_file_at_most() {
    let allow = "allow(".to_owned() + "unsafe_code";
    let expect = "expect(".to_owned() + "unsafe_code";
    let with_unsafe: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|file| {
            let text = std::fs::read_to_string(file).expect("a source can be read");
            text.contains(&allow) || text.contains(&expect)
        })
        .collect();
    assert!(with_unsafe.len() <= 1, "{with_unsafe:?}");
}

#[test]
fn names_are_those_of_the_house() {
    for file in sources() {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        let banned = ["util", "utils", "helpers", "misc", "common"];
        assert!(!banned.contains(&stem), "{}: name it for its subject", file.display());
    }
}

#[test]
fn documents_are_there_and_link_to_what_exists() {
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(architecture.matches("**Invariant**").count() >= 5, "ARCHITECTURE.md states its invariants");
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/conformance.md"] {
        let path = root().join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        for target in
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
        {
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap_or(target);
            let exists = path.parent().is_some_and(|folder| folder.join(file).exists());
            assert!(exists, "{name} links to {target}, which does not exist");
        }
    }
}

/// The tests that `docs/conformance.md` names exist.
#[test]
fn conformance_names_tests_that_exist() {
    let table = std::fs::read_to_string(root().join("docs/conformance.md")).expect("docs/conformance.md");
    let everything: String =
        sources().iter().map(|file| std::fs::read_to_string(file).expect("a source can be read")).collect();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| §") || line.starts_with("| RFC")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "§, rule, test, state: {row}");
        assert!(["done", "part", "open"].contains(&cells[3]), "done, part or open: {row}");
        let tests: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(cells[3] == "open" || !tests.is_empty(), "what is {} has a test: {row}", cells[3]);
        for test in tests {
            let name = test.rsplit("::").next().unwrap_or(test);
            let exists = everything.contains(&format!("fn {name}(")) || root().join(test).exists();
            assert!(exists, "there is no test {test}: {row}");
            named += 1;
        }
    }
    assert!(named >= 10, "only {named} tests are named");
}

/// Every Rust file of ours.
fn sources() -> Vec<PathBuf> {
    let mut open = ["crates", "benches", "fuzz"].map(|folder| root().join(folder)).to_vec();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            if path.is_dir() && !NOT_OURS.contains(&name) {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
