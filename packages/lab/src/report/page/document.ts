/** The page as a whole: one file that loads nothing from anywhere. */
import { type Content, html, jsonMarkup, Markup } from "./html.js";
import type { PageData } from "./plots.js";

export interface PageAssets {
  readonly plotScript: string;
  readonly plotStyle: string;
  readonly pageScript: string;
  readonly pageStyle: string;
}

/** Nothing but what is in the file may run or load. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

export function pageDocument(title: string, sections: readonly Content[], data: PageData, assets: PageAssets): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>${title}</title>
<link rel="icon" href="data:,">
<style>${verbatim(assets.plotStyle)}${verbatim(assets.pageStyle)}</style></head>
<body><header><h1>${title}</h1><button type="button" id="theme">theme: as the system</button></header>
<main>${sections}</main><footer>Written by vmcslab. The plots need JavaScript; the tables do not.</footer>
<script type="application/json" id="data">${jsonMarkup(data)}</script>
<script>${verbatim(assets.plotScript)}</script><script type="module">${verbatim(assets.pageScript)}</script></body></html>
`.text;
}

/** Our own code, which must not end its element. */
function verbatim(code: string): Markup {
  if (/<\/(script|style)/i.test(code)) throw new Error("a script or a style of the page would end its element");
  return new Markup(code.replace(/\/\/# sourceMappingURL=.*/g, ""));
}
