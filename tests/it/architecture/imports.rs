//! Imports of modules, read from the source and compared with the order of the modules.

use std::fs;
use std::path::{Path, PathBuf};

use super::source_reader::{self, CratePath};

/// Returns the imports which do not run downwards among the modules of `base`, a folder below
/// `src`, each with its file and line. `order` names the modules from the bottom up; the file of
/// `base` itself (`lib.rs`, `mod.rs`) stands above all of them. Modules missing in `order`, and
/// names in `order` without a module, are reported, too.
///
/// Comments, unit tests and other items under `cfg(test)` are left out.
pub(super) fn imports_not_downwards(base: &Path, order: &[&str]) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let prefix: Vec<String> = base
        .strip_prefix(&source)
        .expect("the folder is below `src`")
        .iter()
        .map(|name| name.to_str().unwrap().to_owned())
        .collect();
    let rooms = source_reader::read_file(&module_file(base), &prefix).declared_modules;
    let mut strays: Vec<String> = order
        .iter()
        .filter(|name| !rooms.iter().any(|room| *room == **name))
        .map(|name| {
            format!(
                "the order names {name}, which is no module of {}",
                base.display()
            )
        })
        .collect();
    for room in rooms {
        let Some(rank) = order.iter().position(|name| *name == room) else {
            strays.push(format!("{room} has no place in the order"));
            continue;
        };
        for (file, import) in crate_paths_in_module(base, &room, &prefix) {
            let Some(above) = module_not_below(&import.path, &prefix, &order[..=rank]) else {
                continue;
            };
            let file = file.strip_prefix(&source).unwrap().display();
            strays.push(format!(
                "{file}:{}: {} imports {}, but {above} does not stand below it",
                import.line,
                order[rank],
                import.path.join("::"),
            ));
        }
    }
    strays
}

/// Returns the module to which a path leads, or the file of the base itself, unless the import is
/// allowed.
fn module_not_below(path: &[String], prefix: &[String], below: &[&str]) -> Option<String> {
    let within = path.strip_prefix(prefix)?;
    match within.first() {
        Some(name) if below.contains(&name.as_str()) => None,
        Some(name) => Some(name.clone()),
        None => Some(
            prefix
                .last()
                .map_or("the crate's root", String::as_str)
                .to_owned(),
        ),
    }
}

/// Returns all paths named in a module's files, each with its file.
fn crate_paths_in_module(
    folder: &Path,
    module: &String,
    parent: &[String],
) -> Vec<(PathBuf, CratePath)> {
    let own = [parent, std::slice::from_ref(module)].concat();
    let below = folder.join(module);
    let file = [below.with_extension("rs"), below.join("mod.rs")]
        .into_iter()
        .find(|file| file.exists())
        .expect("a module that is declared has a file");
    let read = source_reader::read_file(&file, &own);
    let mut imports: Vec<(PathBuf, CratePath)> = read
        .crate_paths
        .into_iter()
        .map(|named| (file.clone(), named))
        .collect();
    for child in read.declared_modules {
        imports.extend(crate_paths_in_module(&below, &child, &own));
    }
    imports
}

/// Returns the file of the module whose folder is `base`.
fn module_file(base: &Path) -> PathBuf {
    [
        base.join("lib.rs"),
        base.join("mod.rs"),
        base.with_extension("rs"),
    ]
    .into_iter()
    .find(|file| fs::exists(file).unwrap())
    .expect("the folder is a module's")
}
