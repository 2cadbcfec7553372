//! How the rest of the node gives orders to the network task: a bounded queue that is never waited for.

use std::sync::Arc;

use libp2p::PeerId;
use tokio::sync::{Notify, mpsc};

use crate::limits::COMMAND_QUEUE;
use crate::{Busy, Command, Net, NetConfig, WireError};

/// The way to the network task.
#[derive(Debug, Clone)]
pub struct NetHandle {
    /// [`COMMAND_QUEUE`] commands. Full: the command is refused and its sender decides; deadlines repair the loss.
    commands: mpsc::Sender<Command>,
    /// Stopping does not queue behind anything.
    stop: Arc<Notify>,
    local: PeerId,
}

/// Checks the settings and makes the network task and the way to it. Nothing happens before [`Net::run`].
pub fn net(config: NetConfig) -> Result<(Net, NetHandle), WireError> {
    config.check()?;
    let (sender, commands) = mpsc::channel(COMMAND_QUEUE);
    let stop = Arc::new(Notify::new());
    let local = config.identity.public().to_peer_id();
    let handle = NetHandle { commands: sender, stop: stop.clone(), local };
    Ok((Net { config, commands, stop, turns: Arc::default() }, handle))
}

impl NetHandle {
    /// Gives an order without waiting.
    pub fn try_send(&self, command: Command) -> Result<(), Busy> {
        if matches!(command, Command::Stop) {
            self.stop.notify_one();
            return Ok(());
        }
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Busy::Full,
            mpsc::error::TrySendError::Closed(_) => Busy::Stopped,
        })
    }

    /// The node's own id.
    pub fn local_peer(&self) -> PeerId {
        self.local
    }

    /// Orders that wait, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        (COMMAND_QUEUE - self.commands.capacity(), COMMAND_QUEUE)
    }
}
