//! What users see, from the outside: the real binary against an emulator in the test's own process.
//!
//! One module for each thing that a user sees. How a test is set up, run and judged is in
//! [`harness`].

mod harness;

mod a_slow_storage;
mod already_there;
mod amend;
mod answers;
mod architecture;
mod certificates;
mod check;
#[cfg(target_os = "linux")]
mod disk;
mod dry_run;
mod elsewhere;
mod empty_sizes;
mod emulator;
mod external_ids;
mod faults;
mod files_away;
mod first_import;
mod formats;
mod full_disk;
mod hostile_text;
mod keelvar;
mod keelvar_access;
mod keys;
mod killed;
#[cfg(target_os = "linux")]
mod killed_at_syncs;
#[cfg(target_os = "linux")]
mod killed_often;
mod limits;
mod lost_answers;
mod objects;
mod outputs;
mod preflight;
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
mod uploads;
mod verify;
