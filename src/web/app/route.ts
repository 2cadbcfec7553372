// What the part of an address behind # means, and how it is written. Secrets never stand there: addresses are kept in
// histories and logs.

export type Route =
  | { page: "overview" }
  | { page: "blocks" }
  | { page: "block"; which: string }
  | { page: "transactions"; list: "chain" | "pool" }
  | { page: "transaction"; id: string }
  | { page: "account"; address: string }
  | { page: "network" }
  | { page: "faucet" }
  | { page: "wallet"; part: "accounts" | "create" | "import" }
  | { page: "send"; to: string }
  | { page: "search"; text: string }
  | { page: "lost" };

const HEIGHT = /^\d{1,15}$/;
const ID = /^(0x)?[0-9a-f]{64}$/i;
const ADDRESS = /^(0x)?[0-9a-f]{40}$/i;

/** What a path means; a path that means nothing is `lost`. */
export function parse(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split("?");
  const [first = "", second = "", more] = path.split("/").map(decode);
  const values = new URLSearchParams(search);
  if (more !== undefined) return { page: "lost" };
  switch (first) {
    case "":
      return { page: "overview" };
    case "blocks":
    case "network":
    case "faucet":
      return second ? { page: "lost" } : { page: first };
    case "block":
      return HEIGHT.test(second) || ID.test(second) ? { page: "block", which: second } : { page: "lost" };
    case "transactions":
      return { page: "transactions", list: second === "pool" ? "pool" : "chain" };
    case "transaction":
      return ID.test(second) ? { page: "transaction", id: second.replace(/^0x/i, "").toLowerCase() } : { page: "lost" };
    case "account":
      return ADDRESS.test(second) ? { page: "account", address: canonical(second) } : { page: "lost" };
    case "wallet":
      if (second === "send") return { page: "send", to: values.get("to") ?? "" };
      if (second === "") return { page: "wallet", part: "accounts" };
      return second === "create" || second === "import" ? { page: "wallet", part: second } : { page: "lost" };
    case "search":
      return { page: "search", text: values.get("q") ?? "" };
    default:
      return { page: "lost" };
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Whether a text is an address. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text.trim());
}

/** An address the way the node writes it. */
export function canonical(address: string): string {
  return `0x${address.trim().replace(/^0x/i, "").toLowerCase()}`;
}

/** The paths of things. */
export const to = {
  block: (which: string | number) => `#/block/${which}`,
  transaction: (id: string) => `#/transaction/${id}`,
  account: (address: string) => `#/account/${address}`,
  send: (address?: string) => (address ? `#/wallet/send?to=${address}` : "#/wallet/send"),
  search: (text: string) => `#/search?q=${encodeURIComponent(text)}`,
};
