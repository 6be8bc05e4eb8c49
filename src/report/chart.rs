//! Small charts as inline SVG. Shapes have whole coordinates and are coloured by class: the style
//! of the page decides on their look in light, in dark and on paper.
//!
//! A chart knows numbers and labels, and nothing about imports.

use std::fmt::Write as _;

use askama::Template;

use crate::text::group_thousands;

/// Width of every chart, in units of the drawing. The page scales the chart.
const CHART_WIDTH: u32 = 460;

/// Height of the part with columns or curves.
const PLOT_HEIGHT: u32 = 150;

/// Room for the numbers of the axis, beside the plot and above the plot.
const PLOT_LEFT: u32 = 56;
const PLOT_TOP: u32 = 14;

/// Finished drawing of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "chart.svg", config = ".askama.toml")]
pub struct Chart {
    id: &'static str,
    title: &'static str,
    description: String,
    width: u32,
    height: u32,
    shapes: Vec<SvgShape>,
}

/// Element of a chart. All coordinates are whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SvgShape {
    Rect {
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        class: &'static str,
    },
    Line {
        from: (u32, u32),
        to: (u32, u32),
    },
    Path {
        points: String,
        class: &'static str,
    },
    Label {
        x: u32,
        y: u32,
        anchor: &'static str,
        text: String,
    },
}

/// Title and texts of a chart.
#[derive(Debug, Clone)]
pub struct ChartCaption {
    /// Prefix of the ids of elements in the chart.
    pub id: &'static str,
    /// Title of the chart.
    pub title: &'static str,
    /// Content of the chart in a sentence, for readers who do not see the chart.
    pub description: String,
}

/// One bar or column of a chart.
#[derive(Debug, Clone)]
pub struct ChartBar {
    /// Label beside or below the bar.
    pub label: String,
    /// Value, which the length of the bar shows.
    pub value: u64,
    /// CSS class for the colour of the bar.
    pub class: &'static str,
}

/// Draws bars one below the other, each with its number at its end.
pub fn bars(caption: ChartCaption, bars: &[ChartBar]) -> Chart {
    const PITCH: u32 = 30;
    const LABELS: u32 = 90;
    const NUMBERS: u32 = 80;
    let highest = highest(bars.iter().map(|bar| bar.value));
    let mut shapes = Vec::new();
    let mut top = 4;
    for bar in bars {
        let length = scaled(bar.value, highest, CHART_WIDTH - LABELS - NUMBERS);
        shapes.push(label(LABELS - 10, top + 15, "end", bar.label.clone()));
        shapes.push(SvgShape::Rect {
            x: LABELS,
            y: top,
            width: length,
            height: PITCH - 9,
            class: bar.class,
        });
        shapes.push(label(
            LABELS + length + 8,
            top + 15,
            "start",
            group_thousands(bar.value),
        ));
        top += PITCH;
    }
    caption.into_chart(top, shapes)
}

/// Draws columns side by side, from left to right, with their labels below.
pub fn columns(caption: ChartCaption, columns: &[ChartBar]) -> Chart {
    let highest = highest(columns.iter().map(|column| column.value));
    let mut shapes = axis(highest);
    let count = u32::try_from(columns.len().max(1)).unwrap_or(u32::MAX);
    let pitch = ((CHART_WIDTH - PLOT_LEFT) / count).min(96);
    for (place, column) in (0..).zip(columns) {
        let height = scaled(column.value, highest, PLOT_HEIGHT);
        let x = PLOT_LEFT + place * pitch;
        let y = PLOT_TOP + PLOT_HEIGHT - height;
        shapes.push(SvgShape::Rect {
            x: x + pitch / 10,
            y,
            width: (pitch * 8 / 10).max(1),
            height,
            class: column.class,
        });
        // Narrow columns are too many for a label each.
        if place % (52 / pitch.max(1) + 1) == 0 {
            let middle = x + pitch / 2;
            shapes.push(label(
                middle,
                PLOT_TOP + PLOT_HEIGHT + 18,
                "middle",
                column.label.clone(),
            ));
        }
    }
    caption.into_chart(PLOT_TOP + PLOT_HEIGHT + 28, shapes)
}

/// Draws a curve with one point for each value. `ends` are the labels of the two ends.
pub fn curve(caption: ChartCaption, values: &[u64], ends: [String; 2]) -> Chart {
    let highest = highest(values.iter().copied());
    let mut shapes = axis(highest);
    let count = values.len().max(1) as u64;
    let mut points = format!("M{PLOT_LEFT} {}", PLOT_TOP + PLOT_HEIGHT);
    for (place, value) in (1..).zip(values) {
        let x = PLOT_LEFT + scaled(place, count, CHART_WIDTH - PLOT_LEFT - 4);
        let y = PLOT_TOP + PLOT_HEIGHT - scaled(*value, highest, PLOT_HEIGHT);
        // Writing to a String never fails.
        let _ = write!(points, "L{x} {y}");
    }
    let area = format!("{points}V{}Z", PLOT_TOP + PLOT_HEIGHT);
    shapes.push(SvgShape::Path {
        points: area,
        class: "area",
    });
    shapes.push(SvgShape::Path {
        points,
        class: "curve",
    });
    let [first, last] = ends;
    shapes.push(label(
        PLOT_LEFT,
        PLOT_TOP + PLOT_HEIGHT + 18,
        "start",
        first,
    ));
    shapes.push(label(
        CHART_WIDTH - 4,
        PLOT_TOP + PLOT_HEIGHT + 18,
        "end",
        last,
    ));
    caption.into_chart(PLOT_TOP + PLOT_HEIGHT + 28, shapes)
}

