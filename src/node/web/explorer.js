// The explorer: shows the newest blocks and transactions, one block, transaction or account, and asks the faucet.
// Everything comes from this node's own interface. Texts are set as text, never as markup.
"use strict";

const WORDS = {
  en: {
    search: "Height, id or address", find: "Find", other: "한국어", faucet: "Faucet", address: "Address",
    claim: "Get coins", block: "Block", blocks: "Blocks", transaction: "Transaction", transactions: "Transactions",
    account: "Account", height: "Height", id: "Id", previous: "Previous", time: "Time", miner: "Miner", count: "Transactions", short: "Txs",
    from: "From", to: "To", amount: "Amount", fee: "Fee", data: "Data", state: "State", pending: "waiting for a block",
    confirmed: n => `in block ${n}`, confirmations: "Confirmations", balance: "Balance", sequence: "Transactions sent",
    tip: when => `blocks, the last ${when}`, pool: "waiting", peers: "peers", none: "None", ready: "ready", unknown: "Nothing of that kind was found.",
    unread: "That is neither a height, nor an id of 64 hex digits, nor an address of 40.",
    offline: "The node does not answer. Trying again…", paying: "Asking…", paid: "Paid with transaction ",
    newer: "Newer", older: "Older",
    ago: s => s < 120 ? `${s} s ago` : s < 7200 ? `${Math.floor(s / 60)} min ago` : s < 172800 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86400)} days ago`,
    reasons: {},
    wait: s => ` Try again in ${Math.ceil(s / 60)} min.`,
  },
  ko: {
    search: "높이, 해시 또는 주소", find: "찾기", other: "English", faucet: "무료 코인", address: "주소",
    claim: "코인 받기", block: "블록", blocks: "블록", transaction: "거래", transactions: "거래",
    account: "계정", height: "높이", id: "해시", previous: "이전 블록", time: "시간", miner: "채굴자", count: "거래 수", short: "거래",
    from: "보낸 주소", to: "받는 주소", amount: "금액", fee: "수수료", data: "데이터", state: "상태", pending: "블록을 기다리는 중",
    confirmed: n => `${n}번 블록에 포함`, confirmations: "확인 수", balance: "잔액", sequence: "보낸 거래 수",
    tip: when => `번째 블록, ${when}`, pool: "건 대기 중", peers: "개 노드 연결", none: "없음", ready: "준비됨", unknown: "찾을 수 없습니다.",
    unread: "높이, 64자리 해시, 40자리 주소 중 어느 것도 아닙니다.",
    offline: "노드가 응답하지 않습니다. 다시 시도합니다…", paying: "요청 중…", paid: "지급 거래: ",
    newer: "최근", older: "이전",
    ago: s => s < 120 ? `${s}초 전` : s < 7200 ? `${Math.floor(s / 60)}분 전` : s < 172800 ? `${Math.floor(s / 3600)}시간 전` : `${Math.floor(s / 86400)}일 전`,
    reasons: {
      "faucet time limit": "한 시간에 한 번만 받을 수 있습니다.",
      "The account already has sufficient balance of 10 Barrel or more.": "이 계정에는 이미 10 Barrel 이상이 있습니다.",
      "invalid address length": "주소의 길이가 맞지 않습니다.",
      "this node has no faucet": "이 노드는 코인을 나누어 주지 않습니다.",
      "the node is catching up with the network, try again in a minute": "노드가 동기화 중입니다. 잠시 후 다시 시도하세요.",
      "the faucet has no coins at the moment, try again later": "지금은 나누어 줄 코인이 없습니다.",
    },
    wait: s => ` ${Math.ceil(s / 60)}분 뒤에 다시 시도하세요.`,
  },
};
const PAGE = 10;
const POLL_MS = 2000;

const at = id => document.getElementById(id);
const stored = () => { try { return localStorage.getItem("language"); } catch { return null; } };
let language = stored() || (navigator.language.startsWith("ko") ? "ko" : "en");
let words = WORDS[language] || WORDS.en;
let page = 1;
let shown = 0;

/** An element with a class and children; texts become text nodes. */
function make(tag, kind, ...children) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

function link(path, text) {
  const a = make("a", "", text);
  a.href = `#/${path}`;
  return a;
}

