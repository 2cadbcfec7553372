// The network as this node sees it: its rules, its money, the peers, and whether this node follows.

import { type Peer, api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { bytes } from "../format.ts";
import { now, rules, status, tip } from "../live.ts";
import { Copy } from "../parts/copy.tsx";
import { Card, Fact, Facts, Table, Title } from "../parts/layout.tsx";
import { Meter } from "../parts/meter.tsx";
import { Empty, Shown, Skeleton } from "../parts/states.tsx";
import { Ago, Amount, BlockLink, Count, Hash, When, span } from "../parts/values.tsx";
import { locale, words } from "../words/index.ts";

const PEERS_MS = 5_000;

export function NetworkPage() {
  return (
    <>
      <Title>{words.value.network.title}</Title>
      <div class="columns">
        <Node />
        <Money />
      </div>
      <PeerList />
      <Rules />
    </>
  );
}

/** Why the node is not ready; what is not known here is shown as the node says it. */
function reasonText(reason: string): string {
  const t = words.value.network.reasons;
  if (reason === "catching up with the network") return t.behind;
  const [, has, wanted] = /^(\d+) peers, this network wants at least (\d+)$/.exec(reason) ?? [];
  if (has !== undefined && wanted !== undefined) return t.peers(has, wanted);
  const [, part] = /^(.+) does not answer$/.exec(reason) ?? [];
  return part === undefined ? reason : t.silent(part);
}

function Node() {
  const t = words.value.network;
  const node = status.value;
  if (!node)
    return (
      <Card title={t.node}>
        <Skeleton />
      </Card>
    );
  return (
    <Card title={t.node}>
      <Facts>
        <Fact name={t.state}>
          <span class={`tag ${node.ready ? "in" : "out"}`}>{node.ready ? t.ready : t.notReady}</span>
        </Fact>
        <Fact name={t.tip}>
          <BlockLink height={node.tip.height} />{" "}
          <span class="faint">
            <Ago ms={node.tip.time} />
          </span>
        </Fact>
        <Fact name={t.transactions}>
          <Count value={node.transactions} />
        </Fact>
        <Fact name={t.version}>{node.version}</Fact>
        {node.external.map((address) => (
          <Fact key={address} name={t.reachable}>
            <span class="hash">{address}</span> <Copy text={address} name={t.reachable} />
          </Fact>
        ))}
      </Facts>
      {node.reasons.length > 0 && (
        <ul class="reasons">
          {node.reasons.map((reason) => (
            <li key={reason}>{reasonText(reason)}</li>
          ))}
        </ul>
      )}
      {node.sync.total > 0 && (
        <Meter
          label={t.sync}
          value={node.sync.done}
          most={node.sync.total}
          text={`${node.sync.done.toLocaleString(locale.value)} / ${node.sync.total.toLocaleString(locale.value)}${node.sync.remaining_s === null ? "" : ` · ${span(node.sync.remaining_s * 1000)}`}`}
        />
      )}
    </Card>
  );
}

function Money() {
  const t = words.value.network;
  const [answer, again] = useAnswer(() => api.supply(), "supply", tip.value);
  return (
    <Card title={t.money}>
      <Shown answer={answer} again={again}>
        {(supply) => (
          <Facts>
            <Fact name={t.issued}>
              <Amount drops={supply.issued} />
            </Fact>
            <Fact name={t.maximum}>{supply.maximum ? <Amount drops={supply.maximum} /> : t.noMaximum}</Fact>
            {rules.value && (
              <Fact name={t.reward}>
                <Amount drops={rules.value.reward} />
              </Fact>
            )}
          </Facts>
        )}
      </Shown>
    </Card>
  );
}

function PeerList() {
  const t = words.value.network;
  const [answer, again] = useAnswer(() => api.peers(), "peers", Math.floor(now.value / PEERS_MS));
  return (
    <Card title={t.peers}>
      <Shown answer={answer} again={again}>
        {(peers) => (
          <>
            <Facts>
              <Fact name={t.outbound}>
                <Count value={peers.outbound} />
              </Fact>
              <Fact name={t.inbound}>
                <Count value={peers.inbound} />
              </Fact>
            </Facts>
            {peers.peers.length === 0 ? <Empty>{t.alone}</Empty> : <PeerTable peers={peers.peers} />}
          </>
        )}
      </Shown>
    </Card>
  );
}

function PeerTable({ peers }: { peers: Peer[] }) {
  const t = words.value.network;
  return (
    <Table
      caption={t.peers}
      rows={peers.map((peer, index) => ({ ...peer, index }))}
      id={({ index }) => index}
      columns={[
        { name: t.agent, cell: ({ agent }) => agent || "–" },
        { name: t.direction, cell: ({ direction }) => t.directions[direction] },
        { name: t.height, figure: true, cell: ({ height }) => <Count value={height} /> },
        { name: t.since, figure: true, cell: ({ since_ms }) => span(since_ms) },
      ]}
    />
  );
}

function Rules() {
  const t = words.value.network;
  const network = rules.value;
  if (!network)
    return (
      <Card title={t.rules}>
        <Skeleton lines={6} />
      </Card>
    );
  return (
    <Card title={t.rules}>
      <Facts>
        <Fact name={t.name}>{network.name}</Fact>
        <Fact name={t.chain}>
          <Hash value={network.chain} whole /> <Copy text={network.chain} name={t.chain} />
        </Fact>
        <Fact name={t.genesis}>
          <When ms={network.genesis_time} />
        </Fact>
        <Fact name={t.spacing}>{span(network.interval_ms)}</Fact>
        <Fact name={t.blockSize}>{bytes(network.limits.block_bytes)}</Fact>
        <Fact name={t.blockTransactions}>
          <Count value={network.limits.block_transactions} />
        </Fact>
        <Fact name={t.dataSize}>{bytes(network.limits.data_bytes)}</Fact>
        <Fact name={t.compatible}>{network.limits.barreleye_bytes > 0 ? bytes(network.limits.barreleye_bytes) : t.none}</Fact>
        <Fact name={t.miners}>{network.miners.length === 0 ? t.anybody : <Count value={network.miners.length} />}</Fact>
      </Facts>
    </Card>
  );
}
