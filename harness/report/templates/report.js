"use strict";
(async () => {
  const element = (id) => document.getElementById(id);

  // DataTables chooses its dark colours by a class on the root element.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const followScheme = () => document.documentElement.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", followScheme);
  followScheme();

  for (const [id, isOpen] of [["open-all", true], ["close-all", false]]) {
    element(id)?.addEventListener("click", () => {
      for (const block of document.querySelectorAll("details.divergence")) block.open = isOpen;
    });
  }

  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.addEventListener("click", async () => {
      const source = element(button.dataset.copies);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        window.getSelection().selectAllChildren(source);
        button.textContent = "Selected";
      }
      window.setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  const openLinked = () => {
    const block = window.location.hash.startsWith("#divergence-") && element(window.location.hash.slice(1));
    if (block) {
      block.open = true;
      block.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", openLinked);

  const bytes = Uint8Array.from(atob(element("bundle").textContent), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  const { jQuery } = await import(url);
  URL.revokeObjectURL(url);
  const DataTable = jQuery.fn.dataTable;

  // Cell 0 of a row is the number of the divergence that the page shows, "0" for none.
  const { columns, rows } = JSON.parse(element("data").textContent);
  const place = (name) => columns.indexOf(name) + 1;

  const link = (cell, text, row) => {
    if (row[0] === "0") return;
    const anchor = document.createElement("a");
    anchor.href = `#divergence-${row[0]}`;
    anchor.textContent = text;
    cell.replaceChildren(anchor);
  };
  const badge = (cell, text) => {
    const mark = document.createElement("span");
    mark.className = `mark ${text}`;
    mark.textContent = text;
    cell.replaceChildren(mark);
  };
  const whole = (cell, text) => { cell.title = text; };
  const decorate = { result: badge, case: link, error: whole };

  const table = new DataTable("#findings", {
    data: rows,
    columns: columns.map((name, index) => ({
      title: name.replaceAll("_", " "),
      data: index + 1,
      className: `column-${name}`,
      render: DataTable.render.text(),
      createdCell: decorate[name] && ((cell, text, row) => decorate[name](cell, text, row)),
      type: name === "max_abs_error" ? "num" : "string",
    })),
    order: [],
    autoWidth: false,
    pageLength: 25,
    lengthMenu: [10, 25, 100, 500],
    layout: { topStart: "info", topEnd: "search", bottomStart: "pageLength", bottomEnd: "paging" },
    language: { search: "Search", entries: { _: "findings", 1: "finding" }, emptyTable: "No findings." },
  });
  const scroller = document.createElement("div");
  scroller.className = "scroll";
  const node = table.table().node();
  node.replaceWith(scroller);
  scroller.append(node);

  const chosen = new Map();
  table.search.fixed("filters", (_, row) => [...chosen].every(([index, value]) => row[index] === value));
  for (const name of element("filters").dataset.columns.split(" ")) {
    const index = place(name);
    const values = [...new Set(rows.map((row) => row[index]))].sort();
    if (values.length < 2) continue;
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.id = `filter-${name}`;
    select.append(new Option("any", "any"));
    values.forEach((value, position) => select.append(new Option(value || "(none)", String(position))));
    select.addEventListener("change", () => {
      if (select.value === "any") chosen.delete(index);
      else chosen.set(index, values[Number(select.value)]);
      table.draw();
    });
    label.append(`${name} `, select);
    element("filters").append(label);
  }
  openLinked();  // The page has its final height now.
  document.documentElement.dataset.ready = "true";
})();