const short = id => `${id.slice(0, 6)}…${id.slice(-4)}`;
const barrel = drops => {
  const digits = String(drops).padStart(9, "0");
  const rest = digits.slice(-8).replace(/0+$/, "");
  return `${digits.slice(0, -8)}${rest && `.${rest}`} Barrel`;
};
// Times come in nanoseconds, above what a number of JavaScript holds exactly; a second is enough here.
const ago = nanos => words.ago(Math.max(0, Math.floor(Date.now() / 1000 - nanos / 1e9)));

async function ask(path, options) {
  const reply = await fetch(path, { cache: "no-store", ...options });
  const answer = await reply.json();
  // The paths at the root wrap what they answer; those under /v1 do not, and there `data` is a field of a transaction.
  if (reply.ok) return "statusCode" in answer ? answer.data : answer;
  const problem = new Error(answer.error?.message ?? answer.detail ?? answer.message ?? reply.statusText);
  problem.known = true;
  problem.retry = Number(reply.headers.get("Retry-After")) || 0;
  throw problem;
}

function fields(title, rows) {
  const body = make("tbody");
  for (const [name, value, kind] of rows) body.append(make("tr", "", make("th", "", name), make("td", kind || "long", value)));
  return [make("h1", "", title), make("table", "", body)];
}

function list(title, heads, rows, kind = "") {
  const table = make("table", kind, make("thead", "", make("tr", "", ...heads.map(head => make("th", "", head)))));
  const body = make("tbody");
  for (const row of rows) body.append(make("tr", "", ...row.map(cell => make("td", cell instanceof Node ? "long" : "", cell))));
  table.append(body);
  return make("section", "", make("h2", "", title), rows.length ? table : make("p", "faint", words.none));
}

const blockRows = blocks => blocks.map(b => [link(`block/${b.height}`, String(b.height)), ago(b.timestamp), String(b.txCount), link(`account/${b.signer}`, short(b.signer))]);
const txRows = txs => txs.map(t => [link(`tx/${t.hash}`, short(t.hash)), link(`block/${t.blockHeight}`, String(t.blockHeight)), String(parseInt(t.value, 16)), link(`account/${t.to}`, short(t.to))]);

