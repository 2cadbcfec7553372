//! How a [`Picture`] looks: the chain above, then actors, peers and the last blocks. What does not fit is cut at the right.

use client::{Status, SyncState};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Gauge, Paragraph, Row, Table};

use super::picture::{Actor, Peer, Picture};
use crate::commands::print;

/// A mailbox that is fuller is worth a look.
const FULL: f64 = 0.5;

/// Draws it; `trouble` is why there is no newer one.
pub fn draw(frame: &mut Frame, picture: &Picture, trouble: Option<&str>) {
    let actors = picture.actors.len() as u16 + 3;
    let rows = [Constraint::Length(4), Constraint::Length(actors), Constraint::Fill(1), Constraint::Length(10)];
    let [head, middle, peers, blocks] = Layout::vertical(rows).areas(frame.area());
    let [summary, sync] = Layout::vertical([Constraint::Length(3), Constraint::Length(1)]).areas(head);
    frame.render_widget(Paragraph::new(top(picture, trouble)), summary);
    if let Some(status) = &picture.status {
        frame.render_widget(gauge(&status.sync), sync);
    }
    frame.render_widget(actor_table(&picture.actors), middle);
    frame.render_widget(peer_table(&picture.peers), peers);
    frame.render_widget(block_table(picture), blocks);
}

fn top<'a>(picture: &'a Picture, trouble: Option<&'a str>) -> Vec<Line<'a>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = match &picture.status {
        Some(status) => vec![
            Line::from(vec![
                Span::styled(format!("{} ", status.network), bold),
                Span::raw(format!("block {}  {}", status.tip.height, print::ago(status.tip.time))),
            ]),
            Line::from(state(status)),
        ],
        None => vec![Line::styled("barreleye", bold), Line::raw("the public interface is off")],
    };
    lines.push(match trouble {
        Some(trouble) => Line::styled(format!("no answer: {trouble}"), Style::new().fg(Color::Red)),
        None => Line::styled("q ends", Style::new().fg(Color::DarkGray)),
    });
    lines
}

fn state(status: &Status) -> Span<'_> {
    match status.ready {
        true => Span::styled(
            format!("ready, {} waiting, {} peers", status.pool.transactions, status.peers),
            Style::new().fg(Color::Green),
        ),
        false => Span::styled(format!("not ready: {}", status.reasons.join("; ")), Style::new().fg(Color::Yellow)),
    }
}

/// How far the sync is.
fn gauge(sync: &SyncState) -> Gauge<'_> {
    let done = if sync.total == 0 { 1.0 } else { (sync.done as f64 / sync.total as f64).clamp(0.0, 1.0) };
    let text = match (sync.total, sync.remaining_s) {
        (0, _) => sync.phase.clone(),
        (total, None) => format!("{} {} of {total}, nothing moves", sync.phase, sync.done),
        (total, Some(left)) => {
            format!("{} {} of {total}, {} a second, {} left", sync.phase, sync.done, sync.per_second, print::span(left))
        }
    };
    Gauge::default().ratio(done).label(text).gauge_style(Style::new().fg(Color::Blue))
}

fn titled(title: &str) -> Block<'_> {
    Block::new().title(title).borders(Borders::TOP)
}

