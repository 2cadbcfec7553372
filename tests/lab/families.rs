//! Hosts that have only IPv6 or only IPv4.

use crate::harness::{Net, peers};
use crate::lab::Lab;
use crate::space::Family;

#[test]
fn o14_a_host_with_ipv6_only_and_one_with_ipv4_only_are_one_network_through_one_with_both() {
    let Some(mut lab) = Lab::open_for(Net::fast(0), Family::V6) else { return };
    let six = lab.node_with("six", Family::V6);
    let four = lab.node_with("four", Family::V4);
    let both = lab.node_with("both", Family::Both);
    let port = both.address().rsplit('/').next().unwrap().to_owned();
    let [v4, v6] = lab.addresses(&both)[..] else { unreachable!("it has both") };
    let (v4, v6) = (format!("/ip4/{v4}/tcp/{port}"), format!("/ip6/{v6}/tcp/{port}"));
    both.with(&["--listen", &v4, "--listen", &v6]).start();
    six.with(&["--peer", &v6]).mining().start();
    four.with(&["--peer", &v4]).mining().start();
    both.until(peers(2));
    let all = [six, four, both];
    let first = lab.net.agree(&all, 60);
    for node in &all {
        node.until(crate::harness::height(first.height + 4));
    }
    lab.net.agree(&all, 60);
}
