// Bundles the application into a folder: one page, one style, one script, and a script for each worker.
// The names are fixed and nothing in the output depends on the time, the machine or the folder.
//
// usage: node bundle.mjs FOLDER

import { cp, mkdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node bundle.mjs FOLDER");
  process.exit(2);
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await cp("public", folder, { recursive: true });
await build({
  entryPoints: {
    app: "app/main.tsx",
    style: "style/app.css",
    vault: "workers/vault.ts",
    work: "workers/work.ts",
  },
  outdir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome109", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "inline",
  logLevel: "warning",
});
