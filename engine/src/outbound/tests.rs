//! Which destinations are called under which policy.

use super::*;

fn closed() -> Policy {
    Policy { allow_loopback: false, allow_private_networks: false, ..Policy::default() }
}

fn judged(policy: &Policy, url: &str) -> String {
    match policy.check_url(&url.parse().unwrap()) {
        Ok(()) => "called".to_owned(),
        Err(blocked) => blocked.to_string(),
    }
}

#[test]
fn by_default_this_host_and_its_networks_are_called_and_nothing_that_serves_no_app() {
    let policy = Policy::default();
    for url in ["http://127.0.0.1/", "https://[::1]/", "http://10.1.2.3/", "http://[fd00::1]/"] {
        assert_eq!(judged(&policy, url), "called", "{url}");
    }
    let special = [
        ("http://169.254.169.254/", "169.254.169.254", "link-local"),
        ("http://0.0.0.0/", "0.0.0.0", "unspecified"),
        ("http://0.1.2.3/", "0.1.2.3", "unspecified"),
        ("http://100.64.0.1/", "100.64.0.1", "shared"),
        ("http://192.0.0.1/", "192.0.0.1", "protocol-assignments"),
        ("http://192.0.2.1/", "192.0.2.1", "documentation"),
        ("http://198.18.0.1/", "198.18.0.1", "benchmarking"),
        ("http://224.0.0.1/", "224.0.0.1", "multicast"),
        ("http://240.0.0.1/", "240.0.0.1", "reserved"),
        ("http://255.255.255.255/", "255.255.255.255", "broadcast"),
        ("http://[::]/", "::", "unspecified"),
        ("http://[fe80::1]/", "fe80::1", "link-local"),
        ("http://[ff02::1]/", "ff02::1", "multicast"),
        ("http://[2001:db8::1]/", "2001:db8::1", "documentation"),
    ];
    for (url, address, kind) in special {
        let expected = format!("address {address} is not an allowed destination ({kind})");
        assert_eq!(judged(&policy, url), expected);
    }
}

#[test]
fn other_spellings_of_an_address_are_judged_like_the_address() {
    let spellings = [
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
    ];
    for url in spellings {
        assert!(judged(&closed(), url).ends_with("is not an allowed destination (loopback)"));
    }
    assert!(judged(&closed(), "http://[::ffff:10.0.0.1]/").ends_with("(private)"));
}

#[test]
fn what_is_no_plain_call_over_http_is_refused() {
    let policy = Policy { allow_insecure_scheme: false, ..Policy::default() };

    assert_eq!(judged(&policy, "https://app/"), "called");
    assert_eq!(judged(&policy, "http://app/"), "plaintext http is not allowed, use https");
    assert_eq!(
        judged(&policy, "ftp://app/"),
        "scheme \"ftp\" is not allowed, expected http or https"
    );
    assert_eq!(judged(&policy, "https://user@app/"), "url must not contain embedded credentials");
}

#[test]
fn lists_open_and_close_what_the_switches_do_not() {
    let policy = Policy {
        allow_networks: vec!["127.0.0.2/32".parse().unwrap()],
        deny_networks: vec!["8.8.8.0/24".parse().unwrap(), "127.0.0.9/32".parse().unwrap()],
        allow_hosts: vec!["App.example".to_owned(), "10.0.0.9".to_owned()],
        ..closed()
    };
    let resolved = |host: &str, address: &str| {
        let addresses = [address.parse().unwrap()];
        policy.allowed(host, addresses).map_err(|blocked| blocked.to_string())
    };

    assert_eq!(judged(&policy, "http://127.0.0.2/"), "called");
    assert_eq!(judged(&policy, "http://10.0.0.9/"), "called");
    assert_eq!(judged(&policy, "http://8.8.8.8/"), "address 8.8.8.8 is explicitly denied");
    assert_eq!(resolved("app.EXAMPLE", "127.0.0.1").unwrap().len(), 1);
    // A list of denied networks counts more than a name.
    let nowhere = |host: &str| format!("host {host:?} resolved to no allowed addresses");
    assert_eq!(resolved("app.example", "127.0.0.9").unwrap_err(), nowhere("app.example"));
    assert_eq!(resolved("localhost", "127.0.0.1").unwrap_err(), nowhere("localhost"));
}

#[test]
fn of_a_hosts_addresses_those_that_are_blocked_are_left_out() {
    let addresses: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "9.9.9.9".parse().unwrap()];

    assert_eq!(closed().allowed("app", addresses).unwrap(), [addresses[1]]);
}
