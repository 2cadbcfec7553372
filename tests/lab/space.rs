//! One host of the laboratory: a network namespace with a line into the laboratory's network, which goes through the
//! switch, and a desk, which leads straight to the test and is never cut.
//!
//! Decides names and addresses. Everything is removed when it goes out of scope; what a killed test left behind is
//! removed by the next.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, id};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, setns};
use rustix::process::{Pid, Signal, kill_process};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::harness::place::Place;

/// What namespaces of this laboratory are called, before the number of the test's process.
const PREFIX: &str = "barreleye-lab-";

/// Hosts of one process: as many as have a number in their desk's address.
const MAX_HOSTS: u8 = 64;
/// Tests of one process share names and desks, so no two hosts of it have the same number.
static NEXT: AtomicU8 = AtomicU8::new(1);

/// Which addresses a host has, beside those of its own loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both.
    Both,
}

/// A host.
pub struct Space {
    name: String,
    family: Family,
    number: u8,
}

impl Space {
    /// Makes a host, and the end of its line.
    pub fn new(family: Family) -> Result<(Self, SyncDevice), String> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        if number >= MAX_HOSTS {
            return Err(format!("a process has at most {MAX_HOSTS} hosts; run the tests with cargo nextest"));
        }
        let space = Self { name: format!("{PREFIX}{}-{number}", id()), family, number };
        let (name, root, line) = (&*space.name, &*space.link("m"), &*space.link("t"));
        ip(&["netns", "add", name])?;
        // Whatever this machine prefers: Reno is in every kernel, and suffers most from loss.
        space.set("net/ipv4/tcp_congestion_control", "reno")?;
        if family == Family::V4 {
            space.set("net/ipv6/conf/all/disable_ipv6", "1")?;
        }
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        if family == Family::V6 {
            ip(&["-n", name, "address", "delete", "127.0.0.1/8", "dev", "lo"])?;
        }

        ip(&["link", "add", root, "type", "veth", "peer", "name", "desk", "netns", name])?;
        let [here, there] = space.desk();
        let bits = if here.is_ipv4() { 31 } else { 127 };
        add_address(&["address"], root, here, bits)?;
        ip(&["link", "set", root, "up"])?;
        add_address(&["-n", name, "address"], "desk", there, bits)?;
        ip(&["-n", name, "link", "set", "desk", "up"])?;

        let device = DeviceBuilder::new().name(line).enable(false).build_sync().map_err(|error| error.to_string())?;
        ip(&["link", "set", line, "netns", name])?;
        for (address, bits) in space.addresses().into_iter().zip([16, 64]) {
            add_address(&["-n", name, "address"], line, address, if address.is_ipv4() { bits } else { 64 })?;
        }
        ip(&["-n", name, "link", "set", line, "up"])?;
        Ok((space, device))
    }

    /// Its addresses in the laboratory's network.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let v4 = Ipv4Addr::new(10, 77, self.number, 1).into();
        let v6 = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, self.number.into()).into();
        match self.family {
            Family::V4 => vec![v4],
            Family::V6 => vec![v6],
            Family::Both => vec![v4, v6],
        }
    }

    /// Where a node runs that runs here.
    pub fn place(&self) -> Place {
        let through = ["ip", "netns", "exec", &self.name].map(String::from).to_vec();
        Place { peers: self.addresses()[0], desk: self.desk()[1], through }
    }

    /// The two ends of the way to its desk: here and there. They are in this machine's own network, so no two tests
    /// may have the same: 198.18.0.0/15 is for testing networks.
    fn desk(&self) -> [IpAddr; 2] {
        let [_, high, middle, low] = id().to_be_bytes();
        [0, 1].map(|end| match self.family {
            Family::V6 => {
                let process = [u16::from_be_bytes([0, high]), u16::from_be_bytes([middle, low])];
                Ipv6Addr::new(0xfd78, process[0], process[1], 0, 0, 0, self.number.into(), end).into()
            }
            Family::V4 | Family::Both => {
                let host = (id() % (1 << 10)) << 7 | u32::from(self.number) << 1 | u32::from(end);
                Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() | host).into()
            }
        })
    }

    /// A name of an interface: at most 15 letters.
    fn link(&self, kind: &str) -> String {
        format!("b{kind}{}x{}", id(), self.number)
    }

    /// Does something there, on a thread of its own.
    pub fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let space = fs::File::open(Path::new("/run/netns").join(&self.name)).expect("the host is there");
        thread::spawn(move || {
            setns(space, CloneFlags::CLONE_NEWNET).expect("who makes hosts may enter them");
            work()
        })
    }

    /// Sets numbers of the host's kernel, by their path below `/proc/sys`.
    pub fn set(&self, path: &str, value: &str) -> Result<(), String> {
        let write = format!("echo '{value}' > /proc/sys/{path}");
        run("ip", &["netns", "exec", &self.name, "sh", "-c", &write]).map(drop)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // The line first: whoever reads its other end learns at once that there is nothing more. What was not made
        // cannot be removed.
        drop(ip(&["-n", &self.name, "link", "delete", &self.link("t")]));
        drop(ip(&["link", "delete", &self.link("m")]));
        drop(ip(&["netns", "delete", &self.name]));
    }
}

/// Removes what killed tests left: their namespaces, and the nodes that run there for nobody.
pub fn sweep() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_none_or(|owner| Path::new("/proc").join(owner).exists()) {
            continue;
        }
        for process in ip(&["netns", "pids", &name]).unwrap_or_default().split_whitespace() {
            if let Some(process) = process.parse().ok().and_then(Pid::from_raw) {
                let _ = kill_process(process, Signal::KILL);
            }
        }
        drop(ip(&["netns", "delete", &name]));
    }
}

fn add_address(whose: &[&str], link: &str, address: IpAddr, bits: u8) -> Result<(), String> {
    let address = format!("{address}/{bits}");
    let mut words = [whose, &["add", &address, "dev", link]].concat();
    if address.contains(':') {
        // Nobody else can have it, so nobody needs to be asked, which takes a second.
        words.push("nodad");
    }
    ip(&words).map(drop)
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    run("ip", arguments)
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let failed = |why: &str| format!("{program} {}: {}", arguments.join(" "), why.trim());
    let output = Command::new(program).args(arguments).output().map_err(|error| failed(&error.to_string()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(&String::from_utf8_lossy(&output.stderr))),
    }
}
