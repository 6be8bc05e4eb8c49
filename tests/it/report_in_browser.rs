//! Reports opened in a browser.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use consign::emulator::EmulatorOperation::Create;
use consign::emulator::FaultTrigger::Nth;
use consign::results::{COLUMNS, LINE_CHECK_COLUMN, line_check};
use consign::text::{escape, escape_formula};
use serde_json::json;

use crate::harness::{
    ColourScheme, ImportTest, MANIFEST_HEADER, ResultsTable, StrangeHost, TestBrowser,
    manifest_row, status_effect,
};

const REPORT: &str = "m.results.report.html";

/// Import with rows of every kind, and with attachments altered since.
fn eventful() -> ImportTest {
    let test = ImportTest::with_rows(9)
        .manifest(MANIFEST_HEADER.to_owned() + &manifest_row("A3") + &manifest_row("A4"))
        // Two rows are stored already by POSTs 1 and 2, so POST 4 is the one of the second row.
        .inject_fault(Create, Nth(4), status_effect(422));
    test.import().with_results("other.results.csv").exits(0);
    let rows: String = (1..=8)
        .map(|number| manifest_row(&format!("A{number}")))
        .collect();
    let rows = format!("{MANIFEST_HEADER}{rows}gone.pdf,contract,9,A9\n");
    test.write("m.csv", rows);
    test.write("A3.pdf", "something longer than before");
    test.import()
        .args(["--skip-invalid"])
        .with_any_stderr()
        .exits(1);
    test.service().delete("A5");
    test.service().rename("A6", "B6");
    test.service().forge_bytes("A7");
    test.verify().args(["--download", "all"]).exits(1);
    test.consign(["report", ResultsTable::DEFAULT_NAME])
        .exits(0);
    test
}

/// Counts each word of a column.
fn counts(of: &ResultsTable, column: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in &of.lines {
        *counts.entry(line.cell(column).to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn a_report_asks_for_nothing_and_gives_the_browser_no_cause_for_complaint() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = eventful();
    let mut page = browser.open(&test.path(REPORT));
    assert_eq!(page.requests(), Vec::<String>::new());
    assert_eq!(page.console(), Vec::<String>::new());
    assert_eq!(page.evaluate("document.compatMode"), "CSS1Compat");
    // A click would contact no host either.
    let leads_out = "Array.from(document.querySelectorAll('*'))\
        .flatMap((element) => Array.from(element.attributes))\
        .filter((one) => ['href', 'src', 'srcset', 'action', 'data', 'poster'].includes(one.localName))\
        .map((one) => one.value).filter((value) => !value.startsWith('#'))";
    assert_eq!(page.evaluate(leads_out), json!([]));
    assert_eq!(page.count("script, iframe, object, embed, form"), 0);
}

#[test]
fn the_counts_that_a_reader_sees_are_those_of_the_results() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = eventful();
    let mut page = browser.open(&test.path(REPORT));
    let results = test.results();
    let statuses = counts(&results, "status");
    assert_eq!(statuses.len(), 5, "{statuses:?}");
    for (status, rows) in &statuses {
        assert_eq!(page.text(&format!("#rows-{status}")), rows.to_string());
    }
    assert_eq!(page.text("#rows-total"), results.lines.len().to_string());
    let column = |name| -> Vec<&str> { results.lines.iter().map(|line| line.cell(name)).collect() };
    assert_eq!(
        page.properties("tr[data-row]", "dataset.row"),
        column("row")
    );
    assert_eq!(
        page.properties("tr[data-row]", "dataset.status"),
        column("status")
    );
    for (text, line) in page.texts("tr[data-row]").iter().zip(&results.lines) {
        for column in ["file_path", "external_id", "sha256", "reason"] {
            assert!(text.contains(line.cell(column)), "{column} in {text}");
        }
    }
}

#[test]
fn whatever_a_verification_found_is_among_the_exceptions() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = eventful();
    let mut page = browser.open(&test.path(REPORT));
    let outcomes = counts(&test.verification(), "outcome");
    for outcome in ["missing", "renamed", "content_differs"] {
        assert_eq!(outcomes[outcome], 1);
        let group = format!("section.exception[data-found-by=verify][data-what={outcome}]");
        assert_eq!(page.properties(&group, "dataset.count"), ["1"], "{outcome}");
    }
    for status in ["failed", "conflict", "invalid"] {
        let group = format!("section.exception[data-what={status}]");
        assert_eq!(page.properties(&group, "dataset.count"), ["1"], "{status}");
    }
    let exceptions = page.text("#exceptions");
    for id in ["A2", "A3", "A5", "A6", "A7", "A9"] {
        assert!(exceptions.contains(id), "{id} in {exceptions}");
    }
    assert!(!exceptions.contains("A8"), "{exceptions}");
}

