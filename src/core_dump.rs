//! Keeps memory, including the keys, out of core dumps.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps of this process.
///
/// The limit alone is not enough on Linux: where the system hands dumps to a program, the program
/// decides about respecting the limit. A process that is not dumpable is never dumped. The memory
/// and the environment, which holds the keys, are closed to the user's other programs as well. The
/// price: only root can attach a debugger to a run. (A tracer that starts `consign` itself, such as
/// `strace consign`, still sees the system calls.)
pub(crate) fn forbid() {
    // Neither call is ever refused, unless a sandbox forbids even this; the run is no worse without
    // them.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn a_process_that_forbids_it_is_never_dumped() {
        forbid();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
