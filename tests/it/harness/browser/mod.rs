//! A browser without a window, in which tests open pages as their readers do.
//!
//! What a page asked for and what it told the console comes from the browser's own tools for
//! developers, which see the page alone and nothing that the browser does for itself.

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

/// How long a page lives before anybody looks at it, in its own milliseconds: nobody waits for
/// them, but whatever a script puts off for less has happened.
const LIFE: u32 = 10_000;

/// The browser of this machine.
#[derive(Debug)]
pub(crate) struct TestBrowser {
    program: PathBuf,
}

/// What the reader's system likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourScheme {
    Light,
    Dark,
}

impl TestBrowser {
    /// The browser of this machine, which is installed first where that can be done. A test that
    /// gets none has nothing to look at; that it was left out is said, and why.
    pub(crate) fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Result<TestBrowser, String>> = OnceLock::new();
        let found = FOUND.get_or_init(Self::install).as_ref();
        if let Err(why) = found {
            let test = thread::current();
            let test = test.name().unwrap_or_default();
            // Not by `eprintln`, which is not heard from a test that passes.
            let _ = writeln!(io::stderr(), "SKIPPED: {test}: {why}");
        }
        found.ok()
    }

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

    /// Opens a file, and looks at it when everything that it loads is there or has failed.
    pub(crate) fn open(&self, path: &Path) -> BrowserPage {
        let mut devtools = DevtoolsConnection::start(&self.program);
        for domain in ["Page", "Network", "Log", "Runtime"] {
            devtools.ask(&format!("{domain}.enable"), &json!({}));
        }
        let (none, some) = (
            json!({"policy": "pause"}),
            json!({"policy": "pauseIfNetworkFetchesPending", "budget": LIFE}),
        );
        devtools.ask("Emulation.setVirtualTimePolicy", &none);
        let url = url::Url::from_file_path(path).unwrap();
        let document = devtools.ask("Page.navigate", &json!({"url": url.as_str()}));
        assert_eq!(document.get("errorText"), None, "{url}");
        devtools.ask("Emulation.setVirtualTimePolicy", &some);
        devtools.wait_for("Page.loadEventFired");
        devtools.wait_for("Emulation.virtualTimeBudgetExpired");
        BrowserPage {
            document: document["loaderId"].as_str().unwrap().to_owned(),
            devtools,
        }
    }
}

/// A page that is open.
pub(crate) struct BrowserPage {
    /// The request for the page itself.
    document: String,
    devtools: DevtoolsConnection,
}

impl BrowserPage {
    /// Everything that the page asked for beside itself, whether it got it or not.
    pub(crate) fn requests(&self) -> Vec<String> {
        let asked = self.devtools.told("Network.requestWillBeSent");
        asked
            .filter(|event| event["requestId"] != self.document.as_str())
            .map(|event| event["request"]["url"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Everything that the console shows: what scripts told it, their errors, and what the browser
    /// has to say against the page.
    pub(crate) fn console(&self) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let told = self.devtools.told("Runtime.consoleAPICalled").map(|event| {
            let words = event["args"].as_array().unwrap().iter();
            let words: Vec<String> = words.map(|word| text(&word["value"])).collect();
            format!("{}: {}", text(&event["type"]), words.join(" "))
        });
        let thrown = self.devtools.told("Runtime.exceptionThrown").map(|event| {
            let thrown = &event["exceptionDetails"]["exception"]["description"];
            format!("exception: {}", text(thrown))
        });
        let noted = self.devtools.told("Log.entryAdded").map(|event| {
            let entry = &event["entry"];
            format!("{}: {}", text(&entry["level"]), text(&entry["text"]))
        });
        told.chain(thrown).chain(noted).collect()
    }

    /// How many elements a selector finds.
    pub(crate) fn count(&mut self, selector: &str) -> usize {
        self.texts(selector).len()
    }

    /// The text of the one element that a selector finds.
    #[track_caller]
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let texts = self.texts(selector);
        let [text] = texts.as_slice() else {
            panic!("{} elements are {selector}", texts.len());
        };
        text.clone()
    }

    /// The text of each element that a selector finds, in the order of the page.
    pub(crate) fn texts(&mut self, selector: &str) -> Vec<String> {
        self.each(selector, "textContent")
    }

    /// A property of each element that a selector finds, likewise.
    pub(crate) fn each(&mut self, selector: &str, property: &str) -> Vec<String> {
        let found = format!("document.querySelectorAll({})", json!(selector));
        let values = format!("Array.from({found}, (one) => String(one.{property}))");
        serde_json::from_value(self.evaluate(&values)).unwrap()
    }

    /// What a screen reader calls each thing of a kind, such as `image`.
    pub(crate) fn names(&mut self, role: &str) -> Vec<String> {
        let tree = self.devtools.ask("Accessibility.getFullAXTree", &json!({}));
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

    /// What a script finds out. It is the browser's own, which a page cannot forbid.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, script: &str) -> Value {
        let script = json!({"expression": script, "returnByValue": true});
        let mut answer = self.devtools.ask("Runtime.evaluate", &script);
        let failure = answer.get("exceptionDetails");
        assert_eq!(failure, None, "{script}");
        answer["result"]["value"].take()
    }

    /// A picture of all of the page, as PNG.
    pub(crate) fn screenshot(&mut self, scheme: ColourScheme) -> Vec<u8> {
        let scheme = json!({"name": "prefers-color-scheme", "value": scheme.to_string()});
        self.devtools
            .ask("Emulation.setEmulatedMedia", &json!({"features": [scheme]}));
        let whole = json!({"captureBeyondViewport": true});
        self.file_from("Page.captureScreenshot", &whole)
    }

    /// The page as it is printed on A4, as PDF.
    pub(crate) fn pdf(&mut self) -> Vec<u8> {
        let (width, height) = (210.0 / 25.4, 297.0 / 25.4);
        let paper = json!({
            "paperWidth": width,
            "paperHeight": height,
            "preferCSSPageSize": true,
            "printBackground": true,
        });
        self.file_from("Page.printToPDF", &paper)
    }

    fn file_from(&mut self, method: &str, how: &Value) -> Vec<u8> {
        let answer = self.devtools.ask(method, how);
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
