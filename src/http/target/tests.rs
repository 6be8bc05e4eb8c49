//! Addresses accepted for bytes, and addresses refused.

use proptest::prelude::*;

use super::*;

fn rules(api: ApiLocation) -> TransferPolicy {
    TransferPolicy::new(api, &NetworkConfig::default())
}

fn parse(url: &str, api: ApiLocation) -> Result<TransferTarget, UnsafeTargetError> {
    TransferTarget::from_upload_url(url, &[], &rules(api))
}

#[test]
fn bytes_go_to_any_public_https_host_and_to_no_other() {
    for good in [
        "https://upload.s3.amazonaws.com/uploads/a%20b.pdf?X-Amz-Signature=1",
        "https://UPLOAD.example.com./x",
        "https://storage.example.com:9000/x",
        "https://bücher.example/x",
    ] {
        assert!(parse(good, ApiLocation::Remote).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("http://upload.s3.amazonaws.com/x", "is http, not https"),
        ("ftp://example.com/x", "is ftp, not https"),
        ("file:///etc/passwd", "is file, not https"),
        ("data:text/plain,x", "is data, not https"),
        ("upload", "is no URL: relative URL without a base"),
        ("https://", "is no URL: empty host"),
        ("https://user:word@example.com/x", "names a user"),
        ("https://user@example.com/x", "names a user"),
        ("https://:word@example.com/x", "names a user"),
        (
            "https://localhost/x",
            "leads to the private host \"localhost\"",
        ),
        (
            "https://a.localhost/x",
            "leads to the private host \"a.localhost\"",
        ),
        (
            "https://files.internal/x",
            "leads to the private host \"files.internal\" (if the host is your company's storage, \
             allow it with --upload-host)",
        ),
        (
            "https://printer.local./x",
            "leads to the private host \"printer.local.\" (if the host is your company's storage, \
             allow it with --upload-host)",
        ),
        (
            "https://intranet/x",
            "leads to the private host \"intranet\"",
        ),
        ("http://127.0.0.1:9/x", "is http, not https"),
    ] {
        let refused = parse(bad, ApiLocation::Remote).err().map(|error| error.0);
        assert_eq!(refused, Some(format!("the upload address {why}")), "{bad}");
    }
    let long = format!("https://example.com/{}", "x".repeat(MAX_URL_BYTES));
    assert!(parse(&long, ApiLocation::Remote).is_err());
}

#[test]
fn a_number_is_no_host_in_whichever_way_it_is_written() {
    for bad in [
        "10.0.0.1",
        "10.1",
        "167772161",
        "0xa.0.0.1",
        "0x0a000001",
        "012.0.0.1",
        "%31%30.0.0.1",
        "１０.0.0.1",
        "10。0。0。1",
        "10.0.0.1.",
        "52.218.0.1",
        "169.254.169.254",
        "[::1]",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a00:1]",
        "[2600:1f18::1]",
    ] {
        let refused = parse(&format!("https://{bad}/x"), ApiLocation::Remote).err();
        let refused = refused.expect(bad).to_string();
        assert!(refused.contains("in place of a host"), "{bad}: {refused}");
    }
}

