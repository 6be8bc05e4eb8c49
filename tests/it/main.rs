//! What users see, from the outside: the real binary against an emulator in the test's own process.
//!
//! One module for each thing that a user sees. How a test is set up, run and judged is in
//! [`harness`].

mod harness;

mod already_there;
mod first_import;
mod keys;
mod killed;
mod refusals;
mod resume;
