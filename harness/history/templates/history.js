"use strict";
{
  const only = document.getElementById("only-diverging");
  const padding = document.getElementById("filter-padding");

  const apply = () => {
    for (const family of document.querySelectorAll("section.family")) {
      let shown = 0;
      for (const body of family.querySelectorAll("table.matrix tbody")) {
        const isChosen = !padding.value || body.dataset.padding === padding.value;
        let rows = 0;
        for (const row of body.querySelectorAll("tr:not(.section)")) {
          row.hidden = !isChosen || (only.checked && row.classList.contains("whole"));
          rows += row.hidden ? 0 : 1;
        }
        body.hidden = rows === 0;
        shown += rows;
      }
      family.querySelector(".tall").hidden = shown === 0;
      family.querySelector(".empty").hidden = shown > 0;
    }
  };
  only.addEventListener("change", apply);
  padding.addEventListener("change", apply);
  document.querySelector(".bar .filters").hidden = false;
  apply();  // A browser may keep the state of the filters when it loads the page again.
  document.documentElement.dataset.ready = "true";
}
