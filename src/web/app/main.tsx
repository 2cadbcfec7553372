// The start: news from the node, then the page.

import { render } from "preact";
import { listen } from "./live.ts";
import { Shell } from "./shell.tsx";

const place = document.getElementById("app");
if (place) {
  listen();
  render(<Shell />, place);
}