#[test]
fn a_named_host_takes_itself_and_what_is_below_it_by_whole_labels() {
    let takes = |suffix: &str, host: &str| HostSuffix::parse(suffix).unwrap().matches(host);
    for suffix in [
        "example.com",
        ".example.com",
        "*.EXAMPLE.com",
        "example.com.",
    ] {
        assert!(takes(suffix, "example.com"), "{suffix}");
        assert!(takes(suffix, "a.b.example.com."), "{suffix}");
        assert!(!takes(suffix, "evil-example.com"), "{suffix}");
        assert!(!takes(suffix, "example.com.evil.org"), "{suffix}");
    }
    assert!(takes("bücher.example", "a.xn--bcher-kva.example"));
    for bad in [
        "",
        "com",
        ".",
        "*",
        "10.0.0.1",
        "[::1]",
        "https://example.com",
        "example.com/a",
        "localhost",
        "a.localhost",
        "a.localdomain",
        "home.arpa",
        "internal",
    ] {
        assert!(HostSuffix::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn where_hosts_are_named_bytes_go_to_no_other_but_this_machine() {
    let network = NetworkConfig {
        upload_hosts: vec![HostSuffix::parse("example.com").unwrap()],
        ..NetworkConfig::default()
    };
    let parse =
        |url, api| TransferTarget::from_upload_url(url, &[], &TransferPolicy::new(api, &network));
    assert!(parse("https://a.example.com/x", ApiLocation::Remote).is_ok());
    let refused = parse("https://example.org/x", ApiLocation::Remote).unwrap_err();
    assert_eq!(
        refused.0,
        "the upload address leads to the host \"example.org\", which no --upload-host allows"
    );
    // A rehearsal takes the same options as the import.
    assert!(parse("http://127.0.0.1:9/x", ApiLocation::Loopback).is_ok());
}

#[test]
fn a_private_host_is_taken_where_the_user_names_it() {
    let network = NetworkConfig {
        upload_hosts: vec![HostSuffix::parse("s3.example.internal").unwrap()],
        ..NetworkConfig::default()
    };
    let rules = TransferPolicy::new(ApiLocation::Remote, &network);
    let parse = |url| TransferTarget::from_upload_url(url, &[], &rules);
    assert!(parse("https://bucket.s3.example.internal/x").is_ok());
    assert!(parse("https://other.example.internal/x").is_err());
    assert!(parse("http://bucket.s3.example.internal/x").is_err());
    assert!(parse("https://10.0.0.1/x").is_err());
}

#[test]
fn a_host_header_is_taken_where_it_names_the_host_of_the_address() {
    let with = |url: &str, host: &str| {
        let headers = [("Host".to_owned(), host.to_owned())];
        TransferTarget::from_upload_url(url, &headers, &rules(ApiLocation::Remote))
    };
    let refused = "the upload address comes with the header host of another host";
    for (url, host, is_taken) in [
        ("https://example.com/x", "example.com", true),
        ("https://example.com/x", "Example.COM:443", true),
        ("https://example.com:443/x", "example.com", true),
        ("https://example.com:9000/x", "example.com:9000", true),
        ("https://example.com:9000/x", "example.com", false),
        ("https://example.com/x", "example.com:80", false),
        ("https://example.com/x", "example.com:99999", false),
        ("https://example.com/x", "example.com:", false),
        ("https://example.com/x", "example.org", false),
        ("https://example.com/x", "a.example.com", false),
        ("https://example.com/x", "", false),
    ] {
        let why = with(url, host).err().map(|error| error.0);
        assert_eq!(why.is_none(), is_taken, "{url} {host}");
        assert!(why.is_none_or(|why| why == refused), "{url} {host}");
    }
    let twice = ["example.com", "EXAMPLE.com"].map(|host| ("Host".to_owned(), host.to_owned()));
    let target = TransferTarget::from_upload_url(
        "https://example.com/x",
        &twice,
        &rules(ApiLocation::Remote),
    );
    assert_eq!(target.unwrap().headers.len(), 1);
}

#[test]
fn a_length_is_taken_where_it_is_that_of_the_file() {
    let with = |lengths: &[&str]| {
        let headers: Vec<_> = lengths
            .iter()
            .map(|length| ("Content-Length".to_owned(), (*length).to_owned()))
            .collect();
        TransferTarget::from_upload_url(
            "https://example.com/x",
            &headers,
            &rules(ApiLocation::Remote),
        )
    };
    for lengths in [&[][..], &["13"], &["13", "13"]] {
        let target = with(lengths).unwrap();
        assert_eq!(target.check_length(13), Ok(()));
        assert_eq!(target.headers, []);
    }
    assert_eq!(
        with(&["13"]).unwrap().check_length(1).unwrap_err().0,
        "the upload address comes with the header content-length of a file of 13 bytes, and the \
         file has 1 byte"
    );
    for bad in [
        &["13", "14"][..],
        &["-1"],
        &["+1"],
        &["1e3"],
        &[""],
        &["99999999999999999999"],
    ] {
        assert!(with(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_emulator_on_this_machine_may_keep_the_bytes_on_it() {
    assert!(parse("http://127.0.0.1:9/x", ApiLocation::Loopback).is_ok());
    assert!(parse("http://10.0.0.1/x", ApiLocation::Loopback).is_err());
    assert!(parse("http://user@127.0.0.1:9/x", ApiLocation::Loopback).is_err());
}

#[test]
fn no_header_can_change_the_framing_or_carry_rights_elsewhere() {
    let with = |name: &str, value: &str| {
        let headers = [(name.to_owned(), value.to_owned())];
        TransferTarget::from_upload_url(
            "https://example.com/x",
            &headers,
            &rules(ApiLocation::Remote),
        )
    };
    assert!(with("x-amz-acl", "private").is_ok());
    assert!(with("Content-Type", "application/octet-stream").is_ok());
    assert!(with("Content-Disposition", "filename=Verträge.pdf").is_ok());
    for name in REFUSED_HEADERS {
        assert!(with(name, "x").is_err(), "{name}");
        assert!(with(&name.to_ascii_uppercase(), "x").is_err(), "{name}");
    }
    for name in [
        "Proxy-Authorization",
        "Proxy-Connection",
        "X-Api-Key",
        "X-User-Token",
        "X-User-Email",
    ] {
        assert!(with(name, "x").is_err(), "{name}");
    }
    for name in [
        "bad name",
        "",
        "x:y",
        "x\r\ny",
        "ü",
        &"x".repeat(MAX_HEADER_NAME_BYTES + 1),
    ] {
        assert!(with(name, "x").is_err(), "{name}");
    }
    for value in [
        "one\r\nx-b: two",
        "\t",
        "\0",
        "\u{7f}",
        "\u{85}",
        &"x".repeat(MAX_HEADER_VALUE_BYTES + 1),
    ] {
        assert!(with("x-a", value).is_err(), "{value}");
    }
}

#[test]
fn there_is_a_limit_to_the_number_of_headers() {
    let of = |number| {
        let header = |n| (format!("x-{n}"), "x".to_owned());
        let headers: Vec<_> = (0..number).map(header).collect();
        TransferTarget::from_upload_url(
            "https://example.com/x",
            &headers,
            &rules(ApiLocation::Remote),
        )
    };
    assert!(of(MAX_HEADERS).is_ok());
    assert!(of(MAX_HEADERS + 1).is_err());
}

/// Asserts the rules for an accepted address, with other code than the accepting code.
fn assert_safe(target: &TransferTarget) {
    let url = target.url.as_str();
    assert!(url.starts_with("https://"), "{url}");
    let host = target.url.host_str().unwrap();
    assert_ne!(host.rsplit('.').next(), Some("local"), "{host}");
    assert!(host.parse::<IpAddr>().is_err(), "{host}");
    let authority = url["https://".len()..].split('/').next().unwrap();
    assert!(!authority.contains('@'), "{url}");
    for (name, value) in &target.headers {
        let name = name.as_str();
        assert!(!name.starts_with("proxy-") && name != "host", "{name}");
        let is_control = |byte: &u8| byte.is_ascii_control();
        assert!(!value.as_bytes().iter().any(is_control), "{value:?}");
    }
}

proptest! {
    #[test]
    fn any_address_is_taken_safely_or_refused(
        url in prop_oneof![
            any::<String>(),
            "https?://[a-z0-9.@:%\\[\\]x-]{0,30}(/[ -~]{0,20})?",
            "https://[0-9a-fx.:\\[\\]]{1,20}/",
        ],
    ) {
        if let Ok(target) = parse(&url, ApiLocation::Remote) {
            assert_safe(&target);
        }
    }

    #[test]
    fn any_header_is_taken_safely_or_refused(
        name in prop_oneof![any::<String>(), "(?i)(proxy-|x-api-|host|cookie)?[a-z-]{0,10}"],
        value in prop_oneof![any::<String>(), "[ -~]{0,20}"],
    ) {
        let headers = [(name, value)];
        let taken = TransferTarget::from_upload_url("https://example.com/x", &headers, &rules(ApiLocation::Remote));
        if let Ok(target) = taken {
            assert_safe(&target);
        }
    }
}

#[test]
fn an_address_prints_as_its_host_and_a_fingerprint() {
    let target = parse(
        "https://example.com/a?signature=secret",
        ApiLocation::Remote,
    )
    .unwrap();
    let printed = format!("{target} {target:?}");
    assert!(printed.starts_with("example.com (address "));
    assert!(!printed.contains("secret") && !printed.contains("/a"));
}

#[test]
fn an_etag_is_taken_for_an_md5_only_where_it_is_one() {
    let with = |headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        TransferTarget::from_upload_url(
            "https://example.com/x",
            &headers,
            &rules(ApiLocation::Remote),
        )
        .unwrap()
        .etag_is_md5()
    };
    assert!(with(&[]));
    assert!(with(&[("x-amz-server-side-encryption", "AES256")]));
    assert!(!with(&[("x-amz-server-side-encryption", "aws:kms")]));
    assert!(!with(&[(
        "x-amz-server-side-encryption-customer-algorithm",
        "AES256"
    )]));
}