impl ChartCaption {
    fn into_chart(self, height: u32, shapes: Vec<SvgShape>) -> Chart {
        Chart {
            id: self.id,
            title: self.title,
            description: self.description,
            width: CHART_WIDTH,
            height,
            shapes,
        }
    }
}

/// Draws lines at zero, half and the highest value, with their numbers.
fn axis(highest: u64) -> Vec<SvgShape> {
    let marks: &[u64] = match highest {
        1 => &[0, 1],
        _ => &[0, highest / 2, highest],
    };
    let mark = |value: &u64| {
        let y = PLOT_TOP + PLOT_HEIGHT - scaled(*value, highest, PLOT_HEIGHT);
        [
            SvgShape::Line {
                from: (PLOT_LEFT, y),
                to: (CHART_WIDTH, y),
            },
            label(PLOT_LEFT - 8, y + 4, "end", group_thousands(*value)),
        ]
    };
    marks.iter().flat_map(mark).collect()
}

fn label(x: u32, y: u32, anchor: &'static str, text: String) -> SvgShape {
    SvgShape::Label { x, y, anchor, text }
}

fn highest(values: impl Iterator<Item = u64>) -> u64 {
    values.max().unwrap_or(0).max(1)
}

/// Scales a value to a length of at most `length`. A value above zero is at least 2 long, to be
/// seen.
fn scaled(value: u64, highest: u64, length: u32) -> u32 {
    let exact = u128::from(value) * u128::from(length) / u128::from(highest);
    let length = u32::try_from(exact).unwrap_or(length);
    length.max(u32::from(value > 0) * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caption() -> ChartCaption {
        ChartCaption {
            id: "c",
            title: "T <1>",
            description: "D & d".to_owned(),
        }
    }

    fn bar(label: &str, value: u64) -> ChartBar {
        ChartBar {
            label: label.to_owned(),
            value,
            class: "done",
        }
    }

    fn widths(chart: &Chart) -> Vec<u32> {
        let width = |shape: &SvgShape| match shape {
            SvgShape::Rect { width, .. } => Some(*width),
            _ => None,
        };
        chart.shapes.iter().filter_map(width).collect()
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_unseen_unless_it_is_nothing() {
        let chart = bars(
            caption(),
            &[bar("a", 1_000), bar("b", 500), bar("c", 1), bar("d", 0)],
        );
        assert_eq!(widths(&chart), [290, 145, 2, 0]);
    }

    #[test]
    fn the_largest_numbers_fit_too_and_nothing_at_all_is_drawn_as_nothing() {
        assert_eq!(widths(&bars(caption(), &[bar("a", u64::MAX)])), [290]);
        assert_eq!(widths(&columns(caption(), &[])), [0; 0]);
        let empty = curve(caption(), &[], [String::new(), String::new()]);
        assert!(empty.render().unwrap().contains("<path"));
    }

    #[test]
    fn a_chart_stays_within_its_frame_however_many_columns_it_has() {
        for count in [1, 7, 28, 60] {
            let all: Vec<ChartBar> = (0..count).map(|value| bar("x", value)).collect();
            for shape in columns(caption(), &all).shapes {
                if let SvgShape::Rect {
                    x,
                    y,
                    width,
                    height,
                    ..
                } = shape
                {
                    assert!(x + width <= CHART_WIDTH && y + height <= PLOT_TOP + PLOT_HEIGHT);
                }
            }
        }
    }

    #[test]
    fn a_curve_ends_at_its_highest_value() {
        let chart = curve(caption(), &[0, 5, 10], ["a".into(), "b".into()]);
        let Some(SvgShape::Path { points, class }) = chart.shapes.iter().rev().nth(2) else {
            panic!("{chart:?}");
        };
        assert_eq!(*class, "curve");
        assert_eq!(points, "M56 164L189 164L322 89L456 14");
    }

    #[test]
    fn what_a_chart_shows_is_told_to_those_who_do_not_see_it_and_is_text() {
        let svg = bars(caption(), &[bar("<script>", 1)]).render().unwrap();
        assert!(
            svg.contains("role=\"img\" aria-labelledby=\"c-title c-desc\""),
            "{svg}"
        );
        assert!(
            svg.contains("<title id=\"c-title\">T &#60;1&#62;</title>"),
            "{svg}"
        );
        assert!(
            svg.contains("<desc id=\"c-desc\">D &#38; d</desc>"),
            "{svg}"
        );
        assert!(
            svg.contains("&#60;script&#62;") && !svg.contains("<script"),
            "{svg}"
        );
    }
}
