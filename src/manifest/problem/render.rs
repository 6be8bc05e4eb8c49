//! Forms of problems: grouped lines for a screen, and the problems file with all problems.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Problem, Problems, Severity};
use crate::manifest::Manifest;
use crate::text::{counted, escape, formula_safe, grouped};
use crate::whole_file;

/// Largest number of lines on a screen.
const LINES_ON_SCREEN: usize = 100;

/// Number of problems of one cause shown in full; further problems are only counted.
const SHOWN_OF_A_CAUSE: usize = 3;

/// Largest number of row numbers in the line for further problems.
const ROWS_NAMED: usize = 8;

/// Severities shown on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Errors and warnings.
    Everything,
    /// Errors only.
    Errors,
}

/// Returns the path of the problems file: the manifest's path with the extension `problems.csv`.
pub fn file_for(manifest: &Path) -> PathBuf {
    manifest.with_extension("problems.csv")
}

/// Returns the problems as lines of text, errors first.
///
/// Of many rows with one cause, a few are shown and the others counted, so that a single wrong
/// folder name does not hide all other problems.
pub fn on_screen(problems: &Problems, manifest: &Manifest, shown: Shown) -> String {
    let mut screen = String::new();
    let mut room = LINES_ON_SCREEN;
    let mut unseen = 0;
    for group in grouped_by_cause(problems) {
        if shown == Shown::Errors && group[0].wrong.severity() == Severity::Warning {
            continue;
        }
        if room == 0 {
            unseen += group.len();
            continue;
        }
        let in_full = group.len().min(SHOWN_OF_A_CAUSE).min(room);
        for problem in &group[..in_full] {
            let _ = writeln!(screen, "{}", line_for(problem, manifest));
        }
        let rest = &group[in_full..];
        room = room.saturating_sub(in_full + usize::from(!rest.is_empty()));
        if !rest.is_empty() {
            let _ = writeln!(screen, "{}", summary_of(rest));
        }
    }
    if unseen > 0 {
        let _ = writeln!(screen, "and {}", counted(unseen as u64, "other problem"));
    }
    screen
}

/// Key for problems with the same cause: kind, column, and further detail.
type Cause<'p> = (
    &'static str,
    Option<crate::manifest::Column>,
    Option<&'p str>,
);

/// Groups the problems by cause: errors before warnings, otherwise in the order of each cause's
/// first problem.
fn grouped_by_cause(problems: &Problems) -> Vec<Vec<&Problem>> {
    let mut groups: Vec<Vec<&Problem>> = Vec::new();
    let mut known: HashMap<Cause<'_>, usize> = HashMap::new();
    for problem in problems.iter() {
        let wrong = &problem.wrong;
        let cause = (wrong.kind(), problem.column, wrong.cause());
        let group = *known.entry(cause).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(problem);
    }
    groups.sort_by_key(|group| group[0].wrong.severity());
    groups
}

fn line_for(problem: &Problem, manifest: &Manifest) -> String {
    let described = Described::of(problem, manifest);
    let mut line = match problem.wrong.severity() {
        Severity::Error => String::new(),
        Severity::Warning => "warning: ".to_owned(),
    };
    let _ = write!(line, "{} line {}", described.file, described.line);
    if problem.row > 0 {
        let _ = write!(line, " (row {})", problem.row);
    }
    if let Some(column) = problem.column {
        let _ = write!(line, ", column {column}");
    }
    let _ = write!(line, ": {}; {}", described.sentence, described.remedy);
    line
}

/// Returns the first error of a row in words, without the place, or `None` for a row without an
/// error.
///
/// The problems must be sorted.
pub fn of_row(problems: &Problems, manifest: &Manifest, row: usize) -> Option<String> {
    let problem = problems.first_error(row)?;
    let Described {
        sentence, remedy, ..
    } = Described::of(problem, manifest);
    let column = problem
        .column
        .map(|column| format!("column {column}: "))
        .unwrap_or_default();
    Some(format!("{column}{sentence}; {remedy}"))
}

fn summary_of(rest: &[&Problem]) -> String {
    let mut rows: Vec<String> = rest
        .iter()
        .take(ROWS_NAMED)
        .map(|problem| grouped(u64::from(problem.row)))
        .collect();
    if rest.len() > ROWS_NAMED {
        rows.push("…".to_owned());
    }
    format!(
        "  the same in {}: {}",
        counted(rest.len() as u64, "more row"),
        rows.join(" ")
    )
}

/// Problem with all its details from the manifest.
struct Described {
    file: String,
    line: u64,
    value: String,
    sentence: String,
    remedy: String,
}

impl Described {
    fn of(problem: &Problem, manifest: &Manifest) -> Self {
        let (line, value) = match problem.row {
            0 => (manifest.header_line(), String::new()),
            number => {
                let row = manifest.row_numbered(number);
                let value = problem.column.map_or("", |column| row.cell(column));
                (row.line(), value.to_owned())
            }
        };
        Self {
            file: escape(&manifest.path().to_string_lossy()).into_owned(),
            line,
            sentence: problem.wrong.sentence(&value, manifest),
            remedy: problem.wrong.remedy(&value),
            value,
        }
    }
}

/// Writes the problems file and returns its path. Without any problem, removes the file of an
/// earlier run and returns `None`.
///
/// The file is created for its owner alone, and gets its name only when complete.
pub fn save(problems: &Problems, manifest: &Manifest) -> io::Result<Option<PathBuf>> {
    let path = file_for(manifest.path());
    if problems.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        };
    }
    whole_file::replace(&path, |out| write_csv(problems, manifest, out))?;
    Ok(Some(path))
}

fn write_csv(problems: &Problems, manifest: &Manifest, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "severity", "kind", "file", "line", "row", "column", "value", "problem", "remedy",
    ])?;
    for problem in problems.iter() {
        let described = Described::of(problem, manifest);
        let row = match problem.row {
            0 => String::new(),
            number => number.to_string(),
        };
        let cells = [
            problem.wrong.severity().as_str(),
            problem.wrong.kind(),
            &described.file,
            &described.line.to_string(),
            &row,
            problem.column.map_or("", |column| column.as_str()),
            &described.value,
            &described.sentence,
            &described.remedy,
        ];
        csv.write_record(cells.map(|cell| formula_safe(cell).into_owned()))?;
    }
    csv.flush()
}
