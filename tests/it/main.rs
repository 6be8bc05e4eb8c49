//! Tests of everything a user can see: the real binary against an emulator in the test's own
//! process.
//!
//! Each module is a user-visible subject. The doc of [`harness`] explains the set-up, runs and
//! checks of a test.
//!
//! - First imports and their options: `first_import`, `dry_run`, `limits`, `pilot`, `preflight`,
//!   `already_there`, `external_ids`, `lookup_on_clash`, `routing`, `empty_sizes`, `objects`, `uploads`,
//!   `refused_early`.
//! - Manifests: `manifest_command` (from a folder), `check` (problems), `headings` (columns under
//!   other names), `foreign_paths` (paths from another system), `second_copies` (files attached
//!   already), `unnamed_files` (files in no row), `hostile_text`, `windows_files` (names and sharing of
//!   files on Windows).
//! - Results: `results_file`, `results_displaced`, `held_open`, `opened_in_excel`, `saved_anew`, `formats`,
//!   `outputs`, `resume`.
//! - Sudden ends: `killed`, `killed_at_syncs`, `killed_often`, `disk`, `full_disk`,
//!   `unfit_folders`, `files_away`, `two_runs`, `signals`, `suspended`.
//! - Network and service: `unlimited_answers`, `lost_answers`, `faults`, `keys`, `certificates`,
//!   `proxies`, `foreign_hosts`, `secrets`, `s3`, `a_slow_storage`.
//! - Other commands: `amend` (changes on request), `verify`, `report`, `report_attached`,
//!   `report_in_browser`, `emulator`.
//! - Keelvar: `keelvar`, `keelvar_access`.
//! - Version, completions and manual pages: `installed`. Wrong usage: `refusals`. Commands to paste:
//!   `printed_commands`. Layers of the crate's modules: `architecture`.

mod harness;

mod a_slow_storage;
mod already_there;
mod amend;
mod architecture;
mod certificates;
mod check;
#[cfg(target_os = "linux")]
mod disk;
mod dry_run;
mod empty_sizes;
mod emulator;
mod external_ids;
mod faults;
mod files_away;
mod first_import;
mod foreign_hosts;
mod foreign_paths;
mod formats;
mod full_disk;
mod headings;
#[cfg(target_os = "linux")]
mod held_open;
mod hostile_text;
mod installed;
mod keelvar;
mod keelvar_access;
mod keys;
mod killed;
#[cfg(target_os = "linux")]
mod killed_at_syncs;
#[cfg(target_os = "linux")]
mod killed_often;
mod limits;
mod lookup_on_clash;
mod lost_answers;
mod manifest_command;
mod objects;
mod opened_in_excel;
mod outputs;
mod pilot;
mod preflight;
mod printed_commands;
mod proxies;
mod refusals;
mod refused_early;
mod report;
mod report_attached;
mod report_in_browser;
mod results_displaced;
mod results_file;
mod resume;
mod routing;
mod s3;
mod saved_anew;
mod second_copies;
mod secrets;
mod signals;
mod suspended;
mod two_runs;
#[cfg(target_os = "linux")]
mod unfit_folders;
mod unlimited_answers;
mod unnamed_files;
mod uploads;
mod verify;
#[cfg(windows)]
mod windows_files;
mod workbooks;
