//! Connections from an address of one's choice: all of 127.0.0.0/8 is this machine, and each address is another client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// A connection takes no longer, also in a crowd, where the system tries again after 1, 2, 4 … seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects to `to` as the client `from`.
pub fn connect_from(from: Ipv4Addr, to: &SocketAddr) -> io::Result<TcpStream> {
    let SocketAddr::V4(to) = *to else { return Err(io::ErrorKind::Unsupported.into()) };
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
    bind(&socket, &SocketAddrV4::new(from, 0))?;
    connect(&socket, &to)?;
    Ok(TcpStream::from(socket))
}
