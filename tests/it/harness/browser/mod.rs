//! Browser without a window, in which tests open pages as readers do.
//!
//! Requests and console messages of a page come from the browser's `DevTools`, which see the page
//! alone and no traffic of the browser itself.

mod devtools;

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use devtools::DevtoolsConnection;

/// Virtual time in milliseconds before a test inspects a page. No test waits for the time to pass,
/// but every script timer below the limit has fired.
const PAGE_LIFE_MILLIS: u32 = 10_000;

/// Browser installed on this machine.
#[derive(Debug)]
pub(crate) struct TestBrowser {
    program: PathBuf,
}

/// Colour scheme preferred by the reader's system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourScheme {
    Light,
    Dark,
}

impl TestBrowser {
    /// Returns the browser of this machine, installed first where possible. Returns `None` without
    /// a browser, and then prints the reason for which the test is skipped.
    pub(crate) fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Result<TestBrowser, String>> = OnceLock::new();
        let found = FOUND.get_or_init(Self::install).as_ref();
        if let Err(why) = found {
            let test = thread::current();
            let test = test.name().unwrap_or_default();
            // `eprintln` is not shown for a test which passes.
            let _ = writeln!(io::stderr(), "SKIPPED: {test}: {why}");
        }
        found.ok()
    }

    /// Installs the browser with `tests/install-chromium.sh`, or returns the reason for its
    /// absence.
    fn install() -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/install-chromium.sh");
        let done = Command::new("sh")
            .arg(script)
            .output()
            .map_err(|error| error.to_string())?;
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        if done.status.success() {
            let program = text(&done.stdout).into();
            Ok(Self { program })
        } else {
            Err(text(&done.stderr))
        }
    }

    /// Opens a file, and waits until everything loaded by the page is there or has failed.
    pub(crate) fn open(&self, path: &Path) -> BrowserPage {
        let mut devtools = DevtoolsConnection::start(&self.program);
        for domain in ["Page", "Network", "Log", "Runtime"] {
            devtools.call(&format!("{domain}.enable"), &json!({}));
        }
        let (none, some) = (
            json!({"policy": "pause"}),
            json!({"policy": "pauseIfNetworkFetchesPending", "budget": PAGE_LIFE_MILLIS}),
        );
        devtools.call("Emulation.setVirtualTimePolicy", &none);
        let url = url::Url::from_file_path(path).unwrap();
        let document = devtools.call("Page.navigate", &json!({"url": url.as_str()}));
        assert_eq!(document.get("errorText"), None, "{url}");
        devtools.call("Emulation.setVirtualTimePolicy", &some);
        devtools.wait_for_event("Page.loadEventFired");
        devtools.wait_for_event("Emulation.virtualTimeBudgetExpired");
        BrowserPage {
            document_request: document["loaderId"].as_str().unwrap().to_owned(),
            devtools,
        }
    }
}

/// Open page.
pub(crate) struct BrowserPage {
    /// Request id of the page itself.
    document_request: String,
    devtools: DevtoolsConnection,
}

impl BrowserPage {
    /// Returns the URLs requested by the page besides its own, answered or not.
    pub(crate) fn requests(&self) -> Vec<String> {
        let asked = self.devtools.events_named("Network.requestWillBeSent");
        asked
            .filter(|event| event["requestId"] != self.document_request.as_str())
            .map(|event| event["request"]["url"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the console: messages of scripts, their errors, and complaints of the browser about
    /// the page.
    pub(crate) fn console(&self) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let told = self
            .devtools
            .events_named("Runtime.consoleAPICalled")
            .map(|event| {
                let words = event["args"].as_array().unwrap().iter();
                let words: Vec<String> = words.map(|word| text(&word["value"])).collect();
                format!("{}: {}", text(&event["type"]), words.join(" "))
            });
        let thrown = self
            .devtools
            .events_named("Runtime.exceptionThrown")
            .map(|event| {
                let thrown = &event["exceptionDetails"]["exception"]["description"];
                format!("exception: {}", text(thrown))
            });
        let noted = self.devtools.events_named("Log.entryAdded").map(|event| {
            let entry = &event["entry"];
            format!("{}: {}", text(&entry["level"]), text(&entry["text"]))
        });
        told.chain(thrown).chain(noted).collect()
    }

    /// Counts the elements found by a selector.
    pub(crate) fn count(&mut self, selector: &str) -> usize {
        self.texts(selector).len()
    }

    /// Returns the text of the only element found by a selector. Panics if there is none or
    /// several.
    #[track_caller]
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let texts = self.texts(selector);
        let [text] = texts.as_slice() else {
            panic!("{} elements are {selector}", texts.len());
        };
        text.clone()
    }

    /// Returns the texts of the elements found by a selector, in page order.
    pub(crate) fn texts(&mut self, selector: &str) -> Vec<String> {
        self.properties(selector, "textContent")
    }

    /// Returns a property of each element found by a selector, in page order.
    pub(crate) fn properties(&mut self, selector: &str, property: &str) -> Vec<String> {
        let found = format!("document.querySelectorAll({})", json!(selector));
        let values = format!("Array.from({found}, (one) => String(one.{property}))");
        serde_json::from_value(self.evaluate(&values)).unwrap()
    }

    /// Returns the names read by a screen reader for the elements of a role, such as `image`.
    pub(crate) fn accessible_names(&mut self, role: &str) -> Vec<String> {
        let tree = self
            .devtools
            .call("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let of_role =
            nodes.filter(|node| node["ignored"] == false && node["role"]["value"] == role);
        let name = |node: &Value| {
            node["name"]["value"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        of_role.map(name).collect()
    }

    /// Returns the value of a script. The script belongs to the browser, so a page cannot forbid
    /// it.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, script: &str) -> Value {
        let script = json!({"expression": script, "returnByValue": true});
        let mut answer = self.devtools.call("Runtime.evaluate", &script);
        let failure = answer.get("exceptionDetails");
        assert_eq!(failure, None, "{script}");
        answer["result"]["value"].take()
    }

    /// Returns a picture of the whole page as PNG.
    pub(crate) fn screenshot(&mut self, scheme: ColourScheme) -> Vec<u8> {
        let scheme = json!({"name": "prefers-color-scheme", "value": scheme.to_string()});
        self.devtools
            .call("Emulation.setEmulatedMedia", &json!({"features": [scheme]}));
        let whole = json!({"captureBeyondViewport": true});
        self.decoded_file("Page.captureScreenshot", &whole)
    }

    /// Returns the page printed on A4 as PDF.
    pub(crate) fn pdf(&mut self) -> Vec<u8> {
        let (width, height) = (210.0 / 25.4, 297.0 / 25.4);
        let paper = json!({
            "paperWidth": width,
            "paperHeight": height,
            "preferCSSPageSize": true,
            "printBackground": true,
        });
        self.decoded_file("Page.printToPDF", &paper)
    }

    /// Calls a `DevTools` method, and decodes the file in its answer.
    fn decoded_file(&mut self, method: &str, how: &Value) -> Vec<u8> {
        let answer = self.devtools.call(method, how);
        BASE64_STANDARD
            .decode(answer["data"].as_str().unwrap())
            .unwrap()
    }
}

impl fmt::Display for ColourScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}
