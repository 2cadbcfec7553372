//! The process and its disk, as the system sees them.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::sample::{Sample, counter, gauge};

/// What the system tells of this process; what it does not tell is left out.
pub fn samples(started: SystemTime) -> Vec<Sample> {
    let mut samples = Vec::new();
    let spent = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default();
    samples.push(counter("process_cpu_seconds", "Time spent on a core", spent.as_secs_f64()));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> Option<f64> {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    if let Some(kib) = field("VmRSS:") {
        samples.push(gauge("process_resident_memory_bytes", "Memory in use", kib * 1_024.0));
    }
    if let Some(threads) = field("Threads:") {
        samples.push(gauge("process_threads", "Threads", threads));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        samples.push(gauge("process_open_fds", "Open descriptors", open.count() as f64));
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        samples.push(gauge("process_max_fds", "Descriptors that may be open", most as f64));
    }
    let since = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    samples.push(gauge("process_start_time_seconds", "Unix time of the start", since.as_secs_f64()));
    samples
}

/// The database file and the disk that it is on.
pub fn disk(data_dir: &Path) -> Vec<Sample> {
    let mut samples = Vec::new();
    if let Ok(meta) = fs::metadata(data_dir.join(store::FILE)) {
        samples.push(gauge("store_file_bytes", "Size of the database file", meta.len() as f64));
    }
    if let Ok(disk) = rustix::fs::statvfs(data_dir) {
        let bytes = |blocks: u64| (blocks * disk.f_frsize) as f64;
        samples.push(gauge("store_disk_available_bytes", "Room on the disk of the data", bytes(disk.f_bavail)));
        samples.push(gauge("store_disk_size_bytes", "Size of that disk", bytes(disk.f_blocks)));
    }
    samples
}
