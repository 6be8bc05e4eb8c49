//! The report as its readers see it: opened in a browser.

use crate::harness::{Browser, Scheme, Stranger, Test};

#[test]
fn whatever_a_page_asks_for_or_tells_the_console_is_seen() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let stranger = Stranger::listening();
    let url = stranger.url();
    let test = Test::new().file(
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
    let Some(browser) = Browser::find() else {
        return;
    };
    let test = Test::new().file(
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
    let Some(browser) = Browser::find() else {
        return;
    };
    let test = Test::new().file(
        "page.html",
        "<!DOCTYPE html><title>a page</title><style>\
         @media (prefers-color-scheme: dark) { body { background: black; color: white } }\
         p { break-after: page }</style><p>1<p>2<p>3",
    );
    let mut page = browser.open(&test.path("page.html"));
    let [light, dark] = [Scheme::Light, Scheme::Dark].map(|scheme| page.screenshot(scheme));
    for picture in [&light, &dark] {
        assert!(picture.starts_with(b"\x89PNG"));
    }
    assert_ne!(light, dark);
    let pdf = page.pdf();
    assert!(pdf.starts_with(b"%PDF"));
    assert_eq!(pages_of(&pdf), 3);
}

/// How many pages a PDF of this browser has.
fn pages_of(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf)
        .lines()
        .filter(|line| line.ends_with("/Type /Page"))
        .count()
}