async function home() {
  const [tip, blocks, txs, status] = await Promise.all([
    ask("/last-block"), ask(`/blocks?page=${page}&size=${PAGE}`), ask(`/txs?page=${page}&size=${PAGE}`), ask("/v1/status"),
  ]);
  at("network").textContent = status.network;
  const tipLine = make("p", "tip",
    make("span", "", make("b", "", String(tip.block.height)), make("span", "faint", words.tip(ago(tip.block.timestamp)))),
    make("span", "", make("b", "", String(status.pool.transactions)), make("span", "faint", words.pool)),
    make("span", "", make("b", "", String(status.peers)), make("span", "faint", words.peers)));
  const turn = make("p", "", ...[[words.newer, page - 1], [words.older, page + 1]].flatMap(([text, to]) => {
    const last = Math.max(blocks.totalCount, txs.totalCount);
    if (to < 1 || (to - 1) * PAGE >= last) return [];
    const button = make("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => { page = to; show(); });
    return [button, " "];
  }));
  return [tipLine, make("div", "lists",
    list(words.blocks, [words.height, words.time, words.short, words.miner], blockRows(blocks.blocks), "brief"),
    list(words.transactions, [words.id, words.block, "Barrel ≥", words.to], txRows(txs.transactions), "brief")), turn];
}

async function blockView(id) {
  const { block } = await ask(`/blocks/${encodeURIComponent(id)}`);
  const txs = block.transactions.map(hash => [link(`tx/${hash}`, hash)]);
  return [...fields(`${words.block} ${block.height}`, [
    [words.id, block.hash], [words.previous, block.height ? link(`block/${block.prevBlockHash}`, block.prevBlockHash) : "–"],
    [words.time, `${new Date(block.timestamp / 1e6).toLocaleString(language)} (${ago(block.timestamp)})`, "plain"],
    [words.miner, link(`account/${block.signer}`, `0x${block.signer}`)], [words.count, String(block.txCount), "plain"],
  ]), list(words.transactions, [words.id], txs)];
}

async function txView(id) {
  const tx = await ask(`/v1/transactions/${encodeURIComponent(id)}`);
  const address = text => link(`account/${text.replace(/^0x/, "")}`, text);
  const state = tx.block ? link(`block/${tx.block.height}`, words.confirmed(tx.block.height)) : words.pending;
  return fields(words.transaction, [
    [words.id, tx.id], [words.state, state, "plain"], [words.confirmations, String(tx.confirmations), "plain"],
    [words.from, address(tx.from)], [words.to, address(tx.to)],
    [words.amount, barrel(tx.amount), "plain"], [words.fee, barrel(tx.fee), "plain"], [words.data, tx.data || "–"],
  ]);
}

async function accountView(address) {
  const account = await ask(`/v1/accounts/${encodeURIComponent(address)}`);
  return fields(words.account, [
    [words.address, account.address], [words.balance, barrel(account.balance), "plain"],
    [words.sequence, String(account.sequence), "plain"],
  ]);
}

/** Shows what the address bar names. A slow answer never replaces a newer one. */
async function show() {
  const turn = ++shown;
  const [kind, id] = location.hash.replace(/^#\//, "").split("/");
  const views = { block: blockView, tx: txView, account: accountView };
  try {
    const content = await (id && Object.hasOwn(views, kind) ? views[kind](id) : home());
    if (turn !== shown) return;
    at("view").replaceChildren(...content);
    tell("");
  } catch (problem) {
    if (turn === shown) tell(problem.known ? `${words.unknown} (${problem.message})` : words.offline);
  }
}

function tell(text) {
  at("problem").hidden = !text;
  if (at("problem").textContent !== text) at("problem").textContent = text;
}

async function search(event) {
  event.preventDefault();
  const query = at("query").value.trim().toLowerCase().replace(/^0x/, "");
  if (/^\d{1,18}$/.test(query)) location.hash = `#/block/${Number(query)}`;
  else if (/^[0-9a-f]{40}$/.test(query)) location.hash = `#/account/${query}`;
  else if (/^[0-9a-f]{64}$/.test(query)) {
    const isBlock = await ask(`/blocks/${query}`).then(() => true, () => false);
    location.hash = `#/${isBlock ? "block" : "tx"}/${query}`;
  } else tell(words.unread);
}

async function claim(event) {
  event.preventDefault();
  const outcome = at("outcome");
  outcome.className = "";
  outcome.textContent = words.paying;
  try {
    const body = JSON.stringify({ accountAddress: at("address").value.trim() });
    const { transaction } = await ask("/faucet", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    outcome.replaceChildren(words.paid, link(`tx/${transaction.hash}`, short(transaction.hash)));
  } catch (problem) {
    outcome.className = "refused";
    const reason = words.reasons[problem.message] ?? problem.message;
    outcome.textContent = problem.known ? reason + (problem.retry ? words.wait(problem.retry) : "") : words.offline;
  }
}

function speak() {
  words = WORDS[language] || WORDS.en;
  document.documentElement.lang = language;
  at("language").textContent = words.other;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words[element.dataset.text];
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = words[element.dataset.placeholder];
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words[element.dataset.label]);
}

at("language").addEventListener("click", () => {
  language = language === "ko" ? "en" : "ko";
  try { localStorage.setItem("language", language); } catch { /* a private window keeps nothing */ }
  speak();
  show();
});
at("search").addEventListener("submit", search);
at("claim").addEventListener("submit", claim);

/** Another page is named: what was said about the last one goes, and an account is offered to the faucet. */
function turnTo() {
  const [kind, id] = location.hash.replace(/^#\//, "").split("/");
  page = 1;
  at("outcome").textContent = "";
  if (kind === "account" && id) at("address").value = `0x${id.replace(/^0x/, "")}`;
  show();
}

window.addEventListener("hashchange", turnTo);
setInterval(() => { if (!document.hidden) show(); }, POLL_MS);
speak();
turnTo();
