// The start: news from the node, then the page.

import { render } from "preact";
import { meet } from "./api.ts";
import { listen } from "./live.ts";
import { Shell } from "./shell.tsx";

const place = document.getElementById("app");
if (place) {
  await meet();
  listen();
  render(<Shell />, place);
}
