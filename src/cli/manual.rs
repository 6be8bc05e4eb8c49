//! Arguments of `man`, and the manual pages: the help texts of the commands, with the exit codes and
//! the environment.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;
use super::file_path::file_path;
use crate::config::{ManualPage, ManualPlan};

/// Heading of all pages.
const MANUAL_NAME: &str = "consign manual";

/// Name and version for the foot of all pages. Commit and target are left out, so that equal sources
/// give equal pages.
const PROGRAM_NAME: &str = concat!("consign ", env!("CARGO_PKG_VERSION"));

/// Exit codes in the words of the README.
const EXIT_CODES: [(&str, &str); 5] = [
    (
        "0",
        "Every row is done; for check, nothing is wrong; for verify, everything matches.",
    ),
    (
        "1",
        "The run went through, and some row is not done, or does not match.",
    ),
    (
        "2",
        "Nothing was sent: usage, configuration, manifest, results that exist or are in use, or what \
         would make a second copy.",
    ),
    (
        "3",
        "Stopped early: keys or address rejected, a proxy that refuses, a limit reached, or results \
         that cannot be written.",
    ),
    (
        "130, 143",
        "Interrupted; the command to go on with is printed.",
    ),
];

/// Environment variables with an effect on the program.
const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "WORKDAY_API_KEY, WORKDAY_USER_TOKEN, WORKDAY_USER_EMAIL",
        "Keys of Workday Strategic Sourcing.",
    ),
    (
        "KEELVAR_API_KEY, KEELVAR_USER_EMAIL",
        "Key of Keelvar, and the user in whose name files are attached.",
    ),
    (
        "WORKDAY_BASE_URL, KEELVAR_BASE_URL",
        "Base of the service, where neither --base-url nor another option names the destination.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "Proxy on the way to the service, and the hosts that are reached without a proxy.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "Certificate authorities in place of those of the system, where the system is not macOS or \
         Windows.",
    ),
];

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManualArgs {
    /// Folder for the pages, created if missing; pages of an earlier version are replaced
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, value_parser = file_path())]
    folder: PathBuf,
}

impl ManualArgs {
    /// Resolves the arguments to the order of manual pages.
    pub fn into_plan(self) -> ManualPlan {
        let mut program = Cli::command().disable_help_subcommand(true);
        program.build();
        let mut pages = vec![manual_page(&program, &program_sections(&program))];
        for command in program.get_subcommands() {
            pages.push(manual_page(command, &command_sections(&program)));
        }
        ManualPlan {
            folder: self.folder,
            pages,
        }
    }
}

/// Returns the page of a command, or of the program, with `last` as its last sections.
fn manual_page(command: &Command, last: &Roff) -> ManualPage {
    // All options in the synopsis would be a wall of text.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().override_usage(usage))
        // A field that is empty is lost, and the fields behind it move up.
        .date(" ")
        .source(PROGRAM_NAME)
        .manual(MANUAL_NAME);
    let mut content = Vec::new();
    man.render_title(&mut content)
        .and_then(|()| man.render_name_section(&mut content))
        .and_then(|()| man.render_synopsis_section(&mut content))
        .and_then(|()| man.render_description_section(&mut content))
        .and_then(|()| man.render_options_section(&mut content))
        .and_then(|()| last.to_writer(&mut content))
        .expect("memory takes all bytes");
    ManualPage {
        file_name: man.get_filename(),
        content,
    }
}

/// Returns the last sections of the program's page: commands, exit codes and environment.
fn program_sections(program: &Command) -> Roff {
    let mut page = Roff::new();
    let commands = program.get_subcommands().map(|command| {
        let about = command.get_about().map(ToString::to_string);
        (page_name(command), about.unwrap_or_default())
    });
    add_list(&mut page, "COMMANDS", commands);
    add_list(&mut page, "EXIT STATUS", EXIT_CODES);
    add_list(&mut page, "ENVIRONMENT", ENVIRONMENT);
    page
}

/// Returns the last section of a command's page: where to read on.
fn command_sections(program: &Command) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(format!(
        "{} has the exit codes, the environment and the other commands.",
        page_name(program)
    ))]);
    page
}

/// Adds a section with a list of terms and their meanings.
fn add_list<T: Into<String>, M: Into<String>>(
    page: &mut Roff,
    heading: &str,
    entries: impl IntoIterator<Item = (T, M)>,
) {
    page.control("SH", [heading]);
    for (term, meaning) in entries {
        page.control("TP", []);
        page.text([bold(term)]).text([roman(meaning)]);
    }
}

/// Returns the name of a page as other pages name it, such as `consign-check(1)`.
fn page_name(command: &Command) -> String {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    format!("{name}(1)")
}
