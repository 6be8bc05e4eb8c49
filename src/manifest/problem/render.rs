//! How problems look: grouped lines for a screen, and the problems file that holds all of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Problem, Problems, Severity};
use crate::manifest::Manifest;
use crate::text::{counted, escape, formula_safe, grouped};
use crate::whole_file;

/// How many lines a screen gets at most.
const LINES_ON_SCREEN: usize = 100;

/// How many problems of one cause are shown in full before the rest is only counted.
const SHOWN_OF_A_CAUSE: usize = 3;

/// How many row numbers stand for the rest.
const ROWS_NAMED: usize = 8;

/// Which problems a screen gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Errors and warnings.
    Everything,
    /// Errors only.
    Errors,
}

/// Where the problems of a manifest are written: beside it, with `.problems.csv` for its extension.
pub fn file_for(manifest: &Path) -> PathBuf {
    manifest.with_extension("problems.csv")
}

/// The problems as lines of text, the errors first.
///
/// Where one cause has many rows, a few are shown and the others counted, so that one wrong folder
/// name does not hide everything else.
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

/// What makes two problems one for the reader.
type Cause<'p> = (
    &'static str,
    Option<crate::manifest::Column>,
    Option<&'p str>,
);

/// The problems in groups of one cause, errors before warnings, otherwise in the order in which
/// the causes first appear.
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

/// The first error of a row in words, without its place; nothing where the row has none.
///
/// The problems must have been sorted.
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

/// A problem with all that the manifest adds to it.
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

/// Writes the problems file, or removes the one of an earlier run when there is nothing to write.
///
/// The file is made for its owner alone and takes its name only when it is complete. Its path is
/// returned where there is one.
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