fn heading<const N: usize>(names: [&'static str; N]) -> Row<'static> {
    Row::new(names).style(Style::new().fg(Color::DarkGray))
}

fn actor_table(actors: &[Actor]) -> Table<'_> {
    let row = |actor: &Actor| {
        let fullness = actor.queued as f64 / actor.capacity.max(1) as f64;
        let style = match actor {
            Actor { state, .. } if state == "NoAnswer" || state == "Broken" => Style::new().fg(Color::Red),
            _ if fullness > FULL => Style::new().fg(Color::Yellow),
            _ => Style::new(),
        };
        let what =
            actor.last_error.clone().map_or_else(|| actor.data.clone(), |error| format!("{} ({error})", actor.data));
        Row::new([
            actor.name.clone(),
            actor.state.clone(),
            print::span(actor.since_s),
            format!("{}/{}", actor.queued, actor.capacity),
            format!("{:.0}", actor.rate),
            actor.dropped.to_string(),
            what,
        ])
        .style(style)
    };
    let widths = [
        Constraint::Length(10),
        Constraint::Length(12),
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Fill(1),
    ];
    Table::new(actors.iter().map(row), widths)
        .header(heading(["actor", "state", "since", "mailbox", "mail/s", "dropped", ""]))
        .block(titled("actors"))
}

fn peer_table(peers: &[Peer]) -> Table<'_> {
    let row = |peer: &Peer| {
        let way = if peer.outbound { "out" } else { "in" };
        Row::new([
            peer.id.clone(),
            way.into(),
            peer.state.clone(),
            peer.height.clone(),
            print::span(peer.since_s),
            peer.agent.clone(),
        ])
    };
    let widths = [
        Constraint::Length(53),
        Constraint::Length(4),
        Constraint::Length(12),
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Fill(1),
    ];
    Table::new(peers.iter().map(row), widths)
        .header(heading(["peer", "way", "state", "height", "since", "agent"]))
        .block(titled("peers"))
}

fn block_table(picture: &Picture) -> Table<'_> {
    let row = |block: &client::BlockSummary| {
        Row::new([
            block.height.to_string(),
            print::ago(block.time),
            block.transactions.to_string(),
            block.bytes.to_string(),
            block.miner.to_string(),
            block.id.to_string(),
        ])
    };
    let widths = [
        Constraint::Length(9),
        Constraint::Length(12),
        Constraint::Length(7),
        Constraint::Length(9),
        Constraint::Length(43),
        Constraint::Fill(1),
    ];
    Table::new(picture.blocks.iter().map(row), widths)
        .header(heading(["block", "when", "txs", "bytes", "miner", "id"]))
        .block(titled("last blocks"))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn shown(picture: &Picture, trouble: Option<&str>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(110, 30)).unwrap();
        terminal.draw(|frame| draw(frame, picture, trouble)).unwrap();
        let cells = terminal.backend().buffer().content().chunks(110);
        cells.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn actors_peers_and_what_is_wrong_are_seen() {
        let actor = Actor {
            name: "chain".into(),
            state: "Settled".into(),
            data: String::new(),
            since_s: 5,
            queued: 900,
            capacity: 1_024,
            rate: 41.6,
            dropped: 3,
            last_error: Some("disk".into()),
        };
        let peer = Peer {
            id: "12D3KooW".into(),
            outbound: true,
            state: "Ready".into(),
            height: "77".into(),
            since_s: 300,
            agent: "barreleye/0.1.0".into(),
        };
        let picture = Picture { actors: vec![actor], peers: vec![peer], ..Picture::default() };
        let screen = shown(&picture, Some("connection refused"));
        for text in
            ["chain", "Settled", "900/1024", "42", "(disk)", "12D3KooW", "out", "77", "5 min", "no answer: connection"]
        {
            assert!(screen.contains(text), "{text} is not on\n{screen}");
        }
        assert!(!shown(&picture, None).contains("no answer"));
    }

    #[test]
    fn a_sync_shows_how_far_it_is() {
        let sync = SyncState {
            phase: "Blocks".into(),
            height: 50,
            target: 200,
            done: 50,
            total: 200,
            per_second: 10,
            remaining_s: Some(15),
            sources: 2,
        };
        let mut terminal = Terminal::new(TestBackend::new(60, 1)).unwrap();
        terminal.draw(|frame| frame.render_widget(gauge(&sync), frame.area())).unwrap();
        let text: String = terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
        assert!(text.contains("Blocks 50 of 200, 10 a second, 15 s left"), "{text}");
    }
}
