//! Runs on a terminal with a user, made by `script`, which every Linux has.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::run::TestRun;

impl TestRun<'_> {
    /// Makes the run on a terminal on which `typed` is typed, without any check. Returns the exit
    /// code and everything shown on the terminal.
    pub(crate) fn run_on_terminal(&self, typed: &str) -> (i32, String) {
        let words = self.args.iter().map(String::as_str);
        let words: Vec<String> = [env!("CARGO_BIN_EXE_consign")]
            .into_iter()
            .chain(words)
            .map(|word| format!("'{word}'"))
            .collect();
        let mut child = Command::new("script")
            .args(["-qec", &words.join(" "), "/dev/null"])
            .current_dir(self.test.folder())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The input stays open to the end: a terminal without a user is another case.
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(typed.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        drop(keyboard);
        let shown = String::from_utf8_lossy(&ended.stdout).replace("\r\n", "\n");
        (ended.status.code().unwrap(), shown)
    }
}
