// The search in a page of changes: it hides the groups and table rows that do not contain the text.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const groups = [...document.querySelectorAll("#changes details[data-row]")];
  const rows = [...document.querySelectorAll("#statistics tr[data-row]")];
  const heads = [...document.querySelectorAll("#changes h3[data-kind]")];
  const text = new Map([...groups, ...rows].map((part) => [part, part.textContent.toLowerCase()]));
  const chosen = (id) => by(id) ? by(id).value : "";

  function select() {
    const wanted = by("search").value.trim().toLowerCase();
    const [kind, value] = [chosen("kind"), chosen("value")];
    for (const group of groups) {
      group.hidden = !text.get(group).includes(wanted) || (kind && group.dataset.kind !== kind)
        || (value && group.dataset.value !== value);
    }
    for (const row of rows) row.hidden = !text.get(row).includes(wanted);
    for (const head of heads) {
      head.hidden = !groups.some((group) => !group.hidden && group.dataset.kind === head.dataset.kind);
    }
    if (wanted && rows.some((row) => !row.hidden)) by("statistics").open = true;
    const shown = groups.filter((group) => !group.hidden).length;
    by("count").textContent = `${shown} of ${groups.length} changes at MX hosts`;
  }
  by("search").addEventListener("input", select);
  for (const id of ["kind", "value"]) if (by(id)) by(id).addEventListener("change", select);
  select();
})();
