//! Forms of problems: grouped lines for a screen, and the problems file with all problems.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{ManifestProblem, ProblemKind, ProblemList, Severity};
use crate::atomic_file;
use crate::manifest::Manifest;
use crate::text::{count_with_noun, escape, escape_formula, group_thousands};

/// Largest number of lines on a screen.
const MAX_SCREEN_LINES: usize = 100;

/// Largest number of row numbers in the line for further problems.
const MAX_ROWS_LISTED: usize = 8;

/// Severities shown on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownSeverities {
    /// Errors and warnings.
    ErrorsAndWarnings,
    /// Errors only.
    ErrorsOnly,
}

/// Returns the path of the problems file: the manifest's path with the extension `problems.csv`.
pub fn problems_file_path(manifest: &Path) -> PathBuf {
    manifest.with_extension("problems.csv")
}

/// Returns the problems as lines of text, errors first.
///
/// Of many rows with one cause, a few are shown and the others counted, so that a single wrong
/// folder name does not hide all other problems.
pub fn render_for_screen(
    problems: &ProblemList,
    manifest: &Manifest,
    shown: ShownSeverities,
) -> String {
    let mut screen = String::new();
    let mut room = MAX_SCREEN_LINES;
    let mut unseen = 0;
    for group in grouped_by_cause(problems) {
        if shown == ShownSeverities::ErrorsOnly && group[0].kind.severity() == Severity::Warning {
            continue;
        }
        if room == 0 {
            unseen += group.len();
            continue;
        }
        let in_full = group.len().min(group[0].kind.max_rows_in_full()).min(room);
        for problem in &group[..in_full] {
            let _ = writeln!(screen, "{}", problem_line(problem, manifest));
        }
        let rest = &group[in_full..];
        room = room.saturating_sub(in_full + usize::from(!rest.is_empty()));
        if !rest.is_empty() {
            let _ = writeln!(screen, "{}", summarise_rest(rest));
        }
    }
    if unseen > 0 {
        let _ = writeln!(
            screen,
            "and {}",
            count_with_noun(unseen as u64, "other problem")
        );
    }
    screen
}

/// Key for problems with the same cause: kind, column, and further detail.
type ProblemCause<'p> = (
    &'static str,
    Option<crate::manifest::Column>,
    Option<&'p str>,
);

/// Groups the problems by cause: errors before warnings, otherwise in the order of each cause's
/// first problem.
fn grouped_by_cause(problems: &ProblemList) -> Vec<Vec<&ManifestProblem>> {
    let mut groups: Vec<Vec<&ManifestProblem>> = Vec::new();
    let mut known: HashMap<ProblemCause<'_>, usize> = HashMap::new();
    for problem in problems.iter() {
        let wrong = &problem.kind;
        let cause = (wrong.as_str(), problem.column, wrong.grouping_cause());
        let group = *known.entry(cause).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(problem);
    }
    groups.sort_by_key(|group| group[0].kind.severity());
    groups
}

/// Returns a problem as a line of text: its place, the mistake and the remedy.
pub fn problem_line(problem: &ManifestProblem, manifest: &Manifest) -> String {
    let described = DescribedProblem::new(problem, manifest);
    let mut line = match problem.kind.severity() {
        Severity::Error => String::new(),
        Severity::Warning => "warning: ".to_owned(),
    };
    let _ = write!(
        line,
        "{} {}: {}; {}",
        described.file,
        manifest.problem_place(problem.row, problem.column),
        described.sentence,
        described.remedy
    );
    line
}

/// Returns the first error of a row in words, without the place, or `None` for a row without an
/// error.
///
/// The problems must be sorted.
pub fn first_error_in_words(
    problems: &ProblemList,
    manifest: &Manifest,
    row: usize,
) -> Option<String> {
    let problem = problems.first_error(row)?;
    let DescribedProblem {
        sentence, remedy, ..
    } = DescribedProblem::new(problem, manifest);
    let column = problem
        .column
        .map(|column| format!("column {column}: "))
        .unwrap_or_default();
    Some(format!("{column}{sentence}; {remedy}"))
}

fn summarise_rest(rest: &[&ManifestProblem]) -> String {
    let mut rows: Vec<String> = rest
        .iter()
        .take(MAX_ROWS_LISTED)
        .map(|problem| group_thousands(u64::from(problem.row)))
        .collect();
    if rest.len() > MAX_ROWS_LISTED {
        rows.push("…".to_owned());
    }
    format!(
        "  the same in {}: {}",
        count_with_noun(rest.len() as u64, "more row"),
        rows.join(" ")
    )
}

/// Problem with all its details from the manifest.
struct DescribedProblem {
    file: String,
    line: u64,
    value: String,
    sentence: String,
    remedy: String,
}

impl DescribedProblem {
    fn new(problem: &ManifestProblem, manifest: &Manifest) -> Self {
        let value = match problem.row {
            0 => String::new(),
            number => {
                let row = manifest.row_numbered(number);
                let value = match (&problem.kind, problem.column) {
                    (ProblemKind::DamagedCarriedText { position, .. }, _) => {
                        row.cell_at(*position as usize)
                    }
                    (_, None) => "",
                    (_, Some(column)) => row.cell(column),
                };
                value.to_owned()
            }
        };
        Self {
            file: escape(&manifest.path().to_string_lossy()).into_owned(),
            line: manifest.line_of_row(problem.row),
            sentence: problem.kind.sentence(&value, manifest),
            remedy: problem.kind.remedy(&value),
            value,
        }
    }
}

/// Writes the problems file and returns its path. Without any problem, removes the file of an
/// earlier run and returns `None`.
///
/// The file is created for its owner alone, and gets its name only when complete.
pub fn write_problems_file(
    problems: &ProblemList,
    manifest: &Manifest,
) -> io::Result<Option<PathBuf>> {
    let path = problems_file_path(manifest.path());
    if problems.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        };
    }
    atomic_file::replace_file(&path, |out| write_csv(problems, manifest, out))?;
    Ok(Some(path))
}

/// Returns the name of the column of a problem, or an empty text for a problem of a whole row.
fn column_name<'m>(problem: &ManifestProblem, manifest: &'m Manifest) -> &'m str {
    match (&problem.kind, problem.column) {
        (ProblemKind::DamagedCarriedText { position, .. }, _) => manifest.column_name_at(*position),
        (_, None) => "",
        (_, Some(column)) => column.as_str(),
    }
}

fn write_csv(problems: &ProblemList, manifest: &Manifest, out: impl Write) -> io::Result<()> {
    let mut csv = manifest.output_dialect().begin_table(out)?;
    csv.write_record([
        "severity", "kind", "file", "sheet", "cell", "line", "row", "column", "value", "problem",
        "remedy",
    ])?;
    for problem in problems.iter() {
        let described = DescribedProblem::new(problem, manifest);
        let row = match problem.row {
            0 => String::new(),
            number => number.to_string(),
        };
        let cells = [
            problem.kind.severity().as_str(),
            problem.kind.as_str(),
            &described.file,
            manifest.sheet_name().unwrap_or_default(),
            &manifest.cell_address(problem.row, problem.column),
            &described.line.to_string(),
            &row,
            column_name(problem, manifest),
            &described.value,
            &described.sentence,
            &described.remedy,
        ];
        csv.write_record(cells.map(|cell| escape_formula(cell).into_owned()))?;
    }
    csv.flush()
}
