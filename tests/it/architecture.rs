//! Layers of modules promised by the crate's documentation.

mod imports;
mod source_reader;

use std::fs;
use std::path::{Path, PathBuf};

use self::imports::imports_not_downwards;

/// Libraries, each with the only modules allowed to use it.
const LIBRARY_HOMES: [(&str, &[&str]); 26] = [
    ("askama", &["report/"]),
    ("axum", &["emulator/"]),
    ("base64", &["report/"]),
    ("calamine", &["manifest/workbook/"]),
    ("cap_std", &["platform/", "root.rs", "root/"]),
    ("clap", &["cli.rs", "cli/", "lib.rs"]),
    ("clap_complete", &["cli/completions.rs"]),
    ("clap_mangen", &["cli/manual.rs"]),
    (
        "csv",
        &[
            "emulator/objects/object_file.rs",
            "manifest/problem/",
            "results/",
            "text/csv_dialect.rs",
            "verification/",
        ],
    ),
    ("encoding_rs", &["text/", "manifest/", "root/", "cli.rs"]),
    ("hmac", &["digest.rs"]),
    ("hyper", &["http/"]),
    ("hyper_util", &["http/"]),
    ("indicatif", &["progress.rs"]),
    ("md5", &["digest.rs"]),
    ("quick_xml", &["manifest/workbook/"]),
    ("rayon", &["prepare.rs", "prepare/"]),
    ("reqwest", &["http/"]),
    ("rust_xlsxwriter", &["manifest/draft/"]),
    ("rustix", &["platform/"]),
    ("rustls", &["http/"]),
    ("sha2", &["digest.rs"]),
    (
        "tempfile",
        &["atomic_file.rs", "emulator/state_lock.rs", "platform/"],
    ),
    ("toml", &["emulator/faults/scenario.rs"]),
    ("tracing_subscriber", &["lib.rs"]),
    ("zip", &["manifest/workbook/"]),
];

/// Modules of the crate from the bottom up. A module imports only modules below.
const CRATE_MODULE_ORDER: [&str; 29] = [
    "platform",
    "mutex",
    "model",
    "text",
    "duration",
    "clock",
    "digest",
    "root",
    "atomic_file",
    "upload_source",
    "backup",
    "throttle",
    "http",
    "results",
    "manifest",
    "prepare",
    "destination",
    "event",
    "plan",
    "pipeline",
    "verification",
    "progress",
    "report",
    "emulator",
    "config",
    "error",
    "signals",
    "cli",
    "commands",
];

/// Modules of the emulator from the bottom up.
const EMULATOR_MODULE_ORDER: [&str; 18] = [
    "operation",
    "request_log",
    "reply",
    "url_path",
    "state_folder",
    "context",
    "body",
    "faults",
    "storage",
    "attachments",
    "jobs",
    "objects",
    "emulator_settings",
    "error",
    "state_lock",
    "request_route",
    "listener",
    "server",
];

/// Files of the emulator's larger modules, from the bottom up.
const EMULATOR_SUBMODULE_ORDER: [(&str, &[&str]); 5] = [
    (
        "faults",
        &[
            "fault_target",
            "fault",
            "scenario",
            "fault_scheduler",
            "spoilt_reply",
            "delivery",
            "faultable_request",
            "injector",
        ],
    ),
    (
        "storage",
        &[
            "stored_content",
            "owner",
            "storage_route",
            "url_signer",
            "s3_error",
            "storage_server",
        ],
    ),
    (
        "attachments",
        &[
            "object_text",
            "existing_objects",
            "attachment_settings",
            "attachment_route",
            "attachment_record",
            "attachment_store",
            "rate",
            "jsonapi",
            "refusals",
            "attachment_view",
            "attachment_state",
            "admission",
            "attachment_call",
            "attachment_server",
            "object_owner",
        ],
    ),
    (
        "objects",
        &[
            "object_file",
            "object_settings",
            "object_route",
            "object_list_query",
            "object_directory",
            "object_view",
            "object_call",
            "object_server",
        ],
    ),
    (
        "jobs",
        &[
            "job_settings",
            "job_record",
            "jobs_route",
            "budget",
            "job_store",
            "job_document",
            "job_view",
            "job_server",
            "object_owner",
        ],
    ),
];

#[test]
fn the_modules_of_the_crate_import_only_what_stands_below_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let strays = imports_not_downwards(&source, &CRATE_MODULE_ORDER);
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn the_modules_of_the_emulator_import_only_what_stands_below_them() {
    let emulator = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/emulator");
    let mut strays = imports_not_downwards(&emulator, &EMULATOR_MODULE_ORDER);
    // Attachments and jobs are on one level: neither imports the other, so both orders must hold.
    let mut the_other_way = EMULATOR_MODULE_ORDER;
    let at = |name| {
        EMULATOR_MODULE_ORDER
            .iter()
            .position(|room| *room == name)
            .unwrap()
    };
    the_other_way.swap(at("attachments"), at("jobs"));
    strays.extend(imports_not_downwards(&emulator, &the_other_way));
    for (room, order) in EMULATOR_SUBMODULE_ORDER {
        strays.extend(imports_not_downwards(&emulator.join(room), order));
    }
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn each_library_is_used_by_the_modules_meant_for_it_and_by_no_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut strays = Vec::new();
    let mut known = 0;
    for file in files_below(&source) {
        let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
        // Tests may use any library to look at a module from outside, and the contract is a test.
        if name.contains("tests") || name.starts_with("destination/contract") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (library, homes) in LIBRARY_HOMES {
            if !names_library(text, library) {
                continue;
            }
            known += 1;
            if !homes.iter().any(|home| name.starts_with(home)) {
                strays.push(format!("{name} knows {library}"));
            }
        }
    }
    assert!(
        known >= LIBRARY_HOMES.len(),
        "the test finds what it looks for"
    );
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn only_the_command_line_code_names_the_types_of_the_command_line() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut strays = Vec::new();
    for file in files_below(&source) {
        let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let is_home = ["cli.rs", "cli/", "lib.rs"]
            .iter()
            .any(|home| name.starts_with(home));
        if !is_home && text.contains("crate::cli") {
            strays.push(name.to_owned());
        }
    }
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn there_is_no_way_to_trust_a_host_without_a_certificate() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files_below(&source) {
        let text = fs::read_to_string(&file).unwrap();
        for way in [
            "danger",
            "invalid_certs",
            "hostname_verification",
            "insecure",
        ] {
            assert!(!text.contains(way), "{} has {way}", file.display());
        }
    }
}

/// Returns `true` if code names a crate: a path which begins with the crate's name, outside
/// comments.
fn names_library(text: &str, library: &str) -> bool {
    let path = format!("{library}::");
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| {
            line.match_indices(&path).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            })
        })
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
