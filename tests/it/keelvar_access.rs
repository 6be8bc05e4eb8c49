//! Requirements of an import to Keelvar before any request: destination, key and user.

use crate::harness::{ImportTest, MANIFEST_HEADER, TestRun};

const ROW: &str = "a.pdf,sourcing_event,3f2504e0-4f89-41d3-9a0c-0305e82c3301,A1\n";

fn test_of_an_event() -> ImportTest {
    ImportTest::new()
        .file("a.pdf", "alpha")
        .manifest(format!("{MANIFEST_HEADER}{ROW}"))
}

fn to_nobody(test: &ImportTest) -> TestRun<'_> {
    test.consign([
        "import",
        "m.csv",
        "--base-url",
        "https://service.invalid/api",
    ])
}

#[test]
fn there_is_no_default_for_keelvar_and_workdays_tenants_are_none() {
    let test = test_of_an_event();
    let how = "--base-url URL (the address of your company's Keelvar, ending in /api), or set \
               KEELVAR_BASE_URL, or --emulator to try consign without an account\n";
    test.consign(["import", "m.csv"])
        .env_var("WORKDAY_BASE_URL", "https://workday.invalid/v1")
        .stdout("")
        .stderr(format!(
            "error: no destination is named, and there is no default, so that nothing reaches the \
             wrong company: give {how}"
        ))
        .exits(2);
    test.consign(["import", "m.csv", "--region", "eu", "--environment"])
        .args(["sandbox"])
        .stdout("")
        .stderr(format!(
            "error: --region and --environment name a tenant of Workday Strategic Sourcing, and \
             the object types of this manifest are of Keelvar: give {how}"
        ))
        .exits(2);
}

#[test]
fn the_base_of_keelvar_may_come_from_the_environment() {
    let test = test_of_an_event();
    test.consign(["import", "m.csv"])
        .env_var("KEELVAR_BASE_URL", "http://keelvar.invalid/api")
        .stdout("")
        .stderr(
            "error: the base URL \"http://keelvar.invalid/api\" is not https (http is for this \
             machine only); a base URL looks like https://my.keelvar.app/api, with the host that \
             your company uses\n",
        )
        .exits(2);
}

#[test]
fn keelvar_needs_a_key_and_a_user_and_is_not_asked_without_them() {
    let test = test_of_an_event();
    to_nobody(&test)
        .env_var("WORKDAY_API_KEY", "another-key")
        .stdout("")
        .stderr(
            "error: the keys of the service come from the environment: KEELVAR_API_KEY and \
             KEELVAR_USER_EMAIL are not set\n",
        )
        .exits(2);
    to_nobody(&test)
        .env_var("KEELVAR_USER_EMAIL", "me@example.com")
        .stdout("")
        .stderr(
            "error: the keys of the service come from the environment: KEELVAR_API_KEY is not \
             set\n",
        )
        .exits(2);
}

#[test]
fn a_key_in_the_place_of_the_user_is_refused_and_not_repeated() {
    let test = test_of_an_event();
    to_nobody(&test)
        .env_var("KEELVAR_API_KEY", "me@example.com")
        .env_var("KEELVAR_USER_EMAIL", "CANARY-KEY")
        .stdout("")
        .stderr(
            "error: KEELVAR_USER_EMAIL holds no e-mail address; set the variable to the address of \
             the user in whose name the files are attached\n",
        )
        .exits(2);
}

#[test]
fn a_manifest_that_cannot_be_read_is_told_before_anything_that_it_decides() {
    let test = ImportTest::new().manifest(MANIFEST_HEADER);
    test.consign(["import", "m.csv"])
        .stdout("")
        .stderr("error: m.csv: has a header and no rows; write one row for each file\n")
        .exits(2);
}
