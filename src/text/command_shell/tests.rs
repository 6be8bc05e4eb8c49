mod windows_models;

use proptest::prelude::*;
use proptest::sample::select;

use super::CommandShell::{Cmd, Posix, PowerShell};
use super::*;
use crate::arbitrary::proptest_config;
use windows_models::PowerShellVersion::{V5, V7};
use windows_models::{run_in_cmd, run_in_powershell};

fn spell(shell: CommandShell, word: &str) -> String {
    shell.word(OsStr::new(word))
}

#[test]
fn a_posix_shell_gets_single_quotes_and_octal_numbers() {
    for (word, spelling) in [
        ("--rate", "--rate"),
        ("a b.csv", "'a b.csv'"),
        ("it's", r"'it'\''s'"),
        ("", "''"),
        ("$HOME", "'$HOME'"),
        ("Müller.csv", "Müller.csv"),
        (
            "file_path=Document \"link\"",
            "'file_path=Document \"link\"'",
        ),
        ("a\n'100%'\\", r#""$(printf 'a\012\047100%%\047\\')""#),
        ("\u{202e}x", r#""$(printf '\342\200\256x')""#),
    ] {
        assert_eq!(spell(Posix, word), spelling);
    }
}

#[test]
fn a_word_looks_the_same_for_cmd_and_powershell_where_both_read_the_same() {
    for (word, spelling) in [
        ("--rate", "--rate"),
        ("-v", "-v"),
        ("5", "5"),
        ("--strip-prefix=S:\\Legal\\", "--strip-prefix=S:\\Legal\\"),
        (r"\\server\share\m.csv", r"\\server\share\m.csv"),
        ("Müller.csv", "Müller.csv"),
        ("", "\"\""),
        ("--", "\"--\""),
        ("-m.csv", "\"-m.csv\""),
        ("~", "\"~\""),
        ("\u{2013}x", "\"\u{2013}x\""),
        ("a b.csv", "\"a b.csv\""),
        (r"S:\Legal Files", r#""S:\Legal Files""#),
        (r"S:\R&D (old)\a;b,c.csv", r#""S:\R&D (old)\a;b,c.csv""#),
        (
            "it's {a} @b #c <d> e|f ^g !h!",
            "\"it's {a} @b #c <d> e|f ^g !h!\"",
        ),
        ("5-20,33", "\"5-20,33\""),
        ("\u{2018}a\u{2019}", "\"\u{2018}a\u{2019}\""),
    ] {
        assert_eq!(spell(Cmd, word), spelling);
        assert_eq!(spell(PowerShell, word), spelling);
    }
}

#[test]
fn a_word_that_cmd_and_powershell_read_differently_is_spelt_for_each() {
    for (word, cmd, powershell) in [
        (
            "100% of %PATH%",
            "^\"100^%^ of ^%^PATH^%^\"",
            "'100% of %PATH%'",
        ),
        ("$HOME", "\"$HOME\"", "'$HOME'"),
        ("it's $5", "\"it's $5\"", "'it''s $5'"),
        ("a`b", "\"a`b\"", "'a`b'"),
        ("say \"x\"", "^\"say \\^\"x\\^\"^\"", "'say \"x\"'"),
        (
            r"S:\Legal Files\",
            r#""S:\Legal Files\\""#,
            r"'S:\Legal Files\'",
        ),
        (r"S:\R&D\", r#""S:\R&D\\""#, r"'S:\R&D\'"),
        (
            "\u{201c}a\u{201d}\u{2019}",
            "\"\u{201c}a\u{201d}\u{2019}\"",
            "'\u{201c}a\u{201d}\u{2019}\u{2019}'",
        ),
        ("\u{202e}$x", "\"\\u{202e}$x\"", "\"$([char]0x202e)`$x\""),
        (
            "a\n\"b\"",
            "^\"a\\u{a}\\^\"b\\^\"^\"",
            "\"a$([char]0xa)\"\"b\"\"\"",
        ),
    ] {
        assert_eq!(spell(Cmd, word), cmd);
        assert_eq!(spell(PowerShell, word), powershell);
    }
}

#[test]
fn a_command_runs_the_program_as_typed_with_the_arguments_as_typed() {
    for (words, cmd, powershell) in [
        (
            &["consign", "import", "m.csv", "--resume"][..],
            "consign import m.csv --resume",
            "consign import m.csv --resume",
        ),
        (
            &[r"C:\Program Files\consign\consign.exe", "import", "a b.csv"],
            r#""C:\Program Files\consign\consign.exe" import "a b.csv""#,
            r#"& "C:\Program Files\consign\consign.exe" import "a b.csv""#,
        ),
        (
            &["./consign.exe", "check", r"Legal Files\m.csv"],
            r#".\consign.exe check "Legal Files\m.csv""#,
            r#"./consign.exe check "Legal Files\m.csv""#,
        ),
        (
            &[
                "consign",
                "import",
                "m.csv",
                "--strip-prefix",
                r"S:\Legal Files\",
            ],
            r#"consign import m.csv --strip-prefix "S:\Legal Files\\""#,
            r#"cmd /c 'consign import m.csv --strip-prefix "S:\Legal Files\\"'"#,
        ),
        (
            &["consign", "import", "m.csv", "--set", "title=it's \"x\""],
            r#"consign import m.csv --set ^"title=it's \^"x\^"^""#,
            r#"cmd /c 'consign import m.csv --set ^"title=it''s \^"x\^"^"'"#,
        ),
        (
            &["consign", "import", "a\u{202e}b.csv"],
            r#"powershell -NoProfile -Command ^"consign import \^"a$^([char]0x202e^)b.csv\^"^""#,
            r#"consign import "a$([char]0x202e)b.csv""#,
        ),
    ] {
        assert_eq!(Cmd.command(words), cmd);
        assert_eq!(PowerShell.command(words), powershell);
    }
}

#[test]
fn files_are_moved_before_a_program_runs() {
    let moves = [
        (PathBuf::from("m.csv"), PathBuf::from("m.csv.aside")),
        (PathBuf::from("a/-kept 1"), PathBuf::from("-m.csv")),
    ];
    let words = ["consign", "--resume"];
    let here = |name| Path::new(".").join(name).to_string_lossy().into_owned();
    let shown = here("-m.csv");
    assert_eq!(
        Posix.script(&moves, &words),
        format!(
            "mv m.csv m.csv.aside && mv 'a/-kept 1' {} && consign --resume",
            Posix.word(shown.as_ref())
        )
    );
    assert_eq!(
        Cmd.script(&moves, &words),
        r#"move "m.csv" "m.csv.aside" && move "a\-kept 1" ".\-m.csv" && consign --resume"#
    );
    assert_eq!(
        PowerShell.script(&moves, &words),
        format!(
            "Move-Item -LiteralPath m.csv -Destination m.csv.aside -ErrorAction Stop; Move-Item \
             -LiteralPath \"a/-kept 1\" -Destination {shown} -ErrorAction Stop; consign --resume"
        )
    );
}

#[test]
fn no_command_takes_a_path_for_an_option() {
    let shown = |path| Posix.path(Path::new(path));
    let dashed = Path::new(".").join("-m.csv");
    assert_eq!(shown("-m.csv"), Posix.word(dashed.as_os_str()));
    assert_eq!(shown("a b"), "'a b'");
    assert_eq!(shown("a/-b"), "a/-b");
}

/// Generates a word, with an extra share of characters with a meaning for a shell.
fn arbitrary_word() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "\"",
        "\\",
        "\\\"",
        "%",
        "%a%",
        "%PATH:a=b%",
        "^",
        "!",
        "&",
        "|",
        "<",
        ">",
        "(",
        ")",
        "$",
        "$x",
        "`",
        "'",
        "\u{2018}",
        "\u{201d}",
        ",",
        ";",
        "{",
        "}",
        "@",
        "#",
        "=",
        " ",
        "\u{a0}",
        "-",
        "--",
        "--%",
        "/",
        ":",
        "~",
        "*",
        "?",
        "[a]",
        "1",
        "a",
        "Ä",
        "\u{2013}",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(proptest_config(2_000))]

    #[test]
    fn cmd_and_every_powershell_pass_on_the_words_that_were_typed(
        arguments in prop::collection::vec(arbitrary_word(), 0..4),
    ) {
        let mut words = vec!["C:\\Program Files\\consign.exe".to_owned(), "import".to_owned()];
        words.extend(arguments);
        prop_assert_eq!(&run_in_cmd(&Cmd.command(&words)), &words);
        let command = PowerShell.command(&words);
        prop_assert_eq!(&run_in_powershell(&command, V5), &words);
        prop_assert_eq!(&run_in_powershell(&command, V7), &words);
    }

    #[test]
    fn a_command_with_unprintable_characters_has_the_same_words_and_can_be_printed(
        start in "[a-z ]{0,2}",
        unprintable in select(vec!['\n', '\u{1b}', '\u{202e}', '\u{2028}']),
        end in "[$`'\u{2019}\u{201c}%&a-z]{0,4}",
    ) {
        let words = ["consign".to_owned(), format!("{start}{unprintable}{end}")];
        for command in [Cmd.command(&words), PowerShell.command(&words)] {
            prop_assert!(!command.contains(is_unsafe_to_print));
        }
        prop_assert_eq!(&run_in_cmd(&Cmd.command(&words)), &words);
        prop_assert_eq!(&run_in_powershell(&PowerShell.command(&words), V5), &words);
        prop_assert_eq!(&run_in_powershell(&PowerShell.command(&words), V7), &words);
    }
}

#[test]
fn the_shell_on_windows_is_known_by_its_variables() {
    const FOR_ALL: &str = r"C:\Program Files\WindowsPowerShell\Modules;C:\WINDOWS\system32\WindowsPowerShell\v1.0\Modules\;C:\Program Files (x86)\Microsoft SQL Server\150\Tools\PowerShell\Modules\";
    const OF_5: &str = r"C:\Users\me\OneDrive\Dokumente\WindowsPowerShell\Modules";
    const OF_7: &str =
        r"H:\Docs\PS;C:\Program Files\PowerShell\Modules;c:\program files\powershell\7\Modules";
    let with_all = |own: &str| format!("{own};{FOR_ALL}");
    let (all, of_5, of_7) = (FOR_ALL.to_owned(), with_all(OF_5), with_all(OF_7));
    for (variables, shell) in [
        (vec![], PowerShell),
        (vec![("PSModulePath", &*all)], PowerShell),
        (vec![("PSModulePath", &*all), ("PROMPT", "$P$G")], Cmd),
        (vec![("PSModulePath", &*of_5)], PowerShell),
        (
            vec![("PSModulePath", &*of_7), ("PROMPT", "$P$G")],
            PowerShell,
        ),
        (
            vec![("PSModulePath", &*of_7), ("MSYSTEM", "MINGW64")],
            PowerShell,
        ),
        (vec![("PSModulePath", &*all), ("MSYSTEM", "MINGW64")], Posix),
        (vec![("SHELL", "/bin/bash")], Posix),
        (vec![("MSYSTEM", "MINGW64"), ("PROMPT", "$P$G")], Cmd),
        (
            vec![("PROMPT", "$P$G"), ("_", r"C:\tools\consign.exe")],
            Posix,
        ),
        (
            vec![("PSModulePath", &*of_7), ("_", "/c/tools/consign")],
            Posix,
        ),
        (
            vec![("PROMPT", "$P$G"), ("_", "/c/WINDOWS/system32/cmd")],
            Cmd,
        ),
    ] {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        assert_eq!(CommandShell::on_windows(variable), shell, "{variables:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_posix_shell_reads_the_same_word() {
    use std::os::unix::ffi::OsStrExt as _;

    for word in [
        &b"plain"[..],
        b"Document \"link\" `x` $HOME ${a} !!",
        b"it's 100% \\ \\n",
        b"File\nPath\t\x1b[2J 'x' %s \\047",
        "\u{202e}Vertr\u{e4}ge\u{2028}1".as_bytes(),
        b"not \xff UTF-8",
        b"S:\\Legal\\Scans\\",
        b"~ * ? [a] # ; & | <>",
    ] {
        let word = OsStr::from_bytes(word);
        let script = format!("printf '%s' {}", Posix.word(word));
        let read = std::process::Command::new("sh")
            .arg("-c")
            .arg(&script)
            .output();
        assert_eq!(OsStr::from_bytes(&read.unwrap().stdout), word, "{script}");
    }
}
