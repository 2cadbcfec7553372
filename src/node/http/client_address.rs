//! Whose request this is: the socket's address, or what a configured proxy says about it.
//!
//! Rule C1 counts claims by this address, so nobody but a configured proxy may choose it.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// The client's address; none for a socket without one.
pub fn of(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    request.peer_addr().map(|peer| behind(peer.ip().to_canonical(), request.headers(), trusted))
}

fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    if !is_trusted(&peer, trusted) {
        return peer;
    }
    let plain = hops(headers, "x-forwarded-for", |hop| Some(hop.to_owned()));
    let standard = hops(headers, "forwarded", |hop| {
        let pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, value)| value.into())
    });
    match (right_most_untrusted(peer, &plain, trusted), right_most_untrusted(peer, &standard, trusted)) {
        (client, _) if standard.is_empty() => client,
        (_, client) if plain.is_empty() => client,
        (one, other) if one == other => one,
        // A proxy sets one of the two; the other came from the client as it liked.
        _ => peer,
    }
}

/// All hops of a header, in the order in which they were added.
fn hops(headers: &HeaderMap, name: &str, address: impl Fn(&str) -> Option<String>) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(name).map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(|hop| address(hop).and_then(|text| parse(&text))).collect()
}

/// The last hop that no configured proxy is; what stands left of it is hearsay.
fn right_most_untrusted(peer: IpAddr, hops: &[Option<IpAddr>], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        match hop {
            Some(address) => client = *address,
            None => return client,
        }
        if !is_trusted(&client, trusted) {
            return client;
        }
    }
    client
}

fn is_trusted(address: &IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(address))
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`, in quotes or not.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(peer: &str, lines: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/64".parse().unwrap()];
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a11_what_a_client_says_of_itself_does_not_count() {
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            assert_eq!(client("192.0.2.7", &[(name, "203.0.113.9")]), "192.0.2.7");
        }
    }

    #[test]
    fn behind_a_configured_proxy_the_right_most_untrusted_hop_counts() {
        let one = |value| client("10.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(one("192.0.2.7"), "192.0.2.7");
        assert_eq!(one("203.0.113.9, 192.0.2.7"), "192.0.2.7", "the first was made up by the client");
        assert_eq!(one("203.0.113.9, 192.0.2.7, 10.1.1.1"), "192.0.2.7", "two proxies of ours");
        assert_eq!(one("192.0.2.7, nonsense"), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        let two_lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(client("10.0.0.1", &two_lines), "192.0.2.7");
    }

    #[test]
    fn the_standard_header_is_read_in_its_forms() {
        let one = |value| client("2001:db8:1::5", &[("forwarded", value)]);
        assert_eq!(one("for=192.0.2.7;proto=http"), "192.0.2.7");
        assert_eq!(one("For=\"[2001:db8:2::9]:4711\""), "2001:db8:2::9");
        assert_eq!(one("for=203.0.113.9, for=192.0.2.7:80"), "192.0.2.7");
        assert_eq!(one("for=unknown"), "2001:db8:1::5");
    }

    #[test]
    fn two_headers_that_disagree_name_nobody() {
        let lines = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(client("10.0.0.1", &lines), "10.0.0.1");
    }
}
