//! `consign emulator`: stands in for the service until it is told to stop.

use std::io::{self, Write as _};

use crate::cli::{DuplicateIds, EmulatorArgs};
use crate::emulator::{Clash, Emulator, ExternalIds, Settings};
use crate::error::{Error, Exit};
use crate::signals::Signals;

/// Runs the command.
pub fn run(args: &EmulatorArgs) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let emulator = Emulator::start(args.listen, settings(args)).await?;
        writeln!(
            io::stdout(),
            "the emulator is at {}\nits state and its request log are in {}\n\
             try: consign import MANIFEST --base-url {} --rate {}",
            emulator.base_url(),
            emulator.state().display(),
            emulator.base_url(),
            args.rate,
        )?;
        signals.next().await;
        emulator.stop().await;
        Ok(Exit::DONE)
    })
}

fn settings(args: &EmulatorArgs) -> Settings {
    let unique = |clash| ExternalIds::Unique { clash };
    Settings {
        state: args.state.clone(),
        rate: args.rate,
        external_ids: match args.duplicate_ids {
            DuplicateIds::Conflict => unique(Clash::Conflict409),
            DuplicateIds::Invalid => unique(Clash::Unprocessable422),
            DuplicateIds::Allow => ExternalIds::NotUnique,
        },
        size_delay: args.size_delay,
        url_life: args.url_life,
        purge_after: args.purge_after,
        ..Settings::default()
    }
}
