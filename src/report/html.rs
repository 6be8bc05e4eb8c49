//! Report for people: one HTML file that needs no other file, runs no script and loads nothing.
//!
//! askama escapes all values in the templates, and the values themselves write out characters that
//! would act on a reader. Only the style sheet and the SVG of [`chart`] are not escaped, and both
//! are the program's own.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::chart::{self, Chart, ChartBar, ChartCaption};
use super::chart_series::SizeRange;
use super::facts::{ROW_LIST_LIMITS, Report};
use super::values::ItemCount;
use crate::digest::sha256;
use crate::text::count_with_noun;

/// Style sheet, included in the page as it is.
const STYLE: &str = include_str!("templates/report.css");

/// Whole page.
///
/// Ids and attributes for tests stay the same. Plain numbers are in `data-count` of `<td
/// id="rows-STATUS">` for each status with rows, `id="rows-total"`, `id="rows-done"` and
/// `id="rows-not-done"`, `id="evidence-LEVEL"`, `id="outcome-OUTCOME"`, `id="object-PROOF"`, `id="changed-content"`,
/// `id="changed-titles"` and `id="changed-external-ids"`. `data-count` of `id="exceptions"` counts
/// the rows of all groups that speak against a row, and `data-count` of each `<section
/// class="exception">` the rows of its group. The full list has one `<tr data-row="N"
/// data-status="STATUS">` for each row.
#[derive(Template)]
#[template(path = "report.html", config = ".askama.toml")]
struct ReportPage<'a> {
    report: &'a Report,
    style: &'static str,
    /// Hash of the style sheet in the content security policy.
    style_hash: String,
    charts: ReportCharts,
    /// State of the import, which colours the verdict.
    state: &'static str,
    list_limit: ItemCount,
}

/// Charts of the page. A chart without values is left out.
struct ReportCharts {
    over_time: Option<Chart>,
    statuses: Chart,
    sizes: Option<Chart>,
}

/// Renders the whole file.
pub fn render(report: &Report) -> String {
    let page = ReportPage {
        report,
        style: STYLE,
        style_hash: STANDARD.encode(sha256(STYLE.as_bytes()).0),
        charts: ReportCharts::new(report),
        state: verdict_state(report),
        list_limit: ItemCount(ROW_LIST_LIMITS.items as u64),
    };
    page.render()
        .expect("text is written to memory, and no value of a report fails to show itself")
}

/// Returns the CSS class for the worst known fact: `open`, `unsure` or `good`.
fn verdict_state(report: &Report) -> &'static str {
    let damage = &report.damage;
    let sound = report.reconciliation.complete && damage.is_none() && !damage.is_journal();
    if !report.serious_exceptions().is_zero() || !report.rows_not_done.is_zero() {
        "open"
    } else if sound {
        "good"
    } else {
        "unsure"
    }
}

impl ReportCharts {
    fn new(report: &Report) -> Self {
        Self {
            over_time: over_time(report),
            statuses: statuses(report),
            sizes: sizes(&report.sizes),
        }
    }
}

fn over_time(report: &Report) -> Option<Chart> {
    let slices = &report.done_over_time;
    let (first, last) = (slices.first()?, slices.last()?);
    let values: Vec<u64> = slices.iter().map(|slice| slice.rows_so_far.0).collect();
    let caption = ChartCaption {
        id: "chart-time",
        title: "Rows done over time",
        description: format!(
            "From {} to {} the rows done rise to {}. The table has the figures.",
            first.from, last.to, last.rows_so_far
        ),
    };
    let ends = [first.from.to_string(), last.to.to_string()];
    Some(chart::curve(caption, &values, ends))
}

fn statuses(report: &Report) -> Chart {
    let told: Vec<String> = report
        .statuses
        .iter()
        .map(|one| format!("{} {}", one.status, one.rows))
        .collect();
    let caption = ChartCaption {
        id: "chart-statuses",
        title: "Rows by status",
        description: format!("{}.", told.join(", ")),
    };
    let bar = |one: &super::facts::StatusCount| ChartBar {
        label: one.status.to_owned(),
        value: one.rows.0,
        class: status_class(one.status),
    };
    let bars: Vec<ChartBar> = report.statuses.iter().map(bar).collect();
    chart::bars(caption, &bars)
}

/// CSS class for the colour of a status.
fn status_class(status: &str) -> &'static str {
    match status {
        "uploaded" | "replaced" | "renamed" | "updated" => "good",
        "skipped" => "fair",
        "conflict" | "failed" | "invalid" | "replacing" => "bad",
        _ => "open",
    }
}

fn sizes(ranges: &[SizeRange]) -> Option<Chart> {
    let most = ranges.iter().max_by_key(|range| range.rows)?;
    let caption = ChartCaption {
        id: "chart-sizes",
        title: "Files by size",
        description: format!(
            "{} in {}; most of them, {}, are {}. The table has the figures.",
            count_with_noun(ranges.iter().map(|range| range.rows.0).sum(), "file"),
            count_with_noun(ranges.len() as u64, "range"),
            most.rows,
            most.label()
        ),
    };
    let bar = |range: &SizeRange| ChartBar {
        label: range.short_label(),
        value: range.rows.0,
        class: "good",
    };
    let columns: Vec<ChartBar> = ranges.iter().map(bar).collect();
    Some(chart::columns(caption, &columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_loads_nothing_and_does_not_end_before_its_end() {
        for forbidden in ["url(", "@import", "</", "http"] {
            assert!(!STYLE.contains(forbidden), "{forbidden}");
        }
    }
}
