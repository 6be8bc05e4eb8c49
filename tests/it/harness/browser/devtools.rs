//! `DevTools` protocol of a browser over a pair of pipes: requests and events as JSON, each ended by
//! a zero byte.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest silence of a browser before the test gives up.
const BROWSER_SILENCE_LIMIT: Duration = Duration::from_mins(2);

/// Options which restrict the browser to the page: no window, no traffic of its own, no question.
/// The sandbox needs more of the system than a container grants, and all pages here are our own.
const BROWSER_OPTIONS: [&str; 12] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--window-size=1280,1024",
];

/// Shell command which starts the browser with its third and fourth inherited file, on which it
/// speaks `DevTools`, taken from the first two.
const DEVTOOLS_PIPE_COMMAND: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null";

/// Connection to a browser with one page.
pub(super) struct DevtoolsConnection {
    browser: Child,
    /// `None` after the browser was told to end.
    requests: Option<ChildStdin>,
    messages: Receiver<Value>,
    last_id: u64,
    /// Session of the page, or `None` before the page is open.
    session: Option<String>,
    events: Vec<Value>,
    /// Home folder of the browser, for all files written by the browser.
    home: TempDir,
}

impl DevtoolsConnection {
    /// Starts a browser with an empty page.
    pub(super) fn start(program: &Path) -> Self {
        let home = tempfile::tempdir().unwrap();
        let profile = format!("--user-data-dir={}", home.path().join("profile").display());
        let mut browser = Command::new("sh")
            .args(["-c", DEVTOOLS_PIPE_COMMAND])
            .arg(program)
            .args(BROWSER_OPTIONS)
            .arg(profile)
            .env("HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(home.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let (sender, messages) = channel();
        let stream = browser.stdout.take().unwrap();
        thread::spawn(move || forward_messages(stream, &sender));
        let mut devtools = Self {
            requests: browser.stdin.take(),
            browser,
            messages,
            last_id: 0,
            session: None,
            events: Vec::new(),
            home,
        };
        devtools.open_page();
        devtools
    }

    /// Opens the page. All later requests go to the page.
    fn open_page(&mut self) {
        let page = self.call("Target.createTarget", &json!({"url": "about:blank"}));
        let page = json!({"targetId": page["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", &page);
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
    }

    /// Sends a request, and waits for the answer.
    #[track_caller]
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut request = json!({"id": self.last_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let request = format!("{request}\0");
        let pipe = self.requests.as_mut().unwrap();
        pipe.write_all(request.as_bytes()).unwrap();
        loop {
            let mut message = self.next_message();
            if message["id"] == self.last_id {
                assert_eq!(message.get("error"), None, "{request}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Waits until the browser has sent an event.
    #[track_caller]
    pub(super) fn wait_for_event(&mut self, event: &str) {
        while self.events_named(event).next().is_none() {
            let message = self.next_message();
            self.events.push(message);
        }
    }

    /// Returns the parameters of all events of a name so far.
    pub(super) fn events_named(&self, event: &str) -> impl Iterator<Item = &Value> {
        let is_of_it = move |message: &&Value| message["method"] == event;
        let events = self.events.iter().filter(is_of_it);
        events.map(|message| &message["params"])
    }

    #[track_caller]
    fn next_message(&self) -> Value {
        self.messages
            .recv_timeout(BROWSER_SILENCE_LIMIT)
            .unwrap_or_else(|error| {
                let said = fs::read(self.home.path().join("stderr")).unwrap();
                panic!("{error}: {}", String::from_utf8_lossy(&said))
            })
    }
}

impl Drop for DevtoolsConnection {
    fn drop(&mut self) {
        // Without its pipe the browser ends, and tidies up. A browser which hangs is not waited
        // for.
        self.requests = None;
        while self.messages.recv_timeout(BROWSER_SILENCE_LIMIT).is_ok() {}
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}

/// Forwards messages from the pipe until the pipe ends.
fn forward_messages(stream: ChildStdout, messages: &Sender<Value>) {
    for message in BufReader::new(stream).split(0) {
        let Ok(message) = message else { return };
        let message = serde_json::from_slice(&message).unwrap();
        if messages.send(message).is_err() {
            return;
        }
    }
}
