//! Starting a node that has a long chain: how soon it answers, and what it takes of the memory.

use std::error::Error;

use crate::chain_maker::Made;
use crate::process::{Node, Start};

/// Starts of each kind.
const ROUNDS: usize = 5;

/// Medians of a few starts.
pub struct Figures {
    /// After a clean stop.
    pub stopped: StartUp,
    /// After `kill -9`.
    pub killed: StartUp,
}

/// One start.
#[derive(Clone, Copy)]
pub struct StartUp {
    pub first_answer_ms: f64,
    pub idle_mb: f64,
}

/// Starts a node on `made` again and again, ended in one way and the other.
pub fn measure(made: &Made) -> Result<Figures, Box<dyn Error>> {
    // The chain maker ended without a stop: the first start does not count.
    start(made)?.0.stop()?;
    let (mut stopped, mut killed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (node, figures) = start(made)?;
        stopped.push(figures);
        // Killed when it goes out of scope.
        drop(node);
        let (node, figures) = start(made)?;
        killed.push(figures);
        node.stop()?;
    }
    Ok(Figures { stopped: median(stopped), killed: median(killed) })
}

fn start(made: &Made) -> Result<(Node, StartUp), Box<dyn Error>> {
    let node = Node::start(&made.dir, &made.network_file, &Start::default())?;
    let took = node.until(|node| node.height() == Some(made.height))?;
    let figures = StartUp { first_answer_ms: took.as_secs_f64() * 1000.0, idle_mb: node.memory_mb("VmRSS")? };
    Ok((node, figures))
}

fn median(all: Vec<StartUp>) -> StartUp {
    let middle = |figure: fn(&StartUp) -> f64| {
        let mut figures: Vec<f64> = all.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    StartUp { first_answer_ms: middle(|start| start.first_answer_ms), idle_mb: middle(|start| start.idle_mb) }
}
