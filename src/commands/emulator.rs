//! `consign emulator`: runs the emulator of both services until a signal ends it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::iter;

use super::program_as_typed;
use crate::config::EmulatorPlan;
use crate::emulator::{Emulator, EmulatorError, ExistingObjects, object_file, scenario};
use crate::error::{CommandError, ProgramExit};
use crate::signals::SignalListener;
use crate::text::{CommandShell, count_with_noun};

/// Runs the command.
pub fn run(config: EmulatorPlan) -> Result<ProgramExit, CommandError> {
    let mut settings = config.settings;
    if let Some(scenario) = &config.scenario {
        settings.faults = scenario::read(scenario).map_err(EmulatorError::from)?;
    }
    if let Some(objects) = &config.objects {
        let objects = object_file::read(objects).map_err(EmulatorError::from)?;
        settings.attachments.existing_objects = ExistingObjects::Catalogue(objects);
    }
    let rate = settings.attachments.requests_per_second;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut signals = SignalListener::listen()?;
        let emulator = Emulator::start(config.listen, settings).await?;
        let (base, rate) = (emulator.base_url(), rate.to_string());
        let program = program_as_typed();
        let words = ["import", "MANIFEST", "--base-url", &base, "--rate", &rate];
        let words: Vec<&OsStr> = iter::once(program.as_os_str())
            .chain(words.map(OsStr::new))
            .collect();
        writeln!(
            io::stdout(),
            "the emulator is at {}\nand for jobs at {}\nits state and its request log are in {}\n\
             try: {}",
            base,
            emulator.jobs_base_url(),
            emulator.state_path().display(),
            CommandShell::of_this_process().command(&words),
        )?;
        signals.next_signal().await;
        let account = fault_summary(&emulator);
        emulator.stop().await;
        io::stdout().write_all(account.as_bytes())?;
        Ok(ProgramExit::DONE)
    })
}

/// Lines about the faults that fired and about requests of other clients. Without these lines,
/// nobody knows whether a rehearsal met its faults.
fn fault_summary(emulator: &Emulator) -> String {
    let mut text = String::new();
    for (fired, number) in emulator.fired_faults().iter().zip(1..) {
        let (effect, target) = (fired.fault.effect.name(), fired.fault.operation);
        let times = match fired.times_fired {
            0 => "never fired".to_owned(),
            times => format!("fired {}", count_with_noun(times, "time")),
        };
        let _ = writeln!(text, "fault {number}, {effect} of {target}: {times}");
    }
    let others = emulator.other_client_requests();
    if others > 0 {
        let _ = writeln!(
            text,
            "other integrations: {}",
            count_with_noun(others, "request")
        );
    }
    text
}