/// Texts which must never be executed.
const HOSTILE: [&str; 8] = [
    "<script>document.title='hacked'</script>",
    "\"><img src=x onerror=\"document.title='hacked'\">",
    "</td></tr></table><h1>All is well</h1>",
    "<svg onload=document.title='hacked'><style>*{display:none}</style>",
    "</title></style><base href='https://evil.example/'>",
    "\u{202e}fdp.tcartnoc\u{2066}",
    "\u{1b}]0;hacked\u{7}\u{1b}[31mred",
    "<!-- & &lt; &#60; {{ 7*7 }} ${7*7}",
];

/// Writes results with a hostile text in each cell that may hold text. Every other row has failed.
fn write_hostile_results(test: &ImportTest) {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS.iter().chain(&[LINE_CHECK_COLUMN, "title"]))
        .unwrap();
    for (row, text) in (1_u64..).zip(HOSTILE) {
        let (status, reason) = match row % 2 {
            0 => ("failed", "refused"),
            _ => ("uploaded", ""),
        };
        let digest = "ab".repeat(32);
        let number = row.to_string();
        let cells = COLUMNS.map(|column| match column {
            "row" | "object_id" | "attachment_id" => number.as_str(),
            "file_path" | "external_id" | "message" => text,
            "object_type" => "contract",
            "status" => status,
            "reason" => reason,
            "size" => "5",
            "attempts" => "1",
            "sha256" => &digest,
            "destination" => "service.example/v1",
            "modified_at" | "updated_at" => "2026-11-22T10:00:00.000Z",
            _ => "",
        });
        let check = line_check(cells, row);
        let all = cells.iter().map(|cell| escape_formula(cell).into_owned());
        let all = all.chain([check, text.to_owned()]);
        out.write_record(all).unwrap();
    }
    test.write("m.results.csv", out.into_inner().unwrap());
}

#[test]
fn hostile_cells_are_text_that_can_be_read_and_nothing_else() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = ImportTest::new();
    write_hostile_results(&test);
    test.consign(["report", ResultsTable::DEFAULT_NAME])
        .leaving_a_journal()
        .exits(0);
    let mut page = browser.open(&test.path(REPORT));
    assert_eq!(page.count("tr[data-row]"), HOSTILE.len());
    assert_eq!(
        page.count("script, img, base, svg style, [onload], [onerror]"),
        0
    );
    assert_eq!(page.count("h1"), 1);
    assert_ne!(page.evaluate("document.title"), "hacked");
    assert_eq!(page.console(), Vec::<String>::new());
    assert_eq!(page.requests(), Vec::<String>::new());
    let exceptions = page.text("#exceptions");
    for (row, hostile) in (1..).zip(HOSTILE) {
        let harmless = &*escape(hostile);
        let shown = page.text(&format!("tr[data-row='{row}']"));
        assert_eq!(shown.matches(harmless).count(), 2, "{harmless} in {shown}");
        assert_eq!(exceptions.contains(harmless), row % 2 == 0, "{harmless}");
    }
    let whole = page.evaluate("document.documentElement.outerHTML");
    let whole = whole.as_str().unwrap();
    let turns = ['\u{1b}', '\u{7}', '\u{202e}', '\u{2066}'];
    assert_eq!(whole.find(turns), None);
    assert_eq!(
        page.text("tr[data-row='6']").matches("\\u{202e}").count(),
        2
    );
}

#[test]
fn somebody_who_cannot_see_it_finds_the_way() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = eventful();
    let mut page = browser.open(&test.path(REPORT));
    assert_eq!(page.properties("html", "lang"), ["en"]);
    assert_eq!(page.count("main"), 1);
    let levels: Vec<u32> = page
        .properties("h1, h2, h3, h4, h5, h6", "tagName")
        .iter()
        .map(|name| name[1..].parse().unwrap())
        .collect();
    assert_eq!(levels[0], 1);
    assert!(
        levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "{levels:?}"
    );
    assert_eq!(page.count("table"), page.count("table > caption"));
    assert_eq!(page.count("th:not([scope])"), 0);
    let pictures = page.accessible_names("image");
    assert_eq!(pictures.len(), page.count("svg"));
    assert!(!pictures.is_empty());
    assert!(pictures.iter().all(|name| !name.is_empty()), "{pictures:?}");
}

