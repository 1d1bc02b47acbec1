// The table of domains: search, filters, sorting, paging and details. Text from outside is always set as text, never
// as markup. results/report/page_data.py describes the data.
"use strict";
(() => {
  const PAGE = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const { domains, hosts, certs, words } = data;
  const by = (id) => document.getElementById(id);
  const body = by("domains").tBodies[0];
  const heads = [...by("domains").tHead.rows[0].cells];
  const filters = [...document.querySelectorAll("select[data-column]")];
  const TONES = {
    good: ["yes", "ok", "verified", "protected", "all", "trusted", "dane", "sts", "both"],
    bad: ["no", "fail", "broken", "mismatch", "no_tls", "defer", "failed", "lookup_failed",
      "invalid", "pattern_mismatch", "name_mismatch"],
    warn: ["inconclusive", "unknown", "partial", "some", "insecure", "unusable", "untrusted", "cleartext"],
  };
  const tone = (word) => Object.keys(TONES).find((name) => TONES[name].includes(word)) || "none";
  const haystack = domains.map((d) => [d[0], ...d[6].map((h) => hosts[h[0]].host)].join("\n").toLowerCase());
  const state = { column: 0, down: false, page: 0, shown: domains.map((_, place) => place) };

  // --- creation of elements ---

  function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  }
  const badge = (word) => make("span", { className: `badge ${tone(word)}` }, word);
  const cell = (...children) => make("td", {}, ...children);
  const labelled = (label, ...children) => make("td", { "data-label": label }, ...children);
  // Text in which a line ends inside a name only if the name alone is longer than the line.
  const name = (text) => text.split(" ").flatMap((word, place) => [...(place ? [" "] : []), whole(word)]);
  function whole(word) {
    const parts = word.split(/(?<=[.@/:_-])(?=.)/);
    if (parts.length === 1) return word;
    return make("span", { className: "whole" }, ...parts.flatMap((part, place) => place ? [make("wbr"), part] : [part]));
  }
  const headOf = (column) => heads[column].textContent;
  const line = (...children) => make("div", {}, ...children);
  const reason = (code) => words.reasons[code] || code;

  function table(caption, columns, rows) {
    const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
    return make("div", { className: "scroll" }, make("table", { className: "cards" },
      make("caption", {}, caption), make("thead", {}, head),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value, place) =>
        make("td", { "data-label": columns[place] }, ...(typeof value === "string" ? name(value) : [value]))))))));
  }

  // --- details of a domain ---

  function details(domain) {
    const [, , , , , reasons, seen, mx, text, , , , policy] = domain;
    const parts = [line(`MX records: ${words.dnssec[mx] || mx}`)];
    if (reasons.length) parts.push(line(`Reasons: ${reasons.map(reason).join("; ")}`));
    if (text) parts.push(make("blockquote", {}, text));
    parts.push(...policy.map((text) => line(...name(text))));
    return [...parts, ...seen.map(hostDetails)];
  }

  function hostDetails([place, preference, dane, reasons, verdicts, text, sts]) {
    const host = hosts[place];
    const box = make("div", { className: "host" },
      make("h3", {}, `${preference} `, ...name(host.host), " ", badge(dane), " ", words.dane[dane] || "",
        ...(sts && sts !== "none" ? [" ", badge(sts), " ", words.sts[sts] || ""] : [])));
    if (reasons.length) box.append(line(reasons.map(reason).join("; ")));
    if (text) box.append(make("blockquote", {}, text));
    for (const [type, security, records] of host.answers) {
      box.append(line(...name(`${type}: ${records.join(", ") || "none"} (${words.dnssec[security] || security})`)));
    }
    if (host.tlsa.length) box.append(make("pre", {}, host.tlsa.map((row) => row[0]).join("\n")));
    for (const verdict of verdicts) box.append(addressDetails(host, verdict));
    if (host.inferred) box.append(line(...name(host.inferred)));
    for (const [address, code] of host.skipped) box.append(line(`${address}: not contacted, ${reason(code)}`));
    return box;
  }

  function addressDetails(host, [address, tls, dane, reasons, text]) {
    const box = make("div", {}, make("h3", {}, ...name(address), " ", badge(tls), " ", badge(dane)));
    const seen = host.addresses[address];
    if (reasons.length) box.append(line(reasons.map(reason).join("; ")));
    if (text) box.append(make("blockquote", {}, text));
    if (!seen) return box;
    if (seen.session) box.append(line(seen.session));
    for (const other of seen.others) box.append(line(other));
    if (seen.tlsa.length) {
      box.append(table("TLSA records against the certificates", ["record", "matches", "explanation"],
        seen.tlsa.map(([record, matched, why]) => [host.tlsa[record][0], badge(matched ? "yes" : "no"), why])));
    }
    if (seen.chain.length) {
      box.append(table("Certificates as sent", ["depth", "subject", "issuer", "names", "valid", "key", "SHA-256"],
        seen.chain.map((number, depth) => [String(depth), ...certs[number]])));
    }
    if (seen.transcript.length) {
      box.append(make("details", {}, make("summary", {}, "Transcript"), make("pre", {}, seen.transcript.join("\n"))));
    }
    return box;
  }

  // --- the table ---

  function row(place) {
    const domain = domains[place];
    const id = `detail-${place}`;
    const open = make("button", { type: "button", className: "open", "aria-expanded": "false", "aria-controls": id },
      make("span", {}, ...name(domain[0])));
    const main = make("tr", {}, make("th", { scope: "row" }, open),
      ...[1, 2, 3, 4].map((column) => labelled(headOf(column), badge(domain[column]))),
      labelled(headOf(5), ...name(domain[6].map((host) => hosts[host[0]].host).slice(0, 3).join(", "))),
      labelled(headOf(6), domain[5].slice(0, 3).map(reason).join("; ")),
      ...(data.sts ? [labelled(headOf(7), badge(domain[10]))] : []),
      ...(data.column ? [labelled(headOf(data.sts ? 8 : 7), domain[9])] : []));
    const detail = make("tr", { className: "detail", id, hidden: true }, make("td", { colSpan: heads.length }));
    open.addEventListener("click", () => {
      if (!detail.cells[0].childNodes.length) detail.cells[0].append(...details(domain));
      detail.hidden = !detail.hidden;
      open.setAttribute("aria-expanded", String(!detail.hidden));
    });
    return [main, detail];
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(state.shown.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const places = state.shown.slice(state.page * PAGE, (state.page + 1) * PAGE);
    body.replaceChildren(...places.flatMap(row));
    by("count").textContent = `${state.shown.length} of ${domains.length} domains, page ${state.page + 1} of ${pages}`;
    by("previous").disabled = state.page === 0;
    by("next").disabled = state.page >= pages - 1;
    heads.forEach((head, column) => {
      if (column === state.column) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  function sortKey(domain) {
    const value = domain[{ 5: 6, 6: 5, 7: data.sts ? 10 : 9, 8: 9 }[state.column] || state.column];
    return typeof value === "string" ? value : state.column === 6 ? value.join() : value.map((h) => hosts[h[0]].host).join();
  }

  function select() {
    const begun = performance.now();
    const asked = by("search").value.trim().toLowerCase();
    const wanted = filters.filter((filter) => filter.value).map((filter) => [Number(filter.dataset.column), filter.value]);
    const fits = (place) => haystack[place].includes(asked)
      && wanted.every(([column, value]) => column === 5 ? domains[place][5].includes(value) : domains[place][column] === value);
    state.shown = order.filter(fits);
    state.page = 0;
    draw();
    document.documentElement.dataset.searchMs = (performance.now() - begun).toFixed(1);
  }

  let order = [];
  function sort() {
    const keys = domains.map(sortKey);
    const sign = state.down ? -1 : 1;
    order = domains.map((_, place) => place);
    order.sort((a, b) => (keys[a] < keys[b] ? -sign : keys[a] > keys[b] ? sign : a - b));
    select();
  }

  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    state.down = state.column === column && !state.down;
    state.column = column;
    sort();
  }));
  for (const filter of filters) {
    const column = Number(filter.dataset.column);
    const values = new Set(column === 5 ? domains.flatMap((d) => d[5]) : domains.map((d) => d[column]));
    filter.append(...[...values].sort().map((value) => make("option", { value }, value)));
    filter.addEventListener("change", select);
  }
  by("search").addEventListener("input", select);
  by("previous").addEventListener("click", () => { state.page -= 1; draw(); });
  by("next").addEventListener("click", () => { state.page += 1; draw(); });
  sort();
  document.documentElement.dataset.readyMs = performance.now().toFixed(1);
})();
