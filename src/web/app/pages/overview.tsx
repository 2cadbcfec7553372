// The first page: how the network is doing at this moment.

import type { ComponentChildren } from "preact";
import { type Fees, type Statistics, api } from "../api.ts";
import { type Answer, lastValue, useAnswer } from "../ask.ts";
import { bytes, scaled } from "../format.ts";
import { recent, rules, status, tip } from "../live.ts";
import { Chart } from "../parts/chart.tsx";
import { Card, Title } from "../parts/layout.tsx";
import { Meter } from "../parts/meter.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { Ago, Amount, Count, span } from "../parts/values.tsx";
import { to } from "../router.ts";
import { locale, words } from "../words/index.ts";
import { TransactionTable } from "./transactions.tsx";

/** Blocks in the charts. */
const CHART_BLOCKS = 120;
const LATEST = 6;
const STRIP = 12;

export function OverviewPage() {
  const t = words.value.overview;
  const [statistics, again] = useAnswer(() => api.statistics(CHART_BLOCKS), "statistics", tip.value);
  return (
    <>
      <Title>{t.title}</Title>
      <Figures statistics={lastValue(statistics)} />
      <Strip />
      <Charts answer={statistics} again={again} />
      <div class="columns wide">
        <Latest />
        <PoolCard />
      </div>
    </>
  );
}

function Figures({ statistics: shown }: { statistics: Statistics | null }) {
  const t = words.value.overview;
  const node = status.value;
  const [supply] = useAnswer(() => api.supply(), "supply", tip.value);
  const issued = lastValue(supply)?.issued;
  return (
    <dl class="figures">
      <Figure name={t.height} note={node && <Ago ms={node.tip.time} />}>
        {node && <Count value={node.tip.height} />}
      </Figure>
      <Figure name={t.interval} note={rules.value && t.wanted(span(rules.value.interval_ms))}>
        {shown && span(shown.mean_interval_ms)}
      </Figure>
      <Figure name={t.hashRate} note={shown && t.difficultyIs(scaled(shown.difficulty.at(-1) ?? 0))}>
        {shown && scaled(shown.hash_rate, "H/s")}
      </Figure>
      <Figure name={t.pool} note={node && bytes(node.pool.bytes)}>
        {node && <Count value={node.pool.transactions} />}
      </Figure>
      <Figure name={t.transactions} note={node && t.peers(node.peers)}>
        {node && <Count value={node.transactions} />}
      </Figure>
      <Figure
        name={t.supply}
        note={
          rules.value && (
            <>
              {t.each} <Amount drops={rules.value.reward} />
            </>
          )
        }
      >
        {issued && scaled(Number(BigInt(issued) / 100_000_000n))}
      </Figure>
    </dl>
  );
}

function Figure({ name, note, children }: { name: string; note: ComponentChildren; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="number">
        {children || (
          <span class="skeleton">
            <span class="bar" />
          </span>
        )}
      </dd>
      <dd class="note">{note || " "}</dd>
    </div>
  );
}

/** The newest blocks as they come. */
function Strip() {
  const t = words.value;
  const blocks = recent.value.slice(0, STRIP);
  const most = rules.value?.limits.block_bytes ?? 1;
  return (
    <section class="strip" aria-label={t.overview.live}>
      <ol>
        {blocks.length === 0 && Array.from({ length: 6 }, (_, i) => <li key={i} class="ghost" />)}
        {blocks.map((block) => (
          <li key={block.id}>
            <a href={to.block(block.id)}>
              <span class="fill" style={{ height: `${Math.max(3, Math.min(100, (block.bytes / most) * 100))}%` }} />
              <span class="hidden">{t.block.title}</span>
              <strong class="number">{block.height.toLocaleString(locale.value)}</strong>
              <span>{t.overview.count(block.transactions)}</span>
              <span class="faint">
                <Ago ms={block.time} />
              </span>
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Charts({ answer, again }: { answer: Answer<Statistics>; again: () => void }) {
  const t = words.value.overview;
  return (
    <Shown answer={answer} again={again} lines={6}>
      {(all) => {
        if (all.height.length < 2) return <Empty>{t.noCharts}</Empty>;
        const x = all.height;
        const [times, latest] = [all.interval_ms, all.difficulty.at(-1) ?? 0];
        const level = all.intended_interval_ms;
        return (
          <div class="columns three">
            <Card title={t.blockTimes}>
              <Chart
                data={{ x, y: times }}
                kind="bars"
                colour="--accent-2"
                format={span}
                summary={t.blockTimesText(x.length, span(all.mean_interval_ms), span(Math.max(...times)))}
                level={level}
              />
            </Card>
            <Card title={t.difficulty}>
              <Chart
                data={{ x, y: all.difficulty }}
                kind="line"
                colour="--accent"
                format={(value) => scaled(value)}
                summary={t.difficultyText(scaled(latest), scaled(Math.min(...all.difficulty)), scaled(Math.max(...all.difficulty)))}
              />
            </Card>
            <Card title={t.perBlock}>
              <Chart
                data={{ x, y: all.transactions }}
                kind="bars"
                colour="--accent"
                format={(value) => (Number.isInteger(value) ? scaled(value) : "")}
                summary={t.perBlockText(
                  all.transactions.reduce((sum, n) => sum + n, 0),
                  x.length,
                )}
              />
            </Card>
          </div>
        );
      }}
    </Shown>
  );
}

function Latest() {
  const t = words.value;
  const [answer, again] = useAnswer(() => api.transactions(LATEST), "latest", tip.value);
  return (
    <Card title={t.overview.latest} extra={<a href="#/transactions">{t.all}</a>}>
      <Shown answer={answer} again={again}>
        {({ list }) => (list.length === 0 ? <Empty>{t.transaction.none}</Empty> : <TransactionTable transactions={list} showBlock />)}
      </Shown>
    </Card>
  );
}

function PoolCard() {
  const t = words.value;
  const [pool, again] = useAnswer(() => api.pool(1), "pool", `${tip.value} ${status.value?.pool.transactions}`);
  const [fees] = useAnswer(() => api.fees(), "fees", tip.value);
  return (
    <Card title={t.pool.title} extra={<a href="#/transactions/pool">{t.all}</a>}>
      <Shown answer={pool} again={again}>
        {(pool) => (
          <>
            <p>{pool.transactions === 0 ? t.pool.empty : t.pool.waiting(pool.transactions)}</p>
            <Meter
              label={t.pool.room}
              value={pool.bytes}
              most={pool.capacity_bytes}
              text={`${bytes(pool.bytes)} / ${bytes(pool.capacity_bytes)}`}
            />
          </>
        )}
      </Shown>
      <h3>{t.pool.fees}</h3>
      <Shown answer={fees}>{(fees) => <FeeLevels fees={fees} />}</Shown>
    </Card>
  );
}

function FeeLevels({ fees }: { fees: Fees }) {
  const t = words.value.pool;
  return (
    <dl class="levels">
      {(["next_block", "three_blocks", "ten_blocks"] as const).map((level) => (
        <div key={level}>
          <dt>{t.levels[level]}</dt>
          <dd>
            <Amount drops={fees[level].transfer} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