/// `LOOK=folder` keeps the pictures of this test in a folder for people to look at.
#[test]
fn a_report_has_a_light_and_a_dark_side_and_is_printed_on_pages() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = eventful();
    let mut page = browser.open(&test.path(REPORT));
    let [light, dark] =
        [ColourScheme::Light, ColourScheme::Dark].map(|scheme| page.screenshot(scheme));
    let pdf = page.pdf();
    if let Some(folder) = env::var_os("LOOK") {
        let folder = Path::new(&folder);
        for (name, bytes) in [
            ("light.png", &light),
            ("dark.png", &dark),
            ("print.pdf", &pdf),
        ] {
            fs::write(folder.join(name), bytes).unwrap();
        }
        fs::copy(test.path(REPORT), folder.join("report.html")).unwrap();
    }
    assert_ne!(light, dark);
    assert!(light.len() > 10_000 && dark.len() > 10_000);
    assert!((1..20).contains(&pages_of(&pdf)));
}

#[test]
fn whatever_a_page_asks_for_or_tells_the_console_is_seen() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let stranger = StrangeHost::start();
    let url = stranger.url();
    let test = ImportTest::new().file(
        "page.html",
        format!(
            "<!DOCTYPE html><title>a page</title><h1>A page</h1>\
             <img src=\"{url}\"><img src=\"beside.png\"><link rel=\"stylesheet\" href=\"a.css\">\
             <script>console.log('at', 1);\
             setTimeout(() => fetch('{url}&late=1').catch(() => {{}}), 5000);\
             setTimeout(() => console.warn('late'), 5000);\
             setTimeout(() => {{ throw new Error('thrown') }}, 5000);</script>\
             <p onclick=\"alert(1)\">one <b>two</b></p>"
        ),
    );
    let mut page = browser.open(&test.path("page.html"));
    let mut requests = page.requests();
    requests.sort();
    let beside = |name| format!("file://{}", test.path(name).display());
    let late = format!("{url}&late=1");
    assert_eq!(requests, [beside("a.css"), beside("beside.png"), url, late]);
    let console = page.console().join("\n");
    for told in [
        "log: at 1",
        "warning: late",
        "exception: Error: thrown",
        "error: Failed to load resource: net::ERR_FILE_NOT_FOUND",
    ] {
        assert!(console.contains(told), "{told} is missing in:\n{console}");
    }
    assert_eq!(page.text("h1"), "A page");
    assert_eq!(page.text("p"), "one two");
    assert_eq!(page.count("img"), 2);
}

#[test]
fn what_the_browser_forbids_a_page_is_seen() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = ImportTest::new().file(
        "page.html",
        "<!DOCTYPE html><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">\
         <title>a page</title><img src=\"http://127.0.0.1:1/x.png\"><script>document.title='b'</script>",
    );
    let mut page = browser.open(&test.path("page.html"));
    let console = page.console();
    assert_eq!(console.len(), 2, "{console:?}");
    assert!(
        console
            .iter()
            .all(|entry| entry.contains("Content Security Policy")),
        "{console:?}"
    );
    assert_eq!(page.evaluate("document.title"), "a page");
}

#[test]
fn pictures_are_light_or_dark_and_a_print_has_pages() {
    let Some(browser) = TestBrowser::find() else {
        return;
    };
    let test = ImportTest::new().file(
        "page.html",
        "<!DOCTYPE html><title>a page</title><style>\
         @media (prefers-color-scheme: dark) { body { background: black; color: white } }\
         p { break-after: page }</style><p>1<p>2<p>3",
    );
    let mut page = browser.open(&test.path("page.html"));
    let [light, dark] =
        [ColourScheme::Light, ColourScheme::Dark].map(|scheme| page.screenshot(scheme));
    for picture in [&light, &dark] {
        assert!(picture.starts_with(b"\x89PNG"));
    }
    assert_ne!(light, dark);
    let pdf = page.pdf();
    assert!(pdf.starts_with(b"%PDF"));
    assert_eq!(pages_of(&pdf), 3);
}

/// Counts the pages of a PDF printed by the test browser.
fn pages_of(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf)
        .lines()
        .filter(|line| line.ends_with("/Type /Page"))
        .count()
}
